//! Which variant a file belongs to, from its witnesses. Pure.
//!
//! The file name is the strongest witness. Where it gives a ROM code or a maker's board name instead of a codename, the
//! variant is found by what is known of all files and references together, never by the order in which they came:
//! a ROM code is looked up by its spelling, then in the reference, then among codenames that sources give outright, then by the
//! codename and label under which its files are filed. The region follows the strongest of: codename suffix, version
//! letters, ROM code, fastboot token, label.

use std::collections::{BTreeMap, BTreeSet};

use entity::value::{Codename, PackageType, Region, Version};
use rustc_hash::FxHashMap;

use super::{
    filename::{Name, Target},
    record::{Facts, Reason, Reference},
};

/// A file, what its name tells, and what has been said of it.
#[derive(Clone, Debug)]
pub struct File<'a> {
    /// The file's name.
    pub filename: &'a str,
    /// What its name tells, where it is of a known form.
    pub name: Option<Name>,
    /// What has been said of it.
    pub facts: &'a Facts,
}

impl File<'_> {
    /// The version of the file's release: the name's, or else the one it is filed under.
    #[must_use]
    pub fn version(&self) -> Option<&Version> {
        self.name
            .as_ref()
            .map(|name| &name.version)
            .or_else(|| self.facts.versions.last())
    }

    /// What the package is for: as its name tells, or else as it is filed.
    #[must_use]
    pub fn package_type(&self) -> Option<PackageType> {
        self.name.as_ref().map(|name| name.package_type).or_else(|| {
            let by_name = self.filename.starts_with("fw").then_some(PackageType::Firmware);
            by_name.or_else(|| self.facts.types.first().copied())
        })
    }
}

/// Why a file has no variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unplaced {
    /// For a program.
    pub reason: Reason,
    /// For a person.
    pub detail: String,
}

impl Unplaced {
    fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
        }
    }
}

/// What all files and references together tell of codenames and ROM codes.
#[derive(Debug, Default)]
pub struct Knowledge {
    /// Variants by base codename, each with its region.
    variants: BTreeMap<Codename, BTreeMap<Codename, Region>>,
    /// Base codenames by what is left when they are cut at the first underscore.
    bases: BTreeMap<String, BTreeSet<Codename>>,
    /// Variants by the reference's ROM codes.
    referenced: FxHashMap<String, BTreeSet<Codename>>,
    /// Codenames that stand in the reference.
    reference: BTreeSet<Codename>,
    /// Base codenames by (short codename, label) of the reference.
    reference_labels: FxHashMap<(String, String), BTreeSet<Codename>>,
    /// Versions that files whose names give a regional codename have, by that codename.
    builds: BTreeSet<(Codename, Version)>,
    /// Base codenames by (short codename, label) of files whose names give a codename.
    labelled: FxHashMap<(String, String), BTreeSet<Codename>>,
    /// Where each ROM code of a file name leads.
    rom_codes: FxHashMap<String, RomCode>,
}

/// What a ROM code stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct RomCode {
    /// The base codename.
    base: Codename,
    /// Variants it stands for, by spelling, reference or a source's word.
    variants: BTreeSet<Codename>,
    /// The region its ending tells, read against its base.
    region: Option<Region>,
}

/// The part of a codename before its first underscore, by which the site files devices.
fn short(codename: &Codename) -> &str {
    codename.as_str().split('_').next().unwrap_or_default()
}

