//! A Telegram bot over the romdex API, written to be copied.
//!
//! | module | what lives there |
//! |---|---|
//! | `config` | what can be set |
//! | `api` | the server: typed operations, and a client that sends them |
//! | `commands` | what people can ask of the bot, and the answers |
//! | `follow` | hearing of changes: a WebSocket, and polling where there is none |
//! | `store` | subscriptions, the place in the change log, and what is still to be told, in SQLite |
//! | `announce` | telling it |
//! | `text` | messages, within Telegram's form and limits |

mod announce;
mod api;
mod commands;
mod config;
mod follow;
mod store;
mod text;

use std::{error::Error, sync::Arc};

use teloxide::{
    Bot,
    adaptors::{DefaultParseMode, Throttle, throttle::Limits},
    prelude::*,
    types::ParseMode,
};
use tokio::sync::Notify;

pub use crate::config::{Config, ConfigError};
use crate::{api::Romdex, commands::Command, store::Store};

/// Telegram's API, not faster than it allows, with messages in HTML.
type Telegram = DefaultParseMode<Throttle<Bot>>;

/// Runs the bot until it is interrupted.
///
/// # Errors
/// When the database cannot be opened, or Telegram does not know the token.
pub async fn run(config: Config) -> Result<(), Box<dyn Error + Send + Sync>> {
    let store = Store::open(&config.database).await?;
    let romdex = Romdex::new(config.romdex)?;
    let mut bot = Bot::new(config.token);
    if let Some(url) = config.telegram {
        bot = bot.set_api_url(url);
    }
    let telegram = bot.throttle(Limits::default()).parse_mode(ParseMode::Html);
    telegram.set_my_commands(commands::listed()).await?;

    let news = Arc::new(Notify::new());
    let follower = follow::follow(romdex.clone(), store.clone(), Arc::clone(&news), config.pause);
    let announcer = announce::announce(telegram.clone(), store.clone(), news, config.pause);
    let handler = dptree::entry()
        .branch(
            Update::filter_message()
                .filter_command::<Command>()
                .endpoint(commands::answer),
        )
        .branch(Update::filter_inline_query().endpoint(commands::answer_inline));
    let mut dispatcher = Dispatcher::builder(telegram, handler)
        .dependencies(dptree::deps![romdex, store])
        .default_handler(async |_| {})
        .enable_ctrlc_handler()
        .build();
    tokio::select! {
        () = dispatcher.dispatch() => Ok(()),
        never = follower => match never {},
        never = announcer => match never {},
    }
}
