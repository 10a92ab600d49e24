//! [`Executions`]: a finished trace, read once.
//!
//! A trace is a list of events. Checks, points, records and counts ask about things: when an attempt started, which
//! checkpoint it was given, what it sent, what struck it, how it ended. The answers are read from the events here and
//! nowhere else. Each thing has the time at which it happened and the event that says so, as a [`Moment`], so that a
//! check can compare the order of two things and can prove its finding.
//!
//! ```
//! # use durasim::{ActivityContext, ActivityError, ActivityOptions, Simulation, WorkflowContext};
//! # use std::time::Duration;
//! # async fn copy(ctx: &ActivityContext, files: u32) -> Result<u32, ActivityError> {
//! #     for file in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..files { ctx.heartbeat(&(file + 1))?; }
//! #     Ok(files)
//! # }
//! # let simulation = Simulation::temporal().activity("copy", copy).workflow("backup", async |ctx: &WorkflowContext, files: u32| {
//! #     let options = ActivityOptions { start_to_close_timeout: Duration::from_secs(9), ..Default::default() };
//! #     ctx.execute_activity::<u32>("copy", &files, options).await
//! # });
//! let run = simulation.run("backup", &3)?;
//! for attempt in run.executions().attempts().values() {
//!     let first = attempt.heartbeats.first().expect("it heartbeats");
//!     assert!(first.recorded > attempt.started);
//! }
//! # Ok::<_, durasim::RunError>(())
//! ```

mod reader;

use std::collections::BTreeMap;
use std::time::Duration;

use super::{AttemptKey, Bytes, FailureKey, FaultKey, SignalKey, WorkerKey};
use crate::program::{CancelReason, RetryState, Span, Table, Time, TimeoutType};
use crate::service::{ActivityKey, UpdateKey, WorkflowKey};

/// The time at which something happened, and the event of the trace that says so. Later events are greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Moment {
    /// The index of the event in [`Trace::events`](super::Trace::events).
    pub event: usize,
    /// The virtual time.
    pub at: Time,
}

/// All workflows, activities, attempts and workers of a run. [`Run::executions`](crate::Run::executions) makes it.
#[derive(Clone, Debug, Default)]
pub struct Executions {
    workflows: Table<WorkflowKey, WorkflowExecution>,
    activities: Table<ActivityKey, ActivityExecution>,
    attempts: Table<AttemptKey, AttemptExecution>,
    workers: Table<WorkerKey, WorkerExecution>,
    faults: Table<FaultKey, Moment>,
    let_go: BTreeMap<FaultKey, Moment>,
    end: Option<Moment>,
}

/// One try of an activity, on its worker.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AttemptExecution {
    /// Its key in [`Trace::attempts`](super::Trace::attempts).
    pub key: AttemptKey,
    /// Its activity.
    pub activity: ActivityKey,
    /// The number of the attempt of its activity, from 1.
    pub number: u32,
    /// The worker that took it: shown by its number from 1, as in timelines.
    pub worker: WorkerKey,
    /// The moment at which it started.
    pub started: Moment,
    /// The checkpoint that it was given.
    pub details: Option<Bytes>,
    /// The moment at which its code first looked at the checkpoint.
    pub details_read: Option<Moment>,
    /// The moment at which the checkpoint did not decode as the code wanted it, and the reason; `None` if it decoded, also in
    /// another way afterwards.
    pub details_undecoded: Option<(Moment, Bytes)>,
    /// The moments at which its code returned `Pending`.
    pub awaits: Vec<Moment>,
    /// The effects that its code did or tried.
    pub effects: Vec<EffectExecution>,
    /// The heartbeats that its code recorded.
    pub heartbeats: Vec<HeartbeatExecution>,
    /// The faults that struck it, those at its dispatch and at the wait after it included.
    pub faults: Vec<StruckFault>,
    /// The moment at which its code was told that it is cancelled, and the reason.
    pub cancelled: Option<(Moment, CancelReason)>,
    /// The moment at which its code was told that its worker is about to stop.
    pub worker_stopping: Option<Moment>,
    /// The way in which it ended.
    pub end: AttemptEnd,
    /// The moment at which it ended; `None` if it was still running at the end of the run.
    pub ended: Option<Moment>,
    /// The result or the error's text, if it ended by its own code and has one.
    pub detail: Option<Bytes>,
    /// The fate of its report.
    pub report: ReportEnd,
    /// The moment at which the service refused the report.
    pub report_refused: Option<Moment>,
    /// The moments at which a task that its code left behind recorded a heartbeat, which goes nowhere.
    pub heartbeats_after_end: Vec<Moment>,
    /// The moment at which the service gave it up for a timeout, and that timeout.
    pub timed_out: Option<(Moment, TimeoutType)>,
    /// The moment at which the service gave it up while its code ran on.
    pub zombie: Option<Moment>,
    /// The moment at which the service decided on another attempt after this one.
    pub retried: Option<Moment>,
}

