//! Finding things by any text: what identifies them, how that starts, and how names are spelt.

use std::collections::BTreeMap;

use entity::value::Region;

use super::{
    filter::squeezed,
    snapshot::{DeviceAt, PackageAt, Place as _, ReleaseAt, Snapshot, VariantAt},
};

/// Something that was found. The order of the members is that in which equal hits are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Found {
    /// A device.
    Device(DeviceAt),
    /// A variant.
    Variant(VariantAt),
    /// A release.
    Release(ReleaseAt),
    /// A package.
    Package(PackageAt),
}

/// A hit, and how good it is: from 0 to 1, exact ones at 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// What was found.
    pub found: Found,
    /// How good it is.
    pub score: f64,
}

/// Names and codes of a snapshot, made ready to be searched.
#[derive(Debug, Default)]
pub(super) struct SearchIndex {
    /// Names of devices, squeezed, sorted.
    names: Vec<(String, DeviceAt)>,
    /// Which names have which three characters in a row, sorted.
    trigrams: Vec<([char; 3], u32)>,
    /// ROM codes in upper case, sorted.
    rom_codes: Vec<(String, VariantAt)>,
    /// The letters for device and region in versions (`KHEU`), sorted.
    codes: Vec<(String, VariantAt)>,
}

/// How many releases or packages are found by the start of a version or file name at most: the newest.
const MOST_BY_PREFIX: usize = 50;

/// How much of their three-character runs two names share at least to be alike.
const LEAST_LIKENESS: f64 = 0.4;

fn trigrams(name: &str) -> Vec<[char; 3]> {
    let padded: Vec<char> = std::iter::once('^')
        .chain(name.chars())
        .chain(std::iter::once('$'))
        .collect();
    let mut found: Vec<[char; 3]> = padded.windows(3).filter_map(|run| run.try_into().ok()).collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn starting<'a, T>(sorted: &'a [(String, T)], prefix: &str) -> &'a [(String, T)] {
    let start = sorted.partition_point(|entry| entry.0.as_str() < prefix);
    let rest = sorted.get(start..).unwrap_or(&[]);
    let end = rest.partition_point(|entry| entry.0.starts_with(prefix));
    rest.get(..end).unwrap_or(&[])
}

#[expect(clippy::cast_precision_loss, reason = "lengths of names are small")]
fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

impl SearchIndex {
    pub(super) fn new(snapshot: &Snapshot) -> Self {
        let mut names: Vec<(String, DeviceAt)> = snapshot
            .devices()
            .flat_map(|at| snapshot.device_names(at).map(move |name| (squeezed(name), at)))
            .filter(|(name, _)| !name.is_empty())
            .collect();
        names.sort_unstable();
        names.dedup();
        let mut runs: Vec<([char; 3], u32)> = names
            .iter()
            .zip(0..)
            .flat_map(|((name, _), place)| trigrams(name).into_iter().map(move |run| (run, place)))
            .collect();
        runs.sort_unstable();
        let mut rom_codes: Vec<(String, VariantAt)> = snapshot
            .variants()
            .filter_map(|at| Some((snapshot.text(snapshot.variant(at).rom_code?).to_ascii_uppercase(), at)))
            .collect();
        rom_codes.sort_unstable();
        let mut codes: Vec<(String, VariantAt)> = snapshot
            .releases()
            .filter_map(|at| {
                let row = snapshot.release(at);
                let (_, tail) = snapshot.version(row.version).rsplit_once('.')?;
                let code = tail.get(1..5).filter(|_| tail.len() == 7)?;
                Some((code.to_ascii_uppercase(), row.variant))
            })
            .collect();
        codes.sort_unstable();
        codes.dedup();
        Self {
            names,
            trigrams: runs,
            rom_codes,
            codes,
        }
    }
}

/// Hits under way: the best score of each.
#[derive(Default)]
struct Hits(BTreeMap<Found, f64>);

impl Hits {
    fn add(&mut self, found: Found, score: f64) {
        let best = self.0.entry(found).or_insert(score);
        *best = best.max(score);
    }
}

