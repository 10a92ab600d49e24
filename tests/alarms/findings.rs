//! Correct code that was called wrong once, and the examples.

use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityFn, ActivityOptions, Client, Exploration, RetryPolicy, Simulation,
    WorkflowContext, WorkflowError, check,
};

use crate::Sound;

#[path = "../../examples/cancel.rs"]
#[allow(dead_code, reason = "only its exploration is used")]
mod cancel;
#[path = "../../examples/parent_and_children.rs"]
#[allow(dead_code, reason = "only its exploration is used")]
mod parent_and_children;
#[path = "../../examples/resume.rs"]
#[allow(dead_code, reason = "only its exploration is used")]
mod resume;
#[path = "../../examples/saga.rs"]
#[allow(dead_code, reason = "only its exploration is used")]
mod saga;
#[path = "../../examples/script.rs"]
#[allow(dead_code, reason = "only its exploration is used")]
mod script;
#[path = "../../examples/subscription.rs"]
#[allow(dead_code, reason = "only its exploration is used")]
mod subscription;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A workflow `main` that executes the activity `a` once.
fn one(activity: impl ActivityFn<u32, u32>, options: ActivityOptions) -> Simulation {
    let main = async move |ctx: &WorkflowContext, input: u32| -> Result<u32, WorkflowError> {
        ctx.execute_activity("a", &input, options.clone()).await
    };
    Simulation::temporal().activity("a", activity).workflow("main", main)
}

fn three_attempts() -> ActivityOptions {
    ActivityOptions {
        schedule_to_close_timeout: seconds(600),
        heartbeat_timeout: seconds(30),
        retry_policy: Some(RetryPolicy { maximum_attempts: 3, ..Default::default() }),
        ..Default::default()
    }
}

/// A stall can leave a retry with just its usual time.
fn tie() -> Exploration {
    let job = async |_: &ActivityContext, input: u32| -> Result<u32, ActivityError> {
        durasim::time::sleep(seconds(40)).await;
        Ok(input)
    };
    let options = ActivityOptions {
        schedule_to_close_timeout: seconds(100),
        start_to_close_timeout: Duration::from_millis(58_998),
        ..Default::default()
    };
    one(job, options).explore("main", &1u32).check(check::same_result())
}

/// A copy of many rows.
fn many_rows() -> Exploration {
    let copy = async |ctx: &ActivityContext, rows: u32| -> Result<u32, ActivityError> {
        for row in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..rows {
            durasim::time::sleep(seconds(1)).await;
            ctx.heartbeat(&(row + 1))?;
        }
        Ok(rows)
    };
    let options = ActivityOptions {
        schedule_to_close_timeout: seconds(7_200),
        start_to_close_timeout: seconds(3_600),
        retry_policy: Some(RetryPolicy { maximum_attempts: 5, ..Default::default() }),
        ..three_attempts()
    };
    one(copy, options).explore("main", &60u32).check(check::same_result())
}

/// The activity sends a sign of life before it looks at the details it was given, which are none by then.
fn sign_of_life() -> Exploration {
    let work = async |ctx: &ActivityContext, chunks: u32| -> Result<u32, ActivityError> {
        let given = ctx.heartbeat_details::<u32>()?.unwrap_or(0);
        ctx.heartbeat(&given)?;
        for chunk in given..chunks {
            durasim::time::sleep(seconds(5)).await;
            ctx.heartbeat(&(chunk + 1))?;
        }
        Ok(chunks)
    };
    one(work, three_attempts()).explore("main", &3u32).check(check::progress("a", |done: &u32| *done))
}

/// It waits for its work and for a cancel, as the clients' documents show.
fn waits_for_a_cancel() -> Exploration {
    let upload = async |ctx: &ActivityContext, input: u32| -> Result<u32, ActivityError> {
        tokio::select! {
            biased;
            _ = ctx.cancelled() => Err(ActivityError::Cancelled),
            () = durasim::time::sleep(seconds(20)) => Ok(input),
        }
    };
    one(upload, three_attempts()).explore("main", &1u32).check(check::stops_in_time(seconds(5)))
}

/// A script that is done at its first poll.
fn done_at_once() -> Exploration {
    let nap = async |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> { ctx.sleep(seconds(1)).await };
    let start = async |client: Client| client.start::<()>("nap", "n", &()).await.is_ok();
    Simulation::temporal().workflow("nap", nap).explore_script(start).check(check::same_result())
}

/// Many tasks that end at one moment, joined one by one.
fn joins_many() -> Exploration {
    let fetch = async |_: &ActivityContext, count: u32| -> Result<u32, ActivityError> {
        let task = |_| durasim::task::spawn(async { durasim::time::sleep(seconds(1)).await });
        for task in (0..count).map(task).collect::<Vec<_>>() {
            let _ = task.await;
        }
        Ok(count)
    };
    one(fetch, three_attempts()).explore("main", &20u32).check(check::same_result())
}

pub fn all() -> Vec<Sound> {
    let named = |name: &str, exploration: Exploration| (format!("findings: {name}"), exploration);
    vec![
        named("a tie", tie()),
        named("many rows", many_rows()),
        named("a sign of life", sign_of_life()),
        named("waits for a cancel", waits_for_a_cancel()),
        named("done at once", done_at_once()),
        named("joins many", joins_many()),
        ("example: resume".to_owned(), resume::explored()),
        ("example: cancel".to_owned(), cancel::explored()),
        ("example: script".to_owned(), script::explored()),
        ("example: saga".to_owned(), saga::explored()),
        ("example: parent and children".to_owned(), parent_and_children::explored()),
        ("example: subscription".to_owned(), subscription::explored()),
    ]
}
