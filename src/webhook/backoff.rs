//! What follows from an attempt: whether a message is done, when it is sent again, and when a webhook is given up.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{client::Attempt, settings::Settings};

/// 410: the receiver is gone for good, and says so.
const GONE: u16 = 410;
/// 429 and 503: the receiver wants to be left alone for a while.
const HOLDING: [u16; 2] = [429, 503];

/// By how much a pause is shorter or longer by chance, so that messages that failed together do not come back together.
const JITTER: f64 = 0.1;

/// A message as it stood before the attempt.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// Attempts, this one included.
    pub attempts: usize,
    /// When the first of them was.
    pub first_attempted_at: DateTime<Utc>,
    /// Since when the receiver has accepted nothing.
    pub failing_since: DateTime<Utc>,
    /// Whether it is sent again after a failure.
    pub persistence: Persistence,
}

/// Whether a message is sent again after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    /// On the schedule.
    Scheduled,
    /// Never: it only tries out whether the receiver is there.
    Once,
}

/// What follows from an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The receiver has the message.
    Accepted,
    /// It is sent again.
    Again {
        /// When.
        at: DateTime<Utc>,
        /// Until when the receiver wants nothing at all.
        held_until: Option<DateTime<Utc>>,
    },
    /// The message is given up; those behind it go on.
    GivenUp,
    /// Nothing more is sent there until its owner enables it again; the message waits.
    Disabled {
        /// Why, for its owner.
        reason: String,
    },
}

/// Judges an attempt that ended `now`. `chance` is between 0 and 1.
#[must_use]
pub fn judge(attempt: &Attempt, standing: Standing, settings: &Settings, now: DateTime<Utc>, chance: f64) -> Verdict {
    if attempt.failure.is_none() {
        return Verdict::Accepted;
    }
    if attempt.status == Some(GONE) {
        let reason = "the receiver answered 410 Gone: it wants nothing more".to_owned();
        return Verdict::Disabled { reason };
    }
    if standing.persistence == Persistence::Once {
        return Verdict::GivenUp;
    }
    let Some(pause) = settings.retry_schedule_seconds.get(standing.attempts.saturating_sub(1)) else {
        // Where other messages were accepted meanwhile, it is this one that the receiver does not take.
        return if standing.failing_since <= standing.first_attempted_at {
            let reason = format!(
                "nothing was accepted since {}, after {} attempts",
                standing.failing_since.format("%Y-%m-%dT%H:%M:%SZ"),
                standing.attempts
            );
            Verdict::Disabled { reason }
        } else {
            Verdict::GivenUp
        };
    };
    let pause = Duration::from_secs((*pause).into()).mul_f64(1.0 - JITTER + 2.0 * JITTER * chance.clamp(0.0, 1.0));
    let longest = Duration::from_secs(settings.longest_retry_after_seconds.into());
    let asked = attempt.retry_after.map(|asked| asked.min(longest));
    let later = |pause: Duration| now + TimeDelta::from_std(pause).unwrap_or(TimeDelta::zero());
    Verdict::Again {
        at: later(pause.max(asked.unwrap_or_default())),
        held_until: asked
            .filter(|_| attempt.status.is_some_and(|status| HOLDING.contains(&status)))
            .map(later),
    }
}

/// Reads `Retry-After`: seconds, or a moment.
#[must_use]
pub fn retry_after(value: &str, now: DateTime<Utc>) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = DateTime::parse_from_rfc2822(value).ok()?;
    // A moment that is over asks for no pause.
    Some((at.with_timezone(&Utc) - now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::tests::settings;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn attempt(status: Option<u16>, retry_after: Option<u64>) -> Attempt {
        Attempt {
            status,
            retry_after: retry_after.map(Duration::from_secs),
            body: String::new(),
            failure: (!status.is_some_and(|status| (200..300).contains(&status))).then(|| "failed".to_owned()),
        }
    }

    fn standing(attempts: usize) -> Standing {
        Standing {
            attempts,
            first_attempted_at: at(0),
            failing_since: at(0),
            persistence: Persistence::Scheduled,
        }
    }

    #[test]
    fn pauses_follow_the_schedule_with_some_chance_and_what_the_receiver_asks() {
        let mut settings = settings();
        settings.retry_schedule_seconds = vec![10, 1_000];
        settings.longest_retry_after_seconds = 3_600;
        for (attempts, status, retry_after, chance, again, held) in [
            (1, Some(500), None, 0.5, 10, None),
            (1, Some(500), None, 0.0, 9, None),
            (1, None, None, 1.0, 11, None),
            (1, Some(302), None, 0.5, 10, None),
            (2, Some(500), None, 0.5, 1_000, None),
            (1, Some(503), Some(60), 0.5, 60, Some(60)),
            (1, Some(429), Some(5), 0.5, 10, Some(5)),
            (1, Some(500), Some(60), 0.5, 60, None),
            (1, Some(429), Some(1_000_000), 0.5, 3_600, Some(3_600)),
        ] {
            assert_eq!(
                judge(
                    &attempt(status, retry_after),
                    standing(attempts),
                    &settings,
                    at(0),
                    chance
                ),
                Verdict::Again {
                    at: at(again),
                    held_until: held.map(at)
                },
                "{attempts} {status:?} {retry_after:?} {chance}"
            );
        }
    }

    #[test]
    fn messages_are_done_given_up_or_disable_their_webhook() {
        let mut settings = settings();
        settings.retry_schedule_seconds = vec![10];
        let last = standing(2);
        let disabled = |standing, status| {
            matches!(
                judge(&attempt(status, None), standing, &settings, at(50), 0.5),
                Verdict::Disabled { .. }
            )
        };
        assert!(disabled(last, Some(500)) && disabled(last, None));
        assert!(disabled(standing(1), Some(410)));
        for (status, standing, verdict) in [
            (Some(200), standing(1), Verdict::Accepted),
            (Some(204), last, Verdict::Accepted),
            (
                Some(500),
                Standing {
                    failing_since: at(20),
                    ..last
                },
                Verdict::GivenUp,
            ),
            (
                Some(500),
                Standing {
                    persistence: Persistence::Once,
                    ..standing(1)
                },
                Verdict::GivenUp,
            ),
        ] {
            assert_eq!(
                judge(&attempt(status, None), standing, &settings, at(50), 0.5),
                verdict,
                "{status:?}"
            );
        }
    }

    #[test]
    fn the_published_schedule_takes_two_days() {
        let settings = settings();
        let total: u32 = settings.retry_schedule_seconds.iter().sum();
        assert!((46 * 3_600..=48 * 3_600).contains(&total), "{total}");
    }

    #[test]
    fn retry_after_is_seconds_or_a_moment() {
        let now = "2026-11-23T08:00:00Z".parse().unwrap();
        for (value, seconds) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Mon, 23 Nov 2026 08:01:00 GMT", Some(60)),
            ("Mon, 23 Nov 2026 07:00:00 GMT", Some(0)),
            ("-1", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after(value, now), seconds.map(Duration::from_secs), "{value}");
        }
    }
}
