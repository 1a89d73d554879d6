//! A server of sources on this machine: documents by path, with entity tags and ranges, that fails when it is told to.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

/// How the next answers go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection is closed in the middle of the body.
    BreaksOff,
    /// The body stops in its middle, and the connection stays open.
    Hangs,
    /// 503.
    Unavailable,
}

#[derive(Default)]
struct State {
    documents: HashMap<String, Vec<u8>>,
    faults: Vec<Fault>,
    answered: Vec<u16>,
    hanging: Vec<TcpStream>,
}

/// Serves until the test's process ends.
#[derive(Clone)]
pub struct SourceServer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl SourceServer {
    /// Starts one without documents, on a free port.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::default(),
        };
        let state = Arc::clone(&server.state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                answer(stream, &state);
            }
        });
        server
    }

    /// The address of a path, with a user and a query as a careless person writes them.
    pub fn url(&self, path: &str) -> String {
        format!("http://user:secret@{}{path}?token=1", self.address)
    }

    /// Puts a document at a path.
    pub fn put(&self, path: &str, content: impl Into<Vec<u8>>) {
        self.state
            .lock()
            .unwrap()
            .documents
            .insert(path.to_owned(), content.into());
    }

    /// Makes the next answers fail, the first of these first.
    pub fn fail(&self, faults: &[Fault]) {
        self.state.lock().unwrap().faults = faults.iter().rev().copied().collect();
    }

    /// The statuses answered since this was last asked.
    pub fn answered(&self) -> Vec<u16> {
        std::mem::take(&mut self.state.lock().unwrap().answered)
    }
}

fn answer(mut stream: TcpStream, shared: &Mutex<State>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap())
        .lines()
        .map_while(Result::ok);
    let Some(request) = lines.next() else { return };
    let headers: HashMap<String, String> = lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        })
        .collect();
    let path = request.split([' ', '?']).nth(1).unwrap().to_owned();
    let mut state = shared.lock().unwrap();
    let fault = state.faults.pop();
    let content = state.documents.get(&path).cloned().unwrap_or_default();
    let etag = format!("\"{}\"", blake3::hash(&content).to_hex());
    let from = headers.get("range").filter(|_| headers.get("if-range") == Some(&etag));
    let from: usize = from.map_or(0, |range| {
        range
            .trim_start_matches("bytes=")
            .trim_end_matches('-')
            .parse()
            .unwrap()
    });
    let (status, extra) = if fault == Some(Fault::Unavailable) {
        (503, String::new())
    } else if content.is_empty() {
        (404, String::new())
    } else if headers.get("if-none-match") == Some(&etag) {
        (304, String::new())
    } else if from > 0 {
        (
            206,
            format!(
                "content-range: bytes {from}-{}/{}\r\n",
                content.len() - 1,
                content.len()
            ),
        )
    } else {
        (200, String::new())
    };
    state.answered.push(status);
    drop(state);
    let body = if matches!(status, 200 | 206) {
        &content[from..]
    } else {
        &[]
    };
    let sent = if matches!(fault, Some(Fault::BreaksOff | Fault::Hangs)) {
        &body[..body.len() / 2]
    } else {
        body
    };
    let head = format!(
        "HTTP/1.1 {status} Status\r\netag: {etag}\r\n{extra}content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(sent);
    if fault == Some(Fault::Hangs) {
        shared.lock().unwrap().hanging.push(stream);
    }
}
