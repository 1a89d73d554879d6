//! `romdex serve`, and plain `romdex`.

use std::{
    io::{self, Write},
    time::Duration,
};

use chrono::Utc;
use clap::Args;
use sea_orm::DatabaseConnection;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{Configured, Done, Outcome, open, start};
use crate::{
    catalog::{Catalog, Refreshed},
    compat::Compat,
    config::{Config, Flag},
    database::{bounded::Bounded, watch::Watch},
    feed::Feeds,
    graphql::{
        backend::Accounts,
        change_cursor,
        service::{Options, Service},
    },
    http::{
        Application, Served,
        health::{Health, SourceHealth, Unknown},
    },
    import::{self, Writing},
    secret::Secret,
    sync::{self, Pace, Standing, SyncError, Syncer, keep::Keeper, settings::Period},
    telemetry::metrics::{Registry, register_process},
    token::Tokens,
    webhook::{deliver::Worker, store::Webhooks},
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where to listen; port 0 takes a free one, which is printed [default: 127.0.0.1:8000]
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,
    /// How often the sources of sync.sources are looked at, by one server at a time of all that share a database: 90s, 30m, 6h, 1d
    /// [default: not at all]
    #[arg(long, value_name = "PERIOD")]
    sync_every: Option<Period>,
}

/// Why nobody can be served.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}")]
struct ListenError {
    address: String,
    source: io::Error,
}

impl Arguments {
    /// A flag that is given.
    pub(super) const fn given(&self) -> Option<&'static str> {
        match self {
            Self { listen: Some(_), .. } => Some("--listen"),
            Self {
                sync_every: Some(_), ..
            } => Some("--sync-every"),
            _ => None,
        }
    }

    pub(super) fn run(self, configured: &Configured) -> Outcome {
        let listen = self.listen.map(|value| Flag {
            name: "--listen",
            section: "http",
            key: "listen",
            value,
        });
        let sync_every = self.sync_every.map(|period| Flag {
            name: "--sync-every",
            section: "sync",
            key: "every_seconds",
            value: period.seconds().to_string(),
        });
        let config = configured.load_with(listen.into_iter().chain(sync_every))?.config;
        start(&config, serve(&config))
    }
}

async fn serve(config: &Config) -> Outcome {
    let database = open(&config.database).await?;
    let options = config.import.options(Writing::Commit, Utc::now());
    if let Some(report) = import::load_starter(&database, options).await? {
        let packages = report.counts.packages.added;
        tracing::info!(packages, "the catalogue was empty: it has the starter catalogue now");
    }
    let catalog = Catalog::open(database.clone()).await?;
    let metrics = Registry::default();
    register_process(&metrics);
    let options = Options {
        limits: config.limits,
        cache: config.cache,
        documents: config.documents.clone(),
        rate_limit: config.rate_limit,
        subscriptions: config.subscriptions,
        metrics: metrics.clone(),
    };
    let secret = Secret::open(&config.security, &config.database.url)?;
    if secret.is_none() {
        tracing::info!("no API tokens and webhooks: neither security.secret nor security.secret_file is set");
    }
    let bounded = Bounded::new(&config.database, config.limits.timeout()).await?;
    let accounts = secret.map(|secret| Accounts {
        tokens: Tokens::new(database.clone(), &secret).for_operations(bounded.clone()),
        webhooks: Webhooks::new(database.clone(), &secret, config.webhooks.clone()).for_operations(bounded.clone()),
    });
    let worker = accounts.as_ref().map(|accounts| {
        let webhooks = accounts.webhooks.clone();
        Worker::new(
            webhooks,
            catalog.clone(),
            config.database.clone(),
            change_cursor,
            &metrics,
        )
    });
    let worker = worker.transpose()?;
    let watch = Watch::start(&config.database);
    let keeper = keeper(config, &database, &watch)?;
    let asked = catalog.clone().for_operations(bounded.clone());
    asked.register(&metrics);
    let service = Service::with_accounts(asked.clone(), accounts, options)?;
    let served = Served::from(service)
        .with_documents(Feeds::new(asked.clone()), Compat::new(asked))
        .with_health(health(config, &database));
    let application = Application::build(&config.http, served).map_err(|source| ListenError {
        address: config.http.listen.clone(),
        source,
    })?;
    // Scripts wait for this line; where nobody reads it, there is no harm.
    let mut out = io::stdout();
    let _ = writeln!(out, "listening on http://{}", application.address()).and_then(|()| out.flush());

    let refreshing = tokio::spawn(keep_fresh(catalog, watch));
    let stopping = CancellationToken::new();
    let delivering = worker.map(|worker| tokio::spawn(worker.run(stopping.clone())));
    let interrupted = CancellationToken::new();
    let keeping = keeper.map(|keeper| tokio::spawn(keeper.run(interrupted.clone())));
    let halt = interrupted.clone();
    let stop = application.stop_handle();
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping: running requests are answered first");
        halt.cancel();
        stop.stop().await;
    });
    application.run_until_stopped().await?;
    refreshing.abort();
    stopping.cancel();
    let patience = Duration::from_secs(config.http.shutdown_seconds);
    if let Some(delivering) = delivering {
        // What is under way then is sent again by the next process, under the same id.
        let _ = tokio::time::timeout(patience, delivering).await;
    }
    interrupted.cancel();
    if let Some(keeping) = keeping {
        keeping.await?;
    }
    bounded.close().await;
    // A statement that waits for a lock gives its connection back when it has it: nobody waits for that.
    match tokio::time::timeout(patience, database.close()).await {
        Ok(closed) => closed?,
        Err(_) => tracing::info!("the database is left while a statement waits"),
    }
    Ok(Done::Well)
}

