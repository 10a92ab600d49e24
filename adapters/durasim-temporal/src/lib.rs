//! Code written for the [Temporal Rust SDK](https://crates.io/crates/temporalio-sdk) runs inside a [durasim] simulation as
//! it is: `#[activities]` and `#[workflow]`, on tokio, in virtual time, under every fault, and the same again each time.
//!
//! ```
//! use std::time::Duration;
//!
//! use durasim::{Simulation, check};
//! use durasim_temporal::SimulationExt;
//! use temporalio_macros::{activities, workflow, workflow_methods};
//! use temporalio_sdk::activities::{ActivityContext, ActivityError};
//! use temporalio_sdk::{ActivityOptions, WorkflowContext, WorkflowResult};
//!
//! pub struct Files;
//!
//! #[activities]
//! impl Files {
//!     #[activity]
//!     pub async fn copy(ctx: ActivityContext, parts: u32) -> Result<u32, ActivityError> {
//!         let done: u32 = ctx.heartbeat_details().deserialize()?.unwrap_or(0);
//!         for part in done..parts {
//!             tokio::time::sleep(Duration::from_millis(700)).await;
//!             ctx.record_heartbeat(part + 1).await?;
//!         }
//!         Ok(parts)
//!     }
//! }
//!
//! #[workflow]
//! #[derive(Default)]
//! pub struct Backup;
//!
//! #[workflow_methods]
//! impl Backup {
//!     #[run]
//!     pub async fn run(ctx: &mut WorkflowContext<Self>, parts: u32) -> WorkflowResult<u32> {
//!         let options = ActivityOptions::with_start_to_close_timeout(Duration::from_secs(60))
//!             .heartbeat_timeout(Duration::from_secs(5))
//!             .build();
//!         Ok(ctx.execute_activity(Files::copy, parts, options).await?)
//!     }
//! }
//!
//! Simulation::temporal()
//!     .sdk_activity(Files::copy, || Files)
//!     .sdk_workflow::<Backup>()
//!     .explore("Backup", &5)
//!     .every_fault()
//!     .check(check::same_result())
//!     .check(check::progress("Files::copy", |part: &u32| *part))
//!     .assert();
//! ```
//!
//! # Activities
//!
//! The context is the SDK's own, of its environment for tests. The instance is made once for each worker's process of each run:
//! what its fields hold is lost when the worker crashes, and never comes from another run. tokio's clock is the run's, see
//! [durasim_tokio].
//!
//! Heartbeat details of the types of std that one expects are known; others are made known with
//! [`heartbeat_type`](SimulationExt::heartbeat_type). They travel through the payload converter, so that code which reads
//! another type than it wrote is found. A heartbeat of `()` erases the checkpoint, as in production: it has no payload.
//!
//! The SDK does not tell when code looks at its heartbeat details. Every attempt counts as having looked, so that
//! [`check::progress`](durasim::check::progress) never says that a checkpoint was not read: it compares the first
//! checkpoint that an attempt records with the one that it was given.
//!
//! A panic is a failure of type `Panic`, with its place, where the SDK's worker makes an untyped one of it.
//!
//! # Workflows
//!
//! `#[init]`, `#[run]`, signals, queries, timers, activities with all types of cancellation, cancellation tokens, `patched`
//! and `deprecate_patch`, the workflow's clock, random numbers and uuids, conditions, selects and joins, child workflows,
//! continue-as-new, signals to other workflows and their cancellation, and workflow interceptors are the SDK's own code. A run
//! has the memo, search attributes and headers with which it was started, and hands them on as the SDK's worker does; those that a
//! workflow sets are written into its history. Local activities run within the workflow task, with the SDK's own timer before an
//! attempt whose backoff is over the threshold; the SDK gives each that has none a schedule-to-close timeout of 100 s. Updates and
//! Nexus end the run with an error that names them.
//!
//! ```
//! use std::time::Duration;
//!
//! use durasim::Simulation;
//! use durasim_temporal::SimulationExt;
//! use temporalio_macros::{workflow, workflow_methods};
//! use temporalio_sdk::{ChildWorkflowOptions, ContinueAsNewOptions, WorkflowContext, WorkflowResult};
//!
//! /// Reminds once a day, with a history for each day.
//! #[workflow]
//! #[derive(Default)]
//! pub struct Subscription;
//!
//! #[workflow_methods]
//! impl Subscription {
//!     #[run]
//!     pub async fn run(ctx: &mut WorkflowContext<Self>, day: u32) -> WorkflowResult<u32> {
//!         ctx.timer(Duration::from_secs(24 * 3_600)).await;
//!         if day < 7 {
//!             ctx.continue_as_new(day + 1, ContinueAsNewOptions::default())?;
//!         }
//!         Ok(day)
//!     }
//! }
//!
//! #[workflow]
//! #[derive(Default)]
//! pub struct Reader;
//!
//! #[workflow_methods]
//! impl Reader {
//!     #[run]
//!     pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<u32> {
//!         let options = ChildWorkflowOptions::workflow_id("subscription".to_owned());
//!         let subscription = ctx.start_child_workflow(Subscription::run, 1_u32, options).await?;
//!         Ok(subscription.result().await?)
//!     }
//! }
//!
//! let simulation = Simulation::temporal().sdk_workflow::<Subscription>().sdk_workflow::<Reader>();
//! let run = simulation.run("Reader", &()).unwrap();
//! assert_eq!(run.result::<u32>(), Ok(7));
//! ```
//!
//! They follow the SDK's worker where it does something else than its documents say. `WaitCancellationRequested` waits for the end
//! of the child, as `WaitCancellationCompleted` does. A child that is cancelled with `TryCancel` or `Abandon` while the
//! service starts it never tells its start: code that waits for that waits for ever. A signal to another workflow inherits
//! the cancel of its workflow, and is not sent by a cancelled one unless it has a cancellation token of its own.
//!
//! # Orders, deploys and what dies with a worker
//!
//! [`every_order`](durasim::Exploration::every_order) tries other orders of the timers, signals and ends of activities that a
//! workflow observes. [`deploy`](durasim::Simulation::deploy) takes the new code under the name of the old: a workflow has
//! `#[run(name = "Backup")]`, an activity `#[activity(name = "Files::copy")]`. A version may make its own instances, and make
//! [`heartbeat_type`](SimulationExt::heartbeat_type)s known. Files on a worker's disk are a
//! [`worker_state`](durasim::Simulation::worker_state), which fakes reach with
//! [`worker_handle`](durasim::worker_handle()).
//!
//! ```
//! # use durasim::Simulation;
//! # use durasim_temporal::SimulationExt;
//! # use temporalio_macros::{activities, workflow, workflow_methods};
//! # use temporalio_sdk::activities::{ActivityContext, ActivityError};
//! # use temporalio_sdk::{ActivityOptions, WorkflowContext, WorkflowResult};
//! # use std::time::Duration;
//! # struct Steps;
//! # #[activities]
//! # impl Steps {
//! #     #[activity]
//! #     async fn pack(_ctx: ActivityContext) -> Result<(), ActivityError> { Ok(()) }
//! #     #[activity]
//! #     async fn weigh(_ctx: ActivityContext) -> Result<(), ActivityError> { Ok(()) }
//! # }
//! # fn options() -> ActivityOptions { ActivityOptions::start_to_close_timeout(Duration::from_secs(10)) }
//! # #[workflow]
//! # #[derive(Default)]
//! # struct Order;
//! # #[workflow_methods]
//! # impl Order {
//! #     #[run]
//! #     async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
//! #         Ok(ctx.execute_activity(Steps::pack, (), options()).await?)
//! #     }
//! # }
//! /// Weighs what it packs, but for orders that had begun before.
//! #[workflow]
//! #[derive(Default)]
//! struct WeighedOrder;
//!
//! #[workflow_methods]
//! impl WeighedOrder {
//!     #[run(name = "Order")]
//!     async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
//!         if ctx.patched("weigh") {
//!             ctx.execute_activity(Steps::weigh, (), options()).await?;
//!         }
//!         Ok(ctx.execute_activity(Steps::pack, (), options()).await?)
//!     }
//! }
//!
//! Simulation::temporal()
//!     .sdk_activity(Steps::pack, || Steps)
//!     .sdk_workflow::<Order>()
//!     .deploy(|simulation| simulation.sdk_activity(Steps::weigh, || Steps).sdk_workflow::<WeighedOrder>())
//!     .explore("Order", &())
//!     .every_fault()
//!     .every_order()
//!     .assert();
//! ```
//!
//! # Clients
//!
//! [`connect`] gives a script a client of the SDK, and `ctx.client()` gives it to activities: code that starts workflows
//! runs as it is.
//!
//! # Names
//!
//! Activities and workflows have the names that they have in production: `Files::copy`, `Backup`, or what an attribute says.
//!
//! # What is not simulated
//!
//! Activity interceptors are not called, since options of workers do not show them. Payload codecs that change payloads are
//! refused. Clocks of std need durasim-wallclock.

