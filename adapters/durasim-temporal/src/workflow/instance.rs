//! [`Instance`]: code of a workflow in a worker's cache.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

use durasim::program::panics::{self, Unwound};
use durasim::program::places::{self, Called};
use durasim::program::{Activation, Command, RunInfo, TaskFailure, WorkflowRun};

use super::others::Others;
use super::patches::Patches;
use super::{command, job};
use crate::failure;
use crate::place;
use crate::sdk::{
    ActivationJobResult, CommandVariant, InitializeWorkflow, JobVariant, MAIN_ROUTINE_ID, MainRoutineCompletion,
    QueryResult, QuerySuccess, RoutineCompletion, RoutineId, RoutinePendingState, WorkflowActivation,
    WorkflowActivationJob, WorkflowCommand, WorkflowHost, WorkflowInstance, failures, is_sdk_wake, query_result,
};

/// The things that the code asks for in the activation that is under way, and the calls by which it does.
pub(super) struct Asked {
    commands: RefCell<Vec<(WorkflowCommand, Option<Called>)>>,
    /// Code that asks for more is in a loop that never waits.
    budget: usize,
}

impl Asked {
    pub(super) fn new(budget: usize) -> Asked {
        Asked { commands: RefCell::default(), budget }
    }
}

impl WorkflowHost for Asked {
    fn set_current_details(&self, _details: String) {}

    fn push_command(&self, command: WorkflowCommand) {
        // The SDK asks for some by itself, such as the cancel of a timer when its workflow is cancelled: no line does.
        let call = if place::note(command::call(&command)) { places::last_call() } else { None };
        let mut commands = self.commands.borrow_mut();
        commands.push((command, call));
        let asked = commands.len();
        drop(commands);
        if asked > self.budget && !std::thread::panicking() {
            // The code may never come back by itself.
            let failure = TaskFailure::AskedForTooMuch { asked, what: "things in one workflow task" };
            std::panic::resume_unwind(Box::new(failure));
        }
    }
}

/// Notes a wake that did not come from the SDK, as the SDK's own worker does.
#[derive(Default)]
struct ForeignWakes(AtomicBool);

impl Wake for ForeignWakes {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !is_sdk_wake() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

/// Code of a workflow in a worker's cache.
pub(super) struct Instance {
    code: Box<dyn WorkflowInstance>,
    asked: Rc<Asked>,
    initialize: InitializeWorkflow,
    run: Arc<RunInfo>,
    /// The handlers of signals that have not ended.
    handlers: Vec<RoutineId>,
    patches: Patches,
    others: Others,
    wakes: Arc<ForeignWakes>,
    /// The waker that notes those.
    waker: Waker,
}

impl Instance {
    pub(super) fn new(
        code: Box<dyn WorkflowInstance>,
        asked: Rc<Asked>,
        initialize: InitializeWorkflow,
        run: Arc<RunInfo>,
    ) -> Instance {
        let wakes = Arc::new(ForeignWakes::default());
        let waker = Waker::from(wakes.clone());
        let others = Others::new(run.clone());
        let patches = Patches::default();
        Instance { code, asked, initialize, run, handlers: Vec::new(), patches, others, wakes, waker }
    }

    /// Gives the code its news. It says whether there is something besides queries, so that the code is to go on.
    fn take_in(&mut self, activation: &Activation) -> Result<bool, TaskFailure> {
        self.others.begin(activation.history_length);
        let mut jobs = Vec::with_capacity(activation.jobs.len());
        for job in &activation.jobs {
            if let Some(variant) = job::translate(job, &self.initialize, &self.others)? {
                jobs.push(WorkflowActivationJob { variant: Some(variant) });
            }
        }
        let queries: Vec<Option<String>> = jobs.iter().map(|job| query_id(job).map(ToOwned::to_owned)).collect();
        let activation = WorkflowActivation {
            run_id: self.run.run_id.to_string(),
            timestamp: Some(activation.now.to_system_time().into()),
            is_replaying: activation.replaying,
            history_length: u32::try_from(activation.history_length).unwrap_or(u32::MAX),
            history_size_bytes: activation.history_size,
            continue_as_new_suggested: activation.suggest_continue_as_new,
            jobs,
            ..Default::default()
        };
        let taken = self.code.activate(activation, &self.waker).map_err(|failure| task_failure(&failure))?;
        self.look_at_wakes()?;
        let goes_on = queries.iter().any(Option::is_none);
        if taken.job_results.len() != queries.len() {
            let (results, jobs) = (taken.job_results.len(), queries.len());
            return Err(TaskFailure::Unsupported(format!("an SDK that gives {results} results for {jobs} jobs")));
        }
        for (query, result) in queries.into_iter().zip(taken.job_results) {
            match (result, query) {
                (ActivationJobResult::None, _) => {}
                (ActivationJobResult::StartedRoutine(routine), _) => self.handlers.push(routine.routine_id),
                (ActivationJobResult::QueryResponse(response), Some(query_id)) => {
                    let answered = |payload| query_result::Variant::Succeeded(QuerySuccess { response: Some(payload) });
                    let variant = Some(response.result.map_or_else(query_result::Variant::Failed, answered));
                    self.push(CommandVariant::RespondToQuery(QueryResult { query_id, variant }));
                }
                (result, _) => return Err(TaskFailure::Unsupported(format!("{result:?}"))),
            }
        }
        Ok(goes_on)
    }

