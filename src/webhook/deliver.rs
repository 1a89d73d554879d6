//! The one worker that there is at a time: writes messages down from the change log, and sends them.

use std::{collections::HashMap, sync::Arc, time::Duration};

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use entity::{delivery, delivery::DeliveryStatus, token, webhook};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, Condition, DbErr, EntityTrait as _,
    IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, sea_query::Expr,
};
use tokio::{
    task::{self, JoinSet},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    backoff::{self, Persistence, Standing, Verdict},
    client::{Attempt, Client, ClientError, Message},
    filter::Filter,
    payload,
    store::{WebhookError, Webhooks},
};
use crate::{
    catalog::{Catalog, CatalogError, Snapshot},
    database::{
        self,
        lease::{Lease, Right},
        settings::Settings as DatabaseSettings,
    },
    telemetry::metrics::{Counter, Registry},
};

/// How many changes are written down for a webhook at once.
const BATCH: usize = 200;

/// How many messages of a webhook may wait; the rest stays in the change log until there is room.
const MOST_WAITING: u64 = 1_000;

/// How often messages that are done for long are thrown away.
const BETWEEN_PRUNINGS: Duration = Duration::from_hours(1);

/// How a change's place in the log is written.
pub type WriteCursor = fn(i64) -> String;

/// Why a round could not be finished; the next one goes on where it stopped.
#[derive(Debug, thiserror::Error)]
enum RoundError {
    #[error("the database failed")]
    Database(#[from] DbErr),
    #[error("the change log cannot be read")]
    Catalog(#[from] CatalogError),
    #[error("a stored webhook is broken")]
    Broken(#[from] serde_json::Error),
}

/// Sends what webhooks wait for, while it holds the right to.
pub struct Worker {
    webhooks: Webhooks,
    catalog: Catalog,
    client: Client,
    database: DatabaseSettings,
    cursor: WriteCursor,
    meters: Arc<Meters>,
}

/// What attempts are counted with.
struct Meters([Counter; 4]);

/// What came of an attempt.
#[derive(Clone, Copy)]
enum Ended {
    Accepted,
    Again,
    GivenUp,
    Disabled,
}

impl Meters {
    fn new(registry: &Registry) -> Self {
        Self(registry.counters(
            "romdex_webhook_attempts",
            "Attempts to send a message: accepted, failed and to be made again, failed for good, or the webhook was disabled",
            "outcome",
            ["accepted", "again", "given_up", "disabled"],
        ))
    }

    fn count(&self, ended: Ended) {
        if let Some(counter) = self.0.get(ended as usize) {
            counter.inc();
        }
    }
}

/// What is under way: messages and their webhooks, by the tasks that send them.
#[derive(Default)]
struct UnderWay {
    tasks: JoinSet<()>,
    messages: HashMap<task::Id, (i64, String)>,
}

impl UnderWay {
    fn of(&self, webhook: &str) -> usize {
        self.messages.values().filter(|(_, of)| of == webhook).count()
    }

    fn start(&mut self, message: i64, webhook: String, sending: impl Future<Output = ()> + Send + 'static) {
        let task = self.tasks.spawn(sending).id();
        self.messages.insert(task, (message, webhook));
    }

    /// Waits for one to end; nothing where none is under way.
    async fn ended(&mut self) -> Option<()> {
        let task = match self.tasks.join_next_with_id().await? {
            Ok((task, ())) => task,
            Err(error) => error.id(),
        };
        self.messages.remove(&task);
        Some(())
    }
}

impl Worker {
    /// A worker for these webhooks.
    ///
    /// # Errors
    /// When the system's TLS settings cannot be used.
    pub fn new(
        webhooks: Webhooks,
        catalog: Catalog,
        database: DatabaseSettings,
        cursor: WriteCursor,
        metrics: &Registry,
    ) -> Result<Self, ClientError> {
        let client = Client::new(webhooks.guard().clone(), Arc::clone(webhooks.settings()))?;
        Ok(Self {
            webhooks,
            catalog,
            client,
            database,
            cursor,
            meters: Arc::new(Meters::new(metrics)),
        })
    }

    /// Works until it is told to stop; what is under way then is brought to its end.
    pub async fn run(self, stop: CancellationToken) {
        let mut is_failing = false;
        while !stop.is_cancelled() {
            match Lease::take(&self.database, Right::Deliver).await {
                Ok(Some(lease)) => {
                    is_failing = false;
                    tracing::debug!("webhooks are served by this process");
                    self.work(lease, &stop).await;
                }
                Ok(None) => is_failing = false,
                Err(error) => {
                    if !is_failing {
                        tracing::warn!(%error, "webhooks are not served by this process for now");
                    }
                    is_failing = true;
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(self.database.poll_interval()) => {}
            }
        }
    }

    async fn work(&self, mut lease: Lease, stop: &CancellationToken) {
        let mut under_way = UnderWay::default();
        let mut is_failing = false;
        let mut pruned: Option<Instant> = None;
        let mut next_look = Instant::now();
        let mut position = self.catalog.watch();
        while !stop.is_cancelled() {
            if !lease.is_held().await {
                // Another process may have taken over: it sends again what is cut off here.
                under_way.tasks.abort_all();
                return;
            }
            let now = Instant::now();
            let mut round = Ok(());
            if pruned.is_none_or(|at| now - at >= BETWEEN_PRUNINGS) {
                round = self.prune().await;
                pruned = Some(now);
            }
            if round.is_ok() && now >= next_look {
                next_look = now + self.database.poll_interval();
                round = self.write_down().await;
            }
            if round.is_ok() {
                round = self.send_due(&mut under_way).await;
            }
            match round {
                Ok(()) => is_failing = false,
                Err(error) => {
                    if !is_failing {
                        let error: &dyn std::error::Error = &error;
                        tracing::error!(error, "webhooks cannot be served for now");
                    }
                    is_failing = true;
                    next_look = Instant::now() + self.database.poll_interval();
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                Some(()) = under_way.ended() => {}
                Ok(()) = position.changed() => next_look = Instant::now(),
                () = self.webhooks.woken() => next_look = Instant::now(),
                () = tokio::time::sleep_until(next_look) => {}
            }
        }
        while under_way.ended().await.is_some() {}
    }

    /// Writes down what the change log has for each webhook: the messages and how far it was read, or neither.
    async fn write_down(&self) -> Result<(), RoundError> {
        let snapshot = self.catalog.snapshot();
        let behind = webhook::Entity::find()
            .filter(webhook::Column::Cursor.lt(snapshot.last_change))
            .filter(webhook::Column::DisabledAt.is_null())
            .filter(has_valid_owner(Utc::now()))
            .order_by_asc(webhook::Column::Id)
            .all(self.webhooks.database())
            .await?;
        for webhook in behind {
            self.write_down_for(&webhook, &snapshot).await?;
        }
        Ok(())
    }

    async fn write_down_for(&self, webhook: &webhook::Model, snapshot: &Snapshot) -> Result<(), RoundError> {
        let filter = serde_json::from_str::<Filter>(&webhook.filter)?.into();
        let mut cursor = webhook.cursor;
        loop {
            let waiting = delivery::Entity::find()
                .filter(delivery::Column::WebhookId.eq(&webhook.id))
                .filter(delivery::Column::Status.eq(DeliveryStatus::Pending))
                .count(self.webhooks.database())
                .await?;
            if waiting >= MOST_WAITING {
                return Ok(());
            }
            let changes = self.catalog.changes(snapshot, &filter, Some(cursor), BATCH).await?;
            // Where nothing follows, the log has been looked at to its end.
            let seen = match changes.seen {
                Some(seen) if changes.has_next => seen,
                _ => snapshot.last_change,
            };
            let now = Utc::now().trunc_subsecs(3);
            let news = changes.rows.iter().filter(|change| change.is_news);
            let messages = news
                .map(|change| {
                    let (body, device) = payload::of_change(snapshot, change, (self.cursor)(change.id))?;
                    Ok(delivery::ActiveModel {
                        message: Set(message_of(&webhook.id, change.id)),
                        webhook_id: Set(webhook.id.clone()),
                        event: Set(payload::event(change.kind).to_owned()),
                        change_id: Set(Some(change.id)),
                        device: Set(Some(device)),
                        body: Set(body),
                        status: Set(DeliveryStatus::Pending),
                        created_at: Set(now),
                        attempts: Set(0),
                        next_attempt_at: Set(Some(now)),
                        ..Default::default()
                    })
                })
                .collect::<Result<Vec<_>, serde_json::Error>>()?;
            let transaction = database::begin_small_write(self.webhooks.database()).await?;
            let moved = webhook::Entity::update_many()
                .col_expr(webhook::Column::Cursor, Expr::value(seen))
                .filter(webhook::Column::Id.eq(&webhook.id))
                .filter(webhook::Column::Cursor.eq(cursor))
                .filter(webhook::Column::Filter.eq(&webhook.filter))
                .filter(webhook::Column::DisabledAt.is_null())
                .exec(&transaction)
                .await?;
            if moved.rows_affected == 0 {
                // It was changed, disabled or deleted meanwhile: it is looked at anew.
                return Ok(());
            }
            if !messages.is_empty() {
                delivery::Entity::insert_many(messages)
                    .exec_without_returning(&transaction)
                    .await?;
            }
            transaction.commit().await?;
            if !changes.has_next {
                return Ok(());
            }
            cursor = seen;
        }
    }

    /// Starts to send what is due, as far as there is room.
    async fn send_due(&self, under_way: &mut UnderWay) -> Result<(), RoundError> {
        let settings = self.webhooks.settings();
        let mut saturated: Vec<String> = Vec::new();
        loop {
            let room = settings.concurrency.get().saturating_sub(under_way.messages.len());
            if room == 0 {
                return Ok(());
            }
            let due = self.due(under_way, &saturated, room).await?;
            if due.is_empty() {
                return Ok(());
            }
            for (message, webhook) in due {
                if under_way.of(&webhook.id) >= settings.concurrency_per_webhook.get() {
                    saturated.push(webhook.id);
                    continue;
                }
                let (id, of) = (message.id, webhook.id.clone());
                let sending = attempt(
                    self.webhooks.clone(),
                    self.client.clone(),
                    message,
                    webhook,
                    self.database.poll_interval(),
                    Arc::clone(&self.meters),
                );
                under_way.start(id, of, sending);
            }
        }
    }

    /// Messages that may be sent now: of each device of a webhook the first that waits, and pings.
    async fn due(
        &self,
        under_way: &UnderWay,
        saturated: &[String],
        most: usize,
    ) -> Result<Vec<(delivery::Model, webhook::Model)>, DbErr> {
        let now = Utc::now();
        let may_go = Condition::any().add(delivery::Column::ChangeId.is_null()).add(
            Condition::all()
                .add(webhook::Column::DisabledAt.is_null())
                .add(
                    Condition::any()
                        .add(webhook::Column::HeldUntil.is_null())
                        .add(webhook::Column::HeldUntil.lte(now)),
                )
                .add(Expr::cust(IS_FIRST_OF_ITS_DEVICE)),
        );
        let rows = delivery::Entity::find()
            .find_also_related(webhook::Entity)
            .filter(delivery::Column::Status.eq(DeliveryStatus::Pending))
            .filter(delivery::Column::NextAttemptAt.lte(now))
            .filter(delivery::Column::Id.is_not_in(under_way.messages.values().map(|(message, _)| *message)))
            .filter(delivery::Column::WebhookId.is_not_in(saturated))
            .filter(has_valid_owner(now))
            .filter(may_go)
            .order_by_asc(delivery::Column::NextAttemptAt)
            .order_by_asc(delivery::Column::Id)
            .limit(most as u64)
            .all(self.webhooks.database())
            .await?;
        Ok(rows
            .into_iter()
            .filter_map(|(message, webhook)| Some((message, webhook?)))
            .collect())
    }

    /// Throws away messages that have been done for long.
    async fn prune(&self) -> Result<(), RoundError> {
        let before = Utc::now() - TimeDelta::days(self.webhooks.settings().kept_days.into());
        let transaction = database::begin_small_write(self.webhooks.database()).await?;
        delivery::Entity::delete_many()
            .filter(delivery::Column::FinishedAt.lt(before))
            .exec(&transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }
}

/// Nothing older waits of the same device at the same webhook.
const IS_FIRST_OF_ITS_DEVICE: &str = "NOT EXISTS (SELECT 1 FROM delivery AS earlier \
    WHERE earlier.webhook_id = delivery.webhook_id AND earlier.device = delivery.device \
    AND earlier.status = 'PENDING' AND earlier.change_id < delivery.change_id)";

/// Somebody may still speak for the webhook's owner.
fn has_valid_owner(now: DateTime<Utc>) -> Expr {
    let unexpired = Condition::any()
        .add(token::Column::ExpiresAt.is_null())
        .add(token::Column::ExpiresAt.gt(now));
    let tokens = token::Entity::find()
        .select_only()
        .column(token::Column::Id)
        .filter(Expr::cust("token.name = webhook.owner"))
        .filter(token::Column::RevokedAt.is_null())
        .filter(unexpired);
    Expr::exists(sea_orm::QueryTrait::into_query(tokens))
}

/// The id of the message that tells a webhook of a change: the same whoever works it out.
fn message_of(webhook: &str, change: i64) -> String {
    let digest = blake3::hash(format!("{webhook} {change}").as_bytes()).to_hex();
    format!("msg_{}", digest.chars().take(32).collect::<String>())
}

/// Sends a message once and keeps what came of it.
async fn attempt(
    webhooks: Webhooks,
    client: Client,
    message: delivery::Model,
    webhook: webhook::Model,
    pause: Duration,
    meters: Arc<Meters>,
) {
    let began_at = Utc::now();
    let went = match signed(&webhooks, &message, &webhook, began_at) {
        Ok(message) => client.send(&message).await,
        Err(error) => Attempt::failed(error.to_string()),
    };
    // What came of it has to be kept before the message is looked at again, or it would be sent again at once.
    loop {
        match record(&webhooks, message.id, &went, began_at, Utc::now()).await {
            Ok(ended) => {
                if let Some(ended) = ended {
                    meters.count(ended);
                }
                break;
            }
            Err(error) => {
                tracing::warn!(%error, webhook = webhook.id, "what came of a message cannot be kept yet");
                tokio::time::sleep(pause).await;
            }
        }
    }
    tracing::debug!(
        webhook = webhook.id,
        message = message.message,
        status = went.status,
        failure = went.failure,
        "message sent"
    );
}

fn signed(
    webhooks: &Webhooks,
    message: &delivery::Model,
    webhook: &webhook::Model,
    now: DateTime<Utc>,
) -> Result<Message, WebhookError> {
    let timestamp = now.timestamp();
    let vault = webhooks.vault();
    let mut secrets = vec![vault.open(&webhook.id, &webhook.secret)?];
    if let Some(previous) = &webhook.previous_secret
        && webhook.previous_until.is_some_and(|until| until > now)
    {
        secrets.push(vault.open(&webhook.id, previous)?);
    }
    let signatures: Vec<_> = secrets
        .iter()
        .map(|secret| secret.sign(&message.message, timestamp, &message.body))
        .collect();
    Ok(Message {
        url: webhook.url.clone(),
        id: message.message.clone(),
        signature: signatures.join(" "),
        timestamp,
        body: message.body.clone(),
    })
}

/// Keeps what came of an attempt, in one transaction for the message and its webhook.
async fn record(
    webhooks: &Webhooks,
    id: i64,
    went: &Attempt,
    began_at: DateTime<Utc>,
    ended_at: DateTime<Utc>,
) -> Result<Option<Ended>, DbErr> {
    let (began_at, now) = (began_at.trunc_subsecs(3), ended_at.trunc_subsecs(3));
    let transaction = database::begin_small_write(webhooks.database()).await?;
    let found = delivery::Entity::find_by_id(id).one(&transaction).await?;
    // It is gone when its webhook was deleted.
    let Some(message) = found.filter(|message| message.status == DeliveryStatus::Pending) else {
        return Ok(None);
    };
    let webhook = webhook::Entity::find_by_id(&message.webhook_id)
        .lock_exclusive()
        .one(&transaction)
        .await?;
    let Some(webhook) = webhook else { return Ok(None) };
    let standing = Standing {
        attempts: usize::try_from(message.attempts).unwrap_or_default() + 1,
        first_attempted_at: message.first_attempted_at.unwrap_or(began_at),
        failing_since: webhook.failing_since.unwrap_or(began_at),
        persistence: match message.change_id {
            Some(_) => Persistence::Scheduled,
            None => Persistence::Once,
        },
    };
    let verdict = backoff::judge(went, standing, webhooks.settings(), now, fastrand::f64());
    let is_ping = message.change_id.is_none();
    let is_disabled = webhook.disabled_at.is_some();
    let mut row = message.into_active_model();
    row.attempts = Set(i32::try_from(standing.attempts).unwrap_or(i32::MAX));
    row.first_attempted_at = Set(Some(standing.first_attempted_at));
    row.attempted_at = Set(Some(now));
    row.response_status = Set(went.status.map(i32::from));
    row.response_body = Set(went.status.map(|_| went.body.clone()));
    row.failure = Set(went.failure.clone());
    let mut of = webhook.into_active_model();
    if !is_ping {
        of.failing_since = Set(Some(standing.failing_since));
    }
    let ended = match &verdict {
        Verdict::Accepted => Ended::Accepted,
        Verdict::GivenUp => Ended::GivenUp,
        Verdict::Again { .. } => Ended::Again,
        Verdict::Disabled { .. } => Ended::Disabled,
    };
    match verdict {
        Verdict::Accepted => {
            row.status = Set(DeliveryStatus::Succeeded);
            of.failing_since = Set(None);
            of.held_until = Set(None);
        }
        Verdict::GivenUp => row.status = Set(DeliveryStatus::Failed),
        Verdict::Again { at, held_until } => {
            row.next_attempt_at = Set(Some(at));
            if held_until.is_some() {
                of.held_until = Set(held_until);
            }
        }
        Verdict::Disabled { reason } => {
            if is_ping {
                row.status = Set(DeliveryStatus::Failed);
            }
            if !is_disabled {
                tracing::info!(webhook = of.id.as_ref(), reason, "webhook disabled");
                of.disabled_at = Set(Some(now));
                of.disabled_reason = Set(Some(reason));
            }
        }
    }
    if row.status.is_set() && row.status.as_ref() != &DeliveryStatus::Pending {
        row.next_attempt_at = Set(None);
        row.finished_at = Set(Some(now));
    }
    row.update(&transaction).await?;
    of.update(&transaction).await?;
    transaction.commit().await?;
    Ok(Some(ended))
}
