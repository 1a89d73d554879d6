//! Every question against a plain model: random catalogues, random filters, and lists walked page by page.

use std::collections::BTreeSet;

use entity::value::{Branch, Codename, OperatingSystem, PackageType, Region, Version};
use proptest::{prelude::*, sample::subsequence};

use super::{
    Day, Days, Direction, Filter, LatestBy, PackageAt, PackageField, Page, ReleaseAt, ReleaseField, Scope, Set,
    Snapshot, Take, Window,
    fixture::{Row, row, snapshot, snapshot_shifted},
};

const VARIANTS: [&str; 6] = [
    "alioth",
    "alioth_eea_global",
    "alioth_global",
    "sweet_global",
    "sweet_k6a_global",
    "sweetin_in_global",
];
const VERSIONS: [&str; 6] = [
    "V12.5.9.0.RKHMIXM",
    "V12.5.10.0.RKHMIXM",
    "7.12.28",
    "OS1.0.4.0.UNAMIXM",
    "OS2.0.1.0.VNAMIXM",
    "V13.0.1.0.DEV",
];
const DAYS: [&str; 5] = ["2021-01-01", "2021-01-02", "2022-06-30", "2023-12-31", "2024-02-29"];
const ANDROIDS: [&str; 3] = ["7.1", "13.0", "7.0"];

fn rows(most: usize) -> impl Strategy<Value = Vec<Row>> {
    let one = (
        prop::sample::select(&VARIANTS[..]),
        prop::sample::select(&VERSIONS[..]),
        prop::sample::select(PackageType::ALL),
        prop::option::weighted(0.8, prop::sample::select(&DAYS[..])),
        prop::option::of(prop::sample::select(&ANDROIDS[..])),
        prop::option::of(1_i64..4),
        0..3_u8,
    );
    prop::collection::vec(one, 0..most).prop_map(|rows| {
        let mut seen = BTreeSet::new();
        let row = |(variant, version, r#type, day, android, size, copy): (
            &'static str,
            &'static str,
            PackageType,
            _,
            _,
            Option<i64>,
            u8,
        )| Row {
            branch: Branch::settle(
                &version.parse().unwrap(),
                [if version.contains(".4.") {
                    Branch::StableBeta
                } else {
                    Branch::Stable
                }],
            ),
            r#type,
            day,
            android,
            size,
            filename: format!("{copy}_{type}_{variant}_{version}.zip"),
            ..row(variant, version, "")
        };
        rows.into_iter()
            .map(row)
            .filter(|row| seen.insert(row.filename.clone()))
            .collect()
    })
}

fn some<T: Clone + std::fmt::Debug + 'static>(values: Vec<T>) -> impl Strategy<Value = Option<Vec<T>>> {
    let count = values.len();
    prop::option::weighted(0.3, subsequence(values, 0..=count))
}

