//! The order of an answer's root fields: that of the selection, as the specification asks.
//!
//! async-graphql runs the root fields of a query side by side and writes them down as they finish. All other objects of
//! ours are resolved in order.

use std::collections::HashMap;

use async_graphql::{
    Name, Positioned, Request, Response, Value,
    parser::types::{FragmentDefinition, Selection, SelectionSet},
};

/// The response keys of the operation's root, in the order in which the document first names them.
pub(super) fn root_keys(request: &mut Request) -> Vec<Name> {
    let name = request.operation_name.clone();
    let Ok(document) = request.parsed_query() else {
        return Vec::new();
    };
    let wanted = |found: Option<&Name>| match &name {
        Some(name) => found.is_some_and(|found| found.as_str() == name),
        None => true,
    };
    let mut keys = Vec::new();
    if let Some((_, operation)) = document.operations.iter().find(|(found, _)| wanted(*found)) {
        collect(
            &operation.node.selection_set.node,
            &document.fragments,
            &mut Vec::new(),
            &mut keys,
        );
    }
    keys
}

fn collect<'a>(
    set: &'a SelectionSet,
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    entered: &mut Vec<&'a Name>,
    keys: &mut Vec<Name>,
) {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) => {
                let key = &field.node.response_key().node;
                if !keys.contains(key) {
                    keys.push(key.clone());
                }
            }
            Selection::InlineFragment(fragment) => collect(&fragment.node.selection_set.node, fragments, entered, keys),
            Selection::FragmentSpread(spread) => {
                // A fragment's keys are the same wherever it stands: once is enough, and it may be large.
                let name = &spread.node.fragment_name.node;
                if let Some(fragment) = fragments.get(name).filter(|_| !entered.contains(&name)) {
                    entered.push(name);
                    collect(&fragment.node.selection_set.node, fragments, entered, keys);
                }
            }
        }
    }
}

/// Puts the root fields of an answer into the order of these keys.
pub(super) fn arrange(mut response: Response, keys: &[Name]) -> Response {
    if let Value::Object(fields) = &mut response.data
        && fields.len() > 1
    {
        fields.sort_by_cached_key(|key, _| keys.iter().position(|known| known == key));
    }
    response
}
