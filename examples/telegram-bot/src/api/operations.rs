//! The operations, built from fragments. A field that `schema.graphql` does not have, or has as another type, does not compile.
#![expect(unused_qualifications, reason = "cynic's derives write them")]

use cynic::{InlineFragments, InputObject, QueryFragment, QueryVariables};

use super::{
    schema,
    terms::{Branch, ChangeKind, PackageType, Region, UpdateStatus},
};

/// A calendar date, `2017-12-28`.
#[derive(cynic::Scalar, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date(pub String);

/// A number of bytes.
#[derive(cynic::Scalar, Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteCount(pub u64);

/// An address on the web.
#[derive(cynic::Scalar, Clone, Debug, PartialEq, Eq)]
#[cynic(graphql_type = "URL")]
pub struct WebAddress(pub String);

/// A device or variant, as far as it is shown.
#[derive(QueryFragment, Clone, Debug)]
pub struct Variant {
    pub codename: String,
    pub name: String,
    pub region: Region,
}

/// A release, as far as a line shows it.
#[derive(QueryFragment, Clone, Debug)]
pub struct Release {
    pub id: cynic::Id,
    pub version: String,
    pub branch: Branch,
    pub android: Option<String>,
    pub released_on: Option<Date>,
    pub variant: Variant,
}

/// A package, as far as a line shows it.
#[derive(QueryFragment, Clone, Debug)]
pub struct Package {
    pub filename: String,
    #[cynic(rename = "type")]
    pub r#type: PackageType,
    pub size: Option<ByteCount>,
    pub download_url: WebAddress,
    pub release: Release,
}

/// Which packages, and of which releases.
#[derive(InputObject, Clone, Debug, Default)]
#[cynic(graphql_type = "PackageFilter")]
pub struct PackageFilter {
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub device: Option<Vec<String>>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub region: Option<Vec<Region>>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub branch: Option<Vec<Branch>>,
    #[cynic(rename = "type", skip_serializing_if = "Option::is_none")]
    pub r#type: Option<Vec<PackageType>>,
}

/// Which releases.
#[derive(InputObject, Clone, Debug, Default)]
#[cynic(graphql_type = "ReleaseFilter")]
pub struct ReleaseFilter {
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub device: Option<Vec<String>>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub region: Option<Vec<Region>>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub branch: Option<Vec<Branch>>,
    #[cynic(rename = "type", skip_serializing_if = "Option::is_none")]
    pub r#type: Option<Vec<PackageType>>,
}

/// A codename.
#[derive(QueryVariables, Clone, Debug)]
pub struct DeviceVariables {
    /// Base or regional.
    pub codename: String,
}

/// Which device a codename means.
#[derive(QueryFragment, Debug)]
#[cynic(graphql_type = "Query", variables = "DeviceVariables")]
pub struct FindDevice {
    /// `None` where the catalogue has none.
    #[arguments(codename: $codename)]
    pub device: Option<Device>,
}

/// A device with its variants.
#[derive(QueryFragment, Clone, Debug)]
pub struct Device {
    pub codename: String,
    pub name: String,
    #[arguments(region: null)]
    pub variants: Vec<Variant>,
}

/// A codename and which of its packages.
#[derive(QueryVariables, Clone, Debug)]
pub struct NewestPackagesVariables {
    /// Base or regional.
    pub codename: String,
    /// Which packages.
    pub filter: PackageFilter,
}

/// The newest packages of every variant and branch of a device.
#[derive(QueryFragment, Debug)]
#[cynic(graphql_type = "Query", variables = "NewestPackagesVariables")]
pub struct NewestPackages {
    /// `None` where the catalogue has none.
    #[arguments(codename: $codename)]
    pub device: Option<DevicePackages>,
}

/// A device with its newest packages.
#[derive(QueryFragment, Debug)]
#[cynic(graphql_type = "Device", variables = "NewestPackagesVariables")]
pub struct DevicePackages {
    #[arguments(filter: $filter)]
    pub latest_packages: Vec<Package>,
}

/// Which releases, and how many.
#[derive(QueryVariables, Clone, Debug)]
pub struct ArchiveVariables {
    /// Which releases.
    pub filter: ReleaseFilter,
    /// So many at most.
    pub first: i32,
}

/// Releases, newest first.
#[derive(QueryFragment, Debug)]
#[cynic(graphql_type = "Query", variables = "ArchiveVariables")]
pub struct Archive {
    /// A page of them.
    #[arguments(filter: $filter, first: $first)]
    pub releases: Releases,
}

/// A page of releases.
#[derive(QueryFragment, Debug)]
#[cynic(graphql_type = "ReleaseConnection")]
pub struct Releases {
    pub total_count: i32,
    pub nodes: Vec<Release>,
}

/// What a phone says about itself.
#[derive(QueryVariables, Clone, Debug)]
pub struct CheckVariables {
    /// Its codename, base or regional.
    pub codename: String,
    /// The build it runs.
    pub version: String,
}

