//! Documents that clients ask for by a hash or an id instead of sending their text: those that the server learned
//! from clients (Apollo's automatic persisted queries), and those of the operator's list.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use moka::future::Cache;
use rustc_hash::{FxBuildHasher, FxHashMap};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::error::{Code, Fault};
use super::service::Incoming;
use crate::telemetry::metrics::{self, Registry};

/// Which documents are known and which are run; the configuration's `[documents]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Bytes of documents learned from clients that are kept at most; 0 turns learning off.
    pub learned_bytes: u64,
    /// A file with documents by their ids; without a name there is none.
    pub manifest: PathBuf,
    /// Whether only the documents of that file are run.
    pub trusted_only: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            learned_bytes: 2 << 20,
            manifest: PathBuf::new(),
            trusted_only: false,
        }
    }
}

/// Why a list of documents cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The file cannot be read.
    #[error("the documents in {path} cannot be read: {error}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The file is not a list of documents.
    #[error("{path} is neither an object of documents by id nor an Apollo manifest: {error}", path = path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// Only listed documents are to be run, and there is no list.
    #[error("documents.trusted_only needs documents.manifest")]
    Missing,
}

/// The documents that can be asked for by a hash or an id.
pub struct Persisted {
    learned: Option<Cache<Hash, Arc<str>, FxBuildHasher>>,
    listed: FxHashMap<String, Arc<str>>,
    trust: Trust,
}

type Hash = [u8; 32];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    Everyone,
    Listed,
}

/// The document of a request.
pub struct Resolved {
    /// Its text.
    pub text: Arc<str>,
    /// The hash under which to keep it once it has turned out to be valid.
    pub learn: Option<Hash>,
}

impl Persisted {
    /// Reads the list, if there is one.
    ///
    /// # Errors
    /// The list cannot be read, or is needed and missing.
    pub fn new(settings: &Settings, metrics: &Registry) -> Result<Self, ManifestError> {
        let has_list = !settings.manifest.as_os_str().is_empty();
        if settings.trusted_only && !has_list {
            return Err(ManifestError::Missing);
        }
        let listed = if has_list {
            read(&settings.manifest)?
        } else {
            FxHashMap::default()
        };
        let learned = (settings.learned_bytes > 0 && !settings.trusted_only).then(|| {
            Cache::builder()
                .max_capacity(settings.learned_bytes)
                .weigher(|_: &Hash, text: &Arc<str>| u32::try_from(text.len() + 128).unwrap_or(u32::MAX))
                .build_with_hasher(FxBuildHasher)
        });
        if let Some(learned) = &learned {
            metrics::register_cache(
                metrics,
                "romdex_learned_documents",
                "Documents learned from clients",
                learned,
            );
        }
        Ok(Self {
            learned,
            listed,
            trust: if settings.trusted_only {
                Trust::Listed
            } else {
                Trust::Everyone
            },
        })
    }

    /// The document that a request asks for.
    ///
    /// # Errors
    /// The request names no document, one that nobody knows, or one that may not be run.
    pub async fn resolve(&self, incoming: &mut Incoming) -> Result<Resolved, Fault> {
        match (
            incoming.query.take(),
            incoming.persisted.take(),
            incoming.document_id.take(),
        ) {
            (Some(text), None, None) => self.sent(text, None),
            (Some(text), Some(persisted), None) => {
                let hash = Hash::from(Sha256::digest(&text));
                if hex(&hash) != persisted.sha256.to_ascii_lowercase() {
                    return Err(Fault::new(
                        Code::BadRequest,
                        "the document's SHA-256 is another than was given",
                    ));
                }
                self.sent(text, Some(hash))
            }
            (None, Some(persisted), None) => self.known(&persisted.sha256).await,
            (None, None, Some(id)) => self.known(&id).await,
            (None, None, None) => Err(Fault::new(Code::BadRequest, "parameter \"query\" is missing")),
            _ => Err(Fault::new(
                Code::BadRequest,
                "a request has either a document's text or its id",
            )),
        }
    }

