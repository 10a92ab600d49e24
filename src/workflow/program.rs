//! [`WorkflowFn`], and how such a function is hosted through the seam.

use std::any::type_name;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use serde::Serialize;

use super::context::WorkflowContext;
use super::error::WorkflowError;
use super::run::NativeRun;
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

/// A [`WorkflowFn`] as a [`WorkflowProgram`], with the way its input and result travel.
pub struct NativeWorkflow<F, I, O> {
    name: Arc<str>,
    workflow: Arc<F>,
    decode: fn(&[u8]) -> Result<I, serde_json::Error>,
    encode: fn(&O) -> Result<Payload, serde_json::Error>,
}

impl<F: WorkflowFn<I, O>, I: Decode, O: Serialize + 'static> NativeWorkflow<F, I, O> {
    /// Input and result travel as JSON.
    pub fn new(name: impl Into<Arc<str>>, workflow: F) -> NativeWorkflow<F, I, O> {
        NativeWorkflow {
            name: name.into(),
            workflow: Arc::new(workflow),
            decode: I::decode,
            encode: |output| Payload::from_json(output),
        }
    }
}

impl<F: WorkflowFn<Vec<u8>, Vec<u8>>> NativeWorkflow<F, Vec<u8>, Vec<u8>> {
    /// Input and result travel as they are.
    pub fn bytes(name: impl Into<Arc<str>>, workflow: F) -> NativeWorkflow<F, Vec<u8>, Vec<u8>> {
        NativeWorkflow {
            name: name.into(),
            workflow: Arc::new(workflow),
            decode: |bytes| Ok(bytes.to_vec()),
            encode: |output| Ok(Payload::new(output)),
        }
    }
}

impl<F: WorkflowFn<I, O>, I: 'static, O: 'static> WorkflowProgram for NativeWorkflow<F, I, O> {
    fn workflow_type(&self) -> &str {
        &self.name
    }

    fn instantiate(
        &self,
        run: Arc<RunInfo>,
        start: &WorkflowStart,
        link: Arc<dyn WorkflowLink>,
    ) -> Result<Box<dyn WorkflowRun>, TaskFailure> {
        let input = (self.decode)(start.input.as_bytes())
            .map_err(|why| TaskFailure::Input { wanted: type_name::<I>(), why: why.to_string() })?;
        let instance = WorkflowState::new(run, link);
        let context = WorkflowContext::root(Rc::clone(&instance));
        let (workflow, encode) = (Arc::clone(&self.workflow), self.encode);
        let future = Box::pin(async move {
            let output = workflow(&context, input).await?;
            encode(&output).map_err(|why| WorkflowError::Encode {
                what: format!("the result of workflow `{}`, a `{}`,", context.info().workflow_type, type_name::<O>()),
                why: why.to_string(),
            })
        });
        Ok(Box::new(NativeRun::new(instance, future)))
    }
}

impl<F, I, O> fmt::Debug for NativeWorkflow<F, I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NativeWorkflow").field(&self.name).finish()
    }
}
