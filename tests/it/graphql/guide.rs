//! The examples of docs/api.md answer as the guide says.

use std::{fmt::Write as _, fs, path::Path};

use serde_json::{Value, json};

use super::{Api, operations::starter};
use crate::support::database::{TestDatabase, on_every_database};

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
