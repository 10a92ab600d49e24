//! Code that cannot run, and wrong uses: a clear error for each.

use std::sync::Mutex;

use async_trait::async_trait;
use crabdance_activity::{ActivityContext, FromResources, activity};
use crabdance_core::{
    ActivityOptions, ChildWorkflowOptions, ResourceContext, ResourceError, RetryPolicy, WorkflowIdReusePolicy,
};
use crabdance_worker::registry::Registry;
use crabdance_workflow::context::ContinueAsNewOptions;
use crabdance_workflow::{ActivityError, LocalActivityOptions, WorkflowContext, WorkflowError, workflow};
use durasim::Simulation;
use durasim_cadence::CadenceExt;

use super::{call, failure_of, secs};

/// One attempt, which has a minute.
fn once() -> ActivityOptions {
    ActivityOptions { schedule_to_close_timeout: secs(60), ..Default::default() }
}

#[activity(name = "double")]
async fn double(_ctx: &ActivityContext, n: u32) -> Result<u32, ActivityError> {
    Ok(2 * n)
}

#[activity(name = "panics")]
async fn panics(_ctx: &ActivityContext, _n: u32) -> Result<u32, ActivityError> {
    panic!("out of paper")
}

#[activity(name = "never_filled")]
async fn never_filled(_ctx: &ActivityContext, _n: u32) -> Result<u32, ActivityError> {
    let (_sender, mut receiver) = tokio::sync::mpsc::channel(1);
    receiver.recv().await.ok_or(ActivityError::Cancelled)
}

struct Database;

#[async_trait]
impl FromResources for Database {
    async fn get(ctx: ResourceContext<'_>) -> Result<Database, ResourceError> {
        ctx.resources::<Mutex<u32>>().map(|_| Database).ok_or_else(|| ResourceError::new("there is no database"))
    }
}

#[activity(name = "asks")]
async fn asks(_ctx: &ActivityContext, _database: Database, n: u32) -> Result<u32, ActivityError> {
    Ok(n)
}

async fn child(ctx: &WorkflowContext, workflow: &str, options: ChildWorkflowOptions) -> Result<u32, WorkflowError> {
    ctx.execute_child_workflow(workflow, None, options).await?;
    Ok(1)
}

fn as_new(schedule: Option<&str>) -> ContinueAsNewOptions {
    ContinueAsNewOptions {
        task_list: String::new(),
        execution_start_to_close_timeout: secs(1),
        task_start_to_close_timeout: secs(1),
        retry_policy: None,
        cron_schedule: schedule.map(str::to_owned),
        memo: None,
        search_attributes: None,
    }
}

