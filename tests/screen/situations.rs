//! Bugs as people write them, each in a test that fails: `main.rs` looks at what the terminal shows.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Ledger, RetryPolicy, Run, Simulation, WorkflowContext,
    WorkflowError, check,
};

const STEP: Duration = Duration::from_secs(5);

fn options() -> ActivityOptions {
    ActivityOptions {
        start_to_close_timeout: Duration::from_secs(600),
        heartbeat_timeout: Duration::from_secs(30),
        retry_policy: Some(RetryPolicy { maximum_attempts: 4, ..Default::default() }),
        ..Default::default()
    }
}

#[derive(Default)]
struct Stock {
    reserved: Cell<i64>,
}

/// The workflow gives back what it has reserved through the context that was just cancelled, so nothing is ever asked for.
#[test]
#[ignore = "fails on purpose"]
fn compensation_in_the_cancelled_scope() {
    async fn change(_ctx: &ActivityContext, items: i64) -> Result<(), ActivityError> {
        let stock = durasim::state::<Stock>();
        durasim::effect("change", || stock.reserved.set(stock.reserved.get() + items))?;
        Ok(())
    }
    async fn order(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
        let () = ctx.execute_activity("change", &1i64, options()).await?;
        match ctx.sleep(Duration::from_secs(60)).await {
            Ok(()) => Ok(()),
            Err(why) => {
                let () = ctx.execute_activity("change", &-1i64, options()).await?;
                Err(why)
            }
        }
    }
    let released = check::named("nothing_stays_reserved", |run: &Run| -> Result<(), String> {
        let is_cancelled = run.result::<()>().is_err();
        match run.state::<Stock>().reserved.get() {
            items if is_cancelled && items > 0 => {
                Err(format!("{items} item stays reserved by an order that is cancelled"))
            }
            _ => Ok(()),
        }
    });
    Simulation::temporal()
        .activity("change", change)
        .workflow("order", order)
        .state(Stock::default)
        .explore("order", &())
        .every_fault()
        .check(released.all_runs())
        .assert();
}

#[derive(Default)]
struct Table {
    rows: Ledger<u32>,
}

#[test]
#[ignore = "fails on purpose"]
fn heartbeat_before_the_insert() {
    async fn import(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
        let table = durasim::state::<Table>();
        for row in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..rows {
            ctx.heartbeat(&(row + 1))?;
            durasim::time::sleep(STEP).await;
            durasim::effect("insert", || table.rows.record(row))?;
        }
        Ok(table.rows.len() as u32)
    }
    Simulation::temporal()
        .activity("import", import)
        .workflow("importing", async |ctx: &WorkflowContext, rows: u32| -> Result<u32, WorkflowError> {
            ctx.execute_activity("import", &rows, options()).await
        })
        .state(Table::default)
        .explore("importing", &10u32)
        .every_fault()
        .check(check::same_result())
        .check(check::effects(|table: &Table| &table.rows))
        .assert();
}

#[derive(Default)]
struct Card {
    charges: RefCell<Vec<u64>>,
}

#[test]
#[ignore = "fails on purpose"]
fn key_drawn_in_the_activity() {
    async fn charge(_ctx: &ActivityContext, _cents: u32) -> Result<(), ActivityError> {
        let key = durasim::random();
        let card = durasim::state::<Card>();
        durasim::effect("charge", || {
            let mut charges = card.charges.borrow_mut();
            if !charges.contains(&key) {
                charges.push(key);
            }
        })?;
        Ok(())
    }
    let once = check::named("charged_once", |run: &Run| -> Result<(), String> {
        match run.state::<Card>().charges.borrow().len() {
            0 | 1 => Ok(()),
            times => Err(format!("the card is charged {times} times")),
        }
    });
    Simulation::temporal()
        .activity("charge", charge)
        .workflow("order", async |ctx: &WorkflowContext, cents: u32| -> Result<(), WorkflowError> {
            ctx.execute_activity("charge", &cents, options()).await
        })
        .state(Card::default)
        .explore("order", &995u32)
        .every_fault()
        .check(check::same_result())
        .check(once)
        .assert();
}

#[test]
#[ignore = "fails on purpose"]
fn heartbeats_that_come_too_late() {
    async fn archive(ctx: &ActivityContext, parts: u32) -> Result<u32, ActivityError> {
        for part in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..parts {
            durasim::time::sleep(Duration::from_secs(45)).await;
            ctx.heartbeat(&(part + 1))?;
        }
        Ok(parts)
    }
    Simulation::temporal()
        .activity("archive", archive)
        .workflow("archiving", async |ctx: &WorkflowContext, parts: u32| -> Result<u32, WorkflowError> {
            ctx.execute_activity("archive", &parts, options()).await
        })
        .explore("archiving", &4u32)
        .every_fault()
        .check(check::same_result())
        .assert();
}

#[test]
#[ignore = "fails on purpose"]
fn workflow_that_branches_on_a_global() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    async fn visit(_ctx: &ActivityContext, place: String) -> Result<String, ActivityError> {
        durasim::time::sleep(STEP).await;
        Ok(place)
    }
    async fn travel(ctx: &WorkflowContext, (): ()) -> Result<String, WorkflowError> {
        let place = if RUNS.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) { "sea" } else { "mountains" };
        ctx.execute_activity("visit", place, options()).await
    }
    Simulation::temporal()
        .activity("visit", visit)
        .workflow("travel", travel)
        .explore("travel", &())
        .every_fault()
        .check(check::same_result())
        .assert();
}

/// Uploads of a bucket: the open ones, by the attempt that has begun them.
#[derive(Default)]
struct Bucket {
    open: RefCell<Vec<u32>>,
}

#[test]
#[ignore = "fails on purpose"]
fn zombie_that_aborts_its_successors_work() {
    async fn upload(ctx: &ActivityContext, parts: u32) -> Result<u32, ActivityError> {
        let (bucket, own) = (durasim::state::<Bucket>(), ctx.get_info().attempt);
        durasim::effect("begin", || bucket.open.borrow_mut().push(own))?;
        for part in 0..parts {
            durasim::time::sleep(STEP).await;
            if ctx.is_cancelled() {
                // All of them, and not its own alone.
                durasim::effect("abort", || bucket.open.borrow_mut().clear())?;
                return Err(ActivityError::Cancelled);
            }
            if !bucket.open.borrow().contains(&own) {
                return Err(ActivityError::non_retryable(format!("upload {own} is not open")));
            }
            ctx.heartbeat(&part)?;
        }
        Ok(parts)
    }
    Simulation::temporal()
        .activity("upload", upload)
        .workflow("uploading", async |ctx: &WorkflowContext, parts: u32| -> Result<u32, WorkflowError> {
            ctx.execute_activity("upload", &parts, options()).await
        })
        .state(Bucket::default)
        .explore("uploading", &3u32)
        .every_fault()
        .without("progress")
        .check(check::same_result())
        .assert();
}
