//! Local activities on their worker: attempts, backoffs, timeouts and cancels within a workflow task.

use std::cell::RefMut;
use std::sync::Arc;

use super::agenda::{Todo, Wakeup};
use super::core::{Core, World};
use super::error::RunError;
use super::local_task::{LocalRun, LocalWakeup, Waiting};
use super::workflow_tasks::unwound_problem;
use crate::fault::{Fault, Site};
use crate::program::{
    ActivityOutcome, CancelReason, CancellationType, Command, Details, Failure, FailureKind, LocalActivityEnd,
    LocalActivitySpec, RetrySpec, Seq, Span, TimeoutType, places,
};
use crate::service::{Dialect, WorkflowKey};
use crate::trace::{AttemptKey, What, Who, WorkerKey};
use crate::worker::instance::{Instance, TaskProblem};
use crate::worker::local_activity::{next_backoff, policy_defaults};
use crate::worker::locals::{LocalDone, LocalWork, cancelled_failure};
use crate::worker::process::Process;

impl World {
    /// The code of a workflow has gone as far as it can within a task: its worker answers, or runs local activities first.
    pub(super) fn finish_turn(&self, mut core: RefMut<'_, Box<Core>>, worker: WorkerKey, mut waiting: Waiting) {
        let workflow = waiting.task.token.workflow;
        let commands = &waiting.turn.commands;
        core.keep_places_of_commands(workflow, commands);
        if waiting.instance.foreign_wake() {
            core.fail_foreign_wake(workflow, waiting.instance);
            return;
        }
        if let Some(error) = self.unknown_name(&core, workflow, commands) {
            core.fail(error);
            core.dead.keep_instance(waiting.instance);
            return;
        }
        let closes = commands.last().is_some_and(Command::closes_workflow);
        let work = waiting.instance.take_local_work();
        if closes || !waiting.instance.has_open_locals() {
            let cancels: Vec<LocalWork> =
                work.into_iter().filter(|work| matches!(work, LocalWork::Cancel { .. })).collect();
            let is_after_cancels = !cancels.is_empty();
            core.work_at_locals(workflow, worker, cancels.into_iter());
            core.leave_locals(workflow);
            // Those that are cancelled hear of it before the answer has left (recorded scenario `local_cancel_try`).
            if is_after_cancels {
                core.agenda.then(Todo::Answer { worker, waiting: Box::new(waiting) });
            } else {
                core.answer(worker, waiting);
            }
            return;
        }
        core.workflows[workflow].local_task_mut(worker).wait(waiting);
        core.work_at_locals(workflow, worker, work.into_iter());
    }

    /// Hands the code of a workflow the end of a local activity.
    pub(super) fn local_done(&self, workflow: WorkflowKey, done: LocalDone) {
        let (worker, mut waiting) = {
            let mut core = self.core.borrow_mut();
            let Some(local) = core.workflows[workflow].local_task() else { return };
            let worker = local.worker();
            let Some(waiting) = local.take_waiting() else { return };
            (worker, waiting)
        };
        let taken = self.hand_over_local(workflow, &mut waiting, done);
        if let Err(problem) = taken {
            let Waiting { task, instance, .. } = waiting;
            let _ = self.run_workflow(Some(workflow), || drop(instance));
            let mut core = self.core.borrow_mut();
            core.leave_locals(workflow);
            if core.error.is_none() {
                core.fail_task(task, worker, &problem);
            }
            return;
        }
        let mut core = self.core.borrow_mut();
        if core.error.is_some() {
            core.dead.keep_instance(waiting.instance);
            return;
        }
        self.finish_turn(core, worker, waiting);
    }
}

impl Core {
    /// The local activities of a task begin or are cancelled.
    fn work_at_locals(&mut self, workflow: WorkflowKey, worker: WorkerKey, work: impl Iterator<Item = LocalWork>) {
        for work in work {
            match work {
                LocalWork::Run { seq, spec } => self.run_local(workflow, worker, seq, spec),
                LocalWork::Cancel { seq, how } => self.cancel_local(workflow, seq, how),
            }
        }
    }

