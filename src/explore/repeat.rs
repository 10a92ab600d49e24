//! [`Once`]: a run that is made again, to see whether it goes the same way.
//!
//! Made again *at once*, on the same thread if that keeps nothing of the first run, a run shows code that depends on
//! something that is not simulated. Made again *on another thread*, after a run without faults, it also shows code that
//! depends on what an earlier run has left in a global or a thread-local.

use super::finding::Finding;
use super::thread::{on_another, on_fresh};
use crate::check::Violation;
use crate::fault::Plan;
use crate::report::Timeline;
use crate::trace::Trace;
use crate::world::start::Start;
use crate::world::{Outcome, Run};

/// Passing runs of each part that are made again. Failing ones all are, and once more on another thread before they are
/// explained.
pub(super) const REPEATED: usize = 16;

/// It begins the place of the run that was made again.
const AGAIN: &str = "when it ran again, ";

/// So many runs are made to find the place of the first one, which had not kept it.
const TRIED: usize = 3;

/// A run as it went, with the plan that makes it again.
#[derive(Clone, Debug)]
pub(super) struct Once {
    pub(super) plan: Plan,
    pub(super) trace: Trace,
    outcome: Outcome,
}

impl Once {
    pub(super) fn new(run: &Run, plan: Plan) -> Once {
        Once { plan, trace: run.trace().clone(), outcome: run.outcome() }
    }

    /// Makes the run again on another thread. Finds whether it goes another way there.
    pub(super) fn differs_on_another_thread(&self, start: &Start) -> Option<Finding> {
        // Without a thread there is nothing to compare.
        on_another(|| {
            if self.plan != Plan::none() {
                drop(start.run(&Plan::none()));
            }
            on_fresh(|| difference(&self.trace, &self.outcome, &start.with_places().run(&self.plan).run))
        })?
    }
}

impl Once {
    /// Makes the run without faults again, after runs with faults. Finds whether it goes another way now, and the same way
    /// each time: what differs each time is no state.
    pub(super) fn differs_after_faults(&self, start: &Start) -> Option<Finding> {
        let mut finding = on_fresh(|| {
            let again = start.with_places().run(&self.plan).run;
            let finding = difference(&self.trace, &self.outcome, &again)?;
            differs_at_once(&again, &self.plan, start).is_none().then_some(finding)
        })?;
        finding.violation.message =
            "the run without faults goes another way after runs with faults than before them. There is state \
                             outside the run: a static, a thread-local or a captured value survived a crash"
                .to_owned();
        Some(finding)
    }
}

impl Once {
    /// Adds to the finding that this run went another way: how far its code had come there, if it goes that way once more.
    pub(super) fn add_place(&self, finding: &mut Finding, start: &Start) {
        let Some(&event) = finding.violation.events.first() else { return };
        let start = start.with_places();
        let found = (0..TRIED).find_map(|_| {
            on_fresh(|| {
                let run = start.run(&self.plan).run;
                let is_the_same = run.trace().events().get(..=event) == self.trace.events().get(..=event);
                if is_the_same { come_so_far(&run, event) } else { None }
            })
        });
        let Some(words) = found else { return };
        let places = &mut finding.places;
        match places.first() {
            Some(again) if *again == format!("{AGAIN}{words}") => *places = vec![format!("in both runs {words}")],
            _ => places.insert(0, format!("in the first run {words}")),
        }
    }
}

/// Makes runs again on another thread, the last first, after a run without faults. Finds for each whether it goes another way
/// there.
pub(super) fn differ_in_another_order<'a>(
    runs: impl DoubleEndedIterator<Item = &'a Once> + ExactSizeIterator + Send,
    start: &Start,
) -> Vec<Option<Finding>> {
    if runs.len() == 0 {
        return Vec::new();
    }
    let again = on_another(|| {
        drop(start.run(&Plan::none()));
        let differs =
            |once: &Once| on_fresh(|| difference(&once.trace, &once.outcome, &start.with_places().run(&once.plan).run));
        runs.rev().map(differs).collect::<Vec<_>>()
    });
    // Without a thread there is nothing to compare.
    again
        .map(|mut found| {
            found.reverse();
            found
        })
        .unwrap_or_default()
}

