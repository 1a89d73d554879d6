//! Releases: one version for one variant.

use sea_orm::entity::prelude::*;

use crate::value::{Branch, Version};

/// A row of `release`. The operating system, the date and the region are not stored: they follow from the version, the
/// packages and the variant.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "release")]
pub struct Model {
    /// Given once and kept.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// The variant it was made for; with the version it is unique.
    pub variant_id: i32,
    /// The version, in its canonical form.
    pub version: Version,
    /// The branch it is published on.
    pub branch: Branch,
    /// The Android version as sources write it (`7.1`, `13.0`).
    pub android: Option<String>,
    /// First day of the month whose Android security patch the changelog names.
    pub security_patch: Option<Date>,
    /// The release's own changelog; none where sources have only boilerplate.
    pub changelog_id: Option<i32>,
}

/// What a release refers to.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// The variant it was made for.
    #[sea_orm(
        belongs_to = "super::variant::Entity",
        from = "Column::VariantId",
        to = "super::variant::Column::Id"
    )]
    Variant,
    /// Its changelog.
    #[sea_orm(
        belongs_to = "super::changelog::Entity",
        from = "Column::ChangelogId",
        to = "super::changelog::Column::Id"
    )]
    Changelog,
}

impl ActiveModelBehavior for ActiveModel {}
