//! [`ChildSpec`]: a workflow as another workflow asks for it, and the ways in which it starts and ends.

use std::fmt;
use std::sync::Arc;

use super::carried::Carried;
use super::failure::Failure;
use super::instant::Span;
use super::payload::Payload;
use super::spec::RetrySpec;

/// The content of a `StartChild` command.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct ChildSpec {
    /// The id of the child. No other workflow of this id may be open.
    pub workflow_id: Arc<str>,
    /// The registered name.
    pub workflow_type: Arc<str>,
    /// The queue that its workers poll; `None` means the parent's queue.
    pub task_queue: Option<Arc<str>>,
    /// The encoded input.
    pub input: Payload,
    /// The longest time that the child may be open, all its runs together; zero means no limit.
    pub execution_timeout: Span,
    /// The longest time that each run of the child may be open; zero means no limit.
    pub run_timeout: Span,
    /// The longest time that a worker may take for one of its workflow tasks; zero means the default.
    pub task_timeout: Span,
    /// The retry policy of the child; `None` means that it is not retried.
    pub retry: Option<RetrySpec>,
    /// The schedule by which it is run again and again; `None` means once.
    pub cron: Option<Arc<str>>,
    /// The fate of the child when its parent closes.
    pub parent_close_policy: ParentClosePolicy,
    /// Says what a closed workflow of the same id means.
    pub id_reuse_policy: IdReusePolicy,
    /// The consequence of the parent's cancel for the child.
    pub cancellation: ChildCancellation,
    /// The values that the child carries beside its input.
    pub carried: Carried,
}

impl ChildSpec {
    /// A child of this type under this id, without options.
    pub fn new(workflow_id: impl Into<Arc<str>>, workflow_type: impl Into<Arc<str>>, input: Payload) -> ChildSpec {
        ChildSpec {
            workflow_id: workflow_id.into(),
            workflow_type: workflow_type.into(),
            task_queue: None,
            input,
            execution_timeout: Span::ZERO,
            run_timeout: Span::ZERO,
            task_timeout: Span::ZERO,
            retry: None,
            cron: None,
            parent_close_policy: ParentClosePolicy::default(),
            id_reuse_policy: IdReusePolicy::default(),
            cancellation: ChildCancellation::default(),
            carried: Carried::default(),
        }
    }

    /// Chooses its queue.
    pub fn task_queue(mut self, queue: impl Into<Arc<str>>) -> ChildSpec {
        self.task_queue = Some(queue.into());
        self
    }

    /// Sets the longest time that the child may be open, all its runs together.
    pub fn execution_timeout(mut self, timeout: Span) -> ChildSpec {
        self.execution_timeout = timeout;
        self
    }

    /// Sets the longest time that each run of the child may be open.
    pub fn run_timeout(mut self, timeout: Span) -> ChildSpec {
        self.run_timeout = timeout;
        self
    }

    /// Sets the longest time that a worker may take for one of its workflow tasks.
    pub fn task_timeout(mut self, timeout: Span) -> ChildSpec {
        self.task_timeout = timeout;
        self
    }

    /// Sets its retry policy.
    pub fn retry(mut self, policy: RetrySpec) -> ChildSpec {
        self.retry = Some(policy);
        self
    }

    /// Sets the schedule by which it is run again and again.
    pub fn cron(mut self, schedule: impl Into<Arc<str>>) -> ChildSpec {
        self.cron = Some(schedule.into());
        self
    }

    /// Sets its fate when its parent closes.
    pub fn parent_close_policy(mut self, policy: ParentClosePolicy) -> ChildSpec {
        self.parent_close_policy = policy;
        self
    }

    /// Sets what a closed workflow of the same id means.
    pub fn id_reuse_policy(mut self, policy: IdReusePolicy) -> ChildSpec {
        self.id_reuse_policy = policy;
        self
    }

    /// Sets the consequence of the parent's cancel for the child.
    pub fn cancellation(mut self, cancellation: ChildCancellation) -> ChildSpec {
        self.cancellation = cancellation;
        self
    }

    /// Sets the values that it carries beside its input.
    pub fn carrying(mut self, carried: Carried) -> ChildSpec {
        self.carried = carried;
        self
    }
}

/// The fate of a child when the run that started it closes, also where another run of the parent follows (recorded
/// scenario `wf_child_pcp_terminate_can`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[non_exhaustive]
pub enum ParentClosePolicy {
    /// The child is terminated.
    #[default]
    Terminate,
    /// The child is asked to cancel itself.
    RequestCancel,
    /// Nothing happens to the child.
    Abandon,
}

/// The consequence of a closed workflow for one that is to be started under its id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[non_exhaustive]
pub enum IdReusePolicy {
    /// The id may be used again.
    #[default]
    AllowDuplicate,
    /// The id may be used again unless the workflow has completed.
    AllowDuplicateFailedOnly,
    /// The id may not be used again.
    RejectDuplicate,
}

/// Writes the policy as the server's messages do.
impl fmt::Display for IdReusePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            IdReusePolicy::AllowDuplicate => "allow duplicate workflow Id",
            IdReusePolicy::AllowDuplicateFailedOnly => "allow duplicate workflow Id if last run failed",
            IdReusePolicy::RejectDuplicate => "reject duplicate workflow Id",
        })
    }
}

/// The consequence of an open workflow for one that is to be started under its id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[non_exhaustive]
pub enum IdConflictPolicy {
    /// The start is refused.
    #[default]
    Fail,
    /// The caller gets the open workflow.
    UseExisting,
    /// The open workflow is terminated, and another one starts.
    TerminateExisting,
}

/// The consequence of a workflow's cancel for its child: what its future does, and whether the child is asked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[non_exhaustive]
pub enum ChildCancellation {
    /// Ask the child to cancel itself, and resolve with its real end.
    #[default]
    WaitCancellationCompleted,
    /// Ask the child to cancel itself, and resolve as cancelled as soon as it has got the request.
    WaitCancellationRequested,
    /// Ask the child to cancel itself, and resolve as cancelled at once.
    TryCancel,
    /// Resolve as cancelled at once and do not ask the child: it goes on.
    Abandon,
}

/// The answer to the start of a child, as its parent sees it.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum ChildStart {
    /// The child runs, and this is the id of its first run.
    Started {
        /// The id of the run.
        run_id: Arc<str>,
    },
    /// The child did not start because of a workflow of the same id.
    AlreadyExists,
    /// The start was cancelled before it left the parent: a failure of kind
    /// [`FailureKind::ChildWorkflow`](super::FailureKind::ChildWorkflow) whose cause is the cancellation.
    Cancelled(Arc<Failure>),
}

/// The way in which a child ended, as its parent sees it.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum ChildResolution {
    /// The child ended with a result.
    Completed(Payload),
    /// The child failed, timed out or was terminated: a failure of kind
    /// [`FailureKind::ChildWorkflow`](super::FailureKind::ChildWorkflow).
    Failed(Arc<Failure>),
    /// The child was cancelled: a failure of kind [`FailureKind::ChildWorkflow`](super::FailureKind::ChildWorkflow)
    /// whose cause is the cancellation.
    Cancelled(Arc<Failure>),
}

/// The workflow that another workflow signals or asks to cancel itself.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Target {
    /// A child of the workflow, by the number of its command.
    Child(super::spec::Seq),
    /// The workflow of an id.
    Workflow {
        /// The id of the workflow.
        workflow_id: Arc<str>,
        /// The id of the run; `None` means the newest one.
        run_id: Option<Arc<str>>,
    },
}
