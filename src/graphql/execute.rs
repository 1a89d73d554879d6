//! The executor for what lies in memory: walks an operation's plan and writes every field's answer at once, as JSON,
//! in the order of the selection.
//!
//! A type takes part through [`object!`](super::object), which makes its resolvers known both here and to
//! async-graphql from one definition. An operation that waits for something (the database, introspection) is run by
//! async-graphql's own executor; it boxes a future for every field, which costs more than the fields themselves.

use std::any::Any;

use async_graphql::{ID, InputType, PathSegment, Pos, ServerError, Value, Variables};

use super::context::Here;
use super::document::given::Arguments;
use super::document::plan::{FieldPlan, Fields, OperationPlan, Plan, Resolver};
use super::error::ApiError;
use super::json;

/// A value that cannot be null has failed: null stands where the nearest value above it can be null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed;

/// What became of a value. Where it failed, what was written of it is to be taken back.
pub type Completed = Result<(), Failed>;

/// A value that a field answers: it writes itself, with what is selected of it.
pub trait Complete {
    /// Whether null may stand in its place.
    const NULLABLE: bool = false;

    /// Writes the value.
    ///
    /// # Errors
    /// Something in it failed that cannot be null.
    fn complete(&self, field: &FieldPlan, run: &mut Run<'_>) -> Completed;
}

/// An object type whose fields are known to this executor.
pub trait ObjectFields: Sized + 'static {
    /// The type's name in the schema.
    const NAME: &'static str;
    /// Its fields. A plan refers to them by their places in this list.
    const FIELDS: &'static [FieldOf<Self>];
}

/// Answers one field of an object.
pub type CompleteField<T> = fn(&T, &FieldPlan, &mut Run<'_>) -> Completed;

/// A field of an object type.
pub struct FieldOf<T> {
    /// Its name, as the resolver has it.
    pub name: &'static str,
    /// The names of its arguments, in the order of the schema.
    pub arguments: &'static [&'static str],
    /// Answers it; nothing where the field waits for something.
    pub complete: Option<CompleteField<T>>,
}

/// An object type as plans are made for it.
#[derive(Clone, Debug)]
pub struct ObjectType {
    /// Its name.
    pub name: &'static str,
    /// Its fields, in the order of [`ObjectFields::FIELDS`].
    pub fields: Vec<FieldType>,
}

/// A field as plans are made for it.
#[derive(Clone, Debug)]
pub struct FieldType {
    /// Its name in the schema.
    pub name: String,
    /// Its arguments' names in the schema; nothing where the field waits for something.
    pub arguments: Option<Vec<String>>,
}

impl ObjectType {
    /// What plans need to know of a type.
    #[must_use]
    pub fn of<T: ObjectFields>() -> Self {
        let fields = T::FIELDS.iter().map(|field| FieldType {
            name: in_schema(field.name),
            arguments: field
                .complete
                .is_some()
                .then(|| field.arguments.iter().map(|name| in_schema(name)).collect()),
        });
        Self {
            name: T::NAME,
            fields: fields.collect(),
        }
    }
}

/// A resolver's name as async-graphql has it in the schema: `released_on` is `releasedOn`.
fn in_schema(name: &str) -> String {
    let mut words = name.trim_start_matches("r#").split('_');
    let mut shown = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        shown.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        shown.push_str(letters.as_str());
    }
    shown
}

/// What an operation came to.
#[derive(Debug)]
pub struct Written {
    /// `{"data":…}`, its last bracket included.
    pub body: Vec<u8>,
    /// What failed, in the order in which it did.
    pub errors: Vec<ServerError>,
    /// How many fields of objects were answered.
    pub fields: u64,
}

/// One run of an operation.
pub struct Run<'a> {
    here: &'a Here,
    variables: &'a Variables,
    out: Vec<u8>,
    /// The paths of errors are in reverse: each level that an error leaves adds its key.
    errors: Vec<ServerError>,
    answered: u64,
    /// Arguments with variables, as read for this run.
    read: Vec<Option<Box<dyn Any>>>,
}

/// How an answer begins.
pub const DATA: &[u8] = b"{\"data\":";

/// Runs an operation whose plan waits for nothing.
pub fn run<T: ObjectFields>(root: &T, plan: &OperationPlan, variables: &Variables, here: &Here) -> Written {
    let mut run = Run {
        here,
        variables,
        out: Vec::with_capacity(plan.expected_size()),
        errors: Vec::new(),
        answered: 0,
        read: Vec::new(),
    };
    run.out.extend_from_slice(DATA);
    // what fails up to the root leaves null for all of the data
    if run.fields(root, &plan.fields).is_err() {
        run.out.truncate(DATA.len());
        run.null();
    }
    run.out.push(b'}');
    plan.answered(run.out.len());
    for error in &mut run.errors {
        error.path.reverse();
    }
    Written {
        body: run.out,
        errors: run.errors,
        fields: run.answered,
    }
}

