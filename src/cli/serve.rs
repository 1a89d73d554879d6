//! `romdex serve`, and plain `romdex`.

use std::{
    io::{self, Write},
    time::Duration,
};

use chrono::Utc;
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{Configured, Done, Outcome, open, start};
use crate::{
    catalog::{Catalog, Refreshed},
    compat::Compat,
    config::{Config, Flag},
    database::watch::Watch,
    feed::Feeds,
    graphql::{
        backend::Accounts,
        change_cursor,
        service::{Options, Service},
    },
    http::{Application, Served},
    import::{self, Writing},
    secret::Secret,
    token::Tokens,
    webhook::{deliver::Worker, store::Webhooks},
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where to listen; port 0 takes a free one, which is printed [default: 127.0.0.1:8000]
    #[arg(long, value_name = "HOST:PORT")]
    pub(super) listen: Option<String>,
}

/// Why nobody can be served.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}")]
struct ListenError {
    address: String,
    source: io::Error,
}

impl Arguments {
    pub(super) fn run(self, configured: &Configured) -> Outcome {
        let listen = self.listen.map(|value| Flag {
            name: "--listen",
            section: "http",
            key: "listen",
            value,
        });
        let config = configured.load_with(listen)?.config;
        start(&config, serve(&config))
    }
}

async fn serve(config: &Config) -> Outcome {
    let database = open(config).await?;
    let options = config.import.options(Writing::Commit, Utc::now());
    if let Some(report) = import::load_starter(&database, options).await? {
        let packages = report.counts.packages.added;
        tracing::info!(packages, "the catalogue was empty: it has the starter catalogue now");
    }
    let catalog = Catalog::open(database.clone()).await?;
    let options = Options {
        limits: config.limits,
        cache: config.cache,
        documents: config.documents.clone(),
        rate_limit: config.rate_limit,
        subscriptions: config.subscriptions,
    };
    let secret = Secret::open(&config.security, &config.database.url)?;
    if secret.is_none() {
        tracing::info!("no API tokens and webhooks: neither security.secret nor security.secret_file is set");
    }
    let accounts = secret.map(|secret| Accounts {
        tokens: Tokens::new(database.clone(), &secret),
        webhooks: Webhooks::new(database.clone(), &secret, config.webhooks.clone()),
    });
    let worker = accounts.as_ref().map(|accounts| {
        let webhooks = accounts.webhooks.clone();
        Worker::new(webhooks, catalog.clone(), config.database.clone(), change_cursor)
    });
    let worker = worker.transpose()?;
    let service = Service::with_accounts(catalog.clone(), accounts, options)?;
    let served = Served::from(service).with_documents(Feeds::new(catalog.clone()), Compat::new(catalog.clone()));
    let application = Application::build(&config.http, served).map_err(|source| ListenError {
        address: config.http.listen.clone(),
        source,
    })?;
    // Scripts wait for this line; where nobody reads it, there is no harm.
    let mut out = io::stdout();
    let _ = writeln!(out, "listening on http://{}", application.address()).and_then(|()| out.flush());

    let refreshing = tokio::spawn(keep_fresh(catalog, Watch::start(&config.database)));
    let stopping = CancellationToken::new();
    let delivering = worker.map(|worker| tokio::spawn(worker.run(stopping.clone())));
    let stop = application.stop_handle();
    let (mut interrupted, mut terminated) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
        tracing::info!("stopping: running requests are answered first");
        stop.stop().await;
    });
    application.run_until_stopped().await?;
    refreshing.abort();
    stopping.cancel();
    if let Some(delivering) = delivering {
        // What is under way then is sent again by the next process, under the same id.
        let patience = Duration::from_secs(config.http.shutdown_seconds);
        let _ = tokio::time::timeout(patience, delivering).await;
    }
    database.close().await?;
    Ok(Done::Well)
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
