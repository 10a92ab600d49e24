//! The words for a run that cannot go on, or goes on for too long.

use super::core::{Core, Script};
use super::error::RunError;
use crate::program::{Time, Timeouts};
use crate::service::ActivityKey;
use crate::worker::attempt::Attempt;

/// Adds what code may wait for that nothing in the simulation wakes it from.
fn maybe_outside(waiting: String) -> String {
    let separator = if waiting.is_empty() { "" } else { "; " };
    format!(
        "{waiting}{separator}does it wait for a timer, a socket or a task of a tokio runtime around the test \
         (`#[tokio::test]`)? That does not follow virtual time: use `durasim::time`, `durasim::task::spawn` and fakes"
    )
}

impl Core {
    pub(super) fn stuck(&mut self) {
        if self.script == Script::Running {
            let waiting = maybe_outside(self.waiting_words());
            self.fail(RunError::ScriptStuck { at: self.agenda.now(), waiting });
            return;
        }
        // A script may leave workflows open on purpose.
        if self.script == Script::Done {
            return;
        }
        let open = self.trace.workflows().iter().find(|(workflow, _)| self.service.workflow(*workflow).is_open());
        // Attempts that wait for ever after all workflows have closed harm nobody: the run is over.
        let Some((key, name)) = open else { return };
        let workflow = name.workflow_type.to_string();
        if self.workflows[key].foreign_wake() {
            self.fail(RunError::foreign_wait(&workflow));
            return;
        }
        let words = self.waiting_words();
        let waiting = if self.attempts.any_runs() { maybe_outside(words) } else { words };
        self.fail(RunError::Stuck { workflow, at: self.agenda.now(), waiting });
    }

    /// Says whether only attempts go on at this time that nobody has waited for since long, of their own accord.
    pub(super) fn runs_for_nobody(&mut self, at: Time) -> bool {
        if self.open_workflows > 0 || self.script == Script::Running {
            return false;
        }
        let longest = || {
            let of_one = |timeouts: Timeouts| {
                let Timeouts { schedule_to_close, schedule_to_start, start_to_close, heartbeat } = timeouts;
                schedule_to_close.max(schedule_to_start).max(start_to_close).max(heartbeat).to_duration()
            };
            self.service.activities().map(|(_, activity)| of_one(activity.timeouts())).max().unwrap_or_default()
        };
        self.ending.is_over(at, longest) && !self.attempts.running().any(|(_, attempt)| self.is_held(attempt))
    }

    /// Says whether a fault keeps the attempt from being polled.
    pub(super) fn is_held(&self, attempt: &Attempt) -> bool {
        let is_frozen = self.workers[attempt.worker()].frozen_until().is_some();
        attempt.is_stalled() || is_frozen
    }

    pub(super) fn beyond_horizon(&mut self) {
        let horizon = self.settings.horizon;
        let waiting = self.waiting_words();
        self.fail(RunError::Horizon { horizon, waiting });
    }

    /// The code that is still going on, for an error: a few activities that are open, attempts that nobody waits for, and
    /// workflows that wait for something else.
    pub(super) fn waiting_words(&self) -> String {
        const SHOWN: usize = 3;
        let mut words: Vec<String> = Vec::new();
        for (key, activity) in self.service.activities() {
            if activity.outcome().is_some() || !self.service.workflow(activity.workflow()).is_open() {
                continue;
            }
            let attempt = self.activities[key].latest_attempt().map(|attempt| &self.attempts[attempt]);
            let state = if attempt.is_some_and(|attempt| attempt.is_running()) { "is running" } else { "is waiting" };
            let name = self.trace.activity_words(key);
            let failure = activity.last_failure().map(|failure| format!(", after `{failure}`")).unwrap_or_default();
            words.push(format!("activity {name} {state} at attempt {}{failure}", activity.attempt()));
        }
        for (key, attempt) in self.attempts.running() {
            let activity = self.service.activity(attempt.token().activity);
            let current = activity.outcome().is_none() && activity.attempt() == attempt.token().attempt;
            if !current || !self.service.workflow(activity.workflow()).is_open() {
                let name = self.trace.attempt_words(key);
                words.push(format!("attempt {name}, which the service has given up, still runs"));
            }
        }
        for (key, name) in self.trace.workflows() {
            let workflow = self.service.workflow(key);
            let is_open = |key: ActivityKey| self.service.activity(key).outcome().is_none();
            if !workflow.is_open() || workflow.activities().iter().any(|(_, activity)| is_open(*activity)) {
                continue;
            }
            let what = if workflow.has_timer() {
                "waits for a timer"
            } else {
                "has no open activity and no timer: does it await a future that has ended already, or that is not its \
                 context's?"
            };
            words.push(format!("workflow `{}` {what}", name.workflow_type));
        }
        let more = words.len().saturating_sub(SHOWN);
        words.truncate(SHOWN);
        let rest = if more > 0 { format!(", and {more} more") } else { String::new() };
        words.join(", ") + &rest
    }
}
