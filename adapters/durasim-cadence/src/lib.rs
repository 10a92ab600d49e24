//! Activities and workflows that are written for the Cadence Rust client (`crabdance_*` 0.3.0) run inside a [durasim]
//! simulation as they are: in virtual time, under every fault, and the same again each time.
//!
//! Code registers itself here as it does with a worker:
//!
//! ```
//! use std::time::Duration;
//! use crabdance::activity::ActivityContext;
//! use crabdance::core::{ActivityOptions, RetryPolicy};
//! use crabdance::macros::{activity, call_activity, workflow};
//! use crabdance::worker::{ActivityError, Registry, WorkflowError};
//! use crabdance::workflow::WorkflowContext;
//! use durasim::{Simulation, check};
//! use durasim_cadence::CadenceExt;
//!
//! #[activity(name = "copy")]
//! async fn copy(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
//!     let saved = ctx.get_heartbeat_details().map(serde_json::from_slice::<u32>);
//!     let first = saved.transpose().map_err(ActivityError::execution_failed_error)?.unwrap_or(0);
//!     for row in first..rows {
//!         tokio::time::sleep(Duration::from_millis(700)).await;
//!         ctx.record_heartbeat(Some((row + 1).to_string().as_bytes()));
//!     }
//!     Ok(rows)
//! }
//!
//! #[workflow(name = "copying")]
//! async fn copying(ctx: WorkflowContext, rows: u32) -> Result<u32, WorkflowError> {
//!     let options = ActivityOptions {
//!         schedule_to_close_timeout: Duration::from_secs(600),
//!         heartbeat_timeout: Duration::from_secs(5),
//!         retry_policy: Some(RetryPolicy { expiration_interval: Duration::from_secs(600), ..Default::default() }),
//!         ..Default::default()
//!     };
//!     call_activity!(ctx, copy, rows, options).await
//! }
//!
//! fn register_all(registry: &dyn Registry) {
//!     copy_cadence::register(registry);
//!     copying_cadence::register(registry);
//! }
//!
//! fn main() {
//!     Simulation::cadence()
//!         .registered(register_all)
//!         .explore("copying", &5)
//!         .every_fault()
//!         .check(check::same_result())
//!         .check(check::progress("copy", |row: &u32| *row))
//!         .assert();
//! }
//! ```
//!
//! # What runs
//!
//! Activities run in durasim-tokio, so tokio's timers, tasks and blocking calls follow the run. Workflows run as the
//! client's own dispatcher runs them: activities, timers, signals, queries, side effects, versions, cancellation, spawned
//! tasks and channels, children, continue-as-new, and messages to other workflows. Local activities and schedules end the
//! run with an error that names them.
//!
//! Workers and errors follow Cadence's Go worker. The worker that is published with the client does some things in another way:
//! `docs/cadence.md` of the repository lists them, and what of the client is not as in production.
//!
//! # Deadlines
//!
//! `ctx.get_remaining_time()` asks std's clock. With durasim-wallclock that clock is the run's. Without, an attempt sees
//! the time that it had at its start, which shrinks with the machine's clock: code that comes near a limit by it is not
//! the same again.

mod activity;
mod activity_error;
mod ground;
mod instance;
mod options;
mod other_error;
mod queries;
mod registry;
mod resources;
mod sink;
mod waiting;
mod wake;
mod workflow;
mod workflow_error;

use std::sync::Arc;

use crabdance_activity::ActivityContext;
use crabdance_worker::registry::Registry;
use crabdance_workflow::context::WorkflowContext;
use crabdance_workflow::{DefaultActivityError, DefaultWorkflowError};
use durasim::program::PerProcess;
use durasim::{Simulation, Time};
use durasim_tokio::SimulationExt;
use serde::Serialize;
use serde::de::DeserializeOwned;

use resources::No;

