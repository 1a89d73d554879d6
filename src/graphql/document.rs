//! One operation's document, from its text to what may be run: lexed, parsed, measured, validated, planned, and kept
//! by the hash of its text. Everything takes time linear in the text, and nothing runs before all of it has passed.

pub mod arguments;
mod cost;
pub mod given;
mod guard;
mod lex;
mod mark;
pub mod plan;
mod price;
mod usage;

use std::sync::{Arc, RwLock};

use apollo_compiler::ast::{self, DirectiveList, FieldDefinition, Type};
use apollo_compiler::executable::{ExecutableDocument, Operation as ValidOperation, Selection, SelectionSet};
use apollo_compiler::name;
use apollo_compiler::parser::{Parser, SourceMap, SourceSpan};
use apollo_compiler::schema::{Component, ExtendedType, Schema};
use apollo_compiler::validation::{DiagnosticList, Valid};
use async_graphql::parser::types::{self as parsed, DocumentOperations, ExecutableDocument as ParsedDocument};
use async_graphql::{Pos, Variables};
use moka::future::Cache;
use rustc_hash::FxHashMap;

use self::arguments::{CheckScalar, Coerced, Declared, Rules};
use self::plan::{OperationPlan, Planner};
use super::error::{Code, Fault, MOST_ERRORS};
use super::execute::ObjectType;
use super::limits::Limits;
use crate::telemetry::metrics::{self, Counter, Registry};

/// What a service's documents are checked against, and those that were checked already.
pub struct Documents {
    schema: Valid<Schema>,
    limits: Limits,
    scale: cost::Scale,
    planner: Planner,
    known: Cache<Hash, Arc<Document>, rustc_hash::FxBuildHasher>,
    hits: Counter,
    misses: Counter,
}

/// The hash of a document's text.
pub type Hash = [u8; 32];

/// A document that may be run.
#[derive(Debug)]
pub struct Document {
    operations: Vec<Arc<Operation>>,
    bytes: u32,
}

/// An operation that may be run once its variables have been checked.
#[derive(Debug)]
pub struct Operation {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// What it does.
    pub kind: OperationKind,
    /// How long its answer holds.
    pub validity: Validity,
    declared: Vec<Declared>,
    weight: cost::Expression,
    plans: Plans,
    parsed: ParsedDocument,
}

/// The plans of an operation: one, or one for each way in which its variables leave things out.
#[derive(Debug)]
enum Plans {
    One(Arc<OperationPlan>),
    Several {
        document: Arc<Valid<ExecutableDocument>>,
        switches: Vec<async_graphql::Name>,
        made: RwLock<FxHashMap<u64, Arc<OperationPlan>>>,
    },
}

/// How many plans of one operation are kept at most.
const MOST_PLANS: usize = 16;

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationKind {
    /// Reads.
    Query,
    /// Changes.
    Mutation,
    /// Listens.
    Subscription,
}

/// How long an answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// As long as the data's revision.
    Revision,
    /// For the moment.
    Moment,
}

/// Why a document is not run.
#[derive(Clone, Debug)]
pub enum Refusal {
    /// It is not GraphQL.
    Unparsable(Vec<Fault>),
    /// It is GraphQL, but not for this service.
    Invalid(Vec<Fault>),
}

/// An operation and its variables, ready to run.
#[derive(Clone, Debug)]
pub struct Ready {
    /// The variables, as declared.
    pub variables: Variables,
    /// What it costs at most.
    pub cost: u64,
    /// How it is answered.
    pub plan: Arc<OperationPlan>,
    /// Fields of its answer at most.
    pub fields: u64,
    any_absent: bool,
}

/// Why documents cannot be checked.
#[derive(Debug, thiserror::Error)]
#[error("the schema is not valid: {0}")]
pub struct SchemaError(String);

