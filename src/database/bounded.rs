//! Connections for operations: a statement that nobody waits for any more is stopped in the database, and none runs longer than
//! an operation may.
//!
//! Dropping the future of a statement does not end it: SQLite's thread goes on, and so does PostgreSQL's process. Here each
//! connection stands for itself, so that it is known which one works for whom, and whoever drops its turn before the end stops it.

use std::{
    future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sea_orm::{
    ConnAcquireErr, ConnectOptions, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    ExecResult, QueryResult, Statement, prelude::async_trait::async_trait,
};
use sqlx::{PgConnection, SqliteConnection};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    time,
};

use super::{
    DatabaseError, begin_small_write, open, options,
    settings::{DatabaseUrl, Settings},
};

/// SQLite: after how many instructions of its machine it is looked whether to go on; some ten microseconds.
const INSTRUCTIONS: i32 = 1_000;

/// The database, as operations use it. Clones share the connections.
#[derive(Clone)]
pub struct Bounded(Kind);

#[derive(Clone)]
enum Kind {
    /// Connections that know nothing of operations.
    Plain(DatabaseConnection),
    /// Connections that stop.
    Lines(Arc<Lines>),
}

/// The connections; each is taken by one statement, or one transaction, at a time.
struct Lines {
    backend: DbBackend,
    free: Mutex<Vec<Line>>,
    /// One permit for each that is free.
    turns: Arc<Semaphore>,
    /// How long it is waited for one.
    patience: Duration,
    /// PostgreSQL: over which others are stopped.
    stopping: Option<DatabaseConnection>,
}

/// One connection, opened when it is needed.
struct Line {
    connection: DatabaseConnection,
    work: Arc<Work>,
}

/// What a connection does.
struct Work {
    opened: Instant,
    /// SQLite: when it has to stop, in microseconds since `opened`.
    deadline: AtomicU64,
    /// PostgreSQL: the process that does it; 0 before the first connection.
    process: AtomicI32,
}

/// The use of one connection; unless it [ends](Turn::end), whatever is done there is stopped.
struct Turn {
    lines: Arc<Lines>,
    /// Both are there until it is dropped.
    held: Option<(Line, OwnedSemaphorePermit)>,
    has_ended: bool,
}

/// A transaction that is rolled back, and its statement stopped, when it is dropped before it is committed.
pub struct Transaction {
    // dropped in this order: the connection is given back before it is stopped
    transaction: DatabaseTransaction,
    turn: Option<Turn>,
}

impl From<DatabaseConnection> for Bounded {
    /// For tools and tests: statements end by themselves.
    fn from(connection: DatabaseConnection) -> Self {
        Self(Kind::Plain(connection))
    }
}

impl Bounded {
    /// Connections to a database for operations that may take so long; none is opened yet.
    ///
    /// # Errors
    /// When the address cannot be used.
    pub async fn new(settings: &Settings, limit: Duration) -> Result<Self, DatabaseError> {
        let count = settings.operation_connections.get();
        let mut free = Vec::new();
        for _ in 0..count {
            free.push(Line::new(settings, limit).await?);
        }
        let (backend, stopping) = match &settings.url {
            DatabaseUrl::Sqlite(_) => (DbBackend::Sqlite, None),
            DatabaseUrl::Postgres(_) => (DbBackend::Postgres, Some(open(settings, lazy(settings)?).await?)),
        };
        Ok(Self(Kind::Lines(Arc::new(Lines {
            backend,
            turns: Arc::new(Semaphore::new(free.len())),
            free: Mutex::new(free),
            patience: settings.acquire_timeout(),
            stopping,
        }))))
    }

    /// Begins a transaction that writes a few rows, as [`begin_small_write`].
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin_small_write(&self) -> Result<Transaction, DbErr> {
        let (transaction, turn) = match &self.0 {
            Kind::Plain(connection) => (begin_small_write(connection).await?, None),
            Kind::Lines(lines) => {
                let turn = Turn::take(lines).await?;
                (begin_small_write(turn.connection()?).await?, Some(turn))
            }
        };
        Ok(Transaction { transaction, turn })
    }

