//! What one operation carries with it: its revision of the catalogue, its loaders, its limits.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_graphql::{
    Context, Request,
    dataloader::{DataLoader, HashMapCache},
};
use tokio::task::JoinSet;

use super::{
    error::{ApiError, ApiResult, Code},
    limits::{Limits, SubscriptionLimits},
    rate,
};
use crate::{
    catalog::{Catalog, ChangelogId, Snapshot, Texts},
    token::{Caller, Scope},
    webhook::store::Webhooks,
};

/// What the resolvers of one operation see: the same from its start to its end.
#[derive(Clone, Debug)]
pub struct Here {
    /// The revision.
    pub snapshot: Arc<Snapshot>,
    /// The limits on pages.
    pub limits: Limits,
    /// The rate limit, where there is one.
    pub rate_limit: Option<rate::Settings>,
}

impl Here {
    /// The revision.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot)
    }
}

/// Reads changelog texts for one operation: one statement for all that are asked on one level, each text once.
type TextLoader = DataLoader<Texts, HashMapCache>;

/// How long a loader waits for more keys. Resolvers beside it are ready at once, so this only has to outlast one round of them.
const GATHERING: Duration = Duration::from_micros(100);

/// Equips a request for its run: it sees this snapshot from start to end.
#[must_use]
pub fn prepare(request: Request, catalog: &Catalog, here: Here) -> Request {
    // the tasks are the loader's own, and it is the request's: they end with the operation
    let tasks = Mutex::new(JoinSet::new());
    let spawn = move |task| {
        tasks.lock().unwrap_or_else(PoisonError::into_inner).spawn(task);
    };
    let texts =
        DataLoader::with_cache(Texts(catalog.database().clone()), spawn, HashMapCache::default()).delay(GATHERING);
    request.data(catalog.clone()).data(here).data(texts)
}

/// What resolvers ask of the context.
pub(super) trait ContextExt {
    /// What the operation sees.
    fn here(&self) -> ApiResult<&Here>;

    /// The revision that the operation sees.
    fn snapshot(&self) -> ApiResult<Arc<Snapshot>>;

    /// The catalogue, for what its snapshot does not hold.
    fn catalog(&self) -> ApiResult<&Catalog>;

    /// The limits on pages.
    fn limits(&self) -> ApiResult<Limits>;

    /// The limits on listeners; the defaults where none are set.
    fn subscription_limits(&self) -> SubscriptionLimits;

    /// The webhooks, and the owner whose may be seen and changed.
    fn webhooks(&self) -> ApiResult<(&Webhooks, &str)>;

    /// What the operation was charged, where its caller is limited.
    fn charge(&self) -> Option<rate::Charge>;

    /// A changelog's text.
    async fn changelog(&self, id: ChangelogId) -> ApiResult<Option<Arc<str>>>;
}

/// A request came to a resolver without having been [prepared](prepare).
#[derive(Debug, thiserror::Error)]
#[error("the request carries no {0}")]
pub(super) struct Unprepared(pub(super) &'static str);

impl ContextExt for Context<'_> {
    fn here(&self) -> ApiResult<&Here> {
        self.data_opt::<Here>()
            .ok_or_else(|| ApiError::internal(Unprepared("snapshot")))
    }

    fn snapshot(&self) -> ApiResult<Arc<Snapshot>> {
        self.here().map(Here::snapshot)
    }

    fn catalog(&self) -> ApiResult<&Catalog> {
        self.data_opt::<Catalog>()
            .ok_or_else(|| ApiError::internal(Unprepared("catalog")))
    }

    fn limits(&self) -> ApiResult<Limits> {
        self.here().map(|here| here.limits)
    }

    fn webhooks(&self) -> ApiResult<(&Webhooks, &str)> {
        let refused = |code, message| Err(ApiError::Refused { code, message });
        let Some(webhooks) = self.data_opt::<Webhooks>() else {
            return refused(
                Code::Forbidden,
                "there are no webhooks here: the server has no secret to keep theirs with",
            );
        };
        match self.data_opt::<Caller>() {
            None => refused(
                Code::Unauthenticated,
                "an API token is needed, in the header \"Authorization: Bearer …\"",
            ),
            Some(caller) if !caller.may(Scope::Webhooks) => {
                refused(Code::Forbidden, "the API token has not the scope webhooks")
            }
            Some(caller) => Ok((webhooks, &caller.name)),
        }
    }

    fn charge(&self) -> Option<rate::Charge> {
        self.data_opt::<rate::Charge>().copied()
    }

    fn subscription_limits(&self) -> SubscriptionLimits {
        self.data_opt::<SubscriptionLimits>().copied().unwrap_or_default()
    }

    async fn changelog(&self, id: ChangelogId) -> ApiResult<Option<Arc<str>>> {
        let loader = self
            .data_opt::<TextLoader>()
            .ok_or_else(|| ApiError::internal(Unprepared("loader")))?;
        loader.load_one(id).await.map_err(ApiError::internal)
    }
}
