//! The same story, two ways: the example's activities through the adapter, and written for durasim's own contexts, on the same
//! tokio. Under the same plans the same things happen at the same moments.

use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, RetryPolicy, Run, Simulation, WorkflowContext, WorkflowError,
};
use durasim_cadence::CadenceExt;
use durasim_tokio::SimulationExt;
use serde::Serialize;

use super::app::deadline_aware::{DeadlineInput, DeadlineResult, ITEM_TIME, ITEMS_PER_HEARTBEAT, MARGIN, Progress};
use super::app::migrate_data::{
    MigrationInput, MigrationProgress, MigrationResult, RECORD_TIME, RECORDS_PER_HEARTBEAT,
};
use super::app::process_large_file::{
    CHUNK_TIME, CHUNKS_PER_HEARTBEAT, FileProcessingInput, FileProcessingResult, ProcessingProgress,
};
use super::{app, judged};

fn cancelled() -> ActivityError {
    ActivityError::ExecutionFailed("Cancelled".to_owned())
}

async fn process_large_file(
    ctx: &ActivityContext,
    input: FileProcessingInput,
) -> Result<FileProcessingResult, ActivityError> {
    let mut progress: ProcessingProgress = ctx.heartbeat_details()?.unwrap_or_default();
    while progress.chunks_processed < input.chunks {
        if ctx.is_cancelled() {
            ctx.heartbeat(&progress)?;
            return Err(cancelled());
        }
        if ctx.get_remaining_time().is_some_and(|left| left < Duration::from_secs(5)) {
            let message = format!("stopped before the deadline, after {} chunks", progress.chunks_processed);
            return Err(ActivityError::retryable(message));
        }
        for chunk in progress.chunks_processed..input.chunks.min(progress.chunks_processed + CHUNKS_PER_HEARTBEAT) {
            tokio::time::sleep(CHUNK_TIME).await;
            progress = progress.and(chunk, input.chunk_size);
        }
        ctx.heartbeat(&progress)?;
    }
    Ok(FileProcessingResult {
        file_path: input.file_path,
        chunks_processed: progress.chunks_processed,
        total_bytes: progress.total_bytes,
        checksum: format!("{:08x}-{}", progress.checksum, progress.chunks_processed),
    })
}

async fn migrate_data(ctx: &ActivityContext, input: MigrationInput) -> Result<MigrationResult, ActivityError> {
    let mut progress: MigrationProgress = ctx.heartbeat_details()?.unwrap_or_default();
    for record in progress.records_migrated..input.records {
        if ctx.is_cancelled() {
            ctx.heartbeat(&progress)?;
            return Err(cancelled());
        }
        if ctx.is_worker_stopping() {
            ctx.heartbeat(&progress)?;
            return Err(ActivityError::retryable("the worker stops"));
        }
        tokio::time::sleep(RECORD_TIME).await;
        progress = progress.and(record);
        if progress.records_migrated.is_multiple_of(RECORDS_PER_HEARTBEAT) {
            ctx.heartbeat(&progress)?;
        }
    }
    Ok(MigrationResult { records_migrated: progress.records_migrated, checksum: progress.checksum })
}

async fn deadline_aware(ctx: &ActivityContext, input: DeadlineInput) -> Result<DeadlineResult, ActivityError> {
    let mut progress: Progress = ctx.heartbeat_details()?.unwrap_or_default();
    for item in progress.completed_items..input.total_items {
        if ctx.is_cancelled() {
            ctx.heartbeat(&progress)?;
            return Err(ActivityError::Cancelled);
        }
        if ctx.get_remaining_time().is_some_and(|left| left < MARGIN) {
            break;
        }
        tokio::time::sleep(ITEM_TIME).await;
        progress.completed_items = item + 1;
        if progress.completed_items.is_multiple_of(ITEMS_PER_HEARTBEAT) {
            ctx.heartbeat(&progress)?;
        }
    }
    ctx.heartbeat(&progress)?;
    Ok(DeadlineResult {
        task_name: input.task_name,
        completed_items: progress.completed_items,
        total_items: input.total_items,
        stopped_early: progress.completed_items < input.total_items,
    })
}

/// Timeouts in seconds.
fn options(schedule_to_close: u64, heartbeat: u64) -> ActivityOptions {
    ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(schedule_to_close),
        heartbeat_timeout: Duration::from_secs(heartbeat),
        ..Default::default()
    }
}

fn native() -> Simulation {
    Simulation::cadence()
        .tokio()
        .activity("process_large_file", process_large_file)
        .activity("migrate_data", migrate_data)
        .activity("deadline_aware_task", deadline_aware)
        .workflow(
            "resilient_processing",
            async |ctx: &WorkflowContext, input: FileProcessingInput| -> Result<FileProcessingResult, WorkflowError> {
                // The client's default policy, with three attempts.
                let policy = RetryPolicy {
                    initial_interval: Duration::from_secs(1),
                    backoff_coefficient: 2.0,
                    maximum_interval: Duration::from_secs(100),
                    maximum_attempts: 3,
                    ..Default::default()
                };
                let options = ActivityOptions { retry_policy: Some(policy), ..options(300, 30) };
                ctx.execute_activity("process_large_file", &input, options).await
            },
        )
        .workflow(
            "data_migration",
            async |ctx: &WorkflowContext, input: MigrationInput| -> Result<MigrationResult, WorkflowError> {
                ctx.execute_activity("migrate_data", &input, options(600, 60)).await
            },
        )
        .workflow(
            "deadline_aware",
            async |ctx: &WorkflowContext, input: DeadlineInput| -> Result<DeadlineResult, WorkflowError> {
                ctx.execute_activity("deadline_aware_task", &input, options(5, 2)).await
            },
        )
}

/// The timeline but for what has another name: errors of the client and the workflow's failure.
fn story(run: &Run) -> String {
    let line = |line: &str| {
        let line = line.replace("GenericError: message=", "");
        match line.split_once("workflow failed") {
            Some((before, _)) => format!("{before}workflow failed\n"),
            None => line + "\n",
        }
    };
    run.timeline().to_string().lines().map(line).collect()
}

/// Makes a run of the client's code for each seed, and one of native code under the same plan: most have faults.
fn is_the_same(workflow: &str, input: &impl Serialize, seeds: std::ops::Range<u64>) {
    let (client, native) = (Simulation::cadence().registered(app::register_all), native());
    let mut struck = 0;
    for seed in seeds.clone() {
        let run = client.clone().random_faults(seed).run(workflow, input).unwrap();
        let plan = run.plan();
        struck += u64::from(!plan.is_empty());
        let other = native.clone().plan(plan.clone()).run(workflow, input).unwrap();
        assert_eq!(story(&run), story(&other), "{workflow}: {plan}");
    }
    assert!(2 * struck > seeds.end - seeds.start, "{struck} plans with a fault");
}

#[test]
fn a_file_is_processed_the_same_way() {
    is_the_same("resilient_processing", &judged::file(), 0..100);
}

#[test]
fn records_are_migrated_the_same_way() {
    is_the_same("data_migration", &judged::migration(), 100..150);
}

#[test]
fn items_are_done_the_same_way() {
    is_the_same("deadline_aware", &judged::items(), 150..200);
}
