//! What the document pipeline runs operations on: the schema over a catalogue.

use std::sync::Arc;

use async_graphql::{InputValueResult, Request, Response, ScalarType, Value, Variables};
use chrono::Utc;

use super::{
    Schema,
    context::{self, Here},
    document::plan::OperationPlan,
    error::{Code, Fault, chain},
    execute::{self, ObjectType, Written},
    limits::Limits,
    query::Query,
    rate, schema, sdl,
    service::{Backend, Credential, Options, Service, ServiceError},
    types::{self, ByteCount, Date, DateTime, Url},
};
use crate::{
    catalog::{Catalog, Snapshot},
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
}

impl Backend for Served {
    type Moment = Arc<Snapshot>;

    fn sdl(&self) -> String {
        sdl()
    }

    fn moment(&self) -> Self::Moment {
        self.catalog.snapshot()
    }

    fn revision(&self, snapshot: &Self::Moment) -> Option<u128> {
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
        Some(execute::run(&Query, plan, variables, &self.here(Arc::clone(moment))))
    }

    async fn run(&self, request: Request, moment: Self::Moment) -> Response {
        let mut request = context::prepare(request, &self.catalog, self.here(moment));
        if let Some(accounts) = &self.accounts {
            request = request.data(accounts.webhooks.clone());
        }
        self.schema.execute(request).await
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
        };
        Self::over(served, options)
    }
}
