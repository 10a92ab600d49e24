//! Requests of clients to the service, by the ids of workflows and with payloads as they are: for adapters of an SDK's client.
//!
//! Code of scripts, of activities and of what these spawn may make them, wherever a run is in progress on its thread. Scripts
//! that are written for durasim use [`Client`](crate::Client).
//!
//! ```
//! use std::time::Duration;
//! use durasim::{Simulation, WorkflowContext, WorkflowError};
//! use durasim::program::Payload;
//! use durasim::requests::{self, Start};
//! use durasim::service::WorkflowOutcome;
//!
//! async fn twice(_ctx: &WorkflowContext, number: u32) -> Result<u32, WorkflowError> { Ok(2 * number) }
//!
//! let (outcome, _run) = Simulation::temporal()
//!     .workflow("twice", twice)
//!     .drive(async |_client| {
//!         let workflow = requests::start(Start::new("twice", "twice-1", Payload::new("21"))).unwrap().workflow;
//!         assert_eq!(requests::find("twice-1"), Some(workflow));
//!         requests::closed(workflow).await
//!     })
//!     .unwrap();
//! assert_eq!(outcome, WorkflowOutcome::Completed(Payload::new("42")));
//! ```

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

pub use super::begin::{Start, Started};
use crate::inside::enter_run;
use crate::program::panics::leave_user_code;
use crate::program::{Extensions, Failure, IdConflictPolicy, Payload};
use crate::service::{Refused, Service, WorkflowKey, WorkflowOutcome};
use crate::world::RunError;
use crate::world::core::World;
use crate::world::network::LateSignalKey;
use crate::world::query::QueryKey;

/// Starts a workflow. A type that is not registered ends the run with an error: a server would wait for a worker that has it.
///
/// # Errors
/// The error is `ALREADY_EXISTS` if the id is taken, and `INVALID_ARGUMENT` if an option makes no sense.
///
/// # Panics
/// It panics outside a simulation, as all requests do. Requests of workflow code end the run with an error.
pub fn start(start: Start) -> Result<Started, Refused> {
    let world = enter();
    let Some(name) = world.workflow_type(&start.workflow_type) else {
        let known = world.workflow_types();
        let error = RunError::UnknownWorkflow { name: start.workflow_type, known };
        let why = error.to_string();
        world.end_with(error);
        // This is a destructor while the thread unwinds: there is no workflow to give it.
        panic!("{why}")
    };
    world.start_workflow(start.begin(name, world.task_queue())).map(Started::new)
}

/// Sends a signal to the open workflow of an id, and starts the workflow first if there is none. Its code sees the signal
/// with its first task then.
///
/// # Errors
/// The error is one of those of [`start()`].
pub fn signal_with_start(begin: Start, name: &str, input: Payload) -> Result<Started, Refused> {
    let begin = match begin.id_conflict {
        IdConflictPolicy::Fail => begin.id_conflict(IdConflictPolicy::UseExisting),
        _ => begin,
    };
    let started = start(begin)?;
    enter().serve(|service, now| service.signal(started.workflow, name.into(), input, now))?;
    Ok(started)
}

/// Finds the newest run of the workflow of an id.
pub fn find(workflow_id: &str) -> Option<WorkflowKey> {
    enter().find_workflow(workflow_id)
}

/// Finds a run of the workflow of an id by its own id.
pub fn find_run(workflow_id: &str, run_id: &str) -> Option<WorkflowKey> {
    inspect(|service| service.run_of(workflow_id, run_id))
}

/// Gives the settings that adapters have left in the simulation.
pub fn extensions() -> Extensions {
    enter().extensions()
}

/// Looks at the service as it is at this moment.
pub fn inspect<R>(look: impl FnOnce(&Service) -> R) -> R {
    enter().inspect(look)
}

