//! What lists are narrowed and ordered by.

use async_graphql::{Enum, InputObject, OneofObject};
use entity::value;

use super::{Branch, Date, OperatingSystem, PackageType, Region};
use crate::catalog::{self, Days, Knowledge, Member, Set};

/// Narrows devices. Every member that is given narrows; a list means "any of these", and one value may stand for a list.
/// Of `os`, `branch`, `region` and `type` all must hold of one and the same package of the device. An empty list matches nothing.
#[derive(InputObject, Clone, Debug, Default)]
pub struct DeviceFilter {
    /// Codenames, base (`alioth`) or regional (`alioth_eea_global`); the case of letters does not matter. Unknown ones match nothing.
    codename: Option<Vec<String>>,
    /// Part of a market name or of the codename. Case, blanks and punctuation do not matter: `note10pro` finds Redmi Note 10 Pro.
    search: Option<String>,
    /// Operating systems.
    os: Option<Vec<OperatingSystem>>,
    /// Branches.
    branch: Option<Vec<Branch>>,
    /// Regions.
    region: Option<Vec<Region>>,
    /// Package types.
    r#type: Option<Vec<PackageType>>,
}

/// Narrows releases. Every member that is given narrows; a list means "any of these", and one value may stand for a list.
/// A release matches when one of its packages does: `type`, `android` and `releasedOn` must hold of one and the same
/// package. An empty list matches nothing.
#[derive(InputObject, Clone, Debug, Default)]
pub struct ReleaseFilter {
    /// Codenames: a base one (`alioth`) means all variants of the device, a regional one (`alioth_eea_global`) that variant.
    /// The variant for China is often named like its device: add `region: CHINA` for it alone. Case does not matter; unknown ones match nothing.
    device: Option<Vec<String>>,
    /// Operating systems.
    os: Option<Vec<OperatingSystem>>,
    /// Branches.
    branch: Option<Vec<Branch>>,
    /// Regions.
    region: Option<Vec<Region>>,
    /// Types of which the release has a package.
    r#type: Option<Vec<PackageType>>,
    /// Whole versions, such as `V12.5.4.0.RKHMIXM` or `7.12.28`; case does not matter.
    version: Option<Vec<String>>,
    /// What the version starts with: `V14.` for MIUI 14, `OS2.` for HyperOS 2; case does not matter.
    version_prefix: Option<String>,
    /// Android versions: `13` means 13 and 13.0, `7` also 7.1, and `7.1` only that.
    android: Option<Vec<String>>,
    /// When a package of the release was published; undated ones do not match.
    released_on: Option<DateRange>,
    /// The Android security patch that the changelog names, as the first day of its month; releases whose changelog names none do not match.
    security_patch: Option<DateRange>,
}

/// Narrows packages. Every member that is given narrows; a list means "any of these", and one value may stand for a list.
/// An empty list matches nothing.
#[derive(InputObject, Clone, Debug, Default)]
pub struct PackageFilter {
    /// Codenames: a base one (`alioth`) means all variants of the device, a regional one (`alioth_eea_global`) that variant.
    /// The variant for China is often named like its device: add `region: CHINA` for it alone. Case does not matter; unknown ones match nothing.
    device: Option<Vec<String>>,
    /// Operating systems.
    os: Option<Vec<OperatingSystem>>,
    /// Branches.
    branch: Option<Vec<Branch>>,
    /// Regions.
    region: Option<Vec<Region>>,
    /// Package types.
    r#type: Option<Vec<PackageType>>,
    /// Whole versions of the packages' releases, such as `V12.5.4.0.RKHMIXM` or `7.12.28`; case does not matter.
    version: Option<Vec<String>>,
    /// What the version starts with: `V14.` for MIUI 14, `OS2.` for HyperOS 2; case does not matter.
    version_prefix: Option<String>,
    /// Android versions: `13` means 13 and 13.0, `7` also 7.1, and `7.1` only that.
    android: Option<Vec<String>>,
    /// When the package was published; undated ones do not match.
    released_on: Option<DateRange>,
    /// `true` for packages whose size is known, `false` for the others.
    size_known: Option<bool>,
    /// `true` for packages whose MD5 is known, `false` for the others.
    md5_known: Option<bool>,
    /// `true` for ROMs that firmware was taken from (`Package.derived`), `false` for all other packages.
    has_derived: Option<bool>,
}

/// A range of dates, both ends included. An end that is left out is open.
#[derive(InputObject, Clone, Debug, Default)]
pub struct DateRange {
    /// The first day.
    from: Option<Date>,
    /// The last day.
    to: Option<Date>,
}

/// What identifies a package: exactly one of these.
#[derive(OneofObject, Clone, Debug)]
pub enum PackageBy {
    /// The file's name, exactly.
    Filename(String),
    /// The file's MD5, 32 hex digits, or their first ten; case does not matter.
    Md5(String),
    /// An address the file can be downloaded from, on any host: what tells is the name at its end.
    Url(String),
}

