//! Pairs of faults find what no single one does, and a budget still sees something of every kind.

use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, AttemptEnd, Exploration, RetryPolicy, Run, Simulation,
    WorkflowContext, WorkflowError, check,
};

/// Charges in three steps, and stops when it is cancelled. With the planted bug a retry forgets to look.
async fn charge(ctx: &ActivityContext, forgetful: bool) -> Result<(), ActivityError> {
    let looks = !forgetful || ctx.get_info().attempt == 1;
    for _ in 0..3 {
        durasim::time::sleep(Duration::from_secs(1)).await;
        if looks && ctx.is_cancelled() {
            return Err(ActivityError::Cancelled);
        }
        ctx.record_heartbeat(None);
    }
    Ok(())
}

async fn order(ctx: &WorkflowContext, forgetful: bool) -> Result<(), WorkflowError> {
    let options = ActivityOptions {
        start_to_close_timeout: Duration::from_secs(60),
        heartbeat_timeout: Duration::from_millis(1_200),
        cancellation_type: durasim::program::CancellationType::WaitCancellationCompleted,
        retry_policy: Some(RetryPolicy { maximum_attempts: 5, ..Default::default() }),
        ..Default::default()
    };
    ctx.execute_activity("charge", &forgetful, options).await
}

fn explore(forgetful: bool) -> Exploration {
    Simulation::temporal()
        .activity("charge", charge)
        .workflow("order", order)
        .explore("order", &forgetful)
        .check(check::same_result())
        .check(
            check::named("heeds a cancel", |run: &Run| {
                for attempt in run.activities().iter().flat_map(|activity| &activity.attempts) {
                    let goes_on =
                        attempt.cancelled_at.is_some_and(|at| attempt.ended_at > Some(at + Duration::from_secs(1)));
                    assert!(!(goes_on && attempt.end == AttemptEnd::Completed), "attempt {} goes on", attempt.number);
                }
            })
            .all_runs(),
        )
}

#[test]
fn a_bug_that_needs_two_faults_is_found_and_both_are_named() {
    let singles = explore(true).every_fault().report();
    assert!(singles.holds(), "{singles}");
    let pairs = explore(true).every_pair().report();
    let failed = &pairs.failures()[0];
    assert_eq!(failed.check, "heeds a cancel");
    let plan: Vec<String> = failed.plan.entries.iter().map(ToString::to_string).collect();
    assert_eq!(plan.len(), 2, "{plan:?}");
    // It is told to stop by a cancel, or because it is given up while it is slow.
    let tells = ["=cancel", "=slow(2)"].iter().any(|fault| plan[1].ends_with(fault));
    assert!(plan[1].starts_with("charge#1@2:") && tells, "{plan:?}");
    assert!(failed.found_by_run < 1_000, "novel pairs come first: found by run {}", failed.found_by_run);
}

#[test]
fn all_pairs_of_its_twin_hold_and_are_counted() {
    let report = explore(false).every_fault().every_pair().budget(u64::MAX).report();
    let failures: String = report.failures().iter().map(|failed| failed.text.clone()).collect();
    assert!(report.holds(), "{report}\n{failures}");
    let pairs = &report.parts()[2];
    assert_eq!((pairs.name.as_str(), pairs.sampled), ("every pair", None));
    assert!(pairs.tally.runs > 10 * report.parts()[1].tally.runs, "{report}");
}

#[test]
fn a_budget_is_kept_and_told() {
    let report = explore(false).every_pair().budget(300).report();
    let pairs = &report.parts()[1];
    assert_eq!(pairs.tally.runs, 300);
    let (tried, there) = pairs.sampled.expect("not all were tried");
    assert!(tried == 300 && there > 1_000, "{report}");
    assert!(report.to_string().contains(&format!("300 of {there} pairs, by novelty")), "{report}");
    let none = explore(false).every_pair().budget(0).report();
    assert!(none.error().is_some_and(|error| error.to_string().contains("budget for pairs is zero")), "{none}");
}
