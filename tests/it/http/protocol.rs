//! Methods, media types, statuses and headers.

use std::time::Duration;

use romdex::http::StatusPolicy;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::sample::{code, serve, server};

const GRAPHQL: &str = "application/graphql-response+json";
const JSON: &str = "application/json";

#[tokio::test]
async fn the_status_says_what_became_of_a_request() {
    let compat = server().await;
    let spec = serve(|settings, _| settings.status = StatusPolicy::Spec2026).await;
    let query = |query: &str| json!({"query": query}).to_string();
    // body, then the statuses: compat for application/json and for graphql-response+json, then the same for spec-2026
    let table = [
        (query("{ number }"), [200, 200, 200, 200]),
        (query("{ item { may } }"), [200, 200, 294, 294]),
        (query("{ number"), [200, 400, 400, 400]),
        (query("{ nothing }"), [200, 400, 422, 422]),
        (
            json!({"query": "query A { number } query B { number }"}).to_string(),
            [200, 400, 422, 422],
        ),
        (
            json!({"query": "{ number }", "operationName": "A"}).to_string(),
            [200, 400, 422, 422],
        ),
        (
            json!({"query": "query($n: Int!) { echo(number: $n) }"}).to_string(),
            [200, 400, 422, 422],
        ),
        (query("{ items(first: 101) { nodes { id } } }"), [200, 400, 422, 422]),
        ("{".to_owned(), [400, 400, 400, 400]),
        ("{}".to_owned(), [400, 400, 422, 422]),
        (json!({"query": 7}).to_string(), [400, 400, 422, 422]),
        (
            json!({"query": "{ number }", "variables": [7]}).to_string(),
            [400, 400, 422, 422],
        ),
        (query("{ fails }"), [500, 500, 500, 500]),
        (query("{ panics }"), [500, 500, 500, 500]),
    ];
    for (body, statuses) in table {
        let mut seen = Vec::new();
        for server in [&compat, &spec] {
            for accept in [JSON, GRAPHQL] {
                let response = server.post(&body).header("accept", accept).send().await.unwrap();
                seen.push(response.status().as_u16());
                let media = response.headers()["content-type"].to_str().unwrap().to_owned();
                let text = response.text().await.unwrap();
                assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
                assert!(media.ends_with("; charset=utf-8"), "{media}");
            }
        }
        assert_eq!(seen, statuses, "{body}");
    }
}

#[tokio::test]
async fn errors_before_execution_come_without_data() {
    let server = server().await;
    for query in [
        "{ number",
        "{ nothing }",
        "{ items(first: -1) { nodes { id } } }",
        "query($n: Int!) { echo(number: $n) }",
    ] {
        let answer = server.query(query).await;
        assert!(answer.get("data").is_none() && answer["errors"].is_array(), "{answer}");
    }
}

#[tokio::test]
async fn the_answer_has_the_media_type_that_is_accepted() {
    let server = server().await;
    let table = [
        (None, Some(JSON)),
        (Some("*/*"), Some(JSON)),
        (
            Some("application/json;q=0.5, application/graphql-response+json"),
            Some(GRAPHQL),
        ),
        (Some("text/html"), None),
    ];
    for (accept, expected) in table {
        for request in [
            server.post(&json!({"query": "{ number }"})),
            server.get(&[("query", "{ number }")]),
        ] {
            let request = accept
                .into_iter()
                .fold(request, |request, accept| request.header("accept", accept));
            let response = request.send().await.unwrap();
            match expected {
                Some(media) => assert_eq!(response.headers()["content-type"], format!("{media}; charset=utf-8")),
                None => assert_eq!(response.status(), 406),
            }
            assert!(response.headers()["vary"].to_str().unwrap().contains("accept"));
        }
    }
}

