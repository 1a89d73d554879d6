//! `/metrics`: what is counted, how it is written, and who may read it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use entity::upstream;
use romdex::{
    graphql::{limits::SubscriptionLimits, rate},
    http::address::Networks,
};
use sea_orm::{ActiveModelTrait as _, IntoActiveModel as _};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    http::sample::{self, Server},
    subscriptions::{self, ALL, add_release, socket::Socket},
    support::{
        database::{TestDatabase, on_every_database, on_sqlite},
        figures::Figures,
        program::romdex,
        served::Served,
        server::client,
    },
    token::SECRET,
};

on_every_database!(the_catalogue_and_its_sources_are_told_in_figures);

/// How long a test waits for what has to come.
const PATIENCE: Duration = Duration::from_mins(1);

fn url(server: &Server, path: &str) -> String {
    format!("http://127.0.0.1:{}{path}", server.port)
}

async fn figures(server: &Server) -> Figures {
    Figures::of(&url(server, "/metrics")).await
}

fn networks(texts: &[&str]) -> Networks {
    let texts: Vec<_> = texts.iter().map(ToString::to_string).collect();
    texts.try_into().unwrap()
}

/// What is counted while this is done, without the reading itself.
async fn counted(server: &Server, work: impl AsyncFnOnce()) -> BTreeMap<String, f64> {
    let before = figures(server).await;
    work().await;
    let after = figures(server).await;
    let changes = after.since(&before).into_iter();
    changes
        .filter(|(series, _)| !series.contains("route=\"metrics\""))
        .map(|(series, change)| (series.to_owned(), change))
        .collect()
}

fn changes<const N: usize>(expected: [(&str, f64); N]) -> BTreeMap<String, f64> {
    expected.map(|(series, change)| (series.to_owned(), change)).into()
}

#[tokio::test]
async fn requests_operations_and_caches_are_counted() {
    let server = sample::serve(|_, options| options.limits.timeout_ms = 50).await;
    let ask = async |query: &str| drop(server.query(query).await);

    let made = counted(&server, async || ask("{ number }").await).await;
    let ran = [
        ("romdex_http_requests_total{route=\"graphql\",status=\"200\"}", 1.0),
        ("romdex_graphql_operations_total{outcome=\"complete\"}", 1.0),
    ];
    let expected = [
        ("romdex_answer_cache_requests_total{result=\"miss\"}", 1.0),
        ("romdex_document_cache_requests_total{result=\"miss\"}", 1.0),
    ];
    assert_eq!(made, changes([ran[0], ran[1], expected[0], expected[1]]));

    let kept = counted(&server, async || ask("{ number }").await).await;
    let hit = ("romdex_answer_cache_requests_total{result=\"hit\"}", 1.0);
    assert_eq!(kept, changes([ran[0], ran[1], hit]));

    let failing = [
        ("{", "200", "unparsable", "GRAPHQL_PARSE_FAILED", false),
        ("{ nothing }", "200", "refused", "GRAPHQL_VALIDATION_FAILED", false),
        ("{ sleeps }", "504", "timed_out", "OPERATION_TIMEOUT", true),
        ("{ panics }", "500", "failed", "INTERNAL_SERVER_ERROR", true),
        ("{ item { may } }", "200", "partial", "BAD_USER_INPUT", true),
    ];
    for (query, status, outcome, code, runs) in failing {
        let found = counted(&server, async || ask(query).await).await;
        let mut expected = changes([("romdex_document_cache_requests_total{result=\"miss\"}", 1.0)]);
        for series in [
            format!("romdex_http_requests_total{{route=\"graphql\",status=\"{status}\"}}"),
            format!("romdex_graphql_operations_total{{outcome=\"{outcome}\"}}"),
            format!("romdex_graphql_errors_total{{code=\"{code}\"}}"),
        ] {
            expected.insert(series, 1.0);
        }
        if runs {
            let series = "romdex_answer_cache_requests_total{result=\"bypass\"}";
            expected.insert(series.to_owned(), 1.0);
        }
        assert_eq!(found, expected, "{query}");
    }

    let found = counted(&server, async || {
        let answer = client().get(url(&server, "/nothing/here")).send().await;
        assert_eq!(answer.unwrap().status(), 404);
    });
    let expected = ("romdex_http_requests_total{route=\"other\",status=\"404\"}", 1.0);
    assert_eq!(found.await, changes([expected]));

    let all = figures(&server).await;
    assert_eq!(all.shown("romdex_graphql_operation_seconds_count"), "7");
    assert_eq!(all.shown("romdex_http_request_seconds_count{route=\"graphql\"}"), "7");
    assert!(all.get("romdex_graphql_operation_seconds_sum") >= 0.05);
    assert_eq!(all.shown("romdex_graphql_operation_cost_count"), "4");
    assert!(all.get("romdex_graphql_operation_cost_sum") >= 4.0);
    assert_eq!(all.shown("romdex_answer_cache_entries"), "1");
    assert!(all.get("romdex_answer_cache_bytes") > 10.0);
    assert_eq!(all.shown("romdex_document_cache_entries"), "4");
    assert!(all.get("romdex_document_cache_bytes") > 100.0);
}

