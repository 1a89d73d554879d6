//! What an operation asks of the database ends with it: with its time, and with its client.
//!
//! Changelogs are read over one connection here, and never to their end. So whoever asks for something else that is in the
//! database gets an answer only after that statement was stopped.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use romdex::database::{self, settings::Settings};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::{
    import::import,
    subscriptions::socket::Socket,
    support::{
        database::{TestDatabase, on_every_database, on_postgres, settings},
        program::romdex,
        served::Served,
        server::client,
        site::{CARD, Card, page, tree},
    },
    token::{SECRET, create},
};

on_every_database!(
    a_statement_ends_with_the_time_of_its_operation,
    a_statement_ends_when_its_client_leaves,
    a_change_ends_with_the_time_of_its_operation,
    a_feed_is_not_read_for_longer_than_an_operation,
    what_the_server_reads_for_itself_takes_its_time,
);

/// How long a test waits for what has to come.
const PATIENCE: Duration = Duration::from_mins(1);

/// So long that no test sees its end.
const FOREVER: &str = "600000";

const SLOW: &str = "{ releases(first: 1) { nodes { changelog { text } } } }";

/// Read from the database as well.
const QUICK: &str = "{ changes(first: 1) { edges { cursor } } }";

fn command(folder: &Path, database: &TestDatabase, timeout_ms: &str) -> Command {
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--database-url", database.url()];
    let mut command = romdex(folder, arguments);
    command
        .env("ROMDEX__LIMITS__TIMEOUT_MS", timeout_ms)
        .env("ROMDEX__DATABASE__OPERATION_CONNECTIONS", "1")
        .env("ROMDEX__DATABASE__BUSY_TIMEOUT_MS", "100")
        .env("ROMDEX__DATABASE__ACQUIRE_TIMEOUT_MS", "60000")
        // it does not look at the database while the test does
        .env("ROMDEX__DATABASE__POLL_INTERVAL_MS", "600000")
        .env("ROMDEX__SECURITY__SECRET", SECRET);
    command
}

/// Imports a release with a changelog.
async fn add_release(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    let card = Card {
        changelog: "[System]\nNew: what is read from the database",
        ..CARD
    };
    let page = page("miui", card.codename, card.version, &[card]);
    tree(folder.path(), &[("pages/miui/updates/santoni/1.md", &page)]);
    import(database.connection(), &[folder.path()]).await;
}

/// A server whose changelogs take for ever.
async fn serve(folder: &Path, database: &TestDatabase, timeout_ms: &str) -> Served {
    add_release(database).await;
    replace(
        database,
        "changelog",
        "WITH RECURSIVE endless(n) AS (SELECT id FROM changelog_kept UNION ALL SELECT n + 1 FROM endless) \
         SELECT -n AS id, '' AS digest, '' AS text FROM endless",
        "SELECT kept.* FROM changelog_kept AS kept, pg_sleep(3600)",
    )
    .await;
    Served::start(&mut command(folder, database, timeout_ms))
}

/// Puts a view in the place of a table, which is kept beside it.
async fn replace(database: &TestDatabase, table: &str, on_sqlite: &str, on_postgres: &str) {
    let view = if is_sqlite(database) { on_sqlite } else { on_postgres };
    for statement in [
        format!("ALTER TABLE {table} RENAME TO {table}_kept"),
        format!("CREATE VIEW {table} AS {view}"),
    ] {
        database.connection().execute_unprepared(&statement).await.unwrap();
    }
}

fn is_sqlite(database: &TestDatabase) -> bool {
    database.url().starts_with("sqlite:")
}

/// Whether somebody reads changelogs, as the database says.
async fn is_read(database: &TestDatabase) -> bool {
    if !is_sqlite(database) {
        let query = "SELECT count(*) > 0 FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active' AND query LIKE '%\"changelog\"%'";
        return first(database.connection(), query).await;
    }
    // nothing can be put back into the file while somebody reads
    let settings = Settings {
        busy_timeout_ms: 1,
        ..settings(database.url())
    };
    let connection = database::connect(&settings).await.unwrap();
    connection
        .execute_unprepared("CREATE TABLE IF NOT EXISTS written (n INTEGER) STRICT; INSERT INTO written VALUES (1)")
        .await
        .unwrap();
    let is_busy = first(&connection, "PRAGMA wal_checkpoint(TRUNCATE)").await;
    connection.close().await.unwrap();
    is_busy
}

