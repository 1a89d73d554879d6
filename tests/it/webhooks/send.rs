//! What is sent, how it is signed, and in which order.

use entity::delivery;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};

use super::{Bench, HOUR, is_signed, newest};
use crate::{
    metrics,
    support::{
        database::{TestDatabase, on_every_database},
        receiver::{ACCEPTED, FAILED, Received, Receiver, Reply},
        served::Served,
    },
};

on_every_database!(
    news_is_sent_signed_once_and_history_is_not,
    a_message_says_what_a_bot_needs,
    a_rotated_secret_signs_along_until_its_time_is_over,
    a_webhook_can_begin_at_a_cursor,
    messages_of_a_device_keep_their_order_and_hold_up_no_other,
    a_ping_is_sent_once_and_also_while_the_webhook_is_disabled,
    what_was_sent_can_be_sent_again_under_the_same_id,
    two_servers_send_each_message_once_and_take_over_from_one_another,
    a_receiver_gets_only_so_many_messages_at_once,
    what_is_done_for_long_is_thrown_away,
    attempts_are_counted_by_what_came_of_them,
);

async fn attempts_are_counted_by_what_came_of_them(database: TestDatabase) {
    let mut bench = Bench::start(&database, "0,0");
    let (id, _) = bench.register().await;
    let mut answers = [FAILED, ACCEPTED].into_iter();
    bench.receiver.answer(move |_| answers.next().unwrap_or(FAILED));
    let address = bench.server.url("/metrics");
    let counted = |expected: [&'static str; 4]| {
        let of = |outcome: &str| format!("romdex_webhook_attempts_total{{outcome=\"{outcome}\"}}");
        let outcomes = ["accepted", "again", "given_up", "disabled"].map(of);
        metrics::until(&address, move |figures| {
            outcomes.each_ref().map(|outcome| figures.shown(outcome)) == expected
        })
    };
    counted(["0", "0", "0", "0"]).await;
    bench.publish_versions(&["V2.0.0.0.NAMMIEK"]);
    bench.receiver.take(2).await;
    counted(["1", "1", "0", "0"]).await;
    bench.ping(&id).await;
    counted(["1", "1", "1", "0"]).await;
}

fn versions(messages: &[Received]) -> Vec<String> {
    messages.iter().map(Received::version).collect()
}

async fn news_is_sent_signed_once_and_history_is_not(database: TestDatabase) {
    let mut bench = Bench::start(&database, HOUR);
    let filter = json!({ "kind": "RELEASE_ADDED", "device": "santoni", "region": ["GLOBAL"], "type": "RECOVERY" });
    let input = json!({ "url": bench.receiver.url("/hook?key=1"), "filter": filter });
    let (id, secret) = bench.register_with(input).await;
    assert!(id.starts_with("wh_") && secret.starts_with("whsec_"));
    bench.publish(&[
        ("santoni_global", "HM4XGlobal", "V2.0.0.0.NAMMIEK"),
        ("alioth_eea_global", "ALIOTHEEAGlobal", "V2.0.0.0.RKHEUXM"),
    ]);
    let message = bench.receiver.next().await;
    assert_eq!(message.path, "/hook?key=1");
    assert_eq!(message.header("content-type"), "application/json");
    assert!(message.id().starts_with("msg_"), "{message:?}");
    assert!(is_signed(&message, &secret), "{message:?}");
    assert!(!is_signed(
        &message,
        "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
    ));
    assert_eq!(message.version(), "V2.0.0.0.NAMMIEK");
    let webhook = bench
        .until(&id, |webhook| newest(webhook)["status"] == "SUCCEEDED")
        .await;
    assert_eq!(newest(&webhook)["id"], message.id());
    assert_eq!(newest(&webhook)["responseStatus"], 204);
    assert_eq!(newest(&webhook)["attempts"], 1);
    // Nothing else was written down or sent.
    bench.publish_versions(&["V3.0.0.0.NAMMIEK"]);
    assert_eq!(bench.receiver.next().await.version(), "V3.0.0.0.NAMMIEK");
    let webhook = bench
        .until(&id, |webhook| newest(webhook)["status"] == "SUCCEEDED")
        .await;
    assert_eq!(webhook["deliveries"]["nodes"].as_array().unwrap().len(), 2);
    assert!(bench.receiver.rest().is_empty());
}

