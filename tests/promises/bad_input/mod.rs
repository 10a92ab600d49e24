//! Every mistake a user can make gets its own clear error: never a hang, a panic of the engine, or a silent pass.

mod misplaced;
mod names;
mod no_end;
mod options;
mod panics;
mod plans;
mod updates;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::task::Poll;
use std::time::Duration;

use durasim::fault::Plan;
use durasim::{
    ActivityContext, ActivityError, ActivityFn, ActivityOptions, Outcome, RetryPolicy, Run, RunError, Simulation,
    WorkflowContext, WorkflowError, WorkflowFn,
};
use serde::Serialize;

use crate::snapshot::assert_kept;

fn second() -> Duration {
    Duration::from_secs(1)
}

fn options() -> ActivityOptions {
    ActivityOptions {
        start_to_close_timeout: second() * 60,
        retry_policy: Some(RetryPolicy { maximum_attempts: 2, ..Default::default() }),
        ..Default::default()
    }
}

async fn fine(_ctx: &ActivityContext, number: u32) -> Result<u32, ActivityError> {
    Ok(number)
}

/// Keys that are no strings, which JSON cannot hold.
fn not_json() -> BTreeMap<(u8, u8), u8> {
    BTreeMap::from([((1, 2), 3)])
}

#[derive(Default)]
struct Missing;

/// Makes a simulation with a fine activity and this workflow.
fn workflow<O: Serialize + 'static>(workflow: impl WorkflowFn<u32, O>) -> Simulation {
    Simulation::temporal().activity("fine", fine).workflow("main", workflow)
}

/// Makes a simulation with this activity and a workflow that runs it.
fn activity(activity: impl ActivityFn<u32, u32>) -> Simulation {
    workflow(async |ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
        ctx.execute_activity("work", &number, options()).await
    })
    .activity("work", activity)
}

/// Makes a simulation whose workflow runs the fine activity with these options.
fn with(options: ActivityOptions) -> Simulation {
    workflow(async move |ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
        ctx.execute_activity("fine", &number, options.clone()).await
    })
}

fn with_policy(retry_policy: RetryPolicy) -> Simulation {
    with(ActivityOptions { retry_policy: Some(retry_policy), ..options() })
}

/// The words that a user is told.
fn told(result: Result<Run, RunError>) -> String {
    match result {
        Err(error) => format!("error: {error}"),
        Ok(run) => match run.outcome() {
            Outcome::Open => "OPEN".to_owned(),
            _ => match run.result::<u32>() {
                Ok(number) => format!("PASSED with {number}"),
                Err(why) => format!("outcome: {why}"),
            },
        },
    }
}

/// Runs it and gives the words that a user is told; a panic is part of them.
fn tell(run: impl FnOnce() -> Result<Run, RunError>) -> String {
    match catch_unwind(AssertUnwindSafe(|| told(run()))) {
        Ok(told) => told,
        Err(payload) => {
            let message = payload.downcast_ref::<String>().cloned();
            let message = message.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            format!("panic: {}", message.unwrap_or_else(|| "NOT TEXT".to_owned()))
        }
    }
}

fn plan(text: &str) -> Result<Run, RunError> {
    let plan: Plan = text.parse()?;
    workflow(async |_ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> { Ok(number) })
        .plan(plan)
        .run("main", &1u32)
}

type Case = (&'static str, Box<dyn FnOnce() -> Result<Run, RunError>>);

fn case(name: &'static str, run: impl FnOnce() -> Result<Run, RunError> + 'static) -> Case {
    (name, Box::new(run))
}

#[test]
fn every_mistake_is_told() {
    let tables = [
        names::cases(),
        options::cases(),
        misplaced::cases(),
        no_end::cases(),
        panics::cases(),
        plans::cases(),
        updates::cases(),
    ];
    let (mut text, mut silent) = (String::new(), Vec::new());
    for (name, run) in tables.into_iter().flatten() {
        let told = tell(run);
        if ["PASSED", "OPEN", "NOT TEXT"].iter().any(|bad| told.contains(bad)) {
            silent.push(format!("{name}: {told}"));
        }
        writeln!(text, "{name}\n    {}", told.replace('\n', "\n    ")).unwrap();
    }
    assert!(silent.is_empty(), "{silent:#?}");
    assert_kept("bad_input", &text);
}
