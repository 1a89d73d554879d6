//! What can be set, and the layers it is read from. Every key is described in `config.default.toml`, which is the first
//! layer; the structures of the sections belong to the parts of the program that obey them.

pub mod import;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use self::import::Import;
use crate::{
    database,
    graphql::{
        limits::{Limits, SubscriptionLimits},
        persisted, rate,
        service::Caches,
    },
    http, secret, sync, telemetry, webhook,
};

/// The first layer: every key with its default and its meaning.
pub const DEFAULTS: &str = include_str!("../config.default.toml");

/// The file that is read from the working folder when no other is named.
pub const FILE: &str = "romdex.toml";

/// What the variables of the environment that are read begin with.
const PREFIX: &str = "ROMDEX__";

/// What everything obeys.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the catalogue is kept.
    pub database: database::settings::Settings,
    /// How requests are received and answered.
    pub http: http::Settings,
    /// What one operation may ask for.
    pub limits: Limits,
    /// How much each caller may ask for.
    pub rate_limit: rate::Settings,
    /// How much is kept in memory to answer faster.
    pub cache: Caches,
    /// Which documents are known by hash or id.
    pub documents: persisted::Settings,
    /// How much one listener may ask for.
    pub subscriptions: SubscriptionLimits,
    /// How much an import takes in.
    pub import: Import,
    /// Which sources are kept up to date.
    pub sync: sync::settings::Settings,
    /// Where the server's secret is.
    pub security: secret::Settings,
    /// What is sent to webhooks, and where they may be.
    pub webhooks: webhook::settings::Settings,
    /// What is logged, and how.
    pub telemetry: telemetry::Settings,
}

/// Why the configuration cannot be used: names the key, where it was set, and what is allowed.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file that cannot be read.
    #[error("the configuration file {path} cannot be read: {error}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A file that is no TOML.
    #[error("{origin} is not TOML: {reason}")]
    Syntax {
        /// The file.
        origin: String,
        /// Line, column, and what is wrong there.
        reason: String,
    },
    /// A key that nobody reads.
    #[error("there is no key {key} (set by {origin}); there are: {allowed}")]
    UnknownKey {
        /// The key as it was set.
        key: String,
        /// What set it.
        origin: String,
        /// The keys or sections that it could have been.
        allowed: String,
    },
    /// A value that the key cannot have.
    #[error("{key} (set by {origin}) cannot be used: {reason}")]
    Value {
        /// The key.
        key: String,
        /// What set it.
        origin: String,
        /// What is allowed.
        reason: String,
    },
}

/// What is laid over the defaults.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// A file's name and its text.
    pub file: Option<(String, String)>,
    /// Variables of the environment; only those that begin with `ROMDEX__` are looked at.
    pub variables: Vec<(OsString, OsString)>,
    /// What flags of the command line set.
    pub flags: Vec<Flag>,
}

/// A key set by a flag.
#[derive(Clone, Debug)]
pub struct Flag {
    /// The flag: `--listen`.
    pub name: &'static str,
    /// The key's section.
    pub section: &'static str,
    /// The key in its section.
    pub key: &'static str,
    /// What it was set to.
    pub value: String,
}

/// The configuration, and where each of its values came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    origins: BTreeMap<(String, String), String>,
}

