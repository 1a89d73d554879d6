//! What feeds tell.

use atom_syndication::Feed;
use rss::Channel;
use serde_json::{Value, json};

use super::{CARD, Card, add, fastboot, get, header, json, seed, stable, texts, titles};
use crate::support::{
    database::{TestDatabase, on_every_database},
    server::{TestServer, settings},
};
use romdex::{
    graphql::limits::Limits,
    http::{Settings, settings::PublicUrl},
};

on_every_database!(
    every_format_tells_the_same_releases,
    a_release_has_its_files_as_enclosures,
    a_filter_admits_releases_by_their_files,
    what_cannot_be_obeyed_is_refused_with_a_code,
    markup_in_a_changelog_stays_text,
    an_id_outlives_corrections,
    a_promoted_release_comes_to_the_top_where_it_is_new,
    a_file_that_comes_later_is_new_only_where_it_is_the_first,
    a_calendar_has_a_day_for_each_release,
    a_feed_names_itself_by_the_servers_own_address,
    the_addresses_of_the_guide_are_answered,
);

const NOW: &str = "2026-08-22T18:14:11Z";

async fn every_format_tells_the_same_releases(database: TestDatabase) {
    seed(&database).await;
    let server = TestServer::start(&database).await;
    let feed = json(&server, "").await;
    let ids = texts(&feed, "id");
    assert_eq!(
        texts(&feed, "title"),
        [
            "Redmi 4X Global: MIUI 7.12.28 (Weekly)",
            "Redmi 4X China: MIUI 7.12.28 (Weekly)"
        ]
    );
    assert_eq!(
        texts(&feed, "date_published"),
        ["2017-12-28T00:00:00Z", "2017-12-27T00:00:00Z"]
    );

    let atom = get(&server, "/feeds/atom").await;
    assert_eq!(header(&atom, "content-type"), "application/atom+xml; charset=utf-8");
    let atom = Feed::read_from(atom.text().await.unwrap().as_bytes()).unwrap();
    let told: Vec<_> = atom.entries().iter().map(|entry| entry.id().to_owned()).collect();
    assert_eq!(told, ids);
    assert_eq!(
        atom.entries()[0].published().unwrap().to_rfc3339(),
        "2017-12-28T00:00:00+00:00"
    );
    assert_eq!(atom.updated().to_rfc3339(), "2017-12-28T00:00:00+00:00");

    let rss = get(&server, "/feeds/rss").await;
    assert_eq!(header(&rss, "content-type"), "application/rss+xml; charset=utf-8");
    let rss = Channel::read_from(rss.text().await.unwrap().as_bytes()).unwrap();
    let told: Vec<_> = rss
        .items()
        .iter()
        .map(|item| item.guid().unwrap().value().to_owned())
        .collect();
    assert_eq!(told, ids);
    assert_eq!(rss.items()[0].pub_date(), Some("Thu, 28 Dec 2017 00:00:00 +0000"));
    assert_eq!(
        rss.items()[0].description().unwrap(),
        feed["items"][0]["content_html"].as_str().unwrap()
    );

    let calendar = get(&server, "/feeds/calendar.ics").await;
    assert_eq!(header(&calendar, "content-type"), "text/calendar; charset=utf-8");
    let calendar = calendar.text().await.unwrap();
    for id in ids {
        assert!(calendar.contains(&format!("UID:{id}\r\n")), "{calendar}");
    }
}

