//! What can be set, one section a file. Every key is described in `config.default.toml`.

pub mod database;
