//! Sources of documents: folders, archives and addresses of archives, read within bounds and never unpacked to disk.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use super::sources::Format;
use crate::download::DownloadError;

/// How much of a source is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The largest document, in bytes.
    pub document: u64,
    /// All that an archive may unpack to, in bytes.
    pub unpacked: u64,
    /// How many files an archive or folder may hold.
    pub files: usize,
}

/// Where a source is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A folder, an archive or an export on this machine.
    Path(PathBuf),
    /// The address of an archive or an export.
    Url(url::Url),
}

impl std::str::FromStr for Location {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match url::Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Self::Url(url),
            _ => Self::Path(PathBuf::from(text)),
        })
    }
}

impl Location {
    /// How the source is named in reports and in the catalogue: an address, or a file's own name, never a machine's path.
    #[must_use]
    pub fn public_name(&self) -> String {
        match self {
            Self::Url(url) => {
                let mut url = url.clone();
                let _ = url.set_username("");
                let _ = url.set_password(None);
                url.set_query(None);
                url.to_string()
            }
            Self::Path(path) => path
                .canonicalize()
                .unwrap_or_else(|_| path.clone())
                .file_name()
                .map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
        }
    }
}

/// Why a source could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file or folder cannot be read.
    #[error("{path}: {error}")]
    Io {
        /// The path as it was given.
        path: String,
        /// What the system said.
        error: io::Error,
    },
    /// The archive is broken or cut off.
    #[error("{path} cannot be read as an archive: {error}")]
    Archive {
        /// The path or address as it was given.
        path: String,
        /// What is wrong with it.
        error: io::Error,
    },
    /// The file is of no kind that is known.
    #[error(
        "{path} is neither a folder, a .tar, .tar.gz or .tar.zst archive, nor an export (.jsonl, .jsonl.gz, .jsonl.zst), nor latest.yml or devices.yml"
    )]
    UnknownKind {
        /// The path or address as it was given.
        path: String,
    },
    /// The source is larger than the importer takes in.
    #[error("{path} holds more than {limit} {unit}, the most that is taken in")]
    TooLarge {
        /// The path or address as it was given.
        path: String,
        /// The bound.
        limit: u64,
        /// What it counts.
        unit: &'static str,
    },
    /// The source holds nothing that the importer knows.
    #[error("{path} holds no document of a known format: neither the site's tree, nor the tracker's, nor an export")]
    NothingKnown {
        /// The path or address as it was given.
        path: String,
    },
    /// The address did not give the document.
    #[error("{path}: {error}")]
    Fetch {
        /// The address as it was given.
        path: String,
        /// What happened.
        error: DownloadError,
    },
    /// Whoever takes the documents has gone.
    #[error("the reading was given up")]
    GivenUp,
}

/// One file of a source.
#[derive(Debug)]
pub enum Document {
    /// A document of a known format.
    Known {
        /// Its format.
        format: Format,
        /// Its path inside the source.
        path: String,
        /// What it holds: all of it, or of an export some of its lines.
        bytes: Vec<u8>,
        /// The number of its first line here, from 1.
        first_line: usize,
    },
    /// A document of a known format that is larger than [`Bounds::document`].
    TooLarge {
        /// Its format.
        format: Format,
        /// Its path inside the source.
        path: String,
    },
    /// A file whose name leads out of the archive.
    UnsafePath {
        /// The name.
        path: String,
    },
}

/// Reads a path's documents into a sink, in the order in which the source holds them.
///
/// # Errors
/// When the source cannot be read to its end.
pub fn read_path(path: &Path, bounds: Bounds, sink: &mut dyn FnMut(Document) -> bool) -> Result<(), SourceError> {
    let shown = path.display().to_string();
    let io_error = |error| SourceError::Io {
        path: shown.clone(),
        error,
    };
    let metadata = path.metadata().map_err(io_error)?;
    let mut reading = Reading::new(&shown, bounds, sink);
    if metadata.is_dir() {
        reading.folder(path, "")?;
    } else {
        let file = File::open(path).map_err(io_error)?;
        reading.stream(&shown, file)?;
    }
    reading.finish()
}

