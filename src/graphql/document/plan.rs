//! The shape of an operation's answer: which keys an object has and in which order, and where null may stand.
//!
//! The executor answers fields in the order in which they are ready and leaves out what failed. The plan puts keys
//! into the order of the selection and a failed field's null where the specification has it.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use apollo_compiler::Node;
use apollo_compiler::ast::{self, DirectiveList, Type};
use apollo_compiler::collections::HashMap;
use apollo_compiler::executable::{ExecutableDocument, Field, Operation, Selection, SelectionSet};
use apollo_compiler::schema::{ExtendedType, Implementers, Schema};
use async_graphql::indexmap::IndexMap;
use async_graphql::{Name, Pos};
use rustc_hash::FxHashMap;

use super::given::Arguments;
use super::place;
use crate::graphql::execute::ObjectType;

/// The key under which an object says what it is where only that tells its fields. It is no name of the language,
/// so no document can ask for it, and it is never sent.
pub const KIND: &str = " kind";

/// The plan of an operation, for these values of the variables that decide what is left out.
#[derive(Debug, Default)]
pub struct OperationPlan {
    /// The fields of the root.
    pub fields: Fields,
    /// Whether every field is answered from memory.
    pub is_in_memory: bool,
    size: AtomicUsize,
}

impl OperationPlan {
    /// How large the next answer may well be, in bytes.
    pub fn expected_size(&self) -> usize {
        self.size.load(Ordering::Relaxed)
    }

    /// Remembers an answer's size: the next one is mostly about as large.
    pub fn answered(&self, size: usize) {
        let expected = self.expected_size();
        if size > expected || size < expected / 2 {
            self.size.store(size + size / 8, Ordering::Relaxed);
        }
    }
}

/// What is answered at one place.
#[derive(Debug)]
pub enum Plan {
    /// A scalar or an enum, or a list of them.
    Leaf,
    /// An object whose fields are known.
    Object(Fields),
    /// An object whose fields depend on what it is, by its type.
    OneOf(Vec<(String, Fields)>),
}

/// The fields of an object, in order.
#[derive(Debug, Default)]
pub struct Fields(pub Vec<FieldPlan>);

/// A field of an answer.
#[derive(Debug)]
pub struct FieldPlan {
    /// Its key in the answer.
    pub key: String,
    /// Where null may stand in it.
    pub nullability: Nullability,
    /// What it answers.
    pub plan: Plan,
    /// What answers it.
    pub resolver: Resolver,
    /// What it is given.
    pub arguments: Arguments,
    /// Where it stands in the document.
    pub place: Pos,
    /// The key as it is written: in quotes, with a colon.
    written: Box<[u8]>,
}

impl FieldPlan {
    /// A field that is answered elsewhere.
    pub fn new(key: &str, nullability: Nullability, plan: Plan) -> Self {
        Self {
            key: key.to_owned(),
            nullability,
            plan,
            resolver: Resolver::Elsewhere,
            arguments: Arguments::default(),
            place: Pos::default(),
            written: format!("\"{key}\":").into_bytes().into(),
        }
    }

    /// The key as it is written: in quotes, with a colon.
    pub fn written_key(&self) -> &[u8] {
        &self.written
    }
}

/// What answers a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolver {
    /// The name of the object's type.
    Kind,
    /// The resolver at this place of the type's list.
    Field(u16),
    /// Async-graphql's executor: the field waits for something.
    Elsewhere,
}

/// Where null may stand: in the value itself, and in the items of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nullability {
    /// Whether the value may be null.
    pub nullable: bool,
    /// The same for the items, of a list.
    pub items: Option<Box<Nullability>>,
}

impl From<&Type> for Nullability {
    fn from(ty: &Type) -> Self {
        let items = match ty {
            Type::List(inner) | Type::NonNullList(inner) => Some(Box::new(Self::from(inner.as_ref()))),
            Type::Named(_) | Type::NonNullNamed(_) => None,
        };
        Self {
            nullable: !ty.is_non_null(),
            items,
        }
    }
}

