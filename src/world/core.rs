//! [`World`]: a run in progress, and the way simulated code finds it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use super::agenda::{Agenda, Todo};
use super::background::{Background, BackgroundKey};
use super::calls::Calls;
use super::dead::Dead;
use super::ending::Ending;
use super::error::RunError;
use super::event_places::EventPlaces;
use super::failing_task::FailingTask;
use super::holds::Holds;
use super::host_link::HostLink;
use super::hosted_activity::HostedActivity;
use super::hosted_workflow::HostedWorkflow;
use super::ledgers::{AnyLedger, Known};
use super::logging::{self, Silence};
use super::memories::{Left, Memories};
use super::network::Network;
use super::query::{Query, QueryKey};
use super::running::{Running, Tag};
use super::settings::Settings;
use super::setup::Setup;
use super::shown::{Cause, Doing, Outer, Shown};
use super::states::States;
use super::update::{Followed, UpdateCall, UpdateCallKey};
use super::violated::{Seen, Violations};
use super::watch::Found;
use crate::engine::choice::{Draws, Stream};
use crate::engine::ready::Executor;
use crate::engine::schedule::{Fifo, Schedule};
use crate::engine::sleepers::Sleepers;
use crate::engine::tasks::Tasks;
use crate::fault::Order;
use crate::fault::quiet::Quiet;
use crate::fault::source::Faults;
use crate::program::panics::{Panic, Unwound};
use crate::program::places::{self, Places};
use crate::program::{ActivityOutcome, Host, Table, Time, panics};
use crate::service::{ActivityKey, Service, UpdateKey, WorkflowKey};
use crate::trace::{AttemptKey, Trace, What, Who};
use crate::worker::attempt::Busy;
use crate::worker::host::Attempts;
use crate::worker::matching::Workers;
use crate::worker::turn::Turn;

thread_local! {
    /// The runs in progress on this thread, the inner one last: simulated code may itself run a simulation.
    static CURRENT: RefCell<Vec<Rc<World>>> = const { RefCell::new(Vec::new()) };
    /// Runs that this thread has seen.
    static RUNS: Cell<u64> = const { Cell::new(0) };
    /// The core of the next run on this thread: a new one, in the memory that the last run has left.
    static NEXT_CORE: Cell<Option<Box<Core>>> = const { Cell::new(None) };
}

/// The run in progress on this thread.
pub(crate) fn current() -> Option<Rc<World>> {
    CURRENT.try_with(|current| current.borrow().last().cloned()).ok().flatten()
}

/// Looks at the run in progress on this thread, briefly: no user code may run meanwhile.
pub(crate) fn with_current<R>(look: impl FnOnce(&World) -> R) -> Option<R> {
    CURRENT.try_with(|current| current.borrow().last().map(|world| look(world))).ok().flatten()
}

fn next_run() -> u64 {
    RUNS.set(RUNS.get() + 1);
    RUNS.get()
}

/// A run in progress.
pub(crate) struct World {
    pub(super) setup: Arc<Setup>,
    /// Never borrowed while user code runs.
    pub(super) core: RefCell<Box<Core>>,
    pub(super) states: States,
    pub(super) violations: Violations,
    pub(super) found: RefCell<Vec<Found>>,
    /// A runtime that keeps time for the activities' code.
    pub(super) host: RefCell<Option<Rc<dyn Host>>>,
}

