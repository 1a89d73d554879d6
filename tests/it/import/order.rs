//! The catalogue does not depend on the order in which sources come, nor on how they are cut.

use std::path::Path;

use proptest::{prelude::*, test_runner::TestRunner};
use romdex::export::{self, Texts};
use sea_orm::DatabaseConnection;
use tempfile::TempDir;

use super::{catalogue, import, rejections, seed::seed_page};
use crate::support::{
    database::{TestDatabase, on_every_database, on_sqlite},
    site::{CARD, Card, firmware_entry, firmware_page, page, tree},
};

on_every_database!(an_export_taken_into_an_empty_database_gives_the_same_catalogue);

/// Documents that speak of the same files and devices, and depend on one another to be placed.
fn documents() -> Vec<(&'static str, String)> {
    let k6a = Card {
        label: "Redmi Note 12 Pro 4G Global",
        codename: "sweet",
        version: "V14.0.2.0.THGMIXM",
        branch: "Stable Beta",
        filename: "miui_SWEETK6AGlobal_V14.0.2.0.THGMIXM_1123456789_13.0.zip",
        incrementals: &[
            "https://bigota.d.miui.com/V14.0.2.0.THGMIXM/miui-blockota-sweet_k6a_global-V14.0.1.0.THGMIXM-V14.0.2.0.THGMIXM-3123456789-13.0.zip",
            "https://bigota.d.miui.com/7.12.28/miui-blockota-santoni_global-7.12.21-7.12.28-0123456789-7.1.zip",
        ],
        ..CARD
    };
    let k6a_fastboot = Card {
        method: "Fastboot",
        branch: "Stable",
        size: "465 Bytes",
        changelog: "[System]\nUpdated the security patch to July 2023.",
        filename: "sweet_k6a_global_images_V14.0.2.0.THGMIXM_20230801.0000.00_13.0_global_2123456789.tgz",
        incrementals: &[],
        ..k6a.clone()
    };
    let unspelled = Card {
        label: "POCO F1 Global",
        codename: "beryllium",
        version: "9.6.27",
        filename: "miui_POCOF1Global_9.6.27_4123456789_9.0.zip",
        ..CARD
    };
    let firmware = "fw_beryllium_miui_POCOF1Global_9.6.27_4123456789_9.0.zip";
    vec![
        ("pages/miui/updates/santoni/7.12.28.md", seed_page()),
        ("pages/miui/updates/sweet/V14.0.2.0.THGMIXM.md", page("miui", "sweet", "V14.0.2.0.THGMIXM", std::slice::from_ref(&k6a))),
        ("pages/hyperos/updates/sweet/1.md", page("hyperos", "sweet", "1", &[k6a_fastboot, Card { md5: "11234567890123456789012345678901", branch: "Stable", ..k6a }])),
        ("pages/miui/updates/beryllium/9.6.27.md", page("miui", "beryllium", "9.6.27", &[unspelled])),
        ("pages/firmware/updates/beryllium/9.6.27.md", firmware_page("beryllium", "POCO F1 Global", "9.6.27", firmware, "f23f5f4ba4eb4f1ffc9b0f0a0b1c2d3e")),
        ("data/devices/full/beryllium.yml", firmware_entry(firmware, "9.6.27", "Global")),
        ("data/devices.yml", "beryllium_global:\n- POCO F1 Global\n- POCOF1Global\nsantoni_global:\n- Redmi 4X Global\n- HM4XGlobal\nnowhere_qq_global:\n- Nowhere Phone\n- NOWHERE\n".to_owned()),
        ("data/latest.yml", "- branch: Stable\n  codename: santoni_global\n  link: http://bigota.d.miui.com/7.12.28/miui_HM4XGlobal_7.12.28_540efd7cf5_7.1.zip\n  name: Redmi 4X / 4X Prime Global\n  version: 7.12.28\n".to_owned()),
    ]
}

/// Everything that must not depend on order.
async fn outcome(db: &DatabaseConnection) -> (Vec<String>, Vec<String>, String) {
    let mut lines = Vec::new();
    export::write(db, Texts::Kept, &mut lines).await.unwrap();
    (
        catalogue(db).await,
        rejections(db).await,
        String::from_utf8(lines).unwrap(),
    )
}

/// Imports documents, those with the same number together, the numbers one after another.
async fn import_in_batches(db: &DatabaseConnection, documents: &[(&str, String)], batches: &[usize]) {
    let count = batches.iter().max().map_or(0, |last| last + 1);
    for batch in 0..count {
        let folder = TempDir::new().unwrap();
        let members = documents.iter().zip(batches).filter(|(_, own)| **own == batch);
        let members: Vec<(&str, &str)> = members.map(|((path, text), _)| (*path, text.as_str())).collect();
        if !members.is_empty() {
            tree(folder.path(), &members);
            import(db, &[folder.path()]).await;
        }
    }
}

#[test]
fn any_order_and_any_cut_of_the_sources_ends_in_the_same_catalogue() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let documents = documents();
    let whole = vec![0; documents.len()];
    let run = |batches: Vec<usize>| {
        let mut found = None;
        runtime.block_on(on_sqlite(async |database: TestDatabase| {
            import_in_batches(database.connection(), &documents, &batches).await;
            found = Some(outcome(database.connection()).await);
        }));
        found.unwrap()
    };
    let expected = run(whole);
    assert!(
        expected.0.iter().any(|line| line.contains("sweet_k6a_global")),
        "{:?}",
        expected.0
    );
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let cuts = proptest::collection::vec(0..documents.len(), documents.len());
    runner
        .run(&cuts, |batches| {
            prop_assert_eq!(run(batches), expected.clone());
            Ok(())
        })
        .unwrap();
}

async fn an_export_taken_into_an_empty_database_gives_the_same_catalogue(database: TestDatabase) {
    let db = database.connection();
    let documents = documents();
    import_in_batches(db, &documents, &vec![0; documents.len()]).await;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("romdex.jsonl");
    write_export(db, &file).await;
    on_sqlite(async |copy: TestDatabase| {
        let report = import(copy.connection(), &[&file]).await;
        assert!(
            report.rejected.keys().all(|reason| *reason == "UNKNOWN_REGION"),
            "{:?}",
            report.rejected
        );
        assert_eq!(outcome(copy.connection()).await, outcome(db).await);
    })
    .await;
    // Taken into the catalogue that it came from, it changes nothing.
    assert!(!import(db, &[&file]).await.changed);
}

async fn write_export(db: &DatabaseConnection, file: &Path) {
    let mut lines = Vec::new();
    export::write(db, Texts::Kept, &mut lines).await.unwrap();
    std::fs::write(file, lines).unwrap();
}
