//! [`Outbox`]: what the service wants and what it has to say, for the caller to take after every call.

use std::collections::VecDeque;

use super::keys::{ActivityKey, Rank, TaskToken, WorkflowKey};
use crate::program::{Seq, Span, Time, TimeoutType};

/// What a call left for its caller. Drain the three lists after every call; the service only ever pushes.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Timers to put into the run's queue, in the order in which their clocks start.
    pub timers: Vec<TimerRequest>,
    /// Tasks that a worker may take from this moment on.
    pub ready: VecDeque<Ready>,
    /// What happened, in order.
    pub news: VecDeque<News>,
}

impl Outbox {
    /// Whether there is nothing to take.
    pub fn is_empty(&self) -> bool {
        self.timers.is_empty() && self.ready.is_empty() && self.news.is_empty()
    }

    /// An empty one in the memory of this one.
    pub(super) fn emptied(self) -> Outbox {
        let Outbox { mut timers, mut ready, mut news } = self;
        timers.clear();
        ready.clear();
        news.clear();
        Outbox { timers, ready, news }
    }

    pub(super) fn arm(&mut self, at: Time, timer: ServiceTimer) {
        self.timers.push(TimerRequest { at, order: None, timer });
    }
}

/// A wish to be called back with [`Service::fire`](super::Service::fire).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimerRequest {
    /// When.
    pub at: Time,
    /// Where among equal times. `None` is "behind all that are there". A heartbeat timer that is armed again has the
    /// rank of the heartbeat that moved it, as if it had been armed then.
    pub order: Option<Rank>,
    /// What to hand to `fire`.
    pub timer: ServiceTimer,
}

/// A moment at which the service wants to be called. Stale ones are recognised when they fire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ServiceTimer {
    /// One of an activity's four timeouts.
    Timeout {
        /// Which activity.
        activity: ActivityKey,
        /// The attempt it was set for; `None` for a schedule-to-close that spans them all.
        attempt: Option<u32>,
        /// Which of the four.
        timeout: TimeoutType,
    },
    /// The backoff before an attempt is over.
    RetryDue {
        /// Which activity.
        activity: ActivityKey,
        /// The attempt that is due.
        attempt: u32,
    },
    /// A workflow's own timer.
    Workflow {
        /// Whose.
        workflow: WorkflowKey,
        /// Its number.
        timer: Seq,
    },
    /// A workflow task has been open for too long.
    TaskTimeout {
        /// Which task.
        token: TaskToken,
    },
    /// A workflow run has been open for too long.
    RunTimeout {
        /// Which run.
        workflow: WorkflowKey,
    },
}

/// A task that a worker may take. Taking a stale one gives nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ready {
    /// An attempt of an activity, for [`Service::take_activity_task`](super::Service::take_activity_task).
    Activity {
        /// Which activity.
        activity: ActivityKey,
        /// Which attempt.
        attempt: u32,
    },
    /// A workflow task, for [`Service::take_workflow_task`](super::Service::take_workflow_task).
    Workflow {
        /// Which run.
        workflow: WorkflowKey,
        /// Which of its tasks.
        stamp: u32,
    },
}

/// What happened. Indexes only; details are read through the accessors of the service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum News {
    /// An activity was scheduled.
    ActivityScheduled {
        /// Which activity.
        activity: ActivityKey,
    },
    /// An attempt ended and another one will follow.
    RetryScheduled {
        /// Which activity.
        activity: ActivityKey,
        /// The next attempt.
        attempt: u32,
        /// When it is due; [`Time::MAX`] if the activity is paused, and an operator says when.
        due: Time,
    },
    /// A deadline of a running attempt passed. Said before the retry or the close that follows from it.
    AttemptTimedOut {
        /// Which activity.
        activity: ActivityKey,
        /// The attempt that was running.
        attempt: u32,
        /// The deadline.
        timeout: TimeoutType,
    },
    /// The workflow asked to cancel an activity.
    ActivityCancelRequested {
        /// Which activity.
        activity: ActivityKey,
    },
    /// An activity closed; [`Activity::outcome`](super::Activity::outcome) says how.
    ActivityClosed {
        /// Which activity.
        activity: ActivityKey,
    },
    /// Somebody asked to cancel a workflow.
    WorkflowCancelRequested {
        /// Which run.
        workflow: WorkflowKey,
    },
    /// A signal arrived.
    SignalReceived {
        /// For which run.
        workflow: WorkflowKey,
        /// Its index in [`Workflow::signals`](super::Workflow::signals).
        signal: usize,
    },
    /// A workflow recorded a marker.
    MarkerRecorded {
        /// Which run.
        workflow: WorkflowKey,
        /// The event that holds it.
        event_id: u64,
    },
    /// A workflow's own timer started.
    TimerStarted {
        /// Whose.
        workflow: WorkflowKey,
        /// Its number.
        timer: Seq,
        /// How long it runs.
        duration: Span,
    },
    /// A workflow's own timer fired.
    TimerFired {
        /// Whose.
        workflow: WorkflowKey,
        /// Its number.
        timer: Seq,
    },
    /// A workflow's own timer was cancelled.
    TimerCanceled {
        /// Whose.
        workflow: WorkflowKey,
        /// Its number.
        timer: Seq,
    },
    /// A workflow task was open for too long.
    TaskTimedOut {
        /// Of which run.
        workflow: WorkflowKey,
    },
    /// A workflow task failed; for a first attempt the last `WORKFLOW_TASK_FAILED` event says why.
    TaskFailed {
        /// Of which run.
        workflow: WorkflowKey,
    },
    /// A workflow run closed; [`Workflow::outcome`](super::Workflow::outcome) says how.
    WorkflowClosed {
        /// Which run.
        workflow: WorkflowKey,
    },
}
