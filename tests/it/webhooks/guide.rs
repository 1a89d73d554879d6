//! What docs/bots.md says of webhooks is so.

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use romdex::config::Layers;
use serde_json::json;

use super::{Bench, HOUR};
use crate::support::database::{TestDatabase, on_every_database};

on_every_database!(
    the_guides_mutation_makes_a_webhook,
    the_guides_code_tells_genuine_messages_from_others
);

fn guide() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/bots.md")).unwrap()
}

/// The first block of a language behind a heading.
fn block(heading: &str, language: &str) -> String {
    let guide = guide();
    let (_, below) = guide.split_once(heading).expect("the heading is there");
    let (_, code) = below
        .split_once(&format!("```{language}\n"))
        .expect("a block of the language");
    code.split_once("```").unwrap().0.to_owned()
}

async fn the_guides_mutation_makes_a_webhook(database: TestDatabase) {
    let bench = Bench::start(&database, HOUR);
    let data = bench.ask(&block("### Making one", "graphql"), json!({})).await;
    assert!(data["createWebhook"]["secret"].as_str().unwrap().starts_with("whsec_"));
}

async fn the_guides_code_tells_genuine_messages_from_others(database: TestDatabase) {
    let mut bench = Bench::start(&database, HOUR);
    let (id, secret) = bench.register().await;
    bench.ping(&id).await;
    let message = bench.receiver.next().await;
    let code = block("### Checking the signature", "python")
        + "\nimport json, sys\ncase = json.load(sys.stdin)\n\
           print(is_genuine(case['secret'], case['headers'], case['body'].encode()))\n";
    let other = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    let mut old = message.headers.clone();
    old.insert("webhook-timestamp".to_owned(), "1700000000".to_owned());
    for (secret, headers, body, expected) in [
        (secret.as_str(), &message.headers, message.body.clone(), "True"),
        (other, &message.headers, message.body.clone(), "False"),
        (&secret, &message.headers, format!("{} ", message.body), "False"),
        (&secret, &old, message.body.clone(), "False"),
    ] {
        let python = Command::new("python3")
            .args(["-c", &code])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let Ok(mut python) = python else {
            assert!(std::env::var_os("CI").is_none(), "python3 is not installed");
            eprintln!("skipped: python3 is not installed");
            return;
        };
        let case = json!({ "secret": secret, "headers": headers, "body": body });
        python
            .stdin
            .take()
            .unwrap()
            .write_all(case.to_string().as_bytes())
            .unwrap();
        let said = String::from_utf8(python.wait_with_output().unwrap().stdout).unwrap();
        assert_eq!(said.trim(), expected);
    }
}

#[test]
fn the_guides_schedule_is_the_default_one() {
    let guide = guide();
    let told: Vec<u32> = guide
        .lines()
        .skip_while(|line| *line != "| attempt | after |")
        .skip(2)
        .map_while(|line| line.strip_prefix("| "))
        .map(|row| {
            let words: Vec<_> = row.split([' ', '|']).filter(|word| !word.is_empty()).collect();
            let unit = match words[2] {
                "seconds" => 1,
                "minutes" => 60,
                "hours" => 3_600,
                other => panic!("{other}"),
            };
            words[1].parse::<u32>().unwrap() * unit
        })
        .collect();
    assert_eq!(
        told,
        Layers::default().load().unwrap().config.webhooks.retry_schedule_seconds
    );
}
