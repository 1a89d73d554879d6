//! The whole server, within the test's process, over a test's database.

use romdex::{
    catalog::{Catalog, Refreshed},
    compat::Compat,
    feed::Feeds,
    graphql::{
        limits::Limits,
        service::{Options, Service},
    },
    http::{Application, Served, Settings, StopHandle},
};
use sea_orm::DatabaseConnection;
use serde_json::{Value, json};

use super::database::TestDatabase;

/// A server on a free port.
pub struct TestServer {
    address: String,
    catalog: Catalog,
    client: reqwest::Client,
    stop: StopHandle,
}

impl TestServer {
    /// Starts a server over what a database holds now.
    pub async fn start(database: &TestDatabase) -> Self {
        Self::start_with(database, &settings(), Limits::default()).await
    }

    /// Starts a server with settings of the test's own.
    pub async fn start_with(database: &TestDatabase, settings: &Settings, options: impl Into<Options>) -> Self {
        Self::start_over(database.connection().clone(), settings, options).await
    }

    /// Starts a server over a connection of the test's own.
    pub async fn start_over(connection: DatabaseConnection, settings: &Settings, options: impl Into<Options>) -> Self {
        let catalog = Catalog::open(connection).await.unwrap();
        let service = Service::new(catalog.clone(), options).unwrap();
        let (feeds, compat) = (Feeds::new(catalog.clone()), Compat::new(catalog.clone()));
        let served = Served::from(service).with_documents(feeds, compat);
        let application = Application::build(settings, served).unwrap();
        let address = application.address().to_string();
        let stop = application.stop_handle();
        tokio::spawn(application.run_until_stopped());
        Self {
            address,
            catalog,
            client: client(),
            stop,
        }
    }

    /// The address of a path of the server.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Posts an operation and gives the whole answer.
    pub async fn post(&self, query: &str, variables: Value) -> Value {
        let request = json!({ "query": query, "variables": variables });
        let answer = self.client.post(self.url("/graphql")).json(&request).send().await;
        answer.unwrap().json().await.unwrap()
    }

    /// Posts a query that has to succeed and gives its data.
    pub async fn query(&self, query: &str) -> Value {
        let mut answer = self.post(query, json!({})).await;
        assert_eq!(answer.get("errors"), None, "{query}");
        answer["data"].take()
    }

    /// Takes over what has been written to the database meanwhile.
    pub async fn refresh(&self) -> Refreshed {
        self.catalog.refresh().await.unwrap()
    }

    /// Stops it, and waits until it has.
    pub async fn stop(self) {
        self.stop.stop().await;
    }
}

/// Settings as a test wants them.
pub fn settings() -> Settings {
    Settings {
        listen: "127.0.0.1:0".to_owned(),
        workers: 1,
        shutdown_seconds: 0,
        ..Settings::default()
    }
}

/// An HTTP client, with the TLS provider that the program uses.
pub fn client() -> reqwest::Client {
    // Another test may have chosen it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}
