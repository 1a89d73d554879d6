//! The tables of the catalogue, one a file, and the value types of their columns.
//!
//! What is stored and what it means lives here; how it is read or written does not. Nothing here does I/O.

pub mod change;
pub mod changelog;
pub mod delivery;
pub mod device;
pub mod evidence;
pub mod link;
pub mod package;
pub mod reference;
pub mod rejection;
pub mod release;
pub mod revision;
pub mod source;
pub mod token;
pub mod upstream;
pub mod value;
pub mod variant;
pub mod webhook;
