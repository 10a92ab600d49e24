//! The code of a shop, and its histories.

use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, ChildOptions, Client, ReplayError, Simulation, WorkflowContext,
    WorkflowError,
};
use serde_json::Value;

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn options() -> ActivityOptions {
    ActivityOptions { start_to_close_timeout: seconds(30), ..Default::default() }
}

async fn charge(_ctx: &ActivityContext, amount: u32) -> Result<String, ActivityError> {
    Ok(format!("charged {amount}"))
}

async fn note(_ctx: &WorkflowContext, text: String) -> Result<String, WorkflowError> {
    Ok(text)
}

/// It has commands of each kind.
pub(crate) async fn order(ctx: &WorkflowContext, amount: u32) -> Result<String, WorkflowError> {
    let receipt: String = ctx.execute_activity("charge", &amount, options()).await?;
    let number: u64 = ctx.side_effect(durasim::random);
    let dropped = ctx.sleep(seconds(1000));
    ctx.sleep(seconds(5)).await?;
    drop(dropped);
    let named = ActivityOptions { activity_id: Some(format!("charge-{number}")), ..options() };
    let _: String = ctx.execute_activity("charge", &amount, named).await?;
    let child = ctx.start_child::<String>("note", &receipt, ChildOptions::default());
    let text = child.result().await?;
    let nobody = ctx.signal_workflow("nobody", "hello", &1u32).await;
    let nothing = ctx.cancel_workflow("nobody").await;
    assert!(nobody.is_err() && nothing.is_err());
    ctx.signals::<u32>("more").recv().await?;
    Ok(text)
}

pub(crate) fn shop() -> Simulation {
    let simulation = Simulation::temporal().activity("charge", charge).workflow("note", note);
    simulation.workflow("order", order)
}

/// The history of an order that has got its signal, unless it waits for that.
pub(crate) fn history(has_signal: bool) -> String {
    let script = async |client: Client| {
        let order = client.start::<String>("order", "order-1", &7u32).await.unwrap();
        client.sleep(seconds(60)).await;
        if has_signal {
            order.signal("more", &1u32).await.unwrap();
            assert_eq!(order.result().await.unwrap(), "charged 7");
        }
    };
    shop().seed(9).drive(script).unwrap().1.history_json("order-1").unwrap()
}

/// The same history with a change.
pub(crate) fn altered(change: impl FnOnce(&mut Vec<Value>)) -> String {
    let mut history: Value = serde_json::from_str(&history(true)).unwrap();
    change(history["events"].as_array_mut().unwrap());
    history.to_string()
}

/// The place of the first event of a type.
pub(crate) fn find(events: &[Value], event_type: &str) -> usize {
    let name = format!("EVENT_TYPE_{event_type}");
    events.iter().position(|event| event["eventType"] == name).unwrap()
}

/// The attributes of an event.
pub(crate) fn attributes(event: &mut Value) -> &mut Value {
    let mut fields = event.as_object_mut().unwrap().iter_mut();
    fields.find(|(name, _)| name.ends_with("Attributes")).unwrap().1
}

/// The words of the refusal.
pub(crate) fn refused(json: &str) -> String {
    shop().replay_history(json).unwrap_err().to_string()
}

/// The event of a difference and its words.
pub(crate) fn difference(json: &str) -> (u64, String, String) {
    match shop().replay_history(json).unwrap_err() {
        ReplayError::Differs { event_id, event_type, difference, .. } => (event_id, event_type.to_owned(), difference),
        other => panic!("refused otherwise: {other}"),
    }
}
