//! WebSockets: `graphql-transport-ws` on the address of GraphQL, with queries, mutations and subscriptions.

mod message;
mod operations;

use std::convert::Infallible;
use std::future::poll_fn;
use std::io::ErrorKind;
use std::time::Duration;

use actix_web::guard::{Guard, GuardContext};
use actix_web::http::header::{HeaderValue, ORIGIN, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE};
use actix_web::{HttpRequest, HttpResponse, rt, web};
use actix_ws::{AggregatedMessage, AggregatedMessageStream, CloseCode, CloseReason, ProtocolError, Session};
use serde_json::value::RawValue;
use tokio::time::{self, Instant};

use self::message::Message;
use self::operations::{Begun, News, Operations};
use super::incoming::{self, Sender};
use super::listeners::{Placed, Transport};
use super::{Endpoint, Media, reply};
use crate::graphql::error::{Code, Fault};
use crate::graphql::service::{Answer, Kind, Started};

/// The one subprotocol that is served.
const PROTOCOL: &str = "graphql-transport-ws";

/// The protocol's codes of a close; the reasons say what was wrong.
mod close {
    pub const BAD_REQUEST: u16 = 4400;
    pub const UNAUTHORIZED: u16 = 4401;
    pub const INITIALISATION_TIMEOUT: u16 = 4408;
    pub const SUBSCRIBER_EXISTS: u16 = 4409;
    pub const TOO_MANY_INITIALISATIONS: u16 = 4429;
}

/// Whether a request wants a WebSocket.
pub struct WantsSocket;

impl Guard for WantsSocket {
    fn check(&self, context: &GuardContext<'_>) -> bool {
        let upgrade = context.head().headers().get(UPGRADE);
        upgrade.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
    }
}

/// Opens a socket.
pub async fn open(endpoint: web::Data<Endpoint>, request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let refuse = |fault: &Fault| reply::refusal(&endpoint, Media::GraphqlResponse, fault);
    if let Err(fault) = check_origin(&endpoint, &request).and_then(|()| check_protocol(&request)) {
        return refuse(&fault);
    }
    let place = match endpoint.listeners.admit(endpoint.network(&request)) {
        Ok(place) => place,
        Err(fault) => return refuse(&fault),
    };
    let (response, session, messages) = match actix_ws::handle_with_protocols(&request, payload, &[PROTOCOL]) {
        Ok(opened) => opened,
        Err(error) => {
            let mut response = refuse(&Fault::new(Code::BadRequest, error.to_string()));
            let version = HeaderValue::from_static("13");
            response.headers_mut().insert(SEC_WEBSOCKET_VERSION, version);
            return response;
        }
    };
    let most = endpoint.limits.message_bytes as usize;
    let now = Instant::now();
    let socket = Socket {
        caller: Sender::of(&request, endpoint.network(&request)),
        session,
        messages: messages
            .max_frame_size(most)
            .aggregate_continuations()
            .max_continuation_size(most),
        operations: Operations::default(),
        is_initialised: false,
        since: now,
        heard: now,
        pinged: None,
        endpoint,
    };
    rt::spawn(socket.run());
    response.map_body(|_, body| Placed::boxed(body, place))
}

fn check_origin(endpoint: &Endpoint, request: &HttpRequest) -> Result<(), Fault> {
    let allowed = &endpoint.allowed_origins;
    match request.headers().get(ORIGIN).map(HeaderValue::to_str) {
        Some(Ok(origin)) if !allowed.is_empty() && !allowed.iter().any(|allowed| allowed == origin) => {
            let message = format!("pages of {origin} may not connect here");
            Err(Fault::new(Code::OriginNotAllowed, message))
        }
        Some(Err(_)) if !allowed.is_empty() => Err(Fault::new(Code::OriginNotAllowed, "the origin cannot be read")),
        _ => Ok(()),
    }
}

fn check_protocol(request: &HttpRequest) -> Result<(), Fault> {
    let offered = request.headers().get_all(SEC_WEBSOCKET_PROTOCOL);
    let mut offered = offered
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    if offered.any(|protocol| protocol.trim() == PROTOCOL) {
        return Ok(());
    }
    let message = format!("the subprotocol {PROTOCOL} is served, and no other: not the older graphql-ws");
    Err(Fault::new(Code::SubprotocolNotSupported, message))
}

/// Why a socket ends.
enum End {
    /// The other side is gone.
    Gone,
    /// It is closed with a reason.
    Close(CloseCode, String),
    /// It is closed as soon as the other side reads on.
    Slow(String),
}

