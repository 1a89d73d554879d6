//! Every limit of an operation, with its default and its meaning. Nothing else decides how large a request may be.
//!
//! The same structure is read from the configuration, obeyed by the document pipeline and the resolvers, and
//! published as `Query.serviceConfig`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    object::record,
    types::{RateLimitConfig, WebhookConfig},
};

/// The largest value that any limit may be set to: what fits GraphQL's `Int`.
const LARGEST: u32 = i32::MAX.unsigned_abs();

record! {
    /// What one request may ask for. A request beyond a limit is refused before anything runs.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
    #[serde(default, deny_unknown_fields)]
    pub struct Limits as "OperationLimits" {
        /// Tokens of a document, punctuation included.
        pub tokens: u32,
        /// Brackets of a document that are open at once, also after its fragments have been put in place.
        pub nesting: u32,
        /// Levels of fields from the root to the deepest leaf.
        pub depth: u32,
        /// Fields and fragments of an operation after its fragments have been put in place.
        pub selections: u32,
        /// Fields of an operation with an alias, after its fragments have been put in place.
        pub aliases: u32,
        /// Fields of the operation's root.
        pub root_fields: u32,
        /// Directives of an operation, after its fragments have been put in place.
        pub directives: u32,
        /// Fragments that a document defines.
        pub fragments: u32,
        /// Operations that a document defines.
        pub operations: u32,
        /// Items of one list in an argument or a variable.
        pub list_items: u32,
        /// Objects that an answer may hold at most, by the page sizes asked for.
        pub nodes: u32,
        /// Cost of an operation: one for each field of each object it may return, more for fields that need more work.
        pub cost: u32,
        /// Items of a page where `first` and `last` are left out.
        pub default_page_size: u32,
        /// Items of a page at most.
        pub max_page_size: u32,
        /// Operations in one request; 1 means that batches are refused. The limit on cost holds for all of them together.
        pub batch_size: u32,
        /// Milliseconds that an operation may take.
        pub timeout_ms: u32,
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            tokens: 2_500,
            nesting: 32,
            depth: 16,
            selections: 1_000,
            aliases: 60,
            root_fields: 20,
            directives: 50,
            fragments: 60,
            operations: 10,
            list_items: 500,
            nodes: 10_000,
            cost: 20_000,
            default_page_size: 20,
            max_page_size: 100,
            batch_size: 1,
            timeout_ms: 5_000,
        }
    }
}

/// A set of limits that cannot be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitsError {
    /// A limit lies outside of what it may be.
    #[error("limit {name} must be {least} to {most}, is {value}")]
    OutOfRange {
        /// The limit.
        name: &'static str,
        /// The value it was given.
        value: u32,
        /// The smallest value allowed.
        least: u32,
        /// The largest value allowed.
        most: u32,
    },
}

impl Limits {
    /// [`Limits::timeout_ms`] as a duration.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms.into())
    }

    /// Refuses limits that contradict one another or that the parsers behind cannot keep.
    ///
    /// # Errors
    /// Names the first limit that lies outside of what it may be.
    pub fn check(&self) -> Result<(), LimitsError> {
        let ranges = [
            ("tokens", self.tokens, 10, 100_000),
            ("nesting", self.nesting, 4, 32),
            ("depth", self.depth, 2, 30),
            ("selections", self.selections, 1, 100_000),
            ("aliases", self.aliases, 0, LARGEST),
            ("root_fields", self.root_fields, 1, LARGEST),
            ("directives", self.directives, 0, LARGEST),
            ("fragments", self.fragments, 0, LARGEST),
            ("operations", self.operations, 1, LARGEST),
            ("list_items", self.list_items, 1, LARGEST),
            ("nodes", self.nodes, 1, LARGEST),
            ("cost", self.cost, 1, LARGEST),
            ("default_page_size", self.default_page_size, 1, self.max_page_size),
            ("max_page_size", self.max_page_size, 1, 1_000),
            ("batch_size", self.batch_size, 1, 10),
            ("timeout_ms", self.timeout_ms, 1, 600_000),
        ];
        in_range(&ranges)
    }
}

