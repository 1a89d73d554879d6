//! The change log: what each import did, in a stable order. Bots follow it by its ids.

use sea_orm::entity::prelude::*;

use crate::value::named_enum;

named_enum! {
    /// What happened to the subject of a change.
    ChangeKind: "change kind" {
        /// A device was added.
        DeviceAdded = "DEVICE_ADDED",
        /// A release was added.
        ReleaseAdded = "RELEASE_ADDED",
        /// A release moved from a beta branch to a more finished one.
        ReleasePromoted = "RELEASE_PROMOTED",
        /// A package was added.
        PackageAdded = "PACKAGE_ADDED",
        /// Something about a package became known or was corrected.
        PackageUpdated = "PACKAGE_UPDATED",
    }
}

/// A row of `change`, written in the transaction of the change itself. Exactly one of the three subjects is set.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "change")]
pub struct Model {
    /// The cursor: grows without regard to time. Writers take turns, so a row never appears behind one that was already seen.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    /// The revision that the import made.
    pub revision: i32,
    /// What happened.
    pub kind: ChangeKind,
    /// When the import ran.
    pub at: DateTimeUtc,
    /// Whether it was news when it was written; the first load of an empty catalogue is history, which is read but not pushed.
    pub is_news: bool,
    /// The device, for [`ChangeKind::DeviceAdded`].
    pub device_id: Option<i32>,
    /// The release, for [`ChangeKind::ReleaseAdded`] and [`ChangeKind::ReleasePromoted`].
    pub release_id: Option<i32>,
    /// The package, for [`ChangeKind::PackageAdded`] and [`ChangeKind::PackageUpdated`].
    pub package_id: Option<i32>,
}

/// What a change refers to.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// The device that was added.
    #[sea_orm(
        belongs_to = "super::device::Entity",
        from = "Column::DeviceId",
        to = "super::device::Column::Id"
    )]
    Device,
    /// The release that was added or promoted.
    #[sea_orm(
        belongs_to = "super::release::Entity",
        from = "Column::ReleaseId",
        to = "super::release::Column::Id"
    )]
    Release,
    /// The package that was added or updated.
    #[sea_orm(
        belongs_to = "super::package::Entity",
        from = "Column::PackageId",
        to = "super::package::Column::Id"
    )]
    Package,
}

impl ActiveModelBehavior for ActiveModel {}
