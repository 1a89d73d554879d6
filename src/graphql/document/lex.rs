//! The first look at a document: its tokens are counted and its brackets matched before anything is built from
//! them. Says nothing about whether the document is GraphQL; that is the parser's.

use std::borrow::Cow;

use async_graphql::Pos;

use crate::graphql::error::{Code, Fault};
use crate::graphql::limits::Limits;

/// Refuses a document with more tokens or deeper brackets than the limits allow. Gives its text as the parsers take it:
/// the integer `-0`, which JSON's numbers would make a fraction of, is written `0`, and everything keeps its place.
pub fn check<'a>(text: &'a str, limits: &Limits) -> Result<Cow<'a, str>, Fault> {
    let mut tokens = 0;
    let mut open = 0;
    let mut lexer = Lexer {
        bytes: text.as_bytes(),
        position: 0,
    };
    let mut mended = Cow::Borrowed(text);
    while let Some((start, token)) = lexer.next() {
        tokens += 1;
        if text.get(start..lexer.position) == Some("-0") {
            mended.to_mut().replace_range(start..=start, " ");
        }
        if tokens > limits.tokens {
            return Err(exceeded("tokens", "tokens", limits.tokens).at(Some(position(text, start))));
        }
        match token {
            b'{' | b'[' | b'(' => {
                open += 1;
                if open > limits.nesting {
                    return Err(
                        exceeded("nesting", "levels of brackets", limits.nesting).at(Some(position(text, start)))
                    );
                }
            }
            b'}' | b']' | b')' => open = open.saturating_sub(1),
            _ => {}
        }
    }
    Ok(mended)
}

fn exceeded(name: &'static str, what: &str, most: u32) -> Fault {
    Fault::new(
        Code::QueryTooComplex,
        format!("the document has more than {most} {what}"),
    )
    .with("limit", name)
    .with("maximum", u64::from(most))
}

/// Line and column of a byte, both from 1, columns in characters.
fn position(text: &str, byte: usize) -> Pos {
    let before = text.get(..byte).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Pos {
        line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
        column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
    }
}

struct Lexer<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.position + ahead).copied()
    }

    fn starts_with(&self, start: &[u8]) -> bool {
        self.bytes
            .get(self.position..)
            .is_some_and(|rest| rest.starts_with(start))
    }

    fn skip_while(&mut self, accepted: impl Fn(u8) -> bool) {
        while self.peek(0).is_some_and(&accepted) {
            self.position += 1;
        }
    }

    /// The next token: where it starts, and its first byte.
    fn next(&mut self) -> Option<(usize, u8)> {
        loop {
            match self.peek(0)? {
                b' ' | b'\t' | b'\r' | b'\n' | b',' => self.position += 1,
                b'#' => self.skip_while(|byte| byte != b'\n' && byte != b'\r'),
                _ => break,
            }
        }
        let start = self.position;
        let first = self.peek(0)?;
        match first {
            b'"' => self.string(),
            b'.' if self.starts_with(b"...") => self.position += 3,
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => self.skip_while(|byte| byte == b'_' || byte.is_ascii_alphanumeric()),
            b'-' | b'0'..=b'9' => {
                self.position += 1;
                self.skip_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-' | b'_'));
            }
            _ => self.position += 1,
        }
        Some((start, first))
    }

    fn string(&mut self) {
        if self.starts_with(br#"""""#) {
            self.position += 3;
            while self.position < self.bytes.len() && !self.starts_with(br#"""""#) {
                self.position += if self.starts_with(br#"\""""#) { 4 } else { 1 };
            }
            self.position += 3;
            return;
        }
        self.position += 1;
        while let Some(byte) = self.peek(0) {
            match byte {
                b'\\' => self.position += 2,
                b'"' => {
                    self.position += 1;
                    return;
                }
                b'\n' | b'\r' => return,
                _ => self.position += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> usize {
        let mut lexer = Lexer {
            bytes: text.as_bytes(),
            position: 0,
        };
        std::iter::from_fn(|| lexer.next()).count()
    }

    #[test]
    fn tokens_are_counted_as_the_language_has_them() {
        let table = [
            ("", 0),
            (" ,\t\r\n# a comment { } \" \n", 0),
            ("{ a }", 3),
            ("{a(b:-1.5e+3,c:\"x } \\\" y\")}", 11),
            ("{...F}", 4),
            ("\"\"\" \" { \\\"\"\" } \"\"\" a", 2),
            ("query Q($a: [Int!]! = [1, 2] @d) { a }", 22),
            ("\"never closed {{{{", 1),
            ("\"\"\"never closed {{{{", 1),
            ("ä", 2),
        ];
        for (text, expected) in table {
            assert_eq!(tokens(text), expected, "{text}");
        }
    }

    #[test]
    fn the_first_token_too_many_is_named_with_its_place() {
        let limits = Limits {
            tokens: 10,
            ..Limits::default()
        };
        assert!(check("{ a b c d e f g h }", &limits).is_ok());
        let fault = check("{ a b c d e f g h\n  i }", &limits).unwrap_err();
        let json = serde_json::to_value(&fault).unwrap();
        assert_eq!(json["extensions"]["limit"], "tokens");
        assert_eq!(json["locations"], serde_json::json!([{"line": 2, "column": 5}]));
    }

    #[test]
    fn deep_brackets_are_refused_before_they_are_parsed() {
        let limits = Limits::default();
        for (open, close) in [("{a", "}"), ("[", "]"), ("{a:", "}")] {
            let fits = limits.nesting as usize;
            assert!(check(&format!("{}{}", open.repeat(fits), close.repeat(fits)), &limits).is_ok());
            assert!(check(&open.repeat(fits + 1), &limits).is_err());
        }
    }
}
