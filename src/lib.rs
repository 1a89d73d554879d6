//! romdex: the GraphQL API of the official Xiaomi ROM archive.

pub mod export;
pub mod import;

pub mod graphql;

pub mod http;
