//! [`Attempt`]: one attempt as its worker hosts it.

use std::fmt;
use std::sync::Arc;

use super::report::Report;
use crate::engine::tasks::TaskId;
use crate::program::places::Places;
use crate::program::{ActivityTask, AttemptListener, CancelReason, Span, Time, Timeouts};
use crate::service::{Dialect, Token};
use crate::trace::{AttemptKey, Bytes, WorkerKey};

use super::departure::FinalReport;
use super::message::Delivery;
use super::process::ProcessKey;
use super::throttle::{Action, Throttle};

/// The stage of an attempt on its worker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Life {
    /// Its code runs.
    Running,
    /// Its code has ended, or was dropped by the worker.
    Ended,
    /// It has crashed: nothing of it may have any effect.
    Dead,
}

/// The time that the worker's own clock adds to a timeout before it cancels an attempt by itself.
///
/// Source: crate temporalio-sdk-core 0.10.1 `src/worker/mod.rs:243`; recorded scenario `sdk_local_timeout_buffer`.
const LOCAL_TIMEOUT_BUFFER: Span = Span::from_secs(5);

/// An attempt on its worker.
pub(crate) struct Attempt {
    token: Token,
    process: ProcessKey,
    /// The attempt of the same workflow that began before it.
    before: Option<AttemptKey>,
    /// The throttle holds its heartbeats back.
    throttle: Throttle,
    task: Option<TaskId>,
    life: Life,
    awaits: u32,
    effects: u32,
    heartbeats: u32,
    details_read: bool,
    /// The listener notifies its code, while it runs.
    listener: Option<Arc<dyn AttemptListener>>,
    /// The reason for which its code was asked to stop, which happens once.
    cancelled_for: Option<CancelReason>,
    /// Says whether the service has given it up while its code runs on.
    zombie: bool,
    started_at: Time,
    deadline: Option<Time>,
    timeouts: Timeouts,
    /// The time at which the code last recorded a heartbeat, or started: the worker's own heartbeat clock.
    last_recorded: Time,
    /// The time at which the service last had a heartbeat of it, or started it.
    last_visible: Time,
    /// The details that it recorded last.
    newest: Option<Bytes>,
    /// The delivery that a fault has in store for the next heartbeat that leaves.
    delivery: Delivery,
    /// The report of its end, while that waits for a heartbeat in flight. It is boxed because it is rare.
    final_report: Option<Box<FinalReport>>,
    /// Says whether a fault keeps it from being polled.
    stalled: bool,
    /// Each of its waits takes so many times as long; at 1 it is not slow.
    slowness: u32,
    /// Its present wait takes that long already.
    is_slowed: bool,
    /// The count of polls at the present moment, against loops that let no time pass.
    busy: Busy,
    /// It says how far its code has come.
    places: Places,
}

impl Attempt {
    /// Makes an attempt that its worker takes now. `interval` is the time between two heartbeats that are sent.
    pub(super) fn new(
        token: Token,
        process: ProcessKey,
        before: Option<AttemptKey>,
        task: &ActivityTask,
        interval: Span,
        now: Time,
    ) -> Attempt {
        Attempt {
            token,
            process,
            before,
            throttle: Throttle::new(interval),
            task: None,
            life: Life::Running,
            awaits: 0,
            effects: 0,
            heartbeats: 0,
            details_read: false,
            listener: None,
            cancelled_for: None,
            zombie: false,
            started_at: now,
            deadline: task.info.deadline(),
            timeouts: task.info.timeouts,
            last_recorded: now,
            last_visible: now,
            newest: None,
            delivery: Delivery::Whole,
            final_report: None,
            stalled: false,
            slowness: 1,
            is_slowed: false,
            busy: Busy::default(),
            places: Places::NONE,
        }
    }

    /// Notes that its code has begun.
    pub(crate) fn begin(&mut self, task: TaskId, listener: Arc<dyn AttemptListener>) {
        self.task = Some(task);
        self.listener = Some(listener);
    }

    /// The token that its worker shows to the service.
    pub(crate) fn token(&self) -> Token {
        self.token
    }

    /// The worker that has it.
    pub(crate) fn worker(&self) -> WorkerKey {
        self.process.worker
    }

    /// The process of that worker which has it, or had it.
    pub(crate) fn process(&self) -> ProcessKey {
        self.process
    }

    /// Gives the attempt of the same workflow that began before it.
    pub(super) fn before(&self) -> Option<AttemptKey> {
        self.before
    }

    /// The task of its code, while it runs.
    pub(crate) fn task(&self) -> Option<TaskId> {
        self.task
    }