/// What devices are ordered by.
#[derive(InputObject, Clone, Copy, Debug)]
pub struct DeviceOrder {
    /// The field.
    pub(crate) field: DeviceOrderField,
    /// The direction.
    #[graphql(default_with = "OrderDirection::Asc")]
    pub(crate) direction: OrderDirection,
}

/// What devices can be ordered by.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "catalog::DeviceField")]
pub enum DeviceOrderField {
    /// The base codename.
    Codename,
    /// The name.
    Name,
    /// The date of the newest release; devices without one come last in either direction.
    LastReleasedOn,
}

/// What releases are ordered by.
#[derive(InputObject, Clone, Copy, Debug)]
pub struct ReleaseOrder {
    /// The field.
    pub(crate) field: ReleaseOrderField,
    /// The direction.
    #[graphql(default_with = "OrderDirection::Desc")]
    pub(crate) direction: OrderDirection,
}

/// What releases can be ordered by.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "catalog::ReleaseField")]
pub enum ReleaseOrderField {
    /// The date, and within a day the version; releases without a date come last in either direction.
    ReleasedOn,
    /// The version, by its numbers: V12.5.10 is higher than V12.5.9, HyperOS higher than MIUI, and MIUI's numbered versions higher than weekly ones.
    Version,
}

/// What packages are ordered by.
#[derive(InputObject, Clone, Copy, Debug)]
pub struct PackageOrder {
    /// The field.
    pub(crate) field: PackageOrderField,
    /// The direction.
    #[graphql(default_with = "OrderDirection::Desc")]
    pub(crate) direction: OrderDirection,
}

/// What packages can be ordered by.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "catalog::PackageField")]
pub enum PackageOrderField {
    /// The date; packages without one come last in either direction.
    ReleasedOn,
    /// The release's version, by its numbers, as in `ReleaseOrderField.VERSION`.
    Version,
    /// The size; packages of unknown size come last in either direction.
    Size,
}

/// Which end of an order comes first.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderDirection {
    /// Ascending: smallest, oldest, or first in the alphabet.
    Asc,
    /// Descending: largest, newest, or last in the alphabet.
    Desc,
}

/// What "newest" goes by. Two lines of one variant can run side by side on different Android versions, so that the two differ.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "catalog::LatestBy")]
pub enum LatestBy {
    /// The date of publication; of packages of one day the higher version.
    ReleasedOn,
    /// The version; of packages of one version the later date.
    Version,
}

impl From<OrderDirection> for catalog::Direction {
    fn from(direction: OrderDirection) -> Self {
        match direction {
            OrderDirection::Asc => Self::Ascending,
            OrderDirection::Desc => Self::Descending,
        }
    }
}

fn set<T: Into<M>, M: Member>(values: Option<Vec<T>>) -> Option<Set<M>> {
    values.map(|values| values.into_iter().map(Into::into).collect())
}

fn known(wanted: Option<bool>) -> Option<Knowledge> {
    wanted.map(|known| if known { Knowledge::Known } else { Knowledge::Unknown })
}

impl From<DateRange> for Days {
    fn from(range: DateRange) -> Self {
        Self {
            from: range.from.map(|date| date.0),
            to: range.to.map(|date| date.0),
        }
    }
}

impl From<DeviceFilter> for catalog::DeviceFilter {
    fn from(filter: DeviceFilter) -> Self {
        Self {
            codename: filter.codename,
            search: filter.search,
            os: set::<_, value::OperatingSystem>(filter.os),
            branch: set(filter.branch),
            region: set(filter.region),
            r#type: set(filter.r#type),
        }
    }
}

impl From<ReleaseFilter> for catalog::Filter {
    fn from(filter: ReleaseFilter) -> Self {
        Self {
            device: filter.device,
            os: set(filter.os),
            branch: set(filter.branch),
            region: set(filter.region),
            r#type: set(filter.r#type),
            version: filter.version,
            version_prefix: filter.version_prefix,
            android: filter.android,
            released_on: filter.released_on.map(Into::into),
            security_patch: filter.security_patch.map(Into::into),
            ..Self::default()
        }
    }
}

impl From<PackageFilter> for catalog::Filter {
    fn from(filter: PackageFilter) -> Self {
        Self {
            device: filter.device,
            os: set(filter.os),
            branch: set(filter.branch),
            region: set(filter.region),
            r#type: set(filter.r#type),
            version: filter.version,
            version_prefix: filter.version_prefix,
            android: filter.android,
            released_on: filter.released_on.map(Into::into),
            size: known(filter.size_known),
            md5: known(filter.md5_known),
            derived: known(filter.has_derived),
            ..Self::default()
        }
    }
}
