//! What happens when a receiver does not accept.

use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use entity::delivery;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};

use super::{Bench, HOUR, newest};
use crate::support::{
    database::{TestDatabase, on_every_database},
    receiver::{ACCEPTED, FAILED, Received, Receiver, Reply},
    served::Served,
};

on_every_database!(
    what_fails_is_sent_again_under_the_same_id,
    a_pause_that_the_receiver_asks_for_is_kept,
    a_receiver_that_is_gone_is_left_alone_at_once,
    a_receiver_that_fails_for_long_is_left_alone_until_its_owner_says_otherwise,
    a_message_that_alone_is_not_accepted_is_given_up,
    what_is_not_answered_in_time_or_size_is_cut_off,
    a_redirect_is_not_followed,
);

async fn what_fails_is_sent_again_under_the_same_id(database: TestDatabase) {
    let mut bench = Bench::start(&database, "0,0,0,0");
    let count = AtomicUsize::new(0);
    bench
        .receiver
        .answer(move |_| match count.fetch_add(1, Ordering::Relaxed) {
            0 => FAILED,
            1 => Reply::Close,
            2 => Reply::Status(429, "", ""),
            _ => ACCEPTED,
        });
    let (id, _) = bench.register().await;
    bench.publish_versions(&["V2.0.0.0.NAMMIEK"]);
    let came = bench.receiver.take(4).await;
    let webhook = bench
        .until(&id, |webhook| newest(webhook)["status"] == "SUCCEEDED")
        .await;
    assert_eq!(
        (&newest(&webhook)["attempts"], &newest(&webhook)["failure"]),
        (&json!(4), &json!(null))
    );
    assert_eq!(webhook["failingSince"], json!(null));
    for message in &came {
        assert_eq!((message.id(), &message.body), (came[0].id(), &came[0].body));
    }
    assert!(bench.receiver.rest().is_empty());
}

async fn a_pause_that_the_receiver_asks_for_is_kept(database: TestDatabase) {
    let mut bench = Bench::start(&database, "0,0,0,0");
    bench
        .receiver
        .answer(|_| Reply::Status(503, "retry-after: 7200\r\n", "later"));
    let (id, _) = bench.register().await;
    bench.publish_versions(&["V2.0.0.0.NAMMIEK"]);
    bench.receiver.next().await;
    let webhook = bench.until(&id, |webhook| webhook["heldUntil"] != json!(null)).await;
    let moment = |text: &Value| DateTime::parse_from_rfc3339(text.as_str().unwrap()).unwrap();
    let soon = Utc::now() + TimeDelta::minutes(100);
    assert!(moment(&webhook["heldUntil"]) > soon && moment(&newest(&webhook)["nextAttemptAt"]) > soon);
    // Others wait as well, until its owner says that it is over.
    bench.publish(&[("alioth_eea_global", "ALIOTHEEAGlobal", "V2.0.0.0.RKHEUXM")]);
    bench
        .until(&id, |webhook| {
            webhook["deliveries"]["nodes"].as_array().unwrap().len() == 2
        })
        .await;
    assert!(bench.receiver.rest().is_empty());
    bench.receiver.answer(|_| ACCEPTED);
    bench.update(&id, json!({ "enabled": true })).await;
    bench.receiver.take(2).await;
}

async fn a_receiver_that_is_gone_is_left_alone_at_once(database: TestDatabase) {
    let mut bench = Bench::start(&database, "0,0,0,0");
    bench.receiver.answer(|_| Reply::Status(410, "", ""));
    let (id, _) = bench.register().await;
    bench.publish_versions(&["V2.0.0.0.NAMMIEK"]);
    bench.receiver.next().await;
    let webhook = bench.until(&id, |webhook| webhook["enabled"] == false).await;
    assert_eq!(
        webhook["disabledReason"],
        "the receiver answered 410 Gone: it wants nothing more"
    );
    assert_ne!(webhook["disabledAt"], json!(null));
    assert_eq!(newest(&webhook)["status"], "PENDING");
    bench.publish_versions(&["V3.0.0.0.NAMMIEK"]);
    bench.receiver.answer(|_| ACCEPTED);
    // Enabled again, it gets what it has missed.
    bench.update(&id, json!({ "enabled": true })).await;
    let versions: Vec<_> = bench.receiver.take(2).await.iter().map(Received::version).collect();
    assert_eq!(versions, ["V2.0.0.0.NAMMIEK", "V3.0.0.0.NAMMIEK"]);
    assert_eq!(bench.webhook(&id).await["disabledReason"], json!(null));
}

