//! What apollo-compiler's validation leaves out of the specification's rules on values: variables inside lists and input
//! objects must fit their place as those in arguments must, a default of null is none, and no member of an input object
//! is given twice.

use apollo_compiler::ast::{Argument, Directive, Type, Value};
use apollo_compiler::executable::{ExecutableDocument, Operation, Selection, SelectionSet};
use apollo_compiler::schema::{ExtendedType, Schema};
use apollo_compiler::{Name, Node};
use rustc_hash::FxHashSet;

use super::place;
use crate::graphql::error::{Code, Fault, MOST_ERRORS};

/// Says which values of a valid document break these rules, in at most as many errors as an answer shows.
pub fn check(schema: &Schema, document: &ExecutableDocument) -> Vec<Fault> {
    let mut walk = Walk {
        schema,
        document,
        operation: None,
        seen: FxHashSet::default(),
        faults: Vec::new(),
    };
    for operation in document.operations.iter() {
        for variable in &operation.variables {
            if let Some(default) = &variable.default_value {
                walk.operation = None;
                walk.value(default, Place::of(&variable.ty));
            }
        }
        walk.operation = Some(operation);
        walk.seen.clear();
        walk.directives(&operation.directives);
        walk.set(&operation.selection_set);
    }
    walk.faults.truncate(MOST_ERRORS);
    walk.faults
}

/// Where a value stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    ty: &'a Type,
    has_default: bool,
    /// The input object with exactly one member, whose member it is.
    one_of: Option<&'a Name>,
}

impl<'a> Place<'a> {
    const fn of(ty: &'a Type) -> Self {
        Self {
            ty,
            has_default: false,
            one_of: None,
        }
    }
}

struct Walk<'a> {
    schema: &'a Schema,
    document: &'a ExecutableDocument,
    /// The operation whose variables are used; none inside the defaults of variables, which cannot use any.
    operation: Option<&'a Operation>,
    /// Fragments of this operation that were looked at.
    seen: FxHashSet<&'a str>,
    faults: Vec<Fault>,
}

impl<'a> Walk<'a> {
    fn set(&mut self, set: &'a SelectionSet) {
        for selection in &set.selections {
            match selection {
                Selection::Field(field) => {
                    for argument in &field.arguments {
                        if let Some(declared) = field.definition.argument_by_name(&argument.name) {
                            self.argument(argument, &declared.ty, declared.default_value.is_some());
                        }
                    }
                    self.directives(&field.directives);
                    self.set(&field.selection_set);
                }
                Selection::InlineFragment(fragment) => {
                    self.directives(&fragment.directives);
                    self.set(&fragment.selection_set);
                }
                Selection::FragmentSpread(spread) => {
                    self.directives(&spread.directives);
                    let Some(fragment) = self.document.fragments.get(&spread.fragment_name) else {
                        continue;
                    };
                    if self.seen.insert(spread.fragment_name.as_str()) {
                        self.directives(&fragment.directives);
                        self.set(&fragment.selection_set);
                    }
                }
            }
        }
    }

    fn directives(&mut self, directives: &'a [Node<Directive>]) {
        for directive in directives {
            let Some(definition) = self.schema.directive_definitions.get(&directive.name) else {
                continue;
            };
            for argument in &directive.arguments {
                if let Some(declared) = definition.argument_by_name(&argument.name) {
                    self.argument(argument, &declared.ty, declared.default_value.is_some());
                }
            }
        }
    }

    fn argument(&mut self, argument: &'a Argument, ty: &'a Type, has_default: bool) {
        let place = Place {
            has_default,
            ..Place::of(ty)
        };
        self.value(&argument.value, place);
    }

    fn value(&mut self, value: &'a Node<Value>, place: Place<'a>) {
        match (value.as_ref(), place.ty) {
            (Value::Variable(name), _) => self.variable(value, name, place),
            (Value::List(items), Type::List(inner) | Type::NonNullList(inner)) => {
                for item in items {
                    self.value(item, Place::of(inner));
                }
            }
            (_, Type::List(inner) | Type::NonNullList(inner)) => self.value(value, Place::of(inner)),
            (Value::Object(members), Type::Named(name) | Type::NonNullNamed(name)) => {
                self.members(members, name);
            }
            _ => {}
        }
    }

    fn members(&mut self, members: &'a [(Name, Node<Value>)], name: &'a Name) {
        let Some(ExtendedType::InputObject(input)) = self.schema.types.get(name) else {
            return;
        };
        let mut given = FxHashSet::default();
        for (member, value) in members {
            if !given.insert(member.as_str()) {
                self.fault(value, format!("There can be only one input field named \"{member}\"."));
            }
            if let Some(declared) = input.fields.get(member) {
                let place = Place {
                    ty: &declared.ty,
                    has_default: declared.default_value.is_some(),
                    one_of: input.directives.has("oneOf").then_some(name),
                };
                self.value(value, place);
            }
        }
    }

    fn variable(&mut self, value: &Node<Value>, name: &Name, place: Place<'_>) {
        let Some(operation) = self.operation else { return };
        let Some(variable) = operation.variables.iter().find(|variable| variable.name == *name) else {
            return;
        };
        let (ty, wanted) = (&*variable.ty, place.ty);
        if let Some(input) = place.one_of.filter(|_| !ty.is_non_null()) {
            let must = format!("must be non-nullable to be used for OneOf Input Object \"{input}\".");
            return self.fault(value, format!("Variable \"${name}\" is of type \"{ty}\" but {must}"));
        }
        let has_value = variable
            .default_value
            .as_ref()
            .is_some_and(|default| !default.is_null());
        let fits = if wanted.is_non_null() && !ty.is_non_null() {
            (has_value || place.has_default) && ty.is_assignable_to(&wanted.clone().nullable())
        } else {
            ty.is_assignable_to(wanted)
        };
        if !fits {
            let message =
                format!("Variable \"${name}\" of type \"{ty}\" used in position expecting type \"{wanted}\".");
            self.fault(value, message);
        }
    }

    fn fault(&mut self, value: &Node<Value>, message: String) {
        let place = place(value.location(), &self.document.sources);
        self.faults.push(Fault::new(Code::ValidationFailed, message).at(place));
    }
}
