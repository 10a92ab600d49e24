//! Code that is written for the Cadence Rust client, in a simulation.

mod activities;
mod attempts;
mod bad_input;
mod cancellation;
mod deadline;
mod failures;
mod markers;
mod messages;
mod queries;
mod resources;
mod tasks;

use std::time::Duration;

use crabdance_core::{ActivityOptions, RetryPolicy};
use crabdance_workflow::WorkflowError;
use crabdance_workflow::context::WorkflowContext;
use durasim::service::WorkflowOutcome;
use durasim::{Outcome, Run};
use serde::Serialize;
use serde::de::DeserializeOwned;

fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Retried as often as any plan needs, and told of a dead worker after 5 s.
fn options() -> ActivityOptions {
    ActivityOptions {
        schedule_to_close_timeout: secs(600),
        heartbeat_timeout: secs(5),
        retry_policy: Some(RetryPolicy { maximum_attempts: 10, ..Default::default() }),
        ..Default::default()
    }
}

/// The failure with which a workflow has closed.
#[track_caller]
fn failure_of(run: &Run) -> String {
    match run.outcome() {
        Outcome::Closed(WorkflowOutcome::Failed { failure, .. }) => failure.to_string(),
        other => panic!("{other:?}"),
    }
}

/// Has an activity done, as the client's `call_activity!` has it.
async fn call<I: Serialize, O: DeserializeOwned>(
    ctx: &WorkflowContext,
    activity: &str,
    input: I,
    options: ActivityOptions,
) -> Result<O, WorkflowError> {
    let input = serde_json::to_vec(&input).map_err(WorkflowError::execution_failed_error)?;
    let output = ctx.execute_activity(activity, Some(input), options).await?;
    serde_json::from_slice(&output).map_err(WorkflowError::execution_failed_error)
}
