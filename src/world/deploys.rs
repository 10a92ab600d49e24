//! Deploys: another version of the code takes the place of the one that workers run.

use std::sync::Arc;

use super::agenda::Wakeup;
use super::core::{Core, World};
use super::setup::Setup;
use crate::fault::Fault;
use crate::fault::asked::Asked;
use crate::fault::deploys::Deploys;
use crate::service::WorkflowKey;
use crate::trace::WorkerKey;
use crate::worker::process::{Process, Version};

impl Core {
    /// The faults that the user asks for, as they would strike now.
    pub(crate) fn asked(&self) -> Asked {
        Asked { deploys: self.deploys(), duplicates: self.duplicates_signals }
    }

    /// The deploys that would change something now.
    fn deploys(&self) -> Deploys {
        if !self.has_new_version {
            return Deploys::default();
        }
        let are_new = self.workers.keys().map(|worker| self.workers[worker].next_version() == Version::New);
        Deploys::of(are_new, self.rolls_back)
    }

    /// Stops the workers that this fault is about, or kills them where there is no grace period: their next processes run
    /// another version.
    pub(super) fn deploy(&mut self, fault: Fault) {
        let Some(only) = fault.deploys() else { return };
        let version = if matches!(fault, Fault::Deploy(_)) { Version::New } else { Version::Old };
        for worker in self.workers.keys() {
            if only.is_none_or(|number| worker.number() == number as usize) {
                self.workers[worker].install(version);
                self.replace_process(worker);
            }
        }
    }

    fn replace_process(&mut self, worker: WorkerKey) {
        match self.workers[worker].process() {
            Process::Up if !self.settings.graceful_shutdown_period.is_zero() => {
                self.stop_worker(worker);
                // One that does nothing need not wait for the grace period to be over.
                let incarnation = self.workers[worker].incarnation();
                self.agenda.wake_now(Wakeup::StopIfIdle { worker, incarnation });
            }
            // One that stands still does not heed a signal.
            Process::Up | Process::Frozen { .. } => self.crash_worker(worker),
            // It ends by itself, or another is to come.
            Process::Stopping | Process::Down => {}
        }
    }

    /// The version of the code that this worker's process runs.
    pub(super) fn version_of(&self, worker: Option<WorkerKey>) -> Version {
        worker.map_or(Version::Old, |worker| self.workers[worker].version())
    }
}

impl World {
    /// The code that the process of this worker runs.
    pub(super) fn code_of(&self, worker: WorkerKey) -> &Arc<Setup> {
        let version = self.core.borrow().version_of(Some(worker));
        self.setup.version(version)
    }

    /// The code that answered the last task of a workflow.
    pub(super) fn code_of_last_task(&self, workflow: WorkflowKey) -> &Arc<Setup> {
        let version = self.core.borrow().workflows[workflow].answered_with();
        self.setup.version(version)
    }
}
