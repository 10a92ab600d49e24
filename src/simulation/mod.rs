//! [`Simulation`]: the configured world.

mod activity;
mod numbers;
mod replay;
mod runs;

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::activity::{ActivityFn, NativeActivity};
use crate::fault::{Order, Plan};
use crate::program::{ActivityProgram, Decode, Ground, Host, WorkflowProgram};
use crate::service::Dialect;
use crate::workflow::{NativeWorkflow, WorkflowFn};
use crate::world::setup::Setup;
use crate::world::states::StateMaker;

pub use numbers::WorkerOptions;
pub use replay::{ReplayError, ReplayFileError, ReplayedHistory, ReplaysError};

/// The configured world: activities, workflows, the state of the outside, and the numbers of service and worker.
///
/// A simulation is a value. Running it does not change it, and the same simulation, input and plan give the same run.
/// Mistakes in putting it together are reported by the first [`run`](Simulation::run) or exploration.
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
    plan: Option<Plan>,
    /// The seed from which faults are drawn.
    random_faults: Option<u64>,
    seed: Option<u64>,
    order: Option<Order>,
    /// The makers of the new version: one, unless that is a mistake.
    new_versions: Vec<NewVersion>,
}

/// Makes the new version of a simulation.
#[derive(Clone)]
struct NewVersion(Arc<dyn Fn(Simulation) -> Simulation + Send + Sync>);

impl fmt::Debug for NewVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewVersion")
    }
}

impl Simulation {
    /// Makes a world whose service follows Temporal Server 1.32, and whose workers follow Temporal's sdk-core.
    pub fn temporal() -> Simulation {
        Simulation::of(Dialect::Temporal)
    }

