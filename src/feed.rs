//! Feeds: the catalogue's releases as Atom, RSS, JSON Feed and iCalendar, for any filter. Bytes out; knows no HTTP.
//!
//! An entry is a release, and its files that match the filter are its enclosures. It takes its place in a feed when the
//! first of them came into the catalogue, or when the release moved on to a more finished branch, whichever is later: the
//! change log tells. So what is new in a feed is always at its top, also where the filter admits it only now.

mod atom;
mod calendar;
mod entry;
mod html;
mod json;
mod log;
mod query;
mod rss;
mod select;

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use tokio::{sync::Mutex, task::spawn_blocking};

pub use self::html::printable;
pub use self::query::{Query, Refusal};
use self::{entry::Entry, log::Log, select::Selected};
use crate::catalog::{Catalog, CatalogError, ChangelogId, Snapshot};

/// How many releases a feed shows, and each page of its archive holds.
pub const PAGE: usize = 50;

/// How many releases a calendar shows.
pub const EVENTS: usize = 500;

/// Whose facts these are, as they ask to be told.
pub const CREDIT: &str = "Collected by the XiaomiFirmwareUpdater project, https://xmfirmwareupdater.com";

/// What a feed can be written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Atom 1.0 (RFC 4287), in pages (RFC 5005).
    Atom,
    /// RSS 2.0, in pages (RFC 5005).
    Rss,
    /// JSON Feed 1.1, in pages.
    Json,
    /// iCalendar (RFC 5545): an all-day event on each release's date.
    Calendar,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::Atom, Self::Rss, Self::Json, Self::Calendar];

    /// Where it is served.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Atom => "/feeds/atom",
            Self::Rss => "/feeds/rss",
            Self::Json => "/feeds/json",
            Self::Calendar => "/feeds/calendar.ics",
        }
    }

    /// Its media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Atom => "application/atom+xml; charset=utf-8",
            Self::Rss => "application/rss+xml; charset=utf-8",
            Self::Json => "application/feed+json; charset=utf-8",
            Self::Calendar => "text/calendar; charset=utf-8",
        }
    }
}

/// One revision of the catalogue: what is rendered of it belongs together.
#[derive(Clone)]
pub struct Moment(Arc<Snapshot>);

impl Moment {
    /// The catalogue at this revision.
    #[must_use]
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.0
    }

    /// What tells this revision from every other one, also of another database.
    #[must_use]
    pub fn stamp(&self) -> u128 {
        let made_at = self.0.updated_at.map_or(0, |moment| moment.timestamp_micros());
        u128::from(self.0.revision.unsigned_abs()) << 64 | u128::from(made_at.unsigned_abs())
    }

    /// When the revision was made.
    #[must_use]
    pub fn made_at(&self) -> Option<DateTime<Utc>> {
        self.0.updated_at
    }
}

/// A rendered document.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its bytes.
    pub body: Bytes,
    /// What they are.
    pub media_type: &'static str,
    /// Whether more will come into it.
    pub growth: Growth,
}

/// Whether a document's contents are settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Growth {
    /// What is new appears in it.
    Open,
    /// It is a full page of an archive: only corrections change it.
    Closed,
}

/// Why a document cannot be rendered.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The caller asked for what there is not.
    #[error("{}: {}", .0.parameter, .0.message)]
    Refused(Refusal),
    /// The change log or a text cannot be read.
    #[error("the catalogue cannot be read")]
    Catalog(#[from] CatalogError),
    /// A library failed to write a document.
    #[error("the document cannot be written: {0}")]
    Unwritten(String),
}

/// The feeds of a catalogue. Clones share what is known of the change log.
#[derive(Clone)]
pub struct Feeds {
    catalog: Catalog,
    log: Arc<Mutex<Arc<Log>>>,
}

/// A feed that is ready to be written: one document of it.
struct Feed<'a> {
    query: &'a Query,
    /// The server's address, without a slash at the end.
    base: &'a str,
    /// Newest first.
    entries: Vec<Entry>,
    /// How many pages the archive has.
    archives: usize,
    /// When anything in it last changed.
    updated: DateTime<Utc>,
}

