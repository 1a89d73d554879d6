//! Webhooks and what is sent to them.

mod change;

use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use entity::{delivery, webhook};

use super::{Branch, ChangeKind, DateTime, OperatingSystem, PackageType, Region, Url, facet::int};
use crate::{
    graphql::{
        connection::{PageArguments, PageInfo},
        context::ContextExt as _,
        cursor,
        error::{ApiError, ApiResult},
        object::record,
    },
    webhook::{filter::Filter, settings::Settings, store::Deliveries},
};

pub use change::{
    CreateWebhookInput, CreateWebhookPayload, DeleteWebhookInput, DeleteWebhookPayload, PingWebhookInput,
    PingWebhookPayload, RedeliverInput, RedeliverPayload, RotateWebhookSecretInput, RotateWebhookSecretPayload,
    UpdateWebhookInput, UpdateWebhookPayload,
};

/// Where a delivery stands.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(name = "WebhookDeliveryStatus", remote = "delivery::DeliveryStatus")]
pub enum WebhookDeliveryStatus {
    /// It is to be sent, for the first time or again.
    Pending,
    /// The receiver accepted it: it answered with a status from 200 to 299.
    Succeeded,
    /// It was given up. `redeliver` sends it again.
    Failed,
}

/// An address to which changes of the catalogue are sent as signed messages, by the rules of Standard Webhooks.
#[derive(Clone)]
pub struct Webhook {
    row: webhook::Model,
}

impl Webhook {
    pub(crate) const fn new(row: webhook::Model) -> Self {
        Self { row }
    }

    pub(super) fn id_text(&self) -> &str {
        &self.row.id
    }
}

/// An address to which changes of the catalogue are sent as signed messages, by the rules of Standard Webhooks.
#[Object(serial)]
impl Webhook {
    /// Identifies the webhook. Opaque: do not take it apart.
    async fn id(&self) -> ID {
        self.row.id.as_str().into()
    }

    /// Where messages are sent.
    async fn url(&self) -> Url {
        Url(self.row.url.clone())
    }

    /// What its owner says of it.
    async fn description(&self) -> &str {
        &self.row.description
    }

    /// Which changes are sent.
    async fn filter(&self) -> ApiResult<WebhookFilter> {
        let filter: Filter = serde_json::from_str(&self.row.filter).map_err(ApiError::internal)?;
        Ok(filter.into())
    }

    /// Whether messages are sent. Those of a disabled webhook wait until it is enabled again.
    async fn enabled(&self) -> bool {
        self.row.disabled_at.is_none()
    }

    /// Since when it is disabled; null while it is enabled.
    async fn disabled_at(&self) -> Option<DateTime> {
        self.row.disabled_at.map(DateTime)
    }

    /// Why it is disabled; null while it is enabled.
    async fn disabled_reason(&self) -> Option<&str> {
        self.row.disabled_reason.as_deref()
    }

    /// Since when its receiver has accepted nothing; null where the last message was accepted.
    async fn failing_since(&self) -> Option<DateTime> {
        self.row.failing_since.map(DateTime)
    }

    /// Until when nothing is sent because its receiver asked for a pause (`Retry-After`).
    async fn held_until(&self) -> Option<DateTime> {
        self.row.held_until.map(DateTime)
    }

    /// Until when the secret before the last rotation signs as well; null where it does not.
    async fn previous_secret_valid_until(&self) -> Option<DateTime> {
        self.row.previous_until.map(DateTime)
    }

    /// How far the change log has been looked at for it: a cursor of `Query.changes`.
    async fn cursor(&self) -> String {
        cursor::of_change(self.row.cursor)
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.row.created_at)
    }

    /// When its owner last changed it.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.row.updated_at)
    }

    /// What was sent to it and what waits, newest first. Deliveries that are done are thrown away after some days
    /// (`ServiceConfig.webhooks`).
    async fn deliveries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only deliveries that stand like this.")] status: Option<WebhookDeliveryStatus>,
        #[graphql(desc = "So many from the start, or behind `after`; 0 to 100, 20 where left out.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
    ) -> ApiResult<WebhookDeliveryConnection> {
        let window = PageArguments {
            first,
            after,
            ..PageArguments::default()
        }
        .window(ctx.limits()?, cursor::delivery)?;
        let (webhooks, _) = ctx.webhooks()?;
        let page = webhooks
            .deliveries(&self.row.id, status.map(Into::into), window.after, window.take.count())
            .await
            .map_err(ApiError::internal)?;
        Ok(WebhookDeliveryConnection {
            page,
            is_continued: window.after.is_some(),
        })
    }
}

