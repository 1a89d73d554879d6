//! Scalars as `PyYAML` writes them: plain where every reader takes them for text, else in single quotes.

use std::borrow::Cow;

/// Words that readers of YAML 1.1 take for something else than text.
const WORDS: [&str; 12] = [
    "null", "~", "true", "false", "yes", "no", "on", "off", "y", "n", ".nan", ".inf",
];

/// A text as a scalar on one line.
pub fn text(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    // what is left to quote is what a line can hold
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    Cow::Owned(format!("'{}'", line.replace('\'', "''")))
}

/// A text that may be unknown.
pub fn option(value: Option<&str>) -> Cow<'_, str> {
    value.map_or(Cow::Borrowed("null"), text)
}

fn is_plain(text: &str) -> bool {
    let starts_well = text.starts_with(|c: char| c.is_alphanumeric());
    let allowed = |c: char| {
        c.is_alphanumeric()
            || matches!(
                c,
                ' ' | '.' | '_' | '-' | '+' | '/' | '(' | ')' | ':' | '&' | ',' | '\''
            )
    };
    starts_well
        && !text.ends_with([' ', ':'])
        && text.chars().all(allowed)
        && !text.contains(": ")
        && !WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
        && !is_number_or_time(text)
}

/// Whether some reader might take it for a number, a date or a time: `13.0`, `1e5`, `0x1f`, `12:30`, `2024-05-31`.
fn is_number_or_time(text: &str) -> bool {
    let digits = text.starts_with(|c: char| c.is_ascii_digit());
    let numeric =
        |c: char| c.is_ascii_digit() || matches!(c, '.' | '_' | '-' | '+' | ':' | 'e' | 'E' | ' ' | 'T' | 'Z');
    let of_base = ["0x", "0o", "0b", "0X", "0O", "0B"]
        .iter()
        .any(|base| text.starts_with(base));
    // two full stops are more than any number has
    let is_version = text.bytes().filter(|byte| *byte == b'.').count() > 1 && !text.contains(':');
    digits && (of_base || text.chars().all(numeric)) && !is_version
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_surely_text_is_quoted() {
        for (given, written) in [
            ("Redmi K40 China", "Redmi K40 China"),
            ("Redmi 12C / POCO C55 EEA", "Redmi 12C / POCO C55 EEA"),
            ("7.11.16", "7.11.16"),
            ("OS1.0.3.0.TKHCNXM", "OS1.0.3.0.TKHCNXM"),
            ("2f8a5d9838a7d1a23d3101d2d88e58cd", "2f8a5d9838a7d1a23d3101d2d88e58cd"),
            ("https://example.com/7.11.16/a.zip", "https://example.com/7.11.16/a.zip"),
            ("13.0", "'13.0'"),
            ("2014811", "'2014811'"),
            ("12345678901234567890123456789012", "'12345678901234567890123456789012'"),
            ("1234567890123456789012345678e012", "'1234567890123456789012345678e012'"),
            ("0x12", "'0x12'"),
            ("12:30", "'12:30'"),
            ("2024-05-31", "'2024-05-31'"),
            ("no", "'no'"),
            ("NULL", "'NULL'"),
            ("", "''"),
            ("- a", "'- a'"),
            ("a: b", "'a: b'"),
            ("a #b", "'a #b'"),
            ("#b'c", "'#b''c'"),
            ("a\nb", "'a b'"),
        ] {
            assert_eq!(text(given), written);
            let read: String = serde_saphyr::from_str(&text(given)).unwrap();
            assert_eq!(read, given.replace('\n', " "), "{given:?}");
        }
    }
}
