//! The catalogue that follows from all evidence. Pure: the same evidence gives the same catalogue, whatever way it came.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use entity::value::{Branch, Codename, Md5, Md5Prefix, Mirrors, PackageType, Region, Version};
use rustc_hash::FxHashMap;

use super::{
    attribute::{File, Knowledge, Unplaced},
    changelog, filename, names,
    record::{Digest, Evidence, Facts, Place, Reason, Reference, Rejected},
};

/// A whole catalogue, by natural keys.
#[derive(Debug, Default)]
pub struct Catalogue<'a> {
    /// By regional codename.
    pub variants: BTreeMap<Codename, Variant>,
    /// By regional codename and version.
    pub releases: BTreeMap<(Codename, Version), Release>,
    /// By file name.
    pub packages: BTreeMap<&'a str, Package<'a>>,
    /// What could not be placed, by what is known now.
    pub unplaced: Vec<Rejected>,
}

/// A variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// The base codename.
    pub device: Codename,
    /// The region it is built for.
    pub region: Region,
    /// What stands for it in recovery packages' names.
    pub rom_code: Option<String>,
    /// Its names, most usual first.
    pub names: Vec<String>,
}

/// A release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The branch it is published on.
    pub branch: Branch,
    /// The Android version.
    pub android: Option<String>,
    /// First day of the month of its security patch.
    pub security_patch: Option<NaiveDate>,
    /// Its own changelog.
    pub changelog: Option<Digest>,
}

/// A package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package<'a> {
    /// The regional codename of its release's variant.
    pub variant: Codename,
    /// Its release's version.
    pub version: Version,
    /// What it is for.
    pub package_type: PackageType,
    /// The version an incremental starts from.
    pub base_version: Option<Version>,
    /// The Android version.
    pub android: Option<String>,
    /// Bytes.
    pub size: Option<i64>,
    /// The file's MD5.
    pub md5: Option<Md5>,
    /// The digits in its name.
    pub md5_prefix: Option<Md5Prefix>,
    /// The date it was published.
    pub released_on: Option<NaiveDate>,
    /// The date stamped into its name.
    pub built_on: Option<NaiveDate>,
    /// Hosts that have it under the usual address.
    pub mirrors: Mirrors,
    /// Other addresses, in their order.
    pub urls: Vec<&'a str>,
    /// The path of the source's page.
    pub page: Option<&'a str>,
}

/// Works the catalogue out.
#[must_use]
pub fn catalogue(evidence: &Evidence) -> Catalogue<'_> {
    let mut files: Vec<File<'_>> = evidence
        .files
        .iter()
        .map(|(filename, facts)| File {
            filename,
            name: filename::parse(filename),
            facts,
        })
        .collect();
    files.sort_unstable_by_key(|file| file.filename);
    let knowledge = Knowledge::gather(&files, &evidence.references);
    let mut derivation = Derivation {
        knowledge: &knowledge,
        catalogue: Catalogue::default(),
        members: FxHashMap::default(),
    };
    derivation.add_references(&evidence.references);
    let (incrementals, full): (Vec<File<'_>>, Vec<File<'_>>) = files
        .into_iter()
        .partition(|file| file.package_type() == Some(PackageType::Incremental));
    for file in full {
        match place(&file, &knowledge) {
            Ok((variant, region, version, package_type)) => {
                derivation.add_package(&file, &variant, version, package_type);
                derivation.add_variant(&variant, region);
            }
            Err(unplaced) => derivation.reject(&file, unplaced),
        }
    }
    let members = std::mem::take(&mut derivation.members);
    derivation.catalogue.releases = members
        .into_iter()
        .map(|(key, files)| {
            let release = release(&key.1, &files, evidence);
            (key, release)
        })
        .collect();
    for file in incrementals {
        derivation.add_incremental(&file);
    }
    derivation.name_variants(evidence);
    derivation.catalogue.unplaced.sort();
    derivation.catalogue
}

type Placed = (Codename, Region, Version, PackageType);

fn place(file: &File<'_>, knowledge: &Knowledge) -> Result<Placed, Unplaced> {
    let unplaced = |reason, detail: &str| Unplaced {
        reason,
        detail: detail.to_owned(),
    };
    let version = file.version().ok_or_else(|| {
        unplaced(
            Reason::NoVersion,
            "neither the file's name nor a source tells the version",
        )
    })?;
    let package_type = file.package_type().ok_or_else(|| {
        unplaced(
            Reason::NoType,
            "neither the file's name nor a source tells what the file is for",
        )
    })?;
    let facts = file.facts;
    if facts.mirrors.is_empty() && facts.urls.is_empty() && facts.pages.is_empty() {
        return Err(unplaced(Reason::NoAddress, "no source tells where the file can be had"));
    }
    let (variant, region) = knowledge.attribute(file)?;
    Ok((variant, region, version.clone(), package_type))
}

