//! Those who follow the change log over HTTP and come again with their last cursor, however they were cut off.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{SinkExt as _, StreamExt as _};
use reqwest::Response;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::{subscriptions::socket::Socket, support::server::client};

/// How long a reader rests before it tries again, or asks for more.
const REST: Duration = Duration::from_millis(50);

const SUBSCRIPTION: &str = "subscription($after: String) { changes(filter: { kind: PACKAGE_ADDED }, after: $after) \
    { cursor node { subject { ... on Package { filename } } } } }";

const QUERY: &str = "query($after: String) { changes(filter: { kind: PACKAGE_ADDED }, first: 50, after: $after) \
    { pageInfo { hasNextPage endCursor } edges { cursor node { subject { ... on Package { filename } } } } } }";

/// What a reader was told, and what happened to it on the way.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// Cursors and names of files, in the order in which they came.
    pub edges: Vec<(String, String)>,
    /// How often the reader cut the connection itself.
    pub cuts: usize,
    /// How often a connection or a request broke off, or was not to be had.
    pub broken: usize,
}

/// A reader of one kind.
#[derive(Clone)]
pub struct Reader {
    /// Where the server is now.
    pub address: watch::Receiver<String>,
    /// Where the reader begins.
    pub start: Option<String>,
    /// The name of the file with which all is told.
    pub last: String,
    /// What was told so far.
    pub heard: Arc<Mutex<Heard>>,
}

/// That everything has been told.
struct Complete;

/// The server, or the way to it, is gone.
struct Broken;

impl From<reqwest::Error> for Broken {
    fn from(_: reqwest::Error) -> Self {
        Self
    }
}

impl From<tungstenite::Error> for Broken {
    fn from(_: tungstenite::Error) -> Self {
        Self
    }
}

impl Reader {
    fn url(&self) -> String {
        format!("{}/graphql", *self.address.borrow())
    }

    /// Where to go on.
    fn cursor(&self) -> Option<String> {
        let heard = self.heard.lock().unwrap();
        heard.edges.last().map(|edge| edge.0.clone()).or(self.start.clone())
    }

    fn take(&self, edge: &Value) -> Option<Complete> {
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{edge}")).to_owned();
        let (cursor, filename) = (text(&edge["cursor"]), text(&edge["node"]["subject"]["filename"]));
        let is_last = filename == self.last;
        self.heard.lock().unwrap().edges.push((cursor, filename));
        is_last.then_some(Complete)
    }

    async fn broke_off(&self) {
        self.heard.lock().unwrap().broken += 1;
        tokio::time::sleep(REST).await;
    }

    /// Asks again and again.
    pub async fn poll(self) {
        let client = client();
        let mut cursor = self.start.clone();
        loop {
            let request = json!({ "query": QUERY, "variables": { "after": cursor } });
            let answer = client.post(self.url()).json(&request).send().await;
            let answer = match answer {
                Ok(answer) => answer.json::<Value>().await,
                Err(error) => Err(error),
            };
            let Ok(answer) = answer else {
                self.broke_off().await;
                continue;
            };
            assert_eq!(answer.get("errors"), None);
            let changes = &answer["data"]["changes"];
            if changes["edges"]
                .as_array()
                .unwrap()
                .iter()
                .any(|edge| self.take(edge).is_some())
            {
                return;
            }
            cursor = changes["pageInfo"]["endCursor"].as_str().map(str::to_owned).or(cursor);
            if changes["pageInfo"]["hasNextPage"] == false {
                tokio::time::sleep(REST).await;
            }
        }
    }

    /// Listens on WebSockets, and drops the connection when so many have been told in all.
    pub async fn listen(self, cuts: Vec<usize>) {
        let mut cuts = cuts.into_iter().peekable();
        loop {
            match self.socket(cuts.peek().copied()).await {
                Ok(Some(Complete)) => return,
                Ok(None) => {
                    cuts.next();
                    self.heard.lock().unwrap().cuts += 1;
                }
                Err(Broken) => self.broke_off().await,
            }
        }
    }

    async fn socket(&self, cut: Option<usize>) -> Result<Option<Complete>, Broken> {
        let headers = [("sec-websocket-protocol", "graphql-transport-ws")];
        let Socket(mut socket) = Socket::connect(&self.url(), &headers, None).await?;
        let payload = json!({ "query": SUBSCRIPTION, "variables": { "after": self.cursor() } });
        let subscribe = json!({ "type": "subscribe", "id": "1", "payload": payload });
        let init = json!({ "type": "connection_init" });
        socket.send(Message::text(init.to_string())).await?;
        while let Some(Ok(frame)) = socket.next().await {
            let Message::Text(text) = frame else { continue };
            let message: Value = serde_json::from_str(&text).unwrap();
            match message["type"].as_str() {
                Some("connection_ack") => socket.send(Message::text(subscribe.to_string())).await?,
                Some("next") => {
                    if let Some(complete) = self.take(&message["payload"]["data"]["changes"]) {
                        return Ok(Some(complete));
                    }
                }
                _ => panic!("{message}"),
            }
            if cut.is_some_and(|at| self.heard.lock().unwrap().edges.len() >= at) {
                // without a word, whatever else has been sent already
                return Ok(None);
            }
        }
        Err(Broken)
    }

    /// Reads server-sent events. It comes again as a browser does: at the same address, with the id of the last event.
    pub async fn read_events(self) {
        let variables = json!({ "after": self.start }).to_string();
        loop {
            let mut url = url::Url::parse(&self.url()).unwrap();
            url.query_pairs_mut()
                .append_pair("query", SUBSCRIPTION)
                .append_pair("variables", &variables);
            let mut request = client().get(url).header("accept", "text/event-stream");
            if let Some(last) = self.heard.lock().unwrap().edges.last() {
                request = request.header("last-event-id", &last.0);
            }
            let ended = match request.send().await {
                Ok(response) => self.events(response).await,
                Err(error) => Err(error.into()),
            };
            match ended {
                Ok(Complete) => return,
                Err(Broken) => self.broke_off().await,
            }
        }
    }

    async fn events(&self, mut response: Response) -> Result<Complete, Broken> {
        assert_eq!(response.status(), 200);
        let mut text = String::new();
        loop {
            text += std::str::from_utf8(&response.chunk().await?.ok_or(Broken)?).unwrap();
            while let Some((event, rest)) = text.split_once("\n\n") {
                let lines: Vec<&str> = event.lines().collect();
                if let ["event: complete", ..] = lines[..] {
                    panic!("{event}");
                }
                if let [id, "event: next", data] = lines[..] {
                    let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
                    let edge = &data["data"]["changes"];
                    assert_eq!(id.strip_prefix("id: "), edge["cursor"].as_str(), "{event}");
                    if let Some(complete) = self.take(edge) {
                        return Ok(complete);
                    }
                }
                text = rest.to_owned();
            }
        }
    }
}
