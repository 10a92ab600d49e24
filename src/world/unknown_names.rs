//! Activities, workflows and queues that workflow code asks for and the simulation does not have.

use std::sync::Arc;

use super::core::{Core, World};
use super::error::RunError;
use crate::program::{ActivitySpec, Command, list_names};
use crate::service::WorkflowKey;

impl World {
    /// A command for an activity or a queue that the simulation does not have.
    pub(super) fn unknown_name(&self, core: &Core, workflow: WorkflowKey, commands: &[Command]) -> Option<RunError> {
        commands.iter().find_map(|command| {
            let spec = match command {
                Command::ScheduleActivity { spec, .. } => spec,
                Command::StartChild { spec, .. } => {
                    return self.unknown_workflow(core, workflow, Some(&spec.workflow_type), spec.task_queue.as_ref());
                }
                Command::ContinueAsNew(next) => {
                    return self.unknown_workflow(
                        core,
                        workflow,
                        next.workflow_type.as_ref(),
                        next.task_queue.as_ref(),
                    );
                }
                _ => return None,
            };
            if !self.setup.knows_activity(&spec.activity_type) {
                let workflow = &core.trace.workflows()[workflow].workflow_type;
                return Some(self.unknown_activity(&spec.activity_type, workflow));
            }
            let queue = spec.task_queue.as_ref()?;
            let is_polled = core.workers.task_queues().any(|polled| polled == queue);
            (!is_polled).then(|| unknown_queue(core, workflow, spec, queue))
        })
    }

    /// A workflow or a queue that the simulation does not have, which another workflow asks for.
    fn unknown_workflow(
        &self,
        core: &Core,
        asking: WorkflowKey,
        workflow_type: Option<&Arc<str>>,
        queue: Option<&Arc<str>>,
    ) -> Option<RunError> {
        let asking = &core.trace.workflows()[asking].workflow_type;
        if let Some(name) = workflow_type.filter(|name| !self.setup.knows_workflow(name)) {
            let known = list_names(self.setup.workflows());
            return Some(RunError::Misuse(format!(
                "workflow `{asking}` asks for the workflow `{name}`, which is not registered (registered: {known}): add \
                 `.workflow(\"{name}\", ..)` to the simulation, or `.sdk_workflow::<W>()` or `.cadence_workflow(..)` of its adapter"
            )));
        }
        let queue = queue.filter(|queue| core.workers.task_queues().all(|polled| polled != *queue))?;
        let known = list_names(core.workers.task_queues());
        Some(RunError::Misuse(format!(
            "workflow `{asking}` starts a workflow on the task queue `{queue}`, which no worker polls (polled: {known}): \
             add `.worker(WorkerOptions {{ task_queue: \"{queue}\".into(), .. }})` to the simulation"
        )))
    }

    pub(super) fn unknown_activity(&self, name: &str, workflow: &str) -> RunError {
        RunError::UnknownActivity {
            name: name.to_owned(),
            workflow: workflow.to_owned(),
            known: list_names(self.setup.activities()),
        }
    }
}

fn unknown_queue(core: &Core, workflow: WorkflowKey, spec: &ActivitySpec, queue: &str) -> RunError {
    RunError::UnknownTaskQueue {
        queue: queue.to_owned(),
        activity: spec.activity_type.to_string(),
        workflow: core.trace.workflows()[workflow].workflow_type.to_string(),
        known: list_names(core.workers.task_queues()),
    }
}
