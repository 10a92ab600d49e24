//! The errors of the client's activities, as a worker reports them.

use std::error::Error;
use std::sync::Arc;

use crabdance_activity::ErrResultPending;
use crabdance_core::ResourceError;
use crabdance_workflow::{ActivityError, BoxError, DefaultActivityError};
use durasim::program::{ActivityOutcome, ApplicationFailure, Details, Failure, Payload};

/// The words of the client's macros for an activity that asks for resources of a worker that has none.
const NOT_CONFIGURED: &str = "resources not configured";

/// How an attempt ended. The reasons are those of the client's worker: policies list them in `non_retryable_error_types`.
/// `resources` is the type of the simulation's, for the message of an attempt that did not find its own.
pub(crate) fn outcome(
    result: Result<Vec<u8>, DefaultActivityError>,
    resources: Option<&'static str>,
) -> ActivityOutcome {
    let error = match result {
        Ok(output) => return ActivityOutcome::Completed(Payload::limited(output)),
        Err(error) => error,
    };
    let (reason, why) = match &error {
        ActivityError::ExecutionFailed(why) => ("ExecutionFailed", why),
        ActivityError::Panic(why) => ("Panic", why),
        ActivityError::Retryable(why) => ("Retryable", why),
        ActivityError::NonRetryable(why) => ("NonRetryable", why),
        ActivityError::Application(why) => ("ApplicationError", why),
        // There is no field for the delay: not in a report of Cadence's either.
        ActivityError::RetryableWithDelay(why, _) => ("RetryableWithDelay", why),
        ActivityError::Timeout(which) => return failed(format!("Timeout: {which:?}"), error.to_string()),
        ActivityError::Cancelled => return ActivityOutcome::Cancelled(Details::Absent),
    };
    if is_in::<ErrResultPending>(&**why) {
        return ActivityOutcome::WillCompleteAsync;
    }
    failed(reason.to_owned(), why.to_string() + &hint(why, resources))
}

fn failed(reason: String, message: String) -> ActivityOutcome {
    ActivityOutcome::Failed(Arc::new(Failure::application(reason, message)))
}

/// The input of a function does not decode, or its output does not encode.
pub(crate) fn not_json(error_type: &str, message: String) -> ActivityOutcome {
    let failure: Failure = ApplicationFailure::new(error_type, message).non_retryable().into();
    ActivityOutcome::Failed(Arc::new(failure))
}

/// Says which resources there are, if it is about them.
fn hint(why: &BoxError, resources: Option<&'static str>) -> String {
    let is_about_resources = is_in::<ResourceError>(&**why) || why.to_string().ends_with(NOT_CONFIGURED);
    match resources {
        _ if !is_about_resources => String::new(),
        Some(resources) => format!("; the resources of this activity are a `{resources}`"),
        None => "; the activity was registered without resources: `.registered_with(..)` of durasim-cadence gives them"
            .into(),
    }
}

/// Says whether an error is an `E`, or was caused by one.
fn is_in<E: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<E>() {
            return true;
        }
        next = error.source();
    }
    false
}
