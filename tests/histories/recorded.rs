//! Histories that the code goes along with.

use durasim::{Simulation, WorkflowContext, WorkflowError};

use crate::shop::{history, order, seconds, shop};

#[test]
fn a_history_of_a_run_is_taken_back() {
    let replayed = shop().replay_history(&history(true)).unwrap();
    assert_eq!((&*replayed.workflow_id, &*replayed.workflow_type), ("order-1", "order"));
    assert!(replayed.events > 30 && replayed.tasks >= 8, "{replayed:?}");
}

/// Neither activities nor children need to be registered.
#[test]
fn the_workflow_alone_is_enough() {
    let replayed = Simulation::temporal().workflow("order", order).replay_history(&history(true)).unwrap();
    assert_eq!(replayed, shop().replay_history(&history(true)).unwrap());
}

/// A workflow that still runs has answered all its tasks but the last.
#[test]
fn a_history_that_goes_on_is_replayed_as_far_as_it_goes() {
    let (open, closed) = (history(false), history(true));
    let tasks = |json: &str| shop().replay_history(json).unwrap().tasks;
    assert_eq!(tasks(&open) + 1, tasks(&closed));
}

/// The bare list, the answer of the API, and names as the messages' own files have them.
#[test]
fn each_shape_of_the_json_is_read() {
    let history: serde_json::Value = serde_json::from_str(&history(true)).unwrap();
    let bare = history["events"].to_string();
    let answer = format!("\u{feff}{{\"history\": {history}, \"nextPageToken\": \"\", \"archived\": false}}");
    for json in [bare, answer] {
        assert_eq!(shop().replay_history(&json).unwrap(), shop().replay_history(&history.to_string()).unwrap());
    }
    let snake = history.to_string().replace("\"eventId\"", "\"event_id\"").replace("\"eventType\"", "\"event_type\"");
    shop().replay_history(&snake).unwrap();
}

async fn transfer(ctx: &WorkflowContext, _money: serde_json::Value) -> Result<String, WorkflowError> {
    let withdrawn: String = ctx.execute_activity("withdraw", &1u32, crate::shop::options()).await?;
    ctx.sleep(seconds(10)).await?;
    let deposited: String = ctx.execute_activity("deposit", &1u32, crate::shop::options()).await?;
    Ok(format!("{withdrawn} {deposited}"))
}

/// `transfer.json` is written as `temporal workflow show` does, `transfer_older.json` as `tctl` did: with numbers as numbers,
/// `TimerStarted` for a type, and without fields that came later.
#[test]
fn both_spellings_of_the_tools_are_read() {
    let simulation = Simulation::temporal().workflow("transfer", transfer);
    let replayed = simulation.replay_histories("tests/histories/recorded").unwrap();
    let ids: Vec<(&str, u32)> = replayed.iter().map(|one| (&*one.workflow_id, one.tasks)).collect();
    assert_eq!(ids, [("transfer-77", 4), ("transfer", 4)]);
    let changed = async |ctx: &WorkflowContext, _: serde_json::Value| -> Result<String, WorkflowError> {
        ctx.execute_activity::<String>("withdraw", &1u32, crate::shop::options()).await?;
        ctx.execute_activity("deposit", &1u32, crate::shop::options()).await
    };
    let refused = Simulation::temporal().workflow("transfer", changed).replay_histories("tests/histories/recorded");
    let refused = refused.unwrap_err().to_string();
    let (first, lines) = refused.split_once('\n').unwrap();
    assert_eq!(first, "2 of 2 histories are refused:");
    for (line, file) in lines.lines().zip(["transfer.json", "transfer_older.json"]) {
        assert!(
            line.contains(file) && line.contains("at event 11 (TIMER_STARTED) the code asks to schedule activity 2")
        );
        assert!(line.contains("`ctx.execute_activity` at tests/histories/recorded.rs:"), "{line}");
    }
}

/// No event before the one that says that an update was accepted has the update.
#[test]
fn updates_are_replayed() {
    async fn cart(ctx: &WorkflowContext, _: ()) -> Result<u32, WorkflowError> {
        let added = std::rc::Rc::new(std::cell::Cell::new(0));
        let (inner, sum) = (ctx.clone(), added.clone());
        ctx.on_update("add", async move |count: u32| {
            inner.sleep(seconds(1)).await?;
            sum.set(sum.get() + count);
            if count == 0 { Err(WorkflowError::application("nothing is added")) } else { Ok(sum.get()) }
        });
        ctx.signals::<()>("checkout").recv().await?;
        ctx.updates_finished().await;
        Ok(added.get())
    }
    let simulation = Simulation::temporal().workflow("cart", cart);
    let script = async |client: durasim::Client| {
        let cart = client.start::<u32>("cart", "cart-1", &()).await.unwrap();
        assert_eq!(cart.update::<u32>("add", &2u32).await.unwrap(), 2);
        assert!(cart.update::<u32>("add", &0u32).await.is_err());
        assert_eq!(cart.update::<u32>("add", &3u32).await.unwrap(), 5);
        cart.signal("checkout", &()).await.unwrap();
        assert_eq!(cart.result().await.unwrap(), 5);
    };
    let json = simulation.drive(script).unwrap().1.history_json("cart-1").unwrap();
    simulation.replay_history(&json).unwrap();
    let without = async |ctx: &WorkflowContext, _: ()| -> Result<u32, WorkflowError> {
        ctx.signals::<()>("checkout").recv().await?;
        Ok(5)
    };
    Simulation::temporal().workflow("cart", without).replay_history(&json).unwrap_err();
}
