//! [`Others`]: the other workflows that code of a workflow deals with, and the run that is to follow it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use durasim::program::{
    Carried, ChildCancellation, ChildSpec, ChildStart, Command, ContinueAsNew, Failure, ParentClosePolicy as Fate,
    Payload, RunInfo, Seq, Target, TaskFailure,
};

use crate::activity::context::NAMESPACE;
use crate::failure;
use crate::payload::{into_core, named_into_core};
use crate::policy::id_reuse;
use crate::retry::{self, span};
use crate::sdk::{
    CancelChildWorkflowExecution, ChildCancelled, ChildCauseOfFailure, ChildStartCancelled, ChildStartFailed,
    ChildStartStatus, ChildStartSucceeded, ChildStatus, ChildWorkflowCancellationType, ChildWorkflowResult,
    ContinueAsNewWorkflowExecution, JobVariant, NamespacedWorkflowExecution, ParentClosePolicy, ProtoPayload,
    RequestCancelExternalWorkflowExecution, ResolveChildWorkflowExecution, ResolveChildWorkflowExecutionStart,
    SignalExternalWorkflowExecution, SignalTarget, StartChildWorkflowExecution,
};

/// The other workflows that code of a workflow deals with.
pub(super) struct Others {
    run: Arc<RunInfo>,
    children: BTreeMap<Seq, Child>,
    /// The length of the history that the code was shown last: all activations of a task show the same.
    task: u64,
    /// The search attributes as they are now, which the next run has too.
    search_attributes: BTreeMap<Arc<str>, Payload>,
}

/// A child that the code has asked for.
struct Child {
    workflow_id: String,
    workflow_type: String,
    /// The task in which the code has asked for it.
    task: u64,
    /// The reason for which the code has cancelled it last.
    reason: String,
}

impl Others {
    pub(super) fn new(run: Arc<RunInfo>) -> Others {
        let search_attributes = run.carried.search_attributes.clone();
        Others { run, children: BTreeMap::new(), task: 0, search_attributes }
    }

    /// The code is shown a history of this length.
    pub(super) fn begin(&mut self, history_length: u64) {
        self.task = history_length;
    }

    /// The code has set these search attributes.
    pub(super) fn search_attributes_set(&mut self, set: HashMap<String, ProtoPayload>) {
        self.search_attributes.extend(named_into_core(set));
    }

    /// # Errors
    /// The error is [`TaskFailure::Unsupported`] for options that are not simulated, which it names.
    pub(super) fn start_child(&mut self, child: StartChildWorkflowExecution) -> Result<Command, TaskFailure> {
        let is_set = [
            (child.versioning_override.is_some(), "a versioning override"),
            (is_elsewhere(&child.namespace), "a namespace of its own"),
        ];
        let refused = |option: &str| {
            let name = &child.workflow_type;
            TaskFailure::Unsupported(format!("the child workflow `{name}` (`ctx.start_child_workflow`) with {option}"))
        };
        if let Some((_, option)) = is_set.iter().find(|(is_set, _)| *is_set) {
            return Err(refused(option));
        }
        let fate = match child.parent_close_policy() {
            ParentClosePolicy::Unspecified | ParentClosePolicy::Terminate => Fate::Terminate,
            ParentClosePolicy::RequestCancel => Fate::RequestCancel,
            ParentClosePolicy::Abandon => Fate::Abandon,
        };
        let id_reuse = id_reuse(child.workflow_id_reuse_policy())
            .ok_or_else(|| refused("`WorkflowIdReusePolicy::TerminateIfRunning`"))?;
        let cancellation = cancellation(child.cancellation_type());
        let mut spec = ChildSpec::new(&*child.workflow_id, &*child.workflow_type, into_core(&child.input))
            .execution_timeout(span(child.workflow_execution_timeout))
            .run_timeout(span(child.workflow_run_timeout))
            .task_timeout(span(child.workflow_task_timeout))
            .parent_close_policy(fate)
            .id_reuse_policy(id_reuse)
            .cancellation(cancellation);
        spec.task_queue = Some(child.task_queue.as_str()).filter(|queue| !queue.is_empty()).map(Into::into);
        spec.cron = Some(child.cron_schedule.as_str()).filter(|schedule| !schedule.is_empty()).map(Into::into);
        spec.retry = child.retry_policy.as_ref().map(retry::into_core);
        spec.carried = Carried::default()
            .headers(named_into_core(child.headers))
            .memo(named_into_core(child.memo))
            .search_attributes(named_into_core(child.search_attributes.unwrap_or_default().indexed_fields));
        let StartChildWorkflowExecution { seq, workflow_id, workflow_type, .. } = child;
        self.children.insert(seq, Child { workflow_id, workflow_type, task: self.task, reason: String::new() });
        Ok(Command::StartChild { seq, spec: Arc::new(spec) })
    }

