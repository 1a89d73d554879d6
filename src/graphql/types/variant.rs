//! Variants.

use std::sync::Arc;

use async_graphql::ID;

use super::{
    Device, LatestBy, Package, PackageFilter, Region, ReleaseConnection, ReleaseFilter, ReleaseOrder, releases_page,
};
use crate::{
    catalog::{Scope, Snapshot, VariantAt},
    graphql::{
        connection::PageArguments,
        error::ApiResult,
        id::{self, NodeAt},
        object::object,
    },
};

/// A device as built for one region and channel: what a release is made for.
#[derive(Clone)]
pub struct Variant {
    snapshot: Arc<Snapshot>,
    at: VariantAt,
}

impl Variant {
    pub(crate) const fn new(snapshot: Arc<Snapshot>, at: VariantAt) -> Self {
        Self { snapshot, at }
    }
}

object! {
    /// A device as built for one region and channel: what a release is made for.
    impl Variant {
        /// Identifies the variant in every copy of the catalogue.
        pub fn id(&self) -> ID {
            id::encode(&self.snapshot, NodeAt::Variant(self.at)).into()
        }

        /// The regional codename: the base codename and a suffix for region and channel, `alioth_eea_global`. For China it is mostly the base codename itself.
        fn codename(&self) -> &str {
            self.snapshot.text(self.snapshot.variant(self.at).codename)
        }

        /// The device that it is a variant of.
        fn device(&self) -> Device {
            Device::new(Arc::clone(&self.snapshot), self.snapshot.variant(self.at).device)
        }

        /// The region that it is built for.
        fn region(&self) -> Region {
            self.snapshot.variant(self.at).region.into()
        }

        /// All names joined: `POCO F3`; the codename where no name is known.
        fn name(&self) -> &str {
            self.snapshot.text(self.snapshot.variant(self.at).name)
        }

        /// The names it is sold under, most usual first.
        fn names(&self) -> Vec<&str> {
            self.snapshot.variant_names(self.at).collect()
        }

        /// What stands for it in the file names of recovery packages: `ALIOTHEEAGlobal` in `miui_ALIOTHEEAGlobal_…zip`. Null where it is not known.
        fn rom_code(&self) -> Option<&str> {
            self.snapshot
                .variant(self.at)
                .rom_code
                .map(|code| self.snapshot.text(code))
        }

        /// Its releases, newest first unless ordered otherwise.
        #[expect(clippy::too_many_arguments, reason = "the arguments are the API's")]
        fn releases(
            &self,
            here: &Here,
            #[graphql(desc = "Narrows the releases.")] filter: Option<ReleaseFilter>,
            #[graphql(desc = "The order; newest first where left out.")] order_by: Option<ReleaseOrder>,
            #[graphql(desc = "So many from the start, or behind `after`; 0 to 100, 20 where left out.")] first: Option<i32>,
            #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
            #[graphql(desc = "So many from the end, or before `before`; 0 to 100. Not together with `first`.")]
            last: Option<i32>,
            #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        ) -> ApiResult<ReleaseConnection> {
            let page = PageArguments {
                first,
                after,
                last,
                before,
            };
            releases_page(
                here.limits,
                Arc::clone(&self.snapshot),
                Scope::Variant(self.at),
                filter,
                order_by,
                page,
            )
        }

        /// Incremental packages to install one after another to get from one version to another: the fewest, and of those the
        /// smallest together. Null where the catalogue has no such chain.
        fn update_path(
            &self,
            #[graphql(desc = "The version to start from.")] from: String,
            #[graphql(desc = "The version to arrive at.")] to: String,
        ) -> Option<Vec<Package>> {
            let (from, to) = (self.snapshot.find_version(&from)?, self.snapshot.find_version(&to)?);
            let path = self.snapshot.update_path(self.at, from, to)?;
            Some(
                path.into_iter()
                    .map(|at| Package::new(Arc::clone(&self.snapshot), at))
                    .collect(),
            )
        }

        /// Of every branch and type the newest matching package. Incremental packages only where the filter asks for INCREMENTAL.
        fn latest_packages(
            &self,
            #[graphql(desc = "Narrows the packages from which the newest are chosen.")] filter: Option<PackageFilter>,
            #[graphql(default_with = "LatestBy::ReleasedOn", desc = "What \"newest\" goes by.")] by: LatestBy,
        ) -> Vec<Package> {
            let newest = self
                .snapshot
                .latest(Scope::Variant(self.at), &filter.unwrap_or_default().into(), by.into());
            newest
                .into_iter()
                .map(|at| Package::new(Arc::clone(&self.snapshot), at))
                .collect()
        }
    }
}
