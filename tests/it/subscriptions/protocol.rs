//! What `graphql-transport-ws` prescribes, message by message.

use std::fmt::Write as _;

use futures::SinkExt as _;
use romdex::graphql::limits::SubscriptionLimits;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio_tungstenite::tungstenite::{
    self, Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use super::{ALL, options, server, socket::Socket};
use crate::support::{
    database::{TestDatabase, on_sqlite},
    server::{TestServer, settings},
};

async fn on_server(limits: SubscriptionLimits, test: impl AsyncFnOnce(TestServer)) {
    on_sqlite(async |database: TestDatabase| test(server(&database, limits).await).await).await;
}

#[tokio::test]
async fn a_mistake_of_the_client_closes_the_socket_with_its_code() {
    on_server(SubscriptionLimits::default(), async |server| {
        let init = json!({ "type": "connection_init" });
        let subscribe = json!({ "type": "subscribe", "id": "1", "payload": { "query": ALL } });
        let table: [(&[Value], u16, &str); 9] = [
            (&[json!("nonsense")], 4400, "not a message"),
            (
                &[json!({ "type": "start", "id": "1", "payload": {} })],
                4400,
                "no message of type start",
            ),
            (
                &[init.clone(), json!({ "type": "subscribe", "id": "1" })],
                4400,
                "needs a payload",
            ),
            (
                &[init.clone(), json!({ "type": "subscribe", "id": "1", "payload": {} })],
                4400,
                "query",
            ),
            (
                &[
                    init.clone(),
                    json!({ "type": "subscribe", "payload": { "query": ALL } }),
                ],
                4400,
                "needs an id",
            ),
            (
                &[
                    init.clone(),
                    json!({ "type": "subscribe", "id": "1", "payload": { "query": 7 } }),
                ],
                4400,
                "payload",
            ),
            (std::slice::from_ref(&subscribe), 4401, "Unauthorized"),
            (
                &[init.clone(), subscribe.clone(), subscribe.clone()],
                4409,
                "Subscriber for 1 already exists",
            ),
            (&[init.clone(), init], 4429, "Too many initialisation requests"),
        ];
        for (messages, code, reason) in table {
            let mut socket = Socket::open(&server.url("/graphql")).await;
            for message in messages {
                socket.send(message.clone()).await;
            }
            if messages[0]["type"] == "connection_init" {
                assert_eq!(socket.receive().await["type"], "connection_ack");
            }
            let (found, said) = socket.closed().await;
            assert!(found == code && said.contains(reason), "{messages:?}: {found} {said}");
        }
        let mut socket = Socket::open(&server.url("/graphql")).await;
        socket.0.send(Message::binary(&b"{}"[..])).await.unwrap();
        assert_eq!(socket.closed().await.0, 4400);
    })
    .await;
}

#[tokio::test]
async fn a_client_that_does_not_begin_is_not_waited_for() {
    let limits = SubscriptionLimits {
        init_timeout_ms: 50,
        ..SubscriptionLimits::default()
    };
    on_server(limits, async |server| {
        let mut socket = Socket::open(&server.url("/graphql")).await;
        assert_eq!(
            socket.closed().await,
            (4408, "Connection initialisation timeout".to_owned())
        );
    })
    .await;
}

#[tokio::test]
async fn a_message_is_bounded_also_when_it_comes_in_pieces() {
    on_server(SubscriptionLimits::default(), async |server| {
        let most = SubscriptionLimits::default().message_bytes as usize;
        let message = |bytes: usize| {
            let text = json!({ "type": "ping", "payload": { "a": "" } }).to_string();
            text.replace("\"\"", &format!("\"{}\"", "a".repeat(bytes - text.len())))
        };
        // the largest that is taken
        let mut socket = Socket::start(&server).await;
        socket.0.send(Message::text(message(most))).await.unwrap();
        assert_eq!(socket.receive().await["type"], "pong");
        socket.0.send(Message::text(message(most + 1))).await.unwrap();
        assert_eq!(socket.closed().await.0, 1009);

        let mut socket = Socket::start(&server).await;
        let text = message(most + 1);
        let pieces: Vec<_> = text.as_bytes().chunks(10_000).collect();
        for (at, piece) in pieces.iter().enumerate() {
            let data = if at == 0 { Data::Text } else { Data::Continue };
            let frame = Frame::message(piece.to_vec(), OpCode::Data(data), at + 1 == pieces.len());
            if socket.0.send(Message::Frame(frame)).await.is_err() {
                break;
            }
        }
        assert_eq!(socket.closed().await.0, 1009);
    })
    .await;
}

#[tokio::test]
async fn queries_and_refusals_are_answered_on_the_socket() {
    on_server(SubscriptionLimits::default(), async |server| {
        let mut socket = Socket::start(&server).await;
        socket
            .subscribe(
                "q",
                "query($n: Int) { releases(first: $n) { totalCount } }",
                json!({ "n": 1 }),
            )
            .await;
        let answer = json!({ "id": "q", "type": "next", "payload": { "data": { "releases": { "totalCount": 1 } } } });
        assert_eq!(socket.receive().await, answer);
        assert_eq!(socket.receive().await, json!({ "id": "q", "type": "complete" }));

        let table = [
            ("{", "GRAPHQL_PARSE_FAILED"),
            ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
            (
                "subscription { changes { cursor } again: changes { cursor } }",
                "GRAPHQL_VALIDATION_FAILED",
            ),
            ("subscription { changes(after: \"x\") { cursor } }", "BAD_USER_INPUT"),
            (
                "subscription($a: Int!) { changes { cursor @skip(if: true) } }",
                "GRAPHQL_VALIDATION_FAILED",
            ),
        ];
        for (query, code) in table {
            socket.subscribe("e", query, json!({})).await;
            let answer = socket.receive().await;
            assert_eq!(
                (&answer["id"], &answer["type"]),
                (&json!("e"), &json!("error")),
                "{query}: {answer}"
            );
            assert_eq!(answer["payload"][0]["extensions"]["code"], code, "{query}: {answer}");
        }
        // a refused operation has ended: its id is free, and the socket lives
        socket.send(json!({ "type": "ping", "payload": { "a": 1 } })).await;
        assert_eq!(socket.receive().await, json!({ "type": "pong", "payload": { "a": 1 } }));
        socket.send(json!({ "type": "pong" })).await;
        socket.send(json!({ "type": "complete", "id": "unknown" })).await;
        socket.settle().await;
    })
    .await;
}

#[tokio::test]
async fn persisted_documents_are_known_on_the_socket_too() {
    on_server(SubscriptionLimits::default(), async |server| {
        let mut socket = Socket::start(&server).await;
        let query = "subscription S { changes { cursor } }";
        let hash = Sha256::digest(query).iter().fold(String::new(), |mut hash, byte| {
            let _ = write!(hash, "{byte:02x}");
            hash
        });
        let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
        let ask = |id: &str, payload: Value| json!({ "type": "subscribe", "id": id, "payload": payload });
        socket.send(ask("1", json!({ "extensions": extensions }))).await;
        let answer = socket.receive().await;
        assert_eq!(
            answer["payload"][0]["extensions"]["code"], "PERSISTED_QUERY_NOT_FOUND",
            "{answer}"
        );
        socket
            .send(ask("2", json!({ "query": query, "extensions": extensions })))
            .await;
        socket.settle().await;
        socket.send(ask("3", json!({ "extensions": extensions }))).await;
        socket.settle().await;
    })
    .await;
}

#[tokio::test]
async fn a_token_may_come_with_the_first_message() {
    on_server(SubscriptionLimits::default(), async |server| {
        let mut socket = Socket::open(&server.url("/graphql")).await;
        socket.init(json!({ "authorization": "Bearer nonsense" })).await;
        socket.subscribe("1", "{ catalog { revision } }", json!({})).await;
        let answer = socket.receive().await;
        assert_eq!(answer["type"], "error", "{answer}");
        assert_eq!(
            answer["payload"][0]["extensions"]["code"], "UNAUTHENTICATED",
            "{answer}"
        );
    })
    .await;
}

/// How the server answers to who does not get a socket.
async fn refused(url: &str, headers: &[(&'static str, &str)]) -> Option<(u16, String)> {
    let Err(tungstenite::Error::Http(response)) = Socket::connect(url, headers, None).await.map(|_| ()) else {
        return None;
    };
    let body: Value = serde_json::from_slice(response.body().as_deref().unwrap_or_default()).unwrap_or_default();
    let code = body["errors"][0]["extensions"]["code"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    Some((response.status().as_u16(), code))
}

const PROTOCOL: (&str, &str) = ("sec-websocket-protocol", "graphql-transport-ws");

#[tokio::test]
async fn no_other_subprotocol_is_served() {
    on_server(SubscriptionLimits::default(), async |server| {
        let url = server.url("/graphql");
        let not_supported = Some((400, "SUBPROTOCOL_NOT_SUPPORTED".to_owned()));
        assert_eq!(
            refused(&url, &[("sec-websocket-protocol", "graphql-ws")]).await,
            not_supported
        );
        assert_eq!(refused(&url, &[]).await, not_supported);
        assert_eq!(
            refused(&url, &[("sec-websocket-protocol", "graphql-ws, graphql-transport-ws")]).await,
            None
        );
    })
    .await;
}

#[tokio::test]
async fn pages_of_other_origins_are_refused_where_origins_are_listed() {
    on_sqlite(async |database: TestDatabase| {
        let anywhere = TestServer::start(&database).await;
        let foreign = [PROTOCOL, ("origin", "https://example.org")];
        assert_eq!(refused(&anywhere.url("/graphql"), &foreign).await, None);

        let settings = romdex::http::Settings {
            allowed_origins: vec!["https://example.com".to_owned()],
            ..settings()
        };
        let server = TestServer::start_with(&database, &settings, options(SubscriptionLimits::default())).await;
        let url = server.url("/graphql");
        assert_eq!(
            refused(&url, &foreign).await,
            Some((403, "ORIGIN_NOT_ALLOWED".to_owned()))
        );
        assert_eq!(
            refused(&url, &[PROTOCOL, ("origin", "https://example.com")]).await,
            None
        );
        // no page at all
        assert_eq!(refused(&url, &[PROTOCOL]).await, None);
    })
    .await;
}
