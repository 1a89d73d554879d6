//! How often the database is asked: by the levels of a query, never by its rows.

use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use romdex::graphql::limits::Limits;
use tempfile::TempDir;

use crate::{
    import,
    support::{
        database::{TestDatabase, on_every_database},
        server::{self, TestServer},
        site::tree,
    },
};

on_every_database!(the_number_of_statements_does_not_depend_on_the_number_of_rows);

/// So many releases of one variant, each with a changelog of its own.
fn latest(count: usize) -> String {
    let mut yaml = String::new();
    for number in 1..=count {
        let version = format!("V9.2.{number}.0.NAMMIEK");
        let _ = writeln!(
            yaml,
            "- branch: Stable\n  codename: santoni_global\n  changelog: change {number}\n  \
             link: https://bigota.d.miui.com/{version}/miui_HM4XGlobal_{version}_540efd7cf5_7.1.zip\n  \
             name: Redmi 4X Global\n  version: {version}"
        );
    }
    yaml
}

async fn the_number_of_statements_does_not_depend_on_the_number_of_rows(database: TestDatabase) {
    let mut counts = Vec::new();
    for rows in [2, 60] {
        let folder = TempDir::new().unwrap();
        tree(folder.path(), &[("data/latest.yml", &latest(rows))]);
        import::import(database.connection(), &[folder.path()]).await;
        let statements = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&statements);
        let mut connection = database.connect().await;
        connection.set_metric_callback(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        let server = TestServer::start_over(connection.clone(), &server::settings(), Limits::default()).await;
        for (query, most) in [
            ("{ releases(first: 100) { nodes { changelog { text } } } }", 1),
            (
                "{ devices(first: 1) { nodes { variants { releases(first: 60) { nodes { changelog { text } packages { nodes { filename } } } } } } } }",
                1,
            ),
            (
                "{ packages(first: 100) { totalCount facets { region { count } } nodes { filename device { name } release { version } } } }",
                0,
            ),
            ("{ catalog { packageCount sources { name } } }", 1),
            ("{ changes(first: 100) { nodes { kind subject { __typename } } } }", 1),
        ] {
            statements.store(0, Ordering::Relaxed);
            let data = server.query(query).await;
            let asked = statements.load(Ordering::Relaxed);
            assert!(asked <= most, "{asked} statements for {rows} rows: {query}");
            counts.push((rows, query, asked, data.to_string().matches("change ").count()));
        }
        server.stop().await;
        connection.close().await.unwrap();
    }
    let changelogs = |rows: usize| counts.iter().filter(|count| count.0 == rows).map(|count| count.3).max();
    assert_eq!((changelogs(2), changelogs(60)), (Some(2), Some(60)));
    let asked = |rows: usize| {
        counts
            .iter()
            .filter(|count| count.0 == rows)
            .map(|count| count.2)
            .collect::<Vec<_>>()
    };
    assert_eq!(asked(2), asked(60));
}
