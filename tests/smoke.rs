//! Scratch.
use std::time::Duration;
use durasim::*;
#[derive(Default)]
struct Store { done: Ledger<u32> }
async fn work(ctx: &ActivityContext, n: u32) -> Result<u32, ActivityError> {
    let store = durasim::state::<Store>();
    let start: u32 = ctx.heartbeat_details()?.unwrap_or(0);
    for i in start..n {
        durasim::time::sleep(Duration::from_secs(5)).await;
        durasim::effect("write", || store.done.record(i)).map_err(|e| ActivityError::Retryable(e.to_string()))?;
        ctx.heartbeat(&(i + 1))?;
    }
    Ok(n)
}
async fn wf(ctx: &WorkflowContext, n: u32) -> Result<u32, WorkflowError> {
    let o = ActivityOptions { schedule_to_close_timeout: Duration::from_secs(300), heartbeat_timeout: Duration::from_secs(30),
        retry_policy: Some(RetryPolicy { maximum_attempts: 3, backoff_coefficient: 2.0, ..Default::default() }), ..Default::default() };
    ctx.execute_activity("work", &n, o).await
}
#[test]
fn smoke() {
    let s = Simulation::temporal().activity("work", work).workflow("wf", wf).state(Store::default);
    let e = s.explore("wf", &10u32).every_fault().seeds(0..1000).check(check::same_result()).check(check::progress("work", |n: &u32| *n)).check(check::effects(|s: &Store| &s.done).repeats_at_most(5));
    let r = e.report();
    println!("{r}");
    for p in r.parts() { println!("{:?} {:?}", p.elapsed, p.tally); }
    for f in r.failures() { println!("{}", f.text); }
}
