//! [`RunError`]: why a run could not be finished.

use std::time::Duration;

use thiserror::Error;

use crate::fault::PlanError;
use crate::program::{Counted, Time};

/// Why a run ended without an outcome. Never a failure of the simulated kind: those are outcomes.
#[derive(Clone, PartialEq, Debug, Error)]
#[non_exhaustive]
pub enum RunError {
    /// A mistake in how the simulation was put together.
    #[error("{0}")]
    Setup(String),
    /// The workflow to start is not registered.
    #[error(
        "no workflow `{name}` is registered (registered: {known}): add `.workflow(\"{name}\", ..)` to the simulation, or \
         `.sdk_workflow::<W>()` or `.cadence_workflow(..)` of its adapter"
    )]
    UnknownWorkflow {
        /// The name asked for.
        name: String,
        /// The registered names.
        known: String,
    },
    /// A workflow scheduled an activity that is not registered.
    #[error(
        "workflow `{workflow}` schedules the activity `{name}`, which is not registered (registered: {known}): add \
         `.activity(\"{name}\", ..)` to the simulation, or `.sdk_activity(..)` or `.cadence_activity(..)` of its adapter"
    )]
    UnknownActivity {
        /// The name asked for.
        name: String,
        /// The workflow that asked.
        workflow: String,
        /// The registered names.
        known: String,
    },
    /// A workflow sent an activity to a task queue that no worker polls.
    #[error(
        "workflow `{workflow}` schedules the activity `{activity}` on the task queue `{queue}`, which no worker polls \
         (polled: {known}): add `.worker(WorkerOptions {{ task_queue: \"{queue}\".into(), .. }})` to the simulation"
    )]
    UnknownTaskQueue {
        /// The queue.
        queue: String,
        /// Which activity.
        activity: String,
        /// The workflow that asked.
        workflow: String,
        /// The queues that are polled.
        known: String,
    },
    /// An input could not be encoded.
    #[error("the input of workflow `{workflow}` cannot be encoded as JSON: {why}")]
    Input {
        /// The workflow whose input it is.
        workflow: String,
        /// The words of serde_json.
        why: String,
    },
    /// A piece of state was asked for that the simulation does not have.
    #[error(
        "no state of type `{wanted}` is registered: add `.state({short}::default)` or the like to the simulation{place}"
    )]
    UnknownState {
        /// The type asked for.
        wanted: &'static str,
        /// Its last part.
        short: String,
        /// The call that asked for it, in brackets, if it is known.
        place: String,
    },
    /// A fake saw what must not be: [`durasim::violation`](crate::violation) was called. Explorations have it as a failure.
    #[error("what must not be has happened: {message}{place}")]
    Violated {
        /// The words of the fake.
        message: String,
        /// The call that said so, in brackets, if it is known.
        place: String,
    },
    /// A piece of the state of a worker's process was asked for that the simulation does not have.
    #[error(
        "no worker state of type `{wanted}` is registered (registered: {known}): add `.worker_state({short}::default)` or \
         the like to the simulation{hint}{place}"
    )]
    UnknownWorkerState {
        /// The type asked for.
        wanted: &'static str,
        /// Its last part.
        short: String,
        /// The types that are registered.
        known: String,
        /// Says so, if a state of this type is registered.
        hint: &'static str,
        /// The call that asked for it, in brackets, if it is known.
        place: String,
    },
    /// Code called something that does not belong where it was called.
    #[error("{0}")]
    Misuse(String),
    /// A workflow task failed. The run ends with this where it has failed
    /// [as often in a row](crate::Settings::workflow_task_failures) as a task may, and nothing is ahead that could change that: no
    /// fault of the plan, deploy or timeout of the workflow. A real server would try it again for ever. An exploration
    /// has it as a failure too where the task went on later.
    #[error(
        "workflow `{workflow}`{}: {message} (workflow task {task}{}, {cause})",
        if *is_stuck { " is stuck on a failing task" } else { "" },
        in_a_row(*failures)
    )]
    WorkflowTask {
        /// Which workflow.
        workflow: String,
        /// Which of its tasks, from 1.
        task: u32,
        /// The cause as the server records it.
        cause: String,
        /// In words.
        message: String,
        /// The sort of failure, which is not always seen from the cause.
        kind: WorkflowTaskErrorKind,
        /// The number of times in a row that it failed. The cause and the message are those of the first.
        failures: u32,
        /// The run ends there: it would fail for ever.
        is_stuck: bool,
    },
    /// Nothing will ever happen again and the workflow is still open.
    #[error("workflow `{workflow}` waits for ever: at {at} nothing is left that could wake it; {waiting}")]
    Stuck {
        /// Which workflow.
        workflow: String,
        /// When the last thing happened.
        at: Time,
        /// The code that waits, if any.
        waiting: String,
    },
    /// Nothing will ever happen again and the script is not done.
    #[error("the script waits for ever: nothing is scheduled that could wake it at {at}; {waiting}")]
    ScriptStuck {
        /// When the last thing happened.
        at: Time,
        /// The code that waits, if any.
        waiting: String,
    },
    /// The script of an exploration panicked.
    #[error("the script panicked: {0}")]
    ScriptPanicked(String),
    /// The run reached the end of its virtual time.
    #[error(
        "the run is not over at its horizon of {horizon:?} of virtual time: {waiting}; give what goes on for ever a limit \
         (schedule_to_close_timeout, maximum_attempts) or raise `.horizon(..)`"
    )]
    Horizon {
        /// The limit.
        horizon: Duration,
        /// The work still going on.
        waiting: String,
    },
    /// All workflows have closed, and attempts that nobody waits for go on and on: for longer than the longest timeout of the
    /// run, and than an hour.
    #[error(
        "the workflows have closed, and {after:?} later the run is not over: {waiting}; its code does not look whether it \
         is to stop, or waits by a clock that is not the simulation's, such as that of a tokio runtime around the test: \
         let it return when `is_cancelled()` says so or a heartbeat is refused, and use `durasim::time`"
    )]
    StillRunning {
        /// How long after the last close.
        after: Duration,
        /// The code that still runs, in words.
        waiting: String,
    },
    /// The trace of the run has become too long.
    #[error(
        "the run is not over after {}, at {at} of virtual time: {waiting}; give the activity a limit \
         (schedule_to_close_timeout, maximum_attempts, a timeout that its code heeds) or raise `.event_budget(..)`",
        Counted(*events, "event")
    )]
    TooLong {
        /// The limit.
        events: usize,
        /// When.
        at: Time,
        /// The work still going on.
        waiting: String,
    },
    /// A task kept running without letting time pass.
    #[error(
        "{task} went on {} at {at} without time passing: it wakes itself in a loop, or tasks wake each other; await \
         something that takes time, such as `durasim::time::sleep`, or raise `.poll_budget(..)`",
        Counted(*polls, "time")
    )]
    Busy {
        /// Which task.
        task: String,
        /// How often it was polled.
        polls: u32,
        /// When.
        at: Time,
    },
    /// Code called durasim again and again, and did not wait.
    #[error(
        "{who} has called durasim {} at {at} without waiting: a loop asks the clock, a flag, a signal or the like, or \
         sleeps for zero; await something that takes time, such as `durasim::time::sleep` or `ctx.sleep`, or raise \
         `.event_budget(..)`",
        Counted(*calls, "time")
    )]
    NeverWaits {
        /// The name of the code.
        who: String,
        /// How often it called, or slept for no time.
        calls: u64,
        /// When.
        at: Time,
    },
    /// Something outside the run woke a task: another thread, or a reactor.
    #[error(
        "{task} was woken from outside the simulation: threads, timers and sockets of the real world do not follow \
         virtual time, nor do those of a tokio runtime around the test (`#[tokio::test]`); use `durasim::time`, \
         `durasim::task::spawn` and fakes in the state of the run"
    )]
    ForeignWake {
        /// Which task.
        task: String,
    },
    /// A plan names points that this run does not have.
    #[error("{0}")]
    PlanNotFired(String),
    /// A plan's text is malformed.
    #[error("the plan is malformed at {0}")]
    Plan(#[from] PlanError),
}

