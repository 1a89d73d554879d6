//! Every operation of `operations/` answers what its users ask, within the limits, over the starter catalogue.

use std::{collections::BTreeMap, fs, path::Path};

use romdex::import::{self, Options, Writing, source::Bounds};
use serde_json::{Value, json};

use super::Api;
use crate::support::database::{TestDatabase, on_every_database};

on_every_database!(every_operation_answers_its_question);

const EEA: &str = "alioth_eea_global";
const RECOVERY: &str = "miui_ALIOTHEEAGlobal_V14.0.9.0.TKHEUXM_9e74ef6f25_13.0.zip";

#[expect(clippy::too_many_lines, reason = "a table")]
/// Each operation's variables, and a place in its answer that is not empty; for a list, its first item is there.
pub fn questions() -> Vec<(&'static str, Value, &'static str)> {
    let alioth = json!({"codename": "alioth"});
    let release = json!({"variant": EEA, "version": "V14.0.9.0.TKHEUXM"});
    let both = |other: Value| {
        let mut variables = release.clone();
        variables
            .as_object_mut()
            .unwrap()
            .extend(other.as_object().unwrap().clone());
        variables
    };
    vec![
        (
            "newest-by-variant",
            alioth.clone(),
            "/device/variants/0/latestPackages/0/mirrors/0",
        ),
        (
            "newest-by-variant",
            json!({"codename": "alioth", "type": "FASTBOOT"}),
            "/device/variants/0/latestPackages/0/filename",
        ),
        (
            "version-by-variant",
            alioth.clone(),
            "/device/variants/0/latestPackages/0/release/version",
        ),
        (
            "history",
            json!({"codename": "alioth", "os": ["HYPEROS"]}),
            "/device/releases/nodes/0/version",
        ),
        ("firmware", alioth.clone(), "/device/newest/0/downloadUrl"),
        (
            "firmware",
            json!({"codename": "beryllium", "type": "VENDOR"}),
            "/device/history/nodes/0/filename",
        ),
        ("market-names", alioth.clone(), "/device/names/1"),
        ("devices-by-name", json!({"text": "poco"}), "/devices/nodes/0/codename"),
        ("as-you-type", json!({"text": "ali"}), "/search/edges/0/node/codename"),
        ("is-it-a-codename", json!({"text": "ALIOTH"}), "/device/codename"),
        (
            "newer-than-seen",
            json!({"codename": "alioth", "since": "2023-01-01"}),
            "/releases/nodes/0/version",
        ),
        (
            "incrementals-into",
            release.clone(),
            "/release/packages/nodes/0/baseVersion",
        ),
        ("changelog-of", release.clone(), "/release/version"),
        ("status", json!({}), "/packages/facets/type/4/count"),
        (
            "identify",
            json!({"text": "ALIOTHPRE"}),
            "/search/edges/0/node/codename",
        ),
        ("identify", json!({"text": "KHEU"}), "/search/edges/0/node/codename"),
        (
            "identify",
            json!({"text": format!("https://example.org/{RECOVERY}")}),
            "/search/edges/0/node/filename",
        ),
        (
            "package-by-filename",
            json!({"filename": RECOVERY}),
            "/package/release/version",
        ),
        ("package-by-md5", json!({"md5": "9e74ef6f25"}), "/package/filename"),
        (
            "package-of",
            both(json!({"type": "RECOVERY"})),
            "/release/packages/nodes/0/mirrors/0",
        ),
        (
            "newest-release",
            json!({"variant": EEA}),
            "/variant/releases/nodes/0/version",
        ),
        ("newest-of-everything", json!({}), "/latestPackages/nodes/99/filename"),
        ("name-of-variant", json!({"variant": EEA}), "/variant/romCode"),
        (
            "post",
            json!({"filename": RECOVERY}),
            "/package/release/packages/nodes/0/filename",
        ),
        (
            "history-by-variant",
            alioth.clone(),
            "/device/variants/0/releases/nodes/0/version",
        ),
        ("incomplete", json!({}), "/withoutSize/nodes/0/filename"),
        ("without-firmware", json!({}), "/packages/nodes/0/filename"),
        (
            "devices-of-category",
            json!({"os": ["HYPEROS"]}),
            "/devices/nodes/0/name",
        ),
        (
            "version-page",
            json!({"codename": "santoni", "version": "7.12.28"}),
            "/releases/nodes/1/packages/nodes/1/filename",
        ),
        (
            "newest-table",
            json!({"filter": {"branch": "STABLE", "region": ["EEA", "GLOBAL"], "type": "RECOVERY"}, "orderBy": {"field": "SIZE"}}),
            "/packages/edges/0/cursor",
        ),
        ("generation", json!({"prefix": "OS2."}), "/releases/nodes/0/version"),
        ("newest-uploads", json!({}), "/packages/nodes/6/filename"),
        ("newest-firmware", json!({}), "/latestPackages/nodes/0/downloadUrl"),
        (
            "check-for-update",
            json!({"codename": "alioth", "version": "V14.0.9.0.TKHEUXM"}),
            "/updateCheck/latest/version",
        ),
        (
            "five-newest",
            json!({"text": "poco f3"}),
            "/search/edges/0/node/releases/nodes/4/version",
        ),
        (
            "matrix",
            alioth.clone(),
            "/device/variants/0/releases/nodes/0/packages/nodes/0/type",
        ),
        (
            "releases-of-period",
            json!({"from": "2024-01-01", "to": "2024-12-31"}),
            "/releases/nodes/0/version",
        ),
        (
            "side-by-side",
            both(json!({"otherVariant": "alioth_global", "otherVersion": "OS1.0.5.0.TKHMIXM"})),
            "/other/version",
        ),
        (
            "update-path",
            json!({"variant": EEA, "from": "V14.0.7.0.TKHEUXM", "to": "V14.0.9.0.TKHEUXM"}),
            "/variant/updatePath/0/filename",
        ),
        (
            "devices-with-android",
            json!({"android": ["13"]}),
            "/latestPackages/nodes/0/device/codename",
        ),
        ("siblings", json!({"codename": "alioth"}), "/device/codename"),
        ("security-patch", json!({"since": "2024-01-01"}), "/releases/totalCount"),
        (
            "rom-and-firmware",
            json!({"filename": "miui_ALIOTHPRE_22.3.23_36ab9c843e_12.0.zip"}),
            "/package/derived/0/filename",
        ),
        (
            "changes-since",
            json!({"filter": {"device": "alioth", "kind": "PACKAGE_ADDED"}}),
            "/changes/nodes/0/subject/filename",
        ),
        ("age", json!({}), "/catalog/sources/0/name"),
        ("everything", json!({}), "/packages/nodes/99/filename"),
    ]
}

