//! The messages of `graphql-transport-ws`.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// Bytes of an operation's id at most: it is sent back with each of its answers.
const MOST_ID_BYTES: usize = 256;

/// What a client says.
#[derive(Debug)]
pub enum Message<'a> {
    /// It begins.
    Init(Option<&'a RawValue>),
    /// It wants a sign of life.
    Ping(Option<&'a RawValue>),
    /// It gives a sign of life.
    Pong,
    /// It starts an operation.
    Subscribe {
        /// The operation's id, chosen by the client.
        id: String,
        /// The operation's parameters.
        payload: &'a RawValue,
    },
    /// It ends an operation.
    Complete {
        /// The operation's id.
        id: String,
    },
}

#[derive(Deserialize)]
#[serde(expecting = "an object with type, id and payload")]
struct Raw<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

/// Reads a message.
///
/// # Errors
/// Says what is wrong with it, as the reason of a close.
pub fn read(text: &str) -> Result<Message<'_>, String> {
    let raw: Raw<'_> = serde_json::from_str(text).map_err(|_| "not a message of the protocol".to_owned())?;
    let kind = shortened(&raw.r#type);
    let payload = raw.payload.filter(|payload| payload.get() != "null");
    if payload.is_some_and(|payload| !payload.get().starts_with('{')) {
        return Err(format!("the payload of {kind} must be an object"));
    }
    let id = || {
        let id = raw
            .id
            .as_deref()
            .filter(|id| !id.is_empty() && id.len() <= MOST_ID_BYTES);
        id.map(str::to_owned)
            .ok_or_else(|| format!("{kind} needs an id of 1 to {MOST_ID_BYTES} bytes"))
    };
    match (&*raw.r#type, payload) {
        ("connection_init", payload) => Ok(Message::Init(payload)),
        ("ping", payload) => Ok(Message::Ping(payload)),
        ("pong", _) => Ok(Message::Pong),
        ("subscribe", Some(payload)) => Ok(Message::Subscribe { id: id()?, payload }),
        ("subscribe", None) => Err("subscribe needs a payload".to_owned()),
        ("complete", _) => Ok(Message::Complete { id: id()? }),
        _ => Err(format!("there is no message of type {kind}")),
    }
}

/// As much of a text as a reason has room for.
fn shortened(text: &str) -> String {
    text.chars().take(20).collect()
}

/// The client may begin.
pub const ACK: &str = r#"{"type":"connection_ack"}"#;

/// A sign of life, with what came with the ping.
pub fn pong(payload: Option<&RawValue>) -> String {
    match payload {
        Some(payload) => format!(r#"{{"type":"pong","payload":{payload}}}"#),
        None => r#"{"type":"pong"}"#.to_owned(),
    }
}

/// An answer of an operation.
pub fn next(id: &str, answer: &[u8]) -> String {
    with_payload("next", id, &String::from_utf8_lossy(answer))
}

/// An operation that was refused: its answer has errors alone.
pub fn error(id: &str, answer: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Refusal<'a> {
        #[serde(borrow)]
        errors: &'a RawValue,
    }
    let errors = serde_json::from_slice(answer).map_or("[]", |refusal: Refusal<'_>| refusal.errors.get());
    with_payload("error", id, errors)
}

/// An operation has ended.
pub fn complete(id: &str) -> String {
    format!(r#"{{"id":{},"type":"complete"}}"#, quoted(id))
}

fn with_payload(kind: &str, id: &str, payload: &str) -> String {
    let id = quoted(id);
    let mut out = String::with_capacity(payload.len() + id.len() + 40);
    for part in [r#"{"id":"#, &id, r#","type":""#, kind, r#"","payload":"#, payload, "}"] {
        out.push_str(part);
    }
    out
}

fn quoted(id: &str) -> String {
    serde_json::Value::from(id).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_message_is_told_what_a_message_is() {
        let table = [
            ("", "not a message"),
            ("[]", "not a message"),
            (r#"{"id":"1"}"#, "not a message"),
            (r#"{"type":1}"#, "not a message"),
            (r#"{"type":"start","id":"1","payload":{}}"#, "no message of type start"),
            (
                r#"{"type":"connection_init","payload":[]}"#,
                "payload of connection_init",
            ),
            (r#"{"type":"subscribe","id":"1"}"#, "needs a payload"),
            (r#"{"type":"subscribe","payload":{}}"#, "needs an id"),
            (r#"{"type":"subscribe","id":"","payload":{}}"#, "needs an id"),
            (r#"{"type":"complete"}"#, "needs an id"),
        ];
        for (text, expected) in table {
            let reason = read(text).unwrap_err();
            assert!(reason.contains(expected), "{text}: {reason}");
        }
        let long = format!(r#"{{"type":"{}"}}"#, "🦀".repeat(1000));
        assert!(read(&long).unwrap_err().len() <= 123);
    }

    #[test]
    fn messages_carry_ids_and_answers_as_they_are() {
        assert_eq!(next("a\"b", b"{}"), r#"{"id":"a\"b","type":"next","payload":{}}"#);
        let refused = br#"{"errors":[{"message":"no"}]}"#;
        assert_eq!(
            error("1", refused),
            r#"{"id":"1","type":"error","payload":[{"message":"no"}]}"#
        );
        let Ok(Message::Ping(payload)) = read(r#"{"type":"ping","payload":{"a":1}}"#) else {
            panic!("it is a ping")
        };
        assert_eq!(pong(payload), r#"{"type":"pong","payload":{"a":1}}"#);
    }
}
