//! What an operation that ran came to, and its answer in JSON.

use std::any::Any;

use async_graphql::{Response, ServerError, Value};

use super::Kind;
use crate::graphql::answer;
use crate::graphql::document::plan::{Fields, OperationPlan};
use crate::graphql::error::{Code, Fault, MOST_ERRORS};
use crate::graphql::execute::{DATA, Written};

/// What an operation that ran came to.
pub struct Ran {
    /// What became of it.
    pub kind: Kind,
    /// The code of its first error.
    pub code: Option<Code>,
    /// Its answer.
    pub body: Vec<u8>,
    /// How many fields of objects were answered.
    pub fields: u64,
}

/// An operation that was written from memory.
pub fn written(written: Written) -> Ran {
    let Written { body, errors, fields } = written;
    if errors.is_empty() {
        return Ran {
            kind: Kind::Complete,
            code: None,
            body,
            fields,
        };
    }
    let faults = faults(errors);
    let data = body.get(DATA.len()..).unwrap_or_default();
    let kind = kind(data == b"null}", &faults);
    Ran {
        kind,
        code: faults.first().map(Fault::code),
        body: answer::with_errors(&faults, data),
        fields,
    }
}

/// An operation that async-graphql's executor ran.
pub fn executed(response: Response, plan: &OperationPlan) -> Ran {
    let Response { mut data, errors, .. } = response;
    let fields = answer::count_fields(&data);
    if errors.is_empty() {
        return Ran {
            kind: Kind::Complete,
            code: None,
            body: answer::write(&data, &[], &plan.fields),
            fields,
        };
    }
    answer::null_failed(
        &mut data,
        &plan.fields,
        errors.iter().map(|error| error.path.as_slice()),
    );
    let faults = faults(errors);
    let kind = kind(data == Value::Null, &faults);
    Ran {
        kind,
        code: faults.first().map(Fault::code),
        body: answer::write(&data, &faults, &plan.fields),
        fields,
    }
}

/// An operation that took too long.
pub fn timed_out(most: u32) -> Ran {
    let fault = Fault::new(
        Code::OperationTimeout,
        format!("the operation took longer than {most} ms"),
    )
    .with("limit", "timeout_ms")
    .with("maximum", u64::from(most));
    failed(Kind::TimedOut, &fault)
}

/// An operation that panicked.
pub fn panicked(panic: &(dyn Any + Send)) -> Ran {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let cause = format!("a resolver panicked: {}", message.unwrap_or("without a message"));
    failed(Kind::Failed, &Fault::masked(&cause))
}

/// What the client is told of errors, as many as an answer shows.
pub fn faults(errors: Vec<ServerError>) -> Vec<Fault> {
    errors
        .into_iter()
        .take(MOST_ERRORS)
        .map(Fault::from_execution)
        .collect()
}

fn kind(is_null: bool, faults: &[Fault]) -> Kind {
    let is_ours = faults.iter().any(|fault| fault.code() == Code::InternalServerError);
    if is_null && is_ours {
        Kind::Failed
    } else {
        Kind::Partial
    }
}

/// An operation that came to nothing after it had begun. Nobody knows how far it had come: all of it counts.
pub fn failed(kind: Kind, fault: &Fault) -> Ran {
    Ran {
        kind,
        code: Some(fault.code()),
        body: answer::write(&Value::Null, std::slice::from_ref(fault), &Fields::default()),
        fields: u64::MAX,
    }
}
