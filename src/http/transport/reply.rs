//! Answers with their headers.

use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, VARY,
};
use actix_web::{HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use serde::Serialize;

use super::{Endpoint, Media, status};
use crate::graphql::error::{Code, Fault};
use crate::graphql::service::{Answer, Kind};
use crate::http::settings::StatusPolicy;

/// For what nobody may keep.
pub const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const ANY: HeaderValue = HeaderValue::from_static("*");

/// The answer to a POST: never kept by anyone on the way.
pub fn answer(endpoint: &Endpoint, media: Media, answer: Answer) -> HttpResponse {
    let status = status::of_answer(answer.kind, media, endpoint.policy);
    let mut response = builder(status, media, endpoint.policy);
    response.insert_header((CACHE_CONTROL, NO_STORE));
    if answer.kind == Kind::MutationRefused {
        response.insert_header((ALLOW, HeaderValue::from_static("POST")));
    }
    response.body(answer.body)
}

/// The answer to a request that never reached the service.
pub fn refusal(endpoint: &Endpoint, media: Media, fault: &Fault) -> HttpResponse {
    let status = status::of_refusal(fault.code(), endpoint.policy);
    let mut response = builder(status, media, endpoint.policy);
    response.insert_header((CACHE_CONTROL, NO_STORE));
    if matches!(
        fault.code(),
        Code::PayloadTooLarge | Code::RequestTimeout | Code::UriTooLong
    ) {
        response.force_close();
    }
    response.body(errors(fault))
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
    let mut response = HttpResponse::build(status);
    response
        .insert_header((CONTENT_TYPE, HeaderValue::from_static(media.content_type())))
        .insert_header((VARY, HeaderValue::from_static("accept, accept-encoding")))
        .insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, ANY))
        .insert_header((ACCESS_CONTROL_EXPOSE_HEADERS, ANY));
    response
}

#[derive(Serialize)]
struct Errors<'a> {
    errors: [&'a Fault; 1],
}

fn errors(fault: &Fault) -> Bytes {
    serde_json::to_vec(&Errors { errors: [fault] })
        .map(Bytes::from)
        .unwrap_or_default()
}
