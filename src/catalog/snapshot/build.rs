//! Stored rows in, a snapshot out: sorts them, ties them together and works out what follows from them.

use std::{
    cmp::Reverse,
    collections::HashMap,
    hash::{BuildHasher as _, Hash},
};

use chrono::{DateTime, Utc};
use entity::value::{Branch, Mirrors, OperatingSystem, Version};
use rustc_hash::{FxBuildHasher, FxHashMap};

use super::{
    DeviceAt, DeviceRow, PackageAt, PackageRow, Place as _, ReleaseAt, ReleaseRow, Size, Snapshot, Span, TooLarge,
    VariantAt, VariantRow, VersionAt, compare_ignoring_case,
    store::{Arena, Table, number},
    tables::Tables,
};
use crate::catalog::{day::Day, latest::Newest, search::SearchIndex, set::Set};

/// Stored rows that do not make a catalogue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A row refers to one that is not there.
    #[error("{table} {id} refers to a row that does not exist")]
    Reference {
        /// The referring row's table.
        table: &'static str,
        /// The referring row's id.
        id: i32,
    },
    /// More rows, text or kinds than a snapshot can number.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

/// Takes stored rows, in any order, and makes a [`Snapshot`] of them.
#[derive(Default)]
pub struct Builder {
    revision: i32,
    updated_at: Option<DateTime<Utc>>,
    last_change: i64,
    text: Arena,
    /// Texts that may come again, by their hashes. Of two with one hash the first is kept.
    interned: FxHashMap<u64, Span>,
    androids: Vec<String>,
    versions: FxHashMap<Version, u32>,
    devices: Vec<entity::device::Model>,
    variants: Vec<entity::variant::Model>,
    releases: Vec<Release>,
    /// Until they are tied together, a package's release is its id, and its base version the order of appearance.
    packages: Vec<PackageRow>,
    links: Vec<(i32, Span)>,
}

/// A release as it comes, its version by the order of appearance.
struct Release {
    id: i32,
    variant_id: i32,
    version: u32,
    os: OperatingSystem,
    branch: Branch,
    android: u8,
    security_patch: Option<Day>,
    changelog: Option<i32>,
}

impl Builder {
    /// Sets the revision that the rows are of.
    pub fn revision(&mut self, row: &entity::revision::Model) {
        self.revision = row.number;
        self.updated_at = row.updated_at;
    }

    /// Sets the id of the last entry of the change log that the rows have behind them.
    pub fn last_change(&mut self, id: i64) {
        self.last_change = id;
    }

    /// Makes room for so many rows, so that nothing is moved while they come.
    pub fn expect(&mut self, releases: u64, packages: u64) {
        self.releases.reserve(usize::try_from(releases).unwrap_or(0));
        self.packages.reserve(usize::try_from(packages).unwrap_or(0));
    }

    /// Takes a device.
    pub fn device(&mut self, row: entity::device::Model) {
        self.devices.push(row);
    }

    /// Takes a variant.
    pub fn variant(&mut self, row: entity::variant::Model) {
        self.variants.push(row);
    }

    /// Takes a release.
    ///
    /// # Errors
    /// When there are more Android versions than a byte can number.
    pub fn release(&mut self, row: entity::release::Model) -> Result<(), Broken> {
        let android = self.android(row.android)?;
        let os = OperatingSystem::of(&row.version);
        let version = self.version(row.version);
        self.releases.push(Release {
            id: row.id,
            variant_id: row.variant_id,
            version,
            os,
            branch: row.branch,
            android,
            security_patch: row.security_patch.and_then(Day::new),
            changelog: row.changelog_id,
        });
        Ok(())
    }

    /// Takes a package.
    ///
    /// # Errors
    /// When the text grows too large, or there are more Android versions than a byte can number.
    pub fn package(&mut self, row: entity::package::Model) -> Result<(), Broken> {
        let package = PackageRow {
            id: row.id,
            release: ReleaseAt::at(row.release_id.cast_unsigned()),
            r#type: row.r#type,
            android: self.android(row.android)?,
            filename: self.text.add(&row.filename)?,
            base_version: row.base_version.map(|version| VersionAt::at(self.version(version))),
            size: row
                .size
                .and_then(|size| u64::try_from(size).ok()?.checked_add(1))
                .and_then(Size::new),
            md5: row.md5,
            md5_prefix: row.md5_prefix,
            released_on: row.released_on.and_then(Day::new),
            built_on: row.built_on.and_then(Day::new),
            mirrors: Mirrors::from_bits(row.mirrors),
            page: self.intern(row.page.as_deref().unwrap_or_default())?,
            source: None,
        };
        self.packages.push(package);
        Ok(())
    }

