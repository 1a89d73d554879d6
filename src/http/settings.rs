//! The settings of the HTTP side, with their defaults; read from the configuration's `[http]`.

use serde::{Deserialize, Serialize};

use super::address::{ForwardingHeader, Networks, Proxies};
pub use super::base::PublicUrl;

/// How requests are received and answered.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Address and port to listen on; port 0 takes a free one.
    pub listen: String,
    /// The address by which clients reach the server; without one it is taken from each request's `Host`.
    pub public_url: PublicUrl,
    /// Threads that serve requests; 0 is one for each core.
    pub workers: usize,
    /// Connections that one thread holds open at most.
    pub connections_per_worker: usize,
    /// Seconds that an idle connection is kept.
    pub keep_alive_seconds: u64,
    /// Milliseconds that a request's headers may take to arrive.
    pub header_timeout_ms: u64,
    /// Milliseconds that a request's body may take to arrive.
    pub body_timeout_ms: u64,
    /// Bytes of a request's body at most.
    pub body_bytes: usize,
    /// Bytes of a request's address at most.
    pub uri_bytes: usize,
    /// Networks of proxies that are believed when they say whom they stand for.
    pub trusted_proxies: Networks,
    /// The header in which they say so.
    pub forwarding_header: ForwardingHeader,
    /// Networks that may read `/metrics`; empty: nobody.
    pub metrics_networks: Networks,
    /// Seconds that running requests get when the server stops.
    pub shutdown_seconds: u64,
    /// Which edition of GraphQL over HTTP decides statuses.
    pub status: StatusPolicy,
    /// Origins whose pages may open a WebSocket; empty admits all. Reads over HTTP are open to every page.
    pub allowed_origins: Vec<String>,
    /// Seconds for which an answer to a GET may be used without asking again.
    pub max_age_seconds: u32,
    /// Seconds for which it may still be used while a newer one is fetched.
    pub stale_seconds: u32,
    /// Bytes of compressed answers that are kept; 0 keeps none.
    pub compressed_bytes: u64,
    /// Bytes of rendered feeds and files that are kept; 0 keeps none.
    pub rendered_bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8000".to_owned(),
            public_url: PublicUrl::default(),
            workers: 0,
            connections_per_worker: 10_000,
            keep_alive_seconds: 75,
            header_timeout_ms: 5_000,
            body_timeout_ms: 10_000,
            body_bytes: 128 * 1024,
            uri_bytes: 16 * 1024,
            trusted_proxies: Networks::default(),
            forwarding_header: ForwardingHeader::default(),
            metrics_networks: Networks::loopback(),
            shutdown_seconds: 10,
            status: StatusPolicy::Compat,
            allowed_origins: Vec::new(),
            max_age_seconds: 60,
            stale_seconds: 600,
            compressed_bytes: 2 << 20,
            rendered_bytes: 2 << 20,
        }
    }
}

impl Settings {
    /// Which proxies are believed, and what they write.
    #[must_use]
    pub fn proxies(&self) -> Proxies {
        Proxies {
            trusted: self.trusted_proxies.clone(),
            header: self.forwarding_header,
        }
    }
}

/// Which edition of GraphQL over HTTP decides statuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StatusPolicy {
    /// What today's clients and audits expect: 200 for `application/json`, 400 for what cannot run otherwise.
    Compat,
    /// The specification released in September 2026: 422 for what cannot run, 294 for partial answers.
    #[serde(rename = "spec-2026")]
    Spec2026,
}
