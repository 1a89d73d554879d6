//! GET and HEAD: one query in the address, whose answer may be kept on the way.

use actix_web::{HttpRequest, HttpResponse, web};

use super::incoming::{audience, credential};
use super::reply::Keeping;
use super::stream::{self, Accepted};
use super::{Endpoint, Media, incoming, reply};
use crate::graphql::error::Fault;
use crate::graphql::service::Audience;
use crate::http::caching;

/// Runs what the address asks for.
pub async fn get(endpoint: web::Data<Endpoint>, request: HttpRequest) -> HttpResponse {
    let accepted = match Accepted::of(&request) {
        Ok(accepted) => accepted,
        Err(fault) => return reply::refusal(&endpoint, Media::Json, &fault),
    };
    let media = accepted.json();
    let query = request.query_string();
    if query.len() > endpoint.uri_bytes {
        return reply::refusal(&endpoint, media, &Fault::uri_too_long(endpoint.uri_bytes));
    }
    match incoming::from_query(query) {
        Ok(mut incoming) => {
            incoming.known = caching::known(&request);
            incoming.audience = audience(&request);
            incoming.credential = credential(&request);
            incoming.address = Some(endpoint.client(&request).network());
            let keeping = match incoming.audience {
                Audience::Everyone => Keeping::Allowed,
                Audience::Caller => Keeping::Forbidden,
            };
            stream::answer(&endpoint, &request, accepted, incoming, keeping).await
        }
        Err(unreadable) => reply::unreadable(&endpoint, media, &unreadable),
    }
}
