//! A history of the tracker, taken in state after state by one process and told by another, both of which are killed on the way: each
//! package that is new in a state is announced once and only once, in every way that there is. `cargo test --test it replay --
//! --nocapture` prints the figures of docs/bots.md.

mod figures;
mod history;
mod readers;
mod stage;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use entity::{
    change,
    delivery::{self, DeliveryStatus},
    webhook,
};
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use self::{
    figures::Figures,
    history::State,
    readers::{Heard, Reader},
    stage::{Host, Mailbox, Message, Moment, Scene, Syncing},
};
use crate::support::{
    database::{TestDatabase, on_every_database},
    program::{romdex, run},
    source_server::Fault,
};

on_every_database!(
    each_new_package_of_a_small_history_is_announced_once_in_every_way,
    each_new_package_of_the_trackers_history_is_announced_once_in_every_way,
);

/// How long a test waits for what has to come.
const PATIENCE: Duration = Duration::from_mins(5);

/// How often the WebSocket is cut.
const CUTS: usize = 10;

async fn each_new_package_of_a_small_history_is_announced_once_in_every_way(database: TestDatabase) {
    let figures = replay(&database, &history::made_up(10), 1).await;
    assert!(figures.kills >= 5, "{}", figures.text);
}

async fn each_new_package_of_the_trackers_history_is_announced_once_in_every_way(database: TestDatabase) {
    let Some(history) = history::of_the_tracker() else {
        return;
    };
    assert_eq!(history.len(), 40);
    let figures = replay(&database, &history, 2).await;
    assert!(figures.kills >= 20, "{}", figures.text);
}

/// The readers of the change log, at work.
struct Readers(Vec<Task>);