/// The way in which an attempt ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum AttemptEnd {
    /// It was still running at the end of the run.
    Running,
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
    /// It died with its worker, or vanished.
    Died,
    /// Its worker dropped it at the end of the grace period.
    Aborted,
}

/// The fate of the report that a worker sends when an attempt's code has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ReportEnd {
    /// There is none: the attempt has not ended by its own code, or leaves its completion to somebody else.
    None,
    /// The service acted on it.
    Taken,
    /// The service refused it: it had given the attempt up, or nobody had asked to cancel.
    Refused,
    /// The worker did not send it, since it knew that the service had given the attempt up.
    Dropped,
    /// The service never said that it has it: it was lost, or was still on its way at the end of the run.
    Lost,
}

/// Something done to the outside world.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct EffectExecution {
    /// The moment at which it was done or tried.
    pub moment: Moment,
    /// Its name.
    pub name: Bytes,
    /// Says whether the outside world has it.
    pub applied: bool,
}

/// One heartbeat on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct HeartbeatExecution {
    /// Its details; `None` for one without, which erases the checkpoint.
    pub details: Option<Bytes>,
    /// The moment at which the code recorded it.
    pub recorded: Moment,
    /// The moment at which it left the worker; `None` if a later one took its place, or the attempt ended first.
    pub sent: Option<Moment>,
    /// The moment at which the service had it.
    pub visible: Option<Moment>,
}

/// A fault that struck.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct StruckFault {
    /// The moment at which it struck.
    pub moment: Moment,
    /// The key of the fault in [`Trace::faults`](super::Trace::faults).
    pub key: FaultKey,
}

/// An activity, as the service sees it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ActivityExecution {
    /// Its key in [`Trace::activities`](super::Trace::activities).
    pub key: ActivityKey,
    /// The workflow that scheduled it.
    pub workflow: WorkflowKey,
    /// The moment at which it was scheduled.
    pub scheduled: Moment,
    /// Its input.
    pub input: Bytes,
    /// The attempts that workers took, in the order in which they started.
    pub attempts: Vec<AttemptKey>,
    /// The moments at which the service decided on another attempt, and the times at which those are due.
    pub retries: Vec<(Moment, Time)>,
    /// The timeouts that it ran into, those of single attempts included.
    pub timeouts: Vec<(Moment, TimeoutType)>,
    /// The moment at which its workflow asked to cancel it.
    pub cancel_requested: Option<Moment>,
    /// The moment and the way in which it closed; `None` if it did not.
    pub closed: Option<(Moment, ActivityEnd)>,
    /// The faults that struck while no attempt ran: at a dispatch, or at the wait before a retry.
    pub faults: Vec<StruckFault>,
}

/// The way in which an activity closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ActivityEnd {
    /// It closed with this result.
    Completed(Bytes),
    /// It closed with this failure, and was not retried for this reason.
    Failed(FailureKey, RetryState),
    /// It closed with this failure of a timeout, and was not retried for this reason.
    TimedOut(FailureKey, RetryState),
    /// It closed as cancelled.
    Canceled,
}

