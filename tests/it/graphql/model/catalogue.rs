//! The plain model: exported rows, and what the schema's descriptions make of them. Everything is looked for from end to
//! end each time; nothing here is shared with the program but the parsing and comparing of single values.

use std::cmp::Ordering;

use entity::value::{Branch, Mirrors, OperatingSystem, PackageType, Region, Version};
use romdex::import::sources::{Line, PackageLine, VariantLine};
use serde_json::{Value, json};

use super::question::Filter;

/// Something with fields, by its place in the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    Device(usize),
    Variant(usize),
    Release(usize),
    Package(usize),
}

/// The rows of an export.
pub struct Catalogue {
    /// Base codenames, in their order.
    pub devices: Vec<String>,
    pub variants: Vec<Variant>,
    pub releases: Vec<Release>,
    pub packages: Vec<Package>,
    /// The ROM that each package was taken out of.
    sources: Vec<Option<usize>>,
}

pub struct Variant {
    pub device: usize,
    pub line: VariantLine,
}

pub struct Release {
    pub variant: usize,
    pub version: Version,
    pub branch: Branch,
    pub packages: Vec<usize>,
}

pub struct Package {
    pub release: usize,
    pub line: PackageLine,
}

impl Package {
    pub fn r#type(&self) -> PackageType {
        self.line.package_type.unwrap()
    }

    fn day(&self) -> Option<String> {
        self.line.released_on.map(|day| day.to_string())
    }

    /// The ten hex digits in the file's name.
    fn digits_in_name(&self) -> Option<&str> {
        let is_digest = |part: &&str| {
            part.len() == 10
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        };
        self.line.filename.split(['_', '-', '.']).rfind(is_digest)
    }

    fn is_taken_out(&self) -> bool {
        matches!(self.r#type(), PackageType::Firmware | PackageType::Vendor)
    }
}

fn folded(text: &str) -> (String, String) {
    (text.to_ascii_lowercase(), text.to_owned())
}

/// Letters and digits alone, in lower case.
fn squeezed(text: &str) -> String {
    text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect()
}

/// `known` is what is `wanted`: the same but for a `.0`, or a refinement of a whole number.
fn android_is(wanted: &str, known: &str) -> bool {
    let plain = |text: &str| text.trim_end_matches(".0").to_owned();
    plain(wanted) == plain(known) || (!wanted.contains('.') && known.starts_with(&format!("{wanted}.")))
}

fn admits(list: Option<&Vec<String>>, is: impl Fn(&str) -> bool) -> bool {
    list.is_none_or(|list| list.iter().any(|wanted| is(wanted)))
}

/// Later first, and what has no value last in either direction.
fn by_value<T: Ord>(a: Option<&T>, b: Option<&T>, tie: Ordering, down: bool) -> Ordering {
    let known = a.is_none().cmp(&b.is_none());
    let order = b.cmp(&a).then(tie);
    known.then(if down { order } else { order.reverse() })
}

impl Catalogue {
    /// Reads an export.
    pub fn read(export: &str) -> Self {
        let lines = export.lines().map(|line| serde_json::from_str::<Line>(line).unwrap());
        let (mut variant_lines, mut package_lines) = (Vec::new(), Vec::new());
        for line in lines {
            match line {
                Line::Variant(line) => variant_lines.push(line),
                Line::Package(line) => package_lines.push(*line),
                Line::Header(_) | Line::Reference(_) | Line::Aside(_) => {}
            }
        }
        let mut devices: Vec<String> = variant_lines.iter().map(|line| line.device.to_string()).collect();
        devices.sort_by_key(|codename| folded(codename));
        devices.dedup();
        let mut variants: Vec<Variant> = variant_lines
            .into_iter()
            .map(|line| Variant {
                device: devices
                    .iter()
                    .position(|codename| *codename == line.device.as_str())
                    .unwrap(),
                line,
            })
            .collect();
        variants.sort_by(|a, b| {
            let key = |variant: &Variant| (variant.device, variant.line.region, variant.line.codename.to_string());
            key(a).cmp(&key(b))
        });
        package_lines.sort_by(|a, b| {
            let tie = a.filename.cmp(&b.filename);
            by_value(a.released_on.as_ref(), b.released_on.as_ref(), tie, true)
        });
        let mut catalogue = Self {
            devices,
            variants,
            releases: Vec::new(),
            packages: Vec::new(),
            sources: Vec::new(),
        };
        for line in package_lines {
            let release = catalogue.release_of(&line);
            catalogue.releases[release].packages.push(catalogue.packages.len());
            catalogue.packages.push(Package { release, line });
        }
        catalogue.sources = (0..catalogue.packages.len())
            .map(|at| catalogue.find_source(at))
            .collect();
        catalogue
    }

