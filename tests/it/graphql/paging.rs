//! Lists walked page by page while imports change the catalogue between the pages: what was there throughout comes once.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Api;
use crate::{
    import,
    support::database::{TestDatabase, on_every_database},
};

on_every_database!(walking_a_changing_list_neither_repeats_nor_skips_what_lasts);

/// A list, the orders it has, and where in a node that stands which identifies it.
const LISTS: [(&str, &[&str], &str, &[&str]); 5] = [
    (
        "packages",
        &["RELEASED_ON", "VERSION", "SIZE"],
        "filename",
        &["/filename"],
    ),
    (
        "releases",
        &["RELEASED_ON", "VERSION"],
        "version variant { codename }",
        &["/variant/codename", "/version"],
    ),
    ("devices", &["CODENAME", "NAME"], "codename", &["/codename"]),
    (
        "latestPackages",
        &[""],
        "type release { branch variant { codename } }",
        &["/release/variant/codename", "/release/branch", "/type"],
    ),
    (
        r#"device(codename: "steady") { packages"#,
        &["RELEASED_ON"],
        "filename",
        &["/filename"],
    ),
];

/// Packages that nobody imported yet.
struct Source {
    chance: Rng,
    count: u32,
}

impl Source {
    fn codename(&mut self) -> String {
        self.count += 1;
        let suffix = self.chance.choice(["", "_global", "_eea_global"]).unwrap();
        let letter = self.chance.alphabetic().to_ascii_lowercase();
        format!("{letter}phone{}{suffix}", self.count)
    }

    /// One more line of an export, of this variant; a new release, so that none that is there changes.
    fn line(&mut self, variant: &str) -> String {
        self.count += 1;
        let chance = &mut self.chance;
        let region = if variant.ends_with("_eea_global") {
            "EU"
        } else if variant.ends_with("_global") {
            "MI"
        } else {
            "CN"
        };
        let (major, minor, number) = (chance.u8(9..15), chance.u8(0..6), self.count);
        let version = format!("V{major}.{minor}.{number}.0.RKH{region}XM");
        let mut line = json!({
            "kind": "package",
            "filename": format!("{variant}_images_{version}_20200101.0000.00_11.0_{number:010x}.tgz"),
            "variant": variant,
            "version": version,
            "branch": "STABLE",
            "type": "FASTBOOT",
            "urls": [format!("https://example.com/{number}.tgz")],
        });
        if chance.u8(0..5) > 0 {
            let day = format!(
                "20{:02}-{:02}-{:02}",
                chance.u8(15..26),
                chance.u8(1..13),
                chance.u8(1..4)
            );
            line["releasedOn"] = json!(day);
        }
        if chance.u8(0..3) > 0 {
            line["size"] = json!(u64::from(chance.u8(1..5)) * 1_000_000_000);
        }
        line.to_string()
    }

    /// Some lines on variants that are there, and some on new ones; the steady device is always among them.
    fn lines(&mut self, known: &mut Vec<String>, count: usize) -> Vec<String> {
        let mut lines = vec![self.line("steady_global")];
        for _ in 1..count {
            let variant = if known.is_empty() || self.chance.bool() {
                let codename = self.codename();
                known.push(codename.clone());
                codename
            } else {
                self.chance.choice(known.iter()).unwrap().clone()
            };
            lines.push(self.line(&variant));
        }
        lines
    }
}

async fn take_in(api: &Api, database: &TestDatabase, lines: &[String]) {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("more.jsonl"), lines.join("\n")).unwrap();
    let report = import::import(database.connection(), &[folder.path()]).await;
    assert!(report.changed, "{report:?}");
    api.catalog.refresh().await.unwrap();
}

/// A page: what identifies its nodes, and the cursor to go on with.
async fn page(
    api: &Api,
    list: &(&str, &[&str], &str, &[&str]),
    arguments: &str,
    forwards: bool,
) -> (Vec<String>, Option<Value>) {
    let (field, _, node, identity) = list;
    let closing = "}".repeat(field.matches('{').count());
    let query = format!(
        "{{ list: {field}({arguments}) {{ nodes {{ {node} }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} {closing} }}"
    );
    let answer = api.ask(&query).await;
    let page = answer["list"].get("packages").unwrap_or(&answer["list"]);
    let identities = page["nodes"].as_array().unwrap().iter().map(|node| {
        let parts = identity
            .iter()
            .map(|place| node.pointer(place).unwrap().as_str().unwrap());
        parts.collect::<Vec<_>>().join(" ")
    });
    let info = &page["pageInfo"];
    let (more, edge) = if forwards {
        ("hasNextPage", "endCursor")
    } else {
        ("hasPreviousPage", "startCursor")
    };
    (identities.collect(), (info[more] == true).then(|| info[edge].clone()))
}

async fn walking_a_changing_list_neither_repeats_nor_skips_what_lasts(database: TestDatabase) {
    let api = Api::over(&database).await;
    let mut source = Source {
        chance: Rng::with_seed(20_261_123),
        count: 0,
    };
    let mut known = Vec::new();
    let first = source.lines(&mut known, 24);
    take_in(&api, &database, &first).await;
    for list in LISTS {
        for order in list.1 {
            for (direction, forwards) in [("ASC", true), ("DESC", true), ("ASC", false), ("DESC", false)] {
                let order_by = match *order {
                    "" if direction == "DESC" => continue,
                    "" => String::new(),
                    order => format!("orderBy: {{field: {order}, direction: {direction}}}, "),
                };
                let there = whole(&api, &list, &order_by).await;
                let (mut seen, mut cursor, mut pages) = (Vec::new(), None, 0);
                let size = there.len().div_ceil(4).max(1);
                loop {
                    let window = match (&cursor, forwards) {
                        (None, true) => format!("first: {size}"),
                        (None, false) => format!("last: {size}"),
                        (Some(cursor), true) => format!("first: {size}, after: {cursor}"),
                        (Some(cursor), false) => format!("last: {size}, before: {cursor}"),
                    };
                    let (identities, next) = page(&api, &list, &format!("{order_by}{window}"), forwards).await;
                    seen.extend(identities);
                    cursor = next;
                    pages += 1;
                    if cursor.is_none() {
                        break;
                    }
                    if pages < 5 {
                        let lines = source.lines(&mut known, 3);
                        take_in(&api, &database, &lines).await;
                    }
                }
                let mut times: BTreeMap<&String, usize> = BTreeMap::new();
                for identity in &seen {
                    *times.entry(identity).or_default() += 1;
                }
                let wrong: Vec<_> = there
                    .iter()
                    .filter(|identity| times.get(identity) != Some(&1))
                    .collect();
                assert!(pages > 2, "{}", list.0);
                assert_eq!(
                    wrong,
                    Vec::<&String>::new(),
                    "{} {order} {direction}, forwards: {forwards}",
                    list.0
                );
                assert!(
                    times.values().all(|times| *times == 1),
                    "{}: something came twice",
                    list.0
                );
            }
        }
    }
}

/// All of a list, as it is now.
async fn whole(api: &Api, list: &(&str, &[&str], &str, &[&str]), order_by: &str) -> BTreeSet<String> {
    let (mut all, mut after) = (BTreeSet::new(), String::new());
    loop {
        let (identities, next) = page(api, list, &format!("{order_by}first: 100{after}"), true).await;
        all.extend(identities);
        match next {
            Some(cursor) => after = format!(", after: {cursor}"),
            None => return all,
        }
    }
}
