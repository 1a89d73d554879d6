//! What webhooks may reach and how messages are sent: the configuration's `[webhooks]`.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What webhooks may reach, and how messages are sent to them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Whether an address may be plain http.
    pub allow_http: bool,
    /// Networks that may be reached although they are not public.
    #[serde(serialize_with = "shown", deserialize_with = "networks")]
    pub allowed_networks: Vec<IpNet>,
    /// Ports that may be reached; an empty list allows every port.
    pub allowed_ports: Vec<u16>,
    /// How many webhooks one owner may have.
    pub max_per_owner: NonZeroU32,
    /// How long a receiver may take to answer, from looking up its name on.
    pub timeout_ms: u64,
    /// The most bytes that are read of an answer.
    pub answer_bytes: usize,
    /// How many messages are under way at once, to all receivers and to one.
    pub concurrency: NonZeroUsize,
    /// How many messages are under way at once to one receiver.
    pub concurrency_per_webhook: NonZeroUsize,
    /// The pauses after the first failure of a message, the second, and so on; after the last it is given up.
    pub retry_schedule_seconds: Vec<u32>,
    /// The longest pause that a receiver can ask for with `Retry-After`.
    pub longest_retry_after_seconds: u32,
    /// For how long the old secret signs as well after a rotation, unless its owner says otherwise.
    pub rotation_seconds: u32,
    /// For how long messages that were accepted or given up are kept.
    pub kept_days: u32,
}

impl Settings {
    /// [`Settings::timeout_ms`] as a duration.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
}

fn shown<S: Serializer>(networks: &[IpNet], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(networks.iter().map(IpNet::to_string))
}

fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let read = |text: &String| {
        text.parse()
            .map_err(|_| de::Error::custom(format!("{text:?} is not a network such as 10.1.0.0/16")))
    };
    Vec::<String>::deserialize(deserializer)?.iter().map(read).collect()
}
