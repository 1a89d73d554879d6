//! `romdex sync`.

use std::io::{self, Write};

use chrono::Utc;
use clap::Args;

use super::{Configured, Done, Outcome, open, start};
use crate::{
    database::lease::{Lease, Right},
    import::Writing,
    sync::{Outcome as Looked, Pace, Syncer},
};

#[derive(Debug, Args)]
pub(super) struct Arguments;

/// Why a synchronisation is called failed although everything else went on.
#[derive(Debug, thiserror::Error)]
enum SyncFailed {
    #[error("no source is configured: set sync.sources")]
    NothingConfigured,
    #[error("another process is synchronising this database")]
    Taken,
    #[error("{0} of {1} sources failed")]
    Sources(usize, usize),
}

impl Arguments {
    #[expect(clippy::unused_self, reason = "every command is run by what was typed for it")]
    pub(super) fn run(&self, configured: &Configured) -> Outcome {
        let config = configured.load()?.config;
        if config.sync.sources.is_empty() {
            return Err(SyncFailed::NothingConfigured.into());
        }
        start(&config, async {
            let database = open(&config.database.for_imports()).await?;
            let Some(_lease) = Lease::take(&config.database, Right::Sync).await? else {
                return Err(SyncFailed::Taken.into());
            };
            let options = config.import.options(Writing::Commit, Utc::now());
            let syncer = Syncer::new(database.clone(), config.sync.clone(), options, Pace::Once)?;
            let (mut failed, mut printed) = (0, Ok(()));
            let tell = |location: &str, outcome: &Looked| {
                failed += usize::from(matches!(outcome, Looked::Failed(_)));
                if printed.is_ok() {
                    printed = print(location, outcome);
                }
            };
            syncer.run(Utc::now, tell).await?;
            printed?;
            database.close().await?;
            match failed {
                0 => Ok(Done::Well),
                failed => Err(SyncFailed::Sources(failed, config.sync.sources.len()).into()),
            }
        })
    }
}

fn print(location: &str, outcome: &Looked) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match outcome {
        Looked::NotDue => writeln!(out, "{location}: not due yet after its last failure"),
        Looked::Unchanged => writeln!(out, "{location}: unchanged"),
        Looked::Imported(report) => write!(out, "{report}"),
        Looked::Failed(reason) => writeln!(out, "{location}: failed: {reason}"),
    }
}
