//! What an operation can cost: objects and fields of its answer at most, by the page sizes it asks for.
//!
//! A document is measured once, when it is first seen. What depends on variables stays open as a term and is
//! filled in for each request, so that a kept document costs no second walk.

use apollo_compiler::ast::{Type, Value};
use apollo_compiler::executable::{ExecutableDocument, Field, Operation, Selection, SelectionSet};
use apollo_compiler::schema::{ExtendedType, Schema};
use async_graphql::{Name, Variables};
use rustc_hash::FxHashMap;

use super::price;

/// Objects and fields of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Weight {
    /// Objects.
    pub nodes: f64,
    /// Fields, each with its work.
    pub cost: f64,
    /// Fields by themselves.
    pub fields: f64,
}

impl Weight {
    fn add(&mut self, other: Self, times: f64) {
        self.nodes += other.nodes * times;
        self.cost += other.cost * times;
        self.fields += other.fields * times;
    }
}

/// A weight that may depend on variables.
#[derive(Clone, Debug, Default)]
pub struct Expression {
    fixed: Weight,
    terms: Vec<Term>,
}

#[derive(Clone, Debug)]
struct Term {
    times: Bound,
    inner: Expression,
}

/// How often something is answered: the smallest of a fixed number and what the variables say.
#[derive(Clone, Debug)]
struct Bound {
    /// Holds whatever the variables say.
    most: Option<f64>,
    /// Where neither the argument nor its variable has a value.
    otherwise: f64,
    variables: Vec<Measured>,
}

#[derive(Clone, Debug)]
struct Measured {
    variable: Name,
    /// What the variable's default measures.
    default: Option<f64>,
    by: Measure,
}

#[derive(Clone, Copy, Debug)]
enum Measure {
    Value,
    Length,
}

impl Expression {
    /// The weight with these variables.
    pub fn weigh(&self, variables: &Variables) -> Weight {
        let mut weight = self.fixed;
        for term in &self.terms {
            weight.add(term.inner.weigh(variables), term.times.with(variables));
        }
        weight
    }

    fn add(&mut self, other: Self) {
        self.fixed.add(other.fixed, 1.0);
        self.terms.extend(other.terms);
    }

    fn scaled(mut self, times: f64) -> Self {
        self.fixed = Weight {
            nodes: self.fixed.nodes * times,
            cost: self.fixed.cost * times,
            fields: self.fixed.fields * times,
        };
        self.terms = self
            .terms
            .into_iter()
            .map(|term| Term {
                inner: term.inner.scaled(times),
                ..term
            })
            .collect();
        self
    }

    /// Adds what is answered a number of times.
    fn add_times(&mut self, inner: Self, times: Bound) {
        if times.variables.is_empty() {
            let times = times.most.unwrap_or(times.otherwise);
            self.add(inner.scaled(times));
        } else if inner.fixed != Weight::default() || !inner.terms.is_empty() {
            self.terms.push(Term { times, inner });
        }
    }
}

impl Bound {
    fn fixed(times: f64) -> Self {
        Self {
            most: Some(times),
            otherwise: times,
            variables: Vec::new(),
        }
    }

    fn with(&self, variables: &Variables) -> f64 {
        let given = self.variables.iter().filter_map(|measured| {
            let value = match (variables.get(&measured.variable), measured.by) {
                (None, _) => measured.default,
                (Some(async_graphql::Value::Number(number)), Measure::Value) => number.as_f64(),
                (Some(async_graphql::Value::List(items)), Measure::Length) => Some(float(items.len())),
                (Some(async_graphql::Value::Null), _) => None,
                (Some(_), _) => Some(1.0),
            };
            value.map(|value| value.max(0.0))
        });
        given.chain(self.most).reduce(f64::min).unwrap_or(self.otherwise)
    }
}

/// Measures the operations of one schema.
#[derive(Clone, Debug)]
pub struct Scale {
    default_page: f64,
    introspection: Introspection,
}

impl Scale {
    /// A scale for this schema, where a page without a size has `default_page` items.
    pub fn new(schema: &Schema, default_page: u32) -> Self {
        Self {
            default_page: f64::from(default_page),
            introspection: Introspection::of(schema),
        }
    }

    /// What an operation weighs.
    pub fn weigh(&self, schema: &Schema, document: &ExecutableDocument, operation: &Operation) -> Expression {
        Walk::new(self, schema, document, operation).whole()
    }
}

/// How long the lists of an introspection are on average.
#[derive(Clone, Copy, Debug, Default)]
struct Introspection {
    types: f64,
    directives: f64,
    fields: f64,
    arguments: f64,
    input_fields: f64,
    enum_values: f64,
    interfaces: f64,
    possible_types: f64,
}

