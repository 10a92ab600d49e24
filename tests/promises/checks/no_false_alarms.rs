//! Three correct styles of activity pass the whole exploration, each with the checks that its users would choose.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityFn, ActivityOptions, Exploration, Ledger, RetryPolicy, Simulation,
    WorkflowContext, WorkflowError, check,
};

const ROWS: u32 = 5;

/// A database with a unique key, and an outbox that knows the rows it has sent.
#[derive(Default)]
struct Database {
    rows: RefCell<BTreeMap<u32, u64>>,
    upserts: Ledger<u32>,
    sent: Ledger<u32>,
}

impl Database {
    /// Writes a row: again, if it is there.
    fn upsert(&self, row: u32) -> Result<(), ActivityError> {
        let upsert = || {
            self.upserts.record(row);
            self.rows.borrow_mut().insert(row, u64::from(row) * 17);
        };
        Ok(durasim::effect("upsert", upsert)?)
    }

    /// Sends a row, unless one with this number was sent before.
    fn send_once(&self, row: u32) -> Result<(), ActivityError> {
        let send = || {
            if self.sent.count(&row) == 0 {
                self.sent.record(row);
            }
        };
        Ok(durasim::effect("send", send)?)
    }

    fn total(&self) -> u64 {
        self.rows.borrow().values().sum()
    }
}

/// A workflow that calls it once. Six attempts, a heartbeat timeout of 20 s unless there are no heartbeats.
fn calling(activity: impl ActivityFn<u32, u64>, heartbeats: bool) -> Exploration {
    let options = ActivityOptions {
        start_to_close_timeout: Duration::from_secs(120),
        heartbeat_timeout: Duration::from_secs(if heartbeats { 20 } else { 0 }),
        retry_policy: Some(RetryPolicy { maximum_attempts: 6, ..Default::default() }),
        ..Default::default()
    };
    let call = async move |ctx: &WorkflowContext, rows: u32| -> Result<u64, WorkflowError> {
        ctx.execute_activity("work", &rows, options.clone()).await
    };
    let simulation = Simulation::temporal().activity("work", activity).workflow("call", call).state(Database::default);
    simulation
        .explore("call", &ROWS)
        .every_fault()
        .every_pair()
        .budget(4_000)
        .seeds(0..2_000)
        .check(check::same_result())
        .check(check::completes())
        .check(check::replays())
}

/// No failure, and most runs show something.
#[track_caller]
fn passes(exploration: Exploration) {
    let report = exploration.report();
    let texts: Vec<&str> = report.failures().iter().map(|failed| failed.text.as_str()).collect();
    assert!(report.holds(), "{}\n{report}", texts.join("\n"));
    let survive: u64 = report.parts().iter().map(|part| part.tally.survive).sum();
    assert!(survive > 2_000, "{survive} runs survive\n{report}");
}

fn lets_go(ctx: &ActivityContext) -> Result<(), ActivityError> {
    if ctx.is_cancelled() {
        return Err(ActivityError::Cancelled);
    }
    if ctx.is_worker_stopping() {
        return Err(ActivityError::retryable("the worker stops"));
    }
    Ok(())
}

#[test]
fn a_heartbeat_after_idempotent_work() {
    async fn work(ctx: &ActivityContext, rows: u32) -> Result<u64, ActivityError> {
        let database = durasim::state::<Database>();
        for row in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..rows {
            lets_go(ctx)?;
            durasim::time::sleep(Duration::from_secs(5)).await;
            database.upsert(row)?;
            ctx.heartbeat(&(row + 1))?;
        }
        Ok(database.total())
    }
    let effects =
        check::effects(|database: &Database| &database.upserts).covered_by("work", |done: &u32, row: &u32| row < done);
    passes(
        calling(work, true)
            .check(check::progress("work", |done: &u32| *done).at_most(1))
            .check(effects)
            .check(check::heartbeats_in_time())
            .check(
                check::stops_in_time(Duration::from_secs(5)).from_worker_stop().before_deadline(Duration::from_secs(5)),
            ),
    );
}

#[test]
fn a_heartbeat_before_work_that_is_deduplicated() {
    async fn work(ctx: &ActivityContext, rows: u32) -> Result<u64, ActivityError> {
        let database = durasim::state::<Database>();
        for row in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..rows {
            lets_go(ctx)?;
            ctx.heartbeat(&row)?;
            durasim::time::sleep(Duration::from_secs(5)).await;
            database.send_once(row)?;
        }
        Ok(rows.into())
    }
    passes(
        calling(work, true)
            .check(check::progress("work", |begun: &u32| *begun))
            .check(check::effects(|database: &Database| &database.sent).repeats_at_most(0))
            .check(check::heartbeats_in_time())
            .check(check::stops_in_time(Duration::from_secs(5)).from_worker_stop()),
    );
}

#[test]
fn a_short_idempotent_activity_without_heartbeats() {
    async fn work(_: &ActivityContext, rows: u32) -> Result<u64, ActivityError> {
        let database = durasim::state::<Database>();
        for row in 0..rows {
            durasim::time::sleep(Duration::from_millis(100)).await;
            database.upsert(row)?;
        }
        Ok(database.total())
    }
    passes(calling(work, false).check(check::effects(|database: &Database| &database.upserts)));
}
