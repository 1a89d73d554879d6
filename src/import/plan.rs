//! What has to be written so that the stored catalogue becomes the derived one. Pure.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use entity::{
    change::{self, ChangeKind},
    changelog, device, link, package, release,
    value::{Codename, Version},
    variant,
};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    derive::{self, Catalogue},
    record::Digest,
};

/// The catalogue as the database has it, by natural keys.
#[derive(Debug, Default)]
pub struct Stored {
    /// Devices by codename.
    pub devices: FxHashMap<Codename, device::Model>,
    /// Variants by codename.
    pub variants: FxHashMap<Codename, variant::Model>,
    /// Releases by variant and version.
    pub releases: FxHashMap<(i32, Version), release::Model>,
    /// Packages by file name.
    pub packages: FxHashMap<String, package::Model>,
    /// Addresses by package.
    pub links: FxHashMap<i32, Vec<String>>,
    /// Ids of changelogs by digest.
    pub changelogs: FxHashMap<Digest, i32>,
    /// The last change's id.
    pub last_change: i64,
    /// The current revision.
    pub revision: i32,
}

/// Rows to write. Rows of known ids replace what is there.
#[derive(Debug, Default)]
pub struct Plan {
    /// New devices.
    pub devices: Vec<device::Model>,
    /// New and changed variants.
    pub variants: Vec<variant::Model>,
    /// New changelogs.
    pub changelogs: Vec<changelog::Model>,
    /// New and changed releases.
    pub releases: Vec<release::Model>,
    /// New and changed packages.
    pub packages: Vec<package::Model>,
    /// New addresses.
    pub links: Vec<link::Model>,
    /// Addresses that a package no longer has, because it has them in another form now.
    pub dropped_links: Vec<link::Model>,
    /// Packages, releases, variants and devices that evidence no longer supports where they were.
    pub dropped: Dropped,
    /// What happened, in the order in which it is told.
    pub changes: Vec<change::Model>,
    /// How many of each kind are new, changed or as they were.
    pub counts: Counts,
}

/// Ids of rows to delete.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Of packages.
    pub packages: Vec<i32>,
    /// Of releases.
    pub releases: Vec<i32>,
    /// Of variants.
    pub variants: Vec<i32>,
    /// Of devices.
    pub devices: Vec<i32>,
}

/// What an import did to one kind of row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Count {
    /// New ones.
    pub added: usize,
    /// Known ones that differ now.
    pub changed: usize,
    /// Known ones that are as they were.
    pub unchanged: usize,
}

/// What an import did, by kind of row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Devices.
    pub devices: Count,
    /// Variants.
    pub variants: Count,
    /// Releases.
    pub releases: Count,
    /// Packages.
    pub packages: Count,
    /// Releases that moved from a beta branch to a more finished one.
    pub promoted: usize,
}

/// Whether what an import adds is news, for those who are told of changes as they happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// It happened now.
    News,
    /// It is the first load of an empty catalogue.
    History,
}

impl Plan {
    /// Whether the catalogue changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.devices.is_empty()
            && self.variants.is_empty()
            && self.releases.is_empty()
            && self.packages.is_empty()
            && self.links.is_empty()
            && self.dropped_links.is_empty()
            && self.dropped == Dropped::default()
    }
}

/// Gives ids: the known one, or the next.
struct Ids(i32);

impl Ids {
    fn behind(known: impl Iterator<Item = i32>) -> Self {
        Self(known.max().unwrap_or(0))
    }

    fn next(&mut self) -> i32 {
        self.0 += 1;
        self.0
    }
}

/// Plans how the stored catalogue becomes the derived one.
#[must_use]
pub fn plan(
    stored: &Stored,
    derived: &Catalogue<'_>,
    texts: &FxHashMap<Digest, String>,
    at: DateTime<Utc>,
    telling: Telling,
) -> Plan {
    let mut planning = Planning {
        stored,
        plan: Plan::default(),
        events: Vec::new(),
        dates: first_dates(derived),
        device_ids: FxHashMap::default(),
        variant_ids: FxHashMap::default(),
        changelog_ids: FxHashMap::default(),
        release_ids: FxHashMap::default(),
    };
    planning.devices(derived);
    planning.variants(derived);
    planning.changelogs(texts);
    planning.releases(derived);
    planning.packages(derived);
    planning.dropped(derived);
    planning.changes(at, telling)
}

/// What happened, with what it is sorted by: time first, so that the log tells history in its order.
type Event<'a> = (
    (Option<NaiveDate>, &'a Codename, &'a Version, u8, &'a str),
    ChangeKind,
    i32,
);