/// Says whether a script drives the run.
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
    pub(super) run: u64,
    /// The numbers of the simulated world.
    pub(super) settings: Settings,
    /// The last moment of the run.
    pub(super) horizon: Time,
    pub(super) agenda: Agenda,
    pub(super) executor: Executor,
    pub(super) tasks: Tasks<ActivityOutcome, Tag>,
    pub(super) sleepers: Sleepers,
    /// The generator of user code's draws.
    pub(super) user_random: Draws,
    pub(super) schedule: Box<dyn Schedule>,
    pub(super) order: Order,
    pub(super) service: Service,
    /// Set while the outbox of the service is being emptied.
    pub(super) settling: bool,
    pub(super) workers: Workers,
    /// By the key in [`Who::Attempt`].
    pub(super) attempts: Attempts,
    pub(super) background: Table<BackgroundKey, Background>,
    /// By [`WorkflowKey`].
    pub(super) workflows: Table<WorkflowKey, HostedWorkflow>,
    /// For the next workflow task, which empties it.
    pub(super) turn: Turn,
    /// The first workflow task that failed and went on later. It is boxed because it is rare.
    pub(super) healed_task: Option<Box<FailingTask>>,
    pub(super) open_workflows: u32,
    pub(super) ending: Ending,
    pub(super) script: Script,
    pub(super) script_busy: Busy,
    /// It says how far the script has come, unless that runs now.
    pub(super) script_places: Places,
    /// The polls of all tasks.
    pub(super) all_busy: Busy,
    /// Sleeps that were over at once.
    pub(super) no_sleep: Busy,
    /// Counts the calls of the code that is running.
    pub(super) calls: Calls,
    /// By [`ActivityKey`].
    pub(super) activities: Table<ActivityKey, HostedActivity>,
    pub(super) faults: Box<dyn Faults>,
    pub(super) trace: Trace,
    /// The table keeps the places of the events, in a run that is made to be told of.
    pub(super) event_places: Option<EventPlaces>,
    pub(super) network: Network,
    pub(super) holds: Holds,
    pub(super) queries: Table<QueryKey, Query>,
    pub(super) update_calls: Table<UpdateCallKey, UpdateCall>,
    pub(super) updates: BTreeMap<UpdateKey, Followed>,
    /// Those that have arrived and wait for a worker, or for their workflow to have no task.
    pub(super) waiting_queries: BTreeMap<WorkflowKey, BTreeSet<QueryKey>>,
    pub(super) dead: Dead,
    pub(super) memories: Memories,
    pub(super) host_link: HostLink,
    /// The simulation has a new version of the code, which deploys put in place.
    pub(super) has_new_version: bool,
    /// Signals may arrive twice.
    pub(super) duplicates_signals: bool,
    /// There is a way back to the old one.
    pub(super) rolls_back: bool,
    /// Fakes want to be told of processes that are gone.
    pub(super) watches_workers: bool,
    /// This says whose code runs now.
    pub(super) running_code: Running,
    /// The workflow whose code runs, or ran last, if that is known.
    pub(super) running_workflow: Option<WorkflowKey>,
    /// This thread shows it here.
    pub(super) shown: Arc<Shown>,
    pub(super) error: Option<RunError>,
}

/// The buffers that a run leaves to the next on its thread, so that it need not grow them again. They are empty: a value
/// of one run never reaches another, and all else is made anew.
struct Memory {
    agenda: Agenda,
    executor: Executor,
    tasks: Tasks<ActivityOutcome, Tag>,
    sleepers: Sleepers,
    service: Service,
    workers: Workers,
    attempts: Attempts,
    workflows: Table<WorkflowKey, HostedWorkflow>,
    turn: Turn,
    activities: Table<ActivityKey, HostedActivity>,
    trace: Trace,
    dead: Dead,
    /// The thread shows its runs here, and goes on to.
    shown: Arc<Shown>,
}

impl Default for Memory {
    fn default() -> Memory {
        let executor = Executor::default();
        let tasks = Tasks::new(&executor);
        Memory {
            agenda: Agenda::default(),
            executor,
            tasks,
            sleepers: Sleepers::default(),
            service: Service::new(),
            workers: Workers::default(),
            attempts: Attempts::default(),
            workflows: Table::new(),
            turn: Turn::default(),
            activities: Table::new(),
            trace: Trace::default(),
            dead: Dead::default(),
            shown: Shown::of_this_thread(),
        }
    }
}

impl Core {
    fn new(memory: Memory) -> Core {
        Core {
            run: 0,
            settings: Settings::default(),
            horizon: Time::ZERO,
            agenda: memory.agenda,
            executor: memory.executor,
            tasks: memory.tasks,
            sleepers: memory.sleepers,
            user_random: Draws::new(0, Stream::User),
            schedule: Box::new(Fifo),
            order: Order::Fifo,
            service: memory.service,
            settling: false,
            workers: memory.workers,
            attempts: memory.attempts,
            background: Table::new(),
            workflows: memory.workflows,
            turn: memory.turn,
            healed_task: None,
            open_workflows: 0,
            ending: Ending::default(),
            script: Script::None,
            script_busy: Busy::default(),
            script_places: Places::NONE,
            all_busy: Busy::default(),
            no_sleep: Busy::default(),
            calls: Calls::new(0),
            activities: memory.activities,
            faults: Box::new(Quiet),
            trace: memory.trace,
            event_places: None,
            network: Network::default(),
            holds: Holds::default(),
            queries: Table::new(),
            update_calls: Table::new(),
            updates: BTreeMap::new(),
            waiting_queries: BTreeMap::new(),
            dead: memory.dead,
            memories: Memories::default(),
            host_link: HostLink::default(),
            has_new_version: false,
            duplicates_signals: false,
            rolls_back: false,
            watches_workers: false,
            running_code: Running::Nobody,
            running_workflow: None,
            shown: memory.shown,
            error: None,
        }
    }