struct Derivation<'a, 'k> {
    knowledge: &'k Knowledge,
    catalogue: Catalogue<'a>,
    /// The files of each release, incrementals left out.
    members: FxHashMap<(Codename, Version), Vec<Member<'a>>>,
}

/// What a release is made of.
struct Member<'a> {
    package_type: PackageType,
    android: Option<String>,
    facts: &'a Facts,
}

impl<'a> Derivation<'a, '_> {
    fn add_references(&mut self, references: &BTreeSet<Reference>) {
        for reference in references {
            let variant = reference.codename.variant();
            if let Some(region) = self.knowledge.region_of(&variant) {
                self.add_variant(&variant, region);
                continue;
            }
            let unplaced = match variant.region() {
                Err(error) => Unplaced {
                    reason: Reason::UnknownRegion,
                    detail: error.to_string(),
                },
                Ok(_) => Unplaced {
                    reason: Reason::NoRegion,
                    detail: format!(
                        "neither the codename nor the label {:?} tells a region",
                        reference.label
                    ),
                },
            };
            self.catalogue.unplaced.push(Rejected {
                place: Place {
                    source: "tracker".to_owned(),
                    document: "data/devices.yml".to_owned(),
                },
                subject: reference.codename.to_string(),
                reason: unplaced.reason,
                detail: unplaced.detail,
            });
        }
    }

    fn add_variant(&mut self, codename: &Codename, region: Region) {
        if self.catalogue.variants.contains_key(codename) {
            return;
        }
        let variant = Variant {
            device: codename.base(),
            region,
            rom_code: None,
            names: Vec::new(),
        };
        self.catalogue.variants.insert(codename.clone(), variant);
    }

    fn add_package(&mut self, file: &File<'a>, variant: &Codename, version: Version, package_type: PackageType) {
        let package = package(file, variant, version.clone(), package_type);
        self.members
            .entry((variant.clone(), version))
            .or_default()
            .push(Member {
                package_type,
                android: package.android.clone(),
                facts: file.facts,
            });
        self.catalogue.packages.insert(file.filename, package);
    }

    /// An incremental belongs to the release it leads to, of the variant in its name; it makes no release of its own.
    fn add_incremental(&mut self, file: &File<'a>) {
        let placed = place(file, self.knowledge).map_err(|unplaced| match unplaced.reason {
            // Without a release of that variant there is nothing to tell its region by, either.
            Reason::NoRegion | Reason::NoDevice => Unplaced {
                reason: Reason::IncrementalWithoutRelease,
                detail: format!("no release of the incremental's variant is known: {}", unplaced.detail),
            },
            _ => unplaced,
        });
        let (variant, _, version, package_type) = match placed {
            Ok(placed) => placed,
            Err(unplaced) => return self.reject(file, unplaced),
        };
        let key = (variant, version);
        if !self.catalogue.releases.contains_key(&key) {
            let detail = format!("no release {} of {} is known", key.1, key.0);
            return self.reject(
                file,
                Unplaced {
                    reason: Reason::IncrementalWithoutRelease,
                    detail,
                },
            );
        }
        let (variant, version) = key;
        let package = package(file, &variant, version, package_type);
        self.catalogue.packages.insert(file.filename, package);
    }

    fn reject(&mut self, file: &File<'_>, unplaced: Unplaced) {
        let nowhere = || Place {
            source: "export".to_owned(),
            document: String::new(),
        };
        self.catalogue.unplaced.push(Rejected {
            place: file.facts.place.clone().unwrap_or_else(nowhere),
            subject: file.filename.to_owned(),
            reason: unplaced.reason,
            detail: unplaced.detail,
        });
    }

    /// Names from the labels of the reference first, then from those of the variant's own files; ROM codes likewise.
    fn name_variants(&mut self, evidence: &Evidence) {
        let mut labels: FxHashMap<&Codename, BTreeMap<(u8, &str), usize>> = FxHashMap::default();
        let mut rom_codes: FxHashMap<&Codename, BTreeMap<(u8, &str), usize>> = FxHashMap::default();
        let references: Vec<(Codename, &Reference)> = evidence
            .references
            .iter()
            .map(|reference| (reference.codename.variant(), reference))
            .collect();
        for (variant, reference) in &references {
            *labels
                .entry(variant)
                .or_default()
                .entry((0, &reference.label))
                .or_default() += 1;
            if !reference.rom_code.is_empty() {
                let unlike = u8::from(!is_spelt_alike(&reference.rom_code, variant));
                *rom_codes
                    .entry(variant)
                    .or_default()
                    .entry((unlike, &reference.rom_code))
                    .or_default() += 1;
            }
        }
        let parsed: Vec<(&Package<'_>, Option<filename::Name>, &Facts)> = self
            .catalogue
            .packages
            .iter()
            .filter(|(_, package)| package.package_type != PackageType::Incremental)
            .filter_map(|(name, package)| Some((package, filename::parse(name), evidence.files.get(*name)?)))
            .collect();
        for (package, name, facts) in &parsed {
            let short = package.variant.as_str().split('_').next();
            for naming in &facts.namings {
                if !naming.label.is_empty() && Some(naming.short.as_str()) == short {
                    *labels
                        .entry(&package.variant)
                        .or_default()
                        .entry((1, &naming.label))
                        .or_default() += 1;
                }
            }
            if let Some(filename::Target::RomCode(code)) = name.as_ref().map(|name| &name.target) {
                *rom_codes
                    .entry(&package.variant)
                    .or_default()
                    .entry((2, code))
                    .or_default() += 1;
            }
        }
        for (codename, variant) in &mut self.catalogue.variants {
            if let Some(labels) = labels.get(codename) {
                variant.names = ordered_names(labels);
            }
            variant.rom_code = rom_codes.get(codename).and_then(|codes| {
                let (rank, _) = codes.keys().next()?;
                codes
                    .iter()
                    .filter(|((own, _), _)| own == rank)
                    .max_by_key(|((_, code), count)| (**count, std::cmp::Reverse(*code)))
                    .map(|((_, code), _)| (*code).to_owned())
            });
        }
        // A variant that is known by its files' names alone still has a name: its codename.
        for (codename, variant) in &mut self.catalogue.variants {
            if variant.names.is_empty() {
                variant.names.push(codename.to_string());
            }
        }
    }
}

