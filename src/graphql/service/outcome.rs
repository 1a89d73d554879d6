//! What an operation that ran came to, and its answer in JSON.

use std::any::Any;

use async_graphql::{Response, ServerError, Value};

use super::Kind;
use crate::graphql::answer;
use crate::graphql::document::plan::{Fields, OperationPlan};
use crate::graphql::error::{Code, Fault, MOST_ERRORS};
use crate::graphql::execute::{DATA, Written};

/// An operation that was written from memory.
pub fn written(written: Written) -> (Kind, Vec<u8>) {
    let Written { body, errors } = written;
    if errors.is_empty() {
        return (Kind::Complete, body);
    }
    let faults = faults(errors);
    let data = body.get(DATA.len()..).unwrap_or_default();
    let kind = kind(data == b"null}", &faults);
    (kind, answer::with_errors(&faults, data))
}

/// An operation that async-graphql's executor ran.
pub fn executed(response: Response, plan: &OperationPlan) -> (Kind, Vec<u8>) {
    let Response { mut data, errors, .. } = response;
    if errors.is_empty() {
        return (Kind::Complete, answer::write(&data, &[], &plan.fields));
    }
    answer::null_failed(
        &mut data,
        &plan.fields,
        errors.iter().map(|error| error.path.as_slice()),
    );
    let faults = faults(errors);
    let kind = kind(data == Value::Null, &faults);
    (kind, answer::write(&data, &faults, &plan.fields))
}

/// An operation that took too long.
pub fn timed_out(most: u32) -> (Kind, Vec<u8>) {
    let fault = Fault::new(
        Code::OperationTimeout,
        format!("the operation took longer than {most} ms"),
    )
    .with("limit", "timeout_ms")
    .with("maximum", u64::from(most));
    (Kind::TimedOut, failed(&fault))
}

/// An operation that panicked.
pub fn panicked(panic: &(dyn Any + Send)) -> (Kind, Vec<u8>) {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let cause = format!("a resolver panicked: {}", message.unwrap_or("without a message"));
    (Kind::Failed, failed(&Fault::masked(&cause)))
}

fn faults(errors: Vec<ServerError>) -> Vec<Fault> {
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

/// The answer of an operation that came to nothing after it had begun.
fn failed(fault: &Fault) -> Vec<u8> {
    answer::write(&Value::Null, std::slice::from_ref(fault), &Fields::default())
}
