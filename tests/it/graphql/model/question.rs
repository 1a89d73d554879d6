//! Questions made by chance: what is asked, and how it is written down in GraphQL.
//!
//! Everything is drawn from a list of numbers; where the list is short or its numbers small, the question is simple. A
//! failing question therefore shrinks to a simple one.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::catalogue::{At, Catalogue};

/// What is selected of an object: its members come in this order.
#[derive(Clone, Debug, Default)]
pub struct Set {
    pub asks: Vec<Ask>,
    pub dress: Dress,
}

/// How a selection set is written; it means the same.
#[derive(Clone, Copy, Debug, Default)]
pub enum Dress {
    #[default]
    Plain,
    /// In an inline fragment on its type.
    Inline,
    /// In a named fragment.
    Named,
    /// Each second field in a fragment that a variable includes, and more in one that it skips.
    Included,
}

/// One field.
#[derive(Clone, Debug)]
pub enum Ask {
    Leaf(&'static str),
    /// One object, or none.
    One(&'static str, Set),
    /// A list of objects without arguments.
    Many(&'static str, Set),
    /// A device's variants, of some regions.
    Variants(Option<Vec<String>>, Set),
    /// A list with pages.
    Page(Box<Page>),
    /// The newest packages of a device or variant.
    Latest(Box<Filter>, &'static str, Set),
    /// Something of the root, by what identifies it.
    Find(At, Set),
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Page {
    pub list: List,
    pub filter: Filter,
    /// Field, and whether it goes down; the direction may be left out.
    pub order: Option<(&'static str, Option<bool>)>,
    pub by: &'static str,
    pub first: Option<usize>,
    pub last: Option<usize>,
    /// Which row's cursor, of all rows of the kind.
    pub after: Option<usize>,
    pub before: Option<usize>,
    pub total: bool,
    pub facets: bool,
    pub info: bool,
    pub nodes: Option<Set>,
    pub edges: Option<Set>,
    pub written: Written,
}

/// How arguments are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    Literally,
    AsVariables,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    Devices,
    Releases,
    Packages,
    Latest,
}

impl List {
    pub const fn field(self) -> &'static str {
        match self {
            Self::Devices => "devices",
            Self::Releases => "releases",
            Self::Packages => "packages",
            Self::Latest => "latestPackages",
        }
    }

    /// The fields that it can be ordered by, the usual one first, and whether that goes down.
    pub const fn orders(self) -> (&'static [&'static str], bool) {
        match self {
            Self::Devices => (&["CODENAME", "NAME", "LAST_RELEASED_ON"], false),
            Self::Releases => (&["RELEASED_ON", "VERSION"], true),
            Self::Packages => (&["RELEASED_ON", "VERSION", "SIZE"], true),
            Self::Latest => (&["LATEST"], false),
        }
    }

    const fn node(self) -> &'static str {
        match self {
            Self::Devices => "Device",
            Self::Releases => "Release",
            Self::Packages | Self::Latest => "Package",
        }
    }
}

impl Page {
    /// Field and direction of its order.
    pub fn order(&self) -> (&'static str, bool) {
        let (fields, usual) = self.list.orders();
        match self.order {
            None => (fields[0], usual),
            Some((field, down)) => (field, down.unwrap_or(usual)),
        }
    }
}

/// What rows must be. What a kind of rows does not know is left out for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub device: Option<Vec<String>>,
    pub search: Option<String>,
    pub os: Option<Vec<String>>,
    pub branch: Option<Vec<String>>,
    pub region: Option<Vec<String>>,
    pub r#type: Option<Vec<String>>,
    pub version: Option<Vec<String>>,
    pub version_prefix: Option<String>,
    pub android: Option<Vec<String>>,
    pub released_on: Option<(Option<String>, Option<String>)>,
    pub size_known: Option<bool>,
    pub md5_known: Option<bool>,
    pub has_derived: Option<bool>,
}

impl Filter {
    /// Whether it asks for no package of a device.
    pub const fn says_nothing_of_packages(&self) -> bool {
        self.os.is_none() && self.branch.is_none() && self.region.is_none() && self.r#type.is_none()
    }

