//! Entering and leaving user code.

use std::sync::Arc;

use super::core::{Core, World, current, with_current};
use super::logs::Place;
use super::running::{Running, Tag};
use super::setup::Setup;
use super::shown::Doing;
use crate::engine::tasks::{TaskFuture, TaskId};
use crate::fault::{Entry, Plan};
use crate::program::panics::{self, Unwound};
use crate::program::places::{self, Places};
use crate::program::{ActivityOutcome, Extensions, WorkflowLink};
use crate::service::WorkflowKey;
use crate::trace::{AttemptKey, Who};

impl Core {
    /// Begins to run somebody's code. Gives what [`leave`](Core::leave) takes back.
    pub(super) fn enter(&mut self, running: Running) -> Running {
        let before = self.running_code;
        self.calls.begin();
        // Nothing of a run that has ended has a say, but for a replay of its workflows.
        if before != Running::AfterTheEnd || running == Running::Workflow {
            self.running_code = running;
            if let Some(places) = self.places_of(running) {
                places::replace(places);
            }
            // A side effect is its workflow's.
            if running != Running::Nobody {
                self.shown.show(self.doing());
            }
        }
        before
    }

    /// Gives how far the code of somebody has come, unless it runs now. The answer is `None` for the harness.
    pub(super) fn places_of(&self, running: Running) -> Option<Places> {
        Some(match running {
            Running::Nobody | Running::AfterTheEnd => return None,
            Running::Workflow => *self.workflows[self.running_workflow?].places(),
            Running::Task(_, Tag::Script) => self.script_places,
            Running::Task(_, Tag::Attempt(attempt)) | Running::Attempt(attempt) => *self.attempts[attempt].places(),
            Running::Task(_, Tag::Background(task)) => *self.background[task].places(),
        })
    }

    /// Notes how far the code that is running has come.
    fn keep_places(&mut self, places: Places) {
        match self.running_code {
            Running::Nobody | Running::AfterTheEnd => {}
            Running::Workflow => {
                if let Some(workflow) = self.running_workflow {
                    self.workflows[workflow].set_places(places);
                }
            }
            Running::Task(_, Tag::Script) => self.script_places = places,
            Running::Task(_, Tag::Attempt(attempt)) | Running::Attempt(attempt) => {
                self.attempts[attempt].set_places(places);
            }
            Running::Task(_, Tag::Background(task)) => self.background[task].set_places(places),
        }
    }

    /// Says whose code runs, as the thread shows it.
    fn doing(&self) -> Doing {
        match self.running_code {
            Running::Nobody | Running::AfterTheEnd => Doing::Nothing,
            Running::Workflow => Doing::Workflow(self.running_workflow),
            Running::Task(_, Tag::Script) => Doing::Script,
            Running::Task(_, Tag::Attempt(attempt)) | Running::Attempt(attempt) => Doing::Attempt(attempt),
            Running::Task(_, Tag::Background(task)) => Doing::Background(self.background[task].attempt()),
        }
    }

    /// The code that was entered has returned.
    pub(super) fn leave(&mut self, before: Running) {
        self.keep_places(places::present());
        if self.running_code != Running::AfterTheEnd {
            self.running_code = before;
        }
        match self.running_code {
            Running::Nobody | Running::AfterTheEnd => self.shown.show_nothing(),
            // A workflow's, behind its side effect.
            _ => self.shown.show(self.doing()),
        }
    }

    /// Calls of any code have no effect from now on.
    pub(super) fn end_all_code(&mut self) {
        self.running_code = Running::AfterTheEnd;
    }

    /// Says whether a workflow's code is running.
    pub(crate) fn in_workflow(&self) -> bool {
        self.running_code == Running::Workflow
    }

    /// Says whose code runs.
    pub(super) fn running(&self) -> Running {
        self.running_code
    }

    /// The task that is being polled.
    pub(crate) fn polled(&self) -> Option<TaskId> {
        match self.running_code {
            Running::Task(task, _) => Some(task),
            _ => None,
        }
    }

    /// The attempt whose code, or whose background task, is running.
    pub(crate) fn running_attempt(&self) -> Option<AttemptKey> {
        match self.running_code {
            Running::Task(_, Tag::Attempt(attempt)) | Running::Attempt(attempt) => Some(attempt),
            Running::Task(_, Tag::Background(task)) => Some(self.background[task].attempt()),
            Running::Task(_, Tag::Script) | Running::Nobody | Running::Workflow | Running::AfterTheEnd => None,
        }
    }

    /// Says whether the code that is running has crashed, or outlives its run: its calls mean nothing.
    pub(crate) fn running_dead(&self) -> bool {
        match self.running_code {
            Running::AfterTheEnd => true,
            Running::Task(..) => self.tasks.is_gone(),
            Running::Attempt(attempt) => self.attempts[attempt].is_dead(),
            Running::Nobody | Running::Workflow => false,
        }
    }

    /// The plan of the faults that have struck.
    fn plan_so_far(&self) -> Plan {
        let struck = self.trace.faults().values().map(|(point, fault)| Entry::new(point.clone(), *fault));
        Plan::new(struck.collect()).with_seed(self.user_random.seed()).with_order(self.order)
    }

