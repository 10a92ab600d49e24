//! The workflow side of the seam.

use std::sync::Arc;

use thiserror::Error;

use super::failure::Failure;
use super::instant::{Span, Time};
use super::marker::Marker;
use super::payload::{Details, Payload};
use super::spec::ActivitySpec;

/// A number that a workflow gives to each thing it starts, from 1, separately for activities and timers.
pub type Seq = u32;

/// Code of one workflow type.
pub trait WorkflowProgram: Send + Sync {
    /// The name it is started by.
    fn workflow_type(&self) -> &str;

    /// Makes a fresh instance: for a new run, and again for each replay of it.
    ///
    /// # Errors
    /// [`TaskFailure`] when the input does not decode.
    fn instantiate(&self, run: Arc<RunInfo>, start: &WorkflowStart) -> Result<Box<dyn WorkflowRun>, TaskFailure>;
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

/// What starts a workflow.
#[derive(Clone, PartialEq, Debug)]
pub struct WorkflowStart {
    /// The encoded input.
    pub input: Payload,
}

/// News for a workflow instance, all of one moment.
#[derive(Clone, PartialEq, Debug)]
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
    /// In a replay the code asks for something that its history cannot give.
    #[error("the workflow is not deterministic: {0}")]
    NonDeterministic(String),
    /// The code did something that is not allowed in a workflow.
    #[error("{0}")]
    Misuse(String),
}
