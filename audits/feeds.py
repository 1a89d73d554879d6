"""Feeds and drop-in files, read by the libraries and in the ways in which people read them, and checked against schemas."""

import datetime
import email.utils
import json
import os
import pathlib
import re
import urllib.error
import urllib.parse
import urllib.request

import feedparser
import icalendar
import jsonschema
import yaml
from lxml import etree, html

HERE = pathlib.Path(__file__).parent
QUERIES = [
    "",
    "?device=alioth",
    "?device=alioth&region=EEA&branch=STABLE&type=RECOVERY",
    "?os=HYPEROS,MIUI&branch=STABLE_BETA&branch=PUBLIC_BETA",
    "?region=GUATEMALA",
]
ALLOWED = {"div": set(), "p": set(), "ul": set(), "li": set(), "b": set(), "code": set(), "br": set(), "a": {"href"}}
failures = []


def check(holds, *said):
    if not holds:
        failures.append(" ".join(map(str, said)))


def fetch(url, **headers):
    """Status, headers and body of an answer."""
    request = urllib.request.Request(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def body(url, media_type):
    status, headers, content = fetch(url)
    check(status == 200, url, status)
    check(headers.get_content_type() == media_type, url, headers["content-type"])
    again, _, nothing = fetch(url, if_none_match=headers["etag"])
    check(again == 304 and not nothing, url, "If-None-Match", again)
    again, _, nothing = fetch(url, if_modified_since=headers["last-modified"])
    check(again == 304 and not nothing, url, "If-Modified-Since", again)
    return content


def is_safe(markup, url):
    """Whether HTML holds nothing but what feeds are made of."""
    for element in html.fragment_fromstring(markup, create_parent="div").iter():
        allowed = ALLOWED.get(element.tag)
        check(allowed is not None and set(element.keys()) <= allowed, url, "has", element.tag, element.keys())
        check(element.get("href", "https://").startswith(("https://", "http://")), url, "links to", element.get("href"))


def parse(content, url):
    """A feed as feedparser reads it, without anything wrong in it."""
    feed = feedparser.parse(content, sanitize_html=False, resolve_relative_uris=False)
    check(not feed.bozo, url, feed.get("bozo_exception"))
    return feed


def schema(name):
    return etree.RelaxNG(etree.parse(HERE / "schemas" / name))


def xml_feed(server, path, query, media_type, validator):
    """Reads a feed with its whole archive; the ids of its entries, newest first."""
    url, current, ids, pages = f"{server}{path}{query}", None, [], 0
    while url:
        content = body(url, media_type)
        check(validator.validate(etree.fromstring(content)), url, validator.error_log)
        feed = parse(content, url)
        links = {link.rel: link.href for link in feed.feed.links}
        check(fetch(links["self"])[2] == content, url, "is another feed than", links["self"])
        current = current or links["self"]
        check((b"fh:archive" in content.replace(b"xmlns:fh", b"")) == (pages > 0), url, "fh:archive")
        check(links.get("current", current) == current, url, "current", links.get("current"))
        check(len(feed.entries) == 50 or pages == 0, url, len(feed.entries), "entries")
        for entry in feed.entries:
            check(entry.id.startswith("urn:uuid:") and entry.title and entry.link, url, entry.id)
            check(entry.get("published_parsed"), url, entry.id, "published")
            check(entry.enclosures, url, entry.id, "enclosures")
            check(all(file.href.startswith("http") and file.type for file in entry.enclosures), url, entry.enclosures)
            is_safe(entry.content[0].value if "content" in entry else entry.summary, url)
            ids.append(entry.id)
        url, pages = links.get("prev-archive"), pages + 1
    # the newest ones are both in the feed and in the archive's last page
    return list(dict.fromkeys(ids)), pages


def feeds(server):
    atom, rss = schema("atom.rng"), schema("rss.rng")
    json_feed = jsonschema.Draft202012Validator(json.loads((HERE / "schemas" / "jsonfeed.json").read_text()))
    entries = pages = 0
    for query in QUERIES:
        told, count = xml_feed(server, "/feeds/atom", query, "application/atom+xml", atom)
        in_rss, _ = xml_feed(server, "/feeds/rss", query, "application/rss+xml", rss)
        in_json, url = [], f"{server}/feeds/json{query}"
        while url:
            feed = json.loads(body(url, "application/feed+json"))
            for error in json_feed.iter_errors(feed):
                failures.append(f"{url}: {error.json_path}: {error.message}")
            check(json.loads(fetch(feed["feed_url"])[2]) == feed, url, "is another feed than", feed["feed_url"])
            for item in feed["items"]:
                is_safe(item["content_html"], url)
            in_json += [item["id"] for item in feed["items"]]
            url = feed.get("next_url")
        check(told == in_rss, query, "RSS tells other entries than Atom")
        check(told == list(dict.fromkeys(in_json)), query, "JSON Feed tells other entries than Atom")
        check(bool(told) == (query != "?region=GUATEMALA"), query, len(told), "entries")
        entries, pages = entries + len(told), pages + count
    check(pages > len(QUERIES), "no archive was read")
    print(f"feeds: {entries} entries on {pages} pages in Atom, RSS and JSON Feed")


def calendars(server):
    events = 0
    for query in QUERIES:
        url = f"{server}/feeds/calendar.ics{query}"
        calendar = icalendar.Calendar.from_ical(body(url, "text/calendar").decode())
        check(str(calendar["version"]) == "2.0" and calendar["prodid"], url)
        for component in calendar.walk():
            check(not component.errors, url, component.errors)
        uids = [str(event["uid"]) for event in calendar.events]
        check(len(uids) == len(set(uids)), url, "UIDs repeat")
        for event in calendar.events:
            check(type(event.decoded("dtstart")) is datetime.date, url, event["dtstart"])
            check(isinstance(event.decoded("dtstamp"), datetime.datetime), url, event["dtstamp"])
            check(event["summary"] and str(event["url"]).startswith("http"), url)
        events += len(uids)
    check(events > 0, "no event was read")
    print(f"calendars: {events} events")


def tracker(server):
    """latest.yml and devices.yml as programs that follow the tracker read them."""
    content = body(f"{server}/compat/latest.yml", "application/yaml")
    updates = yaml.safe_load(content)
    devices = yaml.safe_load(body(f"{server}/compat/devices.yml", "application/yaml"))
    keys = ["android", "branch", "codename", "date", "link", "md5", "method", "name", "size", "version"]
    texts = {"android", "md5", "size"}
    for update in updates:
        check(list(update) == keys, update)
        check(isinstance(update["date"], (datetime.date, type(None))), update)
        for key in set(keys) - {"date"}:
            check(isinstance(update[key], str) or key in texts and update[key] is None, key, update)
        check(update["branch"] in {"Stable", "Stable Beta", "Public Beta", "Weekly"}, update)
        check(update["method"] in {"Recovery", "Fastboot"}, update)
        check(update["codename"] in devices, update["codename"], "is not in devices.yml")
        check(devices.get(update["codename"], [None])[0] == update["name"], update)
        check(re.fullmatch(r"[0-9a-f]{32}", update["md5"] or "0" * 32), update)
        check(urllib.parse.urlsplit(update["link"]).scheme in {"http", "https"}, update)
    names = [update["codename"] for update in updates]
    groups = [(update["codename"], update["branch"], update["method"]) for update in updates]
    check(names == sorted(names) and len(groups) == len(set(groups)), "order or groups of latest.yml")
    check(list(devices) == sorted(devices), "order of devices.yml")
    for codename, described in devices.items():
        check(isinstance(codename, str) and len(described) == 2, codename, described)
        check(isinstance(described[0], str) and isinstance(described[1], (str, type(None))), codename, described)
    # what PyYAML itself would write is the same document
    check(yaml.safe_load(yaml.safe_dump(updates)) == updates, "latest.yml")
    check(len(updates) > 50 and len(devices) > 20, len(updates), len(devices))
    items = 0
    for short in sorted({codename.split("_")[0] for codename in devices}):
        url = f"{server}/compat/rss/{short}.xml"
        if fetch(url)[0] == 404:
            continue  # several devices are cut to the same name
        feed = parse(body(url, "application/rss+xml"), url)
        check(feed.entries and feed.feed.title, url)
        for entry in feed.entries:
            check(re.fullmatch(r"(MIUI|HyperOS) \S+ (Recovery|Fastboot) update for .+", entry.title), url, entry.title)
            check(entry.id == entry.link.rsplit("/", 1)[-1] or not entry.link.endswith((".zip", ".tgz")), url, entry.id)
            is_safe(entry.summary, url)
            items += 1
    check(items > 0, "no item was read")
    print(f"tracker: {len(updates)} updates, {len(devices)} devices, {items} items in RSS")


def updater(server):
    """The answers that the updater app of LineageOS reads."""
    url = f"{server}/api/v1/alioth_global/stable/V12.0.1.0.RKHMIXM"
    updates = json.loads(body(url, "application/json"))["response"]
    check(updates, url, "offers nothing")
    for update in updates:
        check(list(update) == ["datetime", "filename", "id", "romtype", "size", "url", "version"], update)
        check(isinstance(update["datetime"], int) and update["romtype"] == "stable", update)
        check(update["url"].endswith(update["filename"]), update)
    check(len({update["id"] for update in updates}) == len(updates), url, "ids repeat")
    for path in ["nothing/stable/V12.0.1.0.RKHMIXM", "alioth_global/nightly/V12.0.1.0.RKHMIXM"]:
        status, _, content = fetch(f"{server}/api/v1/{path}")
        error = json.loads(content)["errors"][0]
        check(400 <= status < 500 and error["message"] and error["extensions"]["code"], path, status)
    print(f"updater: {len(updates)} updates")


def main():
    server = os.environ["ROMDEX_URL"]
    status, headers, _ = fetch(f"{server}/feeds/atom")
    check(email.utils.parsedate_to_datetime(headers["last-modified"]), headers["last-modified"])
    feeds(server)
    calendars(server)
    tracker(server)
    updater(server)
    for failure in failures[:50]:
        print("failed:", failure)
    raise SystemExit(1 if failures else 0)


main()
