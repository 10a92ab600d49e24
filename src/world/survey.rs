//! [`survey`]: reads from a finished run where faults could have struck.

use std::sync::Arc;

use super::faults::may_end;
use crate::fault::asked::Asked;
use crate::fault::survey::Survey;
use crate::program::RetrySpec;
use crate::service::ActivityKey;
use crate::trace::attempts::{AttemptExecution, Executions, Moment};
use crate::trace::{Trace, sites};

/// The survey of this run, if no faults were in it. `retry` is the policy in force for an activity, and
/// `asked` are the faults that the user asks for.
pub(super) fn survey(
    trace: &Trace,
    executions: &Executions,
    retry: impl Fn(ActivityKey) -> Arc<RetrySpec>,
    asked: Asked,
) -> Survey {
    let mut survey = Survey::new(asked);
    let ends = |attempt: &AttemptExecution, over_budget| {
        // A local activity is run again in any case.
        trace.activities()[attempt.activity].is_local || may_end(&retry(attempt.activity), attempt.number, over_budget)
    };
    let attempts = || executions.attempts().values();
    let [bound, bound_over_budget] =
        [false, true].map(|over_budget| Spans::of(attempts().filter(|attempt| !ends(attempt, over_budget))));
    for attempt in attempts() {
        let [within, over] = [false, true].map(|over_budget| ends(attempt, over_budget));
        survey.add_attempt(&trace.activities()[attempt.activity].activity_type, attempt.length(), within);
        for (site, moment) in sites::of_attempt(attempt) {
            survey.add_site(site, within && !bound.have(moment), over && !bound_over_budget.have(moment));
        }
    }
    for workflow in executions.workflows().values() {
        for (site, moment) in sites::of_workflow(workflow).into_iter().flatten() {
            survey.add_site(site, !bound.have(moment), !bound_over_budget.have(moment));
        }
    }
    survey
}

/// The spans of a run in which one of some attempts runs: from one event to before another, in order and apart.
struct Spans(Vec<(usize, usize)>);

impl Spans {
    fn of<'a>(attempts: impl Iterator<Item = &'a AttemptExecution>) -> Spans {
        let end = |attempt: &AttemptExecution| attempt.ended.map_or(usize::MAX, |ended| ended.event);
        let mut each: Vec<(usize, usize)> = attempts.map(|attempt| (attempt.started.event, end(attempt))).collect();
        each.sort_unstable();
        let mut spans: Vec<(usize, usize)> = Vec::new();
        for (start, end) in each {
            match spans.last_mut() {
                Some((_, last)) if start <= *last => *last = end.max(*last),
                _ => spans.push((start, end)),
            }
        }
        Spans(spans)
    }

    fn have(&self, moment: Moment) -> bool {
        let begun = self.0.partition_point(|(start, _)| *start <= moment.event);
        self.0[..begun].last().is_some_and(|(_, end)| moment.event < *end)
    }
}
