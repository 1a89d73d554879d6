//! One revision of devices, variants, releases and packages, immutable, in memory.
//!
//! Rows refer to one another by place, which is their place in the order that is asked for most (releases and packages newest
//! first); they lie in flat tables, a device's releases and packages side by side. What follows from the stored
//! rows (dates of releases, names of devices, what a firmware was taken from) is worked out once, by [`Builder`]. Texts
//! of changelogs and the change log stay in the database.

mod build;
pub(super) mod store;
mod tables;

use std::{cmp::Ordering, num::NonZeroU64, ops::Range};

use chrono::{DateTime, Utc};
use entity::value::{Branch, Md5, Md5Prefix, Mirrors, OperatingSystem, PackageType, Region};

pub use build::{Broken, Builder};
pub use store::{DeviceAt, PackageAt, Place, ReleaseAt, Span, TooLarge, VariantAt, VersionAt};

use super::{day::Day, index::Order, latest::Newest, search::SearchIndex, set::Set};
use store::{Arena, Groups, Table};

/// Address of the site that the archive's pages belong to.
const SITE: &str = "https://xmfirmwareupdater.com";

/// The catalogue at one revision.
#[derive(Debug)]
pub struct Snapshot {
    /// The number of the revision; 0 while the catalogue is empty.
    pub revision: i32,
    /// When the revision was made.
    pub updated_at: Option<DateTime<Utc>>,
    /// The id of the last entry of the change log; 0 where there is none.
    pub last_change: i64,
    text: Arena,
    devices: Table<DeviceAt, DeviceRow>,
    variants: Table<VariantAt, VariantRow>,
    releases: Table<ReleaseAt, ReleaseRow>,
    packages: Table<PackageAt, PackageRow>,
    versions: Table<VersionAt, Span>,
    names: Vec<Span>,
    androids: Vec<String>,
    links: Vec<(PackageAt, Span)>,
    pub(super) kinds: Kinds,
    pub(super) orders: Orders,
    pub(super) lookup: Lookup,
    pub(super) owned: Owned,
    pub(super) newest: Newest,
    pub(super) search: SearchIndex,
}

/// A device: a product line under one base codename.
#[derive(Debug)]
pub struct DeviceRow {
    /// The database's id, by which change rows refer to it.
    pub id: i32,
    /// The base codename.
    pub codename: Span,
    /// Its names, joined.
    pub name: Span,
    names: Range<u32>,
    variants: Range<u32>,
    /// Regions of its variants.
    pub regions: Set<Region>,
    /// Branches of its releases.
    pub branches: Set<Branch>,
    /// Operating systems of its releases.
    pub os: Set<OperatingSystem>,
    /// Types of its packages.
    pub types: Set<PackageType>,
    /// The earliest date of its releases.
    pub first_released_on: Option<Day>,
    /// The latest date of its releases.
    pub last_released_on: Option<Day>,
}

/// A variant: a device as built for one region and channel.
#[derive(Debug)]
pub struct VariantRow {
    /// The database's id.
    pub id: i32,
    /// Its device.
    pub device: DeviceAt,
    /// The regional codename.
    pub codename: Span,
    /// The region it is built for.
    pub region: Region,
    /// What stands for it in recovery packages' names.
    pub rom_code: Option<Span>,
    /// Its names, joined.
    pub name: Span,
    names: Range<u32>,
}

/// A release: one version for one variant.
#[derive(Debug)]
pub struct ReleaseRow {
    /// The database's id, by which change rows refer to it.
    pub id: i32,
    /// The variant it was made for.
    pub variant: VariantAt,
    /// Its version.
    pub version: VersionAt,
    /// The operating system, as the version tells it.
    pub os: OperatingSystem,
    /// The branch it is published on.
    pub branch: Branch,
    android: u8,
    /// Types of its packages.
    pub types: Set<PackageType>,
    /// The earliest date published for any of its packages.
    pub released_on: Option<Day>,
    /// First day of the month whose security patch the changelog names.
    pub security_patch: Option<Day>,
    /// Its changelog in the database.
    pub changelog: Option<i32>,
}

