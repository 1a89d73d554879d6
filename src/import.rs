//! The one door in: sources are read into evidence, the catalogue is worked out from all evidence there is, and what
//! differs from the stored catalogue is written in one transaction.
//!
//! Because the catalogue follows from the union of all that was ever said, imports may come in any order and any number
//! of times. Nothing here serves a reader.

pub mod apply;
pub mod attribute;
pub mod changelog;
pub mod derive;
pub mod filename;
pub mod names;
pub mod plan;
pub mod read;
pub mod record;
pub mod report;
pub mod source;
pub mod sources;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use chrono::{DateTime, Utc};
use entity::{evidence, reference, revision, source as source_row};
use sea_orm::{DatabaseConnection, DbErr, EntityTrait};

use crate::download::{self, DownloadError, Fetched, Validators};

use self::{
    apply::Known,
    plan::{Plan, Telling},
    read::Progress,
    record::{Evidence, Reason, Rejected},
    report::{Report, SourceReport},
    source::{Bounds, Location, SourceError},
};
use crate::database;

/// How long the download of a source may take that is imported by its address.
const DOWNLOAD_TIME: std::time::Duration = std::time::Duration::from_hours(1);

/// The name under which the catalogue that comes with the program is listed as a source.
pub const STARTER: &str = "starter";

/// A few packages of some forty devices, so that a new installation has something to answer with: facts alone.
const STARTER_CATALOGUE: &str = include_str!("import/starter.jsonl");

/// Why an import failed; the database is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A source could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] DbErr),
    /// A thread of the import died.
    #[error("the import was interrupted")]
    Interrupted(#[from] tokio::task::JoinError),
}

/// Whether an import writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// It writes.
    Commit,
    /// It only tells what it would write.
    DryRun,
}

/// How an import runs.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How much of a source is read.
    pub bounds: Bounds,
    /// How many threads parse.
    pub parsers: usize,
    /// Whether it writes.
    pub writing: Writing,
    /// The time under which changes are written.
    pub now: DateTime<Utc>,
}

/// One source, read.
#[derive(Debug)]
pub struct Reading {
    /// The kind it is listed under, where its documents do not tell.
    pub name: Option<&'static str>,
    /// Its address, or its file's name.
    pub location: String,
    /// What it says.
    pub evidence: Evidence,
}

/// Reads sources of any known format and writes what they change.
///
/// # Errors
/// When a source cannot be read or the database fails. The database is then as it was.
pub async fn run(
    locations: Vec<Location>,
    db: &DatabaseConnection,
    options: Options,
    progress: std::sync::Arc<dyn Progress + Send>,
) -> Result<Report, ImportError> {
    let started = Instant::now();
    let mut readings = Vec::with_capacity(locations.len());
    for location in locations {
        readings.push(read_location(location, options, std::sync::Arc::clone(&progress)).await?);
    }
    let mut report = take_in(readings, db, options).await?;
    report.took = started.elapsed();
    Ok(report)
}

/// Fills an empty catalogue with the starter catalogue that is part of the program; leaves any other as it is.
///
/// # Errors
/// When the database fails.
pub async fn load_starter(db: &DatabaseConnection, options: Options) -> Result<Option<Report>, ImportError> {
    let revision = revision::Entity::find_by_id(1).one(db).await?;
    if revision.is_some_and(|revision| revision.number > 0) {
        return Ok(None);
    }
    let mut evidence = Evidence::default();
    sources::read(
        sources::Format::Export,
        "starter.jsonl",
        STARTER_CATALOGUE.as_bytes(),
        &mut evidence,
    );
    let reading = Reading {
        name: Some(STARTER),
        location: "starter catalogue".to_owned(),
        evidence,
    };
    take_in(vec![reading], db, options).await.map(Some)
}

