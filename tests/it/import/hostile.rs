//! Sources that are broken, cut off or meant to do harm.

use std::{io::Write as _, path::Path};

use romdex::import::{
    ImportError, Options, Writing,
    source::{Bounds, Location, SourceError},
};
use tempfile::TempDir;

use super::{BOUNDS, Silent, catalogue, import, moment, places, rejections, seed::seed_page, try_import};
use crate::support::{
    database::{TestDatabase, on_sqlite},
    site::{CARD, page, tree},
};

const PAGE: &str = "pages/miui/updates/santoni/7.12.28.md";

/// A tar archive of these files, compressed with gzip, zstd or not at all, by its name's ending.
fn archive(path: &Path, files: &[(&str, &[u8])]) {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        // The library refuses names that lead out of the archive, so they are written by hand.
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        builder.append(&header, *content).unwrap();
    }
    let tar = builder.into_inner().unwrap();
    let name = path.to_string_lossy();
    let bytes = if name.ends_with(".gz") {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&tar).unwrap();
        encoder.finish().unwrap()
    } else if name.ends_with(".zst") {
        zstd::encode_all(tar.as_slice(), 1).unwrap()
    } else {
        tar
    };
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn archives_of_every_kind_give_what_the_folder_gives() {
    let folder = TempDir::new().unwrap();
    tree(&folder.path().join("tree"), &[(PAGE, &seed_page())]);
    let mut outcomes = Vec::new();
    for name in ["tree", "site.tar", "site.tar.gz", "site.tar.zst"] {
        let path = folder.path().join(name);
        if name != "tree" {
            archive(&path, &[(&format!("top-folder/{PAGE}"), seed_page().as_bytes())]);
        }
        on_sqlite(async |database: TestDatabase| {
            import(database.connection(), &[&path]).await;
            outcomes.push(catalogue(database.connection()).await);
        })
        .await;
    }
    assert_eq!(outcomes[0].len(), 6);
    assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_one_document_leaves_the_others_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("site.tar.gz");
    let whole = seed_page();
    let cut_off = &whole[..whole.len() * 3 / 5];
    let huge_line = format!("{}{}", "x".repeat(600_000), whole);
    let many_cards = "<div class=\"card card-body\"></div>".repeat(20_000);
    let endless_attribute = format!("<div class=\"{}\">", "a".repeat(900_000));
    let deep = "<div>".repeat(100_000);
    let aliases = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c]\n".repeat(50);
    let page_at = |number: usize| format!("pages/miui/updates/broken/{number}.md");
    let broken: Vec<(String, Vec<u8>)> = [
        cut_off.as_bytes().to_vec(),
        b"\xff\xfe not text".to_vec(),
        b"no card here".to_vec(),
        huge_line.into_bytes(),
        many_cards.into_bytes(),
        endless_attribute.into_bytes(),
        deep.into_bytes(),
        vec![0; 2 << 20],
    ]
    .into_iter()
    .enumerate()
    .map(|(number, content)| (page_at(number), content))
    .chain([
        (
            "../../pages/miui/updates/evil/1.md".to_owned(),
            whole.clone().into_bytes(),
        ),
        ("/pages/miui/updates/evil/2.md".to_owned(), whole.clone().into_bytes()),
        ("data/latest.yml".to_owned(), aliases.into_bytes()),
        ("data/devices/full/x.yml".to_owned(), b"- branch: [unclosed".to_vec()),
    ])
    .collect();
    let mut files: Vec<(&str, &[u8])> = broken
        .iter()
        .map(|(name, content)| (name.as_str(), content.as_slice()))
        .collect();
    files.push((PAGE, whole.as_bytes()));
    archive(&path, &files);
    on_sqlite(async |database: TestDatabase| {
        import(database.connection(), &[&path]).await;
        assert_eq!(places(database.connection()).await.len(), 4);
        assert_eq!(
            rejections(database.connection()).await,
            [
                "UNSAFE_PATH ../../pages/miui/updates/evil/1.md ",
                "UNSAFE_PATH /pages/miui/updates/evil/2.md ",
                "MALFORMED data/devices/full/x.yml ",
                "INCOMPLETE pages/miui/updates/broken/0.md ",
                "NOT_UTF8 pages/miui/updates/broken/1.md ",
                "MALFORMED pages/miui/updates/broken/2.md ",
                "MALFORMED pages/miui/updates/broken/4.md ",
                "MALFORMED pages/miui/updates/broken/5.md ",
                "MALFORMED pages/miui/updates/broken/6.md ",
                "DOCUMENT_TOO_LARGE pages/miui/updates/broken/7.md ",
                "MALFORMED data/latest.yml ",
            ]
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_s_bad_lines_leave_the_others_alone_and_are_numbered() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("romdex.jsonl");
    let package = r#"{"kind":"package","filename":"miui_HM4X_NUMBER_a6ea940d97_7.1.zip","variant":"santoni","region":"CHINA","urls":["https://bigota.d.miui.com/a.zip"]}"#;
    let mut lines: Vec<String> = (1..=20_000)
        .map(|number| package.replace("NUMBER", &format!("7.12.{number}")))
        .collect();
    lines[15_000] = "{\"kind\":\"nothing known\"}".to_owned();
    lines[16_000] = format!("{{\"kind\":\"package\",\"filename\":\"{}\"}}", "x".repeat(3 << 20));
    std::fs::write(&path, lines.join("\n")).unwrap();
    on_sqlite(async |database: TestDatabase| {
        let report = import(database.connection(), &[&path]).await;
        assert_eq!((report.counts.packages.added, report.sources[0].documents), (19_998, 1));
        assert_eq!(
            rejections(database.connection()).await,
            [
                "MALFORMED romdex.jsonl:15001 ",
                "DOCUMENT_TOO_LARGE romdex.jsonl:16001 ",
            ]
        );
    })
    .await;
}

async fn failure(path: &Path, bounds: Bounds) -> String {
    let mut failure = None;
    on_sqlite(async |database: TestDatabase| {
        let options = Options {
            bounds,
            parsers: 2,
            writing: Writing::Commit,
            now: moment(),
        };
        let location = Location::Path(path.to_path_buf());
        let outcome = import::run(
            vec![location],
            database.connection(),
            options,
            std::sync::Arc::new(Silent),
        )
        .await;
        let Err(ImportError::Source(error)) = outcome else {
            panic!("the import went through")
        };
        assert!(catalogue(database.connection()).await.is_empty());
        failure = Some(match error {
            SourceError::Io { .. } => "io",
            SourceError::Archive { .. } => "archive",
            SourceError::UnknownKind { .. } => "unknown kind",
            SourceError::TooLarge { unit, .. } => unit,
            SourceError::NothingKnown { .. } => "nothing known",
            SourceError::Fetch { .. } => "fetch",
            SourceError::GivenUp => "given up",
        });
    })
    .await;
    failure.unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_cannot_be_read_to_its_end_leaves_the_database_as_it_was() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    assert_eq!(failure(&path("missing"), BOUNDS).await, "io");

    archive(&path("site.tar.gz"), &[(PAGE, seed_page().as_bytes())]);
    let whole = std::fs::read(path("site.tar.gz")).unwrap();
    std::fs::write(path("cut.tar.gz"), &whole[..whole.len() / 2]).unwrap();
    assert_eq!(failure(&path("cut.tar.gz"), BOUNDS).await, "archive");

    std::fs::write(path("picture.png"), b"\x89PNG\r\n").unwrap();
    assert_eq!(failure(&path("picture.png"), BOUNDS).await, "unknown kind");

    tree(&path("empty"), &[("README.md", "nothing")]);
    assert_eq!(failure(&path("empty"), BOUNDS).await, "nothing known");

    let zeros = vec![0; 8 << 20];
    archive(
        &path("bomb.tar.gz"),
        &[("zeros", &zeros), (PAGE, seed_page().as_bytes())],
    );
    let small = Bounds {
        unpacked: 1 << 20,
        ..BOUNDS
    };
    assert_eq!(failure(&path("bomb.tar.gz"), small).await, "bytes when unpacked");

    let empty: &[u8] = b"";
    archive(&path("many.tar"), &vec![("a", empty); 50]);
    let few = Bounds { files: 40, ..BOUNDS };
    assert_eq!(failure(&path("many.tar"), few).await, "files");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_fails_behind_another_writes_nothing_of_either() {
    let folder = TempDir::new().unwrap();
    tree(
        &folder.path().join("good"),
        &[(PAGE, &page("miui", "santoni", "7.12.28", &[CARD]))],
    );
    on_sqlite(async |database: TestDatabase| {
        let (good, missing) = (folder.path().join("good"), folder.path().join("missing"));
        let outcome = try_import(database.connection(), &[&good, &missing], Writing::Commit).await;
        assert!(outcome.is_err());
        assert!(catalogue(database.connection()).await.is_empty());
    })
    .await;
}
