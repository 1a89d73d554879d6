//! Events over plain HTTP: server-sent events as graphql-sse has them, and Apollo's multipart answers.

use reqwest::{RequestBuilder, Response};
use romdex::graphql::limits::SubscriptionLimits;
use serde_json::{Value, json};

use super::{ALL, add_release, log, server, socket::PATIENCE};
use crate::support::{
    database::{TestDatabase, on_every_database, on_sqlite},
    server::{TestServer, client},
};

on_every_database!(
    server_sent_events_replay_and_go_live,
    multipart_parts_carry_the_payload_that_apollo_reads,
);

const MULTIPART: &str = "multipart/mixed;boundary=\"graphql\";subscriptionSpec=1.0,application/json";

/// An answer without an end.
struct Stream {
    response: Response,
    text: String,
}

impl Stream {
    async fn start(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        Self {
            response,
            text: String::new(),
        }
    }

    /// What comes up to the next of these; none at the end.
    async fn until(&mut self, end: &str) -> Option<String> {
        loop {
            if let Some(at) = self.text.find(end) {
                let rest = self.text.split_off(at + end.len());
                let mut found = std::mem::replace(&mut self.text, rest);
                found.truncate(at);
                return Some(found);
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk())
                .await
                .expect("something comes");
            self.text += std::str::from_utf8(&chunk.ok()??).unwrap();
        }
    }

    /// The lines of the next server-sent event.
    async fn event(&mut self) -> Option<Vec<String>> {
        loop {
            let event = self.until("\n\n").await?;
            if event != ":" {
                return Some(event.lines().map(str::to_owned).collect());
            }
        }
    }

    /// The next part that is not empty.
    async fn part(&mut self) -> Option<Value> {
        loop {
            let part = self.until("\r\n--graphql").await?;
            let Some(json) = part.strip_prefix("\r\ncontent-type: application/json\r\n\r\n") else {
                assert_eq!(part, "", "the preamble");
                continue;
            };
            if json != "{}" {
                return Some(serde_json::from_str(json).unwrap());
            }
        }
    }
}

fn post(server: &TestServer, accept: &str, query: &str) -> RequestBuilder {
    let request = client().post(server.url("/graphql")).header("accept", accept);
    request.json(&json!({ "query": query }))
}

fn get(server: &TestServer, query: &str) -> RequestBuilder {
    let mut url = url::Url::parse(&server.url("/graphql")).unwrap();
    url.query_pairs_mut().append_pair("query", query);
    client().get(url).header("accept", "text/event-stream")
}

fn expected(edge: &Value) -> Vec<String> {
    vec![
        format!("id: {}", edge["cursor"].as_str().unwrap()),
        "event: next".to_owned(),
        format!("data: {}", json!({ "data": { "changes": edge } })),
    ]
}

async fn server_sent_events_replay_and_go_live(database: TestDatabase) {
    let server = server(&database, SubscriptionLimits::default()).await;
    let history = log(&server, None).await;
    let first = history[0]["cursor"].as_str().unwrap();
    let query = ALL.replace("changes {", &format!("changes(after: \"{first}\") {{"));
    let mut replayed = Stream::start(get(&server, &query)).await;
    let header = |name: &str| replayed.response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "text/event-stream; charset=utf-8");
    assert_eq!(header("x-accel-buffering"), "no");
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("access-control-allow-origin"), "*");
    let mut live = Stream::start(post(&server, "text/event-stream", ALL)).await;
    // a browser goes on behind the last id that it got, whatever its address says
    let last = history.last().unwrap()["cursor"].as_str().unwrap();
    let mut resumed = Stream::start(get(&server, &query).header("last-event-id", last)).await;

    add_release(&database, 2).await;
    server.refresh().await;
    let all = log(&server, None).await;
    for edge in &all[1..] {
        assert_eq!(replayed.event().await, Some(expected(edge)));
    }
    for edge in &all[history.len()..] {
        assert_eq!(live.event().await, Some(expected(edge)));
        assert_eq!(resumed.event().await, Some(expected(edge)));
    }
    server.stop().await;
    // it ends without a word, so that the reader comes again
    assert_eq!(live.event().await, None);
}

