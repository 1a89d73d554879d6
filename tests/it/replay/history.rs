//! Histories of the tracker's two files, state after state: a small one that is made up, and the real one where it lies beside the
//! project. What is new in a state is told by the states alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    io::Read as _,
    path::Path,
};

/// The tracker's files at one time.
#[derive(Clone, Default)]
pub struct State {
    latest: String,
    devices: String,
}

impl State {
    /// The names of the files that it lists: the last part of each link.
    pub fn packages(&self) -> BTreeSet<String> {
        let links = self.latest.lines().filter_map(|line| line.strip_prefix("  link: "));
        let names: BTreeSet<_> = links.map(|link| link.rsplit('/').next().unwrap().to_owned()).collect();
        assert!(
            !names.is_empty()
                && names
                    .iter()
                    .all(|name| name.ends_with(".zip") || name.ends_with(".tgz"))
        );
        names
    }

    /// This state with one package more.
    pub fn with(&self, package: &Package) -> Self {
        Self {
            latest: format!("{}{}", self.latest, package.entry()),
            devices: self.devices.clone(),
        }
    }

    /// Both files as an archive with one folder at the top.
    pub fn archive(&self) -> Vec<u8> {
        let mut builder = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
        for (path, text) in [("latest.yml", &self.latest), ("devices.yml", &self.devices)] {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            builder
                .append_data(&mut header, format!("tracker-master/data/{path}"), text.as_bytes())
                .unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }
}

/// What each state has that none before it had.
pub fn news(history: &[State]) -> Vec<BTreeSet<String>> {
    let mut seen = BTreeSet::new();
    let new_in = |state: &State| {
        state
            .packages()
            .into_iter()
            .filter(|name| seen.insert(name.clone()))
            .collect()
    };
    history.iter().map(new_in).collect()
}

/// The tracker's own history, oldest first.
pub fn of_the_tracker() -> Option<Vec<State>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/tracker-history.tar.gz");
    if !path.is_file() {
        eprintln!("skipped: no sample archive beside the project");
        return None;
    }
    let file = std::fs::File::open(path).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let mut states: BTreeMap<String, State> = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_string_lossy().into_owned();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        let (time, inner) = path.split_once('/').unwrap();
        let state = states.entry(time.to_owned()).or_default();
        match inner {
            "data/latest.yml" => state.latest = text,
            "data/devices.yml" => state.devices = text,
            _ => {}
        }
    }
    Some(states.into_values().collect())
}

/// A package as the tracker lists it.
#[derive(Clone)]
pub struct Package {
    branch: &'static str,
    variant: &'static Variant,
    method: Option<&'static str>,
    version: String,
    filename: String,
    md5: String,
}

/// A variant of the made-up history.
struct Variant {
    codename: &'static str,
    rom_code: &'static str,
    label: &'static str,
    suffix: &'static str,
    android: &'static str,
}

const fn variant(
    codename: &'static str,
    rom_code: &'static str,
    label: &'static str,
    suffix: &'static str,
    android: &'static str,
) -> Variant {
    Variant {
        codename,
        rom_code,
        label,
        suffix,
        android,
    }
}

const VARIANTS: [Variant; 8] = [
    variant("santoni_global", "HM4XGlobal", "Redmi 4X Global", "NAMMIFA", "7.1"),
    variant("santoni", "HM4X", "Redmi 4X China", "NAMCNFA", "7.1"),
    variant("alioth", "ALIOTH", "Redmi K40 China", "TKHCNXM", "13.0"),
    variant("alioth_global", "ALIOTHGlobal", "POCO F3 Global", "TKHMIXM", "13.0"),
    variant("alioth_eea_global", "ALIOTHEEAGlobal", "POCO F3 EEA", "TKHEUXM", "13.0"),
    variant(
        "sweet_k6a_global",
        "SWEETK6AGlobal",
        "Redmi Note 12 Pro 4G Global",
        "THGMIXM",
        "13.0",
    ),
    variant("beryllium_global", "POCOF1Global", "POCO F1 Global", "PEJMIXM", "9.0"),
    variant(
        "beryllium_in_global",
        "POCOF1INGlobal",
        "POCO F1 India",
        "PEJINXM",
        "9.0",
    ),
];

