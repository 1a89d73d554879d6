//! What the model answers.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::{
    catalogue::{At, Catalogue},
    question::{Ask, Cursors, List, Page, Set},
};

/// The data of a whole question.
pub fn answer(catalogue: &Catalogue, cursors: &Cursors, root: &Set) -> Value {
    Answerer { catalogue, cursors }.set(None, root)
}

struct Answerer<'a> {
    catalogue: &'a Catalogue,
    cursors: &'a Cursors,
}

impl Answerer<'_> {
    fn set(&self, at: Option<At>, set: &Set) -> Value {
        let members = set.asks.iter().enumerate();
        let members = members.map(|(place, ask)| (format!("a{place}"), self.ask(at, ask)));
        Value::Object(members.collect())
    }

    fn each(&self, rows: impl IntoIterator<Item = At>, set: &Set) -> Value {
        rows.into_iter().map(|at| self.set(Some(at), set)).collect()
    }

    fn ask(&self, at: Option<At>, ask: &Ask) -> Value {
        let catalogue = self.catalogue;
        match ask {
            Ask::Leaf(field) => catalogue.leaf(at.unwrap(), field),
            Ask::One(field, set) => {
                let one = self.one(at.unwrap(), field);
                one.map_or(Value::Null, |one| self.set(Some(one), set))
            }
            Ask::Many(field, set) => match (at.unwrap(), *field) {
                (At::Device(at), "siblings") => self.each(catalogue.siblings(at).into_iter().map(At::Device), set),
                (At::Package(at), "derived") => self.each(catalogue.derived(at).into_iter().map(At::Package), set),
                other => panic!("{other:?}"),
            },
            Ask::Variants(regions, set) => {
                let wanted = |at: &usize| {
                    let region = catalogue.variants[*at].line.region.name();
                    regions
                        .as_ref()
                        .is_none_or(|regions| regions.iter().any(|wanted| wanted == region))
                };
                let device = catalogue.device_of(at.unwrap());
                self.each(catalogue.variants_of(device).filter(wanted).map(At::Variant), set)
            }
            Ask::Latest(filter, by, set) => {
                self.each(catalogue.latest(at, filter, by).into_iter().map(At::Package), set)
            }
            Ask::Page(page) => self.page(at, page),
            Ask::Find(found, set) => self.set(Some(*found), set),
        }
    }

    fn one(&self, at: At, field: &str) -> Option<At> {
        let catalogue = self.catalogue;
        match (at, field) {
            (at, "device") => Some(At::Device(catalogue.device_of(at))),
            (At::Release(at), "variant") => Some(At::Variant(catalogue.releases[at].variant)),
            (At::Package(at), "variant") => Some(At::Variant(catalogue.variant_of_package(at))),
            (At::Package(at), "release") => Some(At::Release(catalogue.packages[at].release)),
            (At::Package(at), "source") => catalogue.source(at).map(At::Package),
            (At::Release(at), "previous") => catalogue.neighbour(at, Ordering::Less).map(At::Release),
            (At::Release(at), "next") => catalogue.neighbour(at, Ordering::Greater).map(At::Release),
            other => panic!("{other:?}"),
        }
    }

    fn compare(&self, page: &Page, a: At, b: At) -> Ordering {
        if let (List::Latest, At::Package(a), At::Package(b)) = (page.list, a, b) {
            return self.catalogue.latest_place(a).cmp(&self.catalogue.latest_place(b));
        }
        let (field, down) = page.order();
        self.catalogue.compare(field, down, a, b)
    }

    fn page(&self, owner: Option<At>, page: &Page) -> Value {
        let catalogue = self.catalogue;
        let place: fn(usize) -> At = match page.list {
            List::Devices => At::Device,
            List::Releases => At::Release,
            List::Packages | List::Latest => At::Package,
        };
        let rows = match page.list {
            List::Devices => catalogue.devices_that(&page.filter),
            List::Releases => catalogue.releases_that(owner, &page.filter),
            List::Packages => catalogue.packages_that(owner, &page.filter),
            List::Latest => catalogue.latest(owner, &page.filter, page.by),
        };
        let mut rows: Vec<At> = rows.into_iter().map(place).collect();
        rows.sort_by(|a, b| self.compare(page, *a, *b));
        let start = page.after.map_or(0, |after| {
            rows.partition_point(|row| self.compare(page, *row, place(after)).is_le())
        });
        let end = page.before.map_or(rows.len(), |before| {
            rows.partition_point(|row| self.compare(page, *row, place(before)).is_lt())
        });
        let inside = start..end.max(start);
        let backwards = page.last.is_some() || (page.first.is_none() && page.before.is_some() && page.after.is_none());
        let most = page.first.or(page.last).unwrap_or(20);
        let (from, to) = if backwards {
            (inside.end.saturating_sub(most).max(inside.start), inside.end)
        } else {
            (inside.start, inside.end.min(inside.start + most))
        };
        let shown = &rows[from..to];
        let (field, _) = page.order();
        let cursor = |at: &At| match *at {
            At::Package(at) if page.list == List::Latest => json!(self.cursor_of_latest(at)),
            At::Device(at) | At::Variant(at) | At::Release(at) | At::Package(at) => {
                json!(self.cursors.of(page.list, field, at))
            }
        };
        let mut members = Map::new();
        let mut put = |name: &str, value: Value| drop(members.insert(name.to_owned(), value));
        put(
            "__typename",
            json!(match page.list {
                List::Devices => "DeviceConnection",
                List::Releases => "ReleaseConnection",
                List::Packages | List::Latest => "PackageConnection",
            }),
        );
        if let Some(set) = &page.nodes {
            put("nodes", self.each(shown.iter().copied(), set));
        }
        if page.total {
            put("totalCount", json!(rows.len()));
        }
        if page.facets {
            put("facets", catalogue.facets(&rows).answer());
        }
        if let Some(set) = &page.edges {
            let edge = |at: &At| json!({"cursor": cursor(at), "node": self.set(Some(*at), set)});
            put("edges", shown.iter().map(edge).collect());
        }
        if page.info {
            // what follows the page follows it whether or not an argument cut it off; the same with what precedes
            let follows = if backwards {
                end < rows.len()
            } else {
                to < inside.end || end < rows.len()
            };
            let precedes = if backwards {
                from > inside.start || start > 0
            } else {
                start > 0
            };
            put(
                "pageInfo",
                json!({
                    "hasNextPage": follows,
                    "hasPreviousPage": precedes,
                    "startCursor": shown.first().map(cursor),
                    "endCursor": shown.last().map(cursor),
                }),
            );
        }
        Value::Object(members)
    }

    /// The cursor of the place that a package takes among the newest ones: the same whichever package takes it.
    fn cursor_of_latest(&self, package: usize) -> Option<&str> {
        let place = self.catalogue.latest_place(package);
        let rows = self.cursors.rows(List::Latest, "LATEST");
        let found = rows.iter().find(|(row, _)| self.catalogue.latest_place(*row) == place);
        found.map(|(_, cursor)| cursor.as_str())
    }
}
