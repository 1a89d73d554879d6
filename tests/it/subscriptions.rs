//! Subscriptions, over each transport that there is.

mod events;
mod following;
mod limits;
mod protocol;
pub mod socket;

use std::path::Path;

use romdex::graphql::{limits::SubscriptionLimits, service::Options};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    import::import,
    support::{
        database::TestDatabase,
        server::{TestServer, settings},
        site::{CARD, Card, page, tree},
    },
};

/// Everything that happens, and where to go on.
pub const ALL: &str = "subscription { changes { cursor node { kind subject { __typename ... on Device { codename } \
    ... on Release { version } ... on Package { filename } } } } }";

/// Writes a source with one release of one package below a folder.
pub fn write_release(folder: &Path, number: u32) {
    let version: &str = format!("V9.5.{number}.0.NAMMIFA").leak();
    let filename = format!("miui_HM4XGlobal_{version}_{number:010x}_7.1.zip").leak();
    let card = Card {
        version,
        filename,
        branch: "Stable",
        ..CARD
    };
    let page = page("miui", "santoni", version, &[card]);
    tree(folder, &[(&format!("pages/miui/updates/santoni/{version}.md"), &page)]);
}

/// Imports a release that was not there.
pub async fn add_release(database: &TestDatabase, number: u32) {
    let folder = TempDir::new().unwrap();
    write_release(folder.path(), number);
    import(database.connection(), &[folder.path()]).await;
}

/// A server over a catalogue that has its history behind it.
pub async fn server(database: &TestDatabase, limits: SubscriptionLimits) -> TestServer {
    add_release(database, 1).await;
    TestServer::start_with(database, &settings(), options(limits)).await
}

/// Options with these limits.
pub fn options(subscriptions: SubscriptionLimits) -> Options {
    Options {
        subscriptions,
        ..Options::default()
    }
}

/// The whole change log behind a cursor, as the events of [`ALL`] have it.
pub async fn log(server: &TestServer, after: Option<&str>) -> Vec<Value> {
    let query = ALL.replace(
        "subscription { changes { ",
        "query($after: String) { changes(first: 100, after: $after) { pageInfo { hasNextPage endCursor } edges { ",
    );
    let query = format!("{query} }}");
    let (mut found, mut after) = (Vec::new(), after.map(str::to_owned));
    loop {
        let mut page = server.post(&query, serde_json::json!({ "after": after })).await;
        assert_eq!(page.get("errors"), None);
        let changes = &mut page["data"]["changes"];
        found.extend(changes["edges"].as_array().unwrap().iter().cloned());
        if changes["pageInfo"]["hasNextPage"] != true {
            return found;
        }
        after = changes["pageInfo"]["endCursor"].as_str().map(str::to_owned);
    }
}
