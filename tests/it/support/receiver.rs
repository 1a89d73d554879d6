//! A receiver of webhooks on this machine: keeps what comes and answers as it is told.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Long enough for the busiest machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A message as it came.
#[derive(Clone, Debug)]
pub struct Received {
    pub path: String,
    pub headers: HashMap<String, String>,
    pub body: String,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The version that it tells of.
    pub fn version(&self) -> String {
        self.json()["data"]["release"]["version"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}

/// How a message is answered.
#[derive(Clone, Debug)]
pub enum Reply {
    /// With this status, these lines of headers, and this body.
    Status(u16, &'static str, &'static str),
    /// Never: the connection stays open.
    Hang,
    /// With a body that does not end.
    Endless,
    /// The connection is closed.
    Close,
}

pub const ACCEPTED: Reply = Reply::Status(204, "", "");
pub const FAILED: Reply = Reply::Status(500, "", "not today");

type Script = Arc<Mutex<Box<dyn FnMut(&Received) -> Reply + Send>>>;

/// Receives until the test's process ends.
pub struct Receiver {
    address: SocketAddr,
    script: Script,
    received: UnboundedReceiver<Received>,
}

impl Receiver {
    /// Starts one that accepts everything, on a free port.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let script: Script = Arc::new(Mutex::new(Box::new(|_| ACCEPTED)));
        let (sender, received) = unbounded_channel();
        let answers = Arc::clone(&script);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (script, sender) = (Arc::clone(&answers), sender.clone());
                std::thread::spawn(move || receive(stream, &script, &sender));
            }
        });
        Self {
            address,
            script,
            received,
        }
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// From now on messages are answered like this.
    pub fn answer(&self, script: impl FnMut(&Received) -> Reply + Send + 'static) {
        *self.script.lock().unwrap() = Box::new(script);
    }

    /// The next message; waits for it.
    pub async fn next(&mut self) -> Received {
        let next = tokio::time::timeout(PATIENCE, self.received.recv()).await;
        next.expect("no message came").unwrap()
    }

    /// The next messages.
    pub async fn take(&mut self, count: usize) -> Vec<Received> {
        let mut all = Vec::new();
        for _ in 0..count {
            all.push(self.next().await);
        }
        all
    }

    /// What has come that nobody has taken.
    pub fn rest(&mut self) -> Vec<Received> {
        std::iter::from_fn(|| self.received.try_recv().ok()).collect()
    }
}

fn receive(mut stream: TcpStream, script: &Script, sender: &UnboundedSender<Received>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    if reader.read_line(&mut line).unwrap_or(0) == 0 {
        return;
    }
    let path = line.split(' ').nth(1).unwrap().to_owned();
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers
        .get("content-length")
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    let message = Received {
        path,
        headers,
        body: String::from_utf8(body).unwrap(),
    };
    let reply = script.lock().unwrap()(&message);
    // A test that is over takes nothing any more.
    let _ = sender.send(message);
    match reply {
        Reply::Status(status, lines, body) => {
            let head = format!(
                "HTTP/1.1 {status} Status\r\n{lines}content-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(head.as_bytes());
        }
        Reply::Hang => drop(reader.read(&mut [0])),
        Reply::Endless => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            while stream.write_all(&[b'x'; 4096]).is_ok() {}
        }
        Reply::Close => {}
    }
}
