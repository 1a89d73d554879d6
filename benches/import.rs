//! Takes the sample archive, where it is beside the project, into an empty SQLite file and an empty PostgreSQL database, and prints
//! documents a second and the peak of resident memory. Each case runs in a process of its own, so that peaks do not mix.
//!
//! PostgreSQL is used when `ROMDEX_BENCH_POSTGRES` holds the address of an empty database that may be filled.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a measurement: it prints, and ends where something fails"
)]

use std::{path::PathBuf, process::Command, time::Instant};

use romdex::{
    config::{Flag, Layers},
    database::{self, Steps},
    import::{self, Writing, read::Progress, source::Location},
};

/// The sample archives, oldest first.
const ARCHIVES: [&str; 3] = ["site-2024-05.tar.gz", "site-2026-08.tar.gz", "tracker-history.tar.gz"];

struct Silent;

impl Progress for Silent {
    fn document(&self) {}
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--case") {
        return run_case(&arguments[at + 1], &arguments[at + 2..]);
    }
    let corpus = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus"));
    if !corpus.is_dir() {
        println!("skipped: no sample archive beside the project");
        return;
    }
    println!("| database | source | documents | seconds | documents/s | peak MB |\n|---|---|---|---|---|---|");
    let archive = |name: &str| corpus.join(name).display().to_string();
    let folder = tempfile::tempdir().unwrap();
    for (number, archives) in [&ARCHIVES[1..2], &ARCHIVES[..]].iter().enumerate() {
        let url = format!("sqlite://{}/{number}.sqlite", folder.path().display());
        spawn_case(&url, archives.iter().map(|name| archive(name)).collect());
    }
    match std::env::var("ROMDEX_BENCH_POSTGRES") {
        Ok(url) => spawn_case(&url, vec![archive(ARCHIVES[1])]),
        Err(_) => println!("skipped: PostgreSQL, for want of ROMDEX_BENCH_POSTGRES"),
    }
}

fn spawn_case(url: &str, archives: Vec<String>) {
    let program = std::env::current_exe().unwrap();
    let status = Command::new(program)
        .arg("--case")
        .arg(url)
        .args(archives)
        .status()
        .unwrap();
    assert!(status.success(), "the case failed");
}

fn run_case(url: &str, archives: &[String]) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let url_flag = Flag {
            name: "--case",
            section: "database",
            key: "url",
            value: url.to_owned(),
        };
        let layers = Layers {
            flags: vec![url_flag],
            ..Layers::default()
        };
        let config = layers.load().unwrap().config;
        let db = database::connect(&config.database.for_imports()).await.unwrap();
        database::migrate(&db, Steps::Up).await.unwrap();
        let kind = url.split(':').next().unwrap_or_default();
        for archive in archives {
            let options = config.import.options(Writing::Commit, chrono::Utc::now());
            let started = Instant::now();
            let location: Location = archive.parse().unwrap();
            let report = import::run(vec![location], &db, options, std::sync::Arc::new(Silent))
                .await
                .unwrap();
            let seconds = started.elapsed().as_secs_f64();
            let documents: usize = report.sources.iter().map(|source| source.documents).sum();
            println!(
                "| {kind} | {} | {documents} | {seconds:.2} | {:.0} | {} |",
                report.sources[0].location,
                documents as f64 / seconds,
                peak_memory_mb()
            );
        }
    });
}

/// The highest resident memory of this process so far, from Linux's own count.
fn peak_memory_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok())
        .unwrap_or(0)
        / 1024
}
