//! What a feed is asked for: the filter of a release list, as parameters of an address.

use std::fmt::Write as _;

use entity::value::{Branch, OperatingSystem, PackageType, Region};
use url::form_urlencoded;

use super::Format;
use crate::catalog::{Day, Filter, Member, Set};

/// What a feed admits, and which document of it is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    filter: Filter,
    archive: Option<usize>,
    /// The parameters in one order and spelling, whatever they came in: equal feeds have equal addresses.
    canonical: Vec<(&'static str, String)>,
}

/// A parameter that cannot be obeyed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its name.
    pub parameter: String,
    /// What is wrong with it and what is allowed; lower case, no full stop.
    pub message: String,
}

impl Refusal {
    pub(super) fn new(parameter: &str, message: impl Into<String>) -> Self {
        Self {
            parameter: quoted(parameter),
            message: message.into(),
        }
    }
}

/// Every parameter that narrows a feed, in the order in which addresses list them.
const PARAMETERS: [&str; 12] = [
    "device",
    "os",
    "branch",
    "region",
    "type",
    "version",
    "versionPrefix",
    "android",
    "releasedOn.from",
    "releasedOn.to",
    "securityPatch.from",
    "securityPatch.to",
];

/// The parameter that asks for a page of the archive.
const ARCHIVE: &str = "archive";

/// How many values one parameter may have.
const MOST_VALUES: usize = 100;

/// How many characters of what came are said back.
const QUOTED: usize = 60;

impl Query {
    /// Reads the part of an address behind the question mark. A parameter may come several times, and each may list
    /// several values between commas; any of them admits a release.
    ///
    /// # Errors
    /// When a parameter is unknown, or a value is none that it can have.
    pub fn parse(format: Format, text: &str) -> Result<Self, Refusal> {
        let mut values: Vec<(&'static str, Vec<String>)> = PARAMETERS.iter().map(|name| (*name, Vec::new())).collect();
        let mut query = Self::default();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            if name == ARCHIVE && format != Format::Calendar {
                if query.archive.replace(page(&value)?).is_some() {
                    return Err(Refusal::new(ARCHIVE, "must come once"));
                }
                continue;
            }
            let Some((known, list)) = values.iter_mut().find(|(known, _)| *known == name) else {
                return Err(unknown(format, &name));
            };
            list.extend(value.split(',').map(|value| value.trim().to_owned()));
            if list.len() > MOST_VALUES {
                return Err(Refusal::new(known, format!("has more than {MOST_VALUES} values")));
            }
        }
        for (name, list) in values {
            if !list.is_empty() {
                let list = query.filter.narrow(name, list)?;
                query.canonical.push((name, list.join(",")));
            }
        }
        Ok(query)
    }

    /// What a release, or one of its packages, must be.
    #[must_use]
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The page of the archive that is wanted, counted from 1, the oldest.
    #[must_use]
    pub fn archive(&self) -> Option<usize> {
        self.archive
    }

    /// The part of an address behind the path, with its question mark, for a page of this feed's archive or for the feed itself.
    #[must_use]
    pub fn to_url_query(&self, archive: Option<usize>) -> String {
        let mut text = String::new();
        for (name, value) in &self.canonical {
            // commas need no escape, and addresses are read by people
            let value: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
            let _ = write!(text, "{}{name}={}", separator(&text), value.replace("%2C", ","));
        }
        if let Some(page) = archive {
            let _ = write!(text, "{}{ARCHIVE}={page}", separator(&text));
        }
        text
    }

    /// What the feed holds, in words for its title.
    pub(super) fn title(&self) -> String {
        let mut title = "Xiaomi ROMs".to_owned();
        for (place, (name, value)) in self.canonical.iter().enumerate() {
            title.push_str(if place == 0 { ": " } else { ", " });
            let value = value.replace(',', " or ");
            let _ = match *name {
                "device" | "os" | "branch" | "region" | "type" => write!(title, "{value}"),
                _ => write!(title, "{name} {value}"),
            };
        }
        title
    }
}

