//! [`Start`]: a simulation with the workflow to start, and how a run of it begins and ends.

use std::fmt;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use super::ambient::can_draw;
use super::core::{Core, Script, World, with_current};
use super::error::{RunError, outside_in_script};
use super::event_places::EventPlaces;
use super::holds::Holds;
use super::host::note_panic;
use super::logging;
use super::run::{Finished, Run};
use super::running::Tag;
use super::setup::Setup;
use super::shown::{Cause, Doing};
use super::step::ScriptFuture;
use super::user_code::{place, who_runs};
use super::watch::Watch;
use super::watchdog;
use crate::engine::choice::{Draws, Stream};
use crate::fault::planned::Planned;
use crate::fault::source::Faults;
use crate::fault::survey::Survey;
use crate::fault::swarm::Swarm;
use crate::fault::{Entry, Order, Plan, Site};
use crate::program::panics::{self, Unwound};
use crate::program::places;
use crate::program::{ActivitySpec, Payload, Span, Tries, list_names};
use crate::service::{Refused, StartActivity, StartAnswer, StartWorkflow};
use crate::trace::{What, Who};

/// All that a run needs but its plan.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    setup: Arc<Setup>,
    origin: Origin,
    /// The survey of the run without faults, once it was made.
    survey: OnceLock<Arc<Survey>>,
    /// Says whether its runs keep the places of their events.
    keeps_places: bool,
}

/// The first cause of a run.
#[derive(Clone)]
pub(crate) enum Origin {
    /// One workflow, whose id is its type.
    Workflow { workflow: Arc<str>, input: Result<Payload, RunError> },
    /// One activity without a workflow, whose id is its type.
    Activity { activity: Arc<str>, start: Result<StartActivity, RunError> },
    /// A script, made anew for each run.
    Script(Arc<dyn Fn() -> LocalScript + Send + Sync>),
    /// A script that is there once, on the stack of the caller.
    Driven,
}

/// A script with what it returns, encoded.
pub(crate) type LocalScript = Pin<Box<dyn Future<Output = Result<Payload, serde_json::Error>>>>;

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Origin {
    /// Its name in reports.
    fn name(&self) -> &str {
        match self {
            Origin::Workflow { workflow, .. } => workflow,
            Origin::Activity { activity, .. } => activity,
            Origin::Script(_) | Origin::Driven => "script",
        }
    }
}

impl Start {
    pub(crate) fn new(setup: Arc<Setup>, origin: Origin) -> Start {
        Start { setup, origin, survey: OnceLock::new(), keeps_places: false }
    }

    /// Gives the same with runs that keep the places of their events: for those that are told of.
    pub(crate) fn with_places(&self) -> Start {
        Start { keeps_places: true, ..self.clone() }
    }

    /// Gives the simulation that is run.
    pub(super) fn setup(&self) -> &Arc<Setup> {
        &self.setup
    }

    /// The name of the run in reports.
    pub(crate) fn name(&self) -> &str {
        self.origin.name()
    }

    /// The registered activities.
    pub(crate) fn activities(&self) -> impl Iterator<Item = &Arc<str>> {
        let new = self.setup.new_version().into_iter().flat_map(|new| new.activities());
        self.setup.activities().chain(new.filter(|name| self.setup.activity(name).is_none()))
    }

    /// The same with the new version of the code from the start, if there is one.
    pub(crate) fn of_new_version(&self) -> Option<Start> {
        Some(Start::new(self.setup.new_version()?.clone(), self.origin.clone()))
    }

    /// Deploys the code itself, there and back, unless there is a new version.
    pub(crate) fn deploy_itself(&mut self) {
        let setup = Arc::make_mut(&mut self.setup);
        if setup.new_version().is_none() {
            let same = setup.begin_new_version();
            setup.set_new_version(same);
            setup.set_rolls_back();
        }
    }

    /// Lets signals arrive twice.
    pub(crate) fn duplicate_signals(&mut self) {
        Arc::make_mut(&mut self.setup).duplicate_signals();
    }