fn closed(code: u16, reason: impl Into<String>) -> End {
    End::Close(CloseCode::Other(code), reason.into())
}

struct Socket {
    endpoint: web::Data<Endpoint>,
    caller: Sender,
    session: Session,
    messages: AggregatedMessageStream,
    operations: Operations,
    is_initialised: bool,
    /// Since when there is no operation.
    since: Instant,
    /// When something came last.
    heard: Instant,
    /// When it was asked whether it is there, after the last that came.
    pinged: Option<Instant>,
}

/// What happened on a socket.
enum Happening {
    Message(Option<Result<AggregatedMessage, ProtocolError>>),
    News(News),
    Time,
    Stopping,
}

impl Socket {
    async fn run(mut self) {
        let Err(end) = self.serve().await;
        let Self {
            endpoint,
            session,
            messages,
            operations,
            ..
        } = self;
        drop((messages, operations));
        match end {
            End::Gone => {}
            End::Close(code, reason) => {
                let closing = session.close(Some(CloseReason {
                    code,
                    description: Some(reason),
                }));
                // who does not read is not waited for
                let _ = time::timeout(endpoint.send_timeout(), closing).await;
            }
            End::Slow(reason) => {
                endpoint.subscribers.slow.inc();
                let closing = session.close(Some(CloseReason {
                    code: CloseCode::Again,
                    description: Some(reason),
                }));
                // it is told when it reads on, if it ever does; what waits for it until then is of a fixed size
                tokio::select! {
                    _ = closing => {}
                    () = endpoint.stopping.cancelled() => {}
                }
            }
        }
    }

    async fn serve(&mut self) -> Result<Infallible, End> {
        loop {
            let deadline = self.deadline();
            let happening = tokio::select! {
                message = self.messages.recv() => Happening::Message(message),
                news = poll_fn(|context| self.operations.poll_next(context)) => Happening::News(news),
                () = time::sleep_until(deadline) => Happening::Time,
                () = self.endpoint.stopping.cancelled() => Happening::Stopping,
            };
            match happening {
                Happening::Message(message) => self.receive(message).await?,
                Happening::News(news) => self.tell(news).await?,
                Happening::Time => self.look_at_the_clock().await?,
                Happening::Stopping => return Err(End::Close(CloseCode::Away, "the server is stopping".to_owned())),
            }
        }
    }

    fn init_deadline(&self) -> Instant {
        self.since + Duration::from_millis(self.endpoint.limits.init_timeout_ms.into())
    }

    fn idle_deadline(&self) -> Option<Instant> {
        let most = Duration::from_secs(self.endpoint.limits.idle_timeout_seconds.into());
        (self.operations.len() == 0).then(|| self.since + most)
    }

    fn ping_deadline(&self) -> Instant {
        self.pinged.unwrap_or(self.heard) + Duration::from_secs(self.endpoint.limits.ping_interval_seconds.into())
    }

    /// When something has to be done although nothing happens.
    fn deadline(&self) -> Instant {
        let first = if self.is_initialised {
            self.idle_deadline()
        } else {
            Some(self.init_deadline())
        };
        first.map_or(self.ping_deadline(), |first| first.min(self.ping_deadline()))
    }

    async fn look_at_the_clock(&mut self) -> Result<(), End> {
        let now = Instant::now();
        if !self.is_initialised && self.init_deadline() <= now {
            return Err(closed(
                close::INITIALISATION_TIMEOUT,
                "Connection initialisation timeout",
            ));
        }
        if self.is_initialised && self.idle_deadline().is_some_and(|deadline| deadline <= now) {
            return Err(End::Close(CloseCode::Normal, "no operation for a long time".to_owned()));
        }
        if self.ping_deadline() <= now {
            if self.pinged.is_some() {
                return Err(End::Close(
                    CloseCode::Again,
                    "nothing was heard for a long time".to_owned(),
                ));
            }
            self.pinged = Some(now);
            let sending = self.session.ping(b"");
            return in_time(self.endpoint.send_timeout(), sending, None).await;
        }
        Ok(())
    }

    async fn receive(&mut self, message: Option<Result<AggregatedMessage, ProtocolError>>) -> Result<(), End> {
        self.heard = Instant::now();
        self.pinged = None;
        match message {
            None => Err(End::Gone),
            Some(Err(error)) => Err(self.not_understood(&error)),
            Some(Ok(AggregatedMessage::Text(text))) => self.obey(&text).await,
            Some(Ok(AggregatedMessage::Binary(_))) => Err(closed(close::BAD_REQUEST, "messages are text")),
            Some(Ok(AggregatedMessage::Ping(bytes))) => {
                let sending = self.session.pong(&bytes);
                in_time(self.endpoint.send_timeout(), sending, None).await
            }
            Some(Ok(AggregatedMessage::Pong(_))) => Ok(()),
            Some(Ok(AggregatedMessage::Close(_))) => Err(End::Close(CloseCode::Normal, String::new())),
        }
    }

