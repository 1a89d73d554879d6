//! The `romdex` program.

use std::process::ExitCode;

/// Many small allocations on several threads are what a GraphQL server makes. Without huge pages, of which a third stood empty.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    romdex::cli::run()
}
