//! The tables: they come, go and come again, and they keep their rows true.

use entity::value::{Branch, PackageType, Region};
use romdex::database::{self, Steps};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, EntityTrait, PaginatorTrait, Statement};

use crate::support::database::{TestDatabase, on_every_database};

on_every_database!(
    tables_come_go_and_come_again,
    processes_that_migrate_at_once_do_not_disturb_one_another,
    rows_that_are_true_are_taken,
    rows_that_are_not_true_are_refused,
    every_name_of_an_enum_is_taken,
    changes_and_links_go_with_what_they_are_about,
    every_value_comes_back_as_it_was,
);

/// More than there are: all of them go.
const EVERY_STEP: u32 = 100;

async fn tables_come_go_and_come_again(database: TestDatabase) {
    let connection = database.connection();
    let before = tables(connection).await;
    for table in ["device", "variant", "release", "package", "change", "revision"] {
        assert!(before.iter().any(|name| name == table), "{table} in {before:?}");
    }
    database::migrate(connection, Steps::Down(EVERY_STEP)).await.unwrap();
    assert_eq!(tables(connection).await, ["seaql_migrations"]);
    database::migrate(connection, Steps::Up).await.unwrap();
    assert_eq!(tables(connection).await, before);
    database::migrate(connection, Steps::Up).await.unwrap();
    assert_eq!(tables(connection).await, before);
}

async fn processes_that_migrate_at_once_do_not_disturb_one_another(database: TestDatabase) {
    let connection = database.connection();
    database::migrate(connection, Steps::Down(EVERY_STEP)).await.unwrap();
    let (one, two, three) = tokio::join!(
        database::migrate(connection, Steps::Up),
        database::migrate(connection, Steps::Up),
        database::migrate(connection, Steps::Up),
    );
    one.and(two).and(three).unwrap();
    let revision = entity::revision::Entity::find().one(connection).await.unwrap().unwrap();
    assert_eq!((revision.id, revision.number, revision.updated_at), (1, 0, None));
}

/// A device with everything that can hang on one.
const TRUE_ROWS: &[&str] = &[
    "INSERT INTO device VALUES (1, 'santoni')",
    "INSERT INTO variant VALUES (1, 1, 'santoni_global', 'GLOBAL', 'HM4XGlobal', '[\"Redmi 4X\"]')",
    "INSERT INTO variant VALUES (2, 1, 'santoni', 'CHINA', NULL, '[]')",
    "INSERT INTO changelog VALUES (1, '0123456789abcdef0123456789abcdef', 'Faster')",
    "INSERT INTO release VALUES (1, 1, '7.12.28', 'WEEKLY', '7.1', '2017-12-01', 1)",
    "INSERT INTO package VALUES (1, 1, 'RECOVERY', 'a.zip', NULL, '7.1', 1500000000, '0123456789abcdef0123456789abcdef', '0123456789', '2017-12-28', NULL, 3, '/miui/')",
    "INSERT INTO package VALUES (2, 1, 'INCREMENTAL', 'b.zip', '7.12.21', NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL)",
    "INSERT INTO link VALUES (1, 'http://bigota.d.miui.com/7.12.28/a.zip')",
    "INSERT INTO change VALUES (1, 1, 'DEVICE_ADDED', '2026-01-01T00:00:00+00:00', TRUE, 1, NULL, NULL)",
    "INSERT INTO change VALUES (2, 1, 'RELEASE_ADDED', '2026-01-01T00:00:00+00:00', TRUE, NULL, 1, NULL)",
    "INSERT INTO change VALUES (3, 1, 'RELEASE_PROMOTED', '2026-01-01T00:00:00+00:00', FALSE, NULL, 1, NULL)",
    "INSERT INTO change VALUES (4, 1, 'PACKAGE_ADDED', '2026-01-01T00:00:00+00:00', TRUE, NULL, NULL, 1)",
    "INSERT INTO change VALUES (5, 1, 'PACKAGE_UPDATED', '2026-01-01T00:00:00+00:00', TRUE, NULL, NULL, 1)",
    "INSERT INTO source VALUES (1, 'site', 'site.tar.gz', '2026-01-01T00:00:00+00:00', 1, 0)",
    "INSERT INTO rejection VALUES (1, 'site', 'a.md', 'b.zip', 'UNKNOWN_REGION', 'QQ is no region')",
    "INSERT INTO evidence VALUES ('a.zip', '{}')",
    "INSERT INTO reference VALUES ('santoni_global', 'Redmi 4X Global', 'HM4XGlobal')",
];

async fn rows_that_are_true_are_taken(database: TestDatabase) {
    insert_true_rows(database.connection()).await;
}

