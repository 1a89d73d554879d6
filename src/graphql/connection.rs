//! Connections: pages of lists in the form that Relay defines.

use super::{
    error::{ApiError, ApiResult},
    limits::Limits,
    object::record,
};
use crate::catalog::{Take, Window};

record! {
    /// Where a page lies in its list.
    #[derive(Clone, Debug)]
    pub struct PageInfo as "PageInfo" {
        /// Whether items follow this page.
        pub(super) has_next_page: bool,
        /// Whether items precede this page.
        pub(super) has_previous_page: bool,
        /// The cursor of the first item of this page; null when the page is empty.
        pub(super) start_cursor: Option<String>,
        /// The cursor of the last item of this page; null when the page is empty.
        pub(super) end_cursor: Option<String>,
    }
}

/// The four arguments by which a page is asked for.
#[derive(Debug, Default)]
pub struct PageArguments {
    /// So many from the start, or behind `after`.
    pub first: Option<i32>,
    /// Only what follows this cursor.
    pub after: Option<String>,
    /// So many from the end, or before `before`.
    pub last: Option<i32>,
    /// Only what precedes this cursor.
    pub before: Option<String>,
}

impl PageArguments {
    /// The window that the arguments describe, its cursors read by `decode`.
    ///
    /// # Errors
    /// When a number is out of range, both directions are asked for, or a cursor is not one of this order.
    pub fn window<K>(self, limits: Limits, decode: impl Fn(&str) -> Option<K>) -> ApiResult<Window<K>> {
        let take = match (self.first, self.last) {
            (Some(_), Some(_)) => {
                return Err(ApiError::bad_input("last", "give first or last, not both"));
            }
            (None, Some(last)) => Take::Last(size("last", last, limits)?),
            (Some(first), None) => Take::First(size("first", first, limits)?),
            // Only `before` given: the page that ends there.
            (None, None) if self.before.is_some() && self.after.is_none() => {
                Take::Last(limits.default_page_size as usize)
            }
            (None, None) => Take::First(limits.default_page_size as usize),
        };
        let read = |argument, cursor: Option<String>| {
            cursor
                .map(|cursor| {
                    decode(&cursor)
                        .ok_or_else(|| ApiError::bad_input(argument, "not a cursor of this list in this order"))
                })
                .transpose()
        };
        Ok(Window {
            after: read("after", self.after)?,
            before: read("before", self.before)?,
            take,
        })
    }
}

/// A page's size; 0 is allowed and gives an empty page, for who wants totals alone.
fn size(argument: &'static str, asked: i32, limits: Limits) -> ApiResult<usize> {
    usize::try_from(asked)
        .ok()
        .filter(|size| *size <= limits.max_page_size as usize)
        .ok_or_else(|| ApiError::bad_input(argument, format!("must be 0 to {}, is {asked}", limits.max_page_size)))
}

/// Defines a connection and its edge over a table of the snapshot.
macro_rules! connection {
    (
        $connection:ident, $edge:ident, $node:ident, $items:literal,
        place: $place:ty, order: $order:ty, cursor: $cursor:path, count: $count:path, facets: $facets:path
    ) => {
        #[doc = concat!("A page of ", $items, ", with what can be said about all pages.")]
        pub struct $connection {
            snapshot: std::sync::Arc<crate::catalog::Snapshot>,
            selection: crate::catalog::Selection<$place>,
            order: $order,
            page: crate::catalog::Page<$place>,
        }

        impl $connection {
            pub(crate) const fn new(
                snapshot: std::sync::Arc<crate::catalog::Snapshot>,
                selection: crate::catalog::Selection<$place>,
                order: $order,
                page: crate::catalog::Page<$place>,
            ) -> Self {
                Self {
                    snapshot,
                    selection,
                    order,
                    page,
                }
            }

            fn edge(&self, at: $place) -> $edge {
                $edge {
                    node: $node::new(std::sync::Arc::clone(&self.snapshot), at),
                    order: self.order,
                }
            }

            fn cursor(&self, at: Option<&$place>) -> Option<String> {
                at.map(|at| $cursor(&*self.snapshot, self.order, *at))
            }
        }

        crate::graphql::object::object! {
            #[doc = concat!("A page of ", $items, ", with what can be said about all pages.")]
            impl $connection {
                #[doc = concat!("The ", $items, " of this page, each with its cursor.")]
                fn edges(&self) -> Vec<$edge> {
                    self.page.rows.iter().map(|at| self.edge(*at)).collect()
                }

                #[doc = concat!("The ", $items, " of this page.")]
                fn nodes(&self) -> Vec<$node> {
                    self.page
                        .rows
                        .iter()
                        .map(|at| $node::new(std::sync::Arc::clone(&self.snapshot), *at))
                        .collect()
                }

                /// Where this page lies in the list.
                fn page_info(&self) -> crate::graphql::connection::PageInfo {
                    crate::graphql::connection::PageInfo {
                        has_next_page: self.page.has_next,
                        has_previous_page: self.page.has_previous,
                        start_cursor: self.cursor(self.page.rows.first()),
                        end_cursor: self.cursor(self.page.rows.last()),
                    }
                }

                #[doc = concat!("How many ", $items, " there are over all pages.")]
                fn total_count(&self) -> i32 {
                    crate::graphql::types::int($count(&*self.snapshot, &self.selection))
                }

                #[doc = concat!("How many of the ", $items, ", over all pages, have each value.")]
                fn facets(&self) -> crate::graphql::types::Facets {
                    $facets(&*self.snapshot, &self.selection).into()
                }
            }
        }

        #[doc = concat!("One of the ", $items, " of a page.")]
        pub struct $edge {
            node: $node,
            order: $order,
        }

        crate::graphql::object::object! {
            #[doc = concat!("One of the ", $items, " of a page.")]
            impl $edge {
                /// Its place in the list: give it as `after` or `before` to page on from here. It keeps its meaning when the catalogue changes.
                fn cursor(&self) -> String {
                    $cursor(self.node.snapshot(), self.order, self.node.at())
                }

                /// The item.
                fn node(&self) -> &$node {
                    &self.node
                }
            }
        }
    };
}
pub(super) use connection;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_arguments_are_checked() {
        let arguments = |first, last, after: Option<&str>, before: Option<&str>| PageArguments {
            first,
            last,
            after: after.map(str::to_owned),
            before: before.map(str::to_owned),
        };
        for (given, expected) in [
            (arguments(None, None, None, None), Ok(Take::First(20))),
            (arguments(Some(0), None, None, None), Ok(Take::First(0))),
            (arguments(Some(100), None, None, None), Ok(Take::First(100))),
            (arguments(Some(101), None, None, None), Err("first")),
            (arguments(Some(-1), None, None, None), Err("first")),
            (arguments(None, Some(7), None, None), Ok(Take::Last(7))),
            (arguments(None, Some(101), None, None), Err("last")),
            (arguments(Some(1), Some(1), None, None), Err("last")),
            (arguments(None, None, None, Some("7")), Ok(Take::Last(20))),
            (arguments(Some(1), None, Some("x"), None), Err("after")),
            (arguments(None, Some(1), None, Some("x")), Err("before")),
        ] {
            let shown = format!("{given:?}");
            let window = given.window(Limits::default(), |cursor| cursor.parse::<u8>().ok());
            let window = window.map(|window| window.take).map_err(|error| match error {
                ApiError::BadInput { argument, .. } => argument,
                _ => "another kind",
            });
            assert_eq!(window, expected, "{shown}");
        }
    }
}