/// Reads one source; a download is kept in a temporary file while it is read.
async fn read_location(
    location: Location,
    options: Options,
    progress: std::sync::Arc<dyn Progress + Send>,
) -> Result<Reading, ImportError> {
    let public_name = location.public_name();
    let (name, file) = match location {
        Location::Path(path) => {
            let reading = tokio::task::spawn_blocking(move || {
                let bounds = options.bounds;
                read::evidence(
                    |sink| source::read_path(&path, bounds, sink),
                    options.parsers,
                    &*progress,
                )
            });
            return Ok(Reading {
                name: None,
                location: public_name,
                evidence: reading.await??,
            });
        }
        Location::Url(url) => {
            let failed = |error| SourceError::Fetch {
                path: public_name.clone(),
                error,
            };
            let limits = download::Limits {
                bytes: options.bounds.unpacked,
                time: DOWNLOAD_TIME,
            };
            let client = download::client().map_err(failed)?;
            let fetched = download::fetch(&client, &url, &Validators::default(), limits).await;
            match fetched.map_err(failed)? {
                Fetched::Document { file, .. } => (url.path().to_owned(), file),
                // Nothing was asked that could be answered so.
                Fetched::Unchanged => {
                    return Err(failed(DownloadError::Refused(reqwest::StatusCode::NOT_MODIFIED)).into());
                }
            }
        }
    };
    read_download(public_name, name, file, options, progress).await
}

/// Reads a source that has been downloaded; its kind is known by the name's ending.
///
/// # Errors
/// When it cannot be read to its end.
pub async fn read_download(
    location: String,
    name: String,
    file: std::fs::File,
    options: Options,
    progress: std::sync::Arc<dyn Progress + Send>,
) -> Result<Reading, ImportError> {
    let reading = tokio::task::spawn_blocking(move || {
        let bounds = options.bounds;
        read::evidence(
            |sink| source::read_stream(&name, file, bounds, sink),
            options.parsers,
            &*progress,
        )
    });
    Ok(Reading {
        name: None,
        location,
        evidence: reading.await??,
    })
}

/// Writes what readings change, in one transaction.
///
/// # Errors
/// When the database fails. It is then as it was.
pub async fn take_in(readings: Vec<Reading>, db: &DatabaseConnection, options: Options) -> Result<Report, ImportError> {
    let started = Instant::now();
    let transaction = database::begin_write(db).await?;
    let known = apply::known(&transaction).await?;
    let Step {
        plan,
        files,
        references,
        rejected,
        rejections_changed,
        sources,
        mut report,
    } = tokio::task::spawn_blocking(move || step(readings, known, options)).await?;
    if options.writing == Writing::DryRun {
        transaction.rollback().await?;
        report.took = started.elapsed();
        return Ok(report);
    }
    let revision = report.changed.then_some(revision::Model {
        id: 1,
        number: report.revision,
        updated_at: Some(options.now),
    });
    apply::write(&transaction, plan).await?;
    apply::write_evidence(&transaction, files, references).await?;
    if rejections_changed {
        apply::write_rejections(&transaction, &rejected).await?;
    }
    apply::write_state(&transaction, sources, revision).await?;
    if report.changed {
        database::watch::announce(&transaction).await?;
    }
    transaction.commit().await?;
    report.took = started.elapsed();
    Ok(report)
}

/// What one import comes to.
struct Step {
    plan: Plan,
    files: Vec<evidence::Model>,
    references: Vec<reference::Model>,
    rejected: BTreeSet<Rejected>,
    rejections_changed: bool,
    sources: Vec<source_row::Model>,
    report: Report,
}