/// Makes a run again at once. Finds whether it goes another way then.
pub(super) fn differs_at_once(run: &Run, plan: &Plan, start: &Start) -> Option<Finding> {
    let (trace, outcome) = (run.trace(), run.outcome());
    on_fresh(|| difference(trace, &outcome, &start.with_places().run(plan).run))
}

/// Finds the first event of two runs that differs, or that only one of them has.
fn difference_at(once: &Trace, again: &Trace) -> Option<usize> {
    let (first, second) = (once.events(), again.events());
    let index = first.iter().zip(second).position(|(one, other)| one != other);
    index.or_else(|| (first.len() != second.len()).then(|| first.len().min(second.len())))
}

/// Says how far the code had come that made the event.
fn come_so_far(run: &Run, event: usize) -> Option<String> {
    run.places_of(event)?.both_words()
}

/// The first difference between a run and its repeat, which has kept places: in all events, the bytes that they refer to, and
/// what came out. Names the `select!` that may have made it.
fn difference(once: &Trace, outcome: &Outcome, repeat: &Run) -> Option<Finding> {
    let mut finding = first_difference(once, outcome, repeat)?;
    if repeat.has_raced() {
        // The code went on there.
        let ended = difference_at(once, repeat.trace()).and_then(|event| repeat.places_of(event)?.ended_words());
        let place =
            ended.map(|place| format!(", and its last await that finished stands at {place}")).unwrap_or_default();
        finding.violation.message += &format!(
            ". In this run two things woke the same code at one moment{place}: if it waits for them in a `select!`, that draws which \
             branch goes first, so say `biased;`, or use `select_biased!`"
        );
    }
    Some(finding)
}

fn first_difference(once: &Trace, outcome: &Outcome, repeat: &Run) -> Option<Finding> {
    let (again, outcome_again) = (repeat.trace(), &repeat.outcome());
    let violation = || {
        let message = "the same run went another way when it ran again: the code depends on something that is not \
                       simulated, such as the order of a `HashMap`, the real clock, a global or an unbiased `select!`";
        Violation::new("not deterministic", message)
    };
    if let Some(index) = difference_at(once, again) {
        let proof: Vec<usize> = (index < once.events().len()).then_some(index).into_iter().collect();
        let violation = violation().expected(event_text(once, index), event_text(again, index)).proved_by(proof);
        let place = come_so_far(repeat, index).map(|words| format!("{AGAIN}{words}"));
        return Some(Finding::not_deterministic(violation, place));
    }
    if once != again {
        let (expected, found) = differing_lines(once, again);
        return Some(Finding::not_deterministic(violation().expected(expected, found), None));
    }
    let text = |outcome: &Outcome| match outcome {
        Outcome::Script(result) => format!("the script returned {result}"),
        other => format!("{other:?}"),
    };
    let differs = outcome != outcome_again;
    let violation = || violation().expected(text(outcome), text(outcome_again));
    differs.then(|| Finding::not_deterministic(violation(), None))
}

/// The first lines of the timelines that differ, for traces whose events refer to other bytes, names or failures.
fn differing_lines(once: &Trace, again: &Trace) -> (String, String) {
    let text = |trace| Timeline::new(trace).every_event().details_width(usize::MAX).to_string();
    let (first, second) = (text(once), text(again));
    let differing = first.lines().zip(second.lines()).find(|(one, other)| one != other);
    let (one, other) = differing.unwrap_or(("the same bytes, names and failures in the trace", "others"));
    (one.trim().to_owned(), other.trim().to_owned())
}

/// An event as the timeline shows it.
fn event_text(trace: &Trace, index: usize) -> String {
    let Some(event) = trace.events().get(index) else { return "the end of the run".to_owned() };
    let line = Timeline::new(trace).every_event().between(event.at, event.at).to_string();
    let before = trace.events()[..index].iter().filter(|other| other.at == event.at).count();
    line.lines().filter(|line| !line.trim_start().starts_with("...")).nth(before).unwrap_or("nothing").trim().to_owned()
}
