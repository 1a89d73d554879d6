//! Figures for Prometheus: counters, gauges and histograms, which each part of the program registers for itself.
//!
//! Whoever counts holds what it counts with, found once, and moves it by an atomic addition: nothing is locked or looked up while a
//! request is answered. The values of labels are known beforehand; none is ever taken from a request.

use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, Hash};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use moka::future::Cache;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::metrics::{MetricType, TypedMetric};
use prometheus_client::registry;

pub use prometheus_client::metrics::counter::Counter;
pub use prometheus_client::metrics::gauge::Gauge;

/// The media type of [`Registry::text`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Where parts of the program register what they count. Clones share it.
#[derive(Clone, Default)]
pub struct Registry(Arc<Inner>);

#[derive(Default)]
struct Inner {
    registered: Mutex<registry::Registry>,
    /// What is brought up to date before somebody looks.
    fresheners: Mutex<Vec<Arc<dyn Freshener>>>,
}

/// Work that has to wait for something before its figures can be shown.
type Freshening = Pin<Box<dyn Future<Output = ()> + Send>>;

trait Freshener: Fn() -> Freshening + Send + Sync {}
impl<F: Fn() -> Freshening + Send + Sync> Freshener for F {}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").finish_non_exhaustive()
    }
}

impl Registry {
    /// A counter; its name is written with `_total` at the end. Helps end in no full stop: they are given one.
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
        self.family(name, help, label, values)
    }

    /// Counters that differ by the values of two labels; each is shown from when it is first counted with.
    #[must_use]
    pub fn grid<const ROWS: usize, const COLUMNS: usize>(
        &self,
        name: &str,
        help: &str,
        rows: (&'static str, [&'static str; ROWS]),
        columns: (&'static str, [&'static str; COLUMNS]),
    ) -> Grid<ROWS, COLUMNS> {
        let family = Family::default();
        self.with(|registry| registry.register(name, help, family.clone()));
        Grid {
            family,
            rows,
            columns,
            cells: [const { [const { OnceLock::new() }; COLUMNS] }; ROWS],
        }
    }

    /// A gauge.
    #[must_use]
    pub fn gauge(&self, name: &str, help: &str) -> Gauge {
        let gauge = Gauge::default();
        self.with(|registry| registry.register(name, help, gauge.clone()));
        gauge
    }

    /// Gauges that differ by the value of one label, in the order of these values.
    #[must_use]
    pub fn gauges<const N: usize>(
        &self,
        name: &str,
        help: &str,
        label: &'static str,
        values: [&'static str; N],
    ) -> [Gauge; N] {
        self.family(name, help, label, values)
    }

    /// Gauges of things that the operator has named, by these labels.
    #[must_use]
    pub fn named_gauges<const N: usize>(&self, name: &str, help: &str, labels: [&'static str; N]) -> NamedGauges<N> {
        let family = Family::default();
        self.with(|registry| registry.register(name, help, family.clone()));
        NamedGauges { labels, family }
    }

    /// A histogram.
    #[must_use]
    pub fn histogram(&self, name: &str, help: &str, scale: Scale) -> Histogram {
        let histogram = Histogram::new(scale);
        self.with(|registry| registry.register(name, help, histogram.clone()));
        histogram
    }

    /// Histograms of durations that differ by the value of one label, in the order of these values.
    #[must_use]
    pub fn durations<const N: usize>(
        &self,
        name: &str,
        help: &str,
        label: &'static str,
        values: [&'static str; N],
    ) -> [Histogram; N] {
        self.family(name, help, label, values)
    }

    /// A gauge whose value is asked for whenever somebody looks; nothing is shown while it has none.
    pub fn asked_gauge(
        &self,
        name: &'static str,
        help: &'static str,
        value: impl Fn() -> Option<f64> + Send + Sync + 'static,
    ) {
        self.ask(MetricType::Gauge, name, help, Box::new(value));
    }

    /// A counter whose value is asked for whenever somebody looks; nothing is shown while it has none.
    pub fn asked_counter(
        &self,
        name: &'static str,
        help: &'static str,
        value: impl Fn() -> Option<f64> + Send + Sync + 'static,
    ) {
        self.ask(MetricType::Counter, name, help, Box::new(value));
    }

    /// A text that does not change.
    pub fn text_of(&self, name: &str, help: &str, label: &'static str, value: &'static str) {
        self.with(|registry| registry.register(name, help, Info::new([(label, value)])));
    }

    /// Does this whenever somebody looks, before anything is shown.
    pub fn freshen<F>(&self, freshen: impl Fn() -> F + Send + Sync + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let freshener = move || -> Freshening { Box::pin(freshen()) };
        locked(&self.0.fresheners).push(Arc::new(freshener));
    }

    /// All figures as they are now, in the text format of `OpenMetrics`.
    pub async fn text(&self) -> String {
        let fresheners = locked(&self.0.fresheners).clone();
        for freshen in fresheners {
            freshen().await;
        }
        let mut out = String::with_capacity(32 * 1024);
        self.with(|registry| {
            // writing into memory does not fail
            let _ = text::encode(&mut out, registry);
        });
        out
    }

    fn family<M, const N: usize>(
        &self,
        name: &str,
        help: &str,
        label: &'static str,
        values: [&'static str; N],
    ) -> [M; N]
    where
        M: EncodeMetric + TypedMetric + Default + Clone + fmt::Debug + Send + Sync + 'static,
    {
        let family = Family::<[(&'static str, &'static str); 1], M>::default();
        self.with(|registry| registry.register(name, help, family.clone()));
        values.map(|value| family.get_or_create_owned(&[(label, value)]))
    }

    fn ask(
        &self,
        kind: MetricType,
        name: &'static str,
        help: &'static str,
        value: Box<dyn Fn() -> Option<f64> + Send + Sync>,
    ) {
        let asked = Asked {
            kind,
            name,
            help,
            value,
        };
        self.with(|registry| registry.register_collector(Box::new(asked)));
    }

    fn with<T>(&self, act: impl FnOnce(&mut registry::Registry) -> T) -> T {
        act(&mut locked(&self.0.registered))
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counters that differ by the values of two labels.
#[derive(Debug)]
pub struct Grid<const ROWS: usize, const COLUMNS: usize> {
    family: Family<[(&'static str, &'static str); 2], Counter>,
    rows: (&'static str, [&'static str; ROWS]),
    columns: (&'static str, [&'static str; COLUMNS]),
    cells: [[OnceLock<Counter>; COLUMNS]; ROWS],
}

impl<const ROWS: usize, const COLUMNS: usize> Grid<ROWS, COLUMNS> {
    /// Counts one of these; what lies outside is not counted.
    pub fn count(&self, row: usize, column: usize) {
        let labels = self.rows.1.get(row).zip(self.columns.1.get(column));
        let cell = self.cells.get(row).and_then(|row| row.get(column));
        if let Some(((row, column), cell)) = labels.zip(cell) {
            let labels = || [(self.rows.0, *row), (self.columns.0, *column)];
            cell.get_or_init(|| self.family.get_or_create_owned(&labels())).inc();
        }
    }
}

/// Gauges of things that the operator has named.
#[derive(Clone, Debug)]
pub struct NamedGauges<const N: usize> {
    labels: [&'static str; N],
    family: Family<[(&'static str, String); N], Gauge>,
}

impl<const N: usize> NamedGauges<N> {
    /// Shows these, and no others.
    pub fn show(&self, all: impl IntoIterator<Item = ([String; N], i64)>) {
        self.family.clear();
        for (values, figure) in all {
            let mut labels = self.labels.into_iter();
            let labels = values.map(|value| (labels.next().unwrap_or_default(), value));
            self.family.get_or_create_owned(&labels).set(figure);
        }
    }
}

/// The ranges of a histogram.
#[derive(Debug)]
pub struct Ranges {
    /// The largest number of each range but the last, which has no end.
    bounds: &'static [u64],
    /// How many of them are one of what is shown.
    unit: f64,
}

/// What a histogram counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Nanoseconds, shown in seconds: from what an answer at hand takes to what no operation may take.
    Durations,
    /// Plain numbers, such as the cost of operations.
    Numbers,
}

/// A histogram, of additions alone.
#[derive(Clone, Debug)]
pub struct Histogram(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    ranges: &'static Ranges,
    /// How many fell into each range.
    fallen: Box<[AtomicU64]>,
    sum: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new(Scale::Durations)
    }
}

impl Histogram {
    fn new(scale: Scale) -> Self {
        let ranges = scale.ranges();
        Self(Arc::new(Counts {
            ranges,
            fallen: (0..=ranges.bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
        }))
    }

    /// Counts one number.
    pub fn observe(&self, number: u64) {
        let Counts { ranges, fallen, sum } = self.0.as_ref();
        let range = ranges.bounds.partition_point(|bound| *bound < number);
        if let Some(count) = fallen.get(range) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        sum.fetch_add(number, Ordering::Relaxed);
    }

    /// Counts one duration.
    pub fn observe_duration(&self, duration: Duration) {
        self.observe(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
    }
}

impl Scale {
    fn ranges(self) -> &'static Ranges {
        const MICROSECOND: u64 = 1_000;
        const MILLISECOND: u64 = 1_000 * MICROSECOND;
        const SECOND: u64 = 1_000 * MILLISECOND;
        match self {
            Self::Durations => &Ranges {
                bounds: &[
                    50 * MICROSECOND,
                    100 * MICROSECOND,
                    250 * MICROSECOND,
                    500 * MICROSECOND,
                    MILLISECOND,
                    2_500 * MICROSECOND,
                    5 * MILLISECOND,
                    10 * MILLISECOND,
                    25 * MILLISECOND,
                    50 * MILLISECOND,
                    100 * MILLISECOND,
                    250 * MILLISECOND,
                    500 * MILLISECOND,
                    SECOND,
                    5 * SECOND,
                ],
                unit: 1e9,
            },
            Self::Numbers => &Ranges {
                bounds: &[1, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000],
                unit: 1.0,
            },
        }
    }
}

impl EncodeMetric for Histogram {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let Counts { ranges, fallen, sum } = self.0.as_ref();
        let bounds = ranges.bounds.iter().map(|bound| float(*bound) / ranges.unit);
        let counts = fallen.iter().map(|count| count.load(Ordering::Relaxed));
        let counted: Vec<_> = bounds.chain([f64::INFINITY]).zip(counts).collect();
        let count = counted.iter().map(|(_, count)| count).sum();
        let sum = float(sum.load(Ordering::Relaxed)) / ranges.unit;
        encoder.encode_histogram::<NoLabelSet>(sum, count, &counted, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

impl TypedMetric for Histogram {
    const TYPE: MetricType = MetricType::Histogram;
}

/// A number as Prometheus has it: in the nearest float.
#[expect(clippy::cast_precision_loss, reason = "Prometheus knows floats alone")]
#[must_use]
pub const fn float(number: u64) -> f64 {
    number as f64
}

/// A figure that is asked for when somebody looks.
struct Asked {
    kind: MetricType,
    name: &'static str,
    help: &'static str,
    value: Box<dyn Fn() -> Option<f64> + Send + Sync>,
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Collector for Asked {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(value) = (self.value)() else { return Ok(()) };
        // as the registry writes those that it has itself
        let help = format!("{}.", self.help);
        let encoder = encoder.encode_descriptor(self.name, &help, None, self.kind)?;
        match self.kind {
            MetricType::Counter => ConstCounter::new(value).encode(encoder),
            _ => ConstGauge::new(value).encode(encoder),
        }
    }
}

/// Adds how many bytes a cache holds, by its own reckoning, and how many things, as `_bytes` and `_entries` behind this name.
pub fn register_cache<K, V, S>(registry: &Registry, name: &str, things: &str, cache: &Cache<K, V, S>)
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    S: BuildHasher + Clone + Send + Sync + 'static,
{
    let bytes = registry.gauge(&format!("{name}_bytes"), &format!("{things}, in bytes of memory"));
    let entries = registry.gauge(&format!("{name}_entries"), things);
    let cache = cache.clone();
    registry.freshen(move || {
        let (cache, bytes, entries) = (cache.clone(), bytes.clone(), entries.clone());
        async move {
            cache.run_pending_tasks().await;
            bytes.set(i64::try_from(cache.weighted_size()).unwrap_or(i64::MAX));
            entries.set(i64::try_from(cache.entry_count()).unwrap_or(i64::MAX));
        }
    });
}

/// Adds what is known of the program and its process, as far as the system tells it.
pub fn register_process(registry: &Registry) {
    registry.text_of("romdex_build", "The program", "version", env!("CARGO_PKG_VERSION"));
    registry.asked_gauge(
        "process_resident_memory_bytes",
        "Memory of the process that is in use",
        resident_bytes,
    );
    registry.asked_counter(
        "process_cpu_seconds",
        "Time that the process has had on processors",
        processor_seconds,
    );
    registry.asked_gauge(
        "process_open_fds",
        "Files and sockets that the process has open",
        || {
            let open = std::fs::read_dir("/proc/self/fd").ok()?.count();
            // one of them is the folder that was just read
            u32::try_from(open).ok()?.checked_sub(1).map(f64::from)
        },
    );
}

/// What the kernel says of this process's memory.
fn resident_bytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u32 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(f64::from(kibibytes) * 1024.0)
}

/// What the kernel says of this process's time, in its own code and in the kernel's.
fn processor_seconds() -> Option<f64> {
    /// In what Linux tells times to programs, on every machine.
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // the second field is the program's name in parentheses, with anything in it
    let fields = stat.get(stat.rfind(')')? + 1..)?;
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: Vec<u32> = ticks.map_while(|field| field.parse().ok()).collect();
    match ticks.as_slice() {
        [own, kernel] => Some((f64::from(*own) + f64::from(*kernel)) / TICKS_PER_SECOND),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, lines: &[&str]) {
        for line in lines {
            assert!(text.lines().any(|written| written == *line), "{line} in {text}");
        }
    }

    #[tokio::test]
    async fn figures_are_written_as_prometheus_reads_them() {
        let registry = Registry::default();
        let [first, _] = registry.counters("romdex_things", "Things", "kind", ["a", "b"]);
        first.inc_by(3);
        registry.gauge("romdex_level", "A level").set(-2);
        let named = registry.named_gauges("romdex_sources", "By source", ["source"]);
        registry.freshen(move || {
            named.show([(["x\"y".to_owned()], 7)]);
            std::future::ready(())
        });
        registry.asked_gauge("romdex_asked", "Asked", || Some(1.5));
        registry.asked_counter("romdex_counted", "Counted", || Some(2.5));
        registry.asked_gauge("romdex_unknown", "Unknown", || None);
        let grid = registry.grid("romdex_cells", "Cells", ("row", ["a", "b"]), ("column", ["x", "y"]));
        grid.count(1, 0);
        grid.count(1, 0);
        grid.count(2, 0);
        let text = registry.text().await;
        let lines = [
            "# HELP romdex_things Things.",
            "# TYPE romdex_things counter",
            "romdex_things_total{kind=\"a\"} 3",
            "romdex_things_total{kind=\"b\"} 0",
            "romdex_level -2",
            "romdex_sources{source=\"x\\\"y\"} 7",
            "# HELP romdex_asked Asked.",
            "romdex_asked 1.5",
            "# TYPE romdex_counted counter",
            "romdex_counted_total 2.5",
            "romdex_cells_total{row=\"b\",column=\"x\"} 2",
            "# EOF",
        ];
        check(&text, &lines);
        assert!(!text.contains("unknown"), "{text}");
        assert_eq!(text.matches("romdex_cells_total").count(), 1, "{text}");
    }

    #[tokio::test]
    async fn numbers_are_counted_up_to_their_bounds() {
        let registry = Registry::default();
        let [durations] = registry.durations("romdex_seconds", "Seconds", "of", ["x"]);
        for microseconds in [50, 51, 1_000, 1_000, 9_000_000] {
            durations.observe_duration(Duration::from_micros(microseconds));
        }
        let cost = registry.histogram("romdex_cost", "Cost", Scale::Numbers);
        for number in [0, 1, 2, 10, 40_000] {
            cost.observe(number);
        }
        let lines = [
            "romdex_seconds_sum{of=\"x\"} 9.002101",
            "romdex_seconds_count{of=\"x\"} 5",
            "romdex_seconds_bucket{le=\"0.0001\",of=\"x\"} 2",
            "romdex_seconds_bucket{le=\"0.001\",of=\"x\"} 4",
            "romdex_seconds_bucket{le=\"5.0\",of=\"x\"} 4",
            "romdex_seconds_bucket{le=\"+Inf\",of=\"x\"} 5",
            "romdex_cost_sum 40013.0",
            "romdex_cost_bucket{le=\"1.0\"} 2",
            "romdex_cost_bucket{le=\"10.0\"} 4",
            "romdex_cost_bucket{le=\"30000.0\"} 4",
            "romdex_cost_bucket{le=\"+Inf\"} 5",
        ];
        check(&registry.text().await, &lines);
    }

    #[test]
    fn the_process_knows_itself() {
        if std::path::Path::new("/proc/self/status").exists() {
            assert!(resident_bytes().unwrap() > 1e6);
            assert!(processor_seconds().unwrap() >= 0.0);
        }
    }
}
