//! [`Cancellations`]: the things that code takes back in the turn that asks for them.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::program::{Command, Details, Failure, FailureKind, Job, Seq};

/// The activities, children and signals of one turn, by their numbers.
#[derive(Default)]
pub(super) struct Cancellations {
    /// The activities scheduled in this turn.
    pub(super) unsent: BTreeSet<Seq>,
    /// The activities scheduled and cancelled in this turn.
    pub(super) taken_back: BTreeSet<Seq>,
    /// The children asked for in this turn.
    pub(super) unsent_children: BTreeSet<Seq>,
    /// The children asked for and cancelled in this turn.
    pub(super) children_taken_back: BTreeSet<Seq>,
    /// The signals asked for in this turn.
    pub(super) unsent_signals: BTreeSet<Seq>,
    /// The signals asked for and taken back in this turn.
    signals_taken_back: BTreeSet<Seq>,
}

impl Cancellations {
    /// Says whether the command is not to be sent.
    pub(super) fn takes_back(&self, command: &Command) -> bool {
        match command {
            Command::ScheduleActivity { seq, .. } => self.taken_back.contains(seq),
            Command::StartChild { seq, .. } => self.children_taken_back.contains(seq),
            Command::SignalWorkflow { seq, .. } => self.signals_taken_back.contains(seq),
            _ => false,
        }
    }

    /// Ends a signal that has not left.
    ///
    /// Source: crate temporalio-sdk-core 0.10.1 `src/worker/workflow/machines/signal_external_state_machine.rs`.
    pub(super) fn take_back_signal(&mut self, seq: Seq, jobs: &mut Vec<Job>) {
        if self.unsent_signals.remove(&seq) {
            self.signals_taken_back.insert(seq);
            let kind = FailureKind::Canceled { details: Details::Absent };
            let failure = Failure::new("Signal was cancelled before being sent", kind);
            jobs.push(Job::SignalDone { seq, failure: Some(Arc::new(failure)) });
        }
    }
}
