//! The simulated service by itself: what a Temporal server does with activities and workflows.
//!
//! A passive state machine. Every method is called with the present moment, changes the state, and answers; timers it
//! wants, tasks it has for workers and news of what happened are left in [`Service::outbox`], which the caller drains
//! after every call. Nothing here knows of futures, threads or clocks.
//!
//! Each rule is written down once, in the file named after it: [`options`] (defaults and validation), [`retry`] (is there
//! another attempt, and when), [`timeout`] (which deadlines there are, and what a passed one is reported as). These
//! follow the sources and recordings of Temporal Server 1.32, which their documentation names. [`cadence`] has those of
//! Cadence's that differ, taken from its sources and not recorded; [`Dialect`] says which are in force.
//!
//! A simulation drives it through its run loop. By itself it answers questions about the rules:
//!
//! ```
//! use std::sync::Arc;
//!
//! use durasim::program::{ActivitySpec, Command, Failure, Payload, Timeouts};
//! use durasim::service::{Service, StartWorkflow};
//! use durasim::{Span, Time};
//!
//! let mut service = Service::new();
//! let start = StartWorkflow {
//!     workflow_id: "order-1".into(),
//!     run_id: "run-1".into(),
//!     workflow_type: "order".into(),
//!     task_queue: "default".into(),
//!     input: Payload::new(b"{}"),
//!     run_timeout: Span::ZERO,
//!     task_timeout: Span::ZERO,
//!     random_seed: 0,
//! };
//! let workflow = service.start_workflow(start, Time::ZERO);
//!
//! let timeouts = Timeouts::default().start_to_close(Span::from_secs(5));
//! let spec = ActivitySpec::new("charge", Payload::new(b"{}")).timeouts(timeouts);
//! let task = service.take_workflow_task(workflow, 1, Time::ZERO).unwrap();
//! let commands = [Command::ScheduleActivity { seq: 1, spec: Arc::new(spec) }];
//! service.complete_workflow_task(task.token, &commands, Time::ZERO).unwrap();
//!
//! let charge = service.workflow(workflow).activity(1).unwrap();
//! let (token, _) = service.take_activity_task(charge, 1, Time::ZERO).unwrap();
//! let failure = Failure::application("Declined", "no funds");
//! service.fail(token, Some(failure.into()), None, Time::from_millis(200)).unwrap();
//!
//! assert_eq!(service.activity(charge).attempt(), 2);
//! assert_eq!(service.activity(charge).next_attempt_at(), Some(Time::from_millis(1200)));
//! ```

mod activity;
mod attempt;
mod by_id;
pub mod cadence;
mod command;
mod dialect;
mod ending;
pub(crate) mod go_pow;
mod history;
mod keys;
mod lifecycle;
mod limit;
mod operator;
pub mod options;
mod outbox;
mod policies;
mod recording;
mod refused;
pub mod retry;
#[cfg(test)]
mod scenarios;
mod signal;
mod task;
pub mod timeout;
mod timer;
mod workflow;

pub use activity::{Activity, ActivityClose, ActivityState, ResetRequest, Started};
pub use attempt::HeartbeatAnswer;
pub use dialect::Dialect;
pub use history::{EventKind, HistoryEvent, TaskFailedCause};
pub use keys::{ActivityKey, Rank, TaskToken, Token, WorkflowKey};
pub use operator::{Reset, Unpause};
pub use outbox::{News, Outbox, Ready, ServiceTimer, TimerRequest};
pub use refused::{Code, Refused};
pub use task::WorkflowTask;
pub use workflow::{Signal, StartWorkflow, Workflow, WorkflowOutcome};

use std::collections::VecDeque;
use std::sync::Arc;

use crate::program::{RetrySpec, Table, Timeouts};

/// The simulated service.
#[derive(Debug, Default)]
pub struct Service {
    /// What the last calls left for the caller.
    pub outbox: Outbox,
    workflows: Table<WorkflowKey, Workflow>,
    activities: Table<ActivityKey, Activity>,
    policies: policies::PolicyCache,
    /// Options in force of the activities that the commands at hand schedule, in their order.
    checked: VecDeque<(Timeouts, Arc<RetrySpec>)>,
    dialect: Dialect,
}

impl Service {
    /// A service with nothing in it that follows Temporal's rules.
    pub fn new() -> Service {
        Service::default()
    }

    /// A service with nothing in it that follows this dialect's rules.
    pub fn with_dialect(dialect: Dialect) -> Service {
        Service { dialect, ..Service::default() }
    }

    /// Whose rules it follows.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Sets whose rules it follows from now on. Only before anything is in it.
    pub(crate) fn set_dialect(&mut self, dialect: Dialect) {
        if self.dialect != dialect {
            self.dialect = dialect;
            self.policies = policies::PolicyCache::default();
        }
    }

    /// A workflow run.
    ///
    /// # Panics
    /// If the key is not one that this service gave.
    pub fn workflow(&self, workflow: WorkflowKey) -> &Workflow {
        &self.workflows[workflow]
    }

    /// An activity.
    ///
    /// # Panics
    /// If the key is not one that this service gave.
    pub fn activity(&self, activity: ActivityKey) -> &Activity {
        &self.activities[activity]
    }

    /// All activities, in the order in which they were scheduled.
    pub fn activities(&self) -> impl Iterator<Item = (ActivityKey, &Activity)> {
        self.activities.iter()
    }

    /// The history of a run so far. Events that arrived while a workflow task is open are not in it yet.
    pub fn history(&self, workflow: WorkflowKey) -> &[HistoryEvent] {
        self.workflow(workflow).history()
    }

    /// Whether the run that an activity belongs to is open.
    fn runs(&self, activity: ActivityKey) -> bool {
        self.workflow(self.activity(activity).workflow()).is_open()
    }
}
