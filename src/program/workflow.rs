//! The workflow side of the seam.

use std::sync::Arc;

use thiserror::Error;

use super::carried::Carried;
use super::child::{ChildResolution, ChildSpec, ChildStart, Target};
use super::continue_as_new::ContinueAsNew;
use super::extensions::Extensions;
use super::failure::Failure;
use super::instant::{Span, Time};
use super::local_activity::{LocalActivityResolution, LocalActivitySpec};
use super::marker::Marker;
use super::payload::{Details, Payload};
use super::spec::{ActivitySpec, RetrySpec, Seq};

/// Code of one workflow type.
pub trait WorkflowProgram: Send + Sync {
    /// The name by which it is started.
    fn workflow_type(&self) -> &str;

    /// Says whether the payloads of this workflow are those that [`Encoded`](super::Encoded) makes, with the metadata that an SDK gives
    /// them. Others are JSON or plain bytes. A history in Temporal's JSON has the metadata of both.
    fn has_envelopes(&self) -> bool {
        false
    }

    /// Makes a fresh instance: for a new run, and again for each replay of it.
    ///
    /// # Errors
    /// The error is [`TaskFailure`] when the input does not decode.
    fn instantiate(
        &self,
        run: Arc<RunInfo>,
        start: &WorkflowStart,
        link: Arc<dyn WorkflowLink>,
    ) -> Result<Box<dyn WorkflowRun>, TaskFailure>;
}

/// A workflow instance's way back to its worker.
///
/// Each method has an answer for an instance that is looked at by itself, without a simulation.
pub trait WorkflowLink: Send + Sync {
    /// Gives the registered name of an activity, shared with all who schedule it; `None` if there is no such activity.
    fn activity_type(&self, name: &str) -> Option<Arc<str>> {
        let _ = name;
        None
    }

    /// The number of events that the run may have. Code that has asked for more in one activation is in a loop that
    /// never waits: the instance stops it, with [`TaskFailure::AskedForTooMuch`], or with [`TaskFailure::NeverWaits`].
    fn event_budget(&self) -> usize {
        usize::MAX
    }

    /// Calls code of the workflow that may look at the world, because no replay repeats it: a side effect. Any other
    /// code of a workflow that uses the state, the clock or the effects of the run ends the run.
    fn outside(&self, call: &mut dyn FnMut()) {
        call();
    }

    /// Gives the settings that adapters keep in the simulation.
    fn extensions(&self) -> Extensions {
        Extensions::default()
    }
}

impl dyn WorkflowLink + '_ {
    /// Calls code by way of [`outside`](WorkflowLink::outside) and gives what it returns.
    ///
    /// # Panics
    /// It panics if the link does not call the function that it is given.
    pub fn call_outside<R>(&self, call: impl FnOnce() -> R) -> R {
        let mut call = Some(call);
        let mut result = None;
        self.outside(&mut || result = call.take().map(|call| call()));
        result.expect("a link calls the code that runs outside the workflow")
    }
}

/// One instance of a workflow in a worker's cache. To drop it is to evict it: destructors run, and commands are
/// ignored.
pub trait WorkflowRun {
    /// Takes the jobs of one activation in order and runs the code until it can go no further. The commands that the
    /// code then asks for are added to `commands`, in the order in which it asked.
    ///
    /// # Errors
    /// The error is [`TaskFailure`] when the code panics or breaks a rule. The instance is not used again.
    fn activate(&mut self, activation: &Activation, commands: &mut Vec<Command>) -> Result<(), TaskFailure>;

    /// Says whether something other than the context woke the workflow's code since the last activation. Such code is
    /// not deterministic, and waits for something that a replay would not bring.
    fn foreign_wake(&self) -> bool {
        false
    }
}

