//! Counts instructions: of operations from the request's parameters to the answer's bytes, and of an import. Unlike seconds they are
//! the same on a busy machine, so they guard against slowing down.
//!
//! The program runs itself under valgrind's callgrind, which counts between entering and leaving [`measured`] and writes a total at
//! each leaving. The counts are compared with `benches/instructions.json`: more than a tenth above fails. `--bless` writes that
//! file and the table in `docs/performance.md` anew, for a change that is meant.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_precision_loss,
    reason = "a measurement: it prints, and ends where something fails"
)]

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    sync::Arc,
};

use romdex::{
    catalog::Catalog,
    config::{Config, Flag, Layers},
    database::{self, Steps},
    graphql::service::{Caches, Incoming, Kind, Options, Service},
    import::{self, Writing, read::Progress, source::Location},
    synthetic,
};
use sea_orm::DatabaseConnection;
use serde_json::{json, value::to_raw_value};

/// Lines of the made-up catalogue that are taken: some twenty devices. Under valgrind everything takes fifty times as long.
const LINES: usize = 6_000;

/// How much more than the recorded count fails.
const TOLERANCE: f64 = 0.10;

/// The operations, in the order in which they are counted. The workloads are those of `benches/peers`.
const OPERATIONS: &str = include_str!("peers/ours.graphql");

/// More that bots and sites ask.
const SEARCH: &str = "query Search { search(query: \"redmi note\", first: 10) { nodes { __typename } totalCount } }";
const FACETS: &str = "query Facets { packages(filter: { branch: STABLE }, first: 20) { totalCount facets { region { value count } type { value count } } nodes { filename } } }";
const UPDATE: &str = "query Update($codename: String!, $version: String!) { updateCheck(input: { codename: $codename, version: $version }) { status latest { version } packages { filename } path { filename } } }";

/// Where docs/performance.md has its table.
const BEGIN: &str = "<!-- instructions -->";
const END: &str = "<!-- instructions: end -->";

struct Silent;

impl Progress for Silent {
    fn document(&self) {}
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--counted") {
        let [what, file, ..] = arguments.get(at + 1..).unwrap_or_default() else {
            panic!("what is counted?")
        };
        match what.as_str() {
            "operations" => count_operations(Path::new(file)),
            _ => count_import(Path::new(file)),
        }
        return ExitCode::SUCCESS;
    }
    if Command::new("valgrind")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_err()
    {
        eprintln!("counting instructions needs valgrind");
        let must = std::env::var("CI").is_ok_and(|value| value == "true");
        return if must { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    }
    let folder = tempfile::tempdir().unwrap();
    let counts = count(folder.path());
    let bless = arguments.iter().any(|argument| argument == "--bless");
    compare(&counts, bless)
}

// ---- the counts ------------------------------------------------------------------------------

/// Counts everything, by name, in the order in which it was counted.
fn count(folder: &Path) -> Vec<(String, u64)> {
    let lines = folder.join("made-up.jsonl");
    let mut written = Vec::new();
    synthetic::write(1, 1, &mut written).unwrap();
    let text = String::from_utf8(written).unwrap();
    let taken: Vec<&str> = text.lines().take(LINES).collect();
    fs::write(&lines, taken.join("\n")).unwrap();

    let names: Vec<String> = cases(&[]).into_iter().map(|case| case.name).collect();
    let database = folder.join("operations.sqlite");
    block_on(async { take_in(&connect(&database).await, &database, &lines).await });
    let out = folder.join("operations.callgrind");
    callgrind(
        &[
            "--toggle-collect=instructions::measured",
            "--dump-after=instructions::measured",
        ],
        &out,
        "operations",
        &database,
    );
    let mut counts: Vec<(String, u64)> = names.into_iter().zip(dumps(&out)).collect();
    // An import works on many threads, so all of its process is counted.
    let out = folder.join("import.callgrind");
    callgrind(&[], &out, "import", &lines);
    counts.push(("import, a line".to_owned(), total(&out) / LINES as u64));
    counts
}

