//! romdex: the GraphQL API of the official Xiaomi ROM archive.

pub mod export;
pub mod graphql;
pub mod http;
pub mod import;
