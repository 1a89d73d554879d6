//! The newest package of every variant, branch and type, worked out with the snapshot: asked often, changed by imports only.

use entity::value::{Branch, PackageType};

use super::{
    Page, Take, Window,
    filter::{Filter, Scope, Tests},
    set::Set,
    snapshot::{
        Owned, PackageAt, PackageRow, Place as _, ReleaseAt, ReleaseRow, Snapshot, VariantAt, VariantRow,
        store::{Groups, Table, number},
    },
};

/// What "newest" goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LatestBy {
    /// The date; among packages of one day the higher version.
    ReleasedOn,
    /// The version; among packages of one version the later date.
    Version,
}

/// The newest packages of one variant, branch and type.
#[derive(Clone, Copy, Debug)]
struct Group {
    branch: Branch,
    r#type: PackageType,
    by_date: PackageAt,
    by_version: PackageAt,
}

/// The newest packages of everything.
#[derive(Debug)]
pub(super) struct Newest {
    of_variant: Groups<Group>,
}

/// Whether `a` is newer than `b`. Undated packages are the oldest; of two files of one release and day the name decides.
fn is_newer(
    by: LatestBy,
    a: PackageAt,
    b: PackageAt,
    packages: &impl Fn(PackageAt) -> (Option<super::Day>, u32),
) -> bool {
    let (day_a, version_a) = packages(a);
    let (day_b, version_b) = packages(b);
    let newer = match by {
        LatestBy::ReleasedOn => (day_a, version_a).cmp(&(day_b, version_b)),
        LatestBy::Version => (version_a, day_a).cmp(&(version_b, day_b)),
    };
    newer.then_with(|| b.cmp(&a)).is_gt()
}