    /// Closes the connections that are free; nobody gets one any more.
    pub async fn close(&self) {
        let Kind::Lines(lines) = &self.0 else { return };
        lines.turns.close();
        let free = std::mem::take(&mut *lines.free.lock().unwrap_or_else(PoisonError::into_inner));
        for connection in free.iter().map(|line| &line.connection).chain(&lines.stopping) {
            if let Err(error) = connection.close_by_ref().await {
                tracing::debug!(%error, "a connection was not closed");
            }
        }
    }
}

fn lazy(settings: &Settings) -> Result<ConnectOptions, DatabaseError> {
    let mut options = options(settings)?;
    options.max_connections(1).min_connections(0).connect_lazy(true);
    Ok(options)
}

impl Line {
    async fn new(settings: &Settings, limit: Duration) -> Result<Self, DatabaseError> {
        let work = Arc::new(Work {
            opened: Instant::now(),
            deadline: AtomicU64::new(0),
            process: AtomicI32::new(0),
        });
        let mut options = lazy(settings)?;
        match &settings.url {
            DatabaseUrl::Sqlite(_) => stop_in_sqlite(&mut options, &work, limit),
            DatabaseUrl::Postgres(_) => stop_in_postgres(&mut options, &work, limit),
        }
        let connection = open(settings, options).await?;
        Ok(Self { connection, work })
    }
}

/// Each statement has its time from when its connection was taken.
fn stop_in_sqlite(options: &mut ConnectOptions, work: &Arc<Work>, limit: Duration) {
    async fn watch(connection: &mut SqliteConnection, work: Arc<Work>) -> Result<(), sqlx::Error> {
        let mut handle = connection.lock_handle().await?;
        handle.set_progress_handler(INSTRUCTIONS, move || work.may_go_on());
        Ok(())
    }
    let work = Arc::clone(work);
    options.map_sqlx_sqlite_pool_opts(move |pool| {
        let (opened, taken) = (Arc::clone(&work), Arc::clone(&work));
        pool.after_connect(move |connection, _| {
            opened.begin(limit);
            Box::pin(watch(connection, Arc::clone(&opened)))
        })
        .before_acquire(move |_, _| {
            taken.begin(limit);
            Box::pin(future::ready(Ok(true)))
        })
    });
}

/// Each statement has its time from the server, should nobody be there to stop it.
fn stop_in_postgres(options: &mut ConnectOptions, work: &Arc<Work>, limit: Duration) {
    async fn learn(connection: &mut PgConnection, work: Arc<Work>) -> Result<(), sqlx::Error> {
        let process = sqlx::query_scalar("SELECT pg_backend_pid()");
        work.process
            .store(process.fetch_one(connection).await?, Ordering::Relaxed);
        Ok(())
    }
    let work = Arc::clone(work);
    options
        .statement_timeout(limit)
        .map_sqlx_postgres_pool_opts(move |pool| {
            let work = Arc::clone(&work);
            pool.after_connect(move |connection, _| Box::pin(learn(connection, Arc::clone(&work))))
        });
}

impl Work {
    fn begin(&self, limit: Duration) {
        self.set_deadline(self.opened.elapsed() + limit);
    }

    fn stop(&self) {
        self.set_deadline(Duration::ZERO);
    }

    fn set_deadline(&self, deadline: Duration) {
        let microseconds = u64::try_from(deadline.as_micros()).unwrap_or(u64::MAX);
        self.deadline.store(microseconds, Ordering::Relaxed);
    }

    fn may_go_on(&self) -> bool {
        self.opened.elapsed().as_micros() < self.deadline.load(Ordering::Relaxed).into()
    }
}