impl Package {
    fn entry(&self) -> String {
        let Variant {
            codename,
            label,
            android,
            ..
        } = self.variant;
        let method = self.method.unwrap_or("null");
        let Self {
            branch,
            version,
            filename,
            md5,
            ..
        } = self;
        format!(
            "- android: '{android}'\n  branch: {branch}\n  codename: {codename}\n  date: 2024-05-20\n  \
             link: https://bigota.d.miui.com/{version}/{filename}\n  md5: {md5}\n  method: {method}\n  \
             name: {label}\n  size: 1.3 GB\n  version: {version}\n"
        )
    }

    fn new(random: &mut fastrand::Rng, variant: &'static Variant, line: Line, number: usize) -> Self {
        let Variant {
            codename,
            rom_code,
            suffix,
            android,
            ..
        } = variant;
        let md5 = format!("{:032x}", random.u128(..));
        let digits = &md5[..10];
        let version = match line {
            Line::Weekly => format!("24.{}.{}", 1 + number / 28, 1 + number % 28),
            Line::Recovery | Line::Fastboot => format!("V14.0.{number}.0.{suffix}"),
        };
        let filename = match line {
            Line::Weekly | Line::Recovery => format!("miui_{rom_code}_{version}_{digits}_{android}.zip"),
            Line::Fastboot => {
                let region = suffix[3..5].to_lowercase().replace("mi", "global").replace("eu", "eea");
                format!("{codename}_images_{version}_20240501.0000.00_{android}_{region}_{digits}.tgz")
            }
        };
        Self {
            branch: if line == Line::Weekly { "Weekly" } else { "Stable Beta" },
            variant,
            method: Some(if line == Line::Fastboot { "Fastboot" } else { "Recovery" }),
            version,
            filename,
            md5,
        }
    }

    /// An incremental to the release of this number.
    fn incremental(random: &mut fastrand::Rng, variant: &'static Variant, number: usize) -> Self {
        let mut package = Self::new(random, variant, Line::Recovery, number);
        let (base, version) = (format!("V14.0.1.0.{}", variant.suffix), &package.version);
        package.filename = format!(
            "miui-blockota-{}-{base}-{version}-{}-{}.zip",
            variant.codename,
            &package.md5[..10],
            variant.android
        );
        package.method = None;
        package
    }
}

/// What a variant has a newest package of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    Recovery,
    Fastboot,
    Weekly,
}

/// The file that comes when everything else has: a reader that has heard of it has heard of all.
pub fn last() -> Package {
    Package::new(&mut fastrand::Rng::with_seed(99), &VARIANTS[0], Line::Weekly, 99)
}

impl Package {
    /// The file's name.
    pub fn filename(&self) -> &str {
        &self.filename
    }
}

/// States of a few devices. From one to the next most lines get a newer package, some fall back to an older one, betas become stable
/// without a new file, and two incrementals stand there for whose releases nothing speaks yet: one gets its release at last.
pub fn made_up(count: usize) -> Vec<State> {
    const AWAITED: usize = 100;
    let mut random = fastrand::Rng::with_seed(20_240_520);
    let lines = [Line::Recovery, Line::Fastboot, Line::Weekly];
    let mut groups: Vec<Vec<Package>> = Vec::new();
    for variant in &VARIANTS {
        groups.extend(lines.map(|line| vec![Package::new(&mut random, variant, line, 1)]));
    }
    let incrementals = [AWAITED, AWAITED + 1].map(|number| Package::incremental(&mut random, &VARIANTS[0], number));
    let awaited = Package::new(&mut random, &VARIANTS[0], Line::Recovery, AWAITED);
    (0..count)
        .map(|number| {
            let mut latest = String::new();
            for (at, packages) in groups.iter_mut().enumerate() {
                let line = lines[at % lines.len()];
                if number > 0 && random.u8(..10) < 6 {
                    let newer = Package::new(&mut random, &VARIANTS[at / lines.len()], line, packages.len() + 1);
                    packages.push(newer);
                } else if let Some(newest) = packages.last_mut().filter(|newest| newest.branch == "Stable Beta") {
                    newest.branch = "Stable";
                }
                let back = usize::from(random.u8(..10) == 0).min(packages.len() - 1);
                latest += &packages[packages.len() - 1 - back].entry();
            }
            if number >= 2 {
                latest.extend(incrementals.iter().map(Package::entry));
            }
            if number >= 5 {
                latest += &awaited.entry();
            }
            let mut devices = String::new();
            // one is listed only when its packages have been there for long
            for variant in VARIANTS.iter().skip(usize::from(number < 4)) {
                let _ = write!(
                    devices,
                    "{}:\n- {}\n- {}\n",
                    variant.codename, variant.label, variant.rom_code
                );
            }
            State { latest, devices }
        })
        .collect()
}
