//! How much a listener may ask for, and what becomes of it when it does not keep up.

use std::{fmt::Write as _, time::Duration};

use romdex::graphql::limits::SubscriptionLimits;
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio_tungstenite::tungstenite::{self, Message};

use super::{
    ALL, add_release, server,
    socket::{PATIENCE, Socket},
    write_release,
};
use crate::{
    import::import,
    support::{
        database::{TestDatabase, on_sqlite},
        figures::Figures,
        server::{TestServer, client},
    },
};

#[tokio::test]
async fn a_socket_runs_so_many_operations() {
    on_sqlite(async |database: TestDatabase| {
        let limits = SubscriptionLimits {
            operations_per_connection: 2,
            ..SubscriptionLimits::default()
        };
        let server = server(&database, limits).await;
        let mut socket = Socket::start(&server).await;
        for id in ["1", "2", "3"] {
            socket.subscribe(id, ALL, json!({})).await;
        }
        let refused = socket.receive().await;
        assert_eq!((&refused["id"], &refused["type"]), (&json!("3"), &json!("error")));
        let extensions = json!({ "code": "TOO_MANY_OPERATIONS", "limit": "operations_per_connection", "maximum": 2 });
        assert_eq!(refused["payload"][0]["extensions"], extensions);
        socket.send(json!({ "type": "complete", "id": "1" })).await;
        socket.settle().await;
    })
    .await;
}

/// The status and the code with which a listener is turned away, and after how many seconds it may come again.
async fn turned_away(server: &TestServer) -> (u16, String, String) {
    let request = client()
        .post(server.url("/graphql"))
        .header("accept", "text/event-stream");
    let response = request.json(&json!({ "query": ALL })).send().await.unwrap();
    let status = response.status().as_u16();
    let again = response
        .headers()
        .get("retry-after")
        .map(|value| value.to_str().unwrap().to_owned());
    let body: serde_json::Value = response.json().await.unwrap();
    let code = body["errors"][0]["extensions"]["code"].as_str().unwrap().to_owned();
    (status, code, again.unwrap_or_default())
}

#[tokio::test]
async fn so_many_connections_listen_from_one_address_and_in_all() {
    on_sqlite(async |database: TestDatabase| {
        let of_address = SubscriptionLimits {
            connections_per_address: 1,
            ..SubscriptionLimits::default()
        };
        let server = server(&database, of_address).await;
        let mut socket = Socket::start(&server).await;
        assert_eq!(
            turned_away(&server).await,
            (429, "TOO_MANY_CONNECTIONS".to_owned(), "10".to_owned())
        );
        let headers = [("sec-websocket-protocol", "graphql-transport-ws")];
        let another = Socket::connect(&server.url("/graphql"), &headers, None).await;
        let Err(tungstenite::Error::Http(response)) = another else {
            panic!("it got a socket")
        };
        assert_eq!(response.status(), 429);
        // its place is free when it is gone
        socket.0.close(None).await.unwrap();
        assert_eq!(socket.closed().await.0, 1000);
        let another = async {
            while Socket::connect(&server.url("/graphql"), &headers, None).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, another)
            .await
            .expect("the place is given again");

        let none = SubscriptionLimits {
            connections: 0,
            ..SubscriptionLimits::default()
        };
        let server = super::server(&database, none).await;
        assert_eq!(
            turned_away(&server).await,
            (503, "SERVER_BUSY".to_owned(), "10".to_owned())
        );
    })
    .await;
}

#[tokio::test]
async fn a_socket_without_operations_is_closed_after_a_while() {
    on_sqlite(async |database: TestDatabase| {
        let limits = SubscriptionLimits {
            idle_timeout_seconds: 1,
            ..SubscriptionLimits::default()
        };
        let server = server(&database, limits).await;
        let mut busy = Socket::start(&server).await;
        busy.follow(None).await;
        let mut idle = Socket::start(&server).await;
        assert_eq!(idle.closed().await, (1000, "no operation for a long time".to_owned()));
        // one that listens is not idle, however little happens
        busy.settle().await;
    })
    .await;
}

