//! What happens to an attempt on its worker: start, awaits, heartbeats, end.

use std::sync::Arc;

use super::error::RunError;
use super::setup::{Settings, Throttling};
use super::world::{Background, Buried, Core, Tag, Todo, Wakeup, World, current};
use crate::engine::panics::{self, Panic, Unwound};
use crate::engine::tasks::TaskId;
use crate::fault::{Fault, Site};
use crate::instant::{Span, Time};
use crate::program::{ActivityLink, ActivityOutcome, ActivityTask, Beat, CancelReason, Details, Failure};
use crate::service::{Code, Token};
use crate::trace::{AttemptName, Bytes, Ended, What, Who};
use crate::worker::attempt::{Attempt, Busy, Life};
use crate::worker::message::{Call, Carriage, Message};
use crate::worker::process::Process;
use crate::worker::report::{self, PendingHeartbeat, Report};
use crate::worker::throttle::{self, Action, Throttle};

/// What the worker's own clock adds to a timeout before it cancels an attempt by itself.
///
/// Source: crate temporalio-sdk-core 0.10.1 `src/worker/mod.rs:243`; recorded scenario `sdk_local_timeout_buffer`.
const LOCAL_TIMEOUT_BUFFER: Span = Span::from_secs(5);

/// The worker that all tasks go to, as long as there is one.
pub(super) const WORKER: u32 = 0;

/// An attempt's way back: finds the run by the thread, and itself by its number.
struct Link {
    attempt: u32,
    run: u64,
}

impl ActivityLink for Link {
    fn heartbeat(&self, details: Option<&[u8]>) -> Beat {
        let Some(world) = current() else { return Beat::Taken };
        let mut core = world.core.borrow_mut();
        if core.run != self.run || core.running_dead() || std::thread::panicking() {
            return Beat::Taken;
        }
        core.heartbeat(self.attempt, details, &world.setup.settings)
    }

    fn details_read(&self) {
        let Some(world) = current() else { return };
        let mut core = world.core.borrow_mut();
        if core.run != self.run || core.running_dead() {
            return;
        }
        let attempt = &mut core.attempts[self.attempt as usize];
        if attempt.is_running() && !std::mem::replace(&mut attempt.details_read, true) {
            core.note(Who::Attempt(self.attempt), What::DetailsRead);
        }
    }

    fn now(&self) -> Time {
        current().map_or(Time::ZERO, |world| world.core.borrow().now)
    }
}

impl World {
    /// Starts an attempt on its worker; one that dies at once never runs.
    pub(super) fn start_attempt(&self, token: Token, task: ActivityTask, dies: bool) {
        let Some(program) = self.setup.activities.get(&task.activity_type) else { return };
        let (index, link) = {
            let mut core = self.core.borrow_mut();
            let index = core.host(token, &task, &self.setup.settings);
            if dies {
                core.crash_worker(WORKER, &self.setup.settings);
                return;
            }
            (index, Arc::new(Link { attempt: index, run: core.run }))
        };
        let started = panics::catch(|| program.start(task, link));
        let mut core = self.core.borrow_mut();
        match started {
            Ok(started) => {
                let task = core.tasks.spawn(started.run, Tag::Attempt(index));
                let attempt = &mut core.attempts[index as usize];
                attempt.task = Some(task);
                attempt.cancel = Some(started.cancel);
                attempt.worker_stopping = started.worker_stopping;
                core.approach_await(index, 1);
            }
            Err(Unwound::Panic(panic)) => core.ended(index, Err(panic), &self.setup.settings),
            Err(Unwound::Other) => {
                core.fail(RunError::Misuse("starting an activity was unwound without a message".to_owned()));
            }
        }
    }

    /// Lets an attempt's code fail at an await: its destructors run, then the worker reports the failure.
    pub(super) fn fail_attempt(&self, attempt: u32) {
        let task = self.core.borrow().attempts[attempt as usize].task;
        let future = task.and_then(|task| self.core.borrow_mut().tasks.remove(task));
        let _ = panics::catch(|| drop(future));
        let failure = Failure::application("InjectedFailure", "injected failure");
        self.core.borrow_mut().ended(attempt, Ok(ActivityOutcome::Failed(failure)), &self.setup.settings);
    }

