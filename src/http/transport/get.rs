//! GET and HEAD: one query in the address, whose answer may be kept on the way.

use actix_web::{HttpRequest, HttpResponse, web};

use super::incoming::{audience, credential};
use super::reply::Keeping;
use super::{Endpoint, Media, incoming, post, reply};
use crate::graphql::error::{Code, Fault};
use crate::graphql::service::Audience;

/// Runs what the address asks for.
pub async fn get(endpoint: web::Data<Endpoint>, request: HttpRequest) -> HttpResponse {
    let Some(media) = Media::of(&request) else {
        return reply::refusal(&endpoint, Media::Json, &post::not_acceptable());
    };
    let query = request.query_string();
    if query.len() > endpoint.uri_bytes {
        let fault = Fault::new(
            Code::UriTooLong,
            format!("the address exceeds {} bytes", endpoint.uri_bytes),
        )
        .with("limit", "uri_bytes")
        .with("maximum", endpoint.uri_bytes as u64);
        return reply::refusal(&endpoint, media, &fault);
    }
    match incoming::from_query(query) {
        Ok(mut incoming) => {
            incoming.known = reply::known(&request);
            incoming.audience = audience(&request);
            incoming.credential = credential(&request);
            let keeping = match incoming.audience {
                Audience::Everyone => Keeping::Allowed,
                Audience::Caller => Keeping::Forbidden,
            };
            let answer = endpoint.service.execute(incoming).await;
            reply::answer(&endpoint, &request, media, answer, keeping).await
        }
        Err(unreadable) => reply::unreadable(&endpoint, media, &unreadable),
    }
}