impl Introspection {
    fn of(schema: &Schema) -> Self {
        let (mut fields, mut arguments, mut input_fields, mut enum_values) = (0, 0, 0, 0);
        let (mut interfaces, mut possible_types) = (0, 0);
        for kind in schema.types.values() {
            match kind {
                ExtendedType::Object(object) => {
                    fields += object.fields.len();
                    arguments += object.fields.values().map(|field| field.arguments.len()).sum::<usize>();
                    interfaces += object.implements_interfaces.len();
                    possible_types += object.implements_interfaces.len();
                }
                ExtendedType::Interface(interface) => {
                    fields += interface.fields.len();
                    arguments += interface
                        .fields
                        .values()
                        .map(|field| field.arguments.len())
                        .sum::<usize>();
                }
                ExtendedType::Union(union) => possible_types += union.members.len(),
                ExtendedType::InputObject(input) => input_fields += input.fields.len(),
                ExtendedType::Enum(values) => enum_values += values.values.len(),
                ExtendedType::Scalar(_) => {}
            }
        }
        let types = float(schema.types.len()).max(1.0);
        Self {
            types,
            directives: float(schema.directive_definitions.len()),
            fields: float(fields) / types,
            arguments: float(arguments) / float(fields).max(1.0),
            input_fields: float(input_fields) / types,
            enum_values: float(enum_values) / types,
            interfaces: float(interfaces) / types,
            possible_types: float(possible_types) / types,
        }
    }

    /// How often a field of an introspection is answered.
    fn times(&self, parent: &str, field: &str) -> f64 {
        match (parent, field) {
            ("__Schema", "types") => self.types,
            ("__Schema", "directives") => self.directives,
            ("__Type", "fields") => self.fields,
            ("__Type", "inputFields") => self.input_fields,
            ("__Type", "enumValues") => self.enum_values,
            ("__Type", "interfaces") => self.interfaces,
            ("__Type", "possibleTypes") => self.possible_types,
            ("__Field", "args") => self.arguments,
            // about every second reference to a type is wrapped once more
            ("__Type", "ofType") => 0.5,
            _ => 1.0,
        }
    }
}

/// A selection set's weight: once for its object, and once for each item of the page where that is a connection.
#[derive(Clone, Debug, Default)]
struct Parts {
    once: Expression,
    each: Expression,
}

impl Parts {
    fn add(&mut self, other: Self) {
        self.once.add(other.once);
        self.each.add(other.each);
    }
}

struct Walk<'a> {
    scale: &'a Scale,
    schema: &'a Schema,
    document: &'a ExecutableDocument,
    operation: &'a Operation,
    known: FxHashMap<&'a str, Parts>,
    /// Selections looked at.
    #[cfg(test)]
    steps: usize,
}

impl<'a> Walk<'a> {
    fn new(scale: &'a Scale, schema: &'a Schema, document: &'a ExecutableDocument, operation: &'a Operation) -> Self {
        Self {
            scale,
            schema,
            document,
            operation,
            known: FxHashMap::default(),
            #[cfg(test)]
            steps: 0,
        }
    }

    fn whole(&mut self) -> Expression {
        let parts = self.set(&self.operation.selection_set);
        let mut whole = parts.once;
        whole.add(parts.each);
        whole
    }

    fn set(&mut self, set: &'a SelectionSet) -> Parts {
        let mut parts = Parts::default();
        for selection in &set.selections {
            #[cfg(test)]
            {
                self.steps += 1;
            }
            match selection {
                Selection::Field(field) => self.field(&set.ty, field, &mut parts),
                Selection::InlineFragment(fragment) => parts.add(self.set(&fragment.selection_set)),
                Selection::FragmentSpread(spread) => {
                    let name = spread.fragment_name.as_str();
                    if let Some(known) = self.known.get(name) {
                        parts.add(known.clone());
                    } else if let Some(fragment) = self.document.fragments.get(name) {
                        let inner = self.set(&fragment.selection_set);
                        self.known.insert(name, inner.clone());
                        parts.add(inner);
                    }
                }
            }
        }
        parts
    }

    fn field(&mut self, parent: &str, field: &'a Field, into: &mut Parts) {
        let name = field.name.as_str();
        let returned = field.definition.ty.inner_named_type();
        let work = Weight {
            nodes: 0.0,
            cost: price::work(parent, name),
            fields: 1.0,
        };
        if field.selection_set.is_empty() {
            return into.once.fixed.add(work, 1.0);
        }
        let below = self.set(&field.selection_set);
        let mut object = Expression {
            fixed: Weight {
                nodes: 1.0,
                ..Weight::default()
            },
            terms: Vec::new(),
        };
        object.add(below.once);
        if matches!(name, "edges" | "nodes") && self.is_connection(parent) {
            into.each.fixed.add(work, 1.0);
            return into.each.add(object);
        }
        into.once.fixed.add(work, 1.0);
        if parent.starts_with("__") {
            into.once
                .add_times(object, Bound::fixed(self.scale.introspection.times(parent, name)));
        } else if self.is_connection(returned) {
            into.once.add(object);
            into.once.add_times(below.each, self.page(parent, field));
        } else if field.definition.ty.is_list() {
            into.once.add_times(object, self.list(parent, field));
        } else {
            into.once.add(object);
        }
    }

