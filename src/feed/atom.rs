//! Atom 1.0 (RFC 4287), with the archive of RFC 5005.

use std::collections::BTreeMap;

use atom_syndication as atom;

use super::{
    CREDIT, Feed, FeedError, Format,
    entry::{Entry, urn},
};

/// The namespace of RFC 5005.
pub const HISTORY: &str = "http://purl.org/syndication/history/1.0";

/// Writes a feed.
pub fn write(feed: &Feed<'_>) -> Result<Vec<u8>, FeedError> {
    let rendered = atom::Feed {
        title: feed.query.title().into(),
        id: urn("feed", &feed.query.to_url_query(None)),
        updated: feed.updated.fixed_offset(),
        authors: vec![atom::Person {
            name: "romdex".to_owned(),
            uri: Some(format!("{}/", feed.base)),
            ..atom::Person::default()
        }],
        generator: Some(atom::Generator {
            value: "romdex".to_owned(),
            uri: None,
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        }),
        links: links(feed),
        rights: Some(CREDIT.into()),
        entries: feed.entries.iter().map(entry).collect(),
        extensions: extensions(feed),
        namespaces: BTreeMap::from([("fh".to_owned(), HISTORY.to_owned())]),
        lang: Some("en".to_owned()),
        ..atom::Feed::default()
    };
    rendered
        .write_to(Vec::new())
        .map_err(|error| FeedError::Unwritten(error.to_string()))
}

/// The relations of a document to others: its own address, and its neighbours in the archive.
pub fn relations(feed: &Feed<'_>, format: Format) -> Vec<(&'static str, String)> {
    let address = |archive| feed.address(format, archive);
    let mut relations = vec![("self", address(feed.query.archive()))];
    if feed.query.archive().is_some() {
        relations.push(("current", address(None)));
    }
    relations.extend(feed.previous().map(|page| ("prev-archive", address(Some(page)))));
    relations.extend(feed.next().map(|page| ("next-archive", address(Some(page)))));
    relations
}

fn links(feed: &Feed<'_>) -> Vec<atom::Link> {
    let home = atom::Link {
        href: format!("{}/", feed.base),
        rel: "alternate".to_owned(),
        mime_type: Some("text/html".to_owned()),
        ..atom::Link::default()
    };
    let relations = relations(feed, Format::Atom).into_iter();
    relations
        .map(|(rel, href)| atom::Link {
            href,
            rel: rel.to_owned(),
            mime_type: Some("application/atom+xml".to_owned()),
            ..atom::Link::default()
        })
        .chain([home])
        .collect()
}

/// A page of the archive says that it is one.
fn extensions(feed: &Feed<'_>) -> atom::extension::ExtensionMap {
    let mut extensions = atom::extension::ExtensionMap::default();
    if feed.query.archive().is_some() {
        let archive = atom::extension::Extension {
            name: "fh:archive".to_owned(),
            ..atom::extension::Extension::default()
        };
        let history = BTreeMap::from([("archive".to_owned(), vec![archive])]);
        extensions.insert("fh".to_owned(), history);
    }
    extensions
}

fn entry(entry: &Entry) -> atom::Entry {
    let page = atom::Link {
        href: entry.link.clone(),
        rel: "alternate".to_owned(),
        ..atom::Link::default()
    };
    let files = entry.files.iter().map(|file| atom::Link {
        href: file.url.clone(),
        rel: "enclosure".to_owned(),
        mime_type: Some(file.media_type.to_owned()),
        title: Some(file.filename.clone()),
        length: file.size.map(|size| size.to_string()),
        ..atom::Link::default()
    });
    atom::Entry {
        title: entry.title.as_str().into(),
        id: entry.id.clone(),
        updated: entry.updated.fixed_offset(),
        published: Some(entry.published.fixed_offset()),
        categories: entry
            .facts
            .tags()
            .into_iter()
            .map(|(scheme, term)| atom::Category {
                term,
                scheme: Some(format!("urn:romdex:{scheme}")),
                label: None,
            })
            .collect(),
        links: std::iter::once(page).chain(files).collect(),
        content: Some(atom::Content {
            content_type: Some("html".to_owned()),
            value: Some(entry.html.clone()),
            ..atom::Content::default()
        }),
        ..atom::Entry::default()
    }
}
