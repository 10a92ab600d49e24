//! [`Tally`]: what is counted over many runs.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::check::{Budget, Class, most_redone};
use crate::trace::Trace;
use crate::world::Run;

/// Counts over the runs of one part of an exploration.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Tally {
    /// How many runs there were.
    pub runs: u64,
    /// Runs in which a fault struck.
    pub struck: u64,
    /// Runs in which faults struck, that ended as the fault-free run and satisfy every check.
    pub survive: u64,
    /// Runs in which no fault struck, and every check is satisfied. They show nothing that the fault-free run does not, but
    /// maybe that another order of ready tasks is fine.
    pub quiet: u64,
    /// Runs that survive in which faults struck and changed nothing: but for the faults, every event is that
    /// of the fault-free run.
    pub without_effect: u64,
    /// Runs in which faults used up what the options allow, and every check is satisfied.
    pub over_budget: u64,
    /// The runs over budget in which no heartbeat or start-to-close timeout could have ended a lost attempt: worth a look
    /// at the activity's options.
    pub unprotected: u64,
    /// Runs in which a cancel was requested and heeded, and every check is satisfied.
    pub cancelled: u64,
    /// Runs that ended otherwise and satisfy every check.
    pub differ: u64,
    /// The runs of another order that ended otherwise, in which a workflow asked for other activities, timers or markers than
    /// without faults.
    pub other_branch: u64,
    /// Runs that violate only what the regressions file accepts.
    pub accepted: u64,
    /// Runs that violate a check.
    pub failed: u64,
    /// A number for all that happened in all runs, in any order: another one means that some run went another way. It may
    /// differ between versions of Rust.
    pub fingerprint: u64,
    /// Attempts that workers took.
    pub attempts: u64,
    /// Heartbeats that code recorded.
    pub heartbeats_recorded: u64,
    /// Heartbeats that left a worker.
    pub heartbeats_sent: u64,
    /// Heartbeats that the service has had.
    pub heartbeats_visible: u64,
    /// Attempts that started with details.
    pub resumes: u64,
    /// The details they started with, and how many did.
    pub resumed_from: BTreeMap<Vec<u8>, u64>,
    /// The most effects of one ledger that a resumed attempt did again though its checkpoint covers them: see
    /// [`Effects::not_redone`](crate::check::Effects::not_redone).
    pub redone: u64,
    /// The runs' length, summed up.
    pub virtual_time: Duration,
    /// Violations by check.
    pub violations: BTreeMap<String, u64>,
    /// By check, the runs in which it had something to judge: see [`Check::has_something`](crate::check::Check::has_something).
    pub judged: BTreeMap<String, u64>,
}

/// The most different details that are counted apart.
const MANY_DETAILS: usize = 1_000;

impl Tally {
    /// Counts a run that violates only what is accepted as one that failed.
    pub(super) fn accept(&mut self) {
        self.failed -= 1;
        self.accepted += 1;
    }

    /// Counts a run of this class; `None` if it failed.
    pub(super) fn count(&mut self, run: &Run, class: Option<Class>) {
        self.runs += 1;
        self.struck += u64::from(!run.trace().faults().is_empty());
        match class {
            Some(_) if run.trace().faults().is_empty() => self.quiet += 1,
            Some(Class::Survive) => self.survive += 1,
            Some(Class::OverBudget(budget)) => {
                self.over_budget += 1;
                self.unprotected += u64::from(budget == Budget::Unprotected);
            }
            Some(Class::Cancelled) => self.cancelled += 1,
            Some(Class::Different) => self.differ += 1,
            None => self.failed += 1,
        }
        self.fingerprint = self.fingerprint.wrapping_add(run.trace().fingerprint());
        self.redone = self.redone.max(most_redone(run) as u64);
        self.virtual_time += run.virtual_time().since_epoch();
        for attempt in run.executions().attempts().values() {
            self.attempts += 1;
            for heartbeat in &attempt.heartbeats {
                self.heartbeats_recorded += 1;
                self.heartbeats_sent += u64::from(heartbeat.sent.is_some());
                self.heartbeats_visible += u64::from(heartbeat.visible.is_some());
            }
            if let Some(details) = attempt.details {
                self.resumes += 1;
                self.count_details(run.trace().bytes(details).to_vec(), 1);
            }
        }
    }

    fn count_details(&mut self, details: Vec<u8>, count: u64) {
        if let Some(known) = self.resumed_from.get_mut(&details) {
            *known += count;
        } else if self.resumed_from.len() < MANY_DETAILS {
            self.resumed_from.insert(details, count);
        }
    }

    /// Adds the counts of further runs.
    pub(super) fn add(&mut self, more: Tally) {
        self.runs += more.runs;
        self.struck += more.struck;
        self.survive += more.survive;
        self.quiet += more.quiet;
        self.without_effect += more.without_effect;
        self.over_budget += more.over_budget;
        self.unprotected += more.unprotected;
        self.cancelled += more.cancelled;
        self.differ += more.differ;
        self.other_branch += more.other_branch;
        self.accepted += more.accepted;
        self.failed += more.failed;
        self.fingerprint = self.fingerprint.wrapping_add(more.fingerprint);
        self.attempts += more.attempts;
        self.heartbeats_recorded += more.heartbeats_recorded;
        self.heartbeats_sent += more.heartbeats_sent;
        self.heartbeats_visible += more.heartbeats_visible;
        self.resumes += more.resumes;
        self.redone = self.redone.max(more.redone);
        self.virtual_time += more.virtual_time;
        for (details, count) in more.resumed_from {
            self.count_details(details, count);
        }
        for (check, count) in more.violations {
            *self.violations.entry(check).or_default() += count;
        }
        for (check, count) in more.judged {
            *self.judged.entry(check).or_default() += count;
        }
    }

    /// Counts a run if this check had something to judge in it.
    pub(super) fn note_judged(&mut self, check: &str, had_something: bool) {
        let run = u64::from(had_something);
        match self.judged.get_mut(check) {
            Some(runs) => *runs += run,
            None => drop(self.judged.insert(check.to_owned(), run)),
        }
    }

    /// Counts a violation of this check.
    pub(super) fn note_violation(&mut self, check: &str) {
        *self.violations.entry(check.to_owned()).or_default() += 1;
    }

    /// Counts a run that was counted as passing in this class as failed: it does not repeat.
    pub(super) fn fails_after_all(&mut self, trace: &Trace, class: Option<Class>, check: &str) {
        let counted = match class {
            Some(_) if trace.faults().is_empty() => &mut self.quiet,
            Some(Class::Survive) => &mut self.survive,
            Some(Class::OverBudget(budget)) => {
                self.unprotected -= u64::from(budget == Budget::Unprotected);
                &mut self.over_budget
            }
            Some(Class::Cancelled) => &mut self.cancelled,
            Some(Class::Different) => &mut self.differ,
            None => return,
        };
        *counted -= 1;
        self.failed += 1;
        self.note_violation(check);
    }

    /// Runs that satisfy every check.
    pub fn hold(&self) -> u64 {
        self.runs - self.failed - self.accepted
    }
}
