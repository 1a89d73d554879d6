//! The fields of the contract, over the seed page and the starter catalogue.

use romdex::catalog::Refreshed;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Api;
use crate::{
    import,
    support::{
        database::{TestDatabase, on_every_database},
        site::{CARD, Card, page, tree},
    },
};

on_every_database!(
    the_seed_page_is_answered_whole,
    one_value_stands_for_a_list_and_an_empty_list_matches_nothing,
    nodes_are_found_by_ids_that_outlive_a_database,
    wrong_arguments_are_named,
    a_package_is_found_by_name_digest_and_address,
    a_new_revision_is_seen_whole_by_the_next_operation,
    keys_keep_the_order_of_the_selection,
);

async fn seed(database: &TestDatabase) -> Api {
    let folder = TempDir::new().unwrap();
    tree(
        folder.path(),
        &[("pages/miui/updates/santoni/7.12.28.md", &import::seed_page())],
    );
    import::import(database.connection(), &[folder.path()]).await;
    Api::over(database).await
}

async fn the_seed_page_is_answered_whole(database: TestDatabase) {
    let api = seed(&database).await;
    let data = api
        .ask(
            r#"{ releases(filter: {device: "santoni", version: "7.12.28"}) { totalCount nodes {
                region branch version android releasedOn changelog { text sections { title entries } }
                variant { codename name romCode device { codename name names regions branches } }
                packages(orderBy: {field: SIZE, direction: ASC}) {
                    totalCount facets { type { value count } }
                    nodes { type filename size sizeIsApproximate md5 md5Prefix releasedOn builtOn downloadUrl mirrors }
                } } } }"#,
        )
        .await;
    let releases = data["releases"]["nodes"].as_array().unwrap();
    assert_eq!(data["releases"]["totalCount"], 2);
    let by_region = |region: &str| releases.iter().find(|release| release["region"] == region).unwrap();
    let (global, china) = (by_region("GLOBAL"), by_region("CHINA"));
    assert_eq!(global["branch"], "WEEKLY");
    assert_eq!(global["releasedOn"], "2017-12-28");
    assert_eq!(china["releasedOn"], "2017-12-27");
    assert_eq!(
        global["changelog"]["sections"],
        json!([{"title": "Lockscreen", "entries": ["Optimization - a second question before demo mode"]}])
    );
    assert_eq!(china["changelog"], Value::Null);
    assert_eq!(global["variant"]["codename"], "santoni_global");
    assert_eq!(global["variant"]["device"]["regions"], json!(["CHINA", "GLOBAL"]));
    assert_eq!(
        global["packages"],
        json!({
            "totalCount": 2,
            "facets": {"type": [{"value": "RECOVERY", "count": 1}, {"value": "FASTBOOT", "count": 1}]},
            "nodes": [
                {
                    "type": "RECOVERY", "filename": "miui_HM4XGlobal_7.12.28_540efd7cf5_7.1.zip", "size": 1_300_000_000,
                    "sizeIsApproximate": true, "md5": "540efd7cf5cbd00c7b53d6fe5ad50553", "md5Prefix": "540efd7cf5",
                    "releasedOn": "2017-12-28", "builtOn": null,
                    "downloadUrl": "https://bigota.d.miui.com/7.12.28/miui_HM4XGlobal_7.12.28_540efd7cf5_7.1.zip",
                    "mirrors": ["https://bigota.d.miui.com/7.12.28/miui_HM4XGlobal_7.12.28_540efd7cf5_7.1.zip"],
                },
                {
                    "type": "FASTBOOT", "filename": "santoni_global_images_7.12.28_20171228.0000.00_7.1_global_8f4f84af64.tgz",
                    "size": 1_800_000_000, "sizeIsApproximate": true, "md5": null, "md5Prefix": "8f4f84af64",
                    "releasedOn": "2017-12-28", "builtOn": "2017-12-28",
                    "downloadUrl": "https://bigota.d.miui.com/7.12.28/santoni_global_images_7.12.28_20171228.0000.00_7.1_global_8f4f84af64.tgz",
                    "mirrors": ["https://bigota.d.miui.com/7.12.28/santoni_global_images_7.12.28_20171228.0000.00_7.1_global_8f4f84af64.tgz"],
                },
            ],
        })
    );
}

