//! Answers with their headers.

use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG,
    HeaderName, HeaderValue, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};

use super::budget;
use super::incoming::Unreadable;
use super::{Endpoint, Media, status};
use crate::graphql::error::{Code, Fault};
use crate::graphql::service::{Answer, Kind};
use crate::http::caching::{self, CACHE_STATUS};
use crate::http::compress::Encoding;
use crate::http::settings::StatusPolicy;

const ANY: HeaderValue = HeaderValue::from_static("*");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// Which credentials are taken, in the words of RFC 6750.
const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"romdex\", error=\"invalid_token\"");

/// Asks for the cost of an operation in its answer's `extensions`.
const COST_DEBUG: HeaderName = HeaderName::from_static("x-graphql-cost-debug");

/// Whether an answer may be kept on its way to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// By everyone for a while, and then for as long as it has not changed.
    Allowed,
    /// By nobody.
    Forbidden,
}

/// The answer to a request that reached the service.
pub async fn answer(
    endpoint: &Endpoint,
    request: &HttpRequest,
    media: Media,
    mut answer: Answer,
    keeping: Keeping,
) -> HttpResponse {
    let mut response = builder(
        status::of_answer(answer.kind, media, endpoint.policy),
        media,
        endpoint.policy,
    );
    if let Some((budget, bill)) = endpoint.budget.as_ref().zip(answer.bill) {
        budget.tell(&bill, &mut response);
        if request.headers().contains_key(COST_DEBUG)
            && let Some(body) = budget::with_cost(&answer.body, answer.cost, &bill)
        {
            // from here on it is an answer of its own
            answer.body = body.into();
            answer.stamp = None;
        }
    }
    let lasting = matches!(answer.kind, Kind::Complete | Kind::Unchanged)
        .then_some(answer.stamp)
        .flatten();
    match lasting {
        Some(stamp) if keeping == Keeping::Allowed => {
            response.insert_header((CACHE_CONTROL, endpoint.cache_control.clone()));
            response.insert_header((ETAG, caching::tag(stamp)));
        }
        _ => drop(response.insert_header((CACHE_CONTROL, NO_STORE))),
    }
    match answer.kind {
        Kind::Complete => drop(response.insert_header((CACHE_STATUS, caching::status(answer.origin)))),
        Kind::MutationRefused => drop(response.insert_header((ALLOW, HeaderValue::from_static("POST")))),
        Kind::Unauthenticated => drop(response.insert_header((WWW_AUTHENTICATE, CHALLENGE))),
        Kind::Unchanged => return response.finish(),
        _ => {}
    }
    let stamp = answer.stamp.filter(|_| answer.may_be_kept());
    if let Some(encoding) = Encoding::of(request)
        && let Some(body) = endpoint.compressor.compress(&answer.body, stamp, encoding).await
    {
        response.insert_header((CONTENT_ENCODING, encoding.header()));
        return response.body(body);
    }
    response.body(answer.body)
}

/// The answer to a request that never reached the service.
pub fn refusal(endpoint: &Endpoint, media: Media, fault: &Fault) -> HttpResponse {
    let status = status::of_refusal(fault.code());
    let mut response = builder(status, media, endpoint.policy);
    response.insert_header((CACHE_CONTROL, NO_STORE));
    if matches!(
        fault.code(),
        Code::PayloadTooLarge | Code::RequestTimeout | Code::UriTooLong
    ) {
        response.force_close();
    }
    if matches!(fault.code(), Code::TooManyConnections | Code::ServerBusy) {
        response.insert_header((RETRY_AFTER, HeaderValue::from_static("10")));
    }
    response.body(Answer::refused(Kind::Malformed, std::slice::from_ref(fault)).body)
}

/// The answer to a request whose parameters cannot be read.
pub fn unreadable(endpoint: &Endpoint, media: Media, unreadable: &Unreadable) -> HttpResponse {
    let (status, fault) = match unreadable {
        Unreadable::Syntax(fault) => (status::of_refusal(fault.code()), fault),
        Unreadable::Shape(fault) => (status::of_answer(Kind::Malformed, media, endpoint.policy), fault),
    };
    let mut response = builder(status, media, endpoint.policy);
    response.insert_header((CACHE_CONTROL, NO_STORE));
    response.body(Answer::refused(Kind::Malformed, std::slice::from_ref(fault)).body)
}

/// The answer to a preflight: reads are open to every page, without credentials.
pub fn preflight(methods: &'static str) -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((ALLOW, HeaderValue::from_static(methods)))
        .insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, ANY))
        .insert_header((ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods)))
        .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, ANY))
        .insert_header((ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400")))
        .finish()
}

fn builder(status: StatusCode, media: Media, policy: StatusPolicy) -> HttpResponseBuilder {
    // the released specification sends what is not a success in its own media type, whatever was accepted
    let media = if policy == StatusPolicy::Spec2026 && !status.is_success() {
        Media::GraphqlResponse
    } else {
        media
    };
    let mut response = open(status);
    if status != StatusCode::NOT_MODIFIED {
        response.insert_header((CONTENT_TYPE, HeaderValue::from_static(media.content_type())));
    }
    response
}

/// What every answer says: what it depends on, and that every page may read it.
pub fn open(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response
        .insert_header((VARY, HeaderValue::from_static("accept, accept-encoding, authorization")))
        .insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, ANY))
        .insert_header((ACCESS_CONTROL_EXPOSE_HEADERS, ANY));
    response
}
