//! The options of activities, children and runs that follow, on their way to the service.

use std::sync::Arc;
use std::time::Duration;

use crabdance_core::{ActivityOptions, ParentClosePolicy, RetryPolicy, WorkflowIdReusePolicy};
use crabdance_workflow::commands::{ContinueAsNewWorkflowCommand, StartChildWorkflowCommand};
use durasim::program::{
    ActivitySpec, CancellationType, ChildCancellation, ChildSpec, ContinueAsNew, IdReusePolicy,
    ParentClosePolicy as Fate, Payload, RetrySpec, RunInfo, Span, Timeouts,
};

/// An activity as the client's code asks for it.
pub(crate) fn spec(activity_type: Arc<str>, input: Payload, options: ActivityOptions) -> ActivitySpec {
    let timeouts = Timeouts::default()
        .schedule_to_close(options.schedule_to_close_timeout.into())
        .schedule_to_start(options.schedule_to_start_timeout.into())
        .start_to_close(options.start_to_close_timeout.into())
        .heartbeat(options.heartbeat_timeout.into());
    let cancellation = match options.wait_for_cancellation {
        true => CancellationType::WaitCancellationCompleted,
        false => CancellationType::TryCancel,
    };
    let mut spec = ActivitySpec::new(activity_type, input).timeouts(timeouts).cancellation(cancellation);
    if !options.task_list.is_empty() {
        spec = spec.task_queue(options.task_list);
    }
    match options.retry_policy {
        Some(policy) => spec.retry(retry(policy)),
        None => spec,
    }
}

/// A child as the client's code asks for it. Timeouts that it does not set are those of its parent.
///
/// Source: cadence `service/history/decision/checker.go` (`validateStartChildExecutionAttributes`).
///
/// # Errors
/// The error says what is not simulated, in the client's words.
pub(crate) fn child(asked: StartChildWorkflowCommand, parent: &RunInfo) -> Result<ChildSpec, String> {
    let StartChildWorkflowCommand { workflow_id, workflow_type, args, options } = asked;
    let refused = |option: &str| {
        Err(format!("the child workflow `{workflow_type}` (`execute_child_workflow`) with the option `{option}`"))
    };
    if options.domain.is_some_and(|domain| !domain.is_empty()) {
        return refused("domain");
    }
    let id_reuse_policy = match options.workflow_id_reuse_policy {
        WorkflowIdReusePolicy::AllowDuplicateFailedOnly => IdReusePolicy::AllowDuplicateFailedOnly,
        WorkflowIdReusePolicy::AllowDuplicate => IdReusePolicy::AllowDuplicate,
        WorkflowIdReusePolicy::RejectDuplicate => IdReusePolicy::RejectDuplicate,
        WorkflowIdReusePolicy::TerminateIfRunning => {
            return refused("workflow_id_reuse_policy: TerminateIfRunning");
        }
    };
    let mut spec = ChildSpec::new(workflow_id, workflow_type, Payload::limited(args.unwrap_or_default()))
        .run_timeout(whole_seconds(options.execution_start_to_close_timeout, parent.run_timeout))
        .task_timeout(whole_seconds(options.task_start_to_close_timeout, parent.task_timeout))
        .id_reuse_policy(id_reuse_policy)
        .parent_close_policy(match options.parent_close_policy {
            ParentClosePolicy::Terminate => Fate::Terminate,
            ParentClosePolicy::RequestCancel => Fate::RequestCancel,
            ParentClosePolicy::Abandon => Fate::Abandon,
        })
        .cancellation(match options.wait_for_cancellation {
            true => ChildCancellation::WaitCancellationCompleted,
            false => ChildCancellation::TryCancel,
        });
    if let Some(queue) = options.task_list.filter(|queue| !queue.is_empty()) {
        spec = spec.task_queue(queue);
    }
    if let Some(schedule) = options.cron_schedule {
        spec = spec.cron(schedule);
    }
    Ok(match options.retry_policy {
        Some(policy) => spec.retry(retry(policy)),
        None => spec,
    })
}

/// The run that is to follow one, as the client's code asks for it. A list or timeout that it does not set is that of the
/// run before. The retry policy and the schedule are not.
///
/// Source: cadence `service/history/decision/checker.go` (`validateContinueAsNewWorkflowExecutionAttributes`),
/// `service/history/execution/mutable_state_builder.go` (`addWorkflowExecutionStartedEventForContinueAsNew`).
pub(crate) fn next_run(asked: ContinueAsNewWorkflowCommand, before: &RunInfo) -> ContinueAsNew {
    let ContinueAsNewWorkflowCommand { workflow_type, input, options } = asked;
    let mut next = ContinueAsNew::new(Payload::limited(input.unwrap_or_default()))
        .workflow_type(workflow_type)
        .run_timeout(whole_seconds(options.execution_start_to_close_timeout, Span::ZERO))
        .task_timeout(whole_seconds(options.task_start_to_close_timeout, Span::ZERO))
        .cron(options.cron_schedule.unwrap_or_default());
    if !options.task_list.is_empty() {
        next = next.task_queue(options.task_list);
    }
    match options.retry_policy {
        Some(policy) => next.retry(retry(policy)),
        // One attempt is how the seam says that there are no retries.
        None if before.retry.is_some() => next.retry(single_attempt()),
        None => next,
    }
}

/// The policy of a workflow that is not retried.
fn single_attempt() -> RetrySpec {
    RetrySpec::default().initial_interval(Span::from_secs(1)).backoff_coefficient(1.0).maximum_attempts(1)
}

/// A time of the options, as Cadence's wire has it; another one if it is not set.
fn whole_seconds(time: Duration, or: Span) -> Span {
    match time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0)) {
        0 => or,
        seconds => Duration::from_secs(seconds).into(),
    }
}