impl Snapshot {
    /// Everything that a text may mean, best first.
    #[must_use]
    pub fn search(&self, text: &str) -> Vec<Hit> {
        let text = text.trim();
        let mut hits = Hits::default();
        if !text.is_empty() {
            self.search_exact(text, &mut hits);
            self.search_prefixes(text, &mut hits);
            self.search_names(text, &mut hits);
        }
        let mut hits: Vec<Hit> = hits
            .0
            .into_iter()
            .map(|(found, score)| Hit {
                found,
                score: (score * 10_000.0).round() / 10_000.0,
            })
            .collect();
        hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.found.cmp(&b.found)));
        hits
    }

    fn search_exact(&self, text: &str, hits: &mut Hits) {
        if let Some(at) = self.find_package(text) {
            hits.add(Found::Package(at), 1.0);
        }
        if text.contains('/')
            && let Some(at) = self.find_url(text)
        {
            hits.add(Found::Package(at), 1.0);
        }
        if let Ok(md5) = text.parse()
            && let Some(at) = self.find_md5(md5)
        {
            hits.add(Found::Package(at), 1.0);
        }
        if let Ok(prefix) = text.parse() {
            for at in self.find_md5_prefix(prefix) {
                hits.add(Found::Package(at), 1.0);
                // What was taken from the ROM carries the same digits in its name, but they are not its own.
                self.derived(at).for_each(|at| hits.add(Found::Package(at), 0.95));
            }
        }
        if let Some(version) = self.find_version(text) {
            for at in self.owned.releases_of_version.of(version.number()) {
                hits.add(Found::Release(*at), 1.0);
            }
        }
        if let Some(at) = self.find_base(text) {
            hits.add(Found::Device(at), 1.0);
        }
        for at in self.find_variants(text) {
            hits.add(Found::Variant(*at), 1.0);
        }
        let code = text.to_ascii_uppercase();
        for list in [&self.search.rom_codes, &self.search.codes] {
            for whole in [Some(code.as_str()), code.strip_suffix("PRE")].into_iter().flatten() {
                let same = starting(list, whole).iter().take_while(|(known, _)| known == whole);
                same.for_each(|(_, at)| hits.add(Found::Variant(*at), 1.0));
            }
        }
    }

    fn search_prefixes(&self, text: &str, hits: &mut Hits) {
        let score = |whole: &str| 0.8 + 0.1 * ratio(text.len(), whole.len());
        let starts = |whole: &str| {
            whole
                .get(..text.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(text))
        };
        if text.len() < 2 {
            return;
        }
        for at in self.devices() {
            let codename = self.text(self.device(at).codename);
            if starts(codename) {
                hits.add(Found::Device(at), score(codename));
            }
        }
        let upper = text.to_ascii_uppercase();
        for (code, at) in starting(&self.search.rom_codes, &upper) {
            hits.add(Found::Variant(*at), score(code));
        }
        if text.len() < 4 {
            return;
        }
        let mut releases: Vec<ReleaseAt> = self
            .find_versions(text)
            .iter()
            .flat_map(|version| self.owned.releases_of_version.of(version.number()))
            .copied()
            .collect();
        releases.sort_unstable();
        for at in releases.into_iter().take(MOST_BY_PREFIX) {
            hits.add(Found::Release(at), score(self.version(self.release(at).version)));
        }
        let mut packages = self.find_packages(text).to_vec();
        packages.sort_unstable();
        for at in packages.into_iter().take(MOST_BY_PREFIX) {
            hits.add(Found::Package(at), score(self.text(self.package(at).filename)));
        }
    }

    fn search_names(&self, text: &str, hits: &mut Hits) {
        for (device, score) in self.named(text) {
            hits.add(Found::Device(device), score);
        }
        // "POCO F3 EEA" means the variant for that region.
        if let Some((name, region)) = split_region(text) {
            for (device, score) in self.named(name).into_iter().filter(|(_, score)| *score > 0.7) {
                for at in self.variants_of(device).filter(|at| self.variant(*at).region == region) {
                    hits.add(Found::Variant(at), score);
                }
                hits.add(Found::Device(device), score - 0.01);
            }
        }
        // Several names in one, as labels have them: "Redmi 9A / 9AT / 9i".
        if text.contains('/') && !text.contains("//") {
            let brand = text.split_whitespace().next().unwrap_or("");
            for part in text.split('/').map(str::trim).filter(|part| !part.is_empty()) {
                for name in [part.to_owned(), format!("{brand} {part}")] {
                    for (device, score) in self.named(&name).into_iter().filter(|(_, score)| *score > 0.98) {
                        hits.add(Found::Device(device), score - 0.01);
                    }
                }
            }
        }
    }

    /// Devices by their names: equal ones at 0.985 to 0.99, then those that start so, those that hold every word, and those spelt alike.
    fn named(&self, text: &str) -> Vec<(DeviceAt, f64)> {
        let wanted = squeezed(text);
        if wanted.is_empty() {
            return Vec::new();
        }
        let mut found = Vec::new();
        for (name, at) in starting(&self.search.names, &wanted) {
            let score = if *name == wanted {
                self.device_names(*at)
                    .map(|name| equality(name, text))
                    .fold(SAME_LETTERS, f64::max)
            } else {
                0.7 + 0.1 * ratio(wanted.len(), name.len())
            };
            found.push((*at, score));
        }
        let words: Vec<String> = text
            .split_whitespace()
            .map(squeezed)
            .filter(|word| !word.is_empty())
            .collect();
        let runs = trigrams(&wanted);
        let mut shared: BTreeMap<u32, usize> = BTreeMap::new();
        for run in &runs {
            let start = self.search.trigrams.partition_point(|entry| entry.0 < *run);
            for (_, name) in self
                .search
                .trigrams
                .iter()
                .skip(start)
                .take_while(|entry| entry.0 == *run)
            {
                *shared.entry(*name).or_default() += 1;
            }
        }
        for (place, count) in shared {
            let Some((name, at)) = self.search.names.get(place as usize) else {
                continue;
            };
            if wanted.len() >= 2 && (name.contains(&wanted) || words.iter().all(|word| name.contains(word.as_str()))) {
                found.push((*at, 0.6 + 0.1 * ratio(wanted.len().min(name.len()), name.len())));
            }
            let likeness = ratio(2 * count, runs.len() + name.chars().count());
            if likeness >= LEAST_LIKENESS {
                found.push((*at, 0.6 * likeness.min(1.0)));
            }
        }
        found
    }
}