    /// Drops an attempt that outlived its worker's grace period, and reports it.
    pub(super) fn abort_attempt(&self, attempt: u32) {
        let task = self.core.borrow().attempts[attempt as usize].task;
        let future = task.and_then(|task| self.core.borrow_mut().tasks.remove(task));
        let _ = panics::catch(|| drop(future));
        let mut core = self.core.borrow_mut();
        if core.attempts[attempt as usize].is_running() {
            core.note(Who::Attempt(attempt), What::Aborted);
            let outcome = ActivityOutcome::Cancelled(Details::Absent);
            core.close(attempt, report::report(outcome, Some(CancelReason::WorkerShutdown)), &self.setup.settings);
        }
    }
}

impl Core {
    /// Notes a new attempt and makes its record.
    fn host(&mut self, token: Token, task: &ActivityTask, settings: &Settings) -> u32 {
        let name = AttemptName { activity: token.activity.0, number: token.attempt, worker: WORKER };
        let index = self.trace.name_attempt(name);
        let interval = match settings.throttle {
            Throttling::Off => Span::ZERO,
            Throttling::Sdk { default, max } => {
                throttle::interval_in(settings.dialect, task.timeouts.heartbeat, default, max)
            }
        };
        self.attempts.push(Attempt {
            token,
            worker: WORKER,
            task: None,
            life: Life::Running,
            awaits: 0,
            effects: 0,
            heartbeats: 0,
            details_read: false,
            throttle: Throttle::new(interval),
            cancel: None,
            worker_stopping: None,
            cancel_told: None,
            zombie: false,
            started_at: self.now,
            deadline: task.deadline(),
            timeouts: task.timeouts,
            last_recorded: self.now,
            newest: None,
            carriage: Carriage::Whole,
            held_report: None,
            stalled: false,
            busy: Busy::default(),
        });
        self.running += 1;
        self.activities[token.activity.0 as usize].latest = Some(index);
        let details = task.heartbeat_details.as_bytes().map(|bytes| self.trace.store(bytes));
        self.note(Who::Attempt(index), What::AttemptStarted(details));
        index
    }

    /// The attempt's code returned `Pending`.
    pub(super) fn awaited(&mut self, attempt: u32, settings: &Settings) {
        let record = &mut self.attempts[attempt as usize];
        record.awaits += 1;
        let count = record.awaits;
        self.note(Who::Attempt(attempt), What::Awaited(count));
        if self.injector.is_quiet() {
            return;
        }
        if let Some(fault) = self.strike_attempt(attempt, Site::Await(count)) {
            self.fault_at_await(attempt, fault, settings);
        }
        if self.attempts[attempt as usize].is_running() {
            self.approach_await(attempt, count + 1);
        }
    }

    /// The next await is this one: a planned deadline moves it.
    fn approach_await(&mut self, attempt: u32, next: u32) {
        if self.injector.is_quiet() {
            return;
        }
        let Some(deadline) = self.attempts[attempt as usize].deadline else { return };
        let Some(fault) = self.strike_attempt(attempt, Site::Deadline(next)) else { return };
        match fault {
            Fault::DeadlineBefore(by) => {
                let nanos = deadline.as_nanos().saturating_sub(by.as_nanos() as u64);
                self.stall(attempt, Time::from_nanos(nanos));
            }
            Fault::DeadlineAt => {
                let activity = self.attempts[attempt as usize].token.activity;
                self.activities[activity.0 as usize].defers_deadline = true;
                self.stall(attempt, deadline);
            }
            Fault::DeadlineAtLate => self.stall(attempt, deadline),
            Fault::DeadlineAfter(by) => self.stall(attempt, deadline + by),
            _ => {}
        }
    }

    fn fault_at_await(&mut self, attempt: u32, fault: Fault, settings: &Settings) {
        let worker = self.attempts[attempt as usize].worker;
        match fault {
            Fault::Crash => self.crash_worker(worker, settings),
            Fault::CrashAttempt => self.bury(attempt),
            Fault::Fail => self.todo.push_back(Todo::Fail { attempt }),
            Fault::Stall(length) => self.stall(attempt, self.at(length)),
            Fault::Freeze(length) => self.freeze_worker(worker, self.at(length)),
            Fault::Cancel => self.cancel_workflow_of(attempt, settings),
            Fault::Stop => self.stop_worker(worker, settings),
            _ => {}
        }
    }

    /// Keeps an attempt from being polled until then.
    fn stall(&mut self, attempt: u32, until: Time) {
        if until > self.now && self.hold(attempt) {
            self.queue.push(until, Wakeup::Release(attempt));
        }
    }

    fn hold(&mut self, attempt: u32) -> bool {
        let record = &mut self.attempts[attempt as usize];
        let Some(task) = record.task.filter(|_| !record.stalled) else { return false };
        record.stalled = true;
        self.tasks.hold(task);
        true
    }

