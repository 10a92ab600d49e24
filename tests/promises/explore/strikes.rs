//! Nearly every seed strikes, however small or large the run, and a restriction that leaves a kind of fault out is told.

use std::time::Duration;

use durasim::explore::Report;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Client, Exploration, RetryPolicy, Simulation, WorkflowContext,
    WorkflowError, check,
};

use super::{resilient, simulation, steps};

const SEEDS: u64 = 500;

fn seeds(exploration: Exploration) -> Report {
    let report = exploration.seeds(0..SEEDS).without_repeats().check(check::same_result()).report();
    assert!(report.error().is_none(), "{report}");
    report
}

#[track_caller]
fn strike(exploration: Exploration) {
    let report = seeds(exploration);
    let tally = &report.parts().last().expect("the seeds").tally;
    assert_eq!(tally.runs, SEEDS);
    // The rest are a few whose strike waits for a kind of site that comes no more.
    assert!(tally.struck >= SEEDS * 98 / 100, "{} of {SEEDS} strike\n{report}", tally.struck);
}

/// The options of an activity that is tried so often.
fn tried(maximum_attempts: i32) -> ActivityOptions {
    let retry_policy = Some(RetryPolicy { maximum_attempts, ..Default::default() });
    ActivityOptions { retry_policy, ..resilient() }
}

#[test]
fn in_small_runs_and_in_large_ones() {
    for count in [1, 3, 10, 100, 300] {
        strike(simulation(resilient()).explore("work", &count));
    }
}

#[test]
fn where_no_attempt_may_end() {
    strike(simulation(tried(1)).explore("work", &4u32));
    strike(simulation(tried(1)).explore("work", &100u32));
}

#[test]
fn in_a_workflow_without_activities() {
    async fn nap(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
        ctx.sleep(Duration::from_secs(1)).await
    }
    strike(Simulation::temporal().workflow("nap", nap).explore("nap", &()));
}

#[test]
fn in_scripts() {
    strike(simulation(resilient()).explore_script(async |client: Client| {
        let first = client.start::<u32>("work", "first", &3u32).await?;
        let second = client.start::<u32>("work", "second", &2u32).await?;
        Ok::<_, durasim::ClientError>((first.result().await, second.result().await))
    }));
}

/// The survey is made by each call of `run`, and once by an exploration.
#[test]
fn a_seed_is_the_same_run_wherever_it_is_asked_for() {
    let plan = |seed: u64| simulation(resilient()).random_faults(seed).run("work", &4u32).unwrap().plan().entries;
    for seed in (0..40).step_by(2) {
        let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let plans = seen.clone();
        let look = move |run: &durasim::Run| plans.lock().unwrap().push(run.plan().entries);
        let report = simulation(resilient())
            .explore("work", &4u32)
            .seeds(seed..seed + 1)
            .check(check::named("seen", look).all_runs())
            .report();
        assert!(report.failures().is_empty(), "{report}");
        assert!(seen.lock().unwrap().contains(&plan(seed)), "seed {seed}: {:?}", plan(seed));
    }
}

#[test]
fn a_script_that_is_driven_is_struck_too() {
    let strikes = |seed: &u64| {
        let script = async |client: Client| client.start::<u32>("work", "work", &10u32).await.unwrap().result().await;
        !simulation(resilient()).random_faults(*seed).drive(script).unwrap().1.plan().is_empty()
    };
    let struck = (0..200).filter(strikes).count();
    assert!(struck >= 150, "{struck} of 200");
}

#[test]
fn a_policy_that_leaves_all_ends_of_attempts_out_is_told() {
    let note = "  seeds: no attempt may end: use `.over_budget(..)`\n";
    let once = seeds(simulation(tried(1)).explore("work", &4u32)).to_string();
    assert!(once.contains(note), "{once}");
    assert!(seeds(simulation(tried(1)).explore("work", &4u32).over_budget(0.0)).to_string().contains(note));
    assert!(!seeds(simulation(tried(1)).explore("work", &4u32).over_budget(0.5)).to_string().contains("may end"));
    assert!(!seeds(simulation(tried(2)).explore("work", &4u32)).to_string().contains("may end"));
    let without_seeds = simulation(tried(1)).explore("work", &4u32).every_fault().check(check::same_result());
    assert!(!without_seeds.report().to_string().contains("may end"));
}

#[test]
fn one_activity_of_two_whose_attempts_may_not_end_is_named() {
    async fn charge(_ctx: &ActivityContext, (): ()) -> Result<(), ActivityError> {
        durasim::time::sleep(Duration::from_secs(1)).await;
        Ok(())
    }
    let both = async |ctx: &WorkflowContext, count: u32| -> Result<u32, WorkflowError> {
        ctx.execute_activity::<()>("charge", &(), tried(1)).await?;
        ctx.execute_activity("steps", &count, tried(3)).await
    };
    let simulation = Simulation::temporal().activity("charge", charge).activity("steps", steps).workflow("both", both);
    let report = seeds(simulation.explore("both", &4u32)).to_string();
    assert!(report.contains("  seeds: no attempt of `charge` may end: use `.over_budget(..)`\n"), "{report}");
}
