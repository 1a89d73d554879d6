//! The site's update pages: HTML in a Markdown file, one card a package.
//!
//! Read by a streaming rewriter whose memory is bounded, so a page with a huge line or a million cards is refused, not swallowed.

use std::{cell::RefCell, rc::Rc};

use entity::value::{Branch, Codename, Mirrors, PackageType, PublishedSize, Version, parse_size};
use lol_html::{EndTagHandler, HtmlRewriter, MemorySettings, Settings, element, html_content::Element, text};

use super::{published_date, reject, shorten};
use crate::import::{
    changelog, filename,
    record::{Evidence, Facts, Naming, Place, Reason},
};

/// How much memory the HTML parser may take for one page, in bytes.
const PARSER_MEMORY: usize = 4 << 20;

/// How many cards a page may have; the fullest real one has a few dozen.
const MAX_CARDS: usize = 5_000;

/// Where the parser is inside a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Within {
    Nothing,
    Key,
    Value,
    Button,
    Changelog,
}

/// A download button.
#[derive(Debug, Default)]
struct Button {
    url: String,
    caption: String,
}

/// One card, as it stands on the page.
#[derive(Debug, Default)]
struct Card {
    fields: Vec<(String, String)>,
    buttons: Vec<Button>,
    changelog: String,
}

impl Card {
    fn field(&self, key: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    fn filename(&self) -> Option<&str> {
        self.field("Package Name")
            .or_else(|| self.field("Firmware Package Name"))
    }
}

#[derive(Debug)]
struct Page {
    cards: Vec<Card>,
    within: Within,
}

impl Page {
    fn card(&mut self) -> Option<&mut Card> {
        self.cards.last_mut()
    }

    fn enter(&mut self, within: Within) {
        self.within = within;
        match within {
            Within::Key => self.with_card(|card| card.fields.push(Default::default())),
            Within::Button => self.with_card(|card| card.buttons.push(Button::default())),
            _ => {}
        }
    }

    fn with_card(&mut self, act: impl FnOnce(&mut Card)) {
        if let Some(card) = self.card() {
            act(card);
        }
    }

