//! The sample of the real archive, where it is beside the project: what it holds, what is wrong in it, and that every
//! bit of it is placed or explained.

use std::{collections::BTreeMap, path::PathBuf};

use entity::value::{PackageType, Region};
use romdex::import::{
    derive::{self, Catalogue},
    filename,
    read::{self, Progress},
    record::{Evidence, Facts, Reason},
    source,
};

/// Nobody watches.
struct Silent;

impl Progress for Silent {
    fn document(&self) {}
}

fn sample(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus")).join(name);
    if !path.is_file() {
        eprintln!("skipped: no sample archive beside the project");
        return None;
    }
    Some(path)
}

fn read(path: &std::path::Path) -> Evidence {
    let bounds = source::Bounds {
        document: 16 << 20,
        unpacked: 8 << 30,
        files: 1_000_000,
    };
    read::evidence(|sink| source::read_path(path, bounds, sink), 2, &Silent).unwrap()
}

/// How often each defect occurs.
fn defects(evidence: &Evidence, catalogue: &Catalogue<'_>) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    let mut count = |what, occurs: bool| *counts.entry(what).or_insert(0) += usize::from(occurs);
    for (name, facts) in &evidence.files {
        let parsed = filename::parse(name);
        let kind = parsed.as_ref().map(|name| name.package_type);
        let card = facts.namings.iter().any(|naming| !naming.label.is_empty());
        count("name of no known form", parsed.is_none());
        count("page of another device", on_foreign_page(facts));
        count(
            "incremental filed as recovery",
            kind == Some(PackageType::Incremental) && card,
        );
        count("incremental", kind == Some(PackageType::Incremental));
        count(
            "several labels",
            facts.namings.iter().filter(|naming| !naming.label.is_empty()).count() > 1,
        );
        count("several branches", facts.branches.iter().count() > 1);
        count("unknown size", card && facts.sizes.is_empty());
        count("unknown date", card && facts.dates.is_empty());
        count("unknown MD5", card && facts.md5s.is_empty());
        let Some(package) = catalogue.packages.get(name.as_str()) else {
            continue;
        };
        let region = catalogue.variants[&package.variant].region;
        let mut labels = facts
            .namings
            .iter()
            .filter_map(|naming| Region::split_label(&naming.label).1);
        count("label of another region", labels.any(|told| told != region));
        let weak = parsed.is_some_and(|name| name.token.as_deref() == Some("global"));
        count("weak token", weak && region != Region::Global);
    }
    for unplaced in &catalogue.unplaced {
        count(
            "waiting incremental",
            unplaced.reason == Reason::IncrementalWithoutRelease,
        );
        count("unexplained", unplaced.reason != Reason::IncrementalWithoutRelease);
    }
    let several = catalogue
        .variants
        .values()
        .filter(|variant| variant.names.len() > 1)
        .count();
    counts.insert("variant of several names", several);
    let taken_out = |package: &derive::Package<'_>| {
        matches!(package.package_type, PackageType::Firmware | PackageType::Vendor) && package.md5_prefix.is_some()
    };
    let roms: std::collections::BTreeSet<_> = catalogue
        .packages
        .values()
        .filter(|package| package.package_type == PackageType::Recovery)
        .filter_map(|package| package.md5_prefix)
        .collect();
    let firmware = || catalogue.packages.values().filter(|package| taken_out(package));
    counts.insert("firmware with its ROM's digits", firmware().count());
    let linked = firmware().filter(|package| package.md5_prefix.is_some_and(|prefix| roms.contains(&prefix)));
    counts.insert("firmware whose ROM is known", linked.count());
    counts
}

/// Whether a page lists it that only begins alike.
fn on_foreign_page(facts: &Facts) -> bool {
    let mut pages = facts.pages.iter().filter_map(|page| page.split('/').nth(2));
    pages.any(|page| facts.namings.iter().all(|naming| naming.short.as_str() != page))
}

#[test]
fn every_defect_of_the_sample_is_counted_and_everything_is_placed_or_explained() {
    let (Some(site), Some(tracker)) = (sample("site-2026-08.tar.gz"), sample("tracker-history.tar.gz")) else {
        return;
    };
    let mut evidence = read(&site);
    assert_eq!(evidence.documents["site"], 15_240);
    evidence.unite(read(&tracker));
    assert_eq!(evidence.rejected, []);
    let catalogue = derive::catalogue(&evidence);
    let found = defects(&evidence, &catalogue);
    let expected = BTreeMap::from([
        ("firmware whose ROM is known", 5170),
        ("firmware with its ROM's digits", 5185),
        ("incremental", 3772),
        ("incremental filed as recovery", 0),
        ("label of another region", 65),
        ("name of no known form", 0),
        ("page of another device", 1895),
        ("several branches", 453),
        ("several labels", 227),
        ("unexplained", 0),
        ("unknown MD5", 1070),
        ("unknown date", 11),
        ("unknown size", 26),
        ("variant of several names", 90),
        ("waiting incremental", 100),
        ("weak token", 734),
    ]);
    assert_eq!(found, expected);
}
