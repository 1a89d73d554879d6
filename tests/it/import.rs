//! What imports make of the sources' documents, on every kind of database.

mod defects;
mod hostile;
mod kill;
mod order;
mod racing;
mod remote;
mod sample;
mod seed;

pub use seed::seed_page;

use std::path::Path;

use chrono::{DateTime, Utc};
use entity::{change, device, link, package, rejection, release, value::Mirrors, variant};
use romdex::import::{
    self, ImportError, Options, Writing,
    read::Progress,
    report::Report,
    source::{Bounds, Location},
};
use sea_orm::{DatabaseConnection, EntityTrait, QueryOrder};

/// Nobody watches.
struct Silent;

impl Progress for Silent {
    fn document(&self) {}
}

/// Bounds that no small test comes near.
const BOUNDS: Bounds = Bounds {
    document: 1 << 20,
    unpacked: 1 << 30,
    files: 100_000,
};

fn moment() -> DateTime<Utc> {
    "2026-08-22T18:14:11Z".parse().unwrap()
}

async fn try_import(db: &DatabaseConnection, sources: &[&Path], writing: Writing) -> Result<Report, ImportError> {
    let options = Options {
        bounds: BOUNDS,
        parsers: 2,
        writing,
        now: moment(),
    };
    let locations = sources.iter().map(|path| Location::Path(path.to_path_buf())).collect();
    import::run(locations, db, options, std::sync::Arc::new(Silent)).await
}

/// Imports sources.
pub async fn import(db: &DatabaseConnection, sources: &[&Path]) -> Report {
    try_import(db, sources, Writing::Commit).await.unwrap()
}

/// The catalogue in lines: what a test compares.
async fn catalogue(db: &DatabaseConnection) -> Vec<String> {
    let devices = device::Entity::find().all(db).await.unwrap();
    let variants = variant::Entity::find().all(db).await.unwrap();
    let releases = release::Entity::find().all(db).await.unwrap();
    let links = link::Entity::find()
        .order_by_asc(link::Column::Url)
        .all(db)
        .await
        .unwrap();
    let packages = package::Entity::find()
        .order_by_asc(package::Column::Filename)
        .all(db)
        .await
        .unwrap();
    let mut lines = Vec::new();
    for variant in &variants {
        let device = devices.iter().find(|device| device.id == variant.device_id).unwrap();
        let rom_code = variant.rom_code.as_deref().unwrap_or("-");
        lines.push(format!(
            "variant {} of {}: {} {rom_code} {}",
            variant.codename, device.codename, variant.region, variant.names
        ));
    }
    for package in packages {
        let release = releases
            .iter()
            .find(|release| release.id == package.release_id)
            .unwrap();
        let variant = variants
            .iter()
            .find(|variant| variant.id == release.variant_id)
            .unwrap();
        let text = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        let mut urls: Vec<String> = Mirrors::from_bits(package.mirrors)
            .urls(release.version.as_str(), &package.filename)
            .collect();
        urls.extend(
            links
                .iter()
                .filter(|link| link.package_id == package.id)
                .map(|link| link.url.clone()),
        );
        lines.push(format!(
            "{} {}: {} {} {} {} from {} android {} size {} md5 {} on {} built {} urls {}",
            package.r#type,
            package.filename,
            variant.codename,
            variant.region,
            release.version,
            release.branch,
            text(package.base_version.map(|version| version.to_string())),
            text(package.android),
            text(package.size.map(|size| size.to_string())),
            text(package.md5.map(|md5| md5.to_string())),
            text(package.released_on.map(|day| day.to_string())),
            text(package.built_on.map(|day| day.to_string())),
            urls.len(),
        ));
    }
    lines.sort();
    lines
}

/// The lines about packages, cut to file name, variant, region and version.
async fn places(db: &DatabaseConnection) -> Vec<String> {
    catalogue(db)
        .await
        .into_iter()
        .filter(|line| !line.starts_with("variant "))
        .map(|line| line.split(' ').take(6).collect::<Vec<_>>().join(" "))
        .collect()
}

async fn rejections(db: &DatabaseConnection) -> Vec<String> {
    let rows = rejection::Entity::find()
        .order_by_asc(rejection::Column::Id)
        .all(db)
        .await
        .unwrap();
    rows.into_iter()
        .map(|row| format!("{} {} {}", row.reason, row.place, row.subject))
        .collect()
}

async fn change_kinds(db: &DatabaseConnection) -> Vec<String> {
    let rows = change::Entity::find()
        .order_by_asc(change::Column::Id)
        .all(db)
        .await
        .unwrap();
    rows.into_iter().map(|row| row.kind.to_string()).collect()
}
