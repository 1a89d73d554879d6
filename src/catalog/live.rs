//! Following the change log: what stands behind a cursor first, then what comes, by one and the same reading.
//!
//! A follower is a cursor and a filter. Each time the catalogue takes over a revision it reads on from where it stands, so
//! nothing is left out or told twice, whatever is written meanwhile, and nothing is ever queued for it.

use std::sync::Arc;

use entity::change;
use moka::future::Cache;
use sea_orm::{ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};
use tokio::sync::watch;

use super::{
    Catalog, CatalogError,
    change::{Change, ChangeFilter},
    filter::Tests,
    snapshot::Snapshot,
};
use crate::database::bounded::Bounded;

/// How far the catalogue in memory has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The number of the revision; 0 while the catalogue is empty.
    pub revision: i32,
    /// The id of the last entry of the change log; 0 where there is none.
    pub change: i64,
}

/// What of the change log is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// News from now on: what the first load of an empty catalogue wrote is history, which is read but not pushed.
    Now,
    /// Everything behind this entry, history too.
    Entry(i64),
}

/// One entry of the change log, with the catalogue as it was when it was told.
#[derive(Clone, Debug)]
pub struct Happened {
    /// A revision that has what the change is about.
    pub snapshot: Arc<Snapshot>,
    /// The entry.
    pub change: Change,
}

/// Entries of the log that are read at once.
const BATCH: u64 = 200;

/// Entries of the log that are kept for who stands at the same place: some 100 bytes each.
const KEPT_ENTRIES: u64 = 20_000;

/// Which entries: those behind the first id, up to the second.
type Stretch = (i64, i64);

/// The end of the change log, and its latest stretches.
pub(super) struct Log {
    position: watch::Sender<Position>,
    /// Followers that stand at the same place share one reading, so ten thousand of them are one statement.
    stretches: Cache<Stretch, Arc<[change::Model]>, rustc_hash::FxBuildHasher>,
}

impl Log {
    pub(super) fn new(snapshot: &Snapshot) -> Self {
        Self {
            position: watch::Sender::new(snapshot.position()),
            stretches: Cache::builder()
                .max_capacity(KEPT_ENTRIES)
                .weigher(|_: &Stretch, rows: &Arc<[change::Model]>| u32::try_from(rows.len() + 1).unwrap_or(u32::MAX))
                .build_with_hasher(rustc_hash::FxBuildHasher),
        }
    }

    /// Tells everyone that the catalogue has come as far as this snapshot.
    pub(super) fn advance(&self, snapshot: &Snapshot) {
        self.position.send_replace(snapshot.position());
    }

    pub(super) fn watch(&self) -> watch::Receiver<Position> {
        self.position.subscribe()
    }

    async fn read(&self, database: &Bounded, stretch: Stretch) -> Result<Arc<[change::Model]>, Arc<DbErr>> {
        let reading = async {
            change::Entity::find()
                .filter(change::Column::Id.gt(stretch.0))
                .filter(change::Column::Id.lte(stretch.1))
                .order_by_asc(change::Column::Id)
                .limit(BATCH)
                .all(database)
                .await
                .map(Arc::from)
        };
        self.stretches.try_get_with(stretch, reading).await
    }
}

impl Snapshot {
    /// How far this snapshot has come.
    #[must_use]
    pub fn position(&self) -> Position {
        Position {
            revision: self.revision,
            change: self.last_change,
        }
    }
}

/// A reader of the change log that never comes to its end.
pub struct Follower {
    catalog: Catalog,
    filter: ChangeFilter,
    since: Since,
    /// The last entry that was looked at.
    cursor: i64,
    /// What is being looked at: a place in the log, not its rows, so that a slow reader holds nothing.
    stretch: Option<Stretch>,
    position: watch::Receiver<Position>,
}

impl Follower {
    pub(super) fn new(catalog: Catalog, filter: ChangeFilter, since: Since) -> Self {
        let mut position = catalog.watch();
        let cursor = match since {
            Since::Now => position.borrow_and_update().change,
            Since::Entry(id) => id,
        };
        Self {
            catalog,
            filter,
            since,
            cursor,
            stretch: None,
            position,
        }
    }

    /// The next change that the filter admits; waits until there is one. Dropping the future loses nothing.
    ///
    /// # Errors
    /// When the database fails. Asking again goes on at the same place.
    pub async fn next(&mut self) -> Result<Happened, CatalogError> {
        loop {
            let Some(stretch) = self.stretch else {
                let end = self.position.borrow_and_update().change;
                if self.cursor < end {
                    self.stretch = Some((self.cursor, end));
                } else if self.position.changed().await.is_err() {
                    // the catalogue that this follower holds is what tells it
                    std::future::pending::<()>().await;
                }
                continue;
            };
            let inner = &self.catalog.inner;
            let rows = inner
                .log
                .read(&self.catalog.questions, stretch)
                .await
                .map_err(CatalogError::Log)?;
            // a revision that is at least as new as the rows
            let snapshot = self.catalog.snapshot();
            if let Some(change) = self.find(&rows, &snapshot) {
                return Ok(Happened { snapshot, change });
            }
            if (rows.len() as u64) < BATCH {
                self.cursor = stretch.1;
            }
            self.stretch = (self.cursor < stretch.1).then_some((self.cursor, stretch.1));
            tokio::task::consume_budget().await;
        }
    }

    /// The first row behind the cursor that is wanted; the cursor moves to it, or behind all.
    fn find(&mut self, rows: &[change::Model], snapshot: &Snapshot) -> Option<Change> {
        let tests = Tests::new(snapshot, &self.filter.subject);
        let seen = rows.partition_point(|row| row.id <= self.cursor);
        for row in rows.iter().skip(seen) {
            self.cursor = row.id;
            if self.since == Since::Now && !row.is_news {
                continue;
            }
            if let Some(change) = snapshot.change(&tests, &self.filter, row) {
                return Some(change);
            }
        }
        None
    }
}