impl Documents {
    /// Documents for the schema of this text, whose types are answered from memory as far as they are listed; those
    /// that pass are kept in so many bytes, which is counted.
    ///
    /// # Errors
    /// The schema is not valid, or the types are not its types.
    pub fn new(
        sdl: &str,
        types: &[ObjectType],
        limits: Limits,
        bytes: u64,
        metrics: &Registry,
    ) -> Result<Self, SchemaError> {
        let schema = parse(sdl).map_err(|invalid| SchemaError(invalid.to_string()))?;
        let known = Cache::builder()
            .max_capacity(bytes)
            .weigher(|_: &Hash, document: &Arc<Document>| document.bytes)
            .build_with_hasher(rustc_hash::FxBuildHasher);
        metrics::register_cache(
            metrics,
            "romdex_document_cache",
            "Checked documents that are kept",
            &known,
        );
        let [hits, misses] = metrics.counters(
            "romdex_document_cache_requests",
            "Documents that were asked for: checked before, or now",
            "result",
            ["hit", "miss"],
        );
        let scale = cost::Scale::new(&schema, limits.default_page_size);
        Ok(Self {
            hits,
            misses,
            scale,
            planner: Planner::new(&schema, types).map_err(SchemaError)?,
            schema,
            limits,
            known,
        })
    }

    /// The document of this text, whose BLAKE3 hash is given, checked now or earlier.
    ///
    /// # Errors
    /// Says what is wrong with it, in at most as many errors as an answer shows.
    pub async fn get(&self, hash: Hash, text: &str, scalar: CheckScalar<'_>) -> Result<Arc<Document>, Refusal> {
        if let Some(document) = self.known.get(&hash).await {
            self.hits.inc();
            return Ok(document);
        }
        self.misses.inc();
        let document = Arc::new(self.check(text, scalar)?);
        self.known.insert(hash, Arc::clone(&document)).await;
        Ok(document)
    }

    /// Checks the variables of an operation, and what it costs with them.
    ///
    /// # Errors
    /// Names the variable, or the limit.
    pub fn ready(&self, operation: &Operation, variables: Variables, scalar: CheckScalar<'_>) -> Result<Ready, Fault> {
        let rules = Rules {
            schema: &self.schema,
            limits: &self.limits,
            scalar,
        };
        let Coerced { variables, any_absent } = arguments::coerce(rules, &operation.declared, variables)?;
        let weight = operation.weight.weigh(&variables);
        hold("nodes", "objects", weight.nodes, self.limits.nodes)?;
        hold("cost", "cost", weight.cost, self.limits.cost)?;
        Ok(Ready {
            cost: whole(weight.cost),
            plan: self.plan(operation, &variables),
            variables,
            fields: whole(weight.fields),
            any_absent,
        })
    }

    /// The plan of an operation with these variables.
    fn plan(&self, operation: &Operation, variables: &Variables) -> Arc<OperationPlan> {
        match &operation.plans {
            Plans::One(plan) => Arc::clone(plan),
            Plans::Several {
                document,
                switches,
                made,
            } => {
                let is_true = |name: &str| variables.get(name) == Some(&async_graphql::Value::Boolean(true));
                let key = switches
                    .iter()
                    .fold(1_u64, |key, name| key << 1 | u64::from(is_true(name)));
                let may_be_kept = switches.len() < 64;
                if may_be_kept && let Some(plan) = made.read().ok().and_then(|made| made.get(&key).cloned()) {
                    return plan;
                }
                let valid = document.operations.get(operation.name.as_deref());
                let plan = match valid {
                    Ok(valid) => self.planner.plan(&self.schema, document, valid, &is_true),
                    Err(_) => OperationPlan::default(),
                };
                let plan = Arc::new(plan);
                if may_be_kept
                    && let Ok(mut made) = made.write()
                    && made.len() < MOST_PLANS
                {
                    made.insert(key, Arc::clone(&plan));
                }
                plan
            }
        }
    }

