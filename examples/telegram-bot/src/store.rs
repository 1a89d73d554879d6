//! What the bot remembers, in SQLite: subscriptions, its place in the server's change log, and what is still to be told.

use serde_json::json;
use sqlx::{
    FromRow, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions},
};

use crate::api::{Branch, NewRelease, PackageType, Region};

/// The open database.
#[derive(Clone, Debug)]
pub struct Store {
    pool: SqlitePool,
}

/// Which releases a chat wants to hear of. What is `None` narrows nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// A base codename for every variant of the device, a regional one for that variant.
    pub codename: String,
    /// For this region.
    pub region: Option<Region>,
    /// On this branch.
    pub branch: Option<Branch>,
    /// With a package of this type.
    pub r#type: Option<PackageType>,
}

/// A row of the table `subscriptions`: codename, region, branch and type.
type WishRow = (String, Option<String>, Option<String>, Option<String>);

impl From<WishRow> for Wish {
    fn from((codename, region, branch, r#type): WishRow) -> Self {
        Self {
            codename,
            region: region.and_then(|word| word.parse().ok()),
            branch: branch.and_then(|word| word.parse().ok()),
            r#type: r#type.and_then(|word| word.parse().ok()),
        }
    }
}

/// A release that someone may want to hear of.
#[derive(Debug)]
pub struct News<'a> {
    /// The release.
    pub release: &'a NewRelease,
    /// What is new: the release, with these types of packages, or one package.
    pub types: NewTypes<'a>,
    /// What to tell of it.
    pub text: String,
}

