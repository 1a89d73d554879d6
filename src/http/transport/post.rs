//! POST: one operation, or a batch, in a body of JSON.

use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;

use super::incoming::{self, Parameters, audience, credential};
use super::reply::Keeping;
use super::stream::{self, Accepted};
use super::{Endpoint, Media, reply};
use crate::graphql::error::{Code, Fault};

/// Runs what the body asks for.
pub async fn post(endpoint: web::Data<Endpoint>, request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let accepted = match Accepted::of(&request) {
        Ok(accepted) => accepted,
        Err(fault) => return reply::refusal(&endpoint, Media::Json, &fault),
    };
    let media = accepted.json();
    let parameters = match receive(&endpoint, &request, payload).await {
        Ok(body) => incoming::from_json(&body),
        Err(fault) => return reply::refusal(&endpoint, media, &fault),
    };
    let answer = match parameters {
        Ok(Parameters::One(mut incoming)) => {
            incoming.audience = audience(&request);
            incoming.credential = credential(&request);
            incoming.address = Some(endpoint.client(&request).network());
            return stream::answer(&endpoint, &request, accepted, *incoming, Keeping::Forbidden).await;
        }
        Ok(Parameters::Batch(mut batch)) => {
            for incoming in &mut batch {
                incoming.audience = audience(&request);
                incoming.credential = credential(&request);
                incoming.address = Some(endpoint.client(&request).network());
            }
            endpoint.service.execute_batch(batch).await
        }
        Err(unreadable) => return reply::unreadable(&endpoint, media, &unreadable),
    };
    reply::answer(&endpoint, &request, media, answer, Keeping::Forbidden).await
}

async fn receive(endpoint: &Endpoint, request: &HttpRequest, payload: web::Payload) -> Result<Bytes, Fault> {
    check_headers(endpoint, request)?;
    match tokio::time::timeout(endpoint.body_timeout, collect(endpoint.body_bytes, payload)).await {
        Ok(body) => body,
        Err(_) => {
            let milliseconds = endpoint.body_timeout.as_millis();
            Err(Fault::new(
                Code::RequestTimeout,
                format!("the request's body did not arrive within {milliseconds} ms"),
            ))
        }
    }
}

fn check_headers(endpoint: &Endpoint, request: &HttpRequest) -> Result<(), Fault> {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    if !header(CONTENT_TYPE).is_some_and(is_json) {
        let message = "the request's body must be application/json in UTF-8";
        return Err(Fault::new(Code::UnsupportedMediaType, message));
    }
    if request.headers().contains_key(CONTENT_ENCODING) {
        return Err(Fault::new(
            Code::UnsupportedMediaType,
            "compressed request bodies are not taken",
        ));
    }
    match header(CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok()) {
        Some(length) if length > endpoint.body_bytes as u64 => Err(too_large(endpoint.body_bytes)),
        _ => Ok(()),
    }
}

/// Whether a `Content-Type` says JSON in UTF-8. Nothing else is read: a page elsewhere can send forms and plain
/// text with its user's credentials, but not this without being asked first.
fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    parts
        .next()
        .is_some_and(|name| name.eq_ignore_ascii_case("application/json"))
        && parts
            .filter_map(|parameter| parameter.split_once('='))
            .all(|(key, value)| {
                !key.trim().eq_ignore_ascii_case("charset")
                    || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
            })
}

async fn collect(most: usize, mut payload: web::Payload) -> Result<Bytes, Fault> {
    let mut whole = BytesMut::new();
    let mut only = Bytes::new();
    while let Some(chunk) = payload.next().await {
        let Ok(chunk) = chunk else {
            return Err(Fault::new(Code::BadRequest, "the request's body could not be read"));
        };
        if only.len() + whole.len() + chunk.len() > most {
            return Err(too_large(most));
        }
        // nearly every body comes in one piece and is then not copied
        if only.is_empty() && whole.is_empty() {
            only = chunk;
        } else {
            whole.extend_from_slice(&std::mem::take(&mut only));
            whole.extend_from_slice(&chunk);
        }
    }
    Ok(if whole.is_empty() { only } else { whole.freeze() })
}

fn too_large(most: usize) -> Fault {
    Fault::new(
        Code::PayloadTooLarge,
        format!("the request's body exceeds {most} bytes"),
    )
    .with("limit", "body_bytes")
    .with("maximum", most as u64)
}

#[cfg(test)]
mod tests {
    use super::is_json;

    #[test]
    fn only_json_in_utf_8_is_read() {
        let table = [
            ("application/json", true),
            ("Application/JSON; Charset=UTF-8", true),
            ("application/json; charset=\"utf-8\"", true),
            ("application/json; odata=verbose", true),
            ("application/json; charset=utf-16", false),
            ("application/graphql", false),
            ("text/plain", false),
            ("text/plain; application/json", false),
            ("multipart/form-data; boundary=x", false),
            ("", false),
        ];
        for (content_type, expected) in table {
            assert_eq!(is_json(content_type), expected, "{content_type}");
        }
    }
}
