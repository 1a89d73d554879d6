//! Figures as `/metrics` shows them, read by the rules of `OpenMetrics`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// All that was shown at once.
pub struct Figures {
    /// By name and labels, as they are written.
    values: BTreeMap<String, f64>,
    texts: BTreeMap<String, String>,
}

impl fmt::Debug for Figures {
    /// What is not nothing, and no range of a histogram.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self
            .texts
            .iter()
            .filter(|(series, text)| *text != "0" && !series.contains("_bucket{"));
        f.debug_map().entries(shown).finish()
    }
}

impl Figures {
    /// Reads them.
    pub async fn of(url: &str) -> Self {
        let answer = super::server::client().get(url).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(
            header("content-type"),
            "application/openmetrics-text; version=1.0.0; charset=utf-8"
        );
        assert_eq!(header("cache-control"), "no-store");
        Self::read(&answer.text().await.unwrap())
    }

    /// Reads a text; panics where it breaks a rule.
    pub fn read(text: &str) -> Self {
        let body = text.strip_suffix("# EOF\n").expect("it ends with # EOF");
        let (mut values, mut texts) = (BTreeMap::new(), BTreeMap::new());
        let mut kinds: BTreeMap<&str, &str> = BTreeMap::new();
        let mut helps = BTreeSet::new();
        let mut family = "";
        let mut buckets: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
        for line in body.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').expect("a help");
                assert!(helps.insert(name), "{line} comes twice");
                assert!(help.ends_with('.') && !help.ends_with(".."), "{line}");
                family = name;
                continue;
            }
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect("a type");
                assert_eq!(name, family, "help and type stand together");
                assert!(is_name(name) && kinds.insert(name, kind).is_none(), "{line}");
                assert!(!(kind == "counter" && name.ends_with("_total")), "{line}");
                continue;
            }
            let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line:?} is nothing"));
            let (name, labels) = split(series);
            let kind = kinds[family];
            let suffix = name.strip_prefix(family);
            let suffix = suffix.unwrap_or_else(|| panic!("{line} does not belong to {family}"));
            let suffixes: &[&str] = match kind {
                "counter" => &["_total"],
                "gauge" => &[""],
                "histogram" => &["_bucket", "_sum", "_count"],
                "info" => &["_info"],
                _ => panic!("{family} is a {kind}"),
            };
            assert!(suffixes.contains(&suffix), "{line} is no {kind}");
            texts.insert(series.to_owned(), value.to_owned());
            let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line} has no number"));
            assert!(kind == "gauge" || value >= 0.0, "{line}");
            let names: BTreeSet<_> = labels.iter().map(|label| &label.0).collect();
            assert_eq!(names.len(), labels.len(), "{line} says something twice");
            if suffix == "_bucket" {
                let mut rest = labels.clone();
                let at = rest
                    .iter()
                    .position(|label| label.0 == "le")
                    .expect("a bucket has an end");
                let end: f64 = rest.remove(at).1.replace("+Inf", "inf").parse().unwrap();
                buckets
                    .entry(format!("{family} {rest:?}"))
                    .or_default()
                    .push((end, value));
            }
            if suffix == "_count" {
                buckets
                    .entry(format!("{family} {labels:?} count"))
                    .or_default()
                    .push((0.0, value));
            }
            assert!(values.insert(series.to_owned(), value).is_none(), "{line} comes twice");
        }
        for (of, counts) in &buckets {
            if of.ends_with(" count") {
                continue;
            }
            let grow = counts
                .windows(2)
                .all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
            let (end, all) = counts[counts.len() - 1];
            assert!(grow && end == f64::INFINITY, "{of} {counts:?}");
            assert_eq!(
                buckets[&format!("{of} count")][0].1.total_cmp(&all),
                std::cmp::Ordering::Equal,
                "{of}"
            );
        }
        Self { values, texts }
    }

    /// A figure; 0 where it is not shown.
    pub fn get(&self, series: &str) -> f64 {
        self.values.get(series).copied().unwrap_or_default()
    }

    /// A figure as it is written; 0 where it is not shown.
    pub fn shown(&self, series: &str) -> &str {
        self.texts.get(series).map_or("0", String::as_str)
    }

    /// Everything that is shown, by name and labels.
    pub fn series(&self) -> BTreeSet<&str> {
        self.values.keys().map(String::as_str).collect()
    }

    /// The counters that have changed since, and by how much. How long things took, and what the process needs, is left out.
    pub fn since(&self, before: &Self) -> BTreeMap<&str, f64> {
        let changes = self
            .values
            .iter()
            .map(|(series, value)| (series.as_str(), value - before.get(series)));
        changes
            .filter(|(series, change)| *change != 0.0 && series.split('{').next().unwrap().ends_with("_total"))
            .filter(|(series, _)| !series.starts_with("process_"))
            .collect()
    }
}

/// The name and the labels of a series.
fn split(series: &str) -> (&str, Vec<(String, String)>) {
    let Some((name, rest)) = series.split_once('{') else {
        assert!(is_name(series), "{series}");
        return (series, Vec::new());
    };
    assert!(is_name(name), "{series}");
    let mut rest = rest.strip_suffix('}').expect("labels end");
    let mut labels = Vec::new();
    while !rest.is_empty() {
        let (label, value) = rest.split_once("=\"").expect("a label has a value");
        assert!(is_name(label) && !label.contains(':'), "{series}");
        let (mut text, mut is_escaped, mut end) = (String::new(), false, None);
        for (at, c) in value.char_indices() {
            match c {
                _ if is_escaped => {
                    assert!(matches!(c, '\\' | '"' | 'n'), "{series}");
                    text.push(c);
                    is_escaped = false;
                }
                '\\' => is_escaped = true,
                '"' => {
                    end = Some(at);
                    break;
                }
                c => text.push(c),
            }
        }
        labels.push((label.to_owned(), text));
        rest = &value[end.expect("a value ends") + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    (name, labels)
}

fn is_name(text: &str) -> bool {
    let is_first = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | ':');
    text.starts_with(is_first) && text.chars().all(|c| is_first(c) || c.is_ascii_digit())
}
