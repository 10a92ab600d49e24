//! [`Service`]: all that the simulated service knows.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::activity::Activity;
use super::dialect::Dialect;
use super::history::HistoryEvent;
use super::history_limits::HistoryLimits;
use super::keys::{ActivityKey, WorkflowKey};
use super::outbox::Outbox;
use super::policies::PolicyCache;
use super::update::{Update, UpdateKey};
use super::workflow::Workflow;
use crate::program::{DEFAULT_TASK_TIMEOUT, RetrySpec, Span, Table, Timeouts};

/// The simulated service. By itself it answers questions about the rules:
///
/// ```
/// use std::sync::Arc;
///
/// use durasim::program::{ActivitySpec, Command, Failure, Payload, Timeouts};
/// use durasim::internals::{Service, StartWorkflow};
/// use durasim::{Span, Time};
///
/// let mut service = Service::new();
/// let start = StartWorkflow::new("order-1", "order", "default", Payload::new(b"{}"));
/// let workflow = service.start_workflow(start, Time::ZERO).unwrap().run();
///
/// let timeouts = Timeouts::default().start_to_close(Span::from_secs(5));
/// let spec = ActivitySpec::new("charge", Payload::new(b"{}")).timeouts(timeouts);
/// let task = service.take_workflow_task(workflow, 1, Time::ZERO).unwrap();
/// let commands = [Command::ScheduleActivity { seq: 1, spec: Arc::new(spec) }];
/// service.complete_workflow_task(task.token, &commands, Time::ZERO).unwrap();
///
/// let charge = service.workflow(workflow).activity(1).unwrap();
/// let (token, _) = service.take_activity_task(charge, 1, Time::ZERO).unwrap();
/// let failure = Failure::application("Declined", "no funds");
/// service.fail(token, Some(failure.into()), None, Time::from_millis(200)).unwrap();
///
/// assert_eq!(service.activity(charge).attempt(), 2);
/// assert_eq!(service.activity(charge).next_attempt_at(), Some(Time::from_millis(1200)));
/// ```
#[derive(Debug)]
pub struct Service {
    /// The things that the last calls left for the caller.
    pub outbox: Outbox,
    pub(super) workflows: Table<WorkflowKey, Workflow>,
    /// The newest runs of each id.
    pub(super) newest_runs: BTreeMap<Arc<str>, Newest>,
    pub(super) activities: Table<ActivityKey, Activity>,
    pub(super) updates: Table<UpdateKey, Update>,
    pub(super) policies: PolicyCache,
    /// The options in force of the activities that the commands at hand schedule, in the order of the commands.
    pub(super) checked: VecDeque<(Timeouts, Arc<RetrySpec>)>,
    pub(super) dialect: Dialect,
    /// The longest time that a worker may take for a workflow task of a workflow that says nothing of it.
    pub(super) task_timeout: Span,
    pub(super) history_limits: HistoryLimits,
}

/// The newest runs of an id.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Newest {
    pub(super) workflow: Option<WorkflowKey>,
    /// The run that stands for an activity without a workflow.
    pub(super) activity: Option<WorkflowKey>,
    /// The number of all its runs.
    pub(super) runs: u32,
}

impl Default for Service {
    fn default() -> Service {
        Service {
            outbox: Outbox::default(),
            workflows: Table::default(),
            newest_runs: BTreeMap::new(),
            activities: Table::default(),
            updates: Table::default(),
            policies: PolicyCache::default(),
            checked: VecDeque::new(),
            dialect: Dialect::default(),
            task_timeout: DEFAULT_TASK_TIMEOUT,
            history_limits: HistoryLimits::TEMPORAL,
        }
    }
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

    /// Makes a new service in the memory of this one.
    pub(crate) fn emptied(self) -> Service {
        let Service {
            outbox,
            workflows,
            newest_runs: _,
            activities,
            updates,
            policies,
            mut checked,
            dialect: _,
            task_timeout: _,
            history_limits: _,
        } = self;
        checked.clear();
        Service {
            outbox: outbox.emptied(),
            workflows: workflows.emptied(),
            newest_runs: BTreeMap::new(),
            activities: activities.emptied(),
            updates: updates.emptied(),
            policies: policies.emptied(),
            checked,
            dialect: Dialect::default(),
            task_timeout: DEFAULT_TASK_TIMEOUT,
            history_limits: HistoryLimits::TEMPORAL,
        }
    }

    /// The dialect whose rules the service follows.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Sets the longest time that a worker may take for a workflow task, where a workflow says nothing of it; zero means
    /// 10 s.
    pub(crate) fn set_task_timeout(&mut self, timeout: Span) {
        self.task_timeout = if timeout.is_zero() { DEFAULT_TASK_TIMEOUT } else { timeout };
    }

    /// Sets how long a history may grow.
    pub fn set_history_limits(&mut self, limits: HistoryLimits) {
        self.history_limits = limits;
    }

    /// Sets the dialect whose rules the service follows from now on. Call it only before anything is in the service.
    pub(crate) fn set_dialect(&mut self, dialect: Dialect) {
        if self.dialect != dialect {
            self.dialect = dialect;
            self.policies = PolicyCache::default();
        }
    }

    /// The workflow run of a key.
    ///
    /// # Panics
    /// It panics if this service did not give the key.
    pub fn workflow(&self, workflow: WorkflowKey) -> &Workflow {
        &self.workflows[workflow]
    }

    /// The activity of a key.
    ///
    /// # Panics
    /// It panics if this service did not give the key.
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

    /// Says whether the run that an activity belongs to is open.
    pub(super) fn runs(&self, activity: ActivityKey) -> bool {
        self.workflow(self.activity(activity).workflow()).is_open()
    }
}
