//! What async-graphql's executor runs: the document as it was sent, with what a plan needs to know of the answer.

use apollo_compiler::executable::{ExecutableDocument, Operation, Selection, SelectionSet};
use apollo_compiler::schema::Schema;
use async_graphql::parser::types::{self as parsed, ExecutableDocument as ParsedDocument};
use async_graphql::{Name, Positioned};

use super::plan::{KIND, is_abstract};

/// Makes objects say what they are wherever a plan has to ask, and whenever they might answer nothing else: an
/// object without any field is taken for null by the executor.
pub fn mark(schema: &Schema, document: &ExecutableDocument, operation: &Operation, parsed: &mut ParsedDocument) {
    let walk = Marking { schema, document };
    if let parsed::DocumentOperations::Single(single) = &mut parsed.operations {
        walk.mark(&operation.selection_set, &mut single.node.selection_set.node);
    }
    for (name, fragment) in &mut parsed.fragments {
        if let Some(known) = document.fragments.get(name.as_str()) {
            walk.mark_below(&known.selection_set, &mut fragment.node.selection_set.node);
        }
    }
}

struct Marking<'a> {
    schema: &'a Schema,
    document: &'a ExecutableDocument,
}

impl Marking<'_> {
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
        if !set.is_empty() && (is_abstract(self.schema, &set.ty) || self.may_be_empty(set)) {
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
