//! What a package is for.

use super::named_enum;

named_enum! {
    /// How a package is installed, and what it holds.
    PackageType: "package type" {
        /// A whole system as a .zip for the phone's own updater or recovery.
        Recovery = "RECOVERY",
        /// A whole system as a .tgz of partition images, written from a computer over USB.
        Fastboot = "FASTBOOT",
        /// The difference between two builds, installed by the phone's updater on exactly the older one.
        Incremental = "INCREMENTAL",
        /// The firmware partitions alone (modem, bootloader …), taken out of a recovery package.
        Firmware = "FIRMWARE",
        /// Firmware and the vendor partition, taken out of a recovery package.
        Vendor = "VENDOR",
    }
}

impl PackageType {
    /// Its name as sources write it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Recovery => "Recovery",
            Self::Fastboot => "Fastboot",
            Self::Incremental => "Incremental",
            Self::Firmware => "Firmware",
            Self::Vendor => "Firmware and vendor",
        }
    }
}
