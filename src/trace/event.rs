//! [`Event`]: the vocabulary of the trace.

use super::bytes::Bytes;
use super::keys::{AnswerKey, AttemptKey, FailureKey, FaultKey, MarkerKey, SignalKey, WorkerKey};
use crate::program::{CancelReason, RetryState, Span, Time, TimeoutType};
use crate::service::{ActivityKey, UpdateKey, WorkflowKey};

/// One thing that happened.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub struct Event {
    /// The time at which it happened.
    pub at: Time,
    /// The thing that it happened to.
    pub who: Who,
    /// The thing that happened.
    pub what: What,
}

/// The thing that an event is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Who {
    /// The run as a whole.
    Run,
    /// A workflow run, by its key in [`Trace::workflows`](super::Trace::workflows).
    Workflow(WorkflowKey),
    /// An activity as the service knows it, by its key in [`Trace::activities`](super::Trace::activities).
    Activity(ActivityKey),
    /// One attempt on its worker, by its key in [`Trace::attempts`](super::Trace::attempts).
    Attempt(AttemptKey),
    /// A worker; texts count workers from 1.
    Worker(WorkerKey),
}

/// The way in which an attempt's code ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Ended {
    /// It ended with a result.
    Completed,
    /// It ended with an error.
    Failed,
    /// It ended with an error that says it was cancelled.
    Cancelled,
    /// It panicked.
    Panicked,
    /// Somebody else completes it by id.
    Async,
}

