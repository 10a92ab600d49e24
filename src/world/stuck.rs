//! The words for a run that cannot go on, or goes on for too long.

use super::background::Background;
use super::core::{Core, Script};
use super::error::RunError;
use crate::program::places::Places;
use crate::program::{Time, Timeouts};
use crate::service::ActivityKey;
use crate::trace::{AttemptKey, Trace, Who};
use crate::worker::attempt::Attempt;

/// It names things that code may wait for which nothing in the simulation wakes it from.
const SUCH_AS: &str = "(a lock, a channel, another runtime's timer)";

/// It asks what a workflow waits for, where it has nothing that its service knows of.
const AWAITS_WHAT: &str = ": does it await a future that has ended already, or that is not its context's?";

/// It asks for one of them, which nobody can see from here.
pub(crate) const MAYBE_OUTSIDE: &str = "does it wait for a timer, a socket or a task of a tokio runtime around the test \
     (`#[tokio::test]`)? That does not follow virtual time: use `durasim::time`, `durasim::task::spawn` and fakes";

/// Says whether the queue of a run has more to come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum More {
    /// It has: the run ends for another reason.
    Comes,
    /// Nothing will ever happen again.
    Never,
}

/// Adds what code may wait for that nothing in the simulation wakes it from.
fn maybe_outside(waiting: String) -> String {
    let separator = if waiting.is_empty() { "" } else { "; " };
    format!("{waiting}{separator}{MAYBE_OUTSIDE}")
}

/// Adds how far the code has come.
fn with_places(words: String, places: &Places) -> String {
    match places.words() {
        Some(places) => format!("{words}; {places}"),
        None => words,
    }
}

