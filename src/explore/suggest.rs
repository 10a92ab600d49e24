//! The checks that the run without faults suggests, each a line of the report.

use std::sync::Arc;
use std::time::Duration;

use super::checks::Checks;
use crate::check::checkpoint;
use crate::program::Span;
use crate::service::ActivityKey;
use crate::trace::attempts::{AttemptExecution, HeartbeatExecution};
use crate::world::Run;

/// The time after which it is late to notice that a worker is dead.
const LATE: Duration = Duration::from_secs(600);

/// The length from which on an attempt should hear of a cancel.
const LONG: Duration = Duration::from_secs(30);

/// One line for each check that says more of this code and is not asked for.
pub(super) fn suggestions(run: &Run, checks: &Checks) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, activities) in types(run) {
        let attempts = || of_type(run, &name);
        let is_asked = |check: &str| checks.judge(check, &name);
        let noticed = activities.into_iter().filter_map(|activity| noticed_after(run, activity)).max();
        if let Some(notice) = noticed.filter(|notice| *notice >= LATE)
            && !is_asked("recovers_within")
        {
            lines.push(format!(
                "{name}: a dead worker is noticed after {notice:?}; `check::recovers_within(..)` judges that"
            ));
        }
        let is_long = attempts().filter_map(AttemptExecution::length).any(|length| length >= LONG);
        if is_long && attempts().all(|attempt| attempt.heartbeats.is_empty()) && !is_asked("hears_cancel") {
            lines.push(format!(
                "{name}: it records no heartbeat, so it never hears of a cancel; `check::hears_cancel(..)` judges that"
            ));
        }
        let records = |heartbeat: &HeartbeatExecution| checkpoint(run.trace(), heartbeat.details).is_some();
        let has_details = attempts().any(|attempt| attempt.heartbeats.iter().any(records));
        if has_details && !is_asked("progress") {
            lines.push(format!(
                "{name}: it records checkpoints; `check::progress({name:?}, ..)` judges that none is behind the one before"
            ));
        }
    }
    if checks.asked().all(|asked| asked != "kept_or_undone") {
        let known = run.ledgers();
        let is_empty = |index: usize| known[index].ledger.entries().is_empty();
        let same_state = |one: usize, other: usize| known[one].state == known[other].state;
        let undoing = (0..known.len()).find(|undoing| {
            is_empty(*undoing) && (0..known.len()).any(|done| same_state(done, *undoing) && !is_empty(done))
        });
        if let Some(undoing) = undoing {
            let state =
                known[undoing].state.split('<').next().and_then(|path| path.rsplit("::").next()).unwrap_or_default();
            let ledger = match known[undoing].ledger.name() {
                Some(name) => format!("its ledger `{name}`"),
                None => "one of its ledgers".to_owned(),
            };
            lines.push(format!(
                "{state}: {ledger} stays empty without faults; if it undoes what another does, \
                 `check::kept_or_undone(..)` judges that"
            ));
        }
    }
    lines
}

/// The activity types of a run in the order in which they are first scheduled, each with all activities of it: their options
/// may differ.
fn types(run: &Run) -> Vec<(Arc<str>, Vec<ActivityKey>)> {
    let mut types: Vec<(Arc<str>, Vec<ActivityKey>)> = Vec::new();
    for activity in run.executions().activities().values() {
        let name = &run.trace().activities()[activity.key].activity_type;
        match types.iter_mut().find(|(known, _)| known == name) {
            Some((_, activities)) => activities.push(activity.key),
            None => types.push((name.clone(), vec![activity.key])),
        }
    }
    types
}

fn of_type<'a>(run: &'a Run, name: &'a str) -> impl Iterator<Item = &'a AttemptExecution> {
    let attempts = run.executions().attempts().values();
    attempts.filter(move |attempt| run.trace().activity_type(attempt.activity) == name)
}

/// The time after which the service gives up an attempt of which it hears nothing.
fn noticed_after(run: &Run, activity: ActivityKey) -> Option<Duration> {
    let (timeouts, _) = run.limits(activity);
    let set = |span: Span| (!span.is_zero()).then(|| span.to_duration());
    let attempts_own = set(timeouts.heartbeat).into_iter().chain(set(timeouts.start_to_close)).min();
    attempts_own.or(set(timeouts.schedule_to_close))
}
