//! [`NativeRun`]: an instance of a workflow function.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::error::WorkflowError;
use super::state::WorkflowState;
use crate::program::panics::{self, NOT_TEXT, Unwound};
use crate::program::{Activation, Command, Job, Payload, TaskFailure, WorkflowRun};

pub(super) type WorkflowFuture = Pin<Box<dyn Future<Output = Result<Payload, WorkflowError>>>>;

/// How often the code may be polled within one activation without asking for anything or taking anything.
/// `FuturesUnordered` yields about once per future it holds, so this is far from what real code does.
const IDLE_POLLS: u32 = 100_000;

/// An instance of a workflow function.
pub(super) struct NativeRun {
    instance: Rc<WorkflowState>,
    /// `None` once the workflow has closed or its task has failed.
    future: Option<WorkflowFuture>,
}

impl NativeRun {
    pub fn new(instance: Rc<WorkflowState>, future: WorkflowFuture) -> NativeRun {
        NativeRun { instance, future: Some(future) }
    }
}

impl WorkflowRun for NativeRun {
    fn activate(&mut self, activation: &Activation, commands: &mut Vec<Command>) -> Result<(), TaskFailure> {
        let NativeRun { instance, future } = self;
        let jobs = &activation.jobs;
        if jobs.first().is_some_and(is_query) && jobs.iter().all(is_query) {
            answer_only(instance, jobs, commands);
            return Ok(());
        }
        if future.is_none() {
            return Err(closed_already(instance));
        }
        let _active = instance.flag.enter();
        instance.begin(activation);
        let done = match instance.take_failure() {
            // Noted between the activations, by code that does not belong here.
            Some(misuse) => Err(*misuse),
            None => jobs
                .iter()
                .try_for_each(|job| instance.apply(job))
                .and_then(|()| poll(instance, future, jobs, commands)),
        };
        if done.is_err() {
            drop_code(instance, future);
        }
        done
    }

    fn foreign_wake(&self) -> bool {
        self.instance.flag.foreign()
    }
}

impl Drop for NativeRun {
    fn drop(&mut self) {
        drop_code(&self.instance, &mut self.future);
    }
}

/// Polls the code while it is woken, and adds what it has asked for, answers to queries and the end included.
fn poll(
    instance: &WorkflowState,
    future: &mut Option<WorkflowFuture>,
    jobs: &[Job],
    commands: &mut Vec<Command>,
) -> Result<(), TaskFailure> {
    let mut idle = 0;
    while instance.flag.take() {
        let before = instance.progress();
        instance.run_updates()?;
        let Some(code) = future else { break };
        let cx = &mut Context::from_waker(&instance.waker);
        let poll = panics::catch(|| code.as_mut().poll(cx)).map_err(task_failure)?;
        if let Some(misuse) = instance.take_failure() {
            return Err(*misuse);
        }
        if let Poll::Ready(result) = poll {
            // Handlers that it has given only now may still do what they can at once.
            instance.run_updates()?;
            instance.refuse_updates();
            // Now, so that what destructors ask for comes before the command that closes.
            drop_future(future)?;
            instance.forget_updates()?;
            instance.close();
            instance.take_commands(commands);
            answer(instance, jobs, commands);
            commands.push(match result {
                Ok(payload) => Command::Complete(payload),
                Err(error) => error.into_command(instance.cancel_requested()),
            });
            return Ok(());
        }
        idle = if instance.progress() == before { idle + 1 } else { 0 };
        if idle == IDLE_POLLS {
            return Err(spins(instance));
        }
    }
    instance.refuse_updates();
    instance.take_commands(commands);
    answer(instance, jobs, commands);
    Ok(())
}

fn drop_future(future: &mut Option<WorkflowFuture>) -> Result<(), TaskFailure> {
    match future.take() {
        Some(future) => panics::catch_drop(future).map_err(task_failure),
        None => Ok(()),
    }
}

/// Nothing more is asked for; destructors run in silence.
fn drop_code(instance: &WorkflowState, future: &mut Option<WorkflowFuture>) {
    instance.close();
    instance.forget_queries();
    // A destructor's panic has no one to go to: the instance is gone, or its task has failed already.
    let _ = instance.forget_updates();
    let _ = drop_future(future);
}

fn closed_already(instance: &WorkflowState) -> TaskFailure {
    TaskFailure::Misuse(format!("workflow `{}` was activated after it had closed", instance.run.workflow_type))
}

fn spins(instance: &WorkflowState) -> TaskFailure {
    TaskFailure::Misuse(format!(
        "the code of workflow `{}` was polled {IDLE_POLLS} times in a row without asking for anything: it wakes itself \
         in a loop",
        instance.run.workflow_type
    ))
}

/// Answers queries, also those to a workflow that has closed. The code itself has no turn.
fn answer_only(instance: &WorkflowState, queries: &[Job], commands: &mut Vec<Command>) {
    instance.forget_calls();
    let foreign = instance.flag.foreign();
    let active = instance.flag.enter();
    answer(instance, queries, commands);
    drop(active);
    instance.flag.keep_foreign(foreign);
}

fn is_query(job: &Job) -> bool {
    matches!(job, Job::Query { .. })
}

/// Answers the queries among the jobs.
fn answer(instance: &WorkflowState, jobs: &[Job], commands: &mut Vec<Command>) {
    for job in jobs {
        if let Job::Query { id, name, input } = job {
            commands.push(instance.answer(*id, name, input));
        }
    }
}

/// Reads a caught unwinding: a panic's message and location, or a failure of the task that was thrown as such.
pub(super) fn task_failure(unwound: Unwound) -> TaskFailure {
    let message = match unwound {
        Unwound::Panic(panic) => panic.to_string(),
        Unwound::Other(thrown) => match thrown.into_payload().downcast::<TaskFailure>() {
            Ok(failure) => return *failure,
            Err(_) => NOT_TEXT.to_owned(),
        },
    };
    TaskFailure::Panicked { message }
}
