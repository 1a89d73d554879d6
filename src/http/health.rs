//! `/health`: whether the process answers, and how the sources go, for whoever supervises it.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpResponse, web};
use chrono::{DateTime, SecondsFormat, Utc};
use futures::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::resource::read_only;

/// How long an answer is good for, however many ask.
const KEPT: Duration = Duration::from_secs(1);

/// How long is waited to be told how the sources go.
const PATIENCE: Duration = Duration::from_secs(1);

/// How one of the sources goes that are kept up to date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceHealth {
    /// Its address, without user, password and query.
    pub location: String,
    /// When it was last asked for.
    pub attempted_at: Option<DateTime<Utc>>,
    /// When it was last had, new or unchanged.
    pub succeeded_at: Option<DateTime<Utc>>,
    /// How often it has failed since.
    pub failures: i32,
    /// Why it last failed, as anybody may read it; none after a success.
    pub failure: Option<String>,
    /// When it is asked for next, where that is known.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// Whether it has not been had for too long.
    pub is_stale: bool,
}

/// How the sources go cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unknown;

type Ask = dyn Fn() -> BoxFuture<'static, Result<Vec<SourceHealth>, Unknown>> + Send + Sync;

/// What is told at `/health`.
#[derive(Clone)]
pub struct Health(Arc<Inner>);

struct Inner {
    ask: Box<Ask>,
    told: Mutex<Option<(Instant, String)>>,
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Health")
    }
}

impl Default for Health {
    /// There are no sources to tell of.
    fn default() -> Self {
        Self::of(|| Box::pin(async { Ok(Vec::new()) }))
    }
}

impl Health {
    /// The health of a process, and of the sources that are told when it asks.
    pub fn of(
        ask: impl Fn() -> BoxFuture<'static, Result<Vec<SourceHealth>, Unknown>> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Inner {
            ask: Box::new(ask),
            told: Mutex::new(None),
        }))
    }

    /// One asks, the others wait for what it hears.
    async fn tell(&self) -> String {
        let mut told = self.0.told.lock().await;
        if let Some((at, text)) = &*told
            && at.elapsed() < KEPT
        {
            return text.clone();
        }
        let sources = tokio::time::timeout(PATIENCE, (self.0.ask)()).await;
        let text = describe(sources.unwrap_or(Err(Unknown))).to_string();
        *told = Some((Instant::now(), text.clone()));
        text
    }
}

fn describe(sources: Result<Vec<SourceHealth>, Unknown>) -> Value {
    let Ok(sources) = sources else {
        let warning = "the database cannot be read: the last revision is served on";
        return json!({ "status": "warning", "warnings": [warning] });
    };
    if sources.is_empty() {
        return json!({ "status": "ok" });
    }
    let stale = sources.iter().filter(|source| source.is_stale);
    let warnings: Vec<_> = stale
        .map(|source| match source.succeeded_at {
            Some(at) => format!("{} is stale: it was last had at {}", source.location, instant(at)),
            None => format!("{} is stale: it has never been had", source.location),
        })
        .collect();
    let rows: Vec<_> = sources
        .iter()
        .map(|source| {
            json!({
                "location": source.location,
                "lastSucceededAt": source.succeeded_at.map(instant),
                "lastAttemptedAt": source.attempted_at.map(instant),
                "nextAttemptAt": source.next_attempt_at.map(instant),
                "failures": source.failures,
                "failure": source.failure,
                "stale": source.is_stale,
            })
        })
        .collect();
    if warnings.is_empty() {
        json!({ "status": "ok", "sources": rows })
    } else {
        json!({ "status": "warning", "warnings": warnings, "sources": rows })
    }
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Adds `/health`.
pub fn configure(app: &mut web::ServiceConfig, told: &Health) {
    app.app_data(web::Data::new(told.clone()))
        .service(read_only("/health", health));
}

/// A warning is no failure: who is restarted for a source that is stale helps nobody.
async fn health(told: web::Data<Health>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .content_type("application/json")
        .body(told.tell().await)
}
