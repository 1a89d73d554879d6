//! What people can ask of the bot, and the answers.

mod inline;
mod request;

use cynic::QueryBuilder as _;
use teloxide::{
    prelude::*,
    types::BotCommand,
    utils::{
        command::BotCommands,
        html::{code_inline, escape},
    },
};

pub use self::{
    inline::answer_inline,
    request::{Request, RequestError},
};
use crate::{
    Telegram, announce,
    api::{
        ApiError, Archive, ArchiveVariables, Check, CheckVariables, Device, DeviceVariables, FindDevice,
        NewestPackages, NewestPackagesVariables, Package, PackageFilter, PackageType, Release, ReleaseFilter, Romdex,
        Search, SearchResult, SearchVariables, UpdateStatus,
    },
    store::{Store, Wish},
    text,
};

/// What can be typed.
#[derive(BotCommands, Clone, Debug)]
#[command(rename_rule = "lowercase", description = "Official Xiaomi ROMs, and news of them.")]
pub enum Command {
    /// What can be asked.
    #[command(description = "what can be asked", aliases = ["start"])]
    Help,
    /// The newest releases.
    #[command(description = "newest releases: /latest alioth eea stable")]
    Latest(String),
    /// The newest recovery packages.
    #[command(description = "newest recovery packages: /recovery alioth")]
    Recovery(String),
    /// The newest fastboot packages.
    #[command(description = "newest fastboot packages: /fastboot alioth eea")]
    Fastboot(String),
    /// The newest firmware packages.
    #[command(description = "newest firmware: /firmware alioth")]
    Firmware(String),
    /// All releases.
    #[command(description = "all releases, newest first: /archive alioth weekly")]
    Archive(String),
    /// Whether a build is current.
    #[command(description = "is a build current: /check alioth_eea_global V14.0.9.0.TKHEUXM")]
    Check(String),
    /// Anything.
    #[command(description = "a name, codename, version, file or MD5: /search poco f3")]
    Search(String),
    /// News from now on.
    #[command(description = "hear of new releases: /subscribe alioth eea stable recovery")]
    Subscribe(String),
    /// No more news.
    #[command(description = "hear no more: /unsubscribe alioth, or all")]
    Unsubscribe(String),
    /// What is subscribed to.
    #[command(description = "what you have subscribed to")]
    List,
}

/// The commands for Telegram's menu.
#[must_use]
pub fn listed() -> Vec<BotCommand> {
    Command::bot_commands()
}

/// Why a command has no answer.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    /// The person's: told as it is.
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error(transparent)]
    Server(#[from] ApiError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Releases that `/archive` shows at most, and results of `/search`.
const SHOWN: i32 = 30;

/// Answers a command.
pub async fn answer(
    telegram: Telegram,
    message: Message,
    command: Command,
    romdex: Romdex,
    store: Store,
) -> Result<(), teloxide::RequestError> {
    let chat = message.chat.id;
    let answer = match reply(&romdex, &store, chat.0, command).await {
        Ok(answer) => answer,
        Err(CommandError::Request(error)) => escape(&error.to_string()),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "a command has no answer");
            "That cannot be answered just now. Please try again later.".to_owned()
        }
    };
    announce::send(&telegram, chat, answer).await.map(drop)
}

async fn reply(romdex: &Romdex, store: &Store, chat: i64, command: Command) -> Result<String, CommandError> {
    match command {
        Command::Help => Ok(escape(&Command::descriptions().to_string())),
        Command::Latest(words) => latest(romdex, words.parse()?).await,
        Command::Recovery(words) => newest(romdex, words.parse()?, PackageType::Recovery).await,
        Command::Fastboot(words) => newest(romdex, words.parse()?, PackageType::Fastboot).await,
        Command::Firmware(words) => newest(romdex, words.parse()?, PackageType::Firmware).await,
        Command::Archive(words) => archive(romdex, words.parse()?).await,
        Command::Check(words) => check(romdex, &words).await,
        Command::Search(words) => search(romdex, &words).await,
        Command::Subscribe(words) => subscribe(romdex, store, chat, words.parse()?).await,
        Command::Unsubscribe(words) => unsubscribe(store, chat, words.trim()).await,
        Command::List => list(store, chat).await,
    }
}