    /// Makes a world whose service and workers follow Cadence's rules: those of its server and its Go client, taken
    /// from their sources and **not recorded** from a real server, as traces and timelines say. [`Dialect`] lists the
    /// differences from Temporal, which include the meaning of options and the number that activity code sees for an
    /// attempt.
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
        Simulation::of(Dialect::Cadence)
    }

    /// Makes a world of this dialect: [`temporal`](Simulation::temporal) or [`cadence`](Simulation::cadence).
    pub fn of(dialect: Dialect) -> Simulation {
        let setup = Arc::new(Setup::of(dialect));
        Simulation { setup, plan: None, random_faults: None, seed: None, order: None, new_versions: Vec::new() }
    }

    /// The dialect whose rules it follows.
    pub fn dialect(&self) -> Dialect {
        self.setup.dialect()
    }

    /// Registers an activity: an `async fn(&ActivityContext, Input) -> Result<Output, ActivityError>`. Input and output
    /// travel as JSON.
    pub fn activity<I, O, F>(self, name: impl Into<String>, activity: F) -> Simulation
    where
        F: ActivityFn<I, O>, // `async fn(&ActivityContext, Input) -> Result<Output, ActivityError>`
        I: Decode,
        O: Serialize + 'static,
    {
        self.add_activity(Arc::new(NativeActivity::new(name.into(), activity)))
    }

    /// Registers an activity that takes and gives bytes as they are.
    pub fn activity_bytes<F>(self, name: impl Into<String>, activity: F) -> Simulation
    where
        F: ActivityFn<Vec<u8>, Vec<u8>>,
    {
        self.add_activity(Arc::new(NativeActivity::bytes(name.into(), activity)))
    }

    /// Registers an activity of another context type, hosted through the [seam](crate::program).
    pub fn activity_program(self, program: impl ActivityProgram + 'static) -> Simulation {
        self.add_activity(Arc::new(program))
    }

    fn add_activity(mut self, program: Arc<dyn ActivityProgram>) -> Simulation {
        Arc::make_mut(&mut self.setup).add_activity(program);
        self
    }

    /// Registers a workflow: an `async fn(&WorkflowContext, Input) -> Result<Output, WorkflowError>`. Input and output
    /// travel as JSON.
    pub fn workflow<I, O, F>(self, name: impl Into<String>, workflow: F) -> Simulation
    where
        F: WorkflowFn<I, O>, // `async fn(&WorkflowContext, Input) -> Result<Output, WorkflowError>`
        I: Decode,
        O: Serialize + 'static,
    {
        self.add_workflow(Arc::new(NativeWorkflow::new(name.into(), workflow)))
    }

    /// Registers a workflow that takes and gives bytes as they are.
    pub fn workflow_bytes<F>(self, name: impl Into<String>, workflow: F) -> Simulation
    where
        F: WorkflowFn<Vec<u8>, Vec<u8>>,
    {
        self.add_workflow(Arc::new(NativeWorkflow::bytes(name.into(), workflow)))
    }

    /// Registers a workflow of another context type, hosted through the [seam](crate::program).
    pub fn workflow_program(self, program: impl WorkflowProgram + 'static) -> Simulation {
        self.add_workflow(Arc::new(program))
    }

    fn add_workflow(mut self, program: Arc<dyn WorkflowProgram>) -> Simulation {
        Arc::make_mut(&mut self.setup).add_workflow(program);
        self
    }

    /// Adds a piece of the outside world: made fresh for each run, reached with [`state`](crate::state()), untouched by
    /// crashes. There is one piece for each type; `T` need not be `Send`.
    ///
    /// Keep fakes here, and not in a static, a thread-local or a captured value: those are of the test's process, so they
    /// outlive the run as well as the crashes in it, and threads that explore share them.
    pub fn state<T: 'static>(mut self, make: impl Fn() -> T + Send + Sync + 'static) -> Simulation {
        Arc::make_mut(&mut self.setup).add_state(StateMaker::new(make));
        self
    }

    /// Adds something that lives in the memory, or on the disk, of a worker's process: a cache, a connection, downloaded
    /// files. Each process of each worker has its own, which is made when code in it first asks for it with
    /// [`worker_state`](crate::worker_state()). It is gone with its process: a crash runs no destructors before the run is
    /// over, while a stop runs them. There is one piece for each type; `T` need not be `Send`. [`Simulation::workers`] has
    /// two processes at once.
    ///
    /// ```
    /// use std::cell::Cell;
    /// use durasim::Simulation;
    ///
    /// #[derive(Default)]
    /// struct Cache { rate: Cell<Option<u32>> }
    ///
    /// let simulation = Simulation::temporal().worker_state(Cache::default).workers(2);
    /// ```
    pub fn worker_state<T: 'static>(mut self, make: impl Fn() -> T + Send + Sync + 'static) -> Simulation {
        Arc::make_mut(&mut self.setup).add_worker_state(StateMaker::new(make));
        self
    }

    /// Gives a second version of the code, which deploys put in place of the first: the fault `deploy` stops the workers at a
    /// workflow task or a dispatch, and starts them with it. Workflows in flight are then replayed by the new code, and
    /// attempts find the checkpoints of the old. [`every_fault`](crate::Exploration::every_fault), pairs and seeds try it. With
    /// several workers, `deploy(1)` is tried too: worker 1 alone gets the new version, and both serve one queue.
    ///
    /// `change` is given this simulation as it is in the end, whose activities and workflows it registers anew, or adds to;
    /// those that it leaves alone stay as they are. It may change the settings of an [adapter](Simulation::extension), which
    /// the new code reads. Settings, states, workers and the host cannot change: that is an error of the run. Without a
    /// [grace period](crate::Settings::graceful_shutdown_period) the workers die, else they stop as at the fault `stop`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use durasim::{ActivityContext, ActivityError, ActivityOptions, Simulation, WorkflowContext, WorkflowError};
    ///
    /// async fn step(_ctx: &ActivityContext, (): ()) -> Result<(), ActivityError> {
    ///     durasim::time::sleep(Duration::from_secs(1)).await;
    ///     Ok(())
    /// }
    ///
    /// fn options() -> ActivityOptions {
    ///     ActivityOptions { start_to_close_timeout: Duration::from_secs(10), ..Default::default() }
    /// }
    ///
    /// async fn order(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
    ///     ctx.execute_activity::<()>("pack", &(), options()).await?;
    ///     ctx.execute_activity("ship", &(), options()).await
    /// }
    ///
    /// // Weighs what it packs, but for orders that were packed before.
    /// async fn order_2(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
    ///     let weighs = ctx.version("weigh", WorkflowContext::DEFAULT_VERSION, 1) == 1;
    ///     ctx.execute_activity::<()>("pack", &(), options()).await?;
    ///     if weighs {
    ///         ctx.execute_activity::<()>("weigh", &(), options()).await?;
    ///     }
    ///     ctx.execute_activity("ship", &(), options()).await
    /// }
    ///
    /// Simulation::temporal()
    ///     .activity("pack", step)
    ///     .activity("ship", step)
    ///     .workflow("order", order)
    ///     .deploy(|simulation| simulation.activity("weigh", step).workflow("order", order_2))
    ///     .explore("order", &())
    ///     .every_fault()
    ///     .assert();
    /// ```
    ///
    /// Where both versions serve one queue, a worker of the old one may have to replay a history that the new one has
    /// written, and fail. The task is given out again, as by a server, until a worker of the new version takes it. Where the
    /// history has the marker of a version, that is as it should be. Without such a marker it is a finding of an exploration, as
    /// each failing task is: nothing protects the workflow from the code that it meets next.
    ///
    /// # How runs with a deploy are judged
    ///
    /// The reference is the run without faults on the old code. Beside it stands the run without faults on the new code, which
    /// has to end well too. If both end alike, so must every run with a deploy. Otherwise such a run may end as either of them,
    /// and, where both complete, with any other result, since an old workflow may have called new activities: such runs count
    /// as *ends otherwise*, and a wrong result among them is not noticed: name [`effects`](crate::check::effects) or a check of
    /// your own for it. All other ends are judged as without a deploy. A replay must ask for the same things; its arguments
    /// and options are not compared where two versions have written one history.
    pub fn deploy(mut self, change: impl Fn(Simulation) -> Simulation + Send + Sync + 'static) -> Simulation {
        self.new_versions.push(NewVersion(Arc::new(change)));
        self
    }

    /// Lets deploys be rolled back: behind a [`deploy`](Simulation::deploy), the fault `rollback` stops the workers and starts
    /// them with the old version again, which then finds the histories and the checkpoints of the new one. Pairs and seeds try
    /// it. Without a new version it is an error of the run.
    pub fn rollback(mut self) -> Simulation {
        Arc::make_mut(&mut self.setup).set_rolls_back();
        self
    }

    /// The setup with its new version, if there is one.
    fn setup(&self) -> Arc<Setup> {
        let [NewVersion(change)] = &self.new_versions[..] else {
            let mistake = match self.new_versions.len() {
                0 if !self.setup.rolls_back() => return self.setup.clone(),
                0 => "`.rollback()` goes back from a new version, and there is none: add `.deploy(|simulation| ..)`",
                _ => "the simulation has two new versions: `.deploy(..)` is said once",
            };
            let mut setup = Setup::clone(&self.setup);
            setup.add_mistake(mistake.to_owned());
            return Arc::new(setup);
        };
        let begun =
            Simulation { setup: Arc::new(self.setup.begin_new_version()), new_versions: Vec::new(), ..self.clone() };
        let new = change(begun);
        let mut setup = Setup::clone(&self.setup);
        if !new.new_versions.is_empty() {
            setup.add_mistake(
                "what `.deploy(..)` was given says `.deploy(..)` itself: two versions are enough".to_owned(),
            );
        }
        setup.set_new_version(Arc::unwrap_or_clone(new.setup));
        Arc::new(setup)
    }

    /// Lets a runtime of another crate keep time for the activities' code, such as tokio's: `make` is called for each run. An
    /// adapter calls this; code for tokio says `Simulation::tokio()` of durasim-tokio. Without a host, code of activities waits
    /// with [`time`](crate::time) only. An error of `make` is an error of the run.
    pub fn host(
        mut self,
        make: impl Fn(Ground) -> Result<Box<dyn Host>, String> + Send + Sync + 'static,
    ) -> Simulation {
        Arc::make_mut(&mut self.setup).set_host(Arc::new(make));
        self
    }

    /// Says whether a [`host`](Simulation::host) keeps time already. An adapter whose code needs one asks before it brings
    /// its own.
    pub fn has_host(&self) -> bool {
        self.setup.host().is_some()
    }

    /// Changes the settings of this type, which an adapter keeps in the simulation and reads where its code runs: see
    /// [`Extensions`](crate::program::Extensions). A new version of the code may have others: see
    /// [`deploy`](Simulation::deploy).
    pub fn extension<T: Clone + Default + Send + Sync + 'static>(mut self, change: impl FnOnce(&mut T)) -> Simulation {
        Arc::make_mut(&mut self.setup).change_extension(change);
        self
    }

    /// Notes a mistake in putting the simulation together, which an adapter has found. The first run ends with it, as with
    /// every other such mistake.
    ///
    /// ```
    /// use durasim::Simulation;
    ///
    /// let simulation = Simulation::temporal().mistake("the codec `zip` is not simulated: leave it away");
    /// assert!(simulation.run("anything", &()).unwrap_err().to_string().contains("the codec `zip`"));
    /// ```
    pub fn mistake(mut self, mistake: impl Into<String>) -> Simulation {
        Arc::make_mut(&mut self.setup).add_mistake(mistake.into());
        self
    }

    /// Calls this whenever the process of a worker is gone, with the number of the worker, from 1: it crashed, or it
    /// stopped. For fakes that notice a dead peer, such as a database that ends the transactions of a connection that is
    /// lost. It may use the [`state`](crate::state()) of the run.
    ///
    /// ```
    /// use std::cell::Cell;
    /// use durasim::Simulation;
    ///
    /// #[derive(Default)]
    /// struct Database { lock_is_held: Cell<bool> }
    ///
    /// let simulation = Simulation::temporal()
    ///     .state(Database::default)
    ///     .on_worker_gone(|_worker| durasim::state::<Database>().lock_is_held.set(false));
    /// ```
    pub fn on_worker_gone(mut self, watch: impl Fn(u32) + Send + Sync + 'static) -> Simulation {
        Arc::make_mut(&mut self.setup).add_worker_watch(Arc::new(watch));
        self
    }
}