mod activity;
mod client;
mod failure;
mod payload;
mod place;
mod policy;
mod retry;
mod sdk;
mod settings;
mod worker;
mod workflow;

use durasim::Simulation;
use durasim_tokio::SimulationExt as _;
use temporalio_common::WorkflowDefinition;
use temporalio_common::data_converters::{DataConverter, TemporalSerializable};
use temporalio_sdk::WorkerOptions;
use temporalio_sdk::activities::ExecutableActivity;
use temporalio_workflow::workflow_interceptors::WorkflowInterceptorConstructor;
use temporalio_workflow::workflows::WorkflowImplementation;

pub use activity::Instances;
use activity::SdkActivity;
pub use client::connect;
use settings::{Settings, keeps_payloads};
use workflow::SdkWorkflow;

/// Adds code of the Temporal SDK to a [`Simulation`]. The first call of any of these gives it tokio as well, unless it has
/// a host.
pub trait SimulationExt: Sized {
    /// Registers an activity, by the method that `#[activities]` makes a marker of, and the way to make the instance: once
    /// for each worker's process of each run, after the state of the run was made.
    fn sdk_activity<A: ExecutableActivity + 'static>(
        self,
        activity: A,
        make: impl Fn() -> A::Implementer + Send + Sync + 'static,
    ) -> Simulation {
        self.sdk_activity_of(activity, &Instances::new(make))
    }

    /// Registers an activity that shares its instance with others. The macro [`sdk_activities!`] calls this.
    fn sdk_activity_of<A: ExecutableActivity + 'static>(
        self,
        activity: A,
        instances: &Instances<A::Implementer>,
    ) -> Simulation;

    /// Registers a workflow.
    fn sdk_workflow<W: WorkflowImplementation + 'static>(self) -> Simulation
    where
        <W::Run as WorkflowDefinition>::Input: Send;

    /// Makes a type of heartbeat details known. A run in which an activity records details of an unknown type ends with an
    /// error.
    fn heartbeat_type<T: TemporalSerializable + 'static>(self) -> Simulation;

    /// Converts with this converter, as the client of the worker does. One whose codec changes payloads is refused by the
    /// first run: codecs are not simulated. The codec is tried with payloads of several sorts, of up to a mebibyte; one that
    /// leaves all of these as they are is accepted, and never called.
    fn data_converter(self, converter: DataConverter) -> Simulation;

    /// Adds a workflow interceptor, as the worker's options do.
    fn workflow_interceptor(self, interceptor: WorkflowInterceptorConstructor) -> Simulation;

    /// Adds a worker with those of its options that matter here: the fixed number of its activity slots, the intervals of
    /// the heartbeat throttle, the size of the workflow cache (zero makes each task a replay), and the graceful period of
    /// its shutdown. All but the slots are then those of all workers. The worker polls the default task queue, on which the
    /// simulation's workflows run, whatever its own is called.
    ///
    /// Options that are built do not show the activities, workflows and interceptors that they have. Activities, workflows and
    /// workflow interceptors are registered with the methods above; activity interceptors are not called.
    ///
    /// The first run refuses `detect_nondeterministic_futures(false)`, `workflow_failure_errors` and
    /// `workflow_types_to_failure_errors`. The other options, such as rates, pollers, eager starts, identity and deployment,
    /// make no difference here.
    fn sdk_worker(self, options: &WorkerOptions) -> Simulation;
}