/// The score of a name that has the letters and digits of the text, and nothing else of it.
const SAME_LETTERS: f64 = 0.985;

/// How well a name of the same letters and digits is the text: by its words, with its signs of plus ("Pro+" is not "Pro"), or no better
/// than any other.
fn equality(name: &str, text: &str) -> f64 {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let signed = |text: &str| -> String {
        let kept = text.chars().filter(|c| c.is_alphanumeric() || *c == '+');
        kept.flat_map(char::to_lowercase).collect()
    };
    if words(name) == words(text) {
        0.99
    } else if signed(name) == signed(text) {
        0.988
    } else {
        SAME_LETTERS
    }
}

/// A text's last word or two as a region, and what stands before.
fn split_region(text: &str) -> Option<(&str, Region)> {
    let ends = text
        .char_indices()
        .rev()
        .filter(|(_, c)| c.is_whitespace())
        .map(|(place, _)| place)
        .take(2);
    ends.filter_map(|end| {
        let (name, word) = text.split_at_checked(end)?;
        Some((name.trim(), Region::from_word(word.trim())?))
    })
    .last()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::fixture::{Row, row, snapshot};

    const MD5: &str = "540efd7cf5cbd00c7b53d6fe5ad50553";

    fn catalogue() -> Snapshot {
        snapshot(&[
            Row {
                md5: Some(MD5),
                md5_prefix: Some("540efd7cf5"),
                ..row("sweet_global", "V12.5.9.0.RKFMIXM", "2021-01-01")
            },
            row("sweet", "V12.5.9.0.RKFCNXM", "2021-01-02"),
            row("sweetin_in_global", "V12.5.1.0.RKFINXM", "2021-01-01"),
            row("sweet_k6a_global", "V14.0.2.0.RHGMIXM", "2021-01-01"),
            row("alioth_eea_global", "V12.5.4.0.RKHEUXM", "2021-01-01"),
            row("alioth", "V12.5.4.0.RKHCNXM", "2021-01-01"),
        ])
    }

    fn found(snapshot: &Snapshot, text: &str) -> Vec<(String, f64)> {
        let name = |found| match found {
            Found::Device(at) => format!("device {}", snapshot.text(snapshot.device(at).codename)),
            Found::Variant(at) => format!("variant {}", snapshot.text(snapshot.variant(at).codename)),
            Found::Release(at) => format!("release {}", snapshot.version(snapshot.release(at).version)),
            Found::Package(at) => format!("package {}", snapshot.text(snapshot.package(at).filename)),
        };
        snapshot
            .search(text)
            .into_iter()
            .map(|hit| (name(hit.found), hit.score))
            .collect()
    }

    #[test]
    fn what_identifies_something_finds_it_at_score_one() {
        let snapshot = catalogue();
        let filename = "miui_sweet_global_V12.5.9.0.RKFMIXM.zip";
        for (text, first) in [
            (filename, format!("package {filename}")),
            (
                &format!("https://example.org/a/{filename}"),
                format!("package {filename}"),
            ),
            (MD5, format!("package {filename}")),
            ("540EFD7CF5", format!("package {filename}")),
            ("v12.5.9.0.rkfmixm", "release V12.5.9.0.RKFMIXM".to_owned()),
            (" Sweet ", "device sweet".to_owned()),
            ("alioth_eea_global", "variant alioth_eea_global".to_owned()),
            ("ALIOTHEEAGLOBAL", "variant alioth_eea_global".to_owned()),
            ("aliotheeaglobalPRE", "variant alioth_eea_global".to_owned()),
            ("KHEU", "variant alioth_eea_global".to_owned()),
        ] {
            let found = found(&snapshot, text);
            assert_eq!(found.first(), Some(&(first, 1.0)), "{text}: {found:?}");
        }
    }

    #[test]
    fn names_are_found_however_they_are_spelt_and_siblings_stay_apart() {
        let snapshot = catalogue();
        for (text, first) in [
            ("redmi note10 pro", "device sweet"),
            ("Redmi Note 10 Pro", "device sweet"),
            ("redmi note 10 pro max", "device sweetin"),
            ("note 12 pro", "device sweet_k6a"),
            ("poco f3", "device alioth"),
            ("pocof3", "device alioth"),
            ("poco f3 eea", "variant alioth_eea_global"),
            ("redmi k40", "device alioth"),
            ("Redmi K40/POCO F3", "device alioth"),
            ("rdmi note 10 pro", "device sweet"),
        ] {
            let found = found(&snapshot, text);
            assert_eq!(
                found.first().map(|hit| hit.0.as_str()),
                Some(first),
                "{text}: {found:?}"
            );
            assert!(found.first().is_none_or(|hit| hit.1 < 1.0), "{text}");
        }
        let sweets = found(&snapshot, "sweet");
        let scores: Vec<f64> = sweets
            .iter()
            .filter(|hit| hit.0.starts_with("device"))
            .map(|hit| hit.1)
            .collect();
        assert!(
            scores.len() == 3 && scores[0] > scores[1] && scores[1] > scores[2],
            "{sweets:?}"
        );
    }

    #[test]
    fn nothing_is_found_by_nothing() {
        let snapshot = catalogue();
        for text in ["", "  ", "/", "//", "$$$", "qqqqqqqqqq", "🦀"] {
            assert_eq!(found(&snapshot, text), [], "{text}");
        }
    }
}
