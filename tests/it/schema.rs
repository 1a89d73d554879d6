//! The committed schema is the one that the program serves.

use std::{fs, path::Path};

use apollo_compiler::{Schema, schema::ExtendedType, validation::Valid};

use crate::support::program::{romdex, run};

#[test]
fn the_committed_schema_is_the_program_s() {
    let printed = romdex::graphql::sdl();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("schema.graphql"), &printed).unwrap();
    let committed = fs::read_to_string(root.join("schema.graphql")).unwrap_or_default();
    assert!(
        printed == committed,
        "schema.graphql is out of date: cargo run -- schema > schema.graphql"
    );
}

#[test]
fn the_command_prints_the_schema_alone() {
    let folder = tempfile::TempDir::new().unwrap();
    let ran = run(&mut romdex(folder.path(), ["schema"]));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert!(ran.stdout == romdex::graphql::sdl(), "{}", ran.stdout);
}

/// The schema without what the language brings along.
fn schema() -> Valid<Schema> {
    Schema::parse_and_validate(romdex::graphql::sdl(), "schema.graphql").unwrap()
}

#[test]
fn every_scalar_says_where_it_is_specified() {
    const BUILT_IN: [&str; 5] = ["Int", "Float", "String", "Boolean", "ID"];
    let schema = schema();
    let own = schema.types.values().filter_map(|ty| ty.as_scalar());
    let own: Vec<_> = own.filter(|scalar| !BUILT_IN.contains(&scalar.name.as_str())).collect();
    assert!(own.len() >= 4);
    for scalar in own {
        let url = scalar
            .directives
            .get("specifiedBy")
            .and_then(|directive| directive.specified_argument_by_name("url"));
        let url = url.and_then(|url| url.as_str()).unwrap_or_default();
        assert!(url.starts_with("https://"), "{} has no @specifiedBy", scalar.name);
    }
}

#[test]
fn everything_is_described() {
    let schema = schema();
    let mut silent = Vec::new();
    let mut look = |name: String, description: Option<&str>| {
        if description.is_none_or(|text| text.trim().len() < 3) {
            silent.push(name);
        }
    };
    for (name, ty) in schema.types.iter().filter(|(_, ty)| !ty.is_built_in()) {
        look(name.to_string(), ty.description().map(apollo_compiler::Node::as_str));
        let fields = match ty {
            ExtendedType::Object(object) => &object.fields,
            ExtendedType::Interface(interface) => &interface.fields,
            ExtendedType::InputObject(input) => {
                for (field, definition) in &input.fields {
                    look(format!("{name}.{field}"), definition.description.as_deref());
                }
                continue;
            }
            ExtendedType::Enum(values) => {
                for (value, definition) in &values.values {
                    look(format!("{name}.{value}"), definition.description.as_deref());
                }
                continue;
            }
            ExtendedType::Scalar(_) | ExtendedType::Union(_) => continue,
        };
        for (field, definition) in fields {
            look(format!("{name}.{field}"), definition.description.as_deref());
            for argument in &definition.arguments {
                look(
                    format!("{name}.{field}({}:)", argument.name),
                    argument.description.as_deref(),
                );
            }
        }
    }
    assert_eq!(silent, Vec::<String>::new());
}

/// Why the integers that are answered stay within 32 bits. Ids are no integers, and bytes are `ByteCount`.
const BOUNDED: &[(&str, &str)] = &[
    (
        "Catalog.revision",
        "grows by one with an import, and its column has 32 bits",
    ),
    ("Catalog.deviceCount", COUNTED),
    ("Catalog.releaseCount", COUNTED),
    ("Catalog.packageCount", COUNTED),
    ("Source.packageCount", "its column has 32 bits"),
    ("Source.rejectedCount", "its column has 32 bits"),
    ("Upstream.failureCount", "its column has 32 bits"),
    ("BranchCount.count", COUNTED),
    ("OperatingSystemCount.count", COUNTED),
    ("PackageTypeCount.count", COUNTED),
    ("RegionCount.count", COUNTED),
    ("*Connection.totalCount", COUNTED),
    ("*Limits.*", "a limit beyond what fits is refused where it is set"),
    (
        "SubscriptionLimits.*",
        "a limit beyond what fits is refused where it is set",
    ),
    (
        "WebhookConfig.*",
        "settings of the server: what does not fit is answered as the largest that does",
    ),
    (
        "RateLimitConfig.*",
        "a rate limit beyond what fits is refused where it is set",
    ),
    ("RateLimit.*", "at most what the rate limit is set to"),
    ("WebhookDelivery.attempts", "its column has 32 bits"),
    ("WebhookDelivery.responseStatus", "three digits"),
];

/// Rows have ids of 32 bits.
const COUNTED: &str = "counts rows in memory, whose ids have 32 bits";

#[test]
fn no_integer_can_exceed_its_32_bits_unnoticed() {
    let schema = schema();
    let mut integers = Vec::new();
    for (name, ty) in schema.types.iter().filter(|(_, ty)| !ty.is_built_in()) {
        let Some(object) = ty.as_object() else { continue };
        let of_int = object
            .fields
            .iter()
            .filter(|(_, field)| field.ty.inner_named_type() == "Int");
        integers.extend(of_int.map(|(field, _)| (name.to_string(), field.to_string())));
    }
    let is_listed = |listed: &str, (ty, field): &(String, String)| {
        let (listed_type, listed_field) = listed.split_once('.').unwrap();
        let same_type = match listed_type.strip_prefix('*') {
            Some(end) => ty.ends_with(end),
            None => ty == listed_type,
        };
        same_type && (listed_field == "*" || field == listed_field)
    };
    for integer in &integers {
        assert!(
            BOUNDED.iter().any(|(listed, _)| is_listed(listed, integer)),
            "say in this table why {}.{} is bounded, or take a scalar that is not Int",
            integer.0,
            integer.1
        );
    }
    for (listed, reason) in BOUNDED {
        assert!(
            integers.iter().any(|integer| is_listed(listed, integer)),
            "{listed} ({reason}) is no Int"
        );
    }
}

#[test]
fn a_limit_that_does_not_fit_is_refused() {
    let folder = tempfile::TempDir::new().unwrap();
    for (name, value) in [
        ("COST", "2147483648"),
        ("NODES", "4294967295"),
        ("TIMEOUT_MS", "2147483648"),
    ] {
        let mut command = romdex(folder.path(), ["config"]);
        let ran = run(command.env(format!("ROMDEX__LIMITS__{name}"), value));
        assert_ne!(ran.code, 0, "{name}");
        assert!(ran.stderr.contains(&name.to_lowercase()), "{}", ran.stderr);
    }
}
