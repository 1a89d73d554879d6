//! The GraphQL side: documents are checked and run here, types wrap what the catalogue answers.
//! Knows no HTTP; reads the catalogue, never the database.

pub mod document;
pub mod error;
pub mod limits;
pub mod service;
