//! Activities of the SDK as durasim hosts them.

pub(crate) mod context;
pub(crate) mod details;
pub(crate) mod outcome;

use std::any::Any;
use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;

use durasim::program::{ActivityLink, ActivityOutcome, ActivityProgram, ActivityTask, Attempt, PerProcess, places};
use temporalio_common::data_converters::{
    ActivitySerializationContext, DataConverter, GenericPayloadConverter, SerializationContext,
    SerializationContextData,
};
use temporalio_sdk::activities::{ActivityContext, ActivityError, ExecutableActivity};

use crate::payload::{from_core, into_core};
use crate::settings::Settings;

/// The instances of a type with `#[activities]`: one for each worker's process of each run, as in production, where a
/// worker's `main` makes one. Its fields are lost when the process crashes.
///
/// Activities that are registered with the same value share the instance of their process:
/// [`SimulationExt::sdk_activity_of`](crate::SimulationExt::sdk_activity_of), or the macro
/// [`sdk_activities!`](crate::sdk_activities).
pub struct Instances<T>(PerProcess<Arc<T>>);

impl<T: 'static> Instances<T> {
    /// Makes instances with this function. It is called when an attempt first runs in a process, after the
    /// [state](durasim::Simulation::state) of the run was made, and may use that.
    pub fn new(make: impl Fn() -> T + Send + Sync + 'static) -> Instances<T> {
        Instances(PerProcess::new(move || Arc::new(make())))
    }
}

impl<T> Clone for Instances<T> {
    fn clone(&self) -> Instances<T> {
        Instances(self.0.clone())
    }
}

impl<T> fmt::Debug for Instances<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Instances<{}>", std::any::type_name::<T>())
    }
}

/// An activity of the SDK.
pub(crate) struct SdkActivity<A: ExecutableActivity> {
    name: String,
    instances: Instances<A::Implementer>,
    activity: PhantomData<fn() -> A>,
}

impl<A: ExecutableActivity> SdkActivity<A> {
    pub(crate) fn new(activity: &A, instances: &Instances<A::Implementer>) -> SdkActivity<A> {
        SdkActivity { name: activity.name().to_owned(), instances: instances.clone(), activity: PhantomData }
    }
}

impl<A: ExecutableActivity + 'static> ActivityProgram for SdkActivity<A> {
    fn activity_type(&self) -> &str {
        &self.name
    }

    fn start(&self, task: ActivityTask, link: Arc<dyn ActivityLink>) -> Attempt {
        let instance = Arc::clone(&*self.instances.0.get(&*link));
        let converter = Settings::of(&link.extensions()).converter.clone();
        let environment = Arc::new(context::environment(&task, link.clone(), &converter));
        let context = context::capture(&environment);
        let run = async move {
            let executed = execute::<A>(instance, context, &task, &converter);
            match without_client(executed, &*link, task.info.activity_type()).await {
                Ok(output) => ActivityOutcome::Completed(output),
                Err(error) => outcome::of_error(error, &converter),
            }
        };
        Attempt::new(run, move |_reason| environment.cancel())
    }
}

/// Decodes the input, runs the code, and encodes its output, as the SDK's worker does.
async fn execute<A: ExecutableActivity>(
    instance: Arc<A::Implementer>,
    context: ActivityContext,
    task: &ActivityTask,
    converter: &DataConverter,
) -> Result<durasim::program::Payload, ActivityError> {
    let (payloads, data) = (converter.payload_converter(), serialization());
    let serialization = SerializationContext::new(&data, payloads);
    let input = payloads.from_payloads(&serialization, from_core(task.input()))?;
    let output = A::execute(Some(instance), context, input).await?;
    Ok(into_core(&[payloads.to_payload(&serialization, &output)?]))
}

/// The words of the SDK's panic when code asks a context for tests for its client.
const NO_CLIENT: &str = "ActivityEnvironment was created without a Client";

/// Runs the code of an activity. The run ends with an error if it asks for a client, by itself or in a task that it awaits: the
/// panic would fail the attempt, which is tried again.
async fn without_client<T>(
    code: impl Future<Output = Result<T, ActivityError>>,
    link: &dyn ActivityLink,
    activity: &str,
) -> Result<T, ActivityError> {
    let refuse = || {
        // The SDK does not know the line.
        places::called("ctx.client");
        link.misuse(format!(
            "activity `{activity}` calls `ctx.client()`, which is not simulated: put the calls that it makes behind a trait, with \
             a fake in the state of the run"
        ));
    };
    let mut code = pin!(code);
    let ended = poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| code.as_mut().poll(context)));
        polled.unwrap_or_else(|thrown| {
            if words(&*thrown).contains(NO_CLIENT) {
                refuse();
            }
            resume_unwind(thrown)
        })
    });
    let ended = ended.await;
    if let Err(error) = &ended
        && format!("{error:?}").contains(NO_CLIENT)
    {
        refuse();
    }
    ended
}

fn words(thrown: &(dyn Any + Send)) -> &str {
    let text = thrown.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| thrown.downcast_ref::<&str>().copied()).unwrap_or_default()
}

/// Says to converters that an activity's values are converted.
pub(crate) fn serialization() -> SerializationContextData {
    SerializationContextData::Activity(ActivitySerializationContext::new())
}

impl<A: ExecutableActivity> fmt::Debug for SdkActivity<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SdkActivity").field(&self.name).finish()
    }
}
