//! JSON Feed 1.1. What programs want to know stands under `_romdex`, as the format lets extensions be named.

use chrono::SecondsFormat;
use serde::Serialize;

use super::{
    CREDIT, Feed, FeedError, Format,
    entry::{Entry, File},
};

#[derive(Serialize)]
struct Document {
    version: &'static str,
    title: String,
    home_page_url: String,
    feed_url: String,
    description: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_url: Option<String>,
    authors: [Author; 1],
    language: &'static str,
    items: Vec<Item>,
}

#[derive(Serialize)]
struct Author {
    name: &'static str,
    url: String,
}

#[derive(Serialize)]
struct Item {
    id: String,
    url: String,
    title: String,
    content_html: String,
    date_published: String,
    date_modified: String,
    tags: Vec<String>,
    attachments: Vec<Attachment>,
    _romdex: Extension,
}

#[derive(Serialize)]
struct Attachment {
    url: String,
    mime_type: &'static str,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    size_in_bytes: Option<u64>,
}

/// The release in the words of the GraphQL API.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Extension {
    device: String,
    variant: String,
    region: String,
    os: String,
    version: String,
    branch: String,
    android: Option<String>,
    released_on: Option<String>,
    packages: Vec<Package>,
}

#[derive(Serialize)]
struct Package {
    r#type: String,
    filename: String,
    md5: Option<String>,
}

/// Writes a feed.
pub fn write(feed: &Feed<'_>) -> Result<Vec<u8>, FeedError> {
    let document = Document {
        version: "https://jsonfeed.org/version/1.1",
        title: feed.query.title(),
        home_page_url: format!("{}/", feed.base),
        feed_url: feed.address(Format::Json, feed.query.archive()),
        description: CREDIT,
        next_url: feed.previous().map(|page| feed.address(Format::Json, Some(page))),
        authors: [Author {
            name: "romdex",
            url: format!("{}/", feed.base),
        }],
        language: "en",
        items: feed.entries.iter().map(item).collect(),
    };
    serde_json::to_vec(&document).map_err(|error| FeedError::Unwritten(error.to_string()))
}

fn item(entry: &Entry) -> Item {
    let facts = &entry.facts;
    Item {
        id: entry.id.clone(),
        url: entry.link.clone(),
        title: entry.title.clone(),
        content_html: entry.html.clone(),
        date_published: entry.published.to_rfc3339_opts(SecondsFormat::Secs, true),
        date_modified: entry.updated.to_rfc3339_opts(SecondsFormat::Secs, true),
        tags: facts.tags().into_iter().map(|(_, tag)| tag).collect(),
        attachments: entry.files.iter().map(attachment).collect(),
        _romdex: Extension {
            device: facts.device.clone(),
            variant: facts.variant.clone(),
            region: facts.region.to_string(),
            os: facts.os.to_string(),
            version: facts.version.clone(),
            branch: facts.branch.to_string(),
            android: facts.android.clone(),
            released_on: facts.released_on.map(|day| day.to_string()),
            packages: entry.files.iter().map(package).collect(),
        },
    }
}

fn attachment(file: &File) -> Attachment {
    Attachment {
        url: file.url.clone(),
        mime_type: file.media_type,
        title: file.filename.clone(),
        size_in_bytes: file.size,
    }
}

fn package(file: &File) -> Package {
    Package {
        r#type: file.r#type.to_string(),
        filename: file.filename.clone(),
        md5: file.md5.clone(),
    }
}