#[tokio::test]
async fn callers_that_have_spent_all_are_counted() {
    let server = sample::serve(|_, options| {
        options.limits.cost = 10;
        options.rate_limit = rate::Settings {
            capacity: 10,
            refill_per_second: 1,
            callers: 10,
        };
    })
    .await;
    let found = counted(&server, async || {
        for _ in 0..12 {
            server.query("{ nothing }").await;
        }
    });
    let found = found.await;
    let of = |series: &str| found[series].to_string();
    let limited = of("romdex_graphql_operations_total{outcome=\"rate_limited\"}");
    assert_ne!(limited, "0");
    assert_eq!(of("romdex_graphql_errors_total{code=\"RATE_LIMITED\"}"), limited);
    assert_eq!(
        of("romdex_http_requests_total{route=\"graphql\",status=\"429\"}"),
        limited
    );
}

#[tokio::test]
async fn only_the_networks_that_are_listed_read_the_figures() {
    let forwarded = |who: &'static str| Some(("x-forwarded-for", who));
    let listed: &[&str] = &["127.0.0.0/8", "::1/128"];
    for (allowed, trusted, header, status) in [
        (listed, &[][..], None, 200),
        (&["127.0.0.1"], &[], None, 200),
        (&[], &[], None, 404),
        (&["10.0.0.0/8"], &[], None, 404),
        // only a trusted proxy can say for whom it asks
        (&["10.0.0.0/8"], &[], forwarded("10.1.2.3"), 404),
        (&["10.0.0.0/8"], &["127.0.0.1"], forwarded("10.1.2.3"), 200),
        (&["10.0.0.0/8"], &["127.0.0.1"], forwarded("10.1.2.3, 203.0.113.9"), 404),
        (listed, &["127.0.0.1"], forwarded("203.0.113.9"), 404),
        (listed, &["127.0.0.1"], None, 200),
        // a proxy that nobody has told us of asks for somebody
        (listed, &[], forwarded("203.0.113.9"), 404),
        (listed, &[], Some(("forwarded", "for=203.0.113.9")), 404),
        (listed, &[], forwarded("127.0.0.1"), 404),
    ] {
        let server = sample::serve(|settings, _| {
            settings.metrics_networks = networks(allowed);
            settings.trusted_proxies = networks(trusted);
        })
        .await;
        let ask = async |method, path| {
            let request = client().request(method, url(&server, path));
            let request = header
                .iter()
                .fold(request, |request, (name, value)| request.header(*name, *value));
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        };
        let found = ask(reqwest::Method::GET, "/metrics").await;
        assert_eq!(found.0, status, "{allowed:?} {trusted:?} {header:?}");
        if status == 404 {
            // as if there were nothing
            for method in [reqwest::Method::GET, reqwest::Method::HEAD, reqwest::Method::POST] {
                let found = ask(method.clone(), "/metrics").await;
                assert_eq!(found, ask(method, "/no-metrics").await);
            }
        }
    }
}

