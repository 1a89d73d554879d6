//! What attackers and audit tools try first, against the real schema: answered or refused as a client can read, at once,
//! and the server stays well.
//!
//! Where everything that is known to go wrong in this stack, or in GraphQL servers at large, is tested:
//!
//! | what goes wrong | test |
//! |---|---|
//! | fragments that unfold without end, lists of lists, huge pages, deep nesting | `limits::each_limit_is_named_by_its_refusal`, `document::cost` |
//! | many fragments, operations, aliases, directives, tokens, items of a list | `limits`, and the probes here |
//! | a nullable variable that is left out | `documents::a_variable_that_is_left_out_leaves_its_argument_out` |
//! | documents that validation lets pass | `audits/validation.js` |
//! | numbers beyond 32 bits | `schema::no_integer_can_exceed_its_32_bits_unnoticed` |
//! | one statement for each row | `graphql::statements` |
//! | internal errors told, panics that close the connection | `errors::our_failures_are_masked_behind_a_reference` |
//! | wrong literals as errors of execution | `documents::a_wrong_literal_is_refused_before_anything_runs` |
//! | errors that quote the whole request, thousands of errors | `errors::errors_are_few_and_short` |
//! | keys of an answer in another order | `documents::keys_stand_in_the_order_of_the_selection`, `graphql::model` |
//! | operations that go on without end | `errors::an_operation_that_takes_too_long_is_given_up` |
//! | stored documents without bound, wrong hashes | `documents::documents_are_known_by_their_hash_once_they_came_whole` |
//! | answers that cannot be kept, or are kept too long | `caching` |
//! | one field's failure that takes others along | `graphql::neighbours`, `errors::null_goes_up_to_where_it_may_stand` |
//! | media types, `Accept`, 405, 406, 413, 414, 415, slow and large bodies, compressed bodies | `protocol`, `audits/http.js` |
//! | mutations by GET or by a form of another site | `protocol::a_get_changes_nothing`, `protocol::nothing_but_json_is_read` |
//! | batches | `protocol::batches_are_refused_unless_they_are_allowed`, and here |
//! | introspection in circles or by many aliases, tracing on demand, suggestions | here |
//! | anything else | `audits/schemathesis.toml` |

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    database::on_sqlite,
    server::{TestServer, client},
};

/// Runs a test on a server of the real schema, and sees that the server is well behind it.
async fn probing(test: impl AsyncFnOnce(&TestServer)) {
    on_sqlite(async |database| {
        let server = TestServer::start(&database).await;
        test(&server).await;
        assert_eq!(
            server.query("{ catalog { revision } }").await,
            json!({"catalog": {"revision": 0}})
        );
        server.stop().await;
    })
    .await;
}

fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn introspection_is_weighed_like_everything_else() {
    probing(async |server| {
        let circles = |times: usize| {
            let (open, close) = ("fields { type { ".repeat(times), "} } ".repeat(times));
            format!("{{ __schema {{ types {{ {open} name {close} }} }} }}")
        };
        assert_eq!(server.post(&circles(1), json!({})).await.get("errors"), None);
        for times in [4, 6, 12, 40] {
            let answer = server.post(&circles(times), json!({})).await;
            assert_eq!(code(&answer), "QUERY_TOO_COMPLEX", "{times}");
            assert_eq!(answer.get("data"), None);
        }
        let aliases: Vec<_> = (0..500)
            .map(|number| format!("a{number}: __schema {{ types {{ name }} }}"))
            .collect();
        let aliases = aliases.join(" ");
        assert_eq!(
            code(&server.post(&format!("{{ {aliases} }}"), json!({})).await),
            "QUERY_TOO_COMPLEX"
        );
    })
    .await;
}

