//! [`Settings`]: the numbers of the simulated world.

use std::time::Duration;

use crate::service::{Dialect, HistoryLimits};

/// The numbers of the simulated world: of its service, of its workers, and the limits of a run.
///
/// Fields that are left out come from the default. A zero here is a zero, unless the field says otherwise; what a zero
/// means in the options of an activity is said at [`ActivityOptions`](crate::ActivityOptions).
///
/// ```
/// use std::time::Duration;
/// use durasim::{HeartbeatThrottle, Settings, Simulation};
///
/// let simulation = Simulation::temporal().settings(Settings {
///     restart_delay: Duration::from_secs(20),
///     heartbeat_throttle: HeartbeatThrottle::Off,
///     ..Default::default()
/// });
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// How long it takes to hand a task to a worker. Default 1 ms. At zero, a timer whose clock started earlier fires
    /// first where deadlines are equal, which a real server never shows.
    pub dispatch_latency: Duration,
    /// How long after a worker's death or stop a new process comes up. Default 1 s.
    pub restart_delay: Duration,
    /// How long a stopping worker lets its attempts run before it cancels and then drops them. Default 10 s. Zero cancels
    /// at once.
    pub graceful_shutdown_period: Duration,
    /// How workers hold heartbeats back. Default: as the SDK does.
    pub heartbeat_throttle: HeartbeatThrottle,
    /// How long a worker may take for one workflow task. Default 10 s; zero means the default.
    pub workflow_task_timeout: Duration,
    /// How long a workflow task waits for the worker that has the workflow in its cache where that worker has died and the
    /// service does not know it, which it does ten seconds later. A worker that stops says so. Default 10 s, as with the SDKs
    /// of Temporal; zero means that workers have no such queues. Cadence's client has none.
    pub sticky_timeout: Duration,
    /// How many times in a row a workflow task may fail before the run ends with
    /// [`RunError::WorkflowTask`](crate::RunError::WorkflowTask), *stuck on a failing task*, unless a fault of the plan, a deploy
    /// or a timeout of the workflow is ahead. A failed task is tried again as a server does: at once after the first
    /// failure, later when its timeout has passed. Default 10; zero means no limit.
    pub workflow_task_failures: u32,
    /// The number of open workflows whose code a worker keeps between their tasks; it forgets the one that has had no task
    /// for longest. A task of a workflow that was forgotten begins with a replay. Default: no limit. At zero every task is
    /// a replay, as with a worker whose cache is off.
    pub cached_workflows: u32,
    /// How long a workflow's history may grow, and from when on continue-as-new is suggested. Default: as the dialect's server
    /// does, [`HistoryLimits::TEMPORAL`] or [`HistoryLimits::CADENCE`].
    pub history_limits: Option<HistoryLimits>,
    /// The end of virtual time: a run that is not over by then ends with
    /// [`RunError::Horizon`](crate::RunError::Horizon). Default 30 days; zero is an error of the run.
    pub horizon: Duration,
    /// How often a task may wake itself without time passing before the run ends with
    /// [`RunError::Busy`](crate::RunError::Busy). Default 10,000; zero is an error of the run. Polls for which a timer or
    /// another task has woken it do not count: tasks that wake each other end the run when all of it was polled a million
    /// times at one moment, or as often as this or `event_budget` says if that is more.
    pub poll_budget: u32,
    /// How many events a run's trace may have before it ends with [`RunError::TooLong`](crate::RunError::TooLong), also
    /// within one poll of an activity whose loop never waits; and how much one workflow may ask for, and one run spawn.
    /// Code that calls durasim that often in one poll, and never less than a million times, ends the run with
    /// [`RunError::NeverWaits`](crate::RunError::NeverWaits).
    /// Default 5 million, for which a run takes some 700 MB with its trace and histories; zero is an error of the run.
    pub event_budget: usize,
    /// How long, in real time, code may go on within one poll before stderr is told of it. For durasim's own tests.
    #[doc(hidden)]
    pub patience: Duration,
    /// Lets fields be added: write `..Default::default()`.
    #[doc(hidden)]
    pub more: (),
}

/// How workers hold heartbeats back. Cadence's client has no such choice but [`Off`](Self::Off).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum HeartbeatThrottle {
    /// As the SDK does: at most one heartbeat in 0.8 of the heartbeat timeout; in 30 s without such a timeout, and never
    /// less than one in 60 s.
    #[default]
    Sdk,
    /// As the SDK does where its worker options are set: `default` in place of the 30 s, `max` in place of the 60 s. A
    /// zero is not set.
    Intervals {
        /// Without a heartbeat timeout.
        default: Duration,
        /// The longest.
        max: Duration,
    },
    /// Every heartbeat is sent at once, as no SDK does.
    Off,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            dispatch_latency: Duration::from_millis(1),
            restart_delay: Duration::from_secs(1),
            graceful_shutdown_period: Duration::from_secs(10),
            heartbeat_throttle: HeartbeatThrottle::Sdk,
            workflow_task_timeout: Duration::from_secs(10),
            sticky_timeout: Duration::from_secs(10),
            workflow_task_failures: 10,
            cached_workflows: u32::MAX,
            history_limits: None,
            horizon: Duration::from_secs(30 * 24 * 3600),
            poll_budget: 10_000,
            event_budget: 5_000_000,
            patience: Duration::from_secs(30),
            more: (),
        }
    }
}

impl Settings {
    /// The limits of histories in this dialect.
    pub(super) fn limits_of_histories(&self, dialect: Dialect) -> HistoryLimits {
        self.history_limits.unwrap_or(match dialect {
            Dialect::Temporal => HistoryLimits::TEMPORAL,
            Dialect::Cadence => HistoryLimits::CADENCE,
        })
    }

    /// The limits under which nothing could happen, in words.
    pub(crate) fn mistakes(&self) -> impl Iterator<Item = &'static str> {
        [
            (self.horizon.is_zero(), "the horizon is zero: nothing could happen before it"),
            (self.poll_budget == 0, "the poll budget is zero: nothing could run"),
            (self.event_budget == 0, "the event budget is zero: nothing could happen"),
        ]
        .into_iter()
        .filter_map(|(is_mistake, words)| is_mistake.then_some(words))
    }
}
