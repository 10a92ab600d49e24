//! A script is the client of a workflow: it starts, signals, queries and waits, in virtual time. It can be explored.
//!
//! `cargo run --example script`

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Client, Exploration, RetryPolicy, Simulation, WorkflowContext,
    WorkflowError, check,
};

async fn cook(_ctx: &ActivityContext, dish: String) -> Result<String, ActivityError> {
    durasim::time::sleep(Duration::from_secs(20)).await;
    Ok(format!("hot {dish}"))
}

/// Serves what is ordered by the signal `order`, until the guest pays. The query `served` counts the dishes.
async fn table(ctx: &WorkflowContext, (): ()) -> Result<Vec<String>, WorkflowError> {
    let served = Rc::new(RefCell::new(Vec::new()));
    let shown = Rc::clone(&served);
    ctx.on_query("served", move |()| Ok(shown.borrow().len()));
    let orders = ctx.signals::<Option<String>>("order");
    while let Some(dish) = orders.recv().await? {
        let options = ActivityOptions {
            start_to_close_timeout: Duration::from_secs(60),
            retry_policy: Some(RetryPolicy { maximum_attempts: 4, ..Default::default() }),
            ..Default::default()
        };
        let dish: String = ctx.execute_activity("cook", &dish, options).await?;
        served.borrow_mut().push(dish);
    }
    Ok(served.take())
}

/// A guest who orders twice, looks at the table, and pays.
async fn dine(client: Client) -> Result<Vec<String>, String> {
    let table = client.start::<Vec<String>>("table", "table-4", &()).await?;
    for dish in ["soup", "pie"] {
        table.signal("order", &Some(dish)).await?;
    }
    client.sleep(Duration::from_secs(30)).await;
    let served: usize = table.query("served", &()).await?;
    if served > 2 {
        return Err(format!("{served} dishes were served, and 2 were ordered"));
    }
    table.signal("order", &None::<String>).await?;
    Ok(table.result().await?)
}

fn simulation() -> Simulation {
    Simulation::temporal().activity("cook", cook).workflow("table", table)
}

/// The exploration of it.
pub fn explored() -> Exploration {
    simulation()
        .explore_script(dine)
        .named("dine")
        .every_fault()
        .seeds(0..1_000)
        // One signal may overtake another, so that the pie comes before the soup.
        .check(check::same_result().normalize(|dishes: &mut Result<Vec<String>, String>| {
            let _ = dishes.as_mut().map(|dishes| dishes.sort());
        }))
        .check(check::replays())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (dishes, run) = simulation().drive(dine)?;
    println!("{}\nserved: {}\n", run.timeline(), dishes?.join(", "));

    let report = explored().report();
    println!("{report}");
    report.failures().iter().for_each(|failed| println!("{}", failed.text));
    assert!(report.holds());
    Ok(())
}
