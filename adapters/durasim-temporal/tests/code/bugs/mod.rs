//! Bugs of published code, planted as code of the SDK: each is found and shrunk, and nothing is said of its corrected twin.
//! Their numbers, and the same bugs in native code, are those of `tests/bugs` of durasim.

mod bucket;
mod corrected;
mod planted;

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use durasim::{Exploration, Ledger, Simulation, check};
use durasim_temporal::{SimulationExt, sdk_activities};
use serde::{Deserialize, Serialize};
use temporalio_common::UntypedActivity;
use temporalio_common::data_converters::RawValue;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use temporalio_sdk::{ActivityCancellationType, ActivityOptions, WorkflowContext, WorkflowResult};

use self::bucket::{Bucket, Upload};
use self::corrected::Corrected;
use self::planted::WithBug;
use crate::seconds;

/// The time that a row takes.
const ROW: Duration = Duration::from_secs(5);

/// Longer than the 24 s for which the worker holds heartbeats back, so that each is visible at once.
const LONG_ROW: Duration = Duration::from_secs(25);

/// The place to which the activities write, and the file that they read.
struct Target {
    rows: Ledger<u32>,
    input: Cell<bool>,
}

impl Default for Target {
    fn default() -> Target {
        Target { rows: Ledger::default(), input: Cell::new(true) }
    }
}

/// Takes its time, then writes a row.
async fn write(row: u32, takes: Duration) -> Result<(), ActivityError> {
    tokio::time::sleep(takes).await;
    let target = durasim::handle::<Target>();
    Ok(durasim::effect("write", || target.with(|target| target.rows.record(row)))?)
}

fn open_input() -> Result<(), ActivityError> {
    if durasim::handle::<Target>().with(|target| target.input.get()) {
        Ok(())
    } else {
        Err(anyhow::anyhow!("no such file: input.csv").into())
    }
}

/// A task that heartbeats until it is dropped: with the last words of the activity, or with nothing.
struct AutoHeartbeat(tokio::task::JoinHandle<()>);

impl AutoHeartbeat {
    fn start(ctx: ActivityContext, last: Option<Arc<AtomicU32>>) -> AutoHeartbeat {
        AutoHeartbeat(tokio::spawn(async move {
            loop {
                tokio::time::sleep(seconds(7)).await;
                let _ = match &last {
                    Some(last) => ctx.record_heartbeat(last.load(Ordering::Relaxed)).await,
                    None => ctx.record_heartbeat(()).await,
                };
            }
        }))
    }
}

impl Drop for AutoHeartbeat {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Rows {
    done: u32,
    #[serde(default)]
    fixed: Vec<u32>,
    #[serde(default)]
    checksum: u32,
}

impl Rows {
    /// The same with another row.
    fn and(&self, row: u32) -> Rows {
        let checksum = self.checksum.wrapping_mul(31).wrapping_add(row + 7);
        Rows { done: row + 1, fixed: Vec::new(), checksum }
    }
}

/// How many rows there are, and in which batches.
#[derive(Clone, Serialize, Deserialize)]
struct Work {
    activity: String,
    rows: u32,
}

/// One activity under a policy of four attempts and a heartbeat timeout of 30 s. After a cancel it waits for the end of the
/// activity.
#[workflow]
#[derive(Default)]
struct Copying;

#[workflow_methods]
impl Copying {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>, work: Work) -> WorkflowResult<String> {
        let policy = temporalio_common::RetryPolicy::builder().maximum_attempts(4).build();
        let options = ActivityOptions::with_schedule_to_close_timeout(seconds(1_800))
            .heartbeat_timeout(seconds(30))
            .cancellation_type(ActivityCancellationType::WaitCancellationCompleted)
            .retry_policy(policy)
            .build();
        let rows = RawValue::from_value(&work.rows, ctx.payload_converter());
        let copied = ctx.execute_activity(UntypedActivity::new(work.activity), rows, options).await?;
        Ok(copied.to_value(ctx.payload_converter()))
    }
}

