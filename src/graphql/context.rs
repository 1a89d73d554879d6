//! What one operation carries with it: its revision of the catalogue, its loaders, its limits.

use std::{sync::Arc, time::Duration};

use async_graphql::{
    Context, Request,
    dataloader::{DataLoader, HashMapCache},
};

use super::{error::ApiResult, limits::Limits};
use crate::catalog::{Catalog, ChangelogId, Snapshot, Texts};

/// Reads changelog texts for one operation: one statement for all that are asked on one level, each text once.
type TextLoader = DataLoader<Texts, HashMapCache>;

/// How long a loader waits for more keys. Resolvers beside it are ready at once, so this only has to outlast one round of them.
const GATHERING: Duration = Duration::from_micros(100);

/// Equips a request for its run: it sees this snapshot from start to end.
#[must_use]
pub fn prepare(request: Request, catalog: &Catalog, snapshot: Arc<Snapshot>, limits: Limits) -> Request {
    let texts = DataLoader::with_cache(Texts(catalog.database().clone()), tokio::spawn, HashMapCache::default())
        .delay(GATHERING);
    request.data(catalog.clone()).data(snapshot).data(texts).data(limits)
}

/// What resolvers ask of the context.
pub(super) trait ContextExt {
    /// The revision that the operation sees.
    fn snapshot(&self) -> ApiResult<Arc<Snapshot>>;

    /// The catalogue, for what its snapshot does not hold.
    fn catalog(&self) -> ApiResult<&Catalog>;

    /// The limits on pages; the defaults where none are set.
    fn limits(&self) -> Limits;

    /// A changelog's text.
    async fn changelog(&self, id: ChangelogId) -> ApiResult<Option<Arc<str>>>;
}

/// A request came to a resolver without having been [prepared](prepare).
#[derive(Debug, thiserror::Error)]
#[error("the request carries no {0}")]
struct Unprepared(&'static str);

impl ContextExt for Context<'_> {
    fn snapshot(&self) -> ApiResult<Arc<Snapshot>> {
        self.data_opt::<Arc<Snapshot>>()
            .cloned()
            .ok_or_else(|| super::error::ApiError::internal(Unprepared("snapshot")))
    }

    fn catalog(&self) -> ApiResult<&Catalog> {
        self.data_opt::<Catalog>()
            .ok_or_else(|| super::error::ApiError::internal(Unprepared("catalog")))
    }

    fn limits(&self) -> Limits {
        self.data_opt::<Limits>().copied().unwrap_or_default()
    }

    async fn changelog(&self, id: ChangelogId) -> ApiResult<Option<Arc<str>>> {
        let loader = self
            .data_opt::<TextLoader>()
            .ok_or_else(|| super::error::ApiError::internal(Unprepared("loader")))?;
        loader.load_one(id).await.map_err(super::error::ApiError::internal)
    }
}
