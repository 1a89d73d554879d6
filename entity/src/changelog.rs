//! Changelog texts, each stored once: many releases share one.

use sea_orm::entity::prelude::*;

/// A row of `changelog`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "changelog")]
pub struct Model {
    /// Given once and kept.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// BLAKE3 of the text, 32 hex digits: what makes it unique.
    #[sea_orm(unique)]
    pub digest: String,
    /// The text, one entry or `[section]` a line.
    pub text: String,
}

/// Changelogs refer to nothing.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
