//! The page that the project started from.

use entity::change;
use romdex::import::Writing;
use sea_orm::EntityTrait;
use tempfile::TempDir;

use super::{catalogue, change_kinds, import, places, try_import};
use crate::support::{
    database::{TestDatabase, on_every_database},
    site::{CARD, Card, page, tree},
};

on_every_database!(
    the_seed_page_becomes_two_releases_of_two_packages,
    importing_the_same_source_twice_changes_nothing,
    a_dry_run_writes_nothing,
    an_update_promotes_a_beta_keeps_ids_and_unites_links,
    the_first_load_is_history_and_later_ones_are_news,
);

/// Redmi 4X, weekly 7.12.28: Global and China, a Recovery and a Fastboot package each.
pub fn seed_page() -> String {
    let china = Card {
        label: "Redmi 4X China",
        ..CARD
    };
    let fastboot = Card {
        method: "Fastboot",
        ..CARD
    };
    page(
        "miui",
        "santoni",
        "7.12.28",
        &[
            Card {
                md5: "540efd7cf5cbd00c7b53d6fe5ad50553",
                changelog: "[Lockscreen]\nOptimization - a second question before demo mode",
                ..CARD
            },
            Card {
                size: "1.8 GB",
                filename: "santoni_global_images_7.12.28_20171228.0000.00_7.1_global_8f4f84af64.tgz",
                ..fastboot.clone()
            },
            Card {
                size: "2.2 GB",
                filename: "santoni_images_7.12.28_20171228.0000.00_7.1_cn_15d35537f5.tgz",
                label: "Redmi 4X China",
                ..fastboot
            },
            Card {
                size: "1.5 GB",
                date: "2017-12-27",
                filename: "miui_HM4X_7.12.28_a6ea940d97_7.1.zip",
                md5: "a6ea940d9776f09534611514c933507c",
                ..china
            },
        ],
    )
}

async fn the_seed_page_becomes_two_releases_of_two_packages(database: TestDatabase) {
    let folder = TempDir::new().unwrap();
    tree(
        folder.path(),
        &[("pages/miui/updates/santoni/7.12.28.md", &seed_page())],
    );
    let report = import(database.connection(), &[folder.path()]).await;
    assert_eq!((report.counts.releases.added, report.counts.packages.added), (2, 4));
    assert!(report.rejected.is_empty());
    assert_eq!(
        catalogue(database.connection()).await,
        [
            "FASTBOOT santoni_global_images_7.12.28_20171228.0000.00_7.1_global_8f4f84af64.tgz: santoni_global GLOBAL 7.12.28 WEEKLY from - android 7.1 size 1800000000 md5 - on 2017-12-28 built 2017-12-28 urls 1",
            "FASTBOOT santoni_images_7.12.28_20171228.0000.00_7.1_cn_15d35537f5.tgz: santoni CHINA 7.12.28 WEEKLY from - android 7.1 size 2200000000 md5 - on 2017-12-28 built 2017-12-28 urls 1",
            "RECOVERY miui_HM4XGlobal_7.12.28_540efd7cf5_7.1.zip: santoni_global GLOBAL 7.12.28 WEEKLY from - android 7.1 size 1300000000 md5 540efd7cf5cbd00c7b53d6fe5ad50553 on 2017-12-28 built - urls 1",
            "RECOVERY miui_HM4X_7.12.28_a6ea940d97_7.1.zip: santoni CHINA 7.12.28 WEEKLY from - android 7.1 size 1500000000 md5 a6ea940d9776f09534611514c933507c on 2017-12-27 built - urls 1",
            "variant santoni of santoni: CHINA HM4X [\"Redmi 4X\"]",
            "variant santoni_global of santoni: GLOBAL HM4XGlobal [\"Redmi 4X\"]",
        ]
    );
}