async fn multipart_parts_carry_the_payload_that_apollo_reads(database: TestDatabase) {
    let server = server(&database, SubscriptionLimits::default()).await;
    let history = log(&server, None).await.len();
    let mut live = Stream::start(post(&server, MULTIPART, ALL)).await;
    let header = |name: &str| live.response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(
        header("content-type"),
        "multipart/mixed;boundary=graphql;subscriptionSpec=1.0"
    );
    add_release(&database, 2).await;
    server.refresh().await;
    for edge in &log(&server, None).await[history..] {
        assert_eq!(
            live.part().await,
            Some(json!({ "payload": { "data": { "changes": edge } } }))
        );
    }
    server.stop().await;
    let last = live.part().await.unwrap();
    assert_eq!(
        (&last["payload"], &last["errors"][0]["extensions"]["code"]),
        (&Value::Null, &json!("SERVER_BUSY"))
    );
    assert_eq!(live.until("--\r\n").await.as_deref(), Some(""));
}

#[tokio::test]
async fn other_operations_are_answered_once() {
    on_sqlite(async |database: TestDatabase| {
        let server = server(&database, SubscriptionLimits::default()).await;
        let query = "{ releases { totalCount } }";
        let answer = r#"{"data":{"releases":{"totalCount":1}}}"#;
        let body = async |request: RequestBuilder| {
            let response = request.send().await.unwrap();
            (response.status().as_u16(), response.text().await.unwrap())
        };
        let events = format!("event: next\ndata: {answer}\n\nevent: complete\ndata:\n\n");
        assert_eq!(body(get(&server, query)).await, (200, events.clone()));
        assert_eq!(body(post(&server, "text/event-stream", query)).await, (200, events));
        // as JSON where the client takes that too
        assert_eq!(body(post(&server, MULTIPART, query)).await, (200, answer.to_owned()));
        let both = "application/json, text/event-stream";
        assert_eq!(body(post(&server, both, query)).await, (200, answer.to_owned()));
        // what is refused is an event as well, where nothing but events is accepted
        for (query, code) in [
            ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
            ("subscription {", "GRAPHQL_PARSE_FAILED"),
            ("subscription { changes(after: \"?\") { cursor } }", "BAD_USER_INPUT"),
        ] {
            for request in [get(&server, query), post(&server, "text/event-stream", query)] {
                let (status, text) = body(request).await;
                let data = text.strip_prefix("event: next\ndata: ").unwrap();
                let data = data.strip_suffix("\n\nevent: complete\ndata:\n\n").unwrap();
                let refusal: Value = serde_json::from_str(data).unwrap();
                assert_eq!(
                    (status, &refusal["errors"][0]["extensions"]["code"]),
                    (200, &json!(code))
                );
                assert_eq!(refusal.get("data"), None, "{query}");
            }
        }
        // what is no matter of the document keeps its status
        let (status, text) = body(post(&server, MULTIPART, "subscription { nothing }")).await;
        assert!(status == 200 && text.contains("GRAPHQL_VALIDATION_FAILED"), "{text}");
        let parts_alone = "multipart/mixed;subscriptionSpec=1.0";
        assert_eq!(
            body(post(&server, parts_alone, "subscription { nothing }")).await.0,
            400
        );
        let stranger = post(&server, "text/event-stream", ALL).header("authorization", "Bearer nobody");
        assert_eq!(body(stranger).await.0, 401);
        // and who accepts no events is told what to accept
        let (status, text) = body(post(&server, "application/graphql-response+json", ALL)).await;
        assert!(status == 400 && text.contains("text/event-stream"), "{status} {text}");
        assert_eq!(body(post(&server, "text/event-stream;q=0", query)).await.0, 406);
        assert_eq!(body(post(&server, "multipart/mixed", query)).await.0, 406);
    })
    .await;
}

#[tokio::test]
async fn where_nothing_happens_there_are_signs_of_life() {
    on_sqlite(async |database: TestDatabase| {
        let limits = SubscriptionLimits {
            heartbeat_seconds: 1,
            ..SubscriptionLimits::default()
        };
        let server = server(&database, limits).await;
        let mut events = Stream::start(get(&server, ALL)).await;
        let mut parts = Stream::start(post(&server, MULTIPART, ALL)).await;
        assert_eq!(parts.until("\r\n--graphql").await.as_deref(), Some(""));
        for _ in 0..3 {
            assert_eq!(events.until("\n\n").await.as_deref(), Some(":"));
            let part = parts.until("\r\n--graphql").await;
            assert_eq!(part.as_deref(), Some("\r\ncontent-type: application/json\r\n\r\n{}"));
        }
    })
    .await;
}