    fn run_local(&mut self, workflow: WorkflowKey, worker: WorkerKey, seq: Seq, spec: Arc<LocalActivitySpec>) {
        let hosted = &mut self.workflows[workflow];
        // An instance that was made by replay asks for what its worker runs already.
        if hosted.local_task().is_some_and(|local| local.find(|run| run.seq == seq).is_some()) {
            return;
        }
        let number = hosted.count_local();
        let retry = self.policy_of_local(&spec);
        let kept = retry.clone();
        let activity = self.serve(|service, now| service.local_activity(workflow, seq, &spec, kept, now));
        let record = self.service.activity(activity);
        let (first_scheduled_at, overall) = (record.scheduled_at(), record.timeouts().schedule_to_close);
        let attempt = spec.attempt;
        let run = LocalRun { number, seq, activity, spec, retry, first_scheduled_at, attempt, token: None };
        self.workflows[workflow].local_task_mut(worker).add(run);
        if !overall.is_zero() {
            let at = first_scheduled_at.plus(overall).max(self.agenda.now());
            self.agenda.wake_at(at, Wakeup::Local { workflow, number, what: LocalWakeup::ScheduleToClose });
        }
        self.start_local(workflow, number);
    }

    /// The policy in force of a local activity.
    fn policy_of_local(&self, spec: &LocalActivitySpec) -> RetrySpec {
        match &spec.activity.retry {
            Some(policy) => policy_defaults(policy),
            None if self.service.dialect() == Dialect::Cadence => {
                policy_defaults(&RetrySpec::default().maximum_attempts(1))
            }
            None => policy_defaults(&RetrySpec::default()),
        }
    }

    /// The next attempt begins.
    fn start_local(&mut self, workflow: WorkflowKey, number: u32) {
        let Some(local) = self.workflows[workflow].local_task() else { return };
        let worker = local.worker();
        let Some(run) = local.run_mut(number) else { return };
        let (activity, shown) = (run.activity, run.attempt);
        if self.activities[activity].take_gone_when_due() {
            return self.crash_worker(worker);
        }
        let next = self.service.activity(activity).attempt() + 1;
        if let Some(Fault::Slow(factor)) = self.strike_activity(activity, next, Site::Dispatch) {
            self.activities[activity].slow_down(next, factor);
        }
        let token = self.serve(|service, now| service.start_local_attempt(activity, shown, now));
        if let Some(run) = self.workflows[workflow].local_task().and_then(|local| local.run_mut(number)) {
            run.token = Some(token);
        }
        let close = self.service.activity(activity).timeouts().start_to_close;
        if !close.is_zero() {
            let at = self.agenda.now().plus(close);
            self.agenda.wake_at(at, Wakeup::Local { workflow, number, what: LocalWakeup::StartToClose(token) });
        }
        self.agenda.then(Todo::Start { worker, token, dies: false });
    }

    /// The code of an attempt at a local activity has ended.
    pub(super) fn local_attempt_ended(&mut self, attempt: AttemptKey, outcome: ActivityOutcome) {
        let worker = self.attempts[attempt].worker();
        self.attempts.end(attempt);
        match self.strike_attempt(attempt, Site::Completion) {
            Some(Fault::Crash) => return self.crash_worker(worker),
            Some(Fault::Cancel) => self.cancel_workflow_of(attempt),
            _ => {}
        }
        self.take_local_outcome(attempt, outcome);
        if self.workers[worker].process() == Process::Stopping {
            // Behind the answer to the task that has waited for it.
            let incarnation = self.workers[worker].incarnation();
            self.agenda.wake_now(Wakeup::StopIfIdle { worker, incarnation });
        }
    }

