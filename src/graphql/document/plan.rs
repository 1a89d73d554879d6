//! The shape of an operation's answer: which keys an object has and in which order, and where null may stand.
//!
//! The executor answers fields in the order in which they are ready and leaves out what failed. The plan puts keys
//! into the order of the selection and a failed field's null where the specification has it.

use apollo_compiler::ast::Type;
use apollo_compiler::collections::HashMap;
use apollo_compiler::executable::{ExecutableDocument, Field, Operation, Selection, SelectionSet};
use apollo_compiler::schema::{ExtendedType, Implementers, Schema};
use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{self as parsed, ExecutableDocument as ParsedDocument};
use async_graphql::{Name, Positioned};

/// The key under which an object says what it is where only that tells its fields. It is no name of the language,
/// so no document can ask for it, and it is never sent.
pub const KIND: &str = " kind";

/// What is answered at one place.
#[derive(Clone, Debug)]
pub enum Plan {
    /// A scalar or an enum, or a list of them.
    Leaf,
    /// An object whose fields are known.
    Object(Fields),
    /// An object whose fields depend on what it is, by its type.
    OneOf(Vec<(String, Fields)>),
}

/// The fields of an object, in order.
#[derive(Clone, Debug, Default)]
pub struct Fields(pub Vec<FieldPlan>);

/// A field of an answer.
#[derive(Clone, Debug)]
pub struct FieldPlan {
    /// Its key in the answer.
    pub key: String,
    /// Where null may stand in it.
    pub nullability: Nullability,
    /// What it answers.
    pub plan: Plan,
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
}

impl Planner {
    /// A planner for this schema.
    pub fn new(schema: &Schema) -> Self {
        Self {
            implementers: schema.implementers_map(),
        }
    }

    /// The plan of an operation's answer.
    pub fn plan(&self, schema: &Schema, document: &ExecutableDocument, operation: &Operation) -> Fields {
        let walk = Walk {
            planner: self,
            schema,
            document,
        };
        walk.fields(&[&operation.selection_set], Some(&operation.selection_set.ty))
    }

    /// Makes objects say what they are wherever a plan has to ask, and whenever they might answer nothing else: an
    /// object without any field is taken for null by the executor.
    pub fn mark(
        &self,
        schema: &Schema,
        document: &ExecutableDocument,
        operation: &Operation,
        parsed: &mut ParsedDocument,
    ) {
        let walk = Walk {
            planner: self,
            schema,
            document,
        };
        if let parsed::DocumentOperations::Single(single) = &mut parsed.operations {
            walk.mark(&operation.selection_set, &mut single.node.selection_set.node);
        }
        for (name, fragment) in &mut parsed.fragments {
            if let Some(known) = document.fragments.get(name.as_str()) {
                walk.mark_below(&known.selection_set, &mut fragment.node.selection_set.node);
            }
        }
    }
}

struct Walk<'a> {
    planner: &'a Planner,
    schema: &'a Schema,
    document: &'a ExecutableDocument,
}