/// The device that a request is about. Where its text is no codename: what it may mean, as the answer.
async fn find(romdex: &Romdex, name: &str) -> Result<Result<Device, String>, ApiError> {
    let variables = DeviceVariables {
        codename: name.to_owned(),
    };
    if let Some(device) = romdex.ask(FindDevice::build(variables)).await?.device {
        return Ok(Ok(device));
    }
    let variables = SearchVariables {
        text: name.to_owned(),
        first: 10,
    };
    let found = romdex.ask(Search::build(variables)).await?.search.nodes;
    let mut devices = Vec::new();
    for result in found {
        if let SearchResult::Device(device) = result {
            devices.push(device);
        }
    }
    let name = escape(name);
    Ok(match devices.as_slice() {
        [] => Err(format!(
            "No device is called {name}. /search finds more than codenames."
        )),
        [only] => Ok(only.clone()),
        several => {
            let lines: Vec<_> = several.iter().map(text::device).collect();
            Err(text::fit(&format!("{name} may be one of these:"), &lines, lines.len()).0)
        }
    })
}

async fn latest(romdex: &Romdex, request: Request) -> Result<String, CommandError> {
    let device = match find(romdex, &request.device).await? {
        Ok(device) => device,
        Err(answer) => return Ok(answer),
    };
    let full = request
        .r#type
        .clone()
        .map_or_else(|| vec![PackageType::Recovery, PackageType::Fastboot], |one| vec![one]);
    // The newest package of one type may be of an older release than that of another.
    let mut releases: Vec<Release> = Vec::new();
    for Package { release, .. } in packages(romdex, &device, &request, full).await? {
        let is_beside =
            |other: &&mut Release| other.variant.codename == release.variant.codename && other.branch == release.branch;
        match releases.iter_mut().find(is_beside) {
            Some(known) if known.released_on < release.released_on => *known = release,
            Some(_) => {}
            None => releases.push(release),
        }
    }
    let lines: Vec<_> = releases
        .iter()
        .map(|release| format!("{}\n{}", text::variant(&release.variant), text::release(release)))
        .collect();
    Ok(listing(&device, &lines, lines.len()))
}

