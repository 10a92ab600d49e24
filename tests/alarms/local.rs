//! Local activities: what is run again does no harm.

use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Exploration, Ledger, LocalActivityOptions, RetryPolicy,
    Simulation, WorkflowContext, WorkflowError, check,
};

use crate::Sound;

#[derive(Default)]
struct Shop {
    reserved: Ledger<String>,
    shipped: Ledger<String>,
}

/// Looks at something, and changes nothing.
async fn price(_: &ActivityContext, item: String) -> Result<u32, ActivityError> {
    durasim::time::sleep(Duration::from_millis(300)).await;
    Ok(item.len() as u32)
}

/// Reserves an item unless it is reserved.
async fn reserve(_: &ActivityContext, item: String) -> Result<(), ActivityError> {
    durasim::time::sleep(Duration::from_secs(1)).await;
    let shop = durasim::state::<Shop>();
    if shop.reserved.count(&item) == 0 {
        durasim::effect("reserve", || shop.reserved.record(item))?;
    }
    durasim::time::sleep(Duration::from_secs(1)).await;
    Ok(())
}

async fn ship(_: &ActivityContext, item: String) -> Result<(), ActivityError> {
    durasim::time::sleep(Duration::from_secs(3)).await;
    let shop = durasim::state::<Shop>();
    if shop.shipped.count(&item) == 0 {
        durasim::effect("ship", || shop.shipped.record(item))?;
    }
    Ok(())
}

fn policy(first: u64) -> Option<RetryPolicy> {
    Some(RetryPolicy { initial_interval: Duration::from_secs(first), maximum_attempts: 4, ..Default::default() })
}

fn local(first: u64) -> LocalActivityOptions {
    LocalActivityOptions {
        start_to_close_timeout: Duration::from_secs(30),
        retry_policy: policy(first),
        ..Default::default()
    }
}

/// Several at the same time, one after the other, beside a timer and behind one, and an activity of the service in between.
async fn order(ctx: &WorkflowContext, items: Vec<String>) -> Result<u32, WorkflowError> {
    let prices = items.iter().map(|item| ctx.execute_local_activity::<u32>("price", item, local(1)));
    let prices: Vec<_> = futures::future::join_all(prices).await;
    let mut sum = 0;
    for (item, price) in items.iter().zip(prices) {
        sum += price?;
        // Its backoff is a timer of the workflow.
        ctx.execute_local_activity::<()>("reserve", item, local(90)).await?;
        let options = ActivityOptions {
            start_to_close_timeout: Duration::from_secs(60),
            retry_policy: policy(1),
            ..Default::default()
        };
        ctx.execute_activity::<()>("ship", item, options).await?;
        ctx.sleep(Duration::from_secs(5)).await?;
    }
    Ok(sum)
}

fn ordered() -> Exploration {
    Simulation::temporal()
        .activity("price", price)
        .activity("reserve", reserve)
        .activity("ship", ship)
        .workflow("order", order)
        .state(Shop::default)
        .explore("order", &["tea", "cups"])
        .check(check::effects(|shop: &Shop| &shop.reserved).named("reserved").repeats_at_most(0))
        .check(check::effects(|shop: &Shop| &shop.shipped).named("shipped").repeats_at_most(0))
}

pub fn all() -> Vec<Sound> {
    vec![("local activities".to_owned(), ordered())]
}
