//! The rate limit: how much work each caller may ask for, counted in the cost of operations.
//!
//! Each caller has a token bucket. It holds `capacity` cost, every operation takes its own out of it, and it fills up
//! again at `refill_per_second`. What an operation asked for and did not need is put back.

use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::BuildHasher as _;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::error::{Code, Fault};

/// What every operation costs at least, also one whose answer is at hand.
pub const LEAST: u64 = 1;

/// What an operation costs that is refused: its document had to be read and checked.
pub const REFUSED: u64 = 20;

/// How many parts the buckets are kept in, each with a lock of its own: a power of two.
const SHARDS: usize = 64;

const NANOSECONDS: u64 = 1_000_000_000;

/// How much each caller may ask for; the configuration's `[rate_limit]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Cost that a caller may spend at once: what a full bucket holds.
    pub capacity: u32,
    /// Cost that comes back to a caller each second, until the bucket is full.
    pub refill_per_second: u32,
    /// Callers that are told apart at most. Beyond, those who have spent least are forgotten.
    pub callers: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            capacity: 1_200_000,
            refill_per_second: 20_000,
            callers: 65_536,
        }
    }
}

/// A rate limit under which nothing could be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRate {
    /// The most expensive operation would never get through.
    #[error(
        "rate_limit.capacity must be 0, which turns the rate limit off, or at least limits.cost ({least}), is {capacity}"
    )]
    Capacity {
        /// What was set.
        capacity: u32,
        /// The cost of the most expensive operation.
        least: u32,
    },
    /// What was spent would never come back.
    #[error("rate_limit.{0} must be at least 1")]
    Zero(&'static str),
    /// More than GraphQL's `Int` can tell.
    #[error("rate_limit.{0} must be at most 2147483647")]
    TooLarge(&'static str),
}

impl Settings {
    /// Refuses a rate limit under which some operation could never run.
    ///
    /// # Errors
    /// Names the setting and what is allowed.
    pub fn check(&self, most_expensive: u32) -> Result<(), InvalidRate> {
        match self {
            Self { capacity: 0, .. } => Ok(()),
            Self {
                refill_per_second: 0, ..
            } => Err(InvalidRate::Zero("refill_per_second")),
            Self { callers: 0, .. } => Err(InvalidRate::Zero("callers")),
            Self { capacity, .. } if i32::try_from(*capacity).is_err() => Err(InvalidRate::TooLarge("capacity")),
            Self { refill_per_second, .. } if i32::try_from(*refill_per_second).is_err() => {
                Err(InvalidRate::TooLarge("refill_per_second"))
            }
            Self { capacity, .. } if *capacity < most_expensive => Err(InvalidRate::Capacity {
                capacity: *capacity,
                least: most_expensive,
            }),
            _ => Ok(()),
        }
    }

    /// The settings, unless there is no limit.
    #[must_use]
    pub fn in_force(self) -> Option<Self> {
        (self.capacity > 0).then_some(self)
    }
}

/// Whose bucket it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Spender {
    /// Whoever asks from an address: an IPv4 address, or the /64 network of an IPv6 one.
    Address(IpAddr),
    /// Whoever holds an API token, by the token's id.
    Token(i64),
}

/// How a caller's bucket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What a full bucket holds.
    pub capacity: u64,
    /// What comes back each second.
    pub refill_per_second: u64,
    /// What may be spent at once.
    pub remaining: u64,
    /// Until the bucket is full again, if nothing more is spent.
    pub full_in: Duration,
}

/// Why an operation is not run: the bucket holds less than it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// How the bucket stands.
    pub standing: Standing,
    /// What was to be spent.
    pub cost: u64,
    /// When there will be enough.
    pub retry_after: Duration,
}

impl Exceeded {
    /// What the caller is told.
    #[must_use]
    pub fn fault(&self) -> Fault {
        let Standing {
            capacity,
            refill_per_second,
            remaining,
            ..
        } = self.standing;
        let (cost, seconds) = (self.cost, whole_seconds(self.retry_after));
        let message = format!(
            "the rate limit is reached: the operation costs up to {cost}, {remaining} of {capacity} is left, and \
             {refill_per_second} comes back each second; try again in {seconds} s"
        );
        Fault::new(Code::RateLimited, message)
            .with("limit", "rate_limit")
            .with("maximum", capacity)
            .with("remaining", remaining)
            .with("value", cost)
            .with("retryAfter", seconds)
    }
}

