//! Each change once and only once, whatever is written meanwhile and however often the reader is cut off.

use std::sync::atomic::{AtomicBool, Ordering};

use romdex::graphql::limits::SubscriptionLimits;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{add_release, log, options, server, socket::Socket, write_release};
use crate::support::{
    database::{TestDatabase, on_every_database, on_postgres, on_sqlite},
    program::{romdex, run},
    served::Served,
    server::{TestServer, settings},
};

on_every_database!(
    news_are_told_in_the_order_of_the_log,
    the_first_load_is_history_and_not_pushed,
    only_what_the_filter_admits_is_told,
    a_reader_that_is_cut_off_again_and_again_misses_nothing_and_hears_nothing_twice,
);

fn limits() -> SubscriptionLimits {
    SubscriptionLimits::default()
}

async fn news_are_told_in_the_order_of_the_log(database: TestDatabase) {
    let server = server(&database, limits()).await;
    let mut socket = Socket::start(&server).await;
    socket.follow(None).await;
    let history = log(&server, None).await.len();
    for number in [2, 3] {
        add_release(&database, number).await;
    }
    server.refresh().await;
    let expected = log(&server, None).await.split_off(history);
    assert_eq!(expected.len(), 4);
    for expected in expected {
        assert_eq!(socket.event().await, expected);
    }
    // what was told can be read again, from any place
    let all = log(&server, None).await;
    let after = all[0]["cursor"].as_str();
    let mut late = Socket::start(&server).await;
    late.follow(after).await;
    for expected in &all[1..] {
        assert_eq!(late.event().await, *expected);
    }
    server.stop().await;
}

async fn the_first_load_is_history_and_not_pushed(database: TestDatabase) {
    let server = TestServer::start_with(&database, &settings(), options(limits())).await;
    let mut socket = Socket::start(&server).await;
    socket.follow(None).await;
    add_release(&database, 1).await;
    server.refresh().await;
    add_release(&database, 2).await;
    server.refresh().await;
    let event = socket.event().await;
    assert_eq!(event["node"]["subject"]["version"], "V9.5.2.0.NAMMIFA", "{event}");
    server.stop().await;
}

async fn only_what_the_filter_admits_is_told(database: TestDatabase) {
    let server = server(&database, limits()).await;
    let mut socket = Socket::start(&server).await;
    let query = "subscription($f: ChangeFilter) { ...S } fragment S on Subscription { ... on Subscription { \
        c: changes(filter: $f) { node { kind } cursor } } }";
    let filters = [
        json!({ "kind": "PACKAGE_ADDED", "device": "santoni", "type": ["RECOVERY"] }),
        json!({ "kind": "RELEASE_ADDED", "region": "GLOBAL", "branch": "STABLE", "os": "MIUI" }),
        json!({ "device": "alioth" }),
    ];
    for (id, filter) in filters.iter().enumerate() {
        socket.subscribe(&id.to_string(), query, json!({ "f": filter })).await;
    }
    socket.settle().await;
    add_release(&database, 2).await;
    server.refresh().await;
    let mut told: Vec<_> = [socket.receive().await, socket.receive().await]
        .map(|event| {
            (
                event["id"].clone(),
                event["payload"]["data"]["c"]["node"]["kind"].clone(),
            )
        })
        .into();
    told.sort_by_key(|(id, _)| id.to_string());
    assert_eq!(
        told,
        [
            (json!("0"), json!("PACKAGE_ADDED")),
            (json!("1"), json!("RELEASE_ADDED"))
        ]
    );
    // one operation ends, the others go on
    socket.send(json!({ "type": "complete", "id": "0" })).await;
    socket.settle().await;
    add_release(&database, 3).await;
    server.refresh().await;
    assert_eq!(socket.receive().await["id"], "1");
    server.stop().await;
}

async fn a_reader_that_is_cut_off_again_and_again_misses_nothing_and_hears_nothing_twice(database: TestDatabase) {
    const RELEASES: u32 = 24;
    let server = server(&database, limits()).await;
    let first = log(&server, None).await.pop().unwrap()["cursor"]
        .as_str()
        .unwrap()
        .to_owned();
    let has_written = AtomicBool::new(false);
    let write = async {
        for number in 2..2 + RELEASES {
            add_release(&database, number).await;
            server.refresh().await;
        }
        has_written.store(true, Ordering::SeqCst);
    };
    let read = async {
        let mut random = fastrand::Rng::with_seed(7);
        let (mut told, mut cursor): (Vec<Value>, _) = (Vec::new(), first.clone());
        // a release and its package each
        while told.len() < 2 * RELEASES as usize {
            let mut socket = Socket::start(&server).await;
            socket.follow(Some(&cursor)).await;
            let left = 2 * RELEASES as usize - told.len();
            for _ in 0..random.usize(0..7).min(left) {
                let event = socket.event().await;
                event["cursor"].as_str().unwrap().clone_into(&mut cursor);
                told.push(event);
            }
            // cut off, without a word
        }
        told
    };
    // one that is never cut off, and one that had no cursor
    let live = async {
        let mut sockets = [Socket::start(&server).await, Socket::start(&server).await];
        sockets[0].follow(None).await;
        sockets[1].follow(Some(&first)).await;
        sockets
    };
    let mut sockets = live.await;
    let ((), told) = tokio::join!(write, read);
    assert!(has_written.load(Ordering::SeqCst));
    let expected = log(&server, Some(&first)).await;
    assert_eq!(told, expected);
    for socket in &mut sockets {
        for expected in &expected {
            assert_eq!(socket.event().await, *expected);
        }
    }
    server.stop().await;
}

/// A change that one process makes reaches the subscribers of another, which looks for changes so often.
async fn across_processes(database: TestDatabase, poll_interval_ms: &str) {
    let folder = TempDir::new().unwrap();
    add_release(&database, 1).await;
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--database-url", database.url()];
    let served =
        Served::start(romdex(folder.path(), arguments).env("ROMDEX__DATABASE__POLL_INTERVAL_MS", poll_interval_ms));
    let mut socket = Socket::open(&served.url("/graphql")).await;
    socket.init(json!({})).await;
    socket.follow(None).await;
    write_release(&folder.path().join("site"), 2);
    let ran = run(&mut romdex(
        folder.path(),
        ["import", "site", "--database-url", database.url()],
    ));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(socket.event().await["node"]["kind"], "RELEASE_ADDED");
    assert_eq!(socket.event().await["node"]["kind"], "PACKAGE_ADDED");
    // and whoever listens is told when the server is stopped
    assert_eq!(served.terminate(), Some(0));
    assert_eq!(socket.closed().await, (1001, "the server is stopping".to_owned()));
}

#[tokio::test]
async fn postgresql_tells_other_processes() {
    // looking now and then would take an hour
    on_postgres(async |database| across_processes(database, "3600000").await).await;
}

#[tokio::test]
async fn sqlite_is_looked_at_by_other_processes() {
    on_sqlite(async |database| across_processes(database, "50").await).await;
}
