//! Options of the SDK's worker.

use durasim::Simulation;
use temporalio_sdk::WorkerOptions;
use temporalio_sdk::runtime::worker_tuner::{SlotSupplier, WorkerTuner};

/// Adds a worker with these options.
pub(crate) fn add(simulation: Simulation, options: &WorkerOptions) -> Simulation {
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
