//! What an import could not place, kept with its reason.

use sea_orm::entity::prelude::*;

/// A row of `rejection`. What is rejected for want of knowledge (an incremental whose release is not known yet) is tried
/// again by every import and leaves this table when it finds its place.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rejection")]
pub struct Model {
    /// Given anew by each import.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// The kind of source: `site`, `tracker`, `export`.
    pub source: String,
    /// The document inside the source, for example `pages/miui/updates/santoni/7.12.28.md`.
    pub place: String,
    /// What was rejected: a file name, a codename, or empty for the whole document.
    pub subject: String,
    /// A stable code: `UNKNOWN_REGION`, `INCREMENTAL_WITHOUT_RELEASE` …
    pub reason: String,
    /// The reason in words.
    pub detail: String,
}

/// Rejections refer to nothing.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
