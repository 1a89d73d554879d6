//! Every market name finds its devices, all of them, ahead of every other device.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs::File,
    path::{Path, PathBuf},
};

use proptest::prelude::*;
use serde_json::json;
use tempfile::TempDir;

use super::{Api, model::runner};
use crate::{
    import,
    support::{
        database::{TestDatabase, on_every_database, on_sqlite},
        site::tree,
    },
};

on_every_database!(made_up_names_find_their_devices_first);

/// Which devices have a name, told by the lines of a `devices.yml`: label by regional codename.
fn owners<'a>(lines: impl Iterator<Item = (&'a str, &'a str)>) -> BTreeMap<String, BTreeSet<String>> {
    const REGIONS: [&str; 12] = [
        "China",
        "Global",
        "EEA",
        "Europe",
        "India",
        "Russia",
        "Indonesia",
        "Taiwan",
        "Turkey",
        "Japan",
        "South Korea",
        "Korea",
    ];
    let mut owners: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (codename, label) in lines {
        let words: Vec<&str> = label.split_whitespace().collect();
        let label = words.join(" ");
        let region = REGIONS.iter().find(|region| label.ends_with(&format!(" {region}")));
        let names = region.map_or(label.as_str(), |region| &label[..label.len() - region.len()]);
        for name in romdex::import::names::split(names) {
            let codename: entity::value::Codename = codename.parse().unwrap();
            owners.entry(name).or_default().insert(codename.base().to_string());
        }
    }
    owners
}

/// The devices that a search finds, best first; so many results at most.
async fn found(api: &Api, text: &str) -> Vec<String> {
    let query = "query($text: String!) { search(query: $text, first: 100) { nodes { ... on Device { codename } } } }";
    let answer = api.ask_with(query, json!({ "text": text })).await;
    let nodes = answer["search"]["nodes"].as_array().unwrap();
    nodes
        .iter()
        .filter_map(|node| Some(node["codename"].as_str()?.to_owned()))
        .collect()
}

/// What is wrong with the answer to a name, if something is.
async fn missed(api: &Api, name: &str, owners: &BTreeSet<String>) -> Option<String> {
    let found = found(api, name).await;
    let first: BTreeSet<String> = found.iter().take(owners.len()).cloned().collect();
    (first != *owners).then(|| format!("{name}: {owners:?} have it, found {found:?}"))
}

/// Words of names, such that names contain, continue and resemble one another.
const SERIES: [&str; 6] = ["Redmi", "Redmi Note", "POCO", "POCO F", "Mi", "Xiaomi"];
const MODELS: [&str; 6] = ["1", "10", "11", "11 T", "11T", "12C"];
const ENDINGS: [&str; 6] = ["", " Pro", " Pro 5G", " Pro+", " Ultra", " 4G"];
const BASES: [&str; 8] = [
    "sweet",
    "sweet_k6a",
    "sweetin",
    "moon",
    "moonstone",
    "olive",
    "alioth",
    "venus",
];

fn name() -> impl Strategy<Value = String> {
    let parts = (
        prop::sample::select(&SERIES[..]),
        prop::sample::select(&MODELS[..]),
        prop::sample::select(&ENDINGS[..]),
    );
    parts.prop_map(|(series, model, ending)| format!("{series} {model}{ending}"))
}