/// Runs this program under callgrind.
fn callgrind(flags: &[&str], out: &Path, what: &str, file: &Path) {
    let status = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet"])
        .args(flags)
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(std::env::current_exe().unwrap())
        .args(["--counted", what])
        .arg(file)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "the counted run failed");
}

/// The total of every dump that a run has left, in order.
fn dumps(out: &Path) -> Vec<u64> {
    (1..=u16::MAX)
        .map(|number| out.with_extension(format!("callgrind.{number}")))
        .take_while(|path| path.exists())
        .map(|path| total(&path))
        .collect()
}

/// The instructions of one dump.
fn total(path: &Path) -> u64 {
    let text = fs::read_to_string(path).unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("totals: ").or_else(|| line.strip_prefix("summary: ")));
    line.unwrap().trim().parse().unwrap()
}

/// What is counted stands between entering and leaving this.
#[inline(never)]
fn measured<T>(work: impl FnOnce() -> T) -> T {
    std::hint::black_box(work())
}

// ---- under valgrind --------------------------------------------------------------------------

struct Case {
    name: String,
    query: String,
    operation: String,
    variables: serde_json::Value,
    cached: bool,
    /// Whether the document was seen before.
    known: bool,
}

impl Case {
    fn incoming(&self) -> Incoming {
        Incoming {
            query: Some(self.query.clone()),
            operation_name: Some(self.operation.clone()),
            variables: Some(to_raw_value(&self.variables).unwrap()),
            ..Incoming::default()
        }
    }
}

/// The cases; values for their variables come from the catalogue.
fn cases(values: &[String]) -> Vec<Case> {
    let value = |place: usize| values.get(place).cloned().unwrap_or_default();
    let text: String = OPERATIONS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect::<Vec<_>>()
        .join("\n");
    let mut cases: Vec<Case> = Vec::new();
    for query in text.split("\nquery ").filter(|part| !part.trim().is_empty()) {
        let operation: String = query.chars().take_while(char::is_ascii_alphanumeric).collect();
        // every device at once is beyond the default limits
        if operation == "W5" {
            continue;
        }
        let variables = match operation.as_str() {
            "W2" => json!({ "codename": value(0) }),
            "W6" => json!({ "md5": value(1) }),
            _ => json!({}),
        };
        let query = format!("query {query}");
        cases.push(Case {
            name: operation.clone(),
            query,
            operation,
            variables,
            cached: false,
            known: true,
        });
    }
    for (query, operation, variables) in [
        (SEARCH, "Search", json!({})),
        (FACETS, "Facets", json!({})),
        (UPDATE, "Update", json!({ "codename": value(2), "version": value(3) })),
    ] {
        let (query, operation) = (query.to_owned(), operation.to_owned());
        cases.push(Case {
            name: operation.clone(),
            query,
            operation,
            variables,
            cached: false,
            known: true,
        });
    }
    let Some(first) = cases.get(1) else { return cases };
    let again = |name: &str, cached, known| Case {
        name: format!("{}, {name}", first.name),
        query: first.query.clone(),
        operation: first.operation.clone(),
        variables: first.variables.clone(),
        cached,
        known,
    };
    let (kept, new) = (again("kept answer", true, true), again("new document", false, false));
    cases.extend([kept, new]);
    cases
}