/// Which changes a webhook is sent. A member that is null narrows nothing; a list means "any of these".
#[derive(SimpleObject, Clone, Debug)]
#[graphql(serial)]
pub struct WebhookFilter {
    /// Kinds of changes.
    kind: Option<Vec<ChangeKind>>,
    /// Codenames, base or regional, as in `PackageFilter.device`.
    device: Option<Vec<String>>,
    /// Operating systems.
    os: Option<Vec<OperatingSystem>>,
    /// Branches.
    branch: Option<Vec<Branch>>,
    /// Regions.
    region: Option<Vec<Region>>,
    /// Package types.
    r#type: Option<Vec<PackageType>>,
}

/// The values of a list that may be left out, as another layer has them.
pub(super) fn all<T, U: From<T>>(values: Option<Vec<T>>) -> Option<Vec<U>> {
    values.map(|values| values.into_iter().map(U::from).collect())
}

impl From<Filter> for WebhookFilter {
    fn from(filter: Filter) -> Self {
        Self {
            kind: all(filter.kind),
            device: filter.device,
            os: all(filter.os),
            branch: all(filter.branch),
            region: all(filter.region),
            r#type: all(filter.r#type),
        }
    }
}

/// A page of webhooks.
pub struct WebhookConnection {
    rows: Vec<webhook::Model>,
    is_continued: bool,
    has_next: bool,
    total: usize,
}

impl WebhookConnection {
    /// The page of so many behind a webhook, of all that an owner has.
    pub(crate) fn new(all: Vec<webhook::Model>, after: Option<&str>, most: usize) -> Self {
        let total = all.len();
        let start = after.map_or(0, |after| {
            all.iter().position(|row| row.id == after).map_or(total, |at| at + 1)
        });
        Self {
            rows: all.into_iter().skip(start).take(most).collect(),
            is_continued: start > 0,
            has_next: start.saturating_add(most) < total,
            total,
        }
    }

    fn cursor(row: Option<&webhook::Model>) -> Option<String> {
        row.map(|row| cursor::of_webhook(&row.id))
    }
}

/// A page of webhooks.
#[Object(serial)]
impl WebhookConnection {
    /// The webhooks of this page, each with its cursor.
    async fn edges(&self) -> Vec<WebhookEdge> {
        let node = |row: &webhook::Model| WebhookEdge {
            node: Webhook::new(row.clone()),
        };
        self.rows.iter().map(node).collect()
    }

    /// The webhooks of this page.
    async fn nodes(&self) -> Vec<Webhook> {
        self.rows.iter().cloned().map(Webhook::new).collect()
    }

    /// Where this page lies in the list.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_next_page: self.has_next,
            has_previous_page: self.is_continued,
            start_cursor: Self::cursor(self.rows.first()),
            end_cursor: Self::cursor(self.rows.last()),
        }
    }

    /// How many webhooks there are over all pages.
    async fn total_count(&self) -> i32 {
        int(self.total)
    }
}

/// One of the webhooks of a page.
pub struct WebhookEdge {
    node: Webhook,
}

/// One of the webhooks of a page.
#[Object(serial)]
impl WebhookEdge {
    /// Its place in the list: give it as `after` to page on from here.
    async fn cursor(&self) -> String {
        cursor::of_webhook(self.node.id_text())
    }

    /// The webhook.
    async fn node(&self) -> &Webhook {
        &self.node
    }
}

/// A message to a webhook, with how it fared.
#[derive(Clone)]
pub struct WebhookDelivery {
    row: delivery::Model,
}

impl WebhookDelivery {
    pub(crate) const fn new(row: delivery::Model) -> Self {
        Self { row }
    }
}

/// A message to a webhook, with how it fared.
#[Object(serial)]
impl WebhookDelivery {
    /// The message's id, as sent in the header `webhook-id`: the same at every attempt.
    async fn id(&self) -> ID {
        self.row.message.as_str().into()
    }

    /// What it tells of, as the member `type` of the message: `release.added`, `package.added`, `ping` and so on.
    async fn event(&self) -> &str {
        &self.row.event
    }

    /// Where it stands.
    async fn status(&self) -> WebhookDeliveryStatus {
        self.row.status.into()
    }

    /// The base codename of the device it is about; null for a ping.
    async fn device(&self) -> Option<&str> {
        self.row.device.as_deref()
    }

    /// The change's place in the change log, a cursor of `Query.changes`; null for a ping.
    async fn cursor(&self) -> Option<String> {
        self.row.change_id.map(cursor::of_change)
    }

    /// The message's body as it is sent: JSON.
    async fn payload(&self) -> &str {
        &self.row.body
    }