    fn release_of(&mut self, line: &PackageLine) -> usize {
        let codename = line.variant.as_ref().unwrap();
        let variant = self
            .variants
            .iter()
            .position(|variant| variant.line.codename == *codename)
            .unwrap();
        let version = line.version.clone().unwrap();
        let known = self
            .releases
            .iter()
            .position(|release| release.variant == variant && release.version == version);
        known.unwrap_or_else(|| {
            self.releases.push(Release {
                variant,
                version,
                branch: line.branch.unwrap(),
                packages: Vec::new(),
            });
            self.releases.len() - 1
        })
    }

    pub fn codename(&self, variant: usize) -> &str {
        self.variants[variant].line.codename.as_str()
    }

    pub fn variant_of_package(&self, package: usize) -> usize {
        self.releases[self.packages[package].release].variant
    }

    pub fn device_of(&self, at: At) -> usize {
        match at {
            At::Device(at) => at,
            At::Variant(at) => self.variants[at].device,
            At::Release(at) => self.variants[self.releases[at].variant].device,
            At::Package(at) => self.variants[self.variant_of_package(at)].device,
        }
    }

    pub fn variants_of(&self, device: usize) -> impl Iterator<Item = usize> {
        (0..self.variants.len()).filter(move |at| self.variants[*at].device == device)
    }

    /// Whether a row is of what a field is asked of; everything is of nothing in particular.
    fn is_of(&self, row: At, owner: Option<At>) -> bool {
        match (owner, row) {
            (None, _) => true,
            (Some(At::Device(device)), row) => self.device_of(row) == device,
            (Some(At::Variant(variant)), At::Release(at)) => self.releases[at].variant == variant,
            (Some(At::Variant(variant)), At::Package(at)) => self.variant_of_package(at) == variant,
            (Some(At::Release(release)), At::Package(at)) => self.packages[at].release == release,
            other => panic!("no field leads there: {other:?}"),
        }
    }

    /// Rows of a kind, narrowed.
    pub fn devices_that(&self, filter: &Filter) -> Vec<usize> {
        let admitted = |at: &usize| {
            let own: Vec<usize> = self.variants_of(*at).collect();
            let codename = &self.devices[*at];
            admits(filter.device.as_ref(), |wanted| {
                codename.eq_ignore_ascii_case(wanted)
                    || (!self.devices.iter().any(|other| other.eq_ignore_ascii_case(wanted))
                        && own.iter().any(|own| self.codename(*own).eq_ignore_ascii_case(wanted)))
            }) && filter.search.as_ref().is_none_or(|part| {
                let has = |text: &str| squeezed(text).contains(&squeezed(part));
                has(codename) || self.device_names(*at).iter().any(|name| has(name))
            }) && (filter.says_nothing_of_packages()
                || (0..self.packages.len())
                    .any(|package| self.device_of(At::Package(package)) == *at && self.kind_fits(package, filter)))
        };
        (0..self.devices.len()).filter(admitted).collect()
    }

