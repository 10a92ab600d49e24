//! The workflow side of the scenario language: a script as a workflow's code, hosted through the seam.
//!
//! The recordings were made with Temporal's Python SDK; [`error`] has the parts that it adds to sdk-core.

mod context;
mod error;
mod step;

use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context as PollContext, Poll, Waker};

use durasim::Span;
use durasim::program::{
    Activation, Command, ContinueAsNew, Details, Job, RunInfo, TaskFailure, WorkflowLink, WorkflowProgram, WorkflowRun,
    WorkflowStart,
};
use serde_json::Value;

use context::Context;
use error::ScriptError;
use step::End;

use crate::recording::wire::payload;

/// The registered name of all workflows.
pub const TYPE: &str = "Script";

/// The queue that the activities' worker polls; the workflow's has its own.
pub const TASK_QUEUE: &str = "act";

/// The things that a script does to its own worker, and that outlive its instances.
#[derive(Default)]
pub struct Kept {
    /// The time for which the code held the task that it answers now.
    pub held: Span,
    /// The number of times that a `panic` step was reached.
    pub panics: u64,
    /// The number of times that a `flip` step was reached.
    pub flips: u64,
    /// The notes of the code about itself so far.
    pub trace: Vec<Value>,
    /// Says whether the same worker runs the activities.
    pub runs_activities: bool,
}

#[derive(Clone, Default)]
pub struct Worker(Arc<Mutex<Kept>>);

impl Worker {
    pub fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().expect("nobody panics with it in hand")
    }
}

/// One instance of a script.
pub struct ScriptRun {
    context: Context,
    code: Pin<Box<dyn Future<Output = Result<End, ScriptError>>>>,
    /// The handlers of updates that have not ended. They go on before the code does.
    updates: Vec<Pin<Box<dyn Future<Output = ()>>>>,
}

impl ScriptRun {
    pub fn new(script: &Value, run: &RunInfo, worker: Worker) -> ScriptRun {
        let context = Context::new(run, worker);
        let (script, inside) = (script.clone(), context.clone());
        let code = Box::pin(async move { step::run_script(&inside, &script).await });
        ScriptRun { context, code, updates: Vec::new() }
    }

    /// Runs the code until it waits for something that an activation has to bring.
    fn advance(&mut self) -> Poll<Result<End, ScriptError>> {
        let mut poll_context = PollContext::from_waker(Waker::noop());
        self.updates.retain_mut(|update| update.as_mut().poll(&mut poll_context).is_pending());
        loop {
            match self.code.as_mut().poll(&mut poll_context) {
                Poll::Pending if self.context.take_yield() => {}
                polled => return polled,
            }
        }
    }
}

impl WorkflowRun for ScriptRun {
    fn activate(&mut self, activation: &Activation, commands: &mut Vec<Command>) -> Result<(), TaskFailure> {
        self.context.begin(activation.now);
        if is_cancelled_before_it_begins(&activation.jobs) {
            commands.push(Command::Cancelled(Details::Absent));
            return Ok(());
        }
        for job in &activation.jobs {
            match job {
                Job::Start => {}
                Job::Signal { input, .. } => self.context.signal(input),
                Job::Update { id, input, .. } => {
                    self.updates.push(Box::pin(self.context.clone().update(id.clone(), input.clone())));
                }
                Job::FireTimer(timer) => self.context.fire(*timer),
                Job::ActivityDone { seq, result } => self.context.activity_done(*seq, result.clone()),
                Job::LocalActivityDone { seq, result } => self.context.local_activity_done(*seq, result.clone()),
                Job::ChildStarted { seq, result } => self.context.child_started(*seq, result.clone()),
                Job::ChildDone { seq, result } => self.context.child_done(*seq, result.clone()),
                Job::Cancel { .. } => self.context.cancel_workflow(),
                other => return Err(TaskFailure::Misuse(format!("a script does not understand {other:?}"))),
            }
        }
        let end = match self.advance() {
            Poll::Pending => None,
            Poll::Ready(Ok(End::Return(result))) => Some(Command::Complete(payload(&result))),
            Poll::Ready(Ok(End::ContinueAsNew(script))) => {
                Some(Command::ContinueAsNew(Arc::new(ContinueAsNew::new(payload(&script)))))
            }
            Poll::Ready(Err(ScriptError::Panic(message))) => return Err(TaskFailure::Panicked { message }),
            Poll::Ready(Err(error)) if error.is_cancellation() && self.context.is_cancel_requested() => {
                Some(Command::Cancelled(Details::Absent))
            }
            Poll::Ready(Err(error)) => Some(Command::Fail(error.into_failure().into())),
        };
        commands.extend(self.context.take_commands());
        commands.extend(end);
        Ok(())
    }
}

/// Says whether the code is cancelled in the task in which it would begin. Python's task then ends before its first step
/// (recorded scenario `x_child_signalled_and_parent_cancelled`).
fn is_cancelled_before_it_begins(jobs: &[Job]) -> bool {
    let has = |is: fn(&Job) -> bool| jobs.iter().any(is);
    has(|job| matches!(job, Job::Start)) && has(|job| matches!(job, Job::Cancel { .. }))
}

/// The scripts that are the inputs of workflows, to be registered with a simulation.
pub struct ScriptProgram {
    /// The surroundings of the workflow that the scenario is about, which its runs share.
    pub worker: Worker,
}

impl WorkflowProgram for ScriptProgram {
    fn workflow_type(&self) -> &str {
        TYPE
    }

    fn instantiate(
        &self,
        run: Arc<RunInfo>,
        start: &WorkflowStart,
        _: Arc<dyn WorkflowLink>,
    ) -> Result<Box<dyn WorkflowRun>, TaskFailure> {
        let script = start.input.to_json().expect("a script");
        let worker = if run.parent.is_some() { Worker::default() } else { self.worker.clone() };
        worker.kept().trace.clear();
        Ok(Box::new(ScriptRun::new(&script, &run, worker)))
    }
}

impl fmt::Debug for ScriptProgram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptProgram").finish_non_exhaustive()
    }
}

type Shared<T> = Rc<RefCell<T>>;
