//! Which worker gets a task: by queue, by free slot, and the one that has waited longest.

use std::sync::Arc;
use std::time::Duration;

use super::agenda::{Todo, Wakeup};
use super::core::Core;
use crate::fault::{Fault, Site};
use crate::service::{ActivityKey, Ready, TaskToken, WorkflowKey};
use crate::trace::WorkerKey;
use crate::worker::process::{Process, ProcessKey, StickyWorker};

impl Core {
    /// A task may be taken: it goes to a worker, or waits until there is one.
    pub(super) fn announce(&mut self, ready: Ready) {
        if let Ready::Activity { activity, .. } = ready
            && self.activities[activity].take_gone_when_due()
        {
            self.lose_worker_of(activity);
        }
        if self.holds.has_tasks() && self.hold_task(ready) {
            return;
        }
        if let Ready::Workflow { workflow, stamp } = ready
            && self.waits_for_sticky_worker(TaskToken { workflow, stamp })
        {
            return;
        }
        let Some(worker) = self.choose_worker(ready) else {
            self.workers.wait(ready);
            return;
        };
        let incarnation = self.workers.serve(worker, ready);
        let mut latency = self.settings.dispatch_latency;
        if let Ready::Activity { activity, attempt } = ready
            && self.faults.may_strike(Site::Dispatch)
        {
            latency = self.faulted_latency(activity, attempt);
        }
        self.agenda.wake_at(self.agenda.after(latency), Wakeup::HandOver { ready, worker, incarnation });
    }

    /// A fault takes away the worker that had the latest attempt.
    fn lose_worker_of(&mut self, activity: ActivityKey) {
        if let Some(attempt) = self.activities[activity].latest_attempt() {
            self.crash_worker(self.attempts[attempt].worker());
        }
    }

    /// Says whether a workflow task waits for a worker that is gone, as the service does not know: until it times out there.
    fn waits_for_sticky_worker(&mut self, token: TaskToken) -> bool {
        let Some(ProcessKey { worker, incarnation }) = self.workflows[token.workflow].sticky() else { return false };
        let fate = self.workers[worker].sticky(incarnation, self.agenda.now());
        if fate == StickyWorker::Polls || !self.service.is_task_sticky(token) {
            return false;
        }
        self.serve(|service, _| service.sticky_worker_is_gone(token));
        fate == StickyWorker::BelievedAlive
    }

    /// The worker that polls for this task now, if any.
    pub(super) fn choose_worker(&mut self, ready: Ready) -> Option<WorkerKey> {
        // Most worlds have one worker, which every queue leads to.
        if self.workers.len() == 1 {
            return self.workers.only(ready);
        }
        self.choose_among_workers(ready)
    }

    fn choose_among_workers(&mut self, ready: Ready) -> Option<WorkerKey> {
        let queue = self.task_queue(ready);
        if let Ready::Workflow { workflow, stamp } = ready
            && let Some(ProcessKey { worker, incarnation }) = self.workflows[workflow].sticky()
            && self.workers[worker].sticky(incarnation, self.agenda.now()) == StickyWorker::Polls
            && self.service.is_task_sticky(TaskToken { workflow, stamp })
        {
            return Some(worker);
        }
        let able = self.workers.able(ready, &queue).count();
        if able == 0 {
            return None;
        }
        match self.schedule.next_worker(able) {
            Some(index) => self.workers.able(ready, &queue).nth(index),
            None => self.workers.longest_waiting(ready, &queue),
        }
    }

    /// The queue that a task waits in.
    fn task_queue(&self, ready: Ready) -> Arc<str> {
        let of_workflow = |workflow: WorkflowKey| self.service.workflow(workflow).info().task_queue.clone();
        match ready {
            Ready::Workflow { workflow, .. } => of_workflow(workflow),
            Ready::Activity { activity, .. } => {
                let record = self.service.activity(activity);
                record.task_queue().cloned().unwrap_or_else(|| of_workflow(record.workflow()))
            }
        }
    }

    /// How long an attempt's way to its worker takes where something may go wrong there.
    fn faulted_latency(&mut self, activity: ActivityKey, attempt: u32) -> Duration {
        let latency = self.settings.dispatch_latency;
        let attempt = self.attempt_number(activity, attempt);
        if !self.activities[activity].note_dispatch(attempt) {
            return latency;
        }
        let latency = latency.saturating_add(self.strike_deadline(activity, attempt).unwrap_or_default());
        match self.strike_activity(activity, attempt, Site::Dispatch) {
            Some(Fault::Delayed(length)) => latency.saturating_add(length),
            Some(Fault::Slow(factor)) => {
                self.activities[activity].slow_down(attempt, factor);
                latency
            }
            // The task looks for a worker anew when the one that it is on its way to is gone.
            Some(fault @ (Fault::Deploy(_) | Fault::Rollback(_))) => {
                self.deploy(fault);
                latency
            }
            Some(Fault::WorkerDies) => {
                self.activities[activity].die_at_start();
                latency
            }
            Some(Fault::Cancel) => {
                self.cancel_workflow(self.service.activity(activity).workflow());
                // The workflow is asked first, and answers before the task is handed over.
                latency.saturating_mul(2).saturating_add(Duration::from_nanos(1))
            }
            _ => latency,
        }
    }

    /// A task reaches the worker it was meant for, or finds it gone and looks for another.
    pub(super) fn hand_over(&mut self, ready: Ready, worker: WorkerKey, incarnation: u32) {
        let target = &mut self.workers[worker];
        let is_same = target.incarnation() == incarnation;
        if !is_same || target.process() != Process::Up {
            if is_same && matches!(ready, Ready::Activity { .. }) {
                target.free_slot();
            }
            self.announce_again([ready]);
            return;
        }
        match ready {
            Ready::Activity { activity, attempt } => {
                match self.serve(|service, now| service.start_attempt(activity, attempt, now)) {
                    Some(token) => {
                        let dies = self.activities[activity].take_dies_at_start();
                        self.agenda.then(Todo::Start { worker, token, dies });
                    }
                    // Stale: the poll goes on.
                    None => self.free_slot(worker),
                }
            }
            Ready::Workflow { workflow, stamp } => self.hand_over_workflow_task(worker, workflow, stamp),
        }
    }

    /// A worker has room for one more attempt.
    pub(super) fn free_slot(&mut self, worker: WorkerKey) {
        if self.workers[worker].free_slot() && self.workers.has_backlog() {
            self.offer_backlog();
        }
    }

    /// Offers the waiting tasks again, in the order in which they came.
    pub(super) fn offer_backlog(&mut self) {
        let tasks = self.workers.take_backlog();
        self.announce_again(tasks);
    }
}