/// Unites what is new with what is known and plans what has to be written. Pure.
fn step(readings: Vec<Reading>, known: Known, options: Options) -> Step {
    let telling = if known.sources.iter().all(|source| source.name == STARTER) {
        Telling::History
    } else {
        Telling::News
    };
    let (sources, source_reports) = source_rows(&readings, &known.sources, options.now);
    let mut heard = Evidence::default();
    for reading in readings {
        heard.unite(reading.evidence);
    }
    let mut by_reason: BTreeMap<&'static str, usize> = BTreeMap::new();
    for rejected in &heard.rejected {
        *by_reason.entry(rejected.reason.code()).or_default() += 1;
    }
    let stored = known.stored;
    let mut all = Evidence {
        files: known.files,
        references: known.references,
        texts: known.texts,
        ..Evidence::default()
    };
    let files = unite_files(&mut all, heard.files);
    let new_references = heard
        .references
        .difference(&all.references)
        .cloned()
        .collect::<Vec<_>>();
    all.references.extend(new_references.iter().cloned());
    all.texts.extend(heard.texts);

    let catalogue = derive::catalogue(&all);
    let plan = plan::plan(&stored, &catalogue, &all.texts, options.now, telling);
    let mut rejected: BTreeSet<Rejected> = known
        .rejected
        .iter()
        .filter(|row| !row.reason.is_derived())
        .cloned()
        .collect();
    rejected.extend(heard.rejected);
    rejected.extend(catalogue.unplaced.iter().cloned());
    for unplaced in catalogue
        .unplaced
        .iter()
        .filter(|row| row.reason != Reason::IncrementalWithoutRelease)
    {
        *by_reason.entry(unplaced.reason.code()).or_default() += 1;
    }
    let aside = |row: &&Rejected| row.reason == Reason::IncrementalWithoutRelease;
    let changed = !plan.is_empty();
    let report = Report {
        dry_run: options.writing == Writing::DryRun,
        changed,
        revision: stored.revision + i32::from(changed),
        sources: source_reports,
        counts: plan.counts,
        changes: plan.changes.len(),
        rejected: by_reason,
        aside: catalogue.unplaced.iter().filter(aside).count(),
        took: std::time::Duration::ZERO,
    };
    Step {
        plan,
        files,
        references: new_references
            .into_iter()
            .map(|reference| reference::Model {
                codename: reference.codename,
                label: reference.label,
                rom_code: reference.rom_code,
            })
            .collect(),
        rejections_changed: rejected != known.rejected,
        rejected,
        sources,
        report,
    }
}

/// Adds what was heard of files; gives the rows of those of which something new was heard, in the order of their key: a table
/// that is written in its own order touches each page once.
fn unite_files(all: &mut Evidence, heard: rustc_hash::FxHashMap<String, record::Facts>) -> Vec<evidence::Model> {
    let mut rows = Vec::new();
    for (filename, facts) in heard {
        let before = all.files.get(&filename).cloned();
        all.add(filename.clone(), facts);
        let Some(after) = all.files.get(&filename).filter(|after| before.as_ref() != Some(*after)) else {
            continue;
        };
        // Facts are plain values: writing them as JSON cannot fail, and a row that did would only be written again.
        if let Ok(facts) = serde_json::to_string(after) {
            rows.push(evidence::Model { filename, facts });
        }
    }
    rows.sort_unstable_by(|a, b| a.filename.cmp(&b.filename));
    rows
}

/// The rows of the sources that were read, and what the report says of each.
fn source_rows(
    readings: &[Reading],
    known: &[source_row::Model],
    now: DateTime<Utc>,
) -> (Vec<source_row::Model>, Vec<SourceReport>) {
    let mut rows: Vec<source_row::Model> = Vec::new();
    let mut reports = Vec::new();
    let mut next = known.iter().map(|source| source.id).max().unwrap_or(0);
    for reading in readings {
        let evidence = &reading.evidence;
        let kinds: Vec<&str> = match reading.name {
            Some(name) => vec![name],
            None => evidence.documents.keys().copied().collect(),
        };
        let of_kind = |kind: &str| {
            let matches = |facts: &&record::Facts| facts.place.as_ref().is_some_and(|place| place.source == kind);
            match kinds.as_slice() {
                [_] => evidence.files.len(),
                _ => evidence.files.values().filter(matches).count(),
            }
        };
        for kind in &kinds {
            let same = |row: &&source_row::Model| row.name == *kind && row.location == reading.location;
            if rows.iter().any(|row| same(&row)) {
                continue;
            }
            let id = known.iter().find(same).map_or_else(
                || {
                    next += 1;
                    next
                },
                |row| row.id,
            );
            let count = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
            rows.push(source_row::Model {
                id,
                name: (*kind).to_owned(),
                location: reading.location.clone(),
                imported_at: now,
                package_count: count(of_kind(kind)),
                rejected_count: count(evidence.rejected.len()),
            });
        }
        reports.push(SourceReport {
            kinds: kinds.into_iter().map(str::to_owned).collect(),
            location: reading.location.clone(),
            documents: evidence.documents.values().sum(),
            packages: evidence.files.len(),
            rejected: evidence.rejected.len(),
        });
    }
    (rows, reports)
}
