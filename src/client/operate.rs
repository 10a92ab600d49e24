//! The calls of a script besides those that start workflows and talk to them: it acts on their activities, and on
//! workers.

use super::call::Call;
use super::error::ClientError;
use super::handle::{WorkflowHandle, world};
use super::script::Client;
use crate::program::{ActivityId, Decode, Time, places};
use crate::service::{ActivityKey, Refused, Reset, Service, Unpause, UpdateOptions, WorkflowKey};

impl<O: Decode> WorkflowHandle<O> {
    /// Looks at the service as it is at this moment. The key is that of the newest run of this workflow.
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
    #[track_caller]
    pub fn inspect<R>(&self, look: impl FnOnce(&Service, WorkflowKey) -> R) -> R {
        places::called("handle.inspect");
        world().inspect(|service| look(service, self.newest(service)))
    }

    /// Pauses an activity: no attempt of it is handed out and no deadline passes, until it is unpaused. An attempt that
    /// runs learns of the pause with its next heartbeat.
    ///
    /// # Errors
    /// The error is [`Refused`](crate::ClientError::Refused) if no activity of this id is open, or the workflow has
    /// closed.
    #[track_caller]
    pub fn pause_activity<'a>(&'a self, activity_id: &'a str) -> Call<'a, ()> {
        self.operate("handle.pause_activity", activity_id, |service, activity, _| service.pause(activity))
    }

    /// Lets a paused activity go on, at once.
    ///
    /// # Errors
    /// The error is [`Refused`](crate::ClientError::Refused) if no activity of this id is open, or the workflow has
    /// closed.
    #[track_caller]
    pub fn unpause_activity<'a>(&'a self, activity_id: &'a str, how: Unpause) -> Call<'a, ()> {
        self.operate("handle.unpause_activity", activity_id, move |service, activity, now| {
            service.unpause(activity, how, now)
        })
    }

    /// Lets an activity begin again with attempt 1: at once, or when the attempt that runs has ended. As on a server, a
    /// running attempt of a later number than the first is given up: its answers are refused, and the service waits for
    /// its timeout.
    ///
    /// # Errors
    /// The error is [`Refused`](crate::ClientError::Refused) if no activity of this id is open, or the workflow has
    /// closed.
    #[track_caller]
    pub fn reset_activity<'a>(&'a self, activity_id: &'a str, how: Reset) -> Call<'a, ()> {
        self.operate("handle.reset_activity", activity_id, move |service, activity, now| {
            service.reset(activity, how, now)
        })
    }

    /// Changes options of an activity, from this moment on: the clocks of an attempt that runs have the new lengths.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use durasim::{ActivityContext, ActivityError, ActivityOptions, Simulation, Span, WorkflowContext, WorkflowError};
    /// use durasim::service::UpdateOptions;
    ///
    /// # async fn long(_: &ActivityContext, _: ()) -> Result<u32, ActivityError> {
    /// #     durasim::time::sleep(Duration::from_secs(90)).await;
    /// #     Ok(1)
    /// # }
    /// # async fn main_workflow(ctx: &WorkflowContext, _: ()) -> Result<u32, WorkflowError> {
    /// #     let options = ActivityOptions {
    /// #         activity_id: Some("long".into()), start_to_close_timeout: Duration::from_secs(60), ..Default::default()
    /// #     };
    /// #     ctx.execute_activity("long", &(), options).await
    /// # }
    /// let (attempts, _) = Simulation::temporal()
    ///     .activity("long", long)
    ///     .workflow("main", main_workflow)
    ///     .drive(async |client| {
    ///         let workflow = client.start::<u32>("main", "main-1", &()).await.unwrap();
    ///         client.sleep(Duration::from_secs(30)).await;
    ///         let longer = UpdateOptions { start_to_close: Some(Span::from_secs(120)), ..Default::default() };
    ///         workflow.update_activity_options("long", longer).await.unwrap();
    ///         workflow.result().await.unwrap()
    ///     })
    ///     .unwrap();
    /// assert_eq!(attempts, 1);
    /// ```
    ///
    /// # Errors
    /// The error is [`Refused`](crate::ClientError::Refused) if no activity of this id is open, the workflow has closed, or
    /// the options make no sense, and [`UnknownTaskQueue`](crate::ClientError::UnknownTaskQueue).
    #[track_caller]
    pub fn update_activity_options<'a>(&'a self, activity_id: &'a str, how: UpdateOptions) -> Call<'a, ()> {
        Call::new("handle.update_activity_options", async move {
            if let Some(queue) = how.task_queue.as_ref().filter(|queue| !queue.is_empty()) {
                let unknown = |known| ClientError::UnknownTaskQueue { queue: queue.to_string(), known };
                world().check_queue(queue).map_err(unknown)?;
            }
            let id = ActivityId::Named(activity_id.into());
            let update = |service: &mut Service, now: Time| {
                let activity = service.pending_activity(self.newest(service), &id)?;
                service.update_options(activity, &how, now)
            };
            Ok(world().serve(update)?)
        })
    }

    #[track_caller]
    fn operate<'a>(
        &'a self,
        name: &'static str,
        activity_id: &'a str,
        act: impl FnOnce(&mut Service, ActivityKey, Time) -> Result<(), Refused> + 'a,
    ) -> Call<'a, ()> {
        self.serve(name, move |service, now| {
            let id = ActivityId::Named(activity_id.into());
            let activity = service.pending_activity(self.newest(service), &id)?;
            act(service, activity, now)
        })
    }
}

impl Client {
    /// Tells a worker to stop: it takes no more tasks, and cancels what runs when the [grace
    /// period](crate::Simulation::graceful_shutdown_period) is over. Workers are counted from 1, in the order in which
    /// the simulation got them, as in timelines. Another process comes up after the [restart
    /// delay](crate::Simulation::restart_delay), or with [`start_worker`](Client::start_worker). A worker that is not
    /// up is left alone.
    ///
    /// # Panics
    /// It panics if there is no such worker.
    #[track_caller]
    pub fn stop_worker(&self, worker: usize) {
        places::called("client.stop_worker");
        world().stop_worker(worker);
    }

    /// Brings up a new process of a worker that is down, without waiting for the restart delay. A worker that is up is
    /// left alone.
    ///
    /// # Panics
    /// It panics if there is no such worker.
    #[track_caller]
    pub fn start_worker(&self, worker: usize) {
        places::called("client.start_worker");
        world().start_worker(worker);
    }
}
