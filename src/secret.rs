//! The server's secret: what the keys are derived from that hash tokens and encrypt the secrets of webhooks. It is kept
//! apart from the database, so that a copy of the database alone is worth nothing.

use std::{
    fmt, fs,
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use tempfile::NamedTempFile;

use crate::database::settings::DatabaseUrl;

/// The fewest bytes of a secret: fewer could be guessed.
const LEAST_BYTES: usize = 32;

/// Where the secret is; the configuration's `[security]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The secret itself.
    pub secret: Hidden,
    /// A file that holds it.
    pub secret_file: PathBuf,
}

/// A text that is never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Hidden(String);

/// Why there is no secret to work with. It never quotes the secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Both keys are set.
    #[error("security.secret and security.secret_file are both set: one of them must be empty")]
    Twice,
    /// The file cannot be used.
    #[error("the file of the server's secret, {path}, cannot be used: {error}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// It could be guessed.
    #[error(
        "{origin} must be a secret of at least {LEAST_BYTES} bytes, has {length}: `openssl rand -hex 32` makes one"
    )]
    TooShort {
        /// Where it stands.
        origin: String,
        /// Its length.
        length: usize,
    },
    /// The system has no randomness.
    #[error("the system gives no random bytes: {0}")]
    Random(#[from] getrandom::Error),
}

/// The server's secret.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Finds the configured secret. Where none is configured, an SQLite database has one in a file beside it, which is made
    /// when it is missing; for PostgreSQL, which several servers share, there is none then.
    ///
    /// # Errors
    /// When it is configured twice, too short, or its file cannot be used.
    pub fn open(settings: &Settings, database: &DatabaseUrl) -> Result<Option<Self>, SecretError> {
        let file = &settings.secret_file;
        match (settings.secret.0.is_empty(), file.as_os_str().is_empty(), database) {
            (false, false, _) => Err(SecretError::Twice),
            (false, true, _) => Self::new("security.secret", &settings.secret.0).map(Some),
            (true, false, _) => Self::read(file).map(Some),
            (true, true, DatabaseUrl::Postgres(_)) => Ok(None),
            (true, true, DatabaseUrl::Sqlite(path)) => {
                let mut name = path.clone().into_os_string();
                name.push("-secret");
                Self::read_or_make(Path::new(&name)).map(Some)
            }
        }
    }

    /// A key for one purpose. Keys of different purposes say nothing about one another.
    #[must_use]
    pub fn key(&self, purpose: &str) -> [u8; 32] {
        blake3::derive_key(purpose, &self.0)
    }

    fn new(origin: &str, text: &str) -> Result<Self, SecretError> {
        let text = text.trim();
        if text.len() < LEAST_BYTES {
            return Err(SecretError::TooShort {
                origin: origin.to_owned(),
                length: text.len(),
            });
        }
        Ok(Self(text.as_bytes().to_vec()))
    }

    fn read(path: &Path) -> Result<Self, SecretError> {
        let text = fs::read_to_string(path).map_err(|error| failed(path, error))?;
        if fs::metadata(path).is_ok_and(|data| data.permissions().mode() & 0o077 != 0) {
            tracing::warn!(path = %path.display(), "others can read the server's secret: chmod 600 would stop that");
        }
        Self::new(&path.display().to_string(), &text)
    }

    fn read_or_make(path: &Path) -> Result<Self, SecretError> {
        if !path.exists() {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            // Readable by its owner alone from the start, and in place as a whole or not at all.
            let mut file =
                NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(|error| failed(path, error))?;
            let written = writeln!(file, "{}", hex(&random::<32>()?)).and_then(|()| file.as_file().sync_all());
            written.map_err(|error| failed(path, error))?;
            match file.persist_noclobber(path) {
                Ok(_) => tracing::info!(
                    path = %path.display(),
                    "made the secret that tokens and webhooks need; keep it apart from copies of the database"
                ),
                // Another process was faster: its secret counts.
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed(path, error.error)),
            }
        }
        Self::read(path)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

fn failed(path: &Path, error: io::Error) -> SecretError {
    SecretError::File {
        path: path.to_owned(),
        error,
    }
}

/// Bytes that nobody can guess.
///
/// # Errors
/// When the system has none to give.
pub fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// Bytes in lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

impl From<&str> for Hidden {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Serialize for Hidden {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if self.0.is_empty() { "" } else { "***" })
    }
}

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The library would quote what is there instead of a text.
        toml::Value::deserialize(deserializer)?
            .as_str()
            .map(Self::from)
            .ok_or_else(|| de::Error::custom("it must be a text in quotation marks"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQLITE: &str = "sqlite://romdex.sqlite";

    fn settings(secret: &str, file: &Path) -> Settings {
        Settings {
            secret: secret.into(),
            secret_file: file.to_owned(),
        }
    }

    #[test]
    fn a_secret_is_configured_once_and_long_enough() {
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("secret");
        fs::write(&file, "0123456789abcdef0123456789abcdef\n").unwrap();
        let none = Path::new("");
        let sqlite = SQLITE.parse().unwrap();
        let open = |secret, file| Secret::open(&settings(secret, file), &sqlite);
        let text = open("0123456789abcdef0123456789abcdef", none).unwrap().unwrap();
        assert_eq!(text.key("a"), open("", &file).unwrap().unwrap().key("a"));
        assert_ne!(text.key("a"), text.key("b"));
        assert!(matches!(open("hush", &file), Err(SecretError::Twice)));
        let short = open("hush", none).unwrap_err().to_string();
        assert!(
            short.contains("security.secret must be") && !short.contains("hush"),
            "{short}"
        );
        assert!(matches!(
            open("", &folder.path().join("none")),
            Err(SecretError::File { .. })
        ));
    }

    #[test]
    fn sqlite_has_a_secret_of_its_own_that_only_its_owner_can_read() {
        let folder = tempfile::TempDir::new().unwrap();
        let database = DatabaseUrl::Sqlite(folder.path().join("romdex.sqlite"));
        let first = Secret::open(&Settings::default(), &database).unwrap().unwrap();
        let file = folder.path().join("romdex.sqlite-secret");
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
        let again = Secret::open(&Settings::default(), &database).unwrap().unwrap();
        assert_eq!(first.key("a"), again.key("a"));
        assert_eq!(format!("{first:?}"), "Secret(***)");
    }

    #[test]
    fn servers_that_share_a_database_must_be_told_their_secret() {
        let database = "postgres://db/romdex".parse().unwrap();
        assert!(Secret::open(&Settings::default(), &database).unwrap().is_none());
    }
}
