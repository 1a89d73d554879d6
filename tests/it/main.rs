//! Tests of the whole program, through its HTTP interface, its commands and its databases.

mod database;
mod migration;
mod support;
