//! The parameters of a request, read from a body or an address into what the service takes.

use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use serde::Deserialize;
use serde_json::value::RawValue;
use url::form_urlencoded;

use crate::graphql::error::{Code, Fault};
use crate::graphql::service::{Allowed, Audience, Credential, Incoming, PersistedQuery};

/// One operation, or several in a batch.
pub enum Parameters {
    /// One operation.
    One(Box<Incoming>),
    /// A batch, in the order in which it came.
    Batch(Vec<Incoming>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object with the operation's parameters")]
struct Body {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<Box<RawValue>>,
    extensions: Option<Extensions>,
    document_id: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
struct Extensions {
    persisted_query: Option<Persisted>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object with version and sha256Hash")]
struct Persisted {
    version: u32,
    sha256_hash: String,
}

/// Who may see the answer to a request: whoever comes with credentials gets an answer of its own.
pub fn audience(request: &HttpRequest) -> Audience {
    if request.headers().contains_key(AUTHORIZATION) {
        Audience::Caller
    } else {
        Audience::Everyone
    }
}

/// The API token that a request came with. Only this header is looked at: what stands in an address or a body is logged and kept
/// on the way. Other schemes than `Bearer` are meant for somebody else, such as a proxy in front.
pub fn credential(request: &HttpRequest) -> Option<Credential> {
    request
        .headers()
        .get_all(AUTHORIZATION)
        .find_map(|value| bearer(&String::from_utf8_lossy(value.as_bytes())))
}

fn bearer(text: &str) -> Option<Credential> {
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| Credential::new(token.trim()))
}

/// Who sends the operations of a connection: the request that opened it tells, or the client in its first message, where it
/// is a browser, which cannot set the header.
pub struct Sender {
    audience: Audience,
    credential: Option<Credential>,
    address: IpAddr,
}

impl Sender {
    /// What a request from this address says.
    pub fn of(request: &HttpRequest, address: IpAddr) -> Self {
        Self {
            address,
            audience: audience(request),
            credential: credential(request),
        }
    }

    /// What a client says of itself: the member `authorization`, written like the header.
    pub fn introduce(&mut self, payload: Option<&RawValue>) {
        #[derive(Deserialize)]
        struct Introduction {
            #[serde(alias = "Authorization")]
            authorization: String,
        }
        let introduction = payload.and_then(|payload| serde_json::from_str::<Introduction>(payload.get()).ok());
        if let Some(Introduction { authorization }) = introduction {
            self.audience = Audience::Caller;
            self.credential = bearer(&authorization).or(self.credential.take());
        }
    }

    /// Makes an operation one of this sender.
    pub fn sign(&self, incoming: &mut Incoming) {
        incoming.audience = self.audience;
        incoming.credential.clone_from(&self.credential);
        incoming.address = Some(self.address);
    }
}

/// Why parameters cannot be read.
pub enum Unreadable {
    /// They are not JSON.
    Syntax(Fault),
    /// They are JSON, but not what a request has.
    Shape(Fault),
}

impl Unreadable {
    /// What the client is told.
    pub fn fault(&self) -> &Fault {
        match self {
            Self::Syntax(fault) | Self::Shape(fault) => fault,
        }
    }
}

/// Reads the parameters of one operation.
pub fn from_object(json: &str) -> Result<Incoming, Unreadable> {
    let body: Body = serde_json::from_str(json).map_err(|error| unreadable("the payload", &error))?;
    body.incoming(Allowed::Everything)
}

/// Reads a body of JSON.
pub fn from_json(body: &[u8]) -> Result<Parameters, Unreadable> {
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        let bodies: Vec<Body> =
            serde_json::from_slice(body).map_err(|error| unreadable("the request's body", &error))?;
        return bodies
            .into_iter()
            .map(|body| body.incoming(Allowed::Everything))
            .collect::<Result<_, _>>()
            .map(Parameters::Batch);
    }
    let body: Body = serde_json::from_slice(body).map_err(|error| unreadable("the request's body", &error))?;
    body.incoming(Allowed::Everything).map(Box::new).map(Parameters::One)
}

/// Reads the parameters of an address; a parameter that comes twice counts as it came first.
pub fn from_query(query: &str) -> Result<Incoming, Unreadable> {
    let mut body = Body {
        query: None,
        operation_name: None,
        variables: None,
        extensions: None,
        document_id: None,
    };
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "query" => drop(body.query.get_or_insert_with(|| value.into_owned())),
            "operationName" => drop(body.operation_name.get_or_insert_with(|| value.into_owned())),
            "documentId" => drop(body.document_id.get_or_insert_with(|| value.into_owned())),
            "variables" if !value.is_empty() => body.variables = parameter("variables", &value)?,
            "extensions" if !value.is_empty() => body.extensions = parameter("extensions", &value)?,
            _ => {}
        }
    }
    body.incoming(Allowed::Queries)
}

fn parameter<'a, T: Deserialize<'a>>(name: &str, value: &'a str) -> Result<T, Unreadable> {
    serde_json::from_str(value).map_err(|error| unreadable(&format!("parameter \"{name}\""), &error))
}

impl Body {
    fn incoming(self, allowed: Allowed) -> Result<Incoming, Unreadable> {
        let variables = match self.variables {
            Some(raw) if raw.get().starts_with('{') => Some(raw),
            Some(raw) if raw.get() == "null" => None,
            Some(_) => {
                return Err(shape("parameter \"variables\" must be an object"));
            }
            None => None,
        };
        let persisted = match self.extensions.and_then(|extensions| extensions.persisted_query) {
            Some(Persisted {
                version: 1,
                sha256_hash,
            }) => Some(PersistedQuery { sha256: sha256_hash }),
            Some(_) => {
                return Err(shape("persisted queries are served in version 1"));
            }
            None => None,
        };
        if self.query.is_none() && persisted.is_none() && self.document_id.is_none() {
            return Err(shape("parameter \"query\" is missing"));
        }
        Ok(Incoming {
            query: self.query,
            operation_name: self.operation_name.filter(|name| !name.is_empty()),
            variables,
            persisted,
            document_id: self.document_id,
            resume: None,
            allowed,
            audience: Audience::Everyone,
            credential: None,
            known: Vec::new(),
            address: None,
        })
    }
}

fn shape(message: &str) -> Unreadable {
    Unreadable::Shape(Fault::new(Code::BadRequest, message))
}

fn unreadable(what: &str, error: &serde_json::Error) -> Unreadable {
    match error.classify() {
        serde_json::error::Category::Data => shape(&format!("{what} is not what a request has: {error}")),
        _ => Unreadable::Syntax(Fault::new(Code::BadRequest, format!("{what} is not JSON: {error}"))),
    }
}