async fn a_release_has_its_files_as_enclosures(database: TestDatabase) {
    seed(&database).await;
    let server = TestServer::start(&database).await;
    let feed = json(&server, "?region=GLOBAL").await;
    let item = &feed["items"][0];
    let recovery = "https://bigota.d.miui.com/7.12.28/miui_HM4XGlobal_7.12.28_540efd7cf5_7.1.zip";
    assert_eq!(
        item["attachments"],
        json!([
            {
                "url": recovery,
                "mime_type": "application/zip",
                "title": "miui_HM4XGlobal_7.12.28_540efd7cf5_7.1.zip",
                "size_in_bytes": 1_300_000_000_u64,
            },
            {
                "url": "https://bigota.d.miui.com/7.12.28/santoni_global_images_7.12.28_20171228.0000.00_7.1_global_8f4f84af64.tgz",
                "mime_type": "application/gzip",
                "title": "santoni_global_images_7.12.28_20171228.0000.00_7.1_global_8f4f84af64.tgz",
                "size_in_bytes": 1_800_000_000_u64,
            },
        ])
    );
    assert_eq!(item["_romdex"]["variant"], "santoni_global");
    assert_eq!(
        item["_romdex"]["packages"][0]["md5"],
        "540efd7cf5cbd00c7b53d6fe5ad50553"
    );
    let html = item["content_html"].as_str().unwrap();
    assert!(
        html.ends_with("<p>Changelog:</p>\n<p><b>Lockscreen</b></p>\n<ul>\n<li>Optimization - a second question before demo mode</li>\n</ul>"),
        "{html}"
    );

    let atom = get(&server, "/feeds/atom?region=GLOBAL").await.text().await.unwrap();
    let atom = Feed::read_from(atom.as_bytes()).unwrap();
    let links = atom.entries()[0].links();
    let enclosures: Vec<_> = links.iter().filter(|link| link.rel() == "enclosure").collect();
    assert_eq!(enclosures.len(), 2);
    assert_eq!(
        (enclosures[0].href(), enclosures[0].length()),
        (recovery, Some("1300000000"))
    );
    let rss = get(&server, "/feeds/rss?region=GLOBAL").await.text().await.unwrap();
    let rss = Channel::read_from(rss.as_bytes()).unwrap();
    let enclosure = rss.items()[0].enclosure().unwrap();
    assert_eq!((enclosure.url(), enclosure.length()), (recovery, "1300000000"));
}

async fn a_filter_admits_releases_by_their_files(database: TestDatabase) {
    seed(&database).await;
    let release = stable(1, "2019-01-01");
    add(&database, release.version, &[release]).await;
    let server = TestServer::start(&database).await;
    for (query, expected) in [
        ("", 3),
        ("?device=SANTONI", 3),
        ("?device=santoni_global", 2),
        ("?device=unknown_phone", 0),
        ("?region=china", 1),
        ("?region=CHINA&region=GLOBAL", 3),
        ("?region=CHINA,GLOBAL&type=FASTBOOT", 2),
        ("?branch=STABLE", 1),
        ("?os=HYPEROS", 0),
        ("?version=7.12.28&region=GLOBAL", 1),
        ("?versionPrefix=V10.", 1),
        ("?android=7", 3),
        ("?releasedOn.from=2017-12-28&releasedOn.to=2018-12-31", 2),
        ("?releasedOn.from=2017-12-28&releasedOn.to=2018-12-31&type=RECOVERY", 1),
        ("?securityPatch.from=2000-01-01", 0),
    ] {
        let feed = json(&server, query).await;
        assert_eq!(feed["items"].as_array().unwrap().len(), expected, "{query}");
    }
    let feed = json(&server, "?type=FASTBOOT&region=CHINA").await;
    assert_eq!(feed["items"][0]["attachments"].as_array().unwrap().len(), 1);
    assert_eq!(feed["title"], "Xiaomi ROMs: CHINA, FASTBOOT");
}

async fn what_cannot_be_obeyed_is_refused_with_a_code(database: TestDatabase) {
    let server = TestServer::start(&database).await;
    for format in ["atom", "rss", "json", "calendar.ics"] {
        for (query, argument, said) in [
            ("regoin=EEA", "regoin", "device, os, branch, region"),
            ("region=MARS", "region", "one of CHINA, GLOBAL, EEA"),
            ("device=a%20b", "device", "codenames"),
            ("releasedOn.from=soon", "releasedOn.from", "2024-05-31"),
            ("archive=1", "archive", ""),
        ] {
            let response = get(&server, &format!("/feeds/{format}?{query}")).await;
            assert_eq!(response.status(), 400, "{format} {query}");
            assert_eq!(header(&response, "content-type"), "application/json; charset=utf-8");
            assert_eq!(header(&response, "cache-control"), "no-store");
            let answer: Value = response.json().await.unwrap();
            let error = &answer["errors"][0];
            assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{format} {query}");
            assert_eq!(error["extensions"]["argument"], argument, "{format} {query}");
            assert!(error["message"].as_str().unwrap().contains(said), "{error}");
        }
        let long = format!("/feeds/{format}?device={}", "a,".repeat(10_000));
        let response = get(&server, &long).await;
        assert_eq!(response.status(), 414, "{format}");
    }
    let response = super::client().post(server.url("/feeds/atom")).send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), header(&response, "allow")),
        (405, "GET, HEAD")
    );
}

