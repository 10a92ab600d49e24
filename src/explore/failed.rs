//! [`Failed`]: a failure of an exploration, with the smallest plan that shows it.

use std::fmt;
use std::sync::Arc;

use super::finding::Finding;
use super::ink::Ink;
use super::message::{self, Extent};
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
    /// The whole message, as [`Exploration::assert`](super::Exploration::assert) panics with, but never coloured.
    pub text: String,
    /// Which run of its part found it, from 1. Runs that shrank an earlier failure are not counted.
    pub found_by_run: u64,
    /// True if none of the plan's [simplifications](Plan::simplifications) fails the same way. It is false if 10,000 runs (fewer
    /// where each is long) did not suffice to find that out, which the message says, or if the code or the check is not
    /// deterministic.
    pub is_smallest: bool,
    /// The message for the terminal, if what `assert` panics with goes to one.
    coloured: Option<String>,
    pub(super) finding: Finding,
    story: Story,
}

/// The trace of a run that fails, which is too long for a text of the failure.
#[derive(Clone)]
struct Story(Arc<Trace>);

impl fmt::Debug for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} events", self.0.events().len())
    }
}

impl Failed {
    /// A failure of an exploration of this name, with so much of the timeline.
    pub(super) fn new(
        exploration: &Arc<str>,
        extent: Extent,
        trace: &Trace,
        plan: Plan,
        finding: Finding,
        found_by_run: u64,
    ) -> Failed {
        let plan = plan.with_exploration(exploration.clone());
        let text = |ink| message::text(exploration, &finding, &plan, trace, extent, ink);
        let coloured = match Ink::of_stderr() {
            Ink::Coloured => Some(text(Ink::Coloured)),
            Ink::Plain => None,
        };
        let text = text(Ink::Plain);
        Failed {
            check: finding.check.clone(),
            violation: finding.violation.clone(),
            places: finding.places.clone(),
            plan,
            text,
            found_by_run,
            is_smallest: finding.repeats,
            coloured,
            finding,
            story: Story(Arc::new(trace.clone())),
        }
    }

    /// Gives the trace of the run that fails by its plan, for a [`Timeline`](crate::report::Timeline) or for
    /// [`TraceEvents`](crate::report::TraceEvents).
    pub fn trace(&self) -> &Trace {
        &self.story.0
    }

    /// The message, coloured if the terminal shows that.
    pub(super) fn terminal_text(&self) -> &str {
        self.coloured.as_ref().unwrap_or(&self.text)
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
        let note = format!("\nthe plan may not be the smallest: shrinking it ended after {}\n", Counted(runs, "run"));
        self.text.push_str(&note);
        self.coloured.iter_mut().for_each(|text| text.push_str(&note));
        self
    }
}
