//! The whole catalogue as JSON Lines, streamed from the database. What a line means is [`crate::import::sources`]' to say.

use std::io::Write;

use entity::{
    changelog, device, evidence, link, package, reference, release,
    value::{Mirrors, Version},
    variant,
};
use rustc_hash::FxHashMap;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};

use crate::import::{
    record::{Facts, Reference, Set},
    sources::{HeaderLine, Line, PackageLine, VariantLine, write_line},
};

/// How many files are read at a time.
const CHUNK: u64 = 500;

/// Whom the data is owed to, in every export.
const CREDIT: &str = "Collected and published by the XiaomiFirmwareUpdater project, https://xmfirmwareupdater.com";

/// Why an export failed.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The database failed, or holds what it must not.
    #[error("the database failed")]
    Database(#[from] DbErr),
    /// The output could not be written.
    #[error("the export could not be written: {0}")]
    Write(#[from] std::io::Error),
}

/// Which packages an export holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Texts {
    /// With changelogs.
    Kept,
    /// Facts alone.
    LeftOut,
}

/// What an export's lines refer to, held in memory; the rest is streamed.
struct Context {
    devices: FxHashMap<i32, device::Model>,
    variants: FxHashMap<i32, variant::Model>,
    releases: FxHashMap<i32, release::Model>,
}

/// Writes the whole catalogue, as it is at one moment.
///
/// # Errors
/// When the database or the writer fails.
pub async fn write(db: &DatabaseConnection, texts: Texts, out: &mut impl Write) -> Result<(), ExportError> {
    let snapshot = crate::database::begin_read(db).await?;
    write_line(
        &Line::Header(HeaderLine {
            format: "romdex export".to_owned(),
            version: 1,
            credit: CREDIT.to_owned(),
        }),
        out,
    )?;
    for row in reference::Entity::find()
        .order_by_asc(reference::Column::Codename)
        .all(&snapshot)
        .await?
    {
        write_line(
            &Line::Reference(Reference {
                codename: row.codename,
                label: row.label,
                rom_code: row.rom_code,
            }),
            out,
        )?;
    }
    let context = context(&snapshot).await?;
    write_variants(&context, out)?;
    let mut last: Option<String> = None;
    loop {
        let mut page = evidence::Entity::find()
            .order_by_asc(evidence::Column::Filename)
            .limit(CHUNK);
        if let Some(last) = &last {
            page = page.filter(evidence::Column::Filename.gt(last));
        }
        let rows = page.all(&snapshot).await?;
        let Some(newest) = rows.last() else { break };
        last = Some(newest.filename.clone());
        for line in lines(&snapshot, &context, rows, texts).await? {
            write_line(&line, out)?;
        }
    }
    out.flush()?;
    snapshot.rollback().await?;
    Ok(())
}

async fn context(db: &impl ConnectionTrait) -> Result<Context, DbErr> {
    Ok(Context {
        devices: device::Entity::find()
            .all(db)
            .await?
            .into_iter()
            .map(|row| (row.id, row))
            .collect(),
        variants: variant::Entity::find()
            .all(db)
            .await?
            .into_iter()
            .map(|row| (row.id, row))
            .collect(),
        releases: release::Entity::find()
            .all(db)
            .await?
            .into_iter()
            .map(|row| (row.id, row))
            .collect(),
    })
}

fn write_variants(context: &Context, out: &mut impl Write) -> Result<(), ExportError> {
    let mut variants: Vec<&variant::Model> = context.variants.values().collect();
    variants.sort_unstable_by_key(|variant| &variant.codename);
    for variant in variants {
        let Some(device) = context.devices.get(&variant.device_id) else {
            continue;
        };
        let names = serde_json::from_value(variant.names.clone())
            .map_err(|error| DbErr::Custom(format!("names of {}: {error}", variant.codename)))?;
        let line = VariantLine {
            codename: variant.codename.clone(),
            device: device.codename.clone(),
            region: variant.region,
            names,
            rom_code: variant.rom_code.clone(),
        };
        write_line(&Line::Variant(line), out)?;
    }
    Ok(())
}

/// The lines of a chunk of files: packages, and what waits for its place.
async fn lines(
    db: &impl ConnectionTrait,
    context: &Context,
    rows: Vec<evidence::Model>,
    texts: Texts,
) -> Result<Vec<Line>, DbErr> {
    let filenames = rows.iter().map(|row| row.filename.as_str());
    let packages: FxHashMap<String, package::Model> = package::Entity::find()
        .filter(package::Column::Filename.is_in(filenames))
        .all(db)
        .await?
        .into_iter()
        .map(|row| (row.filename.clone(), row))
        .collect();
    let mut links: FxHashMap<i32, Vec<String>> = FxHashMap::default();
    let ids = packages.values().map(|package| package.id);
    let found = link::Entity::find().filter(link::Column::PackageId.is_in(ids));
    for row in found.order_by_asc(link::Column::Url).all(db).await? {
        links.entry(row.package_id).or_default().push(row.url);
    }
    let mut said: Vec<(String, Facts)> = Vec::with_capacity(rows.len());
    for row in rows {
        let mut facts: Facts = serde_json::from_str(&row.facts)
            .map_err(|error| DbErr::Custom(format!("evidence on {}: {error}", row.filename)))?;
        if texts == Texts::LeftOut {
            facts.changelogs = Set::default();
        }
        said.push((row.filename, facts));
    }
    let digests = said.iter().flat_map(|(_, facts)| facts.changelogs.iter().cloned());
    let changelogs: FxHashMap<String, String> = changelog::Entity::find()
        .filter(changelog::Column::Digest.is_in(digests))
        .all(db)
        .await?
        .into_iter()
        .map(|row| (row.digest, row.text))
        .collect();
    let lines = said.into_iter().map(|(filename, facts)| {
        let texts = facts
            .changelogs
            .iter()
            .filter_map(|digest| changelogs.get(digest).cloned());
        let mut line = PackageLine {
            changelogs: texts.collect(),
            said: Some(facts),
            ..PackageLine::default()
        };
        match packages.get(&filename) {
            None => {
                line.filename = filename;
                Line::Aside(Box::new(line))
            }
            Some(package) => {
                let links = links.remove(&package.id).unwrap_or_default();
                Line::Package(Box::new(resolved(line, package, links, context)))
            }
        }
    });
    Ok(lines.collect())
}

/// A package's line with what the catalogue says of it.
fn resolved(line: PackageLine, package: &package::Model, links: Vec<String>, context: &Context) -> PackageLine {
    let release = context.releases.get(&package.release_id);
    let variant = release.and_then(|release| context.variants.get(&release.variant_id));
    let usual = Mirrors::from_bits(package.mirrors);
    let version = release.map_or("", |release| release.version.as_str());
    PackageLine {
        filename: package.filename.clone(),
        variant: variant.map(|variant| variant.codename.clone()),
        region: variant.map(|variant| variant.region),
        version: release.map(|release| Version::clone(&release.version)),
        branch: release.map(|release| release.branch),
        package_type: Some(package.r#type),
        base_version: package.base_version.clone(),
        android: package.android.clone(),
        size: package.size,
        md5: package.md5,
        released_on: package.released_on,
        built_on: package.built_on,
        urls: usual.urls(version, &package.filename).chain(links).collect(),
        ..line
    }
}
