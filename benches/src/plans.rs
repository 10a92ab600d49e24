//! Plans of many faults, and explorations of many points: the lines of the growth bench that are about them.

use std::hint::black_box;
use std::time::Duration;

use durasim::fault::Plan;
use durasim::{ActivityContext, ActivityOptions, Run, Simulation, WorkflowContext, WorkflowError, check};

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
fn text(faults: u32) -> String {
    let entries: Vec<String> = (1..=faults).map(|timer| format!("timers#1:timer{timer}=delayed(1ms)")).collect();
    format!("v1 seed=0 order=fifo; {}", entries.join("; "))
}

/// Reads a plan of so many faults and prints it.
pub fn read_and_print(faults: u32) {
    let text = text(faults);
    let plan: Plan = text.parse().expect("a plan");
    assert_eq!(black_box(plan.to_string()), text);
}

/// Makes a run in which so many faults of a plan strike.
pub fn strike(faults: u32) {
    let plan: Plan = text(faults).parse().expect("a plan");
    let run = timers().plan(plan.clone()).run("timers", &faults).expect("it ends");
    assert_eq!(black_box(run).plan(), plan);
}

/// Explores, by one seed, an activity of so many steps that resumes: the points of its run without faults are read, and what
/// strikes costs a step each. (Each crash of a workflow of many steps would cost a replay of them all.)
pub fn points(count: u32) {
    let steps = async |ctx: &ActivityContext, count: u32| {
        for step in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..count {
            durasim::time::sleep(Duration::from_secs(1)).await;
            ctx.heartbeat(&(step + 1))?;
        }
        Ok(count)
    };
    let main = async |ctx: &WorkflowContext, count: u32| -> Result<u32, WorkflowError> {
        let options = ActivityOptions {
            start_to_close_timeout: Duration::from_secs(1_000_000),
            heartbeat_timeout: Duration::from_secs(30),
            ..Default::default()
        };
        ctx.execute_activity("steps", &count, options).await
    };
    let simulation = Simulation::temporal().activity("steps", steps).workflow("main", main);
    let check = check::named("anything", |_: &Run| {});
    let report = simulation.explore("main", &count).named("growth").threads(1).seeds(0..1).check(check).report();
    assert!(report.holds() && black_box(report.coverage().there()) > 0, "{report}");
}