impl<'a> Run<'a> {
    /// What the operation sees.
    #[must_use]
    pub fn here(&self) -> &'a Here {
        self.here
    }

    /// Writes an object with its selected fields.
    ///
    /// # Errors
    /// One of them failed and cannot be null.
    pub fn object<T: ObjectFields>(&mut self, object: &T, field: &FieldPlan) -> Completed {
        match &field.plan {
            Plan::Object(fields) => self.fields(object, fields),
            Plan::OneOf(kinds) => match kinds.iter().find(|(name, _)| name == T::NAME) {
                Some((_, fields)) => self.fields(object, fields),
                None => self.fields(object, &Fields::default()),
            },
            Plan::Leaf => self.fields(object, &Fields::default()),
        }
    }

    fn fields<T: ObjectFields>(&mut self, object: &T, fields: &Fields) -> Completed {
        self.answered += fields.0.len() as u64;
        self.out.push(b'{');
        let mut is_first = true;
        for field in &fields.0 {
            if !is_first {
                self.out.push(b',');
            }
            is_first = false;
            self.out.extend_from_slice(field.written_key());
            let complete = match field.resolver {
                Resolver::Kind => {
                    json::write_text(T::NAME, &mut self.out);
                    continue;
                }
                Resolver::Field(place) => T::FIELDS.get(usize::from(place)).and_then(|field| field.complete),
                Resolver::Elsewhere => None,
            };
            let before = self.errors.len();
            let completed = match complete {
                Some(complete) => complete(object, field, self),
                None => {
                    self.fail(&ApiError::internal(Unplanned), field);
                    Err(Failed)
                }
            };
            self.leave(before, || PathSegment::Field(field.key.clone()));
            completed?;
        }
        self.out.push(b'}');
        Ok(())
    }

    /// Adds a level to the paths of the errors below it.
    fn leave(&mut self, before: usize, segment: impl Fn() -> PathSegment) {
        for error in self.errors.iter_mut().skip(before) {
            error.path.push(segment());
        }
    }

    fn fail(&mut self, error: &ApiError, field: &FieldPlan) {
        let error = async_graphql::Error::from(error.clone()).into_server_error(field.place);
        self.errors.push(error);
    }

    fn null(&mut self) {
        self.out.extend_from_slice(b"null");
    }

    /// Writes a value, or null in its place where it fails.
    fn or_null(&mut self, write: impl FnOnce(&mut Self) -> Completed) {
        let start = self.out.len();
        if write(self).is_err() {
            self.out.truncate(start);
            self.null();
        }
    }

    fn list<T: Complete>(&mut self, items: impl IntoIterator<Item = T>, field: &FieldPlan) -> Completed {
        self.out.push(b'[');
        for (place, item) in items.into_iter().enumerate() {
            if place > 0 {
                self.out.push(b',');
            }
            let before = self.errors.len();
            let completed = item.complete(field, self);
            self.leave(before, || PathSegment::Index(place));
            completed?;
        }
        self.out.push(b']');
        Ok(())
    }

    /// Writes text that needs no escape.
    pub(super) fn plain(&mut self, text: &[u8]) {
        self.out.push(b'"');
        self.out.extend_from_slice(text);
        self.out.push(b'"');
    }

    /// The arguments of a field: read once for all runs where they hold no variable, else once a run.
    ///
    /// # Errors
    /// A value is not of its type; it has been checked before, so that does not happen.
    pub fn arguments<A, F>(&mut self, field: &FieldPlan, read: F) -> Result<A, Failed>
    where
        A: Clone + Send + Sync + 'static,
        F: FnOnce(&mut Given<'_>) -> Result<A, Unreadable>,
    {
        let arguments = &field.arguments;
        let kept = match arguments.slot {
            None => arguments.read.get().and_then(|kept| kept.downcast_ref::<A>()),
            Some(slot) => self.read.get(slot).and_then(|kept| kept.as_ref()?.downcast_ref::<A>()),
        };
        if let Some(kept) = kept {
            return Ok(kept.clone());
        }
        let mut given = Given {
            arguments,
            next: 0,
            variables: self.variables,
        };
        match read(&mut given) {
            Ok(given) => {
                match arguments.slot {
                    // where another run was faster, its values are the same
                    None => drop(arguments.read.set(Box::new(given.clone()))),
                    Some(slot) => {
                        if self.read.len() <= slot {
                            self.read.resize_with(slot + 1, || None);
                        }
                        if let Some(place) = self.read.get_mut(slot) {
                            *place = Some(Box::new(given.clone()));
                        }
                    }
                }
                Ok(given)
            }
            Err(unreadable) => {
                self.fail(&ApiError::internal(unreadable), field);
                Err(Failed)
            }
        }
    }

    /// What stands in place of a value that was not reached.
    ///
    /// # Errors
    /// Null may not stand there.
    pub fn unreached<T: Complete>(&mut self) -> Completed {
        if T::NULLABLE {
            self.null();
            Ok(())
        } else {
            Err(Failed)
        }
    }
}