#[tokio::test]
async fn nothing_that_a_client_makes_up_becomes_a_label() {
    let server = sample::serve(|settings, _| settings.trusted_proxies = networks(&["127.0.0.1"])).await;
    let storm = async |round: u32| {
        for number in 0..30 {
            let word = format!("madeup{round}x{number}");
            let ask = |method: &str, path: String| {
                let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
                client()
                    .request(method, url(&server, &path))
                    .header("x-forwarded-for", format!("203.0.113.{number}"))
                    .header("user-agent", &word)
            };
            let mut requests = vec![
                ask("GET", format!("/{word}/{word}?{word}={word}")),
                ask("GET", format!("/playground/{word}")),
                ask("GET", format!("/feeds/{word}")),
                ask(&word.to_uppercase(), "/graphql".to_owned()),
                ask("POST", "/graphql".to_owned())
                    .header("content-type", &word)
                    .body(word.clone()),
            ];
            for query in [
                format!("query {word} {{ number }}"),
                format!("{{ {word}: number }}"),
                format!("{{ {word} }}"),
                format!("{{ {word}(\"\\\"}}\n# EOF\n"),
            ] {
                let body = json!({ "query": query, "operationName": Value::Null, "variables": { &word: word } });
                requests.push(ask("POST", "/graphql".to_owned()).json(&body));
                let body = json!({ "query": query, "operationName": word });
                requests.push(ask("POST", "/graphql".to_owned()).json(&body));
            }
            for request in requests {
                request.send().await.unwrap();
            }
        }
    };
    storm(0).await;
    figures(&server).await;
    let before = figures(&server).await;
    storm(1).await;
    let after = figures(&server).await;
    let new: Vec<_> = after.series().difference(&before.series()).copied().collect();
    assert!(new.is_empty(), "{new:?}");
    assert!(
        after
            .series()
            .iter()
            .all(|series| !series.to_lowercase().contains("madeup"))
    );
    assert!(after.series().len() < 300, "{}", after.series().len());
    let rounds = after.get("romdex_http_requests_total{route=\"other\",status=\"404\"}");
    assert!(rounds >= 60.0, "{rounds}");
}

#[tokio::test]
async fn whoever_leaves_before_the_answer_is_counted() {
    let server = sample::server().await;
    let request = server
        .post(&json!({ "query": "{ sleeps }" }))
        .timeout(Duration::from_millis(200));
    assert!(request.send().await.unwrap_err().is_timeout());
    let left = "romdex_http_requests_total{route=\"graphql\",status=\"499\"}";
    until(&url(&server, "/metrics"), |figures| figures.get(left) > 0.0).await;
}

