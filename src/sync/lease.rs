//! The right to synchronise: held by one process at a time, and free again as soon as that process is gone.

use std::{fs::File, io, path::PathBuf};

use sqlx::{Connection as _, PgConnection};

use crate::database::settings::{DatabaseUrl, Settings};

/// Any number will do, as long as every romdex takes the same, and another than the writers' lock: "romsyn" in ASCII.
const POSTGRES_SYNC_LOCK: i64 = 0x726f_6d73_796e;

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
    pub async fn take(settings: &Settings) -> Result<Option<Self>, LeaseError> {
        match &settings.url {
            DatabaseUrl::Sqlite(path) => {
                let mut name = path.clone().into_os_string();
                name.push("-sync");
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
                    .bind(POSTGRES_SYNC_LOCK)
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