/// A duration in seconds, as headers have it: rounded up, so that who waits that long has waited long enough.
#[must_use]
pub fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// What an operation was charged before it ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    /// What it costs at most.
    pub cost: u64,
    /// How its caller's bucket stood then.
    pub standing: Standing,
}

/// What a request was charged, and how its caller's bucket stands now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bill {
    /// What was taken out of the bucket for the request, and not put back.
    pub cost: u64,
    /// How the bucket stands.
    pub standing: Standing,
    /// When to try again, where the request was refused for want of budget.
    pub retry_after: Option<Duration>,
}

/// One request's dealings with its caller's bucket: charged before it runs, settled when it has.
#[derive(Debug)]
pub struct Account<'a> {
    limiter: Option<(&'a RateLimiter, Spender)>,
    charged: u64,
    owed: u64,
    bill: Option<Bill>,
}

impl<'a> Account<'a> {
    /// The account of a request; one without a spender is not limited.
    #[must_use]
    pub fn open(limiter: Option<&'a RateLimiter>, spender: Option<Spender>) -> Self {
        Self {
            limiter: limiter.zip(spender),
            charged: 0,
            owed: 0,
            bill: None,
        }
    }

    /// From here on a token's bucket is charged instead of the address's. A caller that is not limited stays so.
    pub fn hold_token(&mut self, id: i64) {
        if let Some((_, spender)) = &mut self.limiter {
            *spender = Spender::Token(id);
        }
    }

    /// Charges a cost that must be there before work begins.
    ///
    /// # Errors
    /// The bucket holds less; nothing is taken.
    pub fn charge(&mut self, cost: u64) -> Result<(), Exceeded> {
        let Some((limiter, spender)) = self.limiter else {
            return Ok(());
        };
        match limiter.spend(spender, cost, Instant::now()) {
            Ok(standing) => {
                self.charged += cost;
                self.note(standing, None);
                Ok(())
            }
            Err(exceeded) => {
                self.note(exceeded.standing, Some(exceeded.retry_after));
                Err(exceeded)
            }
        }
    }

    /// Adds what a piece of work turned out to cost.
    pub fn owe(&mut self, cost: u64) {
        self.owed += cost;
    }

    /// How the bucket stands after what was charged so far.
    #[must_use]
    pub fn standing(&self) -> Option<Standing> {
        self.bill.map(|bill| bill.standing)
    }

    /// Puts back what was charged and not needed, or takes what is missing.
    #[must_use]
    pub fn settle(mut self) -> Option<Bill> {
        let (limiter, spender) = self.limiter?;
        if self.owed < self.charged {
            let standing = limiter.put_back(spender, self.charged - self.owed, Instant::now());
            self.bill = self.bill.map(|bill| Bill { standing, ..bill });
        } else if self.owed > self.charged {
            let standing = limiter.take(spender, self.owed - self.charged, Instant::now());
            self.note(standing, None);
        }
        self.bill.map(|bill| Bill {
            cost: self.owed,
            ..bill
        })
    }

    fn note(&mut self, standing: Standing, retry_after: Option<Duration>) {
        self.bill = Some(Bill {
            cost: self.charged,
            standing,
            retry_after,
        });
    }
}

/// When each caller's bucket will be full again, in nanoseconds since the limiter was made. A full bucket is as good as none.
type Buckets = HashMap<Spender, u64, RandomState>;

/// The buckets of all callers. Nothing waits in here for longer than it takes to look up one of them.
#[derive(Debug)]
pub struct RateLimiter {
    settings: Settings,
    callers_per_shard: usize,
    hasher: RandomState,
    shards: Box<[Mutex<Buckets>]>,
    start: Instant,
}

impl RateLimiter {
    /// A limiter with every bucket full; none where there is no limit.
    #[must_use]
    pub fn new(settings: Settings) -> Option<Self> {
        let settings = settings.in_force()?;
        let callers = usize::try_from(settings.callers).unwrap_or(usize::MAX);
        let hasher = RandomState::new();
        Some(Self {
            settings,
            callers_per_shard: callers.div_ceil(SHARDS),
            shards: (0..SHARDS)
                .map(|_| Mutex::new(HashMap::with_hasher(hasher.clone())))
                .collect(),
            hasher,
            start: Instant::now(),
        })
    }

