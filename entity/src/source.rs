//! Where the catalogue's data came from.

use sea_orm::entity::prelude::*;

/// A row of `source`: one place from which data was imported, with what its last import gave.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "source")]
pub struct Model {
    /// Given once and kept.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// What kind of source it is: `site`, `tracker`, `export` or `starter`.
    pub name: String,
    /// The address or file name it was read from; with the name it is unique. Never a path of the machine.
    pub location: String,
    /// When it was last imported.
    pub imported_at: DateTimeUtc,
    /// How many packages its last import named.
    pub package_count: i32,
    /// How many records its last import could not place.
    pub rejected_count: i32,
}

/// Sources refer to nothing.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