/// Sends a signal to a workflow, which sees it with its next task, and waits until the service has it. The error is
/// [`Refused::WORKFLOW_CLOSED`] if the workflow has closed by then. Where another run follows this one meanwhile, the signal is
/// for that.
pub fn signal(workflow: WorkflowKey, name: &str, input: Payload) -> Sent {
    let world = enter();
    Sent { answer: world.send_signal(workflow, name, input, false), run: world.asks().0 }
}

/// Sends a signal as [`signal`] does, to this run and to none that follows it.
pub fn signal_run(workflow: WorkflowKey, name: &str, input: Payload) -> Sent {
    let world = enter();
    Sent { answer: world.send_signal(workflow, name, input, true), run: world.asks().0 }
}

/// Asks a workflow to cancel itself. The request does nothing if the workflow has closed, as on a server.
///
/// # Errors
/// There are none so far.
pub fn cancel(workflow: WorkflowKey, reason: &str) -> Result<(), Refused> {
    enter().serve(|service, now| service.request_cancel(workflow, reason.into(), now))
}

/// Closes a workflow at once; its code does not hear of it.
///
/// # Errors
/// The error is [`Refused::WORKFLOW_CLOSED`] if the workflow has closed.
pub fn terminate(workflow: WorkflowKey, reason: &str) -> Result<(), Refused> {
    enter().serve(|service, now| service.terminate(workflow, reason.into(), now))
}

/// Asks a workflow's code, and waits for the answer. The failure is that of code that does not answer the query.
pub fn query(workflow: WorkflowKey, name: &str, input: Payload) -> Answer {
    let world = enter();
    Answer { query: world.ask(workflow, name, input), run: world.asks().0 }
}

/// Waits until a run has closed. Runs that follow it are not waited for.
pub fn closed(workflow: WorkflowKey) -> Closed {
    Closed { workflow, run: enter().asks().0 }
}

/// Ends the run with an error, for a request that is not simulated. It does not come back.
///
/// # Panics
/// It panics in a destructor that is called while the thread unwinds.
pub fn refuse(message: impl Into<String>) -> ! {
    let message = message.into();
    enter().misuse(message.clone());
    panic!("{message}")
}

/// The answer of the service to a [`signal`]: a future that is `Send`.
#[must_use = "futures do nothing unless awaited"]
#[derive(Debug)]
pub struct Sent {
    /// The request, if a fault keeps it on its way.
    answer: Result<Option<LateSignalKey>, Refused>,
    run: u64,
}

impl Future for Sent {
    type Output = Result<(), Refused>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Refused>> {
        match &self.answer {
            Ok(None) => Poll::Ready(Ok(())),
            Ok(Some(late)) => enter_again(self.run).poll_signal(*late, context),
            Err(refused) => Poll::Ready(Err(refused.clone())),
        }
    }
}

/// The answer to a [`query`]: a future that is `Send`.
#[must_use = "futures do nothing unless awaited"]
#[derive(Debug)]
pub struct Answer {
    query: QueryKey,
    run: u64,
}

impl Future for Answer {
    type Output = Result<Payload, Failure>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        enter_again(self.run).poll_query(self.query, context)
    }
}

/// The end of a workflow, which [`closed`] waits for: a future that is `Send`.
#[must_use = "futures do nothing unless awaited"]
#[derive(Debug)]
pub struct Closed {
    workflow: WorkflowKey,
    run: u64,
}

impl Future for Closed {
    type Output = WorkflowOutcome;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<WorkflowOutcome> {
        enter_again(self.run).poll_outcome(self.workflow, context)
    }
}

/// Gives the run in progress. Code that has crashed gets no further than this.
#[track_caller]
fn enter() -> Rc<World> {
    let world = enter_run("requests", || {
        "asked the service through a client: a workflow changes the world through activities only".to_owned()
    });
    if world.asks().1 && !std::thread::panicking() {
        leave_user_code();
    }
    world
}

/// Gives the run of this number, in which a request was made.
#[track_caller]
fn enter_again(run: u64) -> Rc<World> {
    let world = enter();
    assert_eq!(world.asks().0, run, "a request of a client belongs to its run: it was awaited in another one");
    world
}
