//! Sources by their address, from a server on this machine.

use std::sync::Arc;

use romdex::import::{Options, Writing, source::Location};

use super::{BOUNDS, Silent, moment, places, seed::seed_page};
use crate::support::{
    database::{TestDatabase, on_sqlite},
    source_server::{Fault, SourceServer},
};

fn archive() -> Vec<u8> {
    let page = seed_page();
    let mut builder = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    let mut header = tar::Header::new_gnu();
    header.set_size(page.len() as u64);
    builder
        .append_data(
            &mut header,
            "site-master/pages/miui/updates/santoni/7.12.28.md",
            page.as_bytes(),
        )
        .unwrap();
    builder.into_inner().unwrap().finish().unwrap()
}

async fn import(database: &TestDatabase, address: &str) -> Result<String, String> {
    let options = Options {
        bounds: BOUNDS,
        parsers: 2,
        writing: Writing::Commit,
        now: moment(),
    };
    let location: Location = address.parse().unwrap();
    let report = romdex::import::run(vec![location], database.connection(), options, Arc::new(Silent)).await;
    report
        .map(|report| report.sources[0].location.clone())
        .map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_is_imported_from_its_address_also_when_the_server_breaks_off() {
    let server = SourceServer::start();
    server.put("/archive/master.tar.gz", archive());
    server.fail(&[Fault::BreaksOff, Fault::Unavailable, Fault::BreaksOff]);
    let address = server.url("/archive/master.tar.gz");
    on_sqlite(async |database: TestDatabase| {
        let location = import(&database, &address).await.unwrap();
        assert!(
            location.starts_with("http://127.0.0.1:") && location.ends_with("/archive/master.tar.gz"),
            "{location}"
        );
        assert_eq!(places(database.connection()).await.len(), 4);
    })
    .await;
    assert_eq!(server.answered(), [200, 503, 206, 206]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_the_tracker_s_files_is_imported_by_itself() {
    let latest = "- branch: Stable\n  codename: santoni_global\n  link: http://bigota.d.miui.com/1/miui_HM4XGlobal_V9.2.1.0.NAMMIEK_540efd7cf5_7.1.zip\n  version: V9.2.1.0.NAMMIEK\n";
    let server = SourceServer::start();
    server.put("/master/data/latest.yml", latest);
    let address = server.url("/master/data/latest.yml");
    on_sqlite(async |database: TestDatabase| {
        import(&database, &address).await.unwrap();
        assert_eq!(places(database.connection()).await.len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_does_not_answer_well_is_a_clear_error_without_secrets() {
    let wrong = SourceServer::start().url("/archive/main.tar.gz");
    on_sqlite(async |database: TestDatabase| {
        let error = import(&database, &wrong).await.unwrap_err();
        assert!(
            error.contains("/archive/main.tar.gz: the server answered 404"),
            "{error}"
        );
        assert!(!error.contains("secret") && !error.contains("token"), "{error}");
    })
    .await;
}
