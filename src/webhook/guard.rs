//! Which addresses may be reached: none that lies within the server's own networks, whatever a name leads to.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::settings::Settings;

/// The longest address of a webhook, in bytes.
pub const LONGEST_URL: usize = 2048;

/// What is not the public internet, by the registries of special-purpose addresses of IANA.
const PRIVATE_V4: [Ipv4Net; 16] = [
    v4([0, 0, 0, 0], 8),       // this network
    v4([10, 0, 0, 0], 8),      // private
    v4([100, 64, 0, 0], 10),   // shared by carriers
    v4([127, 0, 0, 0], 8),     // loopback
    v4([169, 254, 0, 0], 16),  // link-local, with the metadata of cloud machines
    v4([172, 16, 0, 0], 12),   // private
    v4([192, 0, 0, 0], 24),    // protocol assignments
    v4([192, 0, 2, 0], 24),    // documentation
    v4([192, 31, 196, 0], 24), // AS112
    v4([192, 52, 193, 0], 24), // multicast tunnels
    v4([192, 88, 99, 0], 24),  // 6to4 relays
    v4([192, 168, 0, 0], 16),  // private
    v4([198, 18, 0, 0], 15),   // benchmarks
    v4([198, 51, 100, 0], 24), // documentation
    v4([203, 0, 113, 0], 24),  // documentation
    v4([224, 0, 0, 0], 3),     // multicast, reserved, broadcast
];

/// All of IPv6 that is public lies here, …
const PUBLIC_V6: Ipv6Net = v6([0x2000, 0, 0], 3);

/// … but for this.
const PRIVATE_V6: [Ipv6Net; 5] = [
    v6([0x2001, 0, 0], 23),         // protocol assignments, Teredo and benchmarks among them
    v6([0x2001, 0xdb8, 0], 32),     // documentation
    v6([0x2002, 0, 0], 16),         // 6to4, which leads to addresses of IPv4
    v6([0x2620, 0x4f, 0x8000], 48), // AS112
    v6([0x3fff, 0, 0], 20),         // documentation
];

/// NAT64's prefix: the last 32 bits are an address of IPv4.
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0], 96);

const fn v4([a, b, c, d]: [u8; 4], length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6([a, b, c]: [u16; 3], length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), length)
}

/// Why an address may not be reached: says what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Too long.
    #[error("must be at most {LONGEST_URL} bytes, is {0}")]
    TooLong(usize),
    /// No address.
    #[error("must be an absolute address such as https://example.com/hook")]
    Malformed,
    /// Another scheme.
    #[error("must begin with https://")]
    Scheme,
    /// Credentials are no part of an address.
    #[error("must have no user and no password: the signature tells who sends")]
    Credentials,
    /// A fragment is not sent.
    #[error("must have no part behind a #")]
    Fragment,
    /// A port that is not for web servers.
    #[error("must not have the port {0}")]
    Port(u16),
    /// Not the public internet.
    #[error("must lead to a public address of the internet")]
    Private,
}

/// A name led to no address that may be reached.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the name leads to no public address of the internet")]
pub struct LeadsInside;

/// Decides which addresses may be reached. Clones share it.
#[derive(Clone, Debug)]
pub struct Guard {
    settings: Arc<Settings>,
}

impl Guard {
    /// A guard with these exceptions.
    #[must_use]
    pub fn new(settings: Arc<Settings>) -> Self {
        Self { settings }
    }

    /// Reads the address of a webhook. What its name leads to is looked at when it is connected to.
    ///
    /// # Errors
    /// When it is not of the form that is allowed, or is itself an address that may not be reached.
    pub fn check(&self, text: &str) -> Result<Url, Refused> {
        if text.len() > LONGEST_URL {
            return Err(Refused::TooLong(text.len()));
        }
        let url = Url::parse(text).map_err(|_| Refused::Malformed)?;
        match url.scheme() {
            "https" => {}
            "http" if self.settings.allow_http => {}
            _ => return Err(Refused::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::Credentials);
        }
        if url.fragment().is_some() {
            return Err(Refused::Fragment);
        }
        let port = url.port_or_known_default().unwrap_or_default();
        let ports = &self.settings.allowed_ports;
        if !ports.is_empty() && !ports.contains(&port) {
            return Err(Refused::Port(port));
        }
        let is_admitted = match url.host() {
            Some(Host::Ipv4(address)) => self.admits(address.into()),
            Some(Host::Ipv6(address)) => self.admits(address.into()),
            Some(Host::Domain(name)) => !is_local(name) || self.admits(Ipv4Addr::LOCALHOST.into()),
            None => return Err(Refused::Malformed),
        };
        if is_admitted { Ok(url) } else { Err(Refused::Private) }
    }

    /// Whether an address may be connected to.
    #[must_use]
    pub fn admits(&self, address: IpAddr) -> bool {
        // ::ffff:127.0.0.1 is 127.0.0.1
        let address = address.to_canonical();
        self.settings
            .allowed_networks
            .iter()
            .any(|network: &IpNet| network.contains(&address))
            || is_public(address)
    }
}

fn is_local(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name == "localhost" || name.ends_with(".localhost")
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !PRIVATE_V4.iter().any(|network| network.contains(&address)),
        IpAddr::V6(address) if NAT64.contains(&address) => {
            let [.., a, b, c, d] = address.octets();
            is_public(Ipv4Addr::new(a, b, c, d).into())
        }
        IpAddr::V6(address) => {
            PUBLIC_V6.contains(&address) && !PRIVATE_V6.iter().any(|network| network.contains(&address))
        }
    }
}

