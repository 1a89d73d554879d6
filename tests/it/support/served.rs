//! A server of the built program, started as a person starts it.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use super::server::client;

/// A server of the built program; it ends with the test.
pub struct Served {
    process: Child,
    address: String,
}

impl Served {
    /// Starts it, and waits until it listens.
    pub fn start(command: &mut Command) -> Self {
        let mut process = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let Some(address) = line.strip_prefix("listening on ") else {
            let mut said = String::new();
            process.stderr.take().unwrap().read_to_string(&mut said).unwrap();
            panic!("it does not listen: {line}{said}");
        };
        Self {
            process,
            address: address.trim_end().to_owned(),
        }
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    /// Posts a query that has to succeed and gives its data.
    pub async fn query(&self, query: &str) -> Value {
        let request = json!({ "query": query });
        let answer = client().post(self.url("/graphql")).json(&request).send().await;
        let mut answer: Value = answer.unwrap().json().await.unwrap();
        assert_eq!(answer.get("errors"), None, "{query}");
        answer["data"].take()
    }

    /// Posts an operation with an API token and gives the whole answer.
    pub async fn post_as(&self, token: &str, query: &str, variables: Value) -> Value {
        let request = json!({ "query": query, "variables": variables });
        let answer = client()
            .post(self.url("/graphql"))
            .bearer_auth(token)
            .json(&request)
            .send();
        answer.await.unwrap().json().await.unwrap()
    }

    /// Ends it in the middle of whatever it does.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Asks it to end, and says how it did.
    pub fn terminate(mut self) -> Option<i32> {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.process.wait().unwrap().code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
