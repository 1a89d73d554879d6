//! Sizes as sources publish them.

use super::Invalid;

/// A size read from a source's text such as `1.3 GB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublishedSize {
    /// Bytes, rounded by the source to one decimal of a decimal unit.
    Approximate(i64),
    /// Below one megabyte: the length of an error page that the source measured instead of the file.
    ErrorPage,
}

/// Reads a published size: a decimal number and one of `Bytes`, `kB`, `KB`, `MB`, `GB`, `TB`, in units of a thousand.
///
/// # Errors
/// When the text is not of that form.
pub fn parse_size(text: &str) -> Result<PublishedSize, Invalid> {
    let invalid = || Invalid::new("size", "a number and Bytes, KB, MB, GB or TB", text);
    let (number, unit) = text.trim().split_once(' ').ok_or_else(invalid)?;
    let exponent: u32 = match unit.trim().to_ascii_lowercase().as_str() {
        "byte" | "bytes" | "b" => 0,
        "kb" => 3,
        "mb" => 6,
        "gb" => 9,
        "tb" => 12,
        _ => return Err(invalid()),
    };
    // Decimal arithmetic: 1.3 GB is 1,300,000,000 bytes, not what a binary fraction makes of it.
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || whole.len() > 6 || fraction.len() > 3 {
        return Err(invalid());
    }
    let places = u32::try_from(fraction.len()).map_err(|_| invalid())?;
    let scaled: i64 = format!("{whole}{fraction}").parse().map_err(|_| invalid())?;
    let bytes = i128::from(scaled) * 10_i128.pow(exponent) / 10_i128.pow(places);
    let bytes = i64::try_from(bytes).map_err(|_| invalid())?;
    Ok(if bytes < 1_000_000 {
        PublishedSize::ErrorPage
    } else {
        PublishedSize::Approximate(bytes)
    })
}

/// Writes bytes as sources publish a size: rounded to one decimal of a decimal unit, `1.3 GB`.
#[must_use]
pub fn write_size(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1_000_000_000 => (1_000_000, "MB"),
        1_000_000_000..1_000_000_000_000 => (1_000_000_000, "GB"),
        _ => (1_000_000_000_000, "TB"),
    };
    let tenths = (u128::from(bytes) * 10 + unit / 2) / unit;
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_decimal_and_an_error_page_is_no_size() {
        for (text, size) in [
            ("1.3 GB", PublishedSize::Approximate(1_300_000_000)),
            ("580.1 MB", PublishedSize::Approximate(580_100_000)),
            ("2 GB", PublishedSize::Approximate(2_000_000_000)),
            ("465 Bytes", PublishedSize::ErrorPage),
            ("999.9 KB", PublishedSize::ErrorPage),
        ] {
            assert_eq!(parse_size(text), Ok(size), "{text}");
        }
        for text in ["", "None", "GB", "1.3", "-1 GB", "1,3 GB", "1.3 XB", "99999999 TB"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_size_is_written_as_it_was_read() {
        for text in [
            "1.3 GB", "580.1 MB", "2.0 GB", "999.9 MB", "10.0 GB", "1.0 TB", "1.2 MB",
        ] {
            let Ok(PublishedSize::Approximate(bytes)) = parse_size(text) else {
                panic!("{text}")
            };
            assert_eq!(write_size(u64::try_from(bytes).unwrap()), text);
        }
    }
}