fn owned(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

fn filter() -> impl Strategy<Value = Filter> {
    let enums = (
        some(OperatingSystem::ALL.to_vec()),
        some(Branch::ALL.to_vec()),
        some(vec![Region::China, Region::Global, Region::Eea, Region::India]),
        some(PackageType::ALL.to_vec()),
    );
    let texts = (
        some(owned(&["ALIOTH", "alioth_eea_global", "sweet", "nothing"])),
        some(owned(&VERSIONS[..3])),
        prop::option::weighted(0.2, prop::sample::select(&["V12.5.", "os", "V1", "x"][..])),
        some(owned(&["7", "13", "7.1", "8"])),
        prop::option::weighted(0.3, (prop::option::of(0..5_usize), prop::option::of(0..5_usize))),
    );
    (enums, texts).prop_map(
        |((os, branch, region, r#type), (device, version, prefix, android, days))| Filter {
            device,
            os: os.map(Set::from_iter),
            branch: branch.map(Set::from_iter),
            region: region.map(Set::from_iter),
            r#type: r#type.map(Set::from_iter),
            version,
            version_prefix: prefix.map(str::to_owned),
            android,
            released_on: days.map(|(from, to)| Days {
                from: from.and_then(|day| Day::parse(DAYS[day])),
                to: to.and_then(|day| Day::parse(DAYS[day])),
            }),
            ..Filter::default()
        },
    )
}

/// Whether a row matches, said as plainly as can be.
fn matches(filter: &Filter, row: &Row) -> bool {
    let codename: Codename = row.variant.parse().unwrap();
    let version: Version = row.version.parse().unwrap();
    let region = codename.region().unwrap().unwrap_or(Region::China);
    let bases = ["alioth", "sweet"];
    let named = |name: &String| {
        let name = name.to_lowercase();
        if bases.contains(&name.as_str()) {
            codename.base().as_str() == name
        } else {
            row.variant == name
        }
    };
    let android = |wanted: &String| {
        row.android
            .is_some_and(|known| known == wanted || known.split('.').next() == Some(wanted))
    };
    let day = row.day.and_then(Day::parse);
    filter.device.as_ref().is_none_or(|names| names.iter().any(named))
        && filter.os.is_none_or(|os| os.contains(OperatingSystem::of(&version)))
        && filter.branch.is_none_or(|branch| branch.contains(row.branch))
        && filter.region.is_none_or(|regions| regions.contains(region))
        && filter.r#type.is_none_or(|types| types.contains(row.r#type))
        && filter
            .version
            .as_ref()
            .is_none_or(|versions| versions.iter().any(|wanted| wanted == row.version))
        && filter
            .version_prefix
            .as_ref()
            .is_none_or(|prefix| row.version.to_lowercase().starts_with(&prefix.to_lowercase()))
        && filter
            .android
            .as_ref()
            .is_none_or(|versions| versions.iter().any(android))
        && filter.released_on.is_none_or(|days| days.contain(day))
}

fn filenames(snapshot: &Snapshot, page: &[PackageAt]) -> Vec<String> {
    page.iter()
        .map(|at| snapshot.text(snapshot.package(*at).filename).to_owned())
        .collect()
}

/// Walks a whole list in pages, forwards and backwards.
fn walk<P: Copy, K: Clone>(
    size: usize,
    page: impl Fn(&Window<K>) -> Page<P>,
    key: impl Fn(P) -> K,
) -> (Vec<P>, Vec<P>) {
    let (mut forwards, mut after) = (Vec::new(), None);
    loop {
        let found = page(&Window {
            after: after.clone(),
            before: None,
            take: Take::First(size),
        });
        assert_eq!(found.has_previous, !forwards.is_empty());
        forwards.extend(&found.rows);
        after = found.rows.last().map(|row| key(*row));
        if !found.has_next {
            break;
        }
    }
    let (mut backwards, mut before) = (Vec::new(), None);
    loop {
        let found = page(&Window {
            after: None,
            before: before.clone(),
            take: Take::Last(size),
        });
        assert_eq!(found.has_next, !backwards.is_empty());
        before = found.rows.first().map(|row| key(*row));
        backwards.splice(0..0, found.rows);
        if !found.has_previous {
            break;
        }
    }
    (forwards, backwards)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn packages_are_those_that_match_in_order_in_every_page(rows in rows(40), filter in filter(), size in 1_usize..6) {
        let snapshot = snapshot(&rows);
        let selection = snapshot.select_packages(Scope::Catalogue, &filter);
        let expected: Vec<&Row> = rows.iter().filter(|row| matches(&filter, row)).collect();
        prop_assert_eq!(snapshot.count_packages(&selection), expected.len());
        let facets = snapshot.facets_of_packages(&selection);
        for (r#type, count) in &facets.r#type {
            prop_assert_eq!(expected.iter().filter(|row| row.r#type == *r#type).count(), *count);
        }
        prop_assert_eq!(facets.branch.iter().map(|(_, count)| count).sum::<usize>(), expected.len());
        for field in [PackageField::ReleasedOn, PackageField::Version, PackageField::Size] {
            for direction in [Direction::Ascending, Direction::Descending] {
                let down = direction == Direction::Descending;
                let mut sorted = expected.clone();
                let key = |row: &Row| match field {
                    PackageField::ReleasedOn => row.day.map(str::to_owned).map(|day| (day, None)),
                    PackageField::Version => Some((String::new(), Some(row.version.parse::<Version>().unwrap().key()))),
                    PackageField::Size => row.size.map(|size| (size.to_string(), None)),
                };
                sorted.sort_by(|a, b| {
                    let (key_a, key_b) = (key(a), key(b));
                    let order = key_b.cmp(&key_a).then(a.filename.cmp(&b.filename));
                    let order = if down { order } else { order.reverse() };
                    key_a.is_none().cmp(&key_b.is_none()).then(order)
                });
                let sorted: Vec<String> = sorted.iter().map(|row| row.filename.clone()).collect();
                let (forwards, backwards) = walk(
                    size,
                    |window| snapshot.page_of_packages(&selection, field, direction, window),
                    |at| snapshot.package_key(field, at),
                );
                prop_assert_eq!(&filenames(&snapshot, &forwards), &sorted);
                prop_assert_eq!(&filenames(&snapshot, &backwards), &sorted);
            }
        }
    }

    #[test]
    fn a_release_matches_when_one_of_its_packages_does(rows in rows(40), filter in filter(), size in 1_usize..6) {
        let snapshot = snapshot(&rows);
        let expected: BTreeSet<(&str, &str)> = rows.iter().filter(|row| matches(&filter, row)).map(|row| (row.variant, row.version)).collect();
        let selection = snapshot.select_releases(Scope::Catalogue, &filter);
        prop_assert_eq!(snapshot.count_releases(&selection), expected.len());
        for field in [ReleaseField::ReleasedOn, ReleaseField::Version] {
            for direction in [Direction::Ascending, Direction::Descending] {
                let (forwards, backwards) = walk(
                    size,
                    |window| snapshot.page_of_releases(&selection, field, direction, window),
                    |at| snapshot.release_key(field, at),
                );
                prop_assert_eq!(&forwards, &backwards);
                prop_assert_eq!(forwards.len(), expected.len());
                let key = |at: &ReleaseAt| {
                    let release = snapshot.release(*at);
                    (snapshot.text(snapshot.variant(release.variant).codename), snapshot.version(release.version))
                };
                let found: BTreeSet<(&str, &str)> = forwards.iter().map(key).collect();
                prop_assert_eq!(&found, &expected);
            }
        }
        for device in snapshot.devices() {
            let scoped = snapshot.select_releases(Scope::Device(device), &filter);
            let expected = expected.iter().filter(|(variant, _)| snapshot.find_device(variant) == Some(device)).count();
            prop_assert_eq!(snapshot.count_releases(&scoped), expected);
        }
    }

    #[test]
    fn the_newest_are_the_newest_of_each_group(rows in rows(60), filter in filter(), by_date in any::<bool>()) {
        let snapshot = snapshot(&rows);
        let by = if by_date { LatestBy::ReleasedOn } else { LatestBy::Version };
        let found = filenames(&snapshot, &snapshot.latest(Scope::Catalogue, &filter, by));
        let age = |row: &Row| {
            let version = row.version.parse::<Version>().unwrap().key();
            if by_date { (row.day.map(str::to_owned), version, None) } else { (None, version, row.day) }
        };
        let mut expected: Vec<&Row> = Vec::new();
        for row in rows.iter().filter(|row| matches(&filter, row)) {
            if filter.r#type.is_none() && row.r#type == PackageType::Incremental {
                continue;
            }
            let group = |row: &Row| (row.variant, row.branch, row.r#type);
            match expected.iter_mut().find(|other| group(other) == group(row)) {
                Some(newest) if age(row).cmp(&age(newest)).then(newest.filename.cmp(&row.filename)).is_gt() => *newest = row,
                Some(_) => {}
                None => expected.push(row),
            }
        }
        expected.sort_by_key(|row| (row.variant, row.branch, row.r#type));
        let expected: Vec<String> = expected.iter().map(|row| row.filename.clone()).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn paging_over_a_changing_catalogue_neither_repeats_nor_skips_what_stays(
        states in prop::collection::vec(rows(40), 2..6),
        lasting in rows(30),
        size in 1_usize..5,
        down in any::<bool>(),
    ) {
        let direction = if down { Direction::Descending } else { Direction::Ascending };
        // What lasts is in every state, among rows that come and go, under other ids each time.
        let states: Vec<Snapshot> = states
            .into_iter()
            .enumerate()
            .map(|(place, others)| {
                let mut rows = lasting.clone();
                rows.extend(others.into_iter().filter(|row| lasting.iter().all(|other| other.filename != row.filename)));
                snapshot_shifted(&rows, i32::try_from(place).unwrap() * 13 + 1)
            })
            .collect();
        for field in [PackageField::ReleasedOn, PackageField::Version, PackageField::Size] {
            for forwards in [true, false] {
                let (mut seen, mut cursor) = (Vec::new(), None);
                for turn in 0.. {
                    let snapshot = &states[turn % states.len()];
                    let selection = snapshot.select_packages(Scope::Catalogue, &Filter::default());
                    let window = if forwards {
                        Window { after: cursor.take(), before: None, take: Take::First(size) }
                    } else {
                        Window { after: None, before: cursor.take(), take: Take::Last(size) }
                    };
                    let page = snapshot.page_of_packages(&selection, field, direction, &window);
                    let edge = if forwards { page.rows.last() } else { page.rows.first() };
                    cursor = edge.map(|at| snapshot.package_key(field, *at));
                    let mut names = filenames(snapshot, &page.rows);
                    if !forwards {
                        names.reverse();
                    }
                    seen.extend(names);
                    if cursor.is_none() || !if forwards { page.has_next } else { page.has_previous } {
                        break;
                    }
                }
                let stayed: Vec<&String> = seen.iter().filter(|name| lasting.iter().any(|row| row.filename == **name)).collect();
                let distinct: BTreeSet<&&String> = stayed.iter().collect();
                prop_assert_eq!(stayed.len(), distinct.len(), "something was repeated");
                prop_assert_eq!(distinct.len(), lasting.len(), "something was skipped");
            }
        }
    }
}