    /// A new core in the memory of one whose futures and instances have been dropped, and of the trace that it has given away.
    fn emptied(mut self: Box<Self>, mut trace: Trace) -> Box<Core> {
        trace.clear();
        let Core { mut sleepers, executor, tasks, dead, shown, .. } = *self;
        sleepers.clear();
        let memory = Memory {
            agenda: self.agenda.emptied(),
            executor,
            tasks,
            sleepers,
            service: self.service.emptied(),
            workers: self.workers.emptied(),
            attempts: self.attempts.emptied(),
            workflows: self.workflows.emptied(),
            turn: self.turn.emptied(),
            activities: self.activities.emptied(),
            trace,
            dead,
            shown,
        };
        *self = Core::new(memory);
        self
    }

    /// The trace of a run that has ended: nothing is noted any more.
    pub(crate) fn take_trace(&mut self) -> Trace {
        std::mem::take(&mut self.trace)
    }

    pub(crate) fn note(&mut self, who: Who, what: What) {
        if self.event_places.is_some() {
            self.keep_place(who, what);
        }
        self.trace.push(self.agenda.now(), who, what);
    }

    /// Ends the run with this error, unless it has one already.
    pub(crate) fn fail(&mut self, error: RunError) {
        self.error.get_or_insert(error);
    }
}

impl World {
    /// The piece of the run's state of this type.
    pub(crate) fn state<T: 'static>(&self) -> Option<Rc<T>> {
        self.states.get()
    }

    /// Says whether a workflow's code is running.
    pub(crate) fn in_workflow(&self) -> bool {
        self.core.borrow().in_workflow()
    }

    /// The attempt whose code is running, if any, and its number, 0 without one. `None` if that code is dead.
    pub(crate) fn doer(&self) -> Option<(Option<AttemptKey>, u32)> {
        let core = self.core.borrow();
        if core.running_dead() {
            return None;
        }
        let attempt = core.running_attempt();
        Some((attempt, attempt.map_or(0, |attempt| core.trace.attempts()[attempt].number)))
    }

    /// The number of events that the trace has by now.
    pub(crate) fn events(&self) -> usize {
        self.core.borrow().trace.events().len()
    }

    /// Keeps a ledger, if the constructor of a state makes it now.
    pub(crate) fn note_ledger(&self, ledger: Rc<dyn AnyLedger>) {
        self.states.ledgers().note(ledger);
    }

    /// The ledgers that the constructors of states have made.
    pub(super) fn ledgers(&self) -> Vec<Known> {
        self.states.ledgers().all()
    }

    /// Notes that a fake saw what must not be. Code of a crashed attempt says nothing.
    pub(crate) fn note_violation(&self, message: String) {
        if self.doer().is_some() {
            let place = places::present().call().map(|call| call.to_string());
            self.violations.note(Seen { message, place, event: self.events().checked_sub(1) });
        }
    }

    /// Random bits for user code.
    pub(crate) fn random_bits(&self) -> u64 {
        self.core.borrow_mut().user_random.bits()
    }
}

/// Makes a world the current one of this thread until it is dropped.
pub(crate) struct Entered {
    world: Rc<World>,
    /// `None` if no run began.
    outer: Option<Outer>,
    /// It says how far the code has come that makes or ends a run.
    places: Places,
    _silence: Silence,
}

impl World {
    /// A world that has not begun, in the memory of an earlier run of this thread if there is one.
    pub(crate) fn new(setup: Arc<Setup>) -> Rc<World> {
        let kept = NEXT_CORE.try_with(Cell::take).ok().flatten();
        let mut core = kept.unwrap_or_else(|| Box::new(Core::new(Memory::default())));
        core.run = next_run();
        core.settings = setup.settings().clone();
        core.horizon = Time::ZERO + core.settings.horizon;
        core.calls = Calls::new(core.settings.event_budget);
        Rc::new(World {
            setup,
            core: RefCell::new(core),
            states: States::default(),
            violations: Violations::default(),
            found: RefCell::new(Vec::new()),
            host: RefCell::new(None),
        })
    }