    pub(crate) fn started_at(&self) -> Time {
        self.started_at
    }

    /// The deadline that its code sees.
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.deadline
    }

    /// Says whether its code runs.
    pub(crate) fn is_running(&self) -> bool {
        self.life == Life::Running
    }

    /// Says whether it has crashed: nothing of it may have any effect.
    pub(crate) fn is_dead(&self) -> bool {
        self.life == Life::Dead
    }

    /// Says whether the service has given it up.
    pub(crate) fn is_zombie(&self) -> bool {
        self.zombie
    }

    /// Notes that the service has given it up while its code runs on.
    pub(crate) fn become_zombie(&mut self) {
        self.zombie = true;
    }

    /// Counts one more `Pending`.
    pub(crate) fn count_await(&mut self) -> u32 {
        self.awaits += 1;
        self.awaits
    }

    /// Counts one more effect.
    pub(crate) fn count_effect(&mut self) -> u32 {
        self.effects += 1;
        self.effects
    }

    /// Counts one more heartbeat.
    pub(crate) fn count_heartbeat(&mut self) -> u32 {
        self.heartbeats += 1;
        self.heartbeats
    }

    /// Counts one more poll, as [`Busy::count_poll`] does.
    pub(crate) fn count_poll(&mut self, now: Time, by_itself: bool) -> u32 {
        self.busy.count_poll(now, by_itself)
    }

    /// Gives how far its code has come, unless that runs now.
    pub(crate) fn places(&self) -> &Places {
        &self.places
    }

    /// Notes how far its code has come.
    pub(crate) fn set_places(&mut self, places: Places) {
        self.places = places;
    }

    /// Gives the time at which its code was polled last.
    pub(crate) fn last_polled(&self) -> Time {
        self.busy.at
    }

    /// Notes that its code looks at its details. Says whether that is the first time, while it runs.
    pub(crate) fn read_details(&mut self) -> bool {
        self.is_running() && !std::mem::replace(&mut self.details_read, true)
    }

    /// Notes that its code is asked to stop. Says whether it was running and had not been asked before.
    pub(crate) fn cancel(&mut self, reason: CancelReason) -> bool {
        let is_first = self.is_running() && self.cancelled_for.is_none();
        if is_first {
            self.cancelled_for = Some(reason);
        }
        is_first
    }

    /// The reason for which its code was asked to stop, if it was.
    pub(crate) fn cancelled_for(&self) -> Option<CancelReason> {
        self.cancelled_for
    }

    /// The listener that notifies its code, while it runs.
    pub(crate) fn listener(&self) -> Option<Arc<dyn AttemptListener>> {
        self.listener.clone()
    }

    /// Takes the listener that notifies its code, to be dropped.
    pub(super) fn take_listener(&mut self) -> Option<Arc<dyn AttemptListener>> {
        self.listener.take()
    }

    /// The time at which the worker's own clock gives it up.
    pub(crate) fn local_timeout(&self) -> Option<Time> {
        let after =
            |from: Time, timeout: Span| (!timeout.is_zero()).then(|| from.plus(timeout).plus(LOCAL_TIMEOUT_BUFFER));
        let close = after(self.started_at, self.timeouts.start_to_close);
        let heartbeat = after(self.last_recorded, self.timeouts.heartbeat);
        close.into_iter().chain(heartbeat).min()
    }

    /// Takes a heartbeat that its code records, and that the trace has under `bytes`.
    pub(crate) fn record(
        &mut self,
        details: Option<&[u8]>,
        bytes: Option<Bytes>,
        throttled: bool,
        now: Time,
    ) -> Action {
        self.last_recorded = now;
        self.newest = bytes;
        if throttled { self.throttle.record(details, now) } else { self.throttle.record_unthrottled(details, now) }
    }

    /// Takes in that the throttle's wake-up has come.
    pub(crate) fn interval_elapsed(&mut self, now: Time) -> Action {
        self.throttle.interval_elapsed(now)
    }

    /// Takes in that the heartbeat in flight is answered, or known to be lost.
    pub(crate) fn heartbeat_answered(&mut self, now: Time) -> Action {
        self.throttle.answered(now)
    }

    /// Says whether a heartbeat waits for the throttle.
    pub(crate) fn has_pending_heartbeat(&self) -> bool {
        self.throttle.has_pending()
    }

    /// Sets the delivery of the next heartbeat that leaves: this one, or a newer one that has replaced it.
    pub(crate) fn set_delivery(&mut self, delivery: Delivery) {
        self.delivery = delivery;
    }

    /// Takes the delivery of a heartbeat that leaves.
    pub(crate) fn take_delivery(&mut self) -> Delivery {
        std::mem::take(&mut self.delivery)
    }

    /// The details that it recorded last, in the trace.
    pub(crate) fn newest(&self) -> Option<Bytes> {
        self.newest
    }

    /// Notes that the service has a heartbeat of it.
    pub(crate) fn became_visible(&mut self, now: Time) {
        self.last_visible = now;
    }

    /// The time at which the service last had a heartbeat of it, or started it.
    pub(crate) fn last_visible(&self) -> Time {
        self.last_visible
    }

    /// Notes that a fault keeps it from being polled. Gives its task unless that is kept from polls already.
    pub(crate) fn stall(&mut self) -> Option<TaskId> {
        let task = self.task.filter(|_| !self.stalled)?;
        self.stalled = true;
        Some(task)
    }

    /// Notes that the stall is over.
    pub(crate) fn go_on(&mut self) {
        self.stalled = false;
    }

    /// Says whether a fault keeps it from being polled.
    pub(crate) fn is_stalled(&self) -> bool {
        self.stalled
    }

    /// Notes that each of its waits takes so many times as long.
    pub(crate) fn slow_down(&mut self, factor: u32) {
        self.slowness = factor.max(1);
    }

    /// Its code is due. Gives the time until which a slow attempt waits all the same, once for each wait.
    pub(crate) fn slowed_until(&mut self, now: Time) -> Option<Time> {
        if self.slowness == 1 || self.awaits == 0 {
            return None;
        }
        let waited = now - self.last_polled();
        if waited.is_zero() || std::mem::replace(&mut self.is_slowed, true) {
            self.is_slowed = false;
            return None;
        }
        Some(now + waited.saturating_mul(self.slowness - 1))
    }

    /// Notes that it is slow no more. Says whether it waits for that alone.
    pub(crate) fn hurry(&mut self) -> bool {
        self.slowness = 1;
        std::mem::take(&mut self.is_slowed)
    }

    /// Notes that its code has ended.
    pub(super) fn end(&mut self) {
        self.life = Life::Ended;
        self.task = None;
        self.listener = None;
    }

    /// The last report of its worker about it, and its fate. `None` if the worker says nothing.
    pub(crate) fn final_report(&mut self, report: Report, dialect: Dialect, delivery: Delivery) -> Option<FinalReport> {
        FinalReport::new(report, &mut self.throttle, self.newest, dialect, delivery)
    }

    /// Says whether a heartbeat is in flight, which the final report must not overtake.
    pub(crate) fn is_heartbeat_in_flight(&self) -> bool {
        self.throttle.is_in_flight()
    }

    /// Notes that it has crashed. Gives its code.
    pub(super) fn die(&mut self) -> Option<TaskId> {
        self.life = Life::Dead;
        self.task.take()
    }

    /// Keeps its final report, which waits for the heartbeat in flight.
    pub(crate) fn keep_report(&mut self, report: FinalReport) {
        self.final_report = Some(Box::new(report));
    }

    /// Takes the report that waits. If its worker has died, the report never leaves.
    pub(crate) fn take_report(&mut self) -> Option<FinalReport> {
        self.final_report.take().map(|report| *report)
    }
}

