//! The checks that belong to the tour alone.

use std::time::Duration;

use durasim::check::{self, Check, Memory, Reference, SameResult, Violation};
use durasim::trace::attempts::ActivityEnd;
use durasim::{AttemptEnd, Run};

use crate::activities::deadline_aware::ItemsResult;
use crate::fakes::item_queue::ItemQueue;

/// Makes a check that judges as `check` does, but allows an unusual end where faults are the reason. They may have left
/// an attempt so little time that it stopped of its own accord. They may also have lost every message that would have
/// told an activity that its workflow does not want it any more. `budget` is the schedule-to-close timeout, `margin`
/// the most of it that is then left.
pub fn if_there_is_time<C: Check>(check: C, budget: Duration, margin: Duration) -> IfThereIsTime<C> {
    IfThereIsTime { check, budget, margin }
}

/// The check that [`if_there_is_time`] makes.
#[derive(Debug)]
pub struct IfThereIsTime<C> {
    check: C,
    budget: Duration,
    margin: Duration,
}

impl<C: Check> Check for IfThereIsTime<C> {
    fn name(&self) -> &str {
        self.check.name()
    }

    fn replaces(&self) -> Option<&str> {
        self.check.replaces()
    }

    fn learn(&self, reference: &Run) -> Option<Memory> {
        self.check.learn(reference)
    }

    fn shows_nothing(&self, reference: &Run) -> Option<String> {
        self.check.shows_nothing(reference)
    }

    fn has_something(&self, run: &Run, reference: &Reference) -> bool {
        self.check.has_something(run, reference)
    }

    fn check(&self, run: &Run, reference: &Reference) -> Result<(), Violation> {
        self.check.check(run, reference).or_else(|violation| {
            let of_its_end = matches!(&*violation.kind, "different result" | "lost");
            if of_its_end && (self.had_too_little_time(run) || was_never_told(run)) { Ok(()) } else { Err(violation) }
        })
    }
}

impl<C> IfThereIsTime<C> {
    /// Says whether an attempt failed with no more than the margin left.
    fn had_too_little_time(&self, run: &Run) -> bool {
        run.activities().iter().any(|activity| {
            let late = activity.scheduled_at + self.budget.saturating_sub(self.margin);
            let failed = activity.attempts.iter().filter(|attempt| attempt.end == AttemptEnd::Failed);
            failed.filter_map(|attempt| attempt.ended_at).any(|ended| ended > late)
        })
    }
}

/// Says whether an activity completed that its workflow had asked to cancel, since faults kept its attempt from hearing of it.
fn was_never_told(run: &Run) -> bool {
    let executions = run.executions();
    executions.activities().values().any(|activity| {
        let completed = matches!(activity.closed, Some((_, ActivityEnd::Completed(_))));
        let mut attempts = activity.attempts.iter().map(|attempt| &executions.attempts()[*attempt]);
        completed
            && activity.cancel_requested.is_some()
            && attempts.any(|attempt| attempt.cancelled.is_none() && !attempt.faults.is_empty())
    })
}

/// Makes a check as [`check::same_result`] does. But a result of fewer items is as good, if its total is that of these.
pub fn total_is_right() -> SameResult {
    check::same_result().normalize(|result: &mut ItemsResult| {
        if result.is_right() {
            *result = ItemsResult { items_done: 0, items: result.items, total: 0, stopped_before_deadline: false };
        }
    })
}

/// Makes a check that the items that the result says are done were done.
pub fn items_are_done() -> impl Check {
    check::named("items_are_done", |run: &Run| {
        let Ok(ItemsResult { items_done, .. }) = run.result() else { return Ok(()) };
        let queue = run.state::<ItemQueue>();
        match (0..items_done).find(|item| queue.processed.count(item) == 0) {
            Some(item) => Err(format!("the result says that {items_done} items are done, and item {item} never was")),
            None => Ok(()),
        }
    })
    .all_runs()
}
