//! [`NativeRun`]: an instance of a workflow function.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::error::WorkflowError;
use super::instance::Instance;
use crate::engine::panics::{self, NOT_TEXT, Unwound};
use crate::program::{Activation, Command, Job, Payload, TaskFailure, WorkflowRun};

pub(super) type WorkflowFuture = Pin<Box<dyn Future<Output = Result<Payload, WorkflowError>>>>;

/// How often the code may be polled within one activation without asking for anything or taking anything.
/// `FuturesUnordered` yields about once per future it holds, so this is far from what real code does.
const IDLE_POLLS: u32 = 100_000;

/// An instance of a workflow function.
pub(super) struct NativeRun {
    instance: Rc<Instance>,
    waker: Waker,
    /// `None` once the workflow has closed or its task has failed.
    future: Option<WorkflowFuture>,
}

impl NativeRun {
    pub fn new(instance: Rc<Instance>, future: WorkflowFuture) -> NativeRun {
        let waker = Waker::from(Arc::clone(&instance.flag));
        NativeRun { instance, waker, future: Some(future) }
    }

    /// Polls the code while it is woken. Answers with what closes the workflow, if the code has ended.
    fn poll(&mut self) -> Result<Option<Command>, TaskFailure> {
        let mut idle = 0;
        while self.instance.flag.take() {
            let Some(future) = &mut self.future else { break };
            let before = self.instance.progress();
            let cx = &mut Context::from_waker(&self.waker);
            let poll = panics::catch(|| future.as_mut().poll(cx)).map_err(task_failure)?;
            if let Some(misuse) = self.instance.take_failure() {
                return Err(misuse);
            }
            if let Poll::Ready(result) = poll {
                // Now, so that what destructors ask for comes before the command that closes.
                self.drop_future()?;
                return Ok(Some(match result {
                    Ok(payload) => Command::Complete(payload),
                    Err(error) => error.into_command(self.instance.cancel_requested()),
                }));
            }
            idle = if self.instance.progress() == before { idle + 1 } else { 0 };
            if idle == IDLE_POLLS {
                return Err(TaskFailure::Misuse(format!(
                    "the code of workflow `{}` was polled {IDLE_POLLS} times in a row without asking for anything: it \
                     wakes itself in a loop",
                    self.instance.run.workflow_type
                )));
            }
        }
        Ok(None)
    }

    /// Answers queries, also those to a workflow that has closed. The code itself has no turn.
    #[cold]
    fn answer_only(&self, queries: &[Job], commands: &mut Vec<Command>) {
        let flag = &self.instance.flag;
        let foreign = flag.foreign();
        let active = flag.enter();
        answer(&self.instance, queries, commands);
        drop(active);
        flag.keep_foreign(foreign);
    }

    fn drop_future(&mut self) -> Result<(), TaskFailure> {
        let future = self.future.take();
        panics::catch(|| drop(future)).map_err(task_failure)
    }

    /// Nothing more is asked for; destructors run in silence.
    fn bury(&mut self) {
        self.instance.close();
        self.instance.forget_queries();
        // A destructor's panic has no one to go to: the instance is gone, or its task has failed already.
        let _ = self.drop_future();
    }
}

impl WorkflowRun for NativeRun {
    fn activate(&mut self, activation: &Activation, commands: &mut Vec<Command>) -> Result<(), TaskFailure> {
        let instance = Rc::clone(&self.instance);
        if activation.jobs.first().is_some_and(is_query) && activation.jobs.iter().all(is_query) {
            self.answer_only(&activation.jobs, commands);
            return Ok(());
        }
        if self.future.is_none() {
            let message = format!("workflow `{}` was activated after it had closed", instance.run.workflow_type);
            return Err(TaskFailure::Misuse(message));
        }
        let _active = instance.flag.enter();
        instance.begin(activation);
        let news = match instance.take_failure() {
            // Noted between the activations, by code that does not belong here.
            Some(misuse) => Err(misuse),
            None => activation.jobs.iter().try_for_each(|job| instance.apply(job)),
        };
        match news.and_then(|()| self.poll()) {
            Ok(closing) => {
                if closing.is_some() {
                    instance.close();
                }
                instance.take_commands(commands);
                answer(&instance, &activation.jobs, commands);
                commands.extend(closing);
                Ok(())
            }
            Err(failure) => {
                self.bury();
                Err(failure)
            }
        }
    }

    fn foreign_wake(&self) -> bool {
        self.instance.flag.foreign()
    }
}

impl Drop for NativeRun {
    fn drop(&mut self) {
        self.bury();
        // Besides the instance's own, there is our waker.
        Instance::keep(&mut self.instance, 1);
    }
}

fn is_query(job: &Job) -> bool {
    matches!(job, Job::Query { .. })
}

/// Answers the queries among the jobs.
fn answer(instance: &Instance, jobs: &[Job], commands: &mut Vec<Command>) {
    for job in jobs {
        if let Job::Query { id, name, input } = job {
            commands.push(instance.answer(*id, name, input));
        }
    }
}

/// What a caught unwinding says: a panic's message and place, or a failure of the task that was thrown as such.
pub(super) fn task_failure(unwound: Unwound) -> TaskFailure {
    let message = match unwound {
        Unwound::Panic(panic) => panic.to_string(),
        Unwound::Other(payload) => match payload.downcast::<TaskFailure>() {
            Ok(failure) => return *failure,
            Err(_) => NOT_TEXT.to_owned(),
        },
    };
    TaskFailure::Panicked { message }
}
