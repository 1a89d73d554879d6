//! RSS 2.0, with the archive of RFC 5005. An item has one enclosure, the first file; its text links to all of them.

use std::collections::BTreeMap;

use rss::extension::{Extension, ExtensionMap};

use super::{
    CREDIT, Feed, FeedError, Format,
    atom::{HISTORY, relations},
    entry::Entry,
};

/// Writes a feed.
pub fn write(feed: &Feed<'_>) -> Result<Vec<u8>, FeedError> {
    let title = feed.query.title();
    let channel = rss::Channel {
        description: format!("{title}: releases as they come into the catalogue. {CREDIT}."),
        title,
        link: format!("{}/", feed.base),
        language: Some("en".to_owned()),
        copyright: Some(CREDIT.to_owned()),
        last_build_date: Some(feed.updated.to_rfc2822()),
        generator: Some(concat!("romdex ", env!("CARGO_PKG_VERSION")).to_owned()),
        docs: Some("https://www.rssboard.org/rss-specification".to_owned()),
        items: feed.entries.iter().map(item).collect(),
        extensions: extensions(feed),
        namespaces: BTreeMap::from([
            ("atom".to_owned(), "http://www.w3.org/2005/Atom".to_owned()),
            ("fh".to_owned(), HISTORY.to_owned()),
        ]),
        ..rss::Channel::default()
    };
    channel
        .write_to(Vec::new())
        .map_err(|error| FeedError::Unwritten(error.to_string()))
}

fn extensions(feed: &Feed<'_>) -> ExtensionMap {
    let links = relations(feed, Format::Rss).into_iter().map(|(rel, href)| Extension {
        name: "atom:link".to_owned(),
        attrs: BTreeMap::from([
            ("rel".to_owned(), rel.to_owned()),
            ("href".to_owned(), href),
            ("type".to_owned(), "application/rss+xml".to_owned()),
        ]),
        ..Extension::default()
    });
    let mut extensions = ExtensionMap::default();
    extensions.insert(
        "atom".to_owned(),
        BTreeMap::from([("link".to_owned(), links.collect())]),
    );
    if feed.query.archive().is_some() {
        let archive = Extension {
            name: "fh:archive".to_owned(),
            ..Extension::default()
        };
        let history = BTreeMap::from([("archive".to_owned(), vec![archive])]);
        extensions.insert("fh".to_owned(), history);
    }
    extensions
}

fn item(entry: &Entry) -> rss::Item {
    let tags = entry.facts.tags().into_iter();
    rss::Item {
        title: Some(entry.title.clone()),
        link: Some(entry.link.clone()),
        description: Some(entry.html.clone()),
        categories: tags
            .map(|(domain, name)| rss::Category {
                name,
                domain: Some(format!("urn:romdex:{domain}")),
            })
            .collect(),
        enclosure: entry.files.first().map(|file| rss::Enclosure {
            url: file.url.clone(),
            // the attribute must be there; 0 is how RSS says unknown
            length: file.size.unwrap_or(0).to_string(),
            mime_type: file.media_type.to_owned(),
        }),
        guid: Some(rss::Guid {
            value: entry.id.clone(),
            permalink: false,
        }),
        pub_date: Some(entry.published.to_rfc2822()),
        ..rss::Item::default()
    }
}