/// Plans the answers of one schema.
#[derive(Clone, Debug)]
pub struct Planner {
    implementers: HashMap<apollo_compiler::Name, Implementers>,
    /// The places of fields that are answered from memory, by type and name.
    resolvers: FxHashMap<&'static str, FxHashMap<String, u16>>,
}

impl Planner {
    /// A planner for this schema, whose types are answered from memory as far as they are listed.
    ///
    /// # Errors
    /// A listed type, field or argument is not the schema's.
    pub fn new(schema: &Schema, types: &[ObjectType]) -> Result<Self, String> {
        let mut resolvers = FxHashMap::default();
        for ty in types {
            resolvers.insert(ty.name, places(schema, ty)?);
        }
        Ok(Self {
            implementers: schema.implementers_map(),
            resolvers,
        })
    }

    /// The plan of an operation's answer. `is_true` tells what the variables of directives are.
    pub fn plan(
        &self,
        schema: &Schema,
        document: &ExecutableDocument,
        operation: &Operation,
        is_true: &dyn Fn(&str) -> bool,
    ) -> OperationPlan {
        let walk = Walk {
            planner: self,
            schema,
            document,
            is_true,
            slots: Cell::new(0),
            waits: Cell::new(false),
        };
        let fields = walk.fields(&[&operation.selection_set], &operation.selection_set.ty);
        OperationPlan {
            fields,
            is_in_memory: !walk.waits.get(),
            size: AtomicUsize::new(1024),
        }
    }
}

/// Where the fields of a type are in its list, by their names in the schema.
fn places(schema: &Schema, ty: &ObjectType) -> Result<FxHashMap<String, u16>, String> {
    let declared = schema
        .get_object(ty.name)
        .ok_or_else(|| format!("there is no object type {}", ty.name))?;
    let mut places = FxHashMap::default();
    for (place, field) in (0..).zip(&ty.fields) {
        let known = declared
            .fields
            .get(field.name.as_str())
            .ok_or_else(|| format!("there is no field {}.{}", ty.name, field.name))?;
        let Some(arguments) = &field.arguments else { continue };
        if !known.arguments.iter().map(|known| known.name.as_str()).eq(arguments) {
            return Err(format!("the arguments of {}.{} are others", ty.name, field.name));
        }
        places.insert(field.name.clone(), place);
    }
    Ok(places)
}

/// The variables that decide what of an operation is left out.
pub fn switches(document: &ExecutableDocument, operation: &Operation) -> Vec<Name> {
    let mut names: Vec<Name> = Vec::new();
    let mut sets = vec![&operation.selection_set];
    sets.extend(document.fragments.values().map(|fragment| &fragment.selection_set));
    while let Some(set) = sets.pop() {
        for selection in &set.selections {
            for (_, condition) in conditions(selection.directives()) {
                if let ast::Value::Variable(name) = condition
                    && names.iter().all(|known| known.as_str() != name.as_str())
                {
                    names.push(Name::new(name));
                }
            }
            match selection {
                Selection::Field(field) => sets.push(&field.selection_set),
                Selection::InlineFragment(fragment) => sets.push(&fragment.selection_set),
                Selection::FragmentSpread(_) => {}
            }
        }
    }
    names
}

/// The conditions of a selection: whether each must be true, and what it is.
fn conditions(directives: &DirectiveList) -> impl Iterator<Item = (bool, &ast::Value)> {
    directives.iter().filter_map(|directive| {
        let wanted = match directive.name.as_str() {
            "include" => true,
            "skip" => false,
            _ => return None,
        };
        let condition = directive.arguments.iter().find(|argument| argument.name == "if")?;
        Some((wanted, condition.value.as_ref()))
    })
}

struct Walk<'a> {
    planner: &'a Planner,
    schema: &'a Schema,
    document: &'a ExecutableDocument,
    is_true: &'a dyn Fn(&str) -> bool,
    /// How many fields have arguments with variables.
    slots: Cell<usize>,
    /// Whether a field waits for something.
    waits: Cell<bool>,
}

