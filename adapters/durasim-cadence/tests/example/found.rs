//! Four faults of published activities, planted anew as code for the client: each is found, its plan is the smallest, and
//! nothing is said of the same code without it. `docs/bug-4.md` tells the first one's story.

use std::time::Duration;

use crabdance_activity::ActivityContext;
use crabdance_core::{ActivityOptions, RetryPolicy};
use crabdance_workflow::{ActivityError, WorkflowContext, WorkflowError};
use durasim::check::{self, Check};
use durasim::explore::Failed;
use durasim::{Exploration, Simulation};
use durasim_cadence::CadenceExt;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::app::deadline_aware::{DeadlineInput, DeadlineResult, ITEM_TIME, ITEMS_PER_HEARTBEAT, MARGIN, Progress};
use super::app::migrate_data::{MigrationInput, MigrationProgress, MigrationResult, RECORDS_PER_HEARTBEAT};
use super::app::process_large_file::process_large_file_activity_cadence;
use super::app::workflows::{data_migration_workflow_cadence, resilient_processing_workflow_cadence};
use super::{bug_4, judged};

/// The seeds and pairs that code without the fault is tried with.
const SEEDS: u64 = 300;
const PAIRS: u64 = 300;

/// The first failure of every fault: the check that fails, the kind of its violation, and the smallest plan, which is that of
/// all others too.
#[track_caller]
pub fn is_found(exploration: Exploration, check: &str, kind: &str, plan: &str) -> Failed {
    let report = exploration.every_fault().report();
    assert!(report.error().is_none(), "{report}");
    for failed in report.failures() {
        let entries: Vec<String> = failed.plan.entries.iter().map(ToString::to_string).collect();
        assert_eq!(entries.join("; "), plan, "\n{}", failed.text);
        assert!(failed.is_smallest, "{}", failed.text);
    }
    let Some(failed) = report.failures().first() else { panic!("the bug was not found:\n{report}") };
    assert_eq!((&*failed.check, &*failed.violation.kind), (check, kind), "\n{}", failed.text);
    failed.clone()
}

/// Nothing is said of it, whatever is tried.
#[track_caller]
pub fn is_silent(exploration: Exploration) {
    let report = exploration.every_fault().every_pair().budget(PAIRS).seeds(0..SEEDS).report();
    let texts: Vec<&str> = report.failures().iter().map(|failed| failed.text.as_str()).collect();
    assert!(report.holds(), "{}\n{report}", texts.join("\n"));
}

pub fn saved<T: DeserializeOwned + Default>(ctx: &ActivityContext) -> Result<T, ActivityError> {
    let saved = ctx.get_heartbeat_details().map(serde_json::from_slice);
    Ok(saved.transpose().map_err(ActivityError::execution_failed_error)?.unwrap_or_default())
}

pub fn save(ctx: &ActivityContext, progress: &impl Serialize) -> Result<(), ActivityError> {
    ctx.record_heartbeat(Some(&serde_json::to_vec(progress).map_err(ActivityError::execution_failed_error)?));
    Ok(())
}

/// Has an activity done, as the client's `call_activity!` has it.
pub async fn called<O: DeserializeOwned>(
    ctx: &WorkflowContext,
    activity: &str,
    input: &impl Serialize,
    options: ActivityOptions,
) -> Result<O, WorkflowError> {
    let input = serde_json::to_vec(input).map_err(WorkflowError::execution_failed_error)?;
    let output = ctx.execute_activity(activity, Some(input), options).await?;
    serde_json::from_slice(&output).map_err(WorkflowError::execution_failed_error)
}

/// The example's workflow for files, which is given three attempts.
fn files(simulation: Simulation, check: impl Check + 'static) -> Exploration {
    let simulation = simulation.registered(resilient_processing_workflow_cadence::register);
    simulation.explore("resilient_processing", &judged::file()).check(check)
}

/// The example's own activity.
fn without_the_fault() -> Simulation {
    Simulation::cadence().registered(process_large_file_activity_cadence::register)
}

// Bug 4: a result that is made in the loop.

#[test]
fn a_checksum_that_is_made_in_the_loop_is_wrong_when_nothing_is_left_to_do() {
    let simulation = Simulation::cadence().cadence_activity("process_large_file", bug_4::checksum_in_the_loop);
    let plan = "process_large_file#1@1:heartbeat4=crash_after_sent";
    let failed = is_found(files(simulation, check::same_result()), "same_result", "different result", plan);
    assert!(failed.text.contains("init-10") && failed.text.contains("checksum-9-10"), "{}", failed.text);

    is_silent(files(without_the_fault(), check::same_result()));
}

// Bug 5: a deadline that is seen and not heeded.

/// The time that a step takes. There are 300 s for 14 of them, so an attempt that begins late comes near the deadline. With
/// a retry policy Cadence's service gives it more time.
const STEP: Duration = Duration::from_secs(20);

/// No step is begun when less time is left.
const STEP_AND_MARGIN: Duration = Duration::from_secs(25);

/// Near its deadline it saves its progress, and stops, or `goes_on`.
async fn steps(ctx: &ActivityContext, count: u32, goes_on: bool) -> Result<u32, ActivityError> {
    let first: u32 = saved(ctx)?;
    for step in first..count {
        if ctx.is_cancelled() {
            return Err(ActivityError::Cancelled);
        }
        if ctx.get_remaining_time().is_some_and(|left| left < STEP_AND_MARGIN) {
            save(ctx, &step)?;
            if !goes_on {
                return Err(ActivityError::retryable("stopped before the deadline"));
            }
        }
        tokio::time::sleep(STEP).await;
        save(ctx, &(step + 1))?;
    }
    Ok(count)
}