/// Does what its input says.
#[workflow(name = "main")]
async fn main_workflow(ctx: WorkflowContext, what: String) -> Result<u32, WorkflowError> {
    let inner = ctx.clone();
    match what.as_str() {
        "unregistered" => call(&ctx, "dubble", 1, once()).await,
        "text for a number" => call(&ctx, "double", "two", once()).await,
        "no input" => {
            ctx.execute_activity("double", None, once()).await?;
            Ok(1)
        }
        "unknown queue" => call(&ctx, "double", 1, ActivityOptions { task_list: "gpu".into(), ..once() }).await,
        "tokio sleep" => {
            tokio::time::sleep(secs(1)).await;
            Ok(1)
        }
        "tokio sleep in a task" => {
            let slept = ctx.spawn(async { tokio::time::sleep(secs(1)).await });
            slept.join().await.map_err(WorkflowError::execution_failed_error)?;
            Ok(1)
        }
        "tokio spawn" => {
            tokio::spawn(async {}).await.map_err(WorkflowError::execution_failed_error)?;
            Ok(1)
        }
        "blocking" => {
            tokio::task::spawn_blocking(|| {}).await.map_err(WorkflowError::execution_failed_error)?;
            Ok(1)
        }
        "durasim's clock" => {
            durasim::time::now();
            Ok(1)
        }
        "panic" => panic!("no paper either"),
        "panic in a task" => {
            ctx.spawn(async { panic!("no paper there") }).join().await.map_err(WorkflowError::execution_failed_error)
        }
        "channel" => {
            let (_sender, receiver) = ctx.new_channel::<u32>(1);
            Ok(receiver.recv().await.unwrap_or(0))
        }
        "channel in a task" => {
            let (_sender, receiver) = ctx.new_channel::<u32>(1);
            let received = ctx.spawn(async move { receiver.recv().await });
            Ok(received.join().await.map_err(WorkflowError::execution_failed_error)?.unwrap_or(0))
        }
        "side effects for ever" => loop {
            ctx.side_effect(|| 1).await;
        },
        "tasks for ever" => loop {
            let _ = ctx.spawn(async {}).join().await;
        },
        "local activity" => {
            let options = LocalActivityOptions { schedule_to_close_timeout: secs(1), retry_policy: None };
            ctx.execute_local_activity("double", None, options).await?;
            Ok(1)
        }
        "local option" => call(&ctx, "double", 1, ActivityOptions { local_activity: true, ..once() }).await,
        "child" => child(&ctx, "pays", ChildWorkflowOptions::default()).await,
        "child's domain" => {
            child(&ctx, "main", ChildWorkflowOptions { domain: Some("other".into()), ..Default::default() }).await
        }
        "child's schedule" => {
            child(&ctx, "main", ChildWorkflowOptions { cron_schedule: Some("every day".into()), ..Default::default() })
                .await
        }
        "child instead" => {
            let workflow_id_reuse_policy = WorkflowIdReusePolicy::TerminateIfRunning;
            child(&ctx, "main", ChildWorkflowOptions { workflow_id_reuse_policy, ..Default::default() }).await
        }
        "child's policy" => {
            let retry_policy = Some(RetryPolicy { backoff_coefficient: 0.5, ..Default::default() });
            child(&ctx, "main", ChildWorkflowOptions { retry_policy, ..Default::default() }).await
        }
        "as new" => ctx.continue_as_new("next", None, as_new(None)).await,
        "schedule as new" => ctx.continue_as_new("main", None, as_new(Some("every day"))).await,
        "signal" => {
            ctx.signal_external_workflow("other", None, "go", None).await?;
            Ok(1)
        }
        "cancel" => {
            inner.request_cancel_external_workflow("other", None).await?;
            Ok(1)
        }
        activity => call(&ctx, activity, 1, once()).await,
    }
}

fn register_all(registry: &dyn Registry) {
    double_cadence::register(registry);
    panics_cadence::register(registry);
    never_filled_cadence::register(registry);
    asks_cadence::register(registry);
    main_workflow_cadence::register(registry);
}

/// Nobody sends anything.
const WAITS_FOR_EVER: &[&str] = &[
    "workflow `main` waits for ever: at 0.001s nothing is left that could wake it",
    "does it await a future that has ended already, or that is not its context's?",
];

