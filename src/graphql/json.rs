//! Values as JSON, straight to bytes.

use std::io::Write as _;

use async_graphql::Value;

/// Writes a value that is nobody's selection: a scalar, an enum, or what they hold.
pub fn write_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Boolean(true) => out.extend_from_slice(b"true"),
        Value::Boolean(false) => out.extend_from_slice(b"false"),
        Value::String(text) => write_text(text, out),
        Value::Enum(name) => write_text(name, out),
        // writing into memory does not fail
        Value::Number(number) => drop(write!(out, "{number}")),
        Value::List(items) => {
            out.push(b'[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                write_value(item, out);
            }
            out.push(b']');
        }
        Value::Object(members) => {
            out.push(b'{');
            for (place, (key, value)) in members.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                write_text(key, out);
                out.push(b':');
                write_value(value, out);
            }
            out.push(b'}');
        }
        Value::Binary(bytes) => write_text(&String::from_utf8_lossy(bytes), out),
    }
}

/// Writes text in quotes.
pub fn write_text(text: &str, out: &mut Vec<u8>) {
    if is_plain(text.as_bytes()) {
        out.reserve(text.len() + 2);
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
        return;
    }
    let start = out.len();
    if serde_json::to_writer(&mut *out, text).is_err() {
        out.truncate(start);
        out.extend_from_slice(b"\"\"");
    }
}

/// Whether nothing in the text needs an escape. Sixteen bytes at a time, without a branch for each.
fn is_plain(text: &[u8]) -> bool {
    let escaped = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    let (chunks, rest) = text.as_chunks::<16>();
    let in_chunk = |chunk: &[u8; 16]| chunk.iter().fold(false, |any, byte| any | escaped(*byte));
    !chunks.iter().any(in_chunk) && !rest.iter().any(|byte| escaped(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_wherever_it_must_be() {
        for length in 0..40 {
            for place in 0..length {
                for odd in ["\u{1}", "\"", "\\", "\n", "ä", "x"] {
                    let mut text = "a".repeat(length);
                    text.replace_range(place..=place, odd);
                    let mut out = Vec::new();
                    write_text(&text, &mut out);
                    assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&text).unwrap());
                }
            }
        }
    }
}