/// A workflow run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WorkflowExecution {
    /// Its key in [`Trace::workflows`](super::Trace::workflows).
    pub key: WorkflowKey,
    /// The moment at which it was started.
    pub started: Moment,
    /// Its input.
    pub input: Bytes,
    /// The activities that it scheduled.
    pub activities: Vec<ActivityKey>,
    /// The workflow tasks that workers took. A repeated task is there as often as it was taken.
    pub tasks: Vec<TaskExecution>,
    /// The timers that it started, by number.
    pub timers: Vec<TimerExecution>,
    /// The children that it asked for, by number.
    pub children: Vec<ChildExecution>,
    /// The signals and requests to cancel that it sent to other workflows, in the order in which it sent them.
    pub messages: Vec<MessageExecution>,
    /// The signals that arrived.
    pub signals: Vec<(Moment, SignalKey)>,
    /// The updates that reached the service for it, in that order.
    pub updates: Vec<UpdateExecution>,
    /// The moment at which somebody first asked to cancel it.
    pub cancel_requested: Option<Moment>,
    /// The moment and the way in which it closed; `None` if it did not.
    pub closed: Option<(Moment, WorkflowEnd)>,
    /// The faults that struck at its own sites.
    pub faults: Vec<StruckFault>,
}

/// An update of a workflow run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct UpdateExecution {
    /// Its key in [`Trace::updates`](super::Trace::updates).
    pub key: UpdateKey,
    /// The moment at which it reached the service.
    pub admitted: Moment,
    /// The moment at which the code accepted it.
    pub accepted: Option<Moment>,
    /// The moment and the way in which it ended; `None` if it did not.
    pub ended: Option<(Moment, UpdateEnd)>,
}

/// The way in which an update ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum UpdateEnd {
    /// The code ended it with this result.
    Completed(Bytes),
    /// The code ended it with this failure.
    Failed(FailureKey),
    /// The code refused it with this failure.
    Rejected(FailureKey),
    /// The run closed before.
    Aborted,
}

/// A workflow task in the hands of a worker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct TaskExecution {
    /// The moment at which the worker took it.
    pub started: Moment,
    /// The task's number, from 1; a repeated attempt keeps it.
    pub number: u32,
    /// The attempt at the task, from 1.
    pub attempt: u32,
}

/// A timer of a workflow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct TimerExecution {
    /// Its number, from 1.
    pub number: u32,
    /// The moment at which it was started.
    pub started: Moment,
    /// The time for which it runs.
    pub duration: Span,
    /// The moment at which it fired.
    pub fired: Option<Moment>,
    /// The moment at which it was cancelled.
    pub cancelled: Option<Moment>,
}

/// A child of a workflow, as its parent knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ChildExecution {
    /// Its number, from 1.
    pub number: u32,
    /// Its workflow id.
    pub id: Bytes,
    /// The moment at which the parent asked for it.
    pub asked: Moment,
    /// The moment at which the parent heard that it has started.
    pub started: Option<Moment>,
    /// The moment at which the parent heard that its id is taken.
    pub refused: Option<Moment>,
    /// The moment at which the parent first asked it to cancel itself.
    pub cancel_requested: Option<Moment>,
    /// The moment at which the parent heard that it has closed.
    pub closed: Option<Moment>,
}

/// A signal or a request to cancel from one workflow to another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct MessageExecution {
    /// The workflow id that it is for.
    pub to: Bytes,
    /// Says whether it is a request to cancel.
    pub is_cancel: bool,
    /// The moment at which it was sent.
    pub sent: Moment,
    /// The moment at which its sender heard what became of it, and whether it has arrived.
    pub answered: Option<(Moment, bool)>,
}

