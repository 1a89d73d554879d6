//! The catalogue in other programs' forms, through HTTP, on every kind of database.

mod sample;

use std::collections::BTreeMap;

use rss::Channel;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    import,
    support::{
        database::{TestDatabase, on_every_database},
        server::{TestServer, client},
        site::{CARD, Card, page, tree},
    },
};

on_every_database!(
    the_newest_packages_are_told_as_the_tracker_does,
    the_devices_are_told_as_the_tracker_does,
    an_empty_catalogue_is_told_as_one,
    a_device_has_the_trackers_feed,
    a_phone_is_told_of_newer_builds_alone,
    what_is_not_there_is_refused_with_a_code,
);

async fn text(server: &TestServer, path: &str) -> String {
    let response = client().get(server.url(path)).send().await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    response.text().await.unwrap()
}

/// A refusal's status, code and message.
async fn refusal(server: &TestServer, path: &str) -> (u16, String, String) {
    let response = client().get(server.url(path)).send().await.unwrap();
    let status = response.status().as_u16();
    let answer: Value = response.json().await.unwrap();
    let error = &answer["errors"][0];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (status, text(&error["extensions"]["code"]), text(&error["message"]))
}

/// The seed page, two stable releases of the global variant of which the newer has no MD5 and no size, and its beta.
async fn filled(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    let stable = Card {
        branch: "Stable",
        changelog: "[System]\nMore <b>speed</b>",
        ..CARD
    };
    let cards = [
        Card {
            version: "V10.2.3.0.NAMMIXM",
            date: "2019-03-01",
            filename: "miui_HM4XGlobal_V10.2.3.0.NAMMIXM_1234567890_7.1.zip",
            md5: "12345678901234567890123456789012",
            ..stable.clone()
        },
        Card {
            version: "V10.2.10.0.NAMMIXM",
            date: "2019-09-01",
            size: "465 Bytes",
            filename: "miui_HM4XGlobal_V10.2.10.0.NAMMIXM_aaaaaaaaaa_7.1.zip",
            ..stable.clone()
        },
        Card {
            version: "V10.2.11.0.NAMMIXM",
            branch: "Stable Beta",
            date: "2019-10-01",
            filename: "miui_HM4XGlobal_V10.2.11.0.NAMMIXM_bbbbbbbbbb_7.1.zip",
            ..stable
        },
    ];
    tree(
        folder.path(),
        &[
            ("pages/miui/updates/santoni/7.12.28.md", &import::seed_page()),
            (
                "pages/miui/updates/santoni/V10.md",
                &page("miui", "santoni", "V10", &cards),
            ),
        ],
    );
    import::import(database.connection(), &[folder.path()]).await;
}

async fn the_newest_packages_are_told_as_the_tracker_does(database: TestDatabase) {
    filled(&database).await;
    let server = TestServer::start(&database).await;
    let text = text(&server, "/compat/latest.yml").await;
    let expected = "\
- android: '7.1'
  branch: Weekly
  codename: santoni
  date: 2017-12-27
  link: https://bigota.d.miui.com/7.12.28/miui_HM4X_7.12.28_a6ea940d97_7.1.zip
  md5: a6ea940d9776f09534611514c933507c
  method: Recovery
  name: Redmi 4X China
  size: 1.5 GB
  version: 7.12.28
";
    assert!(text.starts_with(expected), "{text}");
    assert!(
        text.contains(
            "  md5: null\n  method: Recovery\n  name: Redmi 4X Global\n  size: null\n  version: V10.2.10.0.NAMMIXM\n"
        ),
        "{text}"
    );
    let entries: Vec<BTreeMap<String, Option<String>>> = serde_saphyr::from_str(&text).unwrap();
    let groups: Vec<_> = entries
        .iter()
        .map(|entry| {
            ["codename", "branch", "method"]
                .map(|key| entry[key].clone().unwrap())
                .join(" ")
        })
        .collect();
    assert_eq!(
        groups,
        [
            "santoni Weekly Recovery",
            "santoni Weekly Fastboot",
            "santoni_global Stable Beta Recovery",
            "santoni_global Stable Recovery",
            "santoni_global Weekly Recovery",
            "santoni_global Weekly Fastboot",
        ]
    );
}

async fn the_devices_are_told_as_the_tracker_does(database: TestDatabase) {
    filled(&database).await;
    let server = TestServer::start(&database).await;
    assert_eq!(
        text(&server, "/compat/devices.yml").await,
        "santoni:\n- Redmi 4X China\n- HM4X\nsantoni_global:\n- Redmi 4X Global\n- HM4XGlobal\n"
    );
}

async fn an_empty_catalogue_is_told_as_one(database: TestDatabase) {
    let server = TestServer::start(&database).await;
    assert_eq!(text(&server, "/compat/latest.yml").await, "[]\n");
    assert_eq!(text(&server, "/compat/devices.yml").await, "{}\n");
}