fn is_spelt_alike(rom_code: &str, variant: &Codename) -> bool {
    let plain: String = variant.as_str().chars().filter(|c| *c != '_').collect();
    plain.eq_ignore_ascii_case(rom_code)
}

/// Names in the order of how well and how far in front they are attested: by the reference before by pages, first in a
/// label before second, by many files before few.
fn ordered_names(labels: &BTreeMap<(u8, &str), usize>) -> Vec<String> {
    let mut attested: BTreeMap<String, (u8, usize, std::cmp::Reverse<usize>, String)> = BTreeMap::new();
    for ((rank, label), count) in labels {
        for (position, name) in names::split(Region::split_label(label).0).into_iter().enumerate() {
            let key = name.to_lowercase();
            let this = (*rank, position, std::cmp::Reverse(*count), name);
            let best = attested.entry(key).or_insert_with(|| this.clone());
            if this < *best {
                *best = this;
            }
        }
    }
    let mut attested: Vec<_> = attested.into_values().collect();
    attested.sort_unstable();
    attested.into_iter().map(|(_, _, _, name)| name).collect()
}

fn package<'a>(file: &File<'a>, variant: &Codename, version: Version, package_type: PackageType) -> Package<'a> {
    let name = file.name.as_ref();
    let facts = file.facts;
    let md5_prefix = name.and_then(|name| name.md5_prefix);
    let own_digits = !matches!(package_type, PackageType::Firmware | PackageType::Vendor);
    let android = name
        .and_then(|name| name.android.clone())
        .or_else(|| facts.androids.last().cloned())
        .or_else(|| version.android().map(str::to_owned));
    Package {
        variant: variant.clone(),
        package_type,
        base_version: name.and_then(|name| name.base_version.clone()),
        android,
        size: facts.sizes.last().copied(),
        // A ROM's name carries the beginning of its MD5: a digest that begins otherwise is another file's.
        md5: facts
            .md5s
            .iter()
            .copied()
            .find(|md5| !own_digits || md5_prefix.is_none_or(|prefix| md5.prefix() == prefix)),
        md5_prefix,
        released_on: facts.dates.first().copied(),
        built_on: name.and_then(|name| name.built_on),
        mirrors: facts.mirrors,
        urls: facts.urls.iter().map(String::as_str).collect(),
        page: page(facts, variant),
        version,
    }
}

/// The page under the variant's own device before one of a device that is only called alike.
fn page<'a>(facts: &'a Facts, variant: &Codename) -> Option<&'a str> {
    let own = |page: &&String| page.split('/').nth(2) == variant.as_str().split('_').next();
    facts
        .pages
        .iter()
        .find(own)
        .or_else(|| facts.pages.first())
        .map(String::as_str)
}

fn release(version: &Version, members: &[Member<'_>], evidence: &Evidence) -> Release {
    let branch = Branch::settle(
        version,
        members.iter().flat_map(|member| member.facts.branches.iter().copied()),
    );
    // Of packages that disagree the kind of the first in the enum's order counts.
    let android = members
        .iter()
        .filter_map(|member| Some((member.package_type, member.android.as_ref()?)))
        .min()
        .map(|(_, android)| android.clone());
    let changelog = members
        .iter()
        .flat_map(|member| member.facts.changelogs.iter())
        .filter_map(|digest| Some((evidence.texts.get(digest)?, digest)))
        .max_by_key(|(text, digest)| (text.len(), *digest));
    Release {
        branch,
        android,
        security_patch: changelog.and_then(|(text, _)| changelog::security_patch(text)),
        changelog: changelog.map(|(_, digest)| digest.clone()),
    }
}
