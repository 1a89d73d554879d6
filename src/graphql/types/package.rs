//! Packages.

use std::sync::Arc;

use async_graphql::ID;

use super::{ByteCount, Date, Device, PackageOrderField, PackageType, Region, Release, Url, Variant};
use crate::{
    catalog::{PackageAt, PackageField, PackageRow, Snapshot},
    graphql::{
        connection::connection,
        cursor,
        id::{self, NodeAt},
        object::object,
    },
};

/// One file to install. Its name is unique in the whole archive.
#[derive(Clone)]
pub struct Package {
    snapshot: Arc<Snapshot>,
    at: PackageAt,
}

impl Package {
    pub(crate) const fn new(snapshot: Arc<Snapshot>, at: PackageAt) -> Self {
        Self { snapshot, at }
    }

    pub(super) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    pub(super) const fn at(&self) -> PackageAt {
        self.at
    }

    fn row(&self) -> &PackageRow {
        self.snapshot.package(self.at)
    }

    fn other(&self, at: PackageAt) -> Self {
        Self::new(Arc::clone(&self.snapshot), at)
    }
}

object! {
    /// One file to install. Its name is unique in the whole archive.
    impl Package {
        /// Identifies the package in every copy of the catalogue.
        pub fn id(&self) -> ID {
            id::encode(&self.snapshot, NodeAt::Package(self.at)).into()
        }

        /// The release it belongs to; an incremental package belongs to the release that it updates to.
        fn release(&self) -> Release {
            Release::new(Arc::clone(&self.snapshot), self.row().release)
        }

        /// The variant that it was made for.
        fn variant(&self) -> Variant {
            Variant::new(
                Arc::clone(&self.snapshot),
                self.snapshot.release(self.row().release).variant,
            )
        }

        /// The device that it was made for.
        fn device(&self) -> Device {
            Device::new(
                Arc::clone(&self.snapshot),
                self.snapshot.variant_of(self.row().release).device,
            )
        }

        /// The region that it was made for.
        fn region(&self) -> Region {
            self.snapshot.variant_of(self.row().release).region.into()
        }

        /// What it is for, and how it is installed.
        fn r#type(&self) -> PackageType {
            self.row().r#type.into()
        }

        /// The file's name.
        fn filename(&self) -> &str {
            self.snapshot.text(self.row().filename)
        }

        /// The version that it updates from: it installs on nothing else. Null for every type but INCREMENTAL.
        fn base_version(&self) -> Option<&str> {
            self.row().base_version.map(|version| self.snapshot.version(version))
        }

        /// The Android version that its name or a source tells: `7.1`, `13.0`.
        fn android(&self) -> Option<&str> {
            self.snapshot.android_of_package(self.at)
        }

        /// The size in bytes; null where the source has none, or only that of an error page.
        fn size(&self) -> Option<ByteCount> {
            self.row().size().map(ByteCount)
        }

        /// Whether `size` is rounded, as from "1.3 GB". It is wherever a size is known: no source publishes exact sizes.
        fn size_is_approximate(&self) -> bool {
            self.row().size().is_some()
        }

        /// The MD5 of the whole file, 32 lower-case hex digits; null where no source has it.
        fn md5(&self) -> Option<String> {
            self.row().md5.map(|md5| md5.to_string())
        }

        /// The ten hex digits in the file's name. For a ROM they are the first ten of its own MD5, so that a download can be
        /// checked even where `md5` is null; for FIRMWARE and VENDOR those of the ROM it was taken from. Null where the name carries none.
        fn md5_prefix(&self) -> Option<String> {
            self.row().md5_prefix.map(|prefix| prefix.to_string())
        }

        /// The date the source published it under. For fastboot packages that is mostly the day of the build.
        fn released_on(&self) -> Option<Date> {
            self.row().released_on.map(Date)
        }

        /// The date of the build, as stamped in the file's name; null where the name has none.
        fn built_on(&self) -> Option<Date> {
            self.row().built_on.map(Date)
        }

        /// Where to get it: the first of `mirrors`; where no direct address is known, the page on xmfirmwareupdater.com that leads to it.
        fn download_url(&self) -> Url {
            Url(self.snapshot.download_url(self.at))
        }

        /// Every direct address that sources list, best first: Xiaomi's interchangeable hosts, then others, https before http.
        /// Where one is slow or dead, try the next. Empty where none is known.
        fn mirrors(&self) -> Vec<Url> {
            self.snapshot.mirrors(self.at).into_iter().map(Url).collect()
        }

        /// The page about it on xmfirmwareupdater.com; null where it is not known.
        fn page_url(&self) -> Option<Url> {
            self.snapshot.page_url(self.at).map(Url)
        }

        /// For FIRMWARE and VENDOR the ROM that it was taken from; null for other types, and where the catalogue does not have that ROM.
        fn source(&self) -> Option<Self> {
            self.row().source.map(|at| self.other(at))
        }

        /// For a ROM the firmware and vendor packages that were taken from it: the reverse of `source`.
        fn derived(&self) -> Vec<Self> {
            self.snapshot.derived(self.at).map(|at| self.other(at)).collect()
        }
    }
}

/// What a page of packages is listed by.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PackageListing {
    /// A field.
    By(PackageOrderField),
    /// The newest packages: by variant, branch and type.
    Latest,
}

fn cursor_of(snapshot: &Snapshot, listing: PackageListing, at: PackageAt) -> String {
    match listing {
        PackageListing::By(order) => {
            let field = PackageField::from(order);
            cursor::of_package(field, &snapshot.package_key(field, at))
        }
        PackageListing::Latest => cursor::of_latest(&snapshot.latest_key(at)),
    }
}

connection! {
    PackageConnection, PackageEdge, Package, "packages",
    place: PackageAt, order: PackageListing,
    cursor: cursor_of, count: Snapshot::count_packages, facets: Snapshot::facets_of_packages
}
