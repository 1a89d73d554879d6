//! What sources have said about each file, united over all imports.
//!
//! The catalogue is worked out from these rows and [`crate::reference`] alone, so the order of imports does not matter.

use sea_orm::entity::prelude::*;

/// A row of `evidence`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "evidence")]
pub struct Model {
    /// The file that is spoken of.
    #[sea_orm(primary_key, auto_increment = false)]
    pub filename: String,
    /// What has been said: a JSON object whose shape belongs to the importer.
    pub facts: String,
}

/// Evidence refers to nothing: it is there before what follows from it.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
