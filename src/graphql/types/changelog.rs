//! What changed in a release.

use std::sync::Arc;

use async_graphql::{Object, SimpleObject};

use crate::catalog::sections;

/// What Xiaomi says has changed in a release.
pub struct Changelog(pub(super) Arc<str>);

/// What Xiaomi says has changed in a release.
#[Object(serial)]
impl Changelog {
    /// The whole text, one entry or title a line. It is plain text from Xiaomi: escape it before showing it in a page.
    async fn text(&self) -> &str {
        &self.0
    }

    /// The text's entries under their titles.
    async fn sections(&self) -> Vec<ChangelogSection> {
        sections(&self.0)
            .into_iter()
            .map(|section| ChangelogSection {
                title: section.title.map(str::to_owned),
                entries: section.entries.into_iter().map(str::to_owned).collect(),
            })
            .collect()
    }
}

/// Entries of a changelog that stand together.
#[derive(SimpleObject, Clone, Debug)]
#[graphql(serial)]
pub struct ChangelogSection {
    /// The title, without the square brackets that it stands in; null for entries before the first title.
    title: Option<String>,
    /// The entries, one a line of the text.
    entries: Vec<String>,
}
