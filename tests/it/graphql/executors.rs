//! Operations that need memory alone and operations that wait for something are run by different executors: their
//! answers are alike to the byte.

use apollo_compiler::ast::{Definition, Document};
use romdex::graphql::service::Incoming;
use serde_json::{Value, json, value::to_raw_value};

use super::{Api, operations};
use crate::support::database::{TestDatabase, on_every_database};

on_every_database!(
    both_executors_answer_alike,
    a_failed_field_leaves_null_at_the_nearest_place_that_may_be_null,
    keys_are_in_the_order_of_what_is_left_of_the_selection,
);

/// A field that waits for the database, under a key of its own.
const WAITING: &str = "{ waiting: catalog { sources { name } } }";

/// The same document with a field at its end that waits.
fn waiting(document: &str) -> String {
    let mut parsed = Document::parse(document, "document.graphql").unwrap();
    let more = Document::parse(WAITING, "waiting.graphql").unwrap();
    let Some(Definition::OperationDefinition(more)) = more.definitions.first() else {
        panic!("the field is an operation")
    };
    for definition in &mut parsed.definitions {
        if let Definition::OperationDefinition(operation) = definition {
            operation
                .make_mut()
                .selection_set
                .extend(more.selection_set.iter().cloned());
        }
    }
    parsed.to_string()
}

async fn text(api: &Api, document: &str, variables: &Value) -> String {
    let incoming = Incoming {
        query: Some(document.to_owned()),
        variables: Some(to_raw_value(variables).unwrap()),
        ..Incoming::default()
    };
    String::from_utf8(api.service.execute(incoming).await.body.to_vec()).unwrap()
}

/// The answer from memory, and the same from the executor that waits, without what it waited for.
async fn both(api: &Api, document: &str, variables: &Value) -> (String, String) {
    // printed again, so that places in errors are the same
    let printed = Document::parse(document, "document.graphql").unwrap().to_string();
    let from_memory = text(api, &printed, variables).await;
    let waited = text(api, &waiting(document), variables).await;
    let mut waited: Value = serde_json::from_str(&waited).unwrap();
    if let Some(data) = waited["data"].as_object_mut() {
        assert!(data.shift_remove("waiting").is_some(), "{document} did not wait");
    }
    (from_memory, waited.to_string())
}

const FRAGMENTS: &str = r#"
    query($yes: Boolean! = true, $no: Boolean! = false, $size: Int, $filter: PackageFilter, $regions: [Region!]) {
        __typename
        first: device(codename: "alioth") { ...Named ...Listed codename kind: __typename }
        second: device(codename: "alioth_eea_global") {
            variants(region: $regions) { codename @include(if: $no) region @skip(if: $no) device { codename } }
            variants(region: $regions) { device { name } ... @include(if: $yes) { romCode } }
            siblings { codename siblings { codename } }
            latestPackages(filter: {branch: [STABLE], type: RECOVERY}, by: VERSION) { filename size md5 builtOn mirrors pageUrl }
        }
        none: device(codename: "no such") { id }
        packages(filter: $filter, first: $size, orderBy: {field: SIZE}) {
            totalCount
            facets { os { value count } branch { value count } region { value count } type { value count } }
            edges { cursor node { __typename id ...OfPackage } }
            pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        }
        search(query: "alioth", first: 5) {
            totalCount
            edges { cursor score node { __typename ... on Device { label: codename } ... on Node { id } ...OfPackage ... on Release { version } } }
            nodes { ... on Variant { codename } }
        }
        nodes(ids: ["nonsense", "ZGV2aWNlOmFsaW90aA", "dmFyaWFudDphbGlvdGhfZWVhX2dsb2JhbA"]) { id ... on Device { names } ...Listed }
        empty: nodes(ids: ["ZGV2aWNlOmFsaW90aA"]) { ... on Package { filename } }
        serviceConfig { limits { cost nodes } }
    }
    fragment Named on Device { id name ...Again }
    fragment Again on Device { names releases(first: 1) { nodes { version } } }
    fragment Listed on Device { releases(first: 1) { nodes { branch os packages(last: 2) { nodes { ...OfPackage } } } totalCount } regions branches }
    fragment OfPackage on Package { filename type region release { android releasedOn securityPatch previous { version } next { version } } derived { filename } source { filename } sizeIsApproximate downloadUrl md5Prefix }
"#;

