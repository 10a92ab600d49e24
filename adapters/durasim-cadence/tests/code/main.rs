//! Code that is written for the Cadence Rust client, in a simulation.

mod activities;
mod attempts;
mod bad_input;
mod cancellation;
mod chains;
mod children;
mod deadline;
mod deploys;
mod failures;
mod markers;
mod messages;
mod orders;
mod queries;
mod resources;
mod tasks;
mod workers;

use std::time::Duration;

use crabdance_core::{ActivityOptions, RetryPolicy};
use crabdance_workflow::WorkflowError;
use crabdance_workflow::context::WorkflowContext;
use durasim::service::WorkflowOutcome;
use durasim::{Exploration, Outcome, Run};
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

/// Explores code with a bug: the first failure is of this check, and its smallest plan is this one.
#[track_caller]
fn is_found(exploration: Exploration, check: &str, plan: &str) {
    let report = exploration.report();
    assert!(report.error().is_none(), "{report}");
    let Some(failed) = report.failures().first() else { panic!("the bug was not found:\n{report}") };
    let entries: Vec<String> = failed.plan.entries.iter().map(ToString::to_string).collect();
    assert_eq!((&*failed.check, &*entries.join("; ")), (check, plan), "\n{}", failed.text);
    assert!(failed.is_smallest, "{}", failed.text);
}

/// Nothing is said of it.
#[track_caller]
fn holds(exploration: Exploration) {
    let report = exploration.report();
    let texts: Vec<&str> = report.failures().iter().map(|failed| failed.text.as_str()).collect();
    assert!(report.holds(), "{}\n{report}", texts.join("\n"));
}

/// Nothing is said of it under every fault, every order, that many pairs, and seeds.
#[track_caller]
fn is_silent(exploration: Exploration, pairs: u64) {
    holds(exploration.every_fault().every_order().every_pair().budget(pairs).seeds(0..300));
}
