//! [`Outbox`]: the wishes and the news of the service, which the caller takes after every call.

use std::collections::VecDeque;

use super::keys::{ActivityKey, Rank, TaskToken, WorkflowKey};
use super::update::UpdateKey;
use crate::program::{Seq, Span, Time, TimeoutType};

/// The things that a call left for its caller. Drain the three lists after every call; the service only ever pushes.
#[derive(Debug, Default)]
pub struct Outbox {
    /// The timers to put into the run's queue, in the order in which their clocks start.
    pub timers: Vec<TimerRequest>,
    /// The tasks that a worker may take from this moment on.
    pub ready: VecDeque<Ready>,
    /// The messages from one workflow to another, in the order in which they are sent. Each is delivered by
    /// [`Service::deliver`](super::Service::deliver).
    pub messages: VecDeque<WorkflowMessage>,
    /// The things that happened, in order.
    pub news: VecDeque<News>,
}

impl Outbox {
    /// Says whether there is nothing to take.
    pub fn is_empty(&self) -> bool {
        self.timers.is_empty() && self.ready.is_empty() && self.messages.is_empty() && self.news.is_empty()
    }

    /// Makes an empty outbox in the memory of this one.
    pub(super) fn emptied(self) -> Outbox {
        let Outbox { mut timers, mut ready, mut messages, mut news } = self;
        timers.clear();
        ready.clear();
        messages.clear();
        news.clear();
        Outbox { timers, ready, messages, news }
    }

    pub(super) fn arm(&mut self, at: Time, timer: ServiceTimer) {
        self.timers.push(TimerRequest { at, order: None, timer });
    }
}

/// A wish to be called back with [`Service::fire`](super::Service::fire).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimerRequest {
    /// The time of the call.
    pub at: Time,
    /// The rank of the timer among equal times. `None` puts it behind all that are there. A heartbeat timer that is
    /// armed again has the rank of the heartbeat that moved it, as if it had been armed then.
    pub order: Option<Rank>,
    /// The timer to hand to `fire`.
    pub timer: ServiceTimer,
}

/// A moment at which the service wants to be called. Stale timers are recognised when they fire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ServiceTimer {
    /// One of an activity's four timeouts.
    Timeout {
        /// The activity.
        activity: ActivityKey,
        /// The attempt for which it was set; `None` for a schedule-to-close that spans all attempts.
        attempt: Option<u32>,
        /// The kind of timeout.
        timeout: TimeoutType,
    },
    /// The backoff before an attempt is over.
    RetryDue {
        /// The activity.
        activity: ActivityKey,
        /// The attempt that is due.
        attempt: u32,
    },
    /// A workflow's own timer.
    Workflow {
        /// The run whose timer it is.
        workflow: WorkflowKey,
        /// The number of the timer.
        timer: Seq,
    },
    /// A workflow task has been open for too long.
    TaskTimeout {
        /// The token of the task.
        token: TaskToken,
    },
    /// A workflow task has waited for too long for the worker that has the workflow in its cache.
    StickyTimeout {
        /// The token of the task.
        token: TaskToken,
    },
    /// The first workflow task of a run, which has waited for it, may be scheduled.
    FirstTask {
        /// The workflow run.
        workflow: WorkflowKey,
    },
    /// A workflow run has been open for too long.
    RunTimeout {
        /// The workflow run.
        workflow: WorkflowKey,
    },
}

/// A message from one workflow to another. Nothing has happened until it is delivered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WorkflowMessage {
    /// A workflow starts a child.
    StartChild {
        /// The parent.
        parent: WorkflowKey,
        /// The number of the child.
        child: Seq,
    },
    /// A workflow sends a signal to another one.
    Signal {
        /// The workflow that sends it.
        from: WorkflowKey,
        /// The event that initiated it.
        initiated_event_id: u64,
    },
    /// A workflow asks another one to cancel itself.
    Cancel {
        /// The workflow that asks.
        from: WorkflowKey,
        /// The event that initiated it.
        initiated_event_id: u64,
    },
    /// A parent has closed, and its policy is applied to a child.
    ParentClosed {
        /// The parent.
        parent: WorkflowKey,
        /// The number of the child.
        child: Seq,
    },
    /// The last run of a child has closed, and its parent is told.
    ChildClosed {
        /// The run of the child.
        run: WorkflowKey,
    },
}

/// A task that a worker may take. A stale task gives nothing when it is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ready {
    /// An attempt of an activity, for [`Service::take_activity_task`](super::Service::take_activity_task).
    Activity {
        /// The activity.
        activity: ActivityKey,
        /// The number of the attempt.
        attempt: u32,
    },
    /// A workflow task, for [`Service::take_workflow_task`](super::Service::take_workflow_task).
    Workflow {
        /// The workflow run.
        workflow: WorkflowKey,
        /// The stamp of the task.
        stamp: u32,
    },
}

