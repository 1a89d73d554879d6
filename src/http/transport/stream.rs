//! Operations that listen over plain HTTP: an answer without an end, each event as it happens. A reader's slowness is passed
//! on to the one who looks for events: nothing is queued.

use std::time::Duration;

use actix_web::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use tokio::time::{self, Instant, Interval};

use super::listeners::{Placed, Subscribed, Transport};
use super::negotiate::ranges;
use super::reply::{self, Keeping};
use super::{Endpoint, Media, multipart, sse};
use crate::graphql::error::{Code, Fault};
use crate::graphql::service::{Events, Incoming, Kind, Started, Told};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// How events are put into an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// `text/event-stream`.
    ServerSentEvents,
    /// `multipart/mixed;subscriptionSpec=1.0`.
    Multipart,
}

impl Framing {
    /// The framing that the request accepts; where it accepts both, the one that it names first.
    pub fn of(request: &HttpRequest) -> Option<Self> {
        if request.method() == Method::HEAD {
            return None;
        }
        let values = request
            .headers()
            .get_all(ACCEPT)
            .filter_map(|value| value.to_str().ok());
        values.flat_map(ranges).find_map(|range| match range.name.as_str() {
            _ if range.thousandths == 0 => None,
            "text/event-stream" => Some(Self::ServerSentEvents),
            "multipart/mixed" if range.has("subscriptionspec", "1.0") => Some(Self::Multipart),
            _ => None,
        })
    }

    const fn transport(self) -> Transport {
        match self {
            Self::ServerSentEvents => Transport::ServerSentEvents,
            Self::Multipart => Transport::Multipart,
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::ServerSentEvents => sse::CONTENT_TYPE,
            Self::Multipart => multipart::CONTENT_TYPE,
        }
    }

    fn opening(self) -> Bytes {
        match self {
            Self::ServerSentEvents => Bytes::from_static(sse::HEARTBEAT),
            Self::Multipart => [multipart::OPENING, multipart::HEARTBEAT].concat().into(),
        }
    }

    fn heartbeat(self) -> Bytes {
        Bytes::from_static(match self {
            Self::ServerSentEvents => sse::HEARTBEAT,
            Self::Multipart => multipart::HEARTBEAT,
        })
    }

    fn next(self, told: &Told) -> Bytes {
        match self {
            Self::ServerSentEvents => sse::next(told),
            Self::Multipart => multipart::next(told),
        }
    }

    /// Whether one answer of this kind is told as an event, where nothing but events is accepted. graphql-sse wants the
    /// errors of a document among its events: a browser shows nobody what came with another status.
    fn tells(self, kind: Kind) -> bool {
        match kind {
            Kind::Complete | Kind::Partial => true,
            Kind::Malformed | Kind::Unparsable | Kind::Refused => self == Self::ServerSentEvents,
            _ => false,
        }
    }

    fn complete(self) -> Bytes {
        Bytes::from_static(match self {
            Self::ServerSentEvents => sse::COMPLETE,
            Self::Multipart => multipart::END,
        })
    }

    /// What is said when the server stops. A reader of server-sent events connects again unless it is told that all is
    /// complete, so it is told nothing.
    fn stopping(self) -> Bytes {
        match self {
            Self::ServerSentEvents => Bytes::new(),
            Self::Multipart => {
                let fault = Fault::new(Code::ServerBusy, "the server is stopping: connect again");
                [&multipart::broken_off(&fault), multipart::END].concat().into()
            }
        }
    }
}

/// What a client accepts.
#[derive(Clone, Copy, Debug)]
pub struct Accepted {
    json: Option<Media>,
    events: Option<Framing>,
}

impl Accepted {
    /// What a request accepts.
    ///
    /// # Errors
    /// Nothing that is served.
    pub fn of(request: &HttpRequest) -> Result<Self, Fault> {
        let (json, events) = (Media::of(request), Framing::of(request));
        if json.is_none() && events.is_none() {
            let message = "nothing acceptable is served: application/graphql-response+json and application/json are, and text/event-stream and multipart/mixed;subscriptionSpec=1.0 for subscriptions";
            return Err(Fault::new(Code::NotAcceptable, message));
        }
        Ok(Self { json, events })
    }

