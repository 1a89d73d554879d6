//! What changed in a release.

use std::sync::Arc;

use crate::{
    catalog::sections,
    graphql::object::{object, record},
};

/// What Xiaomi says has changed in a release.
pub struct Changelog(pub(super) Arc<str>);

object! {
    /// What Xiaomi says has changed in a release.
    impl Changelog {
        /// The whole text, one entry or title a line. It is plain text from Xiaomi: escape it before showing it in a page.
        fn text(&self) -> &str {
            &self.0
        }

        /// The text's entries under their titles.
        fn sections(&self) -> Vec<ChangelogSection> {
            sections(&self.0)
                .into_iter()
                .map(|section| ChangelogSection {
                    title: section.title.map(str::to_owned),
                    entries: section.entries.into_iter().map(str::to_owned).collect(),
                })
                .collect()
        }
    }
}

record! {
    /// Entries of a changelog that stand together.
    #[derive(Clone, Debug)]
    pub struct ChangelogSection as "ChangelogSection" {
        /// The title, without the square brackets that it stands in; null for entries before the first title.
        title: Option<String>,
        /// The entries, one a line of the text.
        entries: Vec<String>,
    }
}
