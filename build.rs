//! Tells cargo when the playground was built anew, so that it is embedded again.

use std::fs;

fn main() {
    // Cargo would run this on every build while the folder is missing. Where it cannot be made, that is what happens.
    let _ = fs::create_dir_all("web/dist");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=web/dist");
}
