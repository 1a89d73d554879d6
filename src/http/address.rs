//! Who a request comes from: the other end of its connection, or whom a trusted proxy names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName, X_FORWARDED_FOR};
use ipnet::IpNet;
use serde::{Deserialize, Serialize, Serializer};

/// The address of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(IpAddr);

impl ClientAddress {
    /// The address itself; an IPv4 address that came inside an IPv6 one is an IPv4 address.
    #[must_use]
    pub const fn new(address: IpAddr) -> Self {
        Self(address.to_canonical())
    }

    /// The whole address.
    #[must_use]
    pub const fn ip(self) -> IpAddr {
        self.0
    }

    /// What limits count by: an IPv4 address, or the /64 network of an IPv6 address, which one household or machine has to itself.
    #[must_use]
    pub const fn network(self) -> IpAddr {
        match self.0 {
            IpAddr::V4(_) => self.0,
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !(u64::MAX as u128))),
        }
    }
}

/// Networks, as they are configured: `10.0.0.0/8`, `2001:db8::/32`, or an address by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct Networks(Vec<IpNet>);

/// A text that is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither an address nor a network like 10.0.0.0/8 or 2001:db8::/32")]
pub struct InvalidNetwork(String);

impl Networks {
    /// The machine itself.
    #[must_use]
    pub fn loopback() -> Self {
        let hosts = IpNet::from(IpAddr::V6(Ipv6Addr::LOCALHOST));
        let network = ipnet::Ipv4Net::new(Ipv4Addr::new(127, 0, 0, 0), 8).map(IpNet::from);
        Self(network.into_iter().chain([hosts]).collect())
    }

    /// Whether an address lies in one of them.
    #[must_use]
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

impl TryFrom<Vec<String>> for Networks {
    type Error = InvalidNetwork;

    fn try_from(texts: Vec<String>) -> Result<Self, InvalidNetwork> {
        let network = |text: String| {
            let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
            network.map_err(|_| InvalidNetwork(text))
        };
        texts.into_iter().map(network).collect::<Result<_, _>>().map(Self)
    }
}

impl Serialize for Networks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(ToString::to_string))
    }
}

/// The header in which trusted proxies say whom they stand for. Only one is read: a proxy that writes one of them passes on
/// the other as the client made it up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardingHeader {
    /// `X-Forwarded-For`, which nearly every proxy writes.
    #[default]
    XForwardedFor,
    /// `Forwarded`, of RFC 7239.
    Forwarded,
}

impl ForwardingHeader {
    const fn name(self) -> HeaderName {
        match self {
            Self::XForwardedFor => X_FORWARDED_FOR,
            Self::Forwarded => FORWARDED,
        }
    }

    /// The address that one element of the header names; none where it is hidden or cannot be read.
    fn address(self, element: &str) -> Option<IpAddr> {
        match self {
            Self::XForwardedFor => node(element),
            Self::Forwarded => split_outside_quotes(element, ';').find_map(|pair| {
                let (name, value) = pair.split_once('=')?;
                name.trim().eq_ignore_ascii_case("for").then(|| node(value))?
            }),
        }
    }
}

/// Which proxies are believed, and what they write.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// The networks that they are in.
    pub trusted: Networks,
    /// The header that they write.
    pub header: ForwardingHeader,
}

impl Proxies {
    /// The client of a request.
    #[must_use]
    pub fn client(&self, request: &HttpRequest) -> ClientAddress {
        // only a server on something else than TCP has no address of its other end
        let peer = request
            .peer_addr()
            .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
        self.resolve(peer, request.headers())
    }

    /// The client behind a connection from `peer`: each trusted proxy added, at the end, whom it heard from, so the last who
    /// is not a trusted proxy is the client. What stands before was written by anyone.
    #[must_use]
    pub fn resolve(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
        let mut client = ClientAddress::new(peer);
        if !self.trusted.contain(client.ip()) {
            return client;
        }
        let lines = headers.get_all(self.header.name()).rev();
        for element in lines.flat_map(|line| split_outside_quotes(line.to_str().unwrap_or("unreadable"), ',')) {
            let Some(address) = self.header.address(element) else {
                return client;
            };
            client = ClientAddress::new(address);
            if !self.trusted.contain(client.ip()) {
                return client;
            }
        }
        client
    }
}

/// The parts of a header between separators that are not in quotes, from the last to the first: an open quote in what a
/// client sent cannot hide what proxies wrote behind it.
fn split_outside_quotes(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.rsplit(move |character: char| {
        quoted ^= character == '"';
        character == separator && !quoted
    })
}