    /// How one answer is sent; also a refusal to who accepts events alone.
    pub fn json(self) -> Media {
        self.json.unwrap_or(Media::GraphqlResponse)
    }
}

/// Runs an operation and answers it: a subscription with events, where the client accepts them; any other with one answer,
/// as JSON unless the client accepts events alone.
pub async fn answer(
    endpoint: &web::Data<Endpoint>,
    request: &HttpRequest,
    accepted: Accepted,
    mut incoming: Incoming,
    keeping: Keeping,
) -> HttpResponse {
    let json = accepted.json();
    let Some(framing) = accepted.events else {
        let answer = endpoint.service.execute(incoming).await;
        return reply::answer(endpoint, request, json, answer, keeping).await;
    };
    if framing == Framing::ServerSentEvents {
        let last = request.headers().get(LAST_EVENT_ID).and_then(|id| id.to_str().ok());
        incoming.resume = last.filter(|id| !id.is_empty()).map(str::to_owned);
    }
    match endpoint.service.start(incoming).await {
        Started::Answer(answer) if accepted.json.is_some() || !framing.tells(answer.kind) => {
            reply::answer(endpoint, request, json, answer, keeping).await
        }
        Started::Answer(answer) => {
            let told = Told { answer, cursor: None };
            let whole = match framing {
                Framing::ServerSentEvents => [&*framing.next(&told), sse::COMPLETE].concat(),
                Framing::Multipart => [multipart::OPENING, &framing.next(&told), multipart::END].concat(),
            };
            builder(framing).body(whole)
        }
        Started::Events(events) => match endpoint.listeners.admit(endpoint.network(request)) {
            Ok(place) => {
                let listening = Listening::new(endpoint, framing, events);
                let response = builder(framing).streaming(listening.bytes());
                response.map_body(|_, body| Placed::boxed(body, place))
            }
            Err(fault) => reply::refusal(endpoint, json, &fault),
        },
    }
}

fn builder(framing: Framing) -> HttpResponseBuilder {
    let mut response = reply::open(StatusCode::OK);
    response
        .insert_header((CONTENT_TYPE, HeaderValue::from_static(framing.content_type())))
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
        // or else a proxy collects events before it passes them on
        .insert_header(("x-accel-buffering", "no"));
    response
}

/// A connection that listens.
struct Listening {
    endpoint: web::Data<Endpoint>,
    framing: Framing,
    events: Events,
    heartbeat: Interval,
    stage: Stage,
    _subscribed: Subscribed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Opening,
    Open,
    Ended,
}

impl Listening {
    fn new(endpoint: &web::Data<Endpoint>, framing: Framing, events: Events) -> Self {
        let period = Duration::from_secs(endpoint.limits.heartbeat_seconds.into());
        Self {
            endpoint: endpoint.clone(),
            framing,
            events,
            heartbeat: time::interval_at(Instant::now() + period, period),
            stage: Stage::Opening,
            _subscribed: endpoint.subscribers.open(framing.transport()),
        }
    }

    fn bytes(self) -> impl Stream<Item = Result<Bytes, std::io::Error>> {
        stream::unfold(self, async |mut listening| {
            let bytes = listening.step().await?;
            Some((Ok(bytes), listening))
        })
    }

    async fn step(&mut self) -> Option<Bytes> {
        match self.stage {
            Stage::Ended => return None,
            Stage::Opening => {
                self.stage = Stage::Open;
                return Some(self.framing.opening());
            }
            Stage::Open => {}
        }
        tokio::select! {
            told = self.events.next() => match told {
                Some(told) => {
                    self.heartbeat.reset();
                    Some(self.framing.next(&told))
                }
                None => {
                    self.stage = Stage::Ended;
                    Some(self.framing.complete())
                }
            },
            _ = self.heartbeat.tick() => Some(self.framing.heartbeat()),
            () = self.endpoint.stopping.cancelled() => {
                self.stage = Stage::Ended;
                Some(self.framing.stopping())
            }
        }
    }
}
