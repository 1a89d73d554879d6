//! The service that transports talk to: takes one request's parameters, returns an answer's bytes.
//!
//! An operation goes through here once: its document is found and checked, its variables and its cost are checked,
//! and only then it runs, for a limited time, on one state of the data; or an answer to the same is at hand already.

mod meters;
mod outcome;
mod stream;

use std::future::Future;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use async_graphql::{Request, Response, Value, Variables};
use bytes::Bytes;
use futures::FutureExt as _;
use moka::future::Cache;
use rustc_hash::FxBuildHasher;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use self::meters::Meters;
use self::outcome::Ran;
pub use self::stream::{Event, Events, Source, Started, Told};
use super::answer;
use super::document::arguments::CheckScalar;
use super::document::plan::OperationPlan;
use super::document::{Documents, Hash, Operation, OperationKind, Ready, Refusal, SchemaError, Validity};
use super::error::{Code, Fault};
use super::execute::{ObjectType, Written};
use super::limits::{Limits, LimitsError, SubscriptionLimits};
use super::persisted::{self, ManifestError, Persisted};
use super::rate::{self, Account, Bill, Charge, Exceeded, InvalidRate, RateLimiter, Spender};
use crate::telemetry::metrics::{self, Registry};
use crate::token::Caller;

pub use crate::token::Credential;

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
    /// Where a subscription goes on that was cut off: the cursor of the last event, which counts instead of its argument `after`.
    pub resume: Option<String>,
    /// What may be run.
    pub allowed: Allowed,
    /// Who may see the answer.
    pub audience: Audience,
    /// The API token that the caller came with.
    pub credential: Option<Credential>,
    /// What the caller has already, by its stamps.
    pub known: Vec<Stamp>,
    /// Whose budget the operation is charged to, unless it comes with a token; without one it is not limited.
    pub address: Option<IpAddr>,
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

/// Who may see an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Audience {
    /// Whoever asks the same: answers are shared.
    #[default]
    Everyone,
    /// The caller alone, who came with credentials: the answer is neither kept nor taken from what is kept.
    Caller,
}

/// The hash of a document that the server may know from earlier.
#[derive(Clone, Debug)]
pub struct PersistedQuery {
    /// SHA-256 of the document's text in hexadecimal digits.
    pub sha256: String,
}

/// What an answer is made of: equal stamps stand for equal answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamp(pub u128);

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
    /// The API token that came with the request is not accepted.
    Unauthenticated,
    /// The caller has spent what it may.
    RateLimited,
    /// A mutation on a transport that takes queries alone.
    MutationRefused,
    /// The operation took too long.
    TimedOut,
    /// The operation failed as a whole, and it is our fault.
    Failed,
}

/// Where an answer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was kept from an earlier request.
    Kept,
    /// It was made for this request, and is kept for the next.
    Made,
    /// It was made for this request alone.
    Alone,
}

/// The answer to one request.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What became of it.
    pub kind: Kind,
    /// The code of its first error.
    pub code: Option<Code>,
    /// The answer in JSON.
    pub body: Bytes,
    /// What the operation costs at most; 0 where it was refused.
    pub cost: u64,
    /// What it turned out to cost, where that is known; never more than `cost`.
    pub spent: u64,
    /// What the caller was charged for it, where the caller is limited.
    pub bill: Option<Bill>,
    /// What tells this answer from others, where it may be kept.
    pub stamp: Option<Stamp>,
    /// Where it comes from.
    pub origin: Origin,
}

