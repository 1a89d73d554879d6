//! Hearing of changes: first what was missed, by polling, then each as it happens, over a WebSocket. When the socket breaks it begins
//! again from the stored cursor. Where WebSockets are blocked, what is left is a poll, so nothing depends on them.

use std::{convert::Infallible, sync::Arc, time::Duration};

use cynic::QueryBuilder as _;
use futures::StreamExt as _;
use tokio::sync::Notify;

use crate::{
    api::{
        self, ApiError, ChangeEdge, ChangeFilter, ChangeKind, ChangeSubject, Changes, ChangesVariables,
        LiveChangesVariables, Romdex,
    },
    store::{NewTypes, News, Store},
    text,
};

/// Why following stopped for now.
#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error(transparent)]
    Server(#[from] ApiError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Follows the change log for ever, and notifies `news` when there may be something to tell. After a failure, and after a
/// socket has ended, it waits for `pause`.
pub async fn follow(romdex: Romdex, store: Store, news: Arc<Notify>, pause: Duration) -> Infallible {
    loop {
        let error = match catch_up(&romdex, &store, &news).await {
            Ok(cursor) => {
                tracing::info!("following the change log");
                listen(&romdex, &store, &news, cursor).await.err()
            }
            Err(error) => Some(error),
        };
        if let Some(error) = error {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the changes are asked for again in a while"
            );
        }
        tokio::time::sleep(pause).await;
    }
}

/// What the bot wants to hear of. Whom it concerns is decided here and not by the server, so that a new subscription
/// changes nothing about the place in the log.
fn filter() -> ChangeFilter {
    ChangeFilter {
        kind: Some(vec![
            ChangeKind::ReleaseAdded,
            ChangeKind::ReleasePromoted,
            ChangeKind::PackageAdded,
        ]),
        device: None,
    }
}

/// Takes every change behind the stored cursor, page by page, and gives the cursor of the end. A bot that starts for the
/// first time has no cursor: it begins at the end of the log, and what came before is history.
async fn catch_up(romdex: &Romdex, store: &Store, news: &Notify) -> Result<Option<String>, FollowError> {
    let mut cursor = store.cursor().await?;
    let mut filter = filter();
    if cursor.is_none() {
        // No device is in an empty list: a long log is passed over in few pages.
        filter.device = Some(Vec::new());
    }
    loop {
        let variables = ChangesVariables {
            filter: filter.clone(),
            after: cursor.clone(),
        };
        let page = romdex.ask(Changes::build(variables)).await?.changes;
        for edge in &page.edges {
            take(store, edge).await?;
        }
        news.notify_one();
        if let Some(end) = page.page_info.end_cursor {
            store.take(&end, None).await?;
            cursor = Some(end);
        }
        if !page.page_info.has_next_page {
            return Ok(cursor);
        }
    }
}

/// Takes each change as it happens, until the socket ends.
async fn listen(romdex: &Romdex, store: &Store, news: &Notify, after: Option<String>) -> Result<(), FollowError> {
    let mut changes = romdex
        .listen(LiveChangesVariables {
            filter: filter(),
            after,
        })
        .await?;
    while let Some(answer) = changes.next().await {
        let answer = answer.map_err(ApiError::from)?;
        take(store, &api::data(answer)?.changes).await?;
        news.notify_one();
    }
    Ok(())
}

/// Takes one change. A release is news when it is added or promoted; a package is news for those who wait for its type.
async fn take(store: &Store, edge: &ChangeEdge) -> Result<(), sqlx::Error> {
    let (release, types) = match &edge.node.subject {
        ChangeSubject::Release(release) => {
            let types = release.packages.nodes.iter().map(|file| &file.r#type).collect();
            (release, NewTypes::OfRelease(types))
        }
        ChangeSubject::Package(package) => (&package.release, NewTypes::OfPackage(&package.r#type)),
        ChangeSubject::Other => return store.take(&edge.cursor, None).await,
    };
    let text = text::news(release);
    store.take(&edge.cursor, Some(&News { release, types, text })).await
}
