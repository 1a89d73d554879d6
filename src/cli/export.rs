//! `romdex export`.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use sea_orm::DatabaseConnection;

use super::{Configured, Done, Outcome, open, start};
use crate::export::{self, ExportError, Texts};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where to write it [default: standard output]; an existing file is replaced when the export is complete
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Leave out changelog texts
    #[arg(long)]
    facts_only: bool,
}

impl Arguments {
    pub(super) fn run(&self, configured: &Configured) -> Outcome {
        let config = configured.load()?.config;
        let texts = if self.facts_only { Texts::LeftOut } else { Texts::Kept };
        start(&config, async {
            let database = open(&config.database).await?;
            match &self.output {
                None => write(&database, texts, io::stdout().lock()).await?,
                Some(path) => replace(&database, texts, path).await?,
            }
            database.close().await?;
            Ok(Done::Well)
        })
    }
}

async fn write(database: &DatabaseConnection, texts: Texts, out: impl Write) -> Result<(), ExportError> {
    let mut out = BufWriter::with_capacity(1 << 16, out);
    export::write(database, texts, &mut out).await?;
    out.flush()?;
    Ok(())
}

/// Writes beside the file and then takes its place, so that a half-written export never bears its name.
async fn replace(database: &DatabaseConnection, texts: Texts, path: &Path) -> Result<(), ExportError> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let written = write(database, texts, File::create(&part)?).await;
    if written.is_err() {
        // The first error is the one to be told.
        let _ = fs::remove_file(&part);
    }
    written?;
    fs::rename(&part, path)?;
    Ok(())
}
