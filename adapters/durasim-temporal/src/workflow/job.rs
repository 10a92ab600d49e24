//! News for a workflow, as the SDK's code takes it.

use durasim::program::{ActivityResolution as Resolution, Job, Marker, TaskFailure};

use crate::failure;
use crate::payload::{from_core, one_from_core};
use crate::sdk::{
    ActivityFailure, ActivityResolution, ActivityStatus, CancelWorkflow, Cancellation, FireTimer, InitializeWorkflow,
    JobVariant, NotifyHasPatch, QueryWorkflow, ResolveActivity, SignalWorkflow, Success,
};

/// Translates a job. `None` is one that the SDK's code has no use for: a marker of what a workflow has set itself.
///
/// # Errors
/// The error is [`TaskFailure::Unsupported`] for a job that the SDK's code has no name for.
pub(super) fn translate(job: &Job, initialize: &InitializeWorkflow) -> Result<Option<JobVariant>, TaskFailure> {
    Ok(Some(match job {
        Job::Start => JobVariant::InitializeWorkflow(initialize.clone()),
        Job::FireTimer(seq) => JobVariant::FireTimer(FireTimer { seq: *seq }),
        Job::Marker(Marker::Version { change_id, .. }) => {
            JobVariant::NotifyHasPatch(NotifyHasPatch { patch_id: change_id.to_string() })
        }
        Job::Marker(Marker::Upserted { .. }) => return Ok(None),
        Job::Signal { name, input } => JobVariant::SignalWorkflow(SignalWorkflow {
            signal_name: name.to_string(),
            input: from_core(input),
            ..Default::default()
        }),
        Job::Cancel { reason } => JobVariant::CancelWorkflow(CancelWorkflow { reason: reason.to_string() }),
        Job::Query { id, name, input } => JobVariant::QueryWorkflow(QueryWorkflow {
            query_id: id.to_string(),
            query_type: name.to_string(),
            arguments: from_core(input),
            ..Default::default()
        }),
        Job::ActivityDone { seq, result } => JobVariant::ResolveActivity(ResolveActivity {
            seq: *seq,
            result: Some(ActivityResolution { status: Some(status(result)?) }),
            is_local: false,
        }),
        other => return Err(TaskFailure::Unsupported(format!("the news {other:?} to a workflow of the SDK"))),
    }))
}

fn status(result: &Resolution) -> Result<ActivityStatus, TaskFailure> {
    Ok(match result {
        Resolution::Completed(output) => ActivityStatus::Completed(Success { result: one_from_core(output) }),
        Resolution::Failed(failure) => {
            let failure = Some(failure::from_core(failure));
            ActivityStatus::Failed(ActivityFailure { failure, ..Default::default() })
        }
        Resolution::Cancelled(failure) => {
            ActivityStatus::Cancelled(Cancellation { failure: Some(failure::from_core(failure)) })
        }
        other => return Err(TaskFailure::Unsupported(format!("the end {other:?} of an activity"))),
    })
}
