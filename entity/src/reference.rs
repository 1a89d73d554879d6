//! What the tracker's list of devices has said about each regional codename, united over all imports.

use sea_orm::entity::prelude::*;

use crate::value::Codename;

/// A row of `reference`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reference")]
pub struct Model {
    /// The regional codename.
    #[sea_orm(primary_key, auto_increment = false)]
    pub codename: Codename,
    /// Name or names, and the region's word: `POCO F3 EEA`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub label: String,
    /// The ROM code: `ALIOTHEEAGlobal`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub rom_code: String,
}

/// References refer to nothing.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