async fn a_device_has_the_trackers_feed(database: TestDatabase) {
    filled(&database).await;
    let server = TestServer::start(&database).await;
    for codename in ["santoni", "SANTONI", "santoni_global"] {
        let path = format!("/compat/rss/{codename}.xml");
        let channel = Channel::read_from(text(&server, &path).await.as_bytes()).unwrap();
        assert_eq!(channel.title(), "Redmi 4X updates");
        let titles: Vec<_> = channel.items().iter().map(|item| item.title().unwrap()).collect();
        assert_eq!(
            titles,
            [
                "MIUI V10.2.11.0.NAMMIXM Recovery update for Redmi 4X Global",
                "MIUI V10.2.10.0.NAMMIXM Recovery update for Redmi 4X Global",
                "MIUI 7.12.28 Fastboot update for Redmi 4X China",
                "MIUI 7.12.28 Recovery update for Redmi 4X Global",
                "MIUI 7.12.28 Fastboot update for Redmi 4X Global",
                "MIUI 7.12.28 Recovery update for Redmi 4X China",
            ]
        );
        let item = &channel.items()[1];
        assert_eq!(item.pub_date(), Some("Sun, 1 Sep 2019 00:00:00 +0000"));
        assert_eq!(
            item.guid().unwrap().value(),
            "miui_HM4XGlobal_V10.2.10.0.NAMMIXM_aaaaaaaaaa_7.1.zip"
        );
        let html = item.description().unwrap();
        assert!(
            html.contains("<p><b>New Stable Recovery update available!</b></p>"),
            "{html}"
        );
        assert!(html.contains("<p><b>Size:</b> Unknown</p>"), "{html}");
        assert!(html.contains("<p><b>Changelog:</b><br>[System]<br>More"), "{html}");
    }
}

async fn a_phone_is_told_of_newer_builds_alone(database: TestDatabase) {
    filled(&database).await;
    let server = TestServer::start(&database).await;
    let url = |version: &str, hash: &str| {
        format!("https://bigota.d.miui.com/{version}/miui_HM4XGlobal_{version}_{hash}_7.1.zip")
    };
    let newest = json!({
        "datetime": 1_567_296_000,
        "filename": "miui_HM4XGlobal_V10.2.10.0.NAMMIXM_aaaaaaaaaa_7.1.zip",
        "id": "miui_HM4XGlobal_V10.2.10.0.NAMMIXM_aaaaaaaaaa_7.1.zip",
        "romtype": "stable",
        "size": null,
        "url": url("V10.2.10.0.NAMMIXM", "aaaaaaaaaa"),
        "version": "V10.2.10.0.NAMMIXM",
    });
    let older = json!({
        "datetime": 1_551_398_400,
        "filename": "miui_HM4XGlobal_V10.2.3.0.NAMMIXM_1234567890_7.1.zip",
        "id": "12345678901234567890123456789012",
        "romtype": "stable",
        "size": 1_300_000_000_u64,
        "url": url("V10.2.3.0.NAMMIXM", "1234567890"),
        "version": "V10.2.3.0.NAMMIXM",
    });
    for (path, expected) in [
        ("santoni_global/stable/V10.2.3.0.NAMMIXM", vec![newest.clone()]),
        ("santoni/stable/V10.2.3.0.NAMMIXM", vec![newest.clone()]),
        ("santoni_global/stable/V9.6.1.0.NAMMIFD", vec![newest, older]),
        ("santoni_global/stable/V10.2.10.0.NAMMIXM", vec![]),
        ("santoni_global/public_beta/V10.2.3.0.NAMMIXM", vec![]),
    ] {
        let answer: Value = serde_json::from_str(&text(&server, &format!("/api/v1/{path}")).await).unwrap();
        assert_eq!(answer, json!({ "response": expected }), "{path}");
    }
    let text = text(&server, "/api/v1/santoni_global/STABLE_BETA/V10.2.3.0.NAMMIXM").await;
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(answer["response"][0]["romtype"], "STABLE_BETA");
    assert_eq!(answer["response"][0]["version"], "V10.2.11.0.NAMMIXM");
}

async fn what_is_not_there_is_refused_with_a_code(database: TestDatabase) {
    filled(&database).await;
    let server = TestServer::start(&database).await;
    for (path, status, code, said) in [
        (
            "/compat/rss/nothing.xml",
            404,
            "NOT_FOUND",
            "there is no device \"nothing\"",
        ),
        (
            "/api/v1/nothing/stable/V1.1.1.1.NAMMIXM",
            404,
            "NOT_FOUND",
            "variant \"nothing\"",
        ),
        (
            "/api/v1/santoni/nightly/7.1.1",
            400,
            "BAD_USER_INPUT",
            "one of stable, stable_beta, public_beta, weekly",
        ),
        ("/api/v1/santoni/stable/none", 400, "BAD_USER_INPUT", "incremental"),
    ] {
        let (found, named, message) = refusal(&server, path).await;
        assert_eq!((found, named.as_str()), (status, code), "{path}");
        assert!(message.contains(said), "{message}");
    }
}
