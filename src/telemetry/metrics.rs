//! Figures for Prometheus: counters, gauges and histograms, which each part of the program registers for itself and
//! moves by atomic additions alone.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry;

pub use prometheus_client::metrics::counter::Counter;
pub use prometheus_client::metrics::gauge::Gauge;

/// The media type of [`Registry::text`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// One label and its value.
type Label = [(&'static str, &'static str); 1];
/// One label whose values are not known beforehand.
type FreeLabel = [(&'static str, String); 1];

/// Where parts of the program register what they count. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Registry(Arc<Mutex<registry::Registry>>);

impl Registry {
    /// A counter; its name is written with `_total` at the end.
    #[must_use]
    pub fn counter(&self, name: &str, help: &str) -> Counter {
        let counter = Counter::default();
        self.with(|registry| registry.register(name, help, counter.clone()));
        counter
    }

    /// Counters that differ by the value of one label, in the order of these values.
    #[must_use]
    pub fn counters<const N: usize>(
        &self,
        name: &str,
        help: &str,
        label: &'static str,
        values: [&'static str; N],
    ) -> [Counter; N] {
        let family = Family::<Label, Counter>::default();
        self.with(|registry| registry.register(name, help, family.clone()));
        values.map(|value| family.get_or_create_owned(&[(label, value)]))
    }

    /// A gauge.
    #[must_use]
    pub fn gauge(&self, name: &str, help: &str) -> Gauge {
        let gauge = Gauge::default();
        self.with(|registry| registry.register(name, help, gauge.clone()));
        gauge
    }

    /// Gauges that differ by the value of one label, which turn up as they are set.
    #[must_use]
    pub fn gauges(&self, name: &str, help: &str, label: &'static str) -> Gauges {
        let family = Family::default();
        self.with(|registry| registry.register(name, help, family.clone()));
        Gauges { label, family }
    }

    /// A gauge whose value is asked for whenever somebody looks; nothing is shown while it has none.
    pub fn asked(&self, name: &'static str, help: &'static str, value: impl Fn() -> Option<f64> + Send + Sync + 'static) {
        let asked = Asked {
            name,
            help,
            value: Box::new(value),
        };
        self.with(|registry| registry.register_collector(Box::new(asked)));
    }

    /// A histogram of durations.
    #[must_use]
    pub fn durations(&self, name: &str, help: &str) -> Durations {
        let durations = Durations::default();
        self.with(|registry| registry.register(name, help, durations.clone()));
        durations
    }

    /// All figures as they are now, in the text format of `OpenMetrics`.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::with_capacity(8 * 1024);
        self.with(|registry| {
            // writing into memory does not fail
            let _ = text::encode(&mut out, registry);
        });
        out
    }

    fn with<T>(&self, act: impl FnOnce(&mut registry::Registry) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Gauges that differ by the value of one label.
#[derive(Clone, Debug)]
pub struct Gauges {
    label: &'static str,
    family: Family<FreeLabel, Gauge>,
}

impl Gauges {
    /// Sets the gauge of this value of the label.
    pub fn set(&self, value: &str, figure: i64) {
        self.family.get_or_create_owned(&[(self.label, value.to_owned())]).set(figure);
    }
}

/// Upper bounds of the ranges that durations are counted in, in seconds: from what an answer at hand takes to what no
/// operation may take.
const BOUNDS: [f64; 15] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];

/// A histogram of durations, of additions alone.
#[derive(Clone, Debug, Default)]
pub struct Durations(Arc<Ranges>);

#[derive(Debug, Default)]
struct Ranges {
    /// How many durations fell into each range; the last has no upper bound.
    counts: [AtomicU64; BOUNDS.len() + 1],
    nanoseconds: AtomicU64,
}

impl Durations {
    /// Counts one duration.
    pub fn observe(&self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let range = BOUNDS.partition_point(|bound| *bound < seconds);
        if let Some(count) = self.0.counts.get(range) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.0.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }
}

impl EncodeMetric for Durations {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
        let counts = self.0.counts.iter().map(|count| count.load(Ordering::Relaxed));
        let ranges: Vec<_> = bounds.zip(counts).collect();
        let count = ranges.iter().map(|(_, count)| count).sum();
        let seconds = Duration::from_nanos(self.0.nanoseconds.load(Ordering::Relaxed)).as_secs_f64();
        encoder.encode_histogram::<NoLabelSet>(seconds, count, &ranges, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

/// A gauge that is asked for when somebody looks.
struct Asked {
    name: &'static str,
    help: &'static str,
    value: Box<dyn Fn() -> Option<f64> + Send + Sync>,
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Collector for Asked {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(value) = (self.value)() else { return Ok(()) };
        let gauge = ConstGauge::new(value);
        gauge.encode(encoder.encode_descriptor(self.name, self.help, None, gauge.metric_type())?)
    }
}

/// Adds what is known of the process itself, where the system tells it.
pub fn register_process(registry: &Registry) {
    registry.asked(
        "process_resident_memory_bytes",
        "Memory of the process that is in use.",
        resident_bytes,
    );
}

/// What the kernel says of this process's memory.
fn resident_bytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u32 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(f64::from(kibibytes) * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_as_prometheus_reads_them() {
        let registry = Registry::default();
        let [first, _] = registry.counters("romdex_things", "Things.", "kind", ["a", "b"]);
        first.inc_by(3);
        registry.gauge("romdex_level", "A level.").set(-2);
        registry.gauges("romdex_sources", "By source.", "source").set("x\"y", 7);
        registry.asked("romdex_asked", "Asked.", || Some(1.5));
        registry.asked("romdex_unknown", "Unknown.", || None);
        let text = registry.text();
        for line in [
            "# HELP romdex_things Things.",
            "# TYPE romdex_things counter",
            "romdex_things_total{kind=\"a\"} 3",
            "romdex_things_total{kind=\"b\"} 0",
            "romdex_level -2",
            "romdex_sources{source=\"x\\\"y\"} 7",
            "romdex_asked 1.5",
            "# EOF",
        ] {
            assert!(text.lines().any(|written| written == line), "{line} in {text}");
        }
        assert!(!text.contains("unknown"), "{text}");
    }

    #[test]
    fn durations_are_counted_up_to_their_bounds() {
        let registry = Registry::default();
        let durations = registry.durations("romdex_seconds", "Seconds.");
        for microseconds in [50, 51, 1_000, 1_000, 9_000_000] {
            durations.observe(Duration::from_micros(microseconds));
        }
        let text = registry.text();
        for line in [
            "romdex_seconds_sum 9.002101",
            "romdex_seconds_count 5",
            "romdex_seconds_bucket{le=\"0.0001\"} 2",
            "romdex_seconds_bucket{le=\"0.001\"} 4",
            "romdex_seconds_bucket{le=\"5.0\"} 4",
            "romdex_seconds_bucket{le=\"+Inf\"} 5",
        ] {
            assert!(text.lines().any(|written| written == line), "{line} in {text}");
        }
    }

    #[test]
    fn the_process_knows_its_memory() {
        if std::path::Path::new("/proc/self/status").exists() {
            assert!(resident_bytes().unwrap() > 1e6);
        }
    }
}