    fn check(&self, text: &str, scalar: CheckScalar<'_>) -> Result<Document, Refusal> {
        let limits = &self.limits;
        let invalid = |fault| Refusal::Invalid(vec![fault]);
        let text = &*lex::check(text, limits).map_err(invalid)?;
        let syntax = Parser::new()
            .parse_ast(text, "document.graphql")
            .map_err(|wrong| Refusal::Unparsable(faults(Code::ParseFailed, &wrong.errors)))?;
        guard::check(&syntax, limits).map_err(invalid)?;
        let document = syntax
            .to_executable_validate(&self.schema)
            .map_err(|wrong| Refusal::Invalid(faults(Code::ValidationFailed, &wrong.errors)))?;
        let misused = usage::check(&self.schema, &document);
        if !misused.is_empty() {
            return Err(Refusal::Invalid(misused));
        }
        let document = Arc::new(document);
        let parsed = async_graphql::parser::parse_query(text).map_err(|error| {
            let place = error.positions().next();
            Refusal::Unparsable(vec![Fault::new(Code::ParseFailed, error.to_string()).at(place)])
        })?;
        let rules = Rules {
            schema: &self.schema,
            limits,
            scalar,
        };
        let operations = document.operations.iter().map(|operation| {
            let declared = arguments::check_literals(rules, &document, operation)?;
            Ok(Arc::new(Operation {
                name: operation.name.as_ref().map(ToString::to_string),
                kind: OperationKind::from(operation.operation_type),
                plans: self.plans(&document, operation),
                validity: validity(&document, operation),
                declared,
                weight: self.scale.weigh(&self.schema, &document, operation),
                parsed: self.own(&parsed, &document, operation),
            }))
        });
        let operations: Vec<_> = operations.collect::<Result<_, _>>().map_err(invalid)?;
        // by measurement, what is kept of a document takes some forty times its text
        let bytes = u32::try_from(text.len())
            .unwrap_or(u32::MAX)
            .saturating_mul(40)
            .saturating_add(2048);
        Ok(Document { operations, bytes })
    }

    fn plans(&self, document: &Arc<Valid<ExecutableDocument>>, operation: &ValidOperation) -> Plans {
        let switches = plan::switches(document, operation);
        if switches.is_empty() {
            Plans::One(Arc::new(
                self.planner.plan(&self.schema, document, operation, &|_| true),
            ))
        } else {
            Plans::Several {
                document: Arc::clone(document),
                switches,
                made: RwLock::default(),
            }
        }
    }

    /// The document with this operation alone and the fragments that it needs.
    fn own(
        &self,
        parsed: &ParsedDocument,
        document: &ExecutableDocument,
        operation: &ValidOperation,
    ) -> ParsedDocument {
        let found = parsed
            .operations
            .iter()
            .find(|(name, _)| name.map(async_graphql::Name::as_str) == operation.name.as_deref());
        let operations = match found {
            Some((_, found)) => DocumentOperations::Single(found.clone()),
            None => parsed.operations.clone(),
        };
        let mut needed = Vec::new();
        need(document, &operation.selection_set, &mut needed);
        let fragments = parsed
            .fragments
            .iter()
            .filter(|(name, _)| needed.contains(&name.as_str()));
        let mut own = ParsedDocument {
            operations,
            fragments: fragments.map(|(name, found)| (name.clone(), found.clone())).collect(),
        };
        mark::mark(&self.schema, document, operation, &mut own);
        if operation.operation_type == ast::OperationType::Subscription {
            flatten(&mut own);
        }
        own
    }
}

fn validity(document: &ExecutableDocument, operation: &ValidOperation) -> Validity {
    let mut sets = vec![&operation.selection_set];
    sets.extend(document.fragments.values().map(|fragment| &fragment.selection_set));
    while let Some(set) = sets.pop() {
        for selection in &set.selections {
            match selection {
                Selection::Field(field) if price::is_passing(&set.ty, &field.name) => return Validity::Moment,
                Selection::Field(field) => sets.push(&field.selection_set),
                Selection::InlineFragment(fragment) => sets.push(&fragment.selection_set),
                Selection::FragmentSpread(_) => {}
            }
        }
    }
    Validity::Revision
}

/// The schema of this text, with what introspection has learned since the validator's own types were written.
fn parse(sdl: &str) -> Result<Valid<Schema>, DiagnosticList> {
    let mut schema = Schema::parse(sdl, "schema.graphql").map_err(|invalid| invalid.errors)?;
    if let Some(ExtendedType::Object(ty)) = schema.types.get_mut("__Type") {
        let is_one_of = FieldDefinition {
            description: None,
            name: name!("isOneOf"),
            arguments: Vec::new(),
            ty: Type::Named(name!("Boolean")),
            directives: DirectiveList::default(),
        };
        ty.make_mut()
            .fields
            .entry(is_one_of.name.clone())
            .or_insert_with(|| Component::new(is_one_of));
    }
    schema.validate().map_err(|invalid| invalid.errors)
}

