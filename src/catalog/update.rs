//! Whether a phone's build is current, what is newer, and how to get there.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

use entity::value::{Branch, Invalid, PackageType, Version};

use super::{
    set::Set,
    snapshot::{DeviceAt, PackageAt, ReleaseAt, Snapshot, VariantAt, VersionAt},
};

/// How a phone's build stands to the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateStatus {
    /// Nothing newer is known.
    UpToDate,
    /// There is something newer.
    UpdateAvailable,
    /// The catalogue does not know the build.
    UnknownBuild,
}

/// What a phone says about itself, and what it would take.
#[derive(Clone, Debug)]
pub struct Installed {
    /// What it calls itself: a regional codename or a base one.
    pub codename: String,
    /// The build it runs.
    pub version: String,
    /// Branches that it would take an update from.
    pub branch: Set<Branch>,
    /// The type of package wanted.
    pub r#type: PackageType,
}

/// The answer to an update check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateCheck {
    /// How the build stands.
    pub status: UpdateStatus,
    /// The variant that the phone is of.
    pub variant: VariantAt,
    /// The build's release, where it is known.
    pub installed: Option<ReleaseAt>,
    /// The highest release on the wanted branches, unless the installed build is higher.
    pub latest: Option<ReleaseAt>,
    /// Releases newer than the build, newest first.
    pub releases: Vec<ReleaseAt>,
    /// The latest release's packages of the wanted type.
    pub packages: Vec<PackageAt>,
    /// Incrementals from the build to the latest release.
    pub path: Vec<PackageAt>,
}

/// What an incremental of unknown size counts as: more than any known one.
const UNKNOWN_SIZE: u64 = 1 << 50;

/// An Android version as numbers.
fn android(text: &str) -> Vec<u32> {
    let mut numbers: Vec<u32> = text.split('.').map_while(|part| part.parse().ok()).collect();
    while numbers.last() == Some(&0) {
        numbers.pop();
    }
    numbers
}

