//! A run reads well as a timeline, for review: without faults, and with one of each kind of trouble.

use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, RetryPolicy, Run, Simulation, WorkflowContext, WorkflowError,
};
use serde::{Deserialize, Serialize};

use crate::snapshot::assert_kept;

#[derive(Default, Serialize, Deserialize)]
struct Progress {
    chunks_done: u32,
}

/// Chunks of 10 s each, with a heartbeat after each.
async fn process_file(ctx: &ActivityContext, chunks: u32) -> Result<String, ActivityError> {
    let mut progress: Progress = ctx.heartbeat_details()?.unwrap_or_default();
    while progress.chunks_done < chunks {
        if ctx.is_cancelled() {
            return Err(ActivityError::Cancelled);
        }
        durasim::time::sleep(Duration::from_secs(10)).await;
        durasim::effect("chunk", || ())?;
        progress.chunks_done += 1;
        ctx.heartbeat(&progress)?;
    }
    Ok(format!("{chunks} chunks"))
}

async fn resilient_processing(ctx: &WorkflowContext, limit: Duration) -> Result<String, WorkflowError> {
    let options = ActivityOptions {
        schedule_to_close_timeout: limit,
        heartbeat_timeout: Duration::from_secs(30),
        retry_policy: Some(RetryPolicy { maximum_attempts: 3, backoff_coefficient: 2.0, ..Default::default() }),
        ..Default::default()
    };
    let processed: String = ctx.execute_activity("process_file", &4, options).await?;
    ctx.sleep(Duration::from_secs(60)).await?;
    Ok(processed)
}

fn run(plan: &str, limit: Duration) -> Run {
    let simulation = Simulation::temporal()
        .activity("process_file", process_file)
        .workflow("resilient_processing", resilient_processing)
        .plan(plan.parse().unwrap());
    let run = simulation.run("resilient_processing", &limit).unwrap();
    assert!(run.not_fired().is_empty(), "{}", run.timeline());
    run
}

fn timeline(name: &str, plan: &str, limit: Duration) {
    let text = run(plan, limit).timeline().header(format!("plan: {plan}")).to_string();
    assert_kept(name, &text);
}

const ENOUGH: Duration = Duration::from_secs(300);

#[test]
fn without_faults() {
    timeline("timeline_without_faults", "v1", ENOUGH);
}

#[test]
fn a_crash_and_the_attempt_that_resumes() {
    timeline("timeline_crash_and_resume", "process_file#1@1:await4=crash", ENOUGH);
}

#[test]
fn a_heartbeat_timeout_with_a_zombie() {
    timeline("timeline_zombie", "process_file#1@1:await2=stall(45s)", ENOUGH);
}

/// The retry would be due after the schedule-to-close timeout, so there is none (recorded scenario
/// `retry_s2c_backoff_cut_after_hb_timeout`).
#[test]
fn a_retry_that_schedule_to_close_cuts_off() {
    timeline("timeline_cut_off", "process_file#1@1:await2=crash_attempt", Duration::from_millis(40_500));
}

#[test]
fn a_replay_after_the_death_of_the_worker() {
    timeline("timeline_replay", "resilient_processing#1:task3=crash", ENOUGH);
}

#[test]
fn a_worker_that_stops_gracefully() {
    timeline("timeline_graceful_stop", "process_file#1@1:await2=stop", ENOUGH);
}

#[test]
fn an_entry_of_the_plan_that_does_not_strike_stands_at_the_head() {
    let nap = async |ctx: &durasim::WorkflowContext, (): ()| ctx.sleep(std::time::Duration::from_secs(1)).await;
    let run = |plan: &str| {
        let simulation = durasim::Simulation::temporal().workflow("nap", nap).plan(plan.parse().expect("a plan"));
        simulation.run("nap", &()).expect("it ends").timeline().to_string()
    };
    let text = run("nap#1:timer1=delayed(1s); nap#1:task9=crash");
    assert!(text.starts_with("not struck, since the run does not come there: nap#1:task9=crash\n"), "{text}");
    assert_eq!(text.matches("not struck").count(), 1, "{text}");
    assert!(!run("nap#1:timer1=delayed(1s)").contains("not struck"));
}