/// A thing that happened. It holds indexes only; details are read through the accessors of the service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum News {
    /// An activity was scheduled.
    ActivityScheduled {
        /// The activity.
        activity: ActivityKey,
    },
    /// An attempt ended and another one will follow.
    RetryScheduled {
        /// The activity.
        activity: ActivityKey,
        /// The next attempt.
        attempt: u32,
        /// The time at which it is due; [`Time::MAX`] if the activity is paused, since an operator then decides.
        due: Time,
    },
    /// A deadline of a running attempt passed. This comes before the news of the retry or the close that follows.
    AttemptTimedOut {
        /// The activity.
        activity: ActivityKey,
        /// The attempt that was running.
        attempt: u32,
        /// The deadline.
        timeout: TimeoutType,
    },
    /// An operator has reset the attempts of an activity: the token of the one that runs is not valid any more.
    AttemptGivenUp {
        /// The activity.
        activity: ActivityKey,
        /// The attempt that runs, by the number that it had.
        attempt: u32,
    },
    /// The workflow asked to cancel an activity.
    ActivityCancelRequested {
        /// The activity.
        activity: ActivityKey,
    },
    /// An activity closed; [`Activity::outcome`](super::Activity::outcome) says how.
    ActivityClosed {
        /// The activity.
        activity: ActivityKey,
    },
    /// Somebody asked to cancel a workflow.
    WorkflowCancelRequested {
        /// The workflow run.
        workflow: WorkflowKey,
    },
    /// A signal arrived.
    SignalReceived {
        /// The run that the signal is for.
        workflow: WorkflowKey,
        /// The index of the signal in [`Workflow::signals`](super::Workflow::signals).
        signal: usize,
    },
    /// An update has reached the service, or the run that follows the one that it was for.
    UpdateAdmitted {
        /// The update.
        update: UpdateKey,
    },
    /// A workflow's code has accepted an update.
    UpdateAccepted {
        /// The update.
        update: UpdateKey,
    },
    /// A workflow's code has ended an update; [`Update::stage`](super::Update::stage) says how.
    UpdateCompleted {
        /// The update.
        update: UpdateKey,
    },
    /// A workflow's code has refused an update.
    UpdateRejected {
        /// The update.
        update: UpdateKey,
    },
    /// A run has closed with this update open.
    UpdateAborted {
        /// The update.
        update: UpdateKey,
    },
    /// A workflow recorded a marker.
    MarkerRecorded {
        /// The workflow run.
        workflow: WorkflowKey,
        /// The event that holds it.
        event_id: u64,
    },
    /// A workflow asks for a child.
    ChildInitiated {
        /// The parent.
        workflow: WorkflowKey,
        /// The number of the child.
        child: Seq,
    },
    /// A parent has heard that its child has started, or cannot.
    ChildStarted {
        /// The parent.
        workflow: WorkflowKey,
        /// The number of the child.
        child: Seq,
    },
    /// A parent has heard that its child has closed.
    ChildClosed {
        /// The parent.
        workflow: WorkflowKey,
        /// The number of the child.
        child: Seq,
    },
    /// A workflow sends a signal to another one, or asks it to cancel itself.
    MessageInitiated {
        /// The workflow that sends it.
        workflow: WorkflowKey,
        /// The event that says so.
        event_id: u64,
    },
    /// A workflow has heard what became of a signal or a request of its own to another one.
    MessageAnswered {
        /// The workflow that has sent it.
        workflow: WorkflowKey,
        /// The event that initiated it.
        initiated_event_id: u64,
        /// Says whether it has arrived.
        arrived: bool,
    },
    /// A workflow's own timer started.
    TimerStarted {
        /// The run whose timer it is.
        workflow: WorkflowKey,
        /// The number of the timer.
        timer: Seq,
        /// The time for which it runs.
        duration: Span,
    },
    /// A workflow's own timer fired.
    TimerFired {
        /// The run whose timer it is.
        workflow: WorkflowKey,
        /// The number of the timer.
        timer: Seq,
    },
    /// A workflow's own timer was cancelled.
    TimerCanceled {
        /// The run whose timer it is.
        workflow: WorkflowKey,
        /// The number of the timer.
        timer: Seq,
    },
    /// A workflow task was open for too long.
    TaskTimedOut {
        /// The run whose task it was.
        workflow: WorkflowKey,
    },
    /// A workflow task was not taken by the worker that it waited for.
    TaskNotTaken {
        /// The run whose task it is.
        workflow: WorkflowKey,
    },
    /// A workflow task failed; for a first attempt the last `WORKFLOW_TASK_FAILED` event says why.
    TaskFailed {
        /// The run whose task it was.
        workflow: WorkflowKey,
    },
    /// A workflow run started.
    WorkflowStarted {
        /// The workflow run.
        workflow: WorkflowKey,
    },
    /// A workflow run closed; [`Workflow::outcome`](super::Workflow::outcome) says how.
    WorkflowClosed {
        /// The workflow run.
        workflow: WorkflowKey,
    },
}
