//! [`Simulation`]: the configured world.

use std::any::{TypeId, type_name};
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::activity::{ActivityFn, NativeActivity};
use crate::client::{Client, ScriptOutput};
use crate::explore::Exploration;
use crate::fault::{Order, Plan};
use crate::program::{ActivityProgram, Decode, Payload, Time, WorkflowProgram};
use crate::service::Dialect;
use crate::workflow::{NativeWorkflow, WorkflowFn};
use crate::world::setup::{DEFAULT_TASK_QUEUE, Setup, StateMaker, Throttling, WorkerSetup};
use crate::world::start::{LocalScript, Origin, Start};
use crate::world::{Run, RunError};

/// The configured world: activities, workflows, the state of the outside, and the numbers of service and worker.
///
/// A value. Running it does not change it, and the same simulation, input and plan give the same run. Mistakes in
/// putting it together are reported by the first [`run`](Simulation::run) or exploration.
///
/// ```
/// use std::time::Duration;
/// use durasim::{ActivityContext, ActivityError, ActivityOptions, Simulation, WorkflowContext, WorkflowError};
///
/// async fn greet(_ctx: &ActivityContext, name: String) -> Result<String, ActivityError> {
///     Ok(format!("Hello, {name}!"))
/// }
///
/// async fn greeting(ctx: &WorkflowContext, name: String) -> Result<String, WorkflowError> {
///     let options = ActivityOptions { start_to_close_timeout: Duration::from_secs(10), ..Default::default() };
///     ctx.execute_activity("greet", &name, options).await
/// }
///
/// let simulation = Simulation::temporal().activity("greet", greet).workflow("greeting", greeting);
/// let run = simulation.run("greeting", "World").unwrap();
/// assert_eq!(run.result::<String>().unwrap(), "Hello, World!");
/// ```
#[derive(Clone, Debug)]
#[must_use = "a simulation does nothing until it is run or explored"]
pub struct Simulation {
    setup: Arc<Setup>,
    plan: Plan,
    random_faults: bool,
}

impl Simulation {
    /// A world whose service follows Temporal Server 1.32, and whose workers follow Temporal's sdk-core.
    pub fn temporal() -> Simulation {
        Simulation { setup: Arc::new(Setup::default()), plan: Plan::none(), random_faults: false }
    }

    /// A world whose service and workers follow Cadence's rules: those of its server and its Go client, taken from their
    /// sources and **not recorded** from a real server, as traces and timelines say. [`Dialect`] lists what differs from
    /// Temporal, which includes what options mean and the number that activity code sees for an attempt.
    ///
    /// ```
    /// use std::time::Duration;
    /// use durasim::{
    ///     ActivityContext, ActivityError, ActivityOptions, RetryPolicy, Simulation, WorkflowContext, WorkflowError,
    /// };
    ///
    /// async fn flaky(ctx: &ActivityContext, _: ()) -> Result<u32, ActivityError> {
    ///     // Counts from 0.
    ///     match ctx.get_info().attempt {
    ///         0 => Err(ActivityError::retryable("not yet")),
    ///         attempt => Ok(attempt),
    ///     }
    /// }
    ///
    /// async fn patient(ctx: &WorkflowContext, _: ()) -> Result<u32, WorkflowError> {
    ///     let options = ActivityOptions {
    ///         schedule_to_close_timeout: Duration::from_secs(60),
    ///         // Without a policy there would be no second attempt.
    ///         retry_policy: Some(RetryPolicy { expiration_interval: Duration::from_secs(600), ..Default::default() }),
    ///         ..Default::default()
    ///     };
    ///     ctx.execute_activity("flaky", &(), options).await
    /// }
    ///
    /// let simulation = Simulation::cadence().activity("flaky", flaky).workflow("patient", patient);
    /// let run = simulation.run("patient", &()).unwrap();
    /// assert_eq!(run.result::<u32>().unwrap(), 1);
    /// assert!(run.timeline().to_string().starts_with("dialect cadence (from sources, not recorded)"));
    /// ```
    pub fn cadence() -> Simulation {
        let mut simulation = Simulation::temporal();
        Arc::make_mut(&mut simulation.setup).settings.dialect = Dialect::Cadence;
        simulation
    }

    /// Whose rules it follows.
    pub fn dialect(&self) -> Dialect {
        self.setup.settings.dialect
    }

    /// Registers an activity: an `async fn(&ActivityContext, Input) -> Result<Output, ActivityError>`. Input and output
    /// travel as JSON.
    pub fn activity<I, O, F>(self, name: impl Into<String>, activity: F) -> Simulation
    where
        F: ActivityFn<I, O>,
        I: Decode,
        O: Serialize + 'static,
    {
        self.activity_program(NativeActivity::new(name.into(), activity))
    }

