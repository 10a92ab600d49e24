//! [`World`]: a run in progress, and the way simulated code finds it.

use std::any::{Any, TypeId};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use super::agenda::{Buried, Todo, Wakeup};
use super::error::RunError;
use super::hosted::{HostedActivity, HostedWorkflow, Spare};
use super::messages::MessageKey;
use super::query::{Query, QueryKey};
use super::setup::{Settings, Setup};
use super::signal::{LateSignal, LateSignalKey};
use super::watch::Minded;
use crate::engine::choice::Choice;
use crate::engine::queue::Queue;
use crate::engine::ready::Executor;
use crate::engine::sleepers::Sleepers;
use crate::engine::tasks::{TaskId, Tasks};
use crate::fault::Order;
use crate::fault::inject::Injector;
use crate::program::{ActivityOutcome, Table, Time, key, panics};
use crate::service::{ActivityKey, Ready, Service, WorkflowKey};
use crate::trace::{AttemptKey, Trace, What, Who, WorkerKey};
use crate::worker::attempt::{Attempt, Busy, Life};
use crate::worker::message::Message;
use crate::worker::process::Worker;
use crate::worker::replay::Turn;

thread_local! {
    /// The runs in progress on this thread, the inner one last: simulated code may itself run a simulation.
    static CURRENT: RefCell<Vec<Rc<World>>> = const { RefCell::new(Vec::new()) };
    /// Runs that this thread has seen.
    static RUNS: Cell<u64> = const { Cell::new(0) };
    /// A core for the next run on this thread, emptied, with its memory.
    static SPARE: Cell<Option<Box<Core>>> = const { Cell::new(None) };
}

/// The run in progress on this thread.
pub(crate) fn current() -> Option<Rc<World>> {
    CURRENT.try_with(|current| current.borrow().last().cloned()).ok().flatten()
}

/// Looks at the run in progress on this thread, briefly: no user code may run meanwhile.
#[inline]
pub(crate) fn with_current<R>(look: impl FnOnce(&World) -> R) -> Option<R> {
    CURRENT.try_with(|current| current.borrow().last().map(|world| look(world))).ok().flatten()
}

/// Calls code of a workflow that may look at the world, because no replay repeats it.
pub(crate) fn outside_workflow<R>(call: impl FnOnce() -> R) -> R {
    let Some(world) = current() else { return call() };
    let was = std::mem::replace(&mut world.core.borrow_mut().in_workflow, false);
    let result = call();
    world.core.borrow_mut().in_workflow = was;
    result
}

fn next_run() -> u64 {
    RUNS.set(RUNS.get() + 1);
    RUNS.get()
}

/// A run in progress.
pub(crate) struct World {
    pub(crate) setup: Arc<Setup>,
    /// Never borrowed while user code runs.
    pub(crate) core: RefCell<Box<Core>>,
    pub(crate) states: RefCell<Vec<(TypeId, Rc<dyn Any>)>>,
    pub(crate) minded: RefCell<Vec<Minded>>,
}

/// What a task of the executor is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Tag {
    /// The code of an attempt.
    Attempt(AttemptKey),
    /// Something spawned by an attempt's code, by its index.
    Background(BackgroundKey),
    /// The script that drives the run.
    Script,
}

key! {
    /// Which of the tasks that activities have spawned.
    pub(crate) struct BackgroundKey;
}

/// A task that an attempt's code has spawned. It lives until its worker dies.
#[derive(Debug)]
pub(crate) struct Background {
    pub(crate) attempt: AttemptKey,
    pub(crate) task: Option<TaskId>,
    /// It has aborted itself, in the poll that is going on.
    pub(crate) aborted: bool,
    pub(crate) busy: Busy,
}

/// Whether a script drives the run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Script {
    None,
    Running,
    Done,
}

