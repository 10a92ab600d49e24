//! [`Failed`]: a failure of an exploration, with the smallest plan that shows it.

use std::sync::Arc;

use super::finding::{Cause, Finding};
use super::message::{Extent, Message};
use super::rerun::Rerun;
use super::terminal::Terminal;
use crate::check::Violation;
use crate::fault::{Order, Plan};
use crate::program::Counted;
use crate::trace::Trace;

/// One distinct failure, with the smallest plan that shows it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Failed {
    /// The name of the check that failed.
    pub check: String,
    /// The violation that it found.
    pub violation: Violation,
    /// The plan.
    pub plan: Plan,
    /// The lines of the code under test that it is about, in words, as far as they are known: the calls behind the events that
    /// prove it, or the last calls of two runs that differ.
    pub places: Vec<String>,
    /// The failure as [`Exploration::assert`](super::Exploration::assert) prints it, but for 80 columns and never coloured: the
    /// part of the timeline that shows it, then a box of at most 14 lines, then the command that makes it again.
    pub text: String,
    /// Which run of its part found it, from 1. Runs that shrank an earlier failure are not counted.
    pub found_by_run: u64,
    /// True if none of the plan's [simplifications](Plan::simplifications) fails the same way. It is false if 10,000 runs
    /// (fewer where each is long) did not suffice to find that out, which the message says, or if the code or the check is
    /// not deterministic.
    pub is_smallest: bool,
    pub(super) message: Message,
    pub(super) finding: Finding,
    /// All that the run of the plan violates.
    causes: Vec<Cause>,
}

/// The test that a failure belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Test<'a> {
    pub(super) exploration: &'a Arc<str>,
    pub(super) rerun: &'a Rerun,
    pub(super) extent: Extent,
}

impl Failed {
    /// A failure of a run with this trace.
    pub(super) fn new(test: Test<'_>, trace: &Trace, plan: Plan, finding: Finding, found_by_run: u64) -> Failed {
        let plan = plan.with_exploration(test.exploration.clone());
        let message = Message::new(&finding.check, &finding.violation, &plan, trace, test.extent);
        let message =
            message.places(&finding.places).logs(&finding.logs).command(test.rerun.command(&plan), test.rerun.hint());
        Failed {
            check: finding.check.clone(),
            violation: finding.violation.clone(),
            places: finding.places.clone(),
            plan,
            text: message.text(Terminal::PLAIN, None),
            found_by_run,
            is_smallest: finding.repeats,
            message,
            causes: vec![finding.cause.clone()],
            finding,
        }
    }

    /// The same failure, of a run that violates all of these.
    pub(super) fn found_with(self, causes: Vec<Cause>) -> Failed {
        Failed { causes, ..self }
    }

    /// Says whether the run of its plan fails in that way, too.
    pub(super) fn shows(&self, other: &Failed) -> bool {
        self.plan.exploration == other.plan.exploration && self.causes.contains(&other.finding.cause)
    }

    /// Gives the trace of the run that fails by its plan, for a [`Timeline`](crate::report::Timeline) or for
    /// [`TraceEvents`](crate::report::TraceEvents).
    pub fn trace(&self) -> &Trace {
        self.message.trace()
    }

    /// Says whether its plan is worth keeping: it shows the failure again, and is not the run without faults, which is made
    /// anyway.
    pub(super) fn can_be_kept(&self) -> bool {
        let is_reference = self.plan.is_empty() && self.plan.seed == 0 && self.plan.order == Order::Fifo;
        self.finding.repeats && !is_reference
    }

    /// The same failure, for a plan that was still shrinking after so many runs.
    pub(super) fn not_smallest(mut self, runs: u64) -> Failed {
        self.is_smallest = false;
        self.noted(format!("the plan may not be the smallest: shrinking it ended after {}", Counted(runs, "run")))
    }

    /// The same failure, of a plan that was asked for, where this smaller one fails in the same way.
    pub(super) fn with_smaller(mut self, smaller: &Plan) -> Failed {
        self.is_smallest = false;
        self.noted(format!("a smaller plan fails the same way: {smaller}"))
    }

    /// The same failure, with something that whoever reads it has to know.
    pub(super) fn noted(mut self, note: String) -> Failed {
        self.message.note(note);
        self.text = self.message.text(Terminal::PLAIN, None);
        self
    }
}