    /// Registers an activity that takes and gives bytes as they are.
    pub fn activity_bytes<F>(self, name: impl Into<String>, activity: F) -> Simulation
    where
        F: ActivityFn<Vec<u8>, Vec<u8>>,
    {
        self.activity_program(NativeActivity::bytes(name.into(), activity))
    }

    /// Registers an activity of another context type, hosted through the [seam](crate::program).
    pub fn activity_program(mut self, program: impl ActivityProgram + 'static) -> Simulation {
        let setup = Arc::make_mut(&mut self.setup);
        let name: Arc<str> = program.activity_type().into();
        check_name("activity", &name, &mut setup.mistakes);
        if setup.activities.insert(name.clone(), Arc::new(program)).is_some() {
            setup.mistakes.push(format!("the activity `{name}` is registered twice"));
        }
        self
    }

    /// Registers a workflow: an `async fn(&WorkflowContext, Input) -> Result<Output, WorkflowError>`. Input and output
    /// travel as JSON.
    pub fn workflow<I, O, F>(self, name: impl Into<String>, workflow: F) -> Simulation
    where
        F: WorkflowFn<I, O>,
        I: Decode,
        O: Serialize + 'static,
    {
        self.workflow_program(NativeWorkflow::new(name.into(), workflow))
    }

    /// Registers a workflow that takes and gives bytes as they are.
    pub fn workflow_bytes<F>(self, name: impl Into<String>, workflow: F) -> Simulation
    where
        F: WorkflowFn<Vec<u8>, Vec<u8>>,
    {
        self.workflow_program(NativeWorkflow::bytes(name.into(), workflow))
    }

    /// Registers a workflow of another context type, hosted through the [seam](crate::program).
    pub fn workflow_program(mut self, program: impl WorkflowProgram + 'static) -> Simulation {
        let setup = Arc::make_mut(&mut self.setup);
        let name: Arc<str> = program.workflow_type().into();
        check_name("workflow", &name, &mut setup.mistakes);
        if setup.workflows.insert(name.clone(), Arc::new(program)).is_some() {
            setup.mistakes.push(format!("the workflow `{name}` is registered twice"));
        }
        self
    }