/// The way in which a workflow run closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum WorkflowEnd {
    /// It closed with this result.
    Completed(Bytes),
    /// It closed with this failure.
    Failed(FailureKey),
    /// It closed as cancelled.
    Canceled,
    /// It was closed by its run timeout.
    TimedOut,
    /// It was closed from outside, for this reason.
    Terminated(Bytes),
    /// It has done its part, and another run follows under the same id.
    ContinuedAsNew,
}

/// A worker, through all its processes.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct WorkerExecution {
    /// The moments at which a process came up.
    pub started: Vec<Moment>,
    /// The moments at which a process died.
    pub crashed: Vec<Moment>,
    /// The moments at which a process was told to stop.
    pub stop_signals: Vec<Moment>,
    /// The moments at which a process had stopped.
    pub stopped: Vec<Moment>,
    /// The times in which it stood still.
    pub freezes: Vec<Freeze>,
}

/// A time in which a worker stood still.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Freeze {
    /// The moment at which it began.
    pub from: Moment,
    /// The moment at which the worker went on, or died; `None` if it stood still until the end of the run.
    pub until: Option<Moment>,
}

impl Executions {
    /// The workflow runs, by the keys of [`Trace::workflows`](super::Trace::workflows).
    pub fn workflows(&self) -> &Table<WorkflowKey, WorkflowExecution> {
        &self.workflows
    }

    /// The activities, by the keys of [`Trace::activities`](super::Trace::activities).
    pub fn activities(&self) -> &Table<ActivityKey, ActivityExecution> {
        &self.activities
    }

    /// The attempts, by the keys of [`Trace::attempts`](super::Trace::attempts).
    pub fn attempts(&self) -> &Table<AttemptKey, AttemptExecution> {
        &self.attempts
    }

    /// The workers, in the order in which the simulation got them.
    pub fn workers(&self) -> &Table<WorkerKey, WorkerExecution> {
        &self.workers
    }

    /// The moment at which each fault struck, by the keys of [`Trace::faults`](super::Trace::faults).
    pub fn faults(&self) -> &Table<FaultKey, Moment> {
        &self.faults
    }

    /// The moment at which something went on that this fault had held; `None` if it holds nothing, or held it until the end of
    /// the run.
    pub fn let_go(&self, fault: FaultKey) -> Option<Moment> {
        self.let_go.get(&fault).copied()
    }

    /// The moment of the last event.
    pub fn end(&self) -> Option<Moment> {
        self.end
    }

    /// The attempts of an activity, in the order in which they started.
    pub fn attempts_of(
        &self,
        activity: ActivityKey,
    ) -> impl DoubleEndedIterator<Item = &AttemptExecution> + ExactSizeIterator + Clone {
        self.activities[activity].attempts.iter().map(|attempt| &self.attempts[*attempt])
    }

    /// The attempt at the same activity that started next.
    pub fn successor(&self, attempt: &AttemptExecution) -> Option<&AttemptExecution> {
        let attempts = &self.activities[attempt.activity].attempts;
        let next = attempts.partition_point(|other| *other <= attempt.key);
        attempts.get(next).map(|next| &self.attempts[*next])
    }

    /// The times in which the attempt's worker stood still while the attempt ran.
    pub fn freezes_of(&self, attempt: &AttemptExecution) -> &[Freeze] {
        let freezes = self.workers.get(attempt.worker).map_or(&[] as &[Freeze], |worker| &worker.freezes);
        let first = freezes.partition_point(|freeze| freeze.until.is_some_and(|until| until < attempt.started));
        let after = freezes.partition_point(|freeze| attempt.ended.is_none_or(|ended| freeze.from < ended));
        &freezes[first.min(after)..after]
    }
}

impl AttemptExecution {
    /// The time for which it ran; `None` if it was still running at the end of the run.
    pub fn length(&self) -> Option<Duration> {
        self.ended.map(|ended| ended.at - self.started.at)
    }

    /// Says whether its code came to an end by itself, in whatever way.
    pub fn ended_by_itself(&self) -> bool {
        !matches!(self.end, AttemptEnd::Running | AttemptEnd::Died | AttemptEnd::Aborted)
    }
}
