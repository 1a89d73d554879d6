//! Releases.

use std::sync::Arc;

use async_graphql::{Context, ID};

use super::{
    Branch, Changelog, Date, Device, OperatingSystem, PackageConnection, PackageFilter, PackageOrder, Region,
    ReleaseOrderField, Variant, packages_page,
};
use crate::{
    catalog::{ChangelogId, ReleaseAt, ReleaseField, ReleaseRow, Scope, Side, Snapshot},
    graphql::{
        connection::{PageArguments, connection},
        context::ContextExt as _,
        cursor,
        error::ApiResult,
        id::{self, NodeAt},
        object::object,
    },
};

/// One version for one variant, with its packages.
#[derive(Clone)]
pub struct Release {
    snapshot: Arc<Snapshot>,
    at: ReleaseAt,
}

impl Release {
    pub(crate) const fn new(snapshot: Arc<Snapshot>, at: ReleaseAt) -> Self {
        Self { snapshot, at }
    }

    pub(super) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    pub(super) const fn at(&self) -> ReleaseAt {
        self.at
    }

    fn row(&self) -> &ReleaseRow {
        self.snapshot.release(self.at)
    }

    fn neighbour(&self, side: Side) -> Option<Self> {
        self.snapshot
            .neighbour(self.at, side)
            .map(|at| Self::new(Arc::clone(&self.snapshot), at))
    }
}

object! {
    /// One version for one variant, with its packages.
    impl Release {
        /// Identifies the release in every copy of the catalogue.
        pub fn id(&self) -> ID {
            id::encode(&self.snapshot, NodeAt::Release(self.at)).into()
        }

        /// The variant that it was made for.
        fn variant(&self) -> Variant {
            Variant::new(Arc::clone(&self.snapshot), self.row().variant)
        }

        /// The device that it was made for.
        fn device(&self) -> Device {
            Device::new(Arc::clone(&self.snapshot), self.snapshot.variant_of(self.at).device)
        }

        /// The region that it was made for.
        fn region(&self) -> Region {
            self.snapshot.variant_of(self.at).region.into()
        }

        /// The operating system, as the version tells it.
        fn os(&self) -> OperatingSystem {
            self.row().os.into()
        }

        /// The version, such as `V12.5.4.0.RKHMIXM` or `7.12.28`: what a phone shows as its build.
        fn version(&self) -> &str {
            self.snapshot.version(self.row().version)
        }

        /// The branch it is published on. `STABLE_BETA` becomes `STABLE` when Xiaomi lets everyone have it.
        fn branch(&self) -> Branch {
            self.row().branch.into()
        }

        /// The Android version, as sources write it: `7.1`, `13.0`.
        fn android(&self) -> Option<&str> {
            self.snapshot.android_of_release(self.at)
        }

        /// The earliest date published for any of its packages; null where none has one.
        fn released_on(&self) -> Option<Date> {
            self.row().released_on.map(Date)
        }

        /// The Android security patch that the changelog names, as the first day of its month; null where it names none.
        fn security_patch(&self) -> Option<Date> {
            self.row().security_patch.map(Date)
        }

        /// What changed; null where the source has only boilerplate ("Bug fixes and system optimizations.").
        async fn changelog(&self, ctx: &Context<'_>) -> ApiResult<Option<Changelog>> {
            let Some(id) = self.row().changelog else {
                return Ok(None);
            };
            Ok(ctx.changelog(ChangelogId(id)).await?.map(Changelog))
        }

        /// Its packages, newest first unless ordered otherwise.
        #[expect(clippy::too_many_arguments, reason = "the arguments are the API's")]
        fn packages(
            &self,
            here: &Here,
            #[graphql(desc = "Narrows the packages.")] filter: Option<PackageFilter>,
            #[graphql(desc = "The order; newest first where left out.")] order_by: Option<PackageOrder>,
            #[graphql(desc = "So many from the start, or behind `after`; 0 to 100, 20 where left out.")] first: Option<i32>,
            #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
            #[graphql(desc = "So many from the end, or before `before`; 0 to 100. Not together with `first`.")]
            last: Option<i32>,
            #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        ) -> ApiResult<PackageConnection> {
            let page = PageArguments {
                first,
                after,
                last,
                before,
            };
            packages_page(
                here.limits,
                Arc::clone(&self.snapshot),
                Scope::Release(self.at),
                filter,
                order_by,
                page,
            )
        }

        /// The next lower version on the same variant and branch.
        fn previous(&self) -> Option<Self> {
            self.neighbour(Side::Previous)
        }

        /// The next higher version on the same variant and branch.
        fn next(&self) -> Option<Self> {
            self.neighbour(Side::Next)
        }
    }
}

fn cursor_of(snapshot: &Snapshot, order: ReleaseOrderField, at: ReleaseAt) -> String {
    let field = ReleaseField::from(order);
    cursor::of_release(field, &snapshot.release_key(field, at))
}

connection! {
    ReleaseConnection, ReleaseEdge, Release, "releases",
    place: ReleaseAt, order: ReleaseOrderField,
    cursor: cursor_of, count: Snapshot::count_releases, facets: Snapshot::facets_of_releases
}