    /// Adds a piece of the outside world: made fresh for each run, reached with [`state`](crate::state()), untouched by
    /// crashes. One for each type; `T` need not be `Send`.
    ///
    /// Keep fakes here, and not in a static, a thread-local or a captured value: those are of the test's process, so they
    /// outlive the run as well as the crashes in it, and threads that explore share them.
    pub fn state<T: 'static>(mut self, make: impl Fn() -> T + Send + Sync + 'static) -> Simulation {
        let setup = Arc::make_mut(&mut self.setup);
        let key = TypeId::of::<T>();
        if setup.states.iter().any(|state| state.key == key) {
            setup.mistakes.push(format!("a state of type `{}` is registered twice", type_name::<T>()));
        }
        let make = Arc::new(move || Rc::new(make()) as Rc<dyn std::any::Any>);
        setup.states.push(StateMaker { key, type_name: type_name::<T>(), make });
        self
    }

    /// Adds a worker. Without any there is one, which polls the default task queue and has no limit.
    ///
    /// A task goes to the worker on its queue that has waited longest and has a free slot; a workflow task first to the
    /// worker that has the workflow in its cache.
    pub fn worker(mut self, options: WorkerOptions) -> Simulation {
        let WorkerOptions { task_queue, max_concurrent_activities } = options;
        let setup = Arc::make_mut(&mut self.setup);
        if task_queue.is_empty() {
            setup.mistakes.push("a worker polls a task queue with an empty name".to_owned());
        }
        setup.workers.push(WorkerSetup { task_queue: task_queue.into(), slots: max_concurrent_activities });
        self
    }

    /// Adds so many workers that poll the default task queue and have no limit.
    pub fn workers(self, count: usize) -> Simulation {
        (0..count).fold(self, |simulation, _| simulation.worker(WorkerOptions::default()))
    }

    /// How long it takes to hand a task to a worker. Default 1 ms. At zero, a timer whose clock started earlier fires
    /// first where deadlines are equal, which a real server never shows.
    pub fn dispatch_latency(mut self, latency: Duration) -> Simulation {
        Arc::make_mut(&mut self.setup).settings.dispatch_latency = latency;
        self
    }

    /// How long after a worker's death or stop a new process comes up. Default 1 s.
    pub fn restart_delay(mut self, delay: Duration) -> Simulation {
        Arc::make_mut(&mut self.setup).settings.restart_delay = delay;
        self
    }

    /// How long a stopping worker lets its attempts run before it cancels and then drops them. Default 10 s. Zero cancels
    /// at once.
    pub fn graceful_shutdown_period(mut self, period: Duration) -> Simulation {
        Arc::make_mut(&mut self.setup).settings.grace_period = period;
        self
    }

    /// How workers hold heartbeats back: `default_interval` without a heartbeat timeout, else 0.8 of it, and never more
    /// than `max_interval`. Zero means the SDK's own, 30 s and 60 s. Cadence's client has no such settings: there this does
    /// nothing.
    pub fn heartbeat_throttle(mut self, default_interval: Duration, max_interval: Duration) -> Simulation {
        Arc::make_mut(&mut self.setup).settings.throttle =
            Throttling::Sdk { default: default_interval.into(), max: max_interval.into() };
        self
    }

    /// Lets workers send every heartbeat at once, as no SDK does.
    pub fn no_heartbeat_throttle(mut self) -> Simulation {
        Arc::make_mut(&mut self.setup).settings.throttle = Throttling::Off;
        self
    }

    /// How long a worker may take for one workflow task. Default 10 s; zero means the default.
    pub fn workflow_task_timeout(mut self, timeout: Duration) -> Simulation {
        Arc::make_mut(&mut self.setup).settings.workflow_task_timeout = timeout;
        self
    }

    /// The end of virtual time: a run that is not over by then ends with [`RunError::Horizon`]. Default 30 days.
    pub fn horizon(mut self, horizon: Duration) -> Simulation {
        let setup = Arc::make_mut(&mut self.setup);
        if horizon.is_zero() {
            setup.mistakes.push("the horizon is zero: nothing could happen before it".to_owned());
        }
        setup.settings.horizon = Time::ZERO + horizon;
        self
    }

    /// How often a task may be polled without time passing before the run ends with [`RunError::Busy`]. Default 10,000.
    pub fn poll_budget(mut self, polls: u32) -> Simulation {
        let setup = Arc::make_mut(&mut self.setup);
        if polls == 0 {
            setup.mistakes.push("the poll budget is zero: nothing could run".to_owned());
        }
        setup.settings.poll_budget = polls;
        self
    }

    /// How many events a run's trace may have before it ends with [`RunError::TooLong`], also within one poll of an
    /// activity whose loop never waits; and how much one workflow may ask for, and one run spawn. Default 5 million, for
    /// which a run takes some 700 MB with its trace and histories.
    pub fn event_budget(mut self, events: usize) -> Simulation {
        let setup = Arc::make_mut(&mut self.setup);
        if events == 0 {
            setup.mistakes.push("the event budget is zero: nothing could happen".to_owned());
        }
        setup.settings.event_budget = events;
        self
    }

    /// Which faults strike where, with which seed and order.
    pub fn plan(mut self, plan: Plan) -> Simulation {
        self.plan = plan;
        self.random_faults = false;
        self
    }

    /// Draws the faults from this seed, as [`Exploration::seeds`] does, instead of taking them from a plan.
    /// [`Run::plan`] then says which ones struck.
    pub fn random_faults(mut self, seed: u64) -> Simulation {
        self.plan = Plan::none().with_seed(seed).with_order(self.plan.order);
        self.random_faults = true;
        self
    }

    /// The seed of the order of ready tasks and of user code's random numbers. Default 0.
    pub fn seed(mut self, seed: u64) -> Simulation {
        self.plan.seed = seed;
        self
    }

    /// Which of several ready tasks runs first. Default first in, first out.
    pub fn order(mut self, order: Order) -> Simulation {
        self.plan.order = order;
        self
    }

    /// Runs a workflow once, from its start until it has closed and no attempt runs.
    ///
    /// An entry of the plan whose point the run does not come to is in [`Run::not_fired`].
    ///
    /// # Errors
    /// [`RunError`]: a mistake in the simulation, code that breaks a rule, a run that does not end. A workflow that fails
    /// is no error but an [outcome](Run::outcome).
    pub fn run(&self, workflow: &str, input: &(impl Serialize + ?Sized)) -> Result<Run, RunError> {
        let start = self.start(workflow, input);
        let finished = if self.random_faults {
            start.run_swarm(self.plan.seed, self.plan.order, false)
        } else {
            start.run(&self.plan)
        };
        finished.into_result()
    }

    /// Runs a workflow with every fault, then with faults drawn from seeds, and judges each run. See [`Exploration`].
    ///
    /// A [plan](Simulation::plan), [seed](Simulation::seed), [order](Simulation::order) or
    /// [random faults](Simulation::random_faults) of the simulation's own are for single runs: the report is an error then.
    pub fn explore(&self, workflow: &str, input: &(impl Serialize + ?Sized)) -> Exploration {
        Exploration::new(self.start(workflow, input), self.not_for_explorations())
    }

    /// Runs a script once: it starts workflows, sleeps in virtual time, signals, queries, cancels and waits. The run is over
    /// when the script is done, all workflows have closed and no attempt runs. Workflows that the script leaves waiting for
    /// something that never comes stay open.
    ///
    /// Plan, seed and order are the simulation's ([`Simulation::plan`]). The script may borrow from the test, and its
    /// panics are the test's.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use durasim::{Simulation, WorkflowContext, WorkflowError};
    /// # async fn nap(ctx: &WorkflowContext, seconds: u64) -> Result<u64, WorkflowError> {
    /// #     ctx.sleep(Duration::from_secs(seconds)).await?;
    /// #     Ok(seconds)
    /// # }
    /// let simulation = Simulation::temporal().workflow("nap", nap);
    /// let (slept, run) = simulation
    ///     .drive(async |client| {
    ///         let nap = client.start::<u64>("nap", "nap-1", &3600).await?;
    ///         client.sleep(Duration::from_secs(60)).await;
    ///         nap.result().await
    ///     })
    ///     .unwrap();
    /// assert_eq!((slept, run.virtual_time().as_nanos() / 1_000_000_000), (Ok(3600), 3600));
    /// ```
    ///
    /// # Errors
    /// As [`Simulation::run`]; and [`RunError::ScriptStuck`] when the script waits for something that never comes.
    pub fn drive<R, Fut>(&self, script: impl FnOnce(Client) -> Fut) -> Result<(R, Run), RunError>
    where
        Fut: Future<Output = R>,
    {
        let start = Start::new(self.setup.clone(), Origin::Driven);
        let mut returned = None;
        let finished = {
            let mut future = std::pin::pin!(async {
                returned = Some(script(Client::new()).await);
            });
            start.drive(&self.plan, self.random_faults, future.as_mut())
        };
        let run = finished.into_result()?;
        match returned {
            Some(returned) => Ok((returned, run)),
            None => Err(RunError::ScriptStuck { at: run.virtual_time(), waiting: "the run is over".to_owned() }),
        }
    }

    /// Explores a script as [`Simulation::explore`] explores a workflow: what it returns takes the place of the workflow's
    /// outcome. It is written `async |client| ..`, and runs once for each run of the exploration. It returns a value that
    /// implements `Serialize`, or a `Result` of one, in which `?` works on the client's calls: see [`ScriptOutput`].
    pub fn explore_script<R, F, Kind>(&self, script: F) -> Exploration
    where
        R: ScriptOutput<Kind>,
        F: AsyncFn(Client) -> R + Send + Sync + 'static,
    {
        let script = Arc::new(script);
        let make = move || -> LocalScript {
            let script = script.clone();
            Box::pin(async move { script(Client::new()).await.to_payload() })
        };
        let start = Start::new(self.setup.clone(), Origin::Script(Arc::new(make)));
        Exploration::new(start, self.not_for_explorations())
    }

    /// The call that says something about a single run: an exploration has plans, seeds and orders of its own.
    fn not_for_explorations(&self) -> Option<&'static str> {
        if self.random_faults {
            Some(".random_faults(..)")
        } else if !self.plan.is_empty() {
            Some(".plan(..)")
        } else if self.plan.seed != 0 {
            Some(".seed(..)")
        } else if self.plan.order != Order::default() {
            Some(".order(..)")
        } else {
            None
        }
    }

    pub(crate) fn start(&self, workflow: &str, input: &(impl Serialize + ?Sized)) -> Start {
        let input = Payload::from_json(input)
            .map_err(|why| RunError::Input { workflow: workflow.to_owned(), why: why.to_string() });
        let registered = self.setup.workflows.get_key_value(workflow).map(|(name, _)| name.clone());
        let workflow = registered.unwrap_or_else(|| workflow.into());
        Start::new(self.setup.clone(), Origin::Workflow { workflow, input })
    }
}

/// One worker of a simulation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorkerOptions {
    /// The task queue it polls for workflow and activity tasks. Default `default`, which is also where workflows run and
    /// where activities go that name no other.
    pub task_queue: String,
    /// How many attempts it runs at once; 0, the default, means no limit.
    pub max_concurrent_activities: u32,
}

impl Default for WorkerOptions {
    fn default() -> WorkerOptions {
        WorkerOptions { task_queue: DEFAULT_TASK_QUEUE.to_owned(), max_concurrent_activities: 0 }
    }
}

fn check_name(kind: &str, name: &str, mistakes: &mut Vec<String>) {
    if name.is_empty() {
        mistakes.push(format!("an {kind} is registered under an empty name").replace("an workflow", "a workflow"));
    }
}