impl<'a> Walk<'a> {
    /// The fields of these sets together, for an object of this type or, where it does not matter, of any.
    fn fields(&self, sets: &[&'a SelectionSet], of: Option<&str>) -> Fields {
        let mut keys = IndexMap::new();
        for set in sets {
            self.collect(set, of, &mut keys);
        }
        let fields = keys.into_iter().map(|(key, fields): (&str, Vec<&'a Field>)| {
            let below: Vec<_> = fields.iter().map(|field| &field.selection_set).collect();
            let (nullability, plan) = match fields.first() {
                Some(field) => (Nullability::from(&field.definition.ty), self.below(&below, field)),
                None => (
                    Nullability {
                        nullable: true,
                        items: None,
                    },
                    Plan::Leaf,
                ),
            };
            FieldPlan {
                key: key.to_owned(),
                nullability,
                plan,
            }
        });
        Fields(fields.collect())
    }

    fn below(&self, sets: &[&'a SelectionSet], field: &Field) -> Plan {
        let returned = field.definition.ty.inner_named_type();
        if sets.iter().all(|set| set.is_empty()) {
            Plan::Leaf
        } else if self.is_abstract(returned) && sets.iter().any(|set| self.depends_on_kind(set, returned)) {
            let kinds = self.kinds(returned);
            Plan::OneOf(
                kinds
                    .iter()
                    .map(|kind| (kind.to_string(), self.fields(sets, Some(kind))))
                    .collect(),
            )
        } else {
            Plan::Object(self.fields(sets, None))
        }
    }

    fn collect(&self, set: &'a SelectionSet, of: Option<&str>, keys: &mut IndexMap<&'a str, Vec<&'a Field>>) {
        for selection in &set.selections {
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

    fn applies(&self, condition: Option<&str>, of: Option<&str>) -> bool {
        match (condition, of) {
            (Some(condition), Some(of)) => condition == of || self.schema.is_subtype(condition, of),
            _ => true,
        }
    }

    fn is_abstract(&self, name: &str) -> bool {
        matches!(
            self.schema.types.get(name),
            Some(ExtendedType::Interface(_) | ExtendedType::Union(_))
        )
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

    /// Whether a fragment of the set, on whatever level, applies to some objects of the type alone.
    fn depends_on_kind(&self, set: &SelectionSet, ty: &str) -> bool {
        set.selections.iter().any(|selection| match selection {
            Selection::Field(_) => false,
            Selection::InlineFragment(fragment) => {
                fragment
                    .type_condition
                    .as_ref()
                    .is_some_and(|condition| condition != ty)
                    || self.depends_on_kind(&fragment.selection_set, ty)
            }
            Selection::FragmentSpread(spread) => {
                self.document
                    .fragments
                    .get(&spread.fragment_name)
                    .is_some_and(|fragment| {
                        fragment.type_condition() != ty || self.depends_on_kind(&fragment.selection_set, ty)
                    })
            }
        })
    }

    /// Whether all of a set can be left out: each of its selections is skipped or depends on what the object is.
    fn may_be_empty(&self, set: &SelectionSet) -> bool {
        set.selections.iter().all(|selection| {
            let directives = selection.directives();
            directives.has("skip")
                || directives.has("include")
                || match selection {
                    Selection::Field(_) => false,
                    Selection::InlineFragment(fragment) => self.may_be_empty(&fragment.selection_set),
                    Selection::FragmentSpread(spread) => self
                        .document
                        .fragments
                        .get(&spread.fragment_name)
                        .is_none_or(|fragment| self.may_be_empty(&fragment.selection_set)),
                }
        })
    }

    fn mark(&self, set: &SelectionSet, parsed: &mut parsed::SelectionSet) {
        self.mark_below(set, parsed);
        if !set.is_empty()
            && (self.is_abstract(&set.ty) && self.depends_on_kind(set, &set.ty) || self.may_be_empty(set))
        {
            parsed.items.push(Positioned::new(
                parsed::Selection::Field(kind_field()),
                async_graphql::Pos::default(),
            ));
        }
    }

    /// The same for the sets of this set's fields. Both documents were read from one text: their selections pair up.
    fn mark_below(&self, set: &SelectionSet, parsed: &mut parsed::SelectionSet) {
        for (selection, parsed) in set.selections.iter().zip(&mut parsed.items) {
            match (selection, &mut parsed.node) {
                (Selection::Field(field), parsed::Selection::Field(parsed)) => {
                    self.mark(&field.selection_set, &mut parsed.node.selection_set.node);
                }
                (Selection::InlineFragment(fragment), parsed::Selection::InlineFragment(parsed)) => {
                    self.mark_below(&fragment.selection_set, &mut parsed.node.selection_set.node);
                }
                _ => {}
            }
        }
    }
}

fn kind_field() -> Positioned<parsed::Field> {
    let name = |name| Positioned::new(Name::new(name), async_graphql::Pos::default());
    let field = parsed::Field {
        alias: Some(name(KIND)),
        name: name("__typename"),
        arguments: Vec::new(),
        directives: Vec::new(),
        selection_set: Positioned::default(),
    };
    Positioned::new(field, async_graphql::Pos::default())
}
