//! What can be set, all of it by variables of the environment.

use std::{env, time::Duration};

use reqwest::Url;

/// How the bot is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// What BotFather gave for the bot.
    pub token: String,
    /// The romdex server's GraphQL address.
    pub romdex: Url,
    /// The SQLite file for subscriptions; made where there is none.
    pub database: String,
    /// Another Bot API server than Telegram's own.
    pub telegram: Option<Url>,
    /// How long to wait before a lost connection is tried again; where WebSockets are blocked, how often the server is asked.
    pub pause: Duration,
}

/// Why the bot cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A variable that must be there is not.
    #[error("the variable {name} is not set: {meaning}")]
    Missing {
        /// Its name.
        name: &'static str,
        /// What it is for.
        meaning: &'static str,
    },
    /// A variable holds what cannot be used.
    #[error("the variable {name} must be {allowed}, not {value:?}")]
    Unusable {
        /// Its name.
        name: &'static str,
        /// What it may be.
        allowed: &'static str,
        /// What it is.
        value: String,
    },
}

impl Config {
    /// Reads the variables; `README.md` lists them.
    ///
    /// # Errors
    /// When a variable is missing, or holds what cannot be used.
    pub fn from_env() -> Result<Self, ConfigError> {
        let pause = variable("PAUSE_SECONDS").unwrap_or_else(|| "30".to_owned());
        let seconds = pause.parse().ok().filter(|seconds| *seconds > 0);
        Ok(Self {
            token: required("TELEGRAM_BOT_TOKEN", "the token that BotFather gave for the bot")?,
            romdex: url(
                "ROMDEX_URL",
                &required("ROMDEX_URL", "the server, such as http://127.0.0.1:8000/graphql")?,
            )?,
            database: variable("DATABASE").unwrap_or_else(|| "bot.sqlite".to_owned()),
            telegram: variable("TELEGRAM_API_URL")
                .map(|value| url("TELEGRAM_API_URL", &value))
                .transpose()?,
            pause: seconds.map(Duration::from_secs).ok_or(ConfigError::Unusable {
                name: "PAUSE_SECONDS",
                allowed: "a number of seconds from 1",
                value: pause,
            })?,
        })
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn required(name: &'static str, meaning: &'static str) -> Result<String, ConfigError> {
    variable(name).ok_or(ConfigError::Missing { name, meaning })
}

fn url(name: &'static str, value: &str) -> Result<Url, ConfigError> {
    let parsed = Url::parse(value)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"));
    parsed.ok_or_else(|| ConfigError::Unusable {
        name,
        allowed: "an address that starts with http:// or https://",
        value: value.to_owned(),
    })
}