/// The facts that a workflow run knows about itself.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct RunInfo {
    /// The id of the workflow, chosen by the caller that started it.
    pub workflow_id: Arc<str>,
    /// The id of this run of the workflow.
    pub run_id: Arc<str>,
    /// The registered name.
    pub workflow_type: Arc<str>,
    /// The queue that its workers poll.
    pub task_queue: Arc<str>,
    /// The workflow that has started this one as its child.
    pub parent: Option<Parent>,
    /// The number of this run of a retried workflow, from 1. A run that another one has continued as is the first again.
    pub attempt: u32,
    /// The id of the first run of the chain: of the runs that follow each other by retries, schedules and
    /// continue-as-new.
    pub first_run_id: Arc<str>,
    /// The id of the run before this one in its chain; `None` for the first.
    pub continued_run_id: Option<Arc<str>>,
    /// The reason for which this run follows the one before; `None` for the first of a chain that has no schedule.
    pub initiator: Option<Initiator>,
    /// The result of the last run of the chain that completed, for a run of a schedule; `None` if none has.
    pub last_result: Option<Payload>,
    /// The failure of the run before, for a run that is a retry or follows a failed one by its schedule.
    pub last_failure: Option<Arc<Failure>>,
    /// The schedule by which the workflow is run again and again.
    pub cron: Option<Arc<str>>,
    /// The retry policy of the workflow, with the server's defaults; `None` means that it is not retried.
    pub retry: Option<Arc<RetrySpec>>,
    /// The seed of the workflow's own random numbers, which is the same in every replay.
    pub random_seed: u64,
    /// The time at which the run started.
    pub started_at: Time,
    /// The longest time that the run may be open; zero means no limit.
    pub run_timeout: Span,
    /// The longest time that all runs of the chain together may be open; zero means no limit.
    pub execution_timeout: Span,
    /// The longest time that a worker may take for one workflow task.
    pub task_timeout: Span,
    /// The values that the run carries beside its input, as it was started with them.
    pub carried: Carried,
}

/// The run of a workflow that has started another one as its child.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Parent {
    /// The id of the workflow.
    pub workflow_id: Arc<str>,
    /// The id of the run.
    pub run_id: Arc<str>,
    /// The event of the parent's history that initiated the child.
    pub initiated_event_id: u64,
}

impl Parent {
    /// Names a run that has initiated a child by this event.
    pub fn new(workflow_id: impl Into<Arc<str>>, run_id: impl Into<Arc<str>>, initiated_event_id: u64) -> Parent {
        Parent { workflow_id: workflow_id.into(), run_id: run_id.into(), initiated_event_id }
    }
}

/// The reason for which a run follows another one under the same id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Initiator {
    /// The code asked for it: continue-as-new.
    Workflow,
    /// The run before failed and is retried.
    Retry,
    /// The schedule asks for it.
    Cron,
}

/// The time that a worker may take for one workflow task, where nobody has chosen another.
pub(crate) const DEFAULT_TASK_TIMEOUT: Span = Span::from_secs(10);

impl RunInfo {
    /// Makes the first run of a workflow, started at the epoch, with the random numbers of seed 0.
    pub fn new(
        workflow_id: impl Into<Arc<str>>,
        run_id: impl Into<Arc<str>>,
        workflow_type: impl Into<Arc<str>>,
        task_queue: impl Into<Arc<str>>,
    ) -> RunInfo {
        let run_id = run_id.into();
        RunInfo {
            workflow_id: workflow_id.into(),
            first_run_id: Arc::clone(&run_id),
            run_id,
            workflow_type: workflow_type.into(),
            task_queue: task_queue.into(),
            parent: None,
            attempt: 1,
            continued_run_id: None,
            initiator: None,
            last_result: None,
            last_failure: None,
            cron: None,
            retry: None,
            random_seed: 0,
            started_at: Time::ZERO,
            run_timeout: Span::ZERO,
            execution_timeout: Span::ZERO,
            task_timeout: DEFAULT_TASK_TIMEOUT,
            carried: Carried::default(),
        }
    }

    /// Sets the number of this run of a retried workflow, from 1.
    pub fn attempt(mut self, attempt: u32) -> RunInfo {
        self.attempt = attempt;
        self
    }

    /// Sets the seed of the workflow's own random numbers.
    pub fn random_seed(mut self, seed: u64) -> RunInfo {
        self.random_seed = seed;
        self
    }

