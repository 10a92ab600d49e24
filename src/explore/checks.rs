//! [`Checks`]: the checks that judge an exploration: those that it was given, and the standard ones.

use std::sync::Arc;

use crate::check::{
    Check, checkpoints, ledgers, replays, reported, standard_completes, standard_no_leftovers, standard_same_result,
    standard_updates,
};
use crate::program::panics;
use crate::world::{Run, RunError};

/// The checks of an exploration.
#[derive(Clone, Default)]
pub(super) struct Checks {
    asked: Vec<Arc<dyn Check>>,
    /// The names of standard checks that are taken away.
    without: Vec<String>,
    without_standard: bool,
}

/// The standard checks that look at finished runs. `finishes` and `deterministic` are no objects.
const NAMES: [&str; 8] =
    ["progress", "ledgers", "reported", "no_leftovers", "updates", "completes", "replays", "same_result"];

impl Checks {
    pub(super) fn ask(&mut self, check: Arc<dyn Check>) {
        self.asked.push(check);
    }

    #[cfg(feature = "internals")]
    pub(super) fn forget_asked(&mut self) {
        self.asked.clear();
    }

    pub(super) fn leave_away(&mut self, name: String) {
        self.without.push(name);
    }

    pub(super) fn leave_away_all(&mut self) {
        self.without_standard = true;
    }

    /// The names of those that have to have something to judge in some run.
    pub(super) fn sometimes(&self) -> Vec<String> {
        let checks = self.asked.iter().filter(|check| check.is_sometimes());
        checks.map(|check| check.name().to_owned()).collect()
    }

    /// Says whether a check of this name was asked for that judges the activity.
    pub(super) fn judge(&self, name: &str, activity: &str) -> bool {
        self.asked.iter().any(|check| check.name() == name && check.activity().is_none_or(|of| of == activity))
    }

    /// The names of those that were asked for.
    pub(super) fn asked(&self) -> impl Iterator<Item = &str> {
        self.asked.iter().map(|check| check.name())
    }

    /// All of them: those that were asked for, then the standard ones that are neither asked for nor taken away.
    pub(super) fn all(&self) -> Vec<Arc<dyn Check>> {
        self.asked.iter().cloned().chain(NAMES.iter().filter_map(|name| self.standard(name))).collect()
    }

    /// Says whether the standard check of this name is taken away.
    fn is_away(&self, name: &str) -> bool {
        self.without_standard || self.without.iter().any(|away| away == name)
    }

    /// The standard check of this name, unless one is asked for that replaces it, or it is taken away.
    fn standard(&self, name: &str) -> Option<Arc<dyn Check>> {
        if self.is_away(name) {
            return None;
        }
        let mut same = self.asked.iter().filter(|check| check.replaces() == Some(name));
        match name {
            // One that was asked for may be about a single activity.
            "progress" | "completes" => {
                let judged: Option<Vec<String>> = same.map(|check| check.activity().map(str::to_owned)).collect();
                Some(match name {
                    "progress" => Arc::new(checkpoints().except(judged?)),
                    _ => Arc::new(standard_completes(judged?)),
                })
            }
            _ if same.next().is_some() => None,
            "ledgers" => Some(Arc::new(ledgers().except(self.asked.clone()))),
            "reported" => Some(Arc::new(reported())),
            "no_leftovers" => Some(Arc::new(standard_no_leftovers())),
            "updates" => Some(Arc::new(standard_updates())),
            "replays" => Some(Arc::new(replays())),
            "same_result" => Some(Arc::new(standard_same_result())),
            _ => None,
        }
    }

    /// Refuses names of checks that are not standard.
    pub(super) fn validate(&self) -> Result<(), RunError> {
        for name in &self.without {
            let why = match name.as_str() {
                "deterministic" => "say `.without_repeats()`, which makes every run once".to_owned(),
                "finishes" => {
                    "a run that does not end has nothing to judge: give it a longer `.horizon(..)`".to_owned()
                }
                name if NAMES.contains(&name) => continue,
                _ => format!("the standard checks are {}", NAMES.map(|name| format!("`{name}`")).join(", ")),
            };
            return Err(RunError::Setup(format!("`.without({name:?})` cannot be done: {why}")));
        }
        self.names_are_free()?;
        let sometimes = self.sometimes();
        if let Some(twice) = sometimes.iter().find(|name| sometimes.iter().filter(|other| other == name).count() > 1) {
            return Err(RunError::Setup(format!(
                "two checks are called `{twice}`, so that one run would do for both: give each a name of its own"
            )));
        }
        if self.all().is_empty() {
            return Err(RunError::Setup(
                "the exploration has no check, so nothing could fail: leave `.without_standard_checks()` away, or add \
                 `.check(..)`"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    /// Refuses a check that bears the name of a standard one and is another: a report could not tell them apart.
    fn names_are_free(&self) -> Result<(), RunError> {
        for check in &self.asked {
            let name = check.name();
            let why = match name {
                "deterministic" | "finishes" => String::new(),
                _ if check.replaces() == Some(name) || self.is_away(name) || !NAMES.contains(&name) => continue,
                _ => format!("; `.without({name:?})` takes the standard one away"),
            };
            return Err(RunError::Setup(format!(
                "`.check(..)` adds a check that is called `{name}` and is not the standard check of this name: give it another \
                 name{why}"
            )));
        }
        Ok(())
    }

    /// Refuses a check that was asked for and would hold whatever the code does. A standard one is silent then, and the
    /// parts of the report say in how many runs it had something to judge.
    pub(super) fn look_at_something(&self, run: &Run) -> Result<(), RunError> {
        for check in &self.asked {
            if let Some(why) = shows_nothing(&**check, run) {
                return Err(RunError::Setup(format!(
                    "the check `{}` can show nothing in this exploration: {why}",
                    check.name()
                )));
            }
        }
        Ok(())
    }
}

/// Says why a check would hold whatever the code does, as the run without faults shows.
pub(super) fn shows_nothing(check: &dyn Check, run: &Run) -> Option<String> {
    let trace = run.trace();
    let never_runs =
        |activity: &&str| !trace.attempts().values().any(|attempt| trace.activity_type(attempt.activity) == *activity);
    if let Some(activity) = check.activity().filter(never_runs) {
        return Some(format!(
            "without faults, no attempt of its activity `{activity}` runs. Give an input that leads there, or leave the \
                 check away"
        ));
    }
    // One that panics is told of where it judges.
    panics::catch(|| check.shows_nothing(run)).ok().flatten()
}
