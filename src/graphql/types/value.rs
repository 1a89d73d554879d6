//! The catalogue's enums, as the API names and explains them.

use async_graphql::Enum;
use entity::value;

use crate::graphql::object::enums;

/// Xiaomi's Android distribution, as the version tells it.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "value::OperatingSystem")]
pub enum OperatingSystem {
    /// MIUI, current until 2023: versions such as `V12.5.4.0.RKHMIXM` and weekly ones such as `9.6.27`.
    Miui,
    /// HyperOS, MIUI's successor: versions that start with `OS`, or with `V816` on Android Go phones.
    #[graphql(name = "HYPEROS")]
    HyperOs,
}

/// How finished a release is, and for whom it was published.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "value::Branch")]
pub enum Branch {
    /// For everyone.
    Stable,
    /// A stable build in its first days, offered to testers. It later becomes STABLE under the same version and file.
    StableBeta,
    /// Public beta; versions end in `.DEV`.
    PublicBeta,
    /// The weekly developer ROM, published until 2022; its version is a date: `7.12.28`.
    Weekly,
}

/// What a file is for, and how it is installed.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "value::PackageType")]
pub enum PackageType {
    /// The whole system as a .zip, installed by the phone's own updater app or from its recovery mode.
    Recovery,
    /// The whole system as a .tgz of partition images, written from a computer over USB while the phone is in its
    /// bootloader ("fastboot") mode. Needs an unlocked bootloader or Xiaomi's tool, and can erase the phone.
    Fastboot,
    /// Only the difference between two builds, installed by the phone's updater on exactly the older one (`Package.baseVersion`).
    Incremental,
    /// Only the firmware partitions (modem, bootloader and the like), taken out of a recovery package.
    Firmware,
    /// Firmware and the vendor partition together, taken out of a recovery package.
    Vendor,
}

/// The part of the world that a build is made for. Builds of different regions differ in apps, languages, radio bands
/// and law, and a phone with a locked bootloader takes only those of its own.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "value::Region")]
pub enum Region {
    /// Mainland China.
    China,
    /// Everywhere without a build of its own.
    Global,
    /// The European Economic Area.
    Eea,
    /// India.
    India,
    /// Russia.
    Russia,
    /// Indonesia.
    Indonesia,
    /// Turkey.
    Turkey,
    /// Taiwan.
    Taiwan,
    /// Japan.
    Japan,
    /// South Korea.
    Korea,
    /// Singapore.
    Singapore,
    /// Latin America.
    LatinAmerica,
    /// Mexico.
    Mexico,
    /// Chile.
    Chile,
    /// Guatemala.
    Guatemala,
    /// South Africa.
    SouthAfrica,
    /// Thailand.
    Thailand,
}

enums!(OperatingSystem, Branch, PackageType, Region);
