//! Tests of the whole program, through its HTTP interface, its commands and its databases.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stderr,
    reason = "a test ends where something is not as it should be, and says what it skips"
)]

mod command;
mod compat;
mod config;
mod database;
mod deadline;
mod feeds;
mod graphql;
mod http;
mod import;
mod keep;
mod metrics;
mod migration;
mod readme;
mod replay;
mod schema;
mod serve;
mod subscriptions;
mod support;
mod sync;
mod tidy;
mod token;
mod webhooks;