/// A package: one file.
#[derive(Debug)]
pub struct PackageRow {
    /// The database's id, by which change rows refer to it.
    pub id: i32,
    /// The release it belongs to.
    pub release: ReleaseAt,
    /// What it is for.
    pub r#type: PackageType,
    android: u8,
    /// The file's name.
    pub filename: Span,
    /// The version that an incremental updates from.
    pub base_version: Option<VersionAt>,
    size: Option<Size>,
    /// The digest of the whole file.
    pub md5: Option<Md5>,
    /// The digits of a digest that the file's name carries.
    pub md5_prefix: Option<Md5Prefix>,
    /// The date a source published it under.
    pub released_on: Option<Day>,
    /// The date stamped into the file's name.
    pub built_on: Option<Day>,
    mirrors: Mirrors,
    /// Empty where there is none.
    page: Span,
    /// The ROM that a firmware was taken from.
    pub source: Option<PackageAt>,
}

/// One more than so many bytes, so that an unknown size takes no more room.
type Size = NonZeroU64;

impl PackageRow {
    /// Bytes, as far as a source told.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.size.map(|size| size.get() - 1)
    }
}

/// What filters, totals and facets count by: rows that agree in all of it are of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kind {
    pub(super) os: OperatingSystem,
    pub(super) branch: Branch,
    pub(super) region: Region,
    pub(super) types: Set<PackageType>,
    /// A place in [`Snapshot::androids`]; 0 where it is unknown, and for releases, whose packages tell it.
    pub(super) android: u8,
}

/// The kinds of one table's rows.
#[derive(Debug)]
pub(super) struct KindsOf {
    pub(super) kinds: Vec<Kind>,
    /// How many rows each kind has.
    pub(super) counts: Vec<u32>,
    /// Each row's kind.
    pub(super) of: Vec<u16>,
}

#[derive(Debug)]
pub(super) struct Kinds {
    pub(super) releases: KindsOf,
    pub(super) packages: KindsOf,
    /// For each device the kinds of its packages.
    pub(super) of_device: Groups<u16>,
}

/// Every order that the API offers, kept.
#[derive(Debug)]
pub(super) struct Orders {
    pub(super) devices_by_codename: Order,
    pub(super) devices_by_name: Order,
    pub(super) devices_by_date: Order,
    pub(super) releases_by_date: Order,
    pub(super) releases_by_version: Order,
    pub(super) packages_by_date: Order,
    pub(super) packages_by_version: Order,
    pub(super) packages_by_size: Order,
}

/// Sorted lists in which rows are found by what identifies them.
#[derive(Debug)]
pub(super) struct Lookup {
    /// By codename.
    pub(super) variants: Vec<VariantAt>,
    /// By file name.
    pub(super) packages: Vec<PackageAt>,
    /// By the first ten digits of the package's own MD5.
    pub(super) digests: Vec<(Md5Prefix, PackageAt)>,
    /// By text, in lower case.
    pub(super) versions: Vec<VersionAt>,
    pub(super) device_ids: Vec<(i32, DeviceAt)>,
    pub(super) release_ids: Vec<(i32, ReleaseAt)>,
    pub(super) package_ids: Vec<(i32, PackageAt)>,
}

/// What belongs to what. Releases and packages are listed newest first except where another order is named.
#[derive(Debug)]
pub(super) struct Owned {
    pub(super) releases_of_device: Groups<ReleaseAt>,
    pub(super) releases_of_variant: Groups<ReleaseAt>,
    /// Lowest version first.
    pub(super) versions_of_variant: Groups<ReleaseAt>,
    pub(super) releases_of_version: Groups<ReleaseAt>,
    pub(super) packages_of_device: Groups<PackageAt>,
    pub(super) packages_of_variant: Groups<PackageAt>,
    /// By where the release's row lies, so that those of neighbours are neighbours.
    packages_of_release: Groups<PackageAt>,
    /// What firmware was taken from which ROM, sorted by the ROM.
    pub(super) derived: Vec<(PackageAt, PackageAt)>,
}

