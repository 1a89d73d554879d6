//! Which sources are kept up to date, and how: the configuration's `[sync]`.

use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};
use url::Url;

use crate::import::source::Location;

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

    /// [`Settings::every_seconds`] as a duration; none when a server does not look by itself.
    #[must_use]
    pub fn every(&self) -> Option<Duration> {
        (self.every_seconds > 0).then(|| Duration::from_secs(self.every_seconds))
    }
}

fn without_secrets<S: Serializer>(sources: &[Url], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(sources.iter().map(|url| Location::Url(url.clone()).public_name()))
}
