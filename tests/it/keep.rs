//! `romdex serve --sync-every`: servers that keep their sources up to date, one at a time.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use romdex::database::{
    self,
    lease::{Lease, Right},
};
use sea_orm::EntityTrait as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    subscriptions::socket::Socket,
    support::{
        database::{TestDatabase, on_every_database, settings},
        program::{romdex, run},
        served::Served,
        server::client,
        source_server::{Fault, SourceServer},
    },
};

on_every_database!(
    what_is_new_at_a_source_is_told_to_who_listens,
    another_server_takes_over_when_the_one_that_syncs_is_killed,
    a_server_that_stops_while_it_fetches_leaves_nothing_behind,
    a_server_that_stops_while_it_takes_in_leaves_nothing_behind,
    health_tells_how_each_source_goes,
);

/// How long a test waits for what has to come.
const PATIENCE: Duration = Duration::from_mins(2);

const LATEST: &str = "/data/latest.yml";

fn latest(count: usize) -> String {
    (1..=count)
        .map(|number| {
            let version = format!("V9.2.{number}.0.NAMMIEK");
            format!(
                "- branch: Stable\n  codename: santoni_global\n  link: https://bigota.d.miui.com/{version}/miui_HM4XGlobal_{version}_540efd7cf5_7.1.zip\n  name: Redmi 4X Global\n  version: {version}\n"
            )
        })
        .collect::<Vec<_>>()
        .concat()
}

/// The file of the release with this number.
fn file(number: usize) -> String {
    format!("miui_HM4XGlobal_V9.2.{number}.0.NAMMIEK_540efd7cf5_7.1.zip")
}

fn keeping(folder: &Path, database: &TestDatabase, every: &str, sources: &str) -> Command {
    let arguments = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--sync-every",
        every,
        "--database-url",
    ];
    let mut command = romdex(folder, arguments.iter().chain(&[database.url()]));
    command
        .env("ROMDEX__SYNC__SOURCES", sources)
        .env("ROMDEX__DATABASE__POLL_INTERVAL_MS", "200");
    command
}

