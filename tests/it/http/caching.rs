//! What is kept, by whom, and for how long.

use std::sync::atomic::Ordering;

use reqwest::Response;
use serde_json::json;

use super::sample::{serve, server};

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_get_may_be_kept_until_the_catalogue_changes() {
    let server = server().await;
    let get = || server.get(&[("query", "{ number }")]);
    let first = get().send().await.unwrap();
    assert_eq!(
        header(&first, "cache-control"),
        "public, max-age=60, stale-while-revalidate=600"
    );
    let tag = header(&first, "etag").to_owned();
    assert!(tag.starts_with("W/\"") && tag.len() == 36, "{tag}");
    for known in [tag.clone(), format!("\"other\", {tag}")] {
        let again = get().header("if-none-match", known).send().await.unwrap();
        assert_eq!((again.status().as_u16(), header(&again, "etag")), (304, tag.as_str()));
        assert_eq!(
            header(&again, "cache-control"),
            "public, max-age=60, stale-while-revalidate=600"
        );
        assert_eq!(again.text().await.unwrap(), "");
    }
    server.revision.store(2, Ordering::SeqCst);
    let changed = get().header("if-none-match", &tag).send().await.unwrap();
    assert_eq!(changed.status(), 200);
    assert_ne!(header(&changed, "etag"), tag);
}

#[tokio::test]
async fn different_requests_have_different_tags() {
    let server = server().await;
    let query = "query A($t: String) { echo(text: $t) } query B { number }";
    let mut tags = std::collections::HashSet::new();
    for parameters in [
        vec![("query", query), ("operationName", "A")],
        vec![("query", query), ("operationName", "A"), ("variables", r#"{"t": "1"}"#)],
        vec![("query", query), ("operationName", "A"), ("variables", r#"{"t": "2"}"#)],
        vec![("query", query), ("operationName", "B")],
        vec![("query", "query B { number }"), ("operationName", "B")],
    ] {
        let response = server.get(&parameters).send().await.unwrap();
        assert!(tags.insert(header(&response, "etag").to_owned()), "{parameters:?}");
    }
}

#[tokio::test]
async fn what_failed_is_not_kept() {
    let server = server().await;
    for query in ["{ item { may } }", "{ fails }", "{ nothing }", "{"] {
        let response = server.get(&[("query", query)]).send().await.unwrap();
        assert_eq!(
            (header(&response, "cache-control"), header(&response, "etag")),
            ("no-store", ""),
            "{query}"
        );
    }
    let response = server.post(&json!({"query": "{ number }"})).send().await.unwrap();
    assert_eq!(
        (header(&response, "cache-control"), header(&response, "etag")),
        ("no-store", "")
    );
}

#[tokio::test]
async fn the_same_is_answered_from_memory() {
    let server = server().await;
    let ask = |variables: &str| {
        server.post(&format!(
            r#"{{"query": "query($t: String) {{ runs echo(text: $t) }}", "variables": {variables}}}"#
        ))
    };
    let table = [
        ("{}", 1, "romdex; fwd=miss; stored", "1"),
        ("{}", 1, "romdex; hit", "1"),
        (r#"{"t": "a"}"#, 1, "romdex; fwd=miss; stored", "2"),
        ("{}", 2, "romdex; fwd=miss; stored", "3"),
        ("{}", 2, "romdex; hit", "3"),
    ];
    for (variables, revision, status, runs) in table {
        server.revision.store(revision, Ordering::SeqCst);
        let response = ask(variables).send().await.unwrap();
        assert_eq!(header(&response, "cache-status"), status);
        let text = response.text().await.unwrap();
        assert!(text.contains(&format!("\"runs\":{runs},")), "{text}");
    }
}

#[tokio::test]
async fn the_same_at_the_same_time_runs_once() {
    let server = server().await;
    let ask = || async { server.query("{ runs }").await["data"]["runs"].as_u64().unwrap() };
    let answers = futures::future::join_all((0..20).map(|_| ask())).await;
    assert!(answers.iter().all(|runs| *runs == 1), "{answers:?}");
}

#[tokio::test]
async fn whoever_comes_with_credentials_gets_an_answer_of_its_own() {
    let server = server().await;
    let ask = |token: Option<&str>| {
        let request = server.get(&[("query", "{ runs }")]);
        token.into_iter().fold(request, |request, token| {
            request.header("authorization", format!("Bearer {token}"))
        })
    };
    for (token, runs, cache_control) in [
        (None, 1, "public, max-age=60, stale-while-revalidate=600"),
        (Some("a"), 2, "no-store"),
        (Some("b"), 3, "no-store"),
        (Some("a"), 4, "no-store"),
        (None, 1, "public, max-age=60, stale-while-revalidate=600"),
    ] {
        let response = ask(token).send().await.unwrap();
        assert_eq!(header(&response, "cache-control"), cache_control);
        assert!(header(&response, "vary").contains("authorization"));
        assert_eq!(
            response.json::<serde_json::Value>().await.unwrap()["data"]["runs"],
            runs
        );
    }
}

#[tokio::test]
async fn keeping_can_be_turned_off() {
    let server = serve(|_, options| options.cache.answer_bytes = 0).await;
    for runs in 1..3 {
        assert_eq!(server.query("{ runs }").await["data"]["runs"], runs);
    }
}
