//! [`Shown`]: what a thread shows of the run that it makes, for the [watchdog](super::watchdog) and for Ctrl-C.
//!
//! A thread that is lost in a user's loop, or blocked, cannot be asked. So whose code it runs stands in an atomic that it
//! alone writes, at each entry into user code and at each return; the names are there from the start of each workflow and
//! activity. Words are made by who looks.

use std::fmt::Write;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::ThreadId;
use std::time::Duration;

use super::settings::Settings;
use crate::fault::{Id, Name, Plan};
use crate::program::RunInfo;
use crate::service::{ActivityKey, WorkflowKey};
use crate::trace::AttemptKey;

/// Says whose code runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Doing {
    /// No user code.
    Nothing,
    /// The code of an attempt: in a poll, or what it is notified by, or its destructors.
    Attempt(AttemptKey),
    /// A background task of an attempt.
    Background(AttemptKey),
    Script,
    /// A workflow's code; which one is not always known.
    Workflow(Option<WorkflowKey>),
    /// The constructor of a state.
    State,
    /// Destructors of what a run has left.
    Left,
    /// A check, or what looks at the state for one.
    Check,
    /// A task of the host's own.
    Host,
}

impl Doing {
    /// As a number, for an atomic: the kind, and the key.
    fn packed(self) -> u64 {
        match self {
            Doing::Nothing => 0,
            Doing::Attempt(attempt) => 1 << 32 | attempt.index() as u64,
            Doing::Background(attempt) => 2 << 32 | attempt.index() as u64,
            Doing::Script => 3 << 32,
            Doing::Workflow(Some(workflow)) => 4 << 32 | workflow.index() as u64,
            Doing::Workflow(None) => 5 << 32,
            Doing::State => 6 << 32,
            Doing::Left => 7 << 32,
            Doing::Check => 8 << 32,
            Doing::Host => 9 << 32,
        }
    }

    fn unpacked(packed: u64) -> Doing {
        let key = packed as u32 as usize;
        match packed >> 32 {
            1 => Doing::Attempt(AttemptKey::at(key)),
            2 => Doing::Background(AttemptKey::at(key)),
            3 => Doing::Script,
            4 => Doing::Workflow(Some(WorkflowKey::at(key))),
            5 => Doing::Workflow(None),
            6 => Doing::State,
            7 => Doing::Left,
            8 => Doing::Check,
            9 => Doing::Host,
            _ => Doing::Nothing,
        }
    }
}

/// Where a run's faults come from.
#[derive(Clone, Debug)]
pub(crate) enum Cause {
    Plan(Plan),
    Seed(u64),
}

/// An activity, as the trace names it.
#[derive(Debug)]
pub(super) struct ShownActivity {
    pub(super) workflow: WorkflowKey,
    pub(super) activity_type: Arc<str>,
    pub(super) execution: u32,
}

/// The names of the run in progress.
#[derive(Default, Debug)]
struct Names {
    cause: Option<Cause>,
    /// After so long the watchdog tells of code that does not come back. Unknown before the first run.
    patience: Option<Duration>,
    workflows: Vec<Arc<RunInfo>>,
    activities: Vec<ShownActivity>,
    /// The activity and the number of each.
    attempts: Vec<(ActivityKey, u32)>,
}

/// The public side of a thread that makes a run.
#[derive(Debug)]
pub(crate) struct Shown {
    thread: ThreadId,
    /// The thread's name, which is the test's.
    name: String,
    /// Tells threads apart.
    number: u64,
    doing: AtomicU64,
    /// Counts the entries into user code.
    entries: AtomicU64,
    /// Runs in progress, one inside another.
    runs: AtomicU32,
    names: Mutex<Names>,
}

/// The outer run's entry, which is put back when an inner run is over.
pub(super) struct Outer {
    doing: u64,
    names: Option<Names>,
}

/// Threads that make runs, or have made some.
static THREADS: Mutex<Vec<Weak<Shown>>> = Mutex::new(Vec::new());

/// Numbers them.
static NEXT: AtomicU64 = AtomicU64::new(1);

thread_local! {
    static OF_THIS_THREAD: Arc<Shown> = Shown::register();
}

impl Shown {
    /// This thread's.
    pub(crate) fn of_this_thread() -> Arc<Shown> {
        OF_THIS_THREAD.try_with(Arc::clone).unwrap_or_else(|_| Shown::register())
    }

    fn register() -> Arc<Shown> {
        let thread = std::thread::current();
        let shown = Arc::new(Shown {
            thread: thread.id(),
            name: thread.name().unwrap_or("main").to_owned(),
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            doing: AtomicU64::default(),
            entries: AtomicU64::default(),
            runs: AtomicU32::default(),
            names: Mutex::default(),
        });
        lock(&THREADS).push(Arc::downgrade(&shown));
        shown
    }

    /// Calls `look` with each thread, and forgets those that have ended.
    pub(super) fn each(mut look: impl FnMut(&Shown)) {
        lock(&THREADS).retain(|thread| thread.upgrade().inspect(|thread| look(thread)).is_some());
    }

    /// A run begins.
    pub(super) fn begin(&self, cause: Cause, patience: Duration) -> Outer {
        let runs = self.runs.load(Ordering::Relaxed);
        let mut names = lock(&self.names);
        let outer = if runs == 0 { None } else { Some(std::mem::take(&mut *names)) };
        names.workflows.clear();
        names.activities.clear();
        names.attempts.clear();
        (names.cause, names.patience) = (Some(cause), Some(patience));
        self.runs.store(runs + 1, Ordering::Relaxed);
        Outer { doing: self.doing.load(Ordering::Relaxed), names: outer }
    }

