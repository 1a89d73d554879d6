//! Loads a snapshot from the database: one consistent read, row by row.

use std::time::Instant;

use futures::TryStreamExt as _;
use sea_orm::{DatabaseConnection, DbErr, EntityTrait as _, PaginatorTrait as _, QueryOrder as _, QuerySelect as _};
use tokio::runtime::Handle;

use super::{
    CatalogError,
    snapshot::{Builder, Snapshot},
};
use crate::database::begin_read;

/// The stored revision; `None` where none was ever made.
pub(super) async fn revision(database: &DatabaseConnection) -> Result<Option<entity::revision::Model>, DbErr> {
    entity::revision::Entity::find_by_id(1).one(database).await
}

/// Loads the newest stored revision, on a thread of its own from the first row to the last sort: requests are answered
/// on others, and the memory that only loading needs goes back with the thread.
pub(super) async fn snapshot(database: &DatabaseConnection) -> Result<Snapshot, CatalogError> {
    let database = database.clone();
    let runtime = Handle::current();
    let loaded = tokio::task::spawn_blocking(move || runtime.block_on(load(&database))).await;
    loaded.map_err(|stopped| DbErr::Custom(stopped.to_string()))?
}

async fn load(database: &DatabaseConnection) -> Result<Snapshot, CatalogError> {
    let started = Instant::now();
    let read = begin_read(database).await?;
    let mut builder = Builder::default();
    if let Some(row) = entity::revision::Entity::find_by_id(1).one(&read).await? {
        builder.revision(&row);
    }
    let last = entity::change::Entity::find()
        .select_only()
        .column(entity::change::Column::Id)
        .order_by_desc(entity::change::Column::Id)
        .into_tuple()
        .one(&read)
        .await?;
    builder.last_change(last.unwrap_or_default());
    builder.expect(
        entity::release::Entity::find().count(&read).await?,
        entity::package::Entity::find().count(&read).await?,
    );
    let mut devices = entity::device::Entity::find().stream(&read).await?;
    while let Some(row) = devices.try_next().await? {
        builder.device(row);
    }
    drop(devices);
    let mut variants = entity::variant::Entity::find().stream(&read).await?;
    while let Some(row) = variants.try_next().await? {
        builder.variant(row);
    }
    drop(variants);
    let mut releases = entity::release::Entity::find().stream(&read).await?;
    while let Some(row) = releases.try_next().await? {
        builder.release(row)?;
    }
    drop(releases);
    let mut packages = entity::package::Entity::find().stream(&read).await?;
    while let Some(row) = packages.try_next().await? {
        builder.package(row)?;
    }
    drop(packages);
    let mut links = entity::link::Entity::find().stream(&read).await?;
    while let Some(row) = links.try_next().await? {
        builder.link(&row)?;
    }
    drop(links);
    read.commit().await?;
    let read_in = started.elapsed();
    let snapshot = builder.build()?;
    tracing::info!(
        revision = snapshot.revision,
        devices = snapshot.devices().len(),
        releases = snapshot.releases().len(),
        packages = snapshot.packages().len(),
        read_ms = read_in.as_millis(),
        total_ms = started.elapsed().as_millis(),
        "catalogue loaded"
    );
    Ok(snapshot)
}
