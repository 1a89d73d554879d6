//! Hearing that another process has written a new revision.

use std::{sync::Arc, time::Duration};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr};
use sqlx::postgres::PgListener;
use tokio::{sync::Notify, task::AbortHandle, time};

use super::settings::{DatabaseUrl, Settings};

/// The channel of PostgreSQL on which a new revision is announced.
const CHANNEL: &str = "romdex_revision";

/// Tells when it is worth looking for a new revision: now and then, and on PostgreSQL at once when there is one.
#[derive(Debug)]
pub struct Watch {
    interval: Duration,
    announced: Arc<Notify>,
    listener: Option<AbortHandle>,
}

impl Watch {
    /// Begins to listen. A server that does not let us listen is looked at now and then all the same.
    #[must_use]
    pub fn start(settings: &Settings) -> Self {
        let interval = settings.poll_interval();
        let announced = Arc::new(Notify::new());
        let listener = match &settings.url {
            DatabaseUrl::Sqlite(_) => None,
            DatabaseUrl::Postgres(url) => {
                let listening = listen(url.to_string(), Arc::clone(&announced), interval);
                Some(tokio::spawn(listening).abort_handle())
            }
        };
        Self {
            interval,
            announced,
            listener,
        }
    }

    /// What makes it look at once, from any task: for who has written a revision in this process.
    #[must_use]
    pub fn bell(&self) -> Bell {
        Bell(Arc::clone(&self.announced))
    }

    /// Returns when there may be a new revision.
    pub async fn wait(&self) {
        // That nothing was announced for so long says nothing: SQLite never announces, and an announcement can get lost.
        let _ = time::timeout(self.interval, self.announced.notified()).await;
    }
}

/// Tells a [`Watch`] that there is a new revision.
#[derive(Clone, Debug)]
pub struct Bell(Arc<Notify>);

impl Bell {
    /// Makes it look; rung while nobody waits, it looks as soon as someone does.
    pub fn ring(&self) {
        self.0.notify_one();
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(listener) = &self.listener {
            listener.abort();
        }
    }
}

/// Announces a new revision, once the transaction that wrote it is committed.
///
/// # Errors
/// When the database fails.
pub async fn announce(transaction: &DatabaseTransaction) -> Result<(), DbErr> {
    if transaction.get_database_backend() == DbBackend::Postgres {
        transaction.execute_unprepared(&format!("NOTIFY {CHANNEL}")).await?;
    }
    Ok(())
}

async fn listen(url: String, announced: Arc<Notify>, pause: Duration) {
    loop {
        let Err(error) = listen_once(&url, &announced).await;
        tracing::debug!(%error, "no announcements of new revisions for now");
        time::sleep(pause).await;
    }
}

async fn listen_once(url: &str, announced: &Notify) -> Result<std::convert::Infallible, sqlx::Error> {
    let mut listener = PgListener::connect(url).await?;
    listener.listen(CHANNEL).await?;
    loop {
        // A connection that was lost and is back counts too: something may have been announced in between.
        listener.try_recv().await?;
        announced.notify_one();
    }
}
