//! The headers that tell a client what its request was charged and what is left: `RateLimit` and `RateLimit-Policy` as the
//! IETF's draft has them, and the `X-RateLimit` ones that most clients know.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_web::HttpResponseBuilder;
use actix_web::http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use bytes::BytesMut;

use crate::graphql::rate::{Bill, Settings, whole_seconds};

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
const COST: HeaderName = HeaderName::from_static("x-ratelimit-cost");

/// What is the same for every answer.
pub struct Budget {
    policy: HeaderValue,
    limit: HeaderValue,
}

impl Budget {
    /// Headers of this limit.
    pub fn new(settings: Settings) -> Self {
        let Settings {
            capacity,
            refill_per_second,
            ..
        } = settings;
        let window = capacity.div_ceil(refill_per_second.max(1));
        let policy = HeaderValue::try_from(format!("\"cost\";q={capacity};w={window}"));
        Self {
            policy: policy.unwrap_or(HeaderValue::from_static("")),
            limit: HeaderValue::from(capacity),
        }
    }

    /// Tells a client of its bill.
    pub fn tell(&self, bill: &Bill, response: &mut HttpResponseBuilder) {
        let full_in = whole_seconds(bill.standing.full_in);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let reset = whole_seconds(now + bill.standing.full_in);
        // one piece of memory for all that is written
        let mut text = BytesMut::with_capacity(128);
        let mut header = |arguments: std::fmt::Arguments<'_>| {
            let _ = text.write_fmt(arguments);
            HeaderValue::from_maybe_shared(text.split().freeze()).unwrap_or(HeaderValue::from_static(""))
        };
        response
            .insert_header((POLICY, self.policy.clone()))
            .insert_header((
                RATE_LIMIT,
                header(format_args!("\"cost\";r={};t={full_in}", bill.standing.remaining)),
            ))
            .insert_header((LIMIT, self.limit.clone()))
            .insert_header((REMAINING, header(format_args!("{}", bill.standing.remaining))))
            .insert_header((RESET, header(format_args!("{reset}"))))
            .insert_header((COST, header(format_args!("{}", bill.cost))));
        if let Some(wait) = bill.retry_after {
            response.insert_header((RETRY_AFTER, header(format_args!("{}", whole_seconds(wait)))));
        }
    }
}

/// Adds what an answer cost to its `extensions`, for a client that asks for it: the names are those that others use.
pub fn with_cost(body: &[u8], requested: u64, bill: &Bill) -> Option<Vec<u8>> {
    let open = body.strip_suffix(b"}").filter(|_| body.starts_with(b"{"))?;
    let told = format!(
        ",\"extensions\":{{\"cost\":{{\"requestedQueryCost\":{requested},\"actualQueryCost\":{},\"throttleStatus\":\
         {{\"maximumAvailable\":{},\"currentlyAvailable\":{},\"restoreRate\":{}}}}}}}}}",
        bill.cost, bill.standing.capacity, bill.standing.remaining, bill.standing.refill_per_second
    );
    Some([open, told.as_bytes()].concat())
}