/// It has 100 s for all its attempts. A time that was too short is no failure.
#[workflow]
#[derive(Default)]
struct Working;

#[workflow_methods]
impl Working {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>, work: Work) -> WorkflowResult<bool> {
        let policy = temporalio_common::RetryPolicy::builder().maximum_attempts(4).build();
        let options = ActivityOptions::with_schedule_to_close_timeout(seconds(100))
            .heartbeat_timeout(seconds(20))
            .retry_policy(policy)
            .build();
        let rows = RawValue::from_value(&work.rows, ctx.payload_converter());
        Ok(ctx.execute_activity(UntypedActivity::new(work.activity), rows, options).await.is_ok())
    }
}

/// It does not wait for the end of its activity after a cancel.
#[workflow]
#[derive(Default)]
struct Rendering;

#[workflow_methods]
impl Rendering {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>, work: Work) -> WorkflowResult<String> {
        let policy = temporalio_common::RetryPolicy::builder().maximum_attempts(4).build();
        let options = ActivityOptions::with_start_to_close_timeout(seconds(300)).retry_policy(policy).build();
        let rows = RawValue::from_value(&work.rows, ctx.payload_converter());
        let rendered = ctx.execute_activity(UntypedActivity::new(work.activity), rows, options).await?;
        Ok(rendered.to_value(ctx.payload_converter()))
    }
}

fn simulation() -> Simulation {
    let simulation = Simulation::temporal().state(Target::default).state(Bucket::default);
    let simulation = sdk_activities!(
        simulation,
        || WithBug,
        [
            WithBug::last_step_is_done_again,
            WithBug::checkpoint_before_the_work,
            WithBug::earlier_results_are_missing,
            WithBug::result_is_made_in_the_loop,
            WithBug::goes_on_near_the_deadline,
            WithBug::heartbeats_only_when_it_divides,
            WithBug::checkpoint_is_never_read,
            WithBug::background_heartbeat_erases_the_checkpoint,
            WithBug::input_is_deleted_whatever_happens,
            WithBug::cancel_is_swallowed,
            WithBug::upload_is_gone,
            WithBug::never_hears_of_a_cancel
        ]
    );
    sdk_activities!(
        simulation,
        || Corrected,
        [
            Corrected::last_step_is_done_again,
            Corrected::checkpoint_before_the_work,
            Corrected::earlier_results_are_missing,
            Corrected::result_is_made_in_the_loop,
            Corrected::goes_on_near_the_deadline,
            Corrected::heartbeats_only_when_it_divides,
            Corrected::checkpoint_is_never_read,
            Corrected::background_heartbeat_erases_the_checkpoint,
            Corrected::input_is_deleted_whatever_happens,
            Corrected::cancel_is_swallowed,
            Corrected::upload_is_gone,
            Corrected::never_hears_of_a_cancel
        ]
    )
    .heartbeat_type::<Rows>()
    .heartbeat_type::<Upload>()
    .sdk_workflow::<Copying>()
    .sdk_workflow::<Working>()
    .sdk_workflow::<Rendering>()
}

/// The checks of most: the result is always the same, no checkpoint is lost, and each row is written.
fn checked(exploration: Exploration, activity: &str) -> Exploration {
    exploration
        .check(check::same_result())
        .check(check::progress(activity, measure))
        .check(check::effects(|target: &Target| &target.rows))
}

/// How far a checkpoint is, whether it is a number or has more.
fn measure(details: &serde_json::Value) -> u64 {
    details.as_u64().or_else(|| details["done"].as_u64()).expect("a number, or a field `done`")
}

