//! The service that transports talk to: takes one request's parameters, returns an answer's bytes.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Request, Response, Value, Variables};
use bytes::Bytes;
use futures::FutureExt as _;
use serde::Serialize;
use serde_json::value::RawValue;

use super::error::{Code, Fault, MOST_ERRORS};
use super::limits::{Limits, LimitsError};

/// One operation, as a transport received it.
#[derive(Debug, Default)]
pub struct Incoming {
    /// The document's text.
    pub query: Option<String>,
    /// Which of the document's operations to run.
    pub operation_name: Option<String>,
    /// The variables: a JSON object, not yet read.
    pub variables: Option<Box<RawValue>>,
    /// Apollo's automatic persisted query.
    pub persisted: Option<PersistedQuery>,
    /// The id of a document that the server has.
    pub document_id: Option<String>,
    /// What may be run.
    pub allowed: Allowed,
}

/// Which operations a transport lets through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Allowed {
    /// Queries alone: the request must change nothing.
    Queries,
    /// Queries and mutations.
    #[default]
    Everything,
}

/// The hash of a document that the server may know from earlier.
#[derive(Clone, Debug)]
pub struct PersistedQuery {
    /// SHA-256 of the document's text in hexadecimal digits.
    pub sha256: String,
}

/// What became of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Data without errors.
    Complete,
    /// Data with errors: some fields failed.
    Partial,
    /// The caller has this answer already.
    Unchanged,
    /// The request's parameters are not those of a GraphQL request.
    Malformed,
    /// The document is not GraphQL.
    Unparsable,
    /// The document, its operation, its variables or its size were refused before anything ran.
    Refused,
    /// A mutation on a transport that takes queries alone.
    MutationRefused,
    /// The operation took too long.
    TimedOut,
    /// The operation failed as a whole, and it is our fault.
    Failed,
}

/// The answer to one request.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What became of it.
    pub kind: Kind,
    /// The answer in JSON.
    pub body: Bytes,
}

/// What the pipeline runs operations on.
pub trait Backend: Send + Sync + 'static {
    /// One state of the data; an operation sees one and the same from its start to its end.
    type Moment: Clone + Send + Sync + 'static;

    /// The schema, in GraphQL's own language.
    fn sdl(&self) -> String;

    /// The data as it is now.
    fn moment(&self) -> Self::Moment;

    /// Runs a request that has passed every check.
    fn run(&self, request: Request, moment: Self::Moment) -> impl Future<Output = Response> + Send;
}

/// Why a service cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The limits cannot be kept.
    #[error(transparent)]
    Limits(#[from] LimitsError),
}

/// Checks, runs and answers operations. Cheap to clone.
#[derive(Clone)]
pub struct Service {
    engine: Arc<dyn Engine>,
}

impl Service {
    /// A service over this backend.
    ///
    /// # Errors
    /// The limits contradict one another.
    pub fn over(backend: impl Backend, limits: Limits) -> Result<Self, ServiceError> {
        limits.check()?;
        Ok(Self {
            engine: Arc::new(Pipeline { backend, limits }),
        })
    }

    /// Runs one operation.
    pub async fn execute(&self, incoming: Incoming) -> Answer {
        self.engine.execute(incoming).await
    }

    /// Runs the operations of a batch, one after the other; their answers make one list.
    pub async fn execute_batch(&self, batch: Vec<Incoming>) -> Answer {
        self.engine.execute_batch(batch).await
    }
}

type Answering<'a> = Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

/// A pipeline without its backend's type.
trait Engine: Send + Sync {
    fn execute(&self, incoming: Incoming) -> Answering<'_>;
    fn execute_batch(&self, batch: Vec<Incoming>) -> Answering<'_>;
}

struct Pipeline<B> {
    backend: B,
    limits: Limits,
}

impl<B: Backend> Engine for Pipeline<B> {
    fn execute(&self, incoming: Incoming) -> Answering<'_> {
        Box::pin(self.answer(incoming))
    }

    fn execute_batch(&self, batch: Vec<Incoming>) -> Answering<'_> {
        Box::pin(async move {
            let most = self.limits.batch_size;
            if most < 2 {
                return Answer::refused(
                    Kind::Malformed,
                    &[Fault::new(Code::BatchingNotSupported, "batches are not served")],
                );
            }
            if batch.is_empty() || batch.len() > most as usize {
                let message = format!("a batch holds 1 to {most} operations, this one {}", batch.len());
                return Answer::refused(Kind::Malformed, &[Fault::new(Code::BadRequest, message)]);
            }
            let mut body = vec![b'['];
            for incoming in batch {
                if body.len() > 1 {
                    body.push(b',');
                }
                body.extend_from_slice(&self.answer(incoming).await.body);
            }
            body.push(b']');
            Answer {
                kind: Kind::Complete,
                body: body.into(),
            }
        })
    }
}

impl<B: Backend> Pipeline<B> {
    async fn answer(&self, incoming: Incoming) -> Answer {
        let mut request = Request::new(incoming.query.unwrap_or_default());
        request.operation_name = incoming.operation_name;
        if let Some(raw) = incoming.variables {
            match serde_json::from_str::<Variables>(raw.get()) {
                Ok(variables) => request.variables = variables,
                Err(error) => {
                    return Answer::refused(Kind::Refused, &[Fault::new(Code::BadUserInput, error.to_string())]);
                }
            }
        }
        let run = std::panic::AssertUnwindSafe(self.backend.run(request, self.backend.moment())).catch_unwind();
        match tokio::time::timeout(Duration::from_millis(self.limits.timeout_ms.into()), run).await {
            Ok(Ok(response)) => Answer::of(response),
            Ok(Err(_)) => Answer::refused(Kind::Failed, &[Fault::masked("panic")]),
            Err(_) => Answer::refused(
                Kind::TimedOut,
                &[Fault::new(Code::OperationTimeout, "the operation took too long")],
            ),
        }
    }
}

#[derive(Serialize)]
struct Refusal<'a> {
    errors: &'a [Fault],
}

impl Answer {
    fn refused(kind: Kind, errors: &[Fault]) -> Self {
        Self {
            kind,
            body: serde_json::to_vec(&Refusal { errors })
                .map(Bytes::from)
                .unwrap_or_default(),
        }
    }

    fn of(response: Response) -> Self {
        #[derive(Serialize)]
        struct Body<'a> {
            #[serde(skip_serializing_if = "Vec::is_empty")]
            errors: Vec<Fault>,
            data: &'a Value,
        }
        let kind = if response.errors.is_empty() {
            Kind::Complete
        } else {
            Kind::Partial
        };
        let errors = response
            .errors
            .into_iter()
            .take(MOST_ERRORS)
            .map(Fault::from_execution)
            .collect();
        let body = serde_json::to_vec(&Body {
            errors,
            data: &response.data,
        });
        Self {
            kind,
            body: body.map(Bytes::from).unwrap_or_default(),
        }
    }
}