/// One of them: what it is called, its task, and what it has heard.
type Task = (&'static str, JoinHandle<()>, Arc<Mutex<Heard>>);

impl Readers {
    async fn start(host: &Host, cuts: Vec<usize>) -> Self {
        let start = host.end_of_the_log().await;
        let [poller, socket, events] = std::array::from_fn(|_| Reader {
            address: host.address(),
            start: Some(start.clone()),
            last: history::last().filename().to_owned(),
            heard: Arc::default(),
        });
        let heard = [&poller, &socket, &events].map(|reader| Arc::clone(&reader.heard));
        let tasks = [
            tokio::spawn(poller.poll()),
            tokio::spawn(socket.listen(cuts)),
            tokio::spawn(events.read_events()),
        ];
        let names = ["polling", "WebSocket", "server-sent events"];
        let all = names.into_iter().zip(tasks).zip(heard);
        Self(all.map(|((name, task), heard)| (name, task, heard)).collect())
    }

    /// Waits until each has heard of the last file.
    async fn complete(self, expected: &BTreeSet<String>) -> Vec<(&'static str, Heard)> {
        let mut complete = Vec::new();
        for (name, task, heard) in self.0 {
            let ended = tokio::time::timeout(PATIENCE, task).await;
            let heard = heard.lock().unwrap().clone();
            let Ok(ended) = ended else {
                let told: BTreeSet<_> = heard.edges.into_iter().map(|edge| edge.1).collect();
                let missing: Vec<_> = expected.difference(&told).take(5).collect();
                panic!("{name}: the last file was not told, and of these neither: {missing:?}");
            };
            ended.unwrap();
            complete.push((name, heard));
        }
        complete
    }
}

/// Replays a history, and counts what was announced.
async fn replay(database: &TestDatabase, history: &[State], seed: u64) -> Figures {
    let mut random = fastrand::Rng::with_seed(seed);
    let news = history::news(history);

    // what the first state brings into an empty catalogue is history
    let mut syncing = Syncing::new(database);
    syncing.put(history[0].archive(), &[]);
    syncing.run(None).await;
    let aside_at_first = set_aside(database);
    let old: BTreeSet<_> = news[0].difference(&aside_at_first).cloned().collect();

    let mut host = Host::start(database).await;
    let mut mailbox = Mailbox::start(seed);
    host.register(&mailbox).await;
    let to_come = news[1..].iter().map(BTreeSet::len).sum::<usize>();
    let cuts = (0..CUTS).map(|number| (number * to_come + random.usize(..to_come)) / CUTS);
    let readers = Readers::start(&host, cuts.collect()).await;

    let mut announced = 0;
    for (number, (state, new)) in history.iter().zip(&news).enumerate().skip(1) {
        announced += new.len();
        let faults: &[Fault] = match number % 5 {
            2 => &[Fault::Unavailable],
            4 => &[Fault::BreaksOff],
            _ => &[],
        };
        syncing.put(state.archive(), faults);
        let scene = Scene {
            is_syncing: Arc::clone(&syncing.is_running),
            last_took: syncing.took,
            accepted: mailbox.accepted(),
            mailbox: &mailbox,
            announced,
        };
        let of_sync = (number % 4 >= 2).then(|| random.f64());
        let of_server = match number % 4 {
            1 | 3 => Some(Moment::Telling(random.usize(1..=new.len().div_ceil(2)))),
            0 => Some(Moment::Syncing(random.f64())),
            _ => None,
        };
        let killing = async {
            if let Some(moment) = of_server {
                host.kill_at(moment, scene).await;
            }
        };
        tokio::join!(syncing.run(of_sync), killing);
    }
    syncing.put(history.last().unwrap().with(&history::last()).archive(), &[]);
    syncing.run(None).await;

    // what was set aside and found its place later is news, and what has none is not
    let aside = set_aside(database);
    let listed = news.iter().flatten().cloned();
    let expected: BTreeSet<_> = listed
        .filter(|name| !old.contains(name) && !aside.contains(name))
        .collect();
    let told = readers.complete(&expected).await;
    until_sent(database).await;
    let log = whole_log(&host).await;
    let (history_of_log, news_of_log) = log.split_at(old.len());
    let names: BTreeSet<_> = history_of_log.iter().map(|edge| edge.1.clone()).collect();
    assert_eq!(names, old, "the log begins with the first state");

    let mut figures = Figures::new(expected);
    let _ = writeln!(
        figures.text,
        "{}: {} states, {} packages in the first, {} new in those behind it, {} aside",
        if database.url().starts_with("sqlite") {
            "SQLite"
        } else {
            "PostgreSQL"
        },
        history.len(),
        old.len(),
        figures.expected.len(),
        aside.len()
    );
    figures.processes(&host, &syncing);
    for (name, heard) in &told {
        figures.reader(name, heard);
    }
    let messages = mailbox.take();
    figures.webhook(&messages);
    eprintln!("{}", figures.text);
    assert_eq!(figures.wrong, Vec::<String>::new(), "{}", figures.text);
    for (name, heard) in &told {
        assert_eq!(heard.edges, news_of_log, "{name}: not the log, in its order");
    }
    check_order(&messages, &log);
    assert_eq!(told[1].1.cuts, CUTS);
    figures
}

/// The whole log, read in one go: cursors and names of files.
async fn whole_log(host: &Host) -> Vec<(String, String)> {
    let reader = Reader {
        address: host.address(),
        start: None,
        last: history::last().filename().to_owned(),
        heard: Arc::default(),
    };
    let heard = Arc::clone(&reader.heard);
    let reading = tokio::time::timeout(PATIENCE, reader.poll()).await;
    reading.expect("the log has an end");
    heard.lock().unwrap().edges.clone()
}

/// Messages about one device come in the order of the log, but for those that come again.
fn check_order(messages: &[Message], log: &[(String, String)]) {
    let places: BTreeMap<&String, usize> = log.iter().map(|edge| &edge.1).zip(0..).collect();
    let mut newest = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for message in messages {
        if seen.insert(&message.id) {
            let place = places[&message.filename];
            let before = newest.insert(&message.device, place);
            assert!(before.is_none_or(|before| before < place), "out of order: {message:?}");
        }
    }
}

/// Waits until a message has been made of every change, and accepted.
async fn until_sent(database: &TestDatabase) {
    let db = database.connection();
    let end = change::Entity::find().order_by_desc(change::Column::Id).one(db).await;
    let end = end.unwrap().unwrap().id;
    let begun = Instant::now();
    loop {
        let behind = webhook::Entity::find().filter(webhook::Column::Cursor.lt(end));
        let pending = delivery::Entity::find().filter(delivery::Column::Status.eq(DeliveryStatus::Pending));
        let left = [behind.count(db).await.unwrap(), pending.count(db).await.unwrap()];
        if left == [0, 0] {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{} messages are not accepted", left[1]);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The files that the catalogue knows and has no place for.
fn set_aside(database: &TestDatabase) -> BTreeSet<String> {
    let folder = TempDir::new().unwrap();
    let ran = run(&mut romdex(folder.path(), ["export", "--database-url", database.url()]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let lines = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap());
    lines
        .filter(|line: &serde_json::Value| line["kind"] == "aside")
        .map(|line| line["filename"].as_str().unwrap().to_owned())
        .collect()
}