async fn one_value_stands_for_a_list_and_an_empty_list_matches_nothing(database: TestDatabase) {
    let api = seed(&database).await;
    for (filter, count) in [
        (json!({}), 4),
        (json!({"region": "GLOBAL"}), 2),
        (json!({"region": ["GLOBAL", "CHINA"]}), 4),
        (json!({"region": "EEA"}), 0),
        (json!({"region": []}), 0),
        (json!({"region": null}), 4),
        (json!({"device": "SANTONI"}), 4),
        (json!({"device": "santoni_global", "type": "FASTBOOT"}), 1),
        (json!({"device": ["no_such", "Santoni_Global"]}), 2),
        (json!({"android": "7"}), 4),
        (json!({"android": "7.0"}), 0),
        (json!({"versionPrefix": "7.12."}), 4),
        (json!({"releasedOn": {"from": "2017-12-28", "to": "2017-12-28"}}), 3),
        (json!({"releasedOn": {"to": "2017-12-27"}}), 1),
        (json!({"md5Known": false}), 2),
        (json!({"sizeKnown": true}), 4),
        (json!({"hasDerived": true}), 0),
    ] {
        let data = api
            .ask_with(
                "query($filter: PackageFilter) { packages(filter: $filter) { totalCount nodes { id } } }",
                json!({"filter": filter}),
            )
            .await;
        assert_eq!(data["packages"]["totalCount"], count, "{filter}");
        assert_eq!(data["packages"]["nodes"].as_array().unwrap().len(), count, "{filter}");
    }
    let data = api
        .ask("{ packages(filter: {region: GLOBAL, type: [FASTBOOT]}) { totalCount } }")
        .await;
    assert_eq!(data["packages"]["totalCount"], 1);
}