async fn rows_that_are_not_true_are_refused(database: TestDatabase) {
    let connection = database.connection();
    insert_true_rows(connection).await;
    for statement in [
        // Twice the same.
        "INSERT INTO device VALUES (2, 'santoni')",
        "INSERT INTO device VALUES (2, 'SANTONI')",
        "INSERT INTO variant VALUES (3, 1, 'santoni', 'CHINA', NULL, '[]')",
        "INSERT INTO release VALUES (2, 1, '7.12.28', 'STABLE', NULL, NULL, NULL)",
        "INSERT INTO package VALUES (3, 1, 'FASTBOOT', 'a.zip', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL)",
        "INSERT INTO link VALUES (1, 'http://bigota.d.miui.com/7.12.28/a.zip')",
        "INSERT INTO changelog VALUES (2, '0123456789abcdef0123456789abcdef', 'Slower')",
        "INSERT INTO source VALUES (2, 'site', 'site.tar.gz', '2026-01-01T00:00:00+00:00', 1, 0)",
        "INSERT INTO revision VALUES (2, 0, NULL)",
        // Of nothing.
        "INSERT INTO variant VALUES (3, 9, 'x', 'CHINA', NULL, '[]')",
        "INSERT INTO release VALUES (2, 9, '1.1.1', 'STABLE', NULL, NULL, NULL)",
        "INSERT INTO release VALUES (2, 1, '1.1.1', 'STABLE', NULL, NULL, 9)",
        "INSERT INTO package VALUES (3, 9, 'FASTBOOT', 'c', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL)",
        "INSERT INTO link VALUES (9, 'http://example.org/')",
        "INSERT INTO change VALUES (9, 1, 'DEVICE_ADDED', '2026-01-01T00:00:00+00:00', TRUE, 9, NULL, NULL)",
        "DELETE FROM device",
        "DELETE FROM variant WHERE id = 1",
        "DELETE FROM release",
        "DELETE FROM changelog",
        // No value of its column.
        "INSERT INTO device VALUES (2, '')",
        "INSERT INTO variant VALUES (3, 1, 'x', 'MARS', NULL, '[]')",
        "INSERT INTO release VALUES (2, 1, '1.1.1', 'stable', NULL, NULL, NULL)",
        "INSERT INTO release VALUES (2, 1, '1.1.1', 'STABLE', NULL, '2017-12-02', NULL)",
        "INSERT INTO package VALUES (3, 1, 'OTA', 'c', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL)",
        "INSERT INTO package VALUES (3, 1, 'FASTBOOT', 'c', '1.1.1', NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL)",
        "INSERT INTO package VALUES (3, 1, 'FASTBOOT', 'c', NULL, NULL, -1, NULL, NULL, NULL, NULL, 0, NULL)",
        "INSERT INTO package VALUES (3, 1, 'FASTBOOT', 'c', NULL, NULL, NULL, 'Unknown', NULL, NULL, NULL, 0, NULL)",
        "INSERT INTO package VALUES (3, 1, 'FASTBOOT', 'c', NULL, NULL, NULL, NULL, NULL, '2017-02-31', NULL, 0, NULL)",
        "INSERT INTO package VALUES (3, 1, 'FASTBOOT', 'c', NULL, NULL, NULL, NULL, NULL, NULL, NULL, -1, NULL)",
        "UPDATE revision SET number = -1",
        // A change of nothing, of another kind of thing, of two things, or of no kind.
        "INSERT INTO change VALUES (9, 1, 'DEVICE_ADDED', '2026-01-01T00:00:00+00:00', TRUE, NULL, NULL, NULL)",
        "INSERT INTO change VALUES (9, 1, 'DEVICE_ADDED', '2026-01-01T00:00:00+00:00', TRUE, NULL, 1, NULL)",
        "INSERT INTO change VALUES (9, 1, 'PACKAGE_ADDED', '2026-01-01T00:00:00+00:00', TRUE, 1, NULL, 1)",
        "INSERT INTO change VALUES (9, 1, 'DEVICE_LOST', '2026-01-01T00:00:00+00:00', TRUE, 1, NULL, NULL)",
        "INSERT INTO change VALUES (9, 0, 'DEVICE_ADDED', '2026-01-01T00:00:00+00:00', TRUE, 1, NULL, NULL)",
    ] {
        assert!(connection.execute_unprepared(statement).await.is_err(), "{statement}");
    }
}