/// A plan without the resolver that it needs.
#[derive(Debug, thiserror::Error)]
#[error("the plan has a field without a resolver in memory")]
struct Unplanned;

/// An argument that is not of its type, although it was checked.
#[derive(Debug, thiserror::Error)]
#[error("an argument that was checked cannot be read: {0}")]
pub struct Unreadable(String);

/// The values of a field's arguments, taken one after the other.
pub struct Given<'a> {
    arguments: &'a Arguments,
    next: usize,
    variables: &'a Variables,
}

impl Given<'_> {
    /// The next argument.
    ///
    /// # Errors
    /// It is not of this type.
    pub fn take<T: InputType>(&mut self) -> Result<T, Unreadable> {
        let value = self.arguments.value(self.next, self.variables);
        self.next += 1;
        T::parse(value).map_err(|error| Unreadable(error.into_server_error(Pos::default()).message))
    }
}

impl<T: Complete> Complete for Option<T> {
    const NULLABLE: bool = true;

    fn complete(&self, field: &FieldPlan, run: &mut Run<'_>) -> Completed {
        match self {
            Some(value) => run.or_null(|run| value.complete(field, run)),
            None => run.null(),
        }
        Ok(())
    }
}

impl<T: Complete> Complete for Result<T, ApiError> {
    const NULLABLE: bool = T::NULLABLE;

    fn complete(&self, field: &FieldPlan, run: &mut Run<'_>) -> Completed {
        match self {
            Ok(value) => value.complete(field, run),
            Err(error) => {
                run.fail(error, field);
                run.unreached::<T>()
            }
        }
    }
}

impl<T: Complete + ?Sized> Complete for &T {
    const NULLABLE: bool = T::NULLABLE;

    fn complete(&self, field: &FieldPlan, run: &mut Run<'_>) -> Completed {
        (**self).complete(field, run)
    }
}

impl<T: Complete> Complete for Vec<T> {
    fn complete(&self, field: &FieldPlan, run: &mut Run<'_>) -> Completed {
        run.list(self, field)
    }
}

impl Complete for str {
    fn complete(&self, _: &FieldPlan, run: &mut Run<'_>) -> Completed {
        json::write_text(self, &mut run.out);
        Ok(())
    }
}

impl Complete for String {
    fn complete(&self, field: &FieldPlan, run: &mut Run<'_>) -> Completed {
        self.as_str().complete(field, run)
    }
}

impl Complete for ID {
    fn complete(&self, field: &FieldPlan, run: &mut Run<'_>) -> Completed {
        self.as_str().complete(field, run)
    }
}

impl Complete for bool {
    fn complete(&self, _: &FieldPlan, run: &mut Run<'_>) -> Completed {
        run.out.extend_from_slice(if *self { b"true" } else { b"false" });
        Ok(())
    }
}

macro_rules! numbers {
    ($($number:ty),+) => {
        $(impl Complete for $number {
            fn complete(&self, _: &FieldPlan, run: &mut Run<'_>) -> Completed {
                run.out.extend_from_slice(itoa::Buffer::new().format(*self).as_bytes());
                Ok(())
            }
        })+
    };
}
numbers!(i32, u32, u64);

impl Complete for f64 {
    fn complete(&self, _: &FieldPlan, run: &mut Run<'_>) -> Completed {
        json::write_value(&Value::from(*self), &mut run.out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_schema() {
        for (name, expected) in [
            ("id", "id"),
            ("r#type", "type"),
            ("md5_prefix", "md5Prefix"),
            ("first_released_on", "firstReleasedOn"),
        ] {
            assert_eq!(in_schema(name), expected);
        }
    }
}