fn find_run<'a, T, K: Ord>(sorted: &'a [T], key: &K, of: impl Fn(&T) -> K) -> &'a [T] {
    let start = sorted.partition_point(|item| of(item) < *key);
    let rest = sorted.get(start..).unwrap_or(&[]);
    // runs are short: looking for their end as for their start would be as far again
    let length = rest.iter().take_while(|item| of(item) == *key).count();
    rest.get(..length).unwrap_or(&[])
}

/// Compares two texts without regard to the case of ASCII letters.
pub(super) fn compare_ignoring_case(a: &str, b: &str) -> Ordering {
    a.bytes()
        .map(|byte| byte.to_ascii_lowercase())
        .cmp(b.bytes().map(|byte| byte.to_ascii_lowercase()))
}

impl Snapshot {
    /// The catalogue without anything in it.
    ///
    /// # Errors
    /// Never: an empty catalogue is neither broken nor too large.
    pub fn empty() -> Result<Self, Broken> {
        Builder::default().build()
    }

    /// The text at a span.
    #[must_use]
    pub fn text(&self, span: Span) -> &str {
        self.text.get(span)
    }

    /// A device's row.
    #[must_use]
    pub fn device(&self, at: DeviceAt) -> &DeviceRow {
        &self.devices[at]
    }

    /// A variant's row.
    #[must_use]
    pub fn variant(&self, at: VariantAt) -> &VariantRow {
        &self.variants[at]
    }

    /// A release's row.
    #[must_use]
    pub fn release(&self, at: ReleaseAt) -> &ReleaseRow {
        &self.releases[at]
    }

    /// A package's row.
    #[must_use]
    pub fn package(&self, at: PackageAt) -> &PackageRow {
        &self.packages[at]
    }

    /// A version's text.
    #[must_use]
    pub fn version(&self, at: VersionAt) -> &str {
        self.text(self.versions[at])
    }

    /// The variant that a release was made for.
    #[must_use]
    pub fn variant_of(&self, release: ReleaseAt) -> &VariantRow {
        self.variant(self.release(release).variant)
    }

    /// Every device, in the order of their codenames.
    #[must_use]
    pub fn devices(&self) -> impl DoubleEndedIterator<Item = DeviceAt> + ExactSizeIterator + use<> {
        self.devices.places()
    }

    /// Every variant, device by device.
    #[must_use]
    pub fn variants(&self) -> impl DoubleEndedIterator<Item = VariantAt> + ExactSizeIterator + use<> {
        self.variants.places()
    }

    /// Every release, newest first.
    #[must_use]
    pub fn releases(&self) -> impl DoubleEndedIterator<Item = ReleaseAt> + ExactSizeIterator + use<> {
        self.releases.places()
    }

    /// Every package, newest first.
    #[must_use]
    pub fn packages(&self) -> impl DoubleEndedIterator<Item = PackageAt> + ExactSizeIterator + use<> {
        self.packages.places()
    }

    /// How many packages come before the first, newest first, that is not `before`.
    pub(super) fn packages_before(&self, before: impl Fn(&PackageRow) -> bool) -> u32 {
        self.packages.partition_point(before)
    }

    pub(super) fn versions(&self) -> impl DoubleEndedIterator<Item = VersionAt> + ExactSizeIterator + use<> {
        self.versions.places()
    }

    /// A device's names, in the order of its variants.
    pub fn device_names(&self, at: DeviceAt) -> impl Iterator<Item = &str> {
        self.names_in(&self.device(at).names)
    }

    /// A variant's names, most usual first.
    pub fn variant_names(&self, at: VariantAt) -> impl Iterator<Item = &str> {
        self.names_in(&self.variant(at).names)
    }