/// What `/health` tells of the sources.
fn health(config: &Config, database: &DatabaseConnection) -> Health {
    let (settings, database) = (config.sync.clone(), database.clone());
    Health::of(move || {
        let (settings, database) = (settings.clone(), database.clone());
        Box::pin(async move {
            let standings = sync::standings(&database, &settings, Utc::now()).await;
            let standings = standings.map_err(|error| {
                tracing::debug!(%error, "how the sources go cannot be read");
                Unknown
            })?;
            let source = |standing: Standing| SourceHealth {
                location: standing.location,
                attempted_at: standing.known.as_ref().map(|known| known.attempted_at),
                succeeded_at: standing.known.as_ref().and_then(|known| known.succeeded_at),
                failures: standing.known.as_ref().map_or(0, |known| known.failures),
                next_attempt_at: standing.next_attempt_at,
                failure: standing.known.and_then(|known| known.failure),
                is_stale: standing.is_stale,
            };
            Ok(standings.into_iter().map(source).collect())
        })
    })
}

/// What keeps the sources up to date, where that is wanted.
fn keeper(config: &Config, database: &DatabaseConnection, watch: &Watch) -> Result<Option<Keeper>, SyncError> {
    let Some(every) = config.sync.every() else {
        return Ok(None);
    };
    let options = config.import.options_beside_requests(Writing::Commit, Utc::now());
    let syncer = Syncer::new(database.clone(), config.sync.clone(), options, Pace::Every(every))?;
    Ok(Some(Keeper::new(syncer, config.database.clone(), watch.bell())))
}

/// Takes over every new revision. While the database cannot be read, the last one is served on.
async fn keep_fresh(catalog: Catalog, watch: Watch) {
    let mut is_failing = false;
    loop {
        watch.wait().await;
        match catalog.refresh().await {
            Ok(refreshed) => {
                if is_failing {
                    tracing::info!("the catalogue can be read again");
                }
                is_failing = false;
                if let Refreshed::Loaded { revision } = refreshed {
                    tracing::info!(revision, "serving a new revision");
                }
            }
            Err(error) if !is_failing => {
                is_failing = true;
                let error = super::one_line(&error);
                tracing::error!(error, "the catalogue cannot be read; the last revision is served on");
            }
            Err(_) => {}
        }
    }
}
