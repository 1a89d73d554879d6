//! The processes of the replay: one that synchronises and one that serves, which are killed and started again, and the receiver of
//! webhooks.

use std::{
    collections::BTreeSet,
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use tempfile::TempDir;
use tokio::sync::watch;

use super::PATIENCE;
use crate::{
    support::{
        database::TestDatabase,
        program::romdex,
        receiver::{ACCEPTED, FAILED, Receiver, Reply},
        served::Served,
        source_server::{Fault, SourceServer},
    },
    token::{create, with_secret},
};

/// Where the sources' server has the state of the tracker.
const ARCHIVE: &str = "/archive/master.tar.gz";

/// The process that takes in the states.
pub struct Syncing {
    folder: TempDir,
    database: TestDatabase,
    source: SourceServer,
    /// Whether a process is at it.
    pub is_running: Arc<AtomicBool>,
    /// How long it took the last time.
    pub took: Duration,
    /// How often it was killed.
    pub killed: usize,
}

impl Syncing {
    pub fn new(database: &TestDatabase) -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            database: database.clone(),
            source: SourceServer::start(),
            is_running: Arc::default(),
            took: Duration::ZERO,
            killed: 0,
        }
    }

    /// Puts a state where the next synchronisation finds it; the sources' server can fail at first.
    pub fn put(&self, archive: Vec<u8>, faults: &[Fault]) {
        self.source.put(ARCHIVE, archive);
        self.source.fail(faults);
    }

    /// Synchronises until that has succeeded. The first process is killed after this part of the time that the last one took.
    pub async fn run(&mut self, kill_after: Option<f64>) {
        self.is_running.store(true, Ordering::SeqCst);
        if let Some(part) = kill_after {
            let mut process = self.command().spawn().unwrap();
            tokio::time::sleep(self.took.mul_f64(part)).await;
            process.start_kill().unwrap();
            self.killed += usize::from(!process.wait().await.unwrap().success());
        }
        let begun = Instant::now();
        loop {
            let started = Instant::now();
            let ended = self.command().output().await.unwrap();
            let said = String::from_utf8(ended.stdout).unwrap();
            if ended.status.success() && !said.contains("not due yet") {
                self.took = started.elapsed();
                break;
            }
            let complaint = String::from_utf8(ended.stderr).unwrap();
            assert!(begun.elapsed() < PATIENCE, "it is not taken in: {said}{complaint}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.is_running.store(false, Ordering::SeqCst);
    }

    fn command(&self) -> tokio::process::Command {
        let mut command = romdex(self.folder.path(), ["sync", "--database-url", self.database.url()]);
        command
            .env("ROMDEX__SYNC__SOURCES", self.source.url(ARCHIVE))
            .env("ROMDEX__SYNC__LONGEST_PAUSE_SECONDS", "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut command = tokio::process::Command::from(command);
        command.kill_on_drop(true);
        command
    }
}

/// When the server is killed.
#[derive(Clone, Copy, Debug)]
pub enum Moment {
    /// So far into the synchronisation, by the time that the last one took.
    Syncing(f64),
    /// When the receiver has accepted so many messages more.
    Telling(usize),
}

/// The server, one after another.
pub struct Host {
    folder: TempDir,
    database: TestDatabase,
    server: Option<Served>,
    address: watch::Sender<String>,
    /// How often it was killed: while a state was taken in, while messages were on their way, and else.
    pub kills: [usize; 3],
}

impl Host {
    pub async fn start(database: &TestDatabase) -> Self {
        let mut host = Self {
            folder: TempDir::new().unwrap(),
            database: database.clone(),
            server: None,
            address: watch::Sender::default(),
            kills: [0; 3],
        };
        host.kill_and_start().await;
        host
    }

    /// Where the server is, from time to time.
    pub fn address(&self) -> watch::Receiver<String> {
        self.address.subscribe()
    }

    /// Has every package that is new sent to the receiver.
    pub async fn register(&self, mailbox: &Mailbox) {
        let input = json!({ "url": mailbox.receiver.url("/"), "filter": { "kind": "PACKAGE_ADDED" } });
        let mutation = "mutation($input: CreateWebhookInput!) { createWebhook(input: $input) { webhook { id } } }";
        let token = create(&self.database, "bot");
        let server = self.server.as_ref().unwrap();
        let answer = server.post_as(&token, mutation, json!({ "input": input })).await;
        assert_eq!(answer.get("errors"), None, "{answer}");
    }

    /// The cursor of the log's end, as docs/bots.md finds it.
    pub async fn end_of_the_log(&self) -> String {
        let server = self.server.as_ref().unwrap();
        let mut after = "null".to_owned();
        loop {
            let query = format!(
                "{{ changes(filter: {{ device: [] }}, first: 1, after: {after}) {{ pageInfo {{ hasNextPage endCursor }} }} }}"
            );
            let data = server.query(&query).await;
            let page = &data["changes"]["pageInfo"];
            if page["hasNextPage"] == false {
                return page["endCursor"].as_str().unwrap().to_owned();
            }
            after = page["endCursor"].to_string();
        }
    }

    /// Kills the server at this moment, and starts another.
    pub async fn kill_at(&mut self, moment: Moment, stage: Scene<'_>) {
        match moment {
            Moment::Syncing(part) => tokio::time::sleep(stage.last_took.mul_f64(part)).await,
            Moment::Telling(count) => {
                let begun = Instant::now();
                while stage.mailbox.accepted() < stage.accepted + count {
                    assert!(begun.elapsed() < PATIENCE, "no messages come");
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
        }
        let kind = if stage.is_syncing.load(Ordering::SeqCst) {
            0
        } else if stage.mailbox.accepted() < stage.announced {
            1
        } else {
            2
        };
        self.kills[kind] += 1;
        self.kill_and_start().await;
    }

    async fn kill_and_start(&mut self) {
        let killed = self.server.take();
        let mut command = command(self.folder.path(), &self.database);
        let starting = tokio::task::spawn_blocking(move || {
            if let Some(killed) = killed {
                killed.kill();
            }
            Served::start(&mut command)
        });
        let server = starting.await.unwrap();
        self.address.send_replace(server.url(""));
        self.server = Some(server);
    }
}

/// What is going on when a server is killed.
pub struct Scene<'a> {
    pub is_syncing: Arc<AtomicBool>,
    pub last_took: Duration,
    pub mailbox: &'a Mailbox,
    /// The messages that had been accepted before.
    pub accepted: usize,
    /// The messages that there are to be.
    pub announced: usize,
}

fn command(folder: &Path, database: &TestDatabase) -> Command {
    let mut command = with_secret(folder, database, ["serve", "--listen", "127.0.0.1:0"]);
    command
        .env("ROMDEX__TELEMETRY__LOG_FILTER", "error")
        .env("ROMDEX__DATABASE__POLL_INTERVAL_MS", "50")
        .env("ROMDEX__WEBHOOKS__ALLOW_HTTP", "true")
        .env("ROMDEX__WEBHOOKS__ALLOWED_NETWORKS", "127.0.0.0/8")
        .env("ROMDEX__WEBHOOKS__ALLOWED_PORTS", "")
        .env("ROMDEX__WEBHOOKS__TIMEOUT_MS", "2000")
        .env("ROMDEX__WEBHOOKS__RETRY_SCHEDULE_SECONDS", "1,1,1,1,1,1,1,1,1");
    command
}

/// A receiver of webhooks that fails now and then.
pub struct Mailbox {
    receiver: Receiver,
    accepted: Arc<Mutex<BTreeSet<String>>>,
}

/// A message.
#[derive(Debug)]
pub struct Message {
    /// Its id, the same whenever it comes.
    pub id: String,
    /// The device that it is about.
    pub device: String,
    /// The file that it tells of.
    pub filename: String,
}

impl Mailbox {
    pub fn start(seed: u64) -> Self {
        let receiver = Receiver::start();
        let accepted: Arc<Mutex<BTreeSet<String>>> = Arc::default();
        let ids = Arc::clone(&accepted);
        let mut random = fastrand::Rng::with_seed(seed);
        receiver.answer(move |message| match random.u8(..100) {
            0..2 => FAILED,
            2 => Reply::Close,
            3 => Reply::Hang,
            _ => {
                ids.lock().unwrap().insert(message.id().to_owned());
                ACCEPTED
            }
        });
        Self { receiver, accepted }
    }

    /// How many different messages it has accepted.
    pub fn accepted(&self) -> usize {
        self.accepted.lock().unwrap().len()
    }

    /// Everything that has come, in that order.
    pub fn take(&mut self) -> Vec<Message> {
        let all = self.receiver.rest();
        all.iter()
            .map(|message| {
                let body = message.json();
                assert_eq!(body["type"], "package.added");
                let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
                Message {
                    id: message.id().to_owned(),
                    device: text(&body["data"]["device"]["codename"]),
                    filename: text(&body["data"]["packages"][0]["filename"]),
                }
            })
            .collect()
    }
}
