//! Small catalogues for tests, described by their packages alone.

use entity::{
    device, package, release,
    value::{Branch, Codename, PackageType, Region, Version},
    variant,
};

use super::{Builder, Snapshot};

/// A package, and with it what it belongs to.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) variant: &'static str,
    pub(super) version: &'static str,
    pub(super) branch: Branch,
    pub(super) r#type: PackageType,
    pub(super) day: Option<&'static str>,
    pub(super) filename: String,
    pub(super) android: Option<&'static str>,
    pub(super) size: Option<i64>,
    pub(super) md5: Option<&'static str>,
    pub(super) md5_prefix: Option<&'static str>,
    pub(super) base_version: Option<&'static str>,
}

/// A stable recovery package of the Redmi Note 10 Pro.
pub(super) fn row(variant: &'static str, version: &'static str, day: &'static str) -> Row {
    Row {
        variant,
        version,
        branch: Branch::Stable,
        r#type: PackageType::Recovery,
        day: Some(day).filter(|day| !day.is_empty()),
        filename: format!("miui_{variant}_{version}.zip"),
        android: None,
        size: None,
        md5: None,
        md5_prefix: None,
        base_version: None,
    }
}

fn name(codename: &str) -> &'static str {
    match codename {
        "alioth" => "Redmi K40",
        "alioth_global" | "alioth_eea_global" => "POCO F3",
        "sweet" | "sweet_global" => "Redmi Note 10 Pro",
        "sweet_k6a_global" => "Redmi Note 12 Pro 4G",
        "sweetin_in_global" => "Redmi Note 10 Pro Max",
        "santoni" | "santoni_global" => "Redmi 4X",
        _ => "Mi 11X",
    }
}

/// The catalogue that these packages make. Ids follow the order of the rows; `shift` moves them, as another database would have them.
pub(super) fn snapshot_shifted(rows: &[Row], shift: i32) -> Snapshot {
    fn id_of<K: PartialEq>(known: &mut Vec<K>, key: K, shift: i32) -> (i32, bool) {
        let found = known.iter().position(|known| *known == key);
        let place = found.unwrap_or_else(|| {
            known.push(key);
            known.len() - 1
        });
        ((i32::try_from(place).unwrap() * 7 + shift) % 1009, found.is_none())
    }

    let mut builder = Builder::default();
    let (mut devices, mut variants, mut releases) = (Vec::new(), Vec::new(), Vec::new());
    for (place, row) in rows.iter().enumerate() {
        let codename: Codename = row.variant.parse().unwrap();
        let version: Version = row.version.parse().unwrap();
        let (device_id, is_new) = id_of(&mut devices, codename.base(), shift);
        if is_new {
            builder.device(device::Model {
                id: device_id,
                codename: codename.base(),
            });
        }
        let (variant_id, is_new) = id_of(&mut variants, codename.clone(), shift);
        if is_new {
            let region = codename.region().unwrap().unwrap_or(Region::China);
            builder.variant(variant::Model {
                id: variant_id,
                device_id,
                codename: codename.clone(),
                region,
                rom_code: Some(codename.as_str().replace('_', "").to_uppercase()),
                names: serde_json::json!([name(row.variant)]),
            });
        }
        let (release_id, is_new) = id_of(&mut releases, (variant_id, row.version), shift);
        if is_new {
            let android = row.android.map(str::to_owned);
            let security_patch = None;
            builder
                .release(release::Model {
                    id: release_id,
                    variant_id,
                    version,
                    branch: row.branch,
                    android,
                    security_patch,
                    changelog_id: None,
                })
                .unwrap();
        }
        builder
            .package(package::Model {
                id: (i32::try_from(place).unwrap() * 7 + shift) % 100_003,
                release_id,
                r#type: row.r#type,
                filename: row.filename.clone(),
                base_version: row.base_version.map(|version| version.parse().unwrap()),
                android: row.android.map(str::to_owned),
                size: row.size,
                md5: row.md5.map(|md5| md5.parse().unwrap()),
                md5_prefix: row.md5_prefix.map(|prefix| prefix.parse().unwrap()),
                released_on: row.day.map(|day| day.parse().unwrap()),
                built_on: None,
                mirrors: 1,
                page: None,
            })
            .unwrap();
    }
    builder.build().unwrap()
}

/// The catalogue that these packages make.
pub(super) fn snapshot(rows: &[Row]) -> Snapshot {
    snapshot_shifted(rows, 1)
}
