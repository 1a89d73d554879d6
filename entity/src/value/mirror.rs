//! Where ROMs can be downloaded: the one place that knows Xiaomi's hosts and their order.

use super::Version;

/// Xiaomi's interchangeable download hosts, in the order in which they are offered.
///
/// A host's place in this list is stored as a bit of [`Mirrors`], so hosts are only ever added at the end; the order in
/// which they are offered is [`OFFERED`].
pub const HOSTS: [&str; 6] = [
    "cdnorg.d.miui.com",
    "bkt-sgp-miui-ota-update-alisgp.oss-ap-southeast-1.aliyuncs.com",
    "bn.d.miui.com",
    "bigota.d.miui.com",
    "hugeota.d.miui.com",
    "cdn-ota.azureedge.net",
];

/// The order in which hosts are offered, as places in [`HOSTS`].
const OFFERED: [usize; 6] = [0, 1, 2, 3, 4, 5];

/// The hosts that a source lists for a package under the usual address `https://{host}/{version}/{filename}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mirrors(i32);

impl Mirrors {
    /// The one host of an address of the usual form for this version and file name; `None` for any other address.
    #[must_use]
    pub fn from_url(url: &str, version: &Version, filename: &str) -> Option<Self> {
        let rest = url.strip_prefix("https://")?;
        let (host, path) = rest.split_once('/')?;
        let (folder, file) = path.split_once('/')?;
        if folder != version.as_str() || file != filename {
            return None;
        }
        let place = HOSTS.iter().position(|known| *known == host)?;
        Some(Self(1 << place))
    }

    /// Both sets of hosts together.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether no host is listed.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The addresses of a file on these hosts, in the order in which they are to be tried.
    pub fn urls<'a>(self, version: &'a str, filename: &'a str) -> impl Iterator<Item = String> + 'a {
        OFFERED
            .into_iter()
            .filter(move |place| self.0 & (1 << place) != 0)
            .filter_map(|place| HOSTS.get(place))
            .map(move |host| format!("https://{host}/{version}/{filename}"))
    }

    /// The set as the database stores it: bit `n` is host `n` of [`HOSTS`].
    #[must_use]
    pub const fn bits(self) -> i32 {
        self.0
    }

    /// The set from its stored bits; bits of unknown hosts are dropped.
    #[must_use]
    pub const fn from_bits(bits: i32) -> Self {
        Self(bits & ((1 << HOSTS.len()) - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_addresses_become_hosts_and_come_back_in_order() {
        let version: Version = "7.12.28".parse().unwrap();
        let url = |host: &str| format!("https://{host}/7.12.28/a.zip");
        let mirrors = ["hugeota.d.miui.com", "cdnorg.d.miui.com"]
            .into_iter()
            .filter_map(|host| Mirrors::from_url(&url(host), &version, "a.zip"))
            .fold(Mirrors::default(), Mirrors::union);
        let urls: Vec<_> = mirrors.urls("7.12.28", "a.zip").collect();
        assert_eq!(urls, [url("cdnorg.d.miui.com"), url("hugeota.d.miui.com")]);
    }

    #[test]
    fn other_addresses_are_no_mirror() {
        let version: Version = "7.12.28".parse().unwrap();
        for url in [
            "http://bigota.d.miui.com/7.12.28/a.zip",
            "https://bigota.d.miui.com/7.12.27/a.zip",
            "https://bigota.d.miui.com/7.12.28/b.zip",
            "https://example.org/7.12.28/a.zip",
            "https://bigota.d.miui.com",
        ] {
            assert_eq!(Mirrors::from_url(url, &version, "a.zip"), None, "{url}");
        }
    }
}
