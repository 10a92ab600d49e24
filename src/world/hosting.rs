//! An attempt's life on its worker: start, awaits, heartbeats, end.

use std::sync::Arc;
use std::thread::ThreadId;

use super::core::{Core, World, current, with_current};
use super::error::RunError;
use super::holds::HeldBack;
use super::memories::Value;
use super::running::Tag;
use super::settings::HeartbeatThrottle;
use crate::engine::outside;
use crate::fault::{Fault, Site};
use crate::program::panics::{Panic, Unwound};
use crate::program::{
    ActivityLink, ActivityOutcome, ActivityTask, Beat, CancelReason, Details, Extensions, Failure, Span, Time,
};
use crate::service::Token;
use crate::trace::{AttemptKey, AttemptName, Ended, What, Who, WorkerKey};
use crate::worker::departure::FinalReport;
use crate::worker::message::{Call, Delivery};
use crate::worker::process::Process;
use crate::worker::report::{self, Report};
use crate::worker::throttle;

/// An attempt's way back: finds the run by the thread, and itself by its number.
#[derive(Debug)]
pub(crate) struct Link {
    attempt: AttemptKey,
    run: u64,
    /// The run's.
    thread: ThreadId,
}

impl Link {
    fn is_of(&self, run: u64) -> bool {
        self.run == run
    }

    /// Asks the run in progress here, if there is one.
    ///
    /// # Panics
    /// On a thread of the user's own, where a call would otherwise be lost without a word.
    fn ask<R>(&self, call: &str, question: impl FnOnce(&World) -> R) -> Option<R> {
        let answer = with_current(question);
        if answer.is_none() {
            self.look_where(call);
        }
        answer
    }

    fn look_where(&self, call: &str) {
        if std::thread::current().id() == self.thread || std::thread::panicking() {
            return;
        }
        let in_the_pool = || {
            format!(
                "{call} was called on a thread of the runtime's pool (`spawn_blocking`), while virtual time stands still: \
                 call it before or after the blocking work"
            )
        };
        if !outside::post_misuse(in_the_pool) {
            panic!(
                "{call} was called on another thread than the simulation's, which runs on one thread in virtual time: \
                 use `durasim::task::spawn` instead of threads"
            );
        }
    }
}

impl ActivityLink for Link {
    fn heartbeat(&self, details: Option<&[u8]>) -> Beat {
        let beat = self.ask("`record_heartbeat`", |world| {
            let mut core = world.core.borrow_mut();
            if core.count_call() == Beat::CrashNow {
                return Beat::CrashNow;
            }
            if !self.is_of(core.run) || core.running_dead() || std::thread::panicking() {
                return Beat::Taken;
            }
            // Nobody is told of a local activity's.
            if core.is_local(self.attempt) {
                return Beat::Taken;
            }
            core.heartbeat(self.attempt, details)
        });
        beat.unwrap_or(Beat::Taken)
    }

    fn details_read(&self) {
        self.ask("`get_heartbeat_details`", |world| {
            let mut core = world.core.borrow_mut();
            if !self.is_of(core.run) || core.running_dead() {
                return;
            }
            let attempt = &mut core.attempts[self.attempt];
            if attempt.read_details() {
                core.note(Who::Attempt(self.attempt), What::DetailsRead);
            }
        });
    }

    fn details_decoded(&self, result: Result<(), &str>) {
        self.ask("`heartbeat_details`", |world| {
            let mut core = world.core.borrow_mut();
            if !self.is_of(core.run) || core.running_dead() {
                return;
            }
            let what = match result {
                Ok(()) => What::DetailsDecoded,
                Err(why) => What::DetailsUndecoded(core.trace.store(why.as_bytes())),
            };
            core.note(Who::Attempt(self.attempt), what);
        });
    }

    fn now(&self) -> Time {
        let now = self.ask("`now`", |world| {
            world.count_call();
            world.core.borrow().agenda.now()
        });
        now.unwrap_or(Time::ZERO)
    }

    fn called(&self) {
        with_current(World::count_call);
    }

    fn extensions(&self) -> Extensions {
        let of_its_code = |world: &World| {
            let worker = {
                let core = world.core.borrow();
                self.is_of(core.run).then(|| core.attempts[self.attempt].worker())
            };
            worker.map_or(&world.setup, |worker| world.code_of(worker)).extensions().clone()
        };
        with_current(of_its_code).unwrap_or_default()
    }

    fn process_value(&self, key: usize, make: &mut dyn FnMut() -> Value) -> Value {
        let world = current().filter(|world| self.is_of(world.core.borrow().run));
        match world {
            Some(world) => {
                let process = world.core.borrow().attempts[self.attempt].process();
                world.process_value(process, key, "the values of a worker's process", make)
            }
            None => make(),
        }
    }

