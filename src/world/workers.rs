//! The life of worker processes: tasks handed over, crash, freeze, stop, restart.

use super::agenda::{Todo, Wakeup};
use super::core::Core;
use super::running::Tag;
use crate::engine::sleepers::{Sleeper, SleeperId};
use crate::engine::tasks::{Taken, TaskId};
use crate::program::{ActivityOutcome, CancelReason, Time, TimeoutType};
use crate::service::ServiceTimer;
use crate::trace::{What, Who, WorkerKey};
use crate::worker::process::Version;

impl Core {
    /// An entry of the queue is due.
    pub(super) fn wake_up(&mut self, wakeup: Wakeup) {
        if let Some(until) = self.frozen_until(wakeup) {
            match wakeup {
                // Should the process die before, another one takes it.
                Wakeup::HandOver { ready, worker, .. } => self.workers.hold_back(ready, worker),
                _ => {
                    self.agenda.wake_at(until, wakeup);
                }
            }
            return;
        }
        match wakeup {
            Wakeup::Sleeper(id) => self.wake_sleeper(id),
            // A planned deadline at which the attempt goes first: the timer lines up behind it.
            Wakeup::Service(timer) if self.defers(timer) => self.agenda.wake_now(wakeup),
            Wakeup::Service(ServiceTimer::Workflow { workflow, timer }) => self.fire_workflow_timer(workflow, timer),
            Wakeup::Service(timer) => {
                self.serve(|service, now| service.fire_live(timer, now));
            }
            Wakeup::HandOver { ready, worker, incarnation } => {
                self.hand_over(ready, worker, incarnation);
            }
            Wakeup::Flush(attempt) => self.flush(attempt),
            Wakeup::LocalTimeout(attempt) => self.look_at_local_timeout(attempt),
            Wakeup::Local { workflow, number, what } => self.local_wakeup(workflow, number, what),
            Wakeup::Renew { workflow, .. } => self.renew(workflow),
            Wakeup::Deliver(message) => {
                if let Some(message) = self.network.message_arrives(message) {
                    self.deliver(message, Default::default());
                }
            }
            Wakeup::AnswerTask { workflow, .. } => self.answer_late(workflow),
            Wakeup::Signal(signal) => self.deliver_signal(signal),
            Wakeup::Between(message) => self.between_goes_on(message),
            Wakeup::Query(query) => self.offer_query(query),
            Wakeup::LateTimer { workflow, timer } => self.fire_late_timer(workflow, timer),
            Wakeup::LetGo(hold) => self.let_go(hold),
            Wakeup::Update(call) => self.deliver_update(call),
            Wakeup::UpdateHeard(update) => self.update_is_heard(update),
            Wakeup::Release(attempt) => self.release(attempt),
            Wakeup::Thaw { worker, .. } => self.thaw_worker(worker),
            Wakeup::GraceOver { worker, .. } => self.end_grace(worker),
            Wakeup::Abort { worker, .. } => self.abort_attempts(worker),
            Wakeup::StopIfIdle { worker, .. } => self.stop_if_idle(worker),
            Wakeup::Restart { worker, .. } => self.restart_worker(worker),
        }
    }

    /// Says whether this is the timer of a deadline that a fault puts behind its attempt, which happens once.
    fn defers(&mut self, timer: ServiceTimer) -> bool {
        let ServiceTimer::Timeout { activity, timeout, .. } = timer else { return false };
        let number = self.attempt_number(activity, self.service.activity(activity).attempt());
        matches!(timeout, TimeoutType::StartToClose | TimeoutType::ScheduleToClose)
            && self.activities[activity].take_defers_deadline(number)
    }

    /// A message for a worker that stands still waits until it goes on.
    fn frozen_until(&self, wakeup: Wakeup) -> Option<Time> {
        let worker = match wakeup {
            Wakeup::Flush(attempt) | Wakeup::LocalTimeout(attempt) => self.attempts[attempt].worker(),
            Wakeup::HandOver { worker, .. } => worker,
            Wakeup::AnswerTask { workflow, .. } => self.workflows[workflow].held_by()?,
            Wakeup::Local { workflow, .. } | Wakeup::Renew { workflow, .. } => {
                self.workflows[workflow].local_worker()?
            }
            _ => return None,
        };
        // At the very moment it is to go on, too: behind that.
        self.workers[worker].frozen_until()
    }

    pub(super) fn wake_sleeper(&mut self, id: SleeperId) {
        match self.sleepers.remove(id) {
            Some(Sleeper::Task(task)) => self.tasks.wake(task),
            Some(Sleeper::Inside(_, waker)) => waker.wake(),
            None => {}
        }
    }

    /// Wakes a sleeper while no task is ready: where it is a task itself, it need not queue.
    pub(super) fn wake_alone(&mut self, id: SleeperId) -> Option<Taken<ActivityOutcome, Tag>> {
        match self.sleepers.remove(id)? {
            Sleeper::Task(task) => self.tasks.take(task),
            Sleeper::Inside(_, waker) => {
                waker.wake();
                None
            }
        }
    }

    /// The process dies with all it hosts. No destructor runs.
    pub(crate) fn crash_worker(&mut self, worker: WorkerKey) {
        if !self.workers[worker].is_alive() {
            return;
        }
        self.note(Who::Worker(worker), What::WorkerCrashed);
        self.process_gone(worker, true);
        for attempt in self.attempts.keys() {
            if self.attempts[attempt].worker() == worker {
                self.crash_attempt(attempt);
            }
        }
        // Reports of attempts that have ended but still wait for a heartbeat's answer never leave.
        self.attempts.drop_reports_of(worker);
        for index in self.background.keys() {
            let background = &mut self.background[index];
            if self.attempts[background.attempt()].worker() == worker
                && let Some(future) = background.end().and_then(|task| self.tasks.remove(task))
            {
                self.dead.keep_future(future);
            }
        }
        for workflow in self.workflows.values_mut() {
            while let Some(instance) = workflow.take_hosted_by(worker) {
                self.dead.keep_instance(instance);
            }
        }
        self.go_down(worker);
    }

