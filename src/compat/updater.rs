//! What `LineageOS`'s updater app asks a server for: `{"response": […]}`, an object for each package that a phone could install.

use entity::value::{Branch, PackageType};
use serde::Serialize;

use super::{CompatError, unknown};
use crate::{
    catalog::{Day, Installed, PackageAt, Snapshot},
    feed::FeedError,
};

#[derive(Serialize)]
struct Response<'a> {
    response: Vec<Update<'a>>,
}

/// A package, in the app's words.
#[derive(Serialize)]
struct Update<'a> {
    /// Seconds since 1970: midnight of the day it was published, else of the day it was built.
    datetime: Option<i64>,
    filename: &'a str,
    /// The MD5; the file's name where that is unknown. The app wants it unique.
    id: String,
    /// As it was asked for: the app compares it with its own.
    romtype: &'a str,
    /// Bytes, rounded as sources publish them; null where they do not.
    size: Option<u64>,
    url: String,
    version: &'a str,
}

/// Writes the recovery packages newer than the build, newest first.
pub fn write(snapshot: &Snapshot, variant: &str, romtype: &str, incremental: &str) -> Result<Vec<u8>, CompatError> {
    let branch = Branch::ALL
        .iter()
        .copied()
        .find(|branch| branch.name().eq_ignore_ascii_case(romtype))
        .ok_or_else(|| CompatError::Refused {
            part: "romtype",
            message: format!("must be one of {}", names().join(", ")),
        })?;
    let installed = Installed {
        codename: variant.to_owned(),
        version: incremental.to_owned(),
        branch: std::iter::once(branch).collect(),
        r#type: PackageType::Recovery,
    };
    let check = snapshot
        .check_for_update(&installed)
        .map_err(|error| CompatError::Refused {
            part: "incremental",
            message: error.to_string(),
        })?
        .ok_or_else(|| unknown("variant", variant))?;
    let newer = check.releases.iter().flat_map(|at| snapshot.packages_of(*at));
    let recovery = newer.filter(|at| snapshot.package(**at).r#type == PackageType::Recovery);
    let response = Response {
        response: recovery.map(|at| update(snapshot, *at, romtype)).collect(),
    };
    serde_json::to_vec(&response).map_err(|error| FeedError::Unwritten(error.to_string()).into())
}

fn update<'a>(snapshot: &'a Snapshot, at: PackageAt, romtype: &'a str) -> Update<'a> {
    let row = snapshot.package(at);
    let filename = snapshot.text(row.filename);
    let day = row.released_on.or(row.built_on);
    Update {
        datetime: day.and_then(Day::midnight).map(|midnight| midnight.timestamp()),
        filename,
        id: row.md5.map_or_else(|| filename.to_owned(), |md5| md5.to_string()),
        romtype,
        size: row.size(),
        url: snapshot.download_url(at),
        version: snapshot.version(snapshot.release(row.release).version),
    }
}

/// What a ROM type can be, as it is written in addresses.
fn names() -> Vec<String> {
    Branch::ALL
        .iter()
        .map(|branch| branch.name().to_ascii_lowercase())
        .collect()
}