    fn misuse(&self, message: String) {
        match current().filter(|world| self.is_of(world.core.borrow().run)) {
            Some(world) => world.misuse(message),
            None => panic!("{message}"),
        }
    }
}

impl World {
    /// Starts an attempt on its worker; one that dies at once never runs.
    pub(super) fn start_attempt(&self, worker: WorkerKey, token: Token, dies: bool) {
        let task = self.core.borrow().service.activity_task(token);
        let Some(program) = self.code_of(worker).activity(task.info.activity_type()) else {
            if self.setup.knows_activity(task.info.activity_type()) {
                self.fail_unknown(worker, token, &task, dies);
                return;
            }
            // The service counts the attempt as started: nobody would ever end it.
            let error = self.unknown_activity(task.info.activity_type(), &task.info.workflow.workflow_type);
            self.core.borrow_mut().fail(error);
            return;
        };
        let (index, link) = {
            let mut core = self.core.borrow_mut();
            let index = core.host(worker, token, &task);
            if dies {
                core.crash_worker(worker);
                return;
            }
            (index, core.link(index))
        };
        let started = self.act_for(index, || program.start(task, link));
        let mut core = self.core.borrow_mut();
        match started {
            Ok(started) => {
                let task = core.tasks.spawn(started.run, Tag::Attempt(index));
                core.attempts[index].begin(task, started.listener);
                core.approach_await(index, 1);
            }
            Err(Unwound::Panic(panic)) => core.ended(index, Err(panic)),
            Err(Unwound::Other(_)) => {
                core.fail(RunError::Misuse("starting an activity was unwound without a message".to_owned()));
            }
        }
    }

    /// Fails an attempt that has come to a worker whose version of the code does not have the activity, as an SDK's worker
    /// does. It is tried again, on whatever worker.
    fn fail_unknown(&self, worker: WorkerKey, token: Token, task: &ActivityTask, dies: bool) {
        let mut core = self.core.borrow_mut();
        let attempt = core.host(worker, token, task);
        if dies {
            core.crash_worker(worker);
            return;
        }
        let message = format!("activity `{}` is not registered on this worker", task.info.activity_type());
        let failure = Failure::application("NotFoundError", message);
        core.ended(attempt, Ok(ActivityOutcome::Failed(failure.into())));
    }

    /// Lets an attempt's code fail at an await: its destructors run, then the worker reports the failure.
    pub(super) fn fail_attempt(&self, attempt: AttemptKey) {
        let task = self.core.borrow().attempts[attempt].task();
        let future = task.and_then(|task| self.core.borrow_mut().tasks.remove(task));
        self.drop_for(attempt, future);
        let failure = Failure::application("InjectedFailure", "injected failure");
        self.core.borrow_mut().ended(attempt, Ok(ActivityOutcome::Failed(failure.into())));
    }

    /// Drops an attempt that outlived its worker's grace period, and reports it.
    pub(super) fn abort_attempt(&self, attempt: AttemptKey) {
        let task = self.core.borrow().attempts[attempt].task();
        let future = task.and_then(|task| self.core.borrow_mut().tasks.remove(task));
        self.drop_for(attempt, future);
        let mut core = self.core.borrow_mut();
        if core.attempts[attempt].is_running() {
            core.note(Who::Attempt(attempt), What::Aborted);
            let outcome = ActivityOutcome::Cancelled(Details::Absent);
            if core.is_local(attempt) {
                core.local_attempt_ended(attempt, outcome);
                drop(core);
                return self.show_to_watches(attempt);
            }
            core.close(attempt, report::report(outcome, Some(CancelReason::WorkerShutdown)));
            drop(core);
            self.show_to_watches(attempt);
        }
    }
}

impl Core {
    fn link(&self, attempt: AttemptKey) -> Arc<Link> {
        Arc::new(Link { attempt, run: self.run, thread: self.shown.thread() })
    }

    /// Notes a new attempt and makes its record.
    fn host(&mut self, worker: WorkerKey, token: Token, task: &ActivityTask) -> AttemptKey {
        let number = self.attempt_number(token.activity, token.attempt);
        let index = self.trace.name_attempt(AttemptName { activity: token.activity, number, worker });
        self.shown.add_attempt(token.activity, number);
        let workflow = self.service.activity(token.activity).workflow();
        let before = self.workflows[workflow].attempt_started(index);
        let (dialect, timeout) = (self.service.dialect(), task.info.timeouts.heartbeat);
        let interval = match self.settings.heartbeat_throttle {
            HeartbeatThrottle::Off => Span::ZERO,
            HeartbeatThrottle::Sdk => throttle::interval_in(dialect, timeout, Span::ZERO, Span::ZERO),
            HeartbeatThrottle::Intervals { default, max } => {
                throttle::interval_in(dialect, timeout, default.into(), max.into())
            }
        };
        self.attempts.start(token, self.process_of(worker), before, task, interval, self.agenda.now());
        let hosted = &mut self.activities[token.activity];
        hosted.attempt_started(index);
        if let Some(factor) = hosted.take_slowness(number) {
            self.attempts[index].slow_down(factor);
        }
        let details = task.heartbeat_details.as_bytes().map(|bytes| self.trace.store(bytes));
        self.note(Who::Attempt(index), What::AttemptStarted(details));
        index
    }

