//! A calendar date in four bytes, and ranges of dates.

use std::{fmt, num::NonZeroU32};

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveTime, Utc};

/// A calendar date, ordered by time. Printed as ISO 8601: `2017-12-28`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(NonZeroU32); // yyyymmdd: orders like the date and prints without arithmetic on calendars

impl Day {
    /// The date; `None` before the year 1 and after 9999.
    #[must_use]
    pub fn new(date: NaiveDate) -> Option<Self> {
        let year = u32::try_from(date.year())
            .ok()
            .filter(|year| (1..=9999).contains(year))?;
        NonZeroU32::new(year * 10_000 + date.month() * 100 + date.day()).map(Self)
    }

    /// Reads `2017-12-28`, exactly so.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let form = |(place, byte): (usize, u8)| {
            if matches!(place, 4 | 7) {
                byte == b'-'
            } else {
                byte.is_ascii_digit()
            }
        };
        if text.len() != 10 || !text.bytes().enumerate().all(form) {
            return None;
        }
        Self::new(text.parse().ok()?)
    }

    /// The date as it is printed, in ASCII.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 10] {
        let number = self.0.get();
        let digit = |place: u32| b'0' + u8::try_from(number / place % 10).unwrap_or(0);
        [
            digit(10_000_000),
            digit(1_000_000),
            digit(100_000),
            digit(10_000),
            b'-',
            digit(1_000),
            digit(100),
            b'-',
            digit(10),
            digit(1),
        ]
    }

    /// Its first instant, in UTC.
    #[must_use]
    pub fn midnight(self) -> Option<DateTime<Utc>> {
        let number = self.0.get();
        let year = i32::try_from(number / 10_000).ok()?;
        let date = NaiveDate::from_ymd_opt(year, number / 100 % 100, number % 100)?;
        Some(date.and_time(NaiveTime::MIN).and_utc())
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.to_bytes()).unwrap_or_default())
    }
}

/// A range of dates, both ends included; an end that is not given is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Days {
    /// The first day.
    pub from: Option<Day>,
    /// The last day.
    pub to: Option<Day>,
}

impl Days {
    /// Whether the date is known and lies in the range.
    #[must_use]
    pub fn contain(self, day: Option<Day>) -> bool {
        day.is_some_and(|day| self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_reads_prints_and_orders() {
        let day = |text| Day::parse(text).unwrap();
        assert_eq!(day("2017-12-28").to_string(), "2017-12-28");
        assert!(day("2017-12-28") < day("2018-01-02"));
        assert_eq!(
            day("2017-12-28").midnight().unwrap().to_rfc3339(),
            "2017-12-28T00:00:00+00:00"
        );
        for text in [
            "",
            "2017-13-01",
            "2017-02-29",
            "17-12-28",
            "2017-1-02",
            "2017-12-28T00:00",
            "0000-01-01",
            "+017-12-28",
        ] {
            assert_eq!(Day::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_range_includes_both_ends_and_no_unknown_date() {
        let day = Day::parse;
        let range = Days {
            from: day("2018-01-01"),
            to: day("2018-01-31"),
        };
        for (text, inside) in [
            ("2017-12-31", false),
            ("2018-01-01", true),
            ("2018-01-31", true),
            ("2018-02-01", false),
        ] {
            assert_eq!(range.contain(day(text)), inside, "{text}");
        }
        assert!(!Days::default().contain(None));
    }
}