impl SimulationExt for Simulation {
    fn sdk_activity_of<A: ExecutableActivity + 'static>(
        self,
        activity: A,
        instances: &Instances<A::Implementer>,
    ) -> Simulation {
        change(self, |_| ()).activity_program(SdkActivity::new(&activity, instances))
    }

    fn sdk_workflow<W: WorkflowImplementation + 'static>(self) -> Simulation
    where
        <W::Run as WorkflowDefinition>::Input: Send,
    {
        change(self, |_| ()).workflow_program(SdkWorkflow::<W>::new())
    }

    fn heartbeat_type<T: TemporalSerializable + 'static>(self) -> Simulation {
        change(self, |settings| settings.heartbeat_types.add::<T>())
    }

    fn data_converter(self, converter: DataConverter) -> Simulation {
        if !keeps_payloads(&converter) {
            return self.mistake(
                "the data converter has a payload codec that changes payloads, which is not simulated: give the simulation the \
                 payload converter and the failure converter with a codec that leaves payloads as they are, such as \
                 `DefaultPayloadCodec`",
            );
        }
        change(self, |settings| {
            settings.client = client::client(&converter);
            settings.converter = converter;
        })
    }

    fn workflow_interceptor(self, interceptor: WorkflowInterceptorConstructor) -> Simulation {
        change(self, |settings| settings.interceptors.push(interceptor))
    }

    fn sdk_worker(self, options: &WorkerOptions) -> Simulation {
        worker::add(self, options)
    }
}

