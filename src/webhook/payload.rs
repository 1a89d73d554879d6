//! What a message says: a change, with what a bot needs to post it, in the words of the API.

use chrono::{DateTime, SecondsFormat, Utc};
use entity::change::ChangeKind;
use serde::Serialize;

use crate::catalog::{Change, DeviceAt, PackageAt, ReleaseAt, Snapshot, Subject, VariantAt};

/// The event of a message that only tries out whether the receiver is there.
pub const PING: &str = "ping";

/// The event that tells of a change.
#[must_use]
pub const fn event(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::DeviceAdded => "device.added",
        ChangeKind::ReleaseAdded => "release.added",
        ChangeKind::ReleasePromoted => "release.promoted",
        ChangeKind::PackageAdded => "package.added",
        ChangeKind::PackageUpdated => "package.updated",
    }
}

#[derive(Serialize)]
struct Message<T> {
    r#type: &'static str,
    timestamp: String,
    data: T,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pinged<'a> {
    webhook: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Changed<'a> {
    kind: &'static str,
    cursor: String,
    device: Device<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<Variant<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<Release<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    packages: Option<Vec<Package<'a>>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Device<'a> {
    codename: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Variant<'a> {
    codename: &'a str,
    name: &'a str,
    region: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Release<'a> {
    version: &'a str,
    os: &'static str,
    branch: &'static str,
    android: Option<&'a str>,
    released_on: Option<String>,
    security_patch: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Package<'a> {
    r#type: &'static str,
    filename: &'a str,
    base_version: Option<&'a str>,
    size: Option<u64>,
    md5: Option<String>,
    released_on: Option<String>,
    download_url: String,
}

/// The body of a message that tells of a change, and the base codename of the device that it is about. `cursor` is the
/// change's place in the log, as the API writes it.
///
/// # Errors
/// When it cannot be written as JSON, which does not happen.
pub fn of_change(snapshot: &Snapshot, change: &Change, cursor: String) -> Result<(String, String), serde_json::Error> {
    let (device, release, packages) = match change.subject {
        Subject::Device(at) => (at, None, None),
        Subject::Release(at) => (
            snapshot.variant_of(at).device,
            Some(at),
            Some(snapshot.packages_of(at).to_vec()),
        ),
        Subject::Package(at) => {
            let release = snapshot.package(at).release;
            (snapshot.variant_of(release).device, Some(release), Some(vec![at]))
        }
    };
    let message = Message {
        r#type: event(change.kind),
        timestamp: moment(change.at),
        data: Changed {
            kind: change.kind.name(),
            cursor,
            device: describe_device(snapshot, device),
            variant: release.map(|at| describe_variant(snapshot, snapshot.release(at).variant)),
            release: release.map(|at| describe_release(snapshot, at)),
            packages: packages.map(|all| all.iter().map(|at| describe_package(snapshot, *at)).collect()),
        },
    };
    let codename = snapshot.text(snapshot.device(device).codename).to_owned();
    Ok((serde_json::to_string(&message)?, codename))
}

/// The body of a message that tries out whether a webhook's receiver is there.
///
/// # Errors
/// As [`of_change`].
pub fn of_ping(webhook: &str, now: DateTime<Utc>) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Message {
        r#type: PING,
        timestamp: moment(now),
        data: Pinged { webhook },
    })
}

fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn describe_device(snapshot: &Snapshot, at: DeviceAt) -> Device<'_> {
    let row = snapshot.device(at);
    Device {
        codename: snapshot.text(row.codename),
        name: snapshot.text(row.name),
    }
}

fn describe_variant(snapshot: &Snapshot, at: VariantAt) -> Variant<'_> {
    let row = snapshot.variant(at);
    Variant {
        codename: snapshot.text(row.codename),
        name: snapshot.text(row.name),
        region: row.region.name(),
    }
}

fn describe_release(snapshot: &Snapshot, at: ReleaseAt) -> Release<'_> {
    let row = snapshot.release(at);
    Release {
        version: snapshot.version(row.version),
        os: row.os.name(),
        branch: row.branch.name(),
        android: snapshot.android_of_release(at),
        released_on: row.released_on.map(|day| day.to_string()),
        security_patch: row.security_patch.map(|day| day.to_string()),
    }
}

fn describe_package(snapshot: &Snapshot, at: PackageAt) -> Package<'_> {
    let row = snapshot.package(at);
    Package {
        r#type: row.r#type.name(),
        filename: snapshot.text(row.filename),
        base_version: row.base_version.map(|at| snapshot.version(at)),
        size: row.size(),
        md5: row.md5.map(|md5| md5.to_string()),
        released_on: row.released_on.map(|day| day.to_string()),
        download_url: snapshot.download_url(at),
    }
}
