//! iCalendar (RFC 5545): each release is an all-day event on its date.

use std::fmt::Write as _;

use chrono::{Duration, SubsecRound as _};
use icalendar::{Calendar, Component as _, Event, EventLike as _, Property};

use super::{Feed, entry::Entry};
use crate::catalog::Day;

/// After how long a calendar program should look again.
const LOOK_AGAIN: Duration = Duration::hours(6);

/// Writes a calendar.
pub fn write(feed: &Feed<'_>) -> Vec<u8> {
    let mut calendar = Calendar::empty();
    for (key, value) in [
        ("VERSION", "2.0"),
        (
            "PRODID",
            concat!("-//romdex//romdex ", env!("CARGO_PKG_VERSION"), "//EN"),
        ),
        ("CALSCALE", "GREGORIAN"),
    ] {
        calendar.append_property(Property::new(key, value));
    }
    calendar.name(&feed.query.title()).ttl(&LOOK_AGAIN);
    for event in feed.entries.iter().filter_map(event) {
        calendar.push(event);
    }
    calendar.to_string().into_bytes()
}

/// An event without an end lasts for its day.
fn event(entry: &Entry) -> Option<Event> {
    let day = entry.facts.released_on.and_then(Day::midnight)?.date_naive();
    let mut files = String::new();
    for file in &entry.files {
        let _ = writeln!(files, "{}: {}", file.r#type.label(), file.url);
    }
    let updated = entry.updated.trunc_subsecs(0);
    Some(
        Event::new()
            .uid(&entry.id)
            .starts(day)
            .timestamp(updated)
            .last_modified(updated)
            .summary(&entry.title)
            .description(files.trim_end())
            .url(&entry.link)
            .add_property("TRANSP", "TRANSPARENT")
            .add_property("CATEGORIES", tags(entry))
            .done(),
    )
}

/// Codenames and names of enums: nothing in them needs an escape.
fn tags(entry: &Entry) -> String {
    let tags: Vec<String> = entry.facts.tags().into_iter().map(|(_, tag)| tag).collect();
    tags.join(",")
}