/// What the pipeline runs operations on.
pub trait Backend: Send + Sync + 'static {
    /// One state of the data; an operation sees one and the same from its start to its end.
    type Moment: Clone + Send + Sync + 'static;

    /// The schema, in GraphQL's own language.
    fn sdl(&self) -> String;

    /// The data as it is now.
    fn moment(&self) -> Self::Moment;

    /// What tells this state of the data from every other; without it no answer is kept.
    fn revision(&self, moment: &Self::Moment) -> Option<u128>;

    /// Says what is wrong with a value of a custom scalar, if something is.
    ///
    /// # Errors
    /// What is allowed, and what came instead.
    fn check_scalar(&self, scalar: &str, value: &Value) -> Result<(), String>;

    /// Recognises who sends a request. A backend that knows nobody accepts nothing.
    ///
    /// # Errors
    /// What the caller is told where the credential is not accepted.
    fn authenticate(&self, credential: &Credential) -> impl Future<Output = Result<Caller, Fault>> + Send {
        let _ = credential;
        std::future::ready(Err(Fault::new(Code::Unauthenticated, "no API tokens are taken here")))
    }

    /// The types whose fields are answered from memory. Operations that need no others are [written](Backend::write).
    fn in_memory(&self) -> Vec<ObjectType> {
        Vec::new()
    }

    /// Writes the answer to an operation that has passed every check and waits for nothing.
    fn write(&self, plan: &OperationPlan, variables: &Variables, moment: &Self::Moment) -> Option<Written> {
        let _ = (plan, variables, moment);
        None
    }

    /// Runs a request that has passed every check; it carries the [`Caller`], if there is one. Of a
    /// subscription it runs for the event that the moment is of.
    fn run(&self, request: Request, moment: Self::Moment) -> impl Future<Output = Response> + Send;

    /// Finds the events of a subscription that has passed every check: those behind the cursor, or behind the one in its
    /// arguments, or from this moment on.
    fn follow(
        &self,
        request: Request,
        moment: Self::Moment,
        after: Option<String>,
    ) -> impl Future<Output = Result<Source<Self::Moment>, Response>> + Send;
}

/// How a service is set up.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What one operation may ask for.
    pub limits: Limits,
    /// How much is kept in memory.
    pub cache: Caches,
    /// Which documents are known by hash or id.
    pub documents: persisted::Settings,
    /// How much each caller may ask for.
    pub rate_limit: rate::Settings,
    /// How much one listener may ask for.
    pub subscriptions: SubscriptionLimits,
    /// Where it is counted what becomes of operations.
    pub metrics: Registry,
}

impl From<Limits> for Options {
    fn from(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }
}

/// How much is kept in memory to answer faster; the configuration's `[cache]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Caches {
    /// Bytes of checked documents.
    pub document_bytes: u64,
    /// Bytes of answers; 0 keeps none.
    pub answer_bytes: u64,
}

impl Default for Caches {
    fn default() -> Self {
        Self {
            document_bytes: 4 << 20,
            answer_bytes: 6 << 20,
        }
    }
}