struct Planning<'a> {
    stored: &'a Stored,
    plan: Plan,
    events: Vec<Event<'a>>,
    dates: Dates<'a>,
    device_ids: FxHashMap<&'a Codename, i32>,
    variant_ids: FxHashMap<&'a Codename, i32>,
    changelog_ids: FxHashMap<&'a Digest, i32>,
    release_ids: FxHashMap<(&'a Codename, &'a Version), i32>,
}

impl<'a> Planning<'a> {
    fn devices(&mut self, derived: &'a Catalogue<'_>) {
        let mut ids = Ids::behind(self.stored.devices.values().map(|device| device.id));
        let codenames: BTreeSet<&Codename> = derived.variants.values().map(|variant| &variant.device).collect();
        for codename in codenames {
            let known = self.stored.devices.get(codename);
            let id = known.map_or_else(|| ids.next(), |device| device.id);
            self.device_ids.insert(codename, id);
            if known.is_some() {
                self.plan.counts.devices.unchanged += 1;
                continue;
            }
            self.plan.counts.devices.added += 1;
            self.plan.devices.push(device::Model {
                id,
                codename: codename.clone(),
            });
        }
    }

    fn variants(&mut self, derived: &'a Catalogue<'_>) {
        let mut ids = Ids::behind(self.stored.variants.values().map(|variant| variant.id));
        for (codename, variant) in &derived.variants {
            let known = self.stored.variants.get(codename);
            let Some(&device_id) = self.device_ids.get(&variant.device) else {
                continue;
            };
            let row = variant::Model {
                id: known.map_or_else(|| ids.next(), |variant| variant.id),
                device_id,
                codename: codename.clone(),
                region: variant.region,
                rom_code: variant.rom_code.clone(),
                names: variant.names.clone().into(),
            };
            self.variant_ids.insert(codename, row.id);
            note(&mut self.plan.counts.variants, &mut self.plan.variants, known, row);
        }
    }

    /// Every text is kept, also those that no release has for its own: more evidence may make one of them count.
    fn changelogs(&mut self, texts: &'a FxHashMap<Digest, String>) {
        let mut ids = Ids::behind(self.stored.changelogs.values().copied());
        self.changelog_ids
            .extend(self.stored.changelogs.iter().map(|(digest, id)| (digest, *id)));
        let new: BTreeMap<&Digest, &String> = texts
            .iter()
            .filter(|(digest, _)| !self.stored.changelogs.contains_key(*digest))
            .collect();
        for (digest, text) in new {
            let id = ids.next();
            self.changelog_ids.insert(digest, id);
            self.plan.changelogs.push(changelog::Model {
                id,
                digest: digest.clone(),
                text: text.clone(),
            });
        }
    }

    fn releases(&mut self, derived: &'a Catalogue<'_>) {
        let mut ids = Ids::behind(self.stored.releases.values().map(|release| release.id));
        for (key, release) in &derived.releases {
            let (codename, version) = key;
            let Some(&variant_id) = self.variant_ids.get(codename) else {
                continue;
            };
            let known = self.stored.releases.get(&(variant_id, version.clone()));
            let changelog_id = release
                .changelog
                .as_ref()
                .and_then(|digest| self.changelog_ids.get(digest).copied());
            let row = release::Model {
                id: known.map_or_else(|| ids.next(), |release| release.id),
                variant_id,
                version: version.clone(),
                branch: release.branch,
                android: release.android.clone(),
                security_patch: release.security_patch,
                changelog_id,
            };
            self.release_ids.insert((codename, version), row.id);
            let happened = match known {
                None => Some(ChangeKind::ReleaseAdded),
                // The branches are declared from the most to the least finished.
                Some(known) if row.branch < known.branch => Some(ChangeKind::ReleasePromoted),
                Some(_) => None,
            };
            if let Some(kind) = happened {
                let promoted = kind == ChangeKind::ReleasePromoted;
                self.plan.counts.promoted += usize::from(promoted);
                let date = self.dates.get(&(codename, version)).copied();
                let order = (date, codename, version, 0, "");
                self.events.push((order, kind, row.id));
            }
            note(&mut self.plan.counts.releases, &mut self.plan.releases, known, row);
        }
    }

    fn packages(&mut self, derived: &'a Catalogue<'_>) {
        let mut ids = Ids::behind(self.stored.packages.values().map(|package| package.id));
        for (filename, package) in &derived.packages {
            let release = (&package.variant, &package.version);
            let Some(&release_id) = self.release_ids.get(&release) else {
                continue;
            };
            let known = self.stored.packages.get(*filename);
            let id = known.map_or_else(|| ids.next(), |package| package.id);
            let row = package_row(id, release_id, filename, package);
            let links_changed = self.links(id, &package.urls);
            let kind = match known {
                None => Some(ChangeKind::PackageAdded),
                Some(known) if *known != row || links_changed => Some(ChangeKind::PackageUpdated),
                Some(_) => None,
            };
            if let Some(kind) = kind {
                let date = self.dates.get(&release).copied();
                let order = (date, release.0, release.1, 1, *filename);
                self.events.push((order, kind, id));
            }
            let only_links = links_changed && known.is_some_and(|known| *known == row);
            note(&mut self.plan.counts.packages, &mut self.plan.packages, known, row);
            if only_links {
                self.plan.counts.packages.unchanged -= 1;
                self.plan.counts.packages.changed += 1;
            }
        }
    }

