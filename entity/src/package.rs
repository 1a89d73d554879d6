//! Packages: one file each.

use sea_orm::entity::prelude::*;

use crate::value::{Md5, Md5Prefix, PackageType, Version};

/// A row of `package`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "package")]
pub struct Model {
    /// Given once and kept.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// The release it belongs to.
    pub release_id: i32,
    /// What it is for.
    pub r#type: PackageType,
    /// The file's name: the package's identity.
    #[sea_orm(unique)]
    pub filename: String,
    /// The version that an incremental updates from; none for every other type.
    pub base_version: Option<Version>,
    /// The Android version that the name or a source tells.
    pub android: Option<String>,
    /// Bytes, where a source published a size.
    pub size: Option<i64>,
    /// The digest of the whole file.
    pub md5: Option<Md5>,
    /// The first ten hex digits that the file's name carries: of its own MD5, or, for firmware, of the ROM it was taken from.
    pub md5_prefix: Option<Md5Prefix>,
    /// The date a source published it under.
    pub released_on: Option<Date>,
    /// The date stamped into the file's name.
    pub built_on: Option<Date>,
    /// Hosts that offer it under the usual address, as [`crate::value::Mirrors`] bits.
    pub mirrors: i32,
    /// The path of the source's page about it (`/miui/santoni/weekly/7.12.28/`).
    pub page: Option<String>,
}

/// What a package refers to.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// The release it belongs to.
    #[sea_orm(
        belongs_to = "super::release::Entity",
        from = "Column::ReleaseId",
        to = "super::release::Column::Id"
    )]
    Release,
}

impl ActiveModelBehavior for ActiveModel {}