    pub(super) fn cancel_child(&mut self, cancel: CancelChildWorkflowExecution) -> Command {
        let seq = cancel.child_workflow_seq;
        let reason = Arc::from(&*cancel.reason);
        if let Some(child) = self.children.get_mut(&seq) {
            child.reason = cancel.reason;
        }
        Command::CancelChild { seq, reason }
    }

    /// # Errors
    /// The error is [`TaskFailure::Unsupported`] for headers and other namespaces.
    pub(super) fn signal(&self, signal: SignalExternalWorkflowExecution) -> Result<Command, TaskFailure> {
        let refused = |option: &str| {
            TaskFailure::Unsupported(format!("the signal `{}` to another workflow with {option}", signal.signal_name))
        };
        if !signal.headers.is_empty() {
            return Err(refused("headers"));
        }
        let target = match &signal.target {
            // A signal to a child goes to the newest one of its id.
            Some(SignalTarget::ChildWorkflowId(id)) => {
                let child = self.children.iter().rev().find(|(_, child)| child.workflow_id == *id);
                child.map_or_else(|| named(id, ""), |(seq, _)| Target::Child(*seq))
            }
            Some(SignalTarget::WorkflowExecution(other)) => {
                target(other).ok_or_else(|| refused("a namespace of its own"))?
            }
            None => return Err(refused("no target")),
        };
        let (seq, name, input) = (signal.seq, signal.signal_name.as_str().into(), into_core(&signal.args));
        Ok(Command::SignalWorkflow { seq, target, name, input })
    }

    /// The reason has the words of the SDK's worker.
    ///
    /// Source: crate temporalio-sdk-core 0.10.1 `src/worker/workflow/machines/workflow_machines.rs`.
    ///
    /// # Errors
    /// The error is [`TaskFailure::Unsupported`] for other namespaces.
    pub(super) fn request_cancel(
        &self,
        cancel: &RequestCancelExternalWorkflowExecution,
    ) -> Result<Command, TaskFailure> {
        let other = cancel.workflow_execution.clone().unwrap_or_default();
        let target = target(&other).ok_or_else(|| {
            TaskFailure::Unsupported("the cancel of another workflow with a namespace of its own".to_owned())
        })?;
        let (run_id, reason) = (&self.run.run_id, &cancel.reason);
        let reason = format!("Cancel requested by workflow with run id {run_id} with reason: {reason}");
        Ok(Command::CancelWorkflow { seq: cancel.seq, target, reason: reason.into() })
    }

    /// The SDK's worker adds the memo with which the run was started, and the search attributes as they are now, where the code
    /// says none.
    ///
    /// Source: crate temporalio-sdk-core 0.10.1 `src/worker/workflow/machines/workflow_machines.rs`
    /// (`augment_continue_as_new_with_current_values`).
    pub(super) fn continue_as_new(&self, next: ContinueAsNewWorkflowExecution) -> Command {
        let memo = if next.memo.is_empty() { self.run.carried.memo.clone() } else { named_into_core(next.memo) };
        let search_attributes = match next.search_attributes {
            Some(set) => named_into_core(set.indexed_fields),
            None => self.search_attributes.clone(),
        };
        let mut spec = ContinueAsNew::new(into_core(&next.arguments))
            .workflow_type(&*next.workflow_type)
            .run_timeout(span(next.workflow_run_timeout))
            .task_timeout(span(next.workflow_task_timeout))
            .backoff(span(next.backoff_start_interval))
            .carrying(
                Carried::default()
                    .headers(named_into_core(next.headers))
                    .memo(memo)
                    .search_attributes(search_attributes),
            );
        spec.task_queue = Some(next.task_queue.as_str()).filter(|queue| !queue.is_empty()).map(Into::into);
        spec.retry = next.retry_policy.as_ref().map(retry::into_core);
        Command::ContinueAsNew(Arc::new(spec))
    }