#[tokio::test]
async fn nothing_but_json_is_read() {
    let server = server().await;
    let body = json!({"query": "mutation { change }"}).to_string();
    for media in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=b",
        "application/graphql",
        "application/json; charset=latin1",
    ] {
        let request = server
            .client()
            .post(server.url())
            .header("content-type", media)
            .body(body.clone());
        assert_eq!(request.send().await.unwrap().status(), 415, "{media}");
    }
    assert_eq!(
        server
            .client()
            .post(server.url())
            .body(body.clone())
            .send()
            .await
            .unwrap()
            .status(),
        415
    );
    assert_eq!(
        server
            .post(&body)
            .header("content-encoding", "gzip")
            .send()
            .await
            .unwrap()
            .status(),
        415
    );
}

#[tokio::test]
async fn a_get_changes_nothing() {
    let server = server().await;
    let response = server.get(&[("query", "mutation { change }")]).send().await.unwrap();
    assert_eq!(response.status(), 405);
    assert_eq!(response.headers()["allow"], "POST");
    let both = [
        ("query", "query A { number } mutation B { change }"),
        ("operationName", "B"),
    ];
    assert_eq!(server.get(&both).send().await.unwrap().status(), 405);
    assert_eq!(
        server.ask(json!({"query": "mutation { change }"})).await,
        json!({"data": {"change": 1}})
    );
}

