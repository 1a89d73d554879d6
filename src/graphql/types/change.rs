//! The change log.

use std::sync::Arc;

use async_graphql::{Enum, InputObject, Union};
use entity::change;

use super::{Branch, DateTime, Device, OperatingSystem, Package, PackageType, Region, Release, webhook::all};
use crate::{
    catalog::{self, Snapshot, Subject},
    graphql::{
        connection::PageInfo,
        cursor,
        object::{enums, kinds, object},
    },
    webhook,
};

/// What happened to the subject of a change.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "change::ChangeKind")]
pub enum ChangeKind {
    /// A device was added.
    DeviceAdded,
    /// A release was added.
    ReleaseAdded,
    /// A release moved from `STABLE_BETA` to `STABLE`, under the same version.
    ReleasePromoted,
    /// A package was added.
    PackageAdded,
    /// Something about a package became known or was corrected: its size, its MD5, its mirrors.
    PackageUpdated,
}

/// What a change is about.
#[derive(Union, Clone)]
pub enum ChangeSubject {
    /// The device that was added.
    Device(Device),
    /// The release that was added or promoted.
    Release(Release),
    /// The package that was added or updated.
    Package(Package),
}

enums!(ChangeKind);
kinds!(ChangeSubject {
    Device,
    Release,
    Package
});

/// Narrows changes. Every member that is given narrows; a list means "any of these", and one value may stand for a list.
/// A device or release matches when one of its packages does.
#[derive(InputObject, Clone, Debug, Default)]
pub struct ChangeFilter {
    /// Kinds of changes.
    kind: Option<Vec<ChangeKind>>,
    /// Codenames, base or regional, as in `PackageFilter.device`.
    device: Option<Vec<String>>,
    /// Operating systems.
    os: Option<Vec<OperatingSystem>>,
    /// Branches.
    branch: Option<Vec<Branch>>,
    /// Regions.
    region: Option<Vec<Region>>,
    /// Package types.
    r#type: Option<Vec<PackageType>>,
}

impl From<ChangeFilter> for catalog::ChangeFilter {
    fn from(filter: ChangeFilter) -> Self {
        webhook::filter::Filter::from(filter).into()
    }
}

impl From<ChangeFilter> for webhook::filter::Filter {
    fn from(filter: ChangeFilter) -> Self {
        Self {
            kind: all(filter.kind),
            device: filter.device,
            os: all(filter.os),
            branch: all(filter.branch),
            region: all(filter.region),
            r#type: all(filter.r#type),
        }
    }
}

/// One entry of the change log.
#[derive(Clone)]
pub struct Change {
    snapshot: Arc<Snapshot>,
    change: catalog::Change,
}

object! {
    /// One entry of the change log.
    impl Change {
        /// What happened.
        fn kind(&self) -> ChangeKind {
            self.change.kind.into()
        }

        /// When the import ran that found it.
        fn at(&self) -> DateTime {
            DateTime(self.change.at)
        }

        /// What it happened to, as it is now.
        fn subject(&self) -> ChangeSubject {
            let snapshot = Arc::clone(&self.snapshot);
            match self.change.subject {
                Subject::Device(at) => ChangeSubject::Device(Device::new(snapshot, at)),
                Subject::Release(at) => ChangeSubject::Release(Release::new(snapshot, at)),
                Subject::Package(at) => ChangeSubject::Package(Package::new(snapshot, at)),
            }
        }
    }
}

/// A page of the change log.
pub struct ChangeConnection {
    snapshot: Arc<Snapshot>,
    changes: catalog::Changes,
    /// Whether the page starts behind a cursor.
    is_continued: bool,
}

impl ChangeConnection {
    pub(crate) const fn new(snapshot: Arc<Snapshot>, changes: catalog::Changes, is_continued: bool) -> Self {
        Self {
            snapshot,
            changes,
            is_continued,
        }
    }

    fn change(&self, change: catalog::Change) -> Change {
        Change {
            snapshot: Arc::clone(&self.snapshot),
            change,
        }
    }
}

object! {
    /// A page of the change log.
    impl ChangeConnection {
        /// The changes of this page, each with its cursor.
        fn edges(&self) -> Vec<ChangeEdge> {
            self.changes
                .rows
                .iter()
                .map(|change| ChangeEdge {
                    node: self.change(*change),
                })
                .collect()
        }

        /// The changes of this page.
        fn nodes(&self) -> Vec<Change> {
            self.changes.rows.iter().map(|change| self.change(*change)).collect()
        }

        /// Where this page lies in the log. `endCursor` is also given for a page without changes: it is where the next poll goes on.
        fn page_info(&self) -> PageInfo {
            PageInfo {
                has_next_page: self.changes.has_next,
                has_previous_page: self.is_continued,
                start_cursor: self.changes.rows.first().map(|change| cursor::of_change(change.id)),
                end_cursor: self.changes.seen.map(cursor::of_change),
            }
        }
    }
}

/// A change and its place in the log.
#[derive(Clone)]
pub struct ChangeEdge {
    node: Change,
}

impl ChangeEdge {
    pub(crate) const fn new(snapshot: Arc<Snapshot>, change: catalog::Change) -> Self {
        Self {
            node: Change { snapshot, change },
        }
    }
}

object! {
    /// A change and its place in the log.
    impl ChangeEdge {
        /// Its place in the log: give it as `after` to go on behind it.
        fn cursor(&self) -> String {
            cursor::of_change(self.node.change.id)
        }

        /// The change.
        fn node(&self) -> &Change {
            &self.node
        }
    }
}
