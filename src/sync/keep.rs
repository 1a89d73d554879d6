//! Keeping sources up to date inside a server: one process at a time, of all that share a database.

use std::{convert::Infallible, error::Error as _, time::Duration};

use chrono::Utc;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::{Outcome, SyncError, Syncer};
use crate::database::{
    lease::{Lease, Right},
    settings::Settings as DatabaseSettings,
    watch::Bell,
};

/// The longest that is waited before it is looked again what is due: a clock that is set wakes nobody.
const LONGEST_REST: Duration = Duration::from_mins(1);

/// Keeps sources up to date while it holds the right to, and waits for the right while another process has it.
#[derive(Debug)]
pub struct Keeper {
    syncer: Syncer,
    database: DatabaseSettings,
    bell: Bell,
}

impl Keeper {
    /// One that rings when there is a new revision.
    #[must_use]
    pub const fn new(syncer: Syncer, database: DatabaseSettings, bell: Bell) -> Self {
        Self { syncer, database, bell }
    }

    /// Works until it is told to stop. What is under way then is given up: what was fetched is fetched again by who comes next, and an
    /// import that is not committed has not happened.
    pub async fn run(self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            never = self.take_turns() => match never {},
        }
    }

    async fn take_turns(&self) -> Infallible {
        let mut is_failing = false;
        loop {
            match Lease::take(&self.database, Right::Sync).await {
                Ok(Some(lease)) => {
                    is_failing = false;
                    tracing::info!("this process keeps the sources up to date");
                    tokio::select! {
                        () = self.lost(lease) => tracing::warn!("this process has lost the right to keep the sources up to date"),
                        never = self.keep() => match never {},
                    }
                }
                Ok(None) => is_failing = false,
                Err(error) => {
                    if !is_failing {
                        tracing::warn!(%error, "this process cannot keep the sources up to date for now");
                    }
                    is_failing = true;
                }
            }
            sleep(self.database.poll_interval()).await;
        }
    }

    /// Holds the right; ends when it is lost.
    async fn lost(&self, mut lease: Lease) {
        loop {
            sleep(self.database.poll_interval()).await;
            // A connection that does not answer is as good as lost: the database has given it up, or soon will.
            if timeout(self.database.acquire_timeout(), lease.is_held()).await != Ok(true) {
                return;
            }
        }
    }

    async fn keep(&self) -> Infallible {
        let mut failures: u32 = 0;
        loop {
            let until = match self.round().await {
                Ok(rest) => {
                    failures = 0;
                    Instant::now() + rest
                }
                Err(error) => {
                    // A database that takes nothing in is no reason to fetch the same again and again.
                    let pause = self.database.poll_interval() * (1 << failures.min(10));
                    let cause = error.source().map(ToString::to_string);
                    tracing::error!(%error, cause, "the sources cannot be kept up to date for now");
                    failures = failures.saturating_add(1);
                    Instant::now() + pause
                }
            };
            sleep_until(until).await;
        }
    }

    /// Looks at what is due, and says how long nothing will be.
    async fn round(&self) -> Result<Duration, SyncError> {
        let ring = |_: &str, outcome: &Outcome| {
            if let Outcome::Imported(report) = outcome
                && report.changed
            {
                self.bell.ring();
            }
        };
        self.syncer.run(Utc::now, ring).await?;
        let due = self.syncer.next_due().await?;
        let rest = due.and_then(|due| (due - Utc::now()).to_std().ok()).unwrap_or_default();
        Ok(rest.min(LONGEST_REST))
    }
}
