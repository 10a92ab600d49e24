//! [`Client`]: what a script drives a run with.

use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use serde::Serialize;
use thiserror::Error;

use crate::program::{Decode, Failure, Payload, Time, list_names};
use crate::service::{Refused, Service, WorkflowKey, WorkflowOutcome};
use crate::time::{self, Sleep};
use crate::world::core::{World, current};
use crate::world::outcome_words;

/// A client of the simulated service, in virtual time. Given to the script of
/// [`Simulation::drive`](crate::Simulation::drive) and [`Simulation::explore_script`](crate::Simulation::explore_script).
#[derive(Clone, Debug)]
pub struct Client(());

/// A call of a script that did not do what it should.
#[derive(Clone, PartialEq, Debug, Error)]
#[non_exhaustive]
pub enum ClientError {
    /// No workflow of this type is registered.
    #[error("no workflow `{name}` is registered (registered: {known})")]
    UnknownWorkflow {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// A workflow of this id has been started before.
    #[error("the workflow id `{0}` is taken: a workflow of this id was started before")]
    AlreadyStarted(String),
    /// Something could not be encoded.
    #[error("{what} cannot be encoded as JSON: {why}")]
    Encode {
        /// What.
        what: String,
        /// What serde_json says.
        why: String,
    },
    /// Something is of another type.
    #[error("{what} does not decode as `{wanted}`: {why}")]
    Decode {
        /// What.
        what: String,
        /// The type asked for.
        wanted: &'static str,
        /// What serde_json says.
        why: String,
    },
    /// The service refused the call: the workflow has closed.
    #[error("{0}")]
    Refused(String),
    /// The workflow's code does not answer this query, or its answer is a failure.
    #[error("the query failed: {0}")]
    Query(Failure),
    /// The workflow closed without a result.
    #[error("the workflow {}", outcome_words(.0))]
    NotCompleted(WorkflowOutcome),
}

impl Client {
    pub(crate) fn new() -> Client {
        Client(())
    }

    /// Starts a workflow of a registered type under an id of your choice. `O` is its result.
    ///
    /// # Errors
    /// [`ClientError::UnknownWorkflow`], [`ClientError::AlreadyStarted`], [`ClientError::Encode`].
    pub async fn start<O: Decode>(
        &self,
        workflow: &str,
        id: impl Into<String>,
        input: &(impl Serialize + ?Sized),
    ) -> Result<WorkflowHandle<O>, ClientError> {
        let world = world();
        let id: Arc<str> = id.into().into();
        let Some((name, _)) = world.setup.workflows.get_key_value(workflow) else {
            let known = list_names(world.setup.workflows.keys());
            return Err(ClientError::UnknownWorkflow { name: workflow.to_owned(), known });
        };
        let input = encode(input, || format!("the input of workflow `{workflow}`"))?;
        let mut core = world.core.borrow_mut();
        if core.trace.workflows().values().any(|name| name.workflow_id == id) {
            return Err(ClientError::AlreadyStarted(id.to_string()));
        }
        let key = core.start_workflow(name, &id, input, world.setup.task_queue.clone());
        Ok(WorkflowHandle { key, id, output: PhantomData })
    }

    /// Waits in virtual time.
    #[track_caller]
    pub fn sleep(&self, length: Duration) -> Sleep {
        time::sleep(length)
    }

    /// The present moment.
    pub fn now(&self) -> Time {
        time::now()
    }

    /// A piece of the run's state.
    ///
    /// # Panics
    /// A type that is not registered ends the run with an error.
    #[track_caller]
    pub fn state<T: 'static>(&self) -> Rc<T> {
        crate::state::state()
    }
}

/// A workflow that a script has started.
pub struct WorkflowHandle<O> {
    key: WorkflowKey,
    id: Arc<str>,
    output: PhantomData<fn() -> O>,
}

impl<O: Decode> WorkflowHandle<O> {
    pub(crate) fn key(&self) -> WorkflowKey {
        self.key
    }

    /// The id it was started under.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether it is still open.
    pub fn is_open(&self) -> bool {
        world().core.borrow().service.workflow(self.key).is_open()
    }

