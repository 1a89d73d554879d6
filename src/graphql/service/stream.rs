//! Operations that listen: they are checked like any other, then each event is answered like a query, on the state of the
//! data that the event came with.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use async_graphql::Response;
use futures::{Stream, StreamExt as _, stream::BoxStream};

use super::{
    Admitted, Answer, Backend, Caller, Checked, Code, Fault, Incoming, Kind, Operation, OperationKind, Pipeline, Ready,
    Stamp, outcome,
};

/// What became of an operation that may listen.
pub enum Started {
    /// One answer, and that is all.
    Answer(Answer),
    /// Answers, as long as there are events.
    Events(Events),
}

/// The answers of a subscription, in the order of its events. Nothing is queued in it: an event is looked for when an
/// answer is asked for.
pub struct Events {
    /// What one event costs at most.
    pub cost: u64,
    answers: BoxStream<'static, Told>,
}

/// The answer to one event.
#[derive(Clone, Debug)]
pub struct Told {
    /// The answer.
    pub answer: Answer,
    /// Where to go on behind this event; none where the subscription failed and ends.
    pub cursor: Option<String>,
}

impl Stream for Events {
    type Item = Told;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Told>> {
        self.answers.as_mut().poll_next(context)
    }
}

/// One event, as the backend finds it.
pub struct Event<M> {
    /// The data as the event left it, and the event.
    pub moment: M,
    /// Its place among all events; different events have different ones.
    pub cursor: String,
}

/// The events of a subscription; a failure ends them.
pub type Source<M> = BoxStream<'static, Result<Event<M>, Fault>>;

/// What the answers to all events of a subscription have in common.
struct Subscribed<B> {
    pipeline: Arc<Pipeline<B>>,
    operation: Arc<Operation>,
    ready: Ready,
    /// What tells it from other subscriptions, where its answers may be shared.
    stamp: Option<Stamp>,
    caller: Option<Caller>,
}

impl<B: Backend> Pipeline<B> {
    /// Runs an operation, or begins to listen.
    pub(super) async fn start(self: Arc<Self>, mut incoming: Incoming) -> Started {
        let began = Instant::now();
        let resume = incoming.resume.take();
        let mut account = self.account(incoming.address);
        let answer = match self.check(incoming, &mut account).await {
            Checked::Answered(answer) => answer,
            Checked::Run(admitted) if admitted.operation.kind == OperationKind::Subscription => {
                // what one event may cost is paid for with the start; the events that come are not asked for
                match Arc::clone(&self).listen(admitted, resume).await {
                    Started::Answer(answer) => answer,
                    Started::Events(events) => {
                        account.owe(events.cost);
                        // nobody is told: events have no room for it
                        let _ = account.settle();
                        return Started::Events(events);
                    }
                }
            }
            Checked::Run(admitted) => self.answer(admitted).await,
        };
        self.meters.answered(&answer, began);
        account.owe(answer.due());
        Started::Answer(Answer {
            bill: account.settle(),
            ..answer
        })
    }

    async fn listen(self: Arc<Self>, admitted: Admitted<B::Moment>, resume: Option<String>) -> Started {
        let Admitted {
            operation,
            ready,
            moment,
            stamp,
            caller,
            charge,
        } = admitted;
        let request = super::request(&operation, ready.clone(), (caller.clone(), charge));
        let source = match self.backend.follow(request, moment, resume).await {
            Ok(source) => source,
            Err(response) => return Started::Answer(not_followed(response)),
        };
        let cost = ready.cost;
        let subscribed = Arc::new(Subscribed {
            pipeline: self,
            operation,
            ready,
            stamp,
            caller,
        });
        // boxed: what an answer needs while it is made is not held while nothing happens
        let answers = source.then(move |event| {
            let subscribed = Arc::clone(&subscribed);
            Box::pin(async move { subscribed.tell(event).await })
        });
        Started::Events(Events {
            cost,
            answers: answers.boxed(),
        })
    }
}

impl<B: Backend> Subscribed<B> {
    async fn tell(&self, event: Result<Event<B::Moment>, Fault>) -> Told {
        self.pipeline.meters.told();
        let Event { moment, cursor } = match event {
            Ok(event) => event,
            Err(fault) => {
                return Told {
                    answer: outcome::failed(Kind::Failed, &fault).into(),
                    cursor: None,
                };
            }
        };
        let pipeline = &self.pipeline;
        let stamp = self
            .stamp
            .zip(pipeline.backend.revision(&moment))
            .map(|(stamp, revision)| stamp.of_event(revision, &cursor));
        let admitted = Admitted {
            operation: Arc::clone(&self.operation),
            ready: self.ready.clone(),
            moment,
            stamp,
            caller: self.caller.clone(),
            charge: None,
        };
        Told {
            answer: pipeline.answer(admitted).await,
            cursor: Some(cursor),
        }
    }
}

impl Stamp {
    /// What the answer to one event of this subscription is made of.
    fn of_event(self, revision: u128, cursor: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher
            .update(&self.0.to_le_bytes())
            .update(&revision.to_le_bytes())
            .update(cursor.as_bytes());
        let mut stamp = [0; 16];
        hasher.finalize_xof().fill(&mut stamp);
        Self(u128::from_le_bytes(stamp))
    }
}

/// The answer to a subscription that did not come to its first event.
fn not_followed(response: Response) -> Answer {
    let faults = outcome::faults(response.errors);
    let is_ours = faults.iter().any(|fault| fault.code() == Code::InternalServerError);
    Answer::refused(if is_ours { Kind::Failed } else { Kind::Refused }, &faults)
}