    /// Sets the longest time that the run may be open; zero means no limit.
    pub fn run_timeout(mut self, timeout: Span) -> RunInfo {
        self.run_timeout = timeout;
        self
    }

    /// Sets the time at which the run started.
    pub fn started_at(mut self, at: Time) -> RunInfo {
        self.started_at = at;
        self
    }
}

/// The values with which a workflow starts.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct WorkflowStart {
    /// The encoded input.
    pub input: Payload,
}

impl WorkflowStart {
    /// Makes a start with this input.
    pub fn new(input: Payload) -> WorkflowStart {
        WorkflowStart { input }
    }
}

/// News for a workflow instance, all of one moment.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct Activation {
    /// The workflow's clock: the time at which its task was started, which is the same in a replay.
    pub now: Time,
    /// Says whether these jobs have been handled by an earlier instance, whose commands are known.
    pub replaying: bool,
    /// The number of events in the history up to this task.
    pub history_length: u64,
    /// The size of the history before this task, in bytes; see [`HistoryLimits`](crate::HistoryLimits).
    pub history_size: u64,
    /// Says whether the service suggests to continue as new: the history is long.
    pub suggest_continue_as_new: bool,
    /// The news, in the order in which it is to be handled.
    pub jobs: Vec<Job>,
}

impl Activation {
    /// Makes an activation with these jobs at this moment, which is no replay and has no history before it.
    pub fn new(now: Time, jobs: Vec<Job>) -> Activation {
        Activation { now, replaying: false, history_length: 0, history_size: 0, suggest_continue_as_new: false, jobs }
    }

    /// Sets whether the jobs have been handled by an earlier instance.
    pub fn replaying(mut self, replaying: bool) -> Activation {
        self.replaying = replaying;
        self
    }

    /// Sets the size of the history before this task, in bytes, and whether the service suggests to continue as new.
    pub fn history_size(mut self, bytes: u64, suggest_continue_as_new: bool) -> Activation {
        (self.history_size, self.suggest_continue_as_new) = (bytes, suggest_continue_as_new);
        self
    }

    /// Sets the number of events that the history has up to this task.
    pub fn history_length(mut self, events: u64) -> Activation {
        self.history_length = events;
        self
    }
}

/// One piece of news.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum Job {
    /// The workflow starts: this is the first job of the first activation. Its input was given to
    /// [`instantiate`](WorkflowProgram::instantiate).
    Start,
    /// The answer to this very task has recorded a marker. The job comes in a replay only, and ahead of the news of its
    /// task. The code uses the content of the marker instead of deciding again.
    Marker(Marker),
    /// A signal has arrived.
    Signal {
        /// The name of the signal.
        name: Arc<str>,
        /// The encoded input of the signal.
        input: Payload,
    },
    /// An update has arrived. The code accepts it or rejects it in this very activation, with [`Command::AcceptUpdate`] or
    /// [`Command::RejectUpdate`], and ends one that it has accepted with [`Command::CompleteUpdate`].
    Update {
        /// The id of the update.
        id: Arc<str>,
        /// The name of its handler.
        name: Arc<str>,
        /// The encoded input.
        input: Payload,
        /// Says whether the code has to decide. If not, it has accepted the update before: this is a replay.
        validate: bool,
    },
    /// A timer has fired.
    FireTimer(Seq),
    /// An activity has ended for good.
    ActivityDone {
        /// The number of the activity.
        seq: Seq,
        /// The way in which it ended.
        result: ActivityResolution,
    },
    /// A local activity has ended, or is to be asked for again after a timer. The job comes in an activation of its own, within
    /// the workflow task that asked for the activity, or in a later one if that took too long.
    LocalActivityDone {
        /// The number of the local activity.
        seq: Seq,
        /// The way in which it ended.
        result: LocalActivityResolution,
    },
    /// A child has started, or cannot.
    ChildStarted {
        /// The number of the child.
        seq: Seq,
        /// The answer to its start.
        result: ChildStart,
    },
    /// A child that had started has ended, all runs of its chain.
    ChildDone {
        /// The number of the child.
        seq: Seq,
        /// The way in which it ended.
        result: ChildResolution,
    },
    /// A signal to another workflow has arrived, or cannot.
    SignalDone {
        /// The number of the signal.
        seq: Seq,
        /// The reason why it cannot arrive; `None` if it has.
        failure: Option<Arc<Failure>>,
    },
    /// A request to cancel another workflow has arrived, or cannot.
    CancelDone {
        /// The number of the request.
        seq: Seq,
        /// The reason why it cannot arrive; `None` if it has.
        failure: Option<Arc<Failure>>,
    },
    /// The request to cancel a child, which [`Command::CancelChild`] has made, has arrived, or could not. The worker
    /// keeps it to itself: an instance gets the [`ChildDone`](Job::ChildDone) that follows from it.
    ChildCancelRequested {
        /// The number of the child.
        seq: Seq,
    },
    /// Somebody asked to cancel the workflow.
    Cancel {
        /// The reason in words, possibly empty.
        reason: Arc<str>,
    },
    /// Somebody asks about the workflow's state. The job comes in an activation of its own, behind all other news, and
    /// also to a workflow that has closed. The history says nothing of it; the answer is a [`Command::QueryAnswer`].
    Query {
        /// The id to answer with.
        id: u32,
        /// The name of the query.
        name: Arc<str>,
        /// The encoded input of the query.
        input: Payload,
    },
}