    /// Takes a cost out of a caller's bucket.
    ///
    /// # Errors
    /// The bucket holds less; nothing is taken.
    pub fn spend(&self, caller: Spender, cost: u64, now: Instant) -> Result<Standing, Exceeded> {
        let now = self.since_start(now);
        self.with(caller, now, |full_at| {
            let after = (*full_at).max(now) + self.nanoseconds(cost);
            let most = now + self.nanoseconds(self.settings.capacity.into());
            if after > most {
                return Err(Exceeded {
                    standing: self.standing(*full_at, now),
                    cost,
                    retry_after: Duration::from_nanos(after - most),
                });
            }
            *full_at = after;
            Ok(self.standing(after, now))
        })
    }

    /// Takes a cost out of a caller's bucket, or all there is: for work that has been done already.
    #[must_use]
    pub fn take(&self, caller: Spender, cost: u64, now: Instant) -> Standing {
        let now = self.since_start(now);
        self.with(caller, now, |full_at| {
            let most = now + self.nanoseconds(self.settings.capacity.into());
            *full_at = ((*full_at).max(now) + self.nanoseconds(cost)).min(most);
            self.standing(*full_at, now)
        })
    }

    /// Puts back what was taken and not needed.
    #[must_use]
    pub fn put_back(&self, caller: Spender, cost: u64, now: Instant) -> Standing {
        let now = self.since_start(now);
        self.with(caller, now, |full_at| {
            *full_at = full_at.saturating_sub(self.nanoseconds(cost));
            self.standing(*full_at, now)
        })
    }

    fn standing(&self, full_at: u64, now: u64) -> Standing {
        let full_in = full_at.saturating_sub(now);
        let capacity = u64::from(self.settings.capacity);
        let refill_per_second = u64::from(self.settings.refill_per_second);
        let spent = u128::from(full_in) * u128::from(refill_per_second);
        let spent = u64::try_from(spent.div_ceil(NANOSECONDS.into())).unwrap_or(u64::MAX);
        Standing {
            capacity,
            refill_per_second,
            remaining: capacity.saturating_sub(spent),
            full_in: Duration::from_nanos(full_in),
        }
    }

    /// How long a cost takes to come back.
    fn nanoseconds(&self, cost: u64) -> u64 {
        cost.saturating_mul(NANOSECONDS) / u64::from(self.settings.refill_per_second.max(1))
    }

    fn since_start(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.start).as_nanos()).unwrap_or(u64::MAX)
    }

    fn with<T>(&self, caller: Spender, now: u64, change: impl FnOnce(&mut u64) -> T) -> T {
        let hash = usize::try_from(self.hasher.hash_one(caller) >> 32).unwrap_or_default();
        let Some(shard) = self.shards.get(hash % SHARDS) else {
            return change(&mut 0);
        };
        let mut buckets = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= self.callers_per_shard && !buckets.contains_key(&caller) {
            make_room(&mut buckets, now);
        }
        match buckets.entry(caller) {
            Entry::Occupied(mut bucket) => change(bucket.get_mut()),
            Entry::Vacant(place) => change(place.insert(now)),
        }
    }
}