impl Turn {
    /// Waits for a free connection.
    async fn take(lines: &Arc<Lines>) -> Result<Self, DbErr> {
        let failed = DbErr::ConnectionAcquire;
        let permit = time::timeout(lines.patience, Arc::clone(&lines.turns).acquire_owned());
        let permit = permit.await.map_err(|_| failed(ConnAcquireErr::Timeout))?;
        let line = lines.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let held = line.zip(permit.ok());
        if held.is_none() {
            return Err(failed(ConnAcquireErr::ConnectionClosed));
        }
        Ok(Self {
            lines: Arc::clone(lines),
            held,
            has_ended: false,
        })
    }

    fn connection(&self) -> Result<&DatabaseConnection, DbErr> {
        let held = self.held.as_ref().map(|(line, _)| &line.connection);
        held.ok_or(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed))
    }

    /// What was to be done is done.
    fn end(mut self) {
        self.has_ended = true;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some((line, permit)) = self.held.take() else { return };
        let lines = Arc::clone(&self.lines);
        if self.has_ended {
            return lines.give_back(line, permit);
        }
        line.work.stop();
        match Handle::try_current() {
            Ok(runtime) if lines.stopping.is_some() => {
                runtime.spawn(async move {
                    lines.cancel(&line).await;
                    lines.give_back(line, permit);
                });
            }
            // whoever takes it next waits for its end
            _ => lines.give_back(line, permit),
        }
    }
}

impl Lines {
    fn give_back(&self, line: Line, permit: OwnedSemaphorePermit) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        drop(permit);
    }

    /// PostgreSQL: stops what a connection does, and returns when it can be used for something else.
    async fn cancel(&self, line: &Line) {
        let process = line.work.process.load(Ordering::Relaxed);
        let Some(stopping) = self.stopping.as_ref().filter(|_| process != 0) else {
            return;
        };
        let cancel = Statement::from_sql_and_values(self.backend, "SELECT pg_cancel_backend($1)", [process.into()]);
        if let Err(error) = stopping.query_one_raw(cancel).await {
            tracing::debug!(%error, "a statement goes on to its own end");
        }
        // answered when the statement is over: a late cancellation would hit the next one
        if let Err(error) = line.connection.ping().await {
            tracing::debug!(%error, "a connection does not answer after its statement was stopped");
        }
    }
}

#[async_trait]
impl ConnectionTrait for Bounded {
    fn get_database_backend(&self) -> DbBackend {
        match &self.0 {
            Kind::Plain(connection) => connection.get_database_backend(),
            Kind::Lines(lines) => lines.backend,
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        match &self.0 {
            Kind::Plain(connection) => connection.execute_raw(statement).await,
            Kind::Lines(lines) => {
                let turn = Turn::take(lines).await?;
                let answer = turn.connection()?.execute_raw(statement).await;
                turn.end();
                answer
            }
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match &self.0 {
            Kind::Plain(connection) => connection.execute_unprepared(sql).await,
            Kind::Lines(lines) => {
                let turn = Turn::take(lines).await?;
                let answer = turn.connection()?.execute_unprepared(sql).await;
                turn.end();
                answer
            }
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match &self.0 {
            Kind::Plain(connection) => connection.query_one_raw(statement).await,
            Kind::Lines(lines) => {
                let turn = Turn::take(lines).await?;
                let answer = turn.connection()?.query_one_raw(statement).await;
                turn.end();
                answer
            }
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match &self.0 {
            Kind::Plain(connection) => connection.query_all_raw(statement).await,
            Kind::Lines(lines) => {
                let turn = Turn::take(lines).await?;
                let answer = turn.connection()?.query_all_raw(statement).await;
                turn.end();
                answer
            }
        }
    }
}

impl Transaction {
    /// Keeps what was written.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn commit(self) -> Result<(), DbErr> {
        let Self { transaction, turn } = self;
        transaction.commit().await?;
        if let Some(turn) = turn {
            turn.end();
        }
        Ok(())
    }
}

#[async_trait]
impl ConnectionTrait for Transaction {
    fn get_database_backend(&self) -> DbBackend {
        self.transaction.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.transaction.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.transaction.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.transaction.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.transaction.query_all_raw(statement).await
    }
}
