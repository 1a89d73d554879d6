//! How long a document is good, and that it is rendered once.

use romdex::{graphql::limits::Limits, http::Settings};

use super::{add, client, get, header, seed, stable};
use crate::support::{
    database::{TestDatabase, on_every_database},
    server::{TestServer, settings},
};

on_every_database!(
    what_a_client_has_is_not_sent_again,
    a_document_is_sent_compressed_to_whoever_can_read_it,
    those_who_ask_at_once_wait_for_one_rendering,
    without_room_nothing_is_kept,
);

const PATHS: [&str; 7] = [
    "/feeds/atom",
    "/feeds/rss?region=GLOBAL",
    "/feeds/json",
    "/feeds/calendar.ics",
    "/compat/latest.yml",
    "/compat/devices.yml",
    "/compat/rss/santoni.xml",
];

async fn what_a_client_has_is_not_sent_again(database: TestDatabase) {
    seed(&database).await;
    let server = TestServer::start(&database).await;
    let mut tags = Vec::new();
    for path in PATHS {
        let first = get(&server, path).await;
        let value = |name| header(&first, name).to_owned();
        let (tag, modified, length) = (value("etag"), value("last-modified"), value("content-length"));
        assert!(tag.starts_with("W/\""), "{path}");
        assert_eq!(modified, "Sat, 22 Aug 2026 18:14:11 GMT", "{path}");
        assert_eq!(value("cache-control"), "public, max-age=60, stale-while-revalidate=600");
        assert_eq!(
            (value("access-control-allow-origin"), value("vary")),
            ("*".into(), "accept-encoding".into())
        );
        for (name, known, status) in [
            ("if-none-match", tag.as_str(), 304),
            ("if-none-match", &format!("\"other\", {tag}"), 304),
            ("if-none-match", "\"other\"", 200),
            ("if-modified-since", &modified, 304),
            ("if-modified-since", "Sun, 23 Aug 2026 00:00:00 GMT", 304),
            ("if-modified-since", "Sat, 22 Aug 2026 18:14:10 GMT", 200),
            ("if-modified-since", "yesterday", 200),
        ] {
            let again = client().get(server.url(path)).header(name, known).send().await.unwrap();
            assert_eq!(again.status(), status, "{path} {name}: {known}");
            assert_eq!(header(&again, "etag"), tag, "{path}");
            assert_eq!(again.text().await.unwrap().is_empty(), status == 304, "{path}");
        }
        let head = client().head(server.url(path)).send().await.unwrap();
        assert_eq!(
            (head.status().as_u16(), header(&head, "content-length")),
            (200, length.as_str()),
            "{path}"
        );
        assert_eq!(header(&head, "etag"), tag, "{path}");
        assert_eq!(head.text().await.unwrap(), "", "{path}");
        tags.push(tag);
    }
    let release = stable(1, "2019-01-01");
    add(&database, release.version, &[release]).await;
    server.refresh().await;
    for (path, tag) in PATHS.iter().zip(tags) {
        let changed = client()
            .get(server.url(path))
            .header("if-none-match", &tag)
            .send()
            .await
            .unwrap();
        let expected = if *path == "/compat/devices.yml" { 304 } else { 200 };
        assert_eq!(changed.status(), expected, "{path}");
    }
}

async fn a_document_is_sent_compressed_to_whoever_can_read_it(database: TestDatabase) {
    use std::io::Read as _;
    seed(&database).await;
    let server = TestServer::start(&database).await;
    for path in ["/feeds/atom", "/feeds/json", "/compat/latest.yml"] {
        let plain = get(&server, path).await.text().await.unwrap();
        let ask = client().get(server.url(path)).header("accept-encoding", "gzip");
        let response = ask.send().await.unwrap();
        assert_eq!(header(&response, "content-encoding"), "gzip", "{path}");
        let body = response.bytes().await.unwrap();
        assert!(body.len() < plain.len(), "{path}");
        let mut read = String::new();
        flate2::read::GzDecoder::new(&*body).read_to_string(&mut read).unwrap();
        assert_eq!(read, plain, "{path}");
    }
}

async fn those_who_ask_at_once_wait_for_one_rendering(database: TestDatabase) {
    seed(&database).await;
    let server = TestServer::start(&database).await;
    for path in PATHS {
        let answers = futures::future::join_all((0..20).map(|_| get(&server, path))).await;
        let made = answers
            .iter()
            .filter(|answer| header(answer, "cache-status") != "romdex; hit");
        assert_eq!(made.count(), 1, "{path}");
    }
    // equal feeds are one document, however they are asked for
    for (query, expected) in [
        ("?region=EEA,INDIA&type=RECOVERY", "romdex; fwd=miss; stored"),
        ("?type=recovery&region=INDIA&region=EEA", "romdex; hit"),
    ] {
        let response = get(&server, &format!("/feeds/atom{query}")).await;
        assert_eq!(header(&response, "cache-status"), expected, "{query}");
    }
}

async fn without_room_nothing_is_kept(database: TestDatabase) {
    seed(&database).await;
    let small = Settings {
        rendered_bytes: 0,
        ..settings()
    };
    let server = TestServer::start_with(&database, &small, Limits::default()).await;
    let mut bodies = Vec::new();
    for _ in 0..2 {
        let response = get(&server, "/feeds/json").await;
        assert_eq!(header(&response, "cache-status"), "romdex; fwd=miss; stored");
        bodies.push(response.text().await.unwrap());
    }
    assert_eq!(bodies[0], bodies[1]);
}