    /// Keeps a document that has turned out to be valid.
    pub async fn learn(&self, hash: Hash, text: &Arc<str>) {
        if let Some(learned) = &self.learned {
            learned.insert(hash, Arc::clone(text)).await;
        }
    }

    fn sent(&self, text: String, hash: Option<Hash>) -> Result<Resolved, Fault> {
        if self.trust == Trust::Listed && !self.listed.values().any(|listed| **listed == *text) {
            return Err(Fault::new(
                Code::PersistedQueryRequired,
                "only documents from the server's list are run",
            ));
        }
        Ok(Resolved {
            text: text.into(),
            learn: hash,
        })
    }

    async fn known(&self, id: &str) -> Result<Resolved, Fault> {
        let bare = id.strip_prefix("sha256:").unwrap_or(id);
        if let Some(text) = self.listed.get(id).or_else(|| self.listed.get(bare)) {
            return Ok(Resolved {
                text: Arc::clone(text),
                learn: None,
            });
        }
        // the texts are what Apollo's clients look for
        let Some(learned) = &self.learned else {
            return Err(match self.trust {
                Trust::Listed => Fault::new(Code::PersistedQueryNotFound, "PersistedQueryNotFound"),
                Trust::Everyone => Fault::new(Code::PersistedQueryNotSupported, "PersistedQueryNotSupported"),
            });
        };
        let found = match unhex(bare) {
            Some(hash) => learned.get(&hash).await,
            None => None,
        };
        match found {
            Some(text) => Ok(Resolved { text, learn: None }),
            None => Err(Fault::new(Code::PersistedQueryNotFound, "PersistedQueryNotFound")),
        }
    }
}

/// Apollo's manifest, or documents by id as Relay and others write them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Manifest {
    Apollo { operations: Vec<Listed> },
    Plain(BTreeMap<String, String>),
}

#[derive(Deserialize)]
struct Listed {
    id: String,
    body: String,
}

fn read(path: &Path) -> Result<FxHashMap<String, Arc<str>>, ManifestError> {
    let text = std::fs::read(path).map_err(|error| ManifestError::File {
        path: path.to_owned(),
        error,
    })?;
    let manifest = serde_json::from_slice(&text).map_err(|error| ManifestError::Format {
        path: path.to_owned(),
        error,
    })?;
    let documents: Vec<(String, String)> = match manifest {
        Manifest::Apollo { operations } => operations.into_iter().map(|listed| (listed.id, listed.body)).collect(),
        Manifest::Plain(documents) => documents.into_iter().collect(),
    };
    let listed = documents.into_iter().map(|(id, text)| {
        let id = id.strip_prefix("sha256:").map(str::to_owned).unwrap_or(id);
        (id, Arc::from(text))
    });
    Ok(listed.collect())
}

fn hex(hash: &Hash) -> String {
    use std::fmt::Write as _;
    hash.iter().fold(String::with_capacity(64), |mut text, byte| {
        // writing into memory does not fail
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<Hash> {
    let digits: Vec<u8> = text
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits
        .chunks_exact(2)
        .filter_map(|pair| Some(pair.first()? << 4 | pair.last()?))
        .collect();
    if digits.len() == 64 {
        bytes.try_into().ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_read_as_they_are_written() {
        let hash = Hash::from(Sha256::digest("{ a }"));
        assert_eq!(unhex(&hex(&hash)), Some(hash));
        assert_eq!(unhex(&hex(&hash).to_uppercase()), Some(hash));
        for wrong in [
            "",
            "00",
            &"0".repeat(63),
            &"0".repeat(66),
            &"g".repeat(64),
            &"ä".repeat(32),
        ] {
            assert_eq!(unhex(wrong), None, "{wrong}");
        }
    }
}
