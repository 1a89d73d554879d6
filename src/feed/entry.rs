//! Entries: releases as feeds tell them, whatever the feed is written as.

use std::{collections::HashMap, fmt::Write as _, sync::Arc};

use chrono::{DateTime, Utc};
use entity::value::{Branch, OperatingSystem, PackageType, Region};
use rustc_hash::FxHashMap;
use url::Url;

use super::{html, printable, select::Matched};
use crate::catalog::{ChangelogId, Day, Event, PackageAt, Snapshot, Subject};

/// Changelog texts by their ids.
pub type Texts = HashMap<ChangelogId, Arc<str>>;

/// A release as a feed tells it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it is known by in every feed, for ever: it follows from variant and version alone.
    pub id: String,
    /// Who it is for and what it is, in a line.
    pub title: String,
    /// Where to read on: the archive's page about it, or else its first file.
    pub link: String,
    /// When it came into the feed; for what the catalogue began with, the day of its release.
    pub published: DateTime<Utc>,
    /// When something about it last changed.
    pub updated: DateTime<Utc>,
    /// The release and its changelog, as safe HTML.
    pub html: String,
    /// What programs want to know.
    pub facts: Facts,
    /// The files that match.
    pub files: Vec<File>,
}

/// What is known of a release.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The device's base codename.
    pub device: String,
    /// The variant's regional codename.
    pub variant: String,
    /// The region.
    pub region: Region,
    /// The operating system.
    pub os: OperatingSystem,
    /// The version.
    pub version: String,
    /// The branch.
    pub branch: Branch,
    /// The Android version.
    pub android: Option<String>,
    /// The day of the release.
    pub released_on: Option<Day>,
}

impl Facts {
    /// What readers sort by: each with what it tells.
    pub fn tags(&self) -> Vec<(&'static str, String)> {
        vec![
            ("device", self.device.clone()),
            ("variant", self.variant.clone()),
            ("region", self.region.to_string()),
            ("os", self.os.to_string()),
            ("branch", self.branch.to_string()),
        ]
    }
}

/// A file of a release.
#[derive(Clone, Debug)]
pub struct File {
    /// What it is for.
    pub r#type: PackageType,
    /// Its name.
    pub filename: String,
    /// Where it can be had.
    pub url: String,
    /// Its media type, by its name.
    pub media_type: &'static str,
    /// Bytes, mostly rounded.
    pub size: Option<u64>,
    /// Its MD5.
    pub md5: Option<String>,
}

/// What a name stands for in feeds: a UUID (RFC 9562, version 8) that follows from it.
pub fn urn(kind: &str, name: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(format!("romdex {kind}\n{name}").as_bytes());
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    let mut number = u128::from_be_bytes(bytes);
    number = number & !(0xf << 76) | 0x8 << 76;
    number = number & !(0x3 << 62) | 0x2 << 62;
    let digits = format!("{number:032x}");
    let mut urn = "urn:uuid:".to_owned();
    for (place, digit) in digits.chars().enumerate() {
        if matches!(place, 8 | 12 | 16 | 20) {
            urn.push('-');
        }
        urn.push(digit);
    }
    urn
}

/// When it came in, and when anything last happened to it.
fn times(snapshot: &Snapshot, matched: &Matched, events: &[&Event]) -> (DateTime<Utc>, DateTime<Utc>) {
    let released = snapshot.release(matched.release).released_on.and_then(Day::midnight);
    let entered = events.iter().find(|event| event.id == matched.entered);
    let published = match (entered, released) {
        (Some(event), _) if event.is_news => event.at,
        (Some(event), Some(released)) => released.min(event.at),
        (Some(event), None) => event.at,
        (None, released) => released.or(snapshot.updated_at).unwrap_or_default(),
    };
    let news = events.iter().filter(|event| event.is_news).map(|event| event.at);
    (published, news.fold(published, DateTime::max))
}

