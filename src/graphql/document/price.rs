//! What fields cost beyond the one that every field costs, and how long lists without a page size are taken to be.
//! One table each: whoever adds a field that works hard, or a list, adds its line here.

/// Work of a field, in fields of ordinary work. The rest of the fields cost 1.
const WORK: &[(&str, &str, f64)] = &[
    ("Query", "search", 50.0),
    ("Query", "updateCheck", 20.0),
    ("Query", "changes", 20.0),
    ("Query", "webhooks", 20.0),
    ("Query", "webhook", 10.0),
    ("Webhook", "deliveries", 20.0),
    ("Mutation", "createWebhook", 100.0),
    ("Mutation", "updateWebhook", 100.0),
    ("Mutation", "rotateWebhookSecret", 100.0),
    ("Mutation", "deleteWebhook", 100.0),
    ("Mutation", "pingWebhook", 100.0),
    ("Mutation", "redeliver", 100.0),
    ("Release", "changelog", 5.0),
    ("Package", "source", 2.0),
    ("Package", "derived", 2.0),
    ("Catalog", "sources", 10.0),
    ("Catalog", "upstreams", 10.0),
    ("DeviceConnection", "facets", 20.0),
    ("ReleaseConnection", "facets", 20.0),
    ("PackageConnection", "facets", 20.0),
    ("DeviceConnection", "totalCount", 2.0),
    ("ReleaseConnection", "totalCount", 2.0),
    ("PackageConnection", "totalCount", 2.0),
];

/// Items that a list of objects without a page size is taken to have.
const LENGTHS: &[(&str, &str, f64)] = &[
    ("Device", "variants", 8.0),
    ("Device", "siblings", 4.0),
    ("Device", "latestPackages", 16.0),
    ("Variant", "latestPackages", 8.0),
    ("Variant", "updatePath", 4.0),
    ("Changelog", "sections", 10.0),
    ("Package", "derived", 4.0),
    ("Facets", "os", 2.0),
    ("Facets", "branch", 4.0),
    ("Facets", "region", 17.0),
    ("Facets", "type", 5.0),
    ("UpdateCheck", "releases", 20.0),
    ("UpdateCheck", "packages", 4.0),
    ("UpdateCheck", "path", 4.0),
    ("Catalog", "sources", 8.0),
    ("Catalog", "upstreams", 8.0),
];

/// Items of a page at most, where they are bounded more tightly than by the page's size.
const PAGES: &[(&str, &str, f64)] = &[("Release", "packages", 10.0)];

/// Fields whose answers are not of the revision: they are read anew each time, and never kept.
const PASSING: &[(&str, &str)] = &[
    ("Catalog", "sources"),
    ("Catalog", "upstreams"),
    ("Query", "webhooks"),
    ("Query", "webhook"),
    ("Query", "rateLimit"),
];

/// Items of a list that no table knows.
const UNKNOWN_LENGTH: f64 = 10.0;

/// The cost of a field itself, without what is selected below it.
pub fn work(parent: &str, field: &str) -> f64 {
    find(WORK, parent, field).unwrap_or(1.0)
}

/// How many items a list without a page size is taken to have.
pub fn length(parent: &str, field: &str) -> f64 {
    find(LENGTHS, parent, field).unwrap_or(UNKNOWN_LENGTH)
}

/// What bounds a page beside its size.
pub fn page(parent: &str, field: &str) -> Option<f64> {
    find(PAGES, parent, field)
}

/// Whether a field's answer may change while the revision stays.
pub fn is_passing(parent: &str, field: &str) -> bool {
    PASSING.contains(&(parent, field))
}

fn find(table: &[(&str, &str, f64)], parent: &str, field: &str) -> Option<f64> {
    table
        .iter()
        .find(|(of, name, _)| *of == parent && *name == field)
        .map(|(_, _, value)| *value)
}

#[cfg(test)]
mod tests {
    use apollo_compiler::Schema;

    use super::*;

    #[test]
    fn the_tables_name_fields_that_there_are() {
        let schema = Schema::parse_and_validate(crate::graphql::sdl(), "schema.graphql").unwrap();
        let tables = [WORK, LENGTHS, PAGES].into_iter().flatten();
        let named = tables
            .map(|(parent, field, _)| (*parent, *field))
            .chain(PASSING.iter().copied());
        for (parent, field) in named {
            assert!(schema.type_field(parent, field).is_ok(), "{parent}.{field}");
        }
    }

    #[test]
    fn every_list_of_objects_has_a_length() {
        let schema = Schema::parse_and_validate(crate::graphql::sdl(), "schema.graphql").unwrap();
        for (parent, ty) in schema.types.iter().filter(|(name, _)| !name.starts_with("__")) {
            let Some(object) = ty.as_object() else { continue };
            for (name, field) in &object.fields {
                let of_objects = schema
                    .types
                    .get(field.ty.inner_named_type())
                    .is_some_and(|ty| !ty.is_leaf());
                let by_argument = object.fields.contains_key("pageInfo") || (parent == "Query" && name == "nodes");
                if field.ty.is_list() && of_objects && !by_argument {
                    assert!(find(LENGTHS, parent, name).is_some(), "{parent}.{name} has no length");
                }
            }
        }
    }
}