    /// As JSON; a list of one may stand as its value.
    fn written(&self, list: List) -> Map<String, Value> {
        let mut members = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                members.insert(name.to_owned(), value);
            }
        };
        let listed = |values: &Option<Vec<String>>| {
            values.as_ref().map(|values| match values.as_slice() {
                [only] => json!(only),
                values => json!(values),
            })
        };
        let name = if list == List::Devices { "codename" } else { "device" };
        put(name, listed(&self.device));
        put("search", self.search.as_ref().map(|text| json!(text)));
        put("os", listed(&self.os));
        put("branch", listed(&self.branch));
        put("region", listed(&self.region));
        put("type", listed(&self.r#type));
        put("version", listed(&self.version));
        put("versionPrefix", self.version_prefix.as_ref().map(|text| json!(text)));
        put("android", listed(&self.android));
        put(
            "releasedOn",
            self.released_on.as_ref().map(|(from, to)| {
                let ends = [("from", from), ("to", to)].into_iter();
                let ends = ends.filter_map(|(name, day)| Some((name.to_owned(), json!(day.as_ref()?))));
                Value::Object(ends.collect())
            }),
        );
        put("sizeKnown", self.size_known.map(|known| json!(known)));
        put("md5Known", self.md5_known.map(|known| json!(known)));
        put("hasDerived", self.has_derived.map(|has| json!(has)));
        members
    }
}

/// A value as GraphQL writes it. What stands below one of these names are names themselves.
fn literal(value: &Value, is_enum: bool) -> String {
    match value {
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| {
                let is_enum = ["os", "branch", "region", "type", "field", "direction"].contains(&name.as_str());
                format!("{name}: {}", literal(value, is_enum))
            };
            format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| literal(item, is_enum)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::String(name) if is_enum => name.clone(),
        other => other.to_string(),
    }
}

/// Cursors of every row, by list and order.
pub struct Cursors(pub Vec<(List, &'static str, Cursored)>);

/// Rows in their order, each with its cursor.
pub type Cursored = Vec<(usize, String)>;

impl Cursors {
    pub fn of(&self, list: List, field: &str, row: usize) -> &str {
        let rows = self.rows(list, field);
        &rows.iter().find(|(other, _)| *other == row).unwrap().1
    }

    pub fn rows(&self, list: List, field: &str) -> &[(usize, String)] {
        let found = self.0.iter().find(|(other, by, _)| *other == list && *by == field);
        &found.unwrap().2
    }
}

/// A request under way.
pub struct Request<'a> {
    catalogue: &'a Catalogue,
    cursors: &'a Cursors,
    declared: Vec<String>,
    fragments: String,
    count: usize,
    pub variables: Map<String, Value>,
    pub text: String,
}

impl<'a> Request<'a> {
    /// Writes a question down.
    pub fn new(catalogue: &'a Catalogue, cursors: &'a Cursors, root: &Set) -> Self {
        let mut request = Self {
            catalogue,
            cursors,
            declared: Vec::new(),
            fragments: String::new(),
            count: 0,
            variables: Map::new(),
            text: String::new(),
        };
        let body = request.set(root, "Query");
        let declared = if request.declared.is_empty() {
            String::new()
        } else {
            format!("({})", request.declared.join(", "))
        };
        request.text = format!("query{declared} {body}{}", request.fragments);
        request
    }

    fn number(&mut self) -> usize {
        self.count += 1;
        self.count
    }

    fn variable(&mut self, ty: &str, value: Value) -> String {
        let name = format!("v{}", self.number());
        self.declared.push(format!("${name}: {ty}"));
        self.variables.insert(name.clone(), value);
        format!("${name}")
    }

    fn set(&mut self, set: &Set, ty: &str) -> String {
        let fields: Vec<String> = set
            .asks
            .iter()
            .enumerate()
            .map(|(place, ask)| format!("a{place}: {}", self.ask(ask)))
            .collect();
        match set.dress {
            Dress::Plain => format!("{{ {} }}", fields.join(" ")),
            Dress::Inline => format!("{{ ... on {ty} {{ {} }} }}", fields.join(" ")),
            Dress::Named => {
                let name = format!("F{}", self.number());
                let _ = write!(self.fragments, " fragment {name} on {ty} {{ {} }}", fields.join(" "));
                format!("{{ ...{name} }}")
            }
            Dress::Included => {
                let included = self.variable("Boolean!", json!(true));
                let fields: Vec<String> = fields
                    .iter()
                    .enumerate()
                    .map(|(place, field)| match place % 2 {
                        0 => field.clone(),
                        _ => format!("... @include(if: {included}) {{ {field} }}"),
                    })
                    .collect();
                format!(
                    "{{ {} ... @skip(if: {included}) {{ left: __typename }} }}",
                    fields.join(" ")
                )
            }
        }
    }

    fn ask(&mut self, ask: &Ask) -> String {
        match ask {
            Ask::Leaf(field) => (*field).to_owned(),
            Ask::One(field, set) | Ask::Many(field, set) => {
                let ty = match *field {
                    "device" | "siblings" => "Device",
                    "variant" => "Variant",
                    "release" | "previous" | "next" => "Release",
                    _ => "Package",
                };
                format!("{field} {}", self.set(set, ty))
            }
            Ask::Variants(regions, set) => {
                let regions = regions.as_ref();
                let argument = regions.map(|regions| format!("(region: {})", literal(&json!(regions), true)));
                format!("variants{} {}", argument.unwrap_or_default(), self.set(set, "Variant"))
            }
            Ask::Latest(filter, by, set) => {
                let filter = literal(&Value::Object(filter.written(List::Latest)), false);
                format!(
                    "latestPackages(filter: {filter}, by: {by}) {}",
                    self.set(set, "Package")
                )
            }
            Ask::Page(page) => self.page(page),
            Ask::Find(at, set) => {
                let catalogue = self.catalogue;
                match *at {
                    At::Device(at) => {
                        format!(
                            "device(codename: {}) {}",
                            json!(catalogue.devices[at]),
                            self.set(set, "Device")
                        )
                    }
                    At::Variant(at) => {
                        format!(
                            "variant(codename: {}) {}",
                            json!(catalogue.codename(at)),
                            self.set(set, "Variant")
                        )
                    }
                    At::Release(at) => {
                        let release = &catalogue.releases[at];
                        let (variant, version) = (catalogue.codename(release.variant), release.version.as_str());
                        let set = self.set(set, "Release");
                        format!(
                            "release(variant: {}, version: {}) {set}",
                            json!(variant),
                            json!(version)
                        )
                    }
                    At::Package(at) => {
                        let filename = json!(catalogue.packages[at].line.filename);
                        format!("package(by: {{filename: {filename}}}) {}", self.set(set, "Package"))
                    }
                }
            }
        }
    }

    fn page(&mut self, page: &Page) -> String {
        let list = page.list;
        let mut arguments: Vec<(&str, &str, Value)> = Vec::new();
        let filter = page.filter.written(list);
        let (filter_type, order_type) = match list {
            List::Devices => ("DeviceFilter", "DeviceOrder"),
            List::Releases => ("ReleaseFilter", "ReleaseOrder"),
            List::Packages | List::Latest => ("PackageFilter", "PackageOrder"),
        };
        if !filter.is_empty() {
            arguments.push(("filter", filter_type, Value::Object(filter)));
        }
        if let Some((field, down)) = page.order {
            let order = match down {
                None => json!({"field": field}),
                Some(down) => json!({"field": field, "direction": if down { "DESC" } else { "ASC" }}),
            };
            arguments.push(("orderBy", order_type, order));
        }
        if list == List::Latest {
            arguments.push(("by", "LatestBy!", json!(page.by)));
        }
        let (field, _) = page.order();
        let cursor = |row: usize| json!(self.cursors.of(list, field, row));
        for (name, ty, value) in [
            ("first", "Int", page.first.map(|size| json!(size))),
            ("last", "Int", page.last.map(|size| json!(size))),
            ("after", "String", page.after.map(cursor)),
            ("before", "String", page.before.map(cursor)),
        ] {
            arguments.extend(value.map(|value| (name, ty, value)));
        }
        let arguments: Vec<String> = arguments
            .into_iter()
            .map(|(name, ty, value)| match page.written {
                Written::Literally => format!("{name}: {}", literal(&value, name == "by")),
                Written::AsVariables => format!("{name}: {}", self.variable(ty, value)),
            })
            .collect();
        let arguments = if arguments.is_empty() {
            String::new()
        } else {
            format!("({})", arguments.join(", "))
        };
        let mut body = String::from("__typename");
        if let Some(set) = &page.nodes {
            let _ = write!(body, " nodes {}", self.set(set, list.node()));
        }
        if page.total {
            body += " totalCount";
        }
        if page.facets {
            body += " facets { os { value count } branch { value count } region { value count } type { value count } }";
        }
        if let Some(set) = &page.edges {
            let _ = write!(body, " edges {{ cursor node {} }}", self.set(set, list.node()));
        }
        if page.info {
            body += " pageInfo { hasNextPage hasPreviousPage startCursor endCursor }";
        }
        format!("{}{arguments} {{ {body} }}", list.field())
    }
}