impl Snapshot {
    /// Checks a build for updates. `None` when the catalogue does not have the phone, or cannot tell which variant it is.
    ///
    /// Newer is a higher version on the same variant and the wanted branches. What is built on an older Android version
    /// is never offered.
    ///
    /// # Errors
    /// When the version is none.
    pub fn check_for_update(&self, installed: &Installed) -> Result<Option<UpdateCheck>, Invalid> {
        let version: Version = installed.version.trim().parse()?;
        let Some(variant) = self.variant_of_phone(installed.codename.trim(), &version) else {
            return Ok(None);
        };
        let own = self.version_rank(version.as_str());
        let at = self.find_version(version.as_str());
        let release = at.and_then(|at| self.find_release(variant, at));
        let base = release
            .and_then(|at| self.android_of_release(at))
            .or_else(|| version.android())
            .map(android);
        let fits = |at: &ReleaseAt| {
            let offered = self.android_of_release(*at).map(android);
            base.as_ref()
                .zip(offered)
                .is_none_or(|(base, offered)| offered >= *base)
        };
        let releases: Vec<ReleaseAt> = self
            .releases_by_version(variant)
            .iter()
            .rev()
            .copied()
            .take_while(|at| super::page::exact_rank(self.release(*at).version) > own)
            .filter(|at| installed.branch.contains(self.release(*at).branch))
            .filter(fits)
            .collect();
        let current = release.filter(|at| installed.branch.contains(self.release(*at).branch));
        let latest = releases.first().copied().or(current);
        let status = match (release, releases.is_empty()) {
            (None, _) => UpdateStatus::UnknownBuild,
            (Some(_), true) => UpdateStatus::UpToDate,
            (Some(_), false) => UpdateStatus::UpdateAvailable,
        };
        let packages = latest.map_or(&[][..], |at| self.packages_of(at)).iter().copied();
        let packages = packages
            .filter(|at| self.package(*at).r#type == installed.r#type)
            .collect();
        let path = at
            .zip(releases.first())
            .and_then(|(from, to)| self.update_path(variant, from, self.release(*to).version))
            .unwrap_or_default();
        Ok(Some(UpdateCheck {
            status,
            variant,
            installed: release,
            latest,
            releases,
            packages,
            path,
        }))
    }

    /// The variant of a phone that calls itself so and runs this version: phones say either codename, and the China variant
    /// is often named like the device, so a base codename is read together with the region that the version tells.
    fn variant_of_phone(&self, codename: &str, version: &Version) -> Option<VariantAt> {
        let Some(device) = self.find_base(codename) else {
            return self.find_variants(codename).first().copied();
        };
        let runs = |at: &VariantAt| {
            let version = self.find_version(version.as_str());
            version.is_some_and(|version| self.find_release(*at, version).is_some())
        };
        let candidates = self.variants_in_region_of(device, version);
        candidates
            .iter()
            .copied()
            .find(runs)
            .or_else(|| candidates.first().copied())
            .or_else(|| only(self.variants_of(device).filter(runs)))
            .or_else(|| match version.region() {
                // The version tells no region at all: the variant named like the device, or the only one.
                Ok(None) => self
                    .find_variants(codename)
                    .first()
                    .copied()
                    .or_else(|| only(self.variants_of(device))),
                _ => None,
            })
    }

    fn variants_in_region_of(&self, device: DeviceAt, version: &Version) -> Vec<VariantAt> {
        let Ok(Some(region)) = version.region() else {
            return Vec::new();
        };
        self.variants_of(device)
            .filter(|at| self.variant(*at).region == region)
            .collect()
    }

    /// The incrementals that lead from one version to another on a variant: the fewest, and of those the smallest together.
    /// `None` where there is no chain.
    #[must_use]
    pub fn update_path(&self, variant: VariantAt, from: VersionAt, to: VersionAt) -> Option<Vec<PackageAt>> {
        let mut hops: BTreeMap<VersionAt, Vec<PackageAt>> = BTreeMap::new();
        for release in self.releases_by_version(variant) {
            for at in self.packages_of(*release) {
                if let Some(base) = self.package(*at).base_version {
                    hops.entry(base).or_default().push(*at);
                }
            }
        }
        let mut reached: BTreeMap<VersionAt, (u32, u64, Option<PackageAt>)> = BTreeMap::from([(from, (0, 0, None))]);
        let mut open = BinaryHeap::from([Reverse((0_u32, 0_u64, from))]);
        while let Some(Reverse((count, size, version))) = open.pop() {
            if version == to {
                break;
            }
            if reached
                .get(&version)
                .is_some_and(|best| (best.0, best.1) < (count, size))
            {
                continue;
            }
            for at in hops.get(&version).into_iter().flatten() {
                let row = self.package(*at);
                let next = self.release(row.release).version;
                let cost = (count + 1, size + row.size().unwrap_or(UNKNOWN_SIZE));
                if reached.get(&next).is_none_or(|best| cost < (best.0, best.1)) {
                    reached.insert(next, (cost.0, cost.1, Some(*at)));
                    open.push(Reverse((cost.0, cost.1, next)));
                }
            }
        }
        let mut path = Vec::new();
        let mut version = to;
        while version != from {
            let at = reached.get(&version)?.2?;
            path.push(at);
            version = self.package(at).base_version?;
        }
        path.reverse();
        Some(path)
    }
}

/// The item of an iterator that has one only.
fn only<T>(mut items: impl Iterator<Item = T>) -> Option<T> {
    let first = items.next();
    items.next().is_none().then_some(first).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::fixture::{Row, row, snapshot};

    fn incremental(from: &'static str, to: &'static str, size: i64) -> Row {
        Row {
            r#type: PackageType::Incremental,
            base_version: Some(from),
            filename: format!("miui-blockota-alioth_eea_global-{from}-{to}.zip"),
            size: Some(size),
            ..row("alioth_eea_global", to, "2022-01-01")
        }
    }

    const A: &str = "V12.5.1.0.RKHEUXM";
    const B: &str = "V12.5.2.0.RKHEUXM";
    const C: &str = "V12.5.10.0.RKHEUXM";
    const D: &str = "V13.0.1.0.SKHEUXM";
    /// Higher than C and built on an older Android.
    const OLD_LINE: &str = "V12.5.11.0.QKHEUXM";

    fn rows() -> Vec<Row> {
        let on = |version, android| Row {
            android: Some(android),
            ..row("alioth_eea_global", version, "2022-01-01")
        };
        vec![
            on(A, "11.0"),
            on(B, "11.0"),
            on(C, "11.0"),
            on(OLD_LINE, "10.0"),
            Row {
                branch: Branch::StableBeta,
                ..on(D, "12.0")
            },
            incremental(A, B, 1),
            incremental(B, C, 1),
            incremental(A, C, 9),
            incremental(C, D, 5),
            row("alioth", "V12.5.1.0.RKHCNXM", "2022-01-01"),
            row("sweet_in_global", "V12.5.1.0.RKFINXM", "2022-01-01"),
            row("sweet_in_rf_global", "V12.5.2.0.RKFINRF", "2022-01-01"),
        ]
    }

    fn check(
        codename: &str,
        version: &str,
        branch: &[Branch],
    ) -> Option<(UpdateStatus, String, Option<String>, usize, usize)> {
        let snapshot = snapshot(&rows());
        let installed = Installed {
            codename: codename.to_owned(),
            version: version.to_owned(),
            branch: branch.iter().copied().collect(),
            r#type: PackageType::Recovery,
        };
        let found = snapshot.check_for_update(&installed).unwrap()?;
        let codename = snapshot.text(snapshot.variant(found.variant).codename).to_owned();
        let latest = found
            .latest
            .map(|at| snapshot.version(snapshot.release(at).version).to_owned());
        Some((found.status, codename, latest, found.releases.len(), found.path.len()))
    }

    #[test]
    fn a_build_is_checked_on_its_own_variant_and_branches() {
        use Branch::{Stable, StableBeta};
        use UpdateStatus::{UnknownBuild, UpToDate, UpdateAvailable};
        let eea = |status, latest: Option<&str>, newer, hops| {
            Some((
                status,
                "alioth_eea_global".to_owned(),
                latest.map(str::to_owned),
                newer,
                hops,
            ))
        };
        for (codename, version, branch, expected) in [
            (
                "alioth_eea_global",
                A,
                &[Stable][..],
                eea(UpdateAvailable, Some(C), 2, 1),
            ),
            ("ALIOTH", A, &[Stable], eea(UpdateAvailable, Some(C), 2, 1)),
            ("alioth", C, &[Stable], eea(UpToDate, Some(C), 0, 0)),
            ("alioth", C, &[Stable, StableBeta], eea(UpdateAvailable, Some(D), 1, 1)),
            ("alioth", D, &[Stable], eea(UpToDate, None, 0, 0)),
            (
                "alioth",
                "V12.5.5.0.RKHEUXM",
                &[Stable],
                eea(UnknownBuild, Some(C), 1, 0),
            ),
            ("alioth", "V12.5.99.0.RKHEUXM", &[Stable], eea(UnknownBuild, None, 0, 0)),
            ("alioth", "V12.5.1.0.RKHINXM", &[Stable], None),
            ("nothing", A, &[Stable], None),
        ] {
            assert_eq!(check(codename, version, branch), expected, "{codename} {version}");
        }
        let variant = |codename, version| check(codename, version, &[Stable]).map(|found| found.1);
        assert_eq!(variant("alioth", "V12.5.1.0.RKHCNXM").as_deref(), Some("alioth"));
        assert_eq!(
            variant("sweet", "V12.5.2.0.RKFINRF").as_deref(),
            Some("sweet_in_rf_global")
        );
    }

    #[test]
    fn a_path_has_the_fewest_hops_then_the_fewest_bytes() {
        let mut rows = rows();
        rows.push(Row {
            filename: "smaller.zip".to_owned(),
            ..incremental(A, C, 4)
        });
        let snapshot = snapshot(&rows);
        let variant = snapshot.find_variant("alioth_eea_global").unwrap();
        let path = |from: &str, to: &str| {
            let path = snapshot.update_path(variant, snapshot.find_version(from)?, snapshot.find_version(to)?)?;
            Some(
                path.iter()
                    .map(|at| snapshot.text(snapshot.package(*at).filename))
                    .collect::<Vec<_>>()
                    .join(" "),
            )
        };
        let to_d = format!("miui-blockota-alioth_eea_global-{C}-{D}.zip");
        assert_eq!(path(A, D), Some(format!("smaller.zip {to_d}")));
        assert_eq!(path(A, A), Some(String::new()));
        assert_eq!(path(D, A), None);
    }
}
