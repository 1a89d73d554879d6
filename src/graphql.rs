//! The GraphQL side: documents are checked and run here, types wrap what the catalogue answers.
//! Knows no HTTP; reads the catalogue, never the database.

mod backend;
mod connection;
pub mod context;
mod cursor;
pub mod document;
pub mod error;
mod id;
pub mod limits;
mod order;
pub mod query;
pub mod service;
pub mod types;

use async_graphql::{EmptyMutation, EmptySubscription, SDLExportOptions};

use query::Query;
use types::Node;

/// The schema, with every resolver.
pub type Schema = async_graphql::Schema<Query, EmptyMutation, EmptySubscription>;

/// Builds the schema; needs no database. Requests are [prepared](context::prepare) before they run on it.
#[must_use]
pub fn schema() -> Schema {
    Schema::build(Query, EmptyMutation, EmptySubscription)
        .register_output_type::<Node>()
        .finish()
}

/// The schema in GraphQL's own language: the public contract.
#[must_use]
pub fn sdl() -> String {
    schema().sdl_with_options(SDLExportOptions::new().use_space_ident().include_specified_by())
}
