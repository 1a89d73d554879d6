//! Gives the operations in `src/api` the schema that they are checked against: `schema.graphql` of this folder, or else the server's
//! own, two folders up. `romdex schema > schema.graphql` writes it.

use std::{error::Error, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let paths = ["schema.graphql", "../../schema.graphql"];
    let path = paths.into_iter().find(|path| Path::new(path).exists());
    let path = path.ok_or("no schema.graphql: write it with `romdex schema > schema.graphql`")?;
    for path in paths {
        println!("cargo::rerun-if-changed={path}");
    }
    cynic_codegen::register_schema("romdex")
        .from_sdl_file(path)?
        .as_default()?;
    Ok(())
}