    /// The code that is running, in words.
    pub(super) fn running_words(&self) -> String {
        match self.running_code {
            Running::Task(_, tag) => self.task_words(tag),
            Running::Attempt(attempt) => format!("activity {}", self.trace.attempt_words(attempt)),
            Running::Nobody | Running::Workflow => match self.running_workflow {
                Some(workflow) => format!("workflow `{}`", self.trace.workflows()[workflow].workflow_type),
                None => "the code".to_owned(),
            },
            Running::AfterTheEnd => "the code".to_owned(),
        }
    }

    /// Names the code that is running, and how far it has come.
    pub(super) fn running_words_with_place(&self) -> String {
        with_last_step(self.running_words(), &places::present())
    }

    /// Names a task, and how far it has come, unless it runs now.
    pub(super) fn task_words_with_place(&self, tag: Tag) -> String {
        let places = match tag {
            Tag::Script => self.script_places,
            Tag::Attempt(attempt) => *self.attempts[attempt].places(),
            Tag::Background(task) => *self.background[task].places(),
        };
        with_last_step(self.task_words(tag), &places)
    }

    /// A task in words, for an error.
    pub(crate) fn task_words(&self, tag: Tag) -> String {
        match tag {
            Tag::Script => "the script".to_owned(),
            Tag::Attempt(attempt) => format!("activity {}", self.trace.attempt_words(attempt)),
            Tag::Background(task) => {
                let attempt = self.background[task].attempt();
                format!("a background task of activity {}", self.trace.attempt_words(attempt))
            }
        }
    }
}

/// Adds the last step to a name: ``activity copy#1@1 (its last call was `ctx.heartbeat` at src/copy.rs:12)``
pub(super) fn with_last_step(who: String, places: &Places) -> String {
    match places.words() {
        Some(step) => format!("{who} ({step})"),
        None => who,
    }
}

impl World {
    /// Asks the core, for code that `refuse` refuses where it is a workflow's.
    pub(crate) fn ask_core<R>(&self, refuse: impl FnOnce(), question: impl FnOnce(&mut Core) -> R) -> R {
        let mut core = self.core.borrow_mut();
        if core.in_workflow() {
            drop(core);
            refuse();
            core = self.core.borrow_mut();
        }
        core.count_call().obey();
        question(&mut core)
    }

    /// Runs somebody's code outside of a poll. Its panic is the answer.
    fn run_as<R>(&self, running: Running, call: impl FnOnce() -> R) -> Result<R, Unwound> {
        let before = self.core.borrow_mut().enter(running);
        let result = panics::catch(call);
        self.core.borrow_mut().leave(before);
        result
    }

    /// Runs the code of a workflow, of this one if it is known.
    pub(super) fn run_workflow<R>(
        &self,
        workflow: Option<WorkflowKey>,
        call: impl FnOnce() -> R,
    ) -> Result<R, Unwound> {
        self.core.borrow_mut().running_workflow = workflow;
        let result = self.run_as(Running::Workflow, call);
        self.core.borrow_mut().running_workflow = None;
        result
    }

    /// Runs this attempt's code outside of a poll.
    pub(super) fn act_for<R>(&self, attempt: AttemptKey, call: impl FnOnce() -> R) -> Result<R, Unwound> {
        self.in_host(Tag::Attempt(attempt), || self.run_as(Running::Attempt(attempt), call))
    }

    /// Runs destructors as this attempt's code. Nobody is there to take a panic of theirs.
    pub(super) fn drop_for(&self, attempt: AttemptKey, future: Option<TaskFuture<ActivityOutcome>>) {
        let _ = self.act_for(attempt, || drop(future));
    }
}

impl WorkflowLink for Setup {
    fn activity_type(&self, name: &str) -> Option<Arc<str>> {
        self.activity_name(name)
    }

    fn event_budget(&self) -> usize {
        self.settings().event_budget
    }

    fn outside(&self, call: &mut dyn FnMut()) {
        outside_workflow(call);
    }

    fn extensions(&self) -> Extensions {
        Setup::extensions(self).clone()
    }
}

/// Calls code of a workflow that may look at the world, because no replay repeats it.
fn outside_workflow<R>(call: impl FnOnce() -> R) -> R {
    let Some(world) = current() else { return call() };
    let before = world.core.borrow_mut().enter(Running::Nobody);
    let result = call();
    world.core.borrow_mut().leave(before);
    result
}

/// Gives the place in the run of this thread, for a line of the log: `None` for code that has crashed or outlives its run.
pub(super) fn place() -> Option<Place> {
    let place = with_current(|world| {
        let core = world.core.try_borrow().ok()?;
        if core.running_dead() {
            return None;
        }
        let workflow = core.running_workflow;
        let (who, worker) = match (core.running_attempt(), workflow) {
            (Some(attempt), _) => (Who::Attempt(attempt), Some(core.trace.attempts()[attempt].worker)),
            (None, Some(workflow)) => (Who::Workflow(workflow), core.workflows[workflow].home()),
            (None, None) => (Who::Run, None),
        };
        Some(Place { at: core.agenda.now(), events: core.trace.events().len(), who, worker })
    });
    place.flatten()
}

/// Says which test runs whose code under which faults, for a process that is about to abort.
pub(super) fn who_runs() -> String {
    let test = std::thread::current().name().unwrap_or("main").to_owned();
    let words = with_current(|world| {
        let core = world.core.try_borrow().ok()?;
        Some(format!("{} (plan `{}`)", core.running_words(), core.plan_so_far()))
    });
    match words.flatten() {
        Some(words) => format!("durasim: in test {test}, {words}"),
        None => format!("durasim: in test {test}"),
    }
}
