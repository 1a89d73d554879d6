//! Pages of selected rows: in one of the kept orders, from a cursor on, either way.
//!
//! A cursor is the row's value in the order and what identifies the row, so it keeps its place when rows come, go or
//! change around it, and in another database that holds the same catalogue.

use entity::value::Version;

pub use super::index::{Direction, Page, Take};
use super::{
    day::Day,
    filter::{Chosen, Scope, Selection},
    index::{self, Boundary, Known, Order, Ranks},
    snapshot::{DeviceAt, KindsOf, PackageAt, Place, ReleaseAt, Snapshot, VersionAt, compare_ignoring_case},
};

/// What devices can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceField {
    /// The base codename.
    Codename,
    /// The joined names.
    Name,
    /// The date of the newest release.
    LastReleasedOn,
}

/// What releases can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReleaseField {
    /// The date; within a day by version.
    ReleasedOn,
    /// The version.
    Version,
}

/// What packages can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackageField {
    /// The date.
    ReleasedOn,
    /// The release's version.
    Version,
    /// The size.
    Size,
}

/// A device's place in an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceKey {
    /// The value that it is ordered by.
    pub value: DeviceValue,
    /// What identifies it.
    pub codename: String,
}

/// What a device is ordered by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceValue {
    /// The codename, which identifies it already.
    Codename,
    /// The joined names.
    Name(String),
    /// The date of the newest release.
    LastReleasedOn(Option<Day>),
}

/// A release's place in an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseKey {
    /// The value that it is ordered by.
    pub value: ReleaseValue,
    /// Its version.
    pub version: String,
    /// The regional codename of its variant.
    pub variant: String,
}

/// What a release is ordered by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReleaseValue {
    /// The date.
    ReleasedOn(Option<Day>),
    /// The version.
    Version,
}

/// A package's place in an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageKey {
    /// The value that it is ordered by.
    pub value: PackageValue,
    /// What identifies it.
    pub filename: String,
}

/// What a package is ordered by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PackageValue {
    /// The date.
    ReleasedOn(Option<Day>),
    /// The release's version.
    Version(String),
    /// The size.
    Size(Option<u64>),
}

/// Which part of the rows is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window<K> {
    /// Only rows behind this one.
    pub after: Option<K>,
    /// Only rows before this one.
    pub before: Option<K>,
    /// How many of them.
    pub take: Take,
}

impl Snapshot {
    /// A page of devices.
    #[must_use]
    pub fn page_of_devices(
        &self,
        selection: &Selection<DeviceAt>,
        field: DeviceField,
        direction: Direction,
        window: &Window<DeviceKey>,
    ) -> Page<DeviceAt> {
        let order = match field {
            DeviceField::Codename => &self.orders.devices_by_codename,
            DeviceField::Name => &self.orders.devices_by_name,
            DeviceField::LastReleasedOn => &self.orders.devices_by_date,
        };
        let codename = |row: u32| self.text(self.device(DeviceAt::at(row)).codename);
        let locate = |key: &DeviceKey| {
            let tie = |row: u32| {
                let own = codename(row);
                compare_ignoring_case(own, &key.codename).then_with(|| own.cmp(&key.codename))
            };
            match &key.value {
                DeviceValue::Codename => order.locate(Known::Yes, tie),
                DeviceValue::Name(name) => order.locate(Known::Yes, |row| {
                    let own = self.text(self.device(DeviceAt::at(row)).name);
                    compare_ignoring_case(own, name).then_with(|| tie(row))
                }),
                DeviceValue::LastReleasedOn(day) => order.locate(Known::from(day.is_some()), |row| {
                    day.cmp(&self.device(DeviceAt::at(row)).last_released_on)
                        .then_with(|| tie(row))
                }),
            }
        };
        read(order, None, selection, &[], direction, window, locate)
    }

    /// A page of releases.
    #[must_use]
    pub fn page_of_releases(
        &self,
        selection: &Selection<ReleaseAt>,
        field: ReleaseField,
        direction: Direction,
        window: &Window<ReleaseKey>,
    ) -> Page<ReleaseAt> {
        let order = match field {
            ReleaseField::ReleasedOn => &self.orders.releases_by_date,
            ReleaseField::Version => &self.orders.releases_by_version,
        };
        let locate = |key: &ReleaseKey| {
            let version = self.version_rank(&key.version);
            let tie = |row: u32| {
                let release = self.release(ReleaseAt::at(row));
                version
                    .cmp(&exact_rank(release.version))
                    .then_with(|| self.text(self.variant(release.variant).codename).cmp(&key.variant))
            };
            match key.value {
                ReleaseValue::Version => order.locate(Known::Yes, tie),
                ReleaseValue::ReleasedOn(day) => order.locate(Known::from(day.is_some()), |row| {
                    day.cmp(&self.release(ReleaseAt::at(row)).released_on)
                        .then_with(|| tie(row))
                }),
            }
        };
        let owned = match selection.chosen {
            Chosen::Owned(scope) => self.releases_in(scope),
            _ => &[],
        };
        read(
            order,
            Some(&self.kinds.releases),
            selection,
            owned,
            direction,
            window,
            locate,
        )
    }