/// Everything about a run but user state.
pub(crate) struct Core {
    /// Tells the runs of this thread apart: what is left of an earlier one, or belongs to an outer one, has no say. Not
    /// part of any result.
    pub(crate) run: u64,
    /// The numbers of the simulated world.
    pub(crate) settings: Settings,
    pub(crate) now: Time,
    pub(crate) queue: Queue<Wakeup>,
    pub(crate) executor: Executor,
    pub(crate) tasks: Tasks<ActivityOutcome, Tag>,
    pub(crate) sleepers: Sleepers,
    pub(crate) choice: Choice,
    pub(crate) order: Order,
    pub(crate) service: Service,
    /// What the service has left is being taken.
    pub(super) settling: bool,
    pub(crate) workers: Table<WorkerKey, Worker>,
    /// By the key in [`Who::Attempt`].
    pub(crate) attempts: Table<AttemptKey, Attempt>,
    pub(crate) running: u32,
    pub(crate) background: Table<BackgroundKey, Background>,
    pub(crate) spare: Spare,
    /// By [`WorkflowKey`].
    pub(crate) workflows: Table<WorkflowKey, HostedWorkflow>,
    pub(crate) open_workflows: u32,
    pub(crate) script: Script,
    pub(crate) script_busy: Busy,
    /// Sleeps that were over at once.
    pub(super) no_sleep: Busy,
    /// By [`ActivityKey`].
    pub(crate) activities: Table<ActivityKey, HostedActivity>,
    pub(crate) injector: Injector,
    pub(crate) trace: Box<Trace>,
    /// An empty one, to stand in for the trace while a finished run has that.
    spare_trace: Option<Box<Trace>>,
    pub(crate) todo: VecDeque<Todo>,
    /// The memory of workflow tasks, between them.
    pub(crate) turn: Option<Box<Turn>>,
    /// Messages on a slow way.
    pub(crate) mail: Table<MessageKey, Option<Message>>,
    /// Signals on a slow way.
    pub(crate) late_signals: Table<LateSignalKey, Option<LateSignal>>,
    pub(crate) queries: Table<QueryKey, Query>,
    /// Tasks that no worker is there to take.
    pub(crate) backlog: Vec<Ready>,
    /// Tasks that have reached a worker that stands still, with the worker: it takes them when it goes on.
    pub(crate) held_back: Vec<(Ready, WorkerKey)>,
    /// Counts tasks handed over.
    pub(crate) served: u64,
    pub(crate) graveyard: Vec<Buried>,
    /// The task that is being polled.
    pub(crate) polled: Option<(TaskId, Tag)>,
    /// The attempt whose code runs outside of any poll: its start, what it is told, its destructors.
    pub(crate) acting: Option<AttemptKey>,
    /// Whether workflow code is running.
    pub(crate) in_workflow: bool,
    /// The run has ended, and what it left is being dropped, or it was ended within a poll, whose code goes on.
    pub(crate) over: bool,
    pub(crate) error: Option<RunError>,
}

impl Core {
    fn new() -> Core {
        let executor = Executor::default();
        let tasks = Tasks::new(&executor);
        Core {
            run: 0,
            settings: Settings::default(),
            now: Time::ZERO,
            queue: Queue::default(),
            executor,
            tasks,
            sleepers: Sleepers::default(),
            choice: Choice::default(),
            order: Order::Fifo,
            service: Service::new(),
            settling: false,
            workers: Table::new(),
            attempts: Table::new(),
            running: 0,
            background: Table::new(),
            spare: Spare::default(),
            workflows: Table::new(),
            open_workflows: 0,
            script: Script::None,
            script_busy: Busy::default(),
            no_sleep: Busy::default(),
            activities: Table::new(),
            injector: Injector::default(),
            trace: Box::default(),
            spare_trace: None,
            todo: VecDeque::new(),
            turn: None,
            mail: Table::new(),
            late_signals: Table::new(),
            queries: Table::new(),
            backlog: Vec::new(),
            held_back: Vec::new(),
            served: 0,
            graveyard: Vec::new(),
            polled: None,
            acting: None,
            in_workflow: false,
            over: false,
            error: None,
        }
    }

    /// Empties a core whose futures and instances have been dropped. Keeps the memory.
    fn clear(&mut self) {
        self.now = Time::ZERO;
        self.queue.clear();
        self.sleepers.clear();
        self.service.clear();
        self.settling = false;
        self.workers.clear();
        self.attempts.clear();
        self.running = 0;
        self.background.clear();
        for workflow in self.workflows.values_mut() {
            self.spare.executions.push(std::mem::take(&mut workflow.executions));
        }
        self.workflows.clear();
        self.open_workflows = 0;
        self.script = Script::None;
        self.no_sleep = Busy::default();
        self.activities.clear();
        self.injector.clear();
        self.trace.clear();
        self.todo.clear();
        self.mail.clear();
        self.late_signals.clear();
        self.queries.clear();
        self.backlog.clear();
        self.held_back.clear();
        self.served = 0;
        self.polled = None;
        self.acting = None;
        self.in_workflow = false;
        self.over = false;
        self.error = None;
    }

