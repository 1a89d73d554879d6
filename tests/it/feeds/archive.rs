//! The pages of a feed's archive.

use std::collections::BTreeSet;

use atom_syndication::Feed;
use serde_json::Value;

use super::{Card, add, client, get, header, json, stable, texts};
use crate::support::{
    database::{TestDatabase, on_every_database},
    server::TestServer,
};

on_every_database!(
    the_archive_is_walked_without_a_gap,
    a_full_page_stays_as_it_is_while_the_feed_grows,
    a_page_that_is_not_there_is_refused,
);

/// So many releases, a day each.
async fn releases(database: &TestDatabase, numbers: std::ops::Range<u32>) {
    let day = |number: u32| chrono::NaiveDate::from_yo_opt(2019, number + 1).unwrap();
    let card = |number| stable(number, day(number).to_string().leak());
    let cards: Vec<Card> = numbers.map(card).collect();
    add(database, "x", &cards).await;
}

async fn atom(server: &TestServer, address: &str) -> (Feed, String) {
    let response = client().get(address).send().await.unwrap();
    assert_eq!(response.status(), 200, "{address}");
    let text = response.text().await.unwrap();
    assert!(address.starts_with(&server.url("")), "{address}");
    (Feed::read_from(text.as_bytes()).unwrap(), text)
}

fn link(feed: &Feed, rel: &str) -> Option<String> {
    let mut links = feed.links().iter().filter(|link| link.rel() == rel);
    links.next().map(|link| link.href().to_owned())
}

async fn the_archive_is_walked_without_a_gap(database: TestDatabase) {
    releases(&database, 0..131).await;
    let server = TestServer::start(&database).await;
    let start = server.url("/feeds/atom?device=santoni&branch=STABLE");
    let (first, text) = atom(&server, &start).await;
    assert!(
        !text.contains("fh:archive/") && !text.contains("<fh:archive>"),
        "{text}"
    );
    assert_eq!(
        (link(&first, "self"), link(&first, "current")),
        (Some(start.clone()), None)
    );
    assert_eq!(link(&first, "next-archive"), None);
    let mut seen: BTreeSet<String> = first.entries().iter().map(|entry| entry.id().to_owned()).collect();
    assert_eq!(seen.len(), 50);
    let (mut previous, mut later, mut pages) = (link(&first, "prev-archive"), None, 0);
    while let Some(address) = previous {
        let (page, text) = atom(&server, &address).await;
        assert!(text.contains("<fh:archive>"), "{text}");
        assert_eq!(page.entries().len(), 50);
        assert_eq!(link(&page, "self"), Some(address.clone()));
        assert_eq!(link(&page, "current"), Some(start.clone()));
        assert_eq!(link(&page, "next-archive"), later);
        assert_eq!(page.id(), first.id());
        seen.extend(page.entries().iter().map(|entry| entry.id().to_owned()));
        (previous, later, pages) = (link(&page, "prev-archive"), Some(address), pages + 1);
    }
    assert_eq!((seen.len(), pages), (131, 2));

    let rss = get(&server, "/feeds/rss?archive=2").await.text().await.unwrap();
    assert!(
        rss.contains("<fh:archive>") && rss.contains("rel=\"prev-archive\""),
        "{rss}"
    );
    let mut feed = json(&server, "").await;
    let mut seen: BTreeSet<String> = texts(&feed, "id").into_iter().collect();
    while let Some(next) = feed["next_url"].as_str() {
        feed = client().get(next).send().await.unwrap().json().await.unwrap();
        seen.extend(texts(&feed, "id"));
    }
    assert_eq!(seen.len(), 131);
}

async fn a_full_page_stays_as_it_is_while_the_feed_grows(database: TestDatabase) {
    releases(&database, 0..101).await;
    let server = TestServer::start(&database).await;
    let before = get(&server, "/feeds/atom?archive=1").await;
    assert_eq!(header(&before, "cache-control"), "public, max-age=86400");
    let tag = header(&before, "etag").to_owned();
    let current = get(&server, "/feeds/atom").await;
    assert_eq!(
        header(&current, "cache-control"),
        "public, max-age=60, stale-while-revalidate=600"
    );

    releases(&database, 101..151).await;
    server.refresh().await;
    let after = get(&server, "/feeds/atom?archive=1").await;
    assert_eq!(header(&after, "etag"), tag);
    assert_ne!(
        header(&get(&server, "/feeds/atom").await, "etag"),
        header(&current, "etag")
    );
    let feed = Feed::read_from(after.text().await.unwrap().as_bytes()).unwrap();
    assert!(feed.entries().last().unwrap().title().contains("V10.2.0.0."));
}

async fn a_page_that_is_not_there_is_refused(database: TestDatabase) {
    releases(&database, 0..51).await;
    let server = TestServer::start(&database).await;
    for (query, said) in [
        ("?archive=2", "must be 1 to 1, is 2"),
        ("?archive=99999999999", "must be 1 to 1"),
        ("?archive=1&region=CHINA", "no archive yet"),
        ("?archive=-1", "from 1 on"),
    ] {
        let response = get(&server, &format!("/feeds/json{query}")).await;
        assert_eq!(response.status(), 400, "{query}");
        let answer: Value = response.json().await.unwrap();
        let message = answer["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains(said), "{query}: {message}");
    }
}
