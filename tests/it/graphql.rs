//! What the GraphQL API answers, on every kind of database.

mod answers;
mod executors;
mod guide;
mod model;
mod names;
mod neighbours;
mod operations;
mod paging;
mod questions;
mod statements;

use romdex::{
    catalog::Catalog,
    graphql::{
        limits::Limits,
        service::{Incoming, Service},
    },
};
use serde_json::{Value, json, value::to_raw_value};

use crate::support::database::TestDatabase;

/// The API over a test's database.
struct Api {
    catalog: Catalog,
    service: Service,
}

impl Api {
    async fn over(database: &TestDatabase) -> Self {
        let catalog = Catalog::open(database.connection().clone()).await.unwrap();
        let service = Service::new(catalog.clone(), Limits::default()).unwrap();
        Self { catalog, service }
    }

    async fn answer(&self, query: &str, variables: Value) -> Value {
        let incoming = Incoming {
            query: Some(query.to_owned()),
            variables: Some(to_raw_value(&variables).unwrap()),
            ..Incoming::default()
        };
        serde_json::from_slice(&self.service.execute(incoming).await.body).unwrap()
    }

    /// The data of a query that has no errors.
    async fn ask(&self, query: &str) -> Value {
        self.ask_with(query, json!({})).await
    }

    async fn ask_with(&self, query: &str, variables: Value) -> Value {
        let mut answer = self.answer(query, variables).await;
        assert_eq!(answer.get("errors"), None, "{query}: {answer}");
        answer["data"].take()
    }

    /// Code and argument of a query's first error.
    async fn refusal(&self, query: &str) -> (String, String) {
        let answer = self.answer(query, json!({})).await;
        let extensions = &answer["errors"][0]["extensions"];
        let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
        (text(&extensions["code"]), text(&extensions["argument"]))
    }
}
