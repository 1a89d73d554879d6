//! `romdex migrate`.

use clap::{Args, Subcommand};

use super::{Configured, Done, Outcome, start};
use crate::database::{self, Steps};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    direction: Direction,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Direction {
    /// Take every step that is missing; serve and import do so themselves
    Up,
    /// Take steps back: what they had created is gone, and the data in it
    Down {
        /// How many
        #[arg(long, value_name = "COUNT", default_value_t = 1)]
        steps: u32,
    },
}

impl Arguments {
    pub(super) fn run(&self, configured: &Configured) -> Outcome {
        let config = configured.load()?.config;
        let steps = match self.direction {
            Direction::Up => Steps::Up,
            Direction::Down { steps } => Steps::Down(steps),
        };
        start(&config, async {
            let database = database::connect(&config.database).await?;
            database::migrate(&database, steps).await?;
            database.close().await?;
            Ok(Done::Well)
        })
    }
}