impl Core {
    pub(super) fn stuck(&mut self) {
        if self.script == Script::Running {
            let others = self.waiting_words(More::Never);
            let own = self.script_places.words();
            let words: Vec<String> = own.into_iter().chain(Some(others).filter(|words| !words.is_empty())).collect();
            let waiting = maybe_outside(words.join("; "));
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
        let words = self.waiting_words(More::Never);
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
        if let Some(error) = self.stuck_on_some_task() {
            return self.fail(error);
        }
        let horizon = self.settings.horizon;
        let waiting = self.waiting_words(More::Comes);
        self.fail(RunError::Horizon { horizon, waiting });
    }

    /// The code that is still going on, for an error: a few activities that are open, attempts that nobody waits for, and
    /// workflows that wait for something else.
    pub(super) fn waiting_words(&self, more: More) -> String {
        const SHOWN: usize = 3;
        let mut words: Vec<String> = Vec::new();
        let mut idle = Idle { trace: &self.trace, more, told: None };
        for (key, activity) in self.service.activities() {
            if activity.outcome().is_some() || !self.service.workflow(activity.workflow()).is_open() {
                continue;
            }
            let latest = self.activities[key].latest_attempt();
            let running = latest.filter(|attempt| self.attempts[*attempt].is_running());
            let name = self.trace.activity_words(key);
            let failure = activity.last_failure().map(|failure| format!(", after `{failure}`")).unwrap_or_default();
            words.push(match running {
                Some(attempt) if self.is_woken_by_nothing(attempt) => idle.words(self, attempt) + &failure,
                Some(attempt) => {
                    let words = format!("activity {name} is running at attempt {}{failure}", activity.attempt());
                    with_places(words, &self.places_of_attempt(attempt))
                }
                None => format!("activity {name} is waiting at attempt {}{failure}", activity.attempt()),
            });
        }
        for (key, attempt) in self.attempts.running() {
            let activity = self.service.activity(attempt.token().activity);
            let current = activity.outcome().is_none() && activity.attempt() == attempt.token().attempt;
            if !current || !self.service.workflow(activity.workflow()).is_open() {
                let name = self.trace.attempt_words(key);
                words.push(if self.is_woken_by_nothing(key) {
                    idle.words(self, key)
                } else {
                    let words = format!("attempt {name}, which the service has given up, still runs");
                    with_places(words, &self.places_of_attempt(key))
                });
            }
        }
        for (key, name) in self.trace.workflows() {
            let workflow = self.service.workflow(key);
            let is_open = |key: ActivityKey| self.service.activity(key).outcome().is_none();
            if !workflow.is_open() || workflow.activities().iter().any(|(_, activity)| is_open(*activity)) {
                continue;
            }
            let run = if name.run > 1 { format!(" (run {})", name.run) } else { String::new() };
            let (what, question) = if workflow.waits_for_first_task() {
                ("waits for the time of its first task", "")
            } else if workflow.has_timer() {
                ("waits for a timer", "")
            } else {
                ("has no open activity and no timer", AWAITS_WHAT)
            };
            let words_of_it = format!("workflow `{}`{run} {what}", name.workflow_type);
            words.push(with_places(words_of_it, self.workflows[key].places()) + question);
        }
        let more = words.len().saturating_sub(SHOWN);
        words.truncate(SHOWN);
        let rest = if more > 0 { format!(", and {more} more") } else { String::new() };
        words.join("; ") + &rest
    }

    /// Says whether nothing in the simulation is to wake the code of an attempt that runs, as far as that can be seen: neither
    /// it nor a task of its own runs now, sleeps, or is held by a fault. It may still wait for other code that does.
    fn is_woken_by_nothing(&self, key: AttemptKey) -> bool {
        let attempt = &self.attempts[key];
        let tasks = self.spawned_by(key).filter_map(Background::task).chain(attempt.task());
        let is_idle = attempt.is_running() && !self.is_held(attempt) && self.running_attempt() != Some(key);
        is_idle && tasks.into_iter().all(|task| !self.sleepers.are_of(task))
    }

    /// Gives the tasks of an attempt that go on.
    fn spawned_by(&self, key: AttemptKey) -> impl Iterator<Item = &Background> {
        self.background.values().filter(move |task| task.attempt() == key && task.task().is_some())
    }

    /// Names an attempt of this activity, or of this workflow, that nothing has woken until the run was over. It is to be asked
    /// of a run that has ended by itself.
    pub(super) fn waits_for_nothing(&self, trace: &Trace, whose: Who) -> Option<String> {
        let is_its = |attempt: &Attempt| {
            let activity = attempt.token().activity;
            whose == Who::Activity(activity) || whose == Who::Workflow(self.service.activity(activity).workflow())
        };
        let (key, _) = self.attempts.running().find(|(_, attempt)| is_its(attempt))?;
        let mut idle = Idle { trace, more: More::Never, told: None };
        self.is_woken_by_nothing(key).then(|| idle.words(self, key))
    }
}

/// Finds words for attempts that nothing wakes: the first is told in full.
struct Idle<'a> {
    trace: &'a Trace,
    more: More,
    /// It says how far the code of the first one has come.
    told: Option<Places>,
}

impl Idle<'_> {
    fn words(&mut self, core: &Core, key: AttemptKey) -> String {
        let attempt = &core.attempts[key];
        let who = self.trace.attempt_in_a_sentence(key);
        let places = *attempt.places();
        if let Some(told) = self.told {
            let words = format!("{who} waits for such a thing, too");
            return if told == places { words } else { with_places(words, &places) };
        }
        self.told = Some(places);
        let wakes = match self.more {
            More::Never => "will wake".to_owned(),
            More::Comes => format!("has woken since {}", attempt.last_polled()),
        };
        let words = format!("{who} waits for something that nothing in the simulation {wakes} {SUCH_AS}");
        let mut words = with_places(words, &places);
        if let Some(of_task) = core.spawned_by(key).find_map(|task| task.places().words()) {
            words += &format!(", and of a task that it has spawned {of_task}");
        }
        words
    }
}
