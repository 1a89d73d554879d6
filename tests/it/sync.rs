//! Keeping the catalogue up to date from sources on a server of this machine.

use entity::upstream;
use romdex::database::lease::{Lease, Right};
use sea_orm::EntityTrait;
use tempfile::TempDir;

use crate::support::{
    database::{TestDatabase, on_every_database},
    program::{Ran, romdex, run},
    source_server::{Fault, SourceServer},
};

on_every_database!(
    a_source_is_taken_in_once_and_asked_for_again_only_conditionally,
    a_source_that_fails_is_left_alone_for_a_while_and_the_others_go_on,
    one_process_synchronises_at_a_time,
);

fn latest(version: &str) -> String {
    format!(
        "- branch: Stable\n  codename: santoni_global\n  link: https://bigota.d.miui.com/{version}/miui_HM4XGlobal_{version}_540efd7cf5_7.1.zip\n  name: Redmi 4X Global\n  version: {version}\n"
    )
}

fn sync(database: &TestDatabase, sources: &str) -> Ran {
    let folder = TempDir::new().unwrap();
    let mut command = romdex(folder.path(), ["sync", "--database-url", database.url()]);
    run(command.env("ROMDEX__SYNC__SOURCES", sources))
}

async fn a_source_is_taken_in_once_and_asked_for_again_only_conditionally(database: TestDatabase) {
    let server = SourceServer::start();
    server.put("/data/latest.yml", latest("V9.2.1.0.NAMMIEK"));
    let source = server.url("/data/latest.yml");
    let first = sync(&database, &source);
    assert_eq!(first.code, 0, "{}", first.stderr);
    assert!(first.stdout.contains("packages: 1 added"), "{}", first.stdout);
    let second = sync(&database, &source);
    assert!(
        second.stdout.ends_with("/data/latest.yml: unchanged\n"),
        "{}",
        second.stdout
    );
    server.put("/data/latest.yml", latest("V9.2.2.0.NAMMIEK"));
    let third = sync(&database, &source);
    assert!(
        third.stdout.contains("packages: 1 added, 0 changed, 1 unchanged"),
        "{}",
        third.stdout
    );
    assert_eq!(server.answered(), [200, 304, 200]);
    for ran in [first, second, third] {
        assert!(!ran.stdout.contains("secret") && !ran.stderr.contains("secret"));
    }
}

async fn a_source_that_fails_is_left_alone_for_a_while_and_the_others_go_on(database: TestDatabase) {
    let server = SourceServer::start();
    server.put("/broken/data/latest.yml", "- [not what it should be");
    server.put("/data/latest.yml", latest("V9.2.1.0.NAMMIEK"));
    let sources = [server.url("/missing.tar.gz"), server.url("/data/latest.yml")].join(",");
    let first = sync(&database, &sources);
    assert_eq!(first.code, 1);
    assert!(
        first
            .stdout
            .contains("/missing.tar.gz: failed: the server answered 404"),
        "{}",
        first.stdout
    );
    assert!(first.stdout.contains("packages: 1 added"), "{}", first.stdout);
    assert!(first.stderr.contains("1 of 2 sources failed"), "{}", first.stderr);
    let rows = upstream::Entity::find().all(database.connection()).await.unwrap();
    let failed = rows.iter().find(|row| row.failures == 1).unwrap();
    assert_eq!(failed.failure.as_deref(), Some("the server answered 404 Not Found"));
    assert!(failed.next_attempt_at > failed.attempted_at && failed.succeeded_at.is_none());
    server.answered();
    let second = sync(&database, &sources);
    assert_eq!(second.code, 0, "{}", second.stderr);
    assert!(second.stdout.contains("not due yet"), "{}", second.stdout);
    assert_eq!(server.answered(), [304]);
    server.put("/data/latest.yml", latest("V9.2.2.0.NAMMIEK"));
    server.fail(&[Fault::BreaksOff]);
    assert!(sync(&database, &sources).stdout.contains("packages: 1 added"));
}

async fn one_process_synchronises_at_a_time(database: TestDatabase) {
    let settings = crate::support::database::settings(database.url());
    let lease = Lease::take(&settings, Right::Sync).await.unwrap();
    assert!(lease.is_some());
    let refused = sync(&database, "http://127.0.0.1:9/data/latest.yml");
    assert_eq!(refused.code, 1);
    assert!(
        refused
            .stderr
            .contains("another process is synchronising this database"),
        "{}",
        refused.stderr
    );
    drop(lease);
    let taken = sync(&database, "http://127.0.0.1:9/data/latest.yml");
    assert!(taken.stdout.contains("failed"), "{} {}", taken.stdout, taken.stderr);
}
