//! romdex's own export: JSON Lines, one object a line, told apart by its `kind`.
//!
//! A package line holds what the catalogue says (for readers) and what sources said (for importers): only the latter
//! counts when a line is imported, so an export taken in again gives the same catalogue, alone or together with other
//! sources. A line without anything said, as a person may write one, is taken at its word.

use chrono::NaiveDate;
use entity::value::{Branch, Codename, Invalid, Md5, Mirrors, PackageType, Region, Version};
use serde::{Deserialize, Serialize};

use super::{reject, shorten};
use crate::import::{
    changelog, filename,
    record::{Evidence, Facts, Naming, Place, Reason, Reference},
};

/// One line of the export.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Line {
    /// The first line: what this is.
    Header(HeaderLine),
    /// A regional codename as a list of devices describes it.
    Reference(Reference),
    /// A variant, for readers; it follows from the packages and references.
    Variant(VariantLine),
    /// A package.
    Package(Box<PackageLine>),
    /// What stands in the catalogue's rejections for want of a place; it is tried again.
    Aside(Box<PackageLine>),
}

/// What the export is.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct HeaderLine {
    /// Always `romdex export`.
    pub format: String,
    /// 1; grows when an older importer could not read it.
    pub version: u32,
    /// Whom the data is owed to.
    pub credit: String,
}

/// A variant as the catalogue has it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct VariantLine {
    /// The regional codename.
    pub codename: Codename,
    /// The base codename.
    pub device: Codename,
    /// The region it is built for.
    pub region: Region,
    /// Its names, most usual first.
    pub names: Vec<String>,
    /// Its ROM code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rom_code: Option<String>,
}

/// A package as the catalogue has it, and what was said of it.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct PackageLine {
    /// The file's name.
    pub filename: String,
    /// The regional codename of its variant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<Codename>,
    /// The variant's region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// The release's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// The release's branch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<Branch>,
    /// What it is for.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub package_type: Option<PackageType>,
    /// The version an incremental starts from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_version: Option<Version>,
    /// The Android version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub android: Option<String>,
    /// Bytes, rounded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// The file's MD5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub md5: Option<Md5>,
    /// The date it was published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub released_on: Option<NaiveDate>,
    /// The date stamped into its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub built_on: Option<NaiveDate>,
    /// Every address.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// The texts of the changelogs in `said`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changelogs: Vec<String>,
    /// What sources said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub said: Option<Facts>,
}

/// Writes one line, with its line end.
///
/// # Errors
/// When the writer fails.
pub fn write_line(line: &Line, out: &mut impl std::io::Write) -> std::io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}

/// Reads an export's lines, the first of which has this number.
pub fn read(text: &str, first_line: usize, place: &Place, evidence: &mut Evidence) {
    for (number, line) in (first_line..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let place = Place {
            source: place.source.clone(),
            document: format!("{}:{number}", place.document),
        };
        match serde_json::from_str(line) {
            Ok(line) => take(line, &place, evidence),
            Err(error) => reject(evidence, &place, "", Reason::Malformed, shorten(&error.to_string())),
        }
    }
}

fn take(line: Line, place: &Place, evidence: &mut Evidence) {
    match line {
        Line::Header(_) | Line::Variant(_) => {}
        Line::Reference(reference) => {
            evidence.references.insert(reference);
        }
        Line::Package(line) | Line::Aside(line) => {
            let subject = line.filename.clone();
            if subject.is_empty() {
                return reject(
                    evidence,
                    place,
                    "",
                    Reason::Incomplete,
                    "the package has no \"filename\"",
                );
            }
            match facts(*line, place, evidence) {
                Ok(facts) => evidence.add(subject, facts),
                Err(error) => reject(evidence, place, &subject, Reason::Invalid, error.to_string()),
            }
        }
    }
}

fn facts(line: PackageLine, place: &Place, evidence: &mut Evidence) -> Result<Facts, Invalid> {
    for text in &line.changelogs {
        if let Some(text) = changelog::clean(text) {
            evidence.text(text);
        }
    }
    if let Some(said) = line.said {
        return Ok(said);
    }
    let mut facts = Facts {
        place: Some(place.clone()),
        variants: line.variant.iter().cloned().collect(),
        versions: line.version.iter().cloned().collect(),
        branches: line.branch.into_iter().collect(),
        types: line.package_type.into_iter().collect(),
        regions: line.region.into_iter().collect(),
        androids: line.android.into_iter().collect(),
        sizes: line.size.filter(|size| *size >= 0).into_iter().collect(),
        md5s: line.md5.into_iter().collect(),
        dates: line.released_on.into_iter().collect(),
        ..Facts::default()
    };
    for text in line.changelogs {
        if let Some(text) = changelog::clean(&text) {
            facts.changelogs.insert(evidence.text(text));
        }
    }
    let folder = filename::parse(&line.filename)
        .map(|name| name.version)
        .or(line.version);
    for url in line.urls {
        match folder
            .as_ref()
            .and_then(|folder| Mirrors::from_url(&url, folder, &line.filename))
        {
            Some(mirror) => facts.mirrors = facts.mirrors.union(mirror),
            None => super::add_url(&mut facts, url)?,
        }
    }
    if let Some(short) = line
        .variant
        .as_ref()
        .and_then(|variant| variant.as_str().split('_').next())
    {
        facts.namings.insert(Naming {
            short: short.parse()?,
            label: String::new(),
        });
    }
    Ok(facts)
}