    pub fn releases_that(&self, owner: Option<At>, filter: &Filter) -> Vec<usize> {
        let admitted = |at: &usize| {
            self.is_of(At::Release(*at), owner)
                && self.release_fits(*at, filter)
                && self.releases[*at].packages.iter().any(|package| {
                    let package = &self.packages[*package];
                    admits(filter.r#type.as_ref(), |wanted| wanted == package.r#type().name())
                        && Self::android_and_day_fit(package, filter)
                })
        };
        (0..self.releases.len()).filter(admitted).collect()
    }

    pub fn packages_that(&self, owner: Option<At>, filter: &Filter) -> Vec<usize> {
        let admitted = |at: &usize| {
            let package = &self.packages[*at];
            self.is_of(At::Package(*at), owner)
                && self.release_fits(package.release, filter)
                && admits(filter.r#type.as_ref(), |wanted| wanted == package.r#type().name())
                && Self::android_and_day_fit(package, filter)
                && filter
                    .size_known
                    .is_none_or(|known| known == package.line.size.is_some())
                && filter.md5_known.is_none_or(|known| known == package.line.md5.is_some())
                && filter.has_derived.is_none_or(|has| has != self.derived(*at).is_empty())
        };
        (0..self.packages.len()).filter(admitted).collect()
    }

    fn release_fits(&self, at: usize, filter: &Filter) -> bool {
        let release = &self.releases[at];
        let variant = &self.variants[release.variant];
        let version = release.version.as_str();
        admits(filter.device.as_ref(), |wanted| {
            let base = self
                .devices
                .iter()
                .position(|codename| codename.eq_ignore_ascii_case(wanted));
            match base {
                Some(device) => variant.device == device,
                None => self.codename(release.variant).eq_ignore_ascii_case(wanted),
            }
        }) && admits(filter.os.as_ref(), |wanted| {
            wanted == OperatingSystem::of(&release.version).name()
        }) && admits(filter.branch.as_ref(), |wanted| wanted == release.branch.name())
            && admits(filter.region.as_ref(), |wanted| wanted == variant.line.region.name())
            && admits(filter.version.as_ref(), |wanted| wanted.eq_ignore_ascii_case(version))
            && filter
                .version_prefix
                .as_ref()
                .is_none_or(|prefix| version.to_lowercase().starts_with(&prefix.to_lowercase()))
    }

    fn kind_fits(&self, at: usize, filter: &Filter) -> bool {
        let only_kinds = Filter {
            os: filter.os.clone(),
            branch: filter.branch.clone(),
            region: filter.region.clone(),
            ..Filter::default()
        };
        let package = &self.packages[at];
        self.release_fits(package.release, &only_kinds)
            && admits(filter.r#type.as_ref(), |wanted| wanted == package.r#type().name())
    }

    fn android_and_day_fit(package: &Package, filter: &Filter) -> bool {
        let known = package.line.android.as_deref();
        admits(filter.android.as_ref(), |wanted| {
            known.is_some_and(|known| android_is(wanted, known))
        }) && filter.released_on.as_ref().is_none_or(|(from, to)| {
            package.day().is_some_and(|day| {
                from.as_ref().is_none_or(|from| *from <= day) && to.as_ref().is_none_or(|to| day <= *to)
            })
        })
    }

    /// How two rows of one kind stand in an order.
    pub fn compare(&self, field: &str, down: bool, a: At, b: At) -> Ordering {
        match (a, b) {
            (At::Device(a), At::Device(b)) => {
                let tie = a.cmp(&b);
                let name = |at| self.device_names(at).join(" / ").to_ascii_lowercase();
                let order = match field {
                    "CODENAME" => tie,
                    "NAME" => name(a).cmp(&name(b)).then(tie),
                    _ => return by_value(self.days(a).last(), self.days(b).last(), tie, down),
                };
                if down { order.reverse() } else { order }
            }
            (At::Release(a), At::Release(b)) => {
                let (row_a, row_b) = (&self.releases[a], &self.releases[b]);
                let codename = |row: &Release| self.codename(row.variant).to_owned();
                let tie = row_b
                    .version
                    .cmp(&row_a.version)
                    .then_with(|| codename(row_a).cmp(&codename(row_b)));
                match field {
                    "RELEASED_ON" => by_value(self.released_on(a).as_ref(), self.released_on(b).as_ref(), tie, down),
                    _ => by_value(Some(&()), Some(&()), tie, down),
                }
            }
            (At::Package(a), At::Package(b)) => {
                let (row_a, row_b) = (&self.packages[a], &self.packages[b]);
                let version = |row: &Package| Some(&self.releases[row.release].version);
                let tie = row_a.line.filename.cmp(&row_b.line.filename);
                match field {
                    "RELEASED_ON" => by_value(row_a.day().as_ref(), row_b.day().as_ref(), tie, down),
                    "VERSION" => by_value(version(row_a), version(row_b), tie, down),
                    _ => by_value(row_a.line.size.as_ref(), row_b.line.size.as_ref(), tie, down),
                }
            }
            other => panic!("no order holds both: {other:?}"),
        }
    }

    /// Of every variant, branch and type the newest package, in the order in which all of the catalogue are listed.
    pub fn latest(&self, owner: Option<At>, filter: &Filter, by: &str) -> Vec<usize> {
        let mut newest: Vec<usize> = Vec::new();
        for at in self.packages_that(owner, filter) {
            let package = &self.packages[at];
            if filter.r#type.is_none() && package.r#type() == PackageType::Incremental {
                continue;
            }
            let age = |at: usize| {
                let package = &self.packages[at];
                let version = &self.releases[package.release].version;
                // whatever comes second only decides where the first is equal
                match by {
                    "VERSION" => (None, version.clone(), package.day()),
                    _ => (package.day(), version.clone(), None),
                }
            };
            let same = |other: &&mut usize| self.group(**other) == self.group(at);
            match newest.iter_mut().find(same) {
                // rows come newest first and by name, so the first of equals stays
                Some(other) if age(at) > age(*other) => *other = at,
                Some(_) => {}
                None => newest.push(at),
            }
        }
        match owner {
            None => newest.sort_by_key(|at| self.latest_place(*at)),
            Some(_) => newest.sort_by_key(|at| self.group(*at)),
        }
        newest
    }

    /// Variant, branch and type of a package.
    fn group(&self, at: usize) -> (usize, Branch, PackageType) {
        let release = self.packages[at].release;
        (
            self.releases[release].variant,
            self.releases[release].branch,
            self.packages[at].r#type(),
        )
    }

    /// Where a package stands among the newest ones of the catalogue.
    pub fn latest_place(&self, at: usize) -> ((String, String), Branch, PackageType) {
        let (variant, branch, r#type) = self.group(at);
        (folded(self.codename(variant)), branch, r#type)
    }

    pub fn device_names(&self, device: usize) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for variant in self.variants_of(device) {
            for name in &self.variants[variant].line.names {
                if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                    names.push(name.clone());
                }
            }
        }
        if names.is_empty() {
            names.push(self.devices[device].clone());
        }
        names
    }

    fn released_on(&self, release: usize) -> Option<String> {
        let packages = &self.releases[release].packages;
        packages.iter().filter_map(|at| self.packages[*at].day()).min()
    }

    /// The dates of a device's releases, ascending.
    fn days(&self, device: usize) -> Vec<String> {
        let own = |at: &usize| self.device_of(At::Release(*at)) == device;
        let releases = (0..self.releases.len()).filter(own);
        let mut days: Vec<String> = releases.filter_map(|at| self.released_on(at)).collect();
        days.sort();
        days
    }

    pub fn siblings(&self, device: usize) -> Vec<usize> {
        let own = self.devices[device].to_ascii_lowercase();
        let alike = |at: &usize| {
            let other = self.devices[*at].to_ascii_lowercase();
            *at != device && (other.starts_with(&own) || own.starts_with(&other))
        };
        (0..self.devices.len()).filter(alike).collect()
    }

    /// The release next to this one by version on its variant and branch.
    pub fn neighbour(&self, release: usize, side: Ordering) -> Option<usize> {
        let own = &self.releases[release];
        let beside = |at: &usize| {
            let other = &self.releases[*at];
            other.variant == own.variant && other.branch == own.branch && other.version.cmp(&own.version) == side
        };
        let found = (0..self.releases.len()).filter(beside);
        let version = |at: &usize| &self.releases[*at].version;
        match side {
            Ordering::Less => found.max_by_key(version),
            _ => found.min_by_key(version),
        }
    }

    /// The ROM that a package was taken out of.
    pub fn source(&self, at: usize) -> Option<usize> {
        self.sources[at]
    }

    /// The only ROM with a package's digits, or of several that of its own version and device.
    fn find_source(&self, at: usize) -> Option<usize> {
        let own = &self.packages[at];
        let digits = own.digits_in_name().filter(|_| own.is_taken_out())?;
        let has_digits = |rom: &Package| match &rom.line.md5 {
            Some(md5) => md5.to_string().starts_with(digits),
            None => rom.digits_in_name() == Some(digits),
        };
        let roms = (0..self.packages.len())
            .filter(|rom| self.packages[*rom].r#type() == PackageType::Recovery && has_digits(&self.packages[*rom]));
        let roms: Vec<usize> = roms.collect();
        let of_device = |rom: &&usize| {
            let release = &self.releases[self.packages[**rom].release];
            release.version == self.releases[own.release].version
                && self.device_of(At::Package(**rom)) == self.device_of(At::Package(at))
        };
        let of_variant = |rom: &&usize| self.variant_of_package(**rom) == self.variant_of_package(at);
        match roms.as_slice() {
            [] => None,
            [only] => Some(*only),
            _ => {
                let alike: Vec<usize> = roms.iter().filter(of_device).copied().collect();
                alike.iter().find(of_variant).or(alike.first()).copied()
            }
        }
    }

    pub fn derived(&self, rom: usize) -> Vec<usize> {
        (0..self.packages.len())
            .filter(|at| self.source(*at) == Some(rom))
            .collect()
    }

    /// A field without arguments and selections.
    pub fn leaf(&self, at: At, field: &str) -> Value {
        match at {
            At::Device(at) => {
                let own = (0..self.releases.len()).filter(|release| self.device_of(At::Release(*release)) == at);
                let branches: Vec<Branch> = own.map(|release| self.releases[release].branch).collect();
                let regions: Vec<Region> = self.variants_of(at).map(|at| self.variants[at].line.region).collect();
                let names = self.device_names(at);
                match field {
                    "__typename" => json!("Device"),
                    "codename" => json!(self.devices[at]),
                    "name" => json!(names.join(" / ")),
                    "names" if self.variants_of(at).all(|at| self.variants[at].line.names.is_empty()) => json!([]),
                    "names" => json!(names),
                    "regions" => named(Region::ALL, |region| regions.contains(&region), Region::name),
                    "branches" => named(Branch::ALL, |branch| branches.contains(&branch), Branch::name),
                    "firstReleasedOn" => json!(self.days(at).first()),
                    "lastReleasedOn" => json!(self.days(at).last()),
                    _ => panic!("{field}"),
                }
            }
            At::Variant(at) => {
                let line = &self.variants[at].line;
                match field {
                    "__typename" => json!("Variant"),
                    "codename" => json!(line.codename.as_str()),
                    "region" => json!(line.region.name()),
                    "name" if line.names.is_empty() => json!(line.codename.as_str()),
                    "name" => json!(line.names.join(" / ")),
                    "names" => json!(line.names),
                    "romCode" => json!(line.rom_code),
                    _ => panic!("{field}"),
                }
            }
            At::Release(at) => {
                let row = &self.releases[at];
                match field {
                    "__typename" => json!("Release"),
                    "region" => json!(self.variants[row.variant].line.region.name()),
                    "os" => json!(OperatingSystem::of(&row.version).name()),
                    "version" => json!(row.version.as_str()),
                    "branch" => json!(row.branch.name()),
                    "releasedOn" => json!(self.released_on(at)),
                    _ => panic!("{field}"),
                }
            }
            At::Package(at) => self.leaf_of_package(at, field),
        }
    }

    fn leaf_of_package(&self, at: usize, field: &str) -> Value {
        let package = &self.packages[at];
        let line = &package.line;
        match field {
            "__typename" => json!("Package"),
            "region" => json!(line.region.map(Region::name)),
            "type" => json!(package.r#type().name()),
            "filename" => json!(line.filename),
            "baseVersion" => json!(line.base_version.as_ref().map(Version::as_str)),
            "android" => json!(line.android),
            "size" => json!(line.size),
            "sizeIsApproximate" => json!(line.size.is_some()),
            "md5" => json!(line.md5.map(|md5| md5.to_string())),
            "releasedOn" => json!(package.day()),
            "builtOn" => json!(line.built_on.map(|day| day.to_string())),
            "mirrors" => {
                let version = line.version.as_ref().unwrap();
                let is_usual = |url: &&String| Mirrors::from_url(url, version, &line.filename).is_some();
                let (usual, mut others): (Vec<&String>, Vec<&String>) = line.urls.iter().partition(is_usual);
                others.sort_by_key(|url| (!url.starts_with("https://"), *url));
                json!([usual, others].concat())
            }
            _ => panic!("{field}"),
        }
    }

    /// How many of the rows have each value.
    pub fn facets(&self, rows: &[At]) -> Facets {
        let mut facets = Facets::default();
        for row in rows {
            let packages: Vec<usize> = match *row {
                At::Package(at) => vec![at],
                At::Release(at) => self.releases[at].packages.clone(),
                other => (0..self.packages.len())
                    .filter(|at| self.is_of(At::Package(*at), Some(other)))
                    .collect(),
            };
            let of = |value: &dyn Fn(usize) -> &'static str| {
                let mut values: Vec<&'static str> = packages.iter().map(|at| value(*at)).collect();
                values.sort_unstable();
                values.dedup();
                values
            };
            let release = |at: usize| &self.releases[self.packages[at].release];
            facets
                .os
                .extend(of(&|at| OperatingSystem::of(&release(at).version).name()));
            facets.branch.extend(of(&|at| release(at).branch.name()));
            facets
                .region
                .extend(of(&|at| self.variants[release(at).variant].line.region.name()));
            facets.r#type.extend(of(&|at| self.packages[at].r#type().name()));
        }
        facets
    }
}

/// Every value of every row.
#[derive(Default)]
pub struct Facets {
    os: Vec<&'static str>,
    branch: Vec<&'static str>,
    region: Vec<&'static str>,
    r#type: Vec<&'static str>,
}

impl Facets {
    /// As the API answers them, all members selected.
    pub fn answer(&self) -> Value {
        fn counts<T: Copy>(all: &[T], name: fn(T) -> &'static str, found: &[&str]) -> Value {
            let count = |value: &str| found.iter().filter(|other| **other == value).count();
            let rows = all.iter().map(|value| (name(*value), count(name(*value))));
            rows.filter(|(_, count)| *count > 0)
                .map(|(value, count)| json!({"value": value, "count": count}))
                .collect()
        }
        json!({
            "os": counts(OperatingSystem::ALL, OperatingSystem::name, &self.os),
            "branch": counts(Branch::ALL, Branch::name, &self.branch),
            "region": counts(Region::ALL, Region::name, &self.region),
            "type": counts(PackageType::ALL, PackageType::name, &self.r#type),
        })
    }
}

fn named<T: Copy>(all: &[T], is_there: impl Fn(T) -> bool, name: fn(T) -> &'static str) -> Value {
    let there = all.iter().copied().filter(|value| is_there(*value));
    there.map(name).collect()
}
