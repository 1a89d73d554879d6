//! The size of a document: depth, selections, aliases, directives, counted with fragments put in place.
//!
//! Each fragment is measured once and its totals are reused wherever it is spread, so that a document of a few
//! hundred bytes that unfolds to millions of fields is refused in the time that it takes to read it.

use apollo_compiler::Node;
use apollo_compiler::ast::{Definition, Document, FragmentDefinition, OperationDefinition, Selection, Value};
use apollo_compiler::parser::SourceSpan;
use async_graphql::Pos;
use rustc_hash::FxHashMap;

use crate::graphql::error::{Code, Fault};
use crate::graphql::limits::Limits;

/// Refuses a document that unfolds beyond the limits.
pub fn check(document: &Document, limits: &Limits) -> Result<(), Fault> {
    let mut operations = Vec::new();
    let mut fragments = FxHashMap::default();
    for definition in &document.definitions {
        match definition {
            Definition::OperationDefinition(operation) => operations.push(operation),
            Definition::FragmentDefinition(fragment) => drop(fragments.insert(fragment.name.as_str(), fragment)),
            _ => {}
        }
    }
    let mut walk = Walk {
        document,
        limits,
        fragments,
        known: FxHashMap::default(),
        open: Vec::new(),
    };
    let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    hold(
        "operations",
        "operations",
        count(operations.len()),
        limits.operations,
        None,
    )?;
    hold(
        "fragments",
        "fragments",
        count(walk.fragments.len()),
        limits.fragments,
        None,
    )?;
    for operation in operations {
        walk.operation(operation)?;
    }
    // fragments that nothing spreads are validated all the same, so they count all the same
    let unused: Vec<_> = walk
        .fragments
        .keys()
        .copied()
        .filter(|name| !walk.known.contains_key(name))
        .collect();
    for name in unused {
        let totals = walk.fragment(name)?;
        walk.hold_totals(totals, None)?;
    }
    Ok(())
}

/// What a selection set unfolds to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Totals {
    /// Levels of fields.
    depth: u64,
    /// Levels of brackets.
    nesting: u64,
    /// Fields of the outermost level.
    fields: u64,
    /// Fields and fragments on all levels.
    selections: u64,
    aliases: u64,
    directives: u64,
}

impl Totals {
    fn add(&mut self, other: Self) {
        self.depth = self.depth.max(other.depth);
        self.nesting = self.nesting.max(other.nesting);
        self.fields = self.fields.saturating_add(other.fields);
        self.selections = self.selections.saturating_add(other.selections);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.directives = self.directives.saturating_add(other.directives);
    }
}

struct Walk<'a> {
    document: &'a Document,
    limits: &'a Limits,
    fragments: FxHashMap<&'a str, &'a Node<FragmentDefinition>>,
    known: FxHashMap<&'a str, Totals>,
    open: Vec<&'a str>,
}

impl<'a> Walk<'a> {
    fn operation(&mut self, operation: &'a Node<OperationDefinition>) -> Result<(), Fault> {
        let place = self.place(operation.location());
        let mut totals = self.set(&operation.selection_set)?;
        totals.directives = totals.directives.saturating_add(operation.directives.len() as u64);
        for variable in &operation.variables {
            totals.directives = totals.directives.saturating_add(variable.directives.len() as u64);
            if let Some(value) = &variable.default_value {
                self.value(value)?;
            }
        }
        self.hold_totals(totals, place)?;
        hold(
            "root_fields",
            "root fields",
            totals.fields,
            self.limits.root_fields,
            place,
        )
    }

    fn set(&mut self, selections: &'a [Selection]) -> Result<Totals, Fault> {
        let mut totals = Totals::default();
        for selection in selections {
            let (mut inner, directives) = match selection {
                Selection::Field(field) => {
                    for argument in &field.arguments {
                        self.value(&argument.value)?;
                    }
                    let inner = self.set(&field.selection_set)?;
                    let whole = Totals {
                        depth: inner.depth + 1,
                        nesting: inner.nesting + u64::from(!field.selection_set.is_empty()),
                        fields: 1,
                        aliases: inner.aliases.saturating_add(u64::from(field.alias.is_some())),
                        ..inner
                    };
                    (whole, &field.directives)
                }
                Selection::InlineFragment(fragment) => {
                    let inner = self.set(&fragment.selection_set)?;
                    (
                        Totals {
                            nesting: inner.nesting + 1,
                            ..inner
                        },
                        &fragment.directives,
                    )
                }
                Selection::FragmentSpread(spread) => {
                    let inner = self.fragment(spread.fragment_name.as_str())?;
                    (
                        Totals {
                            nesting: inner.nesting + 1,
                            ..inner
                        },
                        &spread.directives,
                    )
                }
            };
            inner.selections = inner.selections.saturating_add(1);
            inner.directives = inner.directives.saturating_add(directives.len() as u64);
            totals.add(inner);
        }
        Ok(totals)
    }

