//! An operation's answer in JSON: keys in the order of the selection, nulls where failed fields have them, written
//! once, straight to bytes.

use async_graphql::indexmap::IndexMap;
use async_graphql::{Name, PathSegment, Value};

use super::document::plan::{Fields, KIND, Nullability, Plan};
use super::error::Fault;
use super::json;

type Object = IndexMap<Name, Value>;

/// Puts null where failed fields leave it: at the nearest place that may be null, which can be all of the data. The
/// executor leaves such fields out, and takes an object that has nothing left for null.
pub fn null_failed<'a>(data: &mut Value, fields: &Fields, paths: impl Iterator<Item = &'a [PathSegment]> + Clone) {
    for path in paths.clone() {
        restore(data, fields, path);
    }
    for path in paths {
        if fail(data, fields, path) == Failed::Upwards {
            *data = Value::Null;
        }
    }
}

/// How many fields of objects an answer holds.
pub fn count_fields(data: &Value) -> u64 {
    match data {
        Value::Object(object) => object.values().map(|value| 1 + count_fields(value)).sum(),
        Value::List(items) => items.iter().map(count_fields).sum(),
        _ => 0,
    }
}

/// Writes an answer with data.
pub fn write(data: &Value, errors: &[Fault], fields: &Fields) -> Vec<u8> {
    let mut out = Vec::with_capacity(4096);
    out.push(b'{');
    if !errors.is_empty() {
        write_errors(errors, &mut out);
        out.push(b',');
    }
    out.extend_from_slice(b"\"data\":");
    match data {
        Value::Object(object) => write_object(object, fields, &mut out),
        _ => out.extend_from_slice(b"null"),
    }
    out.push(b'}');
    out
}

/// Puts errors before what is behind `"data":`, the last bracket included.
pub fn with_errors(errors: &[Fault], data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() + 256 * errors.len());
    out.push(b'{');
    write_errors(errors, &mut out);
    out.extend_from_slice(b",\"data\":");
    out.extend_from_slice(data);
    out
}

/// Writes an answer without data.
pub fn write_refusal(errors: &[Fault]) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    out.push(b'{');
    write_errors(errors, &mut out);
    out.push(b'}');
    out
}

fn write_errors(errors: &[Fault], out: &mut Vec<u8>) {
    out.extend_from_slice(b"\"errors\":");
    let start = out.len();
    if serde_json::to_writer(&mut *out, errors).is_err() {
        out.truncate(start);
        out.extend_from_slice(b"[]");
    }
}

fn write_object(object: &Object, fields: &Fields, out: &mut Vec<u8>) {
    out.push(b'{');
    let mut next = 0;
    let mut first = true;
    for field in &fields.0 {
        // most answers come in the order of the selection already
        let value = match object.get_index(next) {
            Some((key, value)) if *key == *field.key => {
                next += 1;
                value
            }
            _ => match object.get(field.key.as_str()) {
                Some(value) => value,
                None => continue,
            },
        };
        if !first {
            out.push(b',');
        }
        first = false;
        out.extend_from_slice(field.written_key());
        write_value(value, &field.plan, out);
    }
    out.push(b'}');
}

fn write_value(value: &Value, plan: &Plan, out: &mut Vec<u8>) {
    match value {
        Value::List(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_value(item, plan, out);
            }
            out.push(b']');
        }
        Value::Object(object) => match fields_of(object, plan) {
            Some(fields) => write_object(object, fields, out),
            None => json::write_value(value, out),
        },
        _ => json::write_value(value, out),
    }
}

