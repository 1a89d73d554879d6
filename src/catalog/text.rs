//! Changelog texts: read from the database when asked for, and split into their sections.

use std::{collections::HashMap, sync::Arc};

use async_graphql::dataloader::Loader;
use sea_orm::{ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _};

use super::{Catalog, CatalogError};
use crate::database::bounded::Bounded;

/// A changelog's id in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChangelogId(pub i32);

/// Reads changelog texts, many in one statement.
pub struct Texts(pub Bounded);

impl Loader<ChangelogId> for Texts {
    type Value = Arc<str>;
    type Error = Arc<DbErr>;

    async fn load(&self, ids: &[ChangelogId]) -> Result<HashMap<ChangelogId, Arc<str>>, Arc<DbErr>> {
        Ok(read(&self.0, ids).await?)
    }
}

async fn read(database: &Bounded, ids: &[ChangelogId]) -> Result<HashMap<ChangelogId, Arc<str>>, DbErr> {
    let rows = entity::changelog::Entity::find()
        .filter(entity::changelog::Column::Id.is_in(ids.iter().map(|id| id.0)))
        .all(database)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| (ChangelogId(row.id), row.text.into()))
        .collect())
}

impl Catalog {
    /// The texts of changelogs, in one statement; those that are gone are absent.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn changelogs(&self, ids: &[ChangelogId]) -> Result<HashMap<ChangelogId, Arc<str>>, CatalogError> {
        Ok(read(self.database(), ids).await?)
    }
}

/// Entries of a changelog that stand together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section<'a> {
    /// What stands in square brackets above the entries.
    pub title: Option<&'a str>,
    /// The entries, a line each.
    pub entries: Vec<&'a str>,
}

/// Splits a changelog: a line in square brackets opens a section, and a first line that only says "Changelog" is no entry.
#[must_use]
pub fn sections(text: &str) -> Vec<Section<'_>> {
    let mut sections: Vec<Section<'_>> = Vec::new();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    for (place, line) in lines.enumerate() {
        if place == 0 && line.trim_end_matches(':').eq_ignore_ascii_case("changelog") {
            continue;
        }
        if let Some(title) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            sections.push(Section {
                title: Some(title.trim()),
                entries: Vec::new(),
            });
            continue;
        }
        match sections.last_mut() {
            Some(section) => section.entries.push(line),
            None => sections.push(Section {
                title: None,
                entries: vec![line],
            }),
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_in_square_brackets_open_sections() {
        let section = |title, entries: &[&'static str]| Section {
            title,
            entries: entries.to_vec(),
        };
        for (text, expected) in [
            ("", vec![]),
            ("Changelog", vec![]),
            (
                "Changelog:\n[System]\nNew: x\n\n y \n[Other]",
                vec![section(Some("System"), &["New: x", "y"]), section(Some("Other"), &[])],
            ),
            (
                "a\nChangelog\n[ S ]\nb [c]",
                vec![section(None, &["a", "Changelog"]), section(Some("S"), &["b [c]"])],
            ),
        ] {
            assert_eq!(sections(text), expected, "{text:?}");
        }
    }
}