async fn markup_in_a_changelog_stays_text(database: TestDatabase) {
    let card = Card {
        changelog: "[Fix &lt;i&gt;]\nNo more &lt;script&gt;alert(1)&lt;/script&gt; &amp;amp; such",
        ..stable(1, "2019-01-01")
    };
    add(&database, card.version, &[card]).await;
    let server = TestServer::start(&database).await;
    let feed = json(&server, "").await;
    let html = feed["items"][0]["content_html"].as_str().unwrap();
    assert!(!html.contains("<script") && !html.contains("<i>"), "{html}");
    assert!(
        html.contains("<p><b>Fix &lt;i&gt;</b></p>\n<ul>\n<li>No more &lt;script&gt;alert(1)&lt;/script&gt;"),
        "{html}"
    );
}

async fn an_id_outlives_corrections(database: TestDatabase) {
    let card = Card {
        branch: "Stable Beta",
        ..stable(1, "2019-01-01")
    };
    add(&database, card.version, std::slice::from_ref(&card)).await;
    let server = TestServer::start(&database).await;
    let before = json(&server, "").await;
    let corrected = Card {
        branch: "Stable",
        date: "2018-12-31",
        label: "Redmi 4X / Redmi 4X Prime Global",
        md5: "0000000001aaaaaaaaaaaaaaaaaaaaaa",
        hosts: &["https://hugeota.d.miui.com"],
        ..card
    };
    add(&database, corrected.version, &[corrected]).await;
    server.refresh().await;
    let after = json(&server, "").await;
    assert_eq!(texts(&before, "id"), texts(&after, "id"));
    assert_ne!(texts(&before, "title"), texts(&after, "title"));
    assert_eq!(texts(&before, "date_modified"), ["2019-01-01T00:00:00Z"]);
    assert_eq!(texts(&after, "date_modified"), [NOW]);
    assert_eq!(after["items"][0]["_romdex"]["releasedOn"], "2018-12-31");
}

async fn a_promoted_release_comes_to_the_top_where_it_is_new(database: TestDatabase) {
    let beta = Card {
        branch: "Stable Beta",
        ..stable(1, "2019-01-01")
    };
    let newer = stable(2, "2019-06-01");
    add(&database, "a", &[beta.clone(), newer]).await;
    let server = TestServer::start(&database).await;
    assert_eq!(
        titles(&server, "?branch=STABLE").await,
        ["Redmi 4X Global: MIUI V10.2.2.0.NAMMIXM"]
    );
    let before = json(&server, "?branch=STABLE_BETA").await;

    let promoted = Card {
        branch: "Stable",
        ..beta
    };
    add(&database, "b", &[promoted]).await;
    server.refresh().await;
    let after = json(&server, "?branch=STABLE").await;
    assert_eq!(
        texts(&after, "title"),
        [
            "Redmi 4X Global: MIUI V10.2.1.0.NAMMIXM",
            "Redmi 4X Global: MIUI V10.2.2.0.NAMMIXM"
        ]
    );
    assert_eq!(after["items"][0]["date_published"], NOW);
    assert_eq!(after["items"][0]["id"], before["items"][0]["id"]);
    assert!(titles(&server, "?branch=STABLE_BETA").await.is_empty());
}

async fn a_file_that_comes_later_is_new_only_where_it_is_the_first(database: TestDatabase) {
    let (old, new) = (stable(1, "2019-01-01"), stable(2, "2019-06-01"));
    let new_fastboot = fastboot(&new, "2019-06-01");
    add(&database, "a", &[old.clone(), new, new_fastboot]).await;
    let server = TestServer::start(&database).await;
    let (all, by_fastboot) = ("", "?type=FASTBOOT");
    let names = |versions: &[u32]| -> Vec<String> {
        let name = |version: &u32| format!("Redmi 4X Global: MIUI V10.2.{version}.0.NAMMIXM");
        versions.iter().map(name).collect()
    };
    assert_eq!(titles(&server, all).await, names(&[2, 1]));
    assert_eq!(titles(&server, by_fastboot).await, names(&[2]));

    add(&database, "b", &[fastboot(&old, "2019-01-03")]).await;
    server.refresh().await;
    let feed = json(&server, all).await;
    assert_eq!(texts(&feed, "title"), names(&[2, 1]));
    assert_eq!(
        texts(&feed, "date_published"),
        ["2019-06-01T00:00:00Z", "2019-01-01T00:00:00Z"]
    );
    assert_eq!(texts(&feed, "date_modified"), ["2019-06-01T00:00:00Z", NOW]);
    let feed = json(&server, by_fastboot).await;
    assert_eq!(texts(&feed, "title"), names(&[1, 2]));
    assert_eq!(texts(&feed, "date_published"), [NOW, "2019-06-01T00:00:00Z"]);
}