    /// A stall is over.
    pub(super) fn release(&mut self, attempt: u32) {
        let record = &mut self.attempts[attempt as usize];
        record.stalled = false;
        let frozen = matches!(self.workers[record.worker as usize].process, Process::Frozen { .. });
        if let Some(task) = record.task.filter(|_| !frozen) {
            self.tasks.release(task);
        }
    }

    /// The attempt's code, or a background task of it, records a heartbeat.
    pub(super) fn heartbeat(&mut self, attempt: u32, details: Option<&[u8]>, settings: &Settings) -> Beat {
        let record = &mut self.attempts[attempt as usize];
        if !record.is_running() {
            return Beat::Taken;
        }
        record.heartbeats += 1;
        let (count, worker) = (record.heartbeats, record.worker);
        let fault = if self.injector.is_quiet() { None } else { self.strike_attempt(attempt, Site::Heartbeat(count)) };
        if fault == Some(Fault::CrashBefore) {
            self.crash_worker(worker, settings);
            return Beat::CrashNow;
        }
        let bytes = details.map(|details| self.trace.store(details));
        self.note(Who::Attempt(attempt), What::HeartbeatRecorded(bytes));
        if fault == Some(Fault::CrashAfterUnsent) {
            self.crash_worker(worker, settings);
            return Beat::CrashNow;
        }
        let now = self.now;
        let record = &mut self.attempts[attempt as usize];
        record.last_recorded = now;
        record.newest = bytes;
        // The message that carries this heartbeat, or a newer one in its place, meets its fate when it leaves.
        match fault {
            Some(Fault::RequestLost) => record.carriage = Carriage::RequestLost,
            Some(Fault::AnswerLost) => record.carriage = Carriage::AnswerLost,
            Some(Fault::Delayed(length)) => record.carriage = Carriage::Late(length),
            _ => {}
        }
        let action = if fault == Some(Fault::CrashAfterSent) {
            record.throttle.record_unthrottled(details, now)
        } else {
            record.throttle.record(details, now)
        };
        let next = Next::of(action);
        self.act(attempt, next, settings);
        if fault == Some(Fault::CrashAfterSent) {
            self.crash_worker(worker, settings);
            return Beat::CrashNow;
        }
        Beat::Taken
    }

    /// Does what the throttle says.
    pub(super) fn act(&mut self, attempt: u32, next: Next, settings: &Settings) {
        match next {
            Next::Send(details) => {
                let record = &mut self.attempts[attempt as usize];
                let carriage = std::mem::take(&mut record.carriage);
                let bytes = record.newest;
                self.note(Who::Attempt(attempt), What::HeartbeatSent(bytes));
                self.post(Message { attempt, call: Call::Heartbeat { details, bytes } }, carriage, settings);
            }
            Next::WakeAt(at) => self.queue.push(at, Wakeup::Flush(attempt)),
            Next::Nothing => {}
        }
    }

    /// The throttle's interval is over.
    pub(super) fn flush(&mut self, attempt: u32, settings: &Settings) {
        let now = self.now;
        let next = Next::of(self.attempts[attempt as usize].throttle.interval_elapsed(now));
        self.act(attempt, next, settings);
    }

    /// Hands a message to the network.
    fn post(&mut self, message: Message, carriage: Carriage, settings: &Settings) {
        if let Carriage::Late(length) = carriage {
            self.mail.push(Some(message));
            self.queue.push(self.at(length), Wakeup::Deliver(self.mail.len() as u32 - 1));
        } else {
            self.deliver(message, carriage, settings);
        }
    }

    /// A message arrives at the service, or is lost on the way.
    pub(super) fn deliver(&mut self, message: Message, carriage: Carriage, settings: &Settings) {
        let Message { attempt, call } = message;
        let now = self.now;
        let token = self.attempts[attempt as usize].token;
        let arrives = carriage != Carriage::RequestLost;
        let refused = match call {
            Call::Heartbeat { details, bytes } => {
                if arrives {
                    self.deliver_heartbeat(attempt, details, bytes, carriage);
                }
                self.heartbeat_answered(attempt, settings);
                false
            }
            Call::Complete { result } => arrives && self.service.complete(token, result, now).is_err(),
            Call::Fail { failure, details, bytes } => {
                let carries = details.is_some();
                let answer = if arrives { self.service.fail(token, Some(failure), details, now) } else { Ok(()) };
                if carries && arrives && answer.is_ok() {
                    self.note(Who::Attempt(attempt), What::HeartbeatVisible(bytes));
                }
                answer.is_err()
            }
            Call::Cancel { details } => arrives && self.service.cancel(token, details, now).is_err(),
        };
        self.settle(settings);
        // A report whose answer is lost is sent again, and refused: the service has acted on it.
        let again = carriage == Carriage::AnswerLost && !self.attempts[attempt as usize].is_running();
        if refused || again {
            self.note(Who::Attempt(attempt), What::Refused);
        }
    }

