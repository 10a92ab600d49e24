//! The calls of a script that name an activity of a workflow by its id: they complete it, fail it, and speak for it.

use std::sync::Arc;

use serde::Serialize;

use super::call::Call;
use super::handle::{WorkflowHandle, encode, world};
use crate::program::{ActivityId, Decode, Details, Failure};
use crate::service::HeartbeatAnswer;

impl<O: Decode> WorkflowHandle<O> {
    /// Completes an open activity by its id, whether an attempt runs, waits for its retry, or was never taken. An
    /// activity ends in this way if its code left the end to somebody else
    /// ([`WillCompleteAsync`](crate::program::ActivityOutcome::WillCompleteAsync)).
    ///
    /// # Errors
    /// The error is [`Refused`](crate::ClientError::Refused) if no activity of this id is open or the workflow has
    /// closed, or [`Encode`](crate::ClientError::Encode).
    #[track_caller]
    pub fn complete_activity<'a>(
        &'a self,
        activity_id: &'a str,
        result: &'a (impl Serialize + ?Sized),
    ) -> Call<'a, ()> {
        Call::new("handle.complete_activity", async move {
            let result = encode(result, || format!("the result of activity `{activity_id}`"))?;
            let id = ActivityId::Named(activity_id.into());
            Ok(world().serve(move |service, now| service.complete_by_id(self.newest(service), &id, result, now))?)
        })
    }

    /// Fails the attempt of an activity that runs, by the activity's id: it is retried, or the activity fails. A failure of any
    /// kind is taken, as on a server.
    ///
    /// # Errors
    /// The error is [`Refused`](crate::ClientError::Refused) if no attempt of this id runs, or the workflow has closed.
    #[track_caller]
    pub fn fail_activity<'a>(&'a self, activity_id: &'a str, failure: impl Into<Failure>) -> Call<'a, ()> {
        let failure = Arc::new(failure.into());
        self.serve("handle.fail_activity", move |service, now| {
            let id = ActivityId::Named(activity_id.into());
            service.fail_by_id(self.newest(service), &id, Some(failure), None, now)
        })
    }

    /// Sends a heartbeat for the attempt of an activity that runs, by the activity's id. The next attempt sees the details.
    ///
    /// # Errors
    /// The error is [`Refused`](crate::ClientError::Refused) if no attempt of this id runs or the workflow has closed, or
    /// [`Encode`](crate::ClientError::Encode).
    #[track_caller]
    pub fn heartbeat_activity<'a>(
        &'a self,
        activity_id: &'a str,
        details: &'a (impl Serialize + ?Sized),
    ) -> Call<'a, HeartbeatAnswer> {
        Call::new("handle.heartbeat_activity", async move {
            let details = encode(details, || format!("the heartbeat details of activity `{activity_id}`"))?;
            let id = ActivityId::Named(activity_id.into());
            let run = world().inspect(|service| self.newest(service));
            Ok(world().heartbeat_by_id(run, &id, Details::Payload(details))?)
        })
    }

    /// Says that the attempt of an activity that runs was cancelled, by the activity's id. Asking an activity to cancel itself
    /// is the workflow's part.
    ///
    /// # Errors
    /// The error is [`Refused`](crate::ClientError::Refused) if no attempt of this id runs, nobody has asked to cancel it, or
    /// the workflow has closed, or [`Encode`](crate::ClientError::Encode).
    #[track_caller]
    pub fn report_activity_cancelled<'a>(
        &'a self,
        activity_id: &'a str,
        details: &'a (impl Serialize + ?Sized),
    ) -> Call<'a, ()> {
        Call::new("handle.report_activity_cancelled", async move {
            let details = encode(details, || format!("the details of activity `{activity_id}`"))?;
            let (id, details) = (ActivityId::Named(activity_id.into()), Details::Payload(details));
            Ok(world().serve(move |service, now| service.cancel_by_id(self.newest(service), &id, details, now))?)
        })
    }
}