/// One kind of event. "Recorded", "sent" and "visible" are the three stages of a heartbeat.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum What {
    // Workflow runs.
    /// Workflow: started, with its input.
    WorkflowStarted(Bytes),
    /// Workflow: a worker took this attempt at its N-th workflow task (numbered as in `taskN`).
    TaskStarted {
        /// The task's number, from 1; a repeated attempt keeps it.
        task: u32,
        /// The attempt, from 1.
        attempt: u32,
    },
    /// Workflow: the task was answered with so many commands.
    TaskCompleted(u32),
    /// Workflow: the task was open for too long and is given out again.
    TaskTimedOut,
    /// Workflow: the worker that has it in its cache did not take the task in time, and it is given out again.
    TaskNotTaken,
    /// Workflow: the task failed, with this text.
    TaskFailed(Bytes),
    /// Workflow: a fresh instance took in so many events of its history.
    Replayed(u32),
    /// Workflow: the instance in the worker's cache was dropped.
    Evicted,
    /// Workflow: somebody asked to cancel it.
    CancelRequested,
    /// Workflow: a timer started, for so long.
    TimerStarted {
        /// The number of the timer.
        timer: u32,
        /// The time for which it runs.
        duration: Span,
    },
    /// Workflow: a timer fired.
    TimerFired(u32),
    /// Workflow: a timer was cancelled.
    TimerCanceled(u32),
    /// Workflow: closed with a result.
    WorkflowCompleted(Bytes),
    /// Workflow: closed with a failure, by its key.
    WorkflowFailed(FailureKey),
    /// Workflow: closed as cancelled.
    WorkflowCanceled,
    /// Workflow: closed by its run timeout.
    WorkflowTimedOut,

    // Activities, at the service.
    /// Activity: scheduled, with its input.
    Scheduled(Bytes),
    /// Activity: its next attempt is due at this time.
    RetryScheduled(Time),
    /// Activity: a deadline of the running attempt passed; the attempt is given up.
    TimedOut(TimeoutType),
    /// Activity: its workflow asked to cancel it.
    ActivityCancelRequested,
    /// Activity: closed with a result.
    ActivityCompleted(Bytes),
    /// Activity: closed with a failure (by its key), and not retried for the reason that the state gives.
    ActivityFailed {
        /// The failure, by its key.
        failure: FailureKey,
        /// The reason why it was not retried.
        retry_state: RetryState,
    },
    /// Activity: closed by a timeout (failure by its key), and not retried for the reason that the state gives.
    ActivityTimedOut {
        /// The failure, by its key.
        failure: FailureKey,
        /// The reason why it was not retried.
        retry_state: RetryState,
    },
    /// Activity: closed as cancelled.
    ActivityCanceled,

    // Attempts, on their worker.
    /// Attempt: started, with the details visible by then.
    AttemptStarted(Option<Bytes>),
    /// Attempt: the code looked at its heartbeat details.
    DetailsRead,
    /// Attempt: its heartbeat details do not decode as what the code wants, for this reason.
    DetailsUndecoded(Bytes),
    /// Attempt: the code found a way to read the details that had not decoded.
    DetailsDecoded,
    /// Attempt: returned `Pending`, for the N-th time.
    Awaited(u32),
    /// Attempt: recorded a heartbeat.
    HeartbeatRecorded(Option<Bytes>),
    /// Attempt: a heartbeat left the worker.
    HeartbeatSent(Option<Bytes>),
    /// Attempt: the service has the heartbeat, which the next attempt will see.
    HeartbeatVisible(Option<Bytes>),
    /// Attempt: an effect of this name was done, or tried.
    Effect {
        /// The name of the effect.
        name: Bytes,
        /// Says whether the outside world has it.
        applied: bool,
    },
    /// Attempt: was told to stop.
    CancelDelivered(CancelReason),
    /// Attempt: was told that its worker is stopping.
    WorkerStopping,
    /// Attempt: its code ended in this way, with its result or the error's text.
    Ended {
        /// The way in which it ended.
        how: Ended,
        /// The result, the error's text, or nothing.
        detail: Option<Bytes>,
    },
    /// Attempt: a task that its code left behind recorded a heartbeat, which goes nowhere.
    HeartbeatAfterEnd,
    /// Attempt: the service refused its message as stale.
    Refused,
    /// Attempt: its report is dropped by the worker, since the service knows the attempt no more.
    ReportDropped,
    /// Attempt: died with its worker, or was made to vanish.
    Died,
    /// Attempt: dropped by its worker at the end of the grace period.
    Aborted,
    /// Attempt: the service has given it up, and it runs on.
    Zombie,

    // Workers.
    /// Worker: the process died.
    WorkerCrashed,
    /// Worker: a new process is up.
    WorkerStarted,
    /// Worker: a new process is up, with the version of the code that a deploy has put in place, or with the old one once a
    /// rollback has.
    WorkerDeployed {
        /// It is the new version.
        is_new: bool,
    },
    /// Worker: was told to stop.
    StopSignal,
    /// Worker: stopped for good.
    WorkerStopped,
    /// Worker: stands still.
    Frozen,
    /// Worker: goes on.
    Thawed,

    /// A fault struck, by its key in [`Trace::faults`](super::Trace::faults).
    Fault(FaultKey),
    /// A thing that a fault has held goes on: a report, a signal, a timer or a task.
    LetGo {
        /// The fault, by its key in [`Trace::faults`](super::Trace::faults).
        fault: FaultKey,
        /// Says whether the thing that it waited for has come. Otherwise the fault was in vain, and counts as not struck.
        came: bool,
    },
    /// Run: so many background tasks were still there at the end.
    TasksLeft(u32),

    /// Workflow: a signal arrived, by its key in [`Trace::signals`](super::Trace::signals).
    SignalReceived(SignalKey),
    /// Workflow: an update has reached the service, by its key in [`Trace::updates`](super::Trace::updates). No code has seen
    /// it so far. One that the run before has not accepted comes to the run that follows, under the same key.
    UpdateAdmitted(UpdateKey),
    /// Workflow: its code has accepted an update.
    UpdateAccepted(UpdateKey),
    /// Workflow: its code has refused an update, with this failure.
    UpdateRejected {
        /// The update.
        update: UpdateKey,
        /// The failure, by its key.
        failure: FailureKey,
    },
    /// Workflow: its code has ended an update with this result.
    UpdateCompleted {
        /// The update.
        update: UpdateKey,
        /// The result.
        result: Bytes,
    },
    /// Workflow: its code has ended an update with this failure.
    UpdateFailed {
        /// The update.
        update: UpdateKey,
        /// The failure, by its key.
        failure: FailureKey,
    },
    /// Workflow: closed with this update open. Its caller hears of a failure.
    UpdateAborted(UpdateKey),
    /// Workflow: a marker was written, by its key in [`Trace::markers`](super::Trace::markers).
    MarkerRecorded(MarkerKey),
    /// Workflow: closed from outside, for this reason.
    WorkflowTerminated(Bytes),
    /// Workflow: closed, and goes on as another run under the same id.
    WorkflowContinuedAsNew,
    /// Workflow: asks for a child.
    ChildInitiated {
        /// The number of the child.
        child: u32,
        /// The workflow id of the child.
        id: Bytes,
    },
    /// Workflow: has heard that its child of this number has started.
    ChildStarted(u32),
    /// Workflow: has heard that its child of this number cannot start, since its id is taken.
    ChildRefused(u32),
    /// Workflow: has heard that its child of this number has closed.
    ChildClosed(u32),
    /// Workflow: sends a signal to the workflow of this id.
    SignalSent(Bytes),
    /// Workflow: asks the workflow of this id to cancel itself.
    CancelSent(Bytes),
    /// Workflow: has heard what became of a signal or a request to cancel.
    MessageAnswered {
        /// The workflow id that it was for.
        to: Bytes,
        /// Says whether it was a request to cancel.
        is_cancel: bool,
        /// Says whether it has arrived.
        arrived: bool,
    },
    /// Workflow: its code answered a query, or could not, by its key in [`Trace::answers`](super::Trace::answers).
    QueryAnswered(AnswerKey),
}

impl What {
    /// Says whether a workflow run closes with this.
    pub fn closes_workflow(self) -> bool {
        matches!(
            self,
            What::WorkflowCompleted(_)
                | What::WorkflowFailed(_)
                | What::WorkflowCanceled
                | What::WorkflowTimedOut
                | What::WorkflowTerminated(_)
                | What::WorkflowContinuedAsNew
        )
    }
}
