//! [`Start`]: a workflow that an adapter's client wants to start, and the answer.

use std::sync::Arc;

use crate::program::{Carried, IdConflictPolicy, IdReusePolicy, Payload, RetrySpec, Span};
use crate::service::{StartAnswer, StartWorkflow, WorkflowKey};

/// A workflow that is to be started. Its times are zero unless they are set.
///
/// ```
/// use durasim::program::{Payload, RetrySpec, Span};
/// use durasim::requests::Start;
///
/// let start = Start::new("greet", "greet-1", Payload::new("7"))
///     .run_timeout(Span::from_secs(60))
///     .retry(RetrySpec::default().maximum_attempts(3));
/// assert!(start.start_delay.is_zero());
/// ```
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct Start {
    /// The registered name.
    pub workflow_type: String,
    /// The id, which says with the policies whether it may start.
    pub workflow_id: String,
    /// The encoded input.
    pub input: Payload,
    /// The longest time that the workflow may be open, all its runs together; zero means no limit.
    pub execution_timeout: Span,
    /// The longest time that each run may be open; zero means no limit.
    pub run_timeout: Span,
    /// The longest time that a worker may take for one workflow task; zero means that of the simulation.
    pub task_timeout: Span,
    /// The time after which its first workflow task comes; zero means at once.
    pub start_delay: Span,
    /// The retry policy; `None` means that it is not retried.
    pub retry: Option<RetrySpec>,
    /// The schedule by which it is run again and again, as [`StartOptions::cron`](crate::StartOptions::cron) has it; `None` means
    /// that it is run once.
    pub cron: Option<String>,
    /// The values that its runs carry beside their input.
    pub carried: Carried,
    /// The consequence of a closed workflow of the same id.
    pub id_reuse: IdReusePolicy,
    /// The consequence of an open workflow of the same id.
    pub id_conflict: IdConflictPolicy,
}

impl Start {
    /// Makes the start of a workflow of this registered type, under this id.
    pub fn new(workflow_type: impl Into<String>, workflow_id: impl Into<String>, input: Payload) -> Start {
        Start {
            workflow_type: workflow_type.into(),
            workflow_id: workflow_id.into(),
            input,
            execution_timeout: Span::ZERO,
            run_timeout: Span::ZERO,
            task_timeout: Span::ZERO,
            start_delay: Span::ZERO,
            retry: None,
            cron: None,
            carried: Carried::default(),
            id_reuse: IdReusePolicy::default(),
            id_conflict: IdConflictPolicy::default(),
        }
    }

    /// Sets the longest time that the workflow may be open, all its runs together.
    pub fn execution_timeout(mut self, timeout: Span) -> Start {
        self.execution_timeout = timeout;
        self
    }

    /// Sets the longest time that each run may be open.
    pub fn run_timeout(mut self, timeout: Span) -> Start {
        self.run_timeout = timeout;
        self
    }

    /// Sets the longest time that a worker may take for one workflow task.
    pub fn task_timeout(mut self, timeout: Span) -> Start {
        self.task_timeout = timeout;
        self
    }

    /// Sets the time after which its first workflow task comes.
    pub fn start_delay(mut self, delay: Span) -> Start {
        self.start_delay = delay;
        self
    }

    /// Sets the schedule by which it is run again and again.
    pub fn cron(mut self, schedule: impl Into<String>) -> Start {
        self.cron = Some(schedule.into());
        self
    }

    /// Sets the values that its runs carry beside their input.
    pub fn carrying(mut self, carried: Carried) -> Start {
        self.carried = carried;
        self
    }

    /// Sets its retry policy.
    pub fn retry(mut self, policy: RetrySpec) -> Start {
        self.retry = Some(policy);
        self
    }

    /// Sets the consequence of a closed workflow of the same id.
    pub fn id_reuse(mut self, policy: IdReusePolicy) -> Start {
        self.id_reuse = policy;
        self
    }

    /// Sets the consequence of an open workflow of the same id.
    pub fn id_conflict(mut self, policy: IdConflictPolicy) -> Start {
        self.id_conflict = policy;
        self
    }

    /// The start for the service, of a workflow whose registered name is this one.
    pub(super) fn begin(self, name: Arc<str>, queue: Arc<str>) -> StartWorkflow {
        StartWorkflow {
            execution_timeout: self.execution_timeout,
            run_timeout: self.run_timeout,
            task_timeout: self.task_timeout,
            start_delay: self.start_delay,
            retry: self.retry,
            cron: self.cron.map(Arc::from),
            carried: self.carried,
            id_reuse: self.id_reuse,
            id_conflict: self.id_conflict,
            ..StartWorkflow::new(self.workflow_id, name, queue, self.input)
        }
    }
}

/// The answer to a start that was accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Started {
    /// The run that the caller has now.
    pub workflow: WorkflowKey,
    /// Says whether this start began the run. If not, it was open before.
    pub is_new: bool,
}

impl Started {
    pub(super) fn new(answer: StartAnswer) -> Started {
        Started { workflow: answer.run(), is_new: matches!(answer, StartAnswer::New(_)) }
    }
}
