//! Devices: product lines, each under one base codename.

use sea_orm::entity::prelude::*;

use crate::value::Codename;

/// A row of `device`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "device")]
pub struct Model {
    /// Given once and kept.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// The base codename, unique also when letter case is ignored.
    #[sea_orm(unique)]
    pub codename: Codename,
}

/// Devices refer to nothing; what belongs to them refers to them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
