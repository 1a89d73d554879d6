//! The tracker's two files, as it writes them: entries in the order of codenames, keys in the order of the alphabet.

use std::{cmp::Reverse, fmt::Write as _};

use entity::value::{Branch, PackageType, write_size};

use super::yaml;
use crate::catalog::{Filter, LatestBy, PackageAt, Scope, Snapshot};

/// What the tracker knows as methods.
pub fn methods() -> Filter {
    Filter {
        r#type: Some([PackageType::Recovery, PackageType::Fastboot].into_iter().collect()),
        ..Filter::default()
    }
}

/// The order in which the tracker tells branches.
const fn branch_order(branch: Branch) -> u8 {
    match branch {
        Branch::StableBeta => 0,
        Branch::Stable => 1,
        Branch::Weekly => 2,
        Branch::PublicBeta => 3,
    }
}

/// `latest.yml`.
pub fn latest(snapshot: &Snapshot) -> String {
    let mut packages = snapshot.latest(Scope::Catalogue, &methods(), LatestBy::ReleasedOn);
    packages.sort_by_cached_key(|at| {
        let row = snapshot.package(*at);
        let release = snapshot.release(row.release);
        let codename = snapshot.text(snapshot.variant(release.variant).codename).to_owned();
        (codename, branch_order(release.branch), row.r#type)
    });
    if packages.is_empty() {
        return "[]\n".to_owned();
    }
    let mut text = String::with_capacity(packages.len() * 400);
    for at in packages {
        entry(snapshot, at, &mut text);
    }
    text
}

fn entry(snapshot: &Snapshot, at: PackageAt, text: &mut String) {
    let row = snapshot.package(at);
    let release = snapshot.release(row.release);
    let variant = snapshot.variant(release.variant);
    let android = snapshot
        .android_of_package(at)
        .or_else(|| snapshot.android_of_release(row.release));
    // a date is a date to the tracker's readers, so it is not quoted
    let date = row.released_on.map_or_else(|| "null".to_owned(), |day| day.to_string());
    let (md5, size) = (row.md5.map(|md5| md5.to_string()), row.size().map(write_size));
    let link = snapshot.download_url(at);
    let name = snapshot.label(release.variant);
    let _ = writeln!(text, "- android: {}", yaml::option(android));
    for (key, value) in [
        ("branch", yaml::text(release.branch.label())),
        ("codename", yaml::text(snapshot.text(variant.codename))),
        ("date", date.into()),
        ("link", yaml::text(&link)),
        ("md5", yaml::option(md5.as_deref())),
        ("method", yaml::text(row.r#type.label())),
        ("name", yaml::text(&name)),
        ("size", yaml::option(size.as_deref())),
        ("version", yaml::text(snapshot.version(release.version))),
    ] {
        let _ = writeln!(text, "  {key}: {value}");
    }
}

/// `devices.yml`.
pub fn devices(snapshot: &Snapshot) -> String {
    let mut variants: Vec<_> = snapshot.variants().collect();
    variants.sort_by_key(|at| snapshot.text(snapshot.variant(*at).codename));
    if variants.is_empty() {
        return "{}\n".to_owned();
    }
    let mut text = String::with_capacity(variants.len() * 64);
    for at in variants {
        let row = snapshot.variant(at);
        let rom_code = row.rom_code.map(|code| snapshot.text(code));
        let _ = writeln!(text, "{}:", yaml::text(snapshot.text(row.codename)));
        let _ = writeln!(text, "- {}", yaml::text(&snapshot.label(at)));
        let _ = writeln!(text, "- {}", yaml::option(rom_code));
    }
    text
}

/// Newest first, then as the tracker tells branches and methods.
pub fn by_age(snapshot: &Snapshot, packages: &mut [PackageAt]) {
    packages.sort_by_cached_key(|at| {
        let row = snapshot.package(*at);
        let release = snapshot.release(row.release);
        let codename = snapshot.text(snapshot.variant(release.variant).codename).to_owned();
        (
            Reverse(row.released_on),
            codename,
            branch_order(release.branch),
            row.r#type,
        )
    });
}