    /// Tells all who look for it that a process is gone.
    fn process_gone(&mut self, worker: WorkerKey, crashed: bool) {
        if crashed {
            self.host_link.process_gone(self.process_of(worker), crashed);
            self.memories.crash(self.process_of(worker));
        }
        if self.watches_workers {
            self.agenda.then(Todo::WorkerGone { worker });
        }
    }

    /// The process is gone; another one will come.
    fn go_down(&mut self, worker: WorkerKey) {
        let incarnation = self.workers[worker].go_down(self.agenda.now());
        self.agenda.wake_at(self.agenda.after(self.settings.restart_delay), Wakeup::Restart { worker, incarnation });
        let tasks = self.workers.take_held_back(worker);
        self.announce_again(tasks);
    }

    fn restart_worker(&mut self, worker: WorkerKey) {
        self.workers[worker].come_up();
        self.worker_started(worker);
    }

    fn worker_started(&mut self, worker: WorkerKey) {
        let present = &self.workers[worker];
        let is_new = present.version() == Version::New;
        let what = if present.was_deployed() { What::WorkerDeployed { is_new } } else { What::WorkerStarted };
        self.note(Who::Worker(worker), what);
        self.offer_backlog();
        self.offer_queries();
    }

    /// A new process comes up now if none is there; the one that was to come later does not.
    pub(crate) fn start_worker(&mut self, worker: WorkerKey) {
        if !self.workers[worker].is_alive() {
            self.workers[worker].come_up_early();
            self.worker_started(worker);
        }
    }

    /// The process stands still: nothing it hosts is polled, nothing leaves it.
    pub(super) fn freeze_worker(&mut self, worker: WorkerKey, until: Time) {
        if !self.workers[worker].freeze(until) {
            return;
        }
        let incarnation = self.workers[worker].incarnation();
        self.note(Who::Worker(worker), What::Frozen);
        for task in self.tasks_of(worker) {
            self.tasks.hold(task);
        }
        self.agenda.wake_at(until, Wakeup::Thaw { worker, incarnation });
    }

    fn thaw_worker(&mut self, worker: WorkerKey) {
        self.workers[worker].thaw();
        self.ending.renew(self.agenda.now());
        self.note(Who::Worker(worker), What::Thawed);
        for task in self.tasks_of(worker) {
            if !self.attempts.running().any(|(_, attempt)| attempt.is_stalled() && attempt.task() == Some(task)) {
                self.tasks.release(task);
            }
        }
        let incarnation = self.workers[worker].incarnation();
        for ready in self.workers.take_held_back(worker) {
            self.agenda.wake_now(Wakeup::HandOver { ready, worker, incarnation });
        }
    }

    /// The process is asked to stop.
    pub(crate) fn stop_worker(&mut self, worker: WorkerKey) {
        if !self.workers[worker].stop() {
            return;
        }
        let incarnation = self.workers[worker].incarnation();
        self.note(Who::Worker(worker), What::StopSignal);
        for attempt in self.attempts.hosted_by(worker) {
            self.agenda.then(Todo::WorkerStopping { attempt });
        }
        self.agenda.wake_at(
            self.agenda.after(self.settings.graceful_shutdown_period),
            Wakeup::GraceOver { worker, incarnation },
        );
    }

    fn end_grace(&mut self, worker: WorkerKey) {
        for attempt in self.attempts.hosted_by(worker) {
            self.agenda.then(Todo::Cancel { attempt, reason: CancelReason::WorkerShutdown });
        }
        // Behind the polls in which the attempts are notified, which happen at this very moment.
        let incarnation = self.workers[worker].incarnation();
        self.agenda.wake_now(Wakeup::Abort { worker, incarnation });
    }

    fn abort_attempts(&mut self, worker: WorkerKey) {
        for attempt in self.attempts.hosted_by(worker) {
            self.agenda.then(Todo::Abort { attempt });
        }
        self.stop_if_idle(worker);
    }

    /// A stopping process whose attempts have all ended exits: what it caches and spawned is dropped.
    pub(super) fn stop_if_idle(&mut self, worker: WorkerKey) {
        if !self.attempts.hosted_by(worker).is_empty() || !self.workers[worker].is_alive() {
            return;
        }
        self.note(Who::Worker(worker), What::WorkerStopped);
        self.process_gone(worker, false);
        for index in self.background.keys() {
            let background = &mut self.background[index];
            if self.attempts[background.attempt()].worker() == worker
                && let Some(future) = background.end().and_then(|task| self.tasks.remove(task))
            {
                let attempt = background.attempt();
                self.agenda.then(Todo::Drop { future, attempt });
            }
        }
        for workflow in self.workflows.values_mut() {
            while let Some(instance) = workflow.take_hosted_by(worker) {
                self.agenda.then(Todo::Evict(instance));
            }
        }
        // Its values come behind the destructors of what ran in it, which may still ask for them.
        self.agenda.then(Todo::Stopped(self.process_of(worker)));
        self.agenda.then(Todo::Forget(self.process_of(worker)));
        self.go_down(worker);
    }

    fn tasks_of(&self, worker: WorkerKey) -> Vec<TaskId> {
        let mut tasks = Vec::new();
        for attempt in self.attempts.hosted_by(worker) {
            tasks.extend(self.attempts[attempt].task());
        }
        for background in self.background.values() {
            if self.attempts[background.attempt()].worker() == worker {
                tasks.extend(background.task());
            }
        }
        tasks
    }
}