/// Why a service cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The limits cannot be kept.
    #[error(transparent)]
    Limits(#[from] LimitsError),
    /// The rate limit lets some operation never run.
    #[error(transparent)]
    Rate(#[from] InvalidRate),
    /// The schema cannot be checked against.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The list of documents cannot be used.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

/// Checks, runs and answers operations. Cheap to clone.
#[derive(Clone)]
pub struct Service {
    engine: Arc<dyn Engine>,
    rate_limit: Option<rate::Settings>,
    subscriptions: SubscriptionLimits,
    metrics: Registry,
}

impl Service {
    /// A service over this backend.
    ///
    /// # Errors
    /// The limits contradict one another, or the list of documents cannot be used.
    pub fn over(backend: impl Backend, options: impl Into<Options>) -> Result<Self, ServiceError> {
        let options = options.into();
        options.subscriptions.check()?;
        Ok(Self {
            rate_limit: options.rate_limit.in_force(),
            subscriptions: options.subscriptions,
            metrics: options.metrics.clone(),
            engine: Arc::new(Pipeline::new(backend, &options)?),
        })
    }

    /// The rate limit, where there is one.
    #[must_use]
    pub fn rate_limit(&self) -> Option<rate::Settings> {
        self.rate_limit
    }

    /// Where it is counted what becomes of operations.
    #[must_use]
    pub fn metrics(&self) -> &Registry {
        &self.metrics
    }

    /// Runs one operation, or begins to listen if it is a subscription.
    pub async fn start(&self, incoming: Incoming) -> Started {
        Arc::clone(&self.engine).start(incoming).await
    }

    /// How much one listener may ask for.
    #[must_use]
    pub fn subscription_limits(&self) -> SubscriptionLimits {
        self.subscriptions
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

type Starting = Pin<Box<dyn Future<Output = Started> + Send>>;
type Answering<'a> = Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

/// A pipeline without its backend's type.
trait Engine: Send + Sync {
    fn start(self: Arc<Self>, incoming: Incoming) -> Starting;
    fn execute(&self, incoming: Incoming) -> Answering<'_>;
    fn execute_batch(&self, batch: Vec<Incoming>) -> Answering<'_>;
}

struct Pipeline<B> {
    backend: B,
    limits: Limits,
    documents: Documents,
    persisted: Persisted,
    limiter: Option<RateLimiter>,
    answers: Option<Cache<Stamp, Answer, FxBuildHasher>>,
    largest_answer: usize,
    meters: Meters,
    /// Tells this program and its schema from others in what clients keep.
    seed: [u8; 32],
}

/// An operation that may run.
struct Admitted<M> {
    operation: Arc<Operation>,
    ready: Ready,
    moment: M,
    stamp: Option<Stamp>,
    caller: Option<Caller>,
    charge: Option<Charge>,
}

/// Where an operation stands after its checks.
enum Checked<M> {
    Run(Admitted<M>),
    Answered(Answer),
}

impl<B: Backend> Engine for Pipeline<B> {
    fn start(self: Arc<Self>, incoming: Incoming) -> Starting {
        Box::pin(Self::start(self, incoming))
    }

    fn execute(&self, incoming: Incoming) -> Answering<'_> {
        Box::pin(async move {
            let began = Instant::now();
            let mut account = self.account(incoming.address);
            let answer = match self.check(incoming, &mut account).await.once() {
                Checked::Run(admitted) => self.answer(admitted).await,
                Checked::Answered(answer) => answer,
            };
            self.meters.answered(&answer, began);
            account.owe(answer.due());
            Answer {
                bill: account.settle(),
                ..answer
            }
        })
    }

    fn execute_batch(&self, batch: Vec<Incoming>) -> Answering<'_> {
        Box::pin(self.batch(batch))
    }
}

impl<B: Backend> Pipeline<B> {
    fn new(backend: B, options: &Options) -> Result<Self, ServiceError> {
        options.limits.check()?;
        options.rate_limit.check(options.limits.cost)?;
        let sdl = backend.sdl();
        let mut seed = blake3::Hasher::new();
        seed.update(env!("CARGO_PKG_VERSION").as_bytes()).update(sdl.as_bytes());
        let bytes = options.cache.answer_bytes;
        let answers = (bytes > 0).then(|| {
            Cache::builder()
                .max_capacity(bytes)
                .weigher(|_: &Stamp, answer: &Answer| u32::try_from(answer.body.len() + 256).unwrap_or(u32::MAX))
                .build_with_hasher(FxBuildHasher)
        });
        let metrics = &options.metrics;
        if let Some(answers) = &answers {
            metrics::register_cache(metrics, "romdex_answer_cache", "Answers that are kept", answers);
        }
        let documents = Documents::new(
            &sdl,
            &backend.in_memory(),
            options.limits,
            options.cache.document_bytes,
            metrics,
        )?;
        Ok(Self {
            documents,
            persisted: Persisted::new(&options.documents, metrics)?,
            meters: Meters::new(metrics),
            limits: options.limits,
            limiter: RateLimiter::new(options.rate_limit),
            // one answer must not push out all others
            largest_answer: usize::try_from(bytes / 16).unwrap_or(usize::MAX),
            answers,
            seed: *seed.finalize().as_bytes(),
            backend,
        })
    }

    /// The account of a request from this address.
    fn account(&self, address: Option<IpAddr>) -> Account<'_> {
        Account::open(self.limiter.as_ref(), address.map(Spender::Address))
    }

    async fn check(&self, mut incoming: Incoming, account: &mut Account<'_>) -> Checked<B::Moment> {
        let caller = match incoming.credential.take() {
            Some(credential) => {
                let recognising = self.backend.authenticate(&credential);
                match self.in_time(recognising, Result::is_err).await {
                    Some(Ok(caller)) => Some(caller),
                    Some(Err(fault)) => return Checked::refused(unrecognised(&fault), &[fault]),
                    None => return Checked::Answered(outcome::timed_out(self.limits.timeout_ms).into()),
                }
            }
            None => None,
        };
        if let Some(caller) = &caller {
            account.hold_token(caller.id);
        }
        if let Err(exceeded) = account.charge(rate::LEAST) {
            return Checked::refused(Kind::RateLimited, &[exceeded.fault()]);
        }
        let resolved = match self.persisted.resolve(&mut incoming).await {
            Ok(resolved) => resolved,
            Err(fault) if fault.code() == Code::BadRequest => return Checked::refused(Kind::Malformed, &[fault]),
            Err(fault) => return Checked::refused(Kind::Refused, &[fault]),
        };
        let moment = self.backend.moment();
        let hash = *blake3::hash(resolved.text.as_bytes()).as_bytes();
        let stamp = match incoming.audience {
            Audience::Everyone if caller.is_none() => self
                .backend
                .revision(&moment)
                .map(|revision| self.stamp(&incoming, &hash, revision)),
            _ => None,
        };
        if let Some(answer) = self.kept(stamp, &incoming.known).await {
            return Checked::Answered(answer);
        }
        let scalar: CheckScalar<'_> = &|name, value| self.backend.check_scalar(name, value);
        let document = match self.documents.get(hash, &resolved.text, scalar).await {
            Ok(document) => document,
            Err(Refusal::Unparsable(faults)) => return Checked::refused(Kind::Unparsable, &faults),
            Err(Refusal::Invalid(faults)) => return Checked::refused(Kind::Refused, &faults),
        };
        if let Some(hash) = resolved.learn {
            self.persisted.learn(hash, &resolved.text).await;
        }
        let ready = document
            .operation(incoming.operation_name.as_deref())
            .and_then(|operation| {
                let variables = match &incoming.variables {
                    Some(raw) => serde_json::from_str::<Variables>(raw.get()).map_err(|error| {
                        Fault::new(Code::BadUserInput, format!("the variables cannot be read: {error}"))
                    })?,
                    None => Variables::default(),
                };
                Ok((operation, self.documents.ready(operation, variables, scalar)?))
            });
        let (operation, ready) = match ready {
            Ok(ready) => ready,
            Err(fault) => return Checked::refused(Kind::Refused, &[fault]),
        };
        match (operation.kind, incoming.allowed) {
            (OperationKind::Mutation, Allowed::Queries) => {
                let fault = Fault::new(Code::MethodNotAllowed, "mutations need POST");
                Checked::refused(Kind::MutationRefused, &[fault])
            }
            (kind, _) => {
                let cost = ready.cost;
                if let Err(exceeded) = account.charge(cost.saturating_sub(rate::LEAST)) {
                    return Checked::refused(Kind::RateLimited, &[Exceeded { cost, ..exceeded }.fault()]);
                }
                let lasts = operation.validity == Validity::Revision;
                let stamp = match kind {
                    OperationKind::Query => stamp.filter(|_| lasts),
                    OperationKind::Mutation => None,
                    // each of its events is of a revision of its own
                    OperationKind::Subscription => {
                        let shared = lasts && incoming.audience == Audience::Everyone && caller.is_none();
                        shared.then(|| self.stamp(&incoming, &hash, 0))
                    }
                };
                Checked::Run(Admitted {
                    operation: Arc::clone(operation),
                    ready,
                    moment,
                    stamp,
                    caller,
                    charge: account.standing().map(|standing| Charge { cost, standing }),
                })
            }
        }
    }

    /// The answer that is made of this already, if the caller or the server has it.
    async fn kept(&self, stamp: Option<Stamp>, known: &[Stamp]) -> Option<Answer> {
        let stamp = stamp?;
        if known.contains(&stamp) {
            return Some(Answer {
                kind: Kind::Unchanged,
                code: None,
                body: Bytes::new(),
                cost: 0,
                spent: 0,
                bill: None,
                stamp: Some(stamp),
                origin: Origin::Kept,
            });
        }
        let answer = self.answers.as_ref()?.get(&stamp).await?;
        Some(Answer {
            origin: Origin::Kept,
            ..answer
        })
    }

    /// What the answer to a request will be made of.
    fn stamp(&self, incoming: &Incoming, document: &Hash, revision: u128) -> Stamp {
        let name = incoming.operation_name.as_deref().unwrap_or_default();
        let variables = incoming.variables.as_deref().map(RawValue::get).unwrap_or_default();
        let mut hasher = blake3::Hasher::new_keyed(&self.seed);
        hasher.update(&revision.to_le_bytes()).update(document);
        for part in [name, variables] {
            hasher
                .update(&(part.len() as u64).to_le_bytes())
                .update(part.as_bytes());
        }
        let mut stamp = [0; 16];
        hasher.finalize_xof().fill(&mut stamp);
        Stamp(u128::from_le_bytes(stamp))
    }

    /// Runs an operation, unless the same is running for someone else: then their answer is shared.
    async fn answer(&self, admitted: Admitted<B::Moment>) -> Answer {
        let (Some(stamp), Some(answers)) = (admitted.stamp, &self.answers) else {
            return self.run(admitted).await;
        };
        let largest = self.largest_answer;
        let entry = answers.entry(stamp).or_try_insert_with(async {
            let answer = self.run(admitted).await;
            if answer.kind == Kind::Complete && answer.body.len() <= largest {
                // copied, so that what is kept is as large as it is counted
                let body = Bytes::copy_from_slice(&answer.body);
                Ok(Answer { body, ..answer })
            } else {
                Err(answer)
            }
        });
        match entry.await {
            Ok(entry) => {
                let origin = if entry.is_fresh() { Origin::Made } else { Origin::Kept };
                Answer {
                    origin,
                    ..entry.into_value()
                }
            }
            Err(alone) => Answer::clone(&alone),
        }
    }

    async fn run(&self, admitted: Admitted<B::Moment>) -> Answer {
        let Admitted {
            operation,
            ready,
            moment,
            stamp,
            caller,
            charge,
        } = admitted;
        let started = Instant::now();
        let (cost, fields) = (ready.cost, ready.fields);
        let Ran {
            kind,
            code,
            body,
            fields: answered,
        } = match self.write(&ready, &moment) {
            Some(ran) => ran,
            None => self.wait(&operation, ready, moment, (caller, charge)).await,
        };
        tracing::debug!(
            operation = operation.name.as_deref(),
            ?kind,
            cost,
            bytes = body.len(),
            microseconds = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
            "operation answered"
        );
        Answer {
            kind,
            code,
            body: body.into(),
            cost,
            spent: cost.saturating_sub(fields.saturating_sub(answered)),
            bill: None,
            stamp,
            origin: Origin::Alone,
        }
    }

    /// Writes the answer to an operation that waits for nothing.
    fn write(&self, ready: &Ready, moment: &B::Moment) -> Option<Ran> {
        if !ready.plan.is_in_memory {
            return None;
        }
        let write = AssertUnwindSafe(|| self.backend.write(&ready.plan, &ready.variables, moment));
        match std::panic::catch_unwind(write) {
            Ok(written) => written.map(outcome::written),
            Err(panic) => Some(outcome::panicked(panic.as_ref())),
        }
    }

    /// Runs an operation that waits for something, for as long as it may take.
    async fn wait(
        &self,
        operation: &Operation,
        ready: Ready,
        moment: B::Moment,
        (caller, charge): (Option<Caller>, Option<Charge>),
    ) -> Ran {
        let plan = Arc::clone(&ready.plan);
        let request = request(operation, ready, (caller, charge));
        let run = AssertUnwindSafe(self.backend.run(request, moment)).catch_unwind();
        let has_failed = |ran: &std::thread::Result<Response>| ran.as_ref().is_ok_and(Response::is_err);
        match self.in_time(run, has_failed).await {
            Some(Ok(response)) => outcome::executed(response, &plan),
            Some(Err(panic)) => outcome::panicked(panic.as_ref()),
            None => outcome::timed_out(self.limits.timeout_ms),
        }
    }

    /// Waits for something, for as long as an operation may take. The database gives a statement no more time than that, so
    /// what fails then has failed for want of time.
    async fn in_time<T>(&self, work: impl Future<Output = T>, has_failed: impl FnOnce(&T) -> bool) -> Option<T> {
        let limit = self.limits.timeout();
        let started = Instant::now();
        let done = tokio::time::timeout(limit, work).await.ok()?;
        (started.elapsed() < limit || !has_failed(&done)).then_some(done)
    }

    async fn batch(&self, batch: Vec<Incoming>) -> Answer {
        let began = Instant::now();
        let answer = self.answer_batch(batch).await;
        if answer.kind != Kind::Complete {
            // refused as one, before any of its operations was counted
            self.meters.answered(&answer, began);
        }
        answer
    }

    async fn answer_batch(&self, batch: Vec<Incoming>) -> Answer {
        let most = self.limits.batch_size;
        if most < 2 {
            let fault = Fault::new(
                Code::BatchingNotSupported,
                "batches are not served: send one operation a request",
            );
            return Answer::refused(Kind::Malformed, &[fault]);
        }
        if batch.is_empty() || batch.len() > most as usize {
            let fault = Fault::new(
                Code::BadRequest,
                format!("a batch holds 1 to {most} operations, this one {}", batch.len()),
            )
            .with("limit", "batch_size")
            .with("maximum", u64::from(most));
            return Answer::refused(Kind::Malformed, &[fault]);
        }
        let mut checked = Vec::with_capacity(batch.len());
        let mut cost = 0;
        let mut account = self.account(batch.first().and_then(|incoming| incoming.address));
        for incoming in batch {
            let one = self.check(incoming, &mut account).await.once();
            if let Checked::Answered(answer) = &one
                && matches!(answer.kind, Kind::Unauthenticated | Kind::RateLimited)
            {
                // one request has one credential and one budget: it stands for all
                return Answer {
                    bill: account.settle(),
                    ..answer.clone()
                };
            }
            cost += match &one {
                Checked::Run(admitted) => admitted.ready.cost,
                Checked::Answered(answer) => answer.cost,
            };
            checked.push(one);
        }
        if cost > u64::from(self.limits.cost) {
            let most = self.limits.cost;
            let message =
                format!("the batch costs up to {cost}, at most {most} is allowed for all its operations together");
            let fault = Fault::new(Code::QueryTooComplex, message)
                .with("limit", "cost")
                .with("maximum", u64::from(most))
                .with("value", cost);
            account.owe(rate::REFUSED);
            return Answer {
                bill: account.settle(),
                ..Answer::refused(Kind::Refused, &[fault])
            };
        }
        let mut spent = 0;
        let mut body = vec![b'['];
        for one in checked {
            if body.len() > 1 {
                body.push(b',');
            }
            let began = Instant::now();
            let answer = match one {
                Checked::Run(admitted) => self.answer(admitted).await,
                Checked::Answered(answer) => answer,
            };
            self.meters.answered(&answer, began);
            spent += answer.spent;
            account.owe(answer.due());
            body.extend_from_slice(&answer.body);
        }
        body.push(b']');
        Answer {
            kind: Kind::Complete,
            code: None,
            body: body.into(),
            cost,
            spent,
            bill: account.settle(),
            stamp: None,
            origin: Origin::Alone,
        }
    }
}

impl<M> Checked<M> {
    fn refused(kind: Kind, faults: &[Fault]) -> Self {
        Self::Answered(Answer::refused(kind, faults))
    }

    /// What can be answered once: no subscription.
    fn once(self) -> Self {
        match self {
            Self::Run(admitted) if admitted.operation.kind == OperationKind::Subscription => {
                let message = "subscriptions are answered over a WebSocket, as text/event-stream or as multipart/mixed;subscriptionSpec=1.0";
                Self::refused(Kind::Refused, &[Fault::new(Code::BadRequest, message)])
            }
            other => other,
        }
    }
}

/// An operation as the executor takes it.
fn request(operation: &Operation, ready: Ready, (caller, charge): (Option<Caller>, Option<Charge>)) -> Request {
    let mut request = Request::new("");
    request.set_parsed_query(operation.executable(&ready));
    request.variables = ready.variables;
    if let Some(caller) = caller {
        request = request.data(caller);
    }
    if let Some(charge) = charge {
        request = request.data(charge);
    }
    request
}

impl From<Ran> for Answer {
    fn from(Ran { kind, code, body, .. }: Ran) -> Self {
        Self {
            kind,
            code,
            body: body.into(),
            cost: 0,
            spent: 0,
            bill: None,
            stamp: None,
            origin: Origin::Alone,
        }
    }
}

impl Answer {
    /// What the caller owes for it: the work of making it, or next to nothing where it was at hand.
    fn due(&self) -> u64 {
        match (self.kind, self.origin) {
            (Kind::RateLimited, _) => 0,
            (Kind::Unchanged, _) | (_, Origin::Kept) => rate::LEAST,
            (Kind::Malformed | Kind::Unparsable | Kind::Refused | Kind::Unauthenticated | Kind::MutationRefused, _) => {
                rate::REFUSED
            }
            (Kind::Complete | Kind::Partial | Kind::TimedOut | Kind::Failed, _) => self.spent.max(rate::LEAST),
        }
    }

    /// Whether others may get the same answer.
    #[must_use]
    pub fn may_be_kept(&self) -> bool {
        self.kind == Kind::Complete && self.origin != Origin::Alone
    }

    /// The answer to a request that did not run.
    #[must_use]
    pub fn refused(kind: Kind, faults: &[Fault]) -> Self {
        let body = answer::write_refusal(faults).into();
        Self {
            kind,
            code: faults.first().map(Fault::code),
            body,
            cost: 0,
            spent: 0,
            bill: None,
            stamp: None,
            origin: Origin::Alone,
        }
    }
}

/// What becomes of a request whose sender was not recognised: without the database nobody can say.
fn unrecognised(fault: &Fault) -> Kind {
    match fault.code() {
        Code::InternalServerError => Kind::Failed,
        _ => Kind::Unauthenticated,
    }
}
