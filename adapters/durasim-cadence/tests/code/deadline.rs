//! A deadline without durasim-wallclock, which this program does not have: std's clock is the machine's.

use crabdance_activity::ActivityContext;
use crabdance_core::ActivityOptions;
use crabdance_workflow::{ActivityError, ActivityFailureType, TimeoutType, WorkflowContext, WorkflowError};
use durasim::Simulation;
use durasim_cadence::CadenceExt;

use super::{call, millis, secs};

/// Would stop in time, if its clock went.
async fn items(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
    for item in 0..count {
        if ctx.is_cancelled() || ctx.get_remaining_time().is_some_and(|remaining| remaining < millis(200)) {
            return Ok(item);
        }
        tokio::time::sleep(millis(50)).await;
        ctx.record_heartbeat(None);
    }
    Ok(count)
}

async fn main(ctx: &mut WorkflowContext, count: u32) -> Result<bool, WorkflowError> {
    let options =
        ActivityOptions { schedule_to_close_timeout: secs(5), heartbeat_timeout: secs(2), ..Default::default() };
    match call::<_, u32>(ctx, "items", count, options).await {
        Err(WorkflowError::ActivityFailed(info)) => Ok(info.failure_type
            == ActivityFailureType::Timeout(TimeoutType::StartToClose)
            || info.failure_type == ActivityFailureType::Timeout(TimeoutType::ScheduleToClose)),
        other => other.map(|_| false),
    }
}

#[test]
fn the_machines_clock_is_not_the_runs() {
    let simulation = Simulation::cadence().cadence_activity("items", items).cadence_workflow("main", main);
    let run = simulation.run("main", &120).unwrap();
    assert_eq!(run.result::<bool>(), Ok(true), "the service has given it up: {}", run.timeline());
    let closed = run.activities()[0].closed_at.unwrap().since_epoch();
    assert!(closed >= secs(5) && closed < millis(5_010), "{closed:?}");
}
