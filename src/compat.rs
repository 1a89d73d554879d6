//! The catalogue in the forms that are parsed today: the tracker's two YAML files and its feed of a device, and what
//! `LineageOS`'s updater asks for. Made from the clean catalogue; where that differs from its source, the catalogue is
//! what is told. Bytes out; knows no HTTP.

mod device_feed;
mod tracker;
mod updater;
mod yaml;

use crate::{
    catalog::{Catalog, ChangelogId, DeviceAt, Snapshot},
    feed::{Document, FeedError, Growth, Moment, off_thread},
};

/// The catalogue, in other programs' forms.
#[derive(Clone)]
pub struct Compat {
    catalog: Catalog,
}

/// Why a document cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum CompatError {
    /// There is no such thing in the catalogue; says what was looked for.
    #[error("{0}")]
    Unknown(String),
    /// A part of the address has a value that it cannot have.
    #[error("{part}: {message}")]
    Refused {
        /// The part, as the route names it.
        part: &'static str,
        /// What is allowed; lower case, no full stop.
        message: String,
    },
    /// Our own failure.
    #[error(transparent)]
    Failed(#[from] FeedError),
}

impl Compat {
    /// Tells this catalogue.
    #[must_use]
    pub fn new(catalog: Catalog) -> Self {
        Self { catalog }
    }

    /// The tracker's `latest.yml`: of every variant, branch and method the newest package.
    ///
    /// # Errors
    /// When the work cannot be done.
    pub async fn latest(&self, moment: &Moment) -> Result<Document, CompatError> {
        let snapshot = moment.snapshot().clone();
        Ok(document(off_thread(move || tracker::latest(&snapshot)).await?, YAML))
    }

    /// The tracker's `devices.yml`: of every variant its label and ROM code.
    ///
    /// # Errors
    /// When the work cannot be done.
    pub async fn devices(&self, moment: &Moment) -> Result<Document, CompatError> {
        let snapshot = moment.snapshot().clone();
        Ok(document(off_thread(move || tracker::devices(&snapshot)).await?, YAML))
    }

    /// The tracker's feed of a device: its newest packages. `base` is the server's own address, without a slash at the end.
    ///
    /// # Errors
    /// When there is no such device, or a changelog cannot be read.
    pub async fn device_feed(&self, moment: &Moment, codename: &str, base: &str) -> Result<Document, CompatError> {
        let snapshot = moment.snapshot().clone();
        let device = find_device(&snapshot, codename).ok_or_else(|| unknown("device", codename))?;
        let packages = device_feed::packages(&snapshot, device);
        let ids: Vec<ChangelogId> = packages
            .iter()
            .filter_map(|at| snapshot.release(snapshot.package(*at).release).changelog)
            .map(ChangelogId)
            .collect();
        let texts = self.catalog.changelogs(&ids).await.map_err(FeedError::from)?;
        let address = format!("{base}/compat/rss/{codename}.xml");
        let body = off_thread(move || device_feed::write(&snapshot, device, &packages, &texts, &address)).await??;
        Ok(document(body, "application/rss+xml; charset=utf-8"))
    }

    /// What `LineageOS`'s updater asks for: the recovery packages of a branch that are newer than the build that a phone has.
    ///
    /// # Errors
    /// When there is no such variant or branch, or the build's version is none.
    pub fn updates(
        &self,
        moment: &Moment,
        variant: &str,
        romtype: &str,
        incremental: &str,
    ) -> Result<Document, CompatError> {
        let body = updater::write(moment.snapshot(), variant, romtype, incremental)?;
        Ok(document(body, "application/json; charset=utf-8"))
    }
}

const YAML: &str = "application/yaml; charset=utf-8";

fn document(body: impl Into<bytes::Bytes>, media_type: &'static str) -> Document {
    Document {
        body: body.into(),
        media_type,
        growth: Growth::Open,
    }
}

fn unknown(what: &str, given: &str) -> CompatError {
    let given: String = given.chars().filter(|c| !c.is_control()).take(60).collect();
    CompatError::Unknown(format!("there is no {what} \"{given}\""))
}

/// The device of this codename, base or regional; or of the short one that the tracker cuts at the first underscore, where
/// that can mean one device alone.
fn find_device(snapshot: &Snapshot, codename: &str) -> Option<DeviceAt> {
    snapshot.find_device(codename).or_else(|| {
        let short = |at: &DeviceAt| {
            let base = snapshot.text(snapshot.device(*at).codename);
            let (head, _) = base.split_once('_').unwrap_or((base, ""));
            head.eq_ignore_ascii_case(codename)
        };
        let mut found = snapshot.devices().filter(short);
        let only = found.next();
        found.next().is_none().then_some(only).flatten()
    })
}