/// Forgets the buckets that are full again, or where there are none, the one that is nearest to it.
fn make_room(buckets: &mut Buckets, now: u64) {
    let before = buckets.len();
    buckets.retain(|_, full_at| *full_at > now);
    if buckets.len() == before {
        let nearest = buckets
            .iter()
            .min_by_key(|(_, full_at)| **full_at)
            .map(|(caller, _)| *caller);
        if let Some(nearest) = nearest {
            buckets.remove(&nearest);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const CALLER: Spender = Spender::Address(IpAddr::V4(Ipv4Addr::LOCALHOST));

    fn limiter(capacity: u32, refill_per_second: u32, callers: u32) -> RateLimiter {
        RateLimiter::new(Settings {
            capacity,
            refill_per_second,
            callers,
        })
        .unwrap()
    }

    #[test]
    fn what_is_spent_comes_back_with_time_and_no_more() {
        let limiter = limiter(100, 10, 1_000);
        // after so many milliseconds, so much is spent: what remains, or how many milliseconds to wait
        let table = [
            (0, 60, Ok(40)),
            (0, 40, Ok(0)),
            (0, 1, Err(100)),
            (100, 1, Ok(0)),
            (600, 10, Err(500)),
            (1_100, 10, Ok(0)),
            (1_100, 0, Ok(0)),
            (60_000, 0, Ok(100)),
            (60_000, 100, Ok(0)),
            (60_000, 100, Err(10_000)),
        ];
        for (at, cost, expected) in table {
            let outcome = limiter.spend(CALLER, cost, limiter.start + Duration::from_millis(at));
            let outcome = outcome.map(|standing| standing.remaining);
            assert_eq!(
                outcome.map_err(|exceeded| exceeded.retry_after.as_millis()),
                expected,
                "{cost} at {at}"
            );
        }
    }

    #[test]
    fn callers_do_not_spend_for_one_another() {
        let limiter = limiter(10, 1, 1_000);
        let now = limiter.start;
        let callers = [
            CALLER,
            Spender::Address(Ipv4Addr::new(127, 0, 0, 2).into()),
            Spender::Token(1),
            Spender::Token(2),
        ];
        for caller in callers {
            assert_eq!(limiter.spend(caller, 10, now).map(|standing| standing.remaining), Ok(0));
            assert!(limiter.spend(caller, 1, now).is_err());
        }
    }

    #[test]
    fn what_was_not_needed_is_put_back_but_never_more_than_fits() {
        let limiter = limiter(100, 10, 1_000);
        let now = limiter.start + Duration::from_secs(5);
        limiter.spend(CALLER, 80, now).unwrap();
        assert_eq!(limiter.put_back(CALLER, 30, now).remaining, 50);
        assert_eq!(limiter.put_back(CALLER, 1_000, now).remaining, 100);
        assert_eq!(
            limiter.spend(CALLER, 100, now).map(|standing| standing.remaining),
            Ok(0)
        );
        assert!(limiter.spend(CALLER, 1, now).is_err());
    }

    #[test]
    fn work_that_is_done_is_paid_for_with_what_there_is() {
        let limiter = limiter(100, 10, 1_000);
        let now = limiter.start;
        limiter.spend(CALLER, 95, now).unwrap();
        assert_eq!(limiter.take(CALLER, 20, now).remaining, 0);
        assert_eq!(limiter.take(CALLER, 0, now).full_in, Duration::from_secs(10));
    }

    #[test]
    fn only_so_many_callers_are_kept_and_those_who_spent_most_longest() {
        let limiter = limiter(1_000, 1, 640);
        let now = limiter.start;
        let greedy: Vec<_> = (0..64).map(Spender::Token).collect();
        for caller in &greedy {
            limiter.spend(*caller, 1_000, now).unwrap();
        }
        for number in 1_000..21_000 {
            limiter.spend(Spender::Token(number), 1, now).unwrap();
        }
        let kept: usize = limiter.shards.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert!(kept <= 640, "{kept}");
        let refused = greedy
            .iter()
            .filter(|caller| limiter.spend(**caller, 1, now).is_err())
            .count();
        // a shard that got more greedy ones than it has places has forgotten some
        assert!(refused > 50, "{refused}");
    }

    #[test]
    fn limits_that_let_nothing_through_are_refused() {
        let table = [
            ((0, 0, 0), Ok(())),
            ((20_000, 1, 1), Ok(())),
            (
                (19_999, 1, 1),
                Err(InvalidRate::Capacity {
                    capacity: 19_999,
                    least: 20_000,
                }),
            ),
            ((20_000, 0, 1), Err(InvalidRate::Zero("refill_per_second"))),
            ((20_000, 1, 0), Err(InvalidRate::Zero("callers"))),
        ];
        for ((capacity, refill_per_second, callers), expected) in table {
            let settings = Settings {
                capacity,
                refill_per_second,
                callers,
            };
            assert_eq!(settings.check(20_000), expected);
        }
        assert!(
            RateLimiter::new(Settings {
                capacity: 0,
                ..Settings::default()
            })
            .is_none()
        );
    }
}