/// Counts polls at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Busy {
    at: Time,
    polls: u32,
}

impl Busy {
    /// Counts one more poll and says how many there were at this moment.
    pub(crate) fn count(&mut self, now: Time) -> u32 {
        if self.at != now {
            *self = Busy { at: now, polls: 0 };
        }
        self.polls += 1;
        self.polls
    }

    /// Counts one more poll of a task. Says for how many of the polls at this moment the task has woken itself, with
    /// the poll before them. Polls after a wake from elsewhere are work, however many there are.
    pub(crate) fn count_poll(&mut self, now: Time, by_itself: bool) -> u32 {
        if by_itself || self.at != now || self.polls == 0 { self.count(now) } else { self.polls }
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt").field("token", &self.token).field("life", &self.life).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn polls_are_counted_anew_at_each_moment() {
        let mut busy = Busy::default();
        let counts = [0, 0, 0, 1, 1, 2].map(|seconds| busy.count(Time::ZERO + Duration::from_secs(seconds)));
        assert_eq!(counts, [1, 2, 3, 1, 2, 1]);
        let polls = [(2, false), (2, true), (2, false), (3, false), (3, false), (3, true)];
        let counts =
            polls.map(|(seconds, by_itself)| busy.count_poll(Time::ZERO + Duration::from_secs(seconds), by_itself));
        assert_eq!(counts, [1, 2, 2, 1, 1, 2]);
    }
}
