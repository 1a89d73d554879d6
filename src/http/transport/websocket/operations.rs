//! The operations that run on one socket.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::StreamExt as _;

use crate::graphql::service::{Answer, Events, Kind};
use crate::http::transport::listeners::Subscribed;

/// The operations of one socket, in turn.
#[derive(Default)]
pub struct Operations {
    running: Vec<Operation>,
}

struct Operation {
    id: String,
    state: State,
    /// The last event that was told.
    cursor: Option<String>,
}

enum State {
    Starting(Pin<Box<dyn Future<Output = Begun>>>),
    Listening {
        events: Box<Events>,
        _subscribed: Subscribed,
    },
    Answered,
}

/// What became of an operation that was started.
pub enum Begun {
    /// It is answered.
    Answered(Answer),
    /// It listens.
    Listening(Events, Subscribed),
}

/// What is to be told about an operation.
#[derive(Debug)]
pub enum News {
    /// An answer; more may follow.
    Next {
        /// The operation.
        id: String,
        /// The answer.
        body: Bytes,
        /// Where to go on, if it has to, behind the answers before this one.
        resume: Option<String>,
    },
    /// It was refused, and has ended.
    Error {
        /// The operation.
        id: String,
        /// An answer with errors alone.
        body: Bytes,
    },
    /// It has ended.
    Complete {
        /// The operation.
        id: String,
    },
}

impl Operations {
    /// How many run.
    pub fn len(&self) -> usize {
        self.running.len()
    }

    /// Whether an operation of this id runs.
    pub fn contains(&self, id: &str) -> bool {
        self.running.iter().any(|operation| operation.id == id)
    }

    /// Adds an operation.
    pub fn start(&mut self, id: String, starting: impl Future<Output = Begun> + 'static) {
        self.running.push(Operation {
            id,
            state: State::Starting(Box::pin(starting)),
            cursor: None,
        });
    }

    /// Ends an operation, if there is one of this id.
    pub fn end(&mut self, id: &str) {
        self.running.retain(|operation| operation.id != id);
    }

    /// What is to be told next.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<News> {
        let mut found = None;
        for (at, operation) in self.running.iter_mut().enumerate() {
            if let Poll::Ready(news) = operation.poll(context) {
                found = Some((at, news));
                break;
            }
        }
        let Some((at, news)) = found else { return Poll::Pending };
        if matches!(news, News::Next { .. }) {
            // the others come first now
            self.running.rotate_left(at + 1);
        } else {
            self.running.remove(at);
        }
        Poll::Ready(news)
    }
}

impl Operation {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<News> {
        let id = || self.id.clone();
        loop {
            match &mut self.state {
                State::Starting(starting) => match ready!(starting.as_mut().poll(context)) {
                    Begun::Listening(events, subscribed) => {
                        self.state = State::Listening {
                            events: Box::new(events),
                            _subscribed: subscribed,
                        };
                    }
                    Begun::Answered(answer) if is_refused(&answer) => {
                        return Poll::Ready(News::Error {
                            id: id(),
                            body: answer.body,
                        });
                    }
                    Begun::Answered(answer) => {
                        self.state = State::Answered;
                        return Poll::Ready(News::Next {
                            id: id(),
                            body: answer.body,
                            resume: None,
                        });
                    }
                },
                State::Listening { events, .. } => {
                    return Poll::Ready(match ready!(events.poll_next_unpin(context)) {
                        None => News::Complete { id: id() },
                        Some(told) => News::Next {
                            id: id(),
                            body: told.answer.body,
                            resume: std::mem::replace(&mut self.cursor, told.cursor),
                        },
                    });
                }
                State::Answered => return Poll::Ready(News::Complete { id: id() }),
            }
        }
    }
}

/// Whether nothing ran.
fn is_refused(answer: &Answer) -> bool {
    !matches!(
        answer.kind,
        Kind::Complete | Kind::Partial | Kind::TimedOut | Kind::Failed
    )
}
