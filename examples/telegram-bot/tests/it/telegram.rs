//! A stand-in for Telegram's Bot API on the loopback interface: hands out the updates that a test queues, and keeps what the bot sends.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::post,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Notify, time::timeout};

/// Longer than anything takes, on a busy machine too.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// The stand-in.
#[derive(Clone)]
pub struct Telegram {
    url: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    desk: Mutex<Desk>,
    has_moved: Notify,
}

#[derive(Default)]
struct Desk {
    updates: VecDeque<Value>,
    last_update: i64,
    sent: Vec<Call>,
    refusals: VecDeque<(i64, StatusCode, Value)>,
    refused: usize,
}

/// What the bot sent.
#[derive(Clone, Debug)]
pub struct Call {
    method: String,
    body: Value,
}

impl Telegram {
    /// Starts it on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared::default());
        let app = Router::new()
            .route("/{bot}/{method}", post(answer))
            .with_state(Arc::clone(&shared));
        tokio::spawn(async { axum::serve(listener, app).await.unwrap() });
        Self { url, shared }
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A person types something in a chat.
    pub fn types(&self, chat: i64, text: &str) {
        let command = text.split_whitespace().next().unwrap_or("").len();
        self.update(
            "message",
            &json!({
                "message_id": 1, "date": 1, "text": text, "chat": private(chat), "from": person(chat),
                "entities": [{ "type": "bot_command", "offset": 0, "length": command }],
            }),
        );
    }

    /// A person types behind the bot's name in any chat.
    pub fn asks_inline(&self, from: i64, text: &str) {
        self.update(
            "inline_query",
            &json!({ "id": "1", "from": person(from), "query": text, "offset": "" }),
        );
    }

    /// Answers the next message to a chat with an error of Telegram's.
    pub fn refuses_next(&self, chat: i64, status: StatusCode, answer: Value) {
        self.desk().refusals.push_back((chat, status, answer));
    }

    /// How many messages were answered with an error.
    pub fn refused(&self) -> usize {
        self.desk().refused
    }

    /// The texts of the messages that a chat has got, as soon as there are so many.
    pub async fn messages(&self, chat: i64, count: usize) -> Vec<String> {
        self.wait(|desk| {
            let messages = desk
                .sent
                .iter()
                .filter(|call| call.method == "sendmessage" && call.body["chat_id"] == chat);
            let texts: Vec<_> = messages
                .map(|call| call.body["text"].as_str().unwrap().to_owned())
                .collect();
            (texts.len() >= count).then_some(texts)
        })
        .await
    }

    /// The first call of a method.
    pub async fn call(&self, method: &str) -> Value {
        self.wait(|desk| {
            desk.sent
                .iter()
                .find(|call| call.method == method)
                .map(|call| call.body.clone())
        })
        .await
    }

    async fn wait<T>(&self, mut look: impl FnMut(&Desk) -> Option<T>) -> T {
        let waiting = async {
            loop {
                let mut moved = std::pin::pin!(self.shared.has_moved.notified());
                moved.as_mut().enable();
                if let Some(found) = look(&self.desk()) {
                    return found;
                }
                moved.await;
            }
        };
        let Ok(found) = timeout(PATIENCE, waiting).await else {
            panic!("that did not come; what came is {:#?}", self.desk().sent);
        };
        found
    }

    fn update(&self, kind: &str, content: &Value) {
        let mut desk = self.desk();
        desk.last_update += 1;
        let update = json!({ "update_id": desk.last_update, kind: content });
        desk.updates.push_back(update);
        self.shared.has_moved.notify_waiters();
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.shared.desk.lock().unwrap()
    }
}

fn private(chat: i64) -> Value {
    json!({ "id": chat, "type": "private", "first_name": "A" })
}

fn person(id: i64) -> Value {
    json!({ "id": id, "is_bot": false, "first_name": "A" })
}

/// Answers one call as Telegram does.
async fn answer(
    State(shared): State<Arc<Shared>>,
    Path((_, method)): Path<(String, String)>,
    body: Option<Json<Value>>,
) -> (StatusCode, Json<Value>) {
    let method = method.to_lowercase();
    let body = body.map_or(Value::Null, |Json(body)| body);
    let result = match method.as_str() {
        "getme" => json!({
            "id": 1, "is_bot": true, "first_name": "romdex", "username": "romdex_bot", "can_join_groups": true,
            "can_read_all_group_messages": false, "supports_inline_queries": true, "can_connect_to_business": false,
            "has_main_web_app": false,
        }),
        "getwebhookinfo" => json!({ "url": "", "has_custom_certificate": false, "pending_update_count": 0 }),
        "getupdates" => updates(&shared, &body).await,
        "sendmessage" => {
            let chat = body["chat_id"].as_i64().unwrap();
            let mut desk = shared.desk.lock().unwrap();
            if let Some(at) = desk.refusals.iter().position(|(refused, ..)| *refused == chat) {
                let (_, status, answer) = desk.refusals.remove(at).unwrap();
                desk.refused += 1;
                return (status, Json(answer));
            }
            json!({ "message_id": 2, "date": 2, "chat": private(chat), "text": body["text"] })
        }
        _ => json!(true),
    };
    shared.desk.lock().unwrap().sent.push(Call { method, body });
    shared.has_moved.notify_waiters();
    (StatusCode::OK, Json(json!({ "ok": true, "result": result })))
}

/// The updates that the bot has not confirmed, as soon as there is one, or none after a while.
async fn updates(shared: &Shared, body: &Value) -> Value {
    let offset = body["offset"].as_i64().unwrap_or(0);
    let waiting = async {
        loop {
            let mut moved = std::pin::pin!(shared.has_moved.notified());
            moved.as_mut().enable();
            let pending: Vec<Value> = {
                let mut desk = shared.desk.lock().unwrap();
                desk.updates
                    .retain(|update| update["update_id"].as_i64() >= Some(offset));
                desk.updates.iter().cloned().collect()
            };
            if !pending.is_empty() || body["timeout"].as_i64().unwrap_or(0) == 0 {
                return json!(pending);
            }
            moved.await;
        }
    };
    timeout(Duration::from_secs(1), waiting)
        .await
        .unwrap_or_else(|_| json!([]))
}