/// Refuses the first limit, of name, value, least and most, that is out of its range.
fn in_range(ranges: &[(&'static str, u32, u32, u32)]) -> Result<(), LimitsError> {
    match ranges
        .iter()
        .find(|(_, value, least, most)| value < least || value > most)
    {
        Some(&(name, value, least, most)) => Err(LimitsError::OutOfRange {
            name,
            value,
            least,
            most,
        }),
        None => Ok(()),
    }
}

record! {
    /// How much one listener may ask for, and how long it is waited for.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
    #[serde(default, deny_unknown_fields)]
    pub struct SubscriptionLimits as "SubscriptionLimits" {
        /// Connections that listen, all together: WebSockets, server-sent events and multipart answers.
        pub connections: u32,
        /// Connections that one client address may listen on.
        pub connections_per_address: u32,
        /// Operations that run on one WebSocket at once.
        pub operations_per_connection: u32,
        /// Bytes of one message of a client, also when it comes in several frames.
        pub message_bytes: u32,
        /// Milliseconds within which a client sends `connection_init`.
        pub init_timeout_ms: u32,
        /// Seconds after which a WebSocket without an operation is closed.
        pub idle_timeout_seconds: u32,
        /// Seconds after which a WebSocket that has been silent is pinged. It is closed when it stays silent for as long again.
        pub ping_interval_seconds: u32,
        /// Seconds between the signs of life on server-sent events and multipart answers.
        pub heartbeat_seconds: u32,
        /// Milliseconds that a client may leave an answer unread before its WebSocket is closed.
        pub send_timeout_ms: u32,
    }
}

impl Default for SubscriptionLimits {
    fn default() -> Self {
        Self {
            connections: 20_000,
            connections_per_address: 100,
            operations_per_connection: 20,
            message_bytes: 128 * 1024,
            init_timeout_ms: 5_000,
            idle_timeout_seconds: 300,
            ping_interval_seconds: 30,
            heartbeat_seconds: 12,
            send_timeout_ms: 10_000,
        }
    }
}

impl SubscriptionLimits {
    /// Refuses limits that make no sense.
    ///
    /// # Errors
    /// Names the first limit that lies outside of what it may be.
    pub fn check(&self) -> Result<(), LimitsError> {
        in_range(&[
            ("connections", self.connections, 0, LARGEST),
            ("connections_per_address", self.connections_per_address, 0, LARGEST),
            ("operations_per_connection", self.operations_per_connection, 1, 1_000),
            ("message_bytes", self.message_bytes, 1_024, 16 << 20),
            ("init_timeout_ms", self.init_timeout_ms, 1, 600_000),
            ("idle_timeout_seconds", self.idle_timeout_seconds, 1, 86_400),
            ("ping_interval_seconds", self.ping_interval_seconds, 1, 86_400),
            ("heartbeat_seconds", self.heartbeat_seconds, 1, 86_400),
            ("send_timeout_ms", self.send_timeout_ms, 1, 600_000),
        ])
    }
}

record! {
    /// How this service is set up, as far as its users need to know.
    #[derive(Clone, Debug)]
    pub struct ServiceConfig as "ServiceConfig" {
        /// What one request may ask for at most.
        pub limits: Limits,
        /// What one listener may ask for at most.
        pub subscriptions: SubscriptionLimits,
        /// How webhooks are served; null where they are not.
        pub webhooks: Option<WebhookConfig>,
        /// What one caller may ask for in a while; null where that is not limited.
        pub rate_limit: Option<RateLimitConfig>,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_can_be_served() {
        assert_eq!(Limits::default().check(), Ok(()));
    }

    #[test]
    fn impossible_limits_are_refused() {
        let table = [
            (
                Limits {
                    nesting: 100,
                    ..Limits::default()
                },
                "nesting",
            ),
            (
                Limits {
                    default_page_size: 200,
                    ..Limits::default()
                },
                "default_page_size",
            ),
            (
                Limits {
                    batch_size: 11,
                    ..Limits::default()
                },
                "batch_size",
            ),
            (
                Limits {
                    timeout_ms: 0,
                    ..Limits::default()
                },
                "timeout_ms",
            ),
        ];
        for (limits, expected) in table {
            let Err(LimitsError::OutOfRange { name, .. }) = limits.check() else {
                panic!("{expected} passed")
            };
            assert_eq!(name, expected);
        }
    }

    #[test]
    fn unknown_limits_are_refused() {
        assert!(serde_json::from_str::<Limits>(r#"{"deepness": 3}"#).is_err());
        assert_eq!(serde_json::from_str::<Limits>(r#"{"depth": 3}"#).unwrap().depth, 3);
    }
}