/// The spelling that a codename and the ROM code made of it share: lower case, no underscores.
fn spelling(text: &str) -> String {
    text.chars()
        .filter(|c| *c != '_')
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

impl Knowledge {
    /// Gathers what files and references tell.
    #[must_use]
    pub fn gather(files: &[File<'_>], references: &BTreeSet<Reference>) -> Self {
        let mut known = Self::default();
        for reference in references {
            known.reference.insert(reference.codename.variant());
            let key = (short(&reference.codename).to_owned(), reference.label.clone());
            known
                .reference_labels
                .entry(key)
                .or_default()
                .insert(reference.codename.base());
            if !reference.rom_code.is_empty() {
                let variants = known.referenced.entry(reference.rom_code.clone()).or_default();
                variants.insert(reference.codename.variant());
            }
        }
        known.gather_codenames(files, references);
        known.gather_labels(files);
        known.gather_rom_codes(files);
        known
    }

    /// Regions of codenames without a suffix are found together: one file alone may not tell.
    fn gather_codenames(&mut self, files: &[File<'_>], references: &BTreeSet<Reference>) {
        let mut plain: BTreeMap<Codename, BTreeMap<(Rank, Region), usize>> = BTreeMap::new();
        let mut witness = |known: &mut Self, codename: &Codename, heard: Option<(Rank, Region)>| {
            let variant = codename.variant();
            match variant.region() {
                Ok(Some(region)) => known.add_variant(variant, region),
                Ok(None) => {
                    let heard_of = plain.entry(variant).or_default();
                    if let Some(heard) = heard {
                        *heard_of.entry(heard).or_default() += 1;
                    }
                }
                Err(_) => {}
            }
        };
        for reference in references {
            let heard = Region::split_label(&reference.label).1;
            witness(self, &reference.codename, heard.map(|region| (Rank::Reference, region)));
        }
        for file in files {
            let heard = file.heard_region();
            if let Some(codename) = self
                .codename_of(file)
                .filter(|_| file.package_type() != Some(PackageType::Incremental))
            {
                witness(self, &codename, heard);
                if let Some(version) = file.version() {
                    self.builds.insert((codename.variant(), version.clone()));
                }
            }
            for claimed in &file.facts.variants {
                witness(self, claimed, heard);
            }
        }
        for (codename, heard) in plain {
            if let Some(region) = home_region(&heard) {
                self.add_variant(codename, region);
            }
        }
    }

    fn add_variant(&mut self, variant: Codename, region: Region) {
        let base = variant.base();
        self.bases
            .entry(short(&base).to_owned())
            .or_default()
            .insert(base.clone());
        self.variants.entry(base).or_default().insert(variant, region);
    }

    /// The codename in a file's name, unless it is a maker's board name.
    fn codename_of(&self, file: &File<'_>) -> Option<Codename> {
        let Some(Target::Codename(codename)) = file.name.as_ref().map(|name| &name.target) else {
            return None;
        };
        let fastboot = file.package_type() == Some(PackageType::Fastboot);
        let filed_elsewhere = !file.facts.namings.is_empty()
            && file
                .facts
                .namings
                .iter()
                .all(|naming| naming.short.as_str() != short(codename));
        let variant = codename.variant();
        let claimed_elsewhere =
            !file.facts.variants.is_empty() && file.facts.variants.iter().all(|claimed| claimed.variant() != variant);
        let filed_under_reference = || {
            let labels = file.facts.namings.iter();
            let mut keys = labels.map(|naming| (naming.short.to_string(), naming.label.clone()));
            keys.any(|key| {
                self.reference_labels
                    .get(&key)
                    .is_some_and(|listed| !listed.contains(&variant.base()))
            })
        };
        let unlisted = !self.reference.contains(&variant);
        let board = fastboot && unlisted && (filed_elsewhere || claimed_elsewhere || filed_under_reference());
        (!board).then(|| codename.clone())
    }

    fn gather_labels(&mut self, files: &[File<'_>]) {
        for file in files {
            let Some(codename) = self.codename_of(file) else {
                continue;
            };
            for naming in file.facts.namings.iter().filter(|naming| !naming.label.is_empty()) {
                let key = (naming.short.to_string(), naming.label.clone());
                self.labelled.entry(key).or_default().insert(codename.base());
            }
        }
    }

    fn gather_rom_codes(&mut self, files: &[File<'_>]) {
        let spelled = self.spellings();
        let mut by_code: BTreeMap<&str, Vec<&File<'_>>> = BTreeMap::new();
        for file in files {
            if let Some(Target::RomCode(code)) = file.name.as_ref().map(|name| &name.target) {
                by_code.entry(code).or_default().push(file);
            }
        }
        let mut found: BTreeMap<&str, (Codename, BTreeSet<Codename>)> = BTreeMap::new();
        for (code, files) in &by_code {
            let variants = self.variants_of_code(code, files, &spelled);
            let filed_as = filed_under(files);
            let close = variants.iter().find(|variant| filed_as.contains(short(variant)));
            let base = match close.or_else(|| variants.first()) {
                Some(variant) => Some(variant.base()),
                None => self.base_by_filing(code, files, &filed_as),
            };
            if let Some(base) = base {
                let variants = variants.into_iter().filter(|variant| variant.base() == base).collect();
                found.insert(code, (base, variants));
            }
        }
        for (code, (base, variants)) in &found {
            let stem = |other: &&str| found.get(*other).is_some_and(|(known, _)| known == base);
            let region = read_against(code, base, found.keys().copied().filter(stem));
            self.rom_codes.insert(
                (*code).to_owned(),
                RomCode {
                    base: base.clone(),
                    variants: variants.clone(),
                    region,
                },
            );
        }
        for (_, (base, _)) in found {
            self.bases.entry(short(&base).to_owned()).or_default().insert(base);
        }
    }

    /// Known variants by the ROM codes that their codenames would make.
    fn spellings(&self) -> FxHashMap<String, BTreeSet<Codename>> {
        let mut spelled: FxHashMap<String, BTreeSet<Codename>> = FxHashMap::default();
        for (base, variants) in &self.variants {
            for (variant, region) in variants {
                let mut add = |code: String| {
                    spelled.entry(code).or_default().insert(variant.clone());
                };
                add(spelling(variant.as_str()));
                // `_india_global` and `_eea_global` are also written INGlobal and EUGlobal.
                if *variant != *base && *variant == base.for_region(*region) {
                    region
                        .rom_code_infixes()
                        .iter()
                        .for_each(|infix| add(spelling(base.as_str()) + &spelling(infix)));
                }
            }
        }
        spelled
    }

    /// Variants that a ROM code stands for, by its strongest witness: spelling, reference, a source's word.
    fn variants_of_code(
        &self,
        code: &str,
        files: &[&File<'_>],
        spelled: &FxHashMap<String, BTreeSet<Codename>>,
    ) -> BTreeSet<Codename> {
        if let Some(variants) = spelled.get(&spelling(code)) {
            return variants.clone();
        }
        if let Some(variants) = self.referenced.get(code) {
            return variants.clone();
        }
        files
            .iter()
            .flat_map(|file| file.facts.variants.iter())
            .map(Codename::variant)
            .collect()
    }

    /// The base codename of a ROM code that stands for no known variant, from how it is spelt and where its files are filed.
    ///
    /// Only what is spelt alike joins a known device: of two phones that are called alike, one flashed with the other's
    /// build is bricked.
    fn base_by_filing(&self, code: &str, files: &[&File<'_>], filed_as: &BTreeSet<&str>) -> Option<Codename> {
        let spelt_alike = |base: &Codename| {
            let rest = strip_spelling(code, base.as_str());
            rest.is_some_and(|rest| ending(rest).is_some())
        };
        let near = filed_as
            .iter()
            .flat_map(|short| self.bases.get(*short).into_iter().flatten());
        let known = near.chain(self.variants.keys());
        if let Some(base) = known
            .filter(|base| spelt_alike(base))
            .max_by_key(|base| base.as_str().len())
        {
            return Some(base.clone());
        }
        let filed: Vec<Codename> = filed_as.iter().filter_map(|short| short.parse().ok()).collect();
        if let Some(base) = filed.iter().find(|base| spelt_alike(base)) {
            return Some(base.clone());
        }
        let mut labelled: BTreeMap<&Codename, usize> = BTreeMap::new();
        for naming in files.iter().flat_map(|file| file.facts.namings.iter()) {
            let key = (naming.short.to_string(), naming.label.clone());
            for base in self.labelled.get(&key).into_iter().flatten() {
                *labelled.entry(base).or_default() += 1;
            }
        }
        if let Some((base, _)) = labelled
            .iter()
            .max_by_key(|(base, count)| (**count, std::cmp::Reverse(**base)))
        {
            return Some((*base).clone());
        }
        filed
            .iter()
            .find_map(|short| longer_base(code, short))
            .or_else(|| filed.first().cloned())
    }

    /// The variant a file belongs to, with its region.
    ///
    /// # Errors
    /// When no witness tells the device or the region, or the strongest one tells an unknown region.
    pub fn attribute(&self, file: &File<'_>) -> Result<(Codename, Region), Unplaced> {
        if let Some(codename) = self.codename_of(file) {
            return self.by_codename(file, &codename);
        }
        if let Some(Target::RomCode(code)) = file.name.as_ref().map(|name| &name.target)
            && let Some(code) = self.rom_codes.get(code)
        {
            return self.by_rom_code(file, code);
        }
        self.by_filing(file)
    }

    fn by_codename(&self, file: &File<'_>, codename: &Codename) -> Result<(Codename, Region), Unplaced> {
        let variant = codename.variant();
        let suffix = variant
            .region()
            .map_err(|error| Unplaced::new(Reason::UnknownRegion, error.to_string()))?;
        if let Some(region) = suffix {
            return Ok((variant, region));
        }
        let home = self
            .variants
            .get(&variant)
            .and_then(|variants| variants.get(&variant))
            .copied();
        let told = file.told_region()?;
        match (told, home) {
            (Some(region), Some(home)) if region != home => Ok((self.variant_for(&variant, region), region)),
            (Some(region), _) | (None, Some(region)) => Ok((variant, region)),
            (None, None) => Err(Unplaced::new(
                Reason::NoRegion,
                format!("the codename {variant} has no region's suffix, and nothing else tells the region"),
            )),
        }
    }

    fn by_rom_code(&self, file: &File<'_>, code: &RomCode) -> Result<(Codename, Region), Unplaced> {
        let regions = || {
            code.variants
                .iter()
                .filter_map(|variant| Some((variant, self.region_of(variant)?)))
        };
        if let Some(found) = self.by_suffix(file, code) {
            return Ok(found);
        }
        let letters = file.letters_region()?;
        // Singapore's builds carry Global's letters, and some old devices without a suffix are Global.
        let singapore = (letters == Some(Region::Global))
            .then(|| regions().find(|(_, region)| *region == Region::Singapore))
            .flatten();
        if let Some((variant, region)) = singapore {
            return Ok((variant.clone(), region));
        }
        let told = letters
            .or(code.region)
            .or_else(|| regions().next().map(|(_, region)| region))
            .or_else(|| file.labelled_region());
        let Some(region) = told else {
            return Err(Unplaced::new(
                Reason::NoRegion,
                format!("neither version, ROM code nor label tells a region of {}", code.base),
            ));
        };
        let own = regions()
            .find(|(_, own)| *own == region)
            .map(|(variant, _)| variant.clone());
        Ok((own.unwrap_or_else(|| self.variant_for(&code.base, region)), region))
    }

    /// A codename's suffix outweighs the version's letters also where it stands beside the file: in a source's word for
    /// this very file, or in the name of the fastboot package of the same build.
    fn by_suffix(&self, file: &File<'_>, code: &RomCode) -> Option<(Codename, Region)> {
        let claimed = file.facts.variants.iter().map(Codename::variant);
        let mut of_device = claimed.filter(|claimed| claimed.base() == code.base);
        let suffixed = |variant: Codename| Some((variant.clone(), variant.region().ok()??));
        if let Some(found) = of_device.find_map(suffixed) {
            return Some(found);
        }
        let version = file.version()?;
        let ending = code.region.map(|region| self.variant_for(&code.base, region));
        let mut candidates = code.variants.iter().cloned().chain(ending);
        candidates
            .find(|variant| self.builds.contains(&(variant.clone(), version.clone())))
            .and_then(suffixed)
    }

    /// For names of no known form, and for board names: the codename under which the file is filed stands.
    fn by_filing(&self, file: &File<'_>) -> Result<(Codename, Region), Unplaced> {
        let claimed = file.facts.variants.first().map(Codename::variant);
        let told = file.told_region()?;
        if let Some(variant) = claimed
            && let Some(region) = self.region_of(&variant)
            && told.is_none_or(|told| told == region)
        {
            return Ok((variant, region));
        }
        let mut labelled = file.facts.namings.iter().filter_map(|naming| {
            let bases = self.labelled.get(&(naming.short.to_string(), naming.label.clone()))?;
            bases.first().filter(|_| bases.len() == 1).cloned()
        });
        let base = labelled
            .next()
            .or_else(|| Some(file.facts.namings.first()?.short.clone()));
        let Some(base) = base else {
            return Err(Unplaced::new(
                Reason::NoDevice,
                "neither the file's name nor a source tells the device",
            ));
        };
        let Some(region) = told else {
            return Err(Unplaced::new(
                Reason::NoRegion,
                format!("nothing tells the region of this file of {base}"),
            ));
        };
        Ok((self.variant_for(&base, region), region))
    }

    /// The region of a known variant.
    #[must_use]
    pub fn region_of(&self, variant: &Codename) -> Option<Region> {
        self.variants.get(&variant.base())?.get(variant).copied()
    }

    /// The variant of a device for a region: a known one, the plainest first, else the one by the usual name.
    fn variant_for(&self, base: &Codename, region: Region) -> Codename {
        let usual = base.for_region(region);
        let known = self.variants.get(base);
        let mut of_region = known
            .into_iter()
            .flatten()
            .filter(|(_, known)| **known == region)
            .map(|(variant, _)| variant);
        let found = if known.is_some_and(|known| known.get(&usual) == Some(&region)) {
            None
        } else {
            of_region.next().cloned()
        };
        found.unwrap_or(usual)
    }
}

/// How much a witness of a suffixless codename's region counts: the smallest wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Letters,
    Token,
    Reference,
    Label,
}

/// The region of a codename without a suffix: China as soon as a strongest witness says so, else what most of the strongest say.
fn home_region(heard: &BTreeMap<(Rank, Region), usize>) -> Option<Region> {
    let (strongest, _) = heard.keys().next()?;
    let strong = || heard.iter().filter(|((rank, _), _)| rank == strongest);
    if strong().any(|((_, region), _)| *region == Region::China) {
        return Some(Region::China);
    }
    strong()
        .max_by_key(|((_, region), count)| (**count, std::cmp::Reverse(*region)))
        .map(|((_, region), _)| *region)
}

/// The short codenames under which a ROM code's files are filed. ROMs say it better than firmware, which is sometimes
/// filed under another device.
fn filed_under<'a>(files: &[&File<'a>]) -> BTreeSet<&'a str> {
    let shorts = |wanted: bool| -> BTreeSet<&'a str> {
        files
            .iter()
            .filter(|file| matches!(file.package_type(), Some(PackageType::Recovery)) == wanted)
            .flat_map(|file| file.facts.namings.iter().map(|naming| naming.short.as_str()))
            .collect()
    };
    let roms = shorts(true);
    if roms.is_empty() { shorts(false) } else { roms }
}

/// What a ROM code has behind its device's part, where that is spelt as the codename is.
fn strip_spelling<'a>(code: &'a str, base: &str) -> Option<&'a str> {
    let length = spelling(base).len();
    let (stem, rest) = code.split_at_checked(length)?;
    (spelling(stem) == spelling(base)).then_some(rest)
}

