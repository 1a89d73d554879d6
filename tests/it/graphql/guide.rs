//! The examples of docs/api.md answer as the guide says.

use std::{fmt::Write as _, fs, path::Path};

use serde_json::{Value, json};

use super::{Api, operations::starter};
use crate::support::{
    database::{TestDatabase, on_every_database, on_sqlite},
    server::{TestServer, client},
};

on_every_database!(every_example_of_the_guide_answers_as_written);

/// What stands between a fence and its end, and the text behind it.
fn fenced<'a>(text: &'a str, fence: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let (before, rest) = text.split_once(fence)?;
    let (inside, after) = rest.split_once("\n```")?;
    Some((before, inside, after))
}

async fn every_example_of_the_guide_answers_as_written(database: TestDatabase) {
    starter(&database).await;
    let api = Api::over(&database).await;
    let guide = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/api.md")).unwrap();
    let (mut told, mut rest, mut examples) = (String::new(), guide.as_str(), 0);
    while let Some((before, query, after)) = fenced(rest, "```graphql\n") {
        let (between, _, behind) = fenced(after, "```json\n").expect("an example without an answer");
        let mut answer = api.answer(query, json!({})).await;
        if let Some(errors) = answer.get_mut("errors").and_then(Value::as_array_mut) {
            errors
                .iter_mut()
                .filter_map(Value::as_object_mut)
                .for_each(|error| drop(error.remove("locations")));
        }
        let answer = serde_json::to_string_pretty(&answer).unwrap();
        let _ = write!(told, "{before}```graphql\n{query}\n```{between}```json\n{answer}\n```");
        rest = behind;
        examples += 1;
    }
    told += rest;
    assert!(examples > 5);
    let written = Path::new(env!("CARGO_TARGET_TMPDIR")).join("api.md");
    fs::write(&written, &told).unwrap();
    assert!(
        told == guide,
        "docs/api.md is out of date; what it should say is in {}",
        written.display()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_of_the_guide_is_answered_as_written() {
    on_sqlite(async |database| {
        starter(&database).await;
        let server = TestServer::start(&database).await;
        let guide = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/api.md")).unwrap();
        let (mut rest, mut examples) = (guide.as_str(), 0);
        while let Some((_, request, after)) = fenced(rest, "```http\n") {
            let (_, expected, behind) = fenced(after, "```http\n").expect("a request without an answer");
            let (head, body) = request.split_once("\n\n").unwrap_or((request, ""));
            let mut lines = head.lines();
            let mut start = lines.next().unwrap().split(' ');
            let (method, path) = (start.next().unwrap(), start.next().unwrap());
            let mut asked = client().request(method.parse().unwrap(), server.url(path));
            for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
                asked = asked.header(name, value);
            }
            let answer = asked.body(body.to_owned()).send().await.unwrap();
            let (head, body) = expected.split_once("\n\n").unwrap();
            let mut lines = head.lines();
            let status = lines.next().unwrap();
            assert_eq!(status, format!("HTTP/1.1 {}", answer.status().as_u16()), "{request}");
            for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
                let given = answer.headers().get(name).map_or("", |value| value.to_str().unwrap());
                let (before, after) = value.split_once('…').unwrap_or((value, ""));
                assert!(
                    given.starts_with(before) && given.ends_with(after),
                    "{request}\n{name}: {given}"
                );
            }
            assert_eq!(answer.text().await.unwrap(), body, "{request}");
            rest = behind;
            examples += 1;
        }
        assert!(examples > 3);
        server.stop().await;
    })
    .await;
}

#[test]
fn the_guide_names_every_code() {
    let guide = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/api.md")).unwrap();
    for code in romdex::graphql::error::Code::ALL {
        assert!(
            guide.contains(&format!("`{}`", code.as_str())),
            "{} is not in docs/api.md",
            code.as_str()
        );
    }
}