async fn both_executors_answer_alike(database: TestDatabase) {
    operations::starter(&database).await;
    let api = Api::over(&database).await;
    let mut documents = Vec::new();
    for (name, variables, _) in operations::questions() {
        documents.push((operations::operations().remove(name).unwrap(), variables));
    }
    for variables in [
        json!({}),
        json!({"yes": false, "no": true, "size": 3, "regions": "EEA"}),
        json!({"size": 2, "filter": {"region": ["EEA", "INDIA"], "sizeKnown": true}, "regions": []}),
    ] {
        documents.push((FRAGMENTS.to_owned(), variables));
    }
    for (document, variables) in documents {
        let (from_memory, waited) = both(&api, &document, &variables).await;
        assert_eq!(from_memory, waited, "{document} {variables}");
        assert!(from_memory.starts_with("{\"data\":{"), "{from_memory}");
    }
}

async fn a_failed_field_leaves_null_at_the_nearest_place_that_may_be_null(database: TestDatabase) {
    operations::starter(&database).await;
    let api = Api::over(&database).await;
    let fails = "releases(after: \"garbage\") { totalCount }";
    for (document, data, paths) in [
        (
            format!("{{ a: catalog {{ revision }} {fails} }}"),
            json!(null),
            json!([["releases"]]),
        ),
        (
            format!(
                "{{ device(codename: \"alioth\") {{ name {fails} }} catalog {{ packageCount @skip(if: true) __typename }} }}"
            ),
            json!({"device": null, "catalog": {"__typename": "Catalog"}}),
            json!([["device", "releases"]]),
        ),
        (
            format!("{{ devices(first: 2) {{ nodes {{ {fails} }} }} }}"),
            json!(null),
            json!([["devices", "nodes", 0, "releases"]]),
        ),
        (
            format!(
                "{{ nodes(ids: [\"ZGV2aWNlOmFsaW90aA\", \"x\", \"dmFyaWFudDphbGlvdGhfZWVhX2dsb2JhbA\"]) {{ id ... on Device {{ {fails} }} ... on Variant {{ codename }} }} }}"
            ),
            json!({"nodes": [null, null, {"id": "dmFyaWFudDphbGlvdGhfZWVhX2dsb2JhbA", "codename": "alioth_eea_global"}]}),
            json!([["nodes", 0, "releases"]]),
        ),
        (
            format!(
                "{{ first: device(codename: \"alioth\") {{ {fails} }} second: device(codename: \"alioth\") {{ codename x: {fails} }} }}"
            ),
            json!({"first": null, "second": null}),
            json!([["first", "releases"], ["second", "x"]]),
        ),
    ] {
        let (from_memory, waited) = both(&api, &document, &json!({})).await;
        let answer: Value = serde_json::from_str(&from_memory).unwrap();
        let waited: Value = serde_json::from_str(&waited).unwrap();
        assert_eq!(answer["data"], data, "{document}");
        assert_eq!(answer["data"], waited["data"], "{document}");
        // what would be null anyway is not looked at further
        assert_eq!(answer["errors"][0], waited["errors"][0], "{document}");
        let found: Vec<&Value> = answer["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| &error["path"])
            .collect();
        assert_eq!(json!(found), paths, "{document}");
        assert_eq!(answer["errors"][0]["extensions"]["argument"], "after", "{document}");
    }
}

async fn keys_are_in_the_order_of_what_is_left_of_the_selection(database: TestDatabase) {
    operations::starter(&database).await;
    let api = Api::over(&database).await;
    let document = "query($off: Boolean!) {
        catalog { revision @skip(if: $off) __typename revision }
        __schema { queryType { name } }
        last: catalog { ... on Catalog @include(if: $off) { __typename } revision __typename }
    }";
    for (off, expected) in [
        (
            false,
            r#"{"data":{"catalog":{"revision":1,"__typename":"Catalog"},"__schema":{"queryType":{"name":"Query"}},"last":{"revision":1,"__typename":"Catalog"}}}"#,
        ),
        (
            true,
            r#"{"data":{"catalog":{"__typename":"Catalog","revision":1},"__schema":{"queryType":{"name":"Query"}},"last":{"__typename":"Catalog","revision":1}}}"#,
        ),
    ] {
        assert_eq!(text(&api, document, &json!({"off": off})).await, expected);
        let (from_memory, waited) = both(
            &api,
            &document.replace("__schema { queryType { name } }", ""),
            &json!({"off": off}),
        )
        .await;
        assert_eq!(from_memory, waited);
        assert_eq!(
            from_memory,
            expected.replace(r#""__schema":{"queryType":{"name":"Query"}},"#, "")
        );
    }
}