/// Which types of packages a change brought.
#[derive(Clone, Debug)]
pub enum NewTypes<'a> {
    /// The release is new: those who wait for no type in particular hear of it too.
    OfRelease(Vec<&'a PackageType>),
    /// The release is known, this package is new.
    OfPackage(&'a PackageType),
}

/// What a chat is to be told of one release.
#[derive(Clone, Debug, FromRow)]
pub struct Announcement {
    /// Its number.
    pub id: i64,
    /// The message's part, in Telegram's HTML.
    pub text: String,
}

impl Store {
    /// Opens the file, makes it where there is none, and brings its tables to the newest step.
    pub async fn open(path: &str) -> Result<Self, sqlx::Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal);
        // One connection: its statements take turns, so that none finds the database locked.
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options)
            .await?;
        sqlx::migrate!().run(&pool).await?;
        Ok(Self { pool })
    }

    /// The place in the change log behind which everything is new; `None` before the first.
    pub async fn cursor(&self) -> Result<Option<String>, sqlx::Error> {
        sqlx::query_scalar("SELECT cursor FROM position")
            .fetch_optional(&self.pool)
            .await
    }

    /// Moves to a place in the log, and keeps for every chat that wants to hear of the news what it is to be told, in one
    /// transaction: after a crash a change is either taken or asked for again. A chat is told of a release once, however
    /// many changes are about it.
    pub async fn take(&self, cursor: &str, news: Option<&News<'_>>) -> Result<(), sqlx::Error> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query("INSERT INTO position (id, cursor) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET cursor = ?1")
            .bind(cursor)
            .execute(&mut *transaction)
            .await?;
        if let Some(News { release, types, text }) = news {
            let (types, is_release) = match types {
                NewTypes::OfRelease(types) => (types.iter().map(ToString::to_string).collect(), true),
                NewTypes::OfPackage(r#type) => (vec![r#type.to_string()], false),
            };
            sqlx::query(
                "INSERT INTO announcements (chat, release, text)
                 SELECT DISTINCT chat, ?1, ?2 FROM subscriptions
                 WHERE codename IN (?3, ?4)
                     AND (region IS NULL OR region = ?5)
                     AND (branch IS NULL OR branch = ?6)
                     AND (type IN (SELECT value FROM json_each(?7)) OR (type IS NULL AND ?8))
                 ON CONFLICT (chat, release) DO NOTHING",
            )
            .bind(release.release.id.inner())
            .bind(text)
            .bind(&release.device.codename)
            .bind(&release.release.variant.codename)
            .bind(release.release.variant.region.to_string())
            .bind(release.release.branch.to_string())
            .bind(json!(types).to_string())
            .bind(is_release)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await
    }

    /// Chats that are to be told something.
    pub async fn waiting(&self) -> Result<Vec<i64>, sqlx::Error> {
        sqlx::query_scalar("SELECT chat FROM announcements WHERE text IS NOT NULL GROUP BY chat ORDER BY min(id)")
            .fetch_all(&self.pool)
            .await
    }

    /// What a chat is to be told first, as far as one message may hold it.
    pub async fn next_for(&self, chat: i64) -> Result<Vec<Announcement>, sqlx::Error> {
        sqlx::query_as("SELECT id, text FROM announcements WHERE chat = ? AND text IS NOT NULL ORDER BY id LIMIT 20")
            .bind(chat)
            .fetch_all(&self.pool)
            .await
    }

    /// Notes that a chat has been told.
    pub async fn told(&self, announcements: impl Iterator<Item = &Announcement>) -> Result<(), sqlx::Error> {
        let ids: Vec<i64> = announcements.map(|announcement| announcement.id).collect();
        sqlx::query("UPDATE announcements SET text = NULL WHERE id IN (SELECT value FROM json_each(?))")
            .bind(json!(ids).to_string())
            .execute(&self.pool)
            .await
            .map(drop)
    }

    /// Subscribes a chat, and says whether that is new.
    pub async fn subscribe(&self, chat: i64, wish: &Wish) -> Result<bool, sqlx::Error> {
        let done = sqlx::query(
            "INSERT INTO subscriptions (chat, codename, region, branch, type) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(chat)
        .bind(&wish.codename)
        .bind(wish.region.as_ref().map(ToString::to_string))
        .bind(wish.branch.as_ref().map(ToString::to_string))
        .bind(wish.r#type.as_ref().map(ToString::to_string))
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// What a chat has subscribed to.
    pub async fn subscriptions(&self, chat: i64) -> Result<Vec<Wish>, sqlx::Error> {
        let query = "SELECT codename, region, branch, type FROM subscriptions WHERE chat = ? ORDER BY codename, id";
        let rows: Vec<WishRow> = sqlx::query_as(query).bind(chat).fetch_all(&self.pool).await?;
        Ok(rows.into_iter().map(Wish::from).collect())
    }

    /// Ends a chat's subscriptions to a codename, or all of them, and says how many those were. What was still to be told is
    /// not told any more where no subscription is left.
    pub async fn unsubscribe(&self, chat: i64, codename: Option<&str>) -> Result<u64, sqlx::Error> {
        let mut transaction = self.pool.begin().await?;
        let ended =
            sqlx::query("DELETE FROM subscriptions WHERE chat = ?1 AND (?2 IS NULL OR codename = ?2 COLLATE NOCASE)")
                .bind(chat)
                .bind(codename)
                .execute(&mut *transaction)
                .await?;
        sqlx::query(
            "UPDATE announcements SET text = NULL
             WHERE chat = ?1 AND NOT EXISTS (SELECT * FROM subscriptions WHERE chat = ?1)",
        )
        .bind(chat)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(ended.rows_affected())
    }

    /// Forgets a chat that cannot be written to any more.
    pub async fn forget(&self, chat: i64) -> Result<(), sqlx::Error> {
        let mut transaction = self.pool.begin().await?;
        for statement in [
            "DELETE FROM subscriptions WHERE chat = ?",
            "DELETE FROM announcements WHERE chat = ?",
        ] {
            sqlx::query(statement).bind(chat).execute(&mut *transaction).await?;
        }
        transaction.commit().await
    }

    /// Notes that a group has a new number, as when it becomes a supergroup.
    pub async fn rename(&self, from: i64, to: i64) -> Result<(), sqlx::Error> {
        let mut transaction = self.pool.begin().await?;
        for statement in [
            "UPDATE OR IGNORE subscriptions SET chat = ?2 WHERE chat = ?1",
            "UPDATE OR IGNORE announcements SET chat = ?2 WHERE chat = ?1",
        ] {
            sqlx::query(statement)
                .bind(from)
                .bind(to)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        self.forget(from).await
    }
}