async fn until_served(server: &Served, number: usize) {
    let query = format!("{{ package(by: {{ filename: {:?} }}) {{ filename }} }}", file(number));
    let begun = Instant::now();
    while server.query(&query).await["package"].is_null() {
        assert!(begun.elapsed() < PATIENCE, "{number} is not served");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn until_asked(source: &SourceServer, status: u16) {
    let begun = Instant::now();
    while !source.answered().contains(&status) {
        assert!(begun.elapsed() < PATIENCE, "nobody asks");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn what_is_new_at_a_source_is_told_to_who_listens(database: TestDatabase) {
    let folder = TempDir::new().unwrap();
    let source = SourceServer::start();
    source.put(LATEST, latest(1));
    let mut command = keeping(folder.path(), &database, "1s", &source.url(LATEST));
    // what is told sooner than in ten minutes is told because this process wrote it
    command.env("ROMDEX__DATABASE__POLL_INTERVAL_MS", "600000");
    let server = Served::start(&mut command);
    until_served(&server, 1).await;
    let mut socket = Socket::open(&server.url("/graphql")).await;
    socket.init(json!({})).await;
    let added = "subscription { changes(filter: { kind: PACKAGE_ADDED }) { node { subject { ... on Package { filename } } } } }";
    socket.subscribe("follow", added, json!({})).await;
    socket.settle().await;
    for number in 2..5 {
        source.put(LATEST, latest(number));
        let edge = socket.event().await;
        assert_eq!(edge["node"]["subject"]["filename"], file(number), "{edge}");
    }
    assert_eq!(server.terminate(), Some(0));
}

async fn another_server_takes_over_when_the_one_that_syncs_is_killed(database: TestDatabase) {
    let folder = TempDir::new().unwrap();
    let source = SourceServer::start();
    source.put(LATEST, latest(1));
    let start = || Served::start(&mut keeping(folder.path(), &database, "1s", &source.url(LATEST)));
    let mut syncing = start();
    until_served(&syncing, 1).await;
    for number in [2, 4, 6] {
        let waiting = start();
        // the one that has the right keeps it
        source.put(LATEST, latest(number));
        until_served(&syncing, number).await;
        until_served(&waiting, number).await;
        // at any moment: while it asks, or takes in, or rests
        source.put(LATEST, latest(number + 1));
        tokio::time::sleep(Duration::from_millis(fastrand::u64(..1_500))).await;
        syncing.kill();
        until_served(&waiting, number + 1).await;
        syncing = waiting;
    }
    // nobody else is left who could have
    source.put(LATEST, latest(8));
    until_served(&syncing, 8).await;
    assert_eq!(syncing.terminate(), Some(0));
    assert!(
        Lease::take(&settings(database.url()), Right::Sync)
            .await
            .unwrap()
            .is_some()
    );
}

async fn a_server_that_stops_while_it_fetches_leaves_nothing_behind(database: TestDatabase) {
    let folder = TempDir::new().unwrap();
    let source = SourceServer::start();
    source.put(LATEST, latest(1));
    source.fail(&[Fault::Hangs]);
    let start = || Served::start(&mut keeping(folder.path(), &database, "1h", &source.url(LATEST)));
    let server = start();
    until_asked(&source, 200).await;
    assert_eq!(server.terminate(), Some(0));
    let known = entity::upstream::Entity::find().all(database.connection()).await;
    assert_eq!(known.unwrap(), []);
    // nothing was noted, so nobody waits for the hour to be over
    until_served(&start(), 1).await;
}

async fn a_server_that_stops_while_it_takes_in_leaves_nothing_behind(database: TestDatabase) {
    let folder = TempDir::new().unwrap();
    let source = SourceServer::start();
    source.put(LATEST, latest(1));
    let mut command = keeping(folder.path(), &database, "1h", "");
    command.env("ROMDEX__SYNC__SOURCES", source.url(LATEST));
    // the starter catalogue first, which is written before the server listens
    source.fail(&[Fault::Hangs]);
    let server = Served::start(&mut command);
    until_asked(&source, 200).await;
    assert_eq!(server.terminate(), Some(0));

    let writing = database::begin_write(database.connection()).await.unwrap();
    let server = Served::start(&mut command);
    until_asked(&source, 200).await;
    // it waits for its turn to write now, or will soon, and answers meanwhile
    assert_eq!(server.query("{ catalog { revision } }").await["catalog"]["revision"], 1);
    assert_eq!(server.terminate(), Some(0));
    writing.rollback().await.unwrap();
    let known = entity::upstream::Entity::find().all(database.connection()).await;
    assert_eq!(known.unwrap(), []);
    let server = Served::start(&mut command);
    until_served(&server, 1).await;
}

/// What `/health` tells once it is as wanted.
async fn health(server: &Served, is_wanted: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let answer = client().get(server.url("/health")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let told: Value = answer.json().await.unwrap();
        if is_wanted(&told) {
            return told;
        }
        assert!(begun.elapsed() < PATIENCE, "{told}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn health_tells_how_each_source_goes(database: TestDatabase) {
    let folder = TempDir::new().unwrap();
    let source = SourceServer::start();
    source.put(LATEST, latest(1));
    let sources = [source.url("/missing.tar.gz"), source.url(LATEST)].join(",");
    let mut command = keeping(folder.path(), &database, "1s", &sources);
    command.env("ROMDEX__SYNC__STALE_AFTER_SECONDS", "5");
    let server = Served::start(&mut command);
    let told = health(&server, |told| {
        told["sources"][0]["failures"] == 1 && told["sources"][1]["lastSucceededAt"].is_string()
    })
    .await;
    assert_eq!(told["status"], "warning");
    let [missing, good] = [0, 1].map(|at| told["sources"][at].clone());
    let location = missing["location"].as_str().unwrap();
    assert!(location.ends_with("/missing.tar.gz") && !told.to_string().contains("secret"));
    assert_eq!(
        told["warnings"],
        json!([format!("{location} is stale: it has never been had")])
    );
    assert_eq!(missing["failure"], "the server answered 404 Not Found");
    assert_eq!(
        (&missing["stale"], &missing["lastSucceededAt"]),
        (&json!(true), &Value::Null)
    );
    assert!(missing["nextAttemptAt"].as_str() > missing["lastAttemptedAt"].as_str());
    assert_eq!(
        (&good["stale"], &good["failures"], &good["failure"]),
        (&json!(false), &json!(0), &Value::Null)
    );

    // a server that synchronises nothing tells of it as well, once it has succeeded for the last time
    assert_eq!(server.terminate(), Some(0));
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--database-url", database.url()];
    let mut command = romdex(folder.path(), arguments);
    let server = Served::start(command.env("ROMDEX__SYNC__STALE_AFTER_SECONDS", "1"));
    let told = health(&server, |told| told["warnings"].as_array().map(Vec::len) == Some(2)).await;
    let at = |source: &Value| source["location"] == good["location"] && source["stale"] == true;
    assert!(told["sources"].as_array().unwrap().iter().any(at), "{told}");
}

#[test]
fn what_cannot_be_kept_up_to_date_is_refused_in_one_line() {
    let folder = TempDir::new().unwrap();
    let source = "https://example.com/data.tar.gz";
    for (arguments, sources, said) in [
        (
            &["serve", "--sync-every", "30m"][..],
            "",
            "sync.sources names no source",
        ),
        (
            &["serve", "--sync-every", "30m"],
            "ftp://example.com/data",
            "http:// or https://",
        ),
        (&["serve", "--sync-every", "2d"], source, "sync.stale_after_seconds"),
        (&["serve", "--sync-every", "0s"], source, "1s at least"),
        (&["serve", "--sync-every", "30"], source, "1s at least"),
        (
            &["--sync-every", "30m", "export"],
            source,
            "--sync-every stands behind the command serve",
        ),
    ] {
        let ran = run(romdex(folder.path(), arguments).env("ROMDEX__SYNC__SOURCES", sources));
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(ran.stderr.contains(said), "{arguments:?}: {}", ran.stderr);
    }
}
