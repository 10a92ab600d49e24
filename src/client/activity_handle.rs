//! [`ActivityHandle`]: an activity without a workflow that a script has started.

use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;

use super::call::Call;
use super::error::ClientError;
use super::handle::{decode, encode, world};
use crate::program::{ActivityId, Decode, Details, Failure, Time, places};
use crate::service::{ActivityDescription, HeartbeatAnswer, Refused, Service, WorkflowKey, WorkflowOutcome};

/// An activity that a script has started without a workflow: [`Client::start_activity`](crate::Client::start_activity). `O` is
/// its result.
pub struct ActivityHandle<O> {
    run: WorkflowKey,
    id: Arc<str>,
    output: PhantomData<fn() -> O>,
}

impl<O: Decode> ActivityHandle<O> {
    pub(super) fn new(run: WorkflowKey, id: Arc<str>) -> ActivityHandle<O> {
        ActivityHandle { run, id, output: PhantomData }
    }

    /// The id under which it was started.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Says whether it is still open.
    #[track_caller]
    pub fn is_open(&self) -> bool {
        places::called("handle.is_open");
        world().inspect(|service| service.workflow(self.run).is_open())
    }

    /// Tells how it stands at this moment: its state, its attempt, the details of its heartbeats, its options.
    #[track_caller]
    pub fn describe(&self) -> ActivityDescription {
        places::called("handle.describe");
        world().inspect(|service| {
            service.describe_standalone(self.run).unwrap_or_else(|| unreachable!("{} is an activity", self.id))
        })
    }

    /// Waits until the activity has closed.
    ///
    /// # Errors
    /// The error is [`ClientError::ActivityNotCompleted`] if it failed, timed out, was cancelled or terminated, or
    /// [`ClientError::Decode`].
    #[track_caller]
    pub fn result(&self) -> Call<'_, O> {
        Call::new("handle.result", async move {
            match poll_fn(|context| world().poll_outcome(self.run, context)).await {
                WorkflowOutcome::Completed(result) => {
                    decode(&result, || format!("the result of activity `{}`", self.id))
                }
                other => Err(ClientError::ActivityNotCompleted(other)),
            }
        })
    }

    /// Asks the activity to cancel itself. An attempt that runs hears of it with its next heartbeat; one that does not run is
    /// cancelled at once, and has the reason for its details.
    ///
    /// # Errors
    /// The error is [`ClientError::Refused`] if it has closed, or was asked before.
    #[track_caller]
    pub fn cancel<'a>(&'a self, reason: &'a str) -> Call<'a, ()> {
        self.serve("handle.cancel", move |service, now| service.request_cancel(self.run, reason.into(), now))
    }

    /// Closes the activity at once; its code does not hear of it before its next heartbeat is refused.
    ///
    /// # Errors
    /// The error is [`ClientError::Refused`] if it has closed.
    #[track_caller]
    pub fn terminate<'a>(&'a self, reason: &'a str) -> Call<'a, ()> {
        self.serve("handle.terminate", move |service, now| service.terminate(self.run, reason.into(), now))
    }

    /// Completes the activity by its id, whether an attempt runs, waits for its retry, or was never taken.
    ///
    /// # Errors
    /// The error is [`ClientError::Refused`] if it has closed, or [`ClientError::Encode`].
    #[track_caller]
    pub fn complete<'a>(&'a self, result: &'a (impl Serialize + ?Sized)) -> Call<'a, ()> {
        Call::new("handle.complete", async move {
            let result = encode(result, || format!("the result of activity `{}`", self.id))?;
            let id = self.activity_id();
            Ok(world().serve(move |service, now| service.complete_by_id(self.run, &id, result, now))?)
        })
    }

    /// Fails the attempt that runs, by the activity's id: it is retried, or the activity fails.
    ///
    /// # Errors
    /// The error is [`ClientError::Refused`] if no attempt runs.
    #[track_caller]
    pub fn fail(&self, failure: impl Into<Failure>) -> Call<'_, ()> {
        let failure = Arc::new(failure.into());
        let id = self.activity_id();
        self.serve("handle.fail", move |service, now| service.fail_by_id(self.run, &id, Some(failure), None, now))
    }

    /// Sends a heartbeat for the attempt that runs, by the activity's id.
    ///
    /// # Errors
    /// The error is [`ClientError::Refused`] if no attempt runs, or [`ClientError::Encode`].
    #[track_caller]
    pub fn heartbeat<'a>(&'a self, details: &'a (impl Serialize + ?Sized)) -> Call<'a, HeartbeatAnswer> {
        Call::new("handle.heartbeat", async move {
            let details = encode(details, || format!("the heartbeat details of activity `{}`", self.id))?;
            Ok(world().heartbeat_by_id(self.run, &self.activity_id(), Details::Payload(details))?)
        })
    }

    /// Says that the attempt that runs was cancelled, by the activity's id.
    ///
    /// # Errors
    /// The error is [`ClientError::Refused`] if no attempt runs or nobody asked to cancel it, or [`ClientError::Encode`].
    #[track_caller]
    pub fn report_cancelled<'a>(&'a self, details: &'a (impl Serialize + ?Sized)) -> Call<'a, ()> {
        Call::new("handle.report_cancelled", async move {
            let details = encode(details, || format!("the details of activity `{}`", self.id))?;
            let (id, details) = (self.activity_id(), Details::Payload(details));
            Ok(world().serve(move |service, now| service.cancel_by_id(self.run, &id, details, now))?)
        })
    }

    fn activity_id(&self) -> ActivityId {
        ActivityId::Named(Arc::clone(&self.id))
    }

    #[track_caller]
    fn serve<'a>(
        &'a self,
        name: &'static str,
        call: impl FnOnce(&mut Service, Time) -> Result<(), Refused> + 'a,
    ) -> Call<'a, ()> {
        Call::new(name, async move { Ok(world().serve(call)?) })
    }
}

impl<O> fmt::Debug for ActivityHandle<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActivityHandle").field("id", &self.id).finish_non_exhaustive()
    }
}