/// Errors that end the run: what the code does, and words of the error.
const ERRORS: &[(&str, &[&str])] = &[
    ("unregistered", &["schedules the activity `dubble`, which is not registered (registered: `asks`, `double`, "]),
    ("unknown queue", &["on the task queue `gpu`, which no worker polls", "add `.worker("]),
    (
        "tokio sleep",
        &[
            "workflow `main` uses tokio's timers",
            "use the timers and the clock of its context",
            "tests/code/bad_input.rs",
        ],
    ),
    (
        "tokio sleep in a task",
        &[
            "workflow `main` uses tokio's timers",
            "use the timers and the clock of its context",
            "tests/code/bad_input.rs",
        ],
    ),
    ("tokio spawn", &["workflow `main` calls `tokio::spawn`", "ctx.spawn"]),
    ("blocking", &["workflow `main` calls `tokio::spawn` or `spawn_blocking`", "do what blocks in an activity"]),
    ("durasim's clock", &["workflow code called `durasim::time::now`", "use `ctx.sleep` and `ctx.now`"]),
    ("panic", &["the workflow's code panicked: no paper either", "tests/code/bad_input.rs"]),
    ("panic in a task", &["the workflow's code panicked: no paper there", "tests/code/bad_input.rs"]),
    ("never_filled", &["never_filled waits for something that nothing in the simulation has woken", "a channel"]),
    ("channel", WAITS_FOR_EVER),
    ("channel in a task", WAITS_FOR_EVER),
    (
        "local activity",
        &["workflow `main` asked for the local activity `double` (`execute_local_activity`), which is not simulated"],
    ),
    ("local option", &["asked for the activity `double` with the option `local_activity`, which is not simulated"]),
    ("child", &["asks for the workflow `pays`, which is not registered (registered: `main`)"]),
    (
        "child's domain",
        &[
            "asked for the child workflow `main` (`execute_child_workflow`) with the option `domain`, which is not simulated",
        ],
    ),
    ("child's schedule", &["BadStartChildExecutionAttributes", "Invalid CronSchedule `every day`"]),
    ("child instead", &["with the option `workflow_id_reuse_policy: TerminateIfRunning`, which is not simulated"]),
    ("child's policy", &["BadStartChildExecutionAttributes", "BackoffCoefficient cannot be less than 1"]),
    ("as new", &["asks for the workflow `next`, which is not registered (registered: `main`)"]),
    ("schedule as new", &["BadContinueAsNewAttributes", "Invalid CronSchedule `every day`"]),
];

/// The same for code that would go on for ever.
const LOOPS: &[(&str, &[&str])] = &[
    ("side effects for ever", &["has asked for", "a loop that does not wait"]),
    ("tasks for ever", &["it is in a loop"]),
];

#[test]
fn what_cannot_run_is_told() {
    told(ERRORS);
}

#[test]
fn a_loop_that_does_not_wait_is_told() {
    told(LOOPS);
}

fn told(errors: &[(&str, &[&str])]) {
    let simulation = Simulation::cadence().registered(register_all).event_budget(10_000);
    for (what, words) in errors {
        let error = match simulation.run("main", what) {
            Err(error) => error.to_string(),
            Ok(run) => panic!("{what}: {:?}", run.outcome()),
        };
        for words in *words {
            assert!(error.contains(words), "{what}: `{words}` is not in: {error}");
        }
    }
}

/// Failures of the workflow: what the code does, and words of the failure.
const FAILURES: &[(&str, &[&str])] = &[
    ("text for a number", &["invalid type: string \"two\", expected u32"]),
    ("no input", &["Missing input"]),
    ("panics", &["out of paper"]),
    ("signal", &["Signal External Workflow Failed"]),
    ("cancel", &["Request Cancel External Workflow Failed"]),
    (
        "asks",
        &[
            "resource guard failed: there is no database",
            "the resources of this activity are a `alloc::string::String`",
        ],
    ),
];

#[test]
fn what_goes_wrong_in_an_activity_is_in_the_workflows_failure() {
    let simulation = Simulation::cadence().registered_with(|| "no database".to_owned(), register_all);
    for (what, words) in FAILURES {
        let failure = failure(&simulation, what);
        for words in *words {
            assert!(failure.contains(words), "{what}: `{words}` is not in: {failure}");
        }
    }
    let none = failure(&Simulation::cadence().registered(register_all), "asks");
    assert!(none.contains("resources not configured") && none.contains("`.registered_with(..)`"), "{none}");
}

fn failure(simulation: &Simulation, what: &str) -> String {
    failure_of(&simulation.run("main", what).unwrap())
}

#[test]
fn inputs_of_functions_that_do_not_decode_are_told_by_name() {
    async fn main(ctx: &mut WorkflowContext, n: u32) -> Result<u32, WorkflowError> {
        call(ctx, "double", format!("{n}"), once()).await
    }
    let simulation = Simulation::cadence().cadence_activity("double", double).cadence_workflow("main", main);
    let words = failure_of(&simulation.run("main", &1).unwrap());
    assert!(words.contains("the input of activity `double` does not decode as `u32`"), "{words}");
    let error = simulation.run("main", "one").unwrap_err().to_string();
    assert!(error.contains("the workflow's input does not decode as `u32`"), "{error}");
}
