//! What is told of the catalogue in figures.

use std::collections::BTreeMap;

use super::{Catalog, CatalogError, Snapshot};
use crate::telemetry::metrics::{Registry, float};

/// What can be told of a revision.
type Figure = fn(&Snapshot) -> usize;

impl Catalog {
    /// Tells in figures what there is, since when, and how its sources go.
    pub fn register(&self, registry: &Registry) {
        let figures: [(_, _, Figure); 4] = [
            ("romdex_catalogue_devices", "Devices in the catalogue", |snapshot| {
                snapshot.devices().len()
            }),
            ("romdex_catalogue_variants", "Variants in the catalogue", |snapshot| {
                snapshot.variants().len()
            }),
            ("romdex_catalogue_releases", "Releases in the catalogue", |snapshot| {
                snapshot.releases().len()
            }),
            ("romdex_catalogue_packages", "Packages in the catalogue", |snapshot| {
                snapshot.packages().len()
            }),
        ];
        for (name, help, figure) in figures {
            let catalog = self.clone();
            registry.asked_gauge(name, help, move || Some(float(figure(&catalog.snapshot()) as u64)));
        }
        let catalog = self.clone();
        registry.asked_gauge(
            "romdex_catalogue_revision",
            "The revision of the catalogue that is served",
            move || Some(f64::from(catalog.snapshot().revision)),
        );
        let catalog = self.clone();
        registry.asked_gauge(
            "romdex_catalogue_updated_timestamp_seconds",
            "When this revision was made",
            move || Some(float(catalog.snapshot().updated_at?.timestamp().unsigned_abs())),
        );
        let catalog = self.clone();
        registry.asked_gauge(
            "romdex_snapshot_load_seconds",
            "How long this revision took to be loaded from the database",
            move || Some(catalog.loading_took().as_secs_f64()),
        );
        self.register_sources(registry);
    }

    fn register_sources(&self, registry: &Registry) {
        let imported = registry.named_gauges(
            "romdex_source_imported_timestamp_seconds",
            "When a source of this kind was last imported",
            ["source"],
        );
        let succeeded = registry.named_gauges(
            "romdex_upstream_succeeded_timestamp_seconds",
            "When this source was last fetched",
            ["location"],
        );
        let failures = registry.named_gauges(
            "romdex_upstream_failures",
            "How often this source could not be fetched since",
            ["location"],
        );
        let catalog = self.clone();
        registry.freshen(move || {
            let (catalog, imported, succeeded, failures) =
                (catalog.clone(), imported.clone(), succeeded.clone(), failures.clone());
            async move {
                // what cannot be read is not shown
                let newest = catalog.imports().await.unwrap_or_default();
                imported.show(newest.into_iter().map(|(name, at)| ([name], at)));
                let upstreams = catalog.upstreams().await.unwrap_or_default();
                succeeded.show(upstreams.iter().filter_map(|upstream| {
                    let at = upstream.succeeded_at?;
                    Some(([upstream.location.clone()], at.timestamp()))
                }));
                failures.show(
                    upstreams
                        .into_iter()
                        .map(|upstream| ([upstream.location], upstream.failures.into())),
                );
            }
        });
    }

    /// When each kind of source was last imported.
    async fn imports(&self) -> Result<BTreeMap<String, i64>, CatalogError> {
        let mut newest = BTreeMap::new();
        for source in self.sources().await? {
            let at = newest.entry(source.name).or_insert(i64::MIN);
            *at = source.imported_at.timestamp().max(*at);
        }
        Ok(newest)
    }
}
