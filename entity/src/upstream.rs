//! How fetching each configured source goes: what to ask with next time, and when it last succeeded or why it did not.

use sea_orm::entity::prelude::*;

/// A row of `upstream`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "upstream")]
pub struct Model {
    /// The source's address, without user, password and query.
    #[sea_orm(primary_key, auto_increment = false)]
    pub location: String,
    /// The `ETag` of what was last taken in.
    pub etag: Option<String>,
    /// The `Last-Modified` of what was last taken in.
    pub last_modified: Option<String>,
    /// When it was last asked for.
    pub attempted_at: DateTimeUtc,
    /// When it was last had, new or unchanged.
    pub succeeded_at: Option<DateTimeUtc>,
    /// How often it has failed since.
    pub failures: i32,
    /// Why it last failed; none after a success.
    pub failure: Option<String>,
    /// Not to be asked for before then.
    pub next_attempt_at: DateTimeUtc,
}

/// Upstreams refer to nothing.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
