//! [`CadenceActivity`]: an activity of the client, hosted through durasim's seam.

use std::any::type_name;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crabdance_activity::{ActivityContext, ActivityInfo, ActivityRuntime, WorkflowExecution};
use crabdance_workflow::DefaultActivityError;
use durasim::program::{
    ActivityLink, ActivityOutcome, ActivityProgram, ActivityTask, Attempt, AttemptListener, CancelReason, PAYLOAD_LIMIT,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use crate::activity_error::{not_json, outcome};
use crate::resources::{No, Resources};
use crate::utc;

/// The code of an attempt.
pub(crate) type Code = Pin<Box<dyn Future<Output = ActivityOutcome>>>;

/// An activity of the client. `start` makes the code of an attempt of its context and its input.
pub(crate) struct CadenceActivity<S, R> {
    pub(crate) name: String,
    pub(crate) start: S,
    pub(crate) resources: R,
}

/// A function that is no part of a registry.
pub(crate) fn function<I, O, F>(name: String, function: F) -> impl ActivityProgram + 'static
where
    F: AsyncFn(&ActivityContext, I) -> Result<O, DefaultActivityError> + Send + Sync + 'static,
    I: DeserializeOwned + 'static,
    O: Serialize + 'static,
{
    let function = Arc::new(function);
    let start = move |ctx: ActivityContext, input: Option<Vec<u8>>| -> Code {
        let function = function.clone();
        Box::pin(async move {
            let name = &ctx.get_info().activity_type;
            let input = match serde_json::from_slice(&input.unwrap_or_default()) {
                Ok(input) => input,
                Err(why) => {
                    let wanted = type_name::<I>();
                    let message = format!("the input of activity `{name}` does not decode as `{wanted}`: {why}");
                    return not_json("InputDecodeError", message);
                }
            };
            match function(&ctx, input).await.map(|output| serde_json::to_vec(&output)) {
                Ok(Ok(output)) => outcome(Ok(output), None),
                Ok(Err(why)) => {
                    let given = type_name::<O>();
                    let message = format!("the result of activity `{name}`, a `{given}`, cannot be encoded: {why}");
                    not_json("ResultEncodeError", message)
                }
                Err(error) => outcome(Err(error), None),
            }
        })
    };
    CadenceActivity { name, start, resources: No }
}

impl<S, R> ActivityProgram for CadenceActivity<S, R>
where
    S: Fn(ActivityContext, Option<Vec<u8>>) -> Code + Send + Sync,
    R: Resources,
{
    fn activity_type(&self) -> &str {
        &self.name
    }

    fn start(&self, task: ActivityTask, link: Arc<dyn ActivityLink>) -> Attempt {
        let resources = self.resources.of(&*link);
        let info = info(&task, &*link);
        if info.heartbeat_details.is_some() {
            // The client does not say when its code looks at them: it is taken as looking at once.
            link.details_read();
        }
        let (stopping, stopped) = watch::channel(false);
        let worker = Arc::new(Worker { link, is_cancelled: AtomicBool::new(false), stopping });
        let mut ctx = match resources {
            Some(resources) => ActivityContext::with_resources(info, Some(worker.clone()), resources),
            None => ActivityContext::new(info, Some(worker.clone())),
        };
        ctx.set_worker_stop_channel(stopped);
        Attempt::listening((self.start)(ctx, bytes(task.input().as_bytes())), worker)
    }
}

/// No bytes are no input, for the client.
pub(crate) fn bytes(input: &[u8]) -> Option<Vec<u8>> {
    (!input.is_empty()).then(|| input.to_vec())
}

fn info(task: &ActivityTask, link: &dyn ActivityLink) -> ActivityInfo {
    let info = &task.info;
    ActivityInfo {
        activity_id: info.activity_id.to_string(),
        activity_type: info.activity_type().to_owned(),
        // Only a server has a use for it.
        task_token: Vec::new(),
        workflow_execution: WorkflowExecution::new(info.workflow_id(), info.run_id()),
        attempt: i32::try_from(info.attempt).unwrap_or(i32::MAX),
        scheduled_time: utc(info.scheduled_at),
        started_time: utc(info.started_at),
        // std's clock is not the run's, unless durasim-wallclock makes it so: it shows how much time is left at least now.
        deadline: info.deadline().map(|deadline| Instant::now() + (deadline - link.now())),
        heartbeat_timeout: info.heartbeat_timeout(),
        heartbeat_details: task.heartbeat_details.as_bytes().map(<[u8]>::to_vec),
    }
}

/// The worker, as an attempt's context asks it and is told by it.
struct Worker {
    link: Arc<dyn ActivityLink>,
    is_cancelled: AtomicBool,
    stopping: watch::Sender<bool>,
}

impl ActivityRuntime for Worker {
    fn record_heartbeat(&self, details: Option<Vec<u8>>) {
        // A heartbeat that is too large fails the activity; no more of it is looked at than shows that.
        let details = details.as_deref().map(|details| &details[..details.len().min(PAYLOAD_LIMIT + 1)]);
        self.link.heartbeat(details).obey();
    }

    fn is_cancelled(&self) -> bool {
        self.link.called();
        self.is_cancelled.load(Ordering::Relaxed)
    }
}

impl AttemptListener for Worker {
    fn cancel(&self, _: CancelReason) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }

    fn worker_stopping(&self) {
        self.stopping.send_replace(true);
    }
}