/// The sort of failure of a workflow task. Each is a kind of violation by itself, so that a regressions file which accepts one
/// accepts no other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum WorkflowTaskErrorKind {
    /// The workflow's code, or the SDK that hosts it, panicked.
    Panicked,
    /// The workflow's code asks for something else in a replay than its history has.
    NonDeterministic,
    /// Anything else: the input does not decode, the service refuses a command, or the SDK fails the task without a panic.
    Other,
}

impl RunError {
    /// The workflow waits for something that a replay would not bring.
    pub(super) fn foreign_wait(workflow: &str) -> RunError {
        RunError::Misuse(format!(
            "workflow `{workflow}` was woken by something other than its context: workflow code may wait only for what \
             its context gives (activities, timers), or a replay goes another way"
        ))
    }

    /// The kind of error, without the names in it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            RunError::Setup(_) => "setup",
            RunError::UnknownWorkflow { .. } => "unknown workflow",
            RunError::UnknownActivity { .. } => "unknown activity",
            RunError::UnknownTaskQueue { .. } => "unknown task queue",
            RunError::Input { .. } => "input",
            RunError::UnknownState { .. } => "unknown state",
            RunError::Violated { .. } => "violated",
            RunError::UnknownWorkerState { .. } => "unknown worker state",
            RunError::Misuse(_) => "misuse",
            RunError::WorkflowTask { kind, .. } => match kind {
                WorkflowTaskErrorKind::Panicked => "workflow panicked",
                WorkflowTaskErrorKind::NonDeterministic => "workflow not deterministic",
                WorkflowTaskErrorKind::Other => "workflow task failed",
            },
            RunError::Stuck { .. } => "stuck",
            RunError::ScriptStuck { .. } => "script stuck",
            RunError::ScriptPanicked(_) => "script panicked",
            RunError::Horizon { .. } => "horizon",
            RunError::StillRunning { .. } => "still running",
            RunError::TooLong { .. } => "too long",
            RunError::Busy { .. } => "busy",
            RunError::NeverWaits { .. } => "never waits",
            RunError::ForeignWake { .. } => "foreign wake",
            RunError::PlanNotFired(_) => "plan not fired",
            RunError::Plan(_) => "plan",
        }
    }
}

