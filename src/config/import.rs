//! How much an import takes in: the configuration's `[import]`.

use std::thread;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::import::{Options, Writing, source::Bounds};

/// How much an import takes in, and how many threads it uses.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Import {
    /// Threads that parse; 0 is one for each core.
    pub parser_threads: usize,
    /// The largest document of a source.
    pub document_mib: u32,
    /// All that one source may unpack to.
    pub unpacked_mib: u32,
    /// How many files a source may hold.
    pub max_files: usize,
}

impl Import {
    /// What one run of the importer is told.
    #[must_use]
    pub fn options(&self, writing: Writing, now: DateTime<Utc>) -> Options {
        let bytes = |mebibytes: u32| u64::from(mebibytes) << 20;
        Options {
            bounds: Bounds {
                document: bytes(self.document_mib),
                unpacked: bytes(self.unpacked_mib),
                files: self.max_files,
            },
            parsers: match self.parser_threads {
                0 => thread::available_parallelism().map_or(1, usize::from),
                count => count,
            },
            writing,
            now,
        }
    }

    /// The same beside requests, which need cores as well: where nothing else is set, half of them parse.
    #[must_use]
    pub fn options_beside_requests(&self, writing: Writing, now: DateTime<Utc>) -> Options {
        let options = self.options(writing, now);
        match self.parser_threads {
            0 => Options {
                parsers: options.parsers.div_ceil(2),
                ..options
            },
            _ => options,
        }
    }
}