    fn take_local_outcome(&mut self, attempt: AttemptKey, outcome: ActivityOutcome) {
        let (token, started_at) = (self.attempts[attempt].token(), self.attempts[attempt].started_at());
        let workflow = self.service.activity(token.activity).workflow();
        let runtime = Span::from(self.agenda.now() - started_at);
        let running =
            self.workflows[workflow].local_task().and_then(|local| local.find(|run| run.token == Some(token)));
        let Some(number) = running.map(|run| run.number) else {
            self.note(Who::Attempt(attempt), What::ReportDropped);
            return;
        };
        match outcome {
            ActivityOutcome::Completed(result) => {
                self.end_local(workflow, number, runtime, LocalActivityEnd::Completed(result));
            }
            ActivityOutcome::Failed(failure) => self.local_failed(workflow, number, runtime, failure, false),
            // The worker is about to stop: nobody is told, and the task times out.
            ActivityOutcome::Cancelled(_)
                if self.attempts[attempt].cancelled_for() == Some(CancelReason::WorkerShutdown) =>
            {
                self.note(Who::Attempt(attempt), What::ReportDropped);
                self.drop_local_task(workflow);
            }
            ActivityOutcome::Cancelled(details) => {
                self.end_local(workflow, number, runtime, LocalActivityEnd::Cancelled(cancelled_failure(details)));
            }
            ActivityOutcome::WillCompleteAsync => {
                let who = self.trace.attempt_words(attempt);
                self.fail(RunError::Misuse(format!(
                    "local activity {who} leaves its completion to somebody else, which a local activity cannot: \
                     schedule it as an activity"
                )));
            }
        }
    }

    /// An attempt has failed or timed out: another one follows, within the task or behind a timer, or the activity has ended.
    fn local_failed(
        &mut self,
        workflow: WorkflowKey,
        number: u32,
        runtime: Span,
        failure: Arc<Failure>,
        is_timeout: bool,
    ) {
        let now = self.agenda.now();
        let Some(run) = self.workflows[workflow].local_task().and_then(|local| local.run_mut(number)) else { return };
        let known = if is_timeout { None } else { Some(&*failure) };
        let expires = run.retry.expiration_interval;
        let is_in_time =
            |backoff: &Span| expires.is_zero() || now.plus(*backoff) <= run.first_scheduled_at.plus(expires);
        let Some(backoff) = next_backoff(&run.retry, run.attempt, known).filter(is_in_time) else {
            let end = if is_timeout { LocalActivityEnd::TimedOut(failure) } else { LocalActivityEnd::Failed(failure) };
            return self.end_local(workflow, number, runtime, end);
        };
        if backoff > run.spec.threshold() {
            return self.end_local(workflow, number, runtime, LocalActivityEnd::Backoff(failure, backoff));
        }
        run.token = None;
        run.attempt += 1;
        let (activity, due) = (run.activity, now.plus(backoff));
        self.serve(|service, _| service.back_off_local(activity, due));
        self.agenda.wake_at(due, Wakeup::Local { workflow, number, what: LocalWakeup::Retry });
    }

    /// A local activity has ended: its workflow's code is told at once.
    fn end_local(&mut self, workflow: WorkflowKey, number: u32, runtime: Span, end: LocalActivityEnd) {
        let Some(run) = self.workflows[workflow].local_task().and_then(|local| local.remove(number)) else { return };
        let LocalRun { seq, first_scheduled_at, attempt, .. } = run;
        let done = LocalDone { seq, attempt, runtime, first_scheduled_at, end };
        self.agenda.then(Todo::LocalDone { workflow, done: Box::new(done) });
    }

    /// Carries out a cancel of a local activity, whose code may or may not wait for what comes of it.
    fn cancel_local(&mut self, workflow: WorkflowKey, seq: Seq, how: CancellationType) {
        let Some(local) = self.workflows[workflow].local_task() else { return };
        let Some(run) = local.find(|run| run.seq == seq) else { return };
        let (number, activity, token) = (run.number, run.activity, run.token);
        if how != CancellationType::Abandon {
            self.serve(|service, _| service.local_cancel_requested(activity));
        }
        let attempt = self.activities[activity].latest_attempt().filter(|_| token.is_some());
        match how {
            CancellationType::Abandon => drop(self.workflows[workflow].local_task().map(|local| local.remove(number))),
            CancellationType::TryCancel => {
                drop(self.workflows[workflow].local_task().map(|local| local.remove(number)));
                if let Some(attempt) = attempt {
                    self.agenda.then(Todo::Cancel { attempt, reason: CancelReason::Requested });
                }
            }
            CancellationType::WaitCancellationCompleted => match attempt {
                Some(attempt) => self.agenda.then(Todo::Cancel { attempt, reason: CancelReason::Requested }),
                None => {
                    let end = LocalActivityEnd::Cancelled(cancelled_failure(Details::Absent));
                    self.end_local(workflow, number, Span::ZERO, end);
                }
            },
        }
    }

