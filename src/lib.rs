//! romdex: the GraphQL API of the official Xiaomi ROM archive.

pub mod catalog;
pub mod cli;
pub mod config;
pub mod database;
pub mod download;
pub mod export;
pub mod graphql;
pub mod http;
pub mod import;
pub mod sync;
pub mod telemetry;