/// The way in which an activity ended, as its workflow sees it.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum ActivityResolution {
    /// The activity ended with a result.
    Completed(Payload),
    /// The activity failed or timed out for good: a failure of kind
    /// [`FailureKind::Activity`](super::FailureKind::Activity).
    Failed(Arc<Failure>),
    /// The activity was cancelled: a failure of kind [`FailureKind::Activity`](super::FailureKind::Activity) whose
    /// cause is the cancellation.
    Cancelled(Arc<Failure>),
}

/// A thing that a workflow asks for.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum Command {
    /// Run an activity.
    ScheduleActivity {
        /// The number of the activity: 1 for the first.
        seq: Seq,
        /// The activity to run.
        spec: Arc<ActivitySpec>,
    },
    /// Cancel a scheduled activity. The spec's [`CancellationType`](super::CancellationType) decides how its future
    /// resolves; the worker sends the [`Job::ActivityDone`] for it.
    CancelActivity {
        /// The number of the activity.
        seq: Seq,
    },
    /// Run an activity on the worker that has the workflow task, within the task. The service sees its end only, as a marker.
    ScheduleLocalActivity {
        /// The number of the local activity: 1 for the first.
        seq: Seq,
        /// The activity to run.
        spec: Arc<LocalActivitySpec>,
    },
    /// Cancel a local activity. Its [`CancellationType`](super::CancellationType) decides how its future resolves; the worker sends
    /// the [`Job::LocalActivityDone`] for it.
    CancelLocalActivity {
        /// The number of the local activity.
        seq: Seq,
    },
    /// Start another workflow as a child of this one.
    StartChild {
        /// The number of the child: 1 for the first.
        seq: Seq,
        /// The child to start.
        spec: Arc<ChildSpec>,
    },
    /// Cancel a child. The spec's [`ChildCancellation`](super::ChildCancellation) decides whether it is asked to cancel
    /// itself, and how its future resolves; the worker sends the [`Job::ChildDone`] for it.
    CancelChild {
        /// The number of the child.
        seq: Seq,
        /// The reason in words, possibly empty, which the child sees.
        reason: Arc<str>,
    },
    /// Send a signal to another workflow.
    SignalWorkflow {
        /// The number of the signal: 1 for the first.
        seq: Seq,
        /// The workflow that gets it.
        target: Target,
        /// The name of the signal.
        name: Arc<str>,
        /// The encoded input of the signal.
        input: Payload,
    },
    /// Take back a signal to another workflow. One that the same task asks for is never sent, and ends with a failure of
    /// kind [`FailureKind::Canceled`](super::FailureKind::Canceled); one that has been sent goes its way. The worker keeps
    /// the command to itself.
    CancelSignal {
        /// The number of the signal.
        seq: Seq,
    },
    /// Ask another workflow to cancel itself.
    CancelWorkflow {
        /// The number of the request: 1 for the first.
        seq: Seq,
        /// The workflow that is asked. A child of this workflow is cancelled by [`Command::CancelChild`].
        target: Target,
        /// The reason in words, possibly empty.
        reason: Arc<str>,
    },
    /// Start a timer.
    StartTimer {
        /// The number of the timer: 1 for the first.
        seq: Seq,
        /// The time after which it fires; zero fires at once.
        duration: Span,
    },
    /// Cancel a timer: no [`Job::FireTimer`] comes for it.
    CancelTimer {
        /// The number of the timer.
        seq: Seq,
    },
    /// Write a marker into the history. In a replay it comes back as a [`Job::Marker`].
    RecordMarker(Marker),
    /// Accept an update, in the activation that has brought it.
    AcceptUpdate {
        /// The id of the update.
        id: Arc<str>,
    },
    /// Refuse an update, in the activation that has brought it. The history says nothing of it.
    RejectUpdate {
        /// The id of the update.
        id: Arc<str>,
        /// The reason, which the caller gets.
        failure: Arc<Failure>,
    },
    /// End an update that was accepted.
    CompleteUpdate {
        /// The id of the update.
        id: Arc<str>,
        /// The encoded result, or the failure that it ends with. The workflow goes on either way.
        result: Result<Payload, Arc<Failure>>,
    },
    /// The answer to a [`Job::Query`]. It goes to the caller that asked, not to the service.
    QueryAnswer {
        /// The id of the query.
        id: u32,
        /// The encoded answer, or the reason why there is none.
        result: Result<Payload, Arc<Failure>>,
    },
    /// Close as completed. This must be the last command, like the other closing ones.
    Complete(Payload),
    /// Close as failed.
    Fail(Arc<Failure>),
    /// Close as cancelled.
    Cancelled(Details),
    /// Close, and go on as another run under the same id.
    ContinueAsNew(Arc<ContinueAsNew>),
}

