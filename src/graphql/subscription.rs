//! The root of subscriptions.
//!
//! A subscription runs in two steps, as the specification has it: once to learn what it follows, and then once for each
//! event, like a query, on the revision that the event came with.

use std::sync::OnceLock;

use async_graphql::{Context, Subscription};
use futures::{Stream, stream};

use super::{
    context::Unprepared,
    cursor,
    error::{ApiError, ApiResult},
    types::{ChangeEdge, ChangeFilter},
};
use crate::catalog;

/// The step that a request of a subscription is for; part of what it carries.
pub(super) enum Step {
    /// To learn what is followed: it is left here.
    Open(OnceLock<Followed>),
    /// To answer this event.
    Answer(ChangeEdge),
}

/// What a subscription follows.
#[derive(Clone, Debug)]
pub(super) struct Followed {
    /// Which changes.
    pub(super) filter: catalog::ChangeFilter,
    /// Behind which entry of the log.
    pub(super) after: Option<i64>,
}

/// What can be listened to.
pub struct Subscription;

/// What can be listened to: over a WebSocket with the subprotocol `graphql-transport-ws`, or over HTTP as server-sent
/// events or as Apollo's multipart answers.
#[Subscription]
impl Subscription {
    #[expect(clippy::unused_async, reason = "the schema's subscriptions are asynchronous")]
    /// Each change of the catalogue as it happens, oldest first, as in the query `changes`. A client that was away goes on with
    /// the last cursor that it got as `after`: it is told what it missed and then what comes, each change once.
    /// The cost is that of one event.
    async fn changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Narrows the changes.")] filter: Option<ChangeFilter>,
        #[graphql(
            desc = "First everything that follows this cursor. Where left out, only what happens from now on, without the first load of an empty catalogue, which is history and no news."
        )]
        after: Option<String>,
    ) -> Result<impl Stream<Item = ChangeEdge> + use<>, ApiError> {
        let step = ctx
            .data_opt::<std::sync::Arc<Step>>()
            .ok_or_else(|| ApiError::internal(Unprepared("step")))?;
        let told = match step.as_ref() {
            Step::Answer(edge) => Some(edge.clone()),
            Step::Open(followed) => {
                let after = after.as_deref().map(read_cursor).transpose()?;
                let filter = filter.unwrap_or_default().into();
                // the document was checked: a subscription has one field
                let _ = followed.set(Followed { filter, after });
                None
            }
        };
        Ok(stream::iter(told))
    }
}

/// Reads a place in the change log.
pub(super) fn read_cursor(text: &str) -> ApiResult<i64> {
    cursor::change(text).ok_or_else(|| ApiError::bad_input("after", "not a cursor of the change log"))
}
