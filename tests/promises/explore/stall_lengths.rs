//! The lengths of stalls follow from the run without faults, never from the stalls before them.

use std::time::Duration;

use durasim::fault::Fault;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Client, RetryPolicy, Run, Simulation, WorkflowContext,
    WorkflowError, check,
};

const START_TO_CLOSE: Duration = Duration::from_secs(3_600);

async fn copy(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
    for row in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..rows {
        durasim::time::sleep(Duration::from_secs(1)).await;
        ctx.heartbeat(&(row + 1))?;
    }
    Ok(rows)
}

async fn copying(ctx: &WorkflowContext, rows: u32) -> Result<u32, WorkflowError> {
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(7_200),
        start_to_close_timeout: START_TO_CLOSE,
        heartbeat_timeout: Duration::from_secs(30),
        retry_policy: Some(RetryPolicy { maximum_attempts: 5, ..Default::default() }),
        ..Default::default()
    };
    ctx.execute_activity("copy", &rows, options).await
}

fn simulation() -> Simulation {
    Simulation::temporal().activity("copy", copy).workflow("copying", copying)
}

#[test]
fn seeds_alone_do_not_fail_a_copy_of_300_rows() {
    simulation().explore("copying", &300u32).seeds(0..300).check(check::same_result()).assert();
}

/// A second past the end of the attempt is the longest one worth trying.
#[track_caller]
fn are_bounded(run: &Run) {
    for entry in run.plan().entries {
        if let Fault::Stall(length) | Fault::Freeze(length) | Fault::Delayed(length) = entry.fault {
            assert!(length <= START_TO_CLOSE + Duration::from_secs(1), "{entry} of seed {}", run.plan().seed);
        }
    }
}

#[test]
fn no_stall_is_longer_than_the_attempt_may_take() {
    for seed in 0..100 {
        are_bounded(&simulation().random_faults(seed).run("copying", &300u32).unwrap());
    }
}

#[test]
fn so_it_is_where_a_script_drives_the_run() {
    for seed in 0..100 {
        let script = async |client: Client| {
            let copying = client.start::<u32>("copying", "c-1", &300u32).await.unwrap();
            copying.result().await.is_ok()
        };
        are_bounded(&simulation().random_faults(seed).drive(script).unwrap().1);
    }
}