/// The entries of these releases, in their order.
pub fn entries(snapshot: &Snapshot, releases: &[Matched], events: &[Event], texts: &Texts) -> Vec<Entry> {
    let mut by_release: FxHashMap<_, Vec<&Event>> = FxHashMap::default();
    for event in events {
        let release = match event.subject {
            Subject::Release(at) => at,
            Subject::Package(at) => snapshot.package(at).release,
            Subject::Device(_) => continue,
        };
        by_release.entry(release).or_default().push(event);
    }
    releases
        .iter()
        .map(|matched| {
            let events = by_release.get(&matched.release).map_or(&[][..], Vec::as_slice);
            entry(snapshot, matched, events, texts)
        })
        .collect()
}

fn entry(snapshot: &Snapshot, matched: &Matched, events: &[&Event], texts: &Texts) -> Entry {
    let row = snapshot.release(matched.release);
    let variant = snapshot.variant(row.variant);
    let facts = Facts {
        device: snapshot.text(snapshot.device(variant.device).codename).to_owned(),
        variant: snapshot.text(variant.codename).to_owned(),
        region: variant.region,
        os: row.os,
        version: snapshot.version(row.version).to_owned(),
        branch: row.branch,
        android: snapshot.android_of_release(matched.release).map(str::to_owned),
        released_on: row.released_on,
    };
    let files: Vec<File> = matched.packages.iter().map(|at| file(snapshot, *at)).collect();
    let page = matched.packages.iter().find_map(|at| snapshot.page_url(*at));
    let (published, updated) = times(snapshot, matched, events);
    let name = printable(&snapshot.label(row.variant));
    let changelog = row.changelog.and_then(|id| texts.get(&ChangelogId(id)));
    Entry {
        id: urn("release", &format!("{}\n{}", facts.variant, facts.version)),
        title: title(&name, &facts),
        link: page
            .map(|page| absolute(&page))
            .or_else(|| files.first().map(|file| file.url.clone()))
            .unwrap_or_default(),
        published,
        updated,
        html: html::release(&name, &facts, &files, row.security_patch, changelog.map(AsRef::as_ref)),
        facts,
        files,
    }
}

fn title(name: &str, facts: &Facts) -> String {
    let mut title = format!("{name}: {} {}", facts.os.label(), facts.version);
    if facts.branch != Branch::Stable {
        let _ = write!(title, " ({})", facts.branch.label());
    }
    title
}

fn file(snapshot: &Snapshot, at: PackageAt) -> File {
    let row = snapshot.package(at);
    let filename = snapshot.text(row.filename);
    File {
        r#type: row.r#type,
        filename: printable(filename),
        url: absolute(&snapshot.download_url(at)),
        media_type: media_type(filename),
        size: row.size(),
        md5: row.md5.map(|md5| md5.to_string()),
    }
}

/// What a file holds, by its name: all but a few are one of two.
fn media_type(filename: &str) -> &'static str {
    match filename.rsplit_once('.') {
        Some((_, "zip")) => "application/zip",
        Some((_, "tgz" | "gz")) => "application/gzip",
        _ => "application/octet-stream",
    }
}

/// An address with everything escaped that an address must not hold.
fn absolute(url: &str) -> String {
    Url::parse(url).map_or_else(|_| printable(url), String::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_uuid_that_follows_from_its_name() {
        let urn = urn("release", "alioth_eea_global\nV12.5.4.0.RKHEUXM");
        assert_eq!(urn, super::urn("release", "alioth_eea_global\nV12.5.4.0.RKHEUXM"));
        assert_ne!(urn, super::urn("release", "alioth_global\nV12.5.4.0.RKHEUXM"));
        assert_ne!(urn, super::urn("feed", "alioth_eea_global\nV12.5.4.0.RKHEUXM"));
        let uuid = urn.strip_prefix("urn:uuid:").unwrap();
        let lengths: Vec<usize> = uuid.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        let digit = |place| uuid.chars().nth(place).unwrap();
        assert_eq!(digit(14), '8');
        assert!("89ab".contains(digit(19)));
    }

    #[test]
    fn addresses_hold_nothing_that_must_be_escaped() {
        for (url, escaped) in [
            ("https://example.com/a b.zip", "https://example.com/a%20b.zip"),
            ("https://example.com/ä<.zip", "https://example.com/%C3%A4%3C.zip"),
            ("https://example.com/a.zip", "https://example.com/a.zip"),
        ] {
            assert_eq!(absolute(url), escaped);
        }
    }
}
