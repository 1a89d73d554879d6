//! Opening databases, and taking turns at writing.

use std::{num::NonZeroU64, time::Duration};

use romdex::database::{self, Steps, watch::Watch};
use sea_orm::{ConnectionTrait, EntityTrait};
use tempfile::TempDir;

use crate::support::database::{TestDatabase, on_every_database, on_postgres, settings};

on_every_database!(
    a_writer_waits_for_the_one_before,
    a_reader_sees_one_state_throughout,
    a_database_opens_again_as_it_was,
    a_watch_never_waits_longer_than_its_interval,
);

async fn a_writer_waits_for_the_one_before(database: TestDatabase) {
    let connection = database.connection();
    let writers = (0..4).map(|_| async {
        let transaction = database::begin_write(connection).await.unwrap();
        let revision = entity::revision::Entity::find()
            .one(&transaction)
            .await
            .unwrap()
            .unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        transaction
            .execute_unprepared(&format!("UPDATE revision SET number = {}", revision.number + 1))
            .await
            .unwrap();
        transaction.commit().await.unwrap();
    });
    futures::future::join_all(writers).await;
    assert_eq!(revision(connection).await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_waits_longer_than_the_busy_timeout() {
    let folder = TempDir::new().unwrap();
    let mut settings = settings(&format!("sqlite://{}", folder.path().join("romdex.sqlite").display()));
    settings.busy_timeout_ms = 10;
    let connection = database::connect(&settings).await.unwrap();
    database::migrate(&connection, Steps::Up).await.unwrap();
    let first = database::begin_write(&connection).await.unwrap();
    let (second, ()) = tokio::join!(database::begin_write(&connection), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        first.commit().await.unwrap();
    });
    second.unwrap().commit().await.unwrap();
}

async fn a_reader_sees_one_state_throughout(database: TestDatabase) {
    let connection = database.connection();
    let reader = database::begin_read(connection).await.unwrap();
    assert_eq!(revision(&reader).await, 0);
    connection
        .execute_unprepared("UPDATE revision SET number = 1")
        .await
        .unwrap();
    assert_eq!(revision(&reader).await, 0);
    reader.commit().await.unwrap();
    assert_eq!(revision(connection).await, 1);
}

async fn a_database_opens_again_as_it_was(database: TestDatabase) {
    database
        .connection()
        .execute_unprepared("UPDATE revision SET number = 7")
        .await
        .unwrap();
    let again = database::connect(&settings(database.url())).await.unwrap();
    database::migrate(&again, Steps::Up).await.unwrap();
    assert_eq!(revision(&again).await, 7);
    again.close().await.unwrap();
}

async fn a_watch_never_waits_longer_than_its_interval(database: TestDatabase) {
    let watch = Watch::start(&settings(database.url()));
    for _ in 0..3 {
        within_a_moment(watch.wait()).await;
    }
}

#[tokio::test]
async fn a_watch_on_postgres_hears_of_a_revision_at_once() {
    on_postgres(async |database| {
        let mut settings = settings(database.url());
        settings.poll_interval_ms = NonZeroU64::MAX;
        let watch = Watch::start(&settings);
        // The listener may start after the first announcements: they go on until one is heard.
        let heard = watch.wait();
        let announcing = async {
            loop {
                let transaction = database::begin_write(database.connection()).await.unwrap();
                database::watch::announce(&transaction).await.unwrap();
                transaction.commit().await.unwrap();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        within_a_moment(async {
            tokio::select! {
                () = heard => {}
                () = announcing => {}
            }
        })
        .await;
    })
    .await;
}

async fn within_a_moment(future: impl Future<Output = ()>) {
    tokio::time::timeout(Duration::from_secs(20), future).await.unwrap();
}

#[tokio::test]
async fn a_database_that_does_not_open_is_named_without_its_password() {
    let folder = TempDir::new().unwrap();
    for (url, named) in [
        (
            "sqlite:///nowhere/romdex.sqlite".to_owned(),
            "sqlite:///nowhere/romdex.sqlite",
        ),
        // A folder is no file.
        (format!("sqlite://{}", folder.path().display()), "sqlite://"),
        (
            "postgres://u:secret@127.0.0.1:1/romdex".to_owned(),
            "postgres://u:***@127.0.0.1:1/romdex",
        ),
    ] {
        let mut settings = settings(&url);
        settings.acquire_timeout_ms = 200;
        let error = database::connect(&settings).await.unwrap_err();
        let said = format!("{error} {error:?}");
        assert!(said.contains(named), "{said}");
        assert!(!said.contains("secret"), "{said}");
    }
}

async fn revision(connection: &impl ConnectionTrait) -> i32 {
    entity::revision::Entity::find()
        .one(connection)
        .await
        .unwrap()
        .unwrap()
        .number
}