    /// Plans a package's addresses; whether any of them is new or gone.
    fn links(&mut self, package_id: i32, urls: &[&str]) -> bool {
        let known = self.stored.links.get(&package_id).map_or(&[][..], Vec::as_slice);
        let row = |url: &str| link::Model {
            package_id,
            url: url.to_owned(),
        };
        let before = (self.plan.links.len(), self.plan.dropped_links.len());
        let new = urls.iter().filter(|url| !known.iter().any(|known| known == *url));
        self.plan.links.extend(new.map(|url| row(url)));
        let gone = known.iter().filter(|known| !urls.contains(&known.as_str()));
        self.plan.dropped_links.extend(gone.map(|url| row(url)));
        before != (self.plan.links.len(), self.plan.dropped_links.len())
    }

    /// Rows that follow from no evidence any more: evidence only grows, but more of it may place a file elsewhere.
    fn dropped(&mut self, derived: &Catalogue<'_>) {
        let kept: FxHashSet<i32> = self.release_ids.values().copied().collect();
        let dropped = &mut self.plan.dropped;
        let packages = self.stored.packages.iter();
        dropped.packages = packages
            .filter(|(filename, _)| !derived.packages.contains_key(filename.as_str()))
            .map(|(_, package)| package.id)
            .collect();
        let releases = self.stored.releases.values().map(|release| release.id);
        dropped.releases = releases.filter(|id| !kept.contains(id)).collect();
        let variants = self.stored.variants.iter();
        dropped.variants = variants
            .filter(|(codename, _)| !derived.variants.contains_key(codename))
            .map(|(_, variant)| variant.id)
            .collect();
        let devices = self.stored.devices.iter();
        dropped.devices = devices
            .filter(|(codename, _)| !self.device_ids.contains_key(codename))
            .map(|(_, device)| device.id)
            .collect();
    }

    fn changes(mut self, at: DateTime<Utc>, telling: Telling) -> Plan {
        self.events.sort_unstable();
        let devices = self
            .plan
            .devices
            .iter()
            .map(|device| (ChangeKind::DeviceAdded, device.id));
        let others = self.events.iter().map(|(_, kind, id)| (*kind, *id));
        let mut last = self.stored.last_change;
        let changes = devices.chain(others).map(|(kind, subject)| {
            last += 1;
            let is = |kinds: &[ChangeKind]| kinds.contains(&kind).then_some(subject);
            change::Model {
                id: last,
                revision: self.stored.revision + 1,
                kind,
                at,
                is_news: telling == Telling::News,
                device_id: is(&[ChangeKind::DeviceAdded]),
                release_id: is(&[ChangeKind::ReleaseAdded, ChangeKind::ReleasePromoted]),
                package_id: is(&[ChangeKind::PackageAdded, ChangeKind::PackageUpdated]),
            }
        });
        self.plan.changes = changes.collect();
        self.plan
    }
}

/// Counts a row as added, changed or unchanged, and plans it unless it is unchanged.
fn note<T: PartialEq>(count: &mut Count, rows: &mut Vec<T>, known: Option<&T>, row: T) {
    match known {
        None => count.added += 1,
        Some(known) if *known == row => {
            count.unchanged += 1;
            return;
        }
        Some(_) => count.changed += 1,
    }
    rows.push(row);
}

/// The earliest date published for any package of each release.
type Dates<'a> = FxHashMap<(&'a Codename, &'a Version), NaiveDate>;

fn first_dates<'a>(derived: &'a Catalogue<'_>) -> Dates<'a> {
    let mut dates = Dates::default();
    for package in derived.packages.values() {
        let Some(date) = package.released_on else { continue };
        let first = dates.entry((&package.variant, &package.version)).or_insert(date);
        *first = date.min(*first);
    }
    dates
}

fn package_row(id: i32, release_id: i32, filename: &str, package: &derive::Package<'_>) -> package::Model {
    package::Model {
        id,
        release_id,
        r#type: package.package_type,
        filename: filename.to_owned(),
        base_version: package.base_version.clone(),
        android: package.android.clone(),
        size: package.size,
        md5: package.md5,
        md5_prefix: package.md5_prefix,
        released_on: package.released_on,
        built_on: package.built_on,
        mirrors: package.mirrors.bits(),
        page: package.page.map(str::to_owned),
    }
}
