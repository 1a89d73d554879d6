//! Which addresses webhooks may have, through the mutation that makes them and through the worker.

use serde_json::json;

use super::{Bench, CREATE, HOUR, newest};
use crate::{
    support::{
        database::{TestDatabase, on_every_database},
        served::Served,
    },
    token::with_secret,
};

on_every_database!(
    addresses_within_the_servers_networks_are_refused,
    what_the_configuration_no_longer_allows_is_not_reached,
);

async fn addresses_within_the_servers_networks_are_refused(database: TestDatabase) {
    let mut bench = Bench::start(&database, HOUR);
    bench.server = Served::start(&mut with_secret(
        bench.folder.path(),
        &database,
        ["serve", "--listen", "127.0.0.1:0"],
    ));
    for (url, said) in [
        ("http://example.com/", "must begin with https://"),
        ("https://127.0.0.1/", "public address"),
        ("https://2130706433/", "public address"),
        ("https://0x7f.1/", "public address"),
        ("https://localhost/", "public address"),
        ("https://169.254.169.254/latest/meta-data/", "public address"),
        ("https://192.168.0.1/", "public address"),
        ("https://[::1]/", "public address"),
        ("https://[::ffff:127.0.0.1]/", "public address"),
        ("https://[64:ff9b::10.0.0.1]/", "public address"),
        ("https://[fd00::1]/", "public address"),
        ("https://example.com:22/", "must not have the port 22"),
        ("https://user:pass@example.com/", "no user and no password"),
        ("https://example.com/#top", "no part behind a #"),
    ] {
        let answer = bench
            .server
            .post_as(&bench.token, CREATE, json!({ "input": { "url": url } }))
            .await;
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{url} {answer}");
        assert_eq!(error["extensions"]["argument"], "input.url");
        assert!(error["message"].as_str().unwrap().contains(said), "{url} {answer}");
        assert_eq!(answer["data"]["createWebhook"], json!(null));
    }
    let answer = bench
        .server
        .post_as(
            &bench.token,
            CREATE,
            json!({ "input": { "url": "https://example.com/hook" } }),
        )
        .await;
    assert_eq!(answer.get("errors"), None, "{answer}");
}

async fn what_the_configuration_no_longer_allows_is_not_reached(database: TestDatabase) {
    let mut bench = Bench::start(&database, HOUR);
    let (id, _) = bench.register().await;
    let mut command = super::command(bench.folder.path(), &database, HOUR);
    bench.server = Served::start(command.env("ROMDEX__WEBHOOKS__ALLOWED_NETWORKS", "10.0.0.0/8"));
    bench.ping(&id).await;
    let webhook = bench.until(&id, |webhook| newest(webhook)["status"] == "FAILED").await;
    assert_eq!(
        newest(&webhook)["failure"],
        "the address must lead to a public address of the internet"
    );
    assert_eq!(newest(&webhook)["responseStatus"], json!(null));
    assert!(bench.receiver.rest().is_empty());
}
