//! Where the catalogue is kept, and how connections to it behave: the configuration's `[database]`.

use std::{
    fmt,
    num::{NonZeroU32, NonZeroU64},
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use serde::{Deserialize, Serialize, Serializer};
use url::Url;

/// How the database is reached.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Which database, and where.
    pub url: DatabaseUrl,
    /// The most connections that this process opens for its own work.
    pub max_connections: NonZeroU32,
    /// The most connections that it opens for operations.
    pub operation_connections: NonZeroU32,
    /// How long a query waits for a free connection, the first one also for the server to answer.
    pub acquire_timeout_ms: u64,
    /// How often it is looked for a new revision that another process wrote.
    pub poll_interval_ms: NonZeroU64,
    /// PostgreSQL: how long a reading statement of the process's own work may run.
    pub statement_timeout_ms: u64,
    /// SQLite: how long a statement waits for a lock.
    pub busy_timeout_ms: u64,
    /// SQLite: memory for pages, of each connection.
    pub cache_size_kib: u32,
    /// SQLite: the same for a process that does nothing but import.
    pub import_cache_size_kib: u32,
    /// SQLite: how much of the file is read through the memory map; 0 turns the map off.
    pub mmap_size_mib: u32,
}

impl Settings {
    /// The same database for a process that does nothing but import: the indexes that an import fills at random stay in
    /// memory until they are whole, rather than being written and read again for every few rows.
    #[must_use]
    pub fn for_imports(&self) -> Self {
        Self {
            cache_size_kib: self.cache_size_kib.max(self.import_cache_size_kib),
            ..self.clone()
        }
    }

    /// [`Settings::acquire_timeout_ms`] as a duration.
    #[must_use]
    pub const fn acquire_timeout(&self) -> Duration {
        Duration::from_millis(self.acquire_timeout_ms)
    }

    /// [`Settings::poll_interval_ms`] as a duration.
    #[must_use]
    pub const fn poll_interval(&self) -> Duration {
        Duration::from_millis(self.poll_interval_ms.get())
    }

    /// [`Settings::statement_timeout_ms`] as a duration.
    #[must_use]
    pub const fn statement_timeout(&self) -> Duration {
        Duration::from_millis(self.statement_timeout_ms)
    }

    /// [`Settings::busy_timeout_ms`] as a duration.
    #[must_use]
    pub const fn busy_timeout(&self) -> Duration {
        Duration::from_millis(self.busy_timeout_ms)
    }
}

/// The address of a database; printed without its password.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum DatabaseUrl {
    /// `sqlite://` and the path of a file.
    Sqlite(PathBuf),
    /// `postgres://` or `postgresql://`, as libpq reads it.
    Postgres(Url),
}

/// What may follow the `?` of a PostgreSQL address. Anything else would be passed over by the driver, and a mistyped
/// password with it into the log.
const POSTGRES_PARAMETERS: [&str; 18] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "ssl-mode",
    "ssl-root-cert",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement-cache-capacity",
    "user",
];

/// What is wrong with an address. It never quotes the address: that may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDatabaseUrl {
    /// Another scheme, or none.
    #[error("a database address must start with sqlite:// or postgres://")]
    Scheme,
    /// A database that would be another one for every connection, and gone at the end.
    #[error(
        "an SQLite address must name a file, for example sqlite://romdex.sqlite; in memory each process would have a catalogue of its own"
    )]
    InMemory,
    /// Something behind a `?`.
    #[error("an SQLite address takes no parameters: what can be set is in the `database` section")]
    SqliteParameters,
    /// No address at all.
    #[error("a PostgreSQL address must be like postgres://user:password@host:5432/database: {0}")]
    Malformed(url::ParseError),
    /// A parameter nobody reads.
    #[error("a PostgreSQL address has no parameter {0:?}")]
    Parameter(String),
}

impl DatabaseUrl {
    /// The file of an SQLite database.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }
}

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    fn from_str(text: &str) -> Result<Self, InvalidDatabaseUrl> {
        if let Some(rest) = text.strip_prefix("sqlite:") {
            return sqlite(rest.strip_prefix("//").unwrap_or(rest));
        }
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(InvalidDatabaseUrl::Scheme);
        }
        let url = Url::parse(text).map_err(InvalidDatabaseUrl::Malformed)?;
        let unknown = url
            .query_pairs()
            .find(|(name, _)| !POSTGRES_PARAMETERS.contains(&name.as_ref()) && !name.starts_with("options["));
        match unknown {
            Some((name, _)) => Err(InvalidDatabaseUrl::Parameter(name.into_owned())),
            None => Ok(Self::Postgres(url)),
        }
    }
}

fn sqlite(path: &str) -> Result<DatabaseUrl, InvalidDatabaseUrl> {
    if path.is_empty() || path.starts_with(":memory:") {
        return Err(InvalidDatabaseUrl::InMemory);
    }
    if path.contains('?') {
        return Err(InvalidDatabaseUrl::SqliteParameters);
    }
    Ok(DatabaseUrl::Sqlite(PathBuf::from(path)))
}

impl TryFrom<String> for DatabaseUrl {
    type Error = InvalidDatabaseUrl;

    fn try_from(text: String) -> Result<Self, InvalidDatabaseUrl> {
        text.parse()
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Self::Postgres(url) => f.write_str(masked(url).as_str()),
        }
    }
}

impl Serialize for DatabaseUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

fn masked(url: &Url) -> Url {
    const MASK: &str = "***";
    let mut shown = url.clone();
    if url.password().is_some() {
        // Refused only for addresses without a host, which have no password either.
        let _ = shown.set_password(Some(MASK));
    }
    if url.query().is_some() {
        let parameters = url.query_pairs().map(|(name, value)| match name.as_ref() {
            "password" => (name, MASK.into()),
            _ => (name, value),
        });
        shown.query_pairs_mut().clear().extend_pairs(parameters);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_file_or_a_server() {
        for (text, path) in [
            ("sqlite://romdex.sqlite", "romdex.sqlite"),
            ("sqlite:romdex.sqlite", "romdex.sqlite"),
            (
                "sqlite:///var/lib/romdex/catalogue.sqlite",
                "/var/lib/romdex/catalogue.sqlite",
            ),
        ] {
            assert_eq!(text.parse(), Ok(DatabaseUrl::Sqlite(path.into())), "{text}");
        }
        for text in [
            "postgres://localhost/romdex",
            "postgresql://u:p@db:5433/romdex?sslmode=verify-full",
        ] {
            assert!(matches!(text.parse(), Ok(DatabaseUrl::Postgres(_))), "{text}");
        }
    }

    #[test]
    fn other_addresses_are_refused_without_being_quoted() {
        for text in [
            "",
            "romdex.sqlite",
            "mysql://u:secret@localhost/romdex",
            "sqlite::memory:",
            "sqlite://:memory:",
            "sqlite://",
            "sqlite://romdex.sqlite?mode=memory",
            "postgres://u:secret@localhost:port/romdex",
            "postgres://u@localhost/romdex?passwrd=secret",
        ] {
            let error = text.parse::<DatabaseUrl>().unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_password_is_never_printed() {
        for (text, shown) in [
            ("postgres://u:secret@db/romdex", "postgres://u:***@db/romdex"),
            (
                "postgres://db/romdex?user=u&password=secret",
                "postgres://db/romdex?user=u&password=***",
            ),
            ("postgres://u@db/romdex", "postgres://u@db/romdex"),
        ] {
            let url: DatabaseUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), shown);
        }
    }
}