fn retry(policy: RetryPolicy) -> RetrySpec {
    RetrySpec::default()
        .initial_interval(policy.initial_interval.into())
        .backoff_coefficient(policy.backoff_coefficient)
        .maximum_interval(policy.maximum_interval.into())
        .maximum_attempts(policy.maximum_attempts)
        .expiration_interval(policy.expiration_interval.into())
        .non_retryable_error_types(policy.non_retryable_error_types)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crabdance_core::ChildWorkflowOptions;
    use crabdance_workflow::context::ContinueAsNewOptions;

    #[test]
    fn every_option_arrives() {
        let secs = Duration::from_secs;
        let options = ActivityOptions {
            task_list: "files".to_owned(),
            schedule_to_close_timeout: secs(1),
            schedule_to_start_timeout: secs(2),
            start_to_close_timeout: secs(3),
            heartbeat_timeout: secs(4),
            wait_for_cancellation: true,
            retry_policy: Some(RetryPolicy {
                initial_interval: secs(5),
                backoff_coefficient: 1.5,
                maximum_interval: secs(6),
                maximum_attempts: 7,
                non_retryable_error_types: vec!["NonRetryable".to_owned()],
                expiration_interval: secs(8),
            }),
            local_activity: false,
        };
        let timeouts = Timeouts::default()
            .schedule_to_close(Span::from_secs(1))
            .schedule_to_start(Span::from_secs(2))
            .start_to_close(Span::from_secs(3))
            .heartbeat(Span::from_secs(4));
        let retry = RetrySpec::default()
            .initial_interval(Span::from_secs(5))
            .backoff_coefficient(1.5)
            .maximum_interval(Span::from_secs(6))
            .maximum_attempts(7)
            .expiration_interval(Span::from_secs(8))
            .non_retryable_error_types(["NonRetryable"]);
        let expected = ActivitySpec::new("copy", Payload::new("1"))
            .task_queue("files")
            .timeouts(timeouts)
            .retry(retry)
            .cancellation(CancellationType::WaitCancellationCompleted);
        assert_eq!(spec("copy".into(), Payload::new("1"), options), expected);

        let none = ActivitySpec::new("copy", Payload::new("1")).cancellation(CancellationType::TryCancel);
        assert_eq!(spec("copy".into(), Payload::new("1"), ActivityOptions::default()), none);
    }

    #[test]
    fn a_child_has_its_parents_timeouts_and_list_unless_it_has_its_own() {
        let mut parent = RunInfo::new("main", "main", "main", "jobs").run_timeout(Span::from_secs(50));
        parent.task_timeout = Span::from_secs(9);
        let asked = |options| StartChildWorkflowCommand {
            workflow_id: "child".to_owned(),
            workflow_type: "naps".to_owned(),
            args: None,
            options,
        };
        let expected = ChildSpec::new("child", "naps", Payload::new(""))
            .run_timeout(Span::from_secs(50))
            .task_timeout(Span::from_secs(9))
            .id_reuse_policy(IdReusePolicy::AllowDuplicateFailedOnly)
            .cancellation(ChildCancellation::TryCancel);
        assert_eq!(child(asked(ChildWorkflowOptions::default()), &parent), Ok(expected.clone()));
        let own = ChildWorkflowOptions {
            task_list: Some("files".to_owned()),
            retry_policy: Some(RetryPolicy { expiration_interval: Duration::from_secs(8), ..Default::default() }),
            execution_start_to_close_timeout: Duration::from_millis(1_500),
            task_start_to_close_timeout: Duration::from_secs(3),
            wait_for_cancellation: true,
            workflow_id_reuse_policy: WorkflowIdReusePolicy::RejectDuplicate,
            parent_close_policy: ParentClosePolicy::RequestCancel,
            ..Default::default()
        };
        let policy = RetryPolicy { expiration_interval: Duration::from_secs(8), ..Default::default() };
        let expected = expected
            .task_queue("files")
            .retry(retry(policy))
            .run_timeout(Span::from_secs(2))
            .task_timeout(Span::from_secs(3))
            .id_reuse_policy(IdReusePolicy::RejectDuplicate)
            .parent_close_policy(Fate::RequestCancel)
            .cancellation(ChildCancellation::WaitCancellationCompleted);
        assert_eq!(child(asked(own), &parent), Ok(expected));
    }

    #[test]
    fn the_next_run_is_retried_and_has_a_schedule_only_if_the_code_says_so() {
        let asked = |retry_policy, cron_schedule| ContinueAsNewWorkflowCommand {
            workflow_type: "naps".to_owned(),
            input: None,
            options: ContinueAsNewOptions {
                task_list: String::new(),
                execution_start_to_close_timeout: Duration::ZERO,
                task_start_to_close_timeout: Duration::ZERO,
                retry_policy,
                cron_schedule,
                memo: None,
                search_attributes: None,
            },
        };
        let mut before = RunInfo::new("main", "main", "main", "jobs");
        let next = ContinueAsNew::new(Payload::new("")).workflow_type("naps").cron("");
        assert_eq!(next_run(asked(None, None), &before), next);
        assert_eq!(next_run(asked(None, Some("@daily".to_owned())), &before), next.clone().cron("@daily"));
        let policy = RetryPolicy { maximum_attempts: 4, ..Default::default() };
        assert_eq!(next_run(asked(Some(policy.clone()), None), &before), next.clone().retry(retry(policy.clone())));
        before.retry = Some(Arc::new(retry(policy)));
        assert_eq!(next_run(asked(None, None), &before), next.retry(single_attempt()));
    }
}
