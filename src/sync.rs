//! Keeping the catalogue up to date by itself: fetches the configured sources when they are due and takes in what is new.
//!
//! One process at a time does it; the others wait to take over. What a source says is the importer's to understand.

pub mod keep;
pub mod settings;

use std::{fs::File, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use entity::upstream;
use reqwest::Client;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, DatabaseConnection, DbErr, EntityTrait as _, IntoActiveModel as _,
    PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
};
use url::Url;

use crate::{
    database,
    download::{self, DownloadError, Fetched, Limits, Validators},
    import::{
        self, ImportError, Options, Reading,
        read::Progress,
        report::Report,
        source::{Location, SourceError},
    },
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
    Failed(Failure),
}

/// Why a source could not be taken in.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It could not be fetched.
    #[error(transparent)]
    Fetch(#[from] DownloadError),
    /// What came could not be read.
    #[error(transparent)]
    Read(#[from] SourceError),
    /// A thread of the import died.
    #[error("the import was interrupted")]
    Interrupted(#[from] tokio::task::JoinError),
}

impl Failure {
    /// What anybody may read of it: nothing of this machine and its network.
    #[must_use]
    pub fn public(&self) -> String {
        match self {
            Self::Fetch(error) | Self::Read(SourceError::Fetch { error, .. }) => error.public(),
            Self::Read(SourceError::Archive { .. }) => "what came cannot be read as an archive".to_owned(),
            Self::Read(SourceError::UnknownKind { .. }) => {
                "what came is no archive, no export, and neither latest.yml nor devices.yml".to_owned()
            }
            Self::Read(SourceError::TooLarge { limit, unit, .. }) => {
                format!("what came holds more than {limit} {unit}, the most that is taken in")
            }
            Self::Read(SourceError::NothingKnown { .. }) => "what came holds no document of a known format".to_owned(),
            Self::Read(SourceError::Io { .. } | SourceError::GivenUp) => "what came could not be read".to_owned(),
            Self::Interrupted(_) => self.to_string(),
        }
    }
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

/// When sources are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Because somebody says so: at once, but for those that failed and are left alone for a while.
    Once,
    /// So long after the last time. Those that failed are tried again as soon as they need not be left alone.
    Every(Duration),
}

/// Fetches sources and takes them in.
#[derive(Debug)]
pub struct Syncer {
    db: DatabaseConnection,
    client: Client,
    settings: Settings,
    import: Options,
    pace: Pace,
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
    pub fn new(db: DatabaseConnection, settings: Settings, import: Options, pace: Pace) -> Result<Self, SyncError> {
        Ok(Self {
            db,
            client: download::client()?,
            settings,
            import,
            pace,
        })
    }

    /// Looks at every source that is due, each at the time that `now` tells then, and hands on what came of it. One that fails does not
    /// keep the others from being looked at.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn run(
        &self,
        now: impl Fn() -> DateTime<Utc>,
        mut tell: impl FnMut(&str, &Outcome),
    ) -> Result<(), SyncError> {
        self.forget_others().await?;
        for url in &self.settings.sources {
            let location = Location::Url(url.clone()).public_name();
            let outcome = self.look_at(url, &location, now()).await?;
            log(&location, &outcome);
            tell(&location, &outcome);
        }
        Ok(())
    }

    /// When the next source is due; none is where there is no source, and the past where one is due already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next_due(&self) -> Result<Option<DateTime<Utc>>, SyncError> {
        let known = upstream::Entity::find().all(&self.db).await?;
        let due = self.settings.sources.iter().map(|url| {
            let location = Location::Url(url.clone()).public_name();
            let known = known.iter().find(|known| known.location == location);
            known.map_or(DateTime::UNIX_EPOCH, |known| due_at(known, self.pace))
        });
        Ok(due.min())
    }

    /// Forgets what is known of sources that are not configured any more, so that nobody waits for them.
    async fn forget_others(&self) -> Result<(), SyncError> {
        let configured = self.settings.sources.iter();
        let configured: Vec<_> = configured.map(|url| Location::Url(url.clone()).public_name()).collect();
        let others = upstream::Column::Location.is_not_in(configured);
        if upstream::Entity::find().filter(others.clone()).count(&self.db).await? == 0 {
            return Ok(());
        }
        let transaction = database::begin_small_write(&self.db).await?;
        upstream::Entity::delete_many()
            .filter(others)
            .exec(&transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn look_at(&self, url: &Url, location: &str, now: DateTime<Utc>) -> Result<Outcome, SyncError> {
        let known = upstream::Entity::find_by_id(location).one(&self.db).await?;
        if known.as_ref().is_some_and(|known| !is_due(known, self.pace, now)) {
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
                Err(ImportError::Source(error)) => (Outcome::Failed(error.into()), Validators::default()),
                Err(ImportError::Interrupted(error)) => (Outcome::Failed(error.into()), Validators::default()),
            },
            Err(error) => (Outcome::Failed(error.into()), validators),
        };
        self.note(location, known, validators, &outcome, now).await?;
        Ok(outcome)
    }

    async fn take_in(&self, url: &Url, location: &str, file: File, now: DateTime<Utc>) -> Result<Report, ImportError> {
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
            Outcome::Failed(failure) => Some(failure.public()),
            _ => None,
        };
        let before = known.as_ref().map_or(0, |known| known.failures);
        let failures = if failure.is_some() { before.saturating_add(1) } else { 0 };
        let mut row = upstream::Model {
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
            next_attempt_at: now + pause(failures, self.settings.longest_pause(), fastrand::f64()),
        };
        row.next_attempt_at = due_at(&row, self.pace);
        let transaction = database::begin_small_write(&self.db).await?;
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

/// How a source goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its address, without user, password and query.
    pub location: String,
    /// What came of looking at it; none where nobody has yet.
    pub known: Option<upstream::Model>,
    /// When it is looked at next, where that is known.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// Whether it has not been had for too long, or never.
    pub is_stale: bool,
}

/// How the configured sources go; where none is configured here, those that other processes look at.
///
/// # Errors
/// When the database fails.
pub async fn standings(
    db: &DatabaseConnection,
    settings: &Settings,
    now: DateTime<Utc>,
) -> Result<Vec<Standing>, DbErr> {
    let mut known = upstream::Entity::find()
        .order_by_asc(upstream::Column::Location)
        .all(db)
        .await?;
    if settings.sources.is_empty() {
        let of = |known: upstream::Model| standing(known.location.clone(), Some(known), settings, now);
        return Ok(known.into_iter().map(of).collect());
    }
    let configured = settings.sources.iter().map(|url| {
        let location = Location::Url(url.clone()).public_name();
        let at = known.iter().position(|known| known.location == location);
        standing(location, at.map(|at| known.swap_remove(at)), settings, now)
    });
    Ok(configured.collect())
}

fn standing(location: String, known: Option<upstream::Model>, settings: &Settings, now: DateTime<Utc>) -> Standing {
    let longest = TimeDelta::from_std(settings.stale_after()).unwrap_or(TimeDelta::MAX);
    let succeeded_at = known.as_ref().and_then(|known| known.succeeded_at);
    let next = known.as_ref().map(|known| known.next_attempt_at);
    let attempted = known.as_ref().map(|known| known.attempted_at);
    Standing {
        location,
        // One that succeeded by hand waits for nothing that is known.
        next_attempt_at: next.filter(|next| Some(*next) > attempted),
        is_stale: succeeded_at.is_none_or(|at| now - at > longest),
        known,
    }
}

/// When a source is to be looked at again. A success is followed by the pace of who looks now, whatever it was when it was written down.
fn due_at(known: &upstream::Model, pace: Pace) -> DateTime<Utc> {
    match pace {
        _ if known.failures > 0 => known.next_attempt_at,
        Pace::Once => known.attempted_at,
        Pace::Every(every) => known.attempted_at + TimeDelta::from_std(every).unwrap_or(TimeDelta::zero()),
    }
}

/// Whether the time has come. What was looked at in the future, by a clock that is ahead, is due: nobody waits for that clock.
fn is_due(known: &upstream::Model, pace: Pace, now: DateTime<Utc>) -> bool {
    known.attempted_at > now || due_at(known, pace) <= now
}

fn log(location: &str, outcome: &Outcome) {
    match outcome {
        Outcome::NotDue | Outcome::Unchanged => tracing::debug!(location, ?outcome, "source looked at"),
        Outcome::Imported(report) => tracing::info!(
            location,
            revision = report.revision,
            changes = report.changes,
            "source taken in"
        ),
        Outcome::Failed(reason) => tracing::warn!(location, %reason, "source failed"),
    }
}

/// How long a source is left alone after so many failures in a row.
fn pause(failures: i32, longest: Duration, chance: f64) -> TimeDelta {
    match failures {
        0 => TimeDelta::zero(),
        _ => TimeDelta::from_std(backoff(failures, longest, chance)).unwrap_or(TimeDelta::zero()),
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
    fn a_source_is_due_after_the_period_of_who_looks_and_after_a_failure_when_its_pause_is_over() {
        let at = |minute: u32| {
            format!("2026-11-23T10:{minute:02}:00Z")
                .parse::<DateTime<Utc>>()
                .unwrap()
        };
        let known = |failures, next| upstream::Model {
            location: "https://example.com/".to_owned(),
            etag: None,
            last_modified: None,
            attempted_at: at(10),
            succeeded_at: None,
            failures,
            failure: (failures > 0).then(String::new),
            next_attempt_at: at(next),
        };
        let every = |minutes| Pace::Every(Duration::from_mins(minutes));
        for (failures, next, pace, first_due) in [
            (0, 10, Pace::Once, 10),
            (0, 40, Pace::Once, 10),
            (0, 10, every(5), 15),
            (0, 40, every(5), 15),
            (0, 11, every(30), 40),
            (1, 12, Pace::Once, 12),
            (1, 12, every(30), 12),
            (1, 50, every(5), 50),
        ] {
            let known = known(failures, next);
            let due: Vec<_> = (10..60).filter(|minute| is_due(&known, pace, at(*minute))).collect();
            assert_eq!(due, (first_due..60).collect::<Vec<_>>(), "{failures} {next} {pace:?}");
            assert!(is_due(&known, pace, at(9)), "a clock that is ahead");
        }
    }

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
