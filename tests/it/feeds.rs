//! Feeds, through HTTP, on every kind of database.

mod archive;
mod caching;
mod entries;

use reqwest::Response;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    import,
    support::{
        database::TestDatabase,
        server::{TestServer, client},
        site::{CARD, Card, page, tree},
    },
};

/// Imports one page of santoni's cards.
async fn add(database: &TestDatabase, version: &str, cards: &[Card]) {
    let folder = TempDir::new().unwrap();
    let path = format!("pages/miui/updates/santoni/{version}.md");
    tree(folder.path(), &[(&path, &page("miui", "santoni", version, cards))]);
    import::import(database.connection(), &[folder.path()]).await;
}

/// Imports the page that the project started from: two weekly releases of two packages each.
async fn seed(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    tree(
        folder.path(),
        &[("pages/miui/updates/santoni/7.12.28.md", &import::seed_page())],
    );
    import::import(database.connection(), &[folder.path()]).await;
}

/// A stable recovery package of the global Redmi 4X.
fn stable(number: u32, date: &'static str) -> Card {
    let version: &'static str = format!("V10.2.{number}.0.NAMMIXM").leak();
    Card {
        version,
        branch: "Stable",
        date,
        filename: format!("miui_HM4XGlobal_{version}_{number:010x}_7.1.zip").leak(),
        ..CARD
    }
}

/// The fastboot package of the same release.
fn fastboot(card: &Card, date: &'static str) -> Card {
    Card {
        method: "Fastboot",
        date,
        size: "1.9 GB",
        filename: format!(
            "santoni_global_images_{}_20190101.0000.00_7.1_global_8f4f84af64.tgz",
            card.version
        )
        .leak(),
        ..card.clone()
    }
}

async fn get(server: &TestServer, path: &str) -> Response {
    client().get(server.url(path)).send().await.unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// A JSON feed that has to be there.
async fn json(server: &TestServer, query: &str) -> Value {
    let response = get(server, &format!("/feeds/json{query}")).await;
    assert_eq!(response.status(), 200, "{query}");
    response.json().await.unwrap()
}

/// The titles of a feed's entries.
async fn titles(server: &TestServer, query: &str) -> Vec<String> {
    let feed = json(server, query).await;
    texts(&feed, "title")
}

fn texts(feed: &Value, member: &str) -> Vec<String> {
    let items = feed["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item[member].as_str().unwrap().to_owned())
        .collect()
}
