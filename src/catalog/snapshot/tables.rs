//! What follows from a snapshot's rows: kinds, orders, what belongs to what, and the lists in which rows are found.

use std::{cmp::Ordering, cmp::Reverse};

use entity::value::{Md5, Md5Prefix, PackageType};

use super::{
    DeviceAt, DeviceRow, Kind, Kinds, KindsOf, Lookup, Orders, Owned, PackageAt, PackageRow, Place as _, ReleaseAt,
    ReleaseRow, Span, TooLarge, VariantAt, VariantRow, VersionAt,
    build::Broken,
    compare_ignoring_case,
    store::{Arena, Groups, Table, number},
};
use crate::catalog::{
    index::{Direction, Order},
    set::Set,
};

/// Packages by the first digits of their own digests.
pub(super) type Digests = Vec<(Md5Prefix, PackageAt)>;

/// ROMs, and what was taken from them.
pub(super) type Derived = Vec<(PackageAt, PackageAt)>;

/// The rows as far as they are done, to work the rest out from.
pub(super) struct Tables<'a> {
    pub(super) text: &'a Arena,
    pub(super) devices: &'a [DeviceRow],
    pub(super) variants: &'a [VariantRow],
    pub(super) releases: &'a Table<ReleaseAt, ReleaseRow>,
    pub(super) versions: &'a [Span],
}

