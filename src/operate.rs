//! What a script does besides starting workflows and talking to them: it acts on their activities, and on workers.

use serde::Serialize;

use crate::client::{Client, ClientError, WorkflowHandle, encode, world};
use crate::program::{ActivityId, Decode, Time};
use crate::service::{ActivityKey, Refused, Reset, Service, Unpause, WorkflowKey};
use crate::trace::WorkerKey;
use crate::world::core::Core;

impl<O: Decode> WorkflowHandle<O> {
    /// Looks at the service as it is at this moment. The key is this workflow's.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use durasim::{Simulation, WorkflowContext, WorkflowError};
    /// # async fn nap(ctx: &WorkflowContext, _: ()) -> Result<(), WorkflowError> {
    /// #     ctx.sleep(Duration::from_secs(10)).await
    /// # }
    /// let (events, _) = Simulation::temporal()
    ///     .workflow("nap", nap)
    ///     .drive(|client| async move {
    ///         let nap = client.start::<()>("nap", "nap-1", &()).await.unwrap();
    ///         client.sleep(Duration::from_secs(1)).await;
    ///         nap.inspect(|service, key| service.history(key).len())
    ///     })
    ///     .unwrap();
    /// assert_eq!(events, 5);
    /// ```
    pub fn inspect<R>(&self, look: impl FnOnce(&Service, WorkflowKey) -> R) -> R {
        look(&world().core.borrow().service, self.key())
    }

    /// Completes an open activity by its id, whether an attempt runs, waits for its retry, or was never taken: how an
    /// activity ends whose code left that to somebody else
    /// ([`WillCompleteAsync`](crate::program::ActivityOutcome::WillCompleteAsync)).
    ///
    /// # Errors
    /// [`ClientError::Refused`] if no activity of this id is open or the workflow has closed, [`ClientError::Encode`].
    pub async fn complete_activity(
        &self,
        activity_id: &str,
        result: &(impl Serialize + ?Sized),
    ) -> Result<(), ClientError> {
        let result = encode(result, || format!("the result of activity `{activity_id}`"))?;
        let id = ActivityId::Named(activity_id.into());
        self.serve(|service, now| service.complete_by_id(self.key(), &id, result, now))
    }

    /// Pauses an activity: no attempt of it is handed out and no deadline passes, until it is unpaused. One that runs
    /// learns of it with its next heartbeat.
    ///
    /// # Errors
    /// [`ClientError::Refused`] if no activity of this id is open.
    pub async fn pause_activity(&self, activity_id: &str) -> Result<(), ClientError> {
        self.operate(activity_id, |service, activity, _| service.pause(activity))
    }

    /// Lets a paused activity go on, at once.
    ///
    /// # Errors
    /// [`ClientError::Refused`] if no activity of this id is open.
    pub async fn unpause_activity(&self, activity_id: &str, how: Unpause) -> Result<(), ClientError> {
        self.operate(activity_id, |service, activity, now| service.unpause(activity, how, now))
    }

    /// Lets an activity begin again with attempt 1: at once, or when the attempt that runs has ended.
    ///
    /// # Errors
    /// [`ClientError::Refused`] if no activity of this id is open.
    pub async fn reset_activity(&self, activity_id: &str, how: Reset) -> Result<(), ClientError> {
        self.operate(activity_id, |service, activity, now| service.reset(activity, how, now))
    }

    fn operate(&self, activity_id: &str, act: impl FnOnce(&mut Service, ActivityKey, Time)) -> Result<(), ClientError> {
        let id = ActivityId::Named(activity_id.into());
        self.serve(|service, now| {
            let activity = service.open_activity(self.key(), &id).ok_or(Refused::ACTIVITY_GONE)?;
            act(service, activity, now);
            Ok(())
        })
    }
}

impl Client {
    /// Tells a worker to stop: it takes no more tasks, and cancels what runs when the
    /// [grace period](crate::Simulation::graceful_shutdown_period) is over. Workers are counted from 0, in the order in
    /// which the simulation got them. Another process comes up after the
    /// [restart delay](crate::Simulation::restart_delay), or with [`start_worker`](Client::start_worker). One that is
    /// not up is left alone.
    ///
    /// # Panics
    /// If there is no such worker.
    pub fn stop_worker(&self, worker: usize) {
        let world = world();
        let mut core = world.core.borrow_mut();
        let number = number(&core, worker);
        core.stop_worker(number);
    }

    /// Brings up a new process of a worker that is down, without waiting for the restart delay. One that is up is left
    /// alone.
    ///
    /// # Panics
    /// If there is no such worker.
    pub fn start_worker(&self, worker: usize) {
        let world = world();
        let mut core = world.core.borrow_mut();
        let number = number(&core, worker);
        core.start_worker(number);
    }
}

fn number(core: &Core, worker: usize) -> WorkerKey {
    assert!(worker < core.workers.len(), "there is no worker {worker}: the simulation has {}", core.workers.len());
    WorkerKey::at(worker)
}
