//! Telling chats what is kept for them. A text is taken off the list when Telegram has confirmed it: what a crash leaves unconfirmed
//! is sent again.

use std::{convert::Infallible, sync::Arc, time::Duration};

use teloxide::{
    ApiError, RequestError,
    prelude::*,
    types::{ChatId, LinkPreviewOptions},
};
use tokio::{sync::Notify, time::timeout};

use crate::{Telegram, store::Store, text};

/// Why telling stopped for now.
#[derive(Debug, thiserror::Error)]
enum AnnounceError {
    #[error(transparent)]
    Telegram(#[from] RequestError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Tells what there is to tell, whenever `news` says that there may be something, and again after `pause` where a chat could
/// not be told.
pub async fn announce(telegram: Telegram, store: Store, news: Arc<Notify>, pause: Duration) -> Infallible {
    loop {
        if let Err(error) = round(&telegram, &store).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "what there is to tell is told later"
            );
        }
        // Told meanwhile, or looked at again after the pause: either way the list says what is left.
        let _ = timeout(pause, news.notified()).await;
    }
}

/// One message to every chat that is to be told something, until there is none, or none that can be told now.
async fn round(telegram: &Telegram, store: &Store) -> Result<(), AnnounceError> {
    loop {
        let mut is_any_told = false;
        for chat in store.waiting().await? {
            match tell(telegram, store, chat).await {
                Ok(()) => is_any_told = true,
                Err(AnnounceError::Telegram(error)) => is_any_told |= give_up(store, chat, &error).await?,
                Err(error) => return Err(error),
            }
        }
        if !is_any_told {
            return Ok(());
        }
    }
}

/// Sends a chat one message with as much of what it is to be told as fits.
async fn tell(telegram: &Telegram, store: &Store, chat: i64) -> Result<(), AnnounceError> {
    let announcements = store.next_for(chat).await?;
    let entries: Vec<_> = announcements
        .iter()
        .map(|announcement| announcement.text.clone())
        .collect();
    // What does not fit comes in the next message.
    let (message, count) = text::fit("", &entries, 0);
    send(telegram, ChatId(chat), message).await?;
    store.told(announcements.iter().take(count)).await?;
    Ok(())
}

/// Sends a message without previews of its links. The rate is kept by `Throttle`, which also waits and tries again when
/// Telegram asks for that (429).
pub async fn send(telegram: &Telegram, chat: ChatId, message: String) -> Result<Message, RequestError> {
    let preview = LinkPreviewOptions {
        is_disabled: true,
        url: None,
        prefer_small_media: false,
        prefer_large_media: false,
        show_above_text: false,
    };
    telegram.send_message(chat, message).link_preview_options(preview).await
}

/// What to do about a chat that could not be told: it is dropped where it is gone, renamed where it has moved, and tried
/// later otherwise. Says whether something was done.
async fn give_up(store: &Store, chat: i64, error: &RequestError) -> Result<bool, sqlx::Error> {
    use ApiError::{
        BotBlocked, BotKicked, BotKickedFromChannel, BotKickedFromSupergroup, CantInitiateConversation,
        CantTalkWithBots, ChatNotFound, GroupDeactivated, UserDeactivated,
    };
    match error {
        RequestError::MigrateToChatId(to) => store.rename(chat, to.0).await?,
        RequestError::Api(
            BotBlocked
            | BotKicked
            | BotKickedFromChannel
            | BotKickedFromSupergroup
            | CantInitiateConversation
            | CantTalkWithBots
            | ChatNotFound
            | GroupDeactivated
            | UserDeactivated,
        ) => {
            tracing::info!(chat, %error, "the chat is dropped");
            store.forget(chat).await?;
        }
        error => {
            tracing::warn!(chat, error = error as &dyn std::error::Error, "the chat is told later");
            return Ok(false);
        }
    }
    Ok(true)
}
