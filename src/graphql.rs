//! The GraphQL side: documents are checked and run here, types wrap what the catalogue answers.
//! Knows no HTTP; reads the catalogue, never the database.

mod answer;
pub mod backend;
mod connection;
pub mod context;
mod cursor;
mod document;
pub mod error;
pub mod execute;
mod id;
mod json;
pub mod limits;
pub mod mutation;
mod object;
pub mod persisted;
pub mod query;
pub mod rate;
pub mod service;
pub mod subscription;
pub mod types;

use async_graphql::{SDLExportOptions, ValidationMode};

pub use cursor::of_change as change_cursor;
use mutation::Mutation;
use query::Query;
use subscription::Subscription;
use types::Node;

/// The schema, with every resolver.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// Builds the schema; needs no database. It checks nothing itself: requests come through the [service](service::Service),
/// which checks documents and [prepares](context::prepare) requests.
#[must_use]
pub fn schema() -> Schema {
    Schema::build(Query, Mutation, Subscription)
        .register_output_type::<Node>()
        .validation_mode(ValidationMode::Fast)
        .finish()
}

/// The schema in GraphQL's own language: the public contract.
#[must_use]
pub fn sdl() -> String {
    schema().sdl_with_options(SDLExportOptions::new().use_space_ident().include_specified_by())
}
