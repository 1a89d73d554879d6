//! What a server that is killed leaves to the next.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{Bench, HOUR, command};
use crate::support::{
    database::{TestDatabase, on_every_database},
    receiver::{ACCEPTED, Reply},
    served::Served,
};

on_every_database!(
    a_server_killed_while_it_sends_loses_nothing,
    a_server_killed_at_any_moment_loses_nothing,
);

async fn a_server_killed_while_it_sends_loses_nothing(database: TestDatabase) {
    let mut bench = Bench::start(&database, HOUR);
    bench.receiver.answer(|_| Reply::Hang);
    let (id, _) = bench.register().await;
    bench.publish(&[
        ("santoni_global", "HM4XGlobal", "V2.0.0.0.NAMMIEK"),
        ("santoni_global", "HM4XGlobal", "V3.0.0.0.NAMMIEK"),
        ("alioth_eea_global", "ALIOTHEEAGlobal", "V2.0.0.0.RKHEUXM"),
    ]);
    let cut_off: BTreeSet<_> = bench
        .receiver
        .take(2)
        .await
        .iter()
        .map(|message| message.id().to_owned())
        .collect();
    let next = command(bench.folder.path(), &database, HOUR);
    kill_and_start(&mut bench, next);
    bench.receiver.answer(|_| ACCEPTED);
    let came = bench.receiver.take(3).await;
    let ids: BTreeSet<_> = came.iter().map(|message| message.id().to_owned()).collect();
    assert!(ids.len() == 3 && ids.is_superset(&cut_off), "{cut_off:?} {ids:?}");
    bench
        .until(&id, |webhook| {
            let nodes = webhook["deliveries"]["nodes"].as_array().unwrap();
            nodes.iter().all(|node| node["status"] == "SUCCEEDED")
        })
        .await;
    assert!(bench.receiver.rest().is_empty());
}

async fn a_server_killed_at_any_moment_loses_nothing(database: TestDatabase) {
    const ROUNDS: usize = 5;
    const EACH: usize = 12;
    let mut bench = Bench::start(&database, HOUR);
    let input = json!({ "url": bench.receiver.url("/"), "filter": { "kind": "PACKAGE_ADDED" } });
    let (id, _) = bench.register_with(input).await;
    let mut published = BTreeSet::new();
    for round in 0..ROUNDS {
        let versions: Vec<_> = (0..EACH)
            .map(|number| format!("V{}.{number}.0.0.NAMMIEK", round + 2))
            .collect();
        bench.publish_versions(&versions.iter().map(String::as_str).collect::<Vec<_>>());
        published.extend(versions);
        // In the middle of reading the log, of writing messages down, or of sending them.
        tokio::time::sleep(std::time::Duration::from_millis(fastrand::u64(0..400))).await;
        let next = command(bench.folder.path(), &database, HOUR);
        kill_and_start(&mut bench, next);
    }
    bench
        .until(&id, |webhook| {
            let nodes = webhook["deliveries"]["nodes"].as_array().unwrap();
            nodes.len() == ROUNDS * EACH && nodes.iter().all(|node| node["status"] == "SUCCEEDED")
        })
        .await;
    let mut ids: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let came = bench.receiver.rest();
    for message in &came {
        ids.entry(message.version())
            .or_default()
            .insert(message.id().to_owned());
    }
    assert_eq!(
        ids.keys().cloned().collect::<BTreeSet<_>>(),
        published,
        "missed or made up"
    );
    assert!(
        ids.values().all(|ids| ids.len() == 1),
        "a message keeps its id: {ids:?}"
    );
    // A killed server can have sent one without keeping that; in what is new each time the order holds.
    let mut seen = BTreeSet::new();
    let first: Vec<_> = came
        .iter()
        .map(super::Received::version)
        .filter(|version| seen.insert(version.clone()))
        .collect();
    let number = |version: &String| -> Vec<u32> { version[1..].split('.').flat_map(str::parse).collect() };
    assert!(first.is_sorted_by_key(number), "{first:?}");
}

fn kill_and_start(bench: &mut Bench, mut next: std::process::Command) {
    // The address changes with the server; the receiver's does not.
    let next = Served::start(&mut next);
    std::mem::replace(&mut bench.server, next).kill();
}
