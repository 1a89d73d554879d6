//! The tracker's feed of a device: an item for each of its newest packages, in the tracker's words, and with an id, which
//! the tracker's items lack.

use std::{collections::HashMap, fmt::Write as _, sync::Arc};

use entity::value::write_size;
use html_escape::{encode_double_quoted_attribute, encode_text};
use rss::extension::{Extension, ExtensionMap};

use super::tracker;
use crate::{
    catalog::{ChangelogId, Day, DeviceAt, LatestBy, PackageAt, Scope, Snapshot},
    feed::{CREDIT, FeedError, printable},
};

/// The packages that the feed tells of, newest first.
pub fn packages(snapshot: &Snapshot, device: DeviceAt) -> Vec<PackageAt> {
    let mut packages = snapshot.latest(Scope::Device(device), &tracker::methods(), LatestBy::ReleasedOn);
    tracker::by_age(snapshot, &mut packages);
    packages
}

/// Writes the feed of a device with these packages, to be served at this address.
pub fn write(
    snapshot: &Snapshot,
    device: DeviceAt,
    packages: &[PackageAt],
    texts: &HashMap<ChangelogId, Arc<str>>,
    address: &str,
) -> Result<Vec<u8>, FeedError> {
    let row = snapshot.device(device);
    let name = printable(snapshot.text(row.name));
    let codename = snapshot.text(row.codename);
    let own = Extension {
        name: "atom:link".to_owned(),
        attrs: [("rel", "self"), ("href", address), ("type", "application/rss+xml")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        ..Extension::default()
    };
    let mut extensions = ExtensionMap::default();
    extensions.insert("atom".to_owned(), [("link".to_owned(), vec![own])].into());
    let channel = rss::Channel {
        title: format!("{name} updates"),
        link: format!("https://xmfirmwareupdater.com/miui/{codename}/"),
        description: format!("The newest packages of {name} ({codename}). {CREDIT}."),
        language: Some("en".to_owned()),
        copyright: Some(CREDIT.to_owned()),
        generator: Some(concat!("romdex ", env!("CARGO_PKG_VERSION")).to_owned()),
        last_build_date: snapshot.updated_at.map(|at| at.to_rfc2822()),
        items: packages.iter().map(|at| item(snapshot, *at, texts)).collect(),
        extensions,
        namespaces: [("atom".to_owned(), "http://www.w3.org/2005/Atom".to_owned())].into(),
        ..rss::Channel::default()
    };
    channel
        .write_to(Vec::new())
        .map_err(|error| FeedError::Unwritten(error.to_string()))
}

fn item(snapshot: &Snapshot, at: PackageAt, texts: &HashMap<ChangelogId, Arc<str>>) -> rss::Item {
    let row = snapshot.package(at);
    let release = snapshot.release(row.release);
    let version = snapshot.version(release.version);
    let label = printable(&snapshot.label(release.variant));
    let method = row.r#type.label();
    let link = snapshot.download_url(at);
    let mut html = format!(
        "<p><b>New {} {method} update available!</b></p>\n",
        release.branch.label()
    );
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(html, "<p><b>{name}:</b> {}</p>", encode_text(value));
    };
    line("Device", &label);
    line("Codename", snapshot.text(snapshot.variant(release.variant).codename));
    match snapshot.android_of_package(at) {
        Some(android) => line("Version", &format!("{version} | {android}")),
        None => line("Version", version),
    }
    line("Size", &row.size().map_or_else(|| "Unknown".to_owned(), write_size));
    line(
        "MD5",
        &row.md5.map_or_else(|| "Unknown".to_owned(), |md5| md5.to_string()),
    );
    if let Some(text) = release.changelog.and_then(|id| texts.get(&ChangelogId(id))) {
        let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let lines = printable(&lines.join("\n"));
        let _ = writeln!(
            html,
            "<p><b>Changelog:</b><br>{}</p>",
            encode_text(&lines).replace('\n', "<br>")
        );
    }
    let _ = writeln!(
        html,
        "<p><b>Download:</b> <a href=\"{}\">Here</a></p>",
        encode_double_quoted_attribute(&link)
    );
    rss::Item {
        title: Some(format!("{} {version} {method} update for {label}", release.os.label())),
        link: Some(link),
        description: Some(html),
        // a file's name is the package's identity
        guid: Some(rss::Guid {
            value: snapshot.text(row.filename).to_owned(),
            permalink: false,
        }),
        pub_date: row.released_on.and_then(Day::midnight).map(|at| at.to_rfc2822()),
        ..rss::Item::default()
    }
}