async fn every_name_of_an_enum_is_taken(database: TestDatabase) {
    let connection = database.connection();
    insert_true_rows(connection).await;
    for region in Region::ALL {
        update(connection, &format!("UPDATE variant SET region = '{region}'")).await;
    }
    for branch in Branch::ALL {
        update(connection, &format!("UPDATE release SET branch = '{branch}'")).await;
    }
    for kind in PackageType::ALL {
        update(connection, &format!("UPDATE package SET type = '{kind}' WHERE id = 1")).await;
    }
}

async fn changes_and_links_go_with_what_they_are_about(database: TestDatabase) {
    let connection = database.connection();
    insert_true_rows(connection).await;
    update(connection, "DELETE FROM package").await;
    assert_eq!(entity::link::Entity::find().count(connection).await.unwrap(), 0);
    assert_eq!(entity::change::Entity::find().count(connection).await.unwrap(), 3);
    for table in ["release", "variant", "device"] {
        update(connection, &format!("DELETE FROM {table}")).await;
    }
    assert_eq!(entity::change::Entity::find().count(connection).await.unwrap(), 0);
}

async fn every_value_comes_back_as_it_was(database: TestDatabase) {
    let connection = database.connection();
    let at = "2026-08-01T12:34:56.789Z".parse().unwrap();
    let date = |text: &str| Some(text.parse().unwrap());

    macro_rules! round_trip {
        ($($module:ident $row:expr;)+) => {$({
            use sea_orm::{ActiveModelTrait, IntoActiveModel};
            let row = $row;
            entity::$module::Entity::insert(row.clone().into_active_model().reset_all())
                .exec_without_returning(connection)
                .await
                .unwrap();
            assert_eq!(entity::$module::Entity::find().all(connection).await.unwrap(), [row]);
        })+};
    }
    round_trip! {
        device entity::device::Model { id: 1, codename: "HM2014011".parse().unwrap() };
        variant entity::variant::Model {
            id: 1,
            device_id: 1,
            codename: "HM2014011_global".parse().unwrap(),
            region: Region::Global,
            rom_code: Some("H2AGlobal".to_owned()),
            names: ["Redmi 1 TD", "Redmi 1"].into_iter().collect(),
        };
        changelog entity::changelog::Model { id: 1, digest: "0".repeat(32), text: "[System]\nFaster – 快".to_owned() };
        release entity::release::Model {
            id: 1,
            variant_id: 1,
            version: "V12.5.4.0.RKHMIXM".parse().unwrap(),
            branch: Branch::StableBeta,
            android: Some("11.0".to_owned()),
            security_patch: date("2021-08-01"),
            changelog_id: Some(1),
        };
        package entity::package::Model {
            id: 1,
            release_id: 1,
            r#type: PackageType::Fastboot,
            filename: "a.tgz".to_owned(),
            base_version: None,
            android: None,
            size: Some(9_000_000_000),
            md5: Some("540efd7cf5cbd00c7b53d6fe5ad50553".parse().unwrap()),
            md5_prefix: Some("540efd7cf5".parse().unwrap()),
            released_on: date("2021-09-01"),
            built_on: None,
            mirrors: 0b11_1111,
            page: None,
        };
        link entity::link::Model { package_id: 1, url: "http://example.org/a.tgz".to_owned() };
        change entity::change::Model {
            id: 5_000_000_000,
            revision: 1,
            kind: entity::change::ChangeKind::PackageAdded,
            at,
            is_news: true,
            device_id: None,
            release_id: None,
            package_id: Some(1),
        };
        source entity::source::Model {
            id: 1,
            name: "site".to_owned(),
            location: "site.tar.gz".to_owned(),
            imported_at: at,
            package_count: 1,
            rejected_count: 0,
        };
        reference entity::reference::Model {
            codename: "alioth_global".parse().unwrap(),
            label: "POCO F3 Global".to_owned(),
            rom_code: "ALIOTHGlobal".to_owned(),
        };
        evidence entity::evidence::Model { filename: "a.tgz".to_owned(), facts: "{\"size\":1}".to_owned() };
    }
}

async fn insert_true_rows(connection: &DatabaseConnection) {
    for statement in TRUE_ROWS {
        update(connection, statement).await;
    }
}

async fn update(connection: &DatabaseConnection, statement: &str) {
    if let Err(error) = connection.execute_unprepared(statement).await {
        panic!("{statement}: {error}");
    }
}

async fn tables(connection: &DatabaseConnection) -> Vec<String> {
    let backend = connection.get_database_backend();
    let names = match backend {
        DbBackend::Sqlite => "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name",
        _ => "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename::text",
    };
    connection
        .query_all_raw(Statement::from_string(backend, names))
        .await
        .unwrap()
        .iter()
        .map(|row| row.try_get_by_index(0).unwrap())
        .collect()
}
