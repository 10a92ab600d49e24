//! [`WorkflowHandle`]: a workflow that a script has started.

use std::any::type_name;
use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

use serde::Serialize;

use super::call::Call;
use super::error::ClientError;
use crate::program::{Decode, Payload, Time, places};
use crate::service::{Refused, Service, WorkflowKey, WorkflowOutcome};
use crate::world::core::{World, current};
use crate::world::network::LateSignalKey;
use crate::world::query::QueryKey;

/// A workflow that a script has started. Where other runs follow the first one, by continue-as-new or a retry, it is the
/// handle of the newest, and its result is that of the last.
pub struct WorkflowHandle<O> {
    first: WorkflowKey,
    id: Arc<str>,
    output: PhantomData<fn() -> O>,
}

impl<O: Decode> WorkflowHandle<O> {
    pub(super) fn new(key: WorkflowKey, id: Arc<str>) -> WorkflowHandle<O> {
        WorkflowHandle { first: key, id, output: PhantomData }
    }

    /// The newest run.
    pub(super) fn newest(&self, service: &Service) -> WorkflowKey {
        service.newest_in_chain(self.first)
    }

    /// The id under which it was started.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Says whether it is still open.
    #[track_caller]
    pub fn is_open(&self) -> bool {
        places::called("handle.is_open");
        world().inspect(|service| service.workflow(self.newest(service)).is_open())
    }

    /// Sends a signal, and waits until the service has it. The workflow's code sees it with its next task.
    ///
    /// A fault may keep it on its way. Nothing that the script does after this call can arrive before it then.
    ///
    /// # Errors
    /// The error is [`ClientError::Refused`] if the workflow has closed by the time it arrives, or
    /// [`ClientError::Encode`].
    #[track_caller]
    pub fn signal<'a>(&'a self, name: &'a str, input: &'a (impl Serialize + ?Sized)) -> Call<'a, ()> {
        Call::new("handle.signal", async move {
            let input = encode(input, || format!("the input of signal `{name}`"))?;
            if let Some(late) = self.send(&world(), name, input)? {
                poll_fn(|context| world().poll_signal(late, context)).await?;
            }
            Ok(())
        })
    }

    /// Asks the workflow's code, and waits for the answer.
    ///
    /// # Errors
    /// The error is [`ClientError::Query`] if the code does not answer it, [`ClientError::Encode`], or
    /// [`ClientError::Decode`].
    #[track_caller]
    pub fn query<'a, R: Decode>(&'a self, name: &'a str, input: &'a (impl Serialize + ?Sized)) -> Call<'a, R> {
        Call::new("handle.query", async move {
            let input = encode(input, || format!("the input of query `{name}`"))?;
            let query = self.ask(&world(), name, input);
            let answer = poll_fn(|context| world().poll_query(query, context)).await;
            let answer = answer.map_err(ClientError::Query)?;
            decode(&answer, || format!("the answer to query `{name}`"))
        })
    }

    /// Asks the workflow to cancel itself. The call does nothing if the workflow has closed, as on a server.
    ///
    /// # Errors
    /// The error is [`ClientError::Refused`], for which the service has no reason so far.
    #[track_caller]
    pub fn cancel(&self) -> Call<'_, ()> {
        self.serve("handle.cancel", |service, now| {
            service.request_cancel(self.newest(service), "asked by the client".into(), now)
        })
    }

    /// Closes the workflow at once; its code does not hear of it.
    ///
    /// # Errors
    /// The error is [`ClientError::Refused`] if the workflow has closed.
    #[track_caller]
    pub fn terminate<'a>(&'a self, reason: &'a str) -> Call<'a, ()> {
        self.serve("handle.terminate", move |service, now| service.terminate(self.newest(service), reason.into(), now))
    }

    /// Waits until the workflow has closed.
    ///
    /// # Errors
    /// The error is [`ClientError::NotCompleted`] if it failed, timed out, was cancelled or terminated, or
    /// [`ClientError::Decode`].
    #[track_caller]
    pub fn result(&self) -> Call<'_, O> {
        Call::new("handle.result", async move {
            let outcome = poll_fn(|context| world().poll_outcome_of_chain(self.first, context));
            match outcome.await {
                WorkflowOutcome::Completed(result) => {
                    decode(&result, || format!("the result of workflow `{}`", self.id))
                }
                other => Err(ClientError::NotCompleted(other)),
            }
        })
    }

    fn send(&self, world: &World, name: &str, input: Payload) -> Result<Option<LateSignalKey>, Refused> {
        let run = world.inspect(|service| self.newest(service));
        world.send_signal(run, name, input, false)
    }

    fn ask(&self, world: &World, name: &str, input: Payload) -> QueryKey {
        let run = world.inspect(|service| self.newest(service));
        world.ask(run, name, input)
    }

    /// Sends a signal that comes with the start: nothing holds it on its way.
    pub(super) fn serve_signal(&self, name: &str, input: Payload) -> Result<(), Refused> {
        world().serve(|service, now| service.signal(self.newest(service), name.into(), input, now))
    }

    /// A call that the service answers at once.
    #[track_caller]
    pub(super) fn serve<'a>(
        &'a self,
        name: &'static str,
        call: impl FnOnce(&mut Service, Time) -> Result<(), Refused> + 'a,
    ) -> Call<'a, ()> {
        Call::new(name, async move { Ok(world().serve(call)?) })
    }
}

impl<O> fmt::Debug for WorkflowHandle<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkflowHandle").field("id", &self.id).finish_non_exhaustive()
    }
}

#[track_caller]
pub(super) fn world() -> Rc<World> {
    match current() {
        Some(world) => {
            world.count_call();
            world
        }
        None => panic!("a client belongs to its script: it was used outside the run it was given for"),
    }
}

pub(super) fn encode(value: &(impl Serialize + ?Sized), what: impl FnOnce() -> String) -> Result<Payload, ClientError> {
    Payload::from_json(value).map_err(|why| ClientError::Encode { what: what(), why: why.to_string() })
}

pub(super) fn decode<T: Decode>(payload: &Payload, what: impl FnOnce() -> String) -> Result<T, ClientError> {
    T::decode(payload.as_bytes()).map_err(|why| ClientError::Decode {
        what: what(),
        wanted: type_name::<T>(),
        why: why.to_string(),
    })
}
