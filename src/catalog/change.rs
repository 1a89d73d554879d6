//! The change log, read from the database by its cursor.

use chrono::{DateTime, Utc};
use entity::change::{self, ChangeKind};
use sea_orm::{ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};

use super::{
    filter::{Filter, Tests},
    snapshot::{DeviceAt, PackageAt, ReleaseAt, Snapshot},
};
use crate::database::bounded::Bounded;

/// What a change is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A device.
    Device(DeviceAt),
    /// A release.
    Release(ReleaseAt),
    /// A package.
    Package(PackageAt),
}

/// One entry of the change log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its place in the log; grows.
    pub id: i64,
    /// What happened.
    pub kind: ChangeKind,
    /// When the import ran.
    pub at: DateTime<Utc>,
    /// To what.
    pub subject: Subject,
    /// Whether it was news then; what the first load of an empty catalogue wrote is history.
    pub is_news: bool,
}

/// Changes in the order in which they happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// The changes.
    pub rows: Vec<Change>,
    /// Whether more follow.
    pub has_next: bool,
    /// The last entry that was looked at: where to go on, also when it did not match.
    pub seen: Option<i64>,
}

/// Which changes are wanted: kinds, and what their subjects must be.
#[derive(Clone, Debug, Default)]
pub struct ChangeFilter {
    /// Kinds; `None` admits all.
    pub kind: Option<Vec<ChangeKind>>,
    /// What the subject, or one of its packages, must be.
    pub subject: Filter,
}

/// How many entries of the log are looked at in one statement.
const BATCH: u64 = 2_000;

/// How many are looked at for one page: a page of a rare filter ends here, and the next goes on behind it.
const MOST_LOOKED_AT: u64 = 100_000;

/// Reads the changes behind a place in the log, as far as the snapshot's revision.
pub(super) async fn after(
    database: &Bounded,
    snapshot: &Snapshot,
    filter: &ChangeFilter,
    place: Option<i64>,
    most: usize,
) -> Result<Changes, DbErr> {
    let mut found = Changes {
        rows: Vec::new(),
        has_next: false,
        seen: place,
    };
    let mut looked_at = 0;
    let tests = Tests::new(snapshot, &filter.subject);
    let batch = if filter.subject == Filter::default() {
        (most as u64 + 1).min(BATCH)
    } else {
        BATCH
    };
    loop {
        let mut query = change::Entity::find().filter(change::Column::Revision.lte(snapshot.revision));
        if let Some(seen) = found.seen {
            query = query.filter(change::Column::Id.gt(seen));
        }
        if let Some(kinds) = &filter.kind {
            query = query.filter(change::Column::Kind.is_in(kinds.iter().copied()));
        }
        let rows = query
            .order_by_asc(change::Column::Id)
            .limit(batch)
            .all(database)
            .await?;
        let is_last = (rows.len() as u64) < batch;
        looked_at += rows.len() as u64;
        for row in rows {
            if let Some(change) = snapshot.change(&tests, filter, &row) {
                if found.rows.len() == most {
                    found.has_next = true;
                    return Ok(found);
                }
                found.rows.push(change);
            }
            found.seen = Some(row.id);
        }
        if is_last || looked_at >= MOST_LOOKED_AT {
            found.has_next = !is_last;
            return Ok(found);
        }
    }
}

impl Snapshot {
    /// The change that a row tells of, if it is wanted and its subject is still there.
    pub(super) fn change(&self, tests: &Tests<'_>, filter: &ChangeFilter, row: &change::Model) -> Option<Change> {
        if filter.kind.as_ref().is_some_and(|kinds| !kinds.contains(&row.kind)) {
            return None;
        }
        let subject = self.subject(row)?;
        self.admits_subject(tests, &filter.subject, subject).then_some(Change {
            id: row.id,
            kind: row.kind,
            at: row.at,
            subject,
            is_news: row.is_news,
        })
    }

    /// What a change row refers to.
    pub(super) fn subject(&self, row: &change::Model) -> Option<Subject> {
        let device = || self.device_with_id(row.device_id?).map(Subject::Device);
        let release = || self.release_with_id(row.release_id?).map(Subject::Release);
        let package = || self.package_with_id(row.package_id?).map(Subject::Package);
        package().or_else(release).or_else(device)
    }

    /// Whether a subject, or one of its packages, matches.
    fn admits_subject(&self, tests: &Tests<'_>, filter: &Filter, subject: Subject) -> bool {
        if *filter == Filter::default() {
            return true;
        }
        match subject {
            Subject::Package(at) => tests.admits(at),
            Subject::Release(at) => {
                tests.admits_release(at)
                    && filter
                        .r#type
                        .is_none_or(|types| types.intersects(self.release(at).types))
            }
            Subject::Device(at) => self
                .owned
                .packages_of_device
                .of(super::Place::number(at))
                .iter()
                .any(|at| tests.admits(*at)),
        }
    }
}