    fn take_text(&mut self, chunk: &str) {
        let within = self.within;
        self.with_card(|card| match within {
            Within::Nothing => {}
            Within::Key => append(card.fields.last_mut().map(|(key, _)| key), chunk),
            Within::Value => append(card.fields.last_mut().map(|(_, value)| value), chunk),
            Within::Button => append(card.buttons.last_mut().map(|button| &mut button.caption), chunk),
            Within::Changelog => card.changelog.push_str(chunk),
        });
    }
}

fn append(text: Option<&mut String>, chunk: &str) {
    if let Some(text) = text {
        text.push_str(chunk);
    }
}

/// Reads a page.
pub fn read(html: &str, place: &Place, evidence: &mut Evidence) {
    let cards = match parse(html) {
        Ok(cards) => cards,
        Err(detail) => return reject(evidence, place, "", Reason::Malformed, detail),
    };
    if cards.is_empty() {
        return reject(evidence, place, "", Reason::Malformed, "the page has no card");
    }
    let page = permalink(html);
    for card in cards {
        read_card(&card, page, place, evidence);
    }
}

fn parse(html: &str) -> Result<Vec<Card>, String> {
    let page = Rc::new(RefCell::new(Page {
        cards: Vec::new(),
        within: Within::Nothing,
    }));
    // One handler an element: enter on its start, return to what surrounds it on its end.
    let enter = |within: Within, after: Within| {
        let page = Rc::clone(&page);
        move |element: &mut Element<'_, '_>| {
            page.borrow_mut().enter(within);
            let page = Rc::clone(&page);
            on_end(element, move || page.borrow_mut().within = after)
        }
    };
    let handlers = vec![
        element!("div.card.card-body", |_| {
            let mut page = page.borrow_mut();
            if page.cards.len() >= MAX_CARDS {
                return Err(format!("the page has more than {MAX_CARDS} cards").into());
            }
            page.within = Within::Nothing;
            page.cards.push(Card::default());
            Ok(())
        }),
        element!("div.card.card-body li h5 b", enter(Within::Key, Within::Value)),
        element!("div.card.card-body li h5 button[onclick]", |element| {
            let url = element.get_attribute("onclick").unwrap_or_default();
            enter(Within::Button, Within::Value)(element)?;
            page.borrow_mut()
                .with_card(|card| append(card.buttons.last_mut().map(|button| &mut button.url), &url));
            Ok(())
        }),
        element!("div.card.card-body li h5", |element| {
            let page = Rc::clone(&page);
            on_end(element, move || page.borrow_mut().within = Within::Nothing)
        }),
        element!("p#changelog_text", enter(Within::Changelog, Within::Nothing)),
        element!("p#changelog_text br", |_| {
            page.borrow_mut().take_text("\n");
            Ok(())
        }),
        text!("div.card.card-body li", |chunk| {
            page.borrow_mut().take_text(chunk.as_str());
            Ok(())
        }),
    ];
    let settings = handlers
        .into_iter()
        .fold(Settings::new(), Settings::append_element_content_handler);
    let memory = MemorySettings::new().with_max_allowed_memory_usage(PARSER_MEMORY);
    let settings = settings.with_memory_settings(memory);
    let mut rewriter = HtmlRewriter::new(settings, |_: &[u8]| {});
    let done = rewriter.write(html.as_bytes()).and_then(|()| rewriter.end());
    done.map_err(|error| match error {
        lol_html::errors::RewritingError::ContentHandlerError(error) => error.to_string(),
        lol_html::errors::RewritingError::MemoryLimitExceeded(_) => {
            format!("parsing the page takes more than {PARSER_MEMORY} bytes of memory")
        }
        error => format!("the page is not HTML that can be read: {error}"),
    })?;
    let cards = std::mem::take(&mut page.borrow_mut().cards);
    Ok(cards.iter().map(decoded).collect())
}

/// Runs an action when the element ends; void elements have no end.
#[expect(clippy::unnecessary_wraps, reason = "this is what a handler answers")]
fn on_end(element: &mut Element<'_, '_>, act: impl FnOnce() + 'static) -> lol_html::HandlerResult {
    if let Some(handlers) = element.end_tag_handlers() {
        let handler: EndTagHandler<'static> = Box::new(move |_| {
            act();
            Ok(())
        });
        handlers.push(handler);
    }
    Ok(())
}

/// A card with its character references replaced and its white space trimmed.
fn decoded(card: &Card) -> Card {
    let plain = |text: &str| html_escape::decode_html_entities(text.trim()).trim().to_owned();
    Card {
        fields: card
            .fields
            .iter()
            .map(|(key, value)| (plain(key).trim_end_matches(':').trim_end().to_owned(), plain(value)))
            .collect(),
        buttons: card
            .buttons
            .iter()
            .map(|button| Button {
                url: plain(&button.url),
                caption: plain(&button.caption),
            })
            .collect(),
        changelog: html_escape::decode_html_entities(&card.changelog).into_owned(),
    }
}

/// The page's own path, from the one line of its front matter that is wanted.
fn permalink(html: &str) -> Option<&str> {
    html.lines()
        .take(20)
        .find_map(|line| line.strip_prefix("permalink:"))
        .map(str::trim)
        .filter(|path| path.starts_with('/') && path.len() <= 200)
}

fn read_card(card: &Card, page: Option<&str>, place: &Place, evidence: &mut Evidence) {
    let subject = card.filename().unwrap_or_default();
    let required = ["Device", "Codename", "Version", "Download"];
    let missing = required
        .into_iter()
        .find(|key| card.field(key).is_none())
        .or_else(|| subject.is_empty().then_some("Package Name"));
    if let Some(missing) = missing {
        let detail = format!("the card has no {missing:?}");
        return reject(evidence, place, subject, Reason::Incomplete, detail);
    }
    match card_facts(card, page, place, evidence) {
        Ok(facts) => evidence.add(subject.to_owned(), facts),
        Err(error) => reject(evidence, place, subject, Reason::Invalid, error.to_string()),
    }
}