    /// A backoff or a timeout of a local activity is due.
    pub(super) fn local_wakeup(&mut self, workflow: WorkflowKey, number: u32, what: LocalWakeup) {
        let Some(run) = self.workflows[workflow].local_task().and_then(|local| local.run_mut(number)) else { return };
        let (activity, token) = (run.activity, run.token.take());
        let timeout = match what {
            LocalWakeup::Retry => return self.start_local(workflow, number),
            LocalWakeup::StartToClose(_) => TimeoutType::StartToClose,
            LocalWakeup::ScheduleToClose => TimeoutType::ScheduleToClose,
        };
        let attempt = self.activities[activity].latest_attempt().filter(|_| token.is_some());
        if let Some(attempt) = attempt {
            self.serve(|service, _| service.local_attempt_timed_out(activity, timeout));
            self.agenda.then(Todo::Cancel { attempt, reason: CancelReason::TimedOut });
        }
        let kind = FailureKind::Timeout { timeout_type: timeout, last_heartbeat_details: Details::Absent };
        let failure = Arc::new(Failure::new("Activity timed out", kind));
        if timeout == TimeoutType::ScheduleToClose {
            return self.end_local(workflow, number, Span::ZERO, LocalActivityEnd::TimedOut(failure));
        }
        let started_at = attempt.map_or(self.agenda.now(), |attempt| self.attempts[attempt].started_at());
        let runtime = Span::from(self.agenda.now() - started_at);
        self.local_failed(workflow, number, runtime, failure, true);
    }

    /// Says whether an entry of the queue still means something to a local activity.
    pub(super) fn is_local_live(&self, workflow: WorkflowKey, number: u32, what: LocalWakeup) -> bool {
        let Some(run) = self.workflows[workflow].known_local(|run| run.number == number) else { return false };
        match what {
            LocalWakeup::Retry => run.token.is_none(),
            LocalWakeup::StartToClose(token) => run.token == Some(token),
            LocalWakeup::ScheduleToClose => true,
        }
    }

    /// The worker forgets the local activities of a workflow. Those that run are asked to stop, and nobody hears of their ends.
    pub(super) fn leave_locals(&mut self, workflow: WorkflowKey) -> Option<Instance> {
        let mut local = self.workflows[workflow].take_local_task()?;
        for run in local.take_runs() {
            let Some(attempt) = self.activities[run.activity].latest_attempt().filter(|_| run.token.is_some()) else {
                continue;
            };
            let record = &mut self.attempts[attempt];
            if record.is_running() && !record.is_zombie() {
                record.become_zombie();
                self.note(Who::Attempt(attempt), What::Zombie);
                self.agenda.then(Todo::Cancel { attempt, reason: CancelReason::NotFound });
            }
        }
        local.take_waiting().map(|waiting| waiting.instance)
    }

    /// The worker forgets a workflow with its local activities, and says nothing.
    pub(super) fn drop_local_task(&mut self, workflow: WorkflowKey) {
        if let Some(instance) = self.leave_locals(workflow) {
            self.agenda.then(Todo::Evict(instance));
        }
    }

    /// Says whether an attempt is one at a local activity.
    pub(crate) fn is_local(&self, attempt: AttemptKey) -> bool {
        self.service.activity(self.attempts[attempt].token().activity).is_local()
    }
}

impl World {
    fn hand_over_local(
        &self,
        workflow: WorkflowKey,
        waiting: &mut Waiting,
        done: LocalDone,
    ) -> Result<(), TaskProblem> {
        places::forget_asked();
        let Waiting { instance, turn, .. } = waiting;
        match self.run_workflow(Some(workflow), || instance.local_done(done, turn)) {
            Ok(taken) => taken,
            Err(unwound) => Err(unwound_problem(unwound)),
        }
    }
}
