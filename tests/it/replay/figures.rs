//! What was announced in each way, against what had to be.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use super::{
    history,
    readers::Heard,
    stage::{Host, Message, Syncing},
};

/// What happened.
pub struct Figures {
    /// The files that had to be announced.
    pub expected: BTreeSet<String>,
    /// How often the server was killed.
    pub kills: usize,
    /// All of it, as a person reads it.
    pub text: String,
    /// What is not as it should be.
    pub wrong: Vec<String>,
}

impl Figures {
    pub fn new(expected: BTreeSet<String>) -> Self {
        Self {
            expected,
            kills: 0,
            text: String::new(),
            wrong: Vec::new(),
        }
    }

    /// What was killed, and when.
    pub fn processes(&mut self, host: &Host, syncing: &Syncing) {
        let [while_syncing, while_telling, idle] = host.kills;
        self.kills = host.kills.iter().sum();
        let _ = write!(
            self.text,
            "the server was killed {} times: {while_syncing} while a state was taken in, {while_telling} while messages were on \
             their way, {idle} while nothing happened; the process that takes in states {} times\n\
             | way | announced | missed | twice | on the way |\n|---|---|---|---|---|\n",
            self.kills, syncing.killed
        );
    }

    /// What a reader of the change log was told.
    pub fn reader(&mut self, name: &str, heard: &Heard) {
        let cuts = match heard.cuts {
            0 => String::new(),
            cuts => format!("cut {cuts} times; "),
        };
        let on_the_way = format!("{cuts}broken off or not reached {} times", heard.broken);
        let (_, edges) = heard.edges.split_last().unwrap();
        self.row(name, edges.iter().map(|edge| edge.1.as_str()), &on_the_way);
    }

    /// What messages told: those that came again under the same id are one.
    pub fn webhook(&mut self, messages: &[Message]) {
        let last = history::last();
        let mut ids = BTreeMap::new();
        let mut names = Vec::new();
        for Message { id, filename, .. } in messages {
            match ids.insert(id, filename) {
                None if filename != last.filename() => names.push(filename.as_str()),
                None => {}
                Some(before) => assert_eq!(before, filename, "a message keeps what it tells"),
            }
        }
        self.row("webhook", names.into_iter(), &format!("{} attempts", messages.len()));
    }

    fn row<'a>(&mut self, name: &str, announced: impl Iterator<Item = &'a str>, on_the_way: &str) {
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        for name in announced {
            *times.entry(name).or_default() += 1;
        }
        let missed = self.expected.iter().filter(|name| !times.contains_key(name.as_str()));
        let missed: Vec<_> = missed.collect();
        let twice: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
        let made_up: Vec<_> = times.keys().filter(|name| !self.expected.contains(**name)).collect();
        let _ = writeln!(
            self.text,
            "| {name} | {} | {} | {} | {on_the_way} |",
            times.len(),
            missed.len(),
            twice.len()
        );
        if !(missed.is_empty() && twice.is_empty() && made_up.is_empty()) {
            self.wrong.push(format!(
                "{name}: missed {missed:?}, twice {twice:?}, made up {made_up:?}"
            ));
        }
    }
}