fn card_facts(
    card: &Card,
    page: Option<&str>,
    place: &Place,
    evidence: &mut Evidence,
) -> Result<Facts, entity::value::Invalid> {
    let filename = card.filename().unwrap_or_default();
    let text = |key: &str| card.field(key).unwrap_or_default();
    let version = super::filed_version(text("Version"), filename)?;
    let short: Codename = text("Codename").parse()?;
    let branch = Branch::from_label(text("Branch"))?;
    let mut facts = Facts {
        place: Some(place.clone()),
        ..Facts::default()
    };
    facts.namings.insert(Naming {
        short,
        label: tidy_label(text("Device")),
    });
    facts.branches.insert(branch);
    match text("Type") {
        "Recovery" => facts.types.insert(PackageType::Recovery),
        "Fastboot" => facts.types.insert(PackageType::Fastboot),
        _ => {}
    }
    if let Ok(PublishedSize::Approximate(bytes)) = parse_size(text("Size")) {
        facts.sizes.insert(bytes);
    }
    facts.dates = published_date(text("Release Date")).into_iter().collect();
    facts.md5s = text("MD5").parse().into_iter().collect();
    facts.pages = page.map(str::to_owned).into_iter().collect();
    if let Some(text) = changelog::clean(&card.changelog) {
        facts.changelogs.insert(evidence.text(text));
    }
    let folder = filename::parse(filename).map_or_else(|| version.clone(), |name| name.version);
    for button in &card.buttons {
        read_button(button, filename, &folder, &mut facts, place, evidence);
    }
    facts.versions.insert(version);
    Ok(facts)
}

/// A button leads to the card's own file, or, called "Incremental Update", to a file of its own.
fn read_button(
    button: &Button,
    filename: &str,
    folder: &Version,
    facts: &mut Facts,
    place: &Place,
    evidence: &mut Evidence,
) {
    // `window.open('https://…', '_blank');`; firmware pages have `redirect('fw_….zip')`, which holds no address.
    let Some(url) = button.url.split('\'').nth(1).filter(|url| url.contains("://")) else {
        return;
    };
    let last = url.rsplit('/').next().unwrap_or_default();
    if last == filename || !button.caption.contains("ncremental") {
        match Mirrors::from_url(url, folder, filename) {
            Some(mirror) => facts.mirrors = facts.mirrors.union(mirror),
            None => take_url(facts, url, filename, place, evidence),
        }
        return;
    }
    if last.is_empty() {
        return reject(
            evidence,
            place,
            "",
            Reason::Incomplete,
            format!("{:?} names no file", shorten(url)),
        );
    }
    // Of an incremental the page tells nothing but its address: pages list those of other devices too.
    let mut incremental = Facts {
        place: Some(place.clone()),
        ..Facts::default()
    };
    incremental.types.insert(PackageType::Incremental);
    match filename::parse(last).and_then(|name| Mirrors::from_url(url, &name.version, last)) {
        Some(mirror) => incremental.mirrors = mirror,
        None => take_url(&mut incremental, url, last, place, evidence),
    }
    evidence.add(last.to_owned(), incremental);
}

fn take_url(facts: &mut Facts, url: &str, filename: &str, place: &Place, evidence: &mut Evidence) {
    if let Err(error) = super::add_url(facts, url.to_owned()) {
        reject(evidence, place, filename, Reason::Invalid, error.to_string());
    }
}

/// A label with its white space made single.
fn tidy_label(label: &str) -> String {
    label.split_whitespace().collect::<Vec<_>>().join(" ")
}
