//! Versions, in every form that Xiaomi has used, ordered by their numbers.

use std::{cmp::Ordering, fmt, str::FromStr};

use super::{Invalid, Region, text_column};

/// The version of a release, for example `V12.5.4.0.RKHMIXM`, `OS2.0.207.0.VGQMIXM`, `9.6.27` or `V13.1.22.10.11.DEV`.
///
/// Letters, digits, `.`, `-` and `_`, at most [`Version::MAX_LENGTH`] of them, with a digit among them. The one known
/// typing error, a full stop behind the first `V`, is mended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Version(String);

/// The letters at the end of a stable version: `RKHMIXM` is Android letter R, device KH, region MI, channel XM.
///
/// Source: the naming of Xiaomi's build servers, as the archive's file names show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionTail<'a> {
    /// The Android version's letter: R is Android 11.
    pub android: &'a str,
    /// Two characters for the device; several devices share some.
    pub device: &'a str,
    /// Two letters for the region.
    pub region: &'a str,
    /// Two letters for the channel: `XM` for everyone.
    pub channel: &'a str,
}

/// What a version is ordered by: the line it belongs to, its numbers, then its text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct VersionKey {
    line: Line,
    numbers: Vec<u32>,
    text: String,
}

/// Numbering schemes, oldest first: numbers compare only within one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Line {
    /// `JHACNBH22.0`, of 2014.
    Lettered,
    /// `9.6.27`: year, month, day.
    Weekly,
    /// `V12.5.4.0…` and `A15.0.26.0…`.
    Miui,
    /// `OS2.0.207.0…`, and `V816.0.3.0…` as the first of them.
    HyperOs,
}

impl Version {
    /// The longest version accepted, in characters.
    pub const MAX_LENGTH: usize = 40;

    /// The version as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a public beta: it ends in `.DEV`.
    #[must_use]
    pub fn is_public_beta(&self) -> bool {
        self.0.ends_with(".DEV")
    }

    /// Whether it is a weekly build: year, month and day.
    #[must_use]
    pub fn is_weekly(&self) -> bool {
        self.0.split('.').count() == 3 && self.0.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    }

    /// The letters behind the numbers; `None` for weekly, beta and 2014 versions.
    #[must_use]
    pub fn tail(&self) -> Option<VersionTail<'_>> {
        let (_, tail) = self.0.rsplit_once('.')?;
        if tail.len() != 7
            || !tail
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        {
            return None;
        }
        // The device's two may be digits; the others are letters.
        let letters = |range: std::ops::Range<usize>| {
            tail.get(range.clone())
                .filter(|part| part.bytes().all(|byte| byte.is_ascii_uppercase()))
        };
        Some(VersionTail {
            android: letters(0..1)?,
            device: tail.get(1..3)?,
            region: letters(3..5)?,
            channel: letters(5..7)?,
        })
    }

    /// The region that the letters tell, `None` for a version without letters.
    ///
    /// # Errors
    /// When there are region letters and they are not known.
    pub fn region(&self) -> Result<Option<Region>, Invalid> {
        if let Some(tail) = self.tail() {
            return Region::from_version_letters(tail.region).map(Some);
        }
        // 2014: Android letter, two for the device, two for the region, then cycle and build.
        let lettered = self.line() == Line::Lettered;
        Ok(self
            .0
            .get(3..5)
            .filter(|letters| lettered && self.0.len() > 7 && letters.bytes().all(|byte| byte.is_ascii_uppercase()))
            .and_then(|letters| Region::from_version_letters(letters).ok()))
    }

    /// The Android version that the tail's first letter stands for, as sources write it (`13.0`); `None` without a tail,
    /// and for L, which was both 5.0 and 5.1.
    #[must_use]
    pub fn android(&self) -> Option<&'static str> {
        Some(match self.tail()?.android {
            "K" => "4.4",
            "M" => "6.0",
            "N" => "7.0",
            "O" => "8.0",
            "P" => "9.0",
            "Q" => "10.0",
            "R" => "11.0",
            "S" => "12.0",
            "T" => "13.0",
            "U" => "14.0",
            "V" => "15.0",
            "W" => "16.0",
            "X" => "17.0",
            _ => return None,
        })
    }

    /// What the version is ordered by, for who compares it often.
    #[must_use]
    pub fn key(&self) -> VersionKey {
        let line = self.line();
        VersionKey {
            line,
            numbers: self.numbers(line).collect(),
            text: self.0.clone(),
        }
    }

    /// What versions of one line are ordered by before their texts.
    fn numbers(&self, line: Line) -> impl Iterator<Item = u32> {
        let text = self.0.as_str();
        let (letters, numbered) = match line {
            // Android letter, the two cycle letters before the digits, then the digits: `JHACNBH22.0` is J, BH, 22, 0.
            Line::Lettered => {
                let digits = text.find(|first: char| first.is_ascii_digit()).unwrap_or(text.len());
                text.split_at(digits)
            }
            _ => ("", text),
        };
        let cycle = letters.len().saturating_sub(2).max(1);
        let letters = letters
            .bytes()
            .take(1)
            .chain(letters.bytes().skip(cycle))
            .map(u32::from);
        // V816 is HyperOS 1's internal number.
        let internal = numbered.strip_prefix("V816").filter(|_| line == Line::HyperOs);
        let one = internal.map(|_| 1);
        // One digit of a weekly version's year stands for 201y.
        let year = move |(place, number): (usize, u32)| match line {
            Line::Weekly if place == 0 && number < 10 => number + 10,
            _ => number,
        };
        let numbers = one.into_iter().chain(numbers(internal.unwrap_or(numbered)));
        letters.chain(numbers.enumerate().map(year))
    }

    fn line(&self) -> Line {
        let text = self.0.as_str();
        let numbered = |prefix: &str| {
            text.strip_prefix(prefix)
                .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
        };
        if numbered("OS") || text.starts_with("V816.") {
            Line::HyperOs
        } else if numbered("V") || numbered("A") {
            Line::Miui
        } else if numbered("") {
            Line::Weekly
        } else {
            Line::Lettered
        }
    }
}