    /// A variant as sources label it: its names and the region they are sold in, `POCO F3 EEA`.
    #[must_use]
    pub fn label(&self, at: VariantAt) -> String {
        let row = self.variant(at);
        let name = match self.text(row.name) {
            "" => self.text(row.codename),
            name => name,
        };
        format!("{name} {}", row.region.label())
    }

    fn names_in(&self, range: &Range<u32>) -> impl Iterator<Item = &str> {
        let names = self.names.get(range.start as usize..range.end as usize).unwrap_or(&[]);
        names.iter().map(|span| self.text(*span))
    }

    /// A device's variants, in the order of regions.
    pub fn variants_of(&self, at: DeviceAt) -> impl DoubleEndedIterator<Item = VariantAt> + use<> {
        self.device(at).variants.clone().map(VariantAt::at)
    }

    /// A release's packages, newest first.
    #[must_use]
    pub fn packages_of(&self, at: ReleaseAt) -> &[PackageAt] {
        self.owned.packages_of_release.of(self.releases.slot(at))
    }

    /// A variant's releases, lowest version first.
    #[must_use]
    pub fn releases_by_version(&self, at: VariantAt) -> &[ReleaseAt] {
        self.owned.versions_of_variant.of(at.number())
    }

    /// A release's Android version as sources write it.
    #[must_use]
    pub fn android_of_release(&self, at: ReleaseAt) -> Option<&str> {
        self.android(self.release(at).android)
    }

    /// A package's Android version as its name or a source writes it.
    #[must_use]
    pub fn android_of_package(&self, at: PackageAt) -> Option<&str> {
        self.android(self.package(at).android)
    }

    pub(super) fn android(&self, place: u8) -> Option<&str> {
        self.androids
            .get(usize::from(place))
            .map(String::as_str)
            .filter(|android| !android.is_empty())
    }

    /// The device with this base codename, or with a variant of this regional one. The case of ASCII letters does not matter.
    #[must_use]
    pub fn find_device(&self, codename: &str) -> Option<DeviceAt> {
        self.find_base(codename).or_else(|| {
            let at = self.lookup.variants.partition_point(|at| {
                compare_ignoring_case(self.text(self.variant(*at).codename), codename) == Ordering::Less
            });
            let at = *self.lookup.variants.get(at)?;
            let variant = self.variant(at);
            self.text(variant.codename)
                .eq_ignore_ascii_case(codename)
                .then_some(variant.device)
        })
    }

    /// The device with this base codename. The case of ASCII letters does not matter.
    #[must_use]
    pub fn find_base(&self, codename: &str) -> Option<DeviceAt> {
        let compare = |row: &DeviceRow| compare_ignoring_case(self.text(row.codename), codename);
        let place = self.devices.partition_point(|row| compare(row) == Ordering::Less);
        let at = self.devices.places().nth(place as usize)?;
        (compare(self.device(at)) == Ordering::Equal).then_some(at)
    }

    /// The variants with this regional codename, the case of ASCII letters aside. One, unless two differ by case alone.
    pub(super) fn find_variants(&self, codename: &str) -> &[VariantAt] {
        let codename_of = |at: &VariantAt| self.text(self.variant(*at).codename);
        let sorted = &self.lookup.variants;
        let start = sorted.partition_point(|at| compare_ignoring_case(codename_of(at), codename) == Ordering::Less);
        let rest = sorted.get(start..).unwrap_or(&[]);
        let end = rest.partition_point(|at| codename_of(at).eq_ignore_ascii_case(codename));
        rest.get(..end).unwrap_or(&[])
    }

    /// The variant with exactly this regional codename.
    #[must_use]
    pub fn find_variant(&self, codename: &str) -> Option<VariantAt> {
        self.find_variants(codename)
            .iter()
            .copied()
            .find(|at| self.text(self.variant(*at).codename) == codename)
    }

