//! Each code fragment of the document from which this example was made compiles and runs. It stands here as it stands
//! there, between the declarations that it needs. The parts that the document leaves out are filled in: `...` by its
//! meaning, and the bare `..` of the retry policy by `..Default::default()`, since Rust knows no other form.

use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, RetryPolicy, Simulation, WorkflowContext, WorkflowError,
};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct ProcessingProgress {
    chunk: u32,
}

fn process_chunk(_chunk: u32) -> Result<(), ActivityError> {
    Ok(())
}

#[rustfmt::skip]
async fn activity_heartbeats(ctx: &ActivityContext, chunks: Vec<u32>) -> Result<(), ActivityError> {
// Record progress periodically
for chunk in chunks {
    process_chunk(chunk)?;
    
    // Save progress in heartbeat
    let progress = serde_json::to_vec(&ProcessingProgress { chunk })?;
    ctx.record_heartbeat(Some(&progress));
}
    Ok(())
}

#[rustfmt::skip]
async fn cancellation_handling(ctx: &ActivityContext, progress: u32) -> Result<(), ActivityError> {
if ctx.is_cancelled() {
    // Save current progress
    let details = serde_json::to_vec(&progress)?;
    ctx.record_heartbeat(Some(&details));
    return Err(ActivityError::ExecutionFailed("Cancelled".to_string()));
}
    Ok(())
}

#[rustfmt::skip]
#[allow(clippy::collapsible_if)] // The document has it so.
async fn deadline_management(ctx: &ActivityContext, items: u32) -> Result<u32, ActivityError> {
    let mut done = 0;
    while done < items {
if let Some(remaining) = ctx.get_remaining_time() {
    if remaining < Duration::from_secs(5) {
        // Stop gracefully
        break;
    }
}
        durasim::time::sleep(Duration::from_secs(1)).await;
        done += 1;
    }
    Ok(done)
}

#[derive(Default, Serialize, Deserialize)]
struct Progress {
    completed_items: u32,
}

#[rustfmt::skip]
async fn heartbeat_recovery(ctx: &ActivityContext, total_items: u32) -> Result<u32, ActivityError> {
    let mut resumed_at = 0;
let mut progress = if ctx.has_heartbeat_details() {
    if let Some(details) = ctx.get_heartbeat_details() {
        serde_json::from_slice::<Progress>(details)?
    } else { Progress::default() }
} else { Progress::default() };

// Resume from saved position
for i in progress.completed_items..total_items {
    // ...
    resumed_at = if resumed_at == 0 { i } else { resumed_at };
    progress.completed_items = i + 1;
    ctx.record_heartbeat(Some(&serde_json::to_vec(&progress)?));
    if i == 2 { return Err(ActivityError::Retryable("once".to_owned())); }
}
    Ok(resumed_at)
}

#[rustfmt::skip]
async fn file_processing(ctx: &WorkflowContext, chunks: Vec<u32>) -> Result<(), WorkflowError> {
let options = ActivityOptions {
    schedule_to_close_timeout: Duration::from_secs(300),
    heartbeat_timeout: Duration::from_secs(30),
    ..Default::default()
};
    ctx.execute_activity("activity_heartbeats", &chunks, options).await
}

#[rustfmt::skip]
async fn data_migration(ctx: &WorkflowContext, progress: u32) -> Result<(), WorkflowError> {
let options = ActivityOptions {
    schedule_to_close_timeout: Duration::from_secs(600),
    heartbeat_timeout: Duration::from_secs(60),
    ..Default::default()
};
    ctx.execute_activity("cancellation_handling", &progress, options).await
}

#[rustfmt::skip]
async fn deadline_aware(ctx: &WorkflowContext, items: u32) -> Result<u32, WorkflowError> {
let options = ActivityOptions {
    schedule_to_close_timeout: Duration::from_secs(5),
    heartbeat_timeout: Duration::from_secs(2),
    ..Default::default()
};
    ctx.execute_activity("deadline_management", &items, options).await
}

#[rustfmt::skip]
async fn resilient_processing(ctx: &WorkflowContext, total_items: u32) -> Result<u32, WorkflowError> {
let retry_policy = RetryPolicy {
    maximum_attempts: 3,
    backoff_coefficient: 2.0,
    ..Default::default()
};
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(300),
        retry_policy: Some(retry_policy),
        ..Default::default()
    };
    ctx.execute_activity("heartbeat_recovery", &total_items, options).await
}

fn simulation() -> Simulation {
    Simulation::temporal()
        .activity("activity_heartbeats", activity_heartbeats)
        .activity("cancellation_handling", cancellation_handling)
        .activity("deadline_management", deadline_management)
        .activity("heartbeat_recovery", heartbeat_recovery)
        .workflow("file_processing", file_processing)
        .workflow("data_migration", data_migration)
        .workflow("deadline_aware", deadline_aware)
        .workflow("resilient_processing", resilient_processing)
}

#[test]
fn heartbeats_are_recorded() {
    let run = simulation().run("file_processing", &[1, 2, 3]).unwrap();
    assert_eq!(run.activities()[0].attempts[0].heartbeats.len(), 3);
}

#[test]
fn nothing_is_cancelled_unless_somebody_asks() {
    let run = simulation().run("data_migration", &0).unwrap();
    assert_eq!(run.result::<()>(), Ok(()));
}

#[test]
fn a_deadline_of_5_s_is_less_than_the_5_s_that_it_stops_before() {
    // The document's margin is its whole budget: an item is begun only where handing the activity out took no time.
    let run = simulation().run("deadline_aware", &10).unwrap();
    assert_eq!(run.result::<u32>(), Ok(0));
}

#[test]
fn a_retry_resumes_where_the_heartbeat_says() {
    let run = simulation().run("resilient_processing", &6).unwrap();
    assert_eq!(run.result::<u32>(), Ok(3));
}
