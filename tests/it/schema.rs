//! The committed schema is the one that the program serves.

use std::{fs, path::Path};

use crate::support::program::{romdex, run};

#[test]
fn the_committed_schema_is_the_program_s() {
    let printed = romdex::graphql::sdl();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("schema.graphql"), &printed).unwrap();
    let committed = fs::read_to_string(root.join("schema.graphql")).unwrap_or_default();
    assert!(
        printed == committed,
        "schema.graphql is out of date: cargo run -- schema > schema.graphql"
    );
}

#[test]
fn the_command_prints_the_schema_alone() {
    let folder = tempfile::TempDir::new().unwrap();
    let ran = run(&mut romdex(folder.path(), ["schema"]));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert!(ran.stdout == romdex::graphql::sdl(), "{}", ran.stdout);
}
