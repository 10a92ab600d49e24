//! The runs of a simulation whose input is one activity, without a workflow.

use std::sync::Arc;

use serde::Serialize;

use super::Simulation;
use crate::client::StartActivityOptions;
use crate::explore::Exploration;
use crate::explore::variables::refuse_unknown;
use crate::program::{Payload, RetrySpec};
use crate::workflow::ActivityOptions;
use crate::world::start::{Origin, Start};
use crate::world::{Run, RunError};

impl Simulation {
    /// Runs an activity once without a workflow, from its start until it has closed and no attempt runs. Its id is its type. The
    /// [outcome](Run::outcome) is the activity's.
    ///
    /// ```
    /// use std::time::Duration;
    /// use durasim::{ActivityContext, ActivityError, Simulation, StartActivityOptions};
    ///
    /// async fn double(_: &ActivityContext, number: u32) -> Result<u32, ActivityError> { Ok(2 * number) }
    ///
    /// let options = StartActivityOptions { start_to_close_timeout: Duration::from_secs(10), ..Default::default() };
    /// let run = Simulation::temporal().activity("double", double).run_activity("double", &21, options)?;
    /// assert_eq!(run.result::<u32>()?, 42);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The error is one of those of [`run`](Simulation::run). It is [`RunError::Setup`] if the activity is not registered or its
    /// options make no sense, and in the Cadence dialect, which has no such activities.
    pub fn run_activity(
        &self,
        activity: &str,
        input: &(impl Serialize + ?Sized),
        options: impl Into<StartActivityOptions>,
    ) -> Result<Run, RunError> {
        refuse_unknown()?;
        self.run_once(&self.start_activity(activity, input, &options.into()))
    }

    /// Explores an activity without a workflow as [`explore`](Simulation::explore) explores a workflow. Points are spelled as
    /// those of the first workflow's activities: `copy#1@1:heartbeat2`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use durasim::{ActivityContext, ActivityError, Simulation, StartActivityOptions};
    ///
    /// async fn copy(ctx: &ActivityContext, files: u32) -> Result<u32, ActivityError> {
    ///     for file in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..files {
    ///         durasim::time::sleep(Duration::from_secs(1)).await;
    ///         ctx.heartbeat(&(file + 1))?;
    ///     }
    ///     Ok(files)
    /// }
    ///
    /// let options = StartActivityOptions {
    ///     start_to_close_timeout: Duration::from_secs(60),
    ///     heartbeat_timeout: Duration::from_secs(5),
    ///     ..Default::default()
    /// };
    /// Simulation::temporal().activity("copy", copy).explore_activity("copy", &2, options).every_fault().assert();
    /// ```
    #[track_caller]
    pub fn explore_activity(
        &self,
        activity: &str,
        input: &(impl Serialize + ?Sized),
        options: impl Into<StartActivityOptions>,
    ) -> Exploration {
        Exploration::new(self.start_activity(activity, input, &options.into()), self.not_for_explorations())
    }

    fn start_activity(
        &self,
        activity: &str,
        input: &(impl Serialize + ?Sized),
        options: &StartActivityOptions,
    ) -> Start {
        let name = self.setup.known_activity_name(activity).unwrap_or_else(|| activity.into());
        let queue = self.setup.task_queue().clone();
        let start = Payload::from_json(input)
            .map(|input| options.start(Arc::clone(&name), Arc::clone(&name), queue, input))
            .map_err(|why| RunError::Setup(format!("the input of activity `{name}` cannot be encoded as JSON: {why}")));
        Start::new(self.setup(), Origin::Activity { activity: name, start })
    }
}

/// Takes what an activity without a workflow has too.
impl From<ActivityOptions> for StartActivityOptions {
    fn from(options: ActivityOptions) -> StartActivityOptions {
        StartActivityOptions {
            task_queue: options.task_queue,
            schedule_to_close_timeout: options.schedule_to_close_timeout,
            schedule_to_start_timeout: options.schedule_to_start_timeout,
            start_to_close_timeout: options.start_to_close_timeout,
            heartbeat_timeout: options.heartbeat_timeout,
            retry_policy: options.retry_policy.map(RetrySpec::from),
            ..StartActivityOptions::default()
        }
    }
}
