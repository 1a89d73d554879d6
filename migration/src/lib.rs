//! The database's steps, up and down. A step imports nothing of the other crates, so an old one never changes meaning.