/// The region of a ROM code's whole ending, which may hold a sales channel: `INGlobal`, `INRFGlobal`.
fn ending(rest: &str) -> Option<Region> {
    Region::from_rom_code_infix(rest).or_else(|| {
        let letters = rest.strip_suffix("Global")?;
        let (region, channel) = letters.split_at_checked(letters.len().checked_sub(2)?)?;
        let channel = channel.bytes().all(|byte| byte.is_ascii_uppercase());
        let region = Region::from_rom_code_infix(&format!("{region}Global"))?;
        (channel && region != Region::Global).then_some(region)
    })
}

/// The base codename behind one that the site has cut, from what the ROM code has more: `SWEETK6AGlobal`, filed under
/// sweet, is of `sweet_k6a`.
fn longer_base(code: &str, short: &Codename) -> Option<Codename> {
    let rest = strip_spelling(code, short.as_str())?;
    let token = rest
        .char_indices()
        .map(|(at, _)| rest.split_at(at))
        .find(|(token, end)| !token.is_empty() && ending(end).is_some())
        .map_or(rest, |(token, _)| token);
    format!("{short}_{}", token.to_ascii_lowercase()).parse().ok()
}

/// The region that a ROM code's ending tells, read against its device: `CHOPINGlobal` of chopin is Global, not India.
fn read_against<'a>(code: &str, base: &Codename, others: impl Iterator<Item = &'a str>) -> Option<Region> {
    if let Some(region) = strip_spelling(code, base.as_str()).and_then(ending) {
        return Some(region);
    }
    // Spelt unlike its codename: another code of the device, without an ending, is the stem.
    let stem = others
        .filter(|other| *other != code && code.starts_with(other))
        .max_by_key(|other| other.len());
    if let Some(region) = stem.and_then(|stem| Region::from_rom_code_infix(code.strip_prefix(stem)?)) {
        return Some(region);
    }
    let endings = Region::ALL
        .iter()
        .flat_map(|region| region.rom_code_infixes().iter().map(move |infix| (*infix, *region)));
    endings
        .filter(|(infix, _)| code.ends_with(infix))
        .max_by_key(|(infix, _)| infix.len())
        .map(|(_, region)| region)
}

