//! The root fields of mutations: read arguments, have it done for the token's owner, wrap.
//!
//! async-graphql runs them one after the other, in the order of the document, as the specification wants.

use async_graphql::{Context, Object};
use chrono::Utc;

use super::{
    context::ContextExt as _,
    cursor,
    error::{ApiError, ApiResult},
    types::{
        CreateWebhookInput, CreateWebhookPayload, DeleteWebhookInput, DeleteWebhookPayload, PingWebhookInput,
        PingWebhookPayload, RedeliverInput, RedeliverPayload, RotateWebhookSecretInput, RotateWebhookSecretPayload,
        UpdateWebhookInput, UpdateWebhookPayload, Webhook, WebhookDelivery,
    },
};
use crate::webhook::store::{New, Switch, Update, WebhookError, WithSecret};

/// What can be changed. Every field needs an API token; the fields of one operation are run one after the other, and where one
/// fails it is null, says so in `errors`, and the others stand.
pub struct Mutation;

/// What can be changed. Every field needs an API token; the fields of one operation are run one after the other, and where one
/// fails it is null, says so in `errors`, and the others stand.
#[Object(serial)]
impl Mutation {
    /// Registers an address to which changes are sent, for the owner of the token.
    async fn create_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The webhook to be made.")] input: CreateWebhookInput,
    ) -> ApiResult<Option<CreateWebhookPayload>> {
        let (webhooks, owner) = ctx.webhooks()?;
        let after = input
            .after
            .map(|after| {
                cursor::change(&after)
                    .ok_or_else(|| ApiError::bad_input("input.after", "not a cursor of the change log"))
            })
            .transpose()?;
        let new = New {
            url: input.url.0,
            description: input.description.unwrap_or_default(),
            filter: input.filter.unwrap_or_default().into(),
            after,
        };
        let WithSecret { webhook, secret } = webhooks.create(owner, new, Utc::now()).await.map_err(refused)?;
        Ok(Some(CreateWebhookPayload {
            webhook: Webhook::new(webhook),
            secret: secret.text(),
        }))
    }

    /// Changes a webhook, or enables it again after it was disabled.
    async fn update_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The webhook, and what is to be changed of it.")] input: UpdateWebhookInput,
    ) -> ApiResult<Option<UpdateWebhookPayload>> {
        let (webhooks, owner) = ctx.webhooks()?;
        let update = Update {
            url: input.url.map(|url| url.0),
            description: input.description,
            filter: input.filter.map(Into::into),
            switch: input
                .enabled
                .map(|enabled| if enabled { Switch::On } else { Switch::Off }),
        };
        let webhook = webhooks
            .update(owner, &input.id, update, Utc::now())
            .await
            .map_err(refused)?;
        Ok(Some(UpdateWebhookPayload {
            webhook: Webhook::new(webhook),
        }))
    }

    /// Gives a webhook a new secret; for a while messages are signed with both.
    async fn rotate_webhook_secret(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The webhook, and for how long its old secret is valid.")] input: RotateWebhookSecretInput,
    ) -> ApiResult<Option<RotateWebhookSecretPayload>> {
        let (webhooks, owner) = ctx.webhooks()?;
        let rotated = webhooks
            .rotate(owner, &input.id, input.previous_valid_seconds, Utc::now())
            .await;
        let WithSecret { webhook, secret } = rotated.map_err(refused)?;
        Ok(Some(RotateWebhookSecretPayload {
            webhook: Webhook::new(webhook),
            secret: secret.text(),
        }))
    }

    /// Removes a webhook with all that was or is to be sent to it.
    async fn delete_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The webhook to be removed.")] input: DeleteWebhookInput,
    ) -> ApiResult<Option<DeleteWebhookPayload>> {
        let (webhooks, owner) = ctx.webhooks()?;
        webhooks.delete(owner, &input.id).await.map_err(refused)?;
        Ok(Some(DeleteWebhookPayload { deleted_id: input.id }))
    }

    /// Sends a message of the type `ping`, to try out whether a receiver is there and checks signatures. It is sent once, soon, and
    /// also while the webhook is disabled; `Webhook.deliveries` tells how it fared.
    async fn ping_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The webhook to be tried out.")] input: PingWebhookInput,
    ) -> ApiResult<Option<PingWebhookPayload>> {
        let (webhooks, owner) = ctx.webhooks()?;
        let delivery = webhooks.ping(owner, &input.id, Utc::now()).await.map_err(refused)?;
        let webhook = webhooks.webhook_of(&delivery).await.map_err(refused)?;
        Ok(Some(PingWebhookPayload {
            webhook: Webhook::new(webhook),
            delivery: WebhookDelivery::new(delivery),
        }))
    }

    /// Sends a message again, under the same id and with the same body: at once, and on a new schedule.
    async fn redeliver(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The delivery to be sent again.")] input: RedeliverInput,
    ) -> ApiResult<Option<RedeliverPayload>> {
        let (webhooks, owner) = ctx.webhooks()?;
        let delivery = webhooks
            .redeliver(owner, &input.id, Utc::now())
            .await
            .map_err(refused)?;
        Ok(Some(RedeliverPayload {
            delivery: WebhookDelivery::new(delivery),
        }))
    }
}

/// What a caller is told of what was not done.
fn refused(error: WebhookError) -> ApiError {
    let argument = match &error {
        WebhookError::Url(_) => "input.url",
        WebhookError::Description(_) => "input.description",
        WebhookError::Rotation(_) => "input.previousValidSeconds",
        WebhookError::TooMany(_) => "input",
        WebhookError::Unknown | WebhookError::UnknownDelivery | WebhookError::TooManyPings => "input.id",
        WebhookError::Database(_) | WebhookError::Random(_) | WebhookError::Unreadable(_) | WebhookError::Broken(_) => {
            return ApiError::internal(error);
        }
    };
    ApiError::bad_input(argument, error.to_string())
}
