//! Sources by their address, from a server on this machine.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use romdex::import::{Options, Writing, source::Location};

use super::{BOUNDS, Silent, moment, places, seed::seed_page};
use crate::support::database::{TestDatabase, on_sqlite};

/// Serves one document; breaks off in the middle of the first so many answers. Ends with the test's process.
fn serve(path: &'static str, content: Vec<u8>, broken: usize) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://user:secret@{}{path}?token=1", listener.local_addr().unwrap());
    let resumed = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&resumed);
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            answer(stream.unwrap(), path, &content, number < broken, &counter);
        }
    });
    (address, resumed)
}

fn answer(mut stream: TcpStream, path: &str, content: &[u8], breaks_off: bool, resumed: &AtomicUsize) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let request = lines.next().unwrap().unwrap();
    let headers: Vec<String> = lines
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .collect();
    if !request.starts_with(&format!("GET {path}")) {
        let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
        return;
    }
    let range = headers.iter().find_map(|line| {
        line.to_ascii_lowercase()
            .strip_prefix("range: bytes=")
            .map(str::to_owned)
    });
    let from: usize = range.map_or(0, |range| range.trim_end_matches('-').parse().unwrap());
    let rest = &content[from..];
    let sent = if breaks_off { &rest[..rest.len() / 2] } else { rest };
    let status = if from > 0 {
        resumed.fetch_add(1, Ordering::Relaxed);
        format!(
            "206 Partial Content\r\ncontent-range: bytes {from}-{}/{}",
            content.len() - 1,
            content.len()
        )
    } else {
        "200 OK".to_owned()
    };
    let head = format!(
        "HTTP/1.1 {status}\r\netag: \"one\"\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        rest.len()
    );
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(sent);
}

fn archive() -> Vec<u8> {
    let page = seed_page();
    let mut builder = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    let mut header = tar::Header::new_gnu();
    header.set_size(page.len() as u64);
    builder
        .append_data(
            &mut header,
            "site-master/pages/miui/updates/santoni/7.12.28.md",
            page.as_bytes(),
        )
        .unwrap();
    builder.into_inner().unwrap().finish().unwrap()
}

async fn import(database: &TestDatabase, address: &str) -> Result<String, String> {
    let options = Options {
        bounds: BOUNDS,
        parsers: 2,
        writing: Writing::Commit,
        now: moment(),
    };
    let location: Location = address.parse().unwrap();
    let report = romdex::import::run(vec![location], database.connection(), options, Arc::new(Silent)).await;
    report
        .map(|report| report.sources[0].location.clone())
        .map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_is_imported_from_its_address_also_when_the_server_breaks_off() {
    let (address, resumed) = serve("/archive/master.tar.gz", archive(), 2);
    on_sqlite(async |database: TestDatabase| {
        let location = import(&database, &address).await.unwrap();
        assert!(
            location.starts_with("http://127.0.0.1:") && location.ends_with("/archive/master.tar.gz"),
            "{location}"
        );
        assert_eq!(places(database.connection()).await.len(), 4);
    })
    .await;
    assert_eq!(resumed.load(Ordering::Relaxed), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_the_tracker_s_files_is_imported_by_itself() {
    let latest = "- branch: Stable\n  codename: santoni_global\n  link: http://bigota.d.miui.com/1/miui_HM4XGlobal_V9.2.1.0.NAMMIEK_540efd7cf5_7.1.zip\n  version: V9.2.1.0.NAMMIEK\n";
    let (address, _) = serve("/master/data/latest.yml", latest.into(), 0);
    on_sqlite(async |database: TestDatabase| {
        import(&database, &address).await.unwrap();
        assert_eq!(places(database.connection()).await.len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_does_not_answer_well_is_a_clear_error_without_secrets() {
    let (address, _) = serve("/archive/master.tar.gz", archive(), 0);
    let wrong = address.replace("master", "main");
    on_sqlite(async |database: TestDatabase| {
        let error = import(&database, &wrong).await.unwrap_err();
        assert!(
            error.contains("/archive/main.tar.gz: the server answered 404"),
            "{error}"
        );
        assert!(!error.contains("secret") && !error.contains("token"), "{error}");
    })
    .await;
}
