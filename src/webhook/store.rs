//! What owners do with their webhooks: each sees and changes its own alone.

use std::sync::Arc;

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use entity::{change, delivery, delivery::DeliveryStatus, token, webhook};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseConnection, DbErr,
    EntityTrait as _, IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    sea_query::Expr,
};
use tokio::sync::Notify;

use super::{
    filter::Filter,
    guard::{Guard, Refused},
    payload,
    settings::Settings,
    sign::{SigningSecret, Unreadable, Vault},
};
use crate::{
    database::bounded::Bounded,
    secret::{Secret, hex, random},
};

/// The longest description of a webhook, in characters.
pub const LONGEST_DESCRIPTION: usize = 200;

/// For how long the secret before a rotation may sign as well, in seconds.
pub const LONGEST_ROTATION: u32 = 7 * 24 * 3600;

/// How many pings of one webhook may wait.
const MOST_PINGS: u64 = 5;

/// Bytes of an id: nobody can guess another's.
const ID_BYTES: usize = 16;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] DbErr),
    /// The system has no randomness.
    #[error("the system gives no random bytes: {0}")]
    Random(#[from] getrandom::Error),
    /// A stored secret is of another server.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// What is stored cannot be read.
    #[error("a stored webhook is broken")]
    Broken(#[from] serde_json::Error),
    /// The address may not be reached.
    #[error("{0}")]
    Url(#[from] Refused),
    /// The description is too long.
    #[error("must be at most {LONGEST_DESCRIPTION} characters, are {0}")]
    Description(usize),
    /// The owner has as many as there may be.
    #[error("an owner may have at most {0} webhooks")]
    TooMany(u32),
    /// Too many pings wait.
    #[error("{MOST_PINGS} pings of it are waiting already")]
    TooManyPings,
    /// The old secret would live too long.
    #[error("must be 0 to {LONGEST_ROTATION} seconds, is {0}")]
    Rotation(i32),
    /// The owner has no such webhook.
    #[error("there is no such webhook")]
    Unknown,
    /// The owner has no such delivery.
    #[error("there is no such delivery")]
    UnknownDelivery,
}

type Result<T> = std::result::Result<T, WebhookError>;

/// A webhook to be made.
#[derive(Clone, Debug)]
pub struct New {
    /// Where messages are sent.
    pub url: String,
    /// What its owner says of it.
    pub description: String,
    /// Which changes are sent.
    pub filter: Filter,
    /// The place in the change log behind which they are; its end where there is none.
    pub after: Option<i64>,
}

/// What is to be changed of a webhook.
#[derive(Clone, Debug, Default)]
pub struct Update {
    /// Where messages are sent.
    pub url: Option<String>,
    /// What its owner says of it.
    pub description: Option<String>,
    /// Which changes are sent.
    pub filter: Option<Filter>,
    /// Whether anything is sent.
    pub switch: Option<Switch>,
}

/// Whether messages are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// They are.
    On,
    /// They wait.
    Off,
}

/// A webhook with the secret that is shown this once.
#[derive(Clone, Debug)]
pub struct WithSecret {
    /// The webhook.
    pub webhook: webhook::Model,
    /// Its new secret.
    pub secret: SigningSecret,
}

/// A page of deliveries, newest first.
#[derive(Clone, Debug)]
pub struct Deliveries {
    /// The deliveries.
    pub rows: Vec<delivery::Model>,
    /// Whether older ones follow.
    pub has_next: bool,
}

/// The webhooks of a database. Clones share it.
#[derive(Clone)]
pub struct Webhooks {
    inner: Arc<Inner>,
    /// The database, for what owners do.
    operations: Bounded,
}

struct Inner {
    database: DatabaseConnection,
    vault: Vault,
    guard: Guard,
    settings: Arc<Settings>,
    /// There may be something to send.
    wake: Notify,
}

impl Webhooks {
    /// The webhooks of a database whose secrets this server's secret opens.
    #[must_use]
    pub fn new(database: DatabaseConnection, secret: &Secret, settings: Settings) -> Self {
        let settings = Arc::new(settings);
        Self {
            operations: Bounded::from(database.clone()),
            inner: Arc::new(Inner {
                database,
                vault: Vault::new(secret),
                guard: Guard::new(Arc::clone(&settings)),
                settings,
                wake: Notify::new(),
            }),
        }
    }

    /// The same webhooks for operations: what owners do is done over these connections.
    #[must_use]
    pub fn for_operations(self, operations: Bounded) -> Self {
        Self { operations, ..self }
    }

    /// How messages are sent.
    #[must_use]
    pub fn settings(&self) -> &Arc<Settings> {
        &self.inner.settings
    }

    pub(super) fn database(&self) -> &DatabaseConnection {
        &self.inner.database
    }

    pub(super) fn guard(&self) -> &Guard {
        &self.inner.guard
    }

    pub(super) fn vault(&self) -> &Vault {
        &self.inner.vault
    }

    /// Returns when an owner of this process has given something to send.
    pub(super) async fn woken(&self) {
        self.inner.wake.notified().await;
    }

    /// The webhooks of an owner, in the order in which they were made.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of(&self, owner: &str) -> Result<Vec<webhook::Model>> {
        let rows = webhook::Entity::find()
            .filter(webhook::Column::Owner.eq(owner))
            .order_by_asc(webhook::Column::CreatedAt)
            .order_by_asc(webhook::Column::Id);
        Ok(rows.all(&self.operations).await?)
    }

    /// A webhook of an owner.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(&self, owner: &str, id: &str) -> Result<Option<webhook::Model>> {
        Ok(owned(owner, id).one(&self.operations).await?)
    }

    /// Registers a webhook.
    ///
    /// # Errors
    /// When its address or description cannot be, the owner has too many, or the database fails.
    pub async fn create(&self, owner: &str, new: New, now: DateTime<Utc>) -> Result<WithSecret> {
        self.inner.guard.check(&new.url)?;
        check_description(&new.description)?;
        let id = format!("wh_{}", hex(&random::<ID_BYTES>()?));
        let secret = SigningSecret::random()?;
        let now = now.trunc_subsecs(3);
        let transaction = self.operations.begin_small_write().await?;
        // Those of one owner take turns, so that they are counted right.
        token::Entity::find()
            .filter(token::Column::Name.eq(owner))
            .lock_exclusive()
            .all(&transaction)
            .await?;
        let most = self.inner.settings.max_per_owner.get();
        let count = webhook::Entity::find()
            .filter(webhook::Column::Owner.eq(owner))
            .count(&transaction)
            .await?;
        if count >= u64::from(most) {
            return Err(WebhookError::TooMany(most));
        }
        let end = last_change(&transaction).await?;
        let row = webhook::Model {
            secret: self.inner.vault.seal(&id, &secret)?,
            id,
            owner: owner.to_owned(),
            url: new.url,
            description: new.description,
            filter: serde_json::to_string(&new.filter)?,
            previous_secret: None,
            previous_until: None,
            cursor: new.after.map_or(end, |after| after.clamp(0, end)),
            created_at: now,
            updated_at: now,
            failing_since: None,
            held_until: None,
            disabled_at: None,
            disabled_reason: None,
        };
        let webhook = row.into_active_model().reset_all().insert(&transaction).await?;
        transaction.commit().await?;
        self.inner.wake.notify_one();
        Ok(WithSecret { webhook, secret })
    }

    /// Changes a webhook. Where it gets another address, or is switched on, what waits is sent at once and on a new schedule.
    ///
    /// # Errors
    /// As [`Webhooks::create`], and when the owner has no such webhook.
    pub async fn update(&self, owner: &str, id: &str, update: Update, now: DateTime<Utc>) -> Result<webhook::Model> {
        if let Some(url) = &update.url {
            self.inner.guard.check(url)?;
        }
        if let Some(description) = &update.description {
            check_description(description)?;
        }
        let now = now.trunc_subsecs(3);
        let transaction = self.operations.begin_small_write().await?;
        let before = owned(owner, id).lock_exclusive().one(&transaction).await?;
        let before = before.ok_or(WebhookError::Unknown)?;
        let is_moved = update.url.as_ref().is_some_and(|url| *url != before.url);
        let mut row = before.into_active_model();
        row.updated_at = Set(now);
        if let Some(url) = update.url {
            row.url = Set(url);
        }
        if let Some(description) = update.description {
            row.description = Set(description);
        }
        if let Some(filter) = update.filter {
            row.filter = Set(serde_json::to_string(&filter)?);
        }
        match update.switch {
            Some(Switch::On) => {
                row.disabled_at = Set(None);
                row.disabled_reason = Set(None);
            }
            Some(Switch::Off) => {
                row.disabled_at = Set(Some(now));
                row.disabled_reason = Set(Some("its owner switched it off".to_owned()));
            }
            None => {}
        }
        if is_moved || update.switch == Some(Switch::On) {
            row.failing_since = Set(None);
            row.held_until = Set(None);
            start_over(delivery::Entity::update_many(), now)
                .filter(delivery::Column::WebhookId.eq(id))
                .filter(delivery::Column::Status.eq(DeliveryStatus::Pending))
                .exec(&transaction)
                .await?;
        }
        let row = row.update(&transaction).await?;
        transaction.commit().await?;
        self.inner.wake.notify_one();
        Ok(row)
    }

    /// Gives a webhook a new secret. The old one signs as well for so many seconds, by configuration where it is not said.
    ///
    /// # Errors
    /// When the owner has no such webhook, the old secret would live too long, or the database fails.
    pub async fn rotate(&self, owner: &str, id: &str, seconds: Option<i32>, now: DateTime<Utc>) -> Result<WithSecret> {
        let seconds = match seconds {
            Some(asked) => u32::try_from(asked)
                .ok()
                .filter(|seconds| *seconds <= LONGEST_ROTATION)
                .ok_or(WebhookError::Rotation(asked))?,
            None => self.inner.settings.rotation_seconds,
        };
        let secret = SigningSecret::random()?;
        let now = now.trunc_subsecs(3);
        let transaction = self.operations.begin_small_write().await?;
        let before = owned(owner, id).lock_exclusive().one(&transaction).await?;
        let before = before.ok_or(WebhookError::Unknown)?;
        let previous = (seconds > 0).then(|| before.secret.clone());
        let mut row = before.into_active_model();
        row.previous_until = Set(previous.as_ref().map(|_| now + TimeDelta::seconds(seconds.into())));
        row.previous_secret = Set(previous);
        row.secret = Set(self.inner.vault.seal(id, &secret)?);
        row.updated_at = Set(now);
        let webhook = row.update(&transaction).await?;
        transaction.commit().await?;
        Ok(WithSecret { webhook, secret })
    }

    /// Removes a webhook with everything that was or is to be sent to it.
    ///
    /// # Errors
    /// When the owner has no such webhook, or the database fails.
    pub async fn delete(&self, owner: &str, id: &str) -> Result<()> {
        let transaction = self.operations.begin_small_write().await?;
        let deleted = webhook::Entity::delete_many()
            .filter(webhook::Column::Owner.eq(owner))
            .filter(webhook::Column::Id.eq(id))
            .exec(&transaction)
            .await?;
        transaction.commit().await?;
        if deleted.rows_affected == 0 {
            return Err(WebhookError::Unknown);
        }
        Ok(())
    }

    /// Has a message sent that tries out whether the receiver is there, once, also while the webhook is disabled.
    ///
    /// # Errors
    /// When the owner has no such webhook, too many pings wait, or the database fails.
    pub async fn ping(&self, owner: &str, id: &str, now: DateTime<Utc>) -> Result<delivery::Model> {
        let now = now.trunc_subsecs(3);
        let message = message_by_chance()?;
        let transaction = self.operations.begin_small_write().await?;
        let webhook = owned(owner, id).lock_exclusive().one(&transaction).await?;
        let webhook = webhook.ok_or(WebhookError::Unknown)?;
        let waiting = delivery::Entity::find()
            .filter(delivery::Column::WebhookId.eq(id))
            .filter(delivery::Column::ChangeId.is_null())
            .filter(delivery::Column::Status.eq(DeliveryStatus::Pending))
            .count(&transaction)
            .await?;
        if waiting >= MOST_PINGS {
            return Err(WebhookError::TooManyPings);
        }
        let row = delivery::ActiveModel {
            message: Set(message),
            event: Set(payload::PING.to_owned()),
            body: Set(payload::of_ping(&webhook.id, now)?),
            webhook_id: Set(webhook.id),
            status: Set(DeliveryStatus::Pending),
            created_at: Set(now),
            attempts: Set(0),
            next_attempt_at: Set(Some(now)),
            ..Default::default()
        };
        let row = row.insert(&transaction).await?;
        transaction.commit().await?;
        self.inner.wake.notify_one();
        Ok(row)
    }

    /// Has a message sent again, under the same id, at once and on a new schedule.
    ///
    /// # Errors
    /// When the owner has no such delivery, or the database fails.
    pub async fn redeliver(&self, owner: &str, message: &str, now: DateTime<Utc>) -> Result<delivery::Model> {
        let now = now.trunc_subsecs(3);
        let transaction = self.operations.begin_small_write().await?;
        let found = delivery::Entity::find()
            .inner_join(webhook::Entity)
            .filter(webhook::Column::Owner.eq(owner))
            .filter(delivery::Column::Message.eq(message))
            .one(&transaction)
            .await?;
        let id = found.ok_or(WebhookError::UnknownDelivery)?.id;
        start_over(delivery::Entity::update_many(), now)
            .filter(delivery::Column::Id.eq(id))
            .exec(&transaction)
            .await?;
        let row = delivery::Entity::find_by_id(id).one(&transaction).await?;
        let row = row.ok_or(WebhookError::UnknownDelivery)?;
        transaction.commit().await?;
        self.inner.wake.notify_one();
        Ok(row)
    }

    /// The webhook of a delivery.
    ///
    /// # Errors
    /// When the database fails, or the webhook is gone.
    pub async fn webhook_of(&self, delivery: &delivery::Model) -> Result<webhook::Model> {
        let row = webhook::Entity::find_by_id(&delivery.webhook_id)
            .one(&self.operations)
            .await?;
        row.ok_or(WebhookError::Unknown)
    }

    /// A page of a webhook's deliveries, newest first. Whose the webhook is has been seen to.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn deliveries(
        &self,
        webhook: &str,
        status: Option<DeliveryStatus>,
        after: Option<i64>,
        most: usize,
    ) -> Result<Deliveries> {
        let mut query = delivery::Entity::find().filter(delivery::Column::WebhookId.eq(webhook));
        if let Some(status) = status {
            query = query.filter(delivery::Column::Status.eq(status));
        }
        if let Some(after) = after {
            query = query.filter(delivery::Column::Id.lt(after));
        }
        let mut rows = query
            .order_by_desc(delivery::Column::Id)
            .limit(most as u64 + 1)
            .all(&self.operations)
            .await?;
        let has_next = rows.len() > most;
        rows.truncate(most);
        Ok(Deliveries { rows, has_next })
    }
}