    /// Has a watch look at the state whenever an attempt has ended.
    pub(crate) fn add_watch(&mut self, watch: Arc<Watch>) {
        Arc::make_mut(&mut self.setup).add_watch(watch);
    }

    /// The same with another input. `None` for a script, which takes none.
    pub(crate) fn with_input(&self, input: Payload) -> Option<Start> {
        let origin = match &self.origin {
            Origin::Workflow { workflow, .. } => Origin::Workflow { workflow: workflow.clone(), input: Ok(input) },
            Origin::Activity { activity, start } => {
                let with_input = |start: &StartActivity| {
                    let spec = ActivitySpec { input, ..ActivitySpec::clone(&start.spec) };
                    StartActivity { spec: Arc::new(spec), ..start.clone() }
                };
                let start = start.as_ref().map(with_input).map_err(Clone::clone);
                Origin::Activity { activity: activity.clone(), start }
            }
            Origin::Script(_) | Origin::Driven => return None,
        };
        Some(Start::new(self.setup.clone(), origin))
    }

    /// The survey of the run without faults. The first call makes that run.
    pub(crate) fn survey(&self) -> &Arc<Survey> {
        self.survey.get_or_init(|| Arc::new(self.run(&Plan::none()).run.survey()))
    }

    /// Learns from the run without faults.
    pub(crate) fn learn(&self, fault_free: &Run) {
        self.survey.get_or_init(|| Arc::new(fault_free.survey()));
    }

    /// A run with the faults of a plan.
    pub(crate) fn run(&self, plan: &Plan) -> Finished {
        let delays = self.dispatch_delays(plan);
        let faults = || Box::new(self.planned(&plan.entries, &delays)) as Box<dyn Faults>;
        self.execute(plan.seed, plan.order, faults, Cause::Plan(plan.clone()))
    }

    /// The faults of these entries, without deploys of what the simulation does not have.
    fn planned(&self, entries: &[Entry], dispatch_delays: &[Option<Duration>]) -> Planned {
        Planned::new(entries, dispatch_delays).barring(|fault| self.setup.bars(fault).is_some())
    }

    /// Where the deadline is the activity's schedule-to-close, it is met by dispatching the attempt later, which leaves its
    /// heartbeats alone. How much later is found by a run without these entries.
    fn dispatch_delays(&self, plan: &Plan) -> Vec<Option<Duration>> {
        let is_deadline = |entry: &Entry| matches!(entry.point.site, Site::Deadline(_));
        if !plan.entries.iter().any(is_deadline) {
            return Vec::new();
        }
        let mut others = plan.entries.clone();
        others.retain(|entry| !is_deadline(entry));
        let faults = || Box::new(self.planned(&others, &[])) as Box<dyn Faults>;
        let probe = || {
            let probe = self.execute(plan.seed, plan.order, faults, Cause::Plan(plan.clone()));
            probe.run.dispatch_delays(&plan.entries)
        };
        if !can_draw() {
            return probe();
        }
        // This thread must not keep what code of the probe draws.
        thread::scope(|scope| scope.spawn(probe).join().unwrap_or_else(|panic| resume_unwind(panic)))
    }

    /// A run with faults drawn from a seed. `over_budget`: they may end more attempts than the retry policy allows.
    pub(crate) fn run_swarm(&self, seed: u64, order: Order, over_budget: bool) -> Finished {
        let faults = || Box::new(Swarm::new(seed, over_budget, self.survey().clone())) as Box<dyn Faults>;
        self.execute(seed, order, faults, Cause::Seed(seed))
    }

