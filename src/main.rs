//! The `romdex` program.

fn main() {}
