//! Devices.

use std::sync::Arc;

use async_graphql::ID;

use super::{
    Branch, Date, DeviceOrderField, LatestBy, Package, PackageConnection, PackageFilter, PackageOrder, Region,
    ReleaseConnection, ReleaseFilter, ReleaseOrder, Variant, packages_page, releases_page,
};
use crate::{
    catalog::{DeviceAt, DeviceField, Scope, Snapshot},
    graphql::{
        connection::{PageArguments, connection},
        cursor,
        error::ApiResult,
        id::{self, NodeAt},
        object::object,
    },
};

/// A phone, tablet or other product line under one base codename, such as `alioth`. It may be sold under several names.
#[derive(Clone)]
pub struct Device {
    snapshot: Arc<Snapshot>,
    at: DeviceAt,
}

impl Device {
    pub(crate) const fn new(snapshot: Arc<Snapshot>, at: DeviceAt) -> Self {
        Self { snapshot, at }
    }

    pub(super) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    pub(super) const fn at(&self) -> DeviceAt {
        self.at
    }
}

object! {
    /// A phone, tablet or other product line under one base codename, such as `alioth`. It may be sold under several names.
    impl Device {
        /// Identifies the device in every copy of the catalogue.
        pub fn id(&self) -> ID {
            id::encode(&self.snapshot, NodeAt::Device(self.at)).into()
        }

        /// The base codename: what Xiaomi calls the product inside, and what the phone says it is. It is unique, whatever the case of its letters.
        fn codename(&self) -> &str {
            self.snapshot.text(self.snapshot.device(self.at).codename)
        }

        /// All names joined: `Redmi K40 / POCO F3 / Mi 11X`; the codename where no name is known.
        fn name(&self) -> &str {
            self.snapshot.text(self.snapshot.device(self.at).name)
        }

        /// The names it is sold under, in the order of its variants.
        fn names(&self) -> Vec<&str> {
            self.snapshot.device_names(self.at).collect()
        }

        /// Its variants, one for each region and channel it is built for, in the order of the enum Region.
        fn variants(
            &self,
            #[graphql(desc = "Only variants for these regions.")] region: Option<Vec<Region>>,
        ) -> Vec<Variant> {
            let regions: Option<Vec<entity::value::Region>> =
                region.map(|regions| regions.into_iter().map(Into::into).collect());
            let wanted = |at: &_| {
                regions
                    .as_ref()
                    .is_none_or(|regions| regions.contains(&self.snapshot.variant(*at).region))
            };
            self.snapshot
                .variants_of(self.at)
                .filter(wanted)
                .map(|at| Variant::new(Arc::clone(&self.snapshot), at))
                .collect()
        }

        /// Other devices whose codename starts with this one's, or the reverse: easy to confuse, and a package of one bricks the other.
        fn siblings(&self) -> Vec<Self> {
            self.snapshot
                .siblings(self.at)
                .map(|at| Self::new(Arc::clone(&self.snapshot), at))
                .collect()
        }

        /// The regions of its variants.
        fn regions(&self) -> Vec<Region> {
            self.snapshot.device(self.at).regions.iter().map(Into::into).collect()
        }

        /// The branches that it has releases on.
        fn branches(&self) -> Vec<Branch> {
            self.snapshot.device(self.at).branches.iter().map(Into::into).collect()
        }

        /// The date of its earliest release.
        fn first_released_on(&self) -> Option<Date> {
            self.snapshot.device(self.at).first_released_on.map(Date)
        }

        /// The date of its newest release.
        fn last_released_on(&self) -> Option<Date> {
            self.snapshot.device(self.at).last_released_on.map(Date)
        }

        /// Its releases over all variants, newest first unless ordered otherwise.
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
                Scope::Device(self.at),
                filter,
                order_by,
                page,
            )
        }

        /// Its packages over all releases, newest first unless ordered otherwise.
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
                Scope::Device(self.at),
                filter,
                order_by,
                page,
            )
        }

        /// Of every variant, branch and type the newest matching package, in the order of variants, branches and types.
        /// Incremental packages only where the filter asks for INCREMENTAL.
        fn latest_packages(
            &self,
            #[graphql(desc = "Narrows the packages from which the newest are chosen.")] filter: Option<PackageFilter>,
            #[graphql(default_with = "LatestBy::ReleasedOn", desc = "What \"newest\" goes by.")] by: LatestBy,
        ) -> Vec<Package> {
            let newest = self
                .snapshot
                .latest(Scope::Device(self.at), &filter.unwrap_or_default().into(), by.into());
            newest
                .into_iter()
                .map(|at| Package::new(Arc::clone(&self.snapshot), at))
                .collect()
        }
    }
}

fn cursor_of(snapshot: &Snapshot, order: DeviceOrderField, at: DeviceAt) -> String {
    let field = DeviceField::from(order);
    cursor::of_device(field, &snapshot.device_key(field, at))
}

connection! {
    DeviceConnection, DeviceEdge, Device, "devices",
    place: DeviceAt, order: DeviceOrderField,
    cursor: cursor_of, count: Snapshot::count_devices, facets: Snapshot::facets_of_devices
}