async fn newest(romdex: &Romdex, request: Request, r#type: PackageType) -> Result<String, CommandError> {
    let device = match find(romdex, &request.device).await? {
        Ok(device) => device,
        Err(answer) => return Ok(answer),
    };
    let packages = packages(romdex, &device, &request, vec![r#type]).await?;
    let lines: Vec<_> = packages.iter().map(text::package).collect();
    Ok(listing(&device, &lines, lines.len()))
}

/// The newest packages of some types that a request asks for.
async fn packages(
    romdex: &Romdex,
    device: &Device,
    request: &Request,
    types: Vec<PackageType>,
) -> Result<Vec<Package>, ApiError> {
    let variables = NewestPackagesVariables {
        codename: device.codename.clone(),
        filter: PackageFilter {
            device: Some(vec![request.codename_in(device)]),
            region: request.region.clone().map(|region| vec![region]),
            branch: request.branch.clone().map(|branch| vec![branch]),
            r#type: Some(types),
        },
    };
    let found = romdex.ask(NewestPackages::build(variables)).await?.device;
    Ok(found.map_or_else(Vec::new, |device| device.latest_packages))
}

async fn archive(romdex: &Romdex, request: Request) -> Result<String, CommandError> {
    let device = match find(romdex, &request.device).await? {
        Ok(device) => device,
        Err(answer) => return Ok(answer),
    };
    let variables = ArchiveVariables {
        filter: ReleaseFilter {
            device: Some(vec![request.codename_in(&device)]),
            region: request.region.map(|region| vec![region]),
            branch: request.branch.map(|branch| vec![branch]),
            r#type: request.r#type.map(|r#type| vec![r#type]),
        },
        first: SHOWN,
    };
    let releases = romdex.ask(Archive::build(variables)).await?.releases;
    let line = |release| format!("{}\n{}", text::release(release), code_inline(&release.variant.codename));
    let lines: Vec<_> = releases.nodes.iter().map(line).collect();
    Ok(listing(
        &device,
        &lines,
        usize::try_from(releases.total_count).unwrap_or_default(),
    ))
}

/// A device above lines about it.
fn listing(device: &Device, lines: &[String], total: usize) -> String {
    if lines.is_empty() {
        return format!("{}\n\nNothing of that kind is known.", text::device(device));
    }
    text::fit(&text::device(device), lines, total).0
}

async fn check(romdex: &Romdex, words: &str) -> Result<String, CommandError> {
    let mut words = words.split_whitespace();
    let (Some(codename), Some(version), None) = (words.next(), words.next(), words.next()) else {
        return Err(RequestError::NoBuild.into());
    };
    let variables = CheckVariables {
        codename: codename.to_owned(),
        version: version.to_owned(),
    };
    let Some(check) = romdex.ask(Check::build(variables)).await?.update_check else {
        return Ok(format!(
            "No phone is known as {} with the build {}.",
            code_inline(codename),
            code_inline(version)
        ));
    };
    let verdict = match check.status {
        UpdateStatus::UpToDate => "Up to date.",
        UpdateStatus::UpdateAvailable => "There is an update.",
        UpdateStatus::UnknownBuild => "This build is not known; what is newer by its number:",
    };
    let title = format!("{}\n{verdict}", text::variant(&check.variant));
    let mut lines: Vec<_> = check.latest.iter().map(text::release).collect();
    if check.status != UpdateStatus::UpToDate {
        lines.extend(check.packages.iter().chain(&check.path).map(text::package));
    }
    Ok(text::fit(&title, &lines, lines.len()).0)
}

async fn search(romdex: &Romdex, words: &str) -> Result<String, CommandError> {
    let words = words.trim();
    if words.is_empty() {
        return Err(RequestError::NoText.into());
    }
    let variables = SearchVariables {
        text: words.to_owned(),
        first: SHOWN,
    };
    let found = romdex.ask(Search::build(variables)).await?.search;
    let lines: Vec<_> = found.nodes.iter().filter_map(result).collect();
    if lines.is_empty() {
        return Ok(format!("Nothing is found for {}.", escape(words)));
    }
    Ok(text::fit("", &lines, usize::try_from(found.total_count).unwrap_or_default()).0)
}

/// One thing that a search found.
fn result(result: &SearchResult) -> Option<String> {
    match result {
        SearchResult::Device(device) => Some(text::device(device)),
        SearchResult::Variant(variant) => Some(text::variant(variant)),
        SearchResult::Release(release) => Some(format!(
            "{}\n{}",
            text::variant(&release.variant),
            text::release(release)
        )),
        SearchResult::Package(package) => Some(text::package(package)),
        SearchResult::Other => None,
    }
}

async fn subscribe(romdex: &Romdex, store: &Store, chat: i64, request: Request) -> Result<String, CommandError> {
    let device = match find(romdex, &request.device).await? {
        Ok(device) => device,
        Err(answer) => return Ok(answer),
    };
    let codename = request.codename_in(&device);
    let Request {
        region, branch, r#type, ..
    } = request;
    let wish = Wish {
        codename,
        region,
        branch,
        r#type,
    };
    let is_new = store.subscribe(chat, &wish).await?;
    let verb = if is_new {
        "You will hear of new releases:"
    } else {
        "You have subscribed to that already:"
    };
    Ok(format!("{verb}\n{}\n{}", text::device(&device), wished(&wish)))
}

async fn unsubscribe(store: &Store, chat: i64, name: &str) -> Result<String, CommandError> {
    let codename = match name {
        "" => return Err(RequestError::NoSubscription.into()),
        "all" => None,
        codename => Some(codename),
    };
    Ok(match store.unsubscribe(chat, codename).await? {
        0 => format!(
            "You have no subscription to {}. /list shows what you have.",
            escape(name)
        ),
        1 => "One subscription has ended.".to_owned(),
        ended => format!("{ended} subscriptions have ended."),
    })
}

async fn list(store: &Store, chat: i64) -> Result<String, CommandError> {
    let lines: Vec<_> = store.subscriptions(chat).await?.iter().map(wished).collect();
    if lines.is_empty() {
        return Ok("You have subscribed to nothing. /subscribe alioth eea stable".to_owned());
    }
    Ok(text::fit("You hear of new releases of", &lines, lines.len()).0)
}

/// `alioth · EEA · Stable`.
fn wished(wish: &Wish) -> String {
    let narrowed = [
        wish.region.as_ref().map(ToString::to_string),
        wish.branch.as_ref().map(ToString::to_string),
        wish.r#type.as_ref().map(ToString::to_string),
    ];
    narrowed
        .into_iter()
        .flatten()
        .fold(code_inline(&wish.codename), |line, word| {
            format!("{line} · {}", escape(&word))
        })
}
