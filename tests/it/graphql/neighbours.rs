//! A field that fails takes none of its neighbours along.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::Api;
use crate::{
    import,
    support::{
        database::{TestDatabase, on_every_database},
        site::{CARD, Card, page, tree},
    },
};

on_every_database!(what_needs_the_database_fails_alone);

const WITH_CHANGELOG: Card = Card {
    changelog: "[System]\nNew: a clock",
    ..CARD
};

async fn what_needs_the_database_fails_alone(database: TestDatabase) {
    let folder = TempDir::new().unwrap();
    let cards = page("miui", "santoni", "7.12.28", &[WITH_CHANGELOG]);
    tree(folder.path(), &[("pages/miui/updates/santoni/7.12.28.md", &cards)]);
    import::import(database.connection(), &[folder.path()]).await;
    let api = Api::over(&database).await;
    database.connection().clone().close().await.unwrap();

    let query = "{ before: catalog { revision }
        releases { totalCount nodes { version changelog { text } variant { codename } packages { nodes { filename } } } }
        after: devices { nodes { codename } } }";
    let answer = api.answer(query, json!({})).await;
    assert_eq!(
        answer["data"],
        json!({
            "before": {"revision": 1},
            "releases": {"totalCount": 1, "nodes": [{
                "version": "7.12.28",
                "changelog": null,
                "variant": {"codename": "santoni_global"},
                "packages": {"nodes": [{"filename": CARD.filename}]},
            }]},
            "after": {"nodes": [{"codename": "santoni"}]},
        })
    );
    let errors = answer["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0]["path"], json!(["releases", "nodes", 0, "changelog"]));
    assert_eq!(errors[0]["extensions"]["code"], "INTERNAL_SERVER_ERROR");
    assert_eq!(errors[0]["message"], "internal server error");
    assert!(matches!(errors[0]["extensions"]["reference"], Value::String(_)));
}
