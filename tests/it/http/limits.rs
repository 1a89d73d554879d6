//! Requests beyond a limit: refused by name, at once, before anything runs.

use std::time::{Duration, Instant};

use serde_json::json;

use super::sample::{Server, code, server};

async fn refused(server: &Server, query: &str, variables: serde_json::Value) -> Option<String> {
    let start = Instant::now();
    let answer = server.with(query, variables).await;
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?} for {} bytes",
        start.elapsed(),
        query.len()
    );
    answer.get("errors")?;
    assert!(
        ["QUERY_TOO_COMPLEX", "BAD_USER_INPUT"].contains(&code(&answer)),
        "{answer}"
    );
    assert!(answer.get("data").is_none());
    let extensions = &answer["errors"][0]["extensions"];
    assert!(extensions["maximum"].is_number(), "{answer}");
    Some(extensions["limit"].as_str().unwrap().to_owned())
}

fn bomb(levels: usize, spreads: usize) -> String {
    let fragment = |level: usize| {
        let next = format!("...F{} ", level + 1).repeat(spreads);
        format!("fragment F{level} on Query {{ {next} }} ")
    };
    let fragments: Vec<_> = (0..levels).map(fragment).collect();
    format!(
        "{{ ...F0 }} {} fragment F{levels} on Query {{ number }}",
        fragments.concat()
    )
}

/// The same part again and again, each with its number.
fn numbered(count: usize, before: &str, after: &str) -> String {
    let parts: Vec<_> = (0..count).map(|number| format!("{before}{number}{after}")).collect();
    parts.concat()
}

#[tokio::test]
async fn each_limit_is_named_by_its_refusal() {
    let server = server().await;
    let nested = |count: usize, open: &str, leaf: &str| format!("{}{leaf}{}", open.repeat(count), " }".repeat(count));
    let table = [
        (bomb(8, 10), json!({}), Some("selections")),
        (bomb(20, 2), json!({}), Some("selections")),
        (bomb(28, 2), json!({}), Some("selections")),
        (nested(17, "{ item ", "{ id }"), json!({}), Some("depth")),
        (nested(40, "{ item ", "{ id }"), json!({}), Some("nesting")),
        (format!("{{ item {{ {} }} }}", "a: id ".repeat(61)), json!({}), Some("aliases")),
        (format!("{{ {} }}", "number ".repeat(21)), json!({}), Some("root_fields")),
        (format!("{{ number {} }}", "@skip(if: false) ".repeat(51)), json!({}), Some("directives")),
        ("{ number ".to_owned() + &"__typename ".repeat(10_000) + "}", json!({}), Some("tokens")),
        (format!("{{ echo(text: {}", "[".repeat(50_000)), json!({}), Some("nesting")),
        (format!("{{ echo(text: {}", "{a:".repeat(30_000)), json!({}), Some("nesting")),
        (format!("{{ nodes(ids: [{}]) {{ id }} }}", "1 ".repeat(501)), json!({}), Some("list_items")),
        ("query($i: [ID!]!) { nodes(ids: $i) { id } }".to_owned(), json!({"i": vec![1; 501]}), Some("list_items")),
        ("query($i: [ID!]!) { nodes(ids: $i) { id } }".to_owned(), json!({"i": vec![1; 500]}), None),
        ("{ items(first: 2147483647) { nodes { id } } }".to_owned(), json!({}), Some("max_page_size")),
        ("query($f: Int) { items(first: $f) { nodes { id } } }".to_owned(), json!({"f": 101}), Some("max_page_size")),
        ("query($f: Int) { items(first: $f) { nodes { id } } }".to_owned(), json!({"f": 100}), None),
        ("{ items(first: 100) { nodes { items(first: 100) { nodes { items(first: 100) { nodes { id } } } } } } }".to_owned(), json!({}), Some("nodes")),
        ("query($f: Int) { items(first: $f) { nodes { items(first: $f) { nodes { id } } } } }".to_owned(), json!({"f": 100}), Some("nodes")),
        ("query($f: Int) { items(first: $f) { nodes { items(first: $f) { nodes { id } } } } }".to_owned(), json!({"f": 10}), None),
        ("{ items(first: 50) { nodes { items(first: 100) { edges { node { id number child { id number late } } } } } } }".to_owned(), json!({}), Some("nodes")),
        (format!("{{ items(first: 100) {{ nodes {{ items(first: 20) {{ nodes {{ {} }} }} }} }} }}", numbered(12, "a", ": id ")), json!({}), Some("cost")),
    ];
    for (query, variables, expected) in table {
        let start = &query[..query.len().min(100)];
        assert_eq!(
            refused(&server, &query, variables).await.as_deref(),
            expected,
            "{start}"
        );
    }
    assert_eq!(server.query("{ number }").await, json!({"data": {"number": 7}}));
}

#[tokio::test]
async fn many_fragments_and_operations_are_refused() {
    let server = server().await;
    let fragments = numbered(61, "fragment F", " on Query { number } ");
    assert_eq!(
        refused(&server, &format!("{{ number }} {fragments}"), json!({}))
            .await
            .as_deref(),
        Some("fragments")
    );
    let operations = numbered(11, "query Q", " { number } ");
    assert_eq!(
        refused(&server, &operations, json!({})).await.as_deref(),
        Some("operations")
    );
}

/// The text that graphql-js 16 and GraphiQL send, all options on.
const INTROSPECTION: &str = "query IntrospectionQuery { __schema { description queryType { name kind } mutationType { name kind } \
    subscriptionType { name kind } types { ...FullType } directives { name description isRepeatable locations \
    args(includeDeprecated: true) { ...InputValue } } } } \
    fragment FullType on __Type { kind name description specifiedByURL isOneOf fields(includeDeprecated: true) { name description \
    args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason } \
    inputFields(includeDeprecated: true) { ...InputValue } interfaces { ...TypeRef } enumValues(includeDeprecated: true) { \
    name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } } \
    fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason } \
    fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name \
    ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }";

#[tokio::test]
async fn the_whole_schema_can_be_asked_for() {
    let server = server().await;
    let answer = server.query(INTROSPECTION).await;
    assert!(answer.get("errors").is_none(), "{}", answer["errors"]);
    assert!(answer["data"]["__schema"]["types"].as_array().unwrap().len() > 10);
}