    /// A page of packages.
    #[must_use]
    pub fn page_of_packages(
        &self,
        selection: &Selection<PackageAt>,
        field: PackageField,
        direction: Direction,
        window: &Window<PackageKey>,
    ) -> Page<PackageAt> {
        let order = match field {
            PackageField::ReleasedOn => &self.orders.packages_by_date,
            PackageField::Version => &self.orders.packages_by_version,
            PackageField::Size => &self.orders.packages_by_size,
        };
        let locate = |key: &PackageKey| {
            let row = |row: u32| self.package(PackageAt::at(row));
            let tie = |place: u32| self.text(row(place).filename).cmp(&key.filename);
            match &key.value {
                PackageValue::ReleasedOn(day) => order.locate(Known::from(day.is_some()), |place| {
                    day.cmp(&row(place).released_on).then_with(|| tie(place))
                }),
                PackageValue::Version(version) => {
                    let version = self.version_rank(version);
                    order.locate(Known::Yes, |place| {
                        version
                            .cmp(&exact_rank(self.release(row(place).release).version))
                            .then_with(|| tie(place))
                    })
                }
                PackageValue::Size(size) => order.locate(Known::from(size.is_some()), |place| {
                    size.cmp(&row(place).size()).then_with(|| tie(place))
                }),
            }
        };
        let owned = match selection.chosen {
            Chosen::Owned(scope) => self.packages_in(scope),
            _ => &[],
        };
        read(
            order,
            Some(&self.kinds.packages),
            selection,
            owned,
            direction,
            window,
            locate,
        )
    }

    /// A device's place in an order.
    #[must_use]
    pub fn device_key(&self, field: DeviceField, at: DeviceAt) -> DeviceKey {
        let row = self.device(at);
        let value = match field {
            DeviceField::Codename => DeviceValue::Codename,
            DeviceField::Name => DeviceValue::Name(self.text(row.name).to_owned()),
            DeviceField::LastReleasedOn => DeviceValue::LastReleasedOn(row.last_released_on),
        };
        DeviceKey {
            value,
            codename: self.text(row.codename).to_owned(),
        }
    }

    /// A release's place in an order.
    #[must_use]
    pub fn release_key(&self, field: ReleaseField, at: ReleaseAt) -> ReleaseKey {
        let row = self.release(at);
        let value = match field {
            ReleaseField::ReleasedOn => ReleaseValue::ReleasedOn(row.released_on),
            ReleaseField::Version => ReleaseValue::Version,
        };
        let variant = self.text(self.variant(row.variant).codename).to_owned();
        ReleaseKey {
            value,
            version: self.version(row.version).to_owned(),
            variant,
        }
    }

    /// A package's place in an order.
    #[must_use]
    pub fn package_key(&self, field: PackageField, at: PackageAt) -> PackageKey {
        let row = self.package(at);
        let value = match field {
            PackageField::ReleasedOn => PackageValue::ReleasedOn(row.released_on),
            PackageField::Version => PackageValue::Version(self.version(self.release(row.release).version).to_owned()),
            PackageField::Size => PackageValue::Size(row.size()),
        };
        PackageKey {
            value,
            filename: self.text(row.filename).to_owned(),
        }
    }

    /// Where a version lies among the known ones: on one (see [`exact_rank`]), or between two.
    pub(super) fn version_rank(&self, text: &str) -> u64 {
        if let Some(at) = self.find_version(text) {
            return exact_rank(at);
        }
        let Ok(version) = text.parse::<Version>() else { return 0 };
        let versions: Vec<VersionAt> = self.versions().collect();
        let below =
            versions.partition_point(|at| self.version(*at).parse::<Version>().is_ok_and(|known| known < version));
        2 * below as u64
    }
}

/// Ranks of known versions are odd; even ones lie between.
pub(super) fn exact_rank(at: VersionAt) -> u64 {
    2 * u64::from(at.number()) + 1
}

/// Reads a page of selected rows off an order.
fn read<P: Place, K>(
    order: &Order,
    kinds: Option<&KindsOf>,
    selection: &Selection<P>,
    owned: &[P],
    direction: Direction,
    window: &Window<K>,
    locate: impl Fn(&K) -> Boundary,
) -> Page<P> {
    let sorted = |rows: &mut dyn Iterator<Item = u32>| {
        let mut ranks: Vec<u32> = rows.map(|row| order.rank(row)).collect();
        if !ranks.is_sorted() {
            ranks.sort_unstable();
        }
        ranks
    };
    let listed;
    let ranks = match (&selection.chosen, kinds) {
        (Chosen::Owned(Scope::Catalogue) | Chosen::All, _) | (Chosen::Kinds(..), None) => Ranks::All,
        (Chosen::Kinds(wanted, count), Some(kinds)) => Ranks::Kinds {
            wanted,
            kind_of: &kinds.of,
            count: *count,
        },
        (Chosen::Owned(_), _) => {
            listed = sorted(&mut owned.iter().map(|row| row.number()));
            Ranks::Listed(&listed)
        }
        (Chosen::Listed(rows), _) => {
            listed = sorted(&mut rows.iter().copied());
            Ranks::Listed(&listed)
        }
    };
    let after = window.after.as_ref().map(&locate);
    let before = window.before.as_ref().map(&locate);
    let Page {
        rows,
        has_next,
        has_previous,
    } = index::page(order, &ranks, direction, after, before, window.take);
    Page {
        rows: rows.into_iter().map(P::at).collect(),
        has_next,
        has_previous,
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::*;

    #[test]
    fn ranks_between_versions_differ_from_ranks_on_them() {
        assert_eq!(exact_rank(VersionAt::at(3)).cmp(&8), Ordering::Less);
        assert_eq!(exact_rank(VersionAt::at(4)).cmp(&8), Ordering::Greater);
    }
}