    fn deliver_heartbeat(&mut self, attempt: u32, details: Details, bytes: Option<Bytes>, carriage: Carriage) {
        let token = self.attempts[attempt as usize].token;
        let order = self.queue.reserve();
        let told = match self.service.heartbeat(token, details, self.now, order) {
            Ok(answer) => {
                self.note(Who::Attempt(attempt), What::HeartbeatVisible(bytes));
                if answer.cancel_requested {
                    Some(CancelReason::Requested)
                } else if answer.activity_reset {
                    Some(CancelReason::Reset)
                } else {
                    answer.activity_paused.then_some(CancelReason::Paused)
                }
            }
            Err(refused) => {
                self.note(Who::Attempt(attempt), What::Refused);
                (refused.code == Code::NotFound).then_some(CancelReason::NotFound)
            }
        };
        if let Some(reason) = told.filter(|_| carriage == Carriage::Whole) {
            self.todo.push_back(Todo::Cancel { attempt, reason });
        }
    }

    /// The heartbeat in flight is answered, or known to be lost: what waits behind it may go.
    fn heartbeat_answered(&mut self, attempt: u32, settings: &Settings) {
        let now = self.now;
        let record = &mut self.attempts[attempt as usize];
        let next = Next::of(record.throttle.answered(now));
        if record.is_running() {
            self.act(attempt, next, settings);
        } else if let Some((report, carriage)) = record.held_report.take() {
            self.post(report, carriage, settings);
        }
    }

