//! A worker's death must be noticed while there is time for a retry.

use std::time::Duration;

use durasim::{ActivityOptions, Exploration, RetryPolicy, Simulation, WorkflowContext, check};

use super::{Target, holds, resumes, violates, write};

fn copying(options: ActivityOptions) -> Exploration {
    Simulation::temporal()
        .activity("copy", resumes)
        .activity("quiet", async |_: &durasim::ActivityContext, row: u32| write(row).await.map(|()| row))
        .state(Target::default)
        .no_heartbeat_throttle()
        .workflow("copying", async move |ctx: &WorkflowContext, rows: u32| {
            let all = ctx.execute_activity::<u32>("copy", &rows, options.clone()).await?;
            Ok::<u32, durasim::WorkflowError>(all + ctx.execute_activity::<u32>("quiet", &rows, quiet()).await?)
        })
        .explore("copying", &3u32)
        .named("copying")
        .every_fault()
}

fn quiet() -> ActivityOptions {
    ActivityOptions { start_to_close_timeout: Duration::from_secs(20), ..Default::default() }
}

fn within_ten_minutes() -> ActivityOptions {
    ActivityOptions { schedule_to_close_timeout: Duration::from_secs(600), ..Default::default() }
}

#[test]
fn an_activity_that_only_its_schedule_to_close_timeout_ends_is_told_what_it_lacks() {
    let report = copying(within_ten_minutes()).check(check::same_result()).check(check::protected()).report();
    let failed = &report.failures()[0];
    assert_eq!(
        (failed.check.as_str(), failed.violation.kind.as_str()),
        ("protected", "not noticed"),
        "{}",
        failed.text
    );
    assert!(
        failed.violation.message.ends_with(
            "of copy was lost, and nothing but the schedule-to-close timeout ended it: it has no `heartbeat_timeout` that \
             is shorter, though it heartbeats"
        ),
        "{}",
        failed.text
    );
    assert_eq!(failed.plan.entries.len(), 1, "{}", failed.text);
    // Without it, such runs are excused.
    holds(copying(within_ten_minutes()).check(check::same_result()).check(check::protected().of("quiet")));
}

#[test]
fn either_timeout_is_enough() {
    let with = |heartbeat, start_to_close| ActivityOptions {
        heartbeat_timeout: Duration::from_secs(heartbeat),
        start_to_close_timeout: Duration::from_secs(start_to_close),
        ..within_ten_minutes()
    };
    holds(copying(with(30, 0)).check(check::protected()));
    holds(copying(with(0, 60)).check(check::protected()));
    // A timeout as long as all of them together is as good as none.
    violates(copying(with(0, 600)).check(check::protected()), "protected", "not noticed");
    violates(copying(with(900, 0)).check(check::protected()), "protected", "not noticed");
}

#[test]
fn where_no_retry_is_allowed_none_is_lost() {
    let once = RetryPolicy { maximum_attempts: 1, ..Default::default() };
    holds(copying(ActivityOptions { retry_policy: Some(once), ..within_ten_minutes() }).check(check::protected()));
}

#[test]
fn an_activity_without_heartbeats_is_told_to_have_a_start_to_close_timeout() {
    let report = Simulation::temporal()
        .activity("quiet", async |_: &durasim::ActivityContext, row: u32| write(row).await)
        .state(Target::default)
        .workflow("quietly", async |ctx: &WorkflowContext, row: u32| {
            ctx.execute_activity::<()>("quiet", &row, within_ten_minutes()).await
        })
        .explore("quietly", &1u32)
        .named("quietly")
        .every_fault()
        .check(check::protected())
        .report();
    let failed = &report.failures()[0];
    assert!(failed.violation.message.contains("no `start_to_close_timeout` that is shorter"), "{}", failed.text);
}
