//! Plans of many faults, and explorations of many points: the lines of the growth bench that are about them.

use std::hint::black_box;
use std::time::Duration;

use durasim::fault::Plan;
use durasim::{Run, Simulation, WorkflowContext, WorkflowError, check};

/// A workflow that waits for so many timers, one after the other.
fn timers() -> Simulation {
    let timers = async |ctx: &WorkflowContext, count: u32| -> Result<(), WorkflowError> {
        for _ in 0..count {
            ctx.sleep(Duration::from_secs(1)).await?;
        }
        Ok(())
    };
    Simulation::temporal().workflow("timers", timers)
}

/// The text of a plan of so many faults.
pub fn text(faults: u32) -> String {
    let entries: Vec<String> = (1..=faults).map(|timer| format!("timers#1:timer{timer}=delayed(1ms)")).collect();
    format!("v1 seed=0 order=fifo; {}", entries.join("; "))
}

/// Reads a plan and prints it.
pub fn read_and_print(text: &str) -> usize {
    let plan: Plan = text.parse().expect("a plan");
    black_box(plan.to_string()).len()
}

/// Makes a run in which every fault of a plan of [`text`] strikes.
pub fn strike(plan: &Plan) -> Run {
    let count = u32::try_from(plan.entries.len()).expect("a number of timers");
    timers().plan(plan.clone()).run("timers", &count).expect("it ends")
}

/// Explores a workflow of so many timers by one seed, whose points are read for the coverage.
pub fn points(count: u32) {
    let check = check::named("anything", |_: &Run| {});
    let report = timers().explore("timers", &count).named("growth").threads(1).seeds(0..1).check(check).report();
    assert!(report.holds(), "{report}");
}
