//! [`WorkflowFn`], and how such a function is hosted through the seam.

use std::any::type_name;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use serde::Serialize;

use super::context::WorkflowContext;
use super::error::WorkflowError;
use super::run::{NativeRun, WorkflowFuture};
use super::state::WorkflowState;
use crate::program::{
    Decode, Payload, RunInfo, TaskFailure, WorkflowLink, WorkflowProgram, WorkflowRun, WorkflowStart,
};

/// A function that can be registered as a workflow: `async fn(&WorkflowContext, Input) -> Result<Output,
/// WorkflowError>`, or a closure `async |ctx: &WorkflowContext, input: Input| ..`. There is nothing to implement.
#[diagnostic::on_unimplemented(
    message = "this is not a workflow",
    label = "expected `async fn(&WorkflowContext, Input) -> Result<Output, WorkflowError>`",
    note = "the context is `&WorkflowContext`, the input one owned value (`()` if there is none), the error exactly `WorkflowError`; \
            a closure is written `async |ctx: &WorkflowContext, input: Input| ..`",
    note = "it is called from the threads of an exploration, so all it captures is `Send`, `Sync` and `'static`: no `Rc`, \
            `Cell` or borrow, but an `Arc`"
)]
pub trait WorkflowFn<I, O>: AsyncFn(&WorkflowContext, I) -> Result<O, WorkflowError> + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<F, I, O> WorkflowFn<I, O> for F where
    F: AsyncFn(&WorkflowContext, I) -> Result<O, WorkflowError> + Send + Sync + 'static
{
}

/// A [`WorkflowFn`] as a [`WorkflowProgram`]. The types of the function are behind `code`, so that what follows is compiled
/// once, and not for each workflow of a test.
pub struct NativeWorkflow {
    name: Arc<str>,
    code: Arc<dyn Code>,
}

/// A [`WorkflowFn`] with the way its input and result travel.
struct Typed<F, I, O> {
    workflow: F,
    decode: fn(&[u8]) -> Result<I, serde_json::Error>,
    encode: fn(&O) -> Result<Payload, serde_json::Error>,
}

/// The part of a workflow that depends on its types.
trait Code: Send + Sync {
    /// Decodes the input, and gives the future of a run: nothing of the user's code is called before it is polled.
    fn begin(self: Arc<Self>, input: &[u8], context: WorkflowContext) -> Result<WorkflowFuture, serde_json::Error>;

    /// The name of the input's type.
    fn wanted(&self) -> &'static str;
}

impl NativeWorkflow {
    /// Input and result travel as JSON.
    pub fn new<F: WorkflowFn<I, O>, I: Decode, O: Serialize + 'static>(
        name: impl Into<Arc<str>>,
        workflow: F,
    ) -> NativeWorkflow {
        let code = Typed { workflow, decode: I::decode, encode: |output: &O| Payload::from_json(output) };
        NativeWorkflow { name: name.into(), code: Arc::new(code) }
    }

    /// Input and result travel as they are.
    pub fn bytes<F: WorkflowFn<Vec<u8>, Vec<u8>>>(name: impl Into<Arc<str>>, workflow: F) -> NativeWorkflow {
        let code = Typed {
            workflow,
            decode: |bytes: &[u8]| Ok(bytes.to_vec()),
            encode: |output: &Vec<u8>| Ok(Payload::new(output)),
        };
        NativeWorkflow { name: name.into(), code: Arc::new(code) }
    }
}

impl<F: WorkflowFn<I, O>, I: 'static, O: 'static> Code for Typed<F, I, O> {
    fn begin(self: Arc<Self>, input: &[u8], context: WorkflowContext) -> Result<WorkflowFuture, serde_json::Error> {
        let input = (self.decode)(input)?;
        Ok(Box::pin(async move {
            let output = (self.workflow)(&context, input).await?;
            (self.encode)(&output).map_err(|why| result_error(&context, type_name::<O>(), &why))
        }))
    }

    fn wanted(&self) -> &'static str {
        type_name::<I>()
    }
}

fn result_error(context: &WorkflowContext, given: &str, why: &serde_json::Error) -> WorkflowError {
    WorkflowError::Encode {
        what: format!("the result of workflow `{}`, a `{given}`,", context.info().workflow_type),
        why: why.to_string(),
    }
}

impl WorkflowProgram for NativeWorkflow {
    fn workflow_type(&self) -> &str {
        &self.name
    }

    fn instantiate(
        &self,
        run: Arc<RunInfo>,
        start: &WorkflowStart,
        link: Arc<dyn WorkflowLink>,
    ) -> Result<Box<dyn WorkflowRun>, TaskFailure> {
        let instance = WorkflowState::new(run, link);
        let context = WorkflowContext::root(Rc::clone(&instance));
        let future = Arc::clone(&self.code)
            .begin(start.input.as_bytes(), context)
            .map_err(|why| TaskFailure::Input { wanted: self.code.wanted(), why: why.to_string() })?;
        Ok(Box::new(NativeRun::new(instance, future)))
    }
}

impl fmt::Debug for NativeWorkflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NativeWorkflow").field(&self.name).finish()
    }
}
