//! Counts by value.

use super::{Branch, OperatingSystem, PackageType, Region};
use crate::{catalog, graphql::object::record};

record! {
    /// How many of the connection's items, over all its pages, have each value. Values that none has are left out. An item
    /// with several values counts for each: a device for every region it has a variant in, a release for every type of its packages.
    #[derive(Clone, Debug)]
    pub struct Facets as "Facets" {
        /// By operating system.
        os: Vec<OperatingSystemCount>,
        /// By branch.
        branch: Vec<BranchCount>,
        /// By region.
        region: Vec<RegionCount>,
        /// By package type.
        r#type: Vec<PackageTypeCount>,
    }
}

record! {
    /// How many items have an operating system.
    #[derive(Clone, Debug)]
    pub struct OperatingSystemCount as "OperatingSystemCount" {
        /// The operating system.
        value: OperatingSystem,
        /// How many items have it.
        count: i32,
    }
}

record! {
    /// How many items are on a branch.
    #[derive(Clone, Debug)]
    pub struct BranchCount as "BranchCount" {
        /// The branch.
        value: Branch,
        /// How many items are on it.
        count: i32,
    }
}

record! {
    /// How many items are for a region.
    #[derive(Clone, Debug)]
    pub struct RegionCount as "RegionCount" {
        /// The region.
        value: Region,
        /// How many items are for it.
        count: i32,
    }
}

record! {
    /// How many items have a package type.
    #[derive(Clone, Debug)]
    pub struct PackageTypeCount as "PackageTypeCount" {
        /// The package type.
        value: PackageType,
        /// How many items have it.
        count: i32,
    }
}

/// A count as the API's Int carries it.
pub(crate) fn int(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

impl From<catalog::Facets> for Facets {
    fn from(facets: catalog::Facets) -> Self {
        Self {
            os: facets
                .os
                .into_iter()
                .map(|(value, count)| OperatingSystemCount {
                    value: value.into(),
                    count: int(count),
                })
                .collect(),
            branch: facets
                .branch
                .into_iter()
                .map(|(value, count)| BranchCount {
                    value: value.into(),
                    count: int(count),
                })
                .collect(),
            region: facets
                .region
                .into_iter()
                .map(|(value, count)| RegionCount {
                    value: value.into(),
                    count: int(count),
                })
                .collect(),
            r#type: facets
                .r#type
                .into_iter()
                .map(|(value, count)| PackageTypeCount {
                    value: value.into(),
                    count: int(count),
                })
                .collect(),
        }
    }
}
