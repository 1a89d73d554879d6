//! `romdex serve`: started as a person starts it, and watched from outside.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use romdex::catalog::Refreshed;
use serde_json::json;
use tempfile::TempDir;

use crate::support::{
    database::{TestDatabase, on_every_database, on_postgres},
    program::{romdex, run},
    served::Served,
    server::TestServer,
    site::{self, CARD},
};

on_every_database!(
    an_empty_catalogue_gets_the_starter_catalogue,
    a_revision_of_another_process_is_served_soon,
    a_server_answers_of_one_revision_until_it_takes_over_the_next,
);

fn serve(folder: &Path, database: &TestDatabase) -> Served {
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--database-url", database.url()];
    Served::start(romdex(folder, arguments).env("ROMDEX__DATABASE__POLL_INTERVAL_MS", "50"))
}

const TOTALS: &str = "{ catalog { revision } releases { totalCount } }";

async fn an_empty_catalogue_gets_the_starter_catalogue(database: TestDatabase) {
    let folder = TempDir::new().unwrap();
    let server = serve(folder.path(), &database);
    let data = server.query(TOTALS).await;
    assert_eq!(data["catalog"]["revision"], 1);
    assert!(data["releases"]["totalCount"].as_u64().unwrap() > 100, "{data}");
    assert_eq!(server.terminate(), Some(0));

    // It stays as it is when it is served again.
    let server = serve(folder.path(), &database);
    assert_eq!(server.query(TOTALS).await, data);
    assert_eq!(server.terminate(), Some(0));
}

/// Imports a release, in a process of its own.
fn import(folder: &Path, database: &TestDatabase) {
    let page = site::page("miui", "santoni", "7.12.28", &[CARD]);
    let documents = [("pages/miui/updates/santoni/7.12.28.md", page.as_str())];
    site::tree(&folder.join("site"), &documents);
    let ran = run(&mut romdex(
        folder,
        ["import", "site", "--database-url", database.url()],
    ));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

async fn a_server_answers_of_one_revision_until_it_takes_over_the_next(database: TestDatabase) {
    let folder = TempDir::new().unwrap();
    let server = TestServer::start(&database).await;
    let empty = json!({ "catalog": { "revision": 0 }, "releases": { "totalCount": 0 } });
    assert_eq!(server.query(TOTALS).await, empty);
    import(folder.path(), &database);
    assert_eq!(server.query(TOTALS).await, empty);
    assert_eq!(server.refresh().await, Refreshed::Loaded { revision: 1 });
    let one = json!({ "catalog": { "revision": 1 }, "releases": { "totalCount": 1 } });
    assert_eq!(server.query(TOTALS).await, one);
    assert_eq!(server.refresh().await, Refreshed::Unchanged);
    server.stop().await;
}

async fn a_revision_of_another_process_is_served_soon(database: TestDatabase) {
    let folder = TempDir::new().unwrap();
    let server = serve(folder.path(), &database);
    let before = server.query(TOTALS).await;
    import(folder.path(), &database);
    let deadline = Instant::now() + Duration::from_secs(20);
    while server.query(TOTALS).await == before {
        assert!(Instant::now() < deadline, "the new revision is not served");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(server.query(TOTALS).await["catalog"]["revision"], 2);
}

#[tokio::test]
async fn what_is_in_memory_is_served_on_while_the_database_is_away() {
    on_postgres(async |database| {
        let folder = TempDir::new().unwrap();
        import(folder.path(), &database);
        let server = serve(folder.path(), &database);
        let before = server.query(TOTALS).await;
        database.take_away().await;
        for _ in 0..5 {
            assert_eq!(server.query(TOTALS).await, before);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(server.terminate(), Some(0));
    })
    .await;
}

#[tokio::test]
async fn plain_romdex_serves_a_new_file_in_the_working_folder() {
    let folder = TempDir::new().unwrap();
    let server = Served::start(&mut romdex(folder.path(), ["--listen", "127.0.0.1:0"]));
    assert_ne!(server.query(TOTALS).await["releases"]["totalCount"], 0);
    assert!(folder.path().join("romdex.sqlite").is_file());
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_taken_port_is_an_error_of_one_line() {
    let folder = TempDir::new().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ran = run(&mut romdex(folder.path(), ["--listen", &address]));
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
    assert!(
        ran.stderr
            .lines()
            .last()
            .unwrap()
            .contains(&format!("cannot listen on {address}")),
        "{}",
        ran.stderr
    );
}