    /// Takes a link.
    ///
    /// # Errors
    /// When the text grows too large.
    pub fn link(&mut self, row: &entity::link::Model) -> Result<(), Broken> {
        let url = self.text.add(&row.url)?;
        self.links.push((row.package_id, url));
        Ok(())
    }

    fn android(&mut self, android: Option<String>) -> Result<u8, Broken> {
        if self.androids.is_empty() {
            self.androids.push(String::new()); // place 0 stands for unknown
        }
        let android = android.unwrap_or_default();
        let place = self
            .androids
            .iter()
            .position(|known| *known == android)
            .unwrap_or(self.androids.len());
        if place == self.androids.len() {
            self.androids.push(android);
        }
        u8::try_from(place).map_err(|_| TooLarge.into())
    }

    fn version(&mut self, version: Version) -> u32 {
        let next = number(self.versions.len());
        *self.versions.entry(version).or_insert(next)
    }

    fn intern(&mut self, text: &str) -> Result<Span, TooLarge> {
        let hash = FxBuildHasher.hash_one(text);
        if let Some(span) = self.interned.get(&hash).filter(|span| self.text.get(**span) == text) {
            return Ok(*span);
        }
        let span = self.text.add(text)?;
        self.interned.entry(hash).or_insert(span);
        Ok(span)
    }