async fn a_receiver_that_fails_for_long_is_left_alone_until_its_owner_says_otherwise(database: TestDatabase) {
    let mut bench = Bench::start(&database, "0,0");
    bench.receiver.answer(|_| FAILED);
    let (id, _) = bench.register().await;
    bench.publish_versions(&["V2.0.0.0.NAMMIEK"]);
    let came = bench.receiver.take(3).await;
    let webhook = bench.until(&id, |webhook| webhook["enabled"] == false).await;
    let reason = webhook["disabledReason"].as_str().unwrap();
    assert!(
        reason.starts_with("nothing was accepted since 20") && reason.ends_with(", after 3 attempts"),
        "{reason}"
    );
    assert_eq!(
        (&newest(&webhook)["status"], &newest(&webhook)["attempts"]),
        (&json!("PENDING"), &json!(3))
    );
    assert!(bench.receiver.rest().is_empty());
    let mut old = std::mem::replace(&mut bench.receiver, Receiver::start());
    bench
        .update(&id, json!({ "url": bench.receiver.url("/new"), "enabled": true }))
        .await;
    let message = bench.receiver.next().await;
    assert_eq!((message.id(), message.path.as_str()), (came[0].id(), "/new"));
    assert!(old.rest().is_empty());
}

async fn a_message_that_alone_is_not_accepted_is_given_up(database: TestDatabase) {
    let mut bench = Bench::start(&database, HOUR);
    bench.receiver.answer(|message| match message.version().as_str() {
        "V2.0.0.0.NAMMIEK" => FAILED,
        _ => ACCEPTED,
    });
    let (id, _) = bench.register().await;
    bench.publish_versions(&["V2.0.0.0.NAMMIEK", "V3.0.0.0.NAMMIEK"]);
    let failed = bench.receiver.next().await;
    bench.until(&id, |webhook| webhook["failingSince"] != json!(null)).await;
    bench.ping(&id).await;
    bench.receiver.next().await;
    bench.until(&id, |webhook| webhook["failingSince"] == json!(null)).await;
    // The hour is over.
    delivery::Entity::update_many()
        .col_expr(delivery::Column::NextAttemptAt, Expr::value(Utc::now()))
        .filter(delivery::Column::Message.eq(failed.id()))
        .exec(database.connection())
        .await
        .unwrap();
    let versions: Vec<_> = bench.receiver.take(2).await.iter().map(Received::version).collect();
    assert_eq!(versions, ["V2.0.0.0.NAMMIEK", "V3.0.0.0.NAMMIEK"]);
    assert_eq!(bench.webhook(&id).await["enabled"], true);
    let query = "query($id: ID!) { webhook(id: $id) { deliveries(status: FAILED) { nodes { id } } } }";
    let data = bench.ask(query, json!({ "id": id })).await;
    assert_eq!(data["webhook"]["deliveries"]["nodes"], json!([{ "id": failed.id() }]));
}

async fn what_is_not_answered_in_time_or_size_is_cut_off(database: TestDatabase) {
    let mut bench = Bench::start(&database, HOUR);
    let mut command = super::command(bench.folder.path(), &database, HOUR);
    bench.server = Served::start(command.env("ROMDEX__WEBHOOKS__TIMEOUT_MS", "500"));
    let (id, _) = bench.register().await;
    bench.receiver.answer(|_| Reply::Hang);
    bench.ping(&id).await;
    let webhook = bench.until(&id, |webhook| newest(webhook)["status"] == "FAILED").await;
    assert_eq!(newest(&webhook)["failure"], "no answer within 500 ms");
    bench.receiver.answer(|_| Reply::Endless);
    bench.ping(&id).await;
    let webhook = bench
        .until(&id, |webhook| newest(webhook)["status"] == "SUCCEEDED")
        .await;
    assert_eq!(newest(&webhook)["responseBody"].as_str().unwrap().len(), 1024);
    bench.receiver.answer(|_| Reply::Status(400, "", "a\0b\u{1b}[31m"));
    bench.ping(&id).await;
    let webhook = bench
        .until(&id, |webhook| newest(webhook)["responseStatus"] == 400)
        .await;
    assert_eq!(newest(&webhook)["responseBody"], "a\u{fffd}b\u{fffd}[31m");
}

async fn a_redirect_is_not_followed(database: TestDatabase) {
    let bench = Bench::start(&database, HOUR);
    let mut inside = Receiver::start();
    let location: &'static str = format!("location: {}\r\n", inside.url("/")).leak();
    let (id, _) = bench.register().await;
    for status in [301, 302, 303, 307, 308] {
        bench.receiver.answer(move |_| Reply::Status(status, location, ""));
        bench.ping(&id).await;
        let webhook = bench
            .until(&id, |webhook| newest(webhook)["responseStatus"] == status)
            .await;
        assert_eq!(newest(&webhook)["status"], "FAILED");
        let failure = newest(&webhook)["failure"].as_str().unwrap();
        assert!(failure.ends_with("; redirects are not followed"), "{failure}");
    }
    assert!(inside.rest().is_empty());
}
