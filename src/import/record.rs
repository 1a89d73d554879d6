//! What every source parses into: facts about files, and references of regional codenames.
//!
//! Facts only ever grow: two records about one file are united, never weighed against each other here, so the order in
//! which records arrive cannot matter. What follows from them is decided in [`super::attribute`].

use std::collections::BTreeMap;

use chrono::NaiveDate;
use entity::value::{Branch, Codename, Md5, Mirrors, PackageType, Region, Version};
use serde::{Deserialize, Serialize};

/// A small sorted set; most facts have one value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Set<T>(Vec<T>);

impl<T> Default for Set<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Ord> Set<T> {
    /// Adds a value, unless it is there.
    pub fn insert(&mut self, value: T) {
        if let Err(at) = self.0.binary_search(&value) {
            self.0.reserve_exact(1);
            self.0.insert(at, value);
        }
    }

    /// Adds every value of another set.
    pub fn unite(&mut self, other: Self) {
        if self.0.is_empty() {
            self.0 = other.0;
            return;
        }
        other.0.into_iter().for_each(|value| self.insert(value));
    }
}

impl<T> Set<T> {
    /// The values in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }

    /// The smallest value.
    #[must_use]
    pub fn first(&self) -> Option<&T> {
        self.0.first()
    }

    /// The greatest value.
    #[must_use]
    pub fn last(&self) -> Option<&T> {
        self.0.last()
    }

    /// Whether nothing has been said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a, T> IntoIterator for &'a Set<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: Ord> FromIterator<T> for Set<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut set = Self::default();
        values.into_iter().for_each(|value| set.insert(value));
        set
    }
}

/// How a source files a package: the device's short codename, and the label it puts beside it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Naming {
    /// A codename cut at its first underscore: `sweet` for `sweet_k6a` too.
    pub short: Codename,
    /// `POCO F3 EEA`.
    pub label: String,
}

/// BLAKE3 of a changelog's text, 32 hex digits.
pub type Digest = String;

/// Everything that sources have said about one file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Facts {
    /// Under which devices and labels it is filed.
    #[serde(skip_serializing_if = "Set::is_empty")]
    pub namings: Set<Naming>,
    /// Regional codenames that a source gives it outright.
    #[serde(skip_serializing_if = "Set::is_empty")]
    pub variants: Set<Codename>,
    /// Versions under which it is filed.
    #[serde(skip_serializing_if = "Set::is_empty")]
    pub versions: Set<Version>,
    /// Branches it is labelled with.
    #[serde(skip_serializing_if = "Set::is_empty")]
    pub branches: Set<Branch>,
    /// Types it is filed under.
    #[serde(skip_serializing_if = "Set::is_empty")]
    pub types: Set<PackageType>,
    /// Regions it is labelled with.
    #[serde(skip_serializing_if = "Set::is_empty")]
    pub regions: Set<Region>,
    /// Android versions it is labelled with.
    #[serde(skip_serializing_if = "Set::is_empty")]
    pub androids: Set<String>,
    /// Sizes in bytes.
    #[serde(skip_serializing_if = "Set::is_empty")]
    pub sizes: Set<i64>,
    /// MD5s.
    #[serde(skip_serializing_if = "Set::is_empty")]
    pub md5s: Set<Md5>,
    /// Dates of publication.
    #[serde(skip_serializing_if = "Set::is_empty")]
    pub dates: Set<NaiveDate>,
    /// Hosts that have it under the usual address.
    #[serde(with = "mirror_bits", skip_serializing_if = "mirror_bits::is_empty")]
    pub mirrors: Mirrors,
    /// Other addresses.
    #[serde(skip_serializing_if = "Set::is_empty")]
    pub urls: Set<String>,
    /// Paths of pages about it.
    #[serde(skip_serializing_if = "Set::is_empty")]
    pub pages: Set<String>,
    /// Its changelogs.
    #[serde(skip_serializing_if = "Set::is_empty")]
    pub changelogs: Set<Digest>,
    /// Where it was found: kind of source and document. The first of them stands in a rejection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// A document of a source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The kind of source: `site`, `tracker`, `export`.
    pub source: String,
    /// The document's path inside it.
    pub document: String,
}

