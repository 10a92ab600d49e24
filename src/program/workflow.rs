//! The workflow side of the seam.

use std::sync::Arc;

use thiserror::Error;

use super::failure::Failure;
use super::instant::{Span, Time};
use super::marker::Marker;
use super::payload::{Details, Payload};
use super::spec::{ActivitySpec, Seq};

/// Code of one workflow type.
pub trait WorkflowProgram: Send + Sync {
    /// The name it is started by.
    fn workflow_type(&self) -> &str;

    /// Makes a fresh instance: for a new run, and again for each replay of it.
    ///
    /// # Errors
    /// [`TaskFailure`] when the input does not decode.
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
    /// Gives the registered name of an activity, shared with all who schedule it. `None` if there is no such activity.
    fn activity_type(&self, name: &str) -> Option<Arc<str>> {
        let _ = name;
        None
    }

    /// How many events the run may have. Code that has asked for more in one activation is in a loop that never waits:
    /// the instance stops it, with [`TaskFailure::AskedForTooMuch`], or with [`TaskFailure::NeverWaits`].
    fn event_budget(&self) -> usize {
        usize::MAX
    }

    /// Calls code of the workflow that may look at the world, because no replay repeats it: a side effect. Everything
    /// else that a workflow's code does with the state, the clock or the effects of the run ends the run.
    fn outside(&self, call: &mut dyn FnMut()) {
        call();
    }
}

impl dyn WorkflowLink + '_ {
    /// Calls code by way of [`outside`](WorkflowLink::outside) and gives what it returns.
    ///
    /// # Panics
    /// If the link does not call what it is given.
    pub fn call_outside<R>(&self, call: impl FnOnce() -> R) -> R {
        let mut call = Some(call);
        let mut result = None;
        self.outside(&mut || result = call.take().map(|call| call()));
        result.expect("a link calls the code that runs outside the workflow")
    }
}

/// One instance of a workflow in a worker's cache. Dropping it is eviction: destructors run, commands are ignored.
pub trait WorkflowRun {
    /// Takes the jobs of one activation in order and runs the code until it can go no further.
    /// What it asks for then is added to `commands`, in the order in which it asked.
    ///
    /// # Errors
    /// [`TaskFailure`] when the code panics or breaks a rule. The instance is not used again.
    fn activate(&mut self, activation: &Activation, commands: &mut Vec<Command>) -> Result<(), TaskFailure>;

    /// Whether something other than the context woke the workflow's code since the last activation: such code is not
    /// deterministic, and waits for something that a replay would not bring.
    fn foreign_wake(&self) -> bool {
        false
    }
}

/// What a workflow run knows of itself.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct RunInfo {
    /// Chosen by who started it.
    pub workflow_id: Arc<str>,
    /// Of this run of it.
    pub run_id: Arc<str>,
    /// The registered name.
    pub workflow_type: Arc<str>,
    /// Where its workers poll.
    pub task_queue: Arc<str>,
    /// Which run of a retried workflow, from 1.
    pub attempt: u32,
    /// Feeds the workflow's own random numbers: the same in every replay.
    pub random_seed: u64,
    /// When the run started.
    pub started_at: Time,
}

impl RunInfo {
    /// The first run of a workflow, started at the epoch, with the random numbers of seed 0.
    pub fn new(
        workflow_id: impl Into<Arc<str>>,
        run_id: impl Into<Arc<str>>,
        workflow_type: impl Into<Arc<str>>,
        task_queue: impl Into<Arc<str>>,
    ) -> RunInfo {
        RunInfo {
            workflow_id: workflow_id.into(),
            run_id: run_id.into(),
            workflow_type: workflow_type.into(),
            task_queue: task_queue.into(),
            attempt: 1,
            random_seed: 0,
            started_at: Time::ZERO,
        }
    }

    /// Sets which run of a retried workflow it is, from 1.
    pub fn attempt(mut self, attempt: u32) -> RunInfo {
        self.attempt = attempt;
        self
    }

    /// Sets what feeds the workflow's own random numbers.
    pub fn random_seed(mut self, seed: u64) -> RunInfo {
        self.random_seed = seed;
        self
    }

    /// Sets when the run started.
    pub fn started_at(mut self, at: Time) -> RunInfo {
        self.started_at = at;
        self
    }
}

/// What starts a workflow.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct WorkflowStart {
    /// The encoded input.
    pub input: Payload,
}

impl WorkflowStart {
    /// A start with this input.
    pub fn new(input: Payload) -> WorkflowStart {
        WorkflowStart { input }
    }
}

/// News for a workflow instance, all of one moment.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct Activation {
    /// The workflow's clock: the time its task was started, the same in a replay.
    pub now: Time,
    /// Whether these jobs have been handled by an earlier instance, whose commands are known.
    pub replaying: bool,
    /// Events in the history up to this task.
    pub history_length: u64,
    /// What is new, in the order in which it is to be handled.
    pub jobs: Vec<Job>,
}

impl Activation {
    /// An activation with these jobs at this moment, which is no replay and has no history before it.
    pub fn new(now: Time, jobs: Vec<Job>) -> Activation {
        Activation { now, replaying: false, history_length: 0, jobs }
    }