fn count_operations(database: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (catalog, values) = runtime.block_on(async {
        let catalog = Catalog::open(connect(database).await).await.unwrap();
        let service = Service::new(catalog.clone(), Options::default()).unwrap();
        let query = "{ package: packages(first: 1) { nodes { md5 device { codename } } } release: releases(first: 1, orderBy: { field: VERSION, direction: ASC }) { nodes { version variant { codename } } } }";
        let answer = service.execute(Incoming { query: Some(query.to_owned()), ..Incoming::default() }).await;
        let answer: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        let at = |path: &str| answer.pointer(path).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        let values = [
            at("/data/package/nodes/0/device/codename"),
            at("/data/package/nodes/0/md5"),
            at("/data/release/nodes/0/variant/codename"),
            at("/data/release/nodes/0/version"),
        ];
        (catalog, values)
    });
    for case in cases(&values) {
        let answer_bytes = if case.cached { 32 << 20 } else { 0 };
        let cache = Caches {
            answer_bytes,
            ..Caches::default()
        };
        let service = Service::new(
            catalog.clone(),
            Options {
                cache,
                ..Options::default()
            },
        )
        .unwrap();
        if case.known {
            for _ in 0..3 {
                runtime.block_on(service.execute(case.incoming()));
            }
        }
        let incoming = case.incoming();
        let answer = measured(|| runtime.block_on(service.execute(incoming)));
        assert_eq!(
            answer.kind,
            Kind::Complete,
            "{}: {}",
            case.name,
            String::from_utf8_lossy(&answer.body)
        );
    }
}

fn count_import(lines: &Path) {
    let database = lines.with_extension("sqlite");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async { take_in(&connect(&database).await, &database, lines).await });
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

fn config(database: &Path) -> Config {
    let url = Flag {
        name: "--database-url",
        section: "database",
        key: "url",
        value: format!("sqlite://{}", database.display()),
    };
    Layers {
        flags: vec![url],
        ..Layers::default()
    }
    .load()
    .unwrap()
    .config
}

async fn connect(database: &Path) -> DatabaseConnection {
    let connection = database::connect(&config(database).database).await.unwrap();
    database::migrate(&connection, Steps::Up).await.unwrap();
    connection
}

async fn take_in(connection: &DatabaseConnection, database: &Path, lines: &Path) {
    let options = config(database).import.options(Writing::Commit, chrono::Utc::now());
    let location: Location = lines.display().to_string().parse().unwrap();
    import::run(vec![location], connection, options, Arc::new(Silent))
        .await
        .unwrap();
}

// ---- the comparison --------------------------------------------------------------------------

fn compare(counts: &[(String, u64)], bless: bool) -> ExitCode {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let file = root.join("benches/instructions.json");
    let recorded: BTreeMap<String, u64> = fs::read_to_string(&file)
        .ok()
        .map(|text| serde_json::from_str(&text).unwrap())
        .unwrap_or_default();
    let mut table = String::from("| operation | instructions | recorded | change |\n|---|---:|---:|---:|\n");
    let mut slower = Vec::new();
    for (name, count) in counts {
        let change = recorded.get(name).map(|before| *count as f64 / *before as f64 - 1.0);
        let before = recorded.get(name).map_or("–".to_owned(), ToString::to_string);
        let shown = change.map_or("new".to_owned(), |change| format!("{:+.1} %", change * 100.0));
        let _ = writeln!(table, "| {name} | {count} | {before} | {shown} |");
        if change.is_none_or(|change| change > TOLERANCE) {
            slower.push(name.as_str());
        }
    }
    println!("{table}");
    if bless {
        record(&root, &file, counts);
        return ExitCode::SUCCESS;
    }
    if slower.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!(
        "more than {:.0} % above what is recorded, or not recorded: {}",
        TOLERANCE * 100.0,
        slower.join(", ")
    );
    ExitCode::FAILURE
}

/// Writes the counts, and the table of docs/performance.md between its two marks.
fn record(root: &Path, file: &Path, counts: &[(String, u64)]) {
    let by_name: BTreeMap<&str, u64> = counts.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    fs::write(file, serde_json::to_string_pretty(&by_name).unwrap() + "\n").unwrap();
    let mut table = String::from("| operation | thousand instructions |\n|---|---:|\n");
    for (name, count) in counts {
        let _ = writeln!(table, "| {name} | {} |", count.div_ceil(1_000));
    }
    let page = root.join("docs/performance.md");
    let text = fs::read_to_string(&page).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    fs::write(&page, format!("{before}{BEGIN}\n{table}{END}{after}")).unwrap();
    println!("recorded");
}
