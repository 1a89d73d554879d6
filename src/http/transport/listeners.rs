//! How many connections listen: all together, and from each client address.

use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use bytes::Bytes;
use rustc_hash::FxHashMap;

use crate::graphql::error::{Code, Fault};
use crate::graphql::limits::SubscriptionLimits;
use crate::telemetry::metrics::{Counter, Gauge, Registry};

/// Counts the connections that listen.
#[derive(Debug)]
pub struct Listeners {
    most: usize,
    most_of_address: usize,
    counts: Mutex<Counts>,
    open: Gauge,
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    of_address: FxHashMap<IpAddr, usize>,
}

/// A connection's place among them, which it leaves when this is dropped.
#[derive(Debug)]
pub struct Place {
    listeners: Arc<Listeners>,
    address: IpAddr,
}

impl Listeners {
    /// Nobody yet.
    pub fn new(limits: &SubscriptionLimits, registry: &Registry) -> Arc<Self> {
        Arc::new(Self {
            open: registry.gauge(
                "romdex_listeners",
                "Connections that listen: WebSockets, and answers without an end",
            ),
            most: limits.connections as usize,
            most_of_address: limits.connections_per_address as usize,
            counts: Mutex::default(),
        })
    }

    /// A place for a connection from this address.
    ///
    /// # Errors
    /// Says which limit is reached.
    pub fn admit(self: &Arc<Self>, address: IpAddr) -> Result<Place, Fault> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.all >= self.most {
            let message = "as many connections listen as this server serves: try again later";
            return Err(Fault::new(Code::ServerBusy, message).with("limit", "connections"));
        }
        let of_address = counts.of_address.entry(address).or_default();
        if *of_address >= self.most_of_address {
            let most = self.most_of_address;
            let message = format!("at most {most} connections may listen from one address: share one, or close some");
            return Err(Fault::new(Code::TooManyConnections, message)
                .with("limit", "connections_per_address")
                .with("maximum", most as u64));
        }
        *of_address += 1;
        counts.all += 1;
        self.open.inc();
        Ok(Place {
            listeners: Arc::clone(self),
            address,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.listeners.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.all = counts.all.saturating_sub(1);
        self.listeners.open.dec();
        if let Entry::Occupied(mut of_address) = counts.of_address.entry(self.address) {
            *of_address.get_mut() -= 1;
            if *of_address.get() == 0 {
                of_address.remove();
            }
        }
    }
}

/// What subscriptions are counted with.
#[derive(Debug)]
pub struct Subscribers {
    open: [Gauge; 3],
    /// Sockets that were closed because nobody read on.
    pub slow: Counter,
}

/// How events are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Over a WebSocket.
    WebSocket,
    /// As server-sent events.
    ServerSentEvents,
    /// As parts of an answer.
    Multipart,
}

/// A subscription that is open until this is dropped.
#[derive(Debug)]
pub struct Subscribed(Option<Gauge>);

impl Subscribers {
    /// Nobody yet.
    pub fn new(registry: &Registry) -> Self {
        Self {
            open: registry.gauges(
                "romdex_subscriptions",
                "Subscriptions that are open",
                "transport",
                ["websocket", "sse", "multipart"],
            ),
            slow: registry.counter(
                "romdex_slow_readers_closed",
                "WebSockets that were closed because what was sent was not read",
            ),
        }
    }

    /// Counts one more.
    pub fn open(&self, transport: Transport) -> Subscribed {
        let gauge = self.open.get(transport as usize).cloned();
        if let Some(gauge) = &gauge {
            gauge.inc();
        }
        Subscribed(gauge)
    }
}

impl Drop for Subscribed {
    fn drop(&mut self) {
        if let Some(gauge) = &self.0 {
            gauge.dec();
        }
    }
}

/// A body that holds a place for as long as its connection is there, however slowly it is read.
pub struct Placed {
    body: BoxBody,
    _place: Place,
}

impl Placed {
    /// This body, with the place of its connection.
    pub fn boxed(body: BoxBody, place: Place) -> BoxBody {
        BoxBody::new(Self { body, _place: place })
    }
}

impl MessageBody for Placed {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.body.as_pin_mut().poll_next(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_given_up_to_the_limits_and_come_back() {
        let limits = SubscriptionLimits {
            connections: 3,
            connections_per_address: 2,
            ..SubscriptionLimits::default()
        };
        let listeners = Listeners::new(&limits, &Registry::default());
        let [one, two]: [IpAddr; 2] = [[192, 0, 2, 1].into(), [192, 0, 2, 2].into()];
        let code = |address| listeners.admit(address).map_err(|fault| fault.code());
        let first = code(one).unwrap();
        let _second = code(one).unwrap();
        assert_eq!(code(one).unwrap_err(), Code::TooManyConnections);
        let _third = code(two).unwrap();
        assert_eq!(code(two).unwrap_err(), Code::ServerBusy);
        drop(first);
        let _again = code(one).unwrap();
        assert_eq!(listeners.counts.lock().unwrap().of_address.len(), 2);
    }
}