async fn a_message_says_what_a_bot_needs(database: TestDatabase) {
    let mut bench = Bench::start(&database, HOUR);
    bench.register().await;
    bench.publish_versions(&["V9.2.1.0.NAMMIEK"]);
    let mut message = bench.receiver.next().await.json();
    let at = message["timestamp"].take();
    assert!(
        chrono::DateTime::parse_from_rfc3339(at.as_str().unwrap()).is_ok(),
        "{at}"
    );
    let cursor = message["data"]["cursor"].take();
    let filename = "miui_HM4XGlobal_V9.2.1.0.NAMMIEK_540efd7cf5_7.1.zip";
    let expected = json!({
        "type": "release.added",
        "timestamp": null,
        "data": {
            "kind": "RELEASE_ADDED",
            "cursor": null,
            "device": { "codename": "santoni", "name": "Redmi 4X" },
            "variant": { "codename": "santoni_global", "name": "Redmi 4X", "region": "GLOBAL" },
            "release": {
                "version": "V9.2.1.0.NAMMIEK",
                "os": "MIUI",
                "branch": "STABLE",
                "android": "7.1",
                "releasedOn": null,
                "securityPatch": null,
            },
            "packages": [{
                "type": "RECOVERY",
                "filename": filename,
                "baseVersion": null,
                "size": null,
                "md5": null,
                "releasedOn": null,
                "downloadUrl": format!("https://bigota.d.miui.com/V9.2.1.0.NAMMIEK/{filename}"),
            }],
        },
    });
    assert_eq!(
        serde_json::to_string_pretty(&message).unwrap(),
        serde_json::to_string_pretty(&expected).unwrap()
    );
    // The cursor is the change log's own.
    let query = "{ changes(first: 100, filter: { kind: RELEASE_ADDED }) { edges { cursor } } }";
    let edges = bench.server.query(query).await["changes"]["edges"].take();
    assert_eq!(edges[1]["cursor"], cursor);
}

async fn a_rotated_secret_signs_along_until_its_time_is_over(database: TestDatabase) {
    let mut bench = Bench::start(&database, HOUR);
    let (id, first) = bench.register().await;
    let rotate = async |bench: &Bench, seconds: Option<i32>| {
        let mutation = "mutation($input: RotateWebhookSecretInput!) { rotateWebhookSecret(input: $input) { secret } }";
        let input = json!({ "id": id, "previousValidSeconds": seconds });
        let data = bench.ask(mutation, json!({ "input": input })).await;
        data["rotateWebhookSecret"]["secret"].as_str().unwrap().to_owned()
    };
    let second = rotate(&bench, None).await;
    assert_ne!(bench.webhook(&id).await["previousSecretValidUntil"], json!(null));
    bench.ping(&id).await;
    let message = bench.receiver.next().await;
    assert_eq!(message.header("webhook-signature").split(' ').count(), 2);
    assert!(is_signed(&message, &first) && is_signed(&message, &second));
    let third = rotate(&bench, Some(0)).await;
    bench.ping(&id).await;
    let message = bench.receiver.next().await;
    assert_eq!(message.header("webhook-signature").split(' ').count(), 1);
    assert!(is_signed(&message, &third) && !is_signed(&message, &second) && !is_signed(&message, &first));
    let fourth = rotate(&bench, Some(1)).await;
    bench
        .until(&id, |webhook| {
            let until = webhook["previousSecretValidUntil"].as_str().unwrap();
            chrono::DateTime::parse_from_rfc3339(until).unwrap() + chrono::TimeDelta::seconds(1) < chrono::Utc::now()
        })
        .await;
    bench.ping(&id).await;
    let message = bench.receiver.next().await;
    assert!(is_signed(&message, &fourth) && !is_signed(&message, &third));
}

