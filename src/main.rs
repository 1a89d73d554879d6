//! The `romdex` program.

use std::process::ExitCode;

/// Many small allocations on several threads are what a GraphQL server makes.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    romdex::cli::run()
}
