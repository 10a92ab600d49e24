//! The service's timers: fired, with a note of the stamps from which their clocks ran.

use durasim::internals::retry::next_backoff;
use durasim::internals::{ActivityState, ServiceTimer};
use durasim::program::TimeoutType;
use durasim::service::{ActivityKey, EventKind, WorkflowKey};
use durasim::{Span, Time};
use serde_json::Value;

use super::world::World;
use crate::recording::gap::{Gap, Stamp};
use crate::recording::history::at;

/// The least time between the first tasks of two runs that follow each other.
const BETWEEN_RUNS: Span = Span::from_secs(1);

impl World<'_> {
    /// Fires a timer whose time has come. A time that this sets is noted as a gap from the stamp at which the timer's
    /// clock began.
    pub fn fire(&mut self, timer: ServiceTimer) {
        let clock = match timer {
            ServiceTimer::Timeout { activity, timeout, .. } => {
                let record = self.service.activity(activity);
                let passes = record.deadline(timeout).is_some_and(|deadline| deadline <= self.now);
                passes.then(|| (activity, self.clock(activity, timeout)))
            }
            ServiceTimer::Workflow { workflow, timer } => {
                let nominal = self.timer_length(workflow, timer);
                if let Some(history) = self.history_of(workflow) {
                    let timer = self.by_hand.timer_id(timer);
                    let from = Stamp::TimerStarted { history: history.clone(), timer: timer.clone() };
                    self.gaps.push(Gap { from, to: Stamp::TimerFired { history, timer }, nominal });
                }
                None
            }
            ServiceTimer::RunTimeout { workflow } => {
                self.note_timeout(workflow);
                None
            }
            ServiceTimer::FirstTask { workflow } => {
                self.note_first_task(workflow);
                None
            }
            ServiceTimer::RetryDue { .. } | ServiceTimer::TaskTimeout { .. } | ServiceTimer::StickyTimeout { .. } => {
                None
            }
        };
        self.service.fire(timer, self.now);
        self.drain();
        if let Some((activity, (from, since))) = clock {
            self.note_gap(activity, from, since);
        }
    }

    /// The time at which a timer fires that is due now: in a recording it may have been late.
    pub fn fires(&self, timer: ServiceTimer, due: Time) -> Time {
        match timer {
            ServiceTimer::Timeout { activity, timeout, .. } => {
                let record = self.service.activity(activity);
                let may_follow = matches!(timeout, TimeoutType::StartToClose | TimeoutType::Heartbeat);
                let backoff = next_backoff(record.retry(), record.attempt(), None, due, None).ok();
                let backoff = backoff.filter(|_| may_follow);
                match record.deadline(timeout) {
                    // A heartbeat has moved it: it is set anew.
                    Some(deadline) if deadline > due => due,
                    _ => self.pace.timeout(due, &self.reference(activity), self.attempts_of(activity), backoff),
                }
            }
            ServiceTimer::Workflow { workflow, timer } => match self.history_of(workflow) {
                Some(history) => {
                    let timer = self.by_hand.timer_id(timer);
                    self.pace.fired_event(due, &history, "TIMER_FIRED", Some(&timer))
                }
                None => due,
            },
            ServiceTimer::RunTimeout { .. }
            | ServiceTimer::RetryDue { .. }
            | ServiceTimer::TaskTimeout { .. }
            | ServiceTimer::StickyTimeout { .. }
            | ServiceTimer::FirstTask { .. } => due,
        }
    }

    /// A run's timeout counts from its first workflow task, if that has waited, that of a chain from the start of the chain.
    fn note_timeout(&mut self, workflow: WorkflowKey) {
        let first = self.first_of(workflow);
        let limit = self.service.workflow(first).info().execution_timeout;
        let (from_history, to_history) = (self.history_of(first), self.history_of(workflow));
        let (Some(first_history), Some(history)) = (from_history, to_history) else { return };
        let started_at = |run| self.service.workflow(run).info().started_at;
        let (start, began) = (started_at(first), started_at(workflow));
        let to = Stamp::RunTimedOut { history: history.clone() };
        let (from, since) = match self.first_task(workflow) {
            _ if !limit.is_zero() && start.plus(limit) <= self.now => {
                (Stamp::RunStarted { history: first_history }, start)
            }
            Some(at) if at > began => (Stamp::FirstTask { history }, at),
            _ => (Stamp::RunStarted { history }, began),
        };
        self.gaps.push(Gap { from, to, nominal: at(self.now) - at(since) });
    }

    /// The first task of a run waits for the least time between runs, which counts from the first task of the run before,
    /// or for its own delay.
    fn note_first_task(&mut self, workflow: WorkflowKey) {
        let Some(history) = self.history_of(workflow) else { return };
        let to = Stamp::FirstTask { history: history.clone() };
        let run = self.service.workflow(workflow);
        let before = run.predecessor().and_then(|before| Some((self.history_of(before)?, self.first_task(before)?)));
        let (from, since) = match before {
            Some((history, first)) if first.plus(BETWEEN_RUNS) == self.now => (Stamp::FirstTask { history }, first),
            _ => (Stamp::RunStarted { history }, run.info().started_at),
        };
        self.gaps.push(Gap { from, to, nominal: at(self.now) - at(since) });
    }

    /// The time at which the first workflow task of a run was scheduled.
    fn first_task(&self, workflow: WorkflowKey) -> Option<Time> {
        let events = self.service.history(workflow);
        events.iter().find(|event| matches!(event.kind, EventKind::WorkflowTaskScheduled { .. })).map(|event| event.at)
    }

    fn timer_length(&self, workflow: WorkflowKey, timer: u32) -> f64 {
        let events = self.service.history(workflow).iter();
        let started = events.rev().find_map(|event| match event.kind {
            EventKind::TimerStarted { seq, .. } if seq == timer => Some(event.at),
            _ => None,
        });
        at(self.now) - started.map_or(0.0, at)
    }

    /// The stamp from which a timeout's clock ran.
    fn clock(&self, activity: ActivityKey, timeout: TimeoutType) -> (Stamp, Time) {
        let clocks = self.service.activity(activity).clocks();
        let reference = self.reference(activity);
        let attempts = self.attempts_of(activity);
        let last = attempts.saturating_sub(1);
        let started = clocks.started_at.unwrap_or_default();
        match timeout {
            TimeoutType::ScheduleToStart => {
                let stamp = Stamp::AttemptScheduled { activity: reference, attempt: attempts };
                (stamp, clocks.attempt_scheduled_at)
            }
            TimeoutType::ScheduleToClose => (Stamp::Scheduled { activity: reference }, clocks.scheduled_at),
            TimeoutType::Heartbeat => match clocks.last_heartbeat_at.filter(|beat| *beat >= started) {
                Some(beat) => (self.heartbeat_at(beat, reference, last), beat),
                None => (Stamp::Started { activity: reference, attempt: last }, started),
            },
            _ => (Stamp::Started { activity: reference, attempt: last }, started),
        }
    }

    /// The call that was the heartbeat of this time: the attempt's own, or a client's.
    fn heartbeat_at(&self, beat: Time, activity: String, attempt: usize) -> Stamp {
        let names = ["RecordActivityTaskHeartbeat", "RecordActivityTaskHeartbeatById"];
        let find = |calls: &[Value], times: &[Time]| {
            let is_heartbeat = |call: &Value| names.iter().any(|name| call["call"] == *name) && call["ok"] == true;
            calls.iter().zip(times).rposition(|(call, time)| *time == beat && is_heartbeat(call))
        };
        let log = self.attempts.iter().find(|log| log.reference == activity && log.place == attempt);
        if let Some(call) = log.and_then(|log| find(&log.calls, &log.called_at)) {
            return Stamp::Call { activity, attempt, call };
        }
        match find(&self.client_calls, &self.client_called_at) {
            Some(call) => Stamp::ClientCall { call },
            None => Stamp::Call { activity, attempt, call: 0 },
        }
    }

    /// Notes the change of an activity since a stamp: the next attempt has a time, or it has closed.
    pub fn note_gap(&mut self, activity: ActivityKey, from: Stamp, since: Time) {
        let reference = self.reference(activity);
        let attempt = self.attempts_of(activity);
        let record = self.service.activity(activity);
        let (to, time) = match record.state() {
            ActivityState::Backoff => {
                (Stamp::AttemptScheduled { activity: reference, attempt }, record.attempt_scheduled_at())
            }
            ActivityState::Closed(_) => (Stamp::Closed { activity: reference }, self.now),
            ActivityState::Scheduled | ActivityState::Started(_) => return,
        };
        self.gaps.push(Gap { from, to, nominal: at(time) - at(since) });
    }
}
