//! Changelog texts: cleaning, telling boilerplate from news, and the security patch they name. Pure.

use chrono::NaiveDate;

/// Lines that say nothing about a release, in lower case and without a full stop.
const BOILERPLATE: [&str; 2] = ["bug fixes and system optimizations", "changelog"];

/// Brings a changelog into its stored form: lines trimmed, empty lines at both ends dropped. `None` when nothing but
/// boilerplate is left.
#[must_use]
pub fn clean(text: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let says_something = |line: &&str| {
        let line = line.trim_end_matches('.').to_ascii_lowercase();
        !line.is_empty() && !BOILERPLATE.contains(&line.as_str())
    };
    lines
        .iter()
        .any(says_something)
        .then(|| lines.join("\n").trim().to_owned())
}

/// The first day of the month whose Android security patch a changelog names; the latest where it names several.
#[must_use]
pub fn security_patch(text: &str) -> Option<NaiveDate> {
    text.lines().filter_map(named_month).max()
}

/// Reads `… security patch to August 2024 …` and `… security patch to 2018-08-01 …`.
fn named_month(line: &str) -> Option<NaiveDate> {
    const PHRASE: &str = "security patch to ";
    let lower = line.to_ascii_lowercase();
    if lower.starts_with("removed") {
        return None;
    }
    lower
        .match_indices(PHRASE)
        .filter_map(|(at, _)| month(lower.get(at + PHRASE.len()..)?))
        .max()
}

fn month(text: &str) -> Option<NaiveDate> {
    if let Some((year, rest)) = text.split_once('-')
        && let Ok(year) = year.parse()
    {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        return NaiveDate::from_ymd_opt(year, rest.get(..digits)?.parse().ok()?, 1);
    }
    let mut words = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    let month: chrono::Month = words.next()?.parse().ok()?;
    let year = words.take(2).find(|word| word.len() == 4)?.parse().ok()?;
    NaiveDate::from_ymd_opt(year, month.number_from_month(), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boilerplate_is_no_changelog() {
        for text in [
            "",
            "  \n ",
            "Bug fixes and system optimizations.",
            "Changelog\nBug fixes and system optimizations.",
            "Changelog",
        ] {
            assert_eq!(clean(text), None, "{text:?}");
        }
        let text = " [System] \nOptimization: Bug fixes \n";
        assert_eq!(clean(text).as_deref(), Some("[System]\nOptimization: Bug fixes"));
    }

    #[test]
    fn the_security_patch_month_is_found() {
        for (text, month) in [
            (
                "[System]\nUpdated the security patch to August 2024. Increased system security.",
                Some("2024-08-01"),
            ),
            (
                "Optimization: Updated Android Security Patch to March 2021.",
                Some("2021-03-01"),
            ),
            (
                "Fix - Updated Android Security Patch to 2018-09-01 (09-19)Fix - German (09-19)",
                Some("2018-09-01"),
            ),
            (
                "Restore Updated Android Security Patch to July 1, 2017",
                Some("2017-07-01"),
            ),
            ("Removed: Updated Android Security Patch to July 2021.", None),
            ("Fix: Updated Android Security Patch", None),
            ("Updated the security patch to Smarch 2024", None),
            ("A to August 2024", None),
        ] {
            assert_eq!(
                security_patch(text).map(|day| day.to_string()).as_deref(),
                month,
                "{text}"
            );
        }
    }
}