impl Feed<'_> {
    /// The address of a page of the archive, or of the feed itself.
    fn address(&self, format: Format, archive: Option<usize>) -> String {
        format!("{}{}{}", self.base, format.path(), self.query.to_url_query(archive))
    }

    /// The page of the archive that holds what came before.
    fn previous(&self) -> Option<usize> {
        match self.query.archive() {
            None => Some(self.archives),
            Some(page) => page.checked_sub(1),
        }
        .filter(|page| *page > 0)
    }

    /// The page of the archive that holds what came after; none behind the last one, where the feed itself goes on.
    fn next(&self) -> Option<usize> {
        self.query
            .archive()
            .map(|page| page + 1)
            .filter(|page| *page <= self.archives)
    }
}

impl Feeds {
    /// The feeds of this catalogue.
    #[must_use]
    pub fn new(catalog: Catalog) -> Self {
        Self {
            catalog,
            log: Arc::default(),
        }
    }

    /// The catalogue as it is now.
    #[must_use]
    pub fn moment(&self) -> Moment {
        Moment(self.catalog.snapshot())
    }

    /// Renders one document of a feed. `base` is the server's own address, without a slash at the end.
    ///
    /// # Errors
    /// When the archive has no such page, or the catalogue cannot be read.
    pub async fn render(
        &self,
        moment: &Moment,
        format: Format,
        query: &Query,
        base: &str,
    ) -> Result<Document, FeedError> {
        let snapshot = &moment.0;
        let log = self.log_of(snapshot).await?;
        let selected = {
            let (snapshot, query) = (snapshot.clone(), query.clone());
            off_thread(move || match format {
                Format::Calendar => Ok(select::dated(&snapshot, &query, &log)),
                _ => select::page(&snapshot, &query, &log),
            })
            .await??
        };
        let releases: Vec<_> = selected.releases.iter().map(|matched| matched.release).collect();
        let packages: Vec<_> = selected.packages().collect();
        let events = self.catalog.events_of(snapshot, &releases, &packages).await?;
        let texts = match format {
            Format::Calendar => entry::Texts::default(),
            _ => self.changelogs(snapshot, &releases).await?,
        };
        let (moment, query, base) = (moment.clone(), query.clone(), base.to_owned());
        let growth = query.archive().map_or(Growth::Open, |_| Growth::Closed);
        let body = off_thread(move || {
            let Selected { releases, archives } = selected;
            let entries = entry::entries(&moment.0, &releases, &events, &texts);
            let updated = entries.iter().map(|entry| entry.updated).max();
            let feed = Feed {
                query: &query,
                base: &base,
                entries,
                archives,
                updated: updated.or(moment.made_at()).unwrap_or_default(),
            };
            match format {
                Format::Atom => atom::write(&feed),
                Format::Rss => rss::write(&feed),
                Format::Json => json::write(&feed),
                Format::Calendar => Ok(calendar::write(&feed)),
            }
        })
        .await??;
        Ok(Document {
            body: body.into(),
            media_type: format.media_type(),
            growth,
        })
    }

    async fn changelogs(
        &self,
        snapshot: &Snapshot,
        releases: &[crate::catalog::ReleaseAt],
    ) -> Result<entry::Texts, FeedError> {
        let ids: Vec<ChangelogId> = releases
            .iter()
            .filter_map(|at| snapshot.release(*at).changelog.map(ChangelogId))
            .collect();
        Ok(self.catalog.changelogs(&ids).await?)
    }

    /// What the change log tells, at least as far as this revision. Read on from where it was left; whoever comes
    /// meanwhile waits for it.
    async fn log_of(&self, snapshot: &Snapshot) -> Result<Arc<Log>, FeedError> {
        let mut log = self.log.lock().await;
        while let Some(after) = log.is_behind(snapshot) {
            let entrances = self.catalog.entrances(snapshot, after).await?;
            Arc::make_mut(&mut log).extend(snapshot, &entrances);
        }
        Ok(log.clone())
    }
}

/// Runs what takes a while where it holds up no request.
///
/// # Errors
/// When it panics.
pub async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, FeedError> {
    spawn_blocking(work)
        .await
        .map_err(|error| FeedError::Unwritten(error.to_string()))
}