    /// Says whether the jobs have been handled by an earlier instance.
    pub fn replaying(mut self, replaying: bool) -> Activation {
        self.replaying = replaying;
        self
    }

    /// Sets how many events the history has up to this task.
    pub fn history_length(mut self, events: u64) -> Activation {
        self.history_length = events;
        self
    }
}

/// One piece of news.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum Job {
    /// The first job of the first activation. What the workflow was started with was given to
    /// [`instantiate`](WorkflowProgram::instantiate).
    Start,
    /// In a replay only, and ahead of the news of its task: a marker that the answer to this very task has recorded. The
    /// code uses what is in it instead of deciding again.
    Marker(Marker),
    /// A signal has arrived.
    Signal {
        /// Which one, by name.
        name: Arc<str>,
        /// Its encoded input.
        input: Payload,
    },
    /// A timer has fired.
    FireTimer(Seq),
    /// An activity has ended for good.
    ActivityDone {
        /// Which one.
        seq: Seq,
        /// How.
        result: ActivityResolution,
    },
    /// Cancellation of the workflow was requested.
    Cancel {
        /// In words, possibly empty.
        reason: Arc<str>,
    },
    /// Somebody asks about the workflow's state. Comes in an activation of its own, behind all other news, and also to
    /// a workflow that has closed. Nothing of it is in the history; the answer is a [`Command::QueryAnswer`].
    Query {
        /// To answer with.
        id: u32,
        /// Which query, by name.
        name: Arc<str>,
        /// Its encoded input.
        input: Payload,
    },
}

/// How an activity ended, as its workflow sees it.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum ActivityResolution {
    /// With a result.
    Completed(Payload),
    /// Failed or timed out for good: an [`FailureKind::Activity`](super::FailureKind::Activity) failure.
    Failed(Arc<Failure>),
    /// Cancelled: an [`FailureKind::Activity`](super::FailureKind::Activity) failure whose cause is the cancellation.
    Cancelled(Arc<Failure>),
}

/// What a workflow asks for.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum Command {
    /// Run an activity.
    ScheduleActivity {
        /// Its number: 1 for the first.
        seq: Seq,
        /// What to run.
        spec: Arc<ActivitySpec>,
    },
    /// Cancel a scheduled activity. How its future resolves is the spec's [`CancellationType`](super::CancellationType);
    /// the worker sends the [`Job::ActivityDone`] for it.
    CancelActivity {
        /// Which one.
        seq: Seq,
    },
    /// Start a timer.
    StartTimer {
        /// Its number: 1 for the first.
        seq: Seq,
        /// How long; zero fires at once.
        duration: Span,
    },
    /// Cancel a timer: no [`Job::FireTimer`] comes for it.
    CancelTimer {
        /// Which one.
        seq: Seq,
    },
    /// Write a marker into the history. In a replay it comes back as a [`Job::Marker`].
    RecordMarker(Marker),
    /// The answer to a [`Job::Query`]. It goes to who asked, not to the service.
    QueryAnswer {
        /// Of the query.
        id: u32,
        /// The encoded answer, or why there is none.
        result: Result<Payload, Arc<Failure>>,
    },
    /// Close as completed. Must be the last command, as the other closing ones.
    Complete(Payload),
    /// Close as failed.
    Fail(Arc<Failure>),
    /// Close as cancelled.
    Cancelled(Details),
}

impl Command {
    /// Whether the workflow closes with it.
    pub fn closes_workflow(&self) -> bool {
        matches!(self, Command::Complete(_) | Command::Fail(_) | Command::Cancelled(_))
    }
}

/// Why a workflow task failed. The service records it and the run of the simulation ends with it.
#[derive(Clone, PartialEq, Debug, Error)]
#[non_exhaustive]
pub enum TaskFailure {
    /// The workflow's code panicked.
    #[error("the workflow's code panicked: {message}")]
    Panicked {
        /// The panic's message.
        message: String,
    },
    /// The input is not what the workflow takes.
    #[error("the workflow's input does not decode as `{wanted}`: {why}")]
    Input {
        /// The type it takes.
        wanted: &'static str,
        /// What the decoder says.
        why: String,
    },
    /// The code, or the SDK that hosts it, failed the task without a panic: with this failure.
    #[error("the workflow's code failed the task: {0}")]
    Failed(Arc<Failure>),
    /// In a replay the code asks for something that its history cannot give.
    #[error("the workflow is not deterministic: {0}")]
    NonDeterministic(String),
    /// The code did something that is not allowed in a workflow.
    #[error("{0}")]
    Misuse(String),
    /// The code asked for something that is not simulated: this, in the words of its SDK.
    #[error("{0} is not simulated")]
    Unsupported(String),
    /// The code called its context so often before it waited that it must be in a loop: a million times, or
    /// [`WorkflowLink::event_budget`] if that is more.
    #[error("the workflow's code has called its context {calls} times without waiting")]
    NeverWaits {
        /// How often it called.
        calls: u64,
    },
    /// The code asked for more than [`WorkflowLink::event_budget`] allows before it waited.
    #[error("the workflow's code has asked for {asked} {what} (a loop that does not wait?)")]
    AskedForTooMuch {
        /// How many it asked for.
        asked: usize,
        /// The things there are too many of, in words: `activities and timers`.
        what: &'static str,
    },
}
