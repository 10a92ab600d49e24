//! [`Client`]: the value with which a script drives a run.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::activity_handle::ActivityHandle;
use super::activity_options::StartActivityOptions;
use super::call::Call;
use super::error::ClientError;
use super::handle::{WorkflowHandle, encode, world};
use super::options::StartOptions;
use crate::inside::state;
use crate::inside::time::{self, Sleep};
use crate::program::{Decode, IdConflictPolicy, Time};
use crate::service::{Code, StartWorkflow};

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
        Call::new("client.start", async move { begin(workflow, id.into().into(), input, &StartOptions::default()) })
    }

    /// Starts a workflow as [`start`](Client::start) does, with options.
    ///
    /// ```
    /// use std::time::Duration;
    /// use durasim::{RetryPolicy, Simulation, StartOptions, WorkflowContext, WorkflowError};
    ///
    /// async fn flaky(ctx: &WorkflowContext, _: ()) -> Result<u32, WorkflowError> {
    ///     match ctx.info().attempt {
    ///         3 => Ok(3),
    ///         _ => Err(WorkflowError::application("not yet")),
    ///     }
    /// }
    ///
    /// let (result, _run) = Simulation::temporal()
    ///     .workflow("flaky", flaky)
    ///     .drive(async |client| {
    ///         let retry_policy = Some(RetryPolicy::default().into());
    ///         let options = StartOptions { retry_policy, ..Default::default() };
    ///         client.start_with::<u32>("flaky", "flaky-1", &(), options).await?.result().await
    ///     })
    ///     .unwrap();
    /// assert_eq!(result, Ok(3));
    /// ```
    ///
    /// # Errors
    /// The error is one of those of [`start`](Client::start), [`ClientError::UnknownTaskQueue`], or
    /// [`ClientError::Refused`] if the options make no sense.
    #[track_caller]
    pub fn start_with<'a, O: Decode>(
        &'a self,
        workflow: &'a str,
        id: impl Into<String> + 'a,
        input: &'a (impl Serialize + ?Sized),
        options: StartOptions,
    ) -> Call<'a, WorkflowHandle<O>> {
        Call::new("client.start_with", async move { begin(workflow, id.into().into(), input, &options) })
    }

    /// Sends a signal to the open workflow of this id, and starts the workflow first if there is none. The workflow's code
    /// sees the signal with its first task then.
    ///
    /// # Errors
    /// The error is one of those of [`start_with`](Client::start_with).
    #[track_caller]
    pub fn signal_with_start<'a, O: Decode>(
        &'a self,
        workflow: &'a str,
        id: impl Into<String> + 'a,
        input: &'a (impl Serialize + ?Sized),
        options: StartOptions,
        signal: (&'a str, &'a (impl Serialize + ?Sized)),
    ) -> Call<'a, WorkflowHandle<O>> {
        Call::new("client.signal_with_start", async move {
            let (name, signal_input) = signal;
            let signal_input = encode(signal_input, || format!("the input of signal `{name}`"))?;
            let options = StartOptions { id_conflict_policy: IdConflictPolicy::UseExisting, ..options };
            let handle = begin::<O>(workflow, id.into().into(), input, &options)?;
            handle.serve_signal(name, signal_input)?;
            Ok(handle)
        })
    }

    /// Gives the handle of the workflow that was started under this id, by the script, by a workflow or by an activity. It is
    /// the newest, if there were several. `O` is its result.
    ///
    /// # Errors
    /// The error is [`ClientError::UnknownId`].
    #[track_caller]
    pub fn workflow<'a, O: Decode>(&'a self, id: impl Into<String> + 'a) -> Call<'a, WorkflowHandle<O>> {
        Call::new("client.workflow", async move {
            let id: Arc<str> = id.into().into();
            match world().find_workflow(&id) {
                Some(run) => Ok(WorkflowHandle::new(run, id)),
                None => Err(ClientError::UnknownId(id.to_string())),
            }
        })
    }

    /// Starts an activity of a registered type without a workflow, under an id of your choice. `O` is its result. Ids of
    /// workflows and of such activities are apart. Cadence has no such activities.
    ///
    /// ```
    /// use std::time::Duration;
    /// use durasim::{ActivityContext, ActivityError, Simulation, StartActivityOptions};
    ///
    /// async fn double(_: &ActivityContext, number: u32) -> Result<u32, ActivityError> { Ok(2 * number) }
    ///
    /// let options = StartActivityOptions { start_to_close_timeout: Duration::from_secs(10), ..Default::default() };
    /// let (result, _run) = Simulation::temporal()
    ///     .activity("double", double)
    ///     .drive(async |client| client.start_activity::<u32>("double", "double-1", &21, options.clone()).await?.result().await)
    ///     .unwrap();
    /// assert_eq!(result, Ok(42));
    /// ```
    ///
    /// # Errors
    /// The error is [`ClientError::UnknownActivity`], [`ClientError::UnknownTaskQueue`],
    /// [`ClientError::ActivityAlreadyStarted`], [`ClientError::Encode`], or [`ClientError::Refused`] if the options make no
    /// sense.
    #[track_caller]
    pub fn start_activity<'a, O: Decode>(
        &'a self,
        activity: &'a str,
        id: impl Into<String> + 'a,
        input: &'a (impl Serialize + ?Sized),
        options: impl Into<StartActivityOptions>,
    ) -> Call<'a, ActivityHandle<O>> {
        let options = options.into();
        Call::new("client.start_activity", async move { begin_activity(activity, id.into().into(), input, &options) })
    }

    /// Gives the handle of the activity that was started without a workflow under this id. It is the newest, if there were
    /// several. `O` is its result.
    ///
    /// # Errors
    /// The error is [`ClientError::UnknownActivityId`].
    #[track_caller]
    pub fn activity<'a, O: Decode>(&'a self, id: impl Into<String> + 'a) -> Call<'a, ActivityHandle<O>> {
        Call::new("client.activity", async move {
            let id: Arc<str> = id.into().into();
            match world().inspect(|service| service.newest_standalone(&id)) {
                Some(run) => Ok(ActivityHandle::new(run, id)),
                None => Err(ClientError::UnknownActivityId(id.to_string())),
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

/// Starts an activity without a workflow.
fn begin_activity<O: Decode>(
    activity: &str,
    id: Arc<str>,
    input: &(impl Serialize + ?Sized),
    options: &StartActivityOptions,
) -> Result<ActivityHandle<O>, ClientError> {
    let world = world();
    let name = world
        .activity_type(activity)
        .map_err(|known| ClientError::UnknownActivity { name: activity.to_owned(), known })?;
    if let Some(queue) = &options.task_queue {
        world.check_queue(queue).map_err(|known| ClientError::UnknownTaskQueue { queue: queue.clone(), known })?;
    }
    let input = encode(input, || format!("the input of activity `{activity}`"))?;
    match world.start_activity(options.start(id.clone(), name, world.task_queue(), input)) {
        Ok(started) => Ok(ActivityHandle::new(started.run(), id)),
        Err(refused) if refused.code == Code::AlreadyExists => Err(ClientError::ActivityAlreadyStarted(id.to_string())),
        Err(refused) => Err(refused.into()),
    }
}

/// Starts a workflow.
fn begin<O: Decode>(
    workflow: &str,
    id: Arc<str>,
    input: &(impl Serialize + ?Sized),
    options: &StartOptions,
) -> Result<WorkflowHandle<O>, ClientError> {
    let world = world();
    let Some(name) = world.workflow_type(workflow) else {
        let known = world.workflow_types();
        return Err(ClientError::UnknownWorkflow { name: workflow.to_owned(), known });
    };
    if let Some(queue) = &options.task_queue {
        world.check_queue(queue).map_err(|known| ClientError::UnknownTaskQueue { queue: queue.clone(), known })?;
    }
    let input = encode(input, || format!("the input of workflow `{workflow}`"))?;
    let start = options.apply(StartWorkflow::new(id.clone(), name, world.task_queue(), input));
    match world.start_workflow(start) {
        Ok(started) => Ok(WorkflowHandle::new(started.run(), id)),
        Err(refused) if refused.code == Code::AlreadyExists => Err(ClientError::AlreadyStarted(id.to_string())),
        Err(refused) => Err(refused.into()),
    }
}
