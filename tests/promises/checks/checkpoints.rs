//! `progress` compares the given checkpoint with the recorded ones, whatever the order in which code reads and writes.

use std::time::Duration;

use durasim::{ActivityContext, ActivityError, ActivityFn, Exploration, check};

use super::{explore, holds, resumes, violated, violates, write};

fn progress(exploration: Exploration) -> Exploration {
    exploration.check(check::progress("copy", |done: &u32| *done))
}

/// Says that it lives, at this value, before it looks at its checkpoint.
fn says_first(value: u32) -> impl ActivityFn<u32, u32> {
    async move |ctx: &ActivityContext, rows: u32| -> Result<u32, ActivityError> {
        ctx.heartbeat(&value)?;
        durasim::time::sleep(Duration::from_secs(5)).await;
        resumes(ctx, rows).await
    }
}

#[test]
fn a_sign_of_life_that_loses_nothing_may_come_before_the_read() {
    // The checkpoint 0 is given to the retry, which writes 0 and is struck before it looks.
    for plan in ["copy#1@1:await1=fail", "copy#1@1:await1=fail; copy#1@2:await1=crash"] {
        let report = progress(explore(says_first(0))).replay(&plan.parse().unwrap());
        assert!(report.holds(), "{plan}\n{report}");
    }
    // A sign of life without details is only one if no checkpoint is there.
    async fn says_nothing(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
        if ctx.get_info().attempt == 1 {
            ctx.record_heartbeat(None);
        }
        resumes(ctx, rows).await
    }
    holds(progress(explore(says_nothing)));
}

#[test]
fn a_sign_of_life_behind_the_checkpoint_loses_it() {
    let report = progress(explore(says_first(0))).report();
    let failed = report.failures().first().expect("a violation");
    assert_eq!((&*failed.check, &*failed.violation.kind), ("progress", "starts behind its checkpoint"));
    let told = "attempt 2 of copy was given a checkpoint, and records one that is behind it before it looks at it";
    assert_eq!(failed.violation.message, told);
    assert_eq!(
        (failed.violation.expected.as_deref(), failed.violation.found.as_deref()),
        (Some("at least 1"), Some("0"))
    );
}

#[test]
fn an_attempt_that_never_looks_and_does_it_all_is_found_with_effects_and_without() {
    async fn with_effects(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
        for row in 0..rows {
            write(row).await?;
            ctx.heartbeat(&(row + 1))?;
        }
        Ok(rows)
    }
    async fn without(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
        durasim::time::sleep(Duration::from_secs(5)).await;
        ctx.heartbeat(&rows)?;
        durasim::time::sleep(Duration::from_secs(5)).await;
        Ok(rows)
    }
    violates(progress(explore(with_effects)), "progress", "never read");
    // One checkpoint, which the retry equals.
    assert_eq!(violated(progress(explore(without))).1, "never read");
}

#[test]
fn one_that_sees_otherwise_that_all_is_done_need_not_look_after_a_sign_of_life() {
    async fn sees(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
        let target = durasim::state::<super::Target>();
        if target.rows.len() == rows as usize {
            ctx.heartbeat(&rows)?;
            durasim::time::sleep(Duration::from_secs(1)).await;
            return Ok(rows);
        }
        resumes(ctx, rows).await
    }
    holds(progress(explore(sees)));
}

#[test]
fn details_that_do_not_decode_at_first_are_no_loss_by_themselves() {
    /// Reads what an older version has recorded, then what is there; it need not where all rows are there.
    async fn reads_both_ways(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
        let older = ctx.heartbeat_details::<String>();
        durasim::time::sleep(Duration::from_secs(1)).await;
        let is_done = durasim::state::<super::Target>().rows.len() == rows as usize;
        if older.is_err() && is_done { Ok(rows) } else { resumes(ctx, rows).await }
    }
    let explored = || explore(reads_both_ways).check(check::checkpoints());
    // The second attempt dies before it reads them in the other way, or has nothing left to do.
    for plan in ["copy#1@1:await4=fail; copy#1@2:await1=crash", "copy#1@1:heartbeat6=crash_after_sent"] {
        let report = explored().replay(&plan.parse().unwrap());
        assert!(report.holds(), "{plan}\n{report}");
    }
    holds(explored());
}
