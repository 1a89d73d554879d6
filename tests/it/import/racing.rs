//! Imports that run at once: whoever follows the change log by its cursor sees every row, once, in order.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use entity::change;
use futures::future::join_all;
use sea_orm::{EntityTrait as _, QueryOrder as _};
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::watch;

use crate::support::{
    database::{TestDatabase, on_every_database},
    program::romdex,
    served::Served,
    server::client,
    site::{CARD, Card, page, tree},
};

on_every_database!(readers_miss_nothing_of_imports_that_race);

const IMPORTERS: u32 = 3;
const ROUNDS: u32 = 5;

/// Longer than any machine takes.
const PATIENCE: Duration = Duration::from_mins(3);

/// A source of one release that no other has.
fn write_release(folder: &std::path::Path, number: u32) -> String {
    let version: &'static str = format!("V9.5.{number}.0.NAMMIFA").leak();
    let filename: &'static str = format!("miui_HM4XGlobal_{version}_{number:010x}_7.1.zip").leak();
    let card = Card {
        version,
        filename,
        branch: "Stable",
        ..CARD
    };
    let page = page("miui", "santoni", version, &[card]);
    tree(folder, &[(&format!("pages/miui/updates/santoni/{version}.md"), &page)]);
    filename.to_owned()
}

/// Imports the folders one after another, each in a process of its own.
async fn import_all(folders: Vec<TempDir>, url: String) {
    for folder in folders {
        let mut command = tokio::process::Command::from(romdex(folder.path(), ["import", ".", "--database-url", &url]));
        let ended = command.output().await.unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
}

/// Asks for pages of this size until it stands at the log's end after the importers had finished.
async fn poll(url: String, size: usize, have_finished: watch::Receiver<bool>) -> Vec<(String, String)> {
    let query = "query($first: Int, $after: String) { changes(first: $first, after: $after) { pageInfo { hasNextPage endCursor } \
        edges { cursor node { kind subject { ... on Device { codename } ... on Release { version } ... on Package { filename } } } } } }";
    let (client, begun) = (client(), Instant::now());
    let (mut told, mut after) = (Vec::new(), None);
    loop {
        assert!(begun.elapsed() < PATIENCE, "the importers do not finish");
        // what is written before this moment is in the answer, or behind its cursor
        let is_last = *have_finished.borrow();
        let request = json!({ "query": query, "variables": { "first": size, "after": after } });
        let answer = client.post(&url).json(&request).send().await.unwrap();
        let answer: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(answer.get("errors"), None);
        let changes = &answer["data"]["changes"];
        for edge in changes["edges"].as_array().unwrap() {
            let (kind, subject) = (&edge["node"]["kind"], &edge["node"]["subject"]);
            let name = subject.as_object().unwrap().values().next().unwrap();
            let what = format!("{} {}", kind.as_str().unwrap(), name.as_str().unwrap());
            told.push((edge["cursor"].as_str().unwrap().to_owned(), what));
        }
        if let Some(end) = changes["pageInfo"]["endCursor"].as_str() {
            after = Some(end.to_owned());
        }
        if changes["pageInfo"]["hasNextPage"] == false && is_last {
            return told;
        }
    }
}

async fn readers_miss_nothing_of_imports_that_race(database: TestDatabase) {
    let folder = TempDir::new().unwrap();
    let mut files = BTreeSet::from([write_release(&folder.path().join("first"), 0)]);
    import_all(vec![folder], database.url().to_owned()).await;

    let folder = TempDir::new().unwrap();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--database-url", database.url()];
    let server = Served::start(romdex(folder.path(), arguments).env("ROMDEX__DATABASE__POLL_INTERVAL_MS", "20"));
    let finished = watch::Sender::new(false);
    let readers = [1, 3, 100].map(|size| tokio::spawn(poll(server.url("/graphql"), size, finished.subscribe())));
    let mut importers = Vec::new();
    for importer in 0..IMPORTERS {
        let folders = (0..ROUNDS).map(|round| {
            let folder = TempDir::new().unwrap();
            files.insert(write_release(folder.path(), 1 + round * IMPORTERS + importer));
            folder
        });
        importers.push(import_all(folders.collect(), database.url().to_owned()));
    }
    join_all(importers).await;
    // the server has taken over the last revision when it tells it
    let end = change::Entity::find()
        .order_by_asc(change::Column::Id)
        .all(database.connection())
        .await
        .unwrap();
    let begun = Instant::now();
    let revision = i64::from(IMPORTERS * ROUNDS + 1);
    while server.query("{ catalog { revision } }").await["catalog"]["revision"] != revision {
        assert!(begun.elapsed() < PATIENCE, "the last revision is not served");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    finished.send_replace(true);

    let kinds: Vec<String> = end.iter().map(|row| row.kind.to_string()).collect();
    let added = |kind: &str| kinds.iter().filter(|own| *own == kind).count();
    assert_eq!(
        (added("RELEASE_ADDED"), added("PACKAGE_ADDED")),
        (files.len(), files.len())
    );
    let mut all = Vec::new();
    for reader in readers {
        all.push(reader.await.unwrap());
    }
    for told in &all {
        assert_eq!(told, &all[0], "readers with pages of different sizes agree");
        let cursors: BTreeSet<_> = told.iter().map(|(cursor, _)| cursor).collect();
        assert_eq!(cursors.len(), told.len(), "a row came twice");
        let kinds_told: Vec<_> = told
            .iter()
            .map(|(_, what)| what.split(' ').next().unwrap().to_owned())
            .collect();
        assert_eq!(kinds_told, kinds, "the log is told row by row");
        let packages: BTreeSet<_> = told
            .iter()
            .filter_map(|(_, what)| what.strip_prefix("PACKAGE_ADDED "))
            .collect();
        assert_eq!(packages, files.iter().map(String::as_str).collect());
    }
}