    /// The version that is written like this, the case of letters aside.
    #[must_use]
    pub fn find_version(&self, text: &str) -> Option<VersionAt> {
        let place = self
            .lookup
            .versions
            .binary_search_by(|at| compare_ignoring_case(self.version(*at), text))
            .ok()?;
        self.lookup.versions.get(place).copied()
    }

    /// The versions that start like this, the case of letters aside.
    #[must_use]
    pub fn find_versions(&self, prefix: &str) -> &[VersionAt] {
        let head = |at: &VersionAt| {
            let text = self.version(*at);
            text.get(..prefix.len()).unwrap_or(text)
        };
        let start = self
            .lookup
            .versions
            .partition_point(|at| compare_ignoring_case(head(at), prefix) == Ordering::Less);
        let rest = self.lookup.versions.get(start..).unwrap_or(&[]);
        let end = rest.partition_point(|at| head(at).eq_ignore_ascii_case(prefix));
        rest.get(..end).unwrap_or(&[])
    }

    /// The release of a variant with this version.
    #[must_use]
    pub fn find_release(&self, variant: VariantAt, version: VersionAt) -> Option<ReleaseAt> {
        let releases = self.releases_by_version(variant);
        let place = releases
            .binary_search_by_key(&version, |at| self.release(*at).version)
            .ok()?;
        releases.get(place).copied()
    }

    /// The package with this file name.
    #[must_use]
    pub fn find_package(&self, filename: &str) -> Option<PackageAt> {
        let name = |at: &PackageAt| self.text(self.package(*at).filename);
        let place = self
            .lookup
            .packages
            .binary_search_by(|at| name(at).cmp(filename))
            .ok()?;
        self.lookup.packages.get(place).copied()
    }

    /// The package that an address leads to: the one whose file name is the address's last part, or the part before that
    /// (`…/file.zip/download`).
    #[must_use]
    pub fn find_url(&self, url: &str) -> Option<PackageAt> {
        let path = url.split(['?', '#']).next().unwrap_or(url);
        path.trim_end_matches('/')
            .rsplit('/')
            .take(2)
            .find_map(|part| self.find_package(part))
    }

    /// The packages whose file name starts like this.
    #[must_use]
    pub fn find_packages(&self, prefix: &str) -> &[PackageAt] {
        let name = |at: &PackageAt| self.text(self.package(*at).filename);
        let start = self.lookup.packages.partition_point(|at| name(at) < prefix);
        let rest = self.lookup.packages.get(start..).unwrap_or(&[]);
        let end = rest.partition_point(|at| name(at).starts_with(prefix));
        rest.get(..end).unwrap_or(&[])
    }

    /// The package with this digest.
    #[must_use]
    pub fn find_md5(&self, md5: Md5) -> Option<PackageAt> {
        let run = find_run(&self.lookup.digests, &md5.prefix(), |entry| entry.0);
        // A file whose digest is known before one of which only the first digits are.
        let with = |known: Option<Md5>| {
            run.iter()
                .map(|entry| entry.1)
                .find(|at| self.package(*at).md5 == known)
        };
        with(Some(md5)).or_else(|| with(None))
    }

    /// The packages whose own digest starts like this.
    pub fn find_md5_prefix(&self, prefix: Md5Prefix) -> impl Iterator<Item = PackageAt> {
        find_run(&self.lookup.digests, &prefix, |entry| entry.0)
            .iter()
            .map(|entry| entry.1)
    }

    /// The device with this id in the database.
    #[must_use]
    pub fn device_with_id(&self, id: i32) -> Option<DeviceAt> {
        with_id(&self.lookup.device_ids, id)
    }

    /// The release with this id in the database.
    #[must_use]
    pub fn release_with_id(&self, id: i32) -> Option<ReleaseAt> {
        with_id(&self.lookup.release_ids, id)
    }

    /// The package with this id in the database.
    #[must_use]
    pub fn package_with_id(&self, id: i32) -> Option<PackageAt> {
        with_id(&self.lookup.package_ids, id)
    }