/// Whether a phone's build is current.
#[derive(QueryFragment, Debug)]
#[cynic(graphql_type = "Query", variables = "CheckVariables")]
pub struct Check {
    /// `None` where the catalogue does not have the phone.
    #[arguments(input: { codename: $codename, version: $version })]
    pub update_check: Option<UpdateCheck>,
}

/// How a phone's build stands.
#[derive(QueryFragment, Debug)]
pub struct UpdateCheck {
    pub status: UpdateStatus,
    pub variant: Variant,
    pub latest: Option<Release>,
    pub packages: Vec<Package>,
    pub path: Vec<Package>,
}

/// A text, and how many results.
#[derive(QueryVariables, Clone, Debug)]
pub struct SearchVariables {
    /// Any text.
    pub text: String,
    /// So many at most.
    pub first: i32,
}

/// What a text may mean, best first.
#[derive(QueryFragment, Debug)]
#[cynic(graphql_type = "Query", variables = "SearchVariables")]
pub struct Search {
    /// A page of results.
    #[arguments(query: $text, first: $first)]
    pub search: SearchResults,
}

/// A page of results.
#[derive(QueryFragment, Debug)]
#[cynic(graphql_type = "SearchResultConnection")]
pub struct SearchResults {
    pub total_count: i32,
    pub nodes: Vec<SearchResult>,
}

/// One result.
#[derive(InlineFragments, Clone, Debug)]
pub enum SearchResult {
    Device(Device),
    Variant(Variant),
    Release(Release),
    Package(Package),
    /// A kind that the server knows and this program does not yet.
    #[cynic(fallback)]
    Other,
}

/// Which changes.
#[derive(InputObject, Clone, Debug, Default)]
pub struct ChangeFilter {
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Vec<ChangeKind>>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub device: Option<Vec<String>>,
}

/// Which changes, and behind which place in the log.
#[derive(QueryVariables, Clone, Debug)]
pub struct ChangesVariables {
    /// Which changes.
    pub filter: ChangeFilter,
    /// A cursor, or the beginning.
    pub after: Option<String>,
}

/// A page of the change log, oldest first.
#[derive(QueryFragment, Debug)]
#[cynic(graphql_type = "Query", variables = "ChangesVariables")]
pub struct Changes {
    /// The page.
    #[arguments(filter: $filter, after: $after, first: 50)]
    pub changes: ChangeConnection,
}

/// A page of changes.
#[derive(QueryFragment, Debug)]
pub struct ChangeConnection {
    pub edges: Vec<ChangeEdge>,
    pub page_info: PageInfo,
}

/// Where a page ends.
#[derive(QueryFragment, Debug)]
pub struct PageInfo {
    pub has_next_page: bool,
    pub end_cursor: Option<String>,
}

/// Which changes, and behind which place in the log.
#[derive(QueryVariables, Clone, Debug)]
pub struct LiveChangesVariables {
    /// Which changes.
    pub filter: ChangeFilter,
    /// A cursor, or from now on.
    pub after: Option<String>,
}

/// Changes as they happen.
#[derive(QueryFragment, Debug)]
#[cynic(graphql_type = "Subscription", variables = "LiveChangesVariables")]
pub struct LiveChanges {
    /// One of them.
    #[arguments(filter: $filter, after: $after)]
    pub changes: ChangeEdge,
}

/// A change and its place in the log.
#[derive(QueryFragment, Debug)]
pub struct ChangeEdge {
    pub cursor: String,
    pub node: Change,
}

/// A change.
#[derive(QueryFragment, Debug)]
pub struct Change {
    pub subject: ChangeSubject,
}

/// What a change is about.
#[derive(InlineFragments, Debug)]
pub enum ChangeSubject {
    Release(NewRelease),
    Package(NewPackage),
    /// A device, or what this program does not know yet.
    #[cynic(fallback)]
    Other,
}

/// A new release with what there is to download.
#[derive(QueryFragment, Debug)]
#[cynic(graphql_type = "Release")]
pub struct NewRelease {
    #[cynic(spread)]
    pub release: Release,
    pub device: DeviceCodename,
    #[arguments(first: 10)]
    pub packages: Files,
}

/// A new package, with its release.
#[derive(QueryFragment, Debug)]
#[cynic(graphql_type = "Package")]
pub struct NewPackage {
    #[cynic(rename = "type")]
    pub r#type: PackageType,
    pub release: NewRelease,
}

/// A device's codename.
#[derive(QueryFragment, Debug)]
#[cynic(graphql_type = "Device")]
pub struct DeviceCodename {
    /// The base codename.
    pub codename: String,
}

/// A page of files.
#[derive(QueryFragment, Debug)]
#[cynic(graphql_type = "PackageConnection")]
pub struct Files {
    /// The files.
    pub nodes: Vec<File>,
}

/// A file to download.
#[derive(QueryFragment, Debug)]
#[cynic(graphql_type = "Package")]
pub struct File {
    #[cynic(rename = "type")]
    pub r#type: PackageType,
    pub size: Option<ByteCount>,
    pub download_url: WebAddress,
}
