//! MD5 digests, whole and cut.

use std::{fmt, str::FromStr};

use super::{Invalid, text_column};

/// An MD5 digest: 32 lower-case hex digits when printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Md5([u8; 16]);

impl Md5 {
    /// The first ten hex digits, as Xiaomi writes them into file names.
    #[must_use]
    pub const fn prefix(self) -> Md5Prefix {
        let [a, b, c, d, e, ..] = self.0;
        Md5Prefix([a, b, c, d, e])
    }

    /// The digest's sixteen bytes.
    #[must_use]
    pub const fn bytes(self) -> [u8; 16] {
        self.0
    }
}

/// The first ten hex digits of an MD5 digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Md5Prefix([u8; 5]);

fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let value = |digit: u8| {
        char::from(digit)
            .to_digit(16)
            .and_then(|value| u8::try_from(value).ok())
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let &[high, low] = pair else { return None };
        *byte = (value(high)? << 4) | value(low)?;
    }
    Some(bytes)
}

/// Prints at most sixteen bytes.
fn print_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let digit = |value: u8| if value < 10 { b'0' + value } else { b'a' + value - 10 };
    let mut digits = [0; 32];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
    let text = digits.get(..2 * bytes.len()).unwrap_or(&digits);
    f.write_str(std::str::from_utf8(text).unwrap_or_default())
}

impl FromStr for Md5 {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        parse_hex(text)
            .map(Self)
            .ok_or_else(|| Invalid::new("MD5", "32 hex digits", text))
    }
}

impl FromStr for Md5Prefix {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        parse_hex(text)
            .map(Self)
            .ok_or_else(|| Invalid::new("MD5 prefix", "10 hex digits", text))
    }
}

impl fmt::Display for Md5 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_hex(&self.0, f)
    }
}

impl fmt::Display for Md5Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_hex(&self.0, f)
    }
}

text_column!(Md5);
text_column!(Md5Prefix);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_prints_in_lower_case_and_knows_its_prefix() {
        let md5: Md5 = "540EFD7CF5CBD00C7B53D6FE5AD50553".parse().unwrap();
        assert_eq!(md5.to_string(), "540efd7cf5cbd00c7b53d6fe5ad50553");
        assert_eq!(md5.prefix().to_string(), "540efd7cf5");
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        for text in [
            "",
            "Unknown",
            "540efd7cf5",
            "540efd7cf5cbd00c7b53d6fe5ad5055g",
            "540efd7cf5cbd00c7b53d6fe5ad505530",
            "é40efd7cf5cbd00c7b53d6fe5ad5055",
        ] {
            assert!(text.parse::<Md5>().is_err(), "{text}");
        }
    }
}
