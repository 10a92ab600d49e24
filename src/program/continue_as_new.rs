//! [`ContinueAsNew`]: the run that follows a run which has done its part.

use std::sync::Arc;

use super::carried::Carried;
use super::instant::Span;
use super::payload::Payload;
use super::spec::RetrySpec;

/// The content of a `ContinueAsNew` command: another run under the same id, with a history of its own.
///
/// Each option that is not set is that of the run before.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct ContinueAsNew {
    /// The registered name of the next run's workflow; `None` means the same.
    pub workflow_type: Option<Arc<str>>,
    /// The queue of the next run; `None` means the same.
    pub task_queue: Option<Arc<str>>,
    /// The encoded input of the next run.
    pub input: Payload,
    /// The longest time that the next run may be open; zero means as long as this one.
    pub run_timeout: Span,
    /// The longest time that a worker may take for one workflow task; zero means as long as for this run.
    pub task_timeout: Span,
    /// The time after which the first workflow task of the next run comes; zero means as soon as may be.
    pub backoff: Span,
    /// The retry policy of the next run; `None` means the same.
    pub retry: Option<RetrySpec>,
    /// The schedule of the next run and those behind it; `None` means the same, and a text without anything in it none.
    pub cron: Option<Arc<str>>,
    /// The values that the next run carries beside its input. These alone: it has nothing from the run before.
    pub carried: Carried,
}

impl ContinueAsNew {
    /// Makes the next run of the same workflow, with this input and the options of the run before.
    pub fn new(input: Payload) -> ContinueAsNew {
        ContinueAsNew {
            workflow_type: None,
            task_queue: None,
            input,
            run_timeout: Span::ZERO,
            task_timeout: Span::ZERO,
            backoff: Span::ZERO,
            retry: None,
            cron: None,
            carried: Carried::default(),
        }
    }

    /// Chooses another workflow.
    pub fn workflow_type(mut self, name: impl Into<Arc<str>>) -> ContinueAsNew {
        self.workflow_type = Some(name.into());
        self
    }

    /// Chooses another queue.
    pub fn task_queue(mut self, queue: impl Into<Arc<str>>) -> ContinueAsNew {
        self.task_queue = Some(queue.into());
        self
    }

    /// Sets the longest time that the next run may be open.
    pub fn run_timeout(mut self, timeout: Span) -> ContinueAsNew {
        self.run_timeout = timeout;
        self
    }

    /// Sets the longest time that a worker may take for one workflow task of the next run.
    pub fn task_timeout(mut self, timeout: Span) -> ContinueAsNew {
        self.task_timeout = timeout;
        self
    }

    /// Sets the time after which the first workflow task of the next run comes.
    pub fn backoff(mut self, backoff: Span) -> ContinueAsNew {
        self.backoff = backoff;
        self
    }

    /// Sets the retry policy of the next run.
    pub fn retry(mut self, policy: RetrySpec) -> ContinueAsNew {
        self.retry = Some(policy);
        self
    }

    /// Sets the schedule of the next run, which begins at once all the same, and of those behind it.
    pub fn cron(mut self, schedule: impl Into<Arc<str>>) -> ContinueAsNew {
        self.cron = Some(schedule.into());
        self
    }

    /// Sets the values that it carries beside its input.
    pub fn carrying(mut self, carried: Carried) -> ContinueAsNew {
        self.carried = carried;
        self
    }
}
