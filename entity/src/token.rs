//! API tokens: who may do more than read. A token itself is not stored, only a keyed hash of it.

use sea_orm::entity::prelude::*;

/// A row of `token`.
#[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "token")]
pub struct Model {
    /// Identifies it.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Whose it is: tokens of one name stand for one owner.
    pub name: String,
    /// The keyed hash of the token.
    pub digest: Vec<u8>,
    /// What it may be used for: names, separated by blanks.
    pub scopes: String,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// From when on it is worth nothing; none where it does not expire.
    pub expires_at: Option<DateTimeUtc>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTimeUtc>,
    /// When it was revoked.
    pub revoked_at: Option<DateTimeUtc>,
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("token").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Tokens refer to nothing.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
