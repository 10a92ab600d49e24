//! Bug 29: an order takes items until it is closed. Each item is looked up by an activity, for which the handler of the update
//! waits; the order returns as soon as it is told to, with an item accepted that is still being looked up.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Client, ClientError, Exploration, RetryPolicy, Simulation,
    UpdateHandle, UpdateOptions, WorkflowContext, WorkflowError,
};

async fn look_up(_: &ActivityContext, item: String) -> Result<String, ActivityError> {
    durasim::time::sleep(Duration::from_secs(2)).await;
    Ok(format!("{item}, in stock"))
}

async fn order(ctx: &WorkflowContext, waits: bool) -> Result<Vec<String>, WorkflowError> {
    let items = Rc::new(RefCell::new(Vec::new()));
    let (inner, found) = (ctx.clone(), items.clone());
    ctx.on_update("add", async move |item: String| {
        let options = ActivityOptions {
            start_to_close_timeout: Duration::from_secs(10),
            retry_policy: Some(RetryPolicy { maximum_attempts: 4, ..Default::default() }),
            ..Default::default()
        };
        let item: String = inner.execute_activity("look_up", &item, options).await?;
        found.borrow_mut().push(item);
        Ok(())
    });
    ctx.signals::<()>("close").recv().await?;
    if waits {
        ctx.updates_finished().await;
    }
    // A handler that was cancelled has found nothing.
    if ctx.is_cancelled() {
        return Err(WorkflowError::cancelled());
    }
    Ok(items.take())
}

/// Adds an item, and closes the order three seconds later. By then it is there, if nothing goes wrong.
async fn shopper(client: Client) -> Result<Vec<String>, ClientError> {
    let order = client.start::<Vec<String>>("order", "order", &()).await?;
    let _: UpdateHandle<()> = order.start_update("add", "apple", UpdateOptions::default()).await?;
    client.sleep(Duration::from_secs(3)).await;
    order.signal("close", &()).await?;
    order.result().await
}

fn explored(waits: bool) -> Exploration {
    let order = async move |ctx: &WorkflowContext, (): ()| order(ctx, waits).await;
    Simulation::temporal().activity("look_up", look_up).workflow("order", order).explore_script(shopper)
}

pub fn planted() -> Exploration {
    explored(false).named("update_is_forgotten_at_the_end")
}

pub fn twin() -> Exploration {
    explored(true)
}
