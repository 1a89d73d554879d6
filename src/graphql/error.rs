//! Everything that can be wrong with a request, and what a client is told about it.
//!
//! Two kinds of error are kept apart. The caller's carries a [`Code`] and a message that names the argument,
//! the limit or the place. Ours is logged once and answered with a reference; its text never leaves the server.

use std::error::Error as StdError;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_graphql::{PathSegment, Pos, ServerError};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// What an answer shows of its errors at most; the rest is only counted.
pub const MOST_ERRORS: usize = 20;
/// Characters of an error's message that are sent at most.
pub const MOST_MESSAGE_CHARACTERS: usize = 300;

/// The catalogue of codes: the values that `extensions.code` of an error can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// The request is not a well-formed GraphQL-over-HTTP request.
    BadRequest,
    /// No media type that the client accepts can be served.
    NotAcceptable,
    /// The request's method cannot run this operation.
    MethodNotAllowed,
    /// The request's body did not arrive in time.
    RequestTimeout,
    /// The request's body is larger than the server reads.
    PayloadTooLarge,
    /// The request's address is longer than the server reads.
    UriTooLong,
    /// The request's body is not `application/json` in UTF-8.
    UnsupportedMediaType,
    /// Several operations came in one request, and the server takes one.
    BatchingNotSupported,
    /// The document is not GraphQL.
    ParseFailed,
    /// The document asks for what the schema does not have, or breaks a rule of the language.
    ValidationFailed,
    /// The document does not contain the operation that was asked for.
    OperationResolutionFailure,
    /// An argument or a variable has a value that it cannot have.
    BadUserInput,
    /// The document exceeds a limit; `extensions.limit` names it.
    QueryTooComplex,
    /// The operation took longer than it may.
    OperationTimeout,
    /// The server does not know the persisted document: send it again with its text.
    PersistedQueryNotFound,
    /// The server keeps no persisted documents.
    PersistedQueryNotSupported,
    /// Only documents from the server's list are run.
    PersistedQueryRequired,
    /// The operation needs an API token, or the one that came is not accepted.
    Unauthenticated,
    /// The API token may not be used for this.
    Forbidden,
    /// There is nothing at this address.
    NotFound,
    /// The caller has spent what it may; `extensions.retryAfter` says how many seconds to wait.
    RateLimited,
    /// Pages of this origin may not open a WebSocket here.
    OriginNotAllowed,
    /// A WebSocket was asked for with another subprotocol than `graphql-transport-ws`.
    SubprotocolNotSupported,
    /// So many connections of one address listen already.
    TooManyConnections,
    /// So many operations run on one WebSocket already.
    TooManyOperations,
    /// The server serves as many as it can, or is stopping: try again later.
    ServerBusy,
    /// Something failed in the server; `extensions.reference` finds it in the log.
    InternalServerError,
}

impl Code {
    /// Every code, in the order of the manual.
    pub const ALL: [Self; 27] = [
        Self::BadRequest,
        Self::NotAcceptable,
        Self::MethodNotAllowed,
        Self::RequestTimeout,
        Self::PayloadTooLarge,
        Self::UriTooLong,
        Self::UnsupportedMediaType,
        Self::BatchingNotSupported,
        Self::ParseFailed,
        Self::ValidationFailed,
        Self::OperationResolutionFailure,
        Self::BadUserInput,
        Self::QueryTooComplex,
        Self::OperationTimeout,
        Self::PersistedQueryNotFound,
        Self::PersistedQueryNotSupported,
        Self::PersistedQueryRequired,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::RateLimited,
        Self::OriginNotAllowed,
        Self::SubprotocolNotSupported,
        Self::TooManyConnections,
        Self::TooManyOperations,
        Self::ServerBusy,
        Self::InternalServerError,
    ];

