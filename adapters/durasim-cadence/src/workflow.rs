//! [`CadenceWorkflow`]: a workflow of the client, hosted through durasim's seam.

use std::any::type_name;
use std::sync::Arc;

use crabdance_workflow::context::WorkflowContext;
use crabdance_workflow::{DefaultWorkflowError, WorkflowError};
use durasim::program::{RunInfo, TaskFailure, WorkflowLink, WorkflowProgram, WorkflowRun, WorkflowStart};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::activity::bytes;
use crate::instance::{Code, Instance};

/// A workflow of the client. `start` makes the code of an instance of its context and its input.
pub(crate) struct CadenceWorkflow<S> {
    pub(crate) name: String,
    pub(crate) start: S,
}

/// A function that is no part of a registry.
pub(crate) fn function<I, O, F>(name: String, function: F) -> impl WorkflowProgram + 'static
where
    F: AsyncFn(&mut WorkflowContext, I) -> Result<O, DefaultWorkflowError> + Send + Sync + 'static,
    I: DeserializeOwned + 'static,
    O: Serialize + 'static,
{
    let function = Arc::new(function);
    let start = move |mut ctx: WorkflowContext, input: Option<Vec<u8>>| -> Result<Code, TaskFailure> {
        let decoded = serde_json::from_slice(&input.unwrap_or_default());
        let input: I = decoded.map_err(|why| TaskFailure::Input { wanted: type_name::<I>(), why: why.to_string() })?;
        let function = function.clone();
        Ok(Box::pin(async move {
            let output = function(&mut ctx, input).await?;
            serde_json::to_vec(&output).map_err(WorkflowError::execution_failed_error)
        }))
    };
    CadenceWorkflow { name, start }
}

impl<S> WorkflowProgram for CadenceWorkflow<S>
where
    S: Fn(WorkflowContext, Option<Vec<u8>>) -> Result<Code, TaskFailure> + Send + Sync,
{
    fn workflow_type(&self) -> &str {
        &self.name
    }

    fn instantiate(
        &self,
        run: Arc<RunInfo>,
        start: &WorkflowStart,
        link: Arc<dyn WorkflowLink>,
    ) -> Result<Box<dyn WorkflowRun>, TaskFailure> {
        let input = bytes(start.input.as_bytes());
        let instance = Instance::new(run, link, |ctx| (self.start)(ctx, input))?;
        Ok(Box::new(instance))
    }
}
