//! What the document pipeline runs operations on: the schema over a catalogue.

use std::sync::{Arc, OnceLock};

use async_graphql::{InputValueResult, Request, Response, ScalarType, Value, Variables};
use chrono::Utc;
use futures::{StreamExt as _, stream};

use super::{
    Schema,
    context::{self, Here},
    cursor,
    document::plan::OperationPlan,
    error::{ApiResult, Code, Fault, chain},
    execute::{self, ObjectType, Written},
    limits::{Limits, SubscriptionLimits},
    query::Query,
    rate, schema, sdl,
    service::{Backend, Credential, Event, Options, Service, ServiceError, Source},
    subscription::{Followed, Step, read_cursor},
    types::{self, ByteCount, ChangeEdge, Date, DateTime, Url},
};
use crate::{
    catalog::{Catalog, Change, Follower, Happened, Since, Snapshot},
    token::{Caller, TokenError, Tokens},
    webhook::store::Webhooks,
};

/// What those who come with an API token can use.
#[derive(Clone)]
pub struct Accounts {
    /// The tokens.
    pub tokens: Tokens,
    /// The webhooks of their owners.
    pub webhooks: Webhooks,
}

/// The schema over a catalogue.
struct Served {
    schema: Schema,
    catalog: Catalog,
    accounts: Option<Accounts>,
    limits: Limits,
    rate_limit: Option<rate::Settings>,
    subscriptions: SubscriptionLimits,
}

/// A revision, and for a subscription the event that is answered on it.
#[derive(Clone)]
struct Moment {
    snapshot: Arc<Snapshot>,
    event: Option<Change>,
}

impl Backend for Served {
    type Moment = Moment;

    fn sdl(&self) -> String {
        sdl()
    }

    fn moment(&self) -> Self::Moment {
        Moment {
            snapshot: self.catalog.snapshot(),
            event: None,
        }
    }

    fn revision(&self, Moment { snapshot, .. }: &Moment) -> Option<u128> {
        // the number alone would also fit another database that has come as far
        let made_at = snapshot.updated_at.map_or(0, |moment| moment.timestamp_micros());
        Some(u128::from(snapshot.revision.unsigned_abs()) << 64 | u128::from(made_at.unsigned_abs()))
    }

    fn check_scalar(&self, scalar: &str, value: &Value) -> Result<(), String> {
        match scalar {
            "Date" => check::<Date>(value),
            "DateTime" => check::<DateTime>(value),
            "URL" => check::<Url>(value),
            "ByteCount" => check::<ByteCount>(value),
            _ => Ok(()),
        }
    }

    async fn authenticate(&self, credential: &Credential) -> Result<Caller, Fault> {
        let Some(accounts) = &self.accounts else {
            let message = "no API tokens are taken here: the server has no secret to check them with";
            return Err(Fault::new(Code::Unauthenticated, message));
        };
        accounts
            .tokens
            .verify(credential, Utc::now())
            .await
            .map_err(|error| match error {
                TokenError::Rejected(rejection) => Fault::new(Code::Unauthenticated, rejection.to_string()),
                error => Fault::masked(&chain(&error)),
            })
    }

    fn in_memory(&self) -> Vec<ObjectType> {
        types::in_memory()
    }

    fn write(&self, plan: &OperationPlan, variables: &Variables, moment: &Self::Moment) -> Option<Written> {
        Some(execute::run(
            &Query,
            plan,
            variables,
            &self.here(Arc::clone(&moment.snapshot)),
        ))
    }

    async fn run(&self, request: Request, moment: Moment) -> Response {
        match moment.event {
            None => self.schema.execute(self.prepare(request, moment.snapshot)).await,
            Some(change) => {
                let step = Step::Answer(ChangeEdge::new(Arc::clone(&moment.snapshot), change));
                self.step(request, moment.snapshot, &Arc::new(step)).await
            }
        }
    }

