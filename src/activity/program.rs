//! [`ActivityFn`], and how such a function is hosted through the seam.

use std::any::type_name;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::context::ActivityContext;
use super::error::ActivityError;
use crate::program::{
    ActivityLink, ActivityOutcome, ActivityProgram, ActivityTask, ApplicationFailure, Attempt, Decode, Failure, Payload,
};

/// A function that can be registered as an activity: `async fn(&ActivityContext, Input) -> Result<Output,
/// ActivityError>`, or a closure `async |ctx: &ActivityContext, input: Input| ..`. There is nothing to implement.
#[diagnostic::on_unimplemented(
    message = "this is not an activity",
    label = "expected `async fn(&ActivityContext, Input) -> Result<Output, ActivityError>`",
    note = "the context is `&ActivityContext`, the input one owned value (`()` if there is none), the error exactly `ActivityError`; \
            a closure is written `async |ctx: &ActivityContext, input: Input| ..`",
    note = "it is called from the threads of an exploration, so all it captures is `Send`, `Sync` and `'static`: no `Rc`, \
            `Cell` or borrow, but an `Arc`, or a `durasim::Handle` to state of the run"
)]
pub trait ActivityFn<I, O>: AsyncFn(&ActivityContext, I) -> Result<O, ActivityError> + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<F, I, O> ActivityFn<I, O> for F where
    F: AsyncFn(&ActivityContext, I) -> Result<O, ActivityError> + Send + Sync + 'static
{
}

/// An [`ActivityFn`] as an [`ActivityProgram`], with the way its input and result travel.
pub(crate) struct NativeActivity<F, I, O> {
    name: Arc<str>,
    activity: Arc<F>,
    decode: fn(&[u8]) -> Result<I, serde_json::Error>,
    encode: fn(&O) -> Result<Payload, serde_json::Error>,
}

impl<F: ActivityFn<I, O>, I: Decode, O: Serialize + 'static> NativeActivity<F, I, O> {
    /// Input and result travel as JSON.
    pub fn new(name: impl Into<Arc<str>>, activity: F) -> NativeActivity<F, I, O> {
        NativeActivity {
            name: name.into(),
            activity: Arc::new(activity),
            decode: I::decode,
            encode: |output| Payload::from_json_limited(output),
        }
    }
}

impl<F: ActivityFn<Vec<u8>, Vec<u8>>> NativeActivity<F, Vec<u8>, Vec<u8>> {
    /// Input and result travel as they are.
    pub fn bytes(name: impl Into<Arc<str>>, activity: F) -> NativeActivity<F, Vec<u8>, Vec<u8>> {
        NativeActivity {
            name: name.into(),
            activity: Arc::new(activity),
            decode: |bytes| Ok(bytes.to_vec()),
            encode: |output| Ok(Payload::limited(output)),
        }
    }
}

impl<F: ActivityFn<I, O>, I: 'static, O: 'static> ActivityProgram for NativeActivity<F, I, O> {
    fn activity_type(&self) -> &str {
        &self.name
    }

    fn start(&self, task: ActivityTask, link: Arc<dyn ActivityLink>) -> Attempt {
        let (activity, decode, encode) = (Arc::clone(&self.activity), self.decode, self.encode);
        let context = ActivityContext::new(task, link);
        let listener = context.listener();
        let run = async move {
            let decoded = match decode(context.input()) {
                Ok(decoded) => decoded,
                Err(why) => return input_error::<I>(&context, &why),
            };
            match activity(&context, decoded).await {
                Ok(output) => match encode(&output) {
                    Ok(result) => ActivityOutcome::Completed(result),
                    Err(why) => result_error::<O>(&context, &why),
                },
                Err(error) => error.into(),
            }
        };
        Attempt::listening(run, listener)
    }
}

/// Not retryable: the next attempt would be given the same input. A test has to show that, not to wait for it.
fn input_error<I>(context: &ActivityContext, why: &serde_json::Error) -> ActivityOutcome {
    let (name, wanted) = (context.get_info().activity_type(), type_name::<I>());
    let message = format!("the input of activity `{name}` does not decode as `{wanted}`: {why}");
    failed_for_good("InputDecodeError", message)
}

fn result_error<O>(context: &ActivityContext, why: &serde_json::Error) -> ActivityOutcome {
    let (name, given) = (context.get_info().activity_type(), type_name::<O>());
    let message = format!("the result of activity `{name}`, a `{given}`, cannot be encoded: {why}");
    failed_for_good("ResultEncodeError", message)
}

fn failed_for_good(error_type: &str, message: String) -> ActivityOutcome {
    let failure: Failure = ApplicationFailure::new(error_type, message).non_retryable().into();
    ActivityOutcome::Failed(failure.into())
}

impl<F, I, O> fmt::Debug for NativeActivity<F, I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NativeActivity").field(&self.name).finish()
    }
}