impl<'a> Walk<'a> {
    /// The fields of these sets together, for an object of this type.
    fn fields(&self, sets: &[&'a SelectionSet], of: &str) -> Fields {
        let mut keys = IndexMap::new();
        for set in sets {
            self.collect(set, of, &mut keys);
        }
        let fields = keys
            .into_iter()
            .filter_map(|(key, fields): (&str, Vec<&'a Node<Field>>)| {
                let first = *fields.first()?;
                let below: Vec<_> = fields.iter().map(|field| &field.selection_set).collect();
                let plan = self.below(&below, first);
                let resolver = self.resolver(of, &first.name);
                if resolver == Resolver::Elsewhere {
                    self.waits.set(true);
                }
                Some(FieldPlan {
                    resolver,
                    arguments: Arguments::of(first, &self.slots),
                    place: place(first.location(), &self.document.sources).unwrap_or_default(),
                    ..FieldPlan::new(key, Nullability::from(&first.definition.ty), plan)
                })
            });
        Fields(fields.collect())
    }

    fn resolver(&self, of: &str, field: &str) -> Resolver {
        let known = self.planner.resolvers.get(of);
        match known {
            Some(_) if field == "__typename" => Resolver::Kind,
            Some(known) => known.get(field).copied().map_or(Resolver::Elsewhere, Resolver::Field),
            None => Resolver::Elsewhere,
        }
    }

    fn below(&self, sets: &[&'a SelectionSet], field: &Field) -> Plan {
        let returned = field.definition.ty.inner_named_type();
        if sets.iter().all(|set| set.is_empty()) {
            Plan::Leaf
        } else if is_abstract(self.schema, returned) {
            let kinds = self.kinds(returned);
            Plan::OneOf(
                kinds
                    .iter()
                    .map(|kind| (kind.to_string(), self.fields(sets, kind)))
                    .collect(),
            )
        } else {
            Plan::Object(self.fields(sets, returned))
        }
    }

    fn collect(&self, set: &'a SelectionSet, of: &str, keys: &mut IndexMap<&'a str, Vec<&'a Node<Field>>>) {
        for selection in &set.selections {
            if !self.is_included(selection.directives()) {
                continue;
            }
            match selection {
                Selection::Field(field) => keys.entry(field.response_key().as_str()).or_default().push(field),
                Selection::InlineFragment(fragment) => {
                    if self.applies(fragment.type_condition.as_deref(), of) {
                        self.collect(&fragment.selection_set, of, keys);
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let Some(fragment) = self.document.fragments.get(&spread.fragment_name) else {
                        continue;
                    };
                    if self.applies(Some(fragment.type_condition()), of) {
                        self.collect(&fragment.selection_set, of, keys);
                    }
                }
            }
        }
    }

    fn is_included(&self, directives: &DirectiveList) -> bool {
        conditions(directives).all(|(wanted, condition)| match condition {
            ast::Value::Boolean(value) => *value == wanted,
            ast::Value::Variable(name) => (self.is_true)(name) == wanted,
            _ => true,
        })
    }

    fn applies(&self, condition: Option<&str>, of: &str) -> bool {
        condition.is_none_or(|condition| condition == of || self.schema.is_subtype(condition, of))
    }

    fn kinds(&self, name: &str) -> Vec<apollo_compiler::Name> {
        match self.schema.types.get(name) {
            Some(ExtendedType::Union(union)) => union.members.iter().map(|member| member.name.clone()).collect(),
            _ => self
                .planner
                .implementers
                .get(name)
                .map(|found| found.objects.iter().cloned().collect())
                .unwrap_or_default(),
        }
    }
}

/// Whether objects of this type are of several types.
pub fn is_abstract(schema: &Schema, name: &str) -> bool {
    matches!(
        schema.types.get(name),
        Some(ExtendedType::Interface(_) | ExtendedType::Union(_))
    )
}
