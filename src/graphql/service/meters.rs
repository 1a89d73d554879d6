//! What is counted of operations.

use std::time::Instant;

use super::{Answer, Kind, Origin};
use crate::graphql::error::Code;
use crate::telemetry::metrics::{Counter, Histogram, Registry, Scale};

/// What operations are counted with.
pub struct Meters {
    outcomes: [Counter; Kind::ALL.len()],
    codes: [Counter; Code::ALL.len()],
    answers: [Counter; 3],
    durations: Histogram,
    cost: Histogram,
    events: Counter,
}

/// Where the answer of an operation that may run comes from.
#[derive(Clone, Copy)]
enum Source {
    Hit,
    Miss,
    Bypass,
}

impl Meters {
    pub fn new(registry: &Registry) -> Self {
        let name = "romdex_graphql_operations";
        let help = "Operations that were answered, by what became of them";
        Self {
            outcomes: registry.counters(name, help, "outcome", Kind::ALL.map(Kind::name)),
            codes: registry.counters(
                "romdex_graphql_errors",
                "Operations that were answered with errors, by the code of the first",
                "code",
                Code::ALL.map(Code::as_str),
            ),
            answers: registry.counters(
                "romdex_answer_cache_requests",
                "Operations that were fit to run: answered from the cache, into it, or past it",
                "result",
                ["hit", "miss", "bypass"],
            ),
            durations: registry.histogram(
                "romdex_graphql_operation_seconds",
                "How long operations took, from the reading of the request to the answer",
                Scale::Durations,
            ),
            cost: registry.histogram(
                "romdex_graphql_operation_cost",
                "What operations that ran turned out to cost",
                Scale::Numbers,
            ),
            events: registry.counter("romdex_subscription_events", "Events that subscribers were told of"),
        }
    }

    /// Counts an operation that began then.
    pub fn answered(&self, answer: &Answer, began: Instant) {
        self.durations.observe_duration(began.elapsed());
        count(&self.outcomes, answer.kind as usize);
        if let Some(code) = answer.code {
            count(&self.codes, code as usize);
        }
        let from = match (answer.kind, answer.origin) {
            (Kind::Unchanged, _) | (_, Origin::Kept) => Source::Hit,
            (_, Origin::Made) => Source::Miss,
            (Kind::Complete | Kind::Partial | Kind::TimedOut | Kind::Failed, Origin::Alone) => Source::Bypass,
            (_, Origin::Alone) => return,
        };
        count(&self.answers, from as usize);
        if !matches!(from, Source::Hit) {
            self.cost.observe(answer.spent);
        }
    }

    /// Counts an event that a subscriber was told of.
    pub fn told(&self) {
        self.events.inc();
    }
}

fn count(counters: &[Counter], at: usize) {
    if let Some(counter) = counters.get(at) {
        counter.inc();
    }
}

impl Kind {
    /// Every kind, as they are declared.
    const ALL: [Self; 11] = [
        Self::Complete,
        Self::Partial,
        Self::Unchanged,
        Self::Malformed,
        Self::Unparsable,
        Self::Refused,
        Self::Unauthenticated,
        Self::RateLimited,
        Self::MutationRefused,
        Self::TimedOut,
        Self::Failed,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Partial => "partial",
            Self::Unchanged => "unchanged",
            Self::Malformed => "malformed",
            Self::Unparsable => "unparsable",
            Self::Refused => "refused",
            Self::Unauthenticated => "unauthenticated",
            Self::RateLimited => "rate_limited",
            Self::MutationRefused => "mutation_refused",
            Self::TimedOut => "timed_out",
            Self::Failed => "failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_codes_are_counted_in_the_order_of_their_names() {
        for (at, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, at, "{kind:?}");
        }
        for (at, code) in Code::ALL.into_iter().enumerate() {
            assert_eq!(code as usize, at, "{code:?}");
        }
    }
}
