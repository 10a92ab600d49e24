//! The context that code of an activity gets: the SDK's own, as its environment for tests makes it.

use std::cell::RefCell;
use std::future::{Future, ready};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use durasim::Time;
use durasim::program::{ActivityInfo, ActivityLink, ActivityTask};
use futures_util::future::BoxFuture;
use temporalio_client::Client;
use temporalio_common::ActivityDefinition;
use temporalio_common::data_converters::{DataConverter, RawValue};
use temporalio_sdk::activities::{
    ActivityContext, ActivityDefinitions, ActivityError, ActivityImplementer, ExecutableActivity,
};
use temporalio_sdk::testing::{ActivityEnvironment, TestActivityInfoOptions};

use super::details::record_heartbeat;
use crate::payload::{from_bytes, named_from_core};
use crate::retry;

/// The namespace in which all workflows and activities are.
pub(crate) const NAMESPACE: &str = "default";

/// Makes the environment of one attempt.
pub(crate) fn environment(
    task: &ActivityTask,
    link: Arc<dyn ActivityLink>,
    converter: &DataConverter,
    client: Client,
) -> ActivityEnvironment {
    let mut builder = ActivityEnvironment::builder().payload_converter(converter.payload_converter().clone());
    if let Some(bytes) = task.heartbeat_details.as_bytes() {
        // The SDK does not tell when its code looks at them: it counts as having looked.
        link.details_read();
        let details = RawValue::new(from_bytes(bytes));
        builder = builder.heartbeat_details(details).expect("payloads are not converted");
    }
    let headers = named_from_core(&task.info.spec.headers);
    let name = task.info.activity_type().to_owned();
    builder
        .info(info(&task.info))
        .headers(headers)
        .client(client)
        .on_heartbeat(move |details| record_heartbeat(&*details, &*link, &name))
        .build()
}

fn info(info: &ActivityInfo) -> temporalio_sdk::activities::ActivityInfo {
    let time = |time: Time| Some(time.to_system_time());
    TestActivityInfoOptions::builder()
        .task_token(format!("{}/{}/{}", info.run_id(), info.activity_id, info.attempt).into_bytes())
        .namespace(NAMESPACE)
        .activity_id(info.activity_id.to_string())
        .activity_type(info.activity_type())
        .attempt(info.attempt)
        .is_local(info.is_local)
        .workflow_id(Some(info.workflow_id().to_owned()))
        .workflow_run_id(Some(info.run_id().to_owned()))
        .workflow_type(Some(info.workflow_type().to_owned()))
        .task_queue(info.task_queue())
        .scheduled_time(time(info.scheduled_at))
        .started_time(time(info.started_at))
        .current_attempt_scheduled_time(time(info.attempt_scheduled_at))
        .deadline(info.deadline().and_then(time))
        .maybe_heartbeat_timeout(Some(info.heartbeat_timeout()).filter(|timeout| !timeout.is_zero()))
        .retry_policy(retry::from_core(&info.retry).into())
        .build()
}

thread_local! {
    /// The context that the probe was given last.
    static CAPTURED: RefCell<Option<ActivityContext>> = const { RefCell::new(None) };
}

/// Gives the context that the environment makes: a probe, which is run as an activity, keeps the context that it is given.
///
/// The environment itself runs activities by a marker, too, but gives their errors back without the types that the failures
/// need.
pub(crate) fn capture(environment: &ActivityEnvironment) -> ActivityContext {
    let probing = pin!(environment.run(Probe, ()));
    let _ = probing.poll(&mut Context::from_waker(Waker::noop()));
    CAPTURED.take().expect("the environment polls the probe at once")
}

/// An activity that does nothing but keep its context.
struct Probe;

/// It has no instance.
struct NoInstance;

impl ActivityImplementer for NoInstance {
    fn register_all(self: Arc<Self>, _definitions: &mut ActivityDefinitions) {}
}

impl ActivityDefinition for Probe {
    type Input = ();
    type Output = ();

    fn name(&self) -> &str {
        "durasim's probe"
    }
}

impl ExecutableActivity for Probe {
    type Implementer = NoInstance;
    const REQUIRES_INSTANCE: bool = false;

    fn definition() -> Probe {
        Probe
    }

    fn execute(
        _receiver: Option<Arc<NoInstance>>,
        context: ActivityContext,
        _input: (),
    ) -> BoxFuture<'static, Result<(), ActivityError>> {
        CAPTURED.set(Some(context));
        Box::pin(ready(Ok(())))
    }
}
