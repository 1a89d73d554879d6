//! Questions made by chance are answered like a plain model over the exported rows answers them.

mod answer;
mod catalogue;
mod chance;
mod question;

use std::cell::Cell;

use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use romdex::{
    export::{self, Texts},
    graphql::{limits::Limits, rate, service::Options},
};
use serde_json::{Value, json};

use self::{
    answer::answer,
    catalogue::Catalogue,
    chance::Chance,
    question::{Cursors, List, Request},
};
use super::operations::starter;
use crate::support::{
    database::{TestDatabase, on_every_database, on_sqlite},
    server::{TestServer, settings},
};

on_every_database!(random_questions_are_answered_as_a_plain_model_answers_them);

/// The weight that a refusal tells, or the limit where the operation keeps it.
fn weight(answer: &Value) -> u64 {
    let Some(error) = answer["errors"].get(0) else { return 1 };
    let extensions = &error["extensions"];
    assert_eq!(
        (&extensions["code"], &extensions["limit"]),
        (&json!("QUERY_TOO_COMPLEX"), &json!("cost")),
        "{answer}"
    );
    extensions["value"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asking_for_more_never_costs_less() {
    on_sqlite(async |database| {
        starter(&database).await;
        let catalogue = exported(&database).await;
        let free = TestServer::start_with(&database, &settings(), options(limits())).await;
        let cursors = cursors(&free, &catalogue).await;
        // every operation is refused here, with what it would cost
        let server = TestServer::start_with(&database, &settings(), options(Limits { cost: 1, ..limits() })).await;
        let runtime = tokio::runtime::Handle::current();
        let grown = Cell::new(0);
        let outcome = tokio::task::block_in_place(|| {
            let numbers = prop::collection::vec(any::<u16>(), 0..300);
            runner(500).run(
                &(numbers, prop::collection::vec(any::<u16>(), 1..40)),
                |(numbers, more)| {
                    let mut chance = Chance {
                        left: numbers.iter(),
                        catalogue: &catalogue,
                        cursors: &cursors,
                    };
                    let question = chance.question();
                    let mut larger = question.clone();
                    Chance {
                        left: more.iter(),
                        catalogue: &catalogue,
                        cursors: &cursors,
                    }
                    .grow(&mut larger);
                    let cost = |question| {
                        let request = Request::new(&catalogue, &cursors, question);
                        let answer = runtime.block_on(server.post(&request.text, Value::Object(request.variables)));
                        (weight(&answer), request.text)
                    };
                    let ((small, text), (large, longer)) = (cost(&question), cost(&larger));
                    grown.set(grown.get() + u32::from(large > small));
                    prop_assert!(small <= large, "{small} for {text}\n{large} for {longer}");
                    Ok(())
                },
            )
        });
        if let Err(failure) = outcome {
            panic!("{failure}");
        }
        let grown = grown.get();
        assert!(grown > 100, "only {grown} questions became dearer");
    })
    .await;
}

/// Limits that no question comes near: what is answered is tested here, not what is refused.
fn limits() -> Limits {
    Limits {
        depth: 30,
        tokens: 100_000,
        selections: 100_000,
        aliases: 100_000,
        directives: 10_000,
        nodes: i32::MAX.unsigned_abs(),
        cost: i32::MAX.unsigned_abs(),
        timeout_ms: 300_000,
        ..Limits::default()
    }
}

/// Nobody's budget of cost is looked at either.
fn options(limits: Limits) -> Options {
    Options {
        rate_limit: rate::Settings {
            capacity: 0,
            ..rate::Settings::default()
        },
        ..limits.into()
    }
}

/// The same questions in every run; `PROPTEST_CASES` asks for more of them.
pub fn runner(cases: u32) -> TestRunner {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    let config = Config {
        cases: asked.unwrap_or(cases),
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..Config::default()
    };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

async fn random_questions_are_answered_as_a_plain_model_answers_them(database: TestDatabase) {
    starter(&database).await;
    let catalogue = exported(&database).await;
    assert!(catalogue.packages.len() > 300);
    let server = TestServer::start_with(&database, &settings(), options(limits())).await;
    let cursors = cursors(&server, &catalogue).await;
    let runtime = tokio::runtime::Handle::current();
    let outcome = tokio::task::block_in_place(|| {
        runner(1_000).run(&prop::collection::vec(any::<u16>(), 0..500), |numbers| {
            let mut chance = Chance {
                left: numbers.iter(),
                catalogue: &catalogue,
                cursors: &cursors,
            };
            let question = chance.question();
            let expected = answer(&catalogue, &cursors, &question);
            let request = Request::new(&catalogue, &cursors, &question);
            let variables = Value::Object(request.variables.clone());
            let answered = runtime.block_on(server.post(&request.text, variables));
            let expected = json!({ "data": expected });
            prop_assert!(
                same(&answered, &expected),
                "{}\n{}\n{}",
                request.text,
                Value::Object(request.variables),
                difference(&answered, &expected, "")
            );
            Ok(())
        })
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    server.stop().await;
}

/// Whether two answers are the same, the order of their keys included.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && same(a.1, b.1))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (a, b) => a == b,
    }
}

/// Where two answers begin to differ.
fn difference(answered: &Value, expected: &Value, place: &str) -> String {
    let by_member = match (answered, expected) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => b
            .iter()
            .find(|(name, value)| !same(&a[*name], value))
            .map(|(name, value)| (&a[name], value, name.clone())),
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let place = a.iter().zip(b).position(|(a, b)| !same(a, b));
            place.map(|place| (&a[place], &b[place], place.to_string()))
        }
        _ => None,
    };
    match by_member {
        Some((a, b, name)) => difference(a, b, &format!("{place}/{name}")),
        None => format!("at {place}\nanswered {answered}\nexpected {expected}"),
    }
}

async fn exported(database: &TestDatabase) -> Catalogue {
    let mut export = Vec::new();
    export::write(database.connection(), Texts::Kept, &mut export)
        .await
        .unwrap();
    Catalogue::read(&String::from_utf8(export).unwrap())
}

/// The cursor of every row in every order, taken from walks over the whole lists.
async fn cursors(server: &TestServer, catalogue: &Catalogue) -> Cursors {
    let mut cursors = Vec::new();
    for list in [List::Devices, List::Releases, List::Packages, List::Latest] {
        for field in list.orders().0 {
            let mut rows = Vec::new();
            let mut after = Value::Null;
            loop {
                let order = match list {
                    List::Latest => "filter: {type: [RECOVERY, FASTBOOT, INCREMENTAL, FIRMWARE, VENDOR]}, ".to_owned(),
                    _ => format!("orderBy: {{field: {field}}}, "),
                };
                let node = match list {
                    List::Devices => "codename",
                    List::Releases => "variant { codename } version",
                    List::Packages | List::Latest => "filename",
                };
                let query = format!(
                    "query($after: String) {{ list: {}({order}first: 100, after: $after) {{ \
                     edges {{ cursor node {{ {node} }} }} pageInfo {{ hasNextPage endCursor }} }} }}",
                    list.field()
                );
                let answer = server.post(&query, json!({ "after": after })).await;
                let page = &answer["data"]["list"];
                for edge in page["edges"].as_array().unwrap() {
                    let cursor = edge["cursor"].as_str().unwrap().to_owned();
                    rows.push((found(catalogue, list, &edge["node"]), cursor));
                }
                if page["pageInfo"]["hasNextPage"] == false {
                    break;
                }
                after = page["pageInfo"]["endCursor"].clone();
            }
            cursors.push((list, *field, rows));
        }
    }
    Cursors(cursors)
}

/// The model's row of an answered node.
fn found(catalogue: &Catalogue, list: List, node: &Value) -> usize {
    let row = match list {
        List::Devices => catalogue
            .devices
            .iter()
            .position(|codename| node["codename"] == codename.as_str()),
        List::Releases => catalogue.releases.iter().position(|release| {
            node["variant"]["codename"] == catalogue.codename(release.variant)
                && node["version"] == release.version.as_str()
        }),
        List::Packages | List::Latest => catalogue
            .packages
            .iter()
            .position(|package| node["filename"] == package.line.filename.as_str()),
    };
    row.unwrap_or_else(|| panic!("{node} is not in the export"))
}