pub fn operations() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("operations");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files
        .map(|path| {
            (
                path.file_stem().unwrap().to_str().unwrap().to_owned(),
                fs::read_to_string(&path).unwrap(),
            )
        })
        .collect()
}

/// Fills a database with the catalogue that comes with the program.
pub async fn starter(database: &TestDatabase) {
    let options = Options {
        bounds: Bounds {
            document: 1 << 20,
            unpacked: 64 << 20,
            files: 100_000,
        },
        parsers: 2,
        writing: Writing::Commit,
        now: "2026-08-22T18:14:11Z".parse().unwrap(),
    };
    import::load_starter(database.connection(), options).await.unwrap();
}

async fn every_operation_answers_its_question(database: TestDatabase) {
    starter(&database).await;
    let api = Api::over(&database).await;
    let mut operations = operations();
    let mut unasked: Vec<String> = operations.keys().cloned().collect();
    for (name, variables, place) in questions() {
        let document = operations
            .get_mut(name)
            .unwrap_or_else(|| panic!("operations/{name}.graphql is missing"));
        let data = api.ask_with(document, variables.clone()).await;
        assert!(
            data.pointer(place).is_some_and(|value| !value.is_null()),
            "{name} {variables}: nothing at {place} of {data}"
        );
        unasked.retain(|other| other != name);
    }
    assert_eq!(unasked, Vec::<String>::new(), "operations that no question tests");
}
