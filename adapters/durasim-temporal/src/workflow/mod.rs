//! Workflows of the SDK as durasim hosts them.

mod command;
mod instance;
mod job;
mod others;
mod patches;

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

use durasim::program::{Initiator, RunInfo, TaskFailure, WorkflowLink, WorkflowProgram, WorkflowRun, WorkflowStart};
use temporalio_common::WorkflowDefinition;

use crate::activity::context::NAMESPACE;
use crate::failure;
use crate::payload::{from_core, named_from_core};
use crate::retry::{self, given};
use crate::sdk::{
    InitializeWorkflow, NamespacedWorkflowExecution, ProtoMemo, ProtoPayloads, ProtoSearchAttributes,
    WorkflowImplementation, WorkflowInit, enums, instantiate,
};
use crate::settings::Settings;
use instance::{Asked, Instance};

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

    fn has_envelopes(&self) -> bool {
        true
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

/// Says to the SDK what its workflow starts with. All else has its default.
fn initialize(run: &RunInfo, start: &WorkflowStart) -> InitializeWorkflow {
    InitializeWorkflow {
        workflow_type: run.workflow_type.to_string(),
        workflow_id: run.workflow_id.to_string(),
        arguments: from_core(&start.input),
        randomness_seed: run.random_seed,
        attempt: i32::try_from(run.attempt).unwrap_or(i32::MAX),
        start_time: Some(run.started_at.to_system_time().into()),
        parent_workflow_info: run.parent.as_ref().map(|parent| NamespacedWorkflowExecution {
            namespace: NAMESPACE.to_owned(),
            workflow_id: parent.workflow_id.to_string(),
            run_id: parent.run_id.to_string(),
        }),
        workflow_execution_timeout: given(run.execution_timeout),
        workflow_run_timeout: given(run.run_timeout),
        workflow_task_timeout: given(run.task_timeout),
        continued_from_execution_run_id: run.continued_run_id.as_deref().unwrap_or_default().to_owned(),
        continued_initiator: run.initiator.map_or(enums::ContinueAsNewInitiator::Unspecified, initiator).into(),
        continued_failure: run.last_failure.as_deref().map(failure::from_core),
        last_completion_result: run.last_result.as_ref().map(|last| ProtoPayloads { payloads: from_core(last) }),
        first_execution_run_id: run.first_run_id.to_string(),
        original_execution_run_id: run.run_id.to_string(),
        retry_policy: run.retry.as_deref().map(retry::from_core),
        cron_schedule: run.cron.as_deref().unwrap_or_default().to_owned(),
        headers: named_from_core(&run.carried.headers),
        memo: Some(ProtoMemo { fields: named_from_core(&run.carried.memo) }).filter(|memo| !memo.fields.is_empty()),
        search_attributes: Some(ProtoSearchAttributes {
            indexed_fields: named_from_core(&run.carried.search_attributes),
        })
        .filter(|attributes| !attributes.indexed_fields.is_empty()),
        ..Default::default()
    }
}

fn initiator(initiator: Initiator) -> enums::ContinueAsNewInitiator {
    match initiator {
        Initiator::Workflow => enums::ContinueAsNewInitiator::Workflow,
        Initiator::Retry => enums::ContinueAsNewInitiator::Retry,
        Initiator::Cron => enums::ContinueAsNewInitiator::CronSchedule,
        _ => enums::ContinueAsNewInitiator::Unspecified,
    }
}

impl<W: WorkflowImplementation> fmt::Debug for SdkWorkflow<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SdkWorkflow").field(&W::name()).finish()
    }
}
