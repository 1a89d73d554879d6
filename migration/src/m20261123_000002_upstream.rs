//! What is known of fetching the configured sources.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

/// Creates the table, and drops it.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let (text, instant, table) = match manager.get_database_backend() {
            DbBackend::Postgres => (r#"TEXT COLLATE "C""#, "TIMESTAMPTZ", ""),
            _ => ("TEXT", "TEXT", "STRICT, WITHOUT ROWID"),
        };
        let statement = format!(
            r"
CREATE TABLE upstream (
    location {text} PRIMARY KEY CHECK (location <> ''),
    etag {text},
    last_modified {text},
    attempted_at {instant} NOT NULL,
    succeeded_at {instant},
    failures INTEGER NOT NULL CHECK (failures >= 0),
    failure {text},
    next_attempt_at {instant} NOT NULL,
    CHECK ((failures = 0) = (failure IS NULL))
) {table};
"
        );
        manager.get_connection().execute_unprepared(&statement).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("upstream").to_owned()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
