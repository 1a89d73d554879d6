//! A client of `graphql-transport-ws` that does what a test tells it, right or wrong.

use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{self, Message, client::IntoClientRequest as _, http::HeaderValue},
};

use crate::support::server::TestServer;

/// How long a test waits for what has to come.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// An open socket.
pub struct Socket(pub WebSocketStream<TcpStream>);

impl Socket {
    /// Connects, and is acknowledged.
    pub async fn start(server: &TestServer) -> Self {
        let mut socket = Self::open(&server.url("/graphql")).await;
        socket.init(json!({})).await;
        socket
    }

    /// Connects.
    pub async fn open(url: &str) -> Self {
        let headers = [("sec-websocket-protocol", "graphql-transport-ws")];
        Self::connect(url, &headers, None).await.unwrap()
    }

    /// Connects with these headers, and reads with a buffer of so many bytes.
    pub async fn connect(
        url: &str,
        headers: &[(&'static str, &str)],
        buffer: Option<u32>,
    ) -> Result<Self, tungstenite::Error> {
        let url = url.replacen("http", "ws", 1);
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            request
                .headers_mut()
                .insert(*name, HeaderValue::from_str(value).unwrap());
        }
        let address = request.uri().authority().unwrap().as_str().parse().unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        if let Some(bytes) = buffer {
            socket.set_recv_buffer_size(bytes).unwrap();
        }
        let (socket, _) = client_async(request, socket.connect(address).await?).await?;
        Ok(Self(socket))
    }

    /// Says `connection_init` and waits for the answer.
    pub async fn init(&mut self, payload: Value) {
        self.send(json!({ "type": "connection_init", "payload": payload }))
            .await;
        assert_eq!(self.receive().await, json!({ "type": "connection_ack" }));
    }

    /// Starts an operation.
    pub async fn subscribe(&mut self, id: &str, query: &str, variables: Value) {
        let payload = json!({ "query": query, "variables": variables });
        self.send(json!({ "type": "subscribe", "id": id, "payload": payload }))
            .await;
    }

    /// Starts [`super::ALL`], and waits until it listens.
    pub async fn follow(&mut self, after: Option<&str>) {
        let query = match after {
            Some(after) => super::ALL.replace("changes {", &format!("changes(after: \"{after}\") {{")),
            None => super::ALL.to_owned(),
        };
        self.subscribe("follow", &query, json!({})).await;
        if after.is_none() {
            self.settle().await;
        }
    }

    /// Waits until what was started before has started: operations of a socket are taken up in turn.
    pub async fn settle(&mut self) {
        self.subscribe("settle", "{ catalog { revision } }", json!({})).await;
        assert_eq!(self.receive().await["type"], "next");
        assert_eq!(self.receive().await, json!({ "id": "settle", "type": "complete" }));
    }

    /// The edge of the next event.
    pub async fn event(&mut self) -> Value {
        let mut message = self.receive().await;
        assert_eq!(message["type"], "next", "{message}");
        message["payload"]["data"]["changes"].take()
    }

    /// Sends a message.
    pub async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    /// The next message.
    pub async fn receive(&mut self) -> Value {
        match self.frame().await {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("not a message: {other:?}"),
        }
    }

    /// The code and the reason with which the server closes.
    pub async fn closed(&mut self) -> (u16, String) {
        match self.frame().await {
            Message::Close(Some(close)) => (close.code.into(), close.reason.to_string()),
            other => panic!("not closed: {other:?}"),
        }
    }

    async fn frame(&mut self) -> Message {
        loop {
            let frame = tokio::time::timeout(PATIENCE, self.0.next()).await;
            match frame
                .expect("something comes")
                .expect("the connection is there")
                .unwrap()
            {
                Message::Ping(_) | Message::Pong(_) => {}
                frame => return frame,
            }
        }
    }
}
