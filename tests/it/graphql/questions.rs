//! Update check, search, newest packages and the change log, over a few pages.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::Api;
use crate::{
    import,
    support::{
        database::{TestDatabase, on_every_database},
        server::TestServer,
        site::{CARD, Card, firmware_entry, page, tree},
    },
};

on_every_database!(
    a_phone_learns_what_is_newer_and_how_to_get_there,
    search_finds_what_a_text_may_mean_page_by_page,
    the_newest_packages_are_listed_by_variant_branch_and_type,
    a_bot_follows_the_change_log_by_its_cursor,
    firmware_and_its_rom_refer_to_one_another,
    what_is_left_can_be_asked_for,
);

const EEA: Card = Card {
    label: "POCO F3 EEA",
    codename: "alioth",
    version: "V12.5.4.0.RKHEUXM",
    branch: "Stable",
    size: "2.8 GB",
    date: "2021-10-01",
    filename: "miui_ALIOTHEEAGlobal_V12.5.4.0.RKHEUXM_0123456789_11.0.zip",
    ..CARD
};
const NEWER: Card = Card {
    version: "V12.5.5.0.RKHEUXM",
    date: "2021-11-01",
    filename: "miui_ALIOTHEEAGlobal_V12.5.5.0.RKHEUXM_1123456789_11.0.zip",
    incrementals: &[
        "https://bigota.d.miui.com/V12.5.5.0.RKHEUXM/miui-blockota-alioth_eea_global-V12.5.4.0.RKHEUXM-V12.5.5.0.RKHEUXM-2123456789-11.0.zip",
    ],
    ..EEA
};
const CHINA: Card = Card {
    label: "Redmi K40 China",
    version: "V12.5.6.0.RKHCNXM",
    date: "2021-09-01",
    filename: "miui_ALIOTH_V12.5.6.0.RKHCNXM_3123456789_11.0.zip",
    ..EEA
};
const FASTBOOT: Card = Card {
    method: "Fastboot",
    date: "2021-08-20",
    filename: "alioth_images_V12.5.6.0.RKHCNXM_20210820.0000.00_11.0_cn_4123456789.tgz",
    ..CHINA
};

async fn alioth(database: &TestDatabase) -> Api {
    take_in(database, &[EEA, NEWER, CHINA, FASTBOOT]).await;
    Api::over(database).await
}

async fn take_in(database: &TestDatabase, cards: &[Card]) {
    let folder = TempDir::new().unwrap();
    tree(
        folder.path(),
        &[("pages/miui/updates/alioth/1.md", &page("miui", "alioth", "1", cards))],
    );
    import::import(database.connection(), &[folder.path()]).await;
}

async fn a_phone_learns_what_is_newer_and_how_to_get_there(database: TestDatabase) {
    let api = alioth(&database).await;
    let query = "query($input: UpdateCheckInput!) { updateCheck(input: $input) {
        status variant { codename } installed { version } latest { version } releases { version } packages { filename } path { baseVersion } } }";
    let check = |codename: &str, version: &str| json!({"input": {"codename": codename, "version": version}});
    let answer = api.ask_with(query, check("alioth", "V12.5.4.0.RKHEUXM")).await;
    assert_eq!(
        answer["updateCheck"],
        json!({
            "status": "UPDATE_AVAILABLE",
            "variant": {"codename": "alioth_eea_global"},
            "installed": {"version": "V12.5.4.0.RKHEUXM"},
            "latest": {"version": "V12.5.5.0.RKHEUXM"},
            "releases": [{"version": "V12.5.5.0.RKHEUXM"}],
            "packages": [{"filename": NEWER.filename}],
            "path": [{"baseVersion": "V12.5.4.0.RKHEUXM"}],
        })
    );
    let current = api
        .ask_with(query, check("alioth_eea_global", "V12.5.5.0.RKHEUXM"))
        .await;
    assert_eq!(current["updateCheck"]["status"], "UP_TO_DATE");
    assert_eq!(current["updateCheck"]["path"], json!([]));
    let unknown = api.ask_with(query, check("alioth", "V12.5.3.0.RKHEUXM")).await;
    assert_eq!(unknown["updateCheck"]["status"], "UNKNOWN_BUILD");
    assert_eq!(
        api.ask_with(query, check("nothing", "V1.0")).await["updateCheck"],
        Value::Null
    );
    let refused = api.answer(query, check("alioth", "no version")).await;
    assert_eq!(refused["errors"][0]["extensions"]["argument"], "input.version");
    let path = api
        .ask(r#"{ variant(codename: "alioth_eea_global") { updatePath(from: "V12.5.4.0.RKHEUXM", to: "V12.5.5.0.RKHEUXM") { type } back: updatePath(from: "V12.5.5.0.RKHEUXM", to: "V12.5.4.0.RKHEUXM") { type } } }"#)
        .await;
    assert_eq!(
        path["variant"],
        json!({"updatePath": [{"type": "INCREMENTAL"}], "back": null})
    );
}