fn in_a_row(failures: u32) -> String {
    if failures > 1 { format!(" failed {failures} times in a row") } else { String::new() }
}

/// The error of a script that panics with words of tokio's which mean that it is outside the simulation.
pub(super) fn outside_in_script(message: &str) -> Option<RunError> {
    let (what, _) = outside_world(message)?;
    Some(RunError::Misuse(format!(
        "the script {what}: it has none with a host either. Wait with `client.sleep`, and put what is outside behind a trait, \
         with a fake in the state of the run"
    )))
}

/// Says what code does that panics with words of tokio's which mean that it is outside the simulation, and what activities and
/// scripts should do instead.
pub(super) fn outside_world(message: &str) -> Option<(&'static str, &'static str)> {
    let has = |words: &[&str]| words.iter().any(|words| message.contains(words));
    let no_runtime = [
        "there is no reactor running",
        "must be called from the context of a Tokio",
        "no timer running",
        // In a runtime that an adapter has for other things.
        "context was found, but timers are disabled",
    ];
    if has(&no_runtime) {
        return Some((
            "uses tokio's timers, sockets or spawn, which have no runtime inside a simulation",
            "use `durasim::time` and `durasim::task::spawn`, and fakes in the state of the run, or in activities tokio itself, \
             with `.tokio()` of durasim-tokio",
        ));
    }
    if has(&["context was found, but IO is disabled"]) {
        return Some((
            "uses sockets, pipes or signals, which are not simulated",
            "put the connection behind a trait, with a fake in the state of the run",
        ));
    }
    if has(&["Cannot start a runtime from within a runtime", "Cannot block the current thread from within a runtime"]) {
        return Some((
            "blocks its thread within a runtime (`block_on`, `blocking_recv` and the like), which fails in production too",
            "await it, or do it in `spawn_blocking`",
        ));
    }
    None
}
