//! The committed schema is the one that the program serves.

use std::{fs, path::Path};

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
