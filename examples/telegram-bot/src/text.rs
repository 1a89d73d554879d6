//! Messages: lines for what the server answers, in Telegram's HTML, and cut to what one message may hold.

use std::fmt::Write as _;

use teloxide::utils::html::{bold, code_inline, escape};

use crate::api::{ByteCount, Device, File, NewRelease, Package, Release, Variant};

/// Telegram takes 4096 characters once tags are taken out; with the tags counted a message is never too long.
const LONGEST: usize = 4096;

/// Room for the line that says how many are left out.
const ROOM: usize = 40;

/// `Redmi 4X · santoni`.
#[must_use]
pub fn device(device: &Device) -> String {
    format!("{} · {}", bold(&escape(&device.name)), code_inline(&device.codename))
}

/// `POCO F3 · EEA · alioth_eea_global`.
#[must_use]
pub fn variant(variant: &Variant) -> String {
    let Variant { codename, name, region } = variant;
    format!(
        "{} · {} · {}",
        bold(&escape(name)),
        escape(&region.to_string()),
        code_inline(codename)
    )
}

/// `OS1.0.5.0.TKHMIXM · Stable · Android 13.0 · 2026-01-26`, below its variant where that is wanted.
#[must_use]
pub fn release(release: &Release) -> String {
    let android = release.android.as_ref().map(|android| format!("Android {android}"));
    let date = release.released_on.as_ref().map(|date| date.0.clone());
    let facts = [Some(release.branch.to_string()), android, date];
    let facts: Vec<_> = facts.into_iter().flatten().collect();
    format!("{} · {}", code_inline(&release.version), escape(&facts.join(" · ")))
}

/// A package: variant, release, and the file as a link.
#[must_use]
pub fn package(package: &Package) -> String {
    format!(
        "{}\n{}\n{} · {}",
        variant(&package.release.variant),
        release(&package.release),
        file(&package.r#type.to_string(), package.size, &package.download_url.0),
        code_inline(&package.filename),
    )
}

/// A release with links to its files.
#[must_use]
pub fn news(news: &NewRelease) -> String {
    let files = news.packages.nodes.iter();
    let files: Vec<_> = files
        .map(
            |File {
                 r#type,
                 size,
                 download_url,
             }| file(&r#type.to_string(), *size, &download_url.0),
        )
        .collect();
    format!(
        "{}\n{}\n{}",
        variant(&news.release.variant),
        release(&news.release),
        files.join(" | ")
    )
}

/// A link to a file: `Recovery, 1.3 GB`.
fn file(label: &str, size: Option<ByteCount>, url: &str) -> String {
    let size = size.map(|size| format!(", {}", bytes(size))).unwrap_or_default();
    format!(
        "<a href=\"{}\">{}{size}</a>",
        escape(url).replace('"', "&quot;"),
        escape(label)
    )
}

/// A size as people read it: no source has more than two digits of it.
fn bytes(ByteCount(bytes): ByteCount) -> String {
    let (unit, name) = if bytes >= 1_000_000_000 {
        (100_000_000, "GB")
    } else {
        (100_000, "MB")
    };
    let tenths = (bytes + unit / 2) / unit;
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

/// A title above entries, as many of them as one message holds; `total` says how many there are in all. Gives the message
/// and how many entries are in it, which is at least one.
#[must_use]
pub fn fit(title: &str, entries: &[String], total: usize) -> (String, usize) {
    let mut message = title.to_owned();
    let mut count = 0;
    for entry in entries {
        if count > 0 && message.len() + entry.len() + ROOM > LONGEST {
            break;
        }
        if !message.is_empty() {
            message.push_str("\n\n");
        }
        message.push_str(entry);
        count += 1;
    }
    if total > count {
        let _ = write!(message, "\n\n… and {} more", total - count);
    }
    (message, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_to_one_decimal() {
        for (size, written) in [
            (1_300_000_000, "1.3 GB"),
            (80_460_000, "80.5 MB"),
            (999_960_000, "1000.0 MB"),
            (0, "0.0 MB"),
        ] {
            assert_eq!(bytes(ByteCount(size)), written);
        }
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let entries = vec!["x".repeat(1000); 6];
        let (message, count) = fit("Title", &entries, 100);
        assert_eq!(count, 4);
        assert!(
            message.len() <= LONGEST && message.ends_with("… and 96 more"),
            "{message}"
        );
    }

    #[test]
    fn what_a_server_says_is_no_markup() {
        assert_eq!(
            file("<b>", None, "https://example.com/?a=1&b=\"2\""),
            "<a href=\"https://example.com/?a=1&amp;b=&quot;2&quot;\">&lt;b&gt;</a>"
        );
    }
}
