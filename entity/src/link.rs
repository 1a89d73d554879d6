//! Addresses of packages that are not of the usual form, which [`crate::package::Model::mirrors`] holds.

use sea_orm::entity::prelude::*;

/// A row of `link`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "link")]
pub struct Model {
    /// The package that can be had there.
    #[sea_orm(primary_key, auto_increment = false)]
    pub package_id: i32,
    /// The address, as a source lists it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub url: String,
}

/// What a link refers to.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// The package that can be had there.
    #[sea_orm(
        belongs_to = "super::package::Entity",
        from = "Column::PackageId",
        to = "super::package::Column::Id"
    )]
    Package,
}

impl ActiveModelBehavior for ActiveModel {}
