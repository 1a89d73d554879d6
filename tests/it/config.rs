//! The configuration, as the program takes it in: layers, and what is refused.

use std::fs;

use tempfile::TempDir;

use crate::support::program::{romdex, run};

/// The effective value of a key.
fn value(shown: &str, key: &str) -> String {
    let line = shown.lines().find_map(|line| line.strip_prefix(&format!("{key} = ")));
    line.unwrap_or_else(|| panic!("{key} in {shown}")).to_owned()
}

#[test]
fn later_layers_win_and_are_named() {
    let folder = TempDir::new().unwrap();
    let listen = |arguments: &[&str], variable: Option<&str>| {
        let mut command = romdex(folder.path(), [&["config"], arguments].concat());
        if let Some(text) = variable {
            command.env("ROMDEX__DATABASE__MAX_CONNECTIONS", text);
        }
        let ran = run(&mut command);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        value(&ran.stdout, "max_connections")
    };
    assert_eq!(listen(&[], None), "8");
    fs::write(folder.path().join("romdex.toml"), "[database]\nmax_connections = 2").unwrap();
    assert_eq!(listen(&[], None), "2 # romdex.toml");
    fs::write(folder.path().join("other.toml"), "database.max_connections = 3").unwrap();
    assert_eq!(listen(&["--config", "other.toml"], None), "3 # other.toml");
    assert_eq!(listen(&[], Some("4")), "4 # ROMDEX__DATABASE__MAX_CONNECTIONS");
}

#[test]
fn a_flag_wins_over_everything_and_its_password_stays_hidden() {
    let folder = TempDir::new().unwrap();
    let url = "postgres://u:hush@db/romdex";
    let mut command = romdex(folder.path(), ["config", "--database-url", url]);
    let ran = run(command.env("ROMDEX__DATABASE__URL", "sqlite://other.sqlite"));
    assert_eq!(
        value(&ran.stdout, "url"),
        r#""postgres://u:***@db/romdex" # --database-url"#
    );
    assert!(!ran.stdout.contains("hush"));
}

#[test]
fn the_defaults_are_printed_with_their_meaning() {
    let folder = TempDir::new().unwrap();
    let ran = run(&mut romdex(folder.path(), ["config", "--defaults"]));
    assert_eq!(ran.stdout, include_str!("../../config.default.toml"));
}

#[test]
fn what_cannot_be_used_ends_with_2_and_one_line() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("unknown.toml"), "[http]\nport = 8000").unwrap();
    fs::write(folder.path().join("broken.toml"), "[http").unwrap();
    fs::write(
        folder.path().join("filter.toml"),
        "[telemetry]\nlog_filter = 'romdex=loudly'",
    )
    .unwrap();
    for (arguments, said) in [
        (
            &["config", "--config", "unknown.toml"][..],
            "http.port (set by unknown.toml)",
        ),
        (&["config", "--config", "broken.toml"], "broken.toml is not TOML"),
        (&["config", "--config", "absent.toml"], "absent.toml cannot be read"),
        (&["migrate", "--config", "filter.toml", "up"], "telemetry.log_filter"),
        (
            &["migrate", "up", "--database-url", "mysql://u:secret@db/romdex"],
            "database.url (set by --database-url)",
        ),
        (&["export", "--database-url", "sqlite::memory:"], "must name a file"),
    ] {
        let ran = run(&mut romdex(folder.path(), arguments));
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert_eq!(
            (ran.stdout.as_str(), ran.stderr.lines().count()),
            ("", 1),
            "{}",
            ran.stderr
        );
        assert!(
            ran.stderr.contains(said) && !ran.stderr.contains("secret"),
            "{}",
            ran.stderr
        );
    }
}