/// The webhook with this id, if it is the owner's.
fn owned(owner: &str, id: &str) -> sea_orm::Select<webhook::Entity> {
    webhook::Entity::find_by_id(id).filter(webhook::Column::Owner.eq(owner))
}

/// Makes messages due now, as if they had never been tried.
fn start_over(
    update: sea_orm::UpdateMany<delivery::Entity>,
    now: DateTime<Utc>,
) -> sea_orm::UpdateMany<delivery::Entity> {
    update
        .col_expr(delivery::Column::Status, Expr::value(DeliveryStatus::Pending))
        .col_expr(delivery::Column::Attempts, Expr::value(0))
        .col_expr(delivery::Column::FirstAttemptedAt, Expr::value(None::<DateTime<Utc>>))
        .col_expr(delivery::Column::NextAttemptAt, Expr::value(Some(now)))
        .col_expr(delivery::Column::FinishedAt, Expr::value(None::<DateTime<Utc>>))
}

fn check_description(description: &str) -> Result<()> {
    let length = description.chars().count();
    if length > LONGEST_DESCRIPTION {
        return Err(WebhookError::Description(length));
    }
    Ok(())
}

fn message_by_chance() -> Result<String> {
    Ok(format!("msg_{}", hex(&random::<ID_BYTES>()?)))
}

/// The id of the last row of the change log; 0 where there is none.
async fn last_change(database: &impl ConnectionTrait) -> Result<i64> {
    let last: Option<i64> = change::Entity::find()
        .select_only()
        .column(change::Column::Id)
        .order_by_desc(change::Column::Id)
        .into_tuple()
        .one(database)
        .await?;
    Ok(last.unwrap_or_default())
}