    /// The trace of a run that has ended: nothing is noted any more.
    pub(crate) fn take_trace(&mut self) -> Box<Trace> {
        let empty = self.spare_trace.take().unwrap_or_default();
        debug_assert!(empty.events().is_empty());
        std::mem::replace(&mut self.trace, empty)
    }

    #[inline]
    pub(crate) fn note(&mut self, who: Who, what: What) {
        self.trace.push(self.now, who, what);
    }

    /// Ends the run with this error, unless it has one already.
    pub(crate) fn fail(&mut self, error: RunError) {
        self.error.get_or_insert(error);
    }

    /// The attempt whose code, or whose background task, is running.
    pub(crate) fn running_attempt(&self) -> Option<AttemptKey> {
        match self.polled {
            Some((_, Tag::Attempt(attempt))) => Some(attempt),
            Some((_, Tag::Background(index))) => Some(self.background[index].attempt),
            Some((_, Tag::Script)) => None,
            None => self.acting,
        }
    }

    /// Whether the code that is running has crashed, or outlives its run: its calls mean nothing.
    pub(crate) fn running_dead(&self) -> bool {
        match self.polled {
            _ if self.over => true,
            Some(_) => self.tasks.is_gone(),
            None => self.acting.is_some_and(|attempt| self.attempts[attempt].life == Life::Dead),
        }
    }

    /// A task in words, for an error.
    pub(crate) fn task_words(&self, tag: Tag) -> String {
        match tag {
            Tag::Script => "the script".to_owned(),
            Tag::Attempt(attempt) => format!("activity {}", self.trace.attempt_words(attempt)),
            Tag::Background(index) => {
                let attempt = self.background[index].attempt;
                format!("a background task of activity {}", self.trace.attempt_words(attempt))
            }
        }
    }
}

/// Makes a world the current one of this thread until it is dropped.
pub(crate) struct Entered {
    world: Rc<World>,
}

impl World {
    /// A world that has not begun, with a core left by an earlier run of this thread if there is one.
    pub(crate) fn new(setup: Arc<Setup>) -> Rc<World> {
        let mut core = SPARE.try_with(|spare| spare.take()).ok().flatten().unwrap_or_else(|| Box::new(Core::new()));
        core.run = next_run();
        Rc::new(World {
            setup,
            core: RefCell::new(core),
            states: RefCell::new(Vec::new()),
            minded: RefCell::new(Vec::new()),
        })
    }

    pub(crate) fn enter(self: &Rc<World>) -> Entered {
        let entered = CURRENT.try_with(|current| current.borrow_mut().push(self.clone()));
        entered.expect("no run begins while its thread ends");
        self.core.borrow_mut().executor.enter();
        Entered { world: self.clone() }
    }

    /// Drops what the run has left, destructors of user code included, with the world still the current one, and keeps
    /// its memory, and that of its trace, for the next run.
    pub(crate) fn bury(self: Rc<World>, trace: Box<Trace>) {
        let entered = self.enter();
        let (futures, mut graves, mut todo, workflows) = {
            let mut core = self.core.borrow_mut();
            // Destructors of dead code are no-ops, whatever they call.
            core.polled = None;
            core.over = true;
            core.run = next_run();
            let workflows = core.workflows.keys();
            (core.tasks.drain(), std::mem::take(&mut core.graveyard), std::mem::take(&mut core.todo), workflows)
        };
        for grave in graves.drain(..) {
            let _ = panics::catch_drop(grave);
        }
        for future in futures {
            let _ = panics::catch_drop(future);
        }
        for workflow in workflows {
            loop {
                let instance = self.core.borrow_mut().workflows[workflow].take_instance();
                let Some(instance) = instance else { break };
                let _ = panics::catch_drop(instance);
            }
        }
        while let Some(todo) = todo.pop_front() {
            let _ = panics::catch_drop(todo);
        }
        let mut attempts = std::mem::take(&mut self.core.borrow_mut().attempts);
        let _ = panics::catch(|| attempts.clear());
        let states = std::mem::take(&mut *self.states.borrow_mut());
        let _ = panics::catch_drop(states);
        drop(entered);
        if let Ok(world) = Rc::try_unwrap(self) {
            let mut core = world.core.into_inner();
            core.graveyard = graves;
            core.todo = todo;
            core.attempts = attempts;
            core.spare_trace = Some(std::mem::replace(&mut core.trace, trace));
            core.clear();
            // Fails only while the thread ends.
            let _ = SPARE.try_with(|spare| spare.set(Some(core)));
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.world.core.borrow_mut().executor.leave();
        let _ = CURRENT.try_with(|current| current.borrow_mut().pop());
    }
}