/// Changes the settings of a simulation. The first change brings tokio, unless the simulation has a host.
fn change(simulation: Simulation, change: impl FnOnce(&mut Settings)) -> Simulation {
    let mut had_tokio = false;
    let simulation = simulation.extension(|settings: &mut Settings| {
        had_tokio = std::mem::replace(&mut settings.has_tokio, true);
        change(settings);
    });
    if had_tokio || simulation.has_host() { simulation } else { simulation.tokio() }
}

/// Registers several activities of one type, which share its instance in each worker's process.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU32, Ordering};
///
/// use durasim::Simulation;
/// use durasim_temporal::sdk_activities;
/// use temporalio_macros::activities;
/// use temporalio_sdk::activities::{ActivityContext, ActivityError};
///
/// #[derive(Default)]
/// struct Counter { count: AtomicU32 }
///
/// #[activities]
/// impl Counter {
///     #[activity]
///     async fn add(self: Arc<Self>, _ctx: ActivityContext, by: u32) -> Result<u32, ActivityError> {
///         Ok(self.count.fetch_add(by, Ordering::Relaxed) + by)
///     }
///
///     #[activity]
///     async fn get(self: Arc<Self>, _ctx: ActivityContext) -> Result<u32, ActivityError> {
///         Ok(self.count.load(Ordering::Relaxed))
///     }
/// }
///
/// let simulation = sdk_activities!(Simulation::temporal(), Counter::default, [Counter::add, Counter::get]);
/// ```
#[macro_export]
macro_rules! sdk_activities {
    ($simulation:expr, $make:expr, [$($activity:expr),+ $(,)?]) => {{
        let instances = $crate::Instances::new($make);
        let simulation = $simulation;
        $(let simulation = $crate::SimulationExt::sdk_activity_of(simulation, $activity, &instances);)+
        simulation
    }};
}
