//! The romdex server: a client, and the operations that the bot sends, each a type checked against `schema.graphql`.

mod operations;
mod terms;

use std::time::Duration;

use cynic::{GraphQlResponse, Operation};
use graphql_ws_client::{Client, Subscription};
use reqwest::Url;

use tokio_tungstenite::{
    connect_async,
    tungstenite::{client::IntoClientRequest as _, http::HeaderValue},
};

pub use self::{operations::*, terms::*};

/// What `cynic` knows of the schema, made by `build.rs`.
#[cynic::schema("romdex")]
mod schema {}

/// The longest that the server may take for an answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// How often a quiet socket is tried; one that does not answer is given up.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// A client of one server.
#[derive(Clone, Debug)]
pub struct Romdex {
    endpoint: Url,
    http: reqwest::Client,
}

/// Why the server gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// It was not reached, or what answered does not speak GraphQL.
    #[error("the server does not answer")]
    Unreachable(#[from] reqwest::Error),
    /// It refused the operation.
    #[error("the server refused: {0}")]
    Refused(String),
    /// A WebSocket could not be opened.
    #[error("no WebSocket")]
    Handshake(#[from] Box<tokio_tungstenite::tungstenite::Error>),
    /// A WebSocket broke, or was closed by the server.
    #[error("the WebSocket has ended")]
    Socket(#[from] graphql_ws_client::Error),
}

/// Changes as they come over a WebSocket.
pub type Live = Subscription<cynic::StreamingOperation<LiveChanges, LiveChangesVariables>>;

impl Romdex {
    /// A client of the server with this GraphQL address.
    pub fn new(endpoint: Url) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder().timeout(PATIENCE).build()?;
        Ok(Self { endpoint, http })
    }

    /// Sends an operation and gives its data.
    pub async fn ask<Data, Variables>(&self, operation: Operation<Data, Variables>) -> Result<Data, ApiError>
    where
        Operation<Data, Variables>: cynic::serde::Serialize,
        Data: cynic::serde::de::DeserializeOwned + 'static,
    {
        let request = self.http.post(self.endpoint.clone()).json(&operation);
        data(request.send().await?.json().await?)
    }

    /// Opens a WebSocket that tells of every change behind a place in the log, and then of each as it happens.
    pub async fn listen(&self, variables: LiveChangesVariables) -> Result<Live, ApiError> {
        use cynic::SubscriptionBuilder as _;

        let address = self.endpoint.as_str().replacen("http", "ws", 1);
        let mut request = address.into_client_request().map_err(Box::new)?;
        request.headers_mut().insert(
            "Sec-WebSocket-Protocol",
            HeaderValue::from_static("graphql-transport-ws"),
        );
        let (socket, _) = connect_async(request).await.map_err(Box::new)?;
        let client = Client::build(socket).keep_alive_interval(KEEP_ALIVE);
        Ok(client.subscribe(LiveChanges::build(variables)).await?)
    }
}

/// The data of an answer.
pub fn data<Data>(answer: GraphQlResponse<Data>) -> Result<Data, ApiError> {
    answer.data.ok_or_else(|| {
        let error = answer.errors.into_iter().flatten().next();
        ApiError::Refused(error.map_or_else(|| "no data".to_owned(), |error| error.message))
    })
}
