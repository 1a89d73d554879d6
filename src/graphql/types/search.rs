//! Results of a search.

use std::sync::Arc;

use async_graphql::Union;

use super::{Device, Package, Release, Variant, int};
use crate::{
    catalog::{Found, Hit, Snapshot},
    graphql::{
        connection::PageInfo,
        cursor,
        id::{self, NodeAt},
        object::{kinds, object},
    },
};

/// Something that a search found.
#[derive(Union, Clone)]
pub enum SearchResult {
    /// A device.
    Device(Device),
    /// A variant.
    Variant(Variant),
    /// A release.
    Release(Release),
    /// A package.
    Package(Package),
}

kinds!(SearchResult {
    Device,
    Variant,
    Release,
    Package
});

fn node_at(found: Found) -> NodeAt {
    match found {
        Found::Device(at) => NodeAt::Device(at),
        Found::Variant(at) => NodeAt::Variant(at),
        Found::Release(at) => NodeAt::Release(at),
        Found::Package(at) => NodeAt::Package(at),
    }
}

/// What a search found, best first.
pub struct SearchResultConnection {
    snapshot: Arc<Snapshot>,
    hits: Vec<Hit>,
    /// The page: from the first of these up to the second.
    start: usize,
    end: usize,
}

impl SearchResultConnection {
    /// The page of so many hits behind a cursor.
    pub(crate) fn new(snapshot: Arc<Snapshot>, hits: Vec<Hit>, after: Option<&cursor::HitKey>, most: usize) -> Self {
        let start = after.map_or(0, |after| {
            let same = hits
                .iter()
                .position(|hit| id::encode(&snapshot, node_at(hit.found)) == after.id);
            // A hit that is gone leaves its place between better and worse ones.
            same.map_or_else(
                || hits.partition_point(|hit| hit.score >= after.score),
                |place| place + 1,
            )
        });
        let end = (start + most).min(hits.len());
        Self {
            snapshot,
            hits,
            start,
            end,
        }
    }

    fn edges_of_page(&self) -> impl Iterator<Item = SearchResultEdge> {
        let page = self.hits.get(self.start..self.end).unwrap_or(&[]);
        page.iter().map(|hit| SearchResultEdge {
            snapshot: Arc::clone(&self.snapshot),
            hit: *hit,
        })
    }

    fn cursor(&self, place: Option<usize>) -> Option<String> {
        let hit = self.hits.get(place.filter(|_| self.start < self.end)?)?;
        Some(cursor_of(&self.snapshot, hit))
    }
}

fn cursor_of(snapshot: &Snapshot, hit: &Hit) -> String {
    cursor::of_hit(&cursor::HitKey {
        score: hit.score,
        id: id::encode(snapshot, node_at(hit.found)),
    })
}

object! {
    /// What a search found, best first.
    impl SearchResultConnection {
        /// The results of this page, each with its score and cursor.
        fn edges(&self) -> Vec<SearchResultEdge> {
            self.edges_of_page().collect()
        }

        /// The results of this page.
        fn nodes(&self) -> Vec<SearchResult> {
            self.edges_of_page().map(|edge| edge.result()).collect()
        }

        /// Where this page lies among the results.
        fn page_info(&self) -> PageInfo {
            PageInfo {
                has_next_page: self.end < self.hits.len(),
                has_previous_page: self.start > 0,
                start_cursor: self.cursor(Some(self.start)),
                end_cursor: self.cursor(self.end.checked_sub(1)),
            }
        }

        /// How many results there are over all pages. Of releases and packages whose version or name only starts like the text, the newest fifty count.
        fn total_count(&self) -> i32 {
            int(self.hits.len())
        }
    }
}

/// One of the results of a page.
pub struct SearchResultEdge {
    snapshot: Arc<Snapshot>,
    hit: Hit,
}

impl SearchResultEdge {
    fn result(&self) -> SearchResult {
        let snapshot = Arc::clone(&self.snapshot);
        match self.hit.found {
            Found::Device(at) => SearchResult::Device(Device::new(snapshot, at)),
            Found::Variant(at) => SearchResult::Variant(Variant::new(snapshot, at)),
            Found::Release(at) => SearchResult::Release(Release::new(snapshot, at)),
            Found::Package(at) => SearchResult::Package(Package::new(snapshot, at)),
        }
    }
}

object! {
    /// One of the results of a page.
    impl SearchResultEdge {
        /// Its place among the results: give it as `after` to page on from here.
        fn cursor(&self) -> String {
            cursor_of(&self.snapshot, &self.hit)
        }

        /// What was found.
        fn node(&self) -> SearchResult {
            self.result()
        }

        /// How well it fits, from 0 to 1. 1: the text is what identifies it. Near 0.99: the text is its name. Below that: the text is how it starts, a part of its name, or spelt like it.
        fn score(&self) -> f64 {
            self.hit.score
        }
    }
}
