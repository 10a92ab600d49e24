//! The history of a run, as Temporal's command line and web interface read it.

use std::time::Duration;

use durasim::report::HistoryError;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, ChildOptions, RetryPolicy, Run, Simulation, WorkflowContext,
    WorkflowError,
};
use serde_json::Value;

use crate::snapshot::assert_kept;

fn options(attempts: i32) -> ActivityOptions {
    ActivityOptions {
        start_to_close_timeout: Duration::from_secs(30),
        retry_policy: Some(RetryPolicy { maximum_attempts: attempts, ..Default::default() }),
        ..Default::default()
    }
}

async fn charge(_ctx: &ActivityContext, amount: u32) -> Result<String, ActivityError> {
    durasim::time::sleep(Duration::from_millis(1500)).await;
    match amount {
        0 => Err(ActivityError::retryable("the amount is zero")),
        amount => Ok(format!("charged {amount}")),
    }
}

async fn note(ctx: &WorkflowContext, text: String) -> Result<String, WorkflowError> {
    ctx.sleep(Duration::from_secs(1)).await?;
    Ok(text)
}

/// It has an event of nearly each kind.
async fn order(ctx: &WorkflowContext, amount: u32) -> Result<u32, WorkflowError> {
    ctx.version("notes", WorkflowContext::DEFAULT_VERSION, 1);
    let failed = ctx.execute_activity::<String>("charge", &0u32, options(2)).await;
    assert!(failed.is_err());
    let _: String = ctx.execute_activity("charge", &amount, options(2)).await?;
    let child = ctx.start_child::<String>("note", &"paid", ChildOptions::default());
    child.result().await?;
    let nobody = ctx.signal_workflow("nobody", "hello", &1u32).await;
    assert!(nobody.is_err());
    let dropped = ctx.sleep(Duration::from_secs(1000));
    ctx.sleep(Duration::from_millis(10)).await?;
    drop(dropped);
    ctx.signals::<u32>("more").recv().await.map(|_| ())?;
    Err(ctx.continue_as_new(&(amount + 1)))
}

async fn done(_ctx: &WorkflowContext, amount: u32) -> Result<u32, WorkflowError> {
    Ok(amount)
}

fn run() -> Run {
    let simulation = Simulation::temporal().activity("charge", charge).workflow("note", note).workflow("done", done);
    let script = async |client: durasim::Client| {
        let order = client.start::<u32>("order", "order-1", &7u32).await.unwrap();
        client.sleep(Duration::from_secs(20)).await;
        order.signal("more", &5u32).await.unwrap();
        client.sleep(Duration::from_secs(1)).await;
        order.terminate("enough").await.unwrap();
    };
    simulation.workflow("order", order).drive(script).unwrap().1
}

fn events(json: &str) -> Vec<Value> {
    let value: Value = serde_json::from_str(json).unwrap();
    value["events"].as_array().unwrap().clone()
}

#[test]
fn a_history_has_the_form_of_the_command_line() {
    let run = run();
    assert_kept("history_json", &run.history_json("order-1").unwrap());
    assert_kept("history_json_child", &run.history_json("order-1_1").unwrap());
}

/// Events refer to others by their ids, which count from 1.
#[test]
fn events_refer_to_those_before_them() {
    let json = run().history_json("order-1_1").unwrap();
    for (index, event) in events(&json).iter().enumerate() {
        assert_eq!(event["eventId"], (index + 1).to_string());
        let kind = event["eventType"].as_str().unwrap();
        let (_, attributes) = event.as_object().unwrap().iter().find(|(name, _)| name.ends_with("Attributes")).unwrap();
        for (name, value) in attributes.as_object().unwrap() {
            let refers = name.ends_with("EventId") && name != "parentInitiatedEventId";
            if refers && let Ok(id) = value.as_str().unwrap().parse::<usize>() {
                assert!((1..=index).contains(&id), "{kind} {name} {id}");
            }
        }
    }
}

#[test]
fn what_is_not_there_is_told() {
    let run = run();
    let error = run.history_json("order-2").unwrap_err();
    assert_eq!(error.to_string(), "the run has no workflow of the id `order-2` (it has `order-1`, `order-1_1`)");
    let cadence = Simulation::cadence().workflow("done", done).run("done", &1u32).unwrap();
    assert_eq!(cadence.history_json("done"), Err(HistoryError::Cadence));
}