    /// The code as it is sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "BAD_REQUEST",
            Self::NotAcceptable => "NOT_ACCEPTABLE",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::RequestTimeout => "REQUEST_TIMEOUT",
            Self::PayloadTooLarge => "PAYLOAD_TOO_LARGE",
            Self::UriTooLong => "URI_TOO_LONG",
            Self::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Self::BatchingNotSupported => "BATCHING_NOT_SUPPORTED",
            Self::ParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::ValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::OperationResolutionFailure => "OPERATION_RESOLUTION_FAILURE",
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::QueryTooComplex => "QUERY_TOO_COMPLEX",
            Self::OperationTimeout => "OPERATION_TIMEOUT",
            Self::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Self::PersistedQueryNotSupported => "PERSISTED_QUERY_NOT_SUPPORTED",
            Self::PersistedQueryRequired => "PERSISTED_QUERY_REQUIRED",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::RateLimited => "RATE_LIMITED",
            Self::OriginNotAllowed => "ORIGIN_NOT_ALLOWED",
            Self::SubprotocolNotSupported => "SUBPROTOCOL_NOT_SUPPORTED",
            Self::TooManyConnections => "TOO_MANY_CONNECTIONS",
            Self::TooManyOperations => "TOO_MANY_OPERATIONS",
            Self::ServerBusy => "SERVER_BUSY",
            Self::InternalServerError => "INTERNAL_SERVER_ERROR",
        }
    }

    /// The code that is sent under this name, if there is one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == name)
    }
}

/// What a resolver fails with. It has no `Display` on purpose: async-graphql sends the text of whatever has one.
#[derive(Clone, Debug)]
pub enum ApiError {
    /// The caller gave an argument that cannot be right.
    BadInput {
        /// The argument's name, with dots where it is a member of another: `filter.releasedOn.from`.
        argument: &'static str,
        /// What is wrong with it and what is allowed; lower case, no full stop.
        message: String,
    },
    /// The caller may not do this.
    Refused {
        /// [`Code::Unauthenticated`] or [`Code::Forbidden`].
        code: Code,
        /// What is needed; lower case, no full stop.
        message: &'static str,
    },
    /// Something of ours failed: logged, never sent.
    Internal(Arc<dyn StdError + Send + Sync>),
}

/// What a resolver returns when it can fail.
pub type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    /// The caller's mistake in an argument.
    pub fn bad_input(argument: &'static str, message: impl Into<String>) -> Self {
        Self::BadInput {
            argument,
            message: message.into(),
        }
    }

    /// A failure of ours.
    pub fn internal(cause: impl StdError + Send + Sync + 'static) -> Self {
        Self::Internal(Arc::new(cause))
    }
}

impl From<ApiError> for async_graphql::Error {
    fn from(error: ApiError) -> Self {
        let (message, source): (String, Option<Arc<dyn std::any::Any + Send + Sync>>) = match &error {
            ApiError::BadInput { argument, message } => (format!("argument \"{argument}\": {message}"), None),
            ApiError::Refused { message, .. } => ((*message).to_owned(), None),
            ApiError::Internal(_) => ("internal error".to_owned(), Some(Arc::new(error.clone()))),
        };
        let mut sent = Self::new(message);
        sent.source = source;
        match error {
            ApiError::BadInput { argument, .. } => {
                let extensions = sent.extensions.get_or_insert_default();
                extensions.set("code", Code::BadUserInput.as_str());
                extensions.set("argument", argument);
            }
            ApiError::Refused { code, .. } => sent.extensions.get_or_insert_default().set("code", code.as_str()),
            ApiError::Internal(_) => {}
        }
        sent
    }
}

/// One error of an answer, as it is sent.
#[derive(Clone, Debug)]
pub struct Fault {
    code: Code,
    message: String,
    locations: Vec<Pos>,
    path: Vec<PathSegment>,
    details: Vec<(&'static str, Detail)>,
}

/// A member of an error's `extensions` beside its code.
#[derive(Clone, Debug)]
pub enum Detail {
    /// A name: of a limit, a variable, an argument.
    Text(String),
    /// A figure: a limit's value, or what exceeded it.
    Number(u64),
}

impl From<&str> for Detail {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<u64> for Detail {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl Fault {
    /// An error with this code; a message beyond the limit is cut.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if let Some((end, _)) = message.char_indices().nth(MOST_MESSAGE_CHARACTERS) {
            message.truncate(end);
        }
        Self {
            code,
            message,
            locations: Vec::new(),
            path: Vec::new(),
            details: Vec::new(),
        }
    }

    /// Adds the place in the document that the error is about.
    #[must_use]
    pub fn at(mut self, place: Option<Pos>) -> Self {
        self.locations.extend(place);
        self
    }

    /// Adds a member to the error's `extensions`.
    #[must_use]
    pub fn with(mut self, name: &'static str, detail: impl Into<Detail>) -> Self {
        self.details.push((name, detail.into()));
        self
    }

