//! A made-up catalogue of any size, in the shape of the real one, for measuring how things grow.
//!
//! What is counted (variants a device, releases a variant, packages a release, their sizes and gaps) follows counts taken from the
//! archive in November 2026; names, texts and checksums are made up. The same seed makes the same lines, and a device is the same
//! at every scale.

use std::{fmt::Write as _, io, io::Write};

use chrono::{Days, NaiveDate};
use entity::value::{Branch, Codename, Invalid, Md5, Mirrors, PackageType, Region, Version};
use fastrand::Rng;

use crate::import::{
    record::Reference,
    sources::{HeaderLine, Line, PackageLine, write_line},
};

/// Devices at scale 1: as many as the archive had.
pub const DEVICES: u32 = 325;

/// Why a catalogue could not be written.
#[derive(Debug, thiserror::Error)]
pub enum SyntheticError {
    /// A made-up value is none: a mistake in this module.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The output could not be written.
    #[error("the catalogue could not be written: {0}")]
    Write(#[from] io::Error),
}

/// How many variants a device has: a device draws one of these.
const VARIANTS: [u8; 27] = [
    1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 5, 6, 6, 6, 7, 7, 7, 7, 7, 8, 8,
];

/// How often a variant of a region is drawn, and its codename's part, ROM code's part and version letters come from [`Region`].
const REGIONS: [(Region, u32); 9] = [
    (Region::China, 75),
    (Region::Global, 78),
    (Region::Eea, 58),
    (Region::Russia, 60),
    (Region::Indonesia, 41),
    (Region::India, 39),
    (Region::Turkey, 39),
    (Region::Taiwan, 37),
    (Region::Japan, 6),
];

/// A line of the operating system: how its versions begin, the letter and number of its Android, the year it came.
struct Series {
    version: &'static str,
    letter: char,
    android: &'static str,
    year: i32,
}

#[rustfmt::skip]
const SERIES: [Series; 11] = [
    Series { version: "V7.5", letter: 'M', android: "6.0", year: 2016 },
    Series { version: "V8.5", letter: 'N', android: "7.0", year: 2017 },
    Series { version: "V9.5", letter: 'O', android: "8.0", year: 2018 },
    Series { version: "V10.3", letter: 'P', android: "9.0", year: 2019 },
    Series { version: "V11.0", letter: 'Q', android: "10.0", year: 2020 },
    Series { version: "V12.5", letter: 'R', android: "11.0", year: 2021 },
    Series { version: "V13.0", letter: 'S', android: "12.0", year: 2022 },
    Series { version: "V14.0", letter: 'T', android: "13.0", year: 2023 },
    Series { version: "OS1.0", letter: 'U', android: "14.0", year: 2024 },
    Series { version: "OS2.0", letter: 'V', android: "15.0", year: 2025 },
    Series { version: "OS3.0", letter: 'W', android: "16.0", year: 2026 },
];

impl Series {
    /// So many days after the line came.
    fn day(&self, after: u64) -> NaiveDate {
        let start = NaiveDate::from_ymd_opt(self.year, 1, 4).unwrap_or_default();
        start.checked_add_days(Days::new(after)).unwrap_or(start)
    }
}

const BRANDS: [&str; 4] = ["Redmi", "Xiaomi", "POCO", "Redmi Note"];
const SYLLABLES: [&str; 20] = [
    "ba", "co", "di", "fe", "gu", "ha", "jo", "ki", "le", "mu", "na", "po", "qi", "re", "su", "ta", "vo", "wi", "xe",
    "zu",
];
const WORDS: [&str; 16] = [
    "Improved",
    "Fixed",
    "Optimised",
    "New",
    "lock screen",
    "camera",
    "settings",
    "battery",
    "gallery",
    "security",
    "status bar",
    "notifications",
    "launcher",
    "when charging",
    "in some cases",
    "after an update",
];

/// Writes a catalogue of [`DEVICES`] times `scale` devices as JSON Lines that an import takes.
///
/// # Errors
/// When the writer fails.
pub fn write(scale: u32, seed: u64, out: &mut impl Write) -> Result<(), SyntheticError> {
    let header = HeaderLine {
        format: "romdex export".to_owned(),
        version: 1,
        credit: format!("Made up: scale {scale}, seed {seed}"),
    };
    write_line(&Line::Header(header), out)?;
    for number in 0..DEVICES.saturating_mul(scale) {
        Device::draw(number, seed).write(out)?;
    }
    out.flush()?;
    Ok(())
}

/// A device, and the dice that make the rest of it.
struct Device {
    rng: Rng,
    codename: String,
    name: String,
    /// Two letters of its versions' tails.
    letters: String,
    /// Its first line, as a place in [`SERIES`].
    first: usize,
    /// How many lines it lived through.
    lines: usize,
}

/// A variant that is being written.
struct Variant {
    codename: Codename,
    region: Region,
    rom_code: String,
    /// The two region letters of a version's tail.
    letters: &'static str,
    /// The token of a fastboot package's name.
    token: &'static str,
}

/// A release that is being written.
struct Release {
    version: Version,
    branch: Branch,
    android: &'static str,
    released_on: Option<NaiveDate>,
    changelog: Option<String>,
}

impl Device {
    fn draw(number: u32, seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed ^ (u64::from(number) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        // Codenames of one length: none is the beginning of another.
        let (mut rest, mut codename) = (u64::from(number), String::new());
        for _ in 0..4 {
            let syllable = usize::try_from(rest % 20).unwrap_or_default();
            codename.push_str(SYLLABLES.get(syllable).copied().unwrap_or_default());
            rest /= 20;
        }
        let brand = rng.choice(BRANDS).unwrap_or_default();
        let letters = [rng.char('A'..='Z'), rng.char('A'..='Z')].iter().collect();
        Self {
            name: format!(
                "{brand} {}{}",
                number + 1,
                rng.choice(["", " Pro", "T", " Ultra"]).unwrap_or_default()
            ),
            codename,
            letters,
            first: rng.usize(..SERIES.len()),
            lines: rng.usize(1..=4),
            rng,
        }
    }

    fn write(mut self, out: &mut impl Write) -> Result<(), SyntheticError> {
        let mut left = REGIONS.to_vec();
        for _ in 0..self.rng.choice(VARIANTS).unwrap_or(1) {
            let weights: u32 = left.iter().map(|(_, weight)| weight).sum();
            let mut drawn = self.rng.u32(..weights);
            let at = left.iter().position(|(_, weight)| {
                let hit = drawn < *weight;
                drawn = drawn.saturating_sub(*weight);
                hit
            });
            let (region, _) = left.swap_remove(at.unwrap_or_default());
            let variant = self.variant(region)?;
            self.write_variant(&variant, out)?;
        }
        Ok(())
    }

    fn variant(&self, region: Region) -> Result<Variant, Invalid> {
        let base: Codename = self.codename.parse()?;
        let infix = region.rom_code_infixes().first().copied().unwrap_or_default();
        let (letters, token) = match region {
            Region::China => ("CN", "cn"),
            Region::Eea => ("EU", "eea"),
            Region::Russia => ("RU", "ru"),
            Region::Indonesia => ("ID", "id"),
            Region::India => ("IN", "in"),
            Region::Turkey => ("TR", "tr"),
            Region::Taiwan => ("TW", "tw"),
            Region::Japan => ("JP", "jp"),
            _ => ("MI", "global"),
        };
        Ok(Variant {
            codename: base.for_region(region),
            region,
            rom_code: format!("{}{infix}", self.codename.to_ascii_uppercase()),
            letters,
            token,
        })
    }

    fn write_variant(&mut self, variant: &Variant, out: &mut impl Write) -> Result<(), SyntheticError> {
        let reference = Reference {
            codename: variant.codename.clone(),
            label: format!("{} {}", self.name, variant.region.label()),
            rom_code: variant.rom_code.clone(),
        };
        write_line(&Line::Reference(reference), out)?;
        let mut before: Option<Version> = None;
        for series in SERIES.iter().skip(self.first).take(self.lines) {
            let builds = self.rng.u32(2..=13);
            for build in 1..=builds {
                let tail = format!("{}{}{}XM", series.letter, self.letters, variant.letters);
                let version: Version = format!("{}.{build}.0.{tail}", series.version).parse()?;
                let beta = build == builds && self.rng.u8(..8) == 0;
                let branch = if beta { Branch::StableBeta } else { Branch::Stable };
                let day = u64::from(build) * 25 + self.rng.u64(..20);
                let release = self.release(version.clone(), branch, series, day);
                self.write_release(variant, &release, before.as_ref(), out)?;
                before = Some(version);
            }
            if variant.region == Region::China {
                self.write_betas(variant, series, out)?;
            }
        }
        Ok(())
    }

    /// What only China's variants have: weekly builds until 2021, public betas since.
    fn write_betas(&mut self, variant: &Variant, series: &Series, out: &mut impl Write) -> Result<(), SyntheticError> {
        let weekly = series.year <= 2021;
        for week in 0..self.rng.u64(if weekly { 30..=52 } else { 0..=10 }) {
            let day = series.day(week * 7);
            let year = day.format("%y").to_string();
            let date = day.format("%-m.%-d");
            let version: Version = if weekly {
                // Until 2019 the year was written with one digit.
                let year = year.strip_prefix('1').unwrap_or(&year);
                format!("{year}.{date}").parse()?
            } else {
                format!("{}.{year}.{date}.DEV", series.version).parse()?
            };
            let branch = if weekly { Branch::Weekly } else { Branch::PublicBeta };
            let release = self.release(version, branch, series, week * 7);
            self.write_release(variant, &release, None, out)?;
        }
        Ok(())
    }

    fn release(&mut self, version: Version, branch: Branch, series: &Series, day: u64) -> Release {
        let dated = self.rng.u16(..1_000) != 0;
        let text = self.rng.u8(..7) == 0;
        Release {
            version,
            branch,
            android: series.android,
            released_on: dated.then(|| series.day(day)),
            changelog: text.then(|| self.changelog()),
        }
    }

    /// Some nine hundred characters.
    fn changelog(&mut self) -> String {
        let mut text = String::from("[System]");
        for _ in 0..self.rng.u8(4..=26) {
            text.push_str("\n- ");
            for word in 0..self.rng.u8(3..=6) {
                let space = if word > 0 { " " } else { "" };
                let _ = write!(text, "{space}{}", self.rng.choice(WORDS).unwrap_or_default());
            }
        }
        text
    }

    fn write_release(
        &mut self,
        variant: &Variant,
        release: &Release,
        before: Option<&Version>,
        out: &mut impl Write,
    ) -> Result<(), SyntheticError> {
        let stable = matches!(release.branch, Branch::Stable | Branch::StableBeta);
        let in_a_hundred = |share: u8, rng: &mut Rng| rng.u8(..100) < share;
        self.write_package(variant, release, PackageType::Recovery, None, out)?;
        if release.branch != Branch::PublicBeta && in_a_hundred(if stable { 92 } else { 46 }, &mut self.rng) {
            self.write_package(variant, release, PackageType::Fastboot, None, out)?;
        }
        if release.branch != Branch::PublicBeta && in_a_hundred(50, &mut self.rng) {
            self.write_package(variant, release, PackageType::Firmware, None, out)?;
        }
        if stable && in_a_hundred(6, &mut self.rng) {
            self.write_package(variant, release, PackageType::Vendor, None, out)?;
        }
        if let Some(before) = before.filter(|_| in_a_hundred(80, &mut self.rng)) {
            self.write_package(variant, release, PackageType::Incremental, Some(before), out)?;
        }
        Ok(())
    }

    fn write_package(
        &mut self,
        variant: &Variant,
        release: &Release,
        package_type: PackageType,
        before: Option<&Version>,
        out: &mut impl Write,
    ) -> Result<(), SyntheticError> {
        let digits: String = (0..32).map(|_| self.rng.digit(16)).collect();
        let md5: Md5 = digits.parse()?;
        let start = digits.get(..10).unwrap_or_default();
        let Release { version, android, .. } = release;
        let (base, codename, rom_code) = (&self.codename, &variant.codename, &variant.rom_code);
        let new = version.as_str().starts_with("OS2") || version.as_str().starts_with("OS3");
        let filename = match package_type {
            PackageType::Recovery if new && release.branch != Branch::PublicBeta => {
                format!("{codename}-ota_full-{version}-user-{android}-{start}.zip")
            }
            PackageType::Recovery => format!("miui_{rom_code}_{version}_{start}_{android}.zip"),
            PackageType::Fastboot => {
                let stamp = release.released_on.unwrap_or_default().format("%Y%m%d");
                let token = variant.token;
                format!("{codename}_images_{version}_{stamp}.0000.00_{android}_{token}_{start}.tgz")
            }
            PackageType::Incremental => {
                let before = before.map_or("", Version::as_str);
                format!("miui-blockota-{codename}-{before}-{version}-{start}-{android}.zip")
            }
            PackageType::Firmware => format!("fw_{base}_miui_{rom_code}_{version}_{start}_{android}.zip"),
            PackageType::Vendor => format!("fw-vendor_{base}_miui_{rom_code}_{version}_{start}_{android}.zip"),
        };
        let megabytes = match package_type {
            PackageType::Recovery => self.rng.i64(1_200..4_800),
            PackageType::Fastboot => self.rng.i64(1_800..6_900),
            PackageType::Incremental => self.rng.i64(60..900),
            PackageType::Firmware | PackageType::Vendor => self.rng.i64(40..420),
        };
        // Of an incremental package no source publishes more than its name.
        let described = package_type != PackageType::Incremental;
        // Firmware is offered by no host of Xiaomi's.
        let offered = !matches!(package_type, PackageType::Firmware | PackageType::Vendor);
        let urls = if offered {
            let hosts = Mirrors::from_bits(if package_type == PackageType::Incremental {
                8
            } else {
                31
            });
            hosts.urls(version.as_str(), &filename).collect()
        } else {
            vec![format!("https://downloads.example.com/{base}/{filename}")]
        };
        let line = PackageLine {
            variant: Some(codename.clone()),
            version: Some(version.clone()),
            branch: Some(release.branch),
            package_type: Some(package_type),
            base_version: before.cloned(),
            android: Some((*android).to_owned()),
            size: (described && self.rng.u16(..300) != 0).then_some(megabytes * 1_000_000),
            md5: (described && self.rng.u8(..15) != 0).then_some(md5),
            released_on: release.released_on.filter(|_| described),
            urls,
            changelogs: release.changelog.iter().cloned().collect(),
            filename,
            ..PackageLine::default()
        };
        write_line(&Line::Package(Box::new(line)), out)?;
        Ok(())
    }
}
