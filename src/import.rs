//! The one door in: sources are read into evidence, the catalogue is worked out from all evidence there is, and what
//! differs from the stored catalogue is written in one transaction.

pub mod attribute;
pub mod changelog;
pub mod derive;
pub mod filename;
pub mod names;
pub mod read;
pub mod record;
pub mod source;
pub mod sources;