/// Waits until the figures are as they should be.
pub async fn until(url: &str, is_so: impl Fn(&Figures) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let figures = Figures::of(url).await;
        if is_so(&figures) {
            return;
        }
        assert!(Instant::now() < deadline, "{figures:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn who_listens_is_counted_until_it_is_gone() {
    on_sqlite(async |database: TestDatabase| {
        let server = subscriptions::server(&database, SubscriptionLimits::default()).await;
        let metrics = server.url("/metrics");
        let mut socket = Socket::start(&server).await;
        socket.subscribe("1", ALL, json!({})).await;
        socket.subscribe("2", ALL, json!({})).await;
        socket.settle().await;
        let listen = async |accept: &str| {
            let request = client().post(server.url("/graphql")).header("accept", accept);
            request.json(&json!({ "query": ALL })).send().await.unwrap()
        };
        let events = listen("text/event-stream").await;
        let parts = listen("multipart/mixed;subscriptionSpec=1.0").await;
        let open = |figures: &Figures| {
            ["websocket", "sse", "multipart"].map(|transport| {
                figures
                    .shown(&format!("romdex_subscriptions{{transport=\"{transport}\"}}"))
                    .to_owned()
            })
        };
        let listeners = |figures: &Figures| figures.shown("romdex_listeners").to_owned();
        let now = Figures::of(&metrics).await;
        assert_eq!(
            (open(&now), listeners(&now)),
            (["2", "1", "1"].map(str::to_owned), "3".to_owned())
        );

        add_release(&database, 2).await;
        server.refresh().await;
        // each change, for each of the four that listen
        until(&metrics, |figures| {
            figures.shown("romdex_subscription_events_total") == "8"
        })
        .await;

        socket.send(json!({ "id": "1", "type": "complete" })).await;
        drop(events);
        until(&metrics, |figures| open(figures) == ["1", "0", "1"].map(str::to_owned)).await;
        drop((socket, parts));
        until(&metrics, |figures| {
            open(figures) == ["0", "0", "0"].map(str::to_owned) && listeners(figures) == "0"
        })
        .await;
    })
    .await;
}

async fn the_catalogue_and_its_sources_are_told_in_figures(database: TestDatabase) {
    let folder = TempDir::new().unwrap();
    add_release(&database, 1).await;
    let row = upstream::Model {
        location: "https://example.com/data \"quoted\"\\".to_owned(),
        etag: None,
        last_modified: None,
        attempted_at: "2026-11-20T10:00:00Z".parse().unwrap(),
        succeeded_at: Some("2026-11-20T09:00:00Z".parse().unwrap()),
        failures: 3,
        failure: Some("gone".to_owned()),
        next_attempt_at: "2026-11-20T11:00:00Z".parse().unwrap(),
    };
    let row = row.into_active_model().reset_all();
    row.insert(database.connection()).await.unwrap();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--database-url", database.url()];
    let server = Served::start(
        romdex(folder.path(), arguments)
            .env("ROMDEX__DATABASE__POLL_INTERVAL_MS", "50")
            .env("ROMDEX__SECURITY__SECRET", SECRET),
    );
    let metrics = server.url("/metrics");
    let figures = Figures::of(&metrics).await;
    let data = server
        .query("{ catalog { revision deviceCount packageCount sources { importedAt } } releases { totalCount } }")
        .await;
    let catalogue = &data["catalog"];
    for (series, expected) in [
        ("romdex_catalogue_revision", &catalogue["revision"]),
        ("romdex_catalogue_devices", &catalogue["deviceCount"]),
        ("romdex_catalogue_packages", &catalogue["packageCount"]),
        ("romdex_catalogue_releases", &data["releases"]["totalCount"]),
    ] {
        assert_eq!(Some(figures.get(series)), expected.as_f64(), "{series}");
    }
    assert!(figures.get("romdex_snapshot_load_seconds") > 0.0);
    assert!(figures.get("romdex_catalogue_updated_timestamp_seconds") > 1.7e9);
    let imported = catalogue["sources"][0]["importedAt"].as_str().unwrap();
    let imported: chrono::DateTime<chrono::Utc> = imported.parse().unwrap();
    let shown = figures.shown("romdex_source_imported_timestamp_seconds{source=\"site\"}");
    assert_eq!(shown, imported.timestamp().to_string());
    let of = |name: &str| {
        figures
            .shown(&format!(
                "{name}{{location=\"https://example.com/data \\\"quoted\\\"\\\\\"}}"
            ))
            .to_owned()
    };
    assert_eq!(of("romdex_upstream_failures"), "3");
    assert_eq!(of("romdex_upstream_succeeded_timestamp_seconds"), "1795165200");
    let version = format!("romdex_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    assert_eq!(figures.shown(&version), "1");
    if cfg!(target_os = "linux") {
        assert!(figures.get("process_resident_memory_bytes") > 1e6);
        assert!(figures.get("process_open_fds") > 3.0);
        assert!(figures.series().contains("process_cpu_seconds_total"));
    }

    // the manual has each, and no other
    let manual = include_str!("../../docs/operating.md");
    let first_cells = manual
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('|').next());
    let listed: BTreeSet<&str> = first_cells
        .flat_map(|cell| cell.trim_end_matches("` ").split("`, `"))
        .collect();
    let names = Figures::of(&metrics).await;
    let names = names.series().into_iter().map(|series| {
        let name = series.split('{').next().unwrap();
        let suffixes = ["_bucket", "_sum", "_count"];
        suffixes
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix))
            .unwrap_or(name)
            .to_owned()
    });
    let names: BTreeSet<String> = names.collect();
    if cfg!(target_os = "linux") {
        assert_eq!(names.iter().map(String::as_str).collect::<BTreeSet<_>>(), listed);
    }

    add_release(&database, 2).await;
    until(&metrics, |figures| {
        figures.shown("romdex_catalogue_revision") == "2.0" && figures.shown("romdex_catalogue_releases") == "2.0"
    })
    .await;
}
