//! The HTTP side, through real sockets, over a small schema that can wait, fail and panic on demand.

mod budget;
mod caching;
mod documents;
mod errors;
mod limits;
mod probes;
mod protocol;
pub mod sample;