    /// Makes this the world of its thread. `cause` says where the faults of a run come from that begins.
    pub(crate) fn enter(self: &Rc<World>, cause: Option<Cause>) -> Entered {
        let silence = logging::enter(cause.is_some());
        let entered = CURRENT.try_with(|current| current.borrow_mut().push(self.clone()));
        entered.expect("no run begins while its thread ends");
        let core = &mut **self.core.borrow_mut();
        core.executor.enter();
        let outer = cause.map(|cause| core.shown.begin(cause, core.settings.patience));
        Entered { world: self.clone(), outer, places: places::replace(Places::NONE), _silence: silence }
    }

    /// Drops what the run has left, destructors of user code included, with the world still the current one, and the state
    /// last. Gives what a state's destructor panicked with: a mock that verifies its calls does so there. A second time there
    /// is nothing left.
    pub(super) fn drop_remains(self: &Rc<World>) -> Option<Box<Panic>> {
        let entered = self.enter(None);
        let outer = self.core.borrow().shown.replace(Doing::Left);
        let (futures, mut dead, todo, mut workflows, mut attempts) = {
            let mut core = self.core.borrow_mut();
            // Destructors of dead code are no-ops, whatever they call.
            core.end_all_code();
            core.run = next_run();
            let dead = std::mem::take(&mut core.dead);
            let todo: Vec<Todo> = core.agenda.take_todos().collect();
            let workflows = std::mem::take(&mut core.workflows);
            (core.tasks.drain(), dead, todo, workflows, std::mem::take(&mut core.attempts))
        };
        self.core.borrow_mut().memories.drop_crashed(true);
        dead.drain().for_each(|dead| self.drop_quietly(dead));
        self.core.borrow_mut().memories.drop_crashed(false);
        futures.into_iter().for_each(|future| self.drop_quietly(future));
        for workflow in workflows.values_mut() {
            while let Some(instance) = workflow.take_instance() {
                self.drop_quietly(instance);
            }
            workflow.take_waiting().for_each(|waiting| self.drop_quietly(waiting));
        }
        todo.into_iter().for_each(|todo| self.drop_quietly(todo));
        attempts.take_listeners().for_each(|listener| self.drop_quietly(listener));
        let mut memories = std::mem::take(&mut self.core.borrow_mut().memories);
        let mut first = None;
        for Left { value, is_dead } in memories.take() {
            self.core.borrow_mut().calls.begin();
            let panic = panic_of_drop(value);
            first = first.or(panic.filter(|_| !is_dead));
        }
        self.drop_host();
        self.core.borrow_mut().calls.begin();
        for state in self.states.take() {
            first = first.or(panic_of_drop(state));
        }
        self.core.borrow().shown.put_back(outer);
        drop(entered);
        {
            let mut core = self.core.borrow_mut();
            (core.dead, core.workflows, core.attempts) = (dead, workflows, attempts);
        }
        first
    }

    /// Leaves the memory of a run whose remains have been dropped, that of its trace too, to the next run of this thread.
    pub(super) fn leave_memory(self: Rc<World>, trace: Trace) {
        if let Ok(world) = Rc::try_unwrap(self) {
            let next = world.core.into_inner().emptied(trace);
            // Fails only while the thread ends.
            let _ = NEXT_CORE.try_with(|kept| kept.set(Some(next)));
        }
    }

    /// Runs destructors of user code. Nobody is there to take a panic of theirs.
    fn drop_quietly<T>(&self, value: T) {
        self.core.borrow_mut().calls.begin();
        let _ = panics::catch_drop(value);
    }
}

/// Drops a value of the user's, and gives what its destructor panicked with.
fn panic_of_drop<T>(value: T) -> Option<Box<Panic>> {
    match panics::catch_drop(value) {
        Err(Unwound::Panic(panic)) => Some(panic),
        _ => None,
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let core = self.world.core.borrow();
        core.executor.leave();
        if let Some(outer) = self.outer.take() {
            core.shown.end(outer);
        }
        drop(core);
        places::replace(self.places);
        let _ = CURRENT.try_with(|current| current.borrow_mut().pop());
    }
}
