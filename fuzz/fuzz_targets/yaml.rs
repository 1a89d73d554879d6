//! Any bytes may be one of the sources' YAML files or an export: each becomes records or rejections, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use romdex::import::{
    derive,
    record::Evidence,
    sources::{self, Format},
};

fuzz_target!(|bytes: &[u8]| {
    let mut evidence = Evidence::default();
    sources::read(Format::Firmware, "data/devices/full/santoni.yml", bytes, &mut evidence);
    sources::read(Format::Latest, "data/latest.yml", bytes, &mut evidence);
    sources::read(Format::Devices, "data/devices.yml", bytes, &mut evidence);
    sources::read(Format::Export, "romdex.jsonl", bytes, &mut evidence);
    drop(derive::catalogue(&evidence));
});
