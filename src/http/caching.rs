//! What tells clients and those between how long an answer is good, and whether they have it already.

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderName, HeaderValue, IF_NONE_MATCH};

use super::settings::Settings;
use crate::graphql::service::{Origin, Stamp};

/// Tells, in the words of RFC 9211, whether an answer was at hand or had to be made.
pub const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// For how long an answer may be used that changes with the catalogue.
pub fn cache_control(settings: &Settings) -> HeaderValue {
    let text = format!(
        "public, max-age={}, stale-while-revalidate={}",
        settings.max_age_seconds, settings.stale_seconds
    );
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("no-cache"))
}

/// What the client has already, by the tags that it names.
pub fn known(request: &HttpRequest) -> Vec<Stamp> {
    let tags = request
        .headers()
        .get_all(IF_NONE_MATCH)
        .filter_map(|value| value.to_str().ok());
    let tags = tags.flat_map(|value| value.split(',')).filter_map(|tag| {
        let tag = tag.trim();
        let digits = tag
            .strip_prefix("W/")
            .unwrap_or(tag)
            .strip_prefix('"')?
            .strip_suffix('"')?;
        u128::from_str_radix(digits, 16).ok().map(Stamp)
    });
    tags.collect()
}

/// A weak tag: the answer's bytes may differ by their encoding.
pub fn tag(Stamp(stamp): Stamp) -> HeaderValue {
    HeaderValue::try_from(format!("W/\"{stamp:032x}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

/// What [`CACHE_STATUS`] says.
pub fn status(origin: Origin) -> HeaderValue {
    HeaderValue::from_static(match origin {
        Origin::Kept => "romdex; hit",
        Origin::Made => "romdex; fwd=miss; stored",
        Origin::Alone => "romdex; fwd=bypass",
    })
}
