//! The operating system a release carries.

use super::{Version, named_enum};

named_enum! {
    /// Xiaomi's Android distribution: MIUI until 2023, HyperOS since.
    OperatingSystem: "operating system" {
        /// MIUI, and the Android Go line that is filed under it.
        Miui = "MIUI",
        /// HyperOS, with its first generation on Android Go phones (versions `V816…`).
        HyperOs = "HYPEROS",
    }
}

impl OperatingSystem {
    /// Its name as Xiaomi writes it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Miui => "MIUI",
            Self::HyperOs => "HyperOS",
        }
    }

    /// The operating system that a version belongs to; the folder in which a source files it does not matter.
    #[must_use]
    pub fn of(version: &Version) -> Self {
        let text = version.as_str();
        if text.starts_with("OS") || text.starts_with("V816.") {
            Self::HyperOs
        } else {
            Self::Miui
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_tells_the_operating_system() {
        for (version, os) in [
            ("OS2.0.207.0.VGQMIXM", OperatingSystem::HyperOs),
            ("V816.0.3.0.UGRMIXM", OperatingSystem::HyperOs),
            ("V12.5.4.0.RKHMIXM", OperatingSystem::Miui),
            ("A15.0.26.0.VGWMIXM", OperatingSystem::Miui),
            ("9.6.27", OperatingSystem::Miui),
            ("OS1.0.23.11.19.DEV", OperatingSystem::HyperOs),
        ] {
            assert_eq!(OperatingSystem::of(&version.parse().unwrap()), os, "{version}");
        }
    }
}