/// Looks names up for the client, at every connection anew, and hands over only what may be connected to.
impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let admitted: Vec<SocketAddr> = found.filter(|address| guard.admits(address.ip())).collect();
            if admitted.is_empty() {
                return Err(LeadsInside.into());
            }
            let addresses: Addrs = Box::new(admitted.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::tests::settings;

    fn guard(change: impl FnOnce(&mut Settings)) -> Guard {
        let mut settings = settings();
        change(&mut settings);
        Guard::new(Arc::new(settings))
    }

    #[test]
    fn only_public_addresses_are_admitted() {
        let guard = guard(|_| ());
        for (address, expected) in [
            ("1.1.1.1", true),
            ("8.8.8.8", true),
            ("172.15.255.255", true),
            ("172.32.0.1", true),
            ("100.63.255.255", true),
            ("100.128.0.1", true),
            ("223.255.255.255", true),
            ("2606:4700:4700::1111", true),
            ("2a00:1450:4001::1", true),
            ("64:ff9b::808:808", true),
            ("0.0.0.0", false),
            ("0.1.2.3", false),
            ("10.0.0.1", false),
            ("100.64.0.1", false),
            ("127.0.0.1", false),
            ("127.255.255.254", false),
            ("169.254.169.254", false),
            ("172.16.0.1", false),
            ("172.31.255.255", false),
            ("192.0.0.8", false),
            ("192.0.2.1", false),
            ("192.88.99.1", false),
            ("192.168.1.1", false),
            ("198.18.0.1", false),
            ("198.19.255.255", false),
            ("198.51.100.7", false),
            ("203.0.113.9", false),
            ("224.0.0.1", false),
            ("239.255.255.250", false),
            ("240.0.0.1", false),
            ("255.255.255.255", false),
            ("::", false),
            ("::1", false),
            ("::127.0.0.1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:10.0.0.1", false),
            ("::ffff:8.8.8.8", true),
            ("64:ff9b::7f00:1", false),
            ("64:ff9b::a00:1", false),
            ("64:ff9b:1::1", false),
            ("100::1", false),
            ("2001::1", false),
            ("2001:db8::1", false),
            ("2002:7f00:1::1", false),
            ("2002:808:808::1", false),
            ("3fff::1", false),
            ("5f00::1", false),
            ("fc00::1", false),
            ("fd12:3456::1", false),
            ("fe80::1", false),
            ("fec0::1", false),
            ("ff02::1", false),
        ] {
            assert_eq!(guard.admits(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn addresses_of_webhooks_are_checked_in_every_spelling() {
        let guard = guard(|_| ());
        let long = format!("https://example.com/{}", "x".repeat(LONGEST_URL));
        for (url, expected) in [
            ("https://example.com/hook?key=1", None),
            ("https://example.com:8443/", None),
            ("https://1.1.1.1/", None),
            ("https://[2606:4700:4700::1111]/", None),
            ("http://example.com/", Some(Refused::Scheme)),
            ("ftp://example.com/", Some(Refused::Scheme)),
            ("file:///etc/passwd", Some(Refused::Scheme)),
            ("gopher://example.com/", Some(Refused::Scheme)),
            ("example.com", Some(Refused::Malformed)),
            ("https://", Some(Refused::Malformed)),
            ("https://user@example.com/", Some(Refused::Credentials)),
            ("https://:secret@example.com/", Some(Refused::Credentials)),
            ("https://example.com/#part", Some(Refused::Fragment)),
            ("https://example.com:22/", Some(Refused::Port(22))),
            ("https://example.com:80/", Some(Refused::Port(80))),
            ("https://127.0.0.1/", Some(Refused::Private)),
            ("https://127.1/", Some(Refused::Private)),
            ("https://2130706433/", Some(Refused::Private)),
            ("https://0x7f000001/", Some(Refused::Private)),
            ("https://0177.0.0.1/", Some(Refused::Private)),
            ("https://0/", Some(Refused::Private)),
            ("https://１２７.0.0.1/", Some(Refused::Private)),
            ("https://169.254.169.254/latest/meta-data/", Some(Refused::Private)),
            ("https://[::1]/", Some(Refused::Private)),
            ("https://[::ffff:10.0.0.1]/", Some(Refused::Private)),
            ("https://[64:ff9b::a9fe:a9fe]/", Some(Refused::Private)),
            ("https://[fe80::1]/", Some(Refused::Private)),
            ("https://localhost/", Some(Refused::Private)),
            ("https://LocalHost./", Some(Refused::Private)),
            ("https://a.localhost/", Some(Refused::Private)),
            (&long, Some(Refused::TooLong(long.len()))),
        ] {
            assert_eq!(guard.check(url).err(), expected, "{url}");
        }
    }

    #[test]
    fn the_configuration_can_allow_more() {
        let guard = guard(|settings| {
            settings.allow_http = true;
            settings.allowed_ports = Vec::new();
            settings.allowed_networks = vec!["127.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        });
        for (url, expected) in [
            ("http://127.0.0.1:9000/", true),
            ("http://[::ffff:127.0.0.1]:9000/", true),
            ("http://localhost:9000/", true),
            ("http://[fd00::1]/", true),
            ("http://[::1]/", false),
            ("http://10.0.0.1/", false),
        ] {
            assert_eq!(guard.check(url).is_ok(), expected, "{url}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_leads_nowhere() {
        let name = || "localhost".parse::<Name>().unwrap();
        let refused = guard(|_| ()).resolve(name()).await.map(Iterator::count);
        assert!(refused.unwrap_err().is::<LeadsInside>());
        let allowed = guard(|settings| settings.allowed_networks = vec!["127.0.0.0/8".parse().unwrap()]);
        let found: Vec<_> = allowed.resolve(name()).await.ok().unwrap().collect();
        assert!(found.iter().all(|address| address.ip() == Ipv4Addr::LOCALHOST) && !found.is_empty());
    }
}
