//! A script with three workflows that signal, query, cancel, terminate, pause, reset, complete by id and stop workers,
//! so that it does everything that the other runs do not do.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use durasim::program::CancellationType;
use durasim::service::{Reset, Unpause};
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Client, RetryPolicy, Simulation, WorkerOptions, WorkflowContext,
    WorkflowError,
};

use super::kept::Kept;
use super::run_text::run_text;
use super::seeds::random_runs;

const SECOND: Duration = Duration::from_secs(1);

/// Packs, with a helper in the background that is not waited for.
async fn pack(ctx: &ActivityContext, item: String) -> Result<String, ActivityError> {
    drop(durasim::task::spawn(async {
        durasim::time::sleep(3 * SECOND).await;
        let _ = durasim::effect("label", || ());
    }));
    for part in 0..2 {
        if ctx.is_cancelled() || ctx.is_worker_stopping() {
            return Err(ActivityError::Cancelled);
        }
        durasim::time::sleep(2 * SECOND).await;
        ctx.heartbeat(&part)?;
    }
    ctx.record_heartbeat(None);
    durasim::effect("pack", || ())?;
    Ok(item)
}

/// Somebody signs for it meanwhile, by the activity's id.
async fn sign(_ctx: &ActivityContext, _: ()) -> Result<String, ActivityError> {
    durasim::time::sleep(30 * SECOND).await;
    Ok("nobody".to_owned())
}

/// Deaf and slow, but for its random number.
async fn drive(ctx: &ActivityContext, minutes: u64) -> Result<u64, ActivityError> {
    if ctx.get_info().attempt == 1 {
        durasim::time::sleep(2 * SECOND).await;
        return Err(ActivityError::retryable("flat tyre"));
    }
    durasim::time::sleep(Duration::from_secs(60 * minutes)).await;
    Ok(durasim::random() % 10)
}

fn options(id: Option<&str>) -> ActivityOptions {
    ActivityOptions {
        activity_id: id.map(Into::into),
        schedule_to_close_timeout: 600 * SECOND,
        start_to_close_timeout: 100 * SECOND,
        heartbeat_timeout: 10 * SECOND,
        cancellation_type: CancellationType::WaitCancellationCompleted,
        retry_policy: Some(RetryPolicy { maximum_attempts: 4, ..Default::default() }),
        ..Default::default()
    }
}

/// Packs the items it is sent until none comes any more; then has the order signed for.
async fn order(ctx: &WorkflowContext, (): ()) -> Result<(u32, String), WorkflowError> {
    let packed = Rc::new(Cell::new(0u32));
    let shown = packed.clone();
    ctx.on_query("packed", move |()| Ok(shown.get()));
    let number: u64 = ctx.side_effect(|| 4711);
    let newest = ctx.version("signed", WorkflowContext::DEFAULT_VERSION, 1);
    let items = ctx.signals::<Option<String>>("item");
    let patience = ctx.child_scope();
    let warning = patience.sleep(100 * SECOND);
    while let Some(item) = items.recv().await? {
        let _: String = ctx.execute_activity("pack", &format!("{item} of {number}"), options(None)).await?;
        packed.set(packed.get() + 1);
    }
    patience.cancel();
    drop(warning);
    if newest < 1 {
        return Ok((packed.get(), String::new()));
    }
    let options = ActivityOptions { heartbeat_timeout: Duration::ZERO, ..options(Some("signature")) };
    let signed = ctx.execute_activity("sign", &(), options).await?;
    Ok((packed.get(), signed))
}

async fn tour(ctx: &WorkflowContext, minutes: u64) -> Result<u64, WorkflowError> {
    let options = ActivityOptions { heartbeat_timeout: Duration::ZERO, ..options(Some("tour")) };
    ctx.execute_activity("drive", &minutes, options).await
}

/// Fails.
async fn bill(_ctx: &WorkflowContext, cents: u64) -> Result<(), WorkflowError> {
    Err(WorkflowError::application(format!("{cents} cents are too little")))
}

fn with_code(simulation: Simulation) -> Simulation {
    simulation
        .activity("pack", pack)
        .activity("sign", sign)
        .activity("drive", drive)
        .workflow("order", order)
        .workflow("tour", tour)
        .workflow("bill", bill)
        .worker(WorkerOptions::default())
        .worker(WorkerOptions { max_concurrent_activities: 1, ..WorkerOptions::default() })
        .graceful_shutdown_period(3 * SECOND)
}

async fn day(client: Client) -> Vec<String> {
    let mut said = Vec::new();
    let mut note = |what: &dyn std::fmt::Debug| said.push(format!("{what:?}"));
    let order = client.start::<(u32, String)>("order", "order-1", &()).await.unwrap();
    for item in ["apple", "pear"] {
        note(&order.signal("item", &Some(item)).await);
        client.sleep(6 * SECOND).await;
        note(&order.query::<u32>("packed", &()).await);
    }
    note(&order.query::<u32>("unpacked", &()).await);
    let first = client.start::<u64>("tour", "tour-1", &1).await.unwrap();
    let second = client.start::<u64>("tour", "tour-2", &5).await.unwrap();
    let third = client.start::<u64>("tour", "tour-3", &1).await.unwrap();
    note(&first.pause_activity("tour").await);
    client.sleep(5 * SECOND).await;
    note(&first.unpause_activity("tour", Unpause { reset_attempts: true, reset_heartbeat: false }).await);
    note(
        &third.reset_activity("tour", Reset { reset_heartbeat: true, keep_paused: false, ..Default::default() }).await,
    );
    client.stop_worker(1);
    client.sleep(20 * SECOND).await;
    note(&order.signal("item", &None::<String>).await);
    client.sleep(SECOND).await;
    note(&order.complete_activity("signature", &"me").await);
    note(&order.result().await);
    note(&second.cancel().await);
    note(&third.terminate("no petrol").await);
    note(&third.result().await);
    note(&first.result().await);
    note(&second.result().await);
    let bill = client.start::<()>("bill", "bill-1", &3).await.unwrap();
    note(&bill.result().await);
    said
}

/// Each answer that the script got, then the run.
fn text(simulation: &Simulation) -> String {
    match simulation.drive(day) {
        Ok((said, run)) => said.join("\n") + "\n" + &run_text(Ok(&run)),
        Err(error) => run_text(Err(&error)),
    }
}

const PLANS: [&str; 12] = [
    "v1",
    "v1 seed=5 order=random",
    "order#1:signal1=delayed(3s)",
    "order#1:signal2=duplicated",
    "order#1:signal2=cancel",
    "order#1:task2=signal",
    "order#1:task3=evicted",
    "pack#1@1:await2=freeze(15s)",
    "pack#2@1:await1=crash",
    "pack#1@1:await1=stop",
    "pack#1@1:effect1=crash_after",
    "tour-2:drive#1@1:await1=fail",
];

#[test]
fn golden_orders_under_plans() {
    let mut kept = Kept::new("orders");
    for (dialect, simulation) in [("temporal", Simulation::temporal()), ("cadence", Simulation::cadence())] {
        let simulation = with_code(simulation);
        for plan in PLANS {
            let text = text(&simulation.clone().plan(plan.parse().unwrap()));
            kept.add(&format!("{dialect}: {plan}"), &text);
        }
    }
    kept.assert();
}

#[test]
fn golden_orders_under_random_faults() {
    let simulations = [("temporal", with_code(Simulation::temporal())), ("cadence", with_code(Simulation::cadence()))];
    random_runs("orders_random", &simulations, 0..50, text);
}