    /// Ties the rows together.
    ///
    /// # Errors
    /// When a row refers to one that is not there, or there is too much of something.
    pub fn build(mut self) -> Result<Snapshot, Broken> {
        let _ = self.android(None)?;
        let (versions, version_at) = self.sorted_versions()?;
        let mut names = Vec::new();
        let (mut devices, device_at) = self.device_rows()?;
        let variants = self.variant_rows(&device_at, &mut names)?;
        let variant_at = places(variants.iter().map(|row| row.id), VariantAt::at);
        let (mut releases, release_at) = self.release_rows(&variants, &variant_at, &version_at)?;
        let mut packages = self.package_rows(&release_at, &version_at)?;
        let package_at = places(packages.iter().map(|row| row.id), PackageAt::at);
        self.join_devices(&mut devices, &variants, &releases, &mut names)?;
        for package in &packages {
            if let Some(release) = releases.get_mut(package.release.number() as usize) {
                release.types.insert(package.r#type);
            }
        }
        for release in &releases {
            let device = variants
                .get(release.variant.number() as usize)
                .map(|variant| variant.device);
            if let Some(device) = device.and_then(|device| devices.get_mut(device.number() as usize)) {
                device.types = device.types.union(release.types);
            }
        }
        let mut links = Vec::with_capacity(self.links.len());
        for (package, url) in std::mem::take(&mut self.links) {
            let at = package_at.get(&package).ok_or(Broken::Reference {
                table: "link",
                id: package,
            })?;
            links.push((*at, url));
        }
        let is_plain = |url: &Span| !self.text.get(*url).starts_with("https://");
        links.sort_by(|a, b| {
            (a.0, is_plain(&a.1))
                .cmp(&(b.0, is_plain(&b.1)))
                .then_with(|| self.text.get(a.1).cmp(self.text.get(b.1)))
        });

        drop((release_at, package_at, variant_at, device_at));
        self.interned = FxHashMap::default();
        let device = |variant: VariantAt| {
            variants
                .get(variant.number() as usize)
                .map_or(0, |row| row.device.number())
        };
        let releases = Table::gathered(releases, |row| device(row.variant));
        let tables = Tables {
            text: &self.text,
            devices: &devices,
            variants: &variants,
            releases: &releases,
            versions: &versions,
        };
        let (digests, derived) = tables.sources(&mut packages);
        let packages = Table::gathered(packages, |row| device(releases[row.release].variant));
        let kinds = tables.kinds(&packages)?;
        let by_filename = tables.by_filename(&packages);
        let orders = tables.orders(&packages, &kinds, &by_filename);
        let owned = tables.owned(&packages, derived);
        let lookup = tables.lookup(&packages, by_filename, digests);
        let newest = Newest::new(&variants, &releases, &packages, &owned);
        let variants = Table::new(variants);
        let devices = Table::new(devices);
        let mut snapshot = Snapshot {
            revision: self.revision,
            updated_at: self.updated_at,
            last_change: self.last_change,
            text: self.text,
            devices,
            variants,
            releases,
            packages,
            versions: Table::new(versions),
            names,
            androids: self.androids,
            links,
            kinds,
            orders,
            lookup,
            owned,
            newest,
            search: SearchIndex::default(),
        };
        snapshot.search = SearchIndex::new(&snapshot);
        Ok(snapshot)
    }

    /// Versions, lowest first, and where each that came has its place.
    fn sorted_versions(&mut self) -> Result<(Vec<Span>, Vec<VersionAt>), Broken> {
        let mut sorted: Vec<_> = std::mem::take(&mut self.versions)
            .into_iter()
            .map(|(version, came)| (version.key(), version, came))
            .collect();
        sorted.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let mut spans = Vec::with_capacity(sorted.len());
        let mut places = vec![VersionAt::at(0); sorted.len()];
        for (rank, (_, version, came)) in sorted.iter().enumerate() {
            spans.push(self.text.add(version.as_str())?);
            if let Some(place) = places.get_mut(*came as usize) {
                *place = VersionAt::at(number(rank));
            }
        }
        Ok((spans, places))
    }

    fn device_rows(&mut self) -> Result<(Vec<DeviceRow>, FxHashMap<i32, DeviceAt>), Broken> {
        let mut stored = std::mem::take(&mut self.devices);
        stored.sort_by(|a, b| {
            let (a, b) = (a.codename.as_str(), b.codename.as_str());
            compare_ignoring_case(a, b).then_with(|| a.cmp(b))
        });
        let nothing = self.text.add("")?;
        let mut rows = Vec::with_capacity(stored.len());
        for device in &stored {
            rows.push(DeviceRow {
                id: device.id,
                codename: self.text.add(device.codename.as_str())?,
                name: nothing,
                names: 0..0,
                variants: 0..0,
                regions: Set::EMPTY,
                branches: Set::EMPTY,
                os: Set::EMPTY,
                types: Set::EMPTY,
                first_released_on: None,
                last_released_on: None,
            });
        }
        let places = places(rows.iter().map(|row| row.id), DeviceAt::at);
        Ok((rows, places))
    }

    fn variant_rows(
        &mut self,
        device_at: &FxHashMap<i32, DeviceAt>,
        names: &mut Vec<Span>,
    ) -> Result<Vec<VariantRow>, Broken> {
        let mut stored = Vec::with_capacity(self.variants.len());
        for variant in std::mem::take(&mut self.variants) {
            let device = device_at.get(&variant.device_id).ok_or(Broken::Reference {
                table: "variant",
                id: variant.id,
            })?;
            stored.push((*device, variant));
        }
        stored.sort_by(|(device_a, a), (device_b, b)| {
            (device_a, a.region, &a.codename).cmp(&(device_b, b.region, &b.codename))
        });
        let mut rows = Vec::with_capacity(stored.len());
        for (device, variant) in stored {
            let start = number(names.len());
            let own: Vec<&str> = variant
                .names
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(serde_json::Value::as_str)
                .collect();
            for name in &own {
                names.push(self.intern(name)?);
            }
            rows.push(VariantRow {
                id: variant.id,
                device,
                codename: self.text.add(variant.codename.as_str())?,
                region: variant.region,
                rom_code: variant
                    .rom_code
                    .as_deref()
                    .map(|code| self.text.add(code))
                    .transpose()?,
                name: self.intern(&joined(&own, variant.codename.as_str()))?,
                names: start..number(names.len()),
            });
        }
        Ok(rows)
    }

    fn release_rows(
        &mut self,
        variants: &[VariantRow],
        variant_at: &FxHashMap<i32, VariantAt>,
        version_at: &[VersionAt],
    ) -> Result<(Vec<ReleaseRow>, FxHashMap<i32, ReleaseAt>), Broken> {
        let mut first: FxHashMap<i32, Day> = FxHashMap::default();
        for package in &self.packages {
            let Some(day) = package.released_on else { continue };
            first
                .entry(package.release.number().cast_signed())
                .and_modify(|first| *first = day.min(*first))
                .or_insert(day);
        }
        let mut rows = Vec::with_capacity(self.releases.len());
        for release in std::mem::take(&mut self.releases) {
            let broken = Broken::Reference {
                table: "release",
                id: release.id,
            };
            let variant = *variant_at.get(&release.variant_id).ok_or_else(|| broken.clone())?;
            rows.push(ReleaseRow {
                id: release.id,
                variant,
                version: *version_at.get(release.version as usize).ok_or(broken)?,
                os: release.os,
                branch: release.branch,
                android: release.android,
                types: Set::EMPTY,
                released_on: first.get(&release.id).copied(),
                security_patch: release.security_patch,
                changelog: release.changelog,
            });
        }
        let codename = |row: &ReleaseRow| {
            variants
                .get(row.variant.number() as usize)
                .map_or("", |variant| self.text.get(variant.codename))
        };
        rows.sort_unstable_by(|a, b| {
            let key = |row: &ReleaseRow| (Reverse(row.released_on), Reverse(row.version));
            key(a).cmp(&key(b)).then_with(|| codename(a).cmp(codename(b)))
        });
        let places = places(rows.iter().map(|row| row.id), ReleaseAt::at);
        Ok((rows, places))
    }

    fn package_rows(
        &mut self,
        release_at: &FxHashMap<i32, ReleaseAt>,
        version_at: &[VersionAt],
    ) -> Result<Vec<PackageRow>, Broken> {
        let mut rows = std::mem::take(&mut self.packages);
        for package in &mut rows {
            let release = release_at.get(&package.release.number().cast_signed());
            package.release = *release.ok_or(Broken::Reference {
                table: "package",
                id: package.id,
            })?;
            package.base_version = package
                .base_version
                .and_then(|version| version_at.get(version.number() as usize))
                .copied();
        }
        let filename = |row: &PackageRow| self.text.get(row.filename);
        rows.sort_unstable_by(|a, b| {
            Reverse(a.released_on)
                .cmp(&Reverse(b.released_on))
                .then_with(|| filename(a).cmp(filename(b)))
        });
        Ok(rows)
    }

    /// Gives devices what their variants and releases tell.
    fn join_devices(
        &mut self,
        devices: &mut [DeviceRow],
        variants: &[VariantRow],
        releases: &[ReleaseRow],
        names: &mut Vec<Span>,
    ) -> Result<(), Broken> {
        for (place, variant) in variants.iter().enumerate() {
            let Some(device) = devices.get_mut(variant.device.number() as usize) else {
                continue;
            };
            let place = number(place);
            if device.variants.is_empty() {
                device.variants = place..place;
            }
            device.variants.end = place + 1;
            device.regions.insert(variant.region);
        }
        for release in releases {
            let Some(variant) = variants.get(release.variant.number() as usize) else {
                continue;
            };
            let Some(device) = devices.get_mut(variant.device.number() as usize) else {
                continue;
            };
            device.branches.insert(release.branch);
            device.os.insert(release.os);
            let Some(day) = release.released_on else { continue };
            device.first_released_on = Some(device.first_released_on.map_or(day, |first| first.min(day)));
            device.last_released_on = device.last_released_on.max(Some(day));
        }
        for device in devices {
            let own = device.variants.start as usize..device.variants.end as usize;
            let mut spans: Vec<Span> = Vec::new();
            for variant in variants.get(own).unwrap_or(&[]) {
                for span in names
                    .get(variant.names.start as usize..variant.names.end as usize)
                    .unwrap_or(&[])
                {
                    let text = self.text.get(*span);
                    if !spans
                        .iter()
                        .any(|known| self.text.get(*known).eq_ignore_ascii_case(text))
                    {
                        spans.push(*span);
                    }
                }
            }
            let texts: Vec<&str> = spans.iter().map(|span| self.text.get(*span)).collect();
            let name = joined(&texts, self.text.get(device.codename));
            let start = number(names.len());
            names.extend(spans);
            device.names = start..number(names.len());
            device.name = self.intern(&name)?;
        }
        Ok(())
    }
}

/// Names joined into one; a row without a name goes by its codename.
fn joined(names: &[&str], codename: &str) -> String {
    if names.is_empty() {
        codename.to_owned()
    } else {
        names.join(" / ")
    }
}

fn places<K: Eq + Hash, P>(keys: impl Iterator<Item = K>, at: fn(u32) -> P) -> HashMap<K, P, FxBuildHasher> {
    keys.enumerate().map(|(place, key)| (key, at(number(place)))).collect()
}
