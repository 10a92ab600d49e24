//! Options of the SDK's worker.

use durasim::Simulation;
use temporalio_sdk::WorkerOptions;
use temporalio_sdk::runtime::worker_tuner::{SlotSupplier, WorkerTuner};

/// Adds a worker with these options.
pub(crate) fn add(simulation: Simulation, options: &WorkerOptions) -> Simulation {
    if let Some(mistake) = not_simulated(options) {
        return simulation.mistake(mistake);
    }
    let worker =
        durasim::WorkerOptions { max_concurrent_activities: activity_slots(&options.tuner), ..Default::default() };
    let simulation = simulation
        .worker(worker)
        .heartbeat_throttle(options.default_heartbeat_throttle_interval, options.max_heartbeat_throttle_interval)
        .cached_workflows(u32::try_from(options.max_cached_workflows).unwrap_or(u32::MAX));
    match options.graceful_shutdown_period {
        Some(period) => simulation.graceful_shutdown_period(period),
        None => simulation,
    }
}

/// Names an option without which the worker would do something else than the simulation.
fn not_simulated(options: &WorkerOptions) -> Option<&'static str> {
    if !options.detect_nondeterministic_futures {
        return Some(
            "the worker's option `detect_nondeterministic_futures(false)` is not simulated: a workflow that awaits something              else than its context always fails its task here. Leave the option away, and let the workflow wait for its context",
        );
    }
    if !options.workflow_failure_errors.is_empty() || !options.workflow_types_to_failure_errors.is_empty() {
        return Some(
            "the worker's options `workflow_failure_errors` and `workflow_types_to_failure_errors` are not simulated: an error of \
             these types always fails the task of the workflow here, and not the workflow. Leave the options away",
        );
    }
    None
}

/// The number of activities that run at once. A tuner that follows memory and processor has no number: zero, no limit.
fn activity_slots(tuner: &WorkerTuner) -> u32 {
    match tuner {
        WorkerTuner::TunerHolder(holder) => match &holder.activity_task_slot_supplier {
            SlotSupplier::FixedSize(supplier) => u32::try_from(supplier.num_slots).unwrap_or(u32::MAX),
            _ => 0,
        },
        _ => 0,
    }
}