    /// When the message was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.row.created_at)
    }

    /// How often it was sent since it was made, redelivered, or its webhook was enabled again.
    async fn attempts(&self) -> i32 {
        self.row.attempts
    }

    /// When the last attempt ended.
    async fn attempted_at(&self) -> Option<DateTime> {
        self.row.attempted_at.map(DateTime)
    }

    /// Before when it is not sent again; null where it is done.
    async fn next_attempt_at(&self) -> Option<DateTime> {
        self.row.next_attempt_at.map(DateTime)
    }

    /// When it was accepted or given up.
    async fn finished_at(&self) -> Option<DateTime> {
        self.row.finished_at.map(DateTime)
    }

    /// The HTTP status of the last answer; null where there was none.
    async fn response_status(&self) -> Option<i32> {
        self.row.response_status
    }

    /// The beginning of the last answer, at most 1,024 bytes; null where there was none.
    async fn response_body(&self) -> Option<&str> {
        self.row.response_body.as_deref()
    }

    /// Why the last attempt failed; null where it did not.
    async fn failure(&self) -> Option<&str> {
        self.row.failure.as_deref()
    }
}

/// A page of deliveries.
pub struct WebhookDeliveryConnection {
    page: Deliveries,
    is_continued: bool,
}

/// A page of deliveries.
#[Object(serial)]
impl WebhookDeliveryConnection {
    /// The deliveries of this page, each with its cursor.
    async fn edges(&self) -> Vec<WebhookDeliveryEdge> {
        let node = |row: &delivery::Model| WebhookDeliveryEdge {
            node: WebhookDelivery::new(row.clone()),
        };
        self.page.rows.iter().map(node).collect()
    }

    /// The deliveries of this page.
    async fn nodes(&self) -> Vec<WebhookDelivery> {
        self.page.rows.iter().cloned().map(WebhookDelivery::new).collect()
    }

    /// Where this page lies in the list.
    async fn page_info(&self) -> PageInfo {
        let cursor = |row: Option<&delivery::Model>| row.map(|row| cursor::of_delivery(row.id));
        PageInfo {
            has_next_page: self.page.has_next,
            has_previous_page: self.is_continued,
            start_cursor: cursor(self.page.rows.first()),
            end_cursor: cursor(self.page.rows.last()),
        }
    }
}

/// One of the deliveries of a page.
pub struct WebhookDeliveryEdge {
    node: WebhookDelivery,
}

/// One of the deliveries of a page.
#[Object(serial)]
impl WebhookDeliveryEdge {
    /// Its place in the list: give it as `after` to page on from here.
    async fn cursor(&self) -> String {
        cursor::of_delivery(self.node.row.id)
    }

    /// The delivery.
    async fn node(&self) -> &WebhookDelivery {
        &self.node
    }
}

record! {
    /// How webhooks are served.
    #[derive(Clone, Debug)]
    pub struct WebhookConfig as "WebhookConfig" {
        /// How many webhooks an owner may have. Tokens of one name have one owner.
        max_per_owner: i32,
        /// The longest address, in bytes.
        max_url_bytes: i32,
        /// Ports that may be reached; an empty list means every port.
        allowed_ports: Vec<i32>,
        /// How many milliseconds a receiver may take to answer.
        timeout_ms: i32,
        /// How many messages are under way to one receiver at once. Those about one device always come one after the other.
        concurrency: i32,
        /// The pauses in seconds after the first failure of a message, the second, and so on, each up to a tenth shorter or longer. After
        /// the last the message is given up, and the webhook is disabled where nothing else was accepted meanwhile.
        retry_schedule_seconds: Vec<i32>,
        /// The longest pause in seconds that a receiver can ask for with `Retry-After`.
        longest_retry_after_seconds: i32,
        /// For how many seconds the old secret signs as well after a rotation, unless it is said otherwise.
        rotation_seconds: i32,
        /// For how many days deliveries are kept that are done.
        kept_days: i32,
    }
}

impl From<&Settings> for WebhookConfig {
    fn from(settings: &Settings) -> Self {
        let whole = |number: u32| int(number as usize);
        Self {
            max_per_owner: whole(settings.max_per_owner.get()),
            max_url_bytes: int(crate::webhook::guard::LONGEST_URL),
            allowed_ports: settings.allowed_ports.iter().copied().map(Into::into).collect(),
            timeout_ms: i32::try_from(settings.timeout_ms).unwrap_or(i32::MAX),
            concurrency: int(settings.concurrency_per_webhook.get()),
            retry_schedule_seconds: settings.retry_schedule_seconds.iter().copied().map(whole).collect(),
            longest_retry_after_seconds: whole(settings.longest_retry_after_seconds),
            rotation_seconds: whole(settings.rotation_seconds),
            kept_days: whole(settings.kept_days),
        }
    }
}