impl Layers {
    /// The layers of this process: the named file or the working folder's, its environment, and these flags.
    ///
    /// # Errors
    /// When the file cannot be read; a file that was not named may be absent.
    pub fn of_process(file: Option<&Path>, flags: Vec<Flag>) -> Result<Self, ConfigError> {
        let path = file.unwrap_or(Path::new(FILE));
        let file = match fs::read_to_string(path) {
            Ok(text) => Some((path.display().to_string(), text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound && file.is_none() => None,
            Err(error) => {
                return Err(ConfigError::File {
                    path: path.to_owned(),
                    error,
                });
            }
        };
        Ok(Self {
            file,
            variables: std::env::vars_os().collect(),
            flags,
        })
    }

    /// Lays the layers over one another.
    ///
    /// # Errors
    /// When a layer sets a key that there is not, or a value that the key cannot have.
    pub fn load(self) -> Result<Loaded, ConfigError> {
        let mut merged = Merged {
            values: parse("the defaults", DEFAULTS)?,
            origins: BTreeMap::new(),
        };
        if let Some((origin, text)) = self.file {
            merged.file(&origin, &text)?;
        }
        for (name, value) in self.variables {
            merged.variable(&name, value)?;
        }
        for flag in self.flags {
            merged.text(flag.section, flag.key, flag.value, flag.name)?;
        }
        merged.finish()
    }
}

impl Loaded {
    /// The configuration as TOML, without secrets, each value with where it came from.
    ///
    /// # Errors
    /// When a section cannot be written as TOML.
    pub fn shown(&self) -> Result<String, toml::ser::Error> {
        let mut text = String::new();
        for (section, keys) in Table::try_from(&self.config)? {
            let _ = writeln!(text, "{}[{section}]", if text.is_empty() { "" } else { "\n" });
            for (key, value) in keys.as_table().into_iter().flatten() {
                let _ = write!(text, "{key} = {value}");
                if let Some(origin) = self.origins.get(&(section.clone(), key.clone())) {
                    let _ = write!(text, " # {origin}");
                }
                text.push('\n');
            }
        }
        Ok(text)
    }
}

/// The layers laid over one another so far.
struct Merged {
    values: Table,
    /// By section and key; what is not in here is as the defaults have it.
    origins: BTreeMap<(String, String), String>,
}

impl Merged {
    fn file(&mut self, origin: &str, text: &str) -> Result<(), ConfigError> {
        for (section, keys) in parse(origin, text)? {
            let Value::Table(keys) = keys else {
                return Err(self.unknown_section(&section, origin));
            };
            if !self.values.contains_key(&section) {
                return Err(self.unknown_section(&section, origin));
            }
            for (key, value) in keys {
                self.set(&section, &key, value, origin)?;
            }
        }
        Ok(())
    }

    fn variable(&mut self, name: &OsString, value: OsString) -> Result<(), ConfigError> {
        let name = name.to_string_lossy();
        let Some(path) = name.strip_prefix(PREFIX) else {
            return Ok(());
        };
        let path = path.to_lowercase();
        let Some((section, key)) = path.split_once("__") else {
            return Err(self.unknown_section(&path, &name));
        };
        let value = value.into_string().map_err(|_| ConfigError::Value {
            key: format!("{section}.{key}"),
            origin: name.to_string(),
            reason: "it is not UTF-8".to_owned(),
        })?;
        self.text(section, key, value, &name)
    }

    /// Sets a key to what a text says, read as the kind of value that its default is.
    fn text(&mut self, section: &str, key: &str, text: String, origin: &str) -> Result<(), ConfigError> {
        let value = match self.get(section, key, origin)? {
            Value::Integer(_) => text.parse().map_or(Value::String(text), Value::Integer),
            Value::Boolean(_) => text.parse().map_or(Value::String(text), Value::Boolean),
            Value::Array(items) => {
                let of_numbers = items.first().is_some_and(Value::is_integer);
                let item = |item: &str| match item.parse() {
                    Ok(number) if of_numbers => Value::Integer(number),
                    _ => Value::String(item.to_owned()),
                };
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                Value::Array(items.map(item).collect())
            }
            _ => Value::String(text),
        };
        self.set(section, key, value, origin)
    }

    fn set(&mut self, section: &str, key: &str, value: Value, origin: &str) -> Result<(), ConfigError> {
        *self.get(section, key, origin)? = value;
        self.origins
            .insert((section.to_owned(), key.to_owned()), origin.to_owned());
        Ok(())
    }

    fn get(&mut self, section: &str, key: &str, origin: &str) -> Result<&mut Value, ConfigError> {
        let sections = names(&self.values);
        let Some(Value::Table(keys)) = self.values.get_mut(section) else {
            return Err(ConfigError::UnknownKey {
                key: format!("{section}.{key}"),
                origin: origin.to_owned(),
                allowed: sections,
            });
        };
        let allowed = names(keys);
        keys.get_mut(key).ok_or_else(|| ConfigError::UnknownKey {
            key: format!("{section}.{key}"),
            origin: origin.to_owned(),
            allowed,
        })
    }

    fn unknown_section(&self, section: &str, origin: &str) -> ConfigError {
        ConfigError::UnknownKey {
            key: section.to_owned(),
            origin: origin.to_owned(),
            allowed: names(&self.values),
        }
    }

    fn finish(self) -> Result<Loaded, ConfigError> {
        let wrong = |section: &str, key: &str, reason: String| ConfigError::Value {
            key: format!("{section}.{key}"),
            origin: self
                .origins
                .get(&(section.to_owned(), key.to_owned()))
                .map_or_else(|| "the defaults".to_owned(), Clone::clone),
            reason,
        };
        let config: Config = serde_path_to_error::deserialize(self.values.clone()).map_err(|error| {
            let path = error.path().to_string();
            let (section, key) = path.split_once('.').unwrap_or((&path, ""));
            wrong(section, key, one_line(error.inner()))
        })?;
        config.limits.check().map_err(|error| {
            let crate::graphql::limits::LimitsError::OutOfRange { name, .. } = error;
            wrong("limits", name, error.to_string())
        })?;
        config
            .sync
            .check()
            .map_err(|error| wrong("sync", error.key(), error.to_string()))?;
        Ok(Loaded {
            config,
            origins: self.origins,
        })
    }
}

fn parse(origin: &str, text: &str) -> Result<Table, ConfigError> {
    text.parse().map_err(|error| ConfigError::Syntax {
        origin: origin.to_owned(),
        reason: one_line(&error),
    })
}

/// What is wrong and where, without the picture of it that the TOML library draws over several lines.
fn one_line(error: &toml::de::Error) -> String {
    error.message().trim_end().replace('\n', ", ")
}

fn names(table: &Table) -> String {
    table.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(
        file: &str,
        variables: &[(&str, &str)],
        flags: &[(&'static str, &'static str, &str)],
    ) -> Result<Loaded, String> {
        Layers {
            file: Some(("my.toml".to_owned(), file.to_owned())),
            variables: variables
                .iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            flags: flags
                .iter()
                .map(|&(section, key, value)| Flag {
                    name: "--flag",
                    section,
                    key,
                    value: value.to_owned(),
                })
                .collect(),
        }
        .load()
        .map_err(|error| error.to_string())
    }

    #[test]
    fn the_file_of_defaults_has_every_key_and_the_defaults_of_the_code() {
        let config = Layers::default().load().unwrap().config;
        assert_eq!(config.http, http::Settings::default());
        assert_eq!(config.limits, Limits::default());
        assert_eq!(config.cache, Caches::default());
        assert_eq!(config.documents, persisted::Settings::default());
        let written = Table::try_from(&config).unwrap();
        assert_eq!(written, DEFAULTS.parse::<Table>().unwrap());
    }

    #[test]
    fn every_key_of_the_file_of_defaults_is_explained() {
        let mut explained = false;
        for line in DEFAULTS.lines() {
            match line.chars().next() {
                Some('#') => explained = true,
                None | Some('[') => explained = false,
                // Keys that belong together share their comment.
                Some(_) => assert!(explained, "{line}"),
            }
        }
    }

    #[test]
    fn a_later_layer_wins() {
        let port = |file: &str, variables: &[(&str, &str)], flags: &[(&'static str, &'static str, &str)]| {
            load(file, variables, flags).unwrap().config.http.listen
        };
        let file = "[http]\nlisten = '127.0.0.1:1'";
        let variables = [
            ("ROMDEX__HTTP__LISTEN", "127.0.0.1:2"),
            ("ROMDEX_HTTP_LISTEN", "x"),
            ("PATH", "y"),
        ];
        assert_eq!(port("", &[], &[]), "127.0.0.1:8000");
        assert_eq!(port(file, &[], &[]), "127.0.0.1:1");
        assert_eq!(port(file, &variables, &[]), "127.0.0.1:2");
        assert_eq!(
            port(file, &variables, &[("http", "listen", "127.0.0.1:3")]),
            "127.0.0.1:3"
        );
    }

    #[test]
    fn a_variable_is_read_as_the_kind_of_its_default() {
        let variables = [("ROMDEX__LIMITS__COST", "7"), ("ROMDEX__DATABASE__URL", "sqlite://7")];
        let config = load("", &variables, &[]).unwrap().config;
        assert_eq!(config.limits.cost, 7);
        assert_eq!(config.database.url.to_string(), "sqlite://7");
    }

    #[test]
    fn what_cannot_be_used_is_named_with_its_origin_and_what_is_allowed() {
        for (file, variable, said) in [
            ("[http]\nport = 1", None, &["http.port", "my.toml", "listen"][..]),
            ("[htp]\nport = 1", None, &["htp", "my.toml", "http"]),
            ("http = 1", None, &["http", "my.toml"]),
            ("[http", None, &["my.toml"]),
            (
                "[http]\nbody_bytes = 'big'",
                None,
                &["http.body_bytes", "my.toml", "usize"],
            ),
            (
                "[http]\nstatus = 'none'",
                None,
                &["http.status", "my.toml", "compat", "spec-2026"],
            ),
            (
                "[database]\nmax_connections = 0",
                None,
                &["database.max_connections", "my.toml", "nonzero"],
            ),
            (
                "[database]\nurl = 'mysql://u:secret@db'",
                None,
                &["database.url", "my.toml", "sqlite://"],
            ),
            (
                "[limits]\nnesting = 1000",
                None,
                &["limits.nesting", "my.toml", "4 to 32"],
            ),
            (
                "",
                Some(("ROMDEX__HTTP__PORT", "1")),
                &["http.port", "ROMDEX__HTTP__PORT", "listen"],
            ),
            ("", Some(("ROMDEX__LISTEN", "1")), &["ROMDEX__LISTEN", "http"]),
            (
                "",
                Some(("ROMDEX__LIMITS__COST", "all")),
                &["limits.cost", "ROMDEX__LIMITS__COST", "u32"],
            ),
        ] {
            let error = load(file, variable.as_slice(), &[]).unwrap_err();
            assert!(!error.contains('\n') && !error.contains("secret"), "{error}");
            for part in said {
                assert!(error.contains(part), "{part} in: {error}");
            }
        }
    }

    #[test]
    fn what_is_shown_can_be_read_again_and_has_no_secret() {
        let loaded = load(
            "[database]\nurl = 'postgres://u:hush@db/romdex'\n[security]\nsecret = 'hush-hush'",
            &[],
            &[],
        )
        .unwrap();
        let shown = loaded.shown().unwrap();
        assert!(
            shown.contains(r#"url = "postgres://u:***@db/romdex" # my.toml"#),
            "{shown}"
        );
        assert!(shown.contains(r#"secret = "***" # my.toml"#), "{shown}");
        assert!(!shown.contains("hush"));
        let again = load(&shown, &[], &[]).unwrap();
        assert_eq!(again.config.limits, loaded.config.limits);
    }
}
