//! The service must hear of every attempt before its heartbeat timeout, by the heartbeats that are visible there.

use std::time::Duration;

use durasim::{ActivityContext, ActivityError, ActivityFn, ActivityOptions, Exploration, Simulation, WorkflowContext};
use durasim::{RetryPolicy, check};

use super::{holds, violates};

/// `work` on 60 records, with this heartbeat timeout in seconds, 0 for none.
fn working(heartbeat_timeout: u64, work: impl ActivityFn<u32, u32>) -> Exploration {
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(3_600),
        heartbeat_timeout: Duration::from_secs(heartbeat_timeout),
        retry_policy: Some(RetryPolicy { maximum_attempts: 5, ..Default::default() }),
        ..Default::default()
    };
    Simulation::temporal()
        .activity("work", work)
        .workflow("working", async move |ctx: &WorkflowContext, records: u32| {
            ctx.execute_activity::<u32>("work", &records, options.clone()).await
        })
        .explore("working", &60u32)
        .without("progress")
        .every_fault()
}

async fn seconds(count: u64) {
    durasim::time::sleep(Duration::from_secs(count)).await;
}

/// Records in batches of so many, each of which takes 5 s. Heartbeats with every batch.
async fn in_batches(ctx: &ActivityContext, records: u32) -> Result<u32, ActivityError> {
    let mut done = ctx.heartbeat_details::<u32>()?.unwrap_or(0);
    while done < records {
        seconds(5).await;
        done = records.min(done + 7);
        ctx.heartbeat(&done)?;
    }
    Ok(done)
}

#[test]
fn an_activity_that_never_heartbeats_must_have_no_heartbeat_timeout() {
    async fn silent(_: &ActivityContext, records: u32) -> Result<u32, ActivityError> {
        seconds(25).await;
        Ok(records)
    }
    let report = working(10, silent).check(check::heartbeats_in_time()).report();
    let failed = &report.failures()[0];
    assert_eq!((failed.check.as_str(), failed.plan.entries.len()), ("heartbeats_in_time", 0));
    let violation = &failed.violation;
    assert_eq!(
        violation.message,
        "the service hears nothing of attempt 1 of work for 25s; its heartbeat timeout is 10s"
    );
    assert_eq!(violation.expected.as_deref(), Some("less than 10s"));
    // The service gave it up at 10 s; its code ran on.
    assert_eq!(violation.found.as_deref(), Some("25s, from its start at 0.002s to its end at 25.002s"));
    assert!(failed.text.contains("attempt given up"), "{}", failed.text);

    let error = working(0, silent).check(check::heartbeats_in_time()).report().error().expect("an error").to_string();
    assert!(error.contains("no activity with a heartbeat timeout runs"), "{error}");
}

#[test]
fn a_heartbeat_every_twenty_records_is_silent_when_batches_do_not_add_up_to_twenty() {
    async fn when_it_divides(ctx: &ActivityContext, records: u32) -> Result<u32, ActivityError> {
        let mut done = ctx.heartbeat_details::<u32>()?.unwrap_or(0);
        while done < records {
            seconds(5).await;
            done = records.min(done + 7);
            if done.is_multiple_of(20) {
                ctx.heartbeat(&done)?;
            }
        }
        Ok(done)
    }
    async fn whenever_twenty_are_full(ctx: &ActivityContext, records: u32) -> Result<u32, ActivityError> {
        let mut done = ctx.heartbeat_details::<u32>()?.unwrap_or(0);
        while done < records {
            seconds(5).await;
            let before = done;
            done = records.min(done + 7);
            if done / 20 > before / 20 {
                ctx.heartbeat(&done)?;
            }
        }
        Ok(done)
    }
    violates(working(30, when_it_divides).check(check::heartbeats_in_time()), "heartbeats_in_time", "silent");
    holds(working(30, whenever_twenty_are_full).check(check::heartbeats_in_time()));
}

#[test]
fn what_the_worker_holds_back_is_not_heard() {
    // Recorded every 5 s, sent every 24: of the 30 s, 6 are left.
    let leaving = |margin: u64| check::heartbeats_in_time().margin(Duration::from_secs(margin));
    holds(working(30, in_batches).check(leaving(6)));
    let report = working(30, in_batches).check(leaving(7)).report();
    let violation = &report.failures()[0].violation;
    assert_eq!(violation.expected.as_deref(), Some("no more than 23s, so that 7s are left"));
    assert_eq!(violation.found.as_deref(), Some("24s, from a heartbeat at 5.002s to a heartbeat at 29.002s"));
}

#[test]
fn the_silence_at_the_end_counts_too() {
    async fn slow_at_the_end(ctx: &ActivityContext, records: u32) -> Result<u32, ActivityError> {
        in_batches(ctx, records).await?;
        seconds(35).await;
        Ok(records)
    }
    // The last of its heartbeats is held back until 53 s, and it ends at 80.
    let leaving = |margin: u64| check::heartbeats_in_time().margin(Duration::from_secs(margin));
    // A retry that has nothing left to do is silent for 35 s, which the standard checks find.
    holds(working(30, slow_at_the_end).without_standard_checks().check(leaving(3)));
    let report = working(30, slow_at_the_end).without_standard_checks().check(leaving(4)).report();
    let found = report.failures()[0].violation.found.as_deref();
    assert_eq!(found, Some("27s, from a heartbeat at 53.002s to its end at 80.002s"));
}

#[test]
fn a_silence_that_the_timeout_ends_goes_on_until_the_next_sign_of_life() {
    async fn late(ctx: &ActivityContext, records: u32) -> Result<u32, ActivityError> {
        seconds(40).await;
        // The service refuses it, and the code goes on all the same.
        let _ = ctx.heartbeat(&1u32);
        seconds(20).await;
        Ok(records)
    }
    let report = working(30, late).check(check::heartbeats_in_time()).report();
    let found = report.failures()[0].violation.found.as_deref();
    assert_eq!(found, Some("40s, from its start at 0.002s to a heartbeat that comes too late at 40.002s"));
}
