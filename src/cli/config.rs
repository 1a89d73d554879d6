//! `romdex config`.

use std::io::{self, Write};

use clap::Args;

use super::{Configured, Done, Outcome};
use crate::config::DEFAULTS;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Print every key with its default and its meaning instead: a beginning for a file of one's own
    #[arg(long)]
    defaults: bool,
}

impl Arguments {
    pub(super) fn run(&self, configured: &Configured) -> Outcome {
        let text = if self.defaults {
            DEFAULTS.to_owned()
        } else {
            configured.load()?.shown()?
        };
        io::stdout().write_all(text.as_bytes())?;
        Ok(Done::Well)
    }
}
