//! Bug 14: the order of a `HashMap` is the order of the activities. They are all alike, so no worker notices when a replay
//! takes another one. Another form of it: the real clock in an argument.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Exploration, Simulation, WorkflowContext, WorkflowError,
    WorkflowFn, check,
};

fn options() -> ActivityOptions {
    ActivityOptions { start_to_close_timeout: Duration::from_secs(60), ..Default::default() }
}

async fn send(_ctx: &ActivityContext, to: (String, u128)) -> Result<(), ActivityError> {
    durasim::time::sleep(Duration::from_secs(1)).await;
    drop(to);
    Ok(())
}

fn readers() -> HashMap<String, u32> {
    (0..20).map(|number| (format!("reader {number}"), number)).collect()
}

async fn with_bug(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
    for name in readers().into_keys() {
        let () = ctx.execute_activity("send", &(name, 0), options()).await?;
    }
    Ok(())
}

async fn with_the_real_clock(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
    ctx.execute_activity("send", &("reader 0", now), options()).await
}

async fn corrected(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
    let mut names: Vec<String> = readers().into_keys().collect();
    names.sort();
    for name in names {
        let () = ctx.execute_activity("send", &(name, ctx.now().as_nanos()), options()).await?;
    }
    Ok(())
}

fn explored(newsletter: impl WorkflowFn<(), ()>) -> Exploration {
    Simulation::temporal()
        .activity("send", send)
        .workflow("newsletter", newsletter)
        .explore("newsletter", &())
        .check(check::replays())
        .check(check::same_result())
}

pub fn planted() -> Exploration {
    explored(with_bug).named("order_of_a_hash_map")
}

pub fn planted_with_the_real_clock() -> Exploration {
    explored(with_the_real_clock).named("order_of_a_hash_map")
}

pub fn twin() -> Exploration {
    explored(corrected)
}
