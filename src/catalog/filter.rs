//! Which rows match a filter.
//!
//! A filter's members all narrow. A release matches when one of its packages matches all of the filter, a device when
//! one of its packages matches all package-level members at once.

use std::marker::PhantomData;

use entity::value::{Branch, OperatingSystem, PackageType, Region};

use super::{
    day::{Day, Days},
    index::KindSet,
    set::Set,
    snapshot::{DeviceAt, Kind, KindsOf, PackageAt, Place, ReleaseAt, Snapshot, VariantAt, VersionAt},
};

/// What packages must be to match; for releases, what one of their packages must be. A member that is `None` admits everything,
/// an empty list nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Base codenames, which mean all variants of a device, or regional ones, which mean one variant.
    pub device: Option<Vec<String>>,
    /// Operating systems.
    pub os: Option<Set<OperatingSystem>>,
    /// Branches.
    pub branch: Option<Set<Branch>>,
    /// Regions.
    pub region: Option<Set<Region>>,
    /// Package types.
    pub r#type: Option<Set<PackageType>>,
    /// Whole versions.
    pub version: Option<Vec<String>>,
    /// What versions start with.
    pub version_prefix: Option<String>,
    /// Android versions: `13` admits `13` and `13.0`, `7` also `7.1`.
    pub android: Option<Vec<String>>,
    /// When a package was published.
    pub released_on: Option<Days>,
    /// Which month's security patch the release's changelog names.
    pub security_patch: Option<Days>,
    /// Whether the size is known.
    pub size: Option<Knowledge>,
    /// Whether the MD5 is known.
    pub md5: Option<Knowledge>,
    /// Whether firmware was made from the package.
    pub derived: Option<Knowledge>,
}

/// Whether something has to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Knowledge {
    /// It has to be there.
    Known,
    /// It has to be missing.
    Unknown,
}

impl Knowledge {
    fn admits(self, is_known: bool) -> bool {
        is_known == (self == Self::Known)
    }
}

/// What devices must be to match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceFilter {
    /// Base or regional codenames.
    pub codename: Option<Vec<String>>,
    /// Part of a name or of the codename; case, blanks and punctuation do not matter.
    pub search: Option<String>,
    /// Operating systems of packages.
    pub os: Option<Set<OperatingSystem>>,
    /// Branches of packages.
    pub branch: Option<Set<Branch>>,
    /// Regions of packages.
    pub region: Option<Set<Region>>,
    /// Types of packages.
    pub r#type: Option<Set<PackageType>>,
}

/// Whose rows are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The whole catalogue's.
    Catalogue,
    /// One device's.
    Device(DeviceAt),
    /// One variant's.
    Variant(VariantAt),
    /// One release's.
    Release(ReleaseAt),
}

/// The rows that match, not yet in any order.
#[derive(Clone, Debug)]
pub struct Selection<P> {
    pub(super) chosen: Chosen,
    of: PhantomData<P>,
}

#[derive(Clone, Debug)]
pub(super) enum Chosen {
    /// Every row.
    All,
    /// Every row of an owner.
    Owned(Scope),
    /// Every row of these kinds; so many.
    Kinds(KindSet, usize),
    /// These rows, ascending.
    Listed(Vec<u32>),
}

impl<P: Place> Selection<P> {
    const fn new(chosen: Chosen) -> Self {
        Self {
            chosen,
            of: PhantomData,
        }
    }

    /// The rows at these places.
    #[must_use]
    pub fn listed(rows: impl IntoIterator<Item = P>) -> Self {
        let mut rows: Vec<u32> = rows.into_iter().map(P::number).collect();
        rows.sort_unstable();
        rows.dedup();
        Self::new(Chosen::Listed(rows))
    }
}

/// A filter made ready for one snapshot: texts looked up, once.
pub(super) struct Tests<'a> {
    snapshot: &'a Snapshot,
    filter: &'a Filter,
    /// Ascending, like the next two.
    variants: Option<Vec<VariantAt>>,
    versions: Option<Vec<VersionAt>>,
    androids: Option<Vec<u8>>,
}

