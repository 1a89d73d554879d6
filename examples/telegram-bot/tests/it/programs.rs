//! The two programs: romdex over a database of the test's own, and the bot.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::json;
use sqlx::SqlitePool;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader, Lines},
    process::{Child, Command},
    time::{sleep, timeout},
};

use crate::telegram::{PATIENCE, Telegram};

/// A server with the starter catalogue.
pub struct Romdex {
    folder: TempDir,
    url: String,
    _child: Child,
}

/// A running bot; killed when it is dropped.
pub struct Bot {
    child: Child,
    database: PathBuf,
}

impl Romdex {
    /// Starts the program that `ROMDEX_BIN` names, or else the one that the project has built.
    pub async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let mut child = romdex(folder.path())
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("romdex is built: ROMDEX_BIN names it");
        let said = line(
            &mut BufReader::new(child.stdout.take().unwrap()).lines(),
            "listening on ",
        )
        .await;
        let url = said.split_once("listening on ").unwrap().1.to_owned() + "/graphql";
        Self {
            folder,
            url,
            _child: child,
        }
    }

    /// The address of GraphQL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where the test may keep files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Imports packages, each by its file name, as a new state of the archive brings them.
    pub async fn import(&self, filenames: &[&str]) {
        let header =
            json!({ "kind": "header", "format": "romdex export", "version": 1, "credit": "made up for a test" });
        let said =
            json!({ "branches": ["STABLE"], "sizes": [3_100_000_000_u64], "dates": ["2026-09-01"], "mirrors": 31 });
        let mut lines = vec![header.to_string()];
        lines.extend(
            filenames
                .iter()
                .map(|name| json!({ "kind": "package", "filename": name, "said": said }).to_string()),
        );
        let path = self.folder.path().join("new.jsonl");
        fs::write(&path, lines.join("\n") + "\n").unwrap();
        let status = romdex(self.folder.path())
            .args(["import", "--strict"])
            .arg(&path)
            .status()
            .await
            .unwrap();
        assert!(status.success(), "{status}");
    }
}

/// A command of romdex in a folder, without the settings of whoever runs the tests.
fn romdex(folder: &Path) -> Command {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/debug/romdex");
    let program = env::var_os("ROMDEX_BIN").map_or(built, PathBuf::from);
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("ROMDEX__") {
            command.env_remove(name);
        }
    }
    command
        .env("ROMDEX__DATABASE__POLL_INTERVAL_MS", "50")
        .current_dir(folder)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

impl Bot {
    /// Starts it, and waits until it has its place in the change log. It asks again after `pause` seconds only, so that with
    /// an hour what it hears in a test it hears over the WebSocket.
    pub async fn start(url: &str, folder: &Path, telegram: &Telegram, pause: u32) -> Self {
        let database = folder.join("bot.sqlite");
        let mut child = Command::new(env!("CARGO_BIN_EXE_romdex-telegram-bot"))
            .env("TELEGRAM_BOT_TOKEN", "1:token")
            .env("TELEGRAM_API_URL", telegram.url())
            .env("ROMDEX_URL", url)
            .env("DATABASE", &database)
            .env("PAUSE_SECONDS", pause.to_string())
            .env("NO_COLOR", "1")
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        line(&mut lines, "following the change log").await;
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                eprintln!("bot: {line}");
            }
        });
        Self { child, database }
    }

    /// Waits until everything that it had to tell is told and crossed off.
    pub async fn has_told_all(&self) {
        let database = SqlitePool::connect(self.database.to_str().unwrap()).await.unwrap();
        let waiting = "SELECT count(*) FROM announcements WHERE text IS NOT NULL";
        let crossed_off = async {
            while sqlx::query_scalar::<_, i64>(waiting)
                .fetch_one(&database)
                .await
                .unwrap()
                > 0
            {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, crossed_off).await.expect("it is told");
    }

    /// Kills it without a warning.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

/// Reads lines until one has a text.
async fn line(lines: &mut Lines<BufReader<impl AsyncRead + Unpin>>, text: &str) -> String {
    while let Some(line) = lines.next_line().await.unwrap() {
        if line.contains(text) {
            return line;
        }
        eprintln!("{line}");
    }
    panic!("the program ended before it said {text:?}");
}
