//! How many of the selected rows there are, and how many have each value.

use entity::value::{Branch, OperatingSystem, PackageType, Region};

use super::{
    filter::{Chosen, Selection},
    set::{Member, Set},
    snapshot::{DeviceAt, KindsOf, PackageAt, Place as _, ReleaseAt, Snapshot},
};

/// How many rows have each value; values that none has are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facets {
    /// By operating system.
    pub os: Vec<(OperatingSystem, usize)>,
    /// By branch.
    pub branch: Vec<(Branch, usize)>,
    /// By region.
    pub region: Vec<(Region, usize)>,
    /// By package type.
    pub r#type: Vec<(PackageType, usize)>,
}

/// Counts under way.
#[derive(Default)]
struct Tally {
    os: [usize; 32],
    branch: [usize; 32],
    region: [usize; 32],
    types: [usize; 32],
}

fn count<T: Member>(counts: &mut [usize; 32], members: Set<T>, times: usize) {
    for member in members.iter() {
        if let Some(count) = counts.get_mut(member.place()) {
            *count += times;
        }
    }
}

fn listed<T: Member>(counts: &[usize; 32]) -> Vec<(T, usize)> {
    T::MEMBERS
        .iter()
        .copied()
        .zip(counts.iter().copied())
        .filter(|(_, count)| *count > 0)
        .collect()
}

impl Tally {
    fn add(
        &mut self,
        os: Set<OperatingSystem>,
        branch: Set<Branch>,
        region: Set<Region>,
        types: Set<PackageType>,
        times: usize,
    ) {
        count(&mut self.os, os, times);
        count(&mut self.branch, branch, times);
        count(&mut self.region, region, times);
        count(&mut self.types, types, times);
    }

    fn facets(&self) -> Facets {
        Facets {
            os: listed(&self.os),
            branch: listed(&self.branch),
            region: listed(&self.region),
            r#type: listed(&self.types),
        }
    }
}

/// Counts kinds rather than rows: there are a few hundred of them.
fn by_kind(kinds: &KindsOf, chosen: &Chosen, owned: impl Iterator<Item = u32>) -> Facets {
    let mut tally = Tally::default();
    let mut add = |kind: usize, times: usize| {
        if let Some(kind) = kinds.kinds.get(kind).filter(|_| times > 0) {
            tally.add(
                Set::from_iter([kind.os]),
                Set::from_iter([kind.branch]),
                Set::from_iter([kind.region]),
                kind.types,
                times,
            );
        }
    };
    let mut per_row = |rows: &mut dyn Iterator<Item = u32>| {
        let mut counts = vec![0; kinds.kinds.len()];
        for kind in rows.filter_map(|row| kinds.of.get(row as usize)) {
            if let Some(count) = counts.get_mut(usize::from(*kind)) {
                *count += 1;
            }
        }
        counts
            .into_iter()
            .enumerate()
            .for_each(|(kind, times)| add(kind, times));
    };
    match chosen {
        Chosen::All => kinds
            .counts
            .iter()
            .enumerate()
            .for_each(|(kind, times)| add(kind, *times as usize)),
        Chosen::Kinds(wanted, _) => wanted.iter().for_each(|kind| {
            let kind = kind as usize;
            add(kind, kinds.counts.get(kind).map_or(0, |count| *count as usize));
        }),
        Chosen::Owned(_) => per_row(&mut { owned }),
        Chosen::Listed(rows) => per_row(&mut rows.iter().copied()),
    }
    tally.facets()
}

impl Snapshot {
    /// How many packages are selected.
    #[must_use]
    pub fn count_packages(&self, selection: &Selection<PackageAt>) -> usize {
        count_rows(&selection.chosen, self.packages().len(), |scope| {
            self.packages_in(scope).len()
        })
    }

    /// How many releases are selected.
    #[must_use]
    pub fn count_releases(&self, selection: &Selection<ReleaseAt>) -> usize {
        count_rows(&selection.chosen, self.releases().len(), |scope| {
            self.releases_in(scope).len()
        })
    }

    /// How many devices are selected.
    #[must_use]
    pub fn count_devices(&self, selection: &Selection<DeviceAt>) -> usize {
        count_rows(&selection.chosen, self.devices().len(), |_| 0)
    }

    /// What the selected packages are.
    #[must_use]
    pub fn facets_of_packages(&self, selection: &Selection<PackageAt>) -> Facets {
        let owned = match selection.chosen {
            Chosen::Owned(scope) => self.packages_in(scope),
            _ => &[],
        };
        by_kind(
            &self.kinds.packages,
            &selection.chosen,
            owned.iter().map(|at| at.number()),
        )
    }

    /// What the selected releases are; a release counts for every type of its packages.
    #[must_use]
    pub fn facets_of_releases(&self, selection: &Selection<ReleaseAt>) -> Facets {
        let owned = match selection.chosen {
            Chosen::Owned(scope) => self.releases_in(scope),
            _ => &[],
        };
        by_kind(
            &self.kinds.releases,
            &selection.chosen,
            owned.iter().map(|at| at.number()),
        )
    }

    /// What the selected devices have: a device counts for every value that one of its variants, releases or packages has.
    #[must_use]
    pub fn facets_of_devices(&self, selection: &Selection<DeviceAt>) -> Facets {
        let mut tally = Tally::default();
        let mut add = |at: DeviceAt| {
            let row = self.device(at);
            tally.add(row.os, row.branches, row.regions, row.types, 1);
        };
        match &selection.chosen {
            Chosen::Listed(rows) => rows.iter().copied().map(DeviceAt::at).for_each(add),
            _ => self.devices().for_each(&mut add),
        }
        tally.facets()
    }
}

fn count_rows(chosen: &Chosen, all: usize, owned: impl Fn(super::filter::Scope) -> usize) -> usize {
    match chosen {
        Chosen::All => all,
        Chosen::Owned(scope) => owned(*scope),
        Chosen::Kinds(_, count) => *count,
        Chosen::Listed(rows) => rows.len(),
    }
}