    /// The attempt's code has ended by itself.
    pub(super) fn ended(&mut self, attempt: AttemptKey, outcome: Result<ActivityOutcome, Box<Panic>>) {
        if !self.attempts[attempt].is_running() {
            return;
        }
        let (how, detail, outcome) = match outcome {
            Ok(outcome) => {
                let (how, detail) = match &outcome {
                    ActivityOutcome::Completed(result) => (Ended::Completed, Some(self.trace.store(result.as_bytes()))),
                    ActivityOutcome::Failed(failure) => (Ended::Failed, Some(self.trace.store_failure_text(failure))),
                    ActivityOutcome::Cancelled(details) => {
                        (Ended::Cancelled, details.as_bytes().map(|bytes| self.trace.store(bytes)))
                    }
                    ActivityOutcome::WillCompleteAsync => (Ended::Async, None),
                };
                (how, detail, outcome)
            }
            Err(panic) => {
                let text = panic.to_string();
                let failure = Failure::application("Panic", panic.message);
                (Ended::Panicked, Some(self.trace.store(text.as_bytes())), ActivityOutcome::Failed(failure.into()))
            }
        };
        self.note(Who::Attempt(attempt), What::Ended { how, detail });
        if self.is_local(attempt) {
            return self.local_attempt_ended(attempt, outcome);
        }
        let cancelled_for = self.attempts[attempt].cancelled_for();
        self.close(attempt, report::report(outcome, cancelled_for));
    }

    /// Reports an attempt that has ended.
    fn close(&mut self, attempt: AttemptKey, report: Report) {
        let worker = self.attempts[attempt].worker();
        self.attempts.end(attempt);
        self.free_slot(worker);
        let fault = self.strike_attempt(attempt, Site::Completion);
        let delivery = match fault {
            Some(Fault::Crash) => {
                self.crash_worker(worker);
                return;
            }
            Some(Fault::Cancel) => {
                self.cancel_workflow_of(attempt);
                Delivery::Whole
            }
            Some(Fault::RequestLost) => Delivery::RequestLost,
            Some(Fault::AnswerLost) => Delivery::AnswerLost,
            Some(Fault::Delayed(length)) => Delivery::Late(length),
            Some(fault @ (Fault::Behind(_) | Fault::NextTask(_))) => {
                let workflow = self.service.activity(self.attempts[attempt].token().activity).workflow();
                self.hold_back(workflow, Who::Attempt(attempt), fault, HeldBack::Report(attempt, None));
                Delivery::Held
            }
            _ => Delivery::Whole,
        };
        let record = &mut self.attempts[attempt];
        match record.final_report(report, self.service.dialect(), delivery) {
            None => {
                self.note(Who::Attempt(attempt), What::ReportDropped);
                if delivery == Delivery::Held {
                    self.forget_held(attempt);
                }
            }
            Some(report) if record.is_heartbeat_in_flight() => record.keep_report(report),
            Some(report) => self.send_final_report(attempt, report),
        }
        if self.workers[worker].process() == Process::Stopping {
            self.stop_if_idle(worker);
        }
    }

    /// Sends what the worker says last of an attempt that has ended.
    pub(super) fn send_final_report(&mut self, attempt: AttemptKey, report: FinalReport) {
        let (flushed, report, delivery) = report.messages(attempt);
        if let Some(heartbeat) = flushed {
            let bytes = self.attempts[attempt].newest();
            self.note(Who::Attempt(attempt), What::HeartbeatSent(bytes));
            self.deliver(heartbeat, Delivery::Whole);
        }
        if let Call::Fail { details: Some(_), bytes, .. } = report.call {
            self.note(Who::Attempt(attempt), What::HeartbeatSent(bytes));
        }
        self.post(report, delivery);
    }

    /// The attempt vanishes: nothing of it has any effect from now on.
    pub(super) fn crash_attempt(&mut self, attempt: AttemptKey) {
        if !self.attempts[attempt].is_running() {
            return;
        }
        if let Some(future) = self.attempts.die(attempt).and_then(|task| self.tasks.remove(task)) {
            self.dead.keep_future(future);
        }
        self.note(Who::Attempt(attempt), What::Died);
    }
}