async fn importing_the_same_source_twice_changes_nothing(database: TestDatabase) {
    let folder = TempDir::new().unwrap();
    tree(
        folder.path(),
        &[("pages/miui/updates/santoni/7.12.28.md", &seed_page())],
    );
    let first = import(database.connection(), &[folder.path()]).await;
    let before = (
        catalogue(database.connection()).await,
        change_kinds(database.connection()).await,
    );
    let second = import(database.connection(), &[folder.path()]).await;
    assert!(!second.changed);
    assert!(second.to_string().contains("nothing changed"));
    assert_eq!(second.revision, first.revision);
    let after = (
        catalogue(database.connection()).await,
        change_kinds(database.connection()).await,
    );
    assert_eq!(after, before);
}

async fn a_dry_run_writes_nothing(database: TestDatabase) {
    let folder = TempDir::new().unwrap();
    tree(
        folder.path(),
        &[("pages/miui/updates/santoni/7.12.28.md", &seed_page())],
    );
    let report = try_import(database.connection(), &[folder.path()], Writing::DryRun)
        .await
        .unwrap();
    assert_eq!((report.dry_run, report.counts.packages.added), (true, 4));
    assert!(catalogue(database.connection()).await.is_empty());
}

async fn an_update_promotes_a_beta_keeps_ids_and_unites_links(database: TestDatabase) {
    let db = database.connection();
    let beta = Card {
        label: "POCO F3 EEA",
        codename: "alioth",
        version: "V12.5.4.0.RKHEUXM",
        branch: "Stable Beta",
        filename: "miui_ALIOTHEEAGlobal_V12.5.4.0.RKHEUXM_0123456789_11.0.zip",
        ..CARD
    };
    let stable = Card {
        branch: "Stable",
        hosts: &["https://cdnorg.d.miui.com", "https://hugeota.d.miui.com"],
        ..beta.clone()
    };
    let (old, new) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let path = "pages/miui/updates/alioth/V12.5.4.0.RKHEUXM.md";
    tree(
        old.path(),
        &[(path, &page("miui", "alioth", "V12.5.4.0.RKHEUXM", &[beta]))],
    );
    tree(
        new.path(),
        &[(path, &page("miui", "alioth", "V12.5.4.0.RKHEUXM", &[stable]))],
    );
    import(db, &[old.path()]).await;
    let before = change::Entity::find().all(db).await.unwrap();
    let report = import(db, &[new.path()]).await;
    assert_eq!((report.counts.promoted, report.counts.packages.changed), (1, 1));
    let lines = catalogue(db).await;
    assert!(
        lines[0].contains(" STABLE ") && lines[0].ends_with("urls 3"),
        "{}",
        lines[0]
    );
    let after = change::Entity::find().all(db).await.unwrap();
    assert_eq!(after[..3], before[..]);
    assert_eq!(change_kinds(db).await[3..], ["RELEASE_PROMOTED", "PACKAGE_UPDATED"]);
    assert_eq!(
        (after[3].release_id, after[4].package_id),
        (before[1].release_id, before[2].package_id)
    );
    // Nothing disappears because a newer source no longer shows it.
    let empty = TempDir::new().unwrap();
    tree(empty.path(), &[("pages/miui/updates/santoni/7.12.28.md", &seed_page())]);
    import(db, &[empty.path()]).await;
    assert_eq!(places(db).await.len(), 5);
}

async fn the_first_load_is_history_and_later_ones_are_news(database: TestDatabase) {
    let db = database.connection();
    let (first, second) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    tree(first.path(), &[("pages/miui/updates/santoni/7.12.28.md", &seed_page())]);
    let other = Card {
        version: "7.12.29",
        filename: "miui_HM4XGlobal_7.12.29_640efd7cf5_7.1.zip",
        ..CARD
    };
    tree(
        second.path(),
        &[(
            "pages/miui/updates/santoni/7.12.29.md",
            &page("miui", "santoni", "7.12.29", &[other]),
        )],
    );
    import(db, &[first.path()]).await;
    import(db, &[second.path()]).await;
    let changes = change::Entity::find().all(db).await.unwrap();
    let told: Vec<(i32, bool)> = changes.iter().map(|change| (change.revision, change.is_news)).collect();
    assert!(
        told.iter().all(|(revision, news)| *news == (*revision == 2)),
        "{told:?}"
    );
    assert_eq!(told.last(), Some(&(2, true)));
}