    fn not_understood(&self, error: &ProtocolError) -> End {
        let too_large = || {
            let most = self.endpoint.limits.message_bytes;
            End::Close(CloseCode::Size, format!("messages have at most {most} bytes"))
        };
        match error {
            ProtocolError::Overflow => too_large(),
            ProtocolError::Io(error) if error.kind() == ErrorKind::Other => too_large(),
            ProtocolError::Io(error) if error.kind() == ErrorKind::InvalidData => {
                End::Close(CloseCode::Invalid, "messages are UTF-8".to_owned())
            }
            ProtocolError::Io(_) => End::Gone,
            _ => End::Close(CloseCode::Protocol, "not a frame of a WebSocket".to_owned()),
        }
    }

    async fn obey(&mut self, text: &str) -> Result<(), End> {
        match message::read(text).map_err(|reason| closed(close::BAD_REQUEST, reason))? {
            Message::Init(_) if self.is_initialised => Err(closed(
                close::TOO_MANY_INITIALISATIONS,
                "Too many initialisation requests",
            )),
            Message::Init(payload) => {
                self.caller.introduce(payload);
                self.is_initialised = true;
                self.since = Instant::now();
                self.send(message::ACK.to_owned()).await
            }
            Message::Ping(payload) => self.send(message::pong(payload)).await,
            Message::Pong => Ok(()),
            Message::Subscribe { .. } if !self.is_initialised => Err(closed(close::UNAUTHORIZED, "Unauthorized")),
            Message::Subscribe { id, payload } => self.subscribe(id, payload).await,
            Message::Complete { id } => {
                self.operations.end(&id);
                self.since = Instant::now();
                Ok(())
            }
        }
    }

    async fn subscribe(&mut self, id: String, payload: &RawValue) -> Result<(), End> {
        if self.operations.contains(&id) {
            let reason = format!("Subscriber for {id} already exists");
            return Err(closed(close::SUBSCRIBER_EXISTS, reason));
        }
        let most = self.endpoint.limits.operations_per_connection as usize;
        if self.operations.len() >= most {
            let fault = Fault::new(
                Code::TooManyOperations,
                format!("at most {most} operations run on one WebSocket at once"),
            )
            .with("limit", "operations_per_connection")
            .with("maximum", most as u64);
            let answer = Answer::refused(Kind::Refused, &[fault]);
            return self.send(message::error(&id, &answer.body)).await;
        }
        let mut incoming = match incoming::from_object(payload.get()) {
            Ok(incoming) => incoming,
            Err(unreadable) => return Err(closed(close::BAD_REQUEST, unreadable.fault().message())),
        };
        self.caller.sign(&mut incoming);
        let service = self.endpoint.service.clone();
        let endpoint = self.endpoint.clone();
        let starting = async move {
            match service.start(incoming).await {
                Started::Answer(answer) => Begun::Answered(answer),
                Started::Events(events) => Begun::Listening(events, endpoint.subscribers.open(Transport::WebSocket)),
            }
        };
        self.operations.start(id, starting);
        Ok(())
    }

    async fn tell(&mut self, news: News) -> Result<(), End> {
        match news {
            News::Next { id, body, resume } => {
                let text = message::next(&id, &body);
                drop(body);
                let sending = self.session.text(text);
                in_time(self.endpoint.send_timeout(), sending, resume).await
            }
            News::Error { id, body } => {
                self.since = Instant::now();
                self.send(message::error(&id, &body)).await
            }
            News::Complete { id } => {
                self.since = Instant::now();
                self.send(message::complete(&id)).await
            }
        }
    }

    async fn send(&mut self, text: String) -> Result<(), End> {
        let sending = self.session.text(text);
        in_time(self.endpoint.send_timeout(), sending, None).await
    }
}

/// Sends something, and says what becomes of a socket that does not take it in time.
async fn in_time(
    limit: Duration,
    sending: impl Future<Output = Result<(), actix_ws::Closed>>,
    resume: Option<String>,
) -> Result<(), End> {
    match time::timeout(limit, sending).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Gone),
        Err(_) => Err(End::Slow(match resume {
            Some(cursor) => format!("read too slowly: go on after {cursor}"),
            None => "read too slowly".to_owned(),
        })),
    }
}
