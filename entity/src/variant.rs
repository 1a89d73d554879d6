//! Variants: a device as built for one region and channel.

use sea_orm::entity::prelude::*;

use crate::value::{Codename, Region};

/// A row of `variant`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "variant")]
pub struct Model {
    /// Given once and kept.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// The device it is a variant of.
    pub device_id: i32,
    /// The regional codename.
    #[sea_orm(unique)]
    pub codename: Codename,
    /// The region it is built for.
    pub region: Region,
    /// What stands for it in recovery packages' names (`ALIOTHEEAGlobal`), where that is known.
    pub rom_code: Option<String>,
    /// The names under which it is sold, most usual first: a JSON array of strings.
    pub names: Json,
}

/// What a variant refers to.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// Its device.
    #[sea_orm(
        belongs_to = "super::device::Entity",
        from = "Column::DeviceId",
        to = "super::device::Column::Id"
    )]
    Device,
}

impl ActiveModelBehavior for ActiveModel {}
