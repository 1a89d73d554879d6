//! The tracker's own files, where the sample of the archive is beside the project, against what is told in their form:
//! every entry is told alike, or the difference is of a known kind.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read as _,
    path::{Path, PathBuf},
};

use entity::value::Region;
use romdex::catalog::{Catalog, Snapshot};
use serde::Deserialize;
use tempfile::TempDir;

use super::text;
use crate::{
    import,
    support::{
        database::{TestDatabase, on_sqlite},
        server::TestServer,
        site::tree,
    },
};

/// The tracker's newest state.
const STATE: &str = "2026-08-22T1215";

/// An entry of `latest.yml`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
struct Entry {
    android: String,
    branch: String,
    codename: String,
    date: Option<String>,
    link: String,
    md5: Option<String>,
    method: String,
    name: String,
    size: Option<String>,
    version: String,
}

impl Entry {
    fn group(&self) -> [&str; 3] {
        [&self.codename, &self.branch, &self.method]
    }

    fn filename(&self) -> &str {
        self.link.rsplit('/').next().unwrap()
    }
}

fn sample(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus")).join(name);
    if !path.is_file() {
        eprintln!("skipped: no sample archive beside the project");
        return None;
    }
    Some(path)
}

/// The two files of the tracker's newest state.
fn newest_state(history: &Path) -> BTreeMap<String, String> {
    let file = std::fs::File::open(history).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let mut files = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_string_lossy().into_owned();
        if let Some(inner) = path.strip_prefix(&format!("{STATE}/")) {
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            files.insert(inner.to_owned(), text);
        }
    }
    files
}

/// Why an entry of the tracker is told with another file, or not at all.
fn why(snapshot: &Snapshot, theirs: &Entry, ours: Option<&Entry>) -> &'static str {
    let Some(at) = snapshot.find_package(theirs.filename()) else {
        return "the catalogue does not have the file";
    };
    let release = snapshot.release(snapshot.package(at).release);
    if snapshot.text(snapshot.variant(release.variant).codename) != theirs.codename {
        return "the file is another variant's";
    }
    if release.branch.label() != theirs.branch {
        return "its release has moved on to another branch";
    }
    let Some(ours) = ours else { return "unexplained" };
    let age = |entry: &Entry| {
        let version: entity::value::Version = entry.version.parse().unwrap();
        (entry.date.clone(), version)
    };
    if age(ours) > age(theirs) {
        "the catalogue has a newer file"
    } else {
        "unexplained"
    }
}

/// Why the names of a variant differ.
fn why_named(theirs: &str, ours: &str) -> &'static str {
    let (their_names, their_region) = Region::split_label(theirs);
    let (our_names, our_region) = Region::split_label(ours);
    let parts = |names: &str| -> BTreeSet<String> { names.split('/').map(|part| part.trim().to_lowercase()).collect() };
    if their_region != our_region {
        "the label names another region than the file"
    } else if parts(our_names).is_superset(&parts(their_names)) {
        "other sources know more names"
    } else if parts(our_names).len() >= parts(their_names).len() {
        "names without a brand get their neighbour's"
    } else {
        "unexplained"
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_trackers_files_and_ours_differ_only_in_known_ways() {
    let (Some(site), Some(history)) = (sample("site-2026-08.tar.gz"), sample("tracker-history.tar.gz")) else {
        return;
    };
    on_sqlite(async |database| compare(&database, &site, newest_state(&history)).await).await;
}

async fn compare(database: &TestDatabase, site: &Path, files: BTreeMap<String, String>) {
    let folder = TempDir::new().unwrap();
    let documents: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    tree(folder.path(), &documents);
    import::import(database.connection(), &[site, folder.path()]).await;
    let server = TestServer::start(database).await;
    let snapshot = Catalog::open(database.connection().clone()).await.unwrap().snapshot();

    let theirs: Vec<Entry> = serde_saphyr::from_str(&files["data/latest.yml"]).unwrap();
    let ours: Vec<Entry> = serde_saphyr::from_str(&text(&server, "/compat/latest.yml").await).unwrap();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut count = |what| *counts.entry(what).or_insert(0) += 1;
    for entry in &theirs {
        let told = ours.iter().find(|other| other.group() == entry.group());
        match told.filter(|told| told.filename() == entry.filename()) {
            None => count(why(&snapshot, entry, told)),
            Some(told) => {
                count("the same file");
                if told.name != entry.name {
                    count(why_named(&entry.name, &told.name));
                }
                // the mirror is the catalogue's first, and a known digest or date is never lost
                let alike = Entry {
                    link: told.link.clone(),
                    name: told.name.clone(),
                    ..entry.clone()
                };
                assert_eq!(*told, alike);
            }
        }
    }
    let groups: BTreeSet<_> = theirs.iter().map(Entry::group).collect();
    for entry in ours.iter().filter(|entry| !groups.contains(&entry.group())) {
        let known = theirs.iter().any(|other| other.codename == entry.codename);
        count(if known {
            "a group that the tracker lacks"
        } else {
            "a variant that the tracker lacks"
        });
    }

    let their_devices: BTreeMap<String, [String; 2]> = serde_saphyr::from_str(&files["data/devices.yml"]).unwrap();
    let our_devices: BTreeMap<String, (String, Option<String>)> =
        serde_saphyr::from_str(&text(&server, "/compat/devices.yml").await).unwrap();
    for (codename, [label, rom_code]) in &their_devices {
        let (our_label, our_code) = &our_devices[codename];
        assert_eq!(our_code.as_deref(), Some(rom_code.as_str()), "{codename}");
        count(if label == our_label {
            "device: the same"
        } else {
            why_named(label, our_label)
        });
    }
    let expected = BTreeMap::from([
        ("a group that the tracker lacks", 2),
        ("a variant that the tracker lacks", 88),
        ("device: the same", 365),
        ("its release has moved on to another branch", 74),
        ("names without a brand get their neighbour's", 91),
        ("other sources know more names", 8),
        ("the catalogue has a newer file", 16),
        ("the label names another region than the file", 3),
        ("the same file", 943),
    ]);
    assert_eq!(counts, expected);
}