    /// It is over.
    pub(super) fn end(&self, outer: Outer) {
        if let Some(names) = outer.names {
            *lock(&self.names) = names;
        }
        self.runs.store(self.runs.load(Ordering::Relaxed).saturating_sub(1), Ordering::Relaxed);
        self.store(outer.doing);
    }

    pub(super) fn add_workflow(&self, workflow: Arc<RunInfo>) {
        lock(&self.names).workflows.push(workflow);
    }

    pub(super) fn add_activity(&self, activity: ShownActivity) {
        lock(&self.names).activities.push(activity);
    }

    pub(super) fn add_attempt(&self, activity: ActivityKey, number: u32) {
        lock(&self.names).attempts.push((activity, number));
    }

    /// Says whose code runs from now on.
    pub(crate) fn show(&self, doing: Doing) {
        self.store(doing.packed());
    }

    /// As [`show`](Shown::show), and gives what was shown before, to be put back.
    pub(super) fn replace(&self, doing: Doing) -> Doing {
        let before = self.doing();
        self.show(doing);
        before
    }

    /// Puts back the entry that was replaced.
    pub(super) fn put_back(&self, before: Doing) {
        self.show(before);
    }

    /// Says that no user code runs from now on.
    pub(super) fn show_nothing(&self) {
        self.doing.store(0, Ordering::Relaxed);
    }

    fn store(&self, doing: u64) {
        // Nobody else writes.
        self.entries.store(self.entries.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        self.doing.store(doing, Ordering::Relaxed);
    }

    /// Runs a check's code.
    pub(crate) fn checking<R>(&self, check: impl FnOnce() -> R) -> R {
        let before = self.replace(Doing::Check);
        let result = check();
        self.put_back(before);
        result
    }

    /// A number that changes with each entry into user code. `None` while no user code runs.
    pub(super) fn entry(&self) -> Option<u64> {
        (self.doing() != Doing::Nothing).then(|| self.entries.load(Ordering::Relaxed))
    }

    pub(super) fn thread(&self) -> ThreadId {
        self.thread
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn patience(&self) -> Duration {
        lock(&self.names).patience.unwrap_or(Settings::default().patience)
    }

    /// Says whether a run goes on.
    pub(super) fn is_running(&self) -> bool {
        self.runs.load(Ordering::Relaxed) > 0 || self.doing() != Doing::Nothing
    }

    /// The thread in words: `test explore::works`.
    pub(super) fn thread_words(&self) -> String {
        if self.name == "main" { "the main thread".to_owned() } else { format!("test {}", self.name) }
    }

    /// Says whether the code is polled, or called as a part of a poll.
    pub(super) fn is_polled(&self) -> bool {
        !matches!(self.doing(), Doing::State | Doing::Left | Doing::Check)
    }

    /// Names the code that runs; a run between two pieces of code is `a run`.
    pub(super) fn doing_words(&self) -> String {
        let names = lock(&self.names);
        match self.doing() {
            Doing::Nothing => "a run".to_owned(),
            Doing::Attempt(attempt) => format!("activity {}", names.attempt(attempt)),
            Doing::Background(attempt) => format!("a background task of activity {}", names.attempt(attempt)),
            Doing::Script => "the script".to_owned(),
            Doing::Workflow(workflow) => match workflow.and_then(|workflow| names.workflows.get(workflow.index())) {
                Some(workflow) => format!("workflow `{}`", workflow.workflow_type),
                None => "a workflow".to_owned(),
            },
            Doing::State => "the constructor of a state".to_owned(),
            Doing::Left => "a destructor of what a run has left".to_owned(),
            Doing::Check => "a check".to_owned(),
            Doing::Host => "a task that an activity has spawned".to_owned(),
        }
    }

    /// Words for the source of the run's faults: `plan v1 ..`.
    pub(super) fn cause_words(&self) -> Option<String> {
        lock(&self.names).cause.as_ref().map(|cause| match cause {
            Cause::Plan(plan) => format!("plan {plan}"),
            Cause::Seed(seed) => format!("seed {seed}"),
        })
    }

    pub(super) fn doing(&self) -> Doing {
        Doing::unpacked(self.doing.load(Ordering::Relaxed))
    }
}

impl Names {
    /// As plans spell it.
    fn attempt(&self, attempt: AttemptKey) -> String {
        let mut words = String::new();
        let Some((activity, number)) = self.attempts.get(attempt.index()) else { return "of a run".to_owned() };
        let Some(activity) = self.activities.get(activity.index()) else { return "of a run".to_owned() };
        let (index, id) = (activity.workflow.index(), |workflow: &Arc<RunInfo>| workflow.workflow_id.clone());
        if let (Some(first), Some(workflow)) = (self.workflows.first(), self.workflows.get(index)) {
            let is_first = id(first) == id(workflow);
            let earlier = self.workflows[..index].iter().filter(|earlier| id(earlier) == id(workflow)).count();
            if !is_first {
                let _ = write!(words, "{}", Id(&workflow.workflow_id));
            }
            if earlier > 0 {
                let _ = write!(words, "/{}", earlier + 1);
            }
            if !is_first || earlier > 0 {
                words.push(':');
            }
        }
        let _ = write!(words, "{}#{}@{number}", Name(&activity.activity_type), activity.execution);
        words
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked() {
        let workflow = WorkflowKey::at(0);
        for doing in [
            Doing::Nothing,
            Doing::Attempt(AttemptKey::at(70_000)),
            Doing::Background(AttemptKey::at(0)),
            Doing::Script,
            Doing::Workflow(None),
            Doing::Workflow(Some(workflow)),
            Doing::State,
            Doing::Left,
            Doing::Check,
        ] {
            assert_eq!(Doing::unpacked(doing.packed()), doing);
        }
    }
}
