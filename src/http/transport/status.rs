//! The one table of statuses: what became of a request, and the status that says so.

use actix_web::http::StatusCode;

use super::Media;
use crate::graphql::error::Code;
use crate::graphql::service::Kind;
use crate::http::settings::StatusPolicy;

/// The status of an answer of the service.
pub fn of_answer(kind: Kind, media: Media, policy: StatusPolicy) -> StatusCode {
    use Media::{GraphqlResponse, Json};
    use StatusPolicy::{Compat, Spec2026};
    match (kind, media, policy) {
        (Kind::Complete, _, _) | (Kind::Partial, _, Compat) => StatusCode::OK,
        (Kind::Partial, _, Spec2026) => partial_success(),
        (Kind::Unchanged, _, _) => StatusCode::NOT_MODIFIED,
        (Kind::Unauthenticated, _, _) => StatusCode::UNAUTHORIZED,
        (Kind::RateLimited, _, _) => StatusCode::TOO_MANY_REQUESTS,
        (Kind::MutationRefused, _, _) => StatusCode::METHOD_NOT_ALLOWED,
        (Kind::TimedOut, _, _) => StatusCode::GATEWAY_TIMEOUT,
        (Kind::Failed, _, _) => StatusCode::INTERNAL_SERVER_ERROR,
        (Kind::Malformed, _, Compat) => StatusCode::BAD_REQUEST,
        (Kind::Malformed, _, Spec2026) => StatusCode::UNPROCESSABLE_ENTITY,
        (Kind::Unparsable | Kind::Refused, Json, Compat) => StatusCode::OK,
        (Kind::Unparsable, _, Spec2026) | (Kind::Unparsable | Kind::Refused, GraphqlResponse, Compat) => {
            StatusCode::BAD_REQUEST
        }
        (Kind::Refused, _, Spec2026) => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// The status of a request that never reached the service.
pub fn of_refusal(code: Code) -> StatusCode {
    match code {
        Code::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Code::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
        Code::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::UriTooLong => StatusCode::URI_TOO_LONG,
        Code::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::Forbidden | Code::OriginNotAllowed => StatusCode::FORBIDDEN,
        Code::RateLimited | Code::TooManyConnections => StatusCode::TOO_MANY_REQUESTS,
        Code::ServerBusy => StatusCode::SERVICE_UNAVAILABLE,
        Code::InternalServerError => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// 294: both data and errors.
fn partial_success() -> StatusCode {
    StatusCode::from_u16(294).unwrap_or(StatusCode::OK)
}