impl<'a> Tests<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, filter: &'a Filter) -> Self {
        let androids = filter.android.as_ref().map(|wanted| {
            let matches = |known: &str| wanted.iter().any(|wanted| android_matches(wanted, known));
            (0..=u8::MAX)
                .filter(|place| snapshot.android(*place).is_some_and(matches))
                .collect()
        });
        Self {
            snapshot,
            filter,
            variants: filter
                .device
                .as_ref()
                .map(|codenames| snapshot.variants_named(codenames)),
            versions: wanted_versions(snapshot, filter),
            androids,
        }
    }

    /// The variants that the filter names; `None` when it names none.
    pub(super) fn variants(&self) -> Option<&[VariantAt]> {
        self.variants.as_deref()
    }

    /// Whether what a release tells is admitted.
    pub(super) fn admits_release(&self, at: ReleaseAt) -> bool {
        let row = self.snapshot.release(at);
        let filter = self.filter;
        filter.os.is_none_or(|os| os.contains(row.os))
            && filter.branch.is_none_or(|branch| branch.contains(row.branch))
            && filter
                .region
                .is_none_or(|region| region.contains(self.snapshot.variant(row.variant).region))
            && self
                .variants
                .as_ref()
                .is_none_or(|variants| variants.binary_search(&row.variant).is_ok())
            && self
                .versions
                .as_ref()
                .is_none_or(|versions| versions.binary_search(&row.version).is_ok())
            && filter
                .security_patch
                .is_none_or(|months| months.contain(row.security_patch))
    }

    /// Whether what the package itself tells is admitted.
    fn admits_package(&self, at: PackageAt) -> bool {
        let row = self.snapshot.package(at);
        let filter = self.filter;
        filter.r#type.is_none_or(|types| types.contains(row.r#type))
            && self
                .androids
                .as_ref()
                .is_none_or(|androids| androids.contains(&self.snapshot.android_place(at)))
            && filter.released_on.is_none_or(|days| days.contain(row.released_on))
            && filter.size.is_none_or(|wanted| wanted.admits(row.size().is_some()))
            && filter.md5.is_none_or(|wanted| wanted.admits(row.md5.is_some()))
            && filter
                .derived
                .is_none_or(|wanted| wanted.admits(self.snapshot.derived(at).next().is_some()))
    }

    /// Whether a package matches the whole filter.
    pub(super) fn admits(&self, at: PackageAt) -> bool {
        self.admits_package(at) && self.admits_release(self.snapshot.package(at).release)
    }

    fn admits_kind(&self, kind: Kind) -> bool {
        let filter = self.filter;
        filter.os.is_none_or(|os| os.contains(kind.os))
            && filter.branch.is_none_or(|branch| branch.contains(kind.branch))
            && filter.region.is_none_or(|region| region.contains(kind.region))
            && filter.r#type.is_none_or(|types| types.intersects(kind.types))
            && self
                .androids
                .as_ref()
                .is_none_or(|androids| androids.contains(&kind.android))
    }

    /// Whether the filter asks for nothing that kinds do not tell.
    const fn kinds_suffice(&self) -> bool {
        let filter = self.filter;
        self.variants.is_none()
            && self.versions.is_none()
            && filter.released_on.is_none()
            && filter.security_patch.is_none()
            && filter.size.is_none()
            && filter.md5.is_none()
            && filter.derived.is_none()
    }

    /// Whether the filter asks for something that only packages tell, its type aside.
    const fn asks_packages(&self) -> bool {
        let filter = self.filter;
        self.androids.is_some()
            || filter.released_on.is_some()
            || filter.size.is_some()
            || filter.md5.is_some()
            || filter.derived.is_some()
    }

    const fn is_open(&self) -> bool {
        let filter = self.filter;
        self.kinds_suffice()
            && self.androids.is_none()
            && filter.os.is_none()
            && filter.branch.is_none()
            && filter.region.is_none()
            && filter.r#type.is_none()
    }

    fn choose(&self, kinds: &KindsOf) -> Chosen {
        let admitted = |kind: usize| kinds.kinds.get(kind).is_some_and(|&kind| self.admits_kind(kind));
        let set = KindSet::choose(kinds.kinds.len(), admitted);
        let count = set
            .iter()
            .filter_map(|kind| kinds.counts.get(kind as usize))
            .map(|count| *count as usize)
            .sum();
        Chosen::Kinds(set, count)
    }
}

fn wanted_versions(snapshot: &Snapshot, filter: &Filter) -> Option<Vec<VersionAt>> {
    let sorted = |mut versions: Vec<VersionAt>| {
        versions.sort_unstable();
        versions.dedup();
        versions
    };
    let exact = filter
        .version
        .as_ref()
        .map(|texts| sorted(texts.iter().filter_map(|text| snapshot.find_version(text)).collect()));
    let started = filter
        .version_prefix
        .as_ref()
        .map(|prefix| sorted(snapshot.find_versions(prefix).to_vec()));
    match (exact, started) {
        (Some(exact), Some(started)) => Some(
            exact
                .into_iter()
                .filter(|version| started.binary_search(version).is_ok())
                .collect(),
        ),
        (exact, started) => exact.or(started),
    }
}