    async fn follow(
        &self,
        request: Request,
        moment: Moment,
        after: Option<String>,
    ) -> Result<Source<Moment>, Response> {
        let step = Arc::new(Step::Open(OnceLock::new()));
        let response = self.step(request, moment.snapshot, &step).await;
        let followed = match step.as_ref() {
            Step::Open(followed) if response.errors.is_empty() => followed.get().cloned(),
            _ => None,
        };
        let Some(followed) = followed else {
            return Err(response);
        };
        let follower = self.follower(followed, after.as_deref()).map_err(|error| {
            let error = async_graphql::Error::from(error).into_server_error(async_graphql::Pos::default());
            Response::from_errors(vec![error])
        })?;
        Ok(stream::unfold(Some(follower), tell).boxed())
    }
}

impl Served {
    fn prepare(&self, request: Request, snapshot: Arc<Snapshot>) -> Request {
        let request = context::prepare(request, &self.catalog, self.here(snapshot)).data(self.subscriptions);
        match &self.accounts {
            Some(accounts) => request.data(accounts.webhooks.clone()),
            None => request,
        }
    }

    /// One step of a subscription: opening it answers nothing, if nothing is wrong with it.
    async fn step(&self, request: Request, snapshot: Arc<Snapshot>, step: &Arc<Step>) -> Response {
        let request = self.prepare(request, snapshot).data(Arc::clone(step));
        let answered = self.schema.execute_stream(request).next().await;
        answered.unwrap_or_else(|| Response::new(Value::Null))
    }

    fn follower(&self, followed: Followed, resume: Option<&str>) -> ApiResult<Follower> {
        let after = match resume {
            Some(cursor) => Some(read_cursor(cursor)?),
            None => followed.after,
        };
        Ok(self
            .catalog
            .follow(followed.filter, after.map_or(Since::Now, Since::Entry)))
    }
}

/// The next event, and whatever tells those behind it; nothing does after a failure.
async fn tell(follower: Option<Follower>) -> Option<(Result<Event<Moment>, Fault>, Option<Follower>)> {
    let mut follower = follower?;
    match follower.next().await {
        Ok(Happened { snapshot, change }) => {
            let event = Event {
                cursor: cursor::of_change(change.id),
                moment: Moment {
                    snapshot,
                    event: Some(change),
                },
            };
            Some((Ok(event), Some(follower)))
        }
        Err(error) => Some((Err(Fault::masked(&chain(&error))), None)),
    }
}

impl Served {
    fn here(&self, snapshot: Arc<Snapshot>) -> Here {
        Here {
            snapshot,
            limits: self.limits,
            rate_limit: self.rate_limit,
        }
    }
}

fn check<T: ScalarType + async_graphql::InputType>(value: &Value) -> Result<(), String> {
    let parsed: InputValueResult<T> = ScalarType::parse(value.clone());
    match parsed {
        Ok(_) => Ok(()),
        Err(error) => Err(error.into_server_error(async_graphql::Pos::default()).message),
    }
}

impl Service {
    /// The service over a catalogue.
    ///
    /// # Errors
    /// When the limits contradict one another, or the list of documents cannot be used.
    pub fn new(catalog: Catalog, options: impl Into<Options>) -> Result<Self, ServiceError> {
        Self::with_accounts(catalog, None, options)
    }

    /// The service over a catalogue, for readers and for those who come with an API token.
    ///
    /// # Errors
    /// As [`Service::new`].
    pub fn with_accounts(
        catalog: Catalog,
        accounts: Option<Accounts>,
        options: impl Into<Options>,
    ) -> Result<Self, ServiceError> {
        let options = options.into();
        let served = Served {
            schema: schema(),
            catalog,
            accounts,
            limits: options.limits,
            rate_limit: options.rate_limit.in_force(),
            subscriptions: options.subscriptions,
        };
        Self::over(served, options)
    }
}
