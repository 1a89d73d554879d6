//! The upstream formats, one a file: the only code that knows them. A document is recognised by its path.

mod export;
mod firmware;
mod page;
mod tracker;

pub use export::{HeaderLine, Line, PackageLine, VariantLine, write_line};

use entity::value::{Invalid, Version};

use super::{
    filename,
    record::{Evidence, Facts, Place, Reason, Rejected},
};

/// A document's format, recognised by its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An update page of the site: MIUI, HyperOS or firmware.
    Page,
    /// The site's firmware data.
    Firmware,
    /// The site's firmware and vendor data.
    Vendor,
    /// The tracker's newest packages.
    Latest,
    /// The tracker's list of devices.
    Devices,
    /// romdex's own export.
    Export,
}

impl Format {
    /// The format of the document at a path, with or without one folder around everything; `None` for documents that
    /// hold nothing the importer wants.
    #[must_use]
    pub fn of(path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        let inner = parts.get(1..).unwrap_or_default();
        Self::of_parts(&parts).or_else(|| Self::of_parts(inner))
    }

    fn of_parts(parts: &[&str]) -> Option<Self> {
        match parts {
            ["pages", "miui" | "hyperos" | "firmware", "updates", _, page] if page.ends_with(".md") => Some(Self::Page),
            ["data", "devices", "full", file] if file.ends_with(".yml") => Some(Self::Firmware),
            ["data", "vendor", "full", file] if file.ends_with(".yml") => Some(Self::Vendor),
            ["data", "latest.yml"] => Some(Self::Latest),
            ["data", "devices.yml"] => Some(Self::Devices),
            [file] if file.ends_with(".jsonl") => Some(Self::Export),
            _ => None,
        }
    }

    /// The kind of source such documents come from.
    #[must_use]
    pub const fn source(self) -> &'static str {
        match self {
            Self::Page | Self::Firmware | Self::Vendor => "site",
            Self::Latest | Self::Devices => "tracker",
            Self::Export => "export",
        }
    }
}

/// Reads one document into the evidence; what cannot be read becomes a rejection there.
pub fn read(format: Format, path: &str, bytes: &[u8], evidence: &mut Evidence) {
    read_lines(format, path, bytes, 1, evidence);
}

/// Reads a document, or of an export some of its lines: the first here is line `first_line` there.
pub fn read_lines(format: Format, path: &str, bytes: &[u8], first_line: usize, evidence: &mut Evidence) {
    let place = Place {
        source: format.source().to_owned(),
        document: inner_path(format, path),
    };
    *evidence.documents.entry(format.source()).or_default() += usize::from(first_line == 1);
    let Ok(text) = std::str::from_utf8(bytes) else {
        evidence.rejected.push(Rejected {
            place,
            subject: String::new(),
            reason: Reason::NotUtf8,
            detail: "the document is not UTF-8 text".to_owned(),
        });
        return;
    };
    match format {
        Format::Page => page::read(text, &place, evidence),
        Format::Firmware | Format::Vendor => firmware::read(text, &place, evidence),
        Format::Latest => tracker::read_latest(text, &place, evidence),
        Format::Devices => tracker::read_devices(text, &place, evidence),
        Format::Export => export::read(text, first_line, &place, evidence),
    }
}

/// The path without the one folder that an archive puts around everything, so that two archives of one tree agree.
fn inner_path(format: Format, path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let from = usize::from(Format::of_parts(&parts) != Some(format));
    parts.get(from..).unwrap_or_default().join("/")
}

/// Rejects one thing of a document.
fn reject(evidence: &mut Evidence, place: &Place, subject: &str, reason: Reason, detail: impl Into<String>) {
    evidence.rejected.push(Rejected {
        place: place.clone(),
        subject: shorten(subject),
        reason,
        detail: detail.into(),
    });
}

/// The beginning of a text that came from outside, short enough to be kept and shown.
fn shorten(text: &str) -> String {
    const KEPT: usize = 200;
    text.chars().take(KEPT).collect()
}

/// Adds an address that is not of the usual form.
///
/// # Errors
/// When it is no absolute http(s) address.
fn add_url(facts: &mut Facts, url: String) -> Result<(), Invalid> {
    let scheme = url::Url::parse(&url).map(|address| address.scheme().to_owned());
    if !matches!(scheme.as_deref(), Ok("http" | "https")) {
        return Err(Invalid::new("address", "an absolute http(s) URL", &url));
    }
    facts.urls.insert(url);
    Ok(())
}

/// The version under which a source files a package. Where the file's name tells it, what the source writes need not be one.
fn filed_version(text: &str, filename: &str) -> Result<Version, Invalid> {
    text.parse()
        .or_else(|error| filename::parse(filename).map(|name| name.version).ok_or(error))
}

/// A date as sources write it; `None` and the like are unknown.
fn published_date(text: &str) -> Option<chrono::NaiveDate> {
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_recognised_with_or_without_one_top_folder() {
        for (path, format) in [
            ("pages/miui/updates/santoni/7.12.28.md", Some(Format::Page)),
            ("site-master/pages/hyperos/updates/zorn/OS1.md", Some(Format::Page)),
            ("./site-master/pages/firmware/updates/zorn/OS1.md", Some(Format::Page)),
            ("a/b/pages/miui/updates/santoni/7.12.28.md", None),
            ("x/data/devices/full/santoni.yml", Some(Format::Firmware)),
            ("x/data/devices/latest/santoni.yml", None),
            ("data/vendor/full/santoni.yml", Some(Format::Vendor)),
            ("data/latest.yml", Some(Format::Latest)),
            ("2024-05-01/data/devices.yml", Some(Format::Devices)),
            ("romdex.jsonl", Some(Format::Export)),
            ("README.md", None),
        ] {
            assert_eq!(Format::of(path), format, "{path}");
        }
        assert_eq!(inner_path(Format::Latest, "top/data/latest.yml"), "data/latest.yml");
        assert_eq!(inner_path(Format::Latest, "data/latest.yml"), "data/latest.yml");
    }
}
