//! What documents mean: order of keys, fragments, variables, defaults, skipped fields.

use serde_json::json;

use super::sample::{code, serve, server};

#[tokio::test]
async fn keys_stand_in_the_order_of_the_selection() {
    let server = server().await;
    let table = [
        ("{ late number }", r#"{"data":{"late":1,"number":7}}"#),
        (
            "{ item { late id number } number }",
            r#"{"data":{"item":{"late":1,"id":"1","number":7},"number":7}}"#,
        ),
        (
            "{ item { children { late number } } ...F } fragment F on Query { late number }",
            r#"{"data":{"item":{"children":[{"late":1,"number":7},{"late":1,"number":7}]},"late":1,"number":7}}"#,
        ),
        (
            "{ item { late } number item { id child { late id } } }",
            r#"{"data":{"item":{"late":1,"id":"1","child":{"late":1,"id":"1"}},"number":7}}"#,
        ),
        (
            r#"{ node(id: "1") { ... on Item { late number } id ... on Other { number id } } }"#,
            r#"{"data":{"node":{"late":1,"number":7,"id":"1"}}}"#,
        ),
        (
            r#"{ node(id: "other") { ... on Item { id late number } ...O id } } fragment O on Other { number }"#,
            r#"{"data":{"node":{"number":8,"id":"other"}}}"#,
        ),
        ("{ b: number a: number }", r#"{"data":{"b":7,"a":7}}"#),
    ];
    for (query, expected) in table {
        assert_eq!(server.text(&json!({"query": query})).await, expected, "{query}");
        // a second time from the kept document and answer
        assert_eq!(server.text(&json!({"query": query})).await, expected, "{query}");
    }
}

#[tokio::test]
async fn an_object_of_which_all_is_skipped_is_empty() {
    let server = server().await;
    let table = [
        ("{ number @skip(if: true) }", r#"{"data":{}}"#),
        (
            "query($no: Boolean!) { number @include(if: $no) item { id @include(if: $no) } }",
            r#"{"data":{"item":{}}}"#,
        ),
        (
            "query($no: Boolean!) { ...F @include(if: $no) } fragment F on Query { number }",
            r#"{"data":{}}"#,
        ),
        (
            r#"{ node(id: "1") { ... on Other { number } } }"#,
            r#"{"data":{"node":{}}}"#,
        ),
    ];
    for (query, expected) in table {
        assert_eq!(
            server.text(&json!({"query": query, "variables": {"no": false}})).await,
            expected,
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_variable_that_is_left_out_leaves_its_argument_out() {
    let server = server().await;
    let table = [
        (
            "query($n: Int) { echo(number: $n) }",
            json!({}),
            json!({"echo": "Some(5) None"}),
        ),
        (
            "query($n: Int) { echo(number: $n) }",
            json!({"n": null}),
            json!({"echo": "None None"}),
        ),
        (
            "query($n: Int = 3) { echo(number: $n) }",
            json!({}),
            json!({"echo": "Some(3) None"}),
        ),
        (
            "query($n: Int) { echo(number: $n) }",
            json!({"n": 1}),
            json!({"echo": "Some(1) None"}),
        ),
        (
            "query($by: Order) { order(by: $by) }",
            json!({}),
            json!({"order": "DOWN"}),
        ),
        (
            "query($by: Order) { order(by: $by) }",
            json!({"by": "UP"}),
            json!({"order": "UP"}),
        ),
        (
            "query($f: Int) { items(first: $f) { pageInfo { hasNextPage } } }",
            json!({}),
            json!({"items": {"pageInfo": {"hasNextPage": true}}}),
        ),
        (
            "query($n: [String!]) { filtered(filter: {name: $n}) }",
            json!({}),
            json!({"filtered": "None None"}),
        ),
        (
            "query($n: [String!]) { filtered(filter: {name: $n}) }",
            json!({"n": "one"}),
            json!({"filtered": "Some([\"one\"]) None"}),
        ),
        (
            "query($f: Filter) { filtered(filter: $f) }",
            json!({"f": {"name": "one"}}),
            json!({"filtered": "Some([\"one\"]) None"}),
        ),
        (
            "query($b: By!) { by(by: $b) }",
            json!({"b": {"number": 3}}),
            json!({"by": "3"}),
        ),
        (
            "query($n: String!) { by(by: {name: $n}) }",
            json!({"n": "x"}),
            json!({"by": "x"}),
        ),
        (
            "query($n: Int) { echo(number: $n) }",
            json!({"n": 2.0, "unknown": 7}),
            json!({"echo": "Some(2) None"}),
        ),
    ];
    for (query, variables, expected) in table {
        let answer = server.with(query, variables.clone()).await;
        assert_eq!(answer["data"], expected, "{query} {variables}: {answer}");
    }
}

#[tokio::test]
async fn a_wrong_variable_is_named() {
    let server = server().await;
    let table = [
        (
            "query($n: Int!) { echo(number: $n) }",
            json!({}),
            "\"$n\" of type \"Int!\" is required",
        ),
        (
            "query($n: Int!) { echo(number: $n) }",
            json!({"n": null}),
            "\"$n\" must not be null",
        ),
        (
            "query($n: Int) { echo(number: $n) }",
            json!({"n": "1"}),
            "\"$n\" must be Int, is \"1\"",
        ),
        (
            "query($n: Int) { echo(number: $n) }",
            json!({"n": 2_147_483_648_u64}),
            "must be Int",
        ),
        ("query($n: Int) { echo(number: $n) }", json!({"n": 1.5}), "must be Int"),
        (
            "query($t: String) { echo(text: $t) }",
            json!({"t": 1}),
            "\"$t\" must be String",
        ),
        (
            "query($by: Order!) { order(by: $by) }",
            json!({"by": "SIDEWAYS"}),
            "\"SIDEWAYS\" is not a value of the enum \"Order\"",
        ),
        (
            "query($f: Filter) { filtered(filter: $f) }",
            json!({"f": {"nam": 1}}),
            "\"Filter\" has no member \"nam\"",
        ),
        (
            "query($f: Filter) { filtered(filter: $f) }",
            json!({"f": {"name": ["a", null]}}),
            "\"$f\".name[1] must not be null",
        ),
        (
            "query($f: Filter) { filtered(filter: $f) }",
            json!({"f": {"on": "today"}}),
            "\"$f\".on: a date is like",
        ),
        (
            "query($b: By!) { by(by: $b) }",
            json!({"b": {}}),
            "exactly one of name, number",
        ),
        (
            "query($b: By!) { by(by: $b) }",
            json!({"b": {"name": "a", "number": 1}}),
            "exactly one of name, number",
        ),
        (
            "query($b: By!) { by(by: $b) }",
            json!({"b": {"name": null}}),
            "exactly one of name, number",
        ),
    ];
    for (query, variables, expected) in table {
        let answer = server.with(query, variables).await;
        let error = &answer["errors"][0];
        assert_eq!(code(&answer), "BAD_USER_INPUT", "{query}: {answer}");
        assert!(
            error["message"].as_str().unwrap().contains(expected),
            "{expected}: {answer}"
        );
        assert!(
            error["extensions"]["variable"].is_string() && error["locations"][0]["line"] == 1,
            "{answer}"
        );
        assert!(answer.get("data").is_none());
    }
}

#[tokio::test]
async fn a_wrong_literal_is_refused_before_anything_runs() {
    let server = server().await;
    let table = [
        ("{ echo(number: \"1\") }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ echo(number: 2147483648) }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ order(by: SIDEWAYS) }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ order(by: null) }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ by(by: {}) }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ by(by: {name: \"a\", number: 1}) }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ by(by: {name: null}) }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ filtered(filter: {on: \"today\"}) }", "BAD_USER_INPUT"),
        (
            "query($f: Filter = {on: \"today\"}) { filtered(filter: $f) }",
            "BAD_USER_INPUT",
        ),
        ("{ items(first: -1) { nodes { id } } }", "BAD_USER_INPUT"),
        ("{ items(last: 101) { nodes { id } } }", "BAD_USER_INPUT"),
        (
            "query($f: Int = 101) { items(first: $f) { nodes { id } } }",
            "BAD_USER_INPUT",
        ),
        ("{ item { id @unknown } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ __typename @unknown }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ a: item { id } a: number }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ item { a: id ... { a: number } } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ ...F } fragment F on Query { ...F }", "GRAPHQL_VALIDATION_FAILED"),
        ("fragment F on Query { number }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { number } query B { number }", "OPERATION_RESOLUTION_FAILURE"),
        ("type A { b: Int } { number }", "GRAPHQL_VALIDATION_FAILED"),
        ("", "GRAPHQL_PARSE_FAILED"),
        ("{ number ", "GRAPHQL_PARSE_FAILED"),
    ];
    for (query, expected) in table {
        let answer = server.query(query).await;
        assert_eq!(code(&answer), expected, "{query}: {answer}");
        assert!(answer.get("data").is_none(), "{query}: {answer}");
    }
}

#[tokio::test]
async fn documents_are_known_by_their_hash_once_they_came_whole() {
    let server = server().await;
    let hash = "1a6e20c3b0b4b4b8b7c1d8d7f1fbd9f3b7b0d1d4ad1b8d6c6d3a0a2d3b9e6f00";
    let by_hash = |hash: &str| json!({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash}}});
    let answer = server.ask(by_hash(hash)).await;
    assert_eq!(
        (code(&answer), &answer["errors"][0]["message"]),
        ("PERSISTED_QUERY_NOT_FOUND", &json!("PersistedQueryNotFound"))
    );
    let mut wrong = by_hash(hash);
    wrong["query"] = json!("{ number }");
    assert_eq!(code(&server.ask(wrong).await), "BAD_REQUEST");
    let hash = sha256("{ number }");
    let mut right = by_hash(&hash);
    right["query"] = json!("{ number }");
    assert_eq!(server.ask(right).await, json!({"data": {"number": 7}}));
    assert_eq!(server.ask(by_hash(&hash)).await, json!({"data": {"number": 7}}));
    assert_eq!(
        server.ask(json!({"documentId": format!("sha256:{hash}")})).await,
        json!({"data": {"number": 7}})
    );
    let extensions = by_hash(&hash)["extensions"].to_string();
    let get = server.get(&[("extensions", &extensions)]).send().await.unwrap();
    assert!(get.headers().contains_key("etag"));
    assert_eq!(get.text().await.unwrap(), r#"{"data":{"number":7}}"#);
}

#[tokio::test]
async fn invalid_documents_are_not_learned() {
    let server = server().await;
    let hash = sha256("{ nothing }");
    let extensions = json!({"persistedQuery": {"version": 1, "sha256Hash": hash}});
    server
        .ask(json!({"query": "{ nothing }", "extensions": extensions}))
        .await;
    assert_eq!(
        code(&server.ask(json!({"extensions": extensions})).await),
        "PERSISTED_QUERY_NOT_FOUND"
    );
}

#[tokio::test]
async fn only_listed_documents_are_run_where_that_is_set() {
    let folder = tempfile::tempdir().unwrap();
    let listed = "query Number { number }";
    let hash = sha256(listed);
    for manifest in [
        json!({hash.as_str(): listed, "mine": "{ late }"}),
        json!({"format": "apollo-persisted-query-manifest", "version": 1, "operations": [
            {"id": hash, "name": "Number", "type": "query", "body": listed},
            {"id": "mine", "name": "Late", "type": "query", "body": "{ late }"},
        ]}),
    ] {
        let path = folder.path().join("documents.json");
        std::fs::write(&path, manifest.to_string()).unwrap();
        let server = serve(|_, options| {
            options.documents.manifest = path.clone();
            options.documents.trusted_only = true;
        })
        .await;
        assert_eq!(
            server.ask(json!({"documentId": "mine"})).await,
            json!({"data": {"late": 1}})
        );
        assert_eq!(
            server.ask(json!({"documentId": format!("sha256:{hash}")})).await,
            json!({"data": {"number": 7}})
        );
        assert_eq!(server.query(listed).await, json!({"data": {"number": 7}}));
        assert_eq!(code(&server.query("{ number }").await), "PERSISTED_QUERY_REQUIRED");
        assert_eq!(
            code(&server.ask(json!({"documentId": "other"})).await),
            "PERSISTED_QUERY_NOT_FOUND"
        );
    }
}

fn sha256(text: &str) -> String {
    use sha2::Digest as _;
    let digits: Vec<_> = sha2::Sha256::digest(text)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    digits.concat()
}