#[tokio::test]
async fn a_get_takes_all_parameters() {
    let server = server().await;
    let parameters = [
        ("query", "query A { number } query B($t: String) { echo(text: $t) }"),
        ("operationName", "B"),
        ("variables", r#"{"t": "ä"}"#),
        ("extensions", "{}"),
        ("another", "one"),
    ];
    let answer: serde_json::Value = server.get(&parameters).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer, json!({"data": {"echo": "Some(5) Some(\"ä\")"}}));
    for wrong in [("variables", "{"), ("variables", "[]"), ("extensions", "7")] {
        assert_eq!(
            server
                .get(&[("query", "{ number }"), wrong])
                .send()
                .await
                .unwrap()
                .status(),
            400,
            "{wrong:?}"
        );
    }
    assert_eq!(server.get(&[]).send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn head_is_get_without_its_body() {
    let server = server().await;
    let get = server.get(&[("query", "{ number }")]).send().await.unwrap();
    let url = get.url().clone();
    let head = server.client().head(url).send().await.unwrap();
    assert_eq!(head.status(), 200);
    for name in ["content-type", "content-length", "etag", "cache-control"] {
        assert_eq!(head.headers().get(name), get.headers().get(name), "{name}");
    }
    assert_eq!(head.text().await.unwrap(), "");
}

#[tokio::test]
async fn other_methods_are_told_which_there_are() {
    let server = server().await;
    for method in ["PUT", "DELETE", "PATCH"] {
        let response = server
            .client()
            .request(method.parse().unwrap(), server.url())
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 405);
        assert_eq!(response.headers()["allow"], "GET, HEAD, POST, OPTIONS");
    }
}

#[tokio::test]
async fn every_page_may_read_without_credentials() {
    let server = server().await;
    let preflight = server
        .client()
        .request("OPTIONS".parse().unwrap(), server.url())
        .header("origin", "https://elsewhere.example");
    let preflight = preflight
        .header("access-control-request-method", "POST")
        .send()
        .await
        .unwrap();
    assert_eq!(preflight.status(), 204);
    assert!(
        preflight.headers()["access-control-allow-methods"]
            .to_str()
            .unwrap()
            .contains("POST")
    );
    assert_eq!(preflight.headers()["access-control-allow-headers"], "*");
    let response = server
        .post(&json!({"query": "{ number }"}))
        .header("origin", "https://elsewhere.example")
        .send()
        .await
        .unwrap();
    for headers in [preflight.headers(), response.headers()] {
        assert_eq!(headers["access-control-allow-origin"], "*");
        assert!(!headers.contains_key("access-control-allow-credentials"));
    }
}

#[tokio::test]
async fn what_is_too_large_is_refused_before_it_is_read() {
    let server = server().await;
    let head = "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let announced = exchange(server.port, &format!("{head}content-length: 400000000\r\n\r\n")).await;
    assert!(announced.starts_with("HTTP/1.1 413"), "{announced}");
    assert!(
        announced.contains("connection: close") && announced.contains("PAYLOAD_TOO_LARGE"),
        "{announced}"
    );
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    let chunked = exchange(
        server.port,
        &format!("{head}transfer-encoding: chunked\r\n\r\n{}", chunk.repeat(3)),
    )
    .await;
    assert!(chunked.starts_with("HTTP/1.1 413"), "{chunked}");
    let long = "x".repeat(20_000);
    assert_eq!(server.get(&[("query", &long)]).send().await.unwrap().status(), 414);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let server = serve(|settings, _| settings.body_timeout_ms = 100).await;
    let head = "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    let answer = exchange(server.port, head).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("REQUEST_TIMEOUT"), "{answer}");
}

/// Sends bytes and reads until the server closes, or has been silent for long.
async fn exchange(port: u16, sent: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let _ = stream.write_all(sent.as_bytes()).await;
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(Ok(read)) = tokio::time::timeout(Duration::from_secs(2), stream.read(&mut buffer)).await {
        if read == 0 {
            break;
        }
        answer.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn large_answers_are_compressed() {
    let server = server().await;
    let body = json!({"query": "{ text(length: 1000) }"});
    for (accepted, encoding) in [("zstd, br, gzip", "zstd"), ("br", "br"), ("gzip", "gzip")] {
        for _ in 0..2 {
            let response = server
                .post(&body)
                .header("accept-encoding", accepted)
                .send()
                .await
                .unwrap();
            assert_eq!(response.headers()["content-encoding"], encoding);
            assert!(response.bytes().await.unwrap().len() < 500);
        }
    }
    let response = server.post(&body).send().await.unwrap();
    assert!(!response.headers().contains_key("content-encoding"));
    let small = server
        .post(&json!({"query": "{ number }"}))
        .header("accept-encoding", "gzip")
        .send()
        .await
        .unwrap();
    assert!(!small.headers().contains_key("content-encoding"));
}

#[tokio::test]
async fn batches_are_refused_unless_they_are_allowed() {
    let batch = json!([{"query": "{ number }"}, {"query": "{ nothing }"}, {"query": "{ late number }"}]);
    let server = server().await;
    assert_eq!(code(&server.ask(batch.clone()).await), "BATCHING_NOT_SUPPORTED");
    let server = serve(|_, options| options.limits.batch_size = 10).await;
    let answers = server.ask(batch).await;
    assert_eq!(answers[0], json!({"data": {"number": 7}}));
    assert_eq!(code(&answers[1]), "GRAPHQL_VALIDATION_FAILED");
    assert_eq!(answers[2]["data"]["late"], 1);
    let many = vec![json!({"query": "{ number }"}); 11];
    assert_eq!(code(&server.ask(many.into()).await), "BAD_REQUEST");
    assert_eq!(code(&server.ask(json!([])).await), "BAD_REQUEST");
    let costly =
        vec![json!({"query": "{ items(first: 100) { nodes { a: items(first: 20) { nodes { id number } } } } }"}); 5];
    let answer = server.ask(costly.into()).await;
    assert_eq!(
        (code(&answer), &answer["errors"][0]["extensions"]["limit"]),
        ("QUERY_TOO_COMPLEX", &json!("cost"))
    );
}

#[tokio::test]
async fn the_server_says_that_it_is_well() {
    let server = server().await;
    let url = format!("http://127.0.0.1:{}/health", server.port);
    let response = server.client().get(&url).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.text().await.unwrap(), r#"{"status":"ok"}"#);
    assert_eq!(server.client().post(&url).send().await.unwrap().status(), 405);
}
