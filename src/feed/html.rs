//! What an entry says, as HTML. Everything that comes from a source is text here: nothing of it can become markup.

use std::fmt::Write as _;

use entity::value::write_size;
use html_escape::{encode_double_quoted_attribute, encode_text};

use super::entry::{Facts, File};
use crate::catalog::{Day, sections};

/// A release: what it is, its files, its changelog.
pub fn release(
    name: &str,
    facts: &Facts,
    files: &[File],
    security_patch: Option<Day>,
    changelog: Option<&str>,
) -> String {
    let mut html = format!(
        "<p>{} {} for {} ({})</p>\n<ul>\n",
        facts.os.label(),
        encode_text(&facts.version),
        encode_text(name),
        encode_text(&facts.variant)
    );
    let mut fact = |name: &str, value: &str| {
        let _ = writeln!(html, "<li>{name}: {}</li>", encode_text(value));
    };
    fact("Branch", facts.branch.label());
    if let Some(android) = &facts.android {
        fact("Android", android);
    }
    if let Some(day) = facts.released_on {
        fact("Released on", &day.to_string());
    }
    if let Some(month) = security_patch.map(|day| day.to_string()) {
        fact("Security patch of", month.get(..7).unwrap_or(&month));
    }
    html.push_str("</ul>\n<p>Files:</p>\n<ul>\n");
    for file in files {
        let _ = write!(
            html,
            "<li>{}: <a href=\"{}\">{}</a>",
            file.r#type.label(),
            encode_double_quoted_attribute(&file.url),
            encode_text(&file.filename)
        );
        if let Some(size) = file.size {
            let _ = write!(html, ", {}", write_size(size));
        }
        if let Some(md5) = &file.md5 {
            let _ = write!(html, ", MD5 <code>{md5}</code>");
        }
        html.push_str("</li>\n");
    }
    html.push_str("</ul>\n");
    if let Some(text) = changelog {
        html.push_str("<p>Changelog:</p>\n");
        html.push_str(&self::changelog(text));
    }
    // readers of XML trim it
    html.truncate(html.trim_end().len());
    html
}

/// A changelog: a list of entries for each section, below its title.
pub fn changelog(text: &str) -> String {
    let text = printable(text);
    let mut html = String::with_capacity(text.len() * 3 / 2);
    for section in sections(&text) {
        if let Some(title) = section.title {
            let _ = writeln!(html, "<p><b>{}</b></p>", encode_text(title));
        }
        if section.entries.is_empty() {
            continue;
        }
        html.push_str("<ul>\n");
        for entry in section.entries {
            let _ = writeln!(html, "<li>{}</li>", encode_text(entry));
        }
        html.push_str("</ul>\n");
    }
    html
}

/// The text without what XML cannot hold at all (XML 1.0, production 2).
#[must_use]
pub fn printable(text: &str) -> String {
    let is_char = |c: &char| match c {
        '\t' | '\n' | '\r' => true,
        '\u{fffe}' | '\u{ffff}' => false,
        c => !c.is_control(),
    };
    text.chars().filter(is_char).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changelog_becomes_lists_and_its_text_stays_text() {
        for (text, html) in [
            ("", ""),
            ("one\ntwo", "<ul>\n<li>one</li>\n<li>two</li>\n</ul>\n"),
            (
                "[System]\nFix: <b>bold</b> & more\n[Other]",
                "<p><b>System</b></p>\n<ul>\n<li>Fix: &lt;b&gt;bold&lt;/b&gt; &amp; more</li>\n</ul>\n<p><b>Other</b></p>\n",
            ),
            (
                "[<img src=x onerror=alert(1)>]\n</li><script>alert(1)</script>",
                "<p><b>&lt;img src=x onerror=alert(1)&gt;</b></p>\n<ul>\n<li>&lt;/li&gt;&lt;script&gt;alert(1)&lt;/script&gt;</li>\n</ul>\n",
            ),
            ("a\u{b}b\u{0}c\u{ffff}", "<ul>\n<li>abc</li>\n</ul>\n"),
        ] {
            assert_eq!(changelog(text), html, "{text:?}");
        }
    }
}
