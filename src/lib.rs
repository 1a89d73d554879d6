//! romdex: the GraphQL API of the official Xiaomi ROM archive.
//!
//! Data flows one way: sources → [`import`] → [`database`] → [`catalog`] → [`graphql`] → [`http`]; [`feed`] and [`compat`]
//! tell the catalogue in other forms. [`export`] writes what an
//! import can read again, [`config`] holds what can be set, [`cli`] wires everything together. ARCHITECTURE.md says more.

pub mod catalog;
pub mod cli;
pub mod compat;
pub mod config;
pub mod database;
pub mod download;
pub mod export;
pub mod feed;
pub mod graphql;
pub mod http;
pub mod import;
pub mod secret;
pub mod sync;
pub mod synthetic;
pub mod telemetry;
pub mod token;
pub mod webhook;
