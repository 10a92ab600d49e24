//! Plans that proptest draws strike, also in later attempts, and shrink to the fewest and earliest faults.

use std::collections::BTreeSet;
use std::time::Duration;

use durasim::fault::{Plan, Site};
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Ledger, RetryPolicy, Simulation, WorkflowContext, strategy,
};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};

#[derive(Default)]
struct Target {
    rows: Ledger<u32>,
}

async fn copy(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
    let target = durasim::state::<Target>();
    for row in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..rows {
        durasim::time::sleep(Duration::from_secs(5)).await;
        durasim::effect("write", || target.rows.record(row))?;
        ctx.heartbeat(&(row + 1))?;
    }
    Ok(rows)
}

fn copying(maximum_attempts: i32) -> Simulation {
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(3_600),
        heartbeat_timeout: Duration::from_secs(30),
        retry_policy: Some(RetryPolicy { maximum_attempts, ..Default::default() }),
        ..Default::default()
    };
    Simulation::temporal()
        .activity("copy", copy)
        .state(Target::default)
        .no_heartbeat_throttle()
        .workflow("copying", async move |ctx: &WorkflowContext, rows: u32| {
            ctx.execute_activity::<u32>("copy", &rows, options.clone()).await
        })
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config {
        cases,
        rng_seed: RngSeed::Fixed(11),
        max_shrink_iters: 10_000,
        failure_persistence: None,
        ..Config::default()
    })
}

fn plans(simulation: &Simulation, count: usize) -> Vec<Plan> {
    let (mut runner, strategy) = (runner(0), strategy::plan(simulation, "copying", &6u32));
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

/// The smallest plan to which a plan must shrink, if `fails` says which runs fail.
fn smallest(simulation: &Simulation, fails: impl Fn(&durasim::Run) -> bool) -> Vec<String> {
    let strategy = strategy::plan(simulation, "copying", &6u32);
    let result = runner(5_000).run(&strategy, |plan| {
        let run = simulation.clone().plan(plan).run("copying", &6u32)?;
        if fails(&run) { Err(TestCaseError::fail("found")) } else { Ok(()) }
    });
    match result {
        Err(TestError::Fail(_, plan)) => plan.entries.iter().map(ToString::to_string).collect(),
        other => panic!("not found: {other:?}"),
    }
}

#[test]
fn plans_are_various_and_most_of_their_faults_strike() {
    let simulation = copying(5);
    let plans = plans(&simulation, 500);
    let (mut faults, mut struck, mut later) = (0, 0, 0);
    let mut sizes = BTreeSet::new();
    for plan in &plans {
        let points: BTreeSet<_> = plan.entries.iter().map(|entry| &entry.point).collect();
        assert_eq!(points.len(), plan.entries.len(), "{plan}");
        assert_eq!(plan.to_string().parse::<Plan>().as_ref(), Ok(plan));
        sizes.insert(plan.entries.len());
        let run = simulation.clone().plan(plan.clone()).run("copying", &6u32).unwrap();
        faults += plan.entries.len();
        struck += run.plan().entries.len();
        later += run.plan().entries.iter().filter(|entry| entry.point.attempt > Some(1)).count();
    }
    assert_eq!(sizes, BTreeSet::from([0, 1, 2, 3, 4]));
    assert!(struck * 2 > faults, "{struck} of {faults} strike");
    assert!(later * 10 > struck, "{later} of {struck} strike a later attempt");
}

#[test]
fn no_attempt_is_struck_that_the_policy_does_not_allow() {
    let attempts = |maximum: i32| {
        let plans = plans(&copying(maximum), 500);
        let entries = plans.iter().flat_map(|plan| &plan.entries);
        entries.filter_map(|entry| entry.point.attempt).collect::<BTreeSet<u32>>()
    };
    assert_eq!(attempts(1), BTreeSet::from([1]));
    assert_eq!(attempts(2), BTreeSet::from([1, 2]));
    assert_eq!(attempts(0), BTreeSet::from([1, 2, 3, 4]));
}

#[test]
fn a_failure_shrinks_to_one_fault_at_the_earliest_point() {
    // Row 0 is done twice if the first attempt ends between its effect and its heartbeat, or goes on as a zombie.
    let plan = smallest(&copying(5), |run| run.state::<Target>().rows.count(&0) > 1);
    assert_eq!(plan.len(), 1, "{plan:?}");
    let first = ["await1", "deadline1", "effect1", "heartbeat1"].map(|site| format!("copy#1@1:{site}="));
    assert!(first.iter().any(|point| plan[0].starts_with(point)), "{plan:?}");
}

#[test]
fn a_failure_that_needs_two_attempts_to_end_shrinks_to_two_faults() {
    let plan = smallest(&copying(5), |run| run.activities()[0].attempts.len() > 2);
    assert_eq!(plan.len(), 2, "{plan:?}");
    assert!(plan[0].starts_with("copy#1@1:") && plan[1].starts_with("copy#1@2:"), "{plan:?}");
}

#[test]
fn workflow_tasks_are_points_too() {
    let plans = plans(&copying(5), 500);
    assert!(plans.iter().flat_map(|plan| &plan.entries).any(|entry| matches!(entry.point.site, Site::Task(_))));
}

#[test]
#[should_panic(expected = "the run without faults fails")]
fn without_a_run_there_are_no_plans() {
    let _ = strategy::plan(&copying(5), "moving", &6u32);
}