impl Facts {
    /// Adds all that another record says of the same file.
    pub fn unite(&mut self, other: Self) {
        self.namings.unite(other.namings);
        self.variants.unite(other.variants);
        self.versions.unite(other.versions);
        self.branches.unite(other.branches);
        self.types.unite(other.types);
        self.regions.unite(other.regions);
        self.androids.unite(other.androids);
        self.sizes.unite(other.sizes);
        self.md5s.unite(other.md5s);
        self.dates.unite(other.dates);
        self.mirrors = self.mirrors.union(other.mirrors);
        self.urls.unite(other.urls);
        self.pages.unite(other.pages);
        self.changelogs.unite(other.changelogs);
        self.place = match (self.place.take(), other.place) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
}

mod mirror_bits {
    use entity::value::Mirrors;
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    pub const fn is_empty(mirrors: &Mirrors) -> bool {
        mirrors.is_empty()
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    pub fn serialize<S: Serializer>(mirrors: &Mirrors, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i32(mirrors.bits())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Mirrors, D::Error> {
        i32::deserialize(deserializer).map(Mirrors::from_bits)
    }
}

/// A line of the tracker's list of devices.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Reference {
    /// The regional codename.
    pub codename: Codename,
    /// `POCO F3 EEA`.
    pub label: String,
    /// `ALIOTHEEAGlobal`; empty where the source has none.
    pub rom_code: String,
}

/// What could not be taken in, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rejected {
    /// The document it stands in.
    pub place: Place,
    /// The file or codename it is about; empty for the whole document.
    pub subject: String,
    /// Why, for a program.
    pub reason: Reason,
    /// Why, for a person.
    pub detail: String,
}

/// Why something could not be taken in. The names are stable: scripts and the database use them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, strum::IntoStaticStr, strum::EnumString)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Reason {
    /// The document is not text in UTF-8.
    NotUtf8,
    /// The document is larger than the importer reads.
    DocumentTooLarge,
    /// The document is of a known kind but cannot be read as that.
    Malformed,
    /// The document's name leads out of the archive, or is absolute.
    UnsafePath,
    /// A card or entry lacks what every package has.
    Incomplete,
    /// A value is not of its kind.
    Invalid,
    /// The region that the strongest witness tells is not a known one.
    UnknownRegion,
    /// Nothing tells the version.
    NoVersion,
    /// Nothing tells what the file is for.
    NoType,
    /// No source tells where the file can be had.
    NoAddress,
    /// Nothing tells the region.
    NoRegion,
    /// Nothing tells the device.
    NoDevice,
    /// An incremental whose release is not in the catalogue; kept, and placed when the release becomes known.
    IncrementalWithoutRelease,
}

impl Reason {
    /// Whether it follows from all that is known, so that more knowledge may lift it; the others are a document's own faults.
    #[must_use]
    pub const fn is_derived(self) -> bool {
        match self {
            Self::NotUtf8
            | Self::DocumentTooLarge
            | Self::Malformed
            | Self::UnsafePath
            | Self::Incomplete
            | Self::Invalid => false,
            Self::UnknownRegion
            | Self::NoVersion
            | Self::NoType
            | Self::NoAddress
            | Self::NoRegion
            | Self::NoDevice
            | Self::IncrementalWithoutRelease => true,
        }
    }

    /// The stable name.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.into()
    }
}

/// All that was read: a union over documents, sources and imports.
#[derive(Debug, Default)]
pub struct Evidence {
    /// By file name.
    pub files: rustc_hash::FxHashMap<String, Facts>,
    /// From lists of devices.
    pub references: std::collections::BTreeSet<Reference>,
    /// Changelog texts by their digest.
    pub texts: rustc_hash::FxHashMap<Digest, String>,
    /// What could not be read.
    pub rejected: Vec<Rejected>,
    /// How many documents were read, by kind of source.
    pub documents: BTreeMap<&'static str, usize>,
}

impl Evidence {
    /// Adds a record about a file.
    pub fn add(&mut self, filename: String, facts: Facts) {
        match self.files.entry(filename) {
            std::collections::hash_map::Entry::Occupied(mut known) => known.get_mut().unite(facts),
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(facts);
            }
        }
    }

    /// Adds a changelog's text, in its stored form, and gives its digest.
    pub fn text(&mut self, text: String) -> Digest {
        let hash = blake3::hash(text.as_bytes()).to_hex();
        let digest: Digest = hash.chars().take(32).collect();
        self.texts.entry(digest.clone()).or_insert(text);
        digest
    }

    /// Adds everything of another reading.
    pub fn unite(&mut self, other: Self) {
        if self.files.is_empty() {
            self.files = other.files;
        } else {
            other
                .files
                .into_iter()
                .for_each(|(filename, facts)| self.add(filename, facts));
        }
        self.references.extend(other.references);
        self.texts.extend(other.texts);
        self.rejected.extend(other.rejected);
        for (kind, count) in other.documents {
            *self.documents.entry(kind).or_default() += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uniting_facts_is_the_same_in_any_order_and_twice() {
        let one: Facts = serde_json::from_str(r#"{"branches":["STABLE_BETA"],"sizes":[1000000],"mirrors":8}"#).unwrap();
        let other: Facts = serde_json::from_str(
            r#"{"branches":["STABLE"],"md5s":["540efd7cf5cbd00c7b53d6fe5ad50553"],"mirrors":1,"place":{"source":"site","document":"a"}}"#,
        )
        .unwrap();
        let unite = |parts: &[&Facts]| {
            let mut all = Facts::default();
            for part in parts {
                all.unite((*part).clone());
            }
            all
        };
        let united = unite(&[&one, &other]);
        assert_eq!(unite(&[&other, &one]), united);
        assert_eq!(unite(&[&one, &other, &one]), united);
        assert_eq!(united.mirrors.bits(), 9);
        let text = serde_json::to_string(&united).unwrap();
        assert_eq!(serde_json::from_str::<Facts>(&text).unwrap(), united);
    }
}
