//! The read side: what the catalogue holds, and answers to every question about it. Knows no GraphQL type.
//!
//! [`Catalog`] keeps one [`Snapshot`] in memory and swaps it whole when the stored revision moves.

mod change;
mod day;
mod facet;
mod filter;
#[cfg(test)]
mod fixture;
mod history;
mod index;
mod latest;
mod live;
mod load;
mod metrics;
#[cfg(test)]
mod model;
mod page;
mod search;
mod set;
mod snapshot;
mod text;
mod update;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use sea_orm::{DatabaseConnection, EntityTrait as _, QueryOrder as _};
use tokio::sync::{Mutex, watch};

use crate::database::bounded::Bounded;

pub use change::{Change, ChangeFilter, Changes, Subject};
pub use day::{Day, Days};
pub use facet::Facets;
pub use filter::{DeviceFilter, Filter, Knowledge, Scope, Selection};
pub use history::{Entered, Entrance, Event};
pub use latest::{LatestBy, LatestKey};
pub use live::{Follower, Happened, Position, Since};
pub use page::{
    DeviceField, DeviceKey, DeviceValue, Direction, PackageField, PackageKey, PackageValue, Page, ReleaseField,
    ReleaseKey, ReleaseValue, Take, Window,
};
pub use search::{Found, Hit};
pub use set::{Member, Set};
pub use snapshot::{
    Broken, Builder, DeviceAt, DeviceRow, PackageAt, PackageRow, Place, ReleaseAt, ReleaseRow, Side, Snapshot, Span,
    VariantAt, VariantRow, VersionAt,
};
pub use text::{ChangelogId, Section, Texts, sections};
pub use update::{Installed, UpdateCheck, UpdateStatus};

/// The catalogue as it is read: a snapshot in memory, the rest in the database. Clones share both.
#[derive(Clone)]
pub struct Catalog {
    inner: Arc<Inner>,
    /// The database, for questions.
    questions: Bounded,
}

struct Inner {
    database: DatabaseConnection,
    snapshot: ArcSwap<Snapshot>,
    /// How many nanoseconds the snapshot took to be loaded.
    loading_took: AtomicU64,
    log: live::Log,
    /// Held while a snapshot is being loaded: one is enough.
    loading: Mutex<()>,
}

/// What a refresh found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// The stored revision is the one in memory.
    Unchanged,
    /// A new revision was loaded.
    Loaded {
        /// Its number.
        revision: i32,
    },
}

/// Why the catalogue cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The database failed.
    #[error("the database cannot be read")]
    Database(#[from] sea_orm::DbErr),
    /// The stored rows do not fit together.
    #[error("the stored catalogue is broken")]
    Broken(#[from] Broken),
    /// The database failed while several readers waited for the same rows.
    #[error("the change log cannot be read: {0}")]
    Log(Arc<sea_orm::DbErr>),
}

impl Catalog {
    /// Loads the stored catalogue.
    ///
    /// # Errors
    /// When the database fails, or its rows do not make a catalogue.
    pub async fn open(database: DatabaseConnection) -> Result<Self, CatalogError> {
        let began = Instant::now();
        let snapshot = load::snapshot(&database).await?;
        Ok(Self {
            questions: Bounded::from(database.clone()),
            inner: Arc::new(Inner {
                database,
                log: live::Log::new(&snapshot),
                snapshot: ArcSwap::from_pointee(snapshot),
                loading_took: AtomicU64::new(nanoseconds_since(began)),
                loading: Mutex::new(()),
            }),
        })
    }

    /// The same catalogue for operations: what it is asked is read over these connections.
    #[must_use]
    pub fn for_operations(self, questions: Bounded) -> Self {
        Self { questions, ..self }
    }

    /// The newest loaded revision. An operation takes it once, so all of its answer is of one revision.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.inner.snapshot.load_full()
    }

    /// Loads the stored revision if it is not the one in memory. Readers keep the old one until the new one is whole.
    ///
    /// # Errors
    /// As [`Catalog::open`]; the old revision stays.
    pub async fn refresh(&self) -> Result<Refreshed, CatalogError> {
        let _alone = self.inner.loading.lock().await;
        if load::revision(&self.inner.database).await?.map_or(0, |row| row.number) == self.snapshot().revision {
            return Ok(Refreshed::Unchanged);
        }
        let began = Instant::now();
        let snapshot = load::snapshot(&self.inner.database).await?;
        self.inner
            .loading_took
            .store(nanoseconds_since(began), Ordering::Relaxed);
        let snapshot = Arc::new(snapshot);
        let revision = snapshot.revision;
        self.inner.snapshot.store(Arc::clone(&snapshot));
        self.inner.log.advance(&snapshot);
        Ok(Refreshed::Loaded { revision })
    }

    /// How long the newest revision took to be loaded.
    #[must_use]
    pub fn loading_took(&self) -> Duration {
        Duration::from_nanos(self.inner.loading_took.load(Ordering::Relaxed))
    }

    /// Tells how far the catalogue has come, and each time that it has come further: [`Catalog::snapshot`] is then as far at least.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Position> {
        self.inner.log.watch()
    }

    /// A reader of the change log: what stands there first, then what comes.
    #[must_use]
    pub fn follow(&self, filter: ChangeFilter, since: Since) -> Follower {
        Follower::new(self.clone(), filter, since)
    }

    /// The changes behind a place in the change log, as far as the snapshot's revision; the log's first ones without a place.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn changes(
        &self,
        snapshot: &Snapshot,
        filter: &ChangeFilter,
        after: Option<i64>,
        most: usize,
    ) -> Result<Changes, CatalogError> {
        Ok(change::after(&self.questions, snapshot, filter, after, most).await?)
    }

    /// Where data came from, in the order in which sources were first imported.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sources(&self) -> Result<Vec<entity::source::Model>, CatalogError> {
        Ok(entity::source::Entity::find()
            .order_by_asc(entity::source::Column::Id)
            .all(&self.questions)
            .await?)
    }

    /// How fetching each configured source goes, by address.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn upstreams(&self) -> Result<Vec<entity::upstream::Model>, CatalogError> {
        Ok(entity::upstream::Entity::find()
            .order_by_asc(entity::upstream::Column::Location)
            .all(&self.questions)
            .await?)
    }

    /// The database, for what is not kept in memory.
    #[must_use]
    pub fn database(&self) -> &Bounded {
        &self.questions
    }
}

fn nanoseconds_since(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
