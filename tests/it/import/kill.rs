//! An import that is killed leaves the database as it was, and the next one goes through.

use std::{fmt::Write as _, time::Duration};

use tempfile::TempDir;

use super::catalogue;
use crate::support::{
    database::{TestDatabase, on_sqlite},
    program::{romdex, run},
    site::tree,
};

/// Enough packages that writing them takes a while.
fn many_packages() -> String {
    let mut yaml = String::new();
    for day in 1..=28 {
        for month in 1..=12 {
            for year in 1..=9 {
                let version = format!("{year}.{month}.{day}");
                let filename = format!("miui_HM4X_{version}_{year:02}{month:02}{day:02}abcd_7.1.zip");
                let _ = writeln!(
                    yaml,
                    "- branch: Weekly\n  codename: santoni\n  link: https://bigota.d.miui.com/{version}/{filename}\n  name: Redmi 4X China\n  version: {version}"
                );
            }
        }
    }
    yaml
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_killed_at_any_moment_leaves_the_database_as_it_was() {
    let folder = TempDir::new().unwrap();
    tree(folder.path(), &[("tracker/data/latest.yml", &many_packages())]);
    on_sqlite(async |database: TestDatabase| {
        let arguments = ["import", "--database-url", database.url(), "tracker"];
        let mut killed = 0;
        for pause_ms in [50, 150, 300, 450, 600, 800, 1_000, 1_300] {
            let mut import = romdex(folder.path(), arguments).spawn().unwrap();
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            import.kill().unwrap();
            killed += usize::from(!import.wait().unwrap().success());
            let found = catalogue(database.connection()).await.len();
            // Nothing, or, where the machine was quicker than the kill, everything: 3,024 packages and their variant.
            assert!(found == 0 || found == 3_025, "{found} lines after {pause_ms} ms");
        }
        assert!(killed > 0, "no import was killed while it ran");
        let last = run(&mut romdex(folder.path(), arguments));
        assert_eq!(last.code, 0, "{}", last.stderr);
        assert_eq!(catalogue(database.connection()).await.len(), 3_025);
    })
    .await;
}
