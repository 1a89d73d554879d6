//! The API's own scalars.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::{SecondsFormat, Utc};

use crate::{
    catalog::Day,
    graphql::{
        document::plan::FieldPlan,
        execute::{Complete, Completed, Run},
    },
};

/// A calendar date without a time of day, in the form of ISO 8601: `2017-12-28`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date(pub(crate) Day);

/// A calendar date without a time of day, in the form of ISO 8601: `2017-12-28`.
#[Scalar(
    name = "Date",
    specified_by_url = "https://scalars.graphql.org/andimarek/local-date.html"
)]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => Day::parse(&text)
                .map(Self)
                .ok_or_else(|| InputValueError::custom("a date must be of the form 2017-12-28")),
            value => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// A moment, in the form of RFC 3339 and in UTC: `2026-08-22T18:14:11Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime(pub(crate) chrono::DateTime<Utc>);

/// A moment, in the form of RFC 3339 and in UTC: `2026-08-22T18:14:11Z`.
#[Scalar(
    name = "DateTime",
    specified_by_url = "https://scalars.graphql.org/andimarek/date-time.html"
)]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => chrono::DateTime::parse_from_rfc3339(&text)
                .map(|moment| Self(moment.with_timezone(&Utc)))
                .map_err(|_| InputValueError::custom("a moment must be of the form 2026-08-22T18:14:11Z")),
            value => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_rfc3339_opts(SecondsFormat::Secs, true))
    }
}

/// An absolute address on the web, http or https.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url(pub(crate) String);

/// An absolute address on the web, http or https.
#[Scalar(name = "URL", specified_by_url = "https://url.spec.whatwg.org/")]
impl ScalarType for Url {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => match url::Url::parse(&text) {
                Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(Self(text)),
                _ => Err(InputValueError::custom(
                    "an address must be an absolute http or https URL",
                )),
            },
            value => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// A number of bytes: a whole number from 0 to 2^53 - 1, which JSON can carry exactly. It exceeds the range of Int.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteCount(pub(crate) u64);

/// A number of bytes: a whole number from 0 to 2^53 - 1, which JSON can carry exactly. It exceeds the range of Int.
#[Scalar(
    name = "ByteCount",
    specified_by_url = "https://datatracker.ietf.org/doc/html/rfc8259#section-6"
)]
impl ScalarType for ByteCount {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::Number(number) => number
                .as_u64()
                .filter(|count| *count < 1 << 53)
                .map(Self)
                .ok_or_else(|| InputValueError::custom("a number of bytes must be a whole number from 0 to 2^53 - 1")),
            value => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::from(self.0)
    }
}

impl Complete for Date {
    fn complete(&self, _: &FieldPlan, run: &mut Run<'_>) -> Completed {
        run.plain(&self.0.to_bytes());
        Ok(())
    }
}

impl Complete for DateTime {
    fn complete(&self, field: &FieldPlan, run: &mut Run<'_>) -> Completed {
        self.0.to_rfc3339_opts(SecondsFormat::Secs, true).complete(field, run)
    }
}

impl Complete for Url {
    fn complete(&self, field: &FieldPlan, run: &mut Run<'_>) -> Completed {
        self.0.complete(field, run)
    }
}

impl Complete for ByteCount {
    fn complete(&self, field: &FieldPlan, run: &mut Run<'_>) -> Completed {
        self.0.complete(field, run)
    }
}