/// Adds code of the Cadence Rust client to a [`Simulation`], which should be one of [`Simulation::cadence`].
///
/// Each method gives the simulation a tokio runtime if it has none: [`tokio_with`](SimulationExt::tokio_with), for its
/// options, comes before.
pub trait CadenceExt: Sized {
    /// Adds all that is registered as with a worker: what `#[activity]` and `#[workflow]` of the client make, and
    /// implementations of its traits by hand.
    ///
    /// `ctx.resources()` is `None` in these activities. The second version of a [deploy](Simulation::deploy) is registered in
    /// the same way: `.deploy(|simulation| simulation.registered(new::register_all))`.
    fn registered(self, register: impl FnOnce(&dyn Registry)) -> Simulation;

    /// As [`registered`](CadenceExt::registered), for activities with resources. `make` makes them for each process of a
    /// worker in each run, when one of these activities first begins there, which is after the
    /// [state](Simulation::state) of the run was made. If it panics, the run ends with an error. They are lost when the
    /// process crashes, and dropped when it stops. Those of another call are others, also if their type is the same: a second
    /// version has its own.
    ///
    /// Workflows have no resources here.
    fn registered_with<R: Send + Sync + 'static>(
        self,
        make: impl Fn() -> R + Send + Sync + 'static,
        register: impl FnOnce(&dyn Registry),
    ) -> Simulation;

    /// Adds an activity: an `async fn(&ActivityContext, Input) -> Result<Output, ActivityError>` of the client. Input and
    /// output travel as JSON.
    fn cadence_activity<I, O, F>(self, name: impl Into<String>, activity: F) -> Simulation
    where
        F: AsyncFn(&ActivityContext, I) -> Result<O, DefaultActivityError> + Send + Sync + 'static,
        I: DeserializeOwned + 'static,
        O: Serialize + 'static;

    /// Adds a workflow: an `async fn(&mut WorkflowContext, Input) -> Result<Output, WorkflowError>` of the client. Input
    /// and output travel as JSON.
    fn cadence_workflow<I, O, F>(self, name: impl Into<String>, workflow: F) -> Simulation
    where
        F: AsyncFn(&mut WorkflowContext, I) -> Result<O, DefaultWorkflowError> + Send + Sync + 'static,
        I: DeserializeOwned + 'static,
        O: Serialize + 'static;
}

impl CadenceExt for Simulation {
    fn registered(self, register: impl FnOnce(&dyn Registry)) -> Simulation {
        registry::add(hosted(self), register, &No)
    }

    fn registered_with<R: Send + Sync + 'static>(
        self,
        make: impl Fn() -> R + Send + Sync + 'static,
        register: impl FnOnce(&dyn Registry),
    ) -> Simulation {
        registry::add(hosted(self), register, &PerProcess::new(move || Arc::new(make())))
    }

    fn cadence_activity<I, O, F>(self, name: impl Into<String>, activity: F) -> Simulation
    where
        F: AsyncFn(&ActivityContext, I) -> Result<O, DefaultActivityError> + Send + Sync + 'static,
        I: DeserializeOwned + 'static,
        O: Serialize + 'static,
    {
        hosted(self).activity_program(activity::function(name.into(), activity))
    }

    fn cadence_workflow<I, O, F>(self, name: impl Into<String>, workflow: F) -> Simulation
    where
        F: AsyncFn(&mut WorkflowContext, I) -> Result<O, DefaultWorkflowError> + Send + Sync + 'static,
        I: DeserializeOwned + 'static,
        O: Serialize + 'static,
    {
        hosted(self).workflow_program(workflow::function(name.into(), workflow))
    }
}

/// The simulation with a tokio runtime.
fn hosted(simulation: Simulation) -> Simulation {
    if simulation.has_host() { simulation } else { simulation.tokio() }
}

/// A moment of the run as the client's infos say it.
fn utc(time: Time) -> chrono::DateTime<chrono::Utc> {
    time.to_system_time().into()
}
