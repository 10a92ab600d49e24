//! Bug 28: each night's run takes for granted that the one of the night before has done its part. Where that has failed, its
//! day is never exported.

use std::ops::Range;
use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Client, Exploration, Ledger, RetryPolicy, Simulation,
    StartOptions, WorkflowContext, WorkflowError, WorkflowFn, check,
};

const DAY: Duration = Duration::from_secs(24 * 3_600);
/// The days that have sales. The nights behind them are there for what has failed before.
const DAYS: u64 = 3;

#[derive(Default)]
struct Warehouse {
    exported: Ledger<u64>,
}

async fn export(_: &ActivityContext, days: Range<u64>) -> Result<(), ActivityError> {
    let warehouse = durasim::state::<Warehouse>();
    for day in days.start..days.end.min(DAYS) {
        durasim::time::sleep(Duration::from_secs(60)).await;
        durasim::effect("export", || warehouse.exported.record(day))?;
    }
    Ok(())
}

/// One attempt is enough: there is another run the next night.
async fn nightly(ctx: &WorkflowContext, days: Range<u64>) -> Result<u64, WorkflowError> {
    let options = ActivityOptions {
        start_to_close_timeout: Duration::from_secs(3_600),
        retry_policy: Some(RetryPolicy { maximum_attempts: 1, ..Default::default() }),
        ..Default::default()
    };
    let () = ctx.execute_activity("export", &days, options).await?;
    Ok(days.end)
}

fn today(ctx: &WorkflowContext) -> u64 {
    ctx.now().since_epoch().as_secs() / DAY.as_secs()
}

async fn with_bug(ctx: &WorkflowContext, (): ()) -> Result<u64, WorkflowError> {
    let today = today(ctx);
    nightly(ctx, today - 1..today).await
}

async fn corrected(ctx: &WorkflowContext, (): ()) -> Result<u64, WorkflowError> {
    // A failed run hands on the result of the last one that has completed.
    let exported = ctx.last_result::<u64>()?.unwrap_or(0);
    nightly(ctx, exported..today(ctx)).await
}

/// Gives the day up to which the nightly runs of a week have exported, by their own word, and says whether they are still on.
async fn a_week(client: Client) -> (Option<String>, bool) {
    let options = StartOptions { cron: Some("@daily".to_owned()), ..Default::default() };
    let nightly = client.start_with::<u64>("nightly", "nightly", &(), options).await.expect("it is not there yet");
    client.sleep(7 * DAY + DAY / 2).await;
    let last = nightly.inspect(|service, run| service.workflow(run).info().last_result.clone());
    (last.map(|day| day.to_string()), nightly.terminate("the week is over").await.is_ok())
}

fn explored(workflow: impl WorkflowFn<(), u64>) -> Exploration {
    Simulation::temporal()
        .activity("export", export)
        .workflow("nightly", workflow)
        .state(Warehouse::default)
        .explore_script(a_week)
        .check(check::effects(|warehouse: &Warehouse| &warehouse.exported))
}

pub fn planted() -> Exploration {
    explored(with_bug).named("last_run_may_have_failed")
}

pub fn twin() -> Exploration {
    explored(corrected)
}