    /// Polls in rounds, the handlers of signals before the main routine, until a round gets no further.
    ///
    /// Source: crate temporalio-sdk 1.1.1 `src/workflow_future.rs`, `drive_routines`.
    fn go_on(&mut self) -> Result<(), TaskFailure> {
        let mut makes_progress = true;
        while makes_progress {
            makes_progress = false;
            let mut interceptor_waits = false;
            for routine in std::mem::take(&mut self.handlers).into_iter().chain([MAIN_ROUTINE_ID]) {
                let polled = self.code.poll_routine(routine, &self.waker).map_err(|failure| task_failure(&failure))?;
                self.look_at_wakes()?;
                makes_progress |= polled.made_progress;
                interceptor_waits |= polled.pending_state == Some(RoutinePendingState::Interceptor);
                match polled.completion {
                    None if routine != MAIN_ROUTINE_ID => self.handlers.push(routine),
                    None => return Err(TaskFailure::Unsupported("a main routine that says nothing".to_owned())),
                    Some(RoutineCompletion::Main(MainRoutineCompletion::Blocked)) => {}
                    Some(RoutineCompletion::Main(MainRoutineCompletion::TaskFailed(failed))) => {
                        return Err(task_failure(&failed.failure));
                    }
                    Some(RoutineCompletion::Main(MainRoutineCompletion::Terminal(outcome))) => {
                        self.push(command::closing(*outcome));
                        return Ok(());
                    }
                    Some(RoutineCompletion::Signal(ended)) => ended.map_err(|failure| task_failure(&failure))?,
                    Some(other) => return Err(TaskFailure::Unsupported(format!("{other:?}"))),
                }
            }
            if interceptor_waits && !makes_progress {
                return Err(TaskFailure::Misuse(
                    "an interceptor waits for something that no news to the workflow will bring: interceptors may wait \
                     for their context only"
                        .to_owned(),
                ));
            }
        }
        Ok(())
    }

    fn push(&self, variant: CommandVariant) {
        self.asked.commands.borrow_mut().push((variant.into(), None));
    }

    /// # Errors
    /// The error is [`TaskFailure::NonDeterministic`] if something else than the SDK has woken the code, in the SDK's own
    /// words.
    fn look_at_wakes(&self) -> Result<(), TaskFailure> {
        if !self.wakes.0.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        Err(TaskFailure::NonDeterministic(format!(
            "workflow `{}` was woken by something else than the SDK ([TMPRL1100]): it awaits a channel, a timer or a task that is \
             not its context's, and that a replay would not bring",
            self.run.workflow_type
        )))
    }
}

fn query_id(job: &WorkflowActivationJob) -> Option<&str> {
    match &job.variant {
        Some(JobVariant::QueryWorkflow(query)) => Some(&query.query_id),
        _ => None,
    }
}

/// The SDK fails the workflow task.
fn task_failure(failure: &failures::Failure) -> TaskFailure {
    TaskFailure::Failed(Arc::new(failure::into_core(failure)))
}

/// Calls code of the workflow and of the SDK. A panic of the SDK's may have a backtrace in its message, which differs from
/// thread to thread where `RUST_BACKTRACE` is set: it is left away.
fn without_backtrace<T>(call: impl FnOnce() -> Result<T, TaskFailure>) -> Result<T, TaskFailure> {
    match panics::catch(call) {
        Ok(result) => result,
        Err(Unwound::Other(thrown)) => match thrown.into_payload().downcast::<TaskFailure>() {
            Ok(failure) => Err(*failure),
            Err(thrown) => std::panic::resume_unwind(thrown),
        },
        Err(unwound) => {
            let words = unwound.words();
            let message = match words.split_once("\n\nStack backtrace:\n") {
                Some((message, _)) => message.to_owned(),
                None => words,
            };
            Err(TaskFailure::Panicked { message })
        }
    }
}

impl WorkflowRun for Instance {
    fn activate(&mut self, activation: &Activation, commands: &mut Vec<Command>) -> Result<(), TaskFailure> {
        without_backtrace(|| if self.take_in(activation)? { self.go_on() } else { Ok(()) })?;
        let mut calls = Vec::new();
        let first = commands.len();
        for (asked, call) in self.asked.commands.take() {
            commands.push(command::translate(asked, &mut self.others)?);
            calls.push(call);
        }
        self.patches.compare(activation, &commands[first..])?;
        if places::wanted() {
            places::note_asked(commands[first..].iter().zip(calls));
        }
        Ok(())
    }

    fn foreign_wake(&self) -> bool {
        self.wakes.0.load(Ordering::Relaxed)
    }
}
