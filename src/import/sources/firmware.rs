//! The site's data on firmware: one YAML list a device, under `data/devices/full` and, with the vendor partition, `data/vendor/full`.

use std::collections::BTreeMap;

use entity::value::{Branch, Codename, Invalid, PublishedSize, Region, parse_size};
use serde::Deserialize;

use super::{published_date, reject};
use crate::import::record::{Evidence, Facts, Place, Reason};

#[derive(Deserialize)]
struct Entry {
    branch: String,
    #[serde(default)]
    date: Option<String>,
    #[serde(default)]
    downloads: BTreeMap<String, String>,
    filename: String,
    #[serde(default)]
    region: Option<String>,
    #[serde(default)]
    size: Option<String>,
    versions: Versions,
}

#[derive(Deserialize)]
struct Versions {
    #[serde(default)]
    android: Option<String>,
    miui: String,
}

/// Reads a device's list.
pub fn read(yaml: &str, place: &Place, evidence: &mut Evidence) {
    let entries: Vec<Entry> = match super::tracker::from_yaml(yaml) {
        Ok(entries) => entries,
        Err(error) => return reject(evidence, place, "", Reason::Malformed, error),
    };
    let device = place
        .document
        .rsplit('/')
        .next()
        .and_then(|file| file.strip_suffix(".yml"));
    for entry in entries {
        let filename = entry.filename.clone();
        match facts(entry, device.unwrap_or_default(), place) {
            Ok(facts) => evidence.add(filename, facts),
            Err(error) => reject(evidence, place, &filename, Reason::Invalid, error.to_string()),
        }
    }
}

fn facts(entry: Entry, device: &str, place: &Place) -> Result<Facts, Invalid> {
    let short: Codename = device.parse()?;
    let version = super::filed_version(&entry.versions.miui, &entry.filename)?;
    let branch = Branch::from_label(&entry.branch)?;
    let region = entry.region.as_deref().and_then(Region::from_word);
    let size = entry.size.as_deref().and_then(|size| parse_size(size).ok());
    let mut facts = Facts {
        place: Some(place.clone()),
        branches: std::iter::once(branch).collect(),
        versions: std::iter::once(version).collect(),
        regions: region.into_iter().collect(),
        androids: entry.versions.android.into_iter().collect(),
        dates: entry.date.as_deref().and_then(published_date).into_iter().collect(),
        ..Facts::default()
    };
    facts.namings.insert(crate::import::record::Naming {
        short,
        label: String::new(),
    });
    if let Some(PublishedSize::Approximate(bytes)) = size {
        facts.sizes.insert(bytes);
    }
    for url in entry.downloads.into_values() {
        super::add_url(&mut facts, url)?;
    }
    Ok(facts)
}
