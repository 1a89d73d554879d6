//! The values in a document and in its variables: what the schema's types say of them, and the sizes they may have.
//!
//! Validation knows the language's own types; page sizes, custom scalars and the members of a `@oneOf` are checked
//! here, for literals when a document is first seen and for variables with each request, so that a wrong value is
//! refused before anything runs.

use apollo_compiler::Node;
use apollo_compiler::ast::{self, Type};
use apollo_compiler::executable::{ExecutableDocument, Operation, Selection, SelectionSet};
use apollo_compiler::schema::{ExtendedType, InputObjectType, Schema};
use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{self as parsed, ExecutableDocument as ParsedDocument};

use async_graphql::{Name, Number, Pos, Value, Variables};
use async_graphql_value::Value as OpenValue;
use rustc_hash::FxHashSet;

use super::given::open;
use super::place;
use crate::graphql::error::{Code, Fault};
use crate::graphql::limits::Limits;

/// Says what is wrong with a value of a custom scalar, if something is.
pub type CheckScalar<'a> = &'a (dyn Fn(&str, &Value) -> Result<(), String> + Sync);

/// The rules that values are held to.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// The types.
    pub schema: &'a Schema,
    /// The sizes.
    pub limits: &'a Limits,
    /// The custom scalars.
    pub scalar: CheckScalar<'a>,
}

/// A variable that an operation declares.
#[derive(Clone, Debug)]
pub struct Declared {
    /// Its name, without the dollar.
    pub name: Name,
    ty: Type,
    /// What the operation itself says it is where the request does not.
    default: Option<Value>,
    /// The argument whose page size it is.
    sizes: Option<&'static str>,
    place: Option<Pos>,
}

/// What the values of a request come to.
#[derive(Debug)]
pub struct Coerced {
    /// The declared variables that have a value.
    pub variables: Variables,
    /// Whether a variable without a default has none: its arguments count as left out.
    pub any_absent: bool,
}

const FIRST: &str = "first";
const LAST: &str = "last";

/// Checks the literals of an operation and returns the variables that it declares.
pub fn check_literals(
    rules: Rules<'_>,
    document: &ExecutableDocument,
    operation: &Operation,
) -> Result<Vec<Declared>, Fault> {
    let mut declared = Vec::with_capacity(operation.variables.len());
    for variable in &operation.variables {
        if let Some(default) = &variable.default_value {
            let walk = Literals {
                rules,
                document,
                seen: FxHashSet::default(),
                sizes: Vec::new(),
            };
            walk.literal(default, &variable.ty, &format!("variable \"${}\"", variable.name))?;
        }
        declared.push(Declared {
            name: Name::new(&variable.name),
            ty: (*variable.ty).clone(),
            default: variable
                .default_value
                .as_ref()
                .and_then(|default| open(default).into_const()),
            sizes: None,
            place: place(variable.location(), &document.sources),
        });
    }
    let mut walk = Literals {
        rules,
        document,
        seen: FxHashSet::default(),
        sizes: Vec::new(),
    };
    walk.set(&operation.selection_set)?;
    for (variable, argument) in walk.sizes {
        if let Some(declared) = declared.iter_mut().find(|declared| declared.name == *variable) {
            declared.sizes = Some(argument);
            let definition = operation
                .variables
                .iter()
                .find(|definition| definition.name == variable);
            let default = definition.and_then(|definition| definition.default_value.as_ref());
            if let Some(default) = default.filter(|default| !default.is_null()) {
                check_size(rules.limits, argument, default.to_i32().map(i64::from))
                    .map_err(|fault| fault.at(place(default.location(), &document.sources)))?;
            }
        }
    }
    Ok(declared)
}

struct Literals<'a> {
    rules: Rules<'a>,
    document: &'a ExecutableDocument,
    seen: FxHashSet<&'a str>,
    /// Variables that are page sizes.
    sizes: Vec<(&'a str, &'static str)>,
}