/// An address as proxies write it: with or without a port, brackets, quotes.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    bare.parse()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn proxies(header: ForwardingHeader) -> Proxies {
        let trusted = ["10.0.0.0/8", "192.0.2.7", "2001:db8:ffff::/48"].map(str::to_owned);
        Proxies {
            trusted: trusted.to_vec().try_into().unwrap(),
            header,
        }
    }

    fn client(header: ForwardingHeader, peer: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header.name(), HeaderValue::from_str(line).unwrap());
        }
        let client = proxies(header).resolve(peer.parse().unwrap(), &headers);
        client.ip().to_string()
    }

    #[test]
    fn the_client_is_the_last_that_no_trusted_proxy_vouches_for() {
        let table: [(&str, &[&str], &str); 17] = [
            ("198.51.100.1", &[], "198.51.100.1"),
            ("198.51.100.1", &["203.0.113.9"], "198.51.100.1"), // not a trusted proxy: its word is nothing
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("192.0.2.7", &["203.0.113.9"], "203.0.113.9"),
            ("192.0.2.8", &["203.0.113.9"], "192.0.2.8"),
            ("10.0.0.1", &["1.1.1.1, 203.0.113.9"], "203.0.113.9"), // the first was made up
            ("10.0.0.1", &["203.0.113.9, 10.0.0.2,10.0.0.3"], "203.0.113.9"),
            ("10.0.0.1", &["1.1.1.1", "203.0.113.9", "10.0.0.2"], "203.0.113.9"),
            ("10.0.0.1", &["10.0.0.9, 10.0.0.2"], "10.0.0.9"), // a machine of our own asks
            ("10.0.0.1", &["203.0.113.9, unknown, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["nonsense"], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.9:4711"], "203.0.113.9"),
            ("10.0.0.1", &["2001:db8::1"], "2001:db8::1"),
            ("10.0.0.1", &["[2001:db8::1]:4711"], "2001:db8::1"),
            ("2001:db8:ffff::1", &["[2001:db8::1]"], "2001:db8::1"),
            ("::ffff:10.0.0.1", &["::ffff:203.0.113.9"], "203.0.113.9"),
        ];
        for (peer, lines, expected) in table {
            let found = client(ForwardingHeader::XForwardedFor, peer, lines);
            assert_eq!(found, expected, "{peer} {lines:?}");
        }
    }

    #[test]
    fn forwarded_is_read_as_its_standard_writes_it() {
        let table: [(&[&str], &str); 11] = [
            (&["for=203.0.113.9"], "203.0.113.9"),
            (&["For=203.0.113.9;proto=https;by=10.0.0.1"], "203.0.113.9"),
            (&["proto=https; for=\"203.0.113.9:80\""], "203.0.113.9"),
            (&["for=\"[2001:db8::1]:4711\""], "2001:db8::1"),
            (&["for=1.1.1.1, for=203.0.113.9, for=10.0.0.2"], "203.0.113.9"),
            (&["for=1.1.1.1", "for=203.0.113.9"], "203.0.113.9"),
            (&["for=203.0.113.9;host=\"a,b;c\", for=10.0.0.2"], "203.0.113.9"),
            (&["for=\"1.1.1.1, for=203.0.113.9"], "203.0.113.9"), // a quote that was left open
            (&["for=unknown"], "10.0.0.1"),
            (&["for=_hidden, for=10.0.0.2"], "10.0.0.2"),
            (&["proto=https"], "10.0.0.1"),
        ];
        for (lines, expected) in table {
            let found = client(ForwardingHeader::Forwarded, "10.0.0.1", lines);
            assert_eq!(found, expected, "{lines:?}");
        }
    }

    #[test]
    fn limits_count_ipv6_by_its_network() {
        let table = [
            ("203.0.113.9", "203.0.113.9"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2::", "2001:db8:1:2::"),
        ];
        for (address, network) in table {
            let client = ClientAddress::new(address.parse().unwrap());
            assert_eq!(client.network().to_string(), network);
        }
    }

    #[test]
    fn what_is_no_network_is_refused_and_quoted() {
        for text in ["", "10.0.0.0/33", "example.com", "10.0.0"] {
            let error = Networks::try_from(vec![text.to_owned()]).unwrap_err();
            assert!(
                error.to_string().starts_with(&format!("{text:?} is neither")),
                "{error}"
            );
        }
    }
}