    fn is_connection(&self, name: &str) -> bool {
        match self.schema.types.get(name) {
            Some(ExtendedType::Object(object)) => object.fields.contains_key("pageInfo"),
            _ => false,
        }
    }

    fn page(&self, parent: &str, field: &Field) -> Bound {
        let mut bound = Bound {
            most: price::page(parent, &field.name),
            otherwise: self.scale.default_page,
            variables: Vec::new(),
        };
        if bound.most.is_some_and(|most| most > bound.otherwise) && !is_sized(field) {
            bound.most = Some(bound.otherwise);
        }
        for argument in field.arguments.iter().filter(|argument| is_size(&argument.name)) {
            self.measure(&argument.value, Measure::Value, &mut bound);
        }
        bound
    }

    fn list(&self, parent: &str, field: &Field) -> Bound {
        let mut bound = Bound {
            most: None,
            otherwise: price::length(parent, &field.name),
            variables: Vec::new(),
        };
        for argument in &field.arguments {
            let declared = field
                .definition
                .argument_by_name(&argument.name)
                .map(|declared| declared.ty.as_ref());
            if matches!(declared, Some(Type::List(_) | Type::NonNullList(_))) {
                self.measure(&argument.value, Measure::Length, &mut bound);
            }
        }
        bound
    }

    fn measure(&self, value: &Value, by: Measure, bound: &mut Bound) {
        if let Value::Variable(variable) = value {
            let declared = self
                .operation
                .variables
                .iter()
                .find(|declared| declared.name == *variable);
            let default = declared.and_then(|declared| declared.default_value.as_deref());
            let default = default.and_then(|value| measured(value, by));
            bound.variables.push(Measured {
                variable: Name::new(variable),
                default,
                by,
            });
        } else if let Some(value) = measured(value, by) {
            bound.most = Some(bound.most.map_or(value, |most| most.min(value)));
        }
    }
}

fn is_size(argument: &str) -> bool {
    matches!(argument, "first" | "last")
}

fn is_sized(field: &Field) -> bool {
    field.arguments.iter().any(|argument| is_size(&argument.name))
}

fn measured(value: &Value, by: Measure) -> Option<f64> {
    match (value, by) {
        (Value::Null, _) => None,
        (Value::List(items), Measure::Length) => Some(float(items.len())),
        (_, Measure::Length) => Some(1.0),
        (value, Measure::Value) => value.to_f64().map(|value| value.max(0.0)),
    }
}

/// A count as a weight; what lies beyond a float's exact range lies far beyond every limit.
fn float(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;

    /// So many fragments, each spread so often in the one before, each in a page whose size a variable tells.
    fn nested(levels: usize, spreads: usize) -> String {
        let mut text = String::from("query($n: Int) { ...F0 }");
        for level in 0..levels {
            let _ = write!(text, " fragment F{level} on Query {{ catalog {{ revision }} ");
            for _ in 0..spreads {
                let _ = write!(text, "...F{} ", level + 1);
            }
            text += "}";
        }
        let _ = write!(
            text,
            " fragment F{levels} on Query {{ devices(first: $n) {{ nodes {{ name }} }} }}"
        );
        text
    }

    /// How many selections a set holds, those below it included.
    fn written(set: &SelectionSet) -> usize {
        let below = set.selections.iter().map(|selection| match selection {
            Selection::Field(field) => 1 + written(&field.selection_set),
            Selection::InlineFragment(fragment) => 1 + written(&fragment.selection_set),
            Selection::FragmentSpread(_) => 1,
        });
        below.sum()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn each_selection_that_is_written_is_weighed_once(levels in 0_usize..6, spreads in 1_usize..4) {
            let schema = Schema::parse_and_validate(crate::graphql::sdl(), "schema.graphql").unwrap();
            let text = nested(levels, spreads);
            let document = ExecutableDocument::parse_and_validate(&schema, text, "document.graphql").unwrap();
            let operation = document.operations.get(None).unwrap();
            let scale = Scale::new(&schema, 20);
            let mut walk = Walk::new(&scale, &schema, &document, operation);
            let whole = walk.whole();
            let fragments: usize = document.fragments.values().map(|fragment| written(&fragment.selection_set)).sum();
            prop_assert_eq!(walk.steps, written(&operation.selection_set) + fragments);
            // what depends on variables is as long as the unfolded document at most, and that is limited before
            prop_assert!(terms(&whole) <= spreads.pow(u32::try_from(levels).unwrap()));
        }
    }

    fn terms(expression: &Expression) -> usize {
        expression.terms.iter().map(|term| 1 + terms(&term.inner)).sum()
    }
}
