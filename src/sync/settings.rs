//! Which sources are kept up to date, and how: the configuration's `[sync]`.

use std::{collections::BTreeSet, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize, Serializer};
use url::Url;

use crate::import::source::Location;

/// The longest period: a year.
const LONGEST: u64 = 366 * 24 * 60 * 60;

/// Which sources are kept up to date, and how.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Addresses of sources, in the order in which they are looked at; shown without user, password and query.
    #[serde(serialize_with = "without_secrets")]
    pub sources: Vec<Url>,
    /// How often a server looks at them; 0 turns that off.
    pub every_seconds: u64,
    /// The longest download, and how large it may be.
    pub fetch_timeout_seconds: u64,
    /// The largest download.
    pub max_download_mib: u32,
    /// The longest pause after failures in a row.
    pub longest_pause_seconds: u64,
    /// After how long without success a source is called stale.
    pub stale_after_seconds: u64,
}

/// Why these settings cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A source that cannot be fetched.
    #[error("{0} is not fetched: a source's address begins with http:// or https://")]
    Scheme(String),
    /// Two sources that could not be told apart.
    #[error("{0} is there twice; sources are told apart by their addresses without user, password and query")]
    Twice(String),
    /// A server that is to look at nothing.
    #[error("there is nothing to look at: sync.sources names no source")]
    NothingToFetch,
    /// A period that is no use.
    #[error("a server looks at its sources at least once a year")]
    TooSeldom,
    /// Every source would be called stale before it is looked at again.
    #[error(
        "a source is looked at every {every} seconds and called stale after {stale}: sync.stale_after_seconds has to be longer"
    )]
    AlwaysStale {
        /// The period.
        every: u64,
        /// When a source is called stale.
        stale: u64,
    },
}

impl SettingsError {
    /// The key that is wrong.
    #[must_use]
    pub const fn key(&self) -> &'static str {
        match self {
            Self::Scheme(_) | Self::Twice(_) => "sources",
            Self::NothingToFetch | Self::TooSeldom | Self::AlwaysStale { .. } => "every_seconds",
        }
    }
}

impl Settings {
    /// The largest download, in bytes.
    #[must_use]
    pub fn max_bytes(&self) -> u64 {
        u64::from(self.max_download_mib) << 20
    }

    /// [`Settings::fetch_timeout_seconds`] as a duration.
    #[must_use]
    pub const fn fetch_timeout(&self) -> Duration {
        Duration::from_secs(self.fetch_timeout_seconds)
    }

    /// [`Settings::longest_pause_seconds`] as a duration.
    #[must_use]
    pub const fn longest_pause(&self) -> Duration {
        Duration::from_secs(self.longest_pause_seconds)
    }

    /// [`Settings::stale_after_seconds`] as a duration.
    #[must_use]
    pub const fn stale_after(&self) -> Duration {
        Duration::from_secs(self.stale_after_seconds)
    }

    /// [`Settings::every_seconds`] as a duration; none when a server does not look by itself.
    #[must_use]
    pub fn every(&self) -> Option<Duration> {
        (self.every_seconds > 0).then(|| Duration::from_secs(self.every_seconds))
    }

    /// Whether they can be used.
    ///
    /// # Errors
    /// When they cannot; names what is wrong.
    pub fn check(&self) -> Result<(), SettingsError> {
        let mut names = BTreeSet::new();
        for url in &self.sources {
            let name = Location::Url(url.clone()).public_name();
            if !matches!(url.scheme(), "http" | "https") {
                return Err(SettingsError::Scheme(name));
            }
            if !names.insert(name.clone()) {
                return Err(SettingsError::Twice(name));
            }
        }
        let (every, stale) = (self.every_seconds, self.stale_after_seconds);
        match every {
            0 => Ok(()),
            _ if self.sources.is_empty() => Err(SettingsError::NothingToFetch),
            _ if every > LONGEST => Err(SettingsError::TooSeldom),
            _ if every >= stale => Err(SettingsError::AlwaysStale { every, stale }),
            _ => Ok(()),
        }
    }
}

/// How often something is done, as it is typed: `90s`, `30m`, `6h`, `1d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    seconds: u64,
}

/// What is typed is no period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a period is a whole number and its unit, 1s at least: for example 90s, 30m, 6h or 1d")]
pub struct InvalidPeriod;

impl Period {
    /// In seconds; never 0.
    #[must_use]
    pub const fn seconds(self) -> u64 {
        self.seconds
    }
}

impl FromStr for Period {
    type Err = InvalidPeriod;

    fn from_str(text: &str) -> Result<Self, InvalidPeriod> {
        let units = [("s", 1), ("m", 60), ("h", 60 * 60), ("d", 24 * 60 * 60)];
        let of_unit = |(unit, seconds): (&str, u64)| {
            let count = text.strip_suffix(unit)?;
            let is_number = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
            let count: u64 = is_number.then(|| count.parse().ok()).flatten()?;
            count.checked_mul(seconds)
        };
        match units.into_iter().find_map(of_unit) {
            None | Some(0) => Err(InvalidPeriod),
            Some(seconds) => Ok(Self { seconds }),
        }
    }
}

fn without_secrets<S: Serializer>(sources: &[Url], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(sources.iter().map(|url| Location::Url(url.clone()).public_name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_a_number_and_its_unit() {
        for (text, seconds) in [
            ("1s", Some(1)),
            ("90s", Some(90)),
            ("30m", Some(1_800)),
            ("6h", Some(21_600)),
            ("1d", Some(86_400)),
            ("0s", None),
            ("30", None),
            ("", None),
            ("m", None),
            ("-1s", None),
            ("+1s", None),
            ("1.5h", None),
            ("1 h", None),
            ("500ms", None),
            ("99999999999999999999s", None),
            ("999999999999999999d", None),
        ] {
            assert_eq!(text.parse().ok().map(Period::seconds), seconds, "{text}");
        }
    }

    #[test]
    fn what_could_not_be_kept_up_to_date_is_refused() {
        let usual = Settings {
            sources: vec!["https://a:b@example.com/data.tar.gz?key=1".parse().unwrap()],
            every_seconds: 60,
            fetch_timeout_seconds: 1,
            max_download_mib: 1,
            longest_pause_seconds: 1,
            stale_after_seconds: 61,
        };
        assert_eq!(usual.check(), Ok(()));
        let with = |change: &dyn Fn(&mut Settings)| {
            let mut settings = usual.clone();
            change(&mut settings);
            let error = settings.check().unwrap_err();
            assert!(!error.to_string().contains("key=1"), "{error}");
            error.key()
        };
        assert_eq!(with(&|settings| settings.sources.clear()), "every_seconds");
        assert_eq!(with(&|settings| settings.every_seconds = 61), "every_seconds");
        assert_eq!(with(&|settings| settings.every_seconds = u64::MAX), "every_seconds");
        let add = |address: &'static str| with(&|settings| settings.sources.push(address.parse().unwrap()));
        assert_eq!(add("ftp://example.com/data.tar.gz"), "sources");
        assert_eq!(add("https://example.com/data.tar.gz?key=2"), "sources");
    }
}
