//! How much a caller may ask for, and what is left of it.

use chrono::{TimeDelta, Utc};

use super::DateTime;
use crate::graphql::{
    object::record,
    rate::{Charge, Settings},
};

record! {
    /// How much you may ask for in a while. Every operation takes its cost out of a budget that fills up again by itself.
    #[derive(Clone, Copy, Debug)]
    pub struct RateLimitConfig as "RateLimitConfig" {
        /// What may be spent at once: the budget when it is full.
        capacity: u32,
        /// What comes back each second, until the budget is full.
        refill_per_second: u32,
    }
}

impl From<Settings> for RateLimitConfig {
    fn from(settings: Settings) -> Self {
        Self {
            capacity: settings.capacity,
            refill_per_second: settings.refill_per_second,
        }
    }
}

record! {
    /// How much you may still ask for. Every operation takes its cost out of a budget that fills up again by itself.
    #[derive(Clone, Copy, Debug)]
    pub struct RateLimit as "RateLimit" {
        /// What this operation costs at most. What its answer did not need is put back when it has been made.
        cost: i32,
        /// The budget when it is full.
        limit: i32,
        /// What is left of it, after this operation's cost.
        remaining: i32,
        /// What comes back each second, until the budget is full.
        refill_per_second: i32,
        /// When the budget will be full again, if nothing more is asked.
        reset_at: DateTime,
    }
}

impl RateLimit {
    pub(crate) fn new(charge: Charge, now: chrono::DateTime<Utc>) -> Self {
        let int = |value: u64| i32::try_from(value).unwrap_or(i32::MAX);
        let full_in = TimeDelta::from_std(charge.standing.full_in).unwrap_or(TimeDelta::MAX);
        Self {
            cost: int(charge.cost),
            limit: int(charge.standing.capacity),
            remaining: int(charge.standing.remaining),
            refill_per_second: int(charge.standing.refill_per_second),
            reset_at: DateTime(
                now.checked_add_signed(full_in)
                    .unwrap_or(chrono::DateTime::<Utc>::MAX_UTC),
            ),
        }
    }
}
