//! [`Hosted`]: a workflow run in its worker's cache, and the places of runs in a recording.

use std::sync::Arc;

use durasim::Time;
use durasim::internals::{CachedWorkflow, StartActivity, StartWorkflow};
use durasim::program::{ActivitySpec, IdConflictPolicy, IdReusePolicy, Timeouts};
use durasim::service::WorkflowKey;
use serde_json::Value;

use super::world::World;
use crate::recording::history;
use crate::recording::wire::{payload, retry, span};
use crate::script::{TYPE, Worker};

/// The id of the workflow that the scenario is about. A child has the id of its parent, a slash and its own name.
pub const ID: &str = "workflow";

/// A run whose tasks a worker receives.
#[derive(Default)]
pub struct Hosted {
    /// The code, unless it has to be made anew.
    pub code: Option<CachedWorkflow>,
    pub worker: Worker,
    /// The number of its tasks that were handed out.
    pub tasks: usize,
}

/// The start of the scenario's workflow, whose input is its script.
pub fn start(workflow: &Value) -> StartWorkflow {
    StartWorkflow {
        run_timeout: span(&workflow["run_timeout_ms"]),
        execution_timeout: span(&workflow["execution_timeout_ms"]),
        task_timeout: span(&workflow["task_timeout_ms"]),
        start_delay: span(&workflow["start_delay_ms"]),
        retry: retry(&workflow["retry"]),
        ..StartWorkflow::new(ID, TYPE, "wf", payload(&workflow["script"]))
    }
}

/// The start of the scenario's activity without a workflow, with the policies of a call that starts it again.
pub fn start_activity(options: &Value, again: &Value) -> StartActivity {
    let timeouts = Timeouts::default()
        .schedule_to_close(span(&options["schedule_to_close_ms"]))
        .schedule_to_start(span(&options["schedule_to_start_ms"]))
        .start_to_close(span(&options["start_to_close_ms"]))
        .heartbeat(span(&options["heartbeat_ms"]));
    let mut spec = ActivitySpec::new("act", payload(&Value::Null)).timeouts(timeouts);
    spec.retry = retry(&options["retry"]);
    let (id_reuse, id_conflict) = policies(again);
    StartActivity {
        activity_id: options["activity_id"].as_str().expect("an id").into(),
        spec: Arc::new(spec),
        task_queue: "act".into(),
        id_reuse,
        id_conflict,
    }
}

/// The policies about ids of a call that starts something again.
pub fn policies(event: &Value) -> (IdReusePolicy, IdConflictPolicy) {
    let id_reuse = match event["reuse"].as_str() {
        None | Some("ALLOW_DUPLICATE") => IdReusePolicy::AllowDuplicate,
        Some("ALLOW_DUPLICATE_FAILED_ONLY") => IdReusePolicy::AllowDuplicateFailedOnly,
        Some("REJECT_DUPLICATE") => IdReusePolicy::RejectDuplicate,
        Some(other) => panic!("unknown reuse of ids {other}"),
    };
    let id_conflict = match event["conflict"].as_str() {
        None | Some("FAIL") => IdConflictPolicy::Fail,
        Some("USE_EXISTING") => IdConflictPolicy::UseExisting,
        Some("TERMINATE_EXISTING") => IdConflictPolicy::TerminateExisting,
        Some(other) => panic!("unknown conflict of ids {other}"),
    };
    (id_reuse, id_conflict)
}

impl World<'_> {
    /// The newest run of the workflow that the scenario is about.
    pub fn newest(&self) -> WorkflowKey {
        self.service.newest_in_chain(self.workflow)
    }

    /// The run that a call from outside is for. Its `workflow_id` has `$wf` for the scenario's workflow.
    pub fn addressed(&self, event: &Value) -> Option<WorkflowKey> {
        match event["workflow_id"].as_str() {
            None => Some(self.newest()),
            Some(id) => self.service.newest_run(&id.replace("$wf", ID)),
        }
    }

    /// The first run of the chain of a run.
    pub fn first_of(&self, workflow: WorkflowKey) -> WorkflowKey {
        history::first_of(&self.service, workflow)
    }

    /// The place in a recording of the history of a run, if runs like it are recorded.
    pub fn history_of(&self, workflow: WorkflowKey) -> Option<String> {
        let run = self.service.workflow(workflow);
        if self.first_of(workflow) == self.workflow {
            return Some(format!("/history/run-{}", run.number()));
        }
        // The last run of a child is recorded.
        let id = &run.info().workflow_id;
        let child = id.strip_prefix(ID)?.strip_prefix('/')?;
        (self.service.newest_run(id) == Some(workflow)).then(|| format!("/children/{child}/history"))
    }

    /// The recorded time at which the next workflow task of a run was started, or the last one that started ended.
    pub fn task_time(&self, workflow: WorkflowKey, started: bool) -> Option<Time> {
        let tasks = self.hosted.get(&workflow).map_or(0, |hosted| hosted.tasks);
        let number = if started { tasks } else { tasks - 1 };
        self.pace.workflow_task(&self.history_of(workflow)?, number, started)
    }
}
