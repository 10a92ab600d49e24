//! [`RunError`]: why a run could not be finished.

use std::fmt;
use std::time::Duration;

use crate::fault::PlanError;
use crate::instant::Time;

/// Why a run ended without an outcome. Never a failure of the simulated kind: those are outcomes.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum RunError {
    /// A mistake in how the simulation was put together.
    Setup(String),
    /// The workflow to start is not registered.
    UnknownWorkflow {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// A workflow scheduled an activity that is not registered.
    UnknownActivity {
        /// What was asked for.
        name: String,
        /// Who asked.
        workflow: String,
        /// What there is.
        known: String,
    },
    /// A workflow sent an activity to a task queue that no worker polls.
    UnknownTaskQueue {
        /// The queue.
        queue: String,
        /// Which activity.
        activity: String,
        /// Who asked.
        workflow: String,
        /// What there is.
        known: String,
    },
    /// An input could not be encoded.
    Input {
        /// Whose input.
        workflow: String,
        /// What serde_json says.
        why: String,
    },
    /// A piece of state was asked for that the simulation does not have.
    UnknownState {
        /// The type asked for.
        wanted: &'static str,
        /// Its last part.
        short: String,
    },
    /// Code called something that does not belong where it was called.
    Misuse(String),
    /// A workflow task failed. A real server would try it again for ever, with the same code and the same end.
    WorkflowTask {
        /// Which workflow.
        workflow: String,
        /// Which of its tasks, from 1.
        task: u32,
        /// The cause as the server records it.
        cause: String,
        /// In words.
        message: String,
    },
    /// Nothing will ever happen again and the workflow is still open.
    Stuck {
        /// Which workflow.
        workflow: String,
        /// When the last thing happened.
        at: Time,
        /// What there is, if anything.
        waiting: String,
    },
    /// Nothing will ever happen again and the script is not done.
    ScriptStuck {
        /// When the last thing happened.
        at: Time,
        /// What there is, if anything.
        waiting: String,
    },
    /// The script of an exploration panicked.
    ScriptPanicked(String),
    /// The run reached the end of its virtual time.
    Horizon {
        /// The limit.
        horizon: Duration,
        /// What is still going on.
        waiting: String,
    },
    /// The trace of the run has become too long.
    TooLong {
        /// The limit.
        events: usize,
        /// When.
        at: Time,
        /// What is still going on.
        waiting: String,
    },
    /// A task kept running without letting time pass.
    Busy {
        /// Which task.
        task: String,
        /// How often it was polled, or slept for no time.
        polls: u32,
        /// When.
        at: Time,
    },
    /// Something outside the run woke a task: another thread, or a reactor.
    ForeignWake {
        /// Which task.
        task: String,
    },
    /// A plan names points that this run does not have.
    PlanNotFired(String),
    /// A plan's text is malformed.
    Plan(PlanError),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunError::Setup(text) => text.fmt(f),
            RunError::UnknownWorkflow { name, known } => write!(
                f,
                "no workflow `{name}` is registered (registered: {known}): add `.workflow(\"{name}\", ..)` to \
                 the simulation"
            ),
            RunError::UnknownActivity { name, workflow, known } => write!(
                f,
                "workflow `{workflow}` schedules the activity `{name}`, which is not registered (registered: {known}): \
                 add `.activity(\"{name}\", ..)` to the simulation"
            ),
            RunError::UnknownTaskQueue { queue, activity, workflow, known } => write!(
                f,
                "workflow `{workflow}` schedules the activity `{activity}` on the task queue `{queue}`, which no \
                 worker polls (polled: {known}): add `.worker(WorkerOptions {{ task_queue: \"{queue}\".into(), .. }})` \
                 to the simulation"
            ),
            RunError::Input { workflow, why } => {
                write!(f, "the input of workflow `{workflow}` cannot be encoded as JSON: {why}")
            }
            RunError::UnknownState { wanted, short } => write!(
                f,
                "no state of type `{wanted}` is registered: add `.state({short}::default)` or the like to the \
                 simulation"
            ),
            RunError::Misuse(text) => text.fmt(f),
            RunError::WorkflowTask { workflow, task, cause, message } => {
                write!(f, "workflow `{workflow}`: {message} (workflow task {task}, {cause})")
            }
            RunError::Stuck { workflow, at, waiting } => {
                write!(f, "workflow `{workflow}` waits for ever: at {at} nothing is left that could wake it; {waiting}")
            }
            RunError::ScriptStuck { at, waiting } => {
                write!(f, "the script waits for ever: nothing is scheduled that could wake it at {at}; {waiting}")
            }
            RunError::ScriptPanicked(message) => write!(f, "the script panicked: {message}"),
            RunError::Horizon { horizon, waiting } => write!(
                f,
                "the run is not over at its horizon of {horizon:?} of virtual time: {waiting}; give what \
                 goes on for ever a limit (schedule_to_close_timeout, maximum_attempts) or raise `.horizon(..)`"
            ),
            RunError::TooLong { events, at, waiting } => write!(
                f,
                "the run is not over after {events} events, at {at} of virtual time: {waiting}; give the activity a \
                 limit (schedule_to_close_timeout, maximum_attempts, a timeout that its code heeds) or raise \
                 `.event_budget(..)`"
            ),
            RunError::Busy { task, polls, at } => write!(
                f,
                "{task} went on {polls} times at {at} without time passing: it wakes itself in a loop, or its sleeps \
                 are of zero; await something that takes time, such as `durasim::time::sleep`"
            ),
            RunError::ForeignWake { task } => write!(
                f,
                "{task} was woken from outside the simulation: threads, timers and sockets of the real world do not \
                 follow virtual time; use `durasim::time`, `durasim::task::spawn` and fakes in the state of the run"
            ),
            RunError::PlanNotFired(text) => text.fmt(f),
            RunError::Plan(error) => write!(f, "the plan is malformed at {error}"),
        }
    }
}

impl std::error::Error for RunError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            RunError::Plan(error) => Some(error),
            _ => None,
        }
    }
}

impl From<PlanError> for RunError {
    fn from(error: PlanError) -> RunError {
        RunError::Plan(error)
    }
}

impl RunError {
    /// The kind of error, without the names in it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            RunError::Setup(_) => "setup",
            RunError::UnknownWorkflow { .. } => "unknown workflow",
            RunError::UnknownActivity { .. } => "unknown activity",
            RunError::UnknownTaskQueue { .. } => "unknown task queue",
            RunError::Input { .. } => "input",
            RunError::UnknownState { .. } => "unknown state",
            RunError::Misuse(_) => "misuse",
            RunError::WorkflowTask { .. } => "workflow task failed",
            RunError::Stuck { .. } => "stuck",
            RunError::ScriptStuck { .. } => "script stuck",
            RunError::ScriptPanicked(_) => "script panicked",
            RunError::Horizon { .. } => "horizon",
            RunError::TooLong { .. } => "too long",
            RunError::Busy { .. } => "busy",
            RunError::ForeignWake { .. } => "foreign wake",
            RunError::PlanNotFired(_) => "plan not fired",
            RunError::Plan(_) => "plan",
        }
    }
}
