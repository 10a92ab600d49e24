//! A workflow task that waits for local activities is renewed before it times out: its worker answers with what it has, and gets the
//! next task in return.

use super::agenda::{Todo, Wakeup};
use super::answering::Answering;
use super::core::Core;
use super::local_task::{LocalTask, Waiting};
use crate::service::{Code, WorkflowKey, WorkflowTask};
use crate::trace::{What, Who, WorkerKey};
use crate::worker::instance::Instance;
use crate::worker::turn::Turn;

/// A task that waits for local activities is renewed when this part of its timeout has passed, in percent.
///
/// Source: crate temporalio-sdk-core 0.10.1 `src/worker/workflow/managed_run.rs`; recorded scenario `local_long_wft_heartbeat`.
const RENEWED_AFTER: u32 = 80;

impl Core {
    /// A task waits for local activities: it is renewed before it times out.
    pub(super) fn expect_renewal(&mut self, task: &WorkflowTask) {
        let timeout = self.service.workflow(task.token.workflow).info().task_timeout.to_duration();
        let at = self.agenda.after(timeout * RENEWED_AFTER / 100);
        self.agenda.wake_at(at, Wakeup::Renew { workflow: task.token.workflow, stamp: task.token.stamp });
    }

    /// The worker of a task that waits for local activities answers with what it has, and gets the next task in return.
    pub(super) fn renew(&mut self, workflow: WorkflowKey) {
        let Some(local) = self.workflows[workflow].local_task() else { return };
        let worker = local.worker();
        let Some(mut waiting) = local.take_waiting() else { return };
        match waiting.answered {
            Answering::Lost => {
                self.note(Who::Workflow(workflow), What::TaskCompleted(waiting.turn.commands.len() as u32));
                self.leave_locals(workflow);
                self.agenda.then(Todo::Evict(waiting.instance));
                return;
            }
            Answering::Late(length) => {
                waiting.answered = Answering::AtOnce;
                let at = self.agenda.after(length);
                self.agenda.wake_at(at, Wakeup::Renew { workflow, stamp: waiting.task.token.stamp });
                local_task_waits(self.workflows[workflow].local_task(), waiting);
                return;
            }
            Answering::AtOnce | Answering::Unheard | Answering::AfterSignal => {}
        }
        let Waiting { task, instance, turn, answered } = waiting;
        let renewed = self.send_renewal(task, worker, instance, &turn);
        if answered == Answering::Unheard {
            self.leave_locals(workflow);
            return self.forget_unheard(workflow);
        }
        if let Some(task) = renewed {
            let waiting = self.waiting_queries.get(&workflow).cloned().unwrap_or_default();
            for query in waiting {
                self.agenda.then(Todo::Query { query, worker });
            }
            self.begin_task(worker, workflow, task);
        }
    }

    fn send_renewal(
        &mut self,
        task: WorkflowTask,
        worker: WorkerKey,
        instance: Instance,
        turn: &Turn,
    ) -> Option<WorkflowTask> {
        let workflow = task.token.workflow;
        self.note(Who::Workflow(workflow), What::TaskCompleted(turn.commands.len() as u32));
        let sticky = self.sticky_timeout();
        self.serve_then(
            |service, now| service.renew_task(task.token, &turn.commands, sticky, now),
            |core, answer| match answer {
                Ok(renewed) => {
                    core.answer_taken(workflow, worker, instance, sticky);
                    renewed
                }
                Err(refused) => {
                    if refused.code == Code::NotFound {
                        core.note(Who::Workflow(workflow), What::Refused);
                    }
                    core.leave_locals(workflow);
                    core.agenda.then(Todo::Evict(instance));
                    None
                }
            },
        )
    }
}

fn local_task_waits(local: Option<&mut LocalTask>, waiting: Waiting) {
    if let Some(local) = local {
        local.wait(waiting);
    }
}
