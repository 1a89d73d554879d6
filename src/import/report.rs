//! What an import did: for a person, or as JSON for a program.

use std::{collections::BTreeMap, fmt, time::Duration};

use serde::Serialize;

use super::plan::Counts;

/// What an import did. Its JSON form is stable: fields are added, never renamed.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Whether the database was left as it was on purpose.
    pub dry_run: bool,
    /// Whether the catalogue differs from what it was.
    pub changed: bool,
    /// The catalogue's revision now.
    pub revision: i32,
    /// What was read.
    pub sources: Vec<SourceReport>,
    /// What changed.
    #[serde(flatten)]
    pub counts: Counts,
    /// How many rows of the change log were written.
    pub changes: usize,
    /// Rejected by this import, by reason.
    pub rejected: BTreeMap<&'static str, usize>,
    /// Incrementals that wait for their release, in the whole catalogue.
    pub aside: usize,
    /// How long it took.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub took: Duration,
}

/// What was read from one source.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceReport {
    /// The kinds of document it held: `site`, `tracker`, `export`.
    pub kinds: Vec<String>,
    /// Its address, or its file's name.
    pub location: String,
    /// Documents read.
    pub documents: usize,
    /// Files spoken of.
    pub packages: usize,
    /// Records that could not be read.
    pub rejected: usize,
}

fn seconds<S: serde::Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((took.as_secs_f64() * 1000.0).round() / 1000.0)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for source in &self.sources {
            let SourceReport {
                kinds,
                location,
                documents,
                packages,
                rejected,
            } = source;
            let kinds = kinds.join(", ");
            writeln!(
                f,
                "read {location} ({kinds}): {documents} documents, {packages} packages, {rejected} rejected"
            )?;
        }
        let Counts {
            devices,
            variants,
            releases,
            packages,
            promoted,
        } = self.counts;
        for (what, count) in [
            ("devices", devices),
            ("variants", variants),
            ("releases", releases),
            ("packages", packages),
        ] {
            writeln!(
                f,
                "{what}: {} added, {} changed, {} unchanged",
                count.added, count.changed, count.unchanged
            )?;
        }
        writeln!(f, "releases promoted from beta: {promoted}")?;
        for (reason, count) in &self.rejected {
            writeln!(f, "rejected, {reason}: {count}")?;
        }
        writeln!(f, "incrementals aside until their release is known: {}", self.aside)?;
        let took = self.took.as_secs_f64();
        match (self.changed, self.dry_run) {
            (false, _) => writeln!(f, "nothing changed; revision {} ({took:.1} s)", self.revision),
            (true, true) => writeln!(f, "dry run: nothing was written ({took:.1} s)"),
            (true, false) => writeln!(
                f,
                "revision {} with {} changes ({took:.1} s)",
                self.revision, self.changes
            ),
        }
    }
}