/// The numbers of a dotted text, up to the first part that starts with a letter; a part's own leading letters do not count.
fn numbers(text: &str) -> impl Iterator<Item = u32> {
    text.trim_start_matches(|first: char| first.is_ascii_alphabetic() || first == '.')
        .split('.')
        .map_while(|part| {
            let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            part.get(..digits).filter(|digits| !digits.is_empty())?.parse().ok()
        })
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let (line, other_line) = (self.line(), other.line());
        line.cmp(&other_line)
            .then_with(|| self.numbers(line).cmp(other.numbers(other_line)))
            .then_with(|| self.0.cmp(&other.0))
    }
}

impl FromStr for Version {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        if text.len() > Self::MAX_LENGTH
            || !text.bytes().all(allowed)
            || !text.bytes().any(|byte| byte.is_ascii_digit())
        {
            return Err(Invalid::new(
                "version",
                "1 to 40 ASCII letters, digits, full stops, hyphens and underscores, with a digit among them",
                text,
            ));
        }
        Ok(Self(match text.strip_prefix("V.") {
            Some(rest) => format!("V{rest}"),
            None => text.to_owned(),
        }))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

text_column!(Version);

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn versions_order_by_their_numbers() {
        let ascending = [
            "JLB22.0",
            "JLB50.0",
            "6.11.10",
            "7.11.16",
            "9.6.27",
            "9.10.10",
            "20.5.7",
            "22.1.19",
            "V9.5.10.0.ODHMIFA",
            "V12.5.9.0.RKHMIXM",
            "V12.5.10.0.RKHMIXM",
            "V13.0.1.0.SKHMIXM",
            "V14.0.23.5.8.DEV",
            "V816.0.3.0.UGRMIXM",
            "OS1.0.4.0.UNAMIXM",
            "OS1.0.23.11.19.DEV",
            "OS2.0.105.0.VGQMIXM",
            "OS2.0.207.0.VGQMIXM",
        ];
        for pair in ascending.windows(2) {
            assert!(version(pair[0]) < version(pair[1]), "{} < {}", pair[0], pair[1]);
        }
    }

    #[test]
    fn the_typing_error_is_mended() {
        assert_eq!(version("V.9.5.10.0.ODHMIFA").as_str(), "V9.5.10.0.ODHMIFA");
    }

    #[test]
    fn a_version_tells_its_region_and_android() {
        for (text, region, android) in [
            ("V12.5.4.0.RKHMIXM", Ok(Some(Region::Global)), Some("11.0")),
            ("OS2.0.207.0.VGQEUXM", Ok(Some(Region::Eea)), Some("15.0")),
            ("V12.0.2.0.QGICMXM", Ok(Some(Region::China)), Some("10.0")),
            ("V5.0.1.0.L13QQXM", Err(()), None),
            ("9.6.27", Ok(None), None),
            ("V13.1.22.10.11.DEV", Ok(None), None),
            ("JHACNBH22.0", Ok(Some(Region::China)), None),
            ("KXDCNBF21.0", Ok(Some(Region::China)), None),
            ("JLB50.0", Ok(None), None),
        ] {
            assert_eq!(version(text).region().map_err(|_| ()), region, "{text}");
            if !text.starts_with("V5") {
                assert_eq!(version(text).android(), android, "{text}");
            }
        }
    }

    #[test]
    fn kinds_are_told_apart() {
        assert!(version("V13.1.22.10.11.DEV").is_public_beta());
        assert!(version("9.6.27").is_weekly());
        assert!(!version("V9.6.27").is_weekly());
        assert!(!version("9.6.27.1").is_weekly());
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in ["", "None", "V 1", "1/2", &"1".repeat(41)] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }
}
