//! How the code of an activity ends, as its worker reports it.

use std::sync::Arc;

use durasim::program::{ActivityOutcome, Details, FailureKind};
use temporalio_common::data_converters::DataConverter;
use temporalio_common::error::{ApplicationFailure, OutgoingActivityError, OutgoingError};
use temporalio_sdk::activities::ActivityError;

use super::serialization;
use crate::failure;

/// Reports an error as the SDK's worker does.
///
/// Source: crate temporalio-sdk 1.1.1 `src/activities.rs`, `activity_error_to_core_result`.
pub(crate) fn of_error(error: ActivityError, converter: &DataConverter) -> ActivityOutcome {
    let failed = |error| {
        let failure = converter.to_failure(&serialization(), OutgoingError::Activity(error));
        failure::into_core(&failure)
    };
    match error {
        ActivityError::Application(application) => {
            ActivityOutcome::Failed(Arc::new(failed(OutgoingActivityError::Application(application))))
        }
        ActivityError::Cancelled { details } => match failed(OutgoingActivityError::Cancelled { details }).kind {
            FailureKind::Canceled { details } => ActivityOutcome::Cancelled(details),
            _ => ActivityOutcome::Cancelled(Details::Absent),
        },
        ActivityError::WillCompleteAsync => ActivityOutcome::WillCompleteAsync,
        other => {
            let text = format!("Unsupported activity error: {other:?}");
            let unknown = Box::new(ApplicationFailure::new(text));
            ActivityOutcome::Failed(Arc::new(failed(OutgoingActivityError::Application(unknown))))
        }
    }
}
