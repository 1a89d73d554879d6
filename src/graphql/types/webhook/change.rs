//! What mutations of webhooks take and answer.

use async_graphql::{ID, InputObject, SimpleObject};

use super::{Webhook, WebhookDelivery};
use crate::graphql::types::{ChangeFilter, Url};

/// A webhook to be made.
#[derive(InputObject)]
pub struct CreateWebhookInput {
    /// Where messages are sent: an https address that is public on the internet, of at most 2,048 bytes, without user, password and
    /// fragment, on one of the ports that `ServiceConfig.webhooks` names.
    pub(crate) url: Url,
    /// Which changes are sent; all where left out.
    pub(crate) filter: Option<ChangeFilter>,
    /// What you say of it, at most 200 characters.
    pub(crate) description: Option<String>,
    /// A cursor of `Query.changes` behind which to begin; where left out, only what comes from now on is sent. The first load of an
    /// empty catalogue is never sent.
    pub(crate) after: Option<String>,
}

/// What is to be changed of a webhook; what is left out stays.
#[derive(InputObject)]
pub struct UpdateWebhookInput {
    /// The webhook.
    pub(crate) id: ID,
    /// Where messages are sent from now on, also those that wait already.
    pub(crate) url: Option<Url>,
    /// Which changes are sent, of those that no message was made of yet; `{}` is all.
    pub(crate) filter: Option<ChangeFilter>,
    /// What you say of it, at most 200 characters.
    pub(crate) description: Option<String>,
    /// `false` has messages wait; `true` has them sent: those that wait at once and on a new schedule, and then what has come since.
    pub(crate) enabled: Option<bool>,
}

/// A webhook to get a new secret.
#[derive(InputObject)]
pub struct RotateWebhookSecretInput {
    /// The webhook.
    pub(crate) id: ID,
    /// For how many seconds the old secret signs as well, 0 to 604,800 (a week); by `ServiceConfig.webhooks` where left out. Give 0
    /// where the old one got into wrong hands.
    pub(crate) previous_valid_seconds: Option<i32>,
}

/// A webhook to be removed.
#[derive(InputObject)]
pub struct DeleteWebhookInput {
    /// The webhook.
    pub(crate) id: ID,
}

/// A webhook to be tried out.
#[derive(InputObject)]
pub struct PingWebhookInput {
    /// The webhook.
    pub(crate) id: ID,
}

/// A message to be sent again.
#[derive(InputObject)]
pub struct RedeliverInput {
    /// The delivery.
    pub(crate) id: ID,
}

/// A webhook with its new secret.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct CreateWebhookPayload {
    /// The webhook that was made.
    pub(crate) webhook: Webhook,
    /// What its messages are signed with: `whsec_` and 32 bytes in Base64. It is shown this once and cannot be asked for again.
    pub(crate) secret: String,
}

/// A webhook as it was changed.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct UpdateWebhookPayload {
    /// The webhook.
    pub(crate) webhook: Webhook,
}

/// A webhook with its new secret.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct RotateWebhookSecretPayload {
    /// The webhook.
    pub(crate) webhook: Webhook,
    /// What its messages are signed with from now on; while the old secret is valid, they have two signatures. It is shown this once.
    pub(crate) secret: String,
}

/// What was removed.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct DeleteWebhookPayload {
    /// The id of the webhook that is no more.
    pub(crate) deleted_id: ID,
}

/// A message that tries out a webhook.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct PingWebhookPayload {
    /// The webhook.
    pub(crate) webhook: Webhook,
    /// The message; `Webhook.deliveries` tells how it fared.
    pub(crate) delivery: WebhookDelivery,
}

/// A message that is sent again.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct RedeliverPayload {
    /// The message, under the id that it had.
    pub(crate) delivery: WebhookDelivery,
}
