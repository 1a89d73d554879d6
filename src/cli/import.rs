//! `romdex import`.

use std::{
    io::{self, IsTerminal, Write},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chrono::Utc;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use super::{Configured, Done, Outcome, open, start};
use crate::import::{self, Writing, read::Progress, report::Report, source::Location};

/// After how many documents a line is written where there is no terminal to draw on.
const DOCUMENTS_A_LINE: usize = 5_000;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Folders, archives (.tar, .tar.gz, .tar.zst), exports (.jsonl), or http(s) addresses of those; what they hold is recognised
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<Location>,
    /// Tell what would change, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// How to report on standard output
    #[arg(long, value_enum, default_value_t = Form::Text)]
    report: Form,
    /// Exit with 3 when something was rejected
    #[arg(long)]
    strict: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people
    Text,
    /// For programs
    Json,
}

impl Arguments {
    pub(super) fn run(self, configured: &Configured) -> Outcome {
        let config = configured.load()?.config;
        let writing = if self.dry_run { Writing::DryRun } else { Writing::Commit };
        start(&config, async {
            let database = open(&config.database.for_imports()).await?;
            let bar = Arc::new(Bar::new());
            let progress: Arc<dyn Progress + Send> = bar.clone();
            let options = config.import.options(writing, Utc::now());
            let outcome = import::run(self.sources, &database, options, progress).await;
            bar.clear();
            let report = outcome?;
            print(&report, self.report)?;
            database.close().await?;
            let has_rejections = !report.rejected.is_empty();
            Ok(if self.strict && has_rejections {
                Done::WithRejections
            } else {
                Done::Well
            })
        })
    }
}

fn print(report: &Report, form: Form) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match form {
        Form::Text => write!(out, "{report}"),
        Form::Json => {
            serde_json::to_writer(&mut out, report)?;
            writeln!(out)
        }
    }
}

/// Shows on standard error how far the reading is: a moving line on a terminal, now and then a line elsewhere.
enum Bar {
    Moving(ProgressBar),
    Lines(AtomicUsize),
}

impl Bar {
    fn new() -> Self {
        if !io::stderr().is_terminal() {
            return Self::Lines(AtomicUsize::new(0));
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {human_pos} documents, {per_sec}, {elapsed}") {
            bar.set_style(style);
        }
        // It goes on moving while the catalogue is worked out and written, when no document is read.
        bar.enable_steady_tick(Duration::from_millis(100));
        Self::Moving(bar)
    }

    fn clear(&self) {
        if let Self::Moving(bar) = self {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Bar {
    fn document(&self) {
        match self {
            Self::Moving(bar) => bar.inc(1),
            Self::Lines(read) => {
                let read = read.fetch_add(1, Ordering::Relaxed) + 1;
                if read.is_multiple_of(DOCUMENTS_A_LINE) {
                    let _ = writeln!(io::stderr(), "{read} documents read");
                }
            }
        }
    }
}
