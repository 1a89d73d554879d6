//! Which releases a document of a feed shows, and in which order.

use std::cmp::Reverse;

use super::{EVENTS, FeedError, PAGE, log::Log, query::Query, query::Refusal};
use crate::catalog::{Direction, PackageAt, PackageField, Place as _, ReleaseAt, Scope, Snapshot, Take, Window};

/// A release with those of its packages that match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// The release.
    pub release: ReleaseAt,
    /// Its packages, by type and name.
    pub packages: Vec<PackageAt>,
    /// Where in the change log it came into the feed.
    pub entered: i64,
}

/// What a document shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selected {
    /// Newest first.
    pub releases: Vec<Matched>,
    /// How many pages the feed's archive has.
    pub archives: usize,
}

impl Selected {
    /// All packages of all releases.
    pub fn packages(&self) -> impl Iterator<Item = PackageAt> {
        self.releases
            .iter()
            .flat_map(|matched| matched.packages.iter().copied())
    }
}

/// All releases that match, in no order.
fn matching(snapshot: &Snapshot, query: &Query, log: &Log) -> Vec<Matched> {
    let selection = snapshot.select_packages(Scope::Catalogue, query.filter());
    let window = Window {
        after: None,
        before: None,
        take: Take::First(snapshot.count_packages(&selection)),
    };
    let page = snapshot.page_of_packages(&selection, PackageField::ReleasedOn, Direction::Descending, &window);
    let mut packages: Vec<(ReleaseAt, PackageAt)> = page
        .rows
        .into_iter()
        .map(|at| (snapshot.package(at).release, at))
        .collect();
    packages.sort_unstable_by_key(|(release, package)| {
        let row = snapshot.package(*package);
        (*release, row.r#type, snapshot.text(row.filename))
    });
    packages
        .chunk_by(|a, b| a.0 == b.0)
        .filter_map(|run| {
            let release = run.first()?.0;
            let packages: Vec<PackageAt> = run.iter().map(|(_, package)| *package).collect();
            let first = packages.iter().map(|at| log.package(snapshot, *at)).min()?;
            Some(Matched {
                release,
                packages,
                entered: first.max(log.release(snapshot, release)),
            })
        })
        .collect()
}

/// The newest releases, or a page of the archive. The archive's pages count from the oldest release, so a full one stays
/// as it is while the feed grows; the feed itself shows the newest ones, also those that already fill a page.
///
/// # Errors
/// When the archive has no such page.
pub fn page(snapshot: &Snapshot, query: &Query, log: &Log) -> Result<Selected, FeedError> {
    let mut releases = matching(snapshot, query, log);
    releases.sort_unstable_by_key(|matched| (Reverse(matched.entered), matched.release.number()));
    let archives = archives(releases.len());
    let (start, end) = match query.archive() {
        None => (0, releases.len().min(PAGE)),
        Some(page) if page <= archives => {
            let end = releases.len() - (page - 1) * PAGE;
            (end - PAGE, end)
        }
        Some(page) => {
            let message = match archives {
                0 => format!("must be left out: this feed has no archive yet, so no page {page}"),
                _ => format!("must be 1 to {archives}, is {page}"),
            };
            return Err(FeedError::Refused(Refusal::new("archive", message)));
        }
    };
    releases.truncate(end);
    Ok(Selected {
        releases: releases.split_off(start),
        archives,
    })
}

/// How many full pages are needed so that none of so many releases is missing from both archive and feed.
fn archives(count: usize) -> usize {
    count.saturating_sub(PAGE).div_ceil(PAGE)
}

/// The releases with the latest dates.
pub fn dated(snapshot: &Snapshot, query: &Query, log: &Log) -> Selected {
    let mut releases = matching(snapshot, query, log);
    releases.retain(|matched| snapshot.release(matched.release).released_on.is_some());
    releases.sort_unstable_by_key(|matched| {
        let row = snapshot.release(matched.release);
        (Reverse(row.released_on), matched.release.number())
    });
    releases.truncate(EVENTS);
    Selected { releases, archives: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feed_and_archive_together_miss_nothing() {
        for (count, pages) in [
            (0, 0),
            (1, 0),
            (50, 0),
            (51, 1),
            (99, 1),
            (100, 1),
            (101, 2),
            (150, 2),
            (151, 3),
        ] {
            assert_eq!(archives(count), pages, "{count}");
            // the feed's own reach down to the archive's last page, and that page is full
            assert!(count <= PAGE * (pages + 1) && PAGE * pages <= count, "{count}");
        }
    }
}
