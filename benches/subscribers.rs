//! Ten thousand subscribers on one server, who listen and hear nothing for a while, and then of one release: prints what they cost in
//! memory, and how long it takes until the last has heard. Once over WebSockets, once as server-sent events.
//!
//! `ROMDEX_BENCH_SUBSCRIBERS` is another number of them (each needs a file descriptor on both sides), and
//! `ROMDEX_BENCH_IDLE_SECONDS` another time of silence. All of it stays on this machine: the subscribers come from many of its
//! loopback addresses, for a server has so many connections from one address and no more.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a measurement: it prints, and ends where something fails"
)]

use std::{
    env, fs,
    future::Future,
    io::{BufRead as _, BufReader},
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::{Child, Command, Stdio},
    str::FromStr,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, client::IntoClientRequest as _, http::HeaderValue, protocol::WebSocketConfig},
};

/// What ten thousand of them may take.
const MOST_MB: f64 = 400.0;

/// How many connect at once.
const AT_ONCE: usize = 100;

/// As many as a server takes from one address.
const OF_ONE_ADDRESS: usize = 100;

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_mins(2);

/// The version that they hear of.
const NEWS: &str = "V99.0.2.0.NAMMIFA";

const SUBSCRIPTION: &str = "subscription { changes(filter: { kind: RELEASE_ADDED }) { cursor node { kind subject { \
    ... on Release { version branch variant { codename } } } } } }";

/// How a subscriber listens.
#[derive(Clone, Copy, Debug)]
enum Way {
    WebSocket,
    ServerSentEvents,
}

fn main() {
    const RAISED: &str = "--with-many-files";
    let wanted: usize = number("ROMDEX_BENCH_SUBSCRIBERS", 10_000);
    if !env::args().any(|argument| argument == RAISED) {
        let own = env::current_exe().unwrap();
        let status = with_many_files(&own.display().to_string()).arg(RAISED).status();
        std::process::exit(status.unwrap().code().unwrap_or(1));
    }
    // a few more than the connections: libraries, the database, the listener
    let most = open_files();
    if wanted + 200 > most {
        println!("skipped: {wanted} subscribers need more files than the {most} that a process may open here");
        return;
    }
    println!(
        "| way | subscribers | MB before | MB idle | MB at most | bytes each | CPU ms/s idle | ms until the last heard | CPU ms |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for way in [Way::WebSocket, Way::ServerSentEvents] {
        runtime.block_on(measure(way, wanted));
    }
}

fn number<T: FromStr>(variable: &str, default: T) -> T {
    match env::var(variable) {
        Ok(text) => text.parse().ok().expect("a number"),
        Err(_) => default,
    }
}

/// A command that may open as many files as this machine lets it.
fn with_many_files(program: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n \"$(ulimit -H -n)\"; exec \"$0\" \"$@\"", program]);
    command
}

fn open_files() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next());
    soft.and_then(|soft| soft.parse().ok()).unwrap_or(usize::MAX)
}

/// A server in a process of its own; it ends with this.
struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    fn start(folder: &Path) -> Self {
        let mut process = with_many_files(env!("CARGO_BIN_EXE_romdex"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env("ROMDEX__TELEMETRY__LOG_FILTER", "warn")
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.trim_end().strip_prefix("listening on http://");
        let address = address.expect("it listens").parse().unwrap();
        Self { process, address }
    }

    /// A figure of Linux's about its memory, in MB.
    fn memory(&self, name: &str) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.trim_start_matches(':').split_whitespace().next());
        kib.and_then(|kib| kib.parse::<f64>().ok()).expect("a line of kB") / 1024.0
    }

    /// The time it has spent computing, in milliseconds.
    fn computed(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        let (_, behind_the_name) = stat.rsplit_once(')').unwrap();
        let fields = behind_the_name.split_whitespace().skip(11).take(2);
        // a tick is a hundredth of a second wherever Linux runs
        fields.map(|ticks| ticks.parse::<u64>().unwrap() * 10).sum()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn measure(way: Way, wanted: usize) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    // the first that comes after the starter catalogue is history, and the next is news
    import(folder.path(), "V99.0.1.0.NAMMIFA").await;
    let before = server.memory("VmRSS");
    let mut subscribers = connect_all(way, server.address, wanted).await;
    let computed = server.computed();
    let idle = Duration::from_secs(number("ROMDEX_BENCH_IDLE_SECONDS", 30));
    // they are read on meanwhile, as the server asks them whether they are there
    let mut hearing = JoinSet::new();
    for subscriber in subscribers.drain(..) {
        hearing.spawn(subscriber.hear());
    }
    tokio::time::sleep(idle).await;
    assert_eq!(hearing.len(), wanted);
    if let Some(early) = hearing.try_join_next() {
        panic!("somebody heard before anything happened, or was closed: {early:?}");
    }
    let (silent, resident) = (server.computed() - computed, server.memory("VmRSS"));

    let computed = server.computed();
    let imported = import(folder.path(), NEWS).await;
    let mut last = imported;
    while let Some(heard) = timeout(PATIENCE, hearing.join_next()).await.expect("all hear") {
        last = last.max(heard.unwrap());
    }
    let told = server.computed() - computed;
    let peak = server.memory("VmHWM");
    println!(
        "| {way:?} | {wanted} | {before:.0} | {resident:.0} | {peak:.0} | {:.0} | {:.0} | {} | {told} |",
        (resident - before) * 1024.0 * 1024.0 / wanted as f64,
        silent as f64 / idle.as_secs_f64().max(1.0),
        (last - imported).as_millis(),
    );
    assert!(
        wanted > 10_000 || peak <= MOST_MB,
        "{wanted} subscribers take {peak:.0} MB, and {MOST_MB} MB is the most"
    );
}