/// Explores one of them, under its name in `WithBug` or in `Corrected`.
fn explored(type_name: &str, name: &str) -> Exploration {
    let activity = format!("{type_name}::{name}");
    let explore = |workflow: &str, rows: u32| {
        simulation().explore(workflow, &Work { activity: activity.clone(), rows }).named(name)
    };
    match name {
        "last_step_is_done_again" => explore("Copying", 8)
            .check(
                check::effects(|target: &Target| &target.rows)
                    .covered_by(activity.clone(), |last: &u32, row: &u32| row <= last),
            )
            .check(check::progress(activity.clone(), measure))
            .check(check::same_result()),
        "result_is_made_in_the_loop" => checked(explore("Copying", 6), &activity),
        "upload_is_gone" => {
            let work = Work { activity, rows: 4 };
            simulation().no_heartbeat_throttle().explore("Copying", &work).named(name)
        }
        // The worker holds heartbeats back for 30 s, and a row takes 10 s.
        "never_hears_of_a_cancel" => explore("Rendering", 12).check(check::hears_cancel(seconds(45))),
        // Too little time is a result.
        "goes_on_near_the_deadline" => explore("Working", 10)
            .without("same_result")
            .check(check::progress(activity.clone(), measure))
            .check(check::stops_in_time(ROW).before_deadline(Duration::ZERO)),
        "heartbeats_only_when_it_divides" => explore("Copying", 60)
            .check(check::same_result())
            .check(check::effects(|target: &Target| &target.rows))
            .check(check::progress(activity.clone(), measure).at_most(27)),
        "input_is_deleted_whatever_happens" => explore("Copying", 8)
            .check(check::completes())
            .check(check::same_result())
            .check(check::progress(activity.clone(), measure)),
        _ => checked(explore("Copying", 8), &activity),
    }
}

/// Each bug: its number, its name, the check that notices it, and the smallest plan, without the name of the activity.
const BUGS: [(u32, &str, &str, &str); 12] = [
    (1, "last_step_is_done_again", "effects", "await2=fail"),
    (2, "checkpoint_before_the_work", "effects", "await1=fail"),
    (3, "earlier_results_are_missing", "same_result", "await2=fail"),
    (4, "result_is_made_in_the_loop", "same_result", "heartbeat6=crash_after_sent"),
    (5, "goes_on_near_the_deadline", "stops_in_time", "await3=freeze(46s)"),
    (6, "heartbeats_only_when_it_divides", "progress", ""),
    // Each attempt counts as having looked, so that one that begins anew is noticed once its first checkpoint is behind.
    (7, "checkpoint_is_never_read", "progress", "await3=fail"),
    (8, "background_heartbeat_erases_the_checkpoint", "progress", ""),
    (9, "input_is_deleted_whatever_happens", "completes", "effect1=crash_after"),
    (12, "cancel_is_swallowed", "same_result", "await1=cancel"),
    (16, "upload_is_gone", "completes", "effect6=fail_applied"),
    (18, "never_hears_of_a_cancel", "hears_cancel", "await1=cancel"),
];

#[test]
fn each_is_found_and_shrunk() {
    for (number, name, check, plan) in BUGS {
        let report = explored("WithBug", name).every_fault().report();
        assert!(report.error().is_none() && !report.holds(), "bug {number} was not found:\n{report}");
        let failed = &report.failures()[0];
        assert!(failed.is_smallest, "{}", failed.text);
        let entries: Vec<String> = failed.plan.entries.iter().map(ToString::to_string).collect();
        let expected = if plan.is_empty() { String::new() } else { format!("WithBug::{name}#1@1:{plan}") };
        assert_eq!((failed.check.as_str(), entries.join("; ")), (check, expected), "bug {number}\n{}", failed.text);
    }
}

#[test]
fn nothing_is_said_of_their_twins() {
    for (number, name, ..) in BUGS {
        let report = explored("Corrected", name).every_fault().every_pair().budget(300).seeds(0..300).report();
        let texts: Vec<&str> = report.failures().iter().map(|failed| failed.text.as_str()).collect();
        assert!(report.error().is_none() && report.holds(), "twin of bug {number}:\n{report}\n{}", texts.join("\n"));
    }
}