impl Tables<'_> {
    fn variant(&self, release: ReleaseAt) -> Option<&VariantRow> {
        self.variants.get(self.releases[release].variant.number() as usize)
    }

    /// Finds the ROM that each firmware was taken from: by the digits that its name carries, on the same device and version
    /// where several share them. Returns every package by its own digest's first digits, and the pairs found.
    pub(super) fn sources(&self, packages: &mut [PackageRow]) -> (Digests, Derived) {
        let is_taken = |row: &PackageRow| matches!(row.r#type, PackageType::Firmware | PackageType::Vendor);
        let mut digests: Vec<(Md5Prefix, PackageAt)> = packages
            .iter()
            .enumerate()
            .filter_map(|(place, row)| {
                let in_name = row.md5_prefix.filter(|_| !is_taken(row));
                Some((row.md5.map(Md5::prefix).or(in_name)?, PackageAt::at(number(place))))
            })
            .collect();
        digests.sort_unstable();
        let mut derived = Vec::new();
        for place in 0..packages.len() {
            let Some(row) = packages.get(place).filter(|row| is_taken(row)) else {
                continue;
            };
            let Some(prefix) = row.md5_prefix else { continue };
            let start = digests.partition_point(|entry| entry.0 < prefix);
            let roms: Vec<(PackageAt, &PackageRow)> = digests
                .iter()
                .skip(start)
                .take_while(|entry| entry.0 == prefix)
                .filter_map(|entry| Some((entry.1, packages.get(entry.1.number() as usize)?)))
                .filter(|(_, rom)| rom.r#type == PackageType::Recovery)
                .collect();
            let likeness = |rom: &PackageRow| {
                let (own, other) = (&self.releases[row.release], &self.releases[rom.release]);
                let device = |at| self.variant(at).map(|variant| variant.device);
                (
                    own.version == other.version,
                    own.variant == other.variant,
                    device(row.release) == device(rom.release),
                )
            };
            let best = roms.iter().max_by_key(|(at, rom)| (likeness(rom), Reverse(*at)));
            // Digits alone are trusted only where one ROM has them.
            let source = best
                .filter(|(_, rom)| roms.len() == 1 || matches!(likeness(rom), (true, _, true)))
                .map(|(at, _)| *at);
            if let (Some(source), Some(row)) = (source, packages.get_mut(place)) {
                row.source = Some(source);
                derived.push((source, PackageAt::at(number(place))));
            }
        }
        derived.sort_unstable();
        (digests, derived)
    }

    pub(super) fn kinds(&self, packages: &Table<PackageAt, PackageRow>) -> Result<Kinds, Broken> {
        let kind = |release: ReleaseAt, types, android| {
            let row = &self.releases[release];
            let region = self.variant(release).map(|variant| variant.region);
            region.map(|region| Kind {
                os: row.os,
                branch: row.branch,
                region,
                types,
                android,
            })
        };
        let of_releases = KindsOf::collect(
            self.releases
                .places()
                .filter_map(|at: ReleaseAt| kind(at, self.releases[at].types, 0)),
        )?;
        let of_packages = KindsOf::collect(packages.places().filter_map(|at: PackageAt| {
            let row = &packages[at];
            kind(row.release, Set::from_iter([row.r#type]), row.android)
        }))?;
        let mut pairs: Vec<(u32, u16)> = packages
            .places()
            .zip(&of_packages.of)
            .filter_map(|(at, kind)| Some((self.variant(packages[at].release)?.device.number(), *kind)))
            .collect();
        pairs.sort_unstable();
        pairs.dedup();
        Ok(Kinds {
            releases: of_releases,
            packages: of_packages,
            of_device: Groups::collect(self.devices.len(), pairs.into_iter()),
        })
    }

    pub(super) fn by_filename(&self, packages: &Table<PackageAt, PackageRow>) -> Vec<PackageAt> {
        let mut sorted: Vec<PackageAt> = packages.places().collect();
        sorted.sort_unstable_by(|a, b| {
            let text = |at: &PackageAt| self.text.get(packages[*at].filename);
            text(a).cmp(text(b))
        });
        sorted
    }

    pub(super) fn orders(
        &self,
        packages: &Table<PackageAt, PackageRow>,
        kinds: &Kinds,
        by_filename: &[PackageAt],
    ) -> Orders {
        use Direction::{Ascending, Descending};
        // numbers compare faster than names
        let mut ranks = vec![0; packages.len()];
        for (rank, at) in by_filename.iter().enumerate() {
            if let Some(place) = ranks.get_mut(at.number() as usize) {
                *place = number(rank);
            }
        }
        let text = |span: Span| self.text.get(span);
        let devices = self.devices;
        let device = |place: u32| devices.get(place as usize);
        let by_name = |a: u32, b: u32| match (device(a), device(b)) {
            (Some(a_row), Some(b_row)) => compare_ignoring_case(text(a_row.name), text(b_row.name)).then(a.cmp(&b)),
            _ => Ordering::Equal,
        };
        let last = |place: u32| device(place).and_then(|row| row.last_released_on);
        let release = |place: u32| &self.releases[ReleaseAt::at(place)];
        let codename = |place: u32| self.variant(ReleaseAt::at(place)).map(|variant| text(variant.codename));
        let package = |place: u32| &packages[PackageAt::at(place)];
        let version = |place: u32| self.releases[package(place).release].version;
        let filename = |place: u32| ranks.get(place as usize).copied();
        let release_kinds = || Some((&*kinds.releases.of, kinds.releases.kinds.len()));
        let package_kinds = || Some((&*kinds.packages.of, kinds.packages.kinds.len()));
        let always = |_: u32| true;
        Orders {
            devices_by_codename: Order::new(Ascending, devices.len(), None, always, |a, b| a.cmp(&b)),
            devices_by_name: Order::new(Ascending, devices.len(), None, always, by_name),
            devices_by_date: Order::new(
                Descending,
                devices.len(),
                None,
                |at| last(at).is_some(),
                |a, b| Reverse(last(a)).cmp(&Reverse(last(b))).then(a.cmp(&b)),
            ),
            releases_by_date: Order::new(
                Descending,
                self.releases.len(),
                release_kinds(),
                |at| release(at).released_on.is_some(),
                |a, b| a.cmp(&b),
            ),
            releases_by_version: Order::new(Descending, self.releases.len(), release_kinds(), always, |a, b| {
                Reverse(release(a).version)
                    .cmp(&Reverse(release(b).version))
                    .then_with(|| codename(a).cmp(&codename(b)))
            }),
            packages_by_date: Order::new(
                Descending,
                packages.len(),
                package_kinds(),
                |at| package(at).released_on.is_some(),
                |a, b| a.cmp(&b),
            ),
            packages_by_version: Order::new(Descending, packages.len(), package_kinds(), always, |a, b| {
                Reverse(version(a))
                    .cmp(&Reverse(version(b)))
                    .then_with(|| filename(a).cmp(&filename(b)))
            }),
            packages_by_size: Order::new(
                Descending,
                packages.len(),
                package_kinds(),
                |at| package(at).size().is_some(),
                |a, b| {
                    Reverse(package(a).size())
                        .cmp(&Reverse(package(b).size()))
                        .then_with(|| filename(a).cmp(&filename(b)))
                },
            ),
        }
    }

    pub(super) fn owned(&self, packages: &Table<PackageAt, PackageRow>, derived: Vec<(PackageAt, PackageAt)>) -> Owned {
        let releases = self.releases;
        let group = |owners, owner: &dyn Fn(ReleaseAt) -> Option<u32>| {
            Groups::collect(owners, releases.places().filter_map(|at| Some((owner(at)?, at))))
        };
        let group_packages = |owners, owner: &dyn Fn(ReleaseAt) -> Option<u32>| {
            let owner = |at: PackageAt| Some((owner(packages[at].release)?, at));
            Groups::collect(owners, packages.places().filter_map(owner))
        };
        let device = |at| self.variant(at).map(|variant| variant.device.number());
        let variant = |at: ReleaseAt| Some(releases[at].variant.number());
        let mut by_version: Vec<(u32, ReleaseAt)> = releases
            .places()
            .map(|at: ReleaseAt| (releases[at].variant.number(), at))
            .collect();
        by_version.sort_unstable_by_key(|(variant, at)| (*variant, releases[*at].version));
        Owned {
            releases_of_device: group(self.devices.len(), &device),
            releases_of_variant: group(self.variants.len(), &variant),
            versions_of_variant: Groups::collect(self.variants.len(), by_version.into_iter()),
            releases_of_version: group(self.versions.len(), &|at| Some(releases[at].version.number())),
            packages_of_device: group_packages(self.devices.len(), &device),
            packages_of_variant: group_packages(self.variants.len(), &variant),
            packages_of_release: group_packages(releases.len(), &|at| Some(releases.slot(at))),
            derived,
        }
    }

    pub(super) fn lookup(
        &self,
        packages: &Table<PackageAt, PackageRow>,
        by_filename: Vec<PackageAt>,
        digests: Vec<(Md5Prefix, PackageAt)>,
    ) -> Lookup {
        let text = |span: Span| self.text.get(span);
        let mut variants: Vec<(&str, VariantAt)> = self
            .variants
            .iter()
            .enumerate()
            .map(|(place, row)| (text(row.codename), VariantAt::at(number(place))))
            .collect();
        variants.sort_unstable_by(|a, b| compare_ignoring_case(a.0, b.0).then_with(|| a.0.cmp(b.0)));
        let mut versions: Vec<(&str, VersionAt)> = self
            .versions
            .iter()
            .enumerate()
            .map(|(place, span)| (text(*span), VersionAt::at(number(place))))
            .collect();
        versions.sort_unstable_by(|a, b| compare_ignoring_case(a.0, b.0));
        Lookup {
            variants: variants.into_iter().map(|(_, at)| at).collect(),
            packages: by_filename,
            digests,
            versions: versions.into_iter().map(|(_, at)| at).collect(),
            device_ids: ids(self.devices.iter().map(|row| row.id), DeviceAt::at),
            release_ids: ids(self.releases.iter().map(|row| row.id), ReleaseAt::at),
            package_ids: ids(packages.iter().map(|row| row.id), PackageAt::at),
        }
    }
}

fn ids<P: Ord>(ids: impl Iterator<Item = i32>, at: fn(u32) -> P) -> Vec<(i32, P)> {
    let mut sorted: Vec<(i32, P)> = ids.enumerate().map(|(place, id)| (id, at(number(place)))).collect();
    sorted.sort_unstable();
    sorted
}

impl KindsOf {
    fn collect(rows: impl Iterator<Item = Kind>) -> Result<Self, Broken> {
        let rows: Vec<Kind> = rows.collect();
        let mut kinds = rows.clone();
        kinds.sort_unstable();
        kinds.dedup();
        let mut counts = vec![0; kinds.len()];
        let mut of = Vec::with_capacity(rows.len());
        for row in rows {
            let place = kinds.partition_point(|kind| *kind < row);
            if let Some(count) = counts.get_mut(place) {
                *count += 1;
            }
            of.push(u16::try_from(place).map_err(|_| TooLarge)?);
        }
        Ok(Self { kinds, counts, of })
    }
}
