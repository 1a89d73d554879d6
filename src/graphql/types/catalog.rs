//! The catalogue itself: its age, its size, its sources.

use std::sync::Arc;

use async_graphql::Context;

use super::{Date, DateTime, facet::int};
use crate::{
    catalog::Snapshot,
    graphql::{
        context::ContextExt as _,
        error::{ApiError, ApiResult},
        object::{object, record},
    },
};

/// The catalogue: how old it is, how much it holds, and where that came from.
pub struct Catalog {
    snapshot: Arc<Snapshot>,
}

impl Catalog {
    pub(crate) const fn new(snapshot: Arc<Snapshot>) -> Self {
        Self { snapshot }
    }
}

object! {
    /// The catalogue: how old it is, how much it holds, and where that came from.
    impl Catalog {
        /// Grows with every import that changed something; 0 while the catalogue is empty. All of one answer is of one revision.
        fn revision(&self) -> i32 {
            self.snapshot.revision
        }

        /// When the revision was made; null while the catalogue is empty.
        fn updated_at(&self) -> Option<DateTime> {
            self.snapshot.updated_at.map(DateTime)
        }

        /// The date of the newest release.
        fn newest_release_on(&self) -> Option<Date> {
            let newest = self.snapshot.releases().next()?;
            self.snapshot.release(newest).released_on.map(Date)
        }

        /// How many devices there are.
        fn device_count(&self) -> i32 {
            int(self.snapshot.devices().len())
        }

        /// How many releases there are.
        fn release_count(&self) -> i32 {
            int(self.snapshot.releases().len())
        }

        /// How many packages there are.
        fn package_count(&self) -> i32 {
            int(self.snapshot.packages().len())
        }

        /// Where the data came from.
        async fn sources(&self, ctx: &Context<'_>) -> ApiResult<Vec<Source>> {
            let rows = ctx.catalog()?.sources().await.map_err(ApiError::internal)?;
            Ok(rows.into_iter().map(Source::from).collect())
        }

        /// How fetching the sources goes that this server keeps itself up to date from; none where it does not.
        async fn upstreams(&self, ctx: &Context<'_>) -> ApiResult<Vec<Upstream>> {
            let rows = ctx.catalog()?.upstreams().await.map_err(ApiError::internal)?;
            Ok(rows.into_iter().map(Upstream::from).collect())
        }
    }
}

record! {
    /// A place from which data was imported, with what its last import gave.
    #[derive(Clone, Debug)]
    pub struct Source as "Source" {
        /// What kind of source it is: `site`, `tracker`, `export` or `starter`.
        name: String,
        /// The address or file name that it was read from.
        location: String,
        /// When it was last imported.
        imported_at: DateTime,
        /// How many packages its last import named.
        package_count: i32,
        /// How many records its last import could not place.
        rejected_count: i32,
    }
}

record! {
    /// A place that the server looks at for something new, and how that goes.
    #[derive(Clone, Debug)]
    pub struct Upstream as "Upstream" {
        /// The address that is looked at.
        location: String,
        /// When it was last asked for.
        attempted_at: DateTime,
        /// When it last answered well, with something new or that it is as it was; null if it never did.
        succeeded_at: Option<DateTime>,
        /// How often it has failed since.
        failure_count: i32,
        /// Why it last failed; null after a success.
        failure: Option<String>,
    }
}

impl From<entity::upstream::Model> for Upstream {
    fn from(row: entity::upstream::Model) -> Self {
        Self {
            location: row.location,
            attempted_at: DateTime(row.attempted_at),
            succeeded_at: row.succeeded_at.map(DateTime),
            failure_count: row.failures,
            failure: row.failure,
        }
    }
}

impl From<entity::source::Model> for Source {
    fn from(row: entity::source::Model) -> Self {
        Self {
            name: row.name,
            location: row.location,
            imported_at: DateTime(row.imported_at),
            package_count: row.package_count,
            rejected_count: row.rejected_count,
        }
    }
}