#[tokio::test]
async fn a_silent_peer_is_asked_and_then_given_up() {
    on_sqlite(async |database: TestDatabase| {
        let limits = SubscriptionLimits {
            ping_interval_seconds: 1,
            ..SubscriptionLimits::default()
        };
        let server = server(&database, limits).await;
        let mut lively = Socket::start(&server).await;
        lively.follow(None).await;
        let mut silent = Socket::start(&server).await;
        silent.follow(None).await;
        let answering = tokio::spawn(async move { lively.event().await });
        // what comes is read, and nothing is answered
        let mut bytes = Vec::new();
        let reading = silent.0.get_mut().read_to_end(&mut bytes);
        tokio::time::timeout(PATIENCE, reading)
            .await
            .expect("it is given up")
            .unwrap();
        assert_eq!(bytes[..2], [0x89, 0], "a ping");
        assert_eq!(bytes[2], 0x88, "a close");
        assert_eq!(bytes[4..6], 1013_u16.to_be_bytes());
        // who answers pings stays
        add_release(&database, 2).await;
        server.refresh().await;
        assert_eq!(answering.await.unwrap()["node"]["kind"], "RELEASE_ADDED");
    })
    .await;
}

#[tokio::test]
async fn a_slow_reader_is_closed_and_told_where_to_go_on() {
    on_sqlite(async |database: TestDatabase| {
        const RELEASES: u32 = 400;
        let limits = SubscriptionLimits {
            send_timeout_ms: 200,
            ..SubscriptionLimits::default()
        };
        let server = server(&database, limits).await;
        let folder = tempfile::TempDir::new().unwrap();
        for number in 2..2 + RELEASES {
            write_release(folder.path(), number);
        }
        import(database.connection(), &[folder.path()]).await;
        server.refresh().await;
        let first = super::log(&server, None).await[0]["cursor"]
            .as_str()
            .unwrap()
            .to_owned();

        // some 9 kB an event, 800 of them: more altogether than all the buffers on the way hold
        let headers = [("sec-websocket-protocol", "graphql-transport-ws")];
        let mut socket = Socket::connect(&server.url("/graphql"), &headers, Some(4096))
            .await
            .unwrap();
        socket.init(json!({})).await;
        let fields = "{ variant { id codename name names device { id codename name names regions branches } } }";
        let mut aliases = String::new();
        for number in 0..34 {
            let _ = write!(
                aliases,
                "alias{number}: subject {{ ... on Release {fields} ... on Package {fields} }} "
            );
        }
        let query =
            format!("subscription($after: String) {{ changes(after: $after) {{ cursor node {{ {aliases} }} }} }}");
        socket.subscribe("1", &query, json!({ "after": first })).await;
        // until the server has given up, nothing is read
        let gave_up = async {
            let metrics = server.url("/metrics");
            while Figures::of(&metrics).await.shown("romdex_slow_readers_closed_total") != "1" {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, gave_up).await.unwrap();
        let mut last = None;
        let (code, reason) = loop {
            match tokio::time::timeout(PATIENCE, futures::StreamExt::next(&mut socket.0))
                .await
                .unwrap()
                .unwrap()
                .unwrap()
            {
                Message::Text(text) => {
                    let event: serde_json::Value = serde_json::from_str(&text).unwrap();
                    assert_eq!(event["type"], "next", "{event}");
                    last = event["payload"]["data"]["changes"]["cursor"]
                        .as_str()
                        .map(str::to_owned);
                }
                Message::Close(Some(close)) => break (u16::from(close.code), close.reason.to_string()),
                _ => {}
            }
        };
        assert_eq!(code, 1013, "{reason}");
        assert_eq!(reason, format!("read too slowly: go on after {}", last.unwrap()));
    })
    .await;
}