async fn stepping(ctx: &mut WorkflowContext, count: u32) -> Result<u32, WorkflowError> {
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(300),
        heartbeat_timeout: Duration::from_secs(30),
        ..Default::default()
    };
    called(ctx, "steps", &count, options).await
}

fn near_the_deadline(goes_on: bool) -> Exploration {
    Simulation::cadence()
        .cadence_activity("steps", async move |ctx: &ActivityContext, count| steps(ctx, count, goes_on).await)
        .cadence_workflow("stepping", stepping)
        .explore("stepping", &14)
        .check(
            check::stops_in_time(STEP + Duration::from_secs(1))
                .until_cancelled()
                .before_deadline(Duration::from_secs(1)),
        )
}

#[test]
fn a_deadline_that_is_seen_and_not_heeded_ends_in_a_timeout() {
    is_found(near_the_deadline(true), "stops_in_time", "deadline", "steps#1@1:deadline1=before(1ms)");

    is_silent(near_the_deadline(false));
}

// Bug 6: heartbeats that depend on the size of a batch.

/// The time that a record takes.
const RECORD_TIME: Duration = Duration::from_secs(2);

/// Looks at the count after each batch (`after_batches`), or after each record.
async fn migrate(
    ctx: &ActivityContext,
    input: MigrationInput,
    after_batches: bool,
) -> Result<MigrationResult, ActivityError> {
    let mut progress: MigrationProgress = saved(ctx)?;
    while progress.records_migrated < input.records {
        let batch_ends = input.records.min(progress.records_migrated + input.batch_size);
        for record in progress.records_migrated..batch_ends {
            tokio::time::sleep(RECORD_TIME).await;
            progress.records_migrated = record + 1;
            let is_looked_at = !after_batches || progress.records_migrated == batch_ends;
            if is_looked_at && progress.records_migrated.is_multiple_of(RECORDS_PER_HEARTBEAT) {
                save(ctx, &progress)?;
            }
        }
    }
    Ok(MigrationResult { records_migrated: progress.records_migrated, checksum: 0 })
}

fn migrations(after_batches: bool) -> Exploration {
    let activity = async move |ctx: &ActivityContext, input| migrate(ctx, input, after_batches).await;
    let input = MigrationInput { source_table: "a".into(), destination_table: "b".into(), records: 90, batch_size: 15 };
    Simulation::cadence()
        .cadence_activity("migrate_data", activity)
        .registered(data_migration_workflow_cadence::register)
        .explore("data_migration", &input)
        .reference_may_fail()
        .check(check::heartbeats_in_time())
}

#[test]
fn heartbeats_that_depend_on_the_size_of_a_batch_come_too_late() {
    // 60 is the first multiple of 20 that a batch of 15 ends with: after 120 s, with a heartbeat timeout of 60 s.
    is_found(migrations(true), "heartbeats_in_time", "silent", "");

    is_silent(migrations(false));
}

// Bug 7: heartbeats that nobody reads.

/// Carries its progress in heartbeats, and, unless it `resumes`, begins with the first item whenever it is tried.
async fn items(ctx: &ActivityContext, input: DeadlineInput, resumes: bool) -> Result<DeadlineResult, ActivityError> {
    let mut progress: Progress = if resumes { saved(ctx)? } else { Progress::default() };
    while progress.completed_items < input.total_items {
        if ctx.get_remaining_time().is_some_and(|left| left < MARGIN) {
            break;
        }
        tokio::time::sleep(ITEM_TIME).await;
        progress.completed_items += 1;
        if progress.completed_items.is_multiple_of(ITEMS_PER_HEARTBEAT) {
            save(ctx, &progress)?;
        }
    }
    Ok(DeadlineResult {
        task_name: input.task_name,
        completed_items: progress.completed_items,
        total_items: input.total_items,
        stopped_early: progress.completed_items < input.total_items,
    })
}

/// The example's workflow gives it one attempt, which needs no checkpoint. Here it has three.
async fn three_attempts(ctx: &mut WorkflowContext, input: DeadlineInput) -> Result<DeadlineResult, WorkflowError> {
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(5),
        heartbeat_timeout: Duration::from_secs(2),
        retry_policy: Some(RetryPolicy { maximum_attempts: 3, ..Default::default() }),
        ..Default::default()
    };
    called(ctx, "deadline_aware_task", &input, options).await
}

fn deadlines(resumes: bool) -> Exploration {
    let activity = async move |ctx: &ActivityContext, input| items(ctx, input, resumes).await;
    Simulation::cadence()
        .cadence_activity("deadline_aware_task", activity)
        .cadence_workflow("three_attempts", three_attempts)
        .explore("three_attempts", &DeadlineInput { task_name: "report".to_owned(), total_items: 40 })
        .without_standard_checks()
        .check(check::progress("deadline_aware_task", |progress: &Progress| progress.completed_items))
}

#[test]
fn heartbeats_that_nobody_reads_are_no_progress() {
    is_found(deadlines(false), "progress", "starts behind its checkpoint", "deadline_aware_task#1@1:await21=fail");

    is_silent(deadlines(true));
}