async fn nodes_are_found_by_ids_that_outlive_a_database(database: TestDatabase) {
    let api = seed(&database).await;
    let data = api
        .ask(r#"{ device(codename: "Santoni") { id variants(region: GLOBAL) { id } releases(first: 1) { nodes { id packages(first: 1) { nodes { id } } } } } }"#)
        .await;
    let device = &data["device"];
    let ids = json!([
        device["id"],
        device["variants"][0]["id"],
        device["releases"]["nodes"][0]["id"],
        device["releases"]["nodes"][0]["packages"]["nodes"][0]["id"],
        "nonsense",
    ]);
    let data = api
        .ask_with(
            "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }",
            json!({"ids": ids}),
        )
        .await;
    let nodes = data["nodes"].as_array().unwrap();
    let types: Vec<&str> = nodes.iter().filter_map(|node| node["__typename"].as_str()).collect();
    assert_eq!(types, ["Device", "Variant", "Release", "Package"]);
    assert_eq!(nodes[4], Value::Null);
    for (node, id) in nodes.iter().zip(ids.as_array().unwrap()).take(4) {
        assert_eq!(node["id"], *id);
    }
    // The id of a variant of Redmi 4X, as any copy of the catalogue gives it.
    let data = api
        .ask(r#"{ node(id: "dmFyaWFudDpzYW50b25pX2dsb2JhbA") { ... on Variant { codename } } }"#)
        .await;
    assert_eq!(data["node"]["codename"], "santoni_global");
}

async fn wrong_arguments_are_named(database: TestDatabase) {
    let api = seed(&database).await;
    let cursor = api
        .ask("{ packages(orderBy: {field: SIZE}) { pageInfo { endCursor } } }")
        .await;
    let of_sizes = cursor["packages"]["pageInfo"]["endCursor"].as_str().unwrap().to_owned();
    for (query, argument) in [
        ("{ packages(first: 1, last: 1) { totalCount } }".to_owned(), "last"),
        ("{ packages(last: -1) { totalCount } }".to_owned(), "last"),
        (r#"{ packages(after: "garbage") { totalCount } }"#.to_owned(), "after"),
        (
            format!(r#"{{ packages(after: "{of_sizes}") {{ totalCount }} }}"#),
            "after",
        ),
        (
            format!(r#"{{ releases(before: "{of_sizes}") {{ totalCount }} }}"#),
            "before",
        ),
        (r#"{ package(by: {md5: "540efd"}) { id } }"#.to_owned(), "by.md5"),
    ] {
        assert_eq!(
            api.refusal(&query).await,
            ("BAD_USER_INPUT".to_owned(), argument.to_owned()),
            "{query}"
        );
    }
}

async fn a_package_is_found_by_name_digest_and_address(database: TestDatabase) {
    let api = seed(&database).await;
    let filename = "miui_HM4XGlobal_7.12.28_540efd7cf5_7.1.zip";
    for by in [
        json!({"filename": filename}),
        json!({"md5": "540EFD7CF5CBD00C7B53D6FE5AD50553"}),
        json!({"md5": "540efd7cf5"}),
        json!({"url": format!("http://hugeota.d.miui.com/7.12.28/{filename}")}),
        json!({"url": format!("https://example.org/files/{filename}/download?ts=1")}),
    ] {
        let data = api
            .ask_with(
                "query($by: PackageBy!) { package(by: $by) { filename } }",
                json!({"by": by}),
            )
            .await;
        assert_eq!(data["package"]["filename"], filename, "{by}");
    }
    for by in [
        json!({"filename": "no"}),
        json!({"md5": "00000000000000000000000000000000"}),
        json!({"url": ""}),
    ] {
        let data = api
            .ask_with(
                "query($by: PackageBy!) { package(by: $by) { filename } }",
                json!({"by": by}),
            )
            .await;
        assert_eq!(data["package"], Value::Null, "{by}");
    }
}

async fn a_new_revision_is_seen_whole_by_the_next_operation(database: TestDatabase) {
    let api = seed(&database).await;
    assert_eq!(api.catalog.refresh().await.unwrap(), Refreshed::Unchanged);
    let before = api.catalog.snapshot();
    let folder = TempDir::new().unwrap();
    let newer = Card {
        version: "8.1.4",
        filename: "miui_HM4XGlobal_8.1.4_0123456789_7.1.zip",
        date: "2018-01-04",
        ..CARD
    };
    tree(
        folder.path(),
        &[(
            "pages/miui/updates/santoni/8.1.4.md",
            &page("miui", "santoni", "8.1.4", &[newer]),
        )],
    );
    import::import(database.connection(), &[folder.path()]).await;
    let query = "{ catalog { revision packageCount releaseCount deviceCount newestReleaseOn updatedAt sources { name importedAt } } }";
    assert_eq!(api.ask(query).await["catalog"]["packageCount"], 4);
    assert!(matches!(api.catalog.refresh().await.unwrap(), Refreshed::Loaded { .. }));
    let catalog = api.ask(query).await;
    assert_eq!(catalog["catalog"]["packageCount"], 5);
    assert_eq!(catalog["catalog"]["newestReleaseOn"], "2018-01-04");
    assert_eq!(catalog["catalog"]["updatedAt"], "2026-08-22T18:14:11Z");
    assert_eq!(before.packages().len(), 4);
    let data = api
        .ask(r#"{ release(variant: "santoni_global", version: "7.12.28") { previous { version } next { version previous { version } next { version } } } }"#)
        .await;
    assert_eq!(
        data["release"],
        json!({"previous": null, "next": {"version": "8.1.4", "previous": {"version": "7.12.28"}, "next": null}})
    );
}

async fn keys_keep_the_order_of_the_selection(database: TestDatabase) {
    let api = seed(&database).await;
    let data = api
        .ask("{ releases { nodes { changelog { text } version id } totalCount } catalog { sources { name } revision } device(codename: \"santoni\") { id } }")
        .await;
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&data), ["releases", "catalog", "device"]);
    assert_eq!(keys(&data["releases"]["nodes"][0]), ["changelog", "version", "id"]);
    assert_eq!(keys(&data["catalog"]), ["sources", "revision"]);
}