/// Reads a stream of bytes, an archive or an export by its name's ending, into a sink.
///
/// # Errors
/// When the stream cannot be read to its end.
pub fn read_stream(
    name: &str,
    stream: impl Read,
    bounds: Bounds,
    sink: &mut dyn FnMut(Document) -> bool,
) -> Result<(), SourceError> {
    let mut reading = Reading::new(name, bounds, sink);
    reading.stream(name, stream)?;
    reading.finish()
}

struct Reading<'a> {
    shown: &'a str,
    bounds: Bounds,
    sink: &'a mut dyn FnMut(Document) -> bool,
    files: usize,
    known: usize,
}

impl<'a> Reading<'a> {
    fn new(shown: &'a str, bounds: Bounds, sink: &'a mut dyn FnMut(Document) -> bool) -> Self {
        Self {
            shown,
            bounds,
            sink,
            files: 0,
            known: 0,
        }
    }

    fn finish(self) -> Result<(), SourceError> {
        if self.known == 0 {
            return Err(SourceError::NothingKnown {
                path: self.shown.to_owned(),
            });
        }
        Ok(())
    }

    fn count_file(&mut self) -> Result<(), SourceError> {
        self.files += 1;
        if self.files > self.bounds.files {
            return Err(SourceError::TooLarge {
                path: self.shown.to_owned(),
                limit: self.bounds.files as u64,
                unit: "files",
            });
        }
        Ok(())
    }

    fn give(&mut self, document: Document) -> Result<(), SourceError> {
        self.known += 1;
        if (self.sink)(document) {
            Ok(())
        } else {
            Err(SourceError::GivenUp)
        }
    }

