//! README.md's examples: what it says is answered is what is answered.

use std::{fs, path::Path};

use chrono::Utc;
use romdex::{
    config::Layers,
    import::{self, Writing},
};
use serde_json::{Value, json};

use crate::support::{
    database::{TestDatabase, on_every_database},
    server::TestServer,
};

on_every_database!(its_examples_are_answered_as_it_says);

/// The blocks of README.md in one language.
fn blocks(language: &str) -> Vec<String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    text.split(&format!("\n```{language}\n"))
        .skip(1)
        .map(|rest| rest.split_once("\n```\n").expect("the block ends").0.to_owned())
        .collect()
}

async fn its_examples_are_answered_as_it_says(database: TestDatabase) {
    let config = Layers::default().load().unwrap().config;
    let options = config.import.options(Writing::Commit, Utc::now());
    import::load_starter(database.connection(), options).await.unwrap();
    let server = TestServer::start(&database).await;
    let (questions, answers) = (blocks("graphql"), blocks("json"));
    assert_eq!((questions.len(), answers.len()), (3, 3));
    for (question, answer) in questions.iter().zip(&answers) {
        let said: Value = serde_json::from_str(answer).unwrap();
        let given = server.post(question, json!({})).await;
        assert_eq!(given, said, "{question}\n\nis answered\n\n{given:#}");
    }
}
