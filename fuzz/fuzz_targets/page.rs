//! Any bytes may be an update page: it becomes records or rejections, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use romdex::import::{
    derive,
    record::Evidence,
    sources::{self, Format},
};

fuzz_target!(|bytes: &[u8]| {
    let mut evidence = Evidence::default();
    sources::read(Format::Page, "pages/miui/updates/santoni/7.12.28.md", bytes, &mut evidence);
    let catalogue = derive::catalogue(&evidence);
    assert!(catalogue.packages.len() + catalogue.unplaced.len() >= evidence.files.len());
});
