//! Rights that one process at a time holds, of all that share a database, and that are free again as soon as it is gone.

use std::{fs::File, io, path::PathBuf};

use sqlx::{Connection as _, PgConnection};

use super::settings::{DatabaseUrl, Settings};

/// What one process at a time does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Fetching the configured sources.
    Sync,
    /// Sending what webhooks wait for.
    Deliver,
}

impl Right {
    /// The advisory lock. Any numbers will do, as long as every romdex takes the same, and others than the writers' lock:
    /// "romsyn" and "romdel" in ASCII.
    const fn number(self) -> i64 {
        match self {
            Self::Sync => 0x726f_6d73_796e,
            Self::Deliver => 0x726f_6d64_656c,
        }
    }

    /// What the lock file's name adds to the database's.
    const fn suffix(self) -> &'static str {
        match self {
            Self::Sync => "-sync",
            Self::Deliver => "-deliver",
        }
    }
}

/// Why it is not known whether somebody holds the right.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// The file beside the SQLite database cannot be used.
    #[error("the lock file {path} cannot be used: {error}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// PostgreSQL could not be asked.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

/// The right, for as long as this value lives. The system gives it up when the process dies.
#[derive(Debug)]
pub enum Lease {
    /// A locked file beside the database.
    File(File),
    /// A connection that holds an advisory lock.
    Postgres(Box<PgConnection>),
}

impl Lease {
    /// Takes the right, unless another process has it.
    ///
    /// # Errors
    /// When it cannot be found out.
    pub async fn take(settings: &Settings, right: Right) -> Result<Option<Self>, LeaseError> {
        match &settings.url {
            DatabaseUrl::Sqlite(path) => {
                let mut name = path.clone().into_os_string();
                name.push(right.suffix());
                let path = PathBuf::from(name);
                let failed = |error| LeaseError::File {
                    path: path.clone(),
                    error,
                };
                let file = File::options().create(true).append(true).open(&path).map_err(failed)?;
                match file.try_lock() {
                    Ok(()) => Ok(Some(Self::File(file))),
                    Err(std::fs::TryLockError::WouldBlock) => Ok(None),
                    Err(std::fs::TryLockError::Error(error)) => Err(failed(error)),
                }
            }
            DatabaseUrl::Postgres(url) => {
                let mut connection = PgConnection::connect(url.as_str()).await?;
                let taken: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
                    .bind(right.number())
                    .fetch_one(&mut connection)
                    .await?;
                Ok(taken.then(|| Self::Postgres(Box::new(connection))))
            }
        }
    }

    /// Whether the right is still held: a lost connection has lost it.
    pub async fn is_held(&mut self) -> bool {
        match self {
            Self::File(_) => true,
            Self::Postgres(connection) => connection.ping().await.is_ok(),
        }
    }
}
