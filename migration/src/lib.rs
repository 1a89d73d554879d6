//! The database's steps, up and down. A step imports nothing of the other crates, so an old one never changes meaning.
//!
//! A step is never edited once it has been released: what it got wrong is put right by a later one.

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;

mod m20261123_000001_catalogue;
mod m20261123_000002_upstream;
mod m20261123_000003_webhooks;

/// Every step, oldest first.
#[derive(Clone, Copy, Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261123_000001_catalogue::Migration),
            Box::new(m20261123_000002_upstream::Migration),
            Box::new(m20261123_000003_webhooks::Migration),
        ]
    }
}
