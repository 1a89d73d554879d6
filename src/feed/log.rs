//! When releases and packages came in, as places in the change log: what feeds are ordered by. Grows with the log.

use rustc_hash::FxHashMap;

use crate::catalog::{Entered, Entrance, PackageAt, ReleaseAt, Snapshot};

/// Places in the change log, by ids of the database.
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// Where each package was added.
    packages: FxHashMap<i32, i64>,
    /// Where each release was added, or last moved on to a more finished branch.
    releases: FxHashMap<i32, i64>,
    /// The last place that was read.
    seen: i64,
    /// The revision up to which all is known.
    revision: i32,
}

impl Log {
    /// Where to read on for this revision; nothing where it is known already.
    pub fn is_behind(&self, snapshot: &Snapshot) -> Option<i64> {
        match snapshot.revision {
            revision if revision > self.revision => Some(self.seen),
            // an older revision than before: of another request, or of a database that was set back
            _ => None,
        }
    }

    /// Takes in what was read for this revision; nothing stands for its end.
    pub fn extend(&mut self, snapshot: &Snapshot, entrances: &[Entrance]) {
        for entrance in entrances {
            match entrance.of {
                Entered::Package(id) => self.packages.insert(id, entrance.id),
                Entered::Release(id) => self.releases.insert(id, entrance.id),
            };
            self.seen = self.seen.max(entrance.id);
        }
        if entrances.is_empty() {
            self.revision = snapshot.revision;
        }
    }

    /// Where a package came in; 0 where the log does not tell.
    pub fn package(&self, snapshot: &Snapshot, at: PackageAt) -> i64 {
        self.packages.get(&snapshot.package(at).id).copied().unwrap_or(0)
    }

    /// Where a release came in; 0 where the log does not tell.
    pub fn release(&self, snapshot: &Snapshot, at: ReleaseAt) -> i64 {
        self.releases.get(&snapshot.release(at).id).copied().unwrap_or(0)
    }
}
