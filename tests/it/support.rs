//! What the tests stand on: databases, servers, the built program.

pub mod database;
pub mod figures;
pub mod postgres;
pub mod program;
pub mod receiver;
pub mod served;
pub mod server;
pub mod site;
pub mod source_server;