    /// Sends a signal. Its code sees it with its next task.
    ///
    /// # Errors
    /// [`ClientError::Refused`] if the workflow has closed, [`ClientError::Encode`].
    pub async fn signal(&self, name: &str, input: &(impl Serialize + ?Sized)) -> Result<(), ClientError> {
        let input = encode(input, || format!("the input of signal `{name}`"))?;
        let world = world();
        let mut core = world.core.borrow_mut();
        let answer = core.send_signal(self.key, name.into(), input);
        answer.map_err(|refused| ClientError::Refused(refused.to_string()))
    }

    /// Asks the workflow's code, and waits for the answer.
    ///
    /// # Errors
    /// [`ClientError::Query`] if the code does not answer it, [`ClientError::Encode`], [`ClientError::Decode`].
    pub async fn query<R: Decode>(&self, name: &str, input: &(impl Serialize + ?Sized)) -> Result<R, ClientError> {
        let input = encode(input, || format!("the input of query `{name}`"))?;
        let id = {
            let world = world();
            let mut core = world.core.borrow_mut();
            core.ask(self.key, name.into(), input)
        };
        let answer = poll_fn(|context| world().core.borrow_mut().poll_query(id, context.waker())).await;
        let answer = answer.map_err(ClientError::Query)?;
        decode(&answer, || format!("the answer to query `{name}`"))
    }

    /// Asks the workflow to cancel itself. Silent if it has closed, as on a server.
    ///
    /// # Errors
    /// [`ClientError::Refused`], which the service has no reason for so far.
    pub async fn cancel(&self) -> Result<(), ClientError> {
        self.serve(|service, now| service.request_cancel(self.key, "asked by the client".into(), now))
    }

    /// Closes the workflow at once; its code does not hear of it.
    ///
    /// # Errors
    /// [`ClientError::Refused`] if it has closed.
    pub async fn terminate(&self, reason: &str) -> Result<(), ClientError> {
        self.serve(|service, now| service.terminate(self.key, reason.into(), now))
    }

    /// Waits until the workflow has closed.
    ///
    /// # Errors
    /// [`ClientError::NotCompleted`] if it failed, timed out, was cancelled or terminated; [`ClientError::Decode`].
    pub async fn result(&self) -> Result<O, ClientError> {
        let outcome = poll_fn(|context| {
            let world = world();
            let mut core = world.core.borrow_mut();
            match core.service.workflow(self.key).outcome() {
                Some(outcome) => Poll::Ready(outcome.clone()),
                None => {
                    core.workflows[self.key].waiting.push(context.waker().clone());
                    Poll::Pending
                }
            }
        });
        match outcome.await {
            WorkflowOutcome::Completed(result) => decode(&result, || format!("the result of workflow `{}`", self.id)),
            other => Err(ClientError::NotCompleted(other)),
        }
    }

    pub(crate) fn serve(
        &self,
        call: impl FnOnce(&mut Service, Time) -> Result<(), Refused>,
    ) -> Result<(), ClientError> {
        let world = world();
        let answer = world.core.borrow_mut().serve(call);
        answer.map_err(|refused| ClientError::Refused(refused.to_string()))
    }
}

impl<O> fmt::Debug for WorkflowHandle<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkflowHandle").field("id", &self.id).finish_non_exhaustive()
    }
}

#[track_caller]
pub(crate) fn world() -> Rc<World> {
    match current() {
        Some(world) => world,
        None => panic!("a client belongs to its script: it was used outside the run it was given for"),
    }
}

pub(crate) fn encode(value: &(impl Serialize + ?Sized), what: impl FnOnce() -> String) -> Result<Payload, ClientError> {
    Payload::from_json(value).map_err(|why| ClientError::Encode { what: what(), why: why.to_string() })
}

fn decode<T: Decode>(payload: &Payload, what: impl FnOnce() -> String) -> Result<T, ClientError> {
    T::decode(payload.as_bytes()).map_err(|why| ClientError::Decode {
        what: what(),
        wanted: std::any::type_name::<T>(),
        why: why.to_string(),
    })
}
