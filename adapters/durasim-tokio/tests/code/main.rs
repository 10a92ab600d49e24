//! Code that is written for tokio, in a simulation.

mod bad_input;
mod blocking;
mod select;
mod sync;
mod tasks;
mod timers;
mod versions;
mod watchdog;
mod workers;

use std::time::Duration;

use durasim::{
    ActivityFn, ActivityOptions, Exploration, RetryPolicy, Simulation, WorkflowContext, WorkflowError, check,
};
use durasim_tokio::SimulationExt;

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Retried as often as any plan needs, and told of a dead worker after 5 s.
fn options() -> ActivityOptions {
    ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(3_600),
        heartbeat_timeout: Duration::from_secs(5),
        retry_policy: Some(RetryPolicy { maximum_attempts: 10, ..Default::default() }),
        ..Default::default()
    }
}

/// A workflow `main` with one activity, which takes no input and returns a number.
fn simulation(code: impl ActivityFn<(), u64>) -> Simulation {
    Simulation::temporal().tokio().activity("code", code).workflow("main", async |ctx: &WorkflowContext, (): ()| {
        let result: Result<u64, WorkflowError> = ctx.execute_activity("code", &(), options()).await;
        result
    })
}

/// The result of a run without faults.
#[track_caller]
fn result(code: impl ActivityFn<(), u64>) -> u64 {
    simulation(code).run("main", &()).unwrap().result().unwrap()
}

/// The same result under every fault and under a hundred seeds.
fn explored(code: impl ActivityFn<(), u64>) -> Exploration {
    let exploration = simulation(code).explore("main", &()).every_fault().seeds(0..100);
    // The codes say how far they are, and begin anew.
    exploration.without("progress").check(check::same_result())
}

/// Milliseconds since the attempt began.
struct Since(tokio::time::Instant);

impl Since {
    fn now() -> Since {
        Since(tokio::time::Instant::now())
    }

    fn millis(&self) -> u64 {
        self.0.elapsed().as_millis() as u64
    }
}

/// The clocks of tokio and of the run agree.
fn clocks_agree(since: &Since, begin: durasim::Time) {
    assert_eq!(since.0.elapsed(), durasim::time::now() - begin);
}
