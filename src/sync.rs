//! Keeping the catalogue up to date by itself: fetches the configured sources when they are due and takes in what is new.
//!
//! One process at a time does it; the others wait to take over. What a source says is the importer's to understand.

pub mod settings;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use entity::upstream;
use reqwest::Client;
use sea_orm::{ActiveModelTrait as _, DatabaseConnection, DbErr, EntityTrait as _, IntoActiveModel as _};
use url::Url;

use crate::{
    database,
    download::{self, DownloadError, Fetched, Limits, Validators},
    import::{self, ImportError, Options, Reading, read::Progress, report::Report, source::Location},
};

use self::settings::Settings;

/// How an attempt at one source ended.
#[derive(Debug)]
pub enum Outcome {
    /// Its time had not come.
    NotDue,
    /// The server says that it is as it was.
    Unchanged,
    /// It was taken in.
    Imported(Box<Report>),
    /// It could not be had or read; it will be tried again.
    Failed(String),
}

/// Why no source was looked at.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] DbErr),
    /// There is nothing to fetch with.
    #[error("sources cannot be fetched")]
    Client(#[from] DownloadError),
}

/// Fetches sources and takes them in.
#[derive(Debug)]
pub struct Syncer {
    db: DatabaseConnection,
    client: Client,
    settings: Settings,
    import: Options,
}

/// Nobody watches a synchronisation.
struct Unwatched;

impl Progress for Unwatched {
    fn document(&self) {}
}

impl Syncer {
    /// Makes one for a database. `import` bounds what is taken in; its time is replaced by that of each attempt.
    ///
    /// # Errors
    /// When the system's TLS settings cannot be used.
    pub fn new(db: DatabaseConnection, settings: Settings, import: Options) -> Result<Self, SyncError> {
        Ok(Self {
            db,
            client: download::client()?,
            settings,
            import,
        })
    }

    /// Looks at every source that is due. One that fails does not keep the others from being looked at.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn run(&self, now: DateTime<Utc>) -> Result<Vec<(String, Outcome)>, SyncError> {
        let mut outcomes = Vec::new();
        for url in &self.settings.sources {
            let location = Location::Url(url.clone()).public_name();
            let outcome = self.look_at(url, &location, now).await?;
            tell(&location, &outcome);
            outcomes.push((location, outcome));
        }
        Ok(outcomes)
    }

    async fn look_at(&self, url: &Url, location: &str, now: DateTime<Utc>) -> Result<Outcome, SyncError> {
        let known = upstream::Entity::find_by_id(location).one(&self.db).await?;
        if known.as_ref().is_some_and(|known| known.next_attempt_at > now) {
            return Ok(Outcome::NotDue);
        }
        let validators = known.as_ref().map_or_else(Validators::default, |known| Validators {
            etag: known.etag.clone(),
            last_modified: known.last_modified.clone(),
        });
        let limits = Limits {
            bytes: self.settings.max_bytes(),
            time: self.settings.fetch_timeout(),
        };
        let (outcome, validators) = match download::fetch(&self.client, url, &validators, limits).await {
            Ok(Fetched::Unchanged) => (Outcome::Unchanged, validators),
            Ok(Fetched::Document { file, validators: new }) => match self.take_in(url, location, file, now).await {
                Ok(report) => (Outcome::Imported(Box::new(report)), new),
                Err(ImportError::Database(error)) => return Err(error.into()),
                // What was sent may have been cut off or broken on the way: ask for all of it next time.
                Err(error) => (Outcome::Failed(error.to_string()), Validators::default()),
            },
            Err(error) => (Outcome::Failed(error.to_string()), validators),
        };
        self.note(location, known, validators, &outcome, now).await?;
        Ok(outcome)
    }

    async fn take_in(
        &self,
        url: &Url,
        location: &str,
        file: tempfile::NamedTempFile,
        now: DateTime<Utc>,
    ) -> Result<Report, ImportError> {
        let options = Options { now, ..self.import };
        let name = url.path().to_owned();
        let reading: Reading =
            import::read_download(location.to_owned(), name, file, options, Arc::new(Unwatched)).await?;
        import::take_in(vec![reading], &self.db, options).await
    }

    /// Keeps how it went, and when to try again.
    async fn note(
        &self,
        location: &str,
        known: Option<upstream::Model>,
        validators: Validators,
        outcome: &Outcome,
        now: DateTime<Utc>,
    ) -> Result<(), SyncError> {
        let failure = match outcome {
            Outcome::Failed(reason) => Some(reason.clone()),
            _ => None,
        };
        let before = known.as_ref().map_or(0, |known| known.failures);
        let failures = if failure.is_some() { before.saturating_add(1) } else { 0 };
        let pause = if failures == 0 {
            Duration::ZERO
        } else {
            backoff(failures, self.settings.longest_pause(), fastrand::f64())
        };
        let row = upstream::Model {
            location: location.to_owned(),
            etag: validators.etag,
            last_modified: validators.last_modified,
            attempted_at: now,
            succeeded_at: match &failure {
                None => Some(now),
                Some(_) => known.as_ref().and_then(|known| known.succeeded_at),
            },
            failures,
            failure,
            next_attempt_at: now + TimeDelta::from_std(pause).unwrap_or(TimeDelta::zero()),
        };
        let transaction = database::begin_write(&self.db).await?;
        let row = row.into_active_model().reset_all();
        if known.is_some() {
            row.update(&transaction).await?;
        } else {
            row.insert(&transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

fn tell(location: &str, outcome: &Outcome) {
    match outcome {
        Outcome::NotDue | Outcome::Unchanged => tracing::debug!(location, ?outcome, "source looked at"),
        Outcome::Imported(report) => tracing::info!(
            location,
            revision = report.revision,
            changes = report.changes,
            "source taken in"
        ),
        Outcome::Failed(reason) => tracing::warn!(location, reason, "source failed"),
    }
}

/// How long to wait after so many failures in a row: from half a minute, doubling up to the longest pause, and between
/// half and all of that by chance, so that instances that failed together do not come back together.
fn backoff(failures: i32, longest: Duration, chance: f64) -> Duration {
    const FIRST: Duration = Duration::from_secs(30);
    let doublings = u32::try_from(failures.saturating_sub(1)).unwrap_or(0).min(16);
    let full = FIRST.saturating_mul(1 << doublings).min(longest);
    full.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_vary_by_chance() {
        let longest = Duration::from_mins(10);
        for (failures, chance, seconds) in [
            (1, 1.0, 30),
            (1, 0.0, 15),
            (2, 1.0, 60),
            (5, 1.0, 480),
            (6, 1.0, 600),
            (99, 0.0, 300),
        ] {
            assert_eq!(
                backoff(failures, longest, chance),
                Duration::from_secs(seconds),
                "{failures} {chance}"
            );
        }
    }
}
