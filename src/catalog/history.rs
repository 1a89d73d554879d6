//! When releases and packages came into the catalogue: the change log, read for what happened to given rows.

use chrono::{DateTime, Utc};
use entity::change::{self, ChangeKind};
use sea_orm::{ColumnTrait as _, Condition, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};

use super::{
    Catalog, CatalogError,
    change::Subject,
    snapshot::{PackageAt, ReleaseAt, Snapshot},
};

/// What came in, by its id in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entered {
    /// A release that was added, or that moved on to a more finished branch.
    Release(i32),
    /// A package that was added.
    Package(i32),
}

/// An entry of the change log by which something came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entrance {
    /// Its place in the log; grows.
    pub id: i64,
    /// What came in.
    pub of: Entered,
}

/// An entry of the change log about a given release or package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its place in the log; grows.
    pub id: i64,
    /// When the import ran.
    pub at: DateTime<Utc>,
    /// Whether it was news then, and not the first load of an empty catalogue.
    pub is_news: bool,
    /// What it is about.
    pub subject: Subject,
}

/// Entries of the log that are read at once: a row that is read takes ten times the memory of what is kept of it.
const AT_ONCE: u64 = 2_000;

/// The id of an entry, and that of the release or package it is about.
type Row = (i64, Option<i32>, Option<i32>);

impl Catalog {
    /// What came in behind a place in the log, as far as the snapshot's revision, in the log's order: so much of it as is read at
    /// once. Nothing is left when nothing comes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn entrances(&self, snapshot: &Snapshot, after: i64) -> Result<Vec<Entrance>, CatalogError> {
        let kinds = [
            ChangeKind::ReleaseAdded,
            ChangeKind::ReleasePromoted,
            ChangeKind::PackageAdded,
        ];
        let entrance = |(id, release, package): Row| {
            let of = release.map(Entered::Release).or(package.map(Entered::Package))?;
            Some(Entrance { id, of })
        };
        let rows: Vec<Row> = change::Entity::find()
            .select_only()
            .columns([change::Column::Id, change::Column::ReleaseId, change::Column::PackageId])
            .filter(change::Column::Id.gt(after))
            .filter(change::Column::Revision.lte(snapshot.revision))
            .filter(change::Column::Kind.is_in(kinds))
            .order_by_asc(change::Column::Id)
            .limit(AT_ONCE)
            .into_tuple()
            .all(self.database())
            .await?;
        Ok(rows.into_iter().filter_map(entrance).collect())
    }

    /// All that happened to these releases and packages, as far as the snapshot's revision, in the log's order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn events_of(
        &self,
        snapshot: &Snapshot,
        releases: &[ReleaseAt],
        packages: &[PackageAt],
    ) -> Result<Vec<Event>, CatalogError> {
        let releases = releases.iter().map(|at| snapshot.release(*at).id);
        let packages = packages.iter().map(|at| snapshot.package(*at).id);
        let about = Condition::any()
            .add(change::Column::ReleaseId.is_in(releases))
            .add(change::Column::PackageId.is_in(packages));
        let rows = change::Entity::find()
            .filter(about)
            .filter(change::Column::Revision.lte(snapshot.revision))
            .order_by_asc(change::Column::Id)
            .all(self.database())
            .await?;
        let event = |row: change::Model| {
            Some(Event {
                id: row.id,
                at: row.at,
                is_news: row.is_news,
                subject: snapshot.subject(&row)?,
            })
        };
        Ok(rows.into_iter().filter_map(event).collect())
    }
}