    /// A fragment's totals; one that spreads itself, or that there is none of, is left to validation.
    fn fragment(&mut self, name: &'a str) -> Result<Totals, Fault> {
        if let Some(totals) = self.known.get(name) {
            return Ok(*totals);
        }
        let Some(fragment) = self.fragments.get(name).copied() else {
            return Ok(Totals::default());
        };
        if self.open.contains(&name) {
            return Ok(Totals::default());
        }
        self.open.push(name);
        let mut totals = self.set(&fragment.selection_set)?;
        totals.directives = totals.directives.saturating_add(fragment.directives.len() as u64);
        self.open.pop();
        self.known.insert(name, totals);
        Ok(totals)
    }

    fn value(&self, value: &Node<Value>) -> Result<(), Fault> {
        match value.as_ref() {
            Value::List(items) => {
                let place = self.place(value.location());
                hold(
                    "list_items",
                    "items in a list",
                    items.len() as u64,
                    self.limits.list_items,
                    place,
                )?;
                items.iter().try_for_each(|item| self.value(item))
            }
            Value::Object(members) => members.iter().try_for_each(|(_, member)| self.value(member)),
            _ => Ok(()),
        }
    }

    fn hold_totals(&self, totals: Totals, place: Option<Pos>) -> Result<(), Fault> {
        let limits = self.limits;
        hold("depth", "levels of fields", totals.depth, limits.depth, place)?;
        hold("nesting", "levels of brackets", totals.nesting, limits.nesting, place)?;
        hold("selections", "selections", totals.selections, limits.selections, place)?;
        hold("aliases", "aliases", totals.aliases, limits.aliases, place)?;
        hold("directives", "directives", totals.directives, limits.directives, place)
    }

    fn place(&self, span: Option<SourceSpan>) -> Option<Pos> {
        super::place(span, &self.document.sources)
    }
}

fn hold(name: &'static str, what: &str, value: u64, most: u32, place: Option<Pos>) -> Result<(), Fault> {
    if value <= u64::from(most) {
        return Ok(());
    }
    Err(Fault::new(
        Code::QueryTooComplex,
        format!("the document has {value} {what}, at most {most} are allowed"),
    )
    .with("limit", name)
    .with("maximum", u64::from(most))
    .with("value", value)
    .at(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(count: usize, before: &str, after: &str) -> String {
        let parts: Vec<_> = (0..count).map(|number| format!("{before}{number}{after}")).collect();
        parts.concat()
    }

    fn refused(text: &str) -> Option<String> {
        let document = Document::parse(text, "document.graphql").unwrap();
        let fault = check(&document, &Limits::default()).err()?;
        Some(
            serde_json::to_value(&fault).unwrap()["extensions"]["limit"]
                .as_str()
                .unwrap()
                .to_owned(),
        )
    }

    #[test]
    fn each_limit_refuses_by_its_name() {
        let many = |count: usize, part: &str| part.repeat(count);
        let table = [
            ("{ a }".to_owned(), None),
            (format!("{{ {} }}", many(21, "a ")), Some("root_fields")),
            (format!("{{ a {{ {} }} }}", many(1001, "b ")), Some("selections")),
            (format!("{{ a {{ {} }} }}", many(61, "x: b ")), Some("aliases")),
            (format!("{{ a {} }}", many(51, "@d ")), Some("directives")),
            (format!("query {} {{ a }}", many(51, "@d ")), Some("directives")),
            (format!("{}a{}", many(17, "{ a "), many(17, "}")), Some("depth")),
            (
                format!("{{ {} a {} }}", many(33, "... { "), many(33, "}")),
                Some("nesting"),
            ),
            (numbered(11, "query Q", " { a } "), Some("operations")),
            (numbered(61, "fragment F", " on T { a } ") + "{ a }", Some("fragments")),
            (format!("{{ a(b: [{}]) }}", many(501, "1 ")), Some("list_items")),
            (
                format!("{{ a(b: {{ c: [[{}]] }}) }}", many(501, "1 ")),
                Some("list_items"),
            ),
            (
                format!("query($v: [Int] = [{}]) {{ a }}", many(501, "1 ")),
                Some("list_items"),
            ),
        ];
        for (text, expected) in table {
            assert_eq!(refused(&text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn bombs_of_fragments_are_refused_at_once() {
        for (levels, spreads) in [(8, 10), (20, 2), (28, 2), (50, 2)] {
            let fragment = |level: usize| {
                let next = format!("...F{} ", level + 1).repeat(spreads);
                format!("fragment F{level} on Query {{ {next} }} ")
            };
            let fragments: Vec<_> = (0..levels).map(fragment).collect();
            let text = format!("{{ ...F0 }} {} fragment F{levels} on Query {{ a }}", fragments.concat());
            let start = std::time::Instant::now();
            assert!(refused(&text).is_some());
            assert!(
                start.elapsed().as_millis() < 100,
                "{levels} levels took {:?}",
                start.elapsed()
            );
        }
    }

    #[test]
    fn circles_of_fragments_end() {
        assert_eq!(
            refused("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A a }"),
            None
        );
    }
}
