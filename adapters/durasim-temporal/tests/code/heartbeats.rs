//! Heartbeats and their details are those of the SDK's worker.

use std::time::Duration;

use durasim::{AttemptEnd, Simulation, WorkflowContext, WorkflowError, check};
use durasim_temporal::{SimulationExt, sdk_activities};
use serde::{Deserialize, Serialize};
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::{found, options};

#[derive(Serialize, Deserialize)]
struct Progress {
    done: u32,
}

struct Copier;

#[activities]
impl Copier {
    #[activity]
    async fn resumes(ctx: ActivityContext, parts: u32) -> Result<u32, ActivityError> {
        let start: u32 = ctx.heartbeat_details().deserialize()?.unwrap_or(0);
        for part in start..parts {
            tokio::time::sleep(Duration::from_millis(700)).await;
            ctx.record_heartbeat(part + 1).await?;
        }
        Ok(parts)
    }

    /// It reads what it wrote in another way than by its type.
    #[activity]
    async fn reads_raw(ctx: ActivityContext, parts: u32) -> Result<u32, ActivityError> {
        let start = match ctx.heartbeat_details().raw() {
            [payload] => String::from_utf8_lossy(&payload.data).parse::<u32>()?,
            _ => 0,
        };
        for part in start..parts {
            tokio::time::sleep(Duration::from_millis(700)).await;
            ctx.record_heartbeat(part + 1).await?;
        }
        Ok(parts)
    }

    #[activity]
    async fn begins_anew(ctx: ActivityContext, parts: u32) -> Result<u32, ActivityError> {
        for part in 0..parts {
            tokio::time::sleep(Duration::from_millis(700)).await;
            ctx.record_heartbeat(part + 1).await?;
        }
        Ok(parts)
    }

    /// It writes a number and reads a text.
    #[activity]
    async fn reads_another_type(ctx: ActivityContext, parts: u32) -> Result<u32, ActivityError> {
        let start: String = ctx.heartbeat_details().deserialize()?.unwrap_or_default();
        for part in start.parse().unwrap_or(0)..parts {
            tokio::time::sleep(Duration::from_millis(700)).await;
            ctx.record_heartbeat(part + 1).await?;
        }
        Ok(parts)
    }

    /// A sign of life without details after each part.
    #[activity]
    async fn erases(ctx: ActivityContext, parts: u32) -> Result<u32, ActivityError> {
        let start: u32 = ctx.heartbeat_details().deserialize()?.unwrap_or(0);
        for part in start..parts {
            tokio::time::sleep(Duration::from_millis(4_500)).await;
            ctx.record_heartbeat(part + 1).await?;
            tokio::time::sleep(Duration::from_millis(4_500)).await;
            ctx.record_heartbeat(()).await?;
        }
        Ok(parts)
    }

    #[activity]
    async fn own_type(ctx: ActivityContext, parts: u32) -> Result<u32, ActivityError> {
        let start = ctx.heartbeat_details().deserialize::<Progress>()?.map_or(0, |progress| progress.done);
        for part in start..parts {
            tokio::time::sleep(Duration::from_millis(700)).await;
            ctx.record_heartbeat(Progress { done: part + 1 }).await?;
        }
        Ok(parts)
    }

    /// It goes on until it is told to stop.
    #[activity]
    async fn watches(ctx: ActivityContext) -> Result<u32, ActivityError> {
        let mut seen = 0;
        loop {
            tokio::select! {
                biased;
                () = ctx.cancelled() => return Err(ActivityError::cancelled_with_details(seen)),
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
            seen += 1;
            ctx.record_heartbeat(seen).await?;
        }
    }
}

async fn copies(ctx: &WorkflowContext, (name, parts): (String, u32)) -> Result<u32, WorkflowError> {
    ctx.execute_activity(&name, &parts, options()).await
}

fn simulation() -> Simulation {
    let simulation = Simulation::temporal().workflow("copies", copies);
    sdk_activities!(
        simulation,
        || Copier,
        [
            Copier::resumes,
            Copier::reads_raw,
            Copier::begins_anew,
            Copier::reads_another_type,
            Copier::erases,
            Copier::own_type,
            Copier::watches
        ]
    )
    .heartbeat_type::<Progress>()
}

#[test]
fn code_that_resumes_holds_under_every_fault() {
    for (name, workers) in
        [("Copier::resumes", 1), ("Copier::resumes", 2), ("Copier::reads_raw", 1), ("Copier::own_type", 1)]
    {
        let measure = |details: &serde_json::Value| {
            details.as_u64().or_else(|| details["done"].as_u64()).expect("a number, or a field `done`")
        };
        simulation()
            .workers(workers)
            .explore("copies", &(name, 5))
            .every_fault()
            .seeds(0..100)
            .check(check::same_result())
            .check(check::progress(name, measure))
            .check(check::replays())
            .assert();
    }
}

#[test]
fn code_that_begins_anew_is_found_by_what_it_records() {
    let exploration = simulation()
        .explore("copies", &("Copier::begins_anew", 5))
        .every_fault()
        .check(check::progress("Copier::begins_anew", |part: &u32| *part));
    found(exploration, "was given a checkpoint, and the first it records is behind that");
    // The standard checks know no measure, and see it all the same.
    let unasked = simulation().explore("copies", &("Copier::begins_anew", 5)).every_fault();
    found(unasked, "was given a checkpoint, and begins with one from before that");
}

/// The second attempt cannot decode what the first has left, nor can any after it.
#[test]
fn details_that_are_read_as_another_type_are_found() {
    let copies = async |ctx: &WorkflowContext, parts: u32| -> Result<u32, WorkflowError> {
        let options = durasim::ActivityOptions { retry_policy: crate::attempts(4), ..options() };
        ctx.execute_activity("Copier::reads_another_type", &parts, options).await
    };
    let exploration = simulation()
        .workflow("copies_with_few_attempts", copies)
        .explore("copies_with_few_attempts", &5)
        .every_fault()
        .check(check::completes());
    found(exploration, "invalid type: integer");
}

/// `()` has no payload, so that the heartbeat has no details: the server forgets those it had.
/// Source: crate temporalio-sdk-core 0.10.1 `src/worker/activities/activity_heartbeat_manager.rs`, `details.into_payloads()`.
#[test]
fn a_heartbeat_of_nothing_erases_the_checkpoint() {
    let exploration = simulation()
        .explore("copies", &("Copier::erases", 3))
        .every_fault()
        .check(check::progress("Copier::erases", |part: &u32| *part));
    found(exploration, "without details erased the checkpoint");
}

#[test]
fn a_cancelled_activity_is_told_and_says_how_far_it_came() {
    let watches = async |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
        let options = durasim::ActivityOptions {
            cancellation_type: durasim::program::CancellationType::WaitCancellationCompleted,
            ..options()
        };
        ctx.execute_activity("Copier::watches", &(), options).await
    };
    let (ended, run) = simulation()
        .workflow("watches", watches)
        .drive(async |client| {
            let watch = client.start::<u32>("watches", "w", &()).await?;
            client.sleep(Duration::from_millis(6_500)).await;
            watch.cancel().await?;
            watch.result().await
        })
        .unwrap();
    assert!(ended.is_err(), "{}", run.timeline());
    let activity = &run.activities()[0];
    assert_eq!(activity.attempts[0].end, AttemptEnd::Cancelled, "{}", run.timeline());
    let timeline = run.timeline().to_string();
    assert!(timeline.contains("Copier::watches#1@1  ended as cancelled"), "{timeline}");
}