    /// Translates the answer to the start of a child.
    ///
    /// # Errors
    /// The error is [`TaskFailure::Unsupported`] for one that the SDK's code has no name for.
    pub(super) fn child_started(&self, seq: Seq, answer: &ChildStart) -> Result<JobVariant, TaskFailure> {
        let Some(child) = self.children.get(&seq) else {
            return Err(TaskFailure::Misuse(format!("child {seq} has started, but the code never asked for it")));
        };
        let status = match answer {
            ChildStart::Started { run_id } => {
                ChildStartStatus::Succeeded(ChildStartSucceeded { run_id: run_id.to_string() })
            }
            ChildStart::AlreadyExists => ChildStartStatus::Failed(ChildStartFailed {
                workflow_id: child.workflow_id.clone(),
                workflow_type: child.workflow_type.clone(),
                cause: ChildCauseOfFailure::WorkflowAlreadyExists.into(),
            }),
            ChildStart::Cancelled(failure) if child.task == self.task => {
                let message = format!("Child Workflow Execution cancelled before scheduled: {}", child.reason);
                ChildStartStatus::Cancelled(ChildStartCancelled {
                    failure: Some(failure::of_cancelled_child(failure, message)),
                })
            }
            ChildStart::Cancelled(failure) => return Ok(cancelled_on_its_way(seq, failure)),
            other => return Err(TaskFailure::Unsupported(format!("the start {other:?} of a child"))),
        };
        Ok(JobVariant::ResolveChildWorkflowExecutionStart(ResolveChildWorkflowExecutionStart {
            seq,
            status: Some(status),
        }))
    }
}

/// A child that is cancelled while the service starts it, and that nobody is to wait for. The SDK's worker tells the end of
/// the child then, and never its start: code that waits for the start waits for ever.
///
/// Source: crate temporalio-sdk-core 0.10.1 `src/worker/workflow/machines/child_workflow_state_machine.rs`,
/// `StartEventRecorded`.
fn cancelled_on_its_way(seq: Seq, failure: &Failure) -> JobVariant {
    JobVariant::ResolveChildWorkflowExecution(ResolveChildWorkflowExecution {
        seq,
        result: Some(cancelled_child(failure)),
    })
}

/// Gives the end of a child that was cancelled.
pub(super) fn cancelled_child(failure: &Failure) -> ChildWorkflowResult {
    let failure = Some(failure::of_cancelled_child(failure, "Child Workflow execution cancelled"));
    ChildWorkflowResult { status: Some(ChildStatus::Cancelled(ChildCancelled { failure })) }
}

/// The SDK's worker takes both waits for one.
///
/// Source: crate temporalio-sdk-core 0.10.1 `src/worker/workflow/machines/child_workflow_state_machine.rs`,
/// `resolves_immediately_on_cancel`; recorded scenario `wf_child_cancel_wait_cancellation_requested`.
fn cancellation(kind: ChildWorkflowCancellationType) -> ChildCancellation {
    match kind {
        ChildWorkflowCancellationType::Abandon => ChildCancellation::Abandon,
        ChildWorkflowCancellationType::TryCancel => ChildCancellation::TryCancel,
        ChildWorkflowCancellationType::WaitCancellationCompleted
        | ChildWorkflowCancellationType::WaitCancellationRequested => ChildCancellation::WaitCancellationCompleted,
    }
}

fn is_elsewhere(namespace: &str) -> bool {
    !namespace.is_empty() && namespace != NAMESPACE
}

/// The workflow that a message is for. `None` is one of another namespace.
fn target(other: &NamespacedWorkflowExecution) -> Option<Target> {
    (!is_elsewhere(&other.namespace)).then(|| named(&other.workflow_id, &other.run_id))
}

fn named(workflow_id: &str, run_id: &str) -> Target {
    Target::Workflow { workflow_id: workflow_id.into(), run_id: (!run_id.is_empty()).then(|| run_id.into()) }
}

#[cfg(test)]
mod tests {
    use durasim::program::FailureKind;

