//! Apollo's multipart answers, version 1.0: each event is a part, wrapped in `payload`.
//!
//! A part ends with the boundary behind it, so the boundary is sent with the part: nothing waits for the next one.

use bytes::Bytes;

use crate::graphql::error::Fault;
use crate::graphql::service::Told;

/// The value of `Content-Type`.
pub const CONTENT_TYPE: &str = "multipart/mixed;boundary=graphql;subscriptionSpec=1.0";

/// What stands before the first part.
pub const OPENING: &[u8] = b"\r\n--graphql";

/// What keeps proxies and clients from thinking that nobody is there: an empty part.
pub const HEARTBEAT: &[u8] = b"\r\ncontent-type: application/json\r\n\r\n{}\r\n--graphql";

/// What stands behind the last part.
pub const END: &[u8] = b"--\r\n";

/// One answer.
pub fn next(told: &Told) -> Bytes {
    part(&[b"{\"payload\":", &told.answer.body, b"}"])
}

/// The last part of a stream that the server breaks off.
pub fn broken_off(fault: &Fault) -> Bytes {
    let errors = serde_json::to_vec(std::slice::from_ref(fault)).unwrap_or_else(|_| b"[]".to_vec());
    part(&[b"{\"payload\":null,\"errors\":", &errors, b"}"])
}

fn part(json: &[&[u8]]) -> Bytes {
    let mut out = b"\r\ncontent-type: application/json\r\n\r\n".to_vec();
    for piece in json {
        out.extend_from_slice(piece);
    }
    out.extend_from_slice(OPENING);
    out.into()
}
