//! The catalogue's revision: the one row by which a reader sees that something has changed.

use sea_orm::entity::prelude::*;

/// The row of `revision`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "revision")]
pub struct Model {
    /// Always 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// Grows by one with every import that changed something; 0 while the catalogue is empty.
    pub number: i32,
    /// When it last grew.
    pub updated_at: Option<DateTimeUtc>,
}

/// The revision refers to nothing.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