fn separator(text: &str) -> char {
    if text.is_empty() { '?' } else { '&' }
}

fn page(value: &str) -> Result<usize, Refusal> {
    value.parse().ok().filter(|page| *page > 0).ok_or_else(|| {
        Refusal::new(
            ARCHIVE,
            format!("must be a whole number from 1 on, not \"{}\"", quoted(value)),
        )
    })
}

fn unknown(format: Format, name: &str) -> Refusal {
    let archive = if format == Format::Calendar { "" } else { ", archive" };
    Refusal::new(
        name,
        format!("is unknown; there are: {}{archive}", PARAMETERS.join(", ")),
    )
}

fn quoted(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(QUOTED).collect()
}

/// A filter that is narrowed by parameters.
trait Narrow {
    /// Obeys one parameter; gives its values in their canonical spelling and order.
    fn narrow(&mut self, name: &'static str, values: Vec<String>) -> Result<Vec<String>, Refusal>;
}

impl Narrow for Filter {
    fn narrow(&mut self, name: &'static str, values: Vec<String>) -> Result<Vec<String>, Refusal> {
        match name {
            "os" => members(name, &values, &mut self.os, OperatingSystem::name),
            "branch" => members(name, &values, &mut self.branch, Branch::name),
            "region" => members(name, &values, &mut self.region, Region::name),
            "type" => members(name, &values, &mut self.r#type, PackageType::name),
            "device" => {
                let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
                let rule = "must be codenames, of letters, digits, underscores, hyphens and full stops";
                let list = texts(name, values, rule, plain, str::to_ascii_lowercase)?;
                self.device = Some(list.clone());
                Ok(list)
            }
            "version" => {
                let list = texts(name, values, VERSIONS, is_of_version, str::to_ascii_uppercase)?;
                self.version = Some(list.clone());
                Ok(list)
            }
            "versionPrefix" => {
                let list = texts(name, values, VERSIONS, is_of_version, str::to_ascii_uppercase)?;
                self.version_prefix = Some(one(name, &list)?);
                Ok(list)
            }
            "android" => {
                let plain = |c: char| c.is_ascii_digit() || c == '.';
                let list = texts(
                    name,
                    values,
                    "must be Android versions such as 13 or 7.1",
                    plain,
                    str::to_owned,
                )?;
                self.android = Some(list.clone());
                Ok(list)
            }
            // what is left are the ends of the two ranges
            _ => {
                let value = one(name, &values)?;
                let Some(day) = Day::parse(&value) else {
                    let message = format!("must be a date such as 2024-05-31, not \"{}\"", quoted(&value));
                    return Err(Refusal::new(name, message));
                };
                let range = if name.starts_with("releasedOn") {
                    &mut self.released_on
                } else {
                    &mut self.security_patch
                };
                let days = range.get_or_insert_default();
                let end = if name.ends_with(".from") {
                    &mut days.from
                } else {
                    &mut days.to
                };
                *end = Some(day);
                Ok(vec![value])
            }
        }
    }
}

const VERSIONS: &str = "must be versions, of letters, digits, full stops, hyphens and underscores";

fn is_of_version(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}

fn members<T: Member>(
    parameter: &str,
    values: &[String],
    set: &mut Option<Set<T>>,
    name: fn(T) -> &'static str,
) -> Result<Vec<String>, Refusal> {
    let wanted = set.get_or_insert_default();
    for value in values {
        let Some(member) = T::MEMBERS
            .iter()
            .find(|member| name(**member).eq_ignore_ascii_case(value))
        else {
            let allowed: Vec<_> = T::MEMBERS.iter().map(|member| name(*member)).collect();
            let message = format!("must be one of {}, not \"{}\"", allowed.join(", "), quoted(value));
            return Err(Refusal::new(parameter, message));
        };
        wanted.insert(*member);
    }
    Ok(wanted.iter().map(|member| name(member).to_owned()).collect())
}

/// Values of plain characters, sorted, each once.
fn texts(
    parameter: &str,
    values: Vec<String>,
    rule: &str,
    plain: impl Fn(char) -> bool,
    spell: impl Fn(&str) -> String,
) -> Result<Vec<String>, Refusal> {
    let mut list = Vec::with_capacity(values.len());
    for value in values {
        if value.is_empty() || value.len() > 64 || !value.chars().all(&plain) {
            return Err(Refusal::new(parameter, format!("{rule}, not \"{}\"", quoted(&value))));
        }
        list.push(spell(&value));
    }
    list.sort_unstable();
    list.dedup();
    Ok(list)
}

fn one(parameter: &str, values: &[String]) -> Result<String, Refusal> {
    match values {
        [value] => Ok(value.clone()),
        _ => Err(Refusal::new(parameter, "must have one value")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Query, Refusal> {
        Query::parse(Format::Atom, text)
    }

    #[test]
    fn parameters_narrow_in_one_canonical_form() {
        for (text, canonical) in [
            ("", ""),
            ("device=ALIOTH", "?device=alioth"),
            ("region=india&device=b,a&region=EEA", "?device=a,b&region=EEA,INDIA"),
            ("type=FASTBOOT,RECOVERY,fastboot", "?type=RECOVERY,FASTBOOT"),
            ("versionPrefix=os2.&os=HYPEROS", "?os=HYPEROS&versionPrefix=OS2."),
            ("android=13&branch=STABLE_BETA", "?branch=STABLE_BETA&android=13"),
            (
                "releasedOn.to=2024-12-31&releasedOn.from=2024-01-01",
                "?releasedOn.from=2024-01-01&releasedOn.to=2024-12-31",
            ),
            (
                "securityPatch.from=2024-01-01&securityPatch.to=2024-02-01&version=7.12.28",
                "?version=7.12.28&securityPatch.from=2024-01-01&securityPatch.to=2024-02-01",
            ),
        ] {
            let query = parse(text).unwrap();
            assert_eq!(query.to_url_query(None), canonical, "{text}");
            let again = parse(canonical.trim_start_matches('?')).unwrap();
            assert_eq!(again, query, "{text}");
        }
    }

    #[test]
    fn a_page_of_the_archive_is_part_of_the_address() {
        let query = parse("archive=3&region=EEA").unwrap();
        assert_eq!(query.archive(), Some(3));
        assert_eq!(query.to_url_query(Some(2)), "?region=EEA&archive=2");
        assert_eq!(Query::default().to_url_query(Some(2)), "?archive=2");
    }

    #[test]
    fn what_cannot_be_obeyed_is_named_with_what_is_allowed() {
        for (text, parameter, said) in [
            ("regoin=EEA", "regoin", "there are: device, os, branch, region"),
            ("region=Mars", "region", "one of CHINA, GLOBAL, EEA"),
            ("region=", "region", "not \"\""),
            ("type=RECOVERY,", "type", "one of RECOVERY"),
            ("device=a/b", "device", "codenames"),
            ("version=1 2", "version", "versions"),
            ("versionPrefix=OS1&versionPrefix=OS2", "versionPrefix", "one value"),
            ("android=thirteen", "android", "such as 13"),
            ("releasedOn.from=yesterday", "releasedOn.from", "2024-05-31"),
            ("releasedOn.to=2024-02-30", "releasedOn.to", "2024-05-31"),
            ("archive=0", "archive", "from 1 on"),
            ("archive=1&archive=2", "archive", "once"),
            ("first=10", "first", "archive"),
        ] {
            let refusal = parse(text).unwrap_err();
            assert_eq!(refusal.parameter, parameter, "{text}");
            assert!(refusal.message.contains(said), "{text}: {}", refusal.message);
        }
        let many = format!("device={}", vec!["a"; 101].join(","));
        assert!(parse(&many).unwrap_err().message.contains("100"));
        let calendar = Query::parse(Format::Calendar, "archive=1").unwrap_err();
        assert!(!calendar.message.contains("archive"), "{}", calendar.message);
    }
}