async fn a_webhook_can_begin_at_a_cursor(database: TestDatabase) {
    let mut bench = Bench::start(&database, HOUR);
    bench.publish_versions(&["V2.0.0.0.NAMMIEK"]);
    bench.publish_versions(&["V3.0.0.0.NAMMIEK"]);
    let page = "{ changes(filter: { kind: RELEASE_ADDED }) { edges { cursor } } }";
    let edges = loop {
        let edges = bench.server.query(page).await["changes"]["edges"].take();
        if edges.as_array().unwrap().len() == 3 {
            break edges;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    for (edge, expected) in [
        (&edges[0], &["V2.0.0.0.NAMMIEK", "V3.0.0.0.NAMMIEK"][..]),
        (&edges[1], &["V3.0.0.0.NAMMIEK"]),
    ] {
        let url = bench.receiver.url("/");
        let input = json!({ "url": url, "filter": { "kind": "RELEASE_ADDED" }, "after": edge["cursor"] });
        bench.register_with(input).await;
        assert_eq!(versions(&bench.receiver.take(expected.len()).await), expected);
    }
}

async fn messages_of_a_device_keep_their_order_and_hold_up_no_other(database: TestDatabase) {
    let mut bench = Bench::start(&database, HOUR);
    bench.receiver.answer(|message| match message.version().as_str() {
        "V2.0.0.0.NAMMIEK" => FAILED,
        _ => ACCEPTED,
    });
    let (id, _) = bench.register().await;
    bench.publish(&[
        ("santoni_global", "HM4XGlobal", "V2.0.0.0.NAMMIEK"),
        ("santoni_global", "HM4XGlobal", "V3.0.0.0.NAMMIEK"),
        ("santoni_global", "HM4XGlobal", "V4.0.0.0.NAMMIEK"),
        ("alioth_eea_global", "ALIOTHEEAGlobal", "V2.0.0.0.RKHEUXM"),
        ("alioth_eea_global", "ALIOTHEEAGlobal", "V3.0.0.0.RKHEUXM"),
    ]);
    let came = bench.receiver.take(3).await;
    let of = |device: &str| {
        let own = came
            .iter()
            .filter(|message| message.json()["data"]["device"]["codename"] == device);
        own.map(Received::version).collect::<Vec<_>>()
    };
    assert_eq!(of("santoni"), ["V2.0.0.0.NAMMIEK"]);
    assert_eq!(of("alioth"), ["V2.0.0.0.RKHEUXM", "V3.0.0.0.RKHEUXM"]);
    bench
        .until(&id, |webhook| {
            let nodes = webhook["deliveries"]["nodes"].as_array().unwrap();
            nodes.iter().filter(|node| node["status"] == "SUCCEEDED").count() == 2
                && nodes
                    .iter()
                    .any(|node| node["attempts"] == 1 && node["status"] == "PENDING")
        })
        .await;
    assert!(bench.receiver.rest().is_empty(), "what follows of the device waits");
    bench.receiver.answer(|_| ACCEPTED);
    let failed = came
        .iter()
        .find(|message| message.version() == "V2.0.0.0.NAMMIEK")
        .unwrap();
    bench.redeliver(failed.id()).await;
    assert_eq!(
        versions(&bench.receiver.take(3).await),
        ["V2.0.0.0.NAMMIEK", "V3.0.0.0.NAMMIEK", "V4.0.0.0.NAMMIEK"]
    );
}

async fn a_ping_is_sent_once_and_also_while_the_webhook_is_disabled(database: TestDatabase) {
    let mut bench = Bench::start(&database, "0,0,0");
    let (id, secret) = bench.register().await;
    let message = bench.ping(&id).await;
    let came = bench.receiver.next().await;
    assert_eq!(came.id(), message);
    assert!(is_signed(&came, &secret));
    assert_eq!(came.json()["type"], "ping");
    assert_eq!(came.json()["data"], json!({ "webhook": id }));
    bench.update(&id, json!({ "enabled": false })).await;
    bench.receiver.answer(|_| FAILED);
    bench.ping(&id).await;
    bench.receiver.next().await;
    let webhook = bench.until(&id, |webhook| newest(webhook)["status"] == "FAILED").await;
    assert_eq!(
        newest(&webhook)["failure"],
        "the receiver answered 500 Internal Server Error"
    );
    assert_eq!(newest(&webhook)["responseBody"], "not today");
    assert_eq!(webhook["failingSince"], json!(null));
    assert!(bench.receiver.rest().is_empty());
}

async fn what_was_sent_can_be_sent_again_under_the_same_id(database: TestDatabase) {
    let mut bench = Bench::start(&database, HOUR);
    let (id, _) = bench.register().await;
    bench.publish_versions(&["V2.0.0.0.NAMMIEK"]);
    let first = bench.receiver.next().await;
    bench
        .until(&id, |webhook| newest(webhook)["status"] == "SUCCEEDED")
        .await;
    bench.redeliver(first.id()).await;
    let again = bench.receiver.next().await;
    assert_eq!((again.id(), &again.body), (first.id(), &first.body));
    let webhook = bench
        .until(&id, |webhook| newest(webhook)["status"] == "SUCCEEDED")
        .await;
    assert_eq!(webhook["deliveries"]["nodes"].as_array().unwrap().len(), 1);
    // Pages of deliveries go on where they stopped.
    bench.ping(&id).await;
    bench.receiver.next().await;
    let query = "query($id: ID!, $after: String) { webhook(id: $id) { deliveries(first: 1, after: $after) {
        nodes { event } pageInfo { hasNextPage hasPreviousPage endCursor } } } }";
    let page = async |after: Value| {
        let data = bench.ask(query, json!({ "id": id, "after": after })).await;
        data["webhook"]["deliveries"].clone()
    };
    let one = page(json!(null)).await;
    assert_eq!(
        (&one["nodes"][0]["event"], &one["pageInfo"]["hasNextPage"]),
        (&json!("ping"), &json!(true))
    );
    let two = page(one["pageInfo"]["endCursor"].clone()).await;
    assert_eq!(two["nodes"][0]["event"], "release.added");
    assert_eq!(
        (&two["pageInfo"]["hasNextPage"], &two["pageInfo"]["hasPreviousPage"]),
        (&json!(false), &json!(true))
    );
}

