//! Deliveries: messages to webhooks, waiting, accepted or given up.

use sea_orm::entity::prelude::*;

use crate::value::named_enum;

named_enum! {
    /// Where a delivery stands.
    DeliveryStatus: "delivery status" {
        /// It is to be sent, for the first time or again.
        Pending = "PENDING",
        /// The receiver accepted it.
        Succeeded = "SUCCEEDED",
        /// It was given up.
        Failed = "FAILED",
    }
}

/// A row of `delivery`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "delivery")]
pub struct Model {
    /// The order in which messages were made.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The message's own id, the same at every attempt.
    pub message: String,
    /// The webhook.
    pub webhook_id: String,
    /// What kind of event it tells of.
    pub event: String,
    /// The row of the change log; none for a ping.
    pub change_id: Option<i64>,
    /// The base codename of the device; messages about one device keep their order.
    pub device: Option<String>,
    /// The message, in JSON, the same at every attempt.
    pub body: String,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// When the message was made.
    pub created_at: DateTimeUtc,
    /// How often it was sent since it was made, redelivered, or the webhook was enabled again.
    pub attempts: i32,
    /// When the first of these attempts was.
    pub first_attempted_at: Option<DateTimeUtc>,
    /// When it was last sent.
    pub attempted_at: Option<DateTimeUtc>,
    /// Not to be sent before then; none when it is done.
    pub next_attempt_at: Option<DateTimeUtc>,
    /// When it was accepted or given up.
    pub finished_at: Option<DateTimeUtc>,
    /// The HTTP status of the last answer.
    pub response_status: Option<i32>,
    /// The beginning of the last answer.
    pub response_body: Option<String>,
    /// Why the last attempt failed.
    pub failure: Option<String>,
}

/// What a delivery refers to.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// The webhook.
    #[sea_orm(
        belongs_to = "super::webhook::Entity",
        from = "Column::WebhookId",
        to = "super::webhook::Column::Id"
    )]
    Webhook,
}

impl Related<super::webhook::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Webhook.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
