//! The tracker's two files: `data/latest.yml`, the newest package of each variant, branch and method, and
//! `data/devices.yml`, the reference of regional codenames.

use std::collections::BTreeMap;

use entity::value::{Branch, Codename, Invalid, Mirrors, PackageType, PublishedSize, parse_size};
use serde::{Deserialize, de::DeserializeOwned};

use super::{published_date, reject};
use crate::import::{
    changelog, filename,
    record::{Evidence, Facts, Naming, Place, Reason, Reference},
};

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    android: Option<String>,
    branch: String,
    codename: String,
    #[serde(default)]
    date: Option<String>,
    link: String,
    #[serde(default)]
    md5: Option<String>,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    size: Option<String>,
    version: String,
    #[serde(default)]
    changelog: Option<String>,
}

/// Reads YAML of a known shape, within bounds on its size and aliases.
///
/// # Errors
/// What is wrong with it, in words.
pub fn from_yaml<T: DeserializeOwned>(yaml: &str) -> Result<T, String> {
    serde_saphyr::from_str(yaml).map_err(|error| {
        let text = error.to_string();
        super::shorten(
            text.lines()
                .next()
                .unwrap_or("the document is not YAML of the expected shape"),
        )
    })
}

/// Reads the newest packages.
pub fn read_latest(yaml: &str, place: &Place, evidence: &mut Evidence) {
    let entries: Vec<Entry> = match from_yaml(yaml) {
        Ok(entries) => entries,
        Err(error) => return reject(evidence, place, "", Reason::Malformed, error),
    };
    for entry in entries {
        let Some(filename) = entry
            .link
            .rsplit('/')
            .next()
            .filter(|file| !file.is_empty())
            .map(str::to_owned)
        else {
            reject(
                evidence,
                place,
                &entry.link,
                Reason::Incomplete,
                "the link names no file",
            );
            continue;
        };
        match facts(entry, &filename, place, evidence) {
            Ok(facts) => evidence.add(filename, facts),
            Err(error) => reject(evidence, place, &filename, Reason::Invalid, error.to_string()),
        }
    }
}

fn facts(entry: Entry, filename: &str, place: &Place, evidence: &mut Evidence) -> Result<Facts, Invalid> {
    let codename: Codename = entry.codename.parse()?;
    let version = super::filed_version(&entry.version, filename)?;
    let branch = Branch::from_label(&entry.branch)?;
    let mut facts = Facts {
        place: Some(place.clone()),
        branches: std::iter::once(branch).collect(),
        androids: entry.android.into_iter().collect(),
        dates: entry.date.as_deref().and_then(published_date).into_iter().collect(),
        md5s: entry.md5.and_then(|md5| md5.parse().ok()).into_iter().collect(),
        ..Facts::default()
    };
    match entry.method.as_deref() {
        Some("Recovery") => facts.types.insert(PackageType::Recovery),
        Some("Fastboot") => facts.types.insert(PackageType::Fastboot),
        _ => {}
    }
    if let Some(PublishedSize::Approximate(bytes)) = entry.size.as_deref().and_then(|size| parse_size(size).ok()) {
        facts.sizes.insert(bytes);
    }
    if let Some(text) = entry.changelog.as_deref().and_then(changelog::clean) {
        facts.changelogs.insert(evidence.text(text));
    }
    let folder = filename::parse(filename).map_or_else(|| version.clone(), |name| name.version);
    match Mirrors::from_url(&entry.link, &folder, filename) {
        Some(mirror) => facts.mirrors = mirror,
        None => super::add_url(&mut facts, entry.link)?,
    }
    if let (Some(label), Some(short)) = (entry.name, codename.as_str().split('_').next()) {
        facts.namings.insert(Naming {
            short: short.parse()?,
            label,
        });
    }
    facts.versions.insert(version);
    facts.variants.insert(codename);
    Ok(facts)
}

/// Reads the list of devices: regional codename → [label, ROM code].
pub fn read_devices(yaml: &str, place: &Place, evidence: &mut Evidence) {
    let devices: BTreeMap<String, Vec<String>> = match from_yaml(yaml) {
        Ok(devices) => devices,
        Err(error) => return reject(evidence, place, "", Reason::Malformed, error),
    };
    for (codename, described) in devices {
        let mut described = described.into_iter();
        let Some(label) = described.next() else {
            reject(
                evidence,
                place,
                &codename,
                Reason::Incomplete,
                "the codename has no label",
            );
            continue;
        };
        match codename.parse() {
            Ok(codename) => {
                evidence.references.insert(Reference {
                    codename,
                    label,
                    rom_code: described.next().unwrap_or_default(),
                });
            }
            Err(error) => {
                let error: Invalid = error;
                reject(evidence, place, &codename, Reason::Invalid, error.to_string());
            }
        }
    }
}
