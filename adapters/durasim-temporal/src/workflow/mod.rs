//! Workflows of the SDK as durasim hosts them.

mod command;
mod instance;
mod job;
mod patches;

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

use durasim::Span;
use durasim::program::{RunInfo, TaskFailure, WorkflowLink, WorkflowProgram, WorkflowRun, WorkflowStart};
use temporalio_common::WorkflowDefinition;

use crate::activity::context::NAMESPACE;
use crate::payload::from_core;
use crate::retry::proto;
use crate::sdk::{InitializeWorkflow, WorkflowImplementation, WorkflowInit, instantiate};
use crate::settings::Settings;
use instance::{Asked, Instance};

/// The time in which a workflow task has to be answered, as workflow code sees it: the server's default.
const TASK_TIMEOUT: Span = Span::from_secs(10);

/// A workflow of the SDK.
pub(crate) struct SdkWorkflow<W> {
    workflow: PhantomData<fn() -> W>,
}

impl<W> SdkWorkflow<W> {
    pub(crate) fn new() -> SdkWorkflow<W> {
        SdkWorkflow { workflow: PhantomData }
    }
}

impl<W: WorkflowImplementation> WorkflowProgram for SdkWorkflow<W>
where
    <W::Run as WorkflowDefinition>::Input: Send,
{
    fn workflow_type(&self) -> &str {
        W::name()
    }

    fn instantiate(
        &self,
        run: Arc<RunInfo>,
        start: &WorkflowStart,
        link: Arc<dyn WorkflowLink>,
    ) -> Result<Box<dyn WorkflowRun>, TaskFailure> {
        let extensions = link.extensions();
        let settings = Settings::of(&extensions);
        let initialize = initialize(&run, start);
        let init = WorkflowInit {
            namespace: NAMESPACE.to_owned(),
            task_queue: run.task_queue.to_string(),
            run_id: run.run_id.to_string(),
            initialize_workflow: initialize.clone(),
        };
        let asked = Rc::new(Asked::new(link.event_budget()));
        let code = instantiate::<W>(init, &settings.converter, asked.clone(), settings.interceptors.clone()).map_err(
            |why| TaskFailure::Input {
                wanted: type_name::<<W::Run as WorkflowDefinition>::Input>(),
                why: why.to_string(),
            },
        )?;
        Ok(Box::new(Instance::new(code, asked, initialize, run)))
    }
}

/// Says to the SDK what its workflow starts with. All else has its default: there is no parent, memo, search attribute,
/// header, cron schedule or earlier run.
fn initialize(run: &RunInfo, start: &WorkflowStart) -> InitializeWorkflow {
    InitializeWorkflow {
        workflow_type: run.workflow_type.to_string(),
        workflow_id: run.workflow_id.to_string(),
        arguments: from_core(&start.input),
        randomness_seed: run.random_seed,
        attempt: i32::try_from(run.attempt).unwrap_or(i32::MAX),
        start_time: Some(run.started_at.to_system_time().into()),
        workflow_run_timeout: Some(run.run_timeout).filter(|timeout| !timeout.is_zero()).map(proto),
        workflow_task_timeout: Some(proto(TASK_TIMEOUT)),
        first_execution_run_id: run.run_id.to_string(),
        original_execution_run_id: run.run_id.to_string(),
        ..Default::default()
    }
}

impl<W: WorkflowImplementation> fmt::Debug for SdkWorkflow<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SdkWorkflow").field(&W::name()).finish()
    }
}