#[tokio::test]
async fn overloaded_documents_are_refused() {
    probing(async |server| {
        let many = |count: usize, part: &str| part.repeat(count);
        for (query, expected) in [
            (
                format!("{{ catalog {{ {} }} }}", many(1_000, "a: revision ")),
                "QUERY_TOO_COMPLEX",
            ),
            (
                format!("{{ catalog {{ revision {} }} }}", many(200, "@aa ")),
                "QUERY_TOO_COMPLEX",
            ),
            (
                format!("{{ catalog {{ revision {} }} }}", many(2, "@aa ")),
                "GRAPHQL_VALIDATION_FAILED",
            ),
            (
                format!("{{ __typename {} }}", many(10, "@include(if: true) ")),
                "GRAPHQL_VALIDATION_FAILED",
            ),
            (format!("{{ {} }}", many(1_000, "__typename ")), "QUERY_TOO_COMPLEX"),
            (
                format!("{{ nodes(ids: [{}]) {{ id }} }}", many(1_000, "\"1\" ")),
                "QUERY_TOO_COMPLEX",
            ),
            (
                format!("{{ nodes(ids: [{}]) {{ id }} }}", many(101, "\"1\" ")),
                "BAD_USER_INPUT",
            ),
            (
                "{ devices(first: 100) { nodes { releases(first: 100) { nodes { packages { totalCount } } } } } }"
                    .to_owned(),
                "QUERY_TOO_COMPLEX",
            ),
            (
                "{ packages(first: 2147483647) { totalCount } }".to_owned(),
                "BAD_USER_INPUT",
            ),
            ("{ packages(first: -1) { totalCount } }".to_owned(), "BAD_USER_INPUT"),
        ] {
            let answer = server.post(&query, json!({})).await;
            assert_eq!(code(&answer), expected, "{query:.80}: {answer}");
            assert!(answer.to_string().len() < 8_000, "{query:.80}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_batch_of_thousands_runs_nothing() {
    probing(async |server| {
        let operation = json!({"query": "{ __typename }"});
        let batch = Value::Array(vec![operation; 3_000]);
        let answer = client().post(server.url("/graphql")).json(&batch).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        assert_eq!(code(&answer.json().await.unwrap()), "BATCHING_NOT_SUPPORTED");
    })
    .await;
}

#[tokio::test]
async fn nothing_about_the_inside_is_told_on_demand() {
    probing(async |server| {
        let request = json!({"query": "{ catalog { revision } }", "extensions": {"tracing": true}});
        let tools = [
            "x-apollo-tracing",
            "x-graphql-trace",
            "x-debug",
            "apollo-federation-include-trace",
        ];
        for header in tools {
            let asked = client().post(server.url("/graphql")).header(header, "1").json(&request);
            let answer: Value = asked.send().await.unwrap().json().await.unwrap();
            assert_eq!(answer, json!({"data": {"catalog": {"revision": 0}}}), "{header}");
        }
        // The schema is public: a suggestion tells nothing that introspection does not.
        let misspelt = server.post("{ catalogue { revision } }", json!({})).await;
        assert_eq!(code(&misspelt), "GRAPHQL_VALIDATION_FAILED");
        for word in ["src/", "async", "sqlx", "panicked", "apollo"] {
            assert!(!misspelt.to_string().contains(word), "{misspelt}");
        }
    })
    .await;
}

#[tokio::test]
async fn other_methods_and_forms_run_nothing() {
    probing(async |server| {
        for method in [Method::PUT, Method::DELETE, Method::PATCH] {
            let asked = client()
                .request(method, server.url("/graphql"))
                .json(&json!({"query": "{ __typename }"}));
            let answer = asked.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
            assert!(answer.headers().contains_key("allow"));
        }
        for (media, body) in [
            ("application/x-www-form-urlencoded", "query=%7B__typename%7D"),
            (
                "multipart/form-data; boundary=b",
                "--b\r\ncontent-disposition: form-data; name=\"operations\"\r\n\r\n{}\r\n--b--",
            ),
            ("text/plain", "{ __typename }"),
            ("application/xml", "<query/>"),
            ("", "{\"query\":\"{ __typename }\"}"),
        ] {
            let asked = client()
                .post(server.url("/graphql"))
                .header("content-type", media)
                .body(body);
            assert_eq!(
                asked.send().await.unwrap().status(),
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "{media}"
            );
        }
    })
    .await;
}