impl Command {
    /// Says whether the workflow closes with this command.
    pub fn closes_workflow(&self) -> bool {
        matches!(self, Command::Complete(_) | Command::Fail(_) | Command::Cancelled(_) | Command::ContinueAsNew(_))
    }
}

/// The reason why a workflow task failed. The service records it, and the run of the simulation ends with it.
#[derive(Clone, PartialEq, Debug, Error)]
#[non_exhaustive]
pub enum TaskFailure {
    /// The workflow's code panicked.
    #[error("the workflow's code panicked: {message}")]
    Panicked {
        /// The panic's message.
        message: String,
    },
    /// The input is not of the type that the workflow takes.
    #[error("the workflow's input does not decode as `{wanted}`: {why}")]
    Input {
        /// The type it takes.
        wanted: &'static str,
        /// The words of the decoder.
        why: String,
    },
    /// The code, or the SDK that hosts it, failed the task without a panic, with this failure.
    #[error("the workflow's code failed the task: {0}")]
    Failed(Arc<Failure>),
    /// In a replay the code asks for something that its history cannot give.
    #[error("the workflow is not deterministic: {0}")]
    NonDeterministic(String),
    /// The code did something that is not allowed in a workflow.
    #[error("{0}")]
    Misuse(String),
    /// The code asked for this thing, in the words of its SDK, which is not simulated.
    #[error("{0} is not simulated")]
    Unsupported(String),
    /// The code called its context so often before it waited that it must be in a loop: a million times, or
    /// [`WorkflowLink::event_budget`] times if that is more.
    #[error("the workflow's code has called its context {calls} times without waiting")]
    NeverWaits {
        /// The number of its calls.
        calls: u64,
    },
    /// The code asked for more than [`WorkflowLink::event_budget`] allows before it waited.
    #[error("the workflow's code has asked for {asked} {what} (a loop that does not wait?)")]
    AskedForTooMuch {
        /// The number of things it asked for.
        asked: usize,
        /// The sort of things there are too many of, in words: `activities and timers`.
        what: &'static str,
    },
}
