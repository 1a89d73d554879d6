//! Server-sent events: the distinct connections mode of graphql-sse, one operation a connection.

use bytes::Bytes;

use crate::graphql::service::Told;

/// The value of `Content-Type`.
pub const CONTENT_TYPE: &str = "text/event-stream; charset=utf-8";

/// What keeps proxies and clients from thinking that nobody is there: a comment.
pub const HEARTBEAT: &[u8] = b":\n\n";

/// What tells that the operation has ended.
pub const COMPLETE: &[u8] = b"event: complete\ndata:\n\n";

/// One answer; its cursor is the event's id, with which a reader that is cut off goes on by itself.
pub fn next(told: &Told) -> Bytes {
    let body = &told.answer.body;
    let mut out = Vec::with_capacity(body.len() + 64);
    if let Some(cursor) = &told.cursor {
        out.extend_from_slice(b"id: ");
        out.extend_from_slice(cursor.as_bytes());
        out.push(b'\n');
    }
    out.extend_from_slice(b"event: next\ndata: ");
    // JSON as we write it is one line
    out.extend_from_slice(body);
    out.extend_from_slice(b"\n\n");
    out.into()
}