impl Newest {
    pub(super) fn new(
        variants: &[VariantRow],
        releases: &Table<ReleaseAt, ReleaseRow>,
        packages: &Table<PackageAt, PackageRow>,
        owned: &Owned,
    ) -> Self {
        let age = |at: PackageAt| {
            let row = &packages[at];
            (row.released_on, releases[row.release].version.number())
        };
        let mut groups: Vec<(u32, Group)> = Vec::new();
        for variant in 0..number(variants.len()) {
            let start = groups.len();
            for at in owned.packages_of_variant.of(variant) {
                let row = &packages[*at];
                let branch = releases[row.release].branch;
                let own = groups.get_mut(start..).unwrap_or(&mut []);
                match own
                    .iter_mut()
                    .find(|(_, group)| group.branch == branch && group.r#type == row.r#type)
                {
                    Some((_, group)) => {
                        if is_newer(LatestBy::ReleasedOn, *at, group.by_date, &age) {
                            group.by_date = *at;
                        }
                        if is_newer(LatestBy::Version, *at, group.by_version, &age) {
                            group.by_version = *at;
                        }
                    }
                    None => groups.push((
                        variant,
                        Group {
                            branch,
                            r#type: row.r#type,
                            by_date: *at,
                            by_version: *at,
                        },
                    )),
                }
            }
            if let Some(own) = groups.get_mut(start..) {
                own.sort_by_key(|(_, group)| (group.branch, group.r#type));
            }
        }
        Self {
            of_variant: Groups::collect(variants.len(), groups.into_iter()),
        }
    }
}

/// What the newest packages are listed by: the regional codename, then branch and type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LatestKey {
    /// The regional codename, in lower case.
    folded: String,
    /// The regional codename.
    pub variant: String,
    /// The branch.
    pub branch: Branch,
    /// The package type.
    pub r#type: PackageType,
}

impl LatestKey {
    /// The place of a variant's newest package of a branch and type.
    #[must_use]
    pub fn new(variant: String, branch: Branch, r#type: PackageType) -> Self {
        Self {
            folded: variant.to_ascii_lowercase(),
            variant,
            branch,
            r#type,
        }
    }
}

impl Snapshot {
    /// Of every variant, branch and type in the scope the newest package that matches. Incremental packages only where the
    /// filter asks for them. In the catalogue by regional codename, in a device by region; then by branch and type.
    #[must_use]
    pub fn latest(&self, scope: Scope, filter: &Filter, by: LatestBy) -> Vec<PackageAt> {
        let tests = Tests::new(self, filter);
        let variants: Vec<VariantAt> = match scope {
            Scope::Catalogue => match tests.variants() {
                Some(named) => self
                    .lookup
                    .variants
                    .iter()
                    .copied()
                    .filter(|at| named.binary_search(at).is_ok())
                    .collect(),
                None => self.lookup.variants.clone(),
            },
            Scope::Device(device) => self.variants_of(device).collect(),
            Scope::Variant(variant) => vec![variant],
            Scope::Release(release) => vec![self.release(release).variant],
        };
        let types = filter.r#type.unwrap_or_else(|| {
            PackageType::ALL
                .iter()
                .copied()
                .filter(|r#type| *r#type != PackageType::Incremental)
                .collect::<Set<_>>()
        });
        // What is kept tells branch and type, and the variant its region; anything else has to be looked for.
        let kept = Filter {
            device: None,
            branch: None,
            region: None,
            r#type: None,
            ..filter.clone()
        } == Filter::default();
        let mut found = Vec::new();
        for variant in variants {
            let named = tests
                .variants()
                .is_none_or(|named| named.binary_search(&variant).is_ok());
            if !named
                || filter
                    .region
                    .is_some_and(|regions| !regions.contains(self.variant(variant).region))
            {
                continue;
            }
            if kept {
                for group in self.newest.of_variant.of(variant.number()) {
                    if types.contains(group.r#type)
                        && filter.branch.is_none_or(|branches| branches.contains(group.branch))
                    {
                        found.push(match by {
                            LatestBy::ReleasedOn => group.by_date,
                            LatestBy::Version => group.by_version,
                        });
                    }
                }
            } else {
                self.look_for_latest(variant, &tests, types, by, &mut found);
            }
        }
        found
    }

    fn look_for_latest(
        &self,
        variant: VariantAt,
        tests: &Tests<'_>,
        types: Set<PackageType>,
        by: LatestBy,
        found: &mut Vec<PackageAt>,
    ) {
        let age = |at: PackageAt| {
            let row = self.package(at);
            (row.released_on, self.release(row.release).version.number())
        };
        let group = |at: PackageAt| {
            let row = self.package(at);
            (self.release(row.release).branch, row.r#type)
        };
        let start = found.len();
        for at in self.owned.packages_of_variant.of(variant.number()) {
            if !types.contains(self.package(*at).r#type) || !tests.admits(*at) {
                continue;
            }
            let own = found.get_mut(start..).unwrap_or(&mut []);
            match own.iter_mut().find(|other| group(**other) == group(*at)) {
                Some(newest) => {
                    if is_newer(by, *at, *newest, &age) {
                        *newest = *at;
                    }
                }
                None => found.push(*at),
            }
        }
        if let Some(own) = found.get_mut(start..) {
            own.sort_by_key(|at| group(*at));
        }
    }

    /// A page of the newest packages, listed as [`Snapshot::latest`] lists the catalogue's.
    #[must_use]
    pub fn page_of_latest(&self, newest: &[PackageAt], window: &Window<LatestKey>) -> Page<PackageAt> {
        let precedes = |at: &PackageAt, key: &LatestKey| self.latest_key(*at) < *key;
        let start = window.after.as_ref().map_or(0, |key| {
            newest.partition_point(|at| precedes(at, key) || self.latest_key(*at) == *key)
        });
        let end = window
            .before
            .as_ref()
            .map_or(newest.len(), |key| newest.partition_point(|at| precedes(at, key)));
        let inside = newest.get(start..end).unwrap_or(&[]);
        let (rows, left, right) = match window.take {
            Take::First(most) => inside
                .split_at_checked(most)
                .map_or((inside, 0, 0), |(rows, rest)| (rows, 0, rest.len())),
            Take::Last(most) => {
                let cut = inside.len().saturating_sub(most);
                (inside.get(cut..).unwrap_or(&[]), cut, 0)
            }
        };
        Page {
            rows: rows.to_vec(),
            has_next: right > 0 || end < newest.len(),
            has_previous: left > 0 || start > 0,
        }
    }

    /// What a newest package is listed by.
    #[must_use]
    pub fn latest_key(&self, at: PackageAt) -> LatestKey {
        let row = self.package(at);
        let release = self.release(row.release);
        LatestKey::new(
            self.text(self.variant(release.variant).codename).to_owned(),
            release.branch,
            row.r#type,
        )
    }
}