async fn a_calendar_has_a_day_for_each_release(database: TestDatabase) {
    let undated = Card {
        date: "None",
        ..stable(2, "")
    };
    add(&database, "a", &[stable(1, "2019-01-01"), undated, CARD]).await;
    let server = TestServer::start(&database).await;
    let text = get(&server, "/feeds/calendar.ics").await.text().await.unwrap();
    let days: Vec<_> = text.lines().filter(|line| line.starts_with("DTSTART")).collect();
    assert_eq!(days, ["DTSTART;VALUE=DATE:20190101", "DTSTART;VALUE=DATE:20171228"]);
    assert!(text.starts_with("BEGIN:VCALENDAR\r\n") && text.ends_with("END:VCALENDAR\r\n"));
    assert!(
        text.contains("SUMMARY:Redmi 4X Global: MIUI V10.2.1.0.NAMMIXM\r\n"),
        "{text}"
    );
    assert!(text.lines().all(|line| line.len() <= 75), "{text}");
    let text = get(&server, "/feeds/calendar.ics?branch=WEEKLY")
        .await
        .text()
        .await
        .unwrap();
    assert_eq!(text.matches("BEGIN:VEVENT").count(), 1);
}

async fn a_feed_names_itself_by_the_servers_own_address(database: TestDatabase) {
    seed(&database).await;
    let server = TestServer::start(&database).await;
    let feed = json(&server, "?region=EEA").await;
    assert_eq!(feed["feed_url"], server.url("/feeds/json?region=EEA"));
    let known = Settings {
        public_url: PublicUrl::parse("https://roms.example.com/x/").unwrap(),
        ..settings()
    };
    let server = TestServer::start_with(&database, &known, Limits::default()).await;
    let ask = |host: &'static str| {
        super::client()
            .get(server.url("/feeds/json?region=EEA"))
            .header("host", host)
    };
    let feed: Value = ask("other.example.com").send().await.unwrap().json().await.unwrap();
    assert_eq!(feed["feed_url"], "https://roms.example.com/x/feeds/json?region=EEA");
    assert_eq!(feed["home_page_url"], "https://roms.example.com/x/");

    let server = TestServer::start(&database).await;
    let ask = |host: &'static str| super::client().get(server.url("/feeds/json")).header("host", host);
    let feed: Value = ask("other.example.com").send().await.unwrap().json().await.unwrap();
    assert_eq!(feed["feed_url"], "http://other.example.com/feeds/json");
    for host in ["user@other.example.com", "other.example.com/x", "\"><script>"] {
        let response = ask(host).send().await.unwrap();
        assert_eq!(response.status(), 400, "{host}");
    }
}

/// What docs/bots.md tells people to fetch from a server of their own.
async fn the_addresses_of_the_guide_are_answered(database: TestDatabase) {
    let guide = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/bots.md")).unwrap();
    let server = TestServer::start(&database).await;
    let fetched = guide.split("http://127.0.0.1:8000/").skip(1);
    let told = fetched.map(|rest| rest.split(['\'', '"', '`', ' ', '\n']).next().unwrap());
    let listed = guide.split("| `/").skip(1).map(|rest| rest.split('`').next().unwrap());
    let addresses: Vec<String> = told
        .chain(listed)
        .filter(|path| path.starts_with("feeds/"))
        .map(|path| format!("/{path}"))
        .collect();
    assert_eq!(addresses.len(), 7, "{addresses:?}");
    for address in addresses {
        assert_eq!(get(&server, &address).await.status(), 200, "{address}");
    }
}
