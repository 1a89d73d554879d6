//! The commands: what they write, and the exit codes that scripts live on.

use std::{fs, path::Path};

use entity::{change, package};
use romdex::database::{self, Steps};
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    database::{TestDatabase, on_every_database},
    program::{Ran, romdex, run},
};

on_every_database!(
    tables_are_made_and_taken_back,
    an_export_makes_the_same_catalogue_elsewhere,
    a_dry_run_writes_nothing,
    what_was_rejected_ends_with_3_where_that_is_wanted,
    a_source_that_is_none_fails_and_leaves_the_catalogue_as_it_was,
    a_made_up_catalogue_is_taken_in_whole,
);

const STARTER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/import/starter.jsonl");

/// Runs a command on a database.
fn on(database: &TestDatabase, folder: &Path, arguments: &[&str]) -> Ran {
    run(&mut romdex(
        folder,
        [arguments, &["--database-url", database.url()]].concat(),
    ))
}

async fn packages(database: &TestDatabase) -> u64 {
    package::Entity::find().count(database.connection()).await.unwrap()
}

async fn tables_are_made_and_taken_back(database: TestDatabase) {
    let folder = TempDir::new().unwrap();
    for direction in ["down", "up", "up", "down"] {
        let url = database.url();
        let ran = run(&mut romdex(
            folder.path(),
            ["migrate", "--database-url", url, direction],
        ));
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{direction}");
    }
}

async fn a_made_up_catalogue_is_taken_in_whole(database: TestDatabase) {
    let folder = TempDir::new().unwrap();
    let written = run(&mut romdex(folder.path(), ["bench-data"])).stdout;
    let seeded = run(&mut romdex(folder.path(), ["bench-data", "--seed", "2"])).stdout;
    assert_ne!(written, seeded);
    let twice = run(&mut romdex(folder.path(), ["bench-data", "--scale", "2"])).stdout;
    let (one, two): (Vec<_>, Vec<_>) = (written.lines().skip(1).collect(), twice.lines().skip(1).collect());
    assert_eq!(one, two[..one.len()], "a device is the same at every scale");

    // some forty devices are enough to see that every form of line is taken
    let lines: Vec<&str> = written.lines().take(12_000).collect();
    let path = folder.path().join("made-up.jsonl");
    fs::write(&path, lines.join("\n")).unwrap();
    let ran = on(
        &database,
        folder.path(),
        &["import", "--strict", path.to_str().unwrap()],
    );
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let of_packages = |line: &&&str| line.starts_with("{\"kind\":\"package\"");
    assert_eq!(
        packages(&database).await,
        lines.iter().filter(of_packages).count() as u64
    );
}

async fn an_export_makes_the_same_catalogue_elsewhere(database: TestDatabase) {
    let folder = TempDir::new().unwrap();
    let ran = on(&database, folder.path(), &["import", STARTER, "--report", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["revision"], 1);
    assert_eq!(packages(&database).await, report["packages"]["added"].as_u64().unwrap());
    assert_ne!(packages(&database).await, 0);

    let again = on(&database, folder.path(), &["import", STARTER]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert!(again.stdout.contains("nothing changed; revision 1"), "{}", again.stdout);

    let first = on(&database, folder.path(), &["export"]);
    assert_eq!((first.code, first.stderr.as_str()), (0, ""));
    let file = folder.path().join("first.jsonl");
    fs::write(&file, &first.stdout).unwrap();
    let elsewhere = format!("sqlite://{}", folder.path().join("elsewhere.sqlite").display());
    let arguments = ["import", "first.jsonl", "--database-url", &elsewhere];
    assert_eq!(run(&mut romdex(folder.path(), arguments)).code, 0);
    let arguments = ["export", "--database-url", &elsewhere, "--output", "second.jsonl"];
    let ran = run(&mut romdex(folder.path(), arguments));
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    let second = fs::read_to_string(folder.path().join("second.jsonl")).unwrap();
    assert!(first.stdout == second, "the exports differ");
    assert!(!folder.path().join("second.jsonl.part").exists());
}

async fn a_dry_run_writes_nothing(database: TestDatabase) {
    let folder = TempDir::new().unwrap();
    let ran = on(&database, folder.path(), &["import", STARTER, "--dry-run"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("dry run: nothing was written"), "{}", ran.stdout);
    assert_eq!(packages(&database).await, 0);
    assert_eq!(change::Entity::find().count(database.connection()).await.unwrap(), 0);
}

async fn what_was_rejected_ends_with_3_where_that_is_wanted(database: TestDatabase) {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("broken.jsonl"), "{\"kind\":\"nothing\"}\n").unwrap();
    let ran = on(&database, folder.path(), &["import", "broken.jsonl"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let ran = on(&database, folder.path(), &["import", "broken.jsonl", "--strict"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stdout.contains("rejected"), "{}", ran.stdout);
}

async fn a_source_that_is_none_fails_and_leaves_the_catalogue_as_it_was(database: TestDatabase) {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("letter.txt"), "Dear archive").unwrap();
    for source in ["absent.tar.gz", "letter.txt"] {
        let ran = on(&database, folder.path(), &["import", STARTER, source]);
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
        assert!(ran.stderr.contains(source), "{}", ran.stderr);
    }
    assert_eq!(packages(&database).await, 0);
    // Still of use.
    database::migrate(database.connection(), Steps::Up).await.unwrap();
}

#[test]
fn a_command_that_is_none_ends_with_2_and_help_with_0() {
    let folder = TempDir::new().unwrap();
    for arguments in [
        &["fly"][..],
        &["import"],
        &["import", "x", "--report", "xml"],
        &["export", "--listen", "x"],
    ] {
        let ran = run(&mut romdex(folder.path(), arguments));
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{arguments:?}");
    }
    let ran = run(&mut romdex(folder.path(), ["--help"]));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert!(ran.stdout.contains("Exit codes"));
}
