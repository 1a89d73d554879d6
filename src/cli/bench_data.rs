//! `romdex bench-data`.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::PathBuf,
};

use clap::Args;

use super::{Done, Outcome};
use crate::synthetic;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// How many times the archive's size; 1 is some 325 devices and 90,000 packages
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    scale: u32,
    /// Another seed makes another catalogue of the same shape
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Where to write it [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Arguments {
    pub(super) fn run(&self) -> Outcome {
        match &self.output {
            None => self.write(io::stdout().lock()),
            Some(path) => self.write(File::create(path)?),
        }
    }

    fn write(&self, out: impl Write) -> Outcome {
        synthetic::write(self.scale, self.seed, &mut BufWriter::with_capacity(1 << 16, out))?;
        Ok(Done::Well)
    }
}
