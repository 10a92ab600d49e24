//! [`Client`]: the value with which a script drives a run.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::call::Call;
use super::error::ClientError;
use super::handle::{WorkflowHandle, encode, world};
use crate::inside::state;
use crate::inside::time::{self, Sleep};
use crate::program::{Decode, Span, Time};
use crate::service::Code;

/// A client of the simulated service, in virtual time. It is given to the script of
/// [`Simulation::drive`](crate::Simulation::drive) and
/// [`Simulation::explore_script`](crate::Simulation::explore_script).
#[derive(Clone, Debug)]
pub struct Client(());

impl Client {
    pub(crate) fn new() -> Client {
        Client(())
    }

    /// Starts a workflow of a registered type under an id of your choice. `O` is its result.
    ///
    /// # Errors
    /// The error is [`ClientError::UnknownWorkflow`], [`ClientError::AlreadyStarted`], or [`ClientError::Encode`].
    #[track_caller]
    pub fn start<'a, O: Decode>(
        &'a self,
        workflow: &'a str,
        id: impl Into<String> + 'a,
        input: &'a (impl Serialize + ?Sized),
    ) -> Call<'a, WorkflowHandle<O>> {
        Call::new("client.start", async move {
            let world = world();
            let id: Arc<str> = id.into().into();
            let Some(name) = world.workflow_type(workflow) else {
                let known = world.workflow_types();
                return Err(ClientError::UnknownWorkflow { name: workflow.to_owned(), known });
            };
            let input = encode(input, || format!("the input of workflow `{workflow}`"))?;
            match world.start_workflow(&name, &id, input, Span::ZERO) {
                Ok(key) => Ok(WorkflowHandle::new(key, id)),
                Err(refused) if refused.code == Code::AlreadyExists => Err(ClientError::AlreadyStarted(id.to_string())),
                Err(refused) => Err(refused.into()),
            }
        })
    }

    /// Waits in virtual time.
    #[track_caller]
    pub fn sleep(&self, length: Duration) -> Sleep {
        time::sleep(length)
    }

    /// The present moment.
    #[track_caller]
    pub fn now(&self) -> Time {
        time::now()
    }

    /// Gives a piece of the run's state.
    ///
    /// # Panics
    /// A type that is not registered ends the run with an error.
    #[track_caller]
    pub fn state<T: 'static>(&self) -> Rc<T> {
        state()
    }
}
