//! Questions drawn from a list of numbers.

use entity::value::{Branch, OperatingSystem, PackageType, Region};

use super::{
    catalogue::{At, Catalogue},
    question::{Ask, Cursors, Dress, Filter, List, Page, Set, Written},
};

/// Numbers to draw from; zero, the simplest choice, where they are used up.
pub struct Chance<'a> {
    pub left: std::slice::Iter<'a, u16>,
    pub catalogue: &'a Catalogue,
    pub cursors: &'a Cursors,
}

/// Leaves of a kind of object.
const fn leaves(at: At) -> &'static [&'static str] {
    match at {
        At::Device(_) => &[
            "codename",
            "name",
            "names",
            "regions",
            "branches",
            "firstReleasedOn",
            "lastReleasedOn",
            "__typename",
        ],
        At::Variant(_) => &["codename", "region", "name", "names", "romCode", "__typename"],
        At::Release(_) => &["version", "region", "os", "branch", "releasedOn", "__typename"],
        At::Package(_) => &[
            "filename",
            "type",
            "region",
            "baseVersion",
            "android",
            "size",
            "sizeIsApproximate",
            "md5",
            "releasedOn",
            "builtOn",
            "mirrors",
            "__typename",
        ],
    }
}

impl Chance<'_> {
    /// A number below another.
    fn below(&mut self, most: usize) -> usize {
        usize::from(self.left.next().copied().unwrap_or(0)) % most.max(1)
    }

    /// True once in so many times.
    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }

    fn one<'b, T>(&mut self, of: &'b [T]) -> &'b T {
        &of[self.below(of.len())]
    }

    /// A whole question.
    pub fn question(&mut self) -> Set {
        let count = 1 + self.below(3);
        let asks = (0..count).map(|_| match self.below(8) {
            0 | 1 => self.page(List::Packages, 3),
            2 | 3 => self.page(List::Releases, 3),
            4 => self.page(List::Devices, 3),
            5 => self.page(List::Latest, 3),
            _ => self.found(),
        });
        Set {
            asks: asks.collect(),
            dress: self.dress(),
        }
    }

    fn found(&mut self) -> Ask {
        let catalogue = self.catalogue;
        let at = match self.below(4) {
            0 => At::Device(self.below(catalogue.devices.len())),
            1 => At::Variant(self.below(catalogue.variants.len())),
            2 => At::Release(self.below(catalogue.releases.len())),
            _ => At::Package(self.below(catalogue.packages.len())),
        };
        Ask::Find(at, self.set(at, 3))
    }

    fn dress(&mut self) -> Dress {
        match self.below(8) {
            5 => Dress::Inline,
            6 => Dress::Named,
            7 => Dress::Included,
            _ => Dress::Plain,
        }
    }

    /// A selection on an object of this kind, so many levels deep at most; which object it is does not matter.
    fn set(&mut self, kind: At, levels: usize) -> Set {
        let count = 1 + self.below(4);
        let asks = (0..count).map(|_| {
            if levels == 0 || self.below(3) == 0 {
                let leaf: &&str = self.one(leaves(kind));
                return Ask::Leaf(leaf);
            }
            self.deeper(kind, levels - 1)
        });
        Set {
            asks: asks.collect(),
            dress: self.dress(),
        }
    }

    fn deeper(&mut self, kind: At, levels: usize) -> Ask {
        const DEVICE: At = At::Device(0);
        const VARIANT: At = At::Variant(0);
        const RELEASE: At = At::Release(0);
        const PACKAGE: At = At::Package(0);
        match (kind, self.below(6)) {
            (At::Device(_), 0) => Ask::Many("siblings", self.set(DEVICE, levels)),
            (At::Device(_), 1 | 2) => {
                let regions = self.some(Region::ALL, |region| region.name().to_owned());
                Ask::Variants(regions, self.set(VARIANT, levels))
            }
            (At::Variant(_), 0) | (At::Release(_), 1) | (At::Package(_), 2) => {
                Ask::One("device", self.set(DEVICE, levels))
            }
            (At::Device(_) | At::Variant(_), 3) => Ask::Latest(
                Box::new(self.filter(List::Latest)),
                self.latest_by(),
                self.set(PACKAGE, levels),
            ),
            (At::Device(_), 4) | (At::Variant(_), 1 | 2 | 4) => self.page(List::Releases, levels),
            (At::Device(_), _) | (At::Release(_), 2 | 3) => self.page(List::Packages, levels),
            (At::Variant(_), _) => Ask::Leaf("codename"),
            (At::Release(_), 0) | (At::Package(_), 1) => Ask::One("variant", self.set(VARIANT, levels)),
            (At::Release(_), 4) => Ask::One("previous", self.set(RELEASE, levels)),
            (At::Release(_), _) => Ask::One("next", self.set(RELEASE, levels)),
            (At::Package(_), 0 | 5) => Ask::One("release", self.set(RELEASE, levels)),
            (At::Package(_), 3) => Ask::One("source", self.set(PACKAGE, levels)),
            (At::Package(_), _) => Ask::Many("derived", self.set(PACKAGE, levels)),
        }
    }

    fn latest_by(&mut self) -> &'static str {
        let by: &&str = self.one(&["RELEASED_ON", "VERSION"]);
        by
    }

    fn page(&mut self, list: List, levels: usize) -> Ask {
        let kind = match list {
            List::Devices => At::Device(0),
            List::Releases => At::Release(0),
            List::Packages | List::Latest => At::Package(0),
        };
        let (fields, _) = list.orders();
        let order = (list != List::Latest && self.once_in(2))
            .then(|| (*self.one(fields), *self.one(&[None, Some(true), Some(false)])));
        let by = if list == List::Latest { self.latest_by() } else { "" };
        // the wide pages are those that hold no pages
        let most = match levels {
            3 => 6,
            2 => 4,
            _ => 3,
        };
        let (mut first, mut last) = match self.below(8) {
            0..=3 => (Some(self.below(most)), None),
            4..=6 => (None, Some(self.below(most))),
            _ => (None, None),
        };
        let own = self.cursors.rows(list, order.map_or(fields[0], |(field, _)| field));
        let after = self.once_in(4).then(|| own[self.below(own.len())].0);
        let before = self.once_in(5).then(|| own[self.below(own.len())].0);
        let leaf_only = self.once_in(3);
        let below = if leaf_only || (first, last) == (None, None) {
            0
        } else {
            levels
        };
        if leaf_only && self.once_in(3) {
            (first, last) = (first.map(|_| 100), last.map(|_| 100));
        }
        let page = Page {
            list,
            filter: if self.once_in(4) {
                Filter::default()
            } else {
                self.filter(list)
            },
            order,
            by,
            first,
            last,
            after,
            before,
            total: self.once_in(2),
            facets: self.once_in(3),
            info: self.once_in(2),
            nodes: (!self.once_in(4)).then(|| self.set(kind, below)),
            edges: self.once_in(4).then(|| self.set(kind, below)),
            written: if self.once_in(3) {
                Written::AsVariables
            } else {
                Written::Literally
            },
        };
        Ask::Page(Box::new(page))
    }

    fn some<T>(&mut self, of: &[T], name: impl Fn(&T) -> String) -> Option<Vec<String>> {
        if !self.once_in(3) {
            return None;
        }
        let count = match self.below(12) {
            0..=6 => 1,
            7..=9 => 2,
            10 => 3,
            _ => 0,
        };
        let chosen = (0..count).map(|_| name(self.one(of)));
        Some(chosen.collect())
    }

    fn filter(&mut self, list: List) -> Filter {
        let catalogue = self.catalogue;
        let mut filter = Filter {
            os: self.some(OperatingSystem::ALL, |os| os.name().to_owned()),
            branch: self.some(Branch::ALL, |branch| branch.name().to_owned()),
            region: self.some(&Region::ALL[..9], |region| region.name().to_owned()),
            r#type: self.some(PackageType::ALL, |r#type| r#type.name().to_owned()),
            ..Filter::default()
        };
        if self.once_in(4) {
            let count = 1 + self.below(3);
            filter.device = Some((0..count).map(|_| self.codename()).collect());
        }
        if list == List::Devices {
            if self.once_in(3) {
                filter.search = Some(
                    (*self.one(&[
                        "redmi note",
                        "POCO",
                        "pro",
                        "5",
                        "k40",
                        "a",
                        "mi-11",
                        "Nothing like this",
                    ]))
                    .to_owned(),
                );
            }
            return filter;
        }
        if self.once_in(8) {
            let release = self.one(&catalogue.releases);
            let version = release.version.as_str();
            let text = if self.once_in(2) {
                version.to_lowercase()
            } else {
                version.to_owned()
            };
            filter.version = Some(vec![text]);
        }
        if self.once_in(6) {
            filter.version_prefix = Some((*self.one(&["V1", "OS", "os2.", "V12.5.", "v14", "9", "X"])).to_owned());
        }
        if self.once_in(6) {
            filter.android = Some(vec![(*self.one(&["13", "13.0", "7", "7.1", "10", "99"])).to_owned()]);
        }
        if self.once_in(5) {
            let day = |chance: &mut Self| {
                let package = chance.one(&catalogue.packages);
                (!chance.once_in(3)).then(|| package.line.released_on.map(|day| day.to_string()))
            };
            filter.released_on = Some((day(self).flatten(), day(self).flatten()));
        }
        if list == List::Releases {
            return filter;
        }
        let mut perhaps = |times: usize| self.once_in(times).then(|| self.below(2) == 0);
        filter.size_known = perhaps(10);
        filter.md5_known = perhaps(8);
        filter.has_derived = perhaps(8);
        filter
    }

    /// Base or regional, in any case, or of nothing.
    fn codename(&mut self) -> String {
        let catalogue = self.catalogue;
        let codename = match self.below(4) {
            0 | 1 => self.one(&catalogue.devices).clone(),
            2 => catalogue.codename(self.below(catalogue.variants.len())).to_owned(),
            _ => "nothing".to_owned(),
        };
        if self.once_in(4) {
            codename.to_uppercase()
        } else {
            codename
        }
    }

    /// Asks for more, at one place: one more field, or a larger page.
    pub fn grow(&mut self, set: &mut Set) {
        let place = self.below(set.asks.len());
        if self.once_in(4) {
            let again = set.asks[place].clone();
            set.asks.push(again);
            return;
        }
        match &mut set.asks[place] {
            Ask::Leaf(_) => {
                let again = set.asks[place].clone();
                set.asks.push(again);
            }
            Ask::One(_, below)
            | Ask::Many(_, below)
            | Ask::Variants(_, below)
            | Ask::Latest(_, _, below)
            | Ask::Find(_, below) => {
                self.grow(below);
            }
            Ask::Page(page) => match (page.nodes.as_mut().or(page.edges.as_mut()), self.below(4)) {
                (Some(below), 0 | 1) => self.grow(below),
                (_, 2) => {
                    page.total = true;
                    page.facets = true;
                }
                _ => {
                    let more = self.below(20);
                    for size in [&mut page.first, &mut page.last].into_iter().flatten() {
                        *size = (*size + more).min(100);
                    }
                }
            },
        }
    }
}