    /// The attempt's code has ended by itself.
    pub(super) fn ended(&mut self, attempt: u32, outcome: Result<ActivityOutcome, Panic>, settings: &Settings) {
        if !self.attempts[attempt as usize].is_running() {
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
                let text = match &panic.place {
                    Some(place) => format!("{} at {place}", panic.message),
                    None => panic.message.clone(),
                };
                let failure = Failure::application("Panic", panic.message);
                (Ended::Panicked, Some(self.trace.store(text.as_bytes())), ActivityOutcome::Failed(failure))
            }
        };
        self.note(Who::Attempt(attempt), What::Ended { how, detail });
        let told = self.attempts[attempt as usize].cancel_told;
        self.close(attempt, report::report(outcome, told), settings);
    }

    /// Reports an attempt that has ended.
    fn close(&mut self, attempt: u32, report: Report, settings: &Settings) {
        let record = &mut self.attempts[attempt as usize];
        record.life = Life::Ended;
        record.task = None;
        record.cancel = None;
        record.worker_stopping = None;
        let mut pending = record.throttle.take_pending();
        let (worker, bytes, in_flight) = (record.worker, record.newest, record.throttle.is_in_flight());
        self.running -= 1;
        let fault = if self.injector.is_quiet() { None } else { self.strike_attempt(attempt, Site::Completion) };
        let carriage = match fault {
            Some(Fault::Crash) => {
                self.crash_worker(worker, settings);
                return;
            }
            Some(Fault::Cancel) => {
                self.cancel_workflow_of(attempt, settings);
                Carriage::Whole
            }
            Some(Fault::RequestLost) => Carriage::RequestLost,
            Some(Fault::AnswerLost) => Carriage::AnswerLost,
            Some(Fault::Delayed(length)) => Carriage::Late(length),
            _ => Carriage::Whole,
        };
        if report.pending_heartbeat(settings.dialect) == PendingHeartbeat::FlushedFirst
            && let Some(details) = pending.take()
        {
            self.note(Who::Attempt(attempt), What::HeartbeatSent(bytes));
            let call = Call::Heartbeat { details, bytes };
            self.deliver(Message { attempt, call }, Carriage::Whole, settings);
        }
        let call = match report {
            Report::Complete(result) => Some(Call::Complete { result }),
            Report::Fail(failure) => {
                if pending.is_some() {
                    self.note(Who::Attempt(attempt), What::HeartbeatSent(bytes));
                }
                Some(Call::Fail { failure, details: pending, bytes })
            }
            Report::Cancel(details) => Some(Call::Cancel { details }),
            Report::Nothing => {
                self.note(Who::Attempt(attempt), What::ReportDropped);
                None
            }
        };
        if let Some(message) = call.map(|call| Message { attempt, call }) {
            // The report waits for the heartbeat in flight, which it must not overtake.
            if in_flight {
                self.attempts[attempt as usize].held_report = Some((message, carriage));
            } else {
                self.post(message, carriage, settings);
            }
        }
        if self.workers[worker as usize].process == Process::Stopping {
            self.stop_if_idle(worker, settings);
        }
    }

    /// The attempt vanishes: nothing of it has any effect from now on.
    pub(super) fn bury(&mut self, attempt: u32) {
        let record = &mut self.attempts[attempt as usize];
        if !record.is_running() {
            return;
        }
        record.life = Life::Dead;
        self.running -= 1;
        if let Some(future) = record.task.take().and_then(|task| self.tasks.remove(task)) {
            self.graveyard.push(Buried::Future(future));
        }
        self.note(Who::Attempt(attempt), What::Died);
    }

    /// Takes the callback that tells the code to stop, unless it has been told.
    pub(super) fn begin_cancel(&mut self, attempt: u32, reason: CancelReason) -> Option<Box<dyn Fn(CancelReason)>> {
        let record = &mut self.attempts[attempt as usize];
        if !record.is_running() || record.cancel_told.is_some() {
            return None;
        }
        record.cancel_told = Some(reason);
        let cancel = record.cancel.take();
        self.note(Who::Attempt(attempt), What::CancelDelivered(reason));
        cancel
    }

    /// Takes the callback that tells the code of its worker's stop.
    pub(super) fn begin_stopping(&mut self, attempt: u32) -> Option<Box<dyn Fn()>> {
        let record = &mut self.attempts[attempt as usize];
        if !record.is_running() {
            return None;
        }
        let stopping = record.worker_stopping.take();
        self.note(Who::Attempt(attempt), What::WorkerStopping);
        stopping
    }

    /// The service knows the attempt no more. Its worker will find out by its own clock at the latest.
    pub(super) fn expect_local_timeout(&mut self, attempt: u32) {
        if let Some(at) = self.local_timeout(attempt) {
            self.queue.push(at.max(self.now), Wakeup::LocalTimeout(attempt));
        }
    }

    fn local_timeout(&self, attempt: u32) -> Option<Time> {
        let record = &self.attempts[attempt as usize];
        let after =
            |from: Time, timeout: Span| (!timeout.is_zero()).then(|| from.plus(timeout).plus(LOCAL_TIMEOUT_BUFFER));
        let close = after(record.started_at, record.timeouts.start_to_close);
        let heartbeat = after(record.last_recorded, record.timeouts.heartbeat);
        match (close, heartbeat) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// The worker's own clock looks whether an attempt has timed out.
    pub(super) fn look_at_local_timeout(&mut self, attempt: u32) {
        match self.local_timeout(attempt) {
            Some(at) if at > self.now => self.queue.push(at, Wakeup::LocalTimeout(attempt)),
            Some(_) => self.todo.push_back(Todo::Cancel { attempt, reason: CancelReason::TimedOut }),
            None => {}
        }
    }

    pub(super) fn background_ended(&mut self, index: u32, panic: Option<Panic>) {
        self.background[index as usize].task = None;
        if let Some(panic) = panic {
            let who = self.task_words(Tag::Background(index));
            let place = panic.place.map(|place| format!(" at {place}")).unwrap_or_default();
            self.fail(RunError::Misuse(format!("{who} panicked: {}{place}", panic.message)));
        }
    }

    /// Adds a background task of the attempt whose code is running.
    pub(crate) fn spawn_background(
        &mut self,
        attempt: u32,
        future: crate::engine::tasks::TaskFuture<ActivityOutcome>,
    ) -> (u32, TaskId) {
        let index = self.background.len() as u32;
        let task = self.tasks.spawn(future, Tag::Background(index));
        self.background.push(Background { attempt, task: Some(task), busy: Busy::default() });
        (index, task)
    }
}

/// What the throttle says, without its loan.
pub(super) enum Next {
    Send(Details),
    WakeAt(Time),
    Nothing,
}

impl Next {
    fn of(action: Action<'_>) -> Next {
        match action {
            Action::Send(details) => Next::Send(details.into()),
            Action::WakeAt(at) => Next::WakeAt(at),
            Action::Nothing => Next::Nothing,
        }
    }
}