/// The first column of the one row.
async fn first(connection: &impl ConnectionTrait, query: &str) -> bool {
    let statement = Statement::from_string(connection.get_database_backend(), query);
    let row = connection.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

async fn until_read(database: &TestDatabase, expected: bool) {
    let deadline = Instant::now() + PATIENCE;
    while is_read(database).await != expected {
        assert!(
            Instant::now() < deadline,
            "whether changelogs are read is never {expected}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn post(server: &Served, query: &str) -> Value {
    let request = client().post(server.url("/graphql")).json(&json!({ "query": query }));
    request.send().await.unwrap().json().await.unwrap()
}

fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default()
}

async fn a_statement_ends_with_the_time_of_its_operation(database: TestDatabase) {
    let folder = TempDir::new().unwrap();
    let server = serve(folder.path(), &database, "300").await;
    for _ in 0..3 {
        let answer = post(&server, SLOW).await;
        assert_eq!(code(&answer), "OPERATION_TIMEOUT", "{answer}");
        assert_eq!(answer["data"], Value::Null);
    }
    until_read(&database, false).await;
    drop(server);
    // who asks at once does not have to wait for it either
    let server = Served::start(&mut command(folder.path(), &database, "3000"));
    assert_eq!(code(&post(&server, SLOW).await), "OPERATION_TIMEOUT");
    assert_ne!(server.query(QUICK).await["changes"]["edges"], json!([]));
}

async fn a_statement_ends_when_its_client_leaves(database: TestDatabase) {
    let folder = TempDir::new().unwrap();
    let server = serve(folder.path(), &database, FOREVER).await;
    let after = server.query(QUICK).await["changes"]["edges"][0]["cursor"].clone();
    let events = format!(
        "subscription {{ changes(after: {after}) {{ node {{ subject {{ ... on Release {{ changelog {{ text }} }} }} }} }} }}"
    );

    for (accept, query) in [
        ("application/json", SLOW),
        ("text/event-stream", SLOW),
        ("text/event-stream", events.as_str()),
        ("multipart/mixed;subscriptionSpec=1.0", events.as_str()),
    ] {
        let body = json!({ "query": query }).to_string();
        let head = format!(
            "POST /graphql HTTP/1.1\r\nhost: localhost\r\naccept: {accept}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let client = ask(&server, &(head + &body)).await;
        until_read(&database, true).await;
        drop(client);
        until_read(&database, false).await;
    }

    let query = SLOW.replace(' ', "+").replace('{', "%7B").replace('}', "%7D");
    let client = ask(
        &server,
        &format!("GET /graphql?query={query} HTTP/1.1\r\nhost: localhost\r\n\r\n"),
    )
    .await;
    until_read(&database, true).await;
    drop(client);
    until_read(&database, false).await;

    for query in [SLOW, events.as_str()] {
        let mut socket = Socket::open(&server.url("/graphql")).await;
        socket.init(json!({})).await;
        // it says itself that it is not interested any more
        socket.subscribe("slow", query, json!({})).await;
        until_read(&database, true).await;
        socket.send(json!({ "id": "slow", "type": "complete" })).await;
        until_read(&database, false).await;
        // it is gone
        socket.subscribe("slow", query, json!({})).await;
        until_read(&database, true).await;
        drop(socket);
        until_read(&database, false).await;
    }
    assert_eq!(server.query(QUICK).await["changes"]["edges"][0]["cursor"], after);
}

/// Sends a request, and reads nothing.
async fn ask(server: &Served, request: &str) -> TcpStream {
    let address = server.url("").replace("http://", "");
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(request.as_bytes()).await.unwrap();
    client
}

async fn a_change_ends_with_the_time_of_its_operation(database: TestDatabase) {
    let folder = TempDir::new().unwrap();
    add_release(&database).await;
    let token = create(&database, "bot");
    let server = Served::start(&mut command(folder.path(), &database, "3000"));
    let is_postgres = !is_sqlite(&database);
    let writer = database::begin_write(database.connection()).await.unwrap();
    if is_postgres {
        writer
            .execute_unprepared("LOCK TABLE webhook IN ACCESS EXCLUSIVE MODE")
            .await
            .unwrap();
    }
    let delete = "mutation { deleteWebhook(input: { id: \"wh_1\" }) { deletedId } }";
    let answer = server.post_as(&token, delete, json!({})).await;
    assert_eq!(code(&answer), "OPERATION_TIMEOUT", "{answer}");
    // the one connection is free, although the other writer still is there
    assert_ne!(server.query(QUICK).await["changes"]["edges"], json!([]));
    writer.rollback().await.unwrap();
    let answer = server.post_as(&token, delete, json!({})).await;
    assert_eq!(code(&answer), "BAD_USER_INPUT", "{answer}");
}

async fn a_feed_is_not_read_for_longer_than_an_operation(database: TestDatabase) {
    let folder = TempDir::new().unwrap();
    let server = serve(folder.path(), &database, "300").await;
    let asked = client().get(server.url("/feeds/atom")).send();
    let answer = tokio::time::timeout(PATIENCE, asked).await.unwrap().unwrap();
    assert_eq!(answer.status(), 500);
    until_read(&database, false).await;
}

async fn what_the_server_reads_for_itself_takes_its_time(database: TestDatabase) {
    let folder = TempDir::new().unwrap();
    add_release(&database).await;
    replace(
        &database,
        "device",
        "SELECT kept.* FROM device_kept AS kept WHERE 0 < (SELECT count(*) FROM ( \
         WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 500000) SELECT n FROM up))",
        "SELECT kept.* FROM device_kept AS kept, pg_sleep(0.5)",
    )
    .await;
    let server = Served::start(&mut command(folder.path(), &database, "10"));
    let data = server.query("{ releases { totalCount } }").await;
    assert_eq!(data["releases"]["totalCount"], 1);
}

#[tokio::test]
async fn postgres_knows_how_long_an_operation_may_take() {
    on_postgres(async |database| {
        let folder = TempDir::new().unwrap();
        add_release(&database).await;
        let said = "SELECT id, digest, current_setting('statement_timeout') AS text FROM changelog_kept";
        replace(&database, "changelog", "", said).await;
        let server = Served::start(&mut command(folder.path(), &database, "7000"));
        let data = server.query(SLOW).await;
        assert_eq!(data["releases"]["nodes"][0]["changelog"]["text"], "7s");
    })
    .await;
}
