//! Opening the database, bringing it to the newest step, and taking turns at writing. What is in the tables and what it
//! means lives elsewhere.

pub mod bounded;
pub mod lease;
pub mod settings;
pub mod watch;

use std::{path::Path, time::Duration};

use migration::{Migrator, MigratorTrait};
use sea_orm::{
    AccessMode, ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    IsolationLevel, RuntimeErr, SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use tokio::time;

use self::settings::{DatabaseUrl, Settings};

/// Any number will do, as long as every romdex takes the same: "romdex" in ASCII.
const POSTGRES_WRITE_LOCK: i64 = 0x726f_6d64_6578;

/// How long a writer that found SQLite busy rests before it asks again.
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// Why there is no database to work with.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The folder that the file should be in is not there.
    #[error("the folder of the database {url} does not exist")]
    NoFolder {
        /// The database's address.
        url: String,
    },
    /// It did not open, or did not let us in.
    #[error("cannot open the database {url}")]
    Open {
        /// The database's address, without its password.
        url: String,
        /// The driver's reason.
        source: DbErr,
    },
    /// A step did not succeed; it left nothing behind.
    #[error("cannot bring the database to the wanted step")]
    Migrate(#[from] DbErr),
}

/// Opens a database. An SQLite file is created where there is none.
///
/// # Errors
/// When the database cannot be reached, or refuses.
pub async fn connect(settings: &Settings) -> Result<DatabaseConnection, DatabaseError> {
    let mut options = options(settings)?;
    options.max_connections(settings.max_connections.get());
    open(settings, options).await
}

async fn open(settings: &Settings, options: ConnectOptions) -> Result<DatabaseConnection, DatabaseError> {
    Database::connect(options).await.map_err(|source| DatabaseError::Open {
        url: settings.url.to_string(),
        source,
    })
}

fn options(settings: &Settings) -> Result<ConnectOptions, DatabaseError> {
    let mut options = match &settings.url {
        DatabaseUrl::Sqlite(path) => sqlite_options(path, settings)?,
        DatabaseUrl::Postgres(url) => postgres_options(url.as_str(), settings),
    };
    options
        .acquire_timeout(settings.acquire_timeout())
        .connect_timeout(settings.acquire_timeout())
        .sqlx_logging(false);
    Ok(options)
}

fn sqlite_options(path: &Path, settings: &Settings) -> Result<ConnectOptions, DatabaseError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) {
        return Err(DatabaseError::NoFolder {
            url: settings.url.to_string(),
        });
    }
    let sqlite = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        // Safe with a write-ahead log: what a loss of power can undo is the last transaction, whole.
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(settings.busy_timeout())
        // Negative: in KiB instead of pages.
        .pragma("cache_size", format!("-{}", settings.cache_size_kib))
        .pragma("mmap_size", (u64::from(settings.mmap_size_mib) << 20).to_string())
        .pragma("temp_store", "memory");
    let mut options = ConnectOptions::new("sqlite:");
    options
        // The pages that a connection has read are its own: closing it for idleness would throw them away.
        .idle_timeout(None::<Duration>)
        .max_lifetime(None::<Duration>)
        .test_before_acquire(false)
        .map_sqlx_sqlite_opts(move |_| sqlite.clone());
    Ok(options)
}

fn postgres_options(url: &str, settings: &Settings) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .set_application_name("romdex")
        .statement_timeout(settings.statement_timeout());
    options
}

/// Which way, and how far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steps {
    /// Every step that is missing.
    Up,
    /// So many steps back; what they had created is gone.
    Down(u32),
}

/// Brings the database's tables to the wanted step: in one transaction, one process at a time.
///
/// # Errors
/// When a step fails, or the database is newer than this program.
pub async fn migrate(database: &DatabaseConnection, steps: Steps) -> Result<(), DatabaseError> {
    if steps == Steps::Up && Migrator::get_pending_migrations_read_only(database).await?.is_empty() {
        return Ok(());
    }
    let transaction = begin_write(database).await?;
    match steps {
        Steps::Up => Migrator::up(&transaction, None).await?,
        Steps::Down(count) => Migrator::down(&transaction, Some(count)).await?,
    }
    transaction.commit().await?;
    Ok(())
}

/// Begins the one write transaction that there is at a time: any other, also of another process, waits for its end, however
/// long that takes.
///
/// # Errors
/// When the database fails.
pub async fn begin_write(database: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let mut has_told = false;
    let transaction = loop {
        let begun = database.begin_with_options(TransactionOptions {
            // A transaction that starts by reading and then writes could not wait: what it read may be old by then.
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        });
        match begun.await {
            Err(error) if is_busy(&error) => {
                if !has_told {
                    tracing::info!("waiting for another writer");
                }
                has_told = true;
                // However short the busy timeout is, this is no spinning.
                time::sleep(BETWEEN_TRIES).await;
            }
            begun => break begun?,
        }
    };
    if transaction.get_database_backend() == DbBackend::Postgres {
        // Writing takes the time it takes; the limit is for readers.
        transaction
            .execute_unprepared(&format!(
                "SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock({POSTGRES_WRITE_LOCK})"
            ))
            .await?;
    }
    Ok(transaction)
}

/// Begins a transaction that writes a few rows which no import touches. On PostgreSQL it does not wait for an import; SQLite has
/// one writer at a time.
///
/// # Errors
/// When the database fails.
pub async fn begin_small_write(database: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    match database.get_database_backend() {
        DbBackend::Postgres => database.begin().await,
        _ => begin_write(database).await,
    }
}

/// Whether SQLite gave up waiting, after the busy timeout.
fn is_busy(error: &DbErr) -> bool {
    const SQLITE_BUSY: &str = "5";
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => error
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code)
            .is_some_and(|code| code == SQLITE_BUSY),
        _ => false,
    }
}

/// Begins a transaction that sees one state of the database throughout, whatever is written meanwhile.
///
/// # Errors
/// When the database fails.
pub async fn begin_read(database: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let options = match database.get_database_backend() {
        DbBackend::Postgres => TransactionOptions {
            isolation_level: Some(IsolationLevel::RepeatableRead),
            access_mode: Some(AccessMode::ReadOnly),
            ..TransactionOptions::default()
        },
        // With a write-ahead log every transaction that only reads is of that kind.
        _ => TransactionOptions::default(),
    };
    database.begin_with_options(options).await
}