/// Publishes one release, and says when that was done.
async fn import(folder: &Path, version: &str) -> Instant {
    let data = folder.join("tracker/data");
    fs::create_dir_all(&data).unwrap();
    let entry = format!(
        "- branch: Stable\n  codename: santoni_global\n  \
         link: https://bigota.d.miui.com/{version}/miui_HM4XGlobal_{version}_540efd7cf5_7.1.zip\n  \
         method: Recovery\n  name: Redmi 4X Global\n  version: {version}\n"
    );
    fs::write(data.join("latest.yml"), entry).unwrap();
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_romdex"));
    let ended = command
        .args(["import", "tracker"])
        .current_dir(folder)
        .output()
        .await
        .unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    Instant::now()
}

/// One who listens.
enum Subscriber {
    WebSocket(Box<WebSocketStream<TcpStream>>),
    ServerSentEvents(TcpStream),
}

async fn connect_all(way: Way, server: SocketAddr, wanted: usize) -> Vec<Subscriber> {
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut connecting = JoinSet::new();
    for index in 0..wanted {
        let turns = Arc::clone(&turns);
        connecting.spawn(async move {
            let _turn = turns.acquire().await.unwrap();
            let connecting = async {
                match way {
                    Way::WebSocket => Subscriber::over_a_socket(server, index).await,
                    Way::ServerSentEvents => Subscriber::over_events(server, index).await,
                }
            };
            timeout(PATIENCE, connecting).await.expect("it connects")
        });
    }
    connecting.join_all().await
}

fn connect(server: SocketAddr, index: usize) -> impl Future<Output = std::io::Result<TcpStream>> {
    let number = u32::try_from(index / OF_ONE_ADDRESS).unwrap();
    let address = Ipv4Addr::from_bits(Ipv4Addr::new(127, 1, 0, 1).to_bits() + number);
    let socket = TcpSocket::new_v4().unwrap();
    // without a port: the system finds one of this address
    socket.bind((address, 0).into()).unwrap();
    socket.connect(server)
}

impl Subscriber {
    async fn over_a_socket(server: SocketAddr, index: usize) -> Self {
        let mut request = format!("ws://{server}/graphql").into_client_request().unwrap();
        let protocol = HeaderValue::from_static("graphql-transport-ws");
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let stream = connect(server, index).await.unwrap();
        let small = WebSocketConfig::default().read_buffer_size(512).write_buffer_size(0);
        let (mut socket, _) = client_async_with_config(request, stream, Some(small)).await.unwrap();
        let query = |id: &str, query: &str| json!({ "type": "subscribe", "id": id, "payload": { "query": query } });
        for message in [
            json!({ "type": "connection_init" }),
            query("changes", SUBSCRIPTION),
            query("settle", "{ catalog { revision } }"),
        ] {
            socket.send(Message::text(message.to_string())).await.unwrap();
        }
        // operations begin in turn: when the second has ended, the first listens
        while let Some(frame) = socket.next().await {
            let Message::Text(text) = frame.unwrap() else { continue };
            let message: Value = serde_json::from_str(&text).unwrap();
            if message["id"] == "settle" && message["type"] == "complete" {
                return Self::WebSocket(Box::new(socket));
            }
        }
        panic!("it is closed");
    }

    async fn over_events(server: SocketAddr, index: usize) -> Self {
        let mut stream = connect(server, index).await.unwrap();
        let body = json!({ "query": SUBSCRIPTION }).to_string();
        let request = format!(
            "POST /graphql HTTP/1.1\r\nhost: {server}\r\naccept: text/event-stream\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        // the first sign of life says that it listens
        let begin = until(&mut stream, b":\n\n").await;
        assert!(
            begin.starts_with(b"HTTP/1.1 200 "),
            "{}",
            String::from_utf8_lossy(&begin)
        );
        Self::ServerSentEvents(stream)
    }

    /// Waits for the release, and says when it came.
    async fn hear(self) -> Instant {
        match self {
            Self::WebSocket(mut socket) => loop {
                // what the server asks is answered on the way
                let frame = socket.next().await.expect("it is not closed").unwrap();
                if let Message::Text(text) = frame {
                    assert!(text.contains(NEWS), "{text}");
                    return Instant::now();
                }
            },
            Self::ServerSentEvents(mut stream) => {
                until(&mut stream, NEWS.as_bytes()).await;
                Instant::now()
            }
        }
    }
}

/// Reads until these bytes have come.
async fn until(stream: &mut TcpStream, end: &[u8]) -> Vec<u8> {
    let mut read = Vec::new();
    while !read.windows(end.len()).any(|window| window == end) {
        let mut chunk = [0; 512];
        let count = stream.read(&mut chunk).await.unwrap();
        let (chunk, _) = chunk.split_at(count);
        assert!(!chunk.is_empty(), "it is closed: {}", String::from_utf8_lossy(&read));
        read.extend_from_slice(chunk);
    }
    read
}