    /// Mistakes that can be found before any run.
    pub(super) fn mistake(&self) -> Option<RunError> {
        if cfg!(panic = "abort") {
            return Some(RunError::Setup(
                "durasim needs unwinding panics: a simulated crash inside a call unwinds. Remove `panic = \"abort\"` from \
                 the profile that runs the tests"
                    .to_owned(),
            ));
        }
        if let Some(mistake) = self.setup.mistake() {
            return Some(RunError::Setup(mistake));
        }
        if let Origin::Activity { activity, start } = &self.origin {
            if self.setup.activity(activity).is_none() {
                let known = list_names(self.setup.activities());
                return Some(RunError::Setup(format!(
                    "no activity `{activity}` is registered (registered: {known}): add `.activity(\"{activity}\", ..)` to the \
                     simulation, or `.sdk_activity(..)` of its adapter"
                )));
            }
            return start.as_ref().err().cloned();
        }
        let Origin::Workflow { workflow, input } = &self.origin else { return None };
        if self.setup.workflow(workflow).is_none() {
            let known = list_names(self.setup.workflows());
            return Some(RunError::UnknownWorkflow { name: workflow.to_string(), known });
        }
        input.as_ref().err().cloned()
    }

    /// A run with these faults, which are made for each try of it. Where there is no host there is one try.
    fn execute(&self, seed: u64, order: Order, faults: impl Fn() -> Box<dyn Faults>, cause: Cause) -> Finished {
        let tries = self.setup.host().map(|_| Tries::new(true));
        loop {
            let finished = self.try_once(seed, order, faults(), cause.clone(), tries.clone());
            if !tries.as_ref().is_some_and(Tries::begin_next) {
                return finished;
            }
        }
    }

    fn try_once(
        &self,
        seed: u64,
        order: Order,
        faults: Box<dyn Faults>,
        cause: Cause,
        tries: Option<Tries>,
    ) -> Finished {
        let Origin::Script(script) = &self.origin else {
            return self.execute_with(seed, order, faults, cause, tries, None);
        };
        let mut script = script();
        let mut returned = None;
        let mut finished = {
            let mut future = std::pin::pin!(std::future::poll_fn(|context| {
                match panics::catch(|| script.as_mut().poll(context)) {
                    Ok(polled) => polled.map(|result| returned = Some(result)),
                    Err(unwound) => {
                        // Ends the run where it stands, with all that led there. It may have an error already, of a call
                        // that does not belong in a script.
                        let outside = match &unwound {
                            Unwound::Panic(panic) => outside_in_script(&panic.message),
                            Unwound::Other(_) => None,
                        };
                        let error = outside.unwrap_or_else(|| RunError::ScriptPanicked(unwound.words()));
                        with_current(|world| world.core.borrow_mut().fail(error));
                        Poll::Pending
                    }
                }
            }));
            self.execute_with(seed, order, faults, cause, tries, Some(future.as_mut()))
        };
        match returned {
            Some(Ok(result)) => finished.run.set_script_result(result),
            Some(Err(why)) => {
                let message = format!("what the script returned cannot be encoded as JSON: {why}");
                finished.error.get_or_insert(RunError::Setup(message));
            }
            None => {}
        }
        finished
    }

    /// A run driven by a script of the caller's, with the faults of a plan. A deadline is met by stalling, since the run
    /// cannot be tried beforehand.
    pub(crate) fn drive(
        &self,
        plan: &Plan,
        random_faults: bool,
        script: Pin<&mut dyn Future<Output = ()>>,
    ) -> Finished {
        let faults: Box<dyn Faults> = if random_faults {
            // It cannot be run without faults beforehand, either.
            Box::new(Swarm::new(plan.seed, false, Arc::new(Survey::unknown(self.setup.asked()))))
        } else {
            Box::new(self.planned(&plan.entries, &[]))
        };
        let cause = if random_faults { Cause::Seed(plan.seed) } else { Cause::Plan(plan.clone()) };
        let tries = self.setup.host().map(|_| Tries::new(false));
        self.execute_with(plan.seed, plan.order, faults, cause, tries, Some(script))
    }

