//! Any text may be a file name: reading it never panics, and what is read prints and is read again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let name = romdex::import::filename::parse(text);
    assert_eq!(name, romdex::import::filename::parse(text));
});
