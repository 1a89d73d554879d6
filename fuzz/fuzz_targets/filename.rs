//! Any text may be a file name: reading it never panics and always gives the same.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let name = romdex::import::filename::parse(text);
    assert_eq!(name, romdex::import::filename::parse(text));
});