    /// Other devices whose codename starts with this one's, or the reverse.
    pub fn siblings(&self, at: DeviceAt) -> impl Iterator<Item = DeviceAt> {
        let own = self.text(self.device(at).codename);
        let starts_with = |text: &str, head: &str| {
            text.get(..head.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(head))
        };
        let shorter = (1..own.len())
            .filter_map(|length| own.get(..length))
            .filter_map(|head| self.find_base(head));
        // Devices lie in the order of their codenames, so the longer ones follow at once.
        let longer = (at.number() + 1..store::number(self.devices.len()))
            .map(DeviceAt::at)
            .take_while(move |other| starts_with(self.text(self.device(*other).codename), own));
        shorter.chain(longer)
    }

    /// The release before or after this one by version, on the same variant and branch.
    #[must_use]
    pub fn neighbour(&self, at: ReleaseAt, side: Side) -> Option<ReleaseAt> {
        let row = self.release(at);
        let releases = self.releases_by_version(row.variant);
        let place = releases
            .binary_search_by_key(&row.version, |other| self.release(*other).version)
            .ok()?;
        let same_branch = |other: &&ReleaseAt| self.release(**other).branch == row.branch;
        match side {
            Side::Previous => releases.get(..place)?.iter().rfind(same_branch),
            Side::Next => releases.get(place + 1..)?.iter().find(same_branch),
        }
        .copied()
    }

    /// What was taken from a ROM: firmware, and firmware with vendor.
    pub fn derived(&self, at: PackageAt) -> impl Iterator<Item = PackageAt> {
        find_run(&self.owned.derived, &at, |pair| pair.0)
            .iter()
            .map(|pair| pair.1)
    }

    /// Every address a package can be downloaded from directly: the usual hosts, then others, https before http.
    #[must_use]
    pub fn mirrors(&self, at: PackageAt) -> Vec<String> {
        let row = self.package(at);
        let version = self.version(self.release(row.release).version);
        let links = find_run(&self.links, &at, |link| link.0)
            .iter()
            .map(|link| self.text(link.1).to_owned());
        row.mirrors
            .urls(version, self.text(row.filename))
            .chain(links)
            .collect()
    }

    /// Where to get a package: its first direct address, else the page about it.
    #[must_use]
    pub fn download_url(&self, at: PackageAt) -> String {
        let row = self.package(at);
        let version = self.version(self.release(row.release).version);
        let first = row.mirrors.urls(version, self.text(row.filename)).next();
        first
            .or_else(|| {
                find_run(&self.links, &at, |link| link.0)
                    .first()
                    .map(|link| self.text(link.1).to_owned())
            })
            .or_else(|| self.page_url(at))
            .unwrap_or_else(|| self.device_page(row))
    }

    /// The site's page about a package.
    #[must_use]
    pub fn page_url(&self, at: PackageAt) -> Option<String> {
        let page = self.text(self.package(at).page);
        (!page.is_empty()).then(|| format!("{SITE}{page}"))
    }

    /// The site's page that lists a package's device, for a package of which no other address is known.
    fn device_page(&self, row: &PackageRow) -> String {
        let section = match (row.r#type, self.release(row.release).os) {
            (PackageType::Firmware, _) => "firmware",
            (PackageType::Vendor, _) => "vendor",
            (_, OperatingSystem::Miui) => "miui",
            (_, OperatingSystem::HyperOs) => "hyperos",
        };
        let device = self.device(self.variant_of(row.release).device);
        format!("{SITE}/{section}/{}/", self.text(device.codename))
    }
}

/// One of two neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The lower one.
    Previous,
    /// The higher one.
    Next,
}

fn with_id<P: Copy>(ids: &[(i32, P)], id: i32) -> Option<P> {
    let place = ids.binary_search_by_key(&id, |entry| entry.0).ok()?;
    ids.get(place).map(|entry| entry.1)
}
