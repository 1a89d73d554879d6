//! Tests of the whole program, through its HTTP interface, its commands and its databases.

mod database;
mod import;
mod migration;
mod support;