async fn search_finds_what_a_text_may_mean_page_by_page(database: TestDatabase) {
    let api = alioth(&database).await;
    let query = "query($text: String!, $first: Int, $after: String) { search(query: $text, first: $first, after: $after) {
        totalCount pageInfo { hasNextPage endCursor } edges { score node { __typename
            ... on Device { codename } ... on Variant { codename } ... on Release { version } ... on Package { filename } } } } }";
    let whole = api.ask_with(query, json!({"text": "alioth"})).await;
    let edges = whole["search"]["edges"].as_array().unwrap();
    assert_eq!(
        edges[0],
        json!({"score": 1.0, "node": {"__typename": "Device", "codename": "alioth"}})
    );
    let (mut found, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = api
            .ask_with(query, json!({"text": "alioth", "first": 1, "after": after}))
            .await;
        found.extend(page["search"]["edges"].as_array().unwrap().clone());
        after = page["search"]["pageInfo"]["endCursor"].clone();
        if page["search"]["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(&found, edges);
    for (text, node) in [
        (
            "poco f3 eea",
            json!({"__typename": "Variant", "codename": "alioth_eea_global"}),
        ),
        (
            "KHEU",
            json!({"__typename": "Variant", "codename": "alioth_eea_global"}),
        ),
        (
            "V12.5.6.0.RKHCNXM",
            json!({"__typename": "Release", "version": "V12.5.6.0.RKHCNXM"}),
        ),
        (
            "3123456789",
            json!({"__typename": "Package", "filename": CHINA.filename}),
        ),
    ] {
        let answer = api.ask_with(query, json!({"text": text})).await;
        assert_eq!(answer["search"]["edges"][0]["node"], node, "{text}");
    }
    assert_eq!(
        api.refusal(&format!(
            "{{ search(query: \"{}\") {{ totalCount }} }}",
            "a".repeat(501)
        ))
        .await
        .1,
        "query"
    );
}

async fn the_newest_packages_are_listed_by_variant_branch_and_type(database: TestDatabase) {
    let api = alioth(&database).await;
    let query = "query($filter: PackageFilter, $first: Int, $after: String, $last: Int, $before: String) {
        latestPackages(filter: $filter, first: $first, after: $after, last: $last, before: $before) {
            totalCount facets { region { value count } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } nodes { filename } } }";
    let names = |answer: &Value| {
        let nodes = answer["latestPackages"]["nodes"].as_array().unwrap();
        nodes
            .iter()
            .map(|node| node["filename"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let all = api.ask_with(query, json!({})).await;
    assert_eq!(names(&all), [CHINA.filename, FASTBOOT.filename, NEWER.filename]);
    assert_eq!(
        all["latestPackages"]["facets"]["region"],
        json!([{"value": "CHINA", "count": 2}, {"value": "EEA", "count": 1}])
    );
    let first = api.ask_with(query, json!({"first": 2})).await;
    let cursor = &first["latestPackages"]["pageInfo"]["endCursor"];
    assert_eq!(
        names(&api.ask_with(query, json!({"first": 2, "after": cursor})).await),
        [NEWER.filename]
    );
    assert_eq!(
        names(&api.ask_with(query, json!({"last": 1, "before": cursor})).await),
        [CHINA.filename]
    );
    let incremental = api.ask_with(query, json!({"filter": {"type": "INCREMENTAL"}})).await;
    assert_eq!(incremental["latestPackages"]["totalCount"], 1);
    let older = api
        .ask_with(
            query,
            json!({"filter": {"releasedOn": {"to": "2021-10-15"}, "region": "EEA"}}),
        )
        .await;
    assert_eq!(names(&older), [EEA.filename]);
    let device = api.ask(r#"{ device(codename: "alioth") { latestPackages(filter: {type: RECOVERY}, by: VERSION) { filename } siblings { codename } } }"#).await;
    assert_eq!(
        device["device"]["latestPackages"],
        json!([{"filename": CHINA.filename}, {"filename": NEWER.filename}])
    );
}

async fn a_bot_follows_the_change_log_by_its_cursor(database: TestDatabase) {
    take_in(&database, &[EEA, CHINA]).await;
    let api = Api::over(&database).await;
    let query = "query($filter: ChangeFilter, $first: Int, $after: String) { changes(filter: $filter, first: $first, after: $after) {
        pageInfo { hasNextPage endCursor } nodes { kind at subject { __typename ... on Device { codename } ... on Release { version } ... on Package { filename } } } } }";
    let (mut seen, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = api.ask_with(query, json!({"first": 2, "after": after})).await;
        seen.extend(page["changes"]["nodes"].as_array().unwrap().clone());
        after = page["changes"]["pageInfo"]["endCursor"].clone();
        if page["changes"]["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    let kinds: Vec<&str> = seen.iter().filter_map(|change| change["kind"].as_str()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "DEVICE_ADDED").count(), 1);
    assert_eq!(kinds.iter().filter(|kind| **kind == "PACKAGE_ADDED").count(), 2);
    assert_eq!(
        seen[0]["subject"],
        json!({"__typename": "Device", "codename": "alioth"})
    );
    assert_eq!(seen[0]["at"], "2026-08-22T18:14:11Z");
    // Nothing new: the cursor stays where it is.
    let idle = api.ask_with(query, json!({"after": after})).await;
    assert_eq!(idle["changes"]["nodes"], json!([]));
    assert_eq!(idle["changes"]["pageInfo"]["endCursor"], after);
    take_in(&database, &[NEWER]).await;
    // What a new revision brought is told when that revision is served.
    assert_eq!(
        api.ask_with(query, json!({"after": after})).await["changes"]["nodes"],
        json!([])
    );
    api.catalog.refresh().await.unwrap();
    let eea = api
        .ask_with(
            query,
            json!({"after": after, "filter": {"region": "EEA", "kind": ["PACKAGE_ADDED"], "type": "RECOVERY"}}),
        )
        .await;
    assert_eq!(eea["changes"]["nodes"][0]["subject"]["filename"], NEWER.filename);
    assert_eq!(eea["changes"]["nodes"].as_array().unwrap().len(), 1);
    let china = api
        .ask_with(query, json!({"after": after, "filter": {"region": "CHINA"}}))
        .await;
    assert_eq!(china["changes"]["nodes"], json!([]));
}

async fn firmware_and_its_rom_refer_to_one_another(database: TestDatabase) {
    let folder = TempDir::new().unwrap();
    let firmware = "fw_alioth_miui_ALIOTHEEAGlobal_V12.5.4.0.RKHEUXM_0123456789_11.0.zip";
    let pages = page("miui", "alioth", "1", &[EEA]);
    let entry = firmware_entry(firmware, "V12.5.4.0.RKHEUXM", "EEA");
    tree(
        folder.path(),
        &[
            ("pages/miui/updates/alioth/1.md", &pages),
            ("data/devices/full/alioth.yml", &entry),
        ],
    );
    import::import(database.connection(), &[folder.path()]).await;
    let api = Api::over(&database).await;
    let data = api
        .ask("{ packages(orderBy: {field: VERSION, direction: ASC}) { nodes { type filename source { filename } derived { filename } downloadUrl mirrors pageUrl } } }")
        .await;
    let nodes = data["packages"]["nodes"].as_array().unwrap();
    let of = |r#type: &str| nodes.iter().find(|node| node["type"] == r#type).unwrap();
    assert_eq!(of("FIRMWARE")["source"]["filename"], EEA.filename);
    assert_eq!(of("RECOVERY")["derived"], json!([{"filename": firmware}]));
    assert_eq!(of("RECOVERY")["source"], Value::Null);
    assert_eq!(
        of("FIRMWARE")["mirrors"],
        json!([format!("https://github.com/example/releases/download/{firmware}")])
    );
    assert_eq!(of("FIRMWARE")["downloadUrl"], of("FIRMWARE")["mirrors"][0]);
    let with_firmware = api
        .ask("{ packages(filter: {hasDerived: true}) { nodes { filename } } }")
        .await;
    assert_eq!(with_firmware["packages"]["nodes"], json!([{"filename": EEA.filename}]));
}

async fn what_is_left_can_be_asked_for(database: TestDatabase) {
    let server = TestServer::start(&database).await;
    let query = "{ serviceConfig { rateLimit { capacity refillPerSecond } } \
                 rateLimit { cost limit remaining refillPerSecond resetAt } }";
    let data = server.query(query).await;
    assert_eq!(
        data["serviceConfig"]["rateLimit"],
        json!({ "capacity": 1_200_000, "refillPerSecond": 20_000 })
    );
    let left = &data["rateLimit"];
    assert_eq!(
        (&left["cost"], &left["limit"]),
        (&json!(10), &json!(1_200_000)),
        "{left}"
    );
    assert!(left["remaining"].as_u64().unwrap() > 1_199_000);
    assert!(left["resetAt"].as_str().unwrap().ends_with('Z'), "{left}");
}