/// Whether a wanted Android version means a known one: they are equal, a `.0` at the end aside, or the wanted one is a
/// whole number that the known one refines.
fn android_matches(wanted: &str, known: &str) -> bool {
    let plain = |text: &str| text.strip_suffix(".0").unwrap_or(text).to_owned();
    let whole = known.split('.').next().unwrap_or(known);
    !wanted.is_empty() && (plain(wanted) == plain(known) || wanted == whole)
}

/// Letters and digits alone, in lower case: what names are compared by when a person types them.
pub(super) fn squeezed(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

impl Snapshot {
    pub(super) fn android_place(&self, at: PackageAt) -> u8 {
        self.kinds
            .packages
            .of
            .get(at.number() as usize)
            .and_then(|kind| self.kinds.packages.kinds.get(usize::from(*kind)))
            .map_or(0, |kind| kind.android)
    }

    /// The variants of these codenames, ascending: all of a device's for a base codename, one for a regional one.
    fn variants_named(&self, codenames: &[String]) -> Vec<VariantAt> {
        let mut variants: Vec<VariantAt> = Vec::new();
        for codename in codenames {
            match self.find_base(codename) {
                Some(device) => variants.extend(self.variants_of(device)),
                None => variants.extend(self.find_variants(codename)),
            }
        }
        variants.sort_unstable();
        variants.dedup();
        variants
    }

    /// The packages in a scope that match a filter.
    #[must_use]
    pub fn select_packages(&self, scope: Scope, filter: &Filter) -> Selection<PackageAt> {
        let tests = Tests::new(self, filter);
        if tests.is_open() {
            return Selection::new(if scope == Scope::Catalogue {
                Chosen::All
            } else {
                Chosen::Owned(scope)
            });
        }
        if scope == Scope::Catalogue && tests.kinds_suffice() {
            return Selection::new(tests.choose(&self.kinds.packages));
        }
        let admits = |at: &PackageAt| tests.admits(*at);
        let lists = |lists: Vec<&[PackageAt]>| Selection::listed(lists.into_iter().flatten().copied().filter(admits));
        match scope {
            Scope::Device(at) => lists(vec![self.owned.packages_of_device.of(at.number())]),
            Scope::Variant(at) => lists(vec![self.owned.packages_of_variant.of(at.number())]),
            Scope::Release(at) => lists(vec![self.packages_of(at)]),
            Scope::Catalogue => {
                if let Some(versions) = &tests.versions {
                    return lists(
                        self.releases_with(versions)
                            .map(|release| self.packages_of(release))
                            .collect(),
                    );
                }
                if let Some(variants) = &tests.variants {
                    return lists(
                        variants
                            .iter()
                            .map(|at| self.owned.packages_of_variant.of(at.number()))
                            .collect(),
                    );
                }
                Selection::listed(self.packages_dated(filter.released_on).filter(admits))
            }
        }
    }

    /// The releases in a scope that match a filter.
    #[must_use]
    pub fn select_releases(&self, scope: Scope, filter: &Filter) -> Selection<ReleaseAt> {
        let tests = Tests::new(self, filter);
        if tests.is_open() {
            return Selection::new(if scope == Scope::Catalogue {
                Chosen::All
            } else {
                Chosen::Owned(scope)
            });
        }
        if scope == Scope::Catalogue && tests.kinds_suffice() && !tests.asks_packages() {
            return Selection::new(tests.choose(&self.kinds.releases));
        }
        let admits = |at: &ReleaseAt| {
            let types = self.release(*at).types;
            let one_package = || {
                self.packages_of(*at)
                    .iter()
                    .any(|package| tests.admits_package(*package))
            };
            tests.admits_release(*at)
                && filter.r#type.is_none_or(|wanted| wanted.intersects(types))
                && (!tests.asks_packages() || one_package())
        };
        let lists = |lists: Vec<&[ReleaseAt]>| Selection::listed(lists.into_iter().flatten().copied().filter(admits));
        match scope {
            Scope::Device(at) => lists(vec![self.owned.releases_of_device.of(at.number())]),
            Scope::Variant(at) => lists(vec![self.owned.releases_of_variant.of(at.number())]),
            Scope::Release(at) => lists(vec![&[at]]),
            Scope::Catalogue => {
                if let Some(versions) = &tests.versions {
                    return Selection::listed(self.releases_with(versions).filter(admits));
                }
                if let Some(variants) = &tests.variants {
                    return lists(
                        variants
                            .iter()
                            .map(|at| self.owned.releases_of_variant.of(at.number()))
                            .collect(),
                    );
                }
                if filter.released_on.is_some() {
                    let releases = self.packages_dated(filter.released_on).filter(|at| tests.admits(*at));
                    return Selection::listed(releases.map(|at| self.package(at).release));
                }
                Selection::listed(self.releases().filter(admits))
            }
        }
    }

    /// The devices that match a filter.
    #[must_use]
    pub fn select_devices(&self, filter: &DeviceFilter) -> Selection<DeviceAt> {
        let packages = Filter {
            os: filter.os,
            branch: filter.branch,
            region: filter.region,
            r#type: filter.r#type,
            ..Filter::default()
        };
        let tests = Tests::new(self, &packages);
        if tests.is_open() && filter.codename.is_none() && filter.search.is_none() {
            return Selection::new(Chosen::All);
        }
        let kinds = KindSet::choose(self.kinds.packages.kinds.len(), |kind| {
            self.kinds
                .packages
                .kinds
                .get(kind)
                .is_some_and(|&kind| tests.admits_kind(kind))
        });
        let wanted = filter.search.as_deref().map(squeezed);
        let named = |at: DeviceAt, wanted: &str| {
            squeezed(self.text(self.device(at).codename)).contains(wanted)
                || self.device_names(at).any(|name| squeezed(name).contains(wanted))
        };
        let admits = |at: &DeviceAt| {
            wanted.as_deref().is_none_or(|wanted| named(*at, wanted))
                && (tests.is_open()
                    || self
                        .kinds
                        .of_device
                        .of(at.number())
                        .iter()
                        .any(|kind| kinds.contains(*kind)))
        };
        match &filter.codename {
            Some(codenames) => Selection::listed(
                codenames
                    .iter()
                    .filter_map(|codename| self.find_device(codename))
                    .filter(admits),
            ),
            None => Selection::listed(self.devices().filter(admits)),
        }
    }

    fn releases_with(&self, versions: &[VersionAt]) -> impl Iterator<Item = ReleaseAt> {
        versions
            .iter()
            .flat_map(|version| self.owned.releases_of_version.of(version.number()))
            .copied()
    }

    /// The packages published on these days, newest first; every package when no days are given.
    fn packages_dated(&self, days: Option<Days>) -> impl Iterator<Item = PackageAt> {
        let (start, end) = days.map_or((0, u32::MAX), |days| {
            let too_late = |day: Day| days.to.is_some_and(|to| day > to);
            let early_enough = |day: Day| days.from.is_none_or(|from| day >= from);
            (
                self.packages_before(|row| row.released_on.is_some_and(too_late)),
                self.packages_before(|row| row.released_on.is_some_and(early_enough)),
            )
        });
        self.packages().take(end as usize).skip(start as usize)
    }

    pub(super) fn packages_in(&self, scope: Scope) -> &[PackageAt] {
        match scope {
            Scope::Catalogue => &[],
            Scope::Device(at) => self.owned.packages_of_device.of(at.number()),
            Scope::Variant(at) => self.owned.packages_of_variant.of(at.number()),
            Scope::Release(at) => self.packages_of(at),
        }
    }

    pub(super) fn releases_in(&self, scope: Scope) -> &[ReleaseAt] {
        match scope {
            Scope::Catalogue | Scope::Release(_) => &[],
            Scope::Device(at) => self.owned.releases_of_device.of(at.number()),
            Scope::Variant(at) => self.owned.releases_of_variant.of(at.number()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_android_version_means_itself_and_what_continues_it() {
        for (wanted, known, matches) in [
            ("13", "13.0", true),
            ("13.0", "13.0", true),
            ("13.0", "13", true),
            ("7", "7.1", true),
            ("7.1", "7.1", true),
            ("7.0", "7.1", false),
            ("7.1", "7.0", false),
            ("1", "13.0", false),
            ("", "13.0", false),
        ] {
            assert_eq!(android_matches(wanted, known), matches, "{wanted} {known}");
        }
    }
}
