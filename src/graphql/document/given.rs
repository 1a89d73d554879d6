//! What fields are given: the arguments of a plan, with variables left open until a request fills them.

use std::any::Any;
use std::cell::Cell;
use std::sync::OnceLock;

use apollo_compiler::ast;
use apollo_compiler::executable::Field;
use async_graphql::{Name, Value, Variables};
use async_graphql_value::Value as OpenValue;

/// What a field is given.
#[derive(Debug, Default)]
pub struct Arguments {
    given: Vec<Argument>,
    /// Where a run keeps them; nothing where they hold no variable and are the same for every run.
    pub slot: Option<usize>,
    /// What was read of them, where that holds for every run.
    pub read: OnceLock<Box<dyn Any + Send + Sync>>,
}

#[derive(Clone, Debug)]
enum Argument {
    Absent,
    Constant(Value),
    Open {
        value: OpenValue,
        /// What holds where the value is a variable without one.
        default: Option<Value>,
    },
}

impl Arguments {
    /// The arguments of a field, in the order of the schema. Those with variables get the next of a run's slots.
    pub fn of(field: &Field, slots: &Cell<usize>) -> Self {
        let given = field.definition.arguments.iter().map(|declared| {
            let given = field.arguments.iter().find(|argument| argument.name == declared.name);
            let default = declared.default_value.as_deref();
            match given {
                Some(given) => argument(&given.value, default),
                None => default.map_or(Argument::Absent, |default| argument(default, None)),
            }
        });
        let given: Vec<_> = given.collect();
        let is_open = given.iter().any(|argument| matches!(argument, Argument::Open { .. }));
        Self {
            given,
            slot: is_open.then(|| slots.replace(slots.get() + 1)),
            read: OnceLock::new(),
        }
    }

    /// The argument at this place; nothing where it is left out.
    pub fn value(&self, place: usize, variables: &Variables) -> Option<Value> {
        match self.given.get(place)? {
            Argument::Absent => None,
            Argument::Constant(value) => Some(value.clone()),
            Argument::Open { value, default } => filled(value, variables).or_else(|| default.clone()),
        }
    }
}

/// A value with its variables filled in; nothing where it is a variable without a value. Members without are left
/// out, items become null.
fn filled(value: &OpenValue, variables: &Variables) -> Option<Value> {
    Some(match value {
        OpenValue::Variable(name) => variables.get(name)?.clone(),
        OpenValue::Null => Value::Null,
        OpenValue::Number(number) => Value::Number(number.clone()),
        OpenValue::String(text) => Value::String(text.clone()),
        OpenValue::Boolean(value) => Value::Boolean(*value),
        OpenValue::Binary(bytes) => Value::Binary(bytes.clone()),
        OpenValue::Enum(name) => Value::Enum(name.clone()),
        OpenValue::List(items) => {
            let items = items.iter().map(|item| filled(item, variables).unwrap_or_default());
            Value::List(items.collect())
        }
        OpenValue::Object(members) => {
            let members = members
                .iter()
                .filter_map(|(name, member)| Some((name.clone(), filled(member, variables)?)));
            Value::Object(members.collect())
        }
    })
}

/// A literal as it is given to a field.
fn argument(value: &ast::Value, default: Option<&ast::Value>) -> Argument {
    let value = open(value);
    match value.clone().into_const() {
        Some(value) => Argument::Constant(value),
        None => Argument::Open {
            value,
            default: default.and_then(|default| open(default).into_const()),
        },
    }
}

/// A literal.
pub fn open(value: &ast::Value) -> OpenValue {
    match value {
        ast::Value::Null => OpenValue::Null,
        ast::Value::Boolean(value) => OpenValue::Boolean(*value),
        ast::Value::String(text) => OpenValue::String(text.clone()),
        ast::Value::Enum(name) => OpenValue::Enum(Name::new(name)),
        ast::Value::Variable(name) => OpenValue::Variable(Name::new(name)),
        ast::Value::Int(number) => number_of(number.as_str()),
        ast::Value::Float(number) => number_of(number.as_str()),
        ast::Value::List(items) => OpenValue::List(items.iter().map(|item| open(item)).collect()),
        ast::Value::Object(members) => OpenValue::Object(
            members
                .iter()
                .map(|(name, member)| (Name::new(name), open(member)))
                .collect(),
        ),
    }
}

fn number_of(digits: &str) -> OpenValue {
    // GraphQL writes numbers as JSON does
    serde_json::from_str(digits).map_or(OpenValue::Null, OpenValue::Number)
}