fn fields_of<'a>(object: &Object, plan: &'a Plan) -> Option<&'a Fields> {
    match plan {
        Plan::Leaf => None,
        Plan::Object(fields) => Some(fields),
        Plan::OneOf(kinds) => {
            let Some(Value::String(kind)) = object.get(KIND) else {
                return None;
            };
            kinds.iter().find(|(name, _)| name == kind).map(|(_, fields)| fields)
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failed {
    /// Null stands where it may.
    Here,
    /// The value cannot be null: what holds it is.
    Upwards,
}

/// Brings back the objects on a path that are null because nothing in them succeeded.
fn restore(value: &mut Value, fields: &Fields, path: &[PathSegment]) {
    let Some((PathSegment::Field(key), rest)) = path.split_first() else {
        return;
    };
    if *value == Value::Null {
        *value = Value::Object(Object::new());
    }
    let Value::Object(object) = value else { return };
    let Some(field) = fields.0.iter().find(|field| field.key == *key) else {
        return;
    };
    if let Some(value) = object.get_mut(key.as_str()) {
        restore_below(value, &field.plan, rest);
    }
}

fn restore_below(value: &mut Value, plan: &Plan, path: &[PathSegment]) {
    match (path.split_first(), &mut *value, plan) {
        (Some((PathSegment::Index(index), rest)), Value::List(items), _) => {
            if let Some(item) = items.get_mut(*index) {
                restore_below(item, plan, rest);
            }
        }
        (Some((PathSegment::Field(_), _)), Value::Null | Value::Object(_), Plan::Object(fields)) => {
            restore(value, fields, path);
        }
        (Some((PathSegment::Field(_), _)), Value::Object(object), Plan::OneOf(_)) => {
            if let Some(fields) = fields_of(object, plan) {
                restore(value, fields, path);
            }
        }
        _ => {}
    }
}

/// Puts null where one failed field leaves it. Nothing happens where null stands above it already.
fn fail(object: &mut Value, fields: &Fields, path: &[PathSegment]) -> Failed {
    let Some((PathSegment::Field(key), rest)) = path.split_first() else {
        return Failed::Upwards;
    };
    let Value::Object(object) = object else {
        return Failed::Here;
    };
    let Some(field) = fields.0.iter().find(|field| field.key == *key) else {
        return Failed::Here;
    };
    match object.get_mut(key.as_str()) {
        Some(value) => fail_at(value, &field.nullability, &field.plan, rest),
        None => {
            object.insert(Name::new(key), Value::Null);
            if field.nullability.nullable {
                Failed::Here
            } else {
                Failed::Upwards
            }
        }
    }
}

fn fail_at(value: &mut Value, nullability: &Nullability, plan: &Plan, path: &[PathSegment]) -> Failed {
    let below = match (path.split_first(), &mut *value) {
        (None, _) => Failed::Upwards,
        (Some((PathSegment::Index(index), rest)), Value::List(items)) => {
            match (&nullability.items, items.get_mut(*index)) {
                (Some(nullability), Some(item)) => fail_at(item, nullability, plan, rest),
                _ => Failed::Here,
            }
        }
        (Some(_), Value::Object(object)) => match fields_of(object, plan) {
            Some(fields) => fail(value, fields, path),
            None => Failed::Here,
        },
        _ => Failed::Here,
    };
    if below == Failed::Here {
        return Failed::Here;
    }
    *value = Value::Null;
    if nullability.nullable {
        Failed::Here
    } else {
        Failed::Upwards
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graphql::document::plan::FieldPlan;

    fn field(key: &str, ty: &str, plan: Plan) -> FieldPlan {
        let ty = apollo_compiler::ast::Type::parse(ty, "type").unwrap();
        FieldPlan::new(key, Nullability::from(&ty), plan)
    }

    fn object(fields: Vec<FieldPlan>) -> Plan {
        Plan::Object(Fields(fields))
    }

    fn written(data: serde_json::Value, plan: Vec<FieldPlan>, failed: &[&[PathSegment]]) -> String {
        let mut data = Value::from_json(data).unwrap();
        let fields = Fields(plan);
        null_failed(&mut data, &fields, failed.iter().copied());
        let text = String::from_utf8(write(&data, &[], &fields)).unwrap();
        text.strip_prefix("{\"data\":")
            .and_then(|text| text.strip_suffix('}'))
            .unwrap()
            .to_owned()
    }

    fn key(key: &str) -> PathSegment {
        PathSegment::Field(key.to_owned())
    }

    #[test]
    fn keys_follow_the_selection() {
        let plan = || {
            vec![
                field("b", "Int", Plan::Leaf),
                field(
                    "a",
                    "T",
                    object(vec![field("y", "Int", Plan::Leaf), field("x", "Int", Plan::Leaf)]),
                ),
            ]
        };
        let data = serde_json::json!({"a": {"x": 1, "y": 2}, "b": 3});
        assert_eq!(written(data, plan(), &[]), r#"{"b":3,"a":{"y":2,"x":1}}"#);
        assert_eq!(
            written(serde_json::json!({"a": {"y": 2}}), plan(), &[]),
            r#"{"a":{"y":2}}"#
        );
    }

    #[test]
    fn the_kind_decides_and_is_not_sent() {
        let plan = || {
            let kinds = vec![
                (
                    "A".to_owned(),
                    Fields(vec![field("x", "Int", Plan::Leaf), field("y", "Int", Plan::Leaf)]),
                ),
                (
                    "B".to_owned(),
                    Fields(vec![field("y", "Int", Plan::Leaf), field("x", "Int", Plan::Leaf)]),
                ),
            ];
            vec![field("n", "[N]", Plan::OneOf(kinds))]
        };
        let data = serde_json::json!({"n": [{"x": 1, "y": 2, KIND: "A"}, {"x": 1, "y": 2, KIND: "B"}]});
        assert_eq!(written(data, plan(), &[]), r#"{"n":[{"x":1,"y":2},{"y":2,"x":1}]}"#);
    }

    #[test]
    fn a_failed_field_is_null_where_it_may_be() {
        let plan = |ty: &str, inner: &str| {
            vec![field(
                "a",
                ty,
                object(vec![field("x", inner, Plan::Leaf), field("y", "Int", Plan::Leaf)]),
            )]
        };
        let path: &[_] = &[key("a"), key("x")];
        let data = || serde_json::json!({"a": {"y": 2}});
        assert_eq!(written(data(), plan("T", "Int"), &[path]), r#"{"a":{"x":null,"y":2}}"#);
        assert_eq!(written(data(), plan("T", "Int!"), &[path]), r#"{"a":null}"#);
        assert_eq!(written(data(), plan("T!", "Int!"), &[path]), "null");
    }

    #[test]
    fn a_failed_item_takes_the_list_along_only_where_it_must() {
        let plan = |ty: &str| vec![field("a", ty, object(vec![field("x", "Int!", Plan::Leaf)]))];
        let path: &[_] = &[key("a"), PathSegment::Index(1), key("x")];
        let data = || serde_json::json!({"a": [{"x": 1}, {}]});
        assert_eq!(written(data(), plan("[T]!"), &[path]), r#"{"a":[{"x":1},null]}"#);
        assert_eq!(written(data(), plan("[T!]"), &[path]), r#"{"a":null}"#);
        assert_eq!(written(data(), plan("[T!]!"), &[path]), "null");
    }

    #[test]
    fn an_object_in_which_all_failed_is_not_null_for_it() {
        let plan = || {
            vec![field(
                "a",
                "T",
                object(vec![field("x", "Int", Plan::Leaf), field("y", "Int!", Plan::Leaf)]),
            )]
        };
        let (x, y): (&[_], &[_]) = (&[key("a"), key("x")], &[key("a"), key("y")]);
        assert_eq!(
            written(serde_json::json!({"a": null}), plan(), &[x]),
            r#"{"a":{"x":null}}"#
        );
        assert_eq!(
            written(serde_json::json!({"a": null}), plan(), &[x, y]),
            r#"{"a":null}"#
        );
        assert_eq!(
            written(serde_json::json!({"a": null}), plan(), &[y, x]),
            r#"{"a":null}"#
        );
        assert_eq!(
            written(serde_json::json!(null), plan(), &[&[key("a")]]),
            r#"{"a":null}"#
        );
    }

    #[test]
    fn text_is_escaped() {
        let plan = vec![field("a", "String", Plan::Leaf)];
        assert_eq!(
            written(serde_json::json!({"a": "\u{1}\"\\ä\n"}), plan, &[]),
            r#"{"a":"\u0001\"\\ä\n"}"#
        );
    }
}
