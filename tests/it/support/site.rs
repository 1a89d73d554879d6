//! Documents in the sources' formats, as small as a test needs them.

use std::{fmt::Write as _, fs, path::Path};

/// One card of an update page.
#[derive(Clone)]
pub struct Card {
    pub label: &'static str,
    pub codename: &'static str,
    pub version: &'static str,
    pub branch: &'static str,
    pub method: &'static str,
    pub size: &'static str,
    pub date: &'static str,
    pub filename: &'static str,
    pub md5: &'static str,
    pub hosts: &'static [&'static str],
    pub incrementals: &'static [&'static str],
    pub changelog: &'static str,
}

/// What a card has unless a test says otherwise.
pub const CARD: Card = Card {
    label: "Redmi 4X Global",
    codename: "santoni",
    version: "7.12.28",
    branch: "Weekly",
    method: "Recovery",
    size: "1.3 GB",
    date: "2017-12-28",
    filename: "miui_HM4XGlobal_7.12.28_540efd7cf5_7.1.zip",
    md5: "Unknown",
    hosts: &["https://bigota.d.miui.com"],
    incrementals: &[],
    changelog: "Bug fixes and system optimizations.",
};

/// An update page of MIUI or HyperOS, with the cards given.
pub fn page(section: &str, short: &str, version: &str, cards: &[Card]) -> String {
    let mut html = format!(
        "---\ntitle: {short} {version}\nlayout: download\ncodename: {short}\npermalink: /{section}/{short}/stable/{version}/\n---\n\
         <div class=\"card\"><div class=\"card-body\"><h5 class=\"card-title\">Note</h5></div></div>\n<div id=\"downloads\">\n"
    );
    for card in cards {
        html.push_str(&card_html(card));
    }
    html + "</div>\n"
}

fn card_html(card: &Card) -> String {
    let button = |url: &str, caption: &str| {
        format!("<button id=\"download\" onclick=\"window.open('{url}', '_blank');\"><i></i> {caption}</button> ")
    };
    let mut buttons = String::new();
    for host in card.hosts {
        buttons += &button(&format!("{host}/{}/{}", card.version, card.filename), "Full ROM");
    }
    for url in card.incrementals {
        buttons += &button(url, "Incremental Update");
    }
    let mut html = String::from("<div class=\"card card-body\">\n<ul class=\"list-unstyled\">\n");
    for (key, value) in [
        ("Device", card.label.to_owned()),
        ("Codename", format!("<a href=\"/miui/{0}/\">{0}</a>", card.codename)),
        ("Version", card.version.to_owned()),
        ("Branch", card.branch.to_owned()),
        ("Type", card.method.to_owned()),
        ("Size", card.size.to_owned()),
        ("Release Date", card.date.to_owned()),
        (
            "Package Name",
            format!("<span id=\"filename\">{}</span>", card.filename),
        ),
        ("MD5", format!("<span id=\"md5\">{}</span>", card.md5)),
        ("Download", buttons),
    ] {
        let _ = writeln!(html, "<li>\n<h5><b>{key}: </b>{value}</h5>\n</li>");
    }
    let _ = writeln!(
        html,
        "<li><h5><b>Changelog: </b><a href=\"#c\">Expand</a></h5><div id=\"c\"><p id=\"changelog_text\">{}</p></div></li>",
        card.changelog.replace('\n', "<br>")
    );
    html + "</ul>\n</div>\n"
}

/// A page of the site's firmware section.
pub fn firmware_page(short: &str, label: &str, version: &str, filename: &str, md5: &str) -> String {
    format!(
        "---\npermalink: /firmware/{short}/stable/{version}/\n---\n<div class=\"card card-body\"><ul>\
         <li><h5><b>Device: </b>{label}</h5></li><li><h5><b>Codename: </b> <a href=\"#\">{short}</a> </h5></li>\
         <li><h5><b>Version: </b>{version}</h5></li><li><h5><b>Branch: </b>Stable</h5></li>\
         <li><h5><b>Size: </b>80.5 MB</h5></li><li><h5><b>Release Date: </b>2021-01-02</h5></li>\
         <li><h5><b>Firmware Package Name: </b><span>{filename}</span></h5></li><li><h5><b>MD5: </b><span>{md5}</span></h5></li>\
         <li><h5><b>Download: </b><button onclick=\"redirect('{filename}'); return false;\">Flashable Firmware</button></h5></li>\
         </ul></div>"
    )
}

/// An entry of the site's firmware data.
pub fn firmware_entry(filename: &str, version: &str, region: &str) -> String {
    format!(
        "- branch: weekly\n  date: '2019-06-28'\n  downloads:\n    github: https://github.com/example/releases/download/{filename}\n  \
         filename: {filename}\n  region: {region}\n  versions:\n    android: '9.0'\n    miui: {version}\n"
    )
}

/// Writes documents below a folder.
pub fn tree(folder: &Path, documents: &[(&str, &str)]) {
    for (path, content) in documents {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}
