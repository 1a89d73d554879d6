//! Tests of the whole program, through its HTTP interface, its commands and its databases.

mod command;
mod config;
mod database;
mod graphql;
mod import;
mod migration;
mod schema;
mod serve;
mod support;
mod tidy;
