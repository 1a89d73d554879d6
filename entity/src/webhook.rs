//! Webhooks: the addresses to which changes are sent.

use sea_orm::entity::prelude::*;

/// A row of `webhook`.
#[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook")]
pub struct Model {
    /// Identifies it; made by chance.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Whose it is: the name of tokens.
    pub owner: String,
    /// Where it is sent to.
    pub url: String,
    /// What its owner says of it.
    pub description: String,
    /// Which changes are sent, in JSON.
    pub filter: String,
    /// What signs messages, encrypted.
    pub secret: Vec<u8>,
    /// What signed them before the last rotation, encrypted.
    pub previous_secret: Option<Vec<u8>>,
    /// Until when that signs as well.
    pub previous_until: Option<DateTimeUtc>,
    /// The last row of the change log that was looked at for it.
    pub cursor: i64,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When its owner last changed it.
    pub updated_at: DateTimeUtc,
    /// Since when nothing has been accepted there; none after a success.
    pub failing_since: Option<DateTimeUtc>,
    /// Nothing is sent before then: the receiver asked for it.
    pub held_until: Option<DateTimeUtc>,
    /// Since when nothing is sent at all.
    pub disabled_at: Option<DateTimeUtc>,
    /// Why.
    pub disabled_reason: Option<String>,
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("webhook").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What refers to a webhook.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// What is or was sent to it.
    #[sea_orm(has_many = "super::delivery::Entity")]
    Delivery,
}

impl Related<super::delivery::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Delivery.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