    fn execute_with(
        &self,
        seed: u64,
        order: Order,
        faults: Box<dyn Faults>,
        cause: Cause,
        tries: Option<Tries>,
        script: ScriptFuture<'_>,
    ) -> Finished {
        panics::install_hook(who_runs, note_panic);
        logging::install(place);
        watchdog::start();
        let world = World::new(self.setup.clone());
        if let Some(mistake) = self.mistake() {
            return Finished { run: Run::new(world, seed, order), error: Some(mistake) };
        }
        world.core.borrow_mut().event_places = self.keeps_places.then(EventPlaces::default);
        let wanted = places::want(self.keeps_places);
        let entered = world.enter(Some(cause));
        self.begin(&world, seed, order, faults, tries);
        if script.is_some() {
            let core = &mut **world.core.borrow_mut();
            core.script = Script::Running;
            // Polled from where it stands: the task only has its waker and its turn.
            core.tasks.spawn(Box::pin(std::future::pending()), Tag::Script);
        }
        world.run_to_end(script);
        world.finish();
        drop(entered);
        places::want(wanted);
        let error = world.core.borrow_mut().error.take();
        Finished { run: Run::new(world, seed, order), error }
    }

    /// Makes the state, brings the worker up and starts the workflow.
    pub(super) fn begin(&self, world: &World, seed: u64, order: Order, faults: Box<dyn Faults>, tries: Option<Tries>) {
        world.core.borrow().shown.show(Doing::State);
        let made = world.states.make(self.setup.states());
        world.core.borrow().shown.show_nothing();
        if let Err(error) = made {
            world.core.borrow_mut().fail(error);
            return;
        }
        world.make_host(seed, tries);
        let core = &mut **world.core.borrow_mut();
        core.has_new_version = self.setup.new_version().is_some();
        core.rolls_back = self.setup.rolls_back();
        core.duplicates_signals = self.setup.asked().duplicates;
        core.watches_workers = !self.setup.worker_watches().is_empty();
        core.service.set_dialect(self.setup.dialect());
        core.service.set_task_timeout(Span::from(core.settings.workflow_task_timeout));
        core.service.set_history_limits(core.settings.limits_of_histories(self.setup.dialect()));
        core.trace.set_dialect(self.setup.dialect());
        core.user_random = Draws::new(seed, Stream::User);
        (core.schedule, core.order) = (order.schedule(seed), order);
        core.holds = Holds::new(faults.holds_tasks());
        core.faults = faults;
        for worker in self.setup.workers() {
            core.workers.add(worker);
        }
        for worker in core.workers.keys() {
            core.note(Who::Worker(worker), What::WorkerStarted);
        }
        if let Origin::Workflow { workflow, input: Ok(input) } = &self.origin {
            let queue = self.setup.task_queue().clone();
            core.start_workflow(StartWorkflow::new(workflow.clone(), workflow.clone(), queue, input.clone()))
                .expect("the first workflow of a run has no options that could be refused");
        }
        if let Origin::Activity { activity, start: Ok(start) } = &self.origin
            && let Err(refused) = core.serve(|service, now| service.start_activity(start.clone(), now))
        {
            core.fail(RunError::Setup(format!("the activity `{activity}` cannot start without a workflow: {refused}")));
        }
    }
}

impl Core {
    /// Starts a workflow.
    ///
    /// # Errors
    /// The error is the answer of the service.
    pub(crate) fn start_workflow(&mut self, start: StartWorkflow) -> Result<StartAnswer, Refused> {
        let start =
            StartWorkflow { random_seed: self.user_random.seed() ^ self.workflows.next_key().index() as u64, ..start };
        self.serve(|service, now| service.start_workflow(start, now))
    }
}

impl World {
    /// Notes what is left when a run is over.
    fn finish(&self) {
        let in_host = self.tasks_in_host() as u32;
        let mut core = self.core.borrow_mut();
        let left = in_host + core.background.values().filter(|background| background.task().is_some()).count() as u32;
        if left > 0 {
            core.note(Who::Run, What::TasksLeft(left));
        }
    }
}
