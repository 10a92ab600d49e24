//! [`ActivityFn`], and how such a function is hosted through the seam.

use std::any::type_name;
use std::fmt;
use std::pin::Pin;
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

/// An [`ActivityFn`] as an [`ActivityProgram`]. The types of the function are behind `code`, so that what follows is compiled
/// once, and not for each activity of a test.
pub(crate) struct NativeActivity {
    name: Arc<str>,
    code: Arc<dyn Code>,
}

/// An [`ActivityFn`] with the way its input and result travel.
struct Typed<F, I, O> {
    activity: F,
    decode: fn(&[u8]) -> Result<I, serde_json::Error>,
    encode: fn(&O) -> Result<Payload, serde_json::Error>,
}

/// The part of an activity that depends on its types.
trait Code: Send + Sync {
    /// Gives the future of an attempt, which decodes the input when it is first polled.
    fn begin(self: Arc<Self>, context: ActivityContext) -> Pin<Box<dyn Future<Output = ActivityOutcome>>>;
}

impl NativeActivity {
    /// Input and result travel as JSON.
    pub fn new<F: ActivityFn<I, O>, I: Decode, O: Serialize + 'static>(
        name: impl Into<Arc<str>>,
        activity: F,
    ) -> NativeActivity {
        let code = Typed { activity, decode: I::decode, encode: |output: &O| Payload::from_json_limited(output) };
        NativeActivity { name: name.into(), code: Arc::new(code) }
    }

    /// Input and result travel as they are.
    pub fn bytes<F: ActivityFn<Vec<u8>, Vec<u8>>>(name: impl Into<Arc<str>>, activity: F) -> NativeActivity {
        let code = Typed {
            activity,
            decode: |bytes: &[u8]| Ok(bytes.to_vec()),
            encode: |output: &Vec<u8>| Ok(Payload::limited(output)),
        };
        NativeActivity { name: name.into(), code: Arc::new(code) }
    }
}

impl<F: ActivityFn<I, O>, I: 'static, O: 'static> Code for Typed<F, I, O> {
    fn begin(self: Arc<Self>, context: ActivityContext) -> Pin<Box<dyn Future<Output = ActivityOutcome>>> {
        Box::pin(async move {
            let input = match (self.decode)(context.input()) {
                Ok(input) => input,
                Err(why) => return input_error(&context, type_name::<I>(), &why),
            };
            match (self.activity)(&context, input).await {
                Ok(output) => completed(&context, type_name::<O>(), (self.encode)(&output)),
                Err(error) => error.into(),
            }
        })
    }
}

impl ActivityProgram for NativeActivity {
    fn activity_type(&self) -> &str {
        &self.name
    }

    fn start(&self, task: ActivityTask, link: Arc<dyn ActivityLink>) -> Attempt {
        let context = ActivityContext::new(task, link);
        let listener = context.listener();
        Attempt::boxed(Arc::clone(&self.code).begin(context), listener)
    }
}

/// Not retryable: the next attempt would be given the same input. A test has to show that, not to wait for it.
fn input_error(context: &ActivityContext, wanted: &str, why: &serde_json::Error) -> ActivityOutcome {
    let name = context.get_info().activity_type();
    let message = format!("the input of activity `{name}` does not decode as `{wanted}`: {why}");
    failed_for_good("InputDecodeError", message)
}

fn completed(context: &ActivityContext, given: &str, result: Result<Payload, serde_json::Error>) -> ActivityOutcome {
    result.map_or_else(
        |why| {
            let name = context.get_info().activity_type();
            let message = format!("the result of activity `{name}`, a `{given}`, cannot be encoded: {why}");
            failed_for_good("ResultEncodeError", message)
        },
        ActivityOutcome::Completed,
    )
}

fn failed_for_good(error_type: &str, message: String) -> ActivityOutcome {
    let failure: Failure = ApplicationFailure::new(error_type, message).non_retryable().into();
    ActivityOutcome::Failed(failure.into())
}

impl fmt::Debug for NativeActivity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NativeActivity").field(&self.name).finish()
    }
}
