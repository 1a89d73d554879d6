//! A database for each test, made and dropped by it, on every kind of database there is.

use std::{
    num::{NonZeroU32, NonZeroU64},
    panic::AssertUnwindSafe,
    sync::atomic::{AtomicU32, Ordering},
};

use futures::FutureExt;
use romdex::database::{self, Steps, settings::Settings};
use sea_orm::{ConnectionTrait, DatabaseConnection};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::postgres::Cluster;

/// An empty database with every table, of one test.
#[derive(Clone)]
pub struct TestDatabase {
    url: String,
    connection: DatabaseConnection,
}

impl TestDatabase {
    /// Its address, for the program's `--database-url`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Drops it under the feet of whoever uses it. PostgreSQL only.
    pub async fn take_away(&self) {
        let Some(cluster) = Cluster::shared() else { return };
        let name = self.url.split(['/', '?']).nth(3).unwrap();
        execute(cluster, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
    }

    /// Connections of their own, for a server that starts after another stopped: a stopped server's workers take those with them that
    /// they opened.
    pub async fn connect(&self) -> DatabaseConnection {
        database::connect(&settings(&self.url)).await.unwrap()
    }

    /// An open connection.
    pub fn connection(&self) -> &DatabaseConnection {
        &self.connection
    }
}

/// Runs tests on every kind of database: `on_every_database!(a_sentence, another);` for `async fn a_sentence(database: TestDatabase)`.
macro_rules! on_every_database {
    ($($test:ident),+ $(,)?) => {$(
        mod $test {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                $crate::support::database::on_sqlite(super::$test).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                $crate::support::database::on_postgres(super::$test).await;
            }
        }
    )+};
}
pub(crate) use on_every_database;

/// Settings for a database, as a test wants them.
pub fn settings(url: &str) -> Settings {
    Settings {
        url: url.parse().unwrap(),
        max_connections: NonZeroU32::new(4).unwrap(),
        operation_connections: NonZeroU32::new(4).unwrap(),
        acquire_timeout_ms: 10_000,
        poll_interval_ms: NonZeroU64::new(100).unwrap(),
        statement_timeout_ms: 30_000,
        busy_timeout_ms: 5_000,
        cache_size_kib: 4_096,
        import_cache_size_kib: 16_384,
        mmap_size_mib: 0,
    }
}

/// Runs a test on a new SQLite file.
pub async fn on_sqlite(test: impl AsyncFnOnce(TestDatabase)) {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite://{}", folder.path().join("romdex.sqlite").display());
    let connection = database::connect(&settings(&url)).await.unwrap();
    database::migrate(&connection, Steps::Up).await.unwrap();
    test(TestDatabase {
        url,
        connection: connection.clone(),
    })
    .await;
    connection.close().await.unwrap();
}

/// Runs a test on a new PostgreSQL database.
pub async fn on_postgres(test: impl AsyncFnOnce(TestDatabase)) {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let Some(cluster) = Cluster::shared() else {
        eprintln!("skipped: PostgreSQL is not installed");
        return;
    };
    let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let template = template(cluster).await;
    execute(cluster, &format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
    let url = cluster.url(&name);
    let connection = database::connect(&settings(&url)).await.unwrap();
    let outcome = AssertUnwindSafe(test(TestDatabase {
        url,
        connection: connection.clone(),
    }))
    .catch_unwind()
    .await;
    // A failed test may leave a server that still uses it.
    execute(cluster, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

/// A database with every table, to be copied: quicker than making them for each test.
async fn template(cluster: &'static Cluster) -> &'static str {
    const NAME: &str = "template_romdex";
    static TEMPLATE: OnceCell<()> = OnceCell::const_new();
    TEMPLATE
        .get_or_init(|| async {
            execute(cluster, &format!("CREATE DATABASE {NAME}")).await;
            let connection = database::connect(&settings(&cluster.url(NAME))).await.unwrap();
            database::migrate(&connection, Steps::Up).await.unwrap();
            connection.close().await.unwrap();
        })
        .await;
    NAME
}

async fn execute(cluster: &Cluster, statement: &str) {
    let connection = database::connect(&settings(&cluster.url("postgres"))).await.unwrap();
    connection.execute_unprepared(statement).await.unwrap();
    connection.close().await.unwrap();
}
