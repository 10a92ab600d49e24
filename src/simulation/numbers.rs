//! The workers of a simulation, and its numbers.

use std::sync::Arc;
use std::time::Duration;

use super::Simulation;
use crate::service::HistoryLimits;
use crate::world::setup::DEFAULT_TASK_QUEUE;
use crate::world::{HeartbeatThrottle, Settings};

impl Simulation {
    /// Adds a worker. Without any there is one, which polls the default task queue and has no limit.
    ///
    /// A task goes to the worker on its queue that has waited longest and has a free slot; a workflow task first to the
    /// worker that has the workflow in its cache.
    pub fn worker(mut self, options: WorkerOptions) -> Simulation {
        let WorkerOptions { task_queue, max_concurrent_activities, more: () } = options;
        Arc::make_mut(&mut self.setup).add_worker(&task_queue, max_concurrent_activities);
        self
    }

    /// Adds so many workers that poll the default task queue and have no limit.
    pub fn workers(self, count: usize) -> Simulation {
        (0..count).fold(self, |simulation, _| simulation.worker(WorkerOptions::default()))
    }

    /// Sets all numbers of service, workers and runs at once. The methods below each set one of them, so this comes before
    /// them: after them it would undo what they did, and is an error of the run.
    pub fn settings(mut self, settings: Settings) -> Simulation {
        Arc::make_mut(&mut self.setup).set_all(settings);
        self
    }

    /// Sets one number.
    fn set(mut self, set: impl FnOnce(&mut Settings)) -> Simulation {
        Arc::make_mut(&mut self.setup).set(set);
        self
    }

    /// Sets [`Settings::dispatch_latency`].
    pub fn dispatch_latency(self, latency: Duration) -> Simulation {
        self.set(|settings| settings.dispatch_latency = latency)
    }

    /// Sets [`Settings::restart_delay`].
    pub fn restart_delay(self, delay: Duration) -> Simulation {
        self.set(|settings| settings.restart_delay = delay)
    }

    /// Sets [`Settings::graceful_shutdown_period`].
    pub fn graceful_shutdown_period(self, period: Duration) -> Simulation {
        self.set(|settings| settings.graceful_shutdown_period = period)
    }

    /// Sets [`Settings::heartbeat_throttle`] to [`HeartbeatThrottle::Intervals`].
    pub fn heartbeat_throttle(self, default: Duration, max: Duration) -> Simulation {
        self.set(|settings| settings.heartbeat_throttle = HeartbeatThrottle::Intervals { default, max })
    }

    /// Sets [`Settings::heartbeat_throttle`] to [`HeartbeatThrottle::Off`].
    pub fn no_heartbeat_throttle(self) -> Simulation {
        self.set(|settings| settings.heartbeat_throttle = HeartbeatThrottle::Off)
    }

    /// Sets [`Settings::workflow_task_timeout`].
    pub fn workflow_task_timeout(self, timeout: Duration) -> Simulation {
        self.set(|settings| settings.workflow_task_timeout = timeout)
    }

    /// Sets [`Settings::sticky_timeout`].
    pub fn sticky_timeout(self, timeout: Duration) -> Simulation {
        self.set(|settings| settings.sticky_timeout = timeout)
    }

    /// Sets [`Settings::workflow_task_failures`].
    pub fn workflow_task_failures(self, failures: u32) -> Simulation {
        self.set(|settings| settings.workflow_task_failures = failures)
    }

    /// Sets [`Settings::cached_workflows`].
    pub fn cached_workflows(self, workflows: u32) -> Simulation {
        self.set(|settings| settings.cached_workflows = workflows)
    }

    /// Sets [`Settings::history_limits`].
    pub fn history_limits(self, limits: HistoryLimits) -> Simulation {
        self.set(|settings| settings.history_limits = Some(limits))
    }

    /// Sets [`Settings::horizon`].
    pub fn horizon(self, horizon: Duration) -> Simulation {
        self.set(|settings| settings.horizon = horizon)
    }

    /// Sets [`Settings::poll_budget`].
    pub fn poll_budget(self, polls: u32) -> Simulation {
        self.set(|settings| settings.poll_budget = polls)
    }

    /// Sets [`Settings::event_budget`].
    pub fn event_budget(self, events: usize) -> Simulation {
        self.set(|settings| settings.event_budget = events)
    }
}

/// One worker of a simulation. Fields that are left out come from the default: `..Default::default()`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorkerOptions {
    /// The task queue that it polls for workflow and activity tasks. The default is `default`, on which workflows run,
    /// and activities that name no other queue.
    pub task_queue: String,
    /// The number of attempts that it runs at once. Zero, the default, means not set: no limit.
    pub max_concurrent_activities: u32,
    /// A field that lets fields be added: write `..Default::default()`.
    #[doc(hidden)]
    pub more: (),
}

impl Default for WorkerOptions {
    fn default() -> WorkerOptions {
        WorkerOptions { task_queue: DEFAULT_TASK_QUEUE.to_owned(), max_concurrent_activities: 0, more: () }
    }
}
