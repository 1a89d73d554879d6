//! The schema's enums, as people write and read them: `stable-beta`, `STABLE_BETA` and `Stable Beta` are one.

use strum::{Display, EnumString, VariantNames};

use super::schema;

/// What a build is made for.
#[derive(cynic::Enum, Clone, Debug, Display, EnumString, PartialEq, Eq, VariantNames)]
#[strum(serialize_all = "title_case", ascii_case_insensitive)]
pub enum Region {
    China,
    Global,
    #[strum(to_string = "EEA")]
    Eea,
    India,
    Russia,
    Indonesia,
    Turkey,
    Taiwan,
    Japan,
    Korea,
    Singapore,
    LatinAmerica,
    Mexico,
    Chile,
    Guatemala,
    SouthAfrica,
    Thailand,
    /// One that the server knows and this program does not yet.
    #[cynic(fallback)]
    #[strum(default)]
    Other(String),
}

/// How finished a release is.
#[derive(cynic::Enum, Clone, Debug, Display, EnumString, PartialEq, Eq, VariantNames)]
#[strum(serialize_all = "title_case", ascii_case_insensitive)]
pub enum Branch {
    /// For everyone.
    Stable,
    /// Stable, for testers first.
    StableBeta,
    /// Public beta.
    PublicBeta,
    /// The weekly developer ROM.
    Weekly,
    /// One that the server knows and this program does not yet.
    #[cynic(fallback)]
    #[strum(default)]
    Other(String),
}

/// What a file is for.
#[derive(cynic::Enum, Clone, Debug, Display, EnumString, PartialEq, Eq, VariantNames)]
#[strum(serialize_all = "title_case", ascii_case_insensitive)]
pub enum PackageType {
    /// For the phone's own updater.
    Recovery,
    /// For flashing from a computer.
    Fastboot,
    /// The difference from one older build.
    Incremental,
    /// The firmware partitions.
    Firmware,
    /// Firmware and the vendor partition.
    Vendor,
    /// One that the server knows and this program does not yet.
    #[cynic(fallback)]
    #[strum(default)]
    Other(String),
}

/// What happened to the subject of a change.
#[derive(cynic::Enum, Clone, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// A device was added.
    DeviceAdded,
    /// A release was added.
    ReleaseAdded,
    /// A release moved from Stable Beta to Stable.
    ReleasePromoted,
    /// A package was added.
    PackageAdded,
    /// Something about a package became known or was corrected.
    PackageUpdated,
    /// One that the server knows and this program does not yet.
    #[cynic(fallback)]
    Other(String),
}

/// How a phone's build stands to the catalogue.
#[derive(cynic::Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateStatus {
    /// Nothing newer is known.
    UpToDate,
    /// There is something newer.
    UpdateAvailable,
    /// The catalogue does not know the build.
    UnknownBuild,
}