async fn two_servers_send_each_message_once_and_take_over_from_one_another(database: TestDatabase) {
    let mut bench = Bench::start(&database, HOUR);
    let other = Served::start(&mut super::command(bench.folder.path(), &database, HOUR));
    let (id, _) = bench.register().await;
    let all_done = async |bench: &Bench, count: usize| {
        let is_done = |webhook: &Value| {
            let nodes = webhook["deliveries"]["nodes"].as_array().unwrap();
            nodes.len() == count && nodes.iter().all(|node| node["status"] == "SUCCEEDED")
        };
        bench.until(&id, is_done).await;
    };
    bench.publish_versions(&["V2.0.0.0.NAMMIEK", "V3.0.0.0.NAMMIEK", "V4.0.0.0.NAMMIEK"]);
    bench.receiver.take(3).await;
    all_done(&bench, 3).await;
    // Each of the two is killed once: whichever sent, the other is left. What it has sent it has also kept, or it would come again.
    for (one, two, count) in [("V5", "V6", 5), ("V7", "V8", 7)] {
        let again = Served::start(&mut super::command(bench.folder.path(), &database, HOUR));
        std::mem::replace(&mut bench.server, again).kill();
        let wanted = [format!("{one}.0.0.0.NAMMIEK"), format!("{two}.0.0.0.NAMMIEK")];
        bench.publish_versions(&wanted.each_ref().map(String::as_str));
        assert_eq!(versions(&bench.receiver.take(2).await), wanted);
        all_done(&bench, count).await;
    }
    drop(other);
    bench.publish_versions(&["V9.0.0.0.NAMMIEK", "V9.1.0.0.NAMMIEK"]);
    assert_eq!(
        versions(&bench.receiver.take(2).await),
        ["V9.0.0.0.NAMMIEK", "V9.1.0.0.NAMMIEK"]
    );
    all_done(&bench, 9).await;
    assert!(bench.receiver.rest().is_empty(), "each message came once");
}

async fn a_receiver_gets_only_so_many_messages_at_once(database: TestDatabase) {
    let mut bench = Bench::start(&database, HOUR);
    let mut command = super::command(bench.folder.path(), &database, HOUR);
    bench.server = Served::start(command.env("ROMDEX__WEBHOOKS__CONCURRENCY_PER_WEBHOOK", "2"));
    bench.receiver.answer(|_| Reply::Hang);
    let (id, _) = bench.register().await;
    bench.publish(&[
        ("santoni_global", "HM4XGlobal", "V2.0.0.0.NAMMIEK"),
        ("alioth_eea_global", "ALIOTHEEAGlobal", "V2.0.0.0.RKHEUXM"),
        ("sweet_global", "SWEETGlobal", "V2.0.0.0.RKFMIXM"),
        ("umi_global", "UMIGlobal", "V2.0.0.0.RJBMIXM"),
    ]);
    bench.receiver.take(2).await;
    bench
        .until(&id, |webhook| {
            webhook["deliveries"]["nodes"].as_array().unwrap().len() == 4
        })
        .await;
    // Another's are sent meanwhile.
    let mut other = Receiver::start();
    let (second, _) = bench.register_with(json!({ "url": other.url("/") })).await;
    bench.ping(&second).await;
    other.next().await;
    assert!(bench.receiver.rest().is_empty());
}

async fn what_is_done_for_long_is_thrown_away(database: TestDatabase) {
    let mut bench = Bench::start(&database, HOUR);
    let (id, _) = bench.register().await;
    let (old, new) = (bench.ping(&id).await, bench.ping(&id).await);
    bench.receiver.take(2).await;
    bench
        .until(&id, |webhook| {
            let nodes = webhook["deliveries"]["nodes"].as_array().unwrap();
            nodes.iter().all(|node| node["status"] == "SUCCEEDED")
        })
        .await;
    for (message, days) in [(&old, 15), (&new, 13)] {
        let finished_at = chrono::Utc::now() - chrono::TimeDelta::days(days);
        delivery::Entity::update_many()
            .col_expr(delivery::Column::FinishedAt, Expr::value(finished_at))
            .filter(delivery::Column::Message.eq(message))
            .exec(database.connection())
            .await
            .unwrap();
    }
    let next = Served::start(&mut super::command(bench.folder.path(), &database, HOUR));
    std::mem::replace(&mut bench.server, next).kill();
    let webhook = bench
        .until(&id, |webhook| {
            webhook["deliveries"]["nodes"].as_array().unwrap().len() == 1
        })
        .await;
    assert_eq!(newest(&webhook)["id"], new);
}
