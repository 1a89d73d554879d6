//! The one door in.

pub mod changelog;
pub mod filename;
