//! Activities of the SDK as durasim hosts them.

pub(crate) mod context;
pub(crate) mod details;
pub(crate) mod outcome;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use durasim::program::{ActivityLink, ActivityOutcome, ActivityProgram, ActivityTask, Attempt, PerProcess};
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
        let (converter, client) = {
            let extensions = link.extensions();
            let settings = Settings::of(&extensions);
            (settings.converter.clone(), settings.client.clone())
        };
        let environment = Arc::new(context::environment(&task, link, &converter, client));
        let context = context::capture(&environment);
        let run = async move {
            match execute::<A>(instance, context, &task, &converter).await {
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

/// Says to converters that an activity's values are converted.
pub(crate) fn serialization() -> SerializationContextData {
    SerializationContextData::Activity(ActivitySerializationContext::new())
}

impl<A: ExecutableActivity> fmt::Debug for SdkActivity<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SdkActivity").field(&self.name).finish()
    }
}
