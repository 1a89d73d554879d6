//! Webhooks, from the mutation that makes one to the message that arrives, on every kind of database.

mod account;
mod crash;
mod fail;
mod guide;
mod reach;
mod send;

use std::{fmt::Write as _, path::Path, process::Command};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::{
    support::{
        database::TestDatabase,
        program::{romdex, run},
        receiver::{Received, Receiver},
        served::Served,
        site::tree,
    },
    token::{create, with_secret},
};

/// A server whose webhooks may lead to this machine, an account on it, and a receiver.
struct Bench {
    folder: TempDir,
    database: TestDatabase,
    server: Served,
    token: String,
    receiver: Receiver,
}

/// The pauses of most tests: an hour, so that nothing happens by itself.
const HOUR: &str = "3600";

impl Bench {
    fn start(database: &TestDatabase, schedule: &str) -> Self {
        let folder = TempDir::new().unwrap();
        // What an empty catalogue gets first is history.
        publish(
            folder.path(),
            database,
            &[("santoni_global", "HM4XGlobal", "V1.0.0.0.NAMMIEK")],
        );
        let server = Served::start(&mut command(folder.path(), database, schedule));
        Self {
            token: create(database, "bot"),
            receiver: Receiver::start(),
            database: database.clone(),
            folder,
            server,
        }
    }

    fn publish(&self, releases: &[(&str, &str, &str)]) {
        publish(self.folder.path(), &self.database, releases);
    }

    /// Publishes versions of the Redmi 4X.
    fn publish_versions(&self, versions: &[&str]) {
        let releases: Vec<_> = versions
            .iter()
            .map(|version| ("santoni_global", "HM4XGlobal", *version))
            .collect();
        self.publish(&releases);
    }

    /// Posts an operation that has to succeed and gives its data.
    async fn ask(&self, query: &str, variables: Value) -> Value {
        let mut answer = self.server.post_as(&self.token, query, variables).await;
        assert_eq!(answer.get("errors"), None, "{query}");
        answer["data"].take()
    }

    /// Registers the receiver for releases, and gives id and secret.
    async fn register(&self) -> (String, String) {
        self.register_with(json!({ "url": self.receiver.url("/hook"), "filter": { "kind": "RELEASE_ADDED" } }))
            .await
    }

    async fn register_with(&self, input: Value) -> (String, String) {
        let data = self.ask(CREATE, json!({ "input": input })).await;
        let payload = &data["createWebhook"];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&payload["webhook"]["id"]), text(&payload["secret"]))
    }

    async fn update(&self, id: &str, changes: Value) -> Value {
        let mut input = changes;
        input["id"] = id.into();
        let mutation =
            "mutation($input: UpdateWebhookInput!) { updateWebhook(input: $input) { webhook { id enabled } } }";
        self.ask(mutation, json!({ "input": input })).await
    }

    async fn ping(&self, id: &str) -> String {
        let mutation = "mutation($id: ID!) { pingWebhook(input: { id: $id }) { delivery { id } } }";
        let data = self.ask(mutation, json!({ "id": id })).await;
        data["pingWebhook"]["delivery"]["id"].as_str().unwrap().to_owned()
    }

    async fn redeliver(&self, message: &str) {
        let mutation = "mutation($id: ID!) { redeliver(input: { id: $id }) { delivery { id status } } }";
        let data = self.ask(mutation, json!({ "id": message })).await;
        let delivery = json!({ "id": message, "status": "PENDING" });
        assert_eq!(data["redeliver"]["delivery"], delivery);
    }

    async fn webhook(&self, id: &str) -> Value {
        let query = format!("query($id: ID!) {{ webhook(id: $id) {{ {STATE} }} }}");
        self.ask(&query, json!({ "id": id })).await["webhook"].take()
    }

    /// Waits until the webhook is as it should be.
    async fn until(&self, id: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..1_200 {
            let webhook = self.webhook(id).await;
            if is_so(&webhook) {
                return webhook;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("it did not come to that: {}", self.webhook(id).await);
    }
}

const CREATE: &str = "mutation($input: CreateWebhookInput!) { createWebhook(input: $input) { secret webhook { id } } }";

const STATE: &str = "id url enabled disabledAt disabledReason failingSince heldUntil previousSecretValidUntil \
    deliveries(first: 100) { nodes { id event status attempts device nextAttemptAt finishedAt responseStatus responseBody failure } }";

/// The last delivery of a webhook.
fn newest(webhook: &Value) -> &Value {
    &webhook["deliveries"]["nodes"][0]
}

fn command(folder: &Path, database: &TestDatabase, schedule: &str) -> Command {
    let mut command = with_secret(folder, database, ["serve", "--listen", "127.0.0.1:0"]);
    command
        .env("ROMDEX__DATABASE__POLL_INTERVAL_MS", "50")
        .env("ROMDEX__WEBHOOKS__ALLOW_HTTP", "true")
        .env("ROMDEX__WEBHOOKS__ALLOWED_NETWORKS", "127.0.0.0/8")
        .env("ROMDEX__WEBHOOKS__ALLOWED_PORTS", "")
        .env("ROMDEX__WEBHOOKS__RETRY_SCHEDULE_SECONDS", schedule);
    command
}

/// Imports releases, by regional codename, ROM code and version, in a process of its own.
fn publish(folder: &Path, database: &TestDatabase, releases: &[(&str, &str, &str)]) {
    let mut yaml = String::new();
    for (codename, rom_code, version) in releases {
        let _ = writeln!(
            yaml,
            "- branch: Stable\n  codename: {codename}\n  \
             link: https://bigota.d.miui.com/{version}/miui_{rom_code}_{version}_540efd7cf5_7.1.zip\n  \
             name: Redmi 4X Global\n  version: {version}"
        );
    }
    tree(&folder.join("tracker"), &[("data/latest.yml", &yaml)]);
    let ran = run(&mut romdex(
        folder,
        ["import", "tracker", "--database-url", database.url()],
    ));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

/// HMAC by its definition in RFC 2104, to check the program's with another.
fn hmac_sha256(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut padded = [0; 64];
    padded[..key.len()].copy_from_slice(key);
    let inner = Sha256::new()
        .chain_update(padded.map(|byte| byte ^ 0x36))
        .chain_update(text)
        .finalize();
    Sha256::new()
        .chain_update(padded.map(|byte| byte ^ 0x5c))
        .chain_update(inner)
        .finalize()
        .to_vec()
}

/// Whether one of a message's signatures is made with this secret, by the words of Standard Webhooks.
fn is_signed(message: &Received, secret: &str) -> bool {
    let key = BASE64.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let timestamp: i64 = message.header("webhook-timestamp").parse().unwrap();
    assert!((chrono::Utc::now().timestamp() - timestamp).abs() < 300);
    let text = format!("{}.{timestamp}.{}", message.id(), message.body);
    let signature = format!("v1,{}", BASE64.encode(hmac_sha256(&key, text.as_bytes())));
    message
        .header("webhook-signature")
        .split(' ')
        .any(|one| one == signature)
}