    use super::*;
    use crate::sdk::{ChildWorkflowCancellationType as Type, failures::failure::FailureInfo};

    fn others() -> Others {
        Others::new(Arc::new(RunInfo::new("order", "order", "Order", "default")))
    }

    fn cancelled() -> ChildStart {
        let kind = FailureKind::ChildWorkflow {
            workflow_type: "ship".into(),
            workflow_id: "ship-1".into(),
            run_id: "".into(),
            initiated_event_id: 5,
            started_event_id: 0,
            retry_state: durasim::program::RetryState::CancelRequested,
        };
        ChildStart::Cancelled(Arc::new(Failure::new("it was cancelled", kind)))
    }

    /// The SDK's worker says that a child which has not left was not started. For one that is on its way and not waited for,
    /// it tells the end, and never the start.
    #[test]
    fn a_child_is_cancelled_before_it_has_left_or_on_its_way() {
        let mut others = others();
        others.begin(3);
        let cancellation_type = Type::TryCancel.into();
        let asked = StartChildWorkflowExecution { seq: 1, cancellation_type, ..Default::default() };
        let Ok(Command::StartChild { spec, .. }) = others.start_child(asked) else { panic!("it is simulated") };
        assert_eq!(spec.cancellation, ChildCancellation::TryCancel);
        others.cancel_child(CancelChildWorkflowExecution { child_workflow_seq: 1, reason: "no".to_owned() });
        let Ok(JobVariant::ResolveChildWorkflowExecutionStart(start)) = others.child_started(1, &cancelled()) else {
            panic!("it has not left")
        };
        let Some(ChildStartStatus::Cancelled(ChildStartCancelled { failure: Some(failure) })) = start.status else {
            panic!("it is cancelled")
        };
        assert_eq!(failure.message, "Child Workflow Execution cancelled before scheduled: no");
        others.begin(7);
        let Ok(JobVariant::ResolveChildWorkflowExecution(end)) = others.child_started(1, &cancelled()) else {
            panic!("it is on its way")
        };
        let Some(ChildStatus::Cancelled(ChildCancelled { failure: Some(failure) })) =
            end.result.and_then(|result| result.status)
        else {
            panic!("it is cancelled")
        };
        assert_eq!(failure.message, "Child Workflow execution cancelled");
        let cause = failure.cause.unwrap();
        assert!(cause.message.is_empty() && matches!(cause.failure_info, Some(FailureInfo::CanceledFailureInfo(_))));
    }

    /// A signal to a child goes to the newest one of its id.
    #[test]
    fn a_child_is_found_by_its_id() {
        let mut others = others();
        for (seq, id) in [(1, "a"), (2, "b"), (3, "a")] {
            let workflow_id = id.to_owned();
            others.start_child(StartChildWorkflowExecution { seq, workflow_id, ..Default::default() }).unwrap();
        }
        let to = |id: &str| SignalExternalWorkflowExecution {
            signal_name: "go".to_owned(),
            target: Some(SignalTarget::ChildWorkflowId(id.to_owned())),
            ..Default::default()
        };
        for (id, expected) in [("a", Target::Child(3)), ("b", Target::Child(2)), ("c", named("c", ""))] {
            let Ok(Command::SignalWorkflow { target, .. }) = others.signal(to(id)) else { panic!("it is simulated") };
            assert_eq!(target, expected);
        }
    }

    #[test]
    fn other_namespaces_are_not_simulated() {
        let elsewhere = NamespacedWorkflowExecution { namespace: "shop".to_owned(), ..Default::default() };
        let cancel = RequestCancelExternalWorkflowExecution {
            workflow_execution: Some(elsewhere.clone()),
            ..Default::default()
        };
        let signal = SignalExternalWorkflowExecution {
            target: Some(SignalTarget::WorkflowExecution(elsewhere)),
            ..Default::default()
        };
        let child = StartChildWorkflowExecution { namespace: "shop".to_owned(), ..Default::default() };
        let mut others = others();
        for answer in [others.request_cancel(&cancel), others.signal(signal), others.start_child(child)] {
            let why = answer.expect_err("it is elsewhere").to_string();
            assert!(why.ends_with("with a namespace of its own is not simulated"), "{why}");
        }
    }
}