    /// One document: its format is known by its path, its bytes are read within the bound.
    fn document(&mut self, path: &str, size: Option<u64>, content: impl Read) -> Result<(), SourceError> {
        let Some(format) = Format::of(path) else { return Ok(()) };
        let path = path.to_owned();
        if format == Format::Export {
            return self.export(&path, BufReader::new(content));
        }
        let bound = self.bounds.document;
        if size.is_some_and(|size| size > bound) {
            return self.give(Document::TooLarge { format, path });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size.unwrap_or(0).min(bound)).unwrap_or(0));
        content
            .take(bound.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| self.broken(error))?;
        if bytes.len() as u64 > bound {
            return self.give(Document::TooLarge { format, path });
        }
        self.give(Document::Known {
            format,
            path,
            bytes,
            first_line: 1,
        })
    }

    /// An export is as long as the whole catalogue: it is given in pieces of whole lines, each line bounded like a document.
    fn export(&mut self, path: &str, mut content: impl BufRead) -> Result<(), SourceError> {
        const PIECE: usize = 1 << 20;
        let format = Format::Export;
        let mut first_line = 1;
        loop {
            let mut bytes = Vec::with_capacity(PIECE);
            let mut lines = 0;
            while bytes.len() < PIECE {
                let before = bytes.len();
                let bound = self.bounds.document.saturating_add(1);
                let mut line = content.by_ref().take(bound);
                let read = line.read_until(b'\n', &mut bytes).map_err(|error| self.broken(error))?;
                if read == 0 {
                    break;
                }
                lines += 1;
                if read as u64 == bound && bytes.last() != Some(&b'\n') {
                    bytes.truncate(before);
                    bytes.push(b'\n');
                    content.skip_until(b'\n').map_err(|error| self.broken(error))?;
                    let path = format!("{path}:{}", first_line + lines - 1);
                    self.give(Document::TooLarge { format, path })?;
                }
            }
            if lines == 0 {
                return Ok(());
            }
            self.give(Document::Known {
                format,
                path: path.to_owned(),
                bytes,
                first_line,
            })?;
            first_line += lines;
        }
    }

    fn folder(&mut self, folder: &Path, inner: &str) -> Result<(), SourceError> {
        let io_error = |error| SourceError::Io {
            path: folder.display().to_string(),
            error,
        };
        let mut entries: Vec<_> = folder.read_dir().and_then(Iterator::collect).map_err(io_error)?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let kind = entry.file_type().map_err(io_error)?;
            let path = format!("{inner}{}", entry.file_name().to_string_lossy());
            if kind.is_dir() {
                self.folder(&entry.path(), &format!("{path}/"))?;
            } else if kind.is_file() {
                self.count_file()?;
                if Format::of(&path).is_some() {
                    let size = entry.metadata().map_err(io_error)?.len();
                    let file = File::open(entry.path()).map_err(io_error)?;
                    self.document(&path, Some(size), file)?;
                }
            }
        }
        Ok(())
    }

    fn stream(&mut self, name: &str, stream: impl Read) -> Result<(), SourceError> {
        let mut stream = BufReader::with_capacity(1 << 16, stream);
        let magic = stream.fill_buf().map_err(|error| self.broken(error))?;
        let (is_gzip, is_zstd) = (
            magic.starts_with(&[0x1f, 0x8b]),
            magic.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]),
        );
        let name = name.rsplit('/').next().unwrap_or(name);
        if is_gzip {
            let plain = name.strip_suffix(".gz").unwrap_or(name);
            return self.unpacked(plain, flate2::bufread::MultiGzDecoder::new(stream));
        }
        if is_zstd {
            let plain = name.strip_suffix(".zst").unwrap_or(name);
            let decoder = zstd::stream::read::Decoder::with_buffer(stream).map_err(|error| self.broken(error))?;
            return self.unpacked(plain, decoder);
        }
        self.unpacked(name, stream)
    }

    fn unpacked(&mut self, name: &str, content: impl Read) -> Result<(), SourceError> {
        let mut content = BufReader::with_capacity(
            1 << 16,
            Bounded {
                inner: content,
                left: self.bounds.unpacked,
            },
        );
        let result = if let Some(document) = single_document(name) {
            self.count_file()?;
            self.document(&document, None, content)
        } else {
            let beginning = content.fill_buf().map_err(|error| self.broken(error))?;
            // The magic of a tar archive stands behind its first file's name and numbers.
            if beginning.get(257..262) != Some(b"ustar") {
                return Err(SourceError::UnknownKind {
                    path: self.shown.to_owned(),
                });
            }
            self.tar(content)
        };
        match result {
            Err(SourceError::Archive { error, .. })
                if error
                    .get_ref()
                    .is_some_and(<dyn std::error::Error + Send + Sync>::is::<Overflow>) =>
            {
                Err(SourceError::TooLarge {
                    path: self.shown.to_owned(),
                    limit: self.bounds.unpacked,
                    unit: "bytes when unpacked",
                })
            }
            result => result,
        }
    }

    fn tar(&mut self, content: impl Read) -> Result<(), SourceError> {
        let mut archive = tar::Archive::new(content);
        let entries = archive.entries().map_err(|error| self.broken(error))?;
        for entry in entries {
            let entry = entry.map_err(|error| self.broken(error))?;
            if !entry.header().entry_type().is_file() {
                continue;
            }
            self.count_file()?;
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            if path.starts_with('/') || path.split('/').any(|part| part == "..") {
                self.give(Document::UnsafePath { path })?;
                continue;
            }
            let size = entry.size();
            self.document(&path, Some(size), entry)?;
        }
        Ok(())
    }

    fn broken(&self, error: io::Error) -> SourceError {
        SourceError::Archive {
            path: self.shown.to_owned(),
            error,
        }
    }
}

/// The path inside its source of a document that comes by itself: an export, or one of the tracker's two files.
fn single_document(name: &str) -> Option<String> {
    match name {
        "latest.yml" | "devices.yml" => Some(format!("data/{name}")),
        _ => name.ends_with(".jsonl").then(|| name.to_owned()),
    }
}

/// Ends with [`Overflow`] once more than so much has been read: a small file may unpack to a very large one.
struct Bounded<R> {
    inner: R,
    left: u64,
}

/// More was unpacked than is taken in.
#[derive(Debug, thiserror::Error)]
#[error("more is unpacked than is taken in")]
struct Overflow;

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or_else(|| io::Error::other(Overflow))?;
        Ok(read)
    }
}