    /// The error's code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// The address is longer than so many bytes.
    #[must_use]
    pub fn uri_too_long(most: usize) -> Self {
        Self::new(Code::UriTooLong, format!("the address exceeds {most} bytes"))
            .with("limit", "uri_bytes")
            .with("maximum", most as u64)
    }

    /// What is wrong, in words.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// A failure of ours: its cause goes to the log under the reference that the client gets.
    pub fn masked(cause: &str) -> Self {
        let reference = reference();
        tracing::error!(reference, cause, "operation failed");
        Self::new(Code::InternalServerError, "internal server error").with("reference", reference.as_str())
    }

    /// An execution error as it may be sent: the caller's as it is, everything else masked.
    #[must_use]
    pub fn from_execution(error: ServerError) -> Self {
        let code = error
            .extensions
            .as_ref()
            .and_then(|extensions| extensions.get("code"))
            .and_then(|code| {
                if let async_graphql::Value::String(code) = code {
                    Code::named(code)
                } else {
                    None
                }
            });
        let fault = if let Some(code) = code {
            let fault = Self::new(code, error.message);
            match error
                .extensions
                .as_ref()
                .and_then(|extensions| extensions.get("argument"))
            {
                Some(async_graphql::Value::String(argument)) => fault.with("argument", argument.as_str()),
                _ => fault,
            }
        } else {
            let cause = match error
                .source
                .as_ref()
                .and_then(|source| source.downcast_ref::<ApiError>())
            {
                Some(ApiError::Internal(cause)) => chain(cause.as_ref()),
                _ => error.message,
            };
            Self::masked(&cause)
        };
        Self {
            locations: error.locations,
            path: error.path,
            ..fault
        }
    }
}

impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("message", &self.message)?;
        if !self.locations.is_empty() {
            map.serialize_entry("locations", &self.locations)?;
        }
        if !self.path.is_empty() {
            map.serialize_entry("path", &self.path)?;
        }
        map.serialize_entry("extensions", &Extensions(self))?;
        map.end()
    }
}

struct Extensions<'a>(&'a Fault);

impl Serialize for Extensions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("code", self.0.code.as_str())?;
        for (name, detail) in &self.0.details {
            match detail {
                Detail::Text(text) => map.serialize_entry(name, text)?,
                Detail::Number(number) => map.serialize_entry(name, number)?,
            }
        }
        map.end()
    }
}

/// A reference that cannot be guessed and, for one server, does not repeat.
fn reference() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{:016x}", RandomState::new().hash_one(count))
}

/// An error and its causes in one line, for the log.
#[must_use]
pub fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(fault: &Fault) -> String {
        serde_json::to_string(fault).unwrap()
    }

    #[test]
    fn codes_are_found_by_their_names() {
        for code in Code::ALL {
            assert_eq!(Code::named(code.as_str()), Some(code));
        }
    }

    #[test]
    fn the_callers_mistake_is_told() {
        let error = async_graphql::Error::from(ApiError::bad_input("first", "must be 1 to 100, is 0"));
        let fault = Fault::from_execution(error.into_server_error(Pos { line: 1, column: 3 }));
        assert_eq!(
            sent(&fault),
            r#"{"message":"argument \"first\": must be 1 to 100, is 0","locations":[{"line":1,"column":3}],"extensions":{"code":"BAD_USER_INPUT","argument":"first"}}"#
        );
    }

    #[test]
    fn our_failures_are_masked() {
        for error in [
            async_graphql::Error::from(ApiError::internal(std::io::Error::other("secret of the database"))),
            async_graphql::Error::new("secret of the database"),
        ] {
            let text = sent(&Fault::from_execution(error.into_server_error(Pos::default())));
            assert!(!text.contains("secret"), "{text}");
            assert!(
                text.contains("INTERNAL_SERVER_ERROR") && text.contains("reference"),
                "{text}"
            );
        }
    }

    #[test]
    fn long_messages_are_cut_between_characters() {
        let fault = Fault::new(Code::BadRequest, "ä".repeat(1000));
        assert_eq!(fault.message.chars().count(), MOST_MESSAGE_CHARACTERS);
    }

    #[test]
    fn references_do_not_repeat() {
        let seen: std::collections::HashSet<_> = (0..1000).map(|_| reference()).collect();
        assert_eq!(seen.len(), 1000);
    }
}