impl File<'_> {
    /// The region that the version's letters tell.
    fn letters_region(&self) -> Result<Option<Region>, Unplaced> {
        self.version()
            .map_or(Ok(None), Version::region)
            .map_err(|error| Unplaced::new(Reason::UnknownRegion, error.to_string()))
    }

    /// The region that everything but codename and ROM code tells, the strongest witness first.
    fn told_region(&self) -> Result<Option<Region>, Unplaced> {
        Ok(self
            .letters_region()?
            .or_else(|| self.token_region())
            .or_else(|| self.labelled_region()))
    }

    fn token_region(&self) -> Option<Region> {
        Region::from_fastboot_token(self.name.as_ref()?.token.as_deref()?)
    }

    /// The region of the labels, or of the firmware data, where they agree.
    fn labelled_region(&self) -> Option<Region> {
        let mut regions: BTreeSet<Region> = self.facts.regions.iter().copied().collect();
        if regions.is_empty() {
            regions.extend(
                self.facts
                    .namings
                    .iter()
                    .filter_map(|naming| Region::split_label(&naming.label).1),
            );
        }
        regions.first().copied().filter(|_| regions.len() == 1)
    }

    /// What this file tells of the region of its suffixless codename.
    fn heard_region(&self) -> Option<(Rank, Region)> {
        if let Ok(Some(region)) = self.letters_region() {
            return Some((Rank::Letters, region));
        }
        if let Some(region) = self.token_region() {
            return Some((Rank::Token, region));
        }
        self.labelled_region().map(|region| (Rank::Label, region))
    }
}