fn need<'a>(document: &'a ExecutableDocument, set: &'a SelectionSet, needed: &mut Vec<&'a str>) {
    for selection in &set.selections {
        match selection {
            Selection::Field(field) => need(document, &field.selection_set, needed),
            Selection::InlineFragment(fragment) => need(document, &fragment.selection_set, needed),
            Selection::FragmentSpread(spread) => {
                let name = spread.fragment_name.as_str();
                if !needed.contains(&name) {
                    needed.push(name);
                    if let Some(fragment) = document.fragments.get(name) {
                        need(document, &fragment.selection_set, needed);
                    }
                }
            }
        }
    }
}

/// Puts the field of a subscription at its root: the executor looks for it there alone, not in fragments.
fn flatten(own: &mut ParsedDocument) {
    let DocumentOperations::Single(operation) = &mut own.operations else {
        return;
    };
    let items = &mut operation.node.selection_set.node.items;
    while let Some(at) = items
        .iter()
        .position(|item| !matches!(item.node, parsed::Selection::Field(_)))
    {
        let inner = match items.remove(at).node {
            parsed::Selection::InlineFragment(fragment) => fragment.node.selection_set.node.items,
            parsed::Selection::FragmentSpread(spread) => own
                .fragments
                .get(&spread.node.fragment_name.node)
                .map(|fragment| fragment.node.selection_set.node.items.clone())
                .unwrap_or_default(),
            parsed::Selection::Field(_) => Vec::new(),
        };
        items.splice(at..at, inner);
    }
}

impl Document {
    /// The operation of this name, or the only one.
    ///
    /// # Errors
    /// There is no such operation, or there are several to choose from.
    pub fn operation(&self, name: Option<&str>) -> Result<&Arc<Operation>, Fault> {
        let found = match (name, self.operations.as_slice()) {
            (None, [only]) => Some(only),
            (None, _) => None,
            (Some(_), operations) => operations.iter().find(|operation| operation.name.as_deref() == name),
        };
        found.ok_or_else(|| {
            let message = match name {
                Some(name) => format!("the document has no operation named \"{name}\""),
                None => format!(
                    "operationName is needed to choose one of {} operations",
                    self.operations.len()
                ),
            };
            Fault::new(Code::OperationResolutionFailure, message)
        })
    }
}

impl Operation {
    /// The operation as the executor takes it.
    pub fn executable(&self, ready: &Ready) -> ParsedDocument {
        let mut parsed = self.parsed.clone();
        if ready.any_absent {
            arguments::leave_out(&mut parsed, &self.declared, &ready.variables);
        }
        parsed
    }
}

impl From<ast::OperationType> for OperationKind {
    fn from(kind: ast::OperationType) -> Self {
        match kind {
            ast::OperationType::Query => Self::Query,
            ast::OperationType::Mutation => Self::Mutation,
            ast::OperationType::Subscription => Self::Subscription,
        }
    }
}

fn hold(name: &'static str, what: &str, value: f64, most: u32) -> Result<(), Fault> {
    if value <= f64::from(most) {
        return Ok(());
    }
    let value = whole(value);
    let message = match name {
        "cost" => format!(
            "the operation costs up to {value}, at most {most} is allowed: ask for smaller pages or fewer fields"
        ),
        _ => format!("the operation answers up to {value} {what}, at most {most} are allowed: ask for smaller pages"),
    };
    Err(Fault::new(Code::QueryTooComplex, message)
        .with("limit", name)
        .with("maximum", u64::from(most))
        .with("value", value))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "weights are not negative; the cast saturates"
)]
fn whole(weight: f64) -> u64 {
    weight.ceil() as u64
}

fn faults(code: Code, errors: &DiagnosticList) -> Vec<Fault> {
    let shown = errors.iter().take(MOST_ERRORS).map(|error| {
        // the texts of graphql-js where there is one: what tools and people know
        let told = error.unstable_to_json_compat();
        let place = told.locations.first().map(|place| Pos {
            line: place.line,
            column: place.column,
        });
        Fault::new(code, told.message).at(place)
    });
    shown.collect()
}

fn place(span: Option<SourceSpan>, sources: &SourceMap) -> Option<Pos> {
    let start = span?.line_column(sources)?;
    Some(Pos {
        line: start.line,
        column: start.column,
    })
}