impl<'a> Literals<'a> {
    fn set(&mut self, set: &'a SelectionSet) -> Result<(), Fault> {
        for selection in &set.selections {
            match selection {
                Selection::Field(field) => {
                    for argument in &field.arguments {
                        if let Some(declared) = field.definition.argument_by_name(&argument.name) {
                            self.argument(argument, declared)?;
                        }
                    }
                    self.set(&field.selection_set)?;
                }
                Selection::InlineFragment(fragment) => self.set(&fragment.selection_set)?,
                Selection::FragmentSpread(spread) => {
                    let Some(fragment) = self.document.fragments.get(&spread.fragment_name) else {
                        continue;
                    };
                    if self.seen.insert(spread.fragment_name.as_str()) {
                        self.set(&fragment.selection_set)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn argument(&mut self, argument: &'a ast::Argument, declared: &ast::InputValueDefinition) -> Result<(), Fault> {
        let size = match argument.name.as_str() {
            FIRST => Some(FIRST),
            LAST => Some(LAST),
            _ => None,
        };
        match (size, argument.value.as_ref()) {
            (Some(size), ast::Value::Variable(name)) => self.sizes.push((name.as_str(), size)),
            (Some(_), ast::Value::Null) => {}
            (Some(size), value) => check_size(self.rules.limits, size, value.to_i32().map(i64::from))
                .map_err(|fault| fault.at(self.place(&argument.value)))?,
            (None, _) => self.literal(
                &argument.value,
                &declared.ty,
                &format!("argument \"{}\"", argument.name),
            )?,
        }
        Ok(())
    }

    fn literal(&self, value: &Node<ast::Value>, ty: &Type, what: &str) -> Result<(), Fault> {
        match (value.as_ref(), ty) {
            (ast::Value::Null | ast::Value::Variable(_), _) => Ok(()),
            (ast::Value::List(items), Type::List(inner) | Type::NonNullList(inner)) => {
                items.iter().try_for_each(|item| self.literal(item, inner, what))
            }
            (_, Type::List(inner) | Type::NonNullList(inner)) => self.literal(value, inner, what),
            (_, Type::Named(name) | Type::NonNullNamed(name)) => self.named(value, name, what),
        }
    }

    fn named(&self, value: &Node<ast::Value>, name: &str, what: &str) -> Result<(), Fault> {
        match (self.rules.schema.types.get(name), value.as_ref()) {
            (Some(ExtendedType::InputObject(input)), ast::Value::Object(members)) => {
                if is_one_of(input) {
                    match members.as_slice() {
                        [(_, only)] if !only.is_null() => {}
                        _ => return Err(not_one(input, what).at(self.place(value))),
                    }
                }
                for (member, value) in members {
                    if let Some(declared) = input.fields.get(member) {
                        self.literal(value, &declared.ty, &format!("{what}, member \"{member}\""))?;
                    }
                }
                Ok(())
            }
            (Some(ExtendedType::Scalar(scalar)), literal) if !scalar.is_built_in() => {
                let Some(value_of) = constant(literal) else {
                    return Ok(());
                };
                (self.rules.scalar)(name, &value_of).map_err(|problem| {
                    Fault::new(Code::BadUserInput, format!("{what}: {problem}")).at(self.place(value))
                })
            }
            _ => Ok(()),
        }
    }

    fn place(&self, value: &Node<ast::Value>) -> Option<Pos> {
        place(value.location(), &self.document.sources)
    }
}

/// Turns what a request gives for its variables into what they are declared to be.
pub fn coerce(rules: Rules<'_>, declared: &[Declared], mut given: Variables) -> Result<Coerced, Fault> {
    let mut variables = Variables::default();
    let mut any_absent = false;
    for variable in declared {
        let wrong = |problem: String| {
            Fault::new(Code::BadUserInput, format!("variable \"${}\"{problem}", variable.name))
                .with("variable", variable.name.as_str())
                .at(variable.place)
        };
        match given.remove(&variable.name) {
            Some(value) => {
                let value = rules
                    .value(value, &variable.ty, &mut String::new())
                    .map_err(|problem| match problem {
                        Problem::Wrong(problem) => wrong(problem),
                        Problem::Limit(fault) => fault.at(variable.place),
                    })?;
                if let (Some(argument), Value::Number(number)) = (variable.sizes, &value) {
                    check_size(rules.limits, argument, number.as_i64())
                        .map_err(|fault| fault.with("variable", variable.name.as_str()).at(variable.place))?;
                }
                variables.insert(variable.name.clone(), value);
            }
            None if let Some(default) = &variable.default => {
                variables.insert(variable.name.clone(), default.clone());
            }
            None if variable.ty.is_non_null() => {
                return Err(wrong(format!(
                    " of type \"{}\" is required, but was not given",
                    variable.ty
                )));
            }
            None => any_absent = true,
        }
    }
    Ok(Coerced { variables, any_absent })
}

enum Problem {
    Wrong(String),
    Limit(Fault),
}

impl Rules<'_> {
    fn value(self, value: Value, ty: &Type, at: &mut String) -> Result<Value, Problem> {
        match (value, ty) {
            (Value::Null, Type::NonNullNamed(_) | Type::NonNullList(_)) => {
                Err(Problem::Wrong(format!("{at} must not be null: its type is \"{ty}\"")))
            }
            (Value::Null, _) => Ok(Value::Null),
            (Value::List(items), Type::List(inner) | Type::NonNullList(inner)) => {
                if items.len() > self.limits.list_items as usize {
                    return Err(Problem::Limit(too_long(self.limits, items.len())));
                }
                let mut coerced = Vec::with_capacity(items.len());
                for (index, item) in items.into_iter().enumerate() {
                    let end = at.len();
                    at.push('[');
                    at.push_str(&index.to_string());
                    at.push(']');
                    coerced.push(self.value(item, inner, at)?);
                    at.truncate(end);
                }
                Ok(Value::List(coerced))
            }
            (value, Type::List(inner) | Type::NonNullList(inner)) => {
                Ok(Value::List(vec![self.value(value, inner, at)?]))
            }
            (value, Type::Named(name) | Type::NonNullNamed(name)) => self.named(value, name, at),
        }
    }

    fn named(self, value: Value, name: &str, at: &mut String) -> Result<Value, Problem> {
        let wrong = |value: &Value| Err(Problem::Wrong(format!("{at} must be {name}, is {}", shown(value))));
        match (self.schema.types.get(name), value) {
            (Some(ExtendedType::Enum(values)), Value::String(value)) => {
                if values.values.contains_key(value.as_str()) {
                    Ok(Value::Enum(Name::new(value)))
                } else {
                    Err(Problem::Wrong(format!(
                        "{at}: \"{value}\" is not a value of the enum \"{name}\""
                    )))
                }
            }
            (Some(ExtendedType::InputObject(input)), Value::Object(members)) => self.object(input, members, at),
            (Some(ExtendedType::Scalar(_)), value) => match (name, value) {
                ("Int", Value::Number(number)) => match integer(&number) {
                    Some(integer) => Ok(Value::from(integer)),
                    None => wrong(&Value::Number(number)),
                },
                ("Float", value @ Value::Number(_))
                | ("String" | "ID", value @ Value::String(_))
                | ("Boolean", value @ Value::Boolean(_)) => Ok(value),
                ("ID", Value::Number(number)) if number.is_i64() || number.is_u64() => {
                    Ok(Value::String(number.to_string()))
                }
                ("Int" | "Float" | "String" | "Boolean" | "ID", value) => wrong(&value),
                (custom, value) => match (self.scalar)(custom, &value) {
                    Ok(()) => Ok(value),
                    Err(problem) => Err(Problem::Wrong(format!("{at}: {problem}"))),
                },
            },
            (_, value) => wrong(&value),
        }
    }

    fn object(
        self,
        input: &InputObjectType,
        mut members: IndexMap<Name, Value>,
        at: &mut String,
    ) -> Result<Value, Problem> {
        if is_one_of(input) && (members.len() != 1 || members.values().any(|value| *value == Value::Null)) {
            return Err(Problem::Wrong(format!("{at} {}", one_of(input))));
        }
        if let Some(unknown) = members
            .keys()
            .find(|member| !input.fields.contains_key(member.as_str()))
        {
            return Err(Problem::Wrong(format!(
                "{at}: \"{}\" has no member \"{unknown}\"",
                input.name
            )));
        }
        let mut coerced = IndexMap::with_capacity(members.len());
        for (name, declared) in &input.fields {
            let end = at.len();
            at.push('.');
            at.push_str(name);
            match members.swap_remove(name.as_str()) {
                Some(value) => drop(coerced.insert(Name::new(name), self.value(value, &declared.ty, at)?)),
                None if declared.is_required() => {
                    return Err(Problem::Wrong(format!("{at} of type \"{}\" is required", declared.ty)));
                }
                None => {}
            }
            at.truncate(end);
        }
        Ok(Value::Object(coerced))
    }
}

fn check_size(limits: &Limits, argument: &'static str, size: Option<i64>) -> Result<(), Fault> {
    let most = limits.max_page_size;
    match size {
        Some(size) if (0..=i64::from(most)).contains(&size) => Ok(()),
        _ => {
            let is = size.map(|size| format!(", is {size}")).unwrap_or_default();
            Err(Fault::new(
                Code::BadUserInput,
                format!("argument \"{argument}\" must be 0 to {most}{is}"),
            )
            .with("argument", argument)
            .with("limit", "max_page_size")
            .with("maximum", u64::from(most)))
        }
    }
}

fn too_long(limits: &Limits, length: usize) -> Fault {
    let most = limits.list_items;
    Fault::new(
        Code::QueryTooComplex,
        format!("a variable has {length} items in a list, at most {most} are allowed"),
    )
    .with("limit", "list_items")
    .with("maximum", u64::from(most))
    .with("value", length as u64)
}

fn is_one_of(input: &InputObjectType) -> bool {
    input.directives.has("oneOf")
}

fn one_of(input: &InputObjectType) -> String {
    let names: Vec<_> = input.fields.keys().map(apollo_compiler::Name::as_str).collect();
    format!("must have exactly one of {}", names.join(", "))
}

fn not_one(input: &InputObjectType, what: &str) -> Fault {
    Fault::new(Code::ValidationFailed, format!("{what} {}", one_of(input)))
}

/// A literal as a value, or `None` where it holds a variable.
fn constant(value: &ast::Value) -> Option<Value> {
    Some(match value {
        ast::Value::Null => Value::Null,
        ast::Value::Boolean(value) => Value::Boolean(*value),
        ast::Value::String(value) => Value::String(value.clone()),
        ast::Value::Enum(name) => Value::Enum(Name::new(name)),
        ast::Value::Int(_) | ast::Value::Float(_) => match value.to_i32() {
            Some(integer) => Value::from(integer),
            None => Value::Number(Number::from_f64(value.to_f64()?)?),
        },
        ast::Value::List(items) => Value::List(items.iter().map(|item| constant(item)).collect::<Option<_>>()?),
        ast::Value::Object(_) | ast::Value::Variable(_) => return None,
    })
}

/// A 32-bit integer, also where JSON wrote it with a fraction of nothing.
fn integer(number: &Number) -> Option<i32> {
    if let Some(integer) = number.as_i64() {
        return i32::try_from(integer).ok();
    }
    let float = number.as_f64()?;
    let fits = float.fract() == 0.0 && (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&float);
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and fits")]
    fits.then_some(float as i32)
}

/// A value as an error shows it: cut short.
fn shown(value: &Value) -> String {
    let mut text = value.to_string();
    if let Some((end, _)) = text.char_indices().nth(60) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Takes out of a document what its variables leave open: an argument whose variable has no value counts as left
/// out, so that the argument's own default holds.
pub fn leave_out(document: &mut ParsedDocument, declared: &[Declared], variables: &Variables) {
    let absent: Vec<_> = declared
        .iter()
        .filter(|variable| !variables.contains_key(&variable.name))
        .map(|variable| variable.name.as_str())
        .collect();
    if let parsed::DocumentOperations::Single(operation) = &mut document.operations {
        leave_out_of(&mut operation.node.selection_set.node, &absent);
    }
    for fragment in document.fragments.values_mut() {
        leave_out_of(&mut fragment.node.selection_set.node, &absent);
    }
}

fn leave_out_of(set: &mut parsed::SelectionSet, absent: &[&str]) {
    for selection in &mut set.items {
        match &mut selection.node {
            parsed::Selection::Field(field) => {
                field
                    .node
                    .arguments
                    .retain_mut(|(_, value)| has_value(&mut value.node, absent));
                leave_out_of(&mut field.node.selection_set.node, absent);
            }
            parsed::Selection::InlineFragment(fragment) => {
                leave_out_of(&mut fragment.node.selection_set.node, absent);
            }
            parsed::Selection::FragmentSpread(_) => {}
        }
    }
}

/// Whether the value has one; members without are taken out of it, and items become null.
fn has_value(value: &mut OpenValue, absent: &[&str]) -> bool {
    match value {
        OpenValue::Variable(name) => !absent.contains(&name.as_str()),
        OpenValue::Object(members) => {
            members.retain(|_, member| has_value(member, absent));
            true
        }
        OpenValue::List(items) => {
            for item in items {
                if !has_value(item, absent) {
                    *item = OpenValue::Null;
                }
            }
            true
        }
        _ => true,
    }
}
