//! How errors of the client's activities are reported, and what its workflows see of them.

use crabdance_activity::ActivityContext;
use crabdance_core::{ActivityOptions, RetryPolicy};
use crabdance_workflow::{ActivityError, WorkflowContext, WorkflowError};
use durasim::Simulation;
use durasim_cadence::CadenceExt;

use super::{call, failure_of, secs};

/// Fails as it is told.
async fn fail(ctx: &ActivityContext, how: String) -> Result<(), ActivityError> {
    use crabdance_proto::shared::TimeoutType;

    let why = || durasim_error("the words");
    Err(match how.as_str() {
        "ExecutionFailed" => ActivityError::execution_failed("the words"),
        "Panic" => ActivityError::Panic(why()),
        "panic!" => panic!("the words"),
        "Retryable" => ActivityError::retryable("the words"),
        "NonRetryable" => ActivityError::non_retryable("the words"),
        "ApplicationError" => ActivityError::application("the words"),
        "RetryableWithDelay" => ActivityError::RetryableWithDelay(why(), 5_000),
        "Timeout: Heartbeat" => ActivityError::Timeout(TimeoutType::Heartbeat),
        "silent" => {
            ctx.record_heartbeat(Some(b"7"));
            std::future::pending().await
        }
        other => panic!("{other} is unknown"),
    })
}

fn durasim_error(words: &str) -> crabdance_workflow::BoxError {
    crabdance_workflow::boxed_error(words)
}

/// Three attempts, unless the error is of this kind.
async fn main(ctx: &mut WorkflowContext, (how, listed): (String, String)) -> Result<String, WorkflowError> {
    let retry_policy =
        RetryPolicy { maximum_attempts: 3, non_retryable_error_types: vec![listed], ..Default::default() };
    let options = ActivityOptions {
        schedule_to_close_timeout: secs(60),
        heartbeat_timeout: secs(5),
        retry_policy: Some(retry_policy),
        ..Default::default()
    };
    match call::<_, ()>(ctx, "fail", how, options).await {
        Err(WorkflowError::ActivityFailed(info)) => Ok(format!(
            "{:?}: {}{}{}",
            info.failure_type,
            info.message,
            info.details_as_string().map(|details| format!(", details {details}")).unwrap_or_default(),
            if info.retryable { ", retryable" } else { "" },
        )),
        other => Ok(format!("{other:?}")),
    }
}

/// Gives what the workflow sees, and the number of attempts.
fn seen(how: &str, listed: &str) -> (String, usize) {
    let simulation = Simulation::cadence().cadence_activity("fail", fail).cadence_workflow("main", main);
    let run = simulation.run("main", &(how, listed)).unwrap();
    (run.result().unwrap(), run.activities()[0].attempts.len())
}

#[test]
fn each_error_has_its_reason_and_its_kind() {
    for (how, reason, kind) in [
        ("ExecutionFailed", "ExecutionFailed", "ExecutionFailed: GenericError: message=the words"),
        ("Panic", "Panic", "Panic: GenericError: message=the words"),
        ("panic!", "Panic", "Panic: the words"),
        ("Retryable", "Retryable", "Retryable: GenericError: message=the words, retryable"),
        // Cadence's service looks at the reason only.
        ("NonRetryable", "NonRetryable", "NonRetryable: GenericError: message=the words"),
        ("ApplicationError", "ApplicationError", "Application: GenericError: message=the words"),
        ("RetryableWithDelay", "RetryableWithDelay", "Retryable: GenericError: message=the words, retryable"),
        ("Timeout: Heartbeat", "Timeout: Heartbeat", "Timeout(Heartbeat): Activity timed out: Heartbeat"),
        ("silent", "cadenceInternal:Timeout HEARTBEAT", "Timeout(Heartbeat): Activity timed out: Heartbeat, details 7"),
    ] {
        assert_eq!(seen(how, "of another kind"), (kind.to_owned(), 3), "{how}");
        assert_eq!(seen(how, reason), (kind.to_owned(), 1), "{how} is not retried when it is listed");
    }
}

#[test]
fn a_workflow_fails_with_the_words_of_its_error() {
    async fn main(_: &mut WorkflowContext, how: u32) -> Result<(), WorkflowError> {
        Err(match how {
            0 => WorkflowError::message("no"),
            1 => WorkflowError::execution_failed("no"),
            _ => WorkflowError::signal_failed("no"),
        })
    }
    let simulation = Simulation::cadence().cadence_workflow("main", main);
    for (how, words) in [
        (0, "Generic: Generic error: GenericError: message=no"),
        (1, "ExecutionFailed: Workflow execution failed: Workflow execution failed: no"),
        (2, "SignalFailed: Signal failed: GenericError: message=no"),
    ] {
        let run = simulation.run("main", &how).unwrap();
        assert_eq!(failure_of(&run), words);
    }
}
