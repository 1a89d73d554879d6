//! `romdex schema`.

use std::io::{self, Write};

use super::{Done, Outcome};
use crate::graphql;

pub(super) fn run() -> Outcome {
    io::stdout().write_all(graphql::sdl().as_bytes())?;
    Ok(Done::Well)
}