async fn made_up_names_find_their_devices_first(database: TestDatabase) {
    // each case adds devices to the catalogue, so that there are more and more to be kept apart
    let runtime = tokio::runtime::Handle::current();
    let strategy = prop::collection::vec(
        (
            prop::sample::select(&BASES[..]),
            prop::bool::ANY,
            prop::collection::vec(name(), 1..3),
        ),
        1..7,
    );
    let mut said: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let said = std::sync::Mutex::new((0, &mut said));
    let outcome = tokio::task::block_in_place(|| {
        runner(8).run(&strategy, |devices| {
            let mut said = said.lock().unwrap();
            let (case, said) = &mut *said;
            *case += 1;
            let (mut list, mut latest) = (String::new(), String::new());
            let mut seen = BTreeSet::new();
            let mut lines = Vec::new();
            for (base, is_global, names) in devices {
                let base = format!("c{case}{base}");
                let (codename, region) = if is_global { (format!("{base}_global"), "Global") } else { (base, "China") };
                if !seen.insert(codename.clone()) {
                    continue;
                }
                let label = format!("{} {region}", names.join(" / "));
                let code = codename.replace('_', "").to_uppercase();
                let _ = writeln!(list, "{codename}: ['{label}', '{code}']");
                let version = if is_global { "V12.5.4.0.RKHMIXM" } else { "V12.5.4.0.RKHCNXM" };
                let _ = writeln!(
                    latest,
                    "- branch: Stable\n  codename: {codename}\n  \
                     link: https://bigota.d.miui.com/{version}/{codename}_images_{version}_20210820.0000.00_11.0_{:010x}.tgz\n  \
                     method: Fastboot\n  name: {label}\n  version: {version}",
                    blake3::hash(codename.as_bytes()).as_bytes()[0]
                );
                lines.push((codename, label));
            }
            for (name, bases) in owners(lines.iter().map(|(codename, label)| (codename.as_str(), label.as_str()))) {
                said.entry(name).or_default().extend(bases);
            }
            runtime.block_on(async {
                let folder = TempDir::new().unwrap();
                tree(folder.path(), &[("data/devices.yml", &list), ("data/latest.yml", &latest)]);
                import::import(database.connection(), &[folder.path()]).await;
                let api = Api::over(&database).await;
                for (name, owners) in said.iter() {
                    for typed in [name.clone(), name.to_lowercase(), format!(" {} ", name.to_uppercase())] {
                        let missed = missed(&api, &typed, owners).await;
                        prop_assert!(missed.is_none(), "{}", missed.unwrap_or_default());
                    }
                }
                Ok(())
            })
        })
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

/// The newest state of the tracker's two files in the sample archive, where that is beside the project.
fn newest_of_tracker(folder: &Path) -> Option<String> {
    let archive = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../shared/corpus/tracker-history.tar.gz"
    ));
    let Ok(file) = File::open(archive) else {
        eprintln!("skipped: no sample archive beside the project");
        return None;
    };
    tar::Archive::new(flate2::read::GzDecoder::new(file))
        .unpack(folder)
        .unwrap();
    let states = std::fs::read_dir(folder).unwrap();
    states
        .map(|state| state.unwrap().file_name().into_string().unwrap())
        .max()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_name_of_the_tracker_finds_its_devices_first() {
    let folder = TempDir::new().unwrap();
    let Some(state) = newest_of_tracker(folder.path()) else {
        return;
    };
    let state = folder.path().join(state);
    let list = std::fs::read_to_string(state.join("data/devices.yml")).unwrap();
    on_sqlite(async |database| {
        import::import(database.connection(), &[&state]).await;
        let api = Api::over(&database).await;
        let known = api.ask("{ devices(first: 100) { nodes { codename } pageInfo { hasNextPage endCursor } } }").await;
        let mut known = known;
        let mut codenames: BTreeSet<String> = BTreeSet::new();
        loop {
            let page = &known["devices"];
            codenames.extend(page["nodes"].as_array().unwrap().iter().map(|node| node["codename"].as_str().unwrap().to_owned()));
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
            let query = "query($after: String) { devices(first: 100, after: $after) { nodes { codename } pageInfo { hasNextPage endCursor } } }";
            known = api.ask_with(query, json!({"after": page["pageInfo"]["endCursor"]})).await;
        }
        // label and ROM code by regional codename
        let lines: BTreeMap<String, Vec<String>> = serde_saphyr::from_str(&list).unwrap();
        let lines: Vec<(String, String)> = lines.into_iter().map(|(codename, mut told)| (codename, told.remove(0))).collect();
        let own = owners(lines.iter().map(|(codename, label)| (codename.as_str(), label.as_str())));
        let (mut asked, mut wrong) = (0, Vec::new());
        for (name, bases) in own {
            let bases: BTreeSet<String> = bases.intersection(&codenames).cloned().collect();
            if bases.is_empty() {
                continue;
            }
            asked += 1;
            wrong.extend(missed(&api, &name, &bases).await);
        }
        assert!(asked > 50);
        assert_eq!(wrong, Vec::<String>::new(), "of {asked} names");
    })
    .await;
}
