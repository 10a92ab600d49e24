//! Every mistake a user can make gets its own clear error: never a hang, a panic of the engine, or a silent pass.

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

/// A simulation with a fine activity and this workflow.
fn workflow<O: Serialize + 'static>(workflow: impl WorkflowFn<u32, O>) -> Simulation {
    Simulation::temporal().activity("fine", fine).workflow("main", workflow)
}

/// A simulation with this activity and a workflow that runs it.
fn activity(activity: impl ActivityFn<u32, u32>) -> Simulation {
    workflow(async |ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
        ctx.execute_activity("work", &number, options()).await
    })
    .activity("work", activity)
}

/// A simulation whose workflow runs the fine activity with these options.
fn with(options: ActivityOptions) -> Simulation {
    workflow(async move |ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
        ctx.execute_activity("fine", &number, options.clone()).await
    })
}

fn with_policy(retry_policy: RetryPolicy) -> Simulation {
    with(ActivityOptions { retry_policy: Some(retry_policy), ..options() })
}

/// What a user is told.
fn told(result: Result<Run, RunError>) -> String {
    match result {
        Err(error) => format!("error: {error}"),
        Ok(run) => match run.outcome() {
            Outcome::Open => "OPEN".to_owned(),
            Outcome::Closed(_) | Outcome::Script(_) => match run.result::<u32>() {
                Ok(number) => format!("PASSED with {number}"),
                Err(why) => format!("outcome: {why}"),
            },
        },
    }
}

/// Runs it and says what a user is told; a panic is part of that.
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

fn names_and_types() -> Vec<Case> {
    vec![
        case("a workflow that is not registered", || with(options()).run("mian", &1u32)),
        case("a workflow, of none", || Simulation::temporal().run("main", &1u32)),
        case("an activity that is not registered", || {
            workflow(async |ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                ctx.execute_activity("fien", &number, options()).await
            })
            .run("main", &1u32)
        }),
        case("an activity registered twice", || with(options()).activity("fine", fine).run("main", &1u32)),
        case("a workflow registered twice", || {
            let again = async |_ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> { Ok(number) };
            with(options()).workflow("main", again).run("main", &1u32)
        }),
        case("a state registered twice", || {
            with(options()).state(Missing::default).state(Missing::default).run("main", &1u32)
        }),
        case("an activity without a name", || with(options()).activity("", fine).run("main", &1u32)),
        case("a workflow without a name", || {
            let nameless = async |_ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> { Ok(number) };
            with(options()).workflow("", nameless).run("main", &1u32)
        }),
        case("a workflow's input of another type", || with(options()).run("main", "one")),
        case("a workflow's input that is not JSON", || with(options()).run("main", &not_json())),
        case("a workflow's result that is not JSON", || {
            workflow(async |_ctx: &WorkflowContext, _number: u32| -> Result<BTreeMap<(u8, u8), u8>, WorkflowError> {
                Ok(not_json())
            })
            .run("main", &1u32)
        }),
        case("a workflow's result asked for as another type", || {
            workflow(async |_ctx: &WorkflowContext, _number: u32| -> Result<String, WorkflowError> { Ok("one".into()) })
                .run("main", &1u32)
        }),
        case("an activity's input of another type", || {
            workflow(async |ctx: &WorkflowContext, _number: u32| -> Result<u32, WorkflowError> {
                ctx.execute_activity("fine", "one", options()).await
            })
            .run("main", &1u32)
        }),
        case("an activity's input that is not JSON", || {
            workflow(async |ctx: &WorkflowContext, _number: u32| -> Result<u32, WorkflowError> {
                ctx.execute_activity("fine", &not_json(), options()).await
            })
            .run("main", &1u32)
        }),
        case("an activity's result that is not JSON", || {
            workflow(async |ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                ctx.execute_activity("work", &number, options()).await
            })
            .activity("work", async |_ctx: &ActivityContext, _number: u32| Ok(not_json()))
            .run("main", &1u32)
        }),
        case("an activity's result asked for as another type", || {
            workflow(async |ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                let text: String = ctx.execute_activity("fine", &number, options()).await?;
                Ok(text.len() as u32)
            })
            .run("main", &1u32)
        }),
    ]
}

fn activity_options() -> Vec<Case> {
    vec![
        case("no timeout at all", || with(ActivityOptions::default()).run("main", &1u32)),
        case("only a heartbeat timeout", || {
            with(ActivityOptions { heartbeat_timeout: second(), ..Default::default() }).run("main", &1u32)
        }),
        case("a negative coefficient", || {
            with_policy(RetryPolicy { backoff_coefficient: -2.0, ..Default::default() }).run("main", &1u32)
        }),
        case("a coefficient below one", || {
            with_policy(RetryPolicy { backoff_coefficient: 0.5, ..Default::default() }).run("main", &1u32)
        }),
        case("a coefficient that is not a number", || {
            with_policy(RetryPolicy { backoff_coefficient: f64::NAN, ..Default::default() }).run("main", &1u32)
        }),
        case("a longest interval below the first", || {
            let policy =
                RetryPolicy { initial_interval: second() * 10, maximum_interval: second(), ..Default::default() };
            with_policy(policy).run("main", &1u32)
        }),
        case("a negative number of attempts", || {
            with_policy(RetryPolicy { maximum_attempts: -1, ..Default::default() }).run("main", &1u32)
        }),
        case("an activity id used twice", || {
            workflow(async |ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                let named = ActivityOptions { activity_id: Some("copy".into()), ..options() };
                let one = ctx.execute_activity::<u32>("fine", &number, named.clone());
                let other = ctx.execute_activity::<u32>("fine", &number, named);
                Ok(one.await? + other.await?)
            })
            .run("main", &1u32)
        }),
        case("an empty activity id", || {
            with(ActivityOptions { activity_id: Some(String::new()), ..options() }).run("main", &1u32)
        }),
    ]
}

fn misplaced_calls() -> Vec<Case> {
    vec![
        case("a state that is not registered", || {
            activity(async |_ctx: &ActivityContext, number: u32| {
                let _ = durasim::state::<Missing>();
                Ok(number)
            })
            .run("main", &1u32)
        }),
        case("`time::sleep` in a workflow", || {
            workflow(async |_ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                durasim::time::sleep(second()).await;
                Ok(number)
            })
            .run("main", &1u32)
        }),
        case("`time::now` in a workflow", || {
            workflow(async |_ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                let _ = durasim::time::now();
                Ok(number)
            })
            .run("main", &1u32)
        }),
        case("an effect in a workflow", || {
            workflow(async |_ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                let _ = durasim::effect("insert", || ());
                Ok(number)
            })
            .run("main", &1u32)
        }),
        case("a ledger in a workflow", || {
            workflow(async |_ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                durasim::Ledger::new().record(number);
                Ok(number)
            })
            .run("main", &1u32)
        }),
        case("random numbers of activities in a workflow", || {
            workflow(async |_ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                Ok(number + durasim::random() as u32)
            })
            .run("main", &1u32)
        }),
        case("a state in a workflow", || {
            workflow(async |_ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                let _ = durasim::state::<Missing>();
                Ok(number)
            })
            .state(Missing::default)
            .run("main", &1u32)
        }),
        case("`task::spawn` in a workflow", || {
            workflow(async |_ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                drop(durasim::task::spawn(async {}));
                Ok(number)
            })
            .run("main", &1u32)
        }),
        case("`task::spawn` where no activity runs", || {
            with(options()).state(|| drop(durasim::task::spawn(async {}))).run("main", &1u32)
        }),
        case("a workflow that swallows its misuse", || {
            workflow(async |_ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                let _ = catch_unwind(durasim::time::now);
                Ok(number)
            })
            .run("main", &1u32)
        }),
        case("`time::sleep` outside a run", || {
            drop(durasim::time::sleep(second()));
            plan("v1")
        }),
        case("`time::now` outside a run", || {
            let _ = durasim::time::now();
            plan("v1")
        }),
        case("`state` outside a run", || {
            let _ = durasim::state::<Missing>();
            plan("v1")
        }),
        case("`task::spawn` outside a run", || {
            drop(durasim::task::spawn(async {}));
            plan("v1")
        }),
        case("an interval of zero", || {
            activity(async |_ctx: &ActivityContext, number: u32| {
                let _ = durasim::time::interval(Duration::ZERO);
                Ok(number)
            })
            .run("main", &1u32)
        }),
        case("`tokio::time` in an activity", || {
            activity(async |_ctx: &ActivityContext, number: u32| {
                tokio::time::sleep(second()).await;
                Ok(number)
            })
            .run("main", &1u32)
        }),
        case("`tokio::spawn` in an activity", || {
            activity(async |_ctx: &ActivityContext, number: u32| {
                let _ = tokio::spawn(async {}).await;
                Ok(number)
            })
            .run("main", &1u32)
        }),
        case("`tokio::time` in a background task", || {
            activity(async |_ctx: &ActivityContext, number: u32| {
                durasim::task::spawn(async { tokio::time::sleep(second()).await }).await;
                Ok(number)
            })
            .run("main", &1u32)
        }),
        case("`tokio::time` in a workflow", || {
            workflow(async |_ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                tokio::time::sleep(second()).await;
                Ok(number)
            })
            .run("main", &1u32)
        }),
        case("`time::sleep` on a thread of one's own", || {
            activity(async |_ctx: &ActivityContext, number: u32| {
                let thread = std::thread::spawn(|| drop(durasim::time::sleep(second())));
                let payload = thread.join().unwrap_err();
                Err(ActivityError::non_retryable(payload.downcast_ref::<&str>().map_or(
                    payload.downcast_ref::<String>().cloned().unwrap_or_default() + &number.to_string(),
                    |text| (*text).to_owned(),
                )))
            })
            .run("main", &1u32)
        }),
        case("a heartbeat on a thread of one's own", || {
            activity(async |ctx: &ActivityContext, number: u32| {
                let ctx = ctx.clone();
                let thread = std::thread::spawn(move || ctx.record_heartbeat(None));
                match thread.join() {
                    Ok(()) => Ok(number),
                    Err(payload) => std::panic::resume_unwind(payload),
                }
            })
            .run("main", &1u32)
        }),
        case("an activity woken by a thread", || {
            activity(async |_ctx: &ActivityContext, number: u32| {
                let mut first = true;
                poll_fn(|context| {
                    if !std::mem::take(&mut first) {
                        return Poll::Ready(());
                    }
                    let waker = context.waker().clone();
                    std::thread::spawn(move || waker.wake()).join().unwrap();
                    Poll::Pending
                })
                .await;
                Ok(number)
            })
            .run("main", &1u32)
        }),
    ]
}

/// What goes on for ever, or stops for ever.
fn no_end() -> Vec<Case> {
    vec![
        case("a workflow that waits on nothing", || {
            workflow(async |_ctx: &WorkflowContext, _number: u32| std::future::pending::<Result<u32, _>>().await)
                .run("main", &1u32)
        }),
        case("a workflow that awaits what has ended", || {
            workflow(async |ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                let mut fine = ctx.execute_activity("fine", &number, options());
                let _: u32 = (&mut fine).await?;
                fine.await
            })
            .run("main", &1u32)
        }),
        case("a workflow that waits on a channel of an activity", || {
            let (sender, receiver) = tokio::sync::oneshot::channel::<u32>();
            let (sender, receiver) = (Mutex::new(Some(sender)), Mutex::new(Some(receiver)));
            workflow(async move |ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                let _running = ctx.execute_activity::<u32>("send", &number, options());
                let receiver = receiver.lock().unwrap().take().unwrap();
                Ok(receiver.await.unwrap())
            })
            .activity("send", async move |_ctx: &ActivityContext, number: u32| {
                durasim::time::sleep(second()).await;
                sender.lock().unwrap().take().unwrap().send(number).unwrap();
                Ok(number)
            })
            .run("main", &1u32)
        }),
        case("an endless retry", || {
            with_policy(RetryPolicy::default())
                .activity("fails", async |_ctx: &ActivityContext, _number: u32| -> Result<u32, ActivityError> {
                    Err(ActivityError::retryable("the disk is full"))
                })
                .workflow("retries", async |ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                    let options = ActivityOptions { start_to_close_timeout: second(), ..Default::default() };
                    ctx.execute_activity("fails", &number, options).await
                })
                .run("retries", &1u32)
        }),
        case("a timer beyond the horizon", || {
            workflow(async |ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                ctx.sleep(second() * 3600).await?;
                Ok(number)
            })
            .horizon(second() * 60)
            .run("main", &1u32)
        }),
        case("a zombie that never ends", || {
            activity(async |ctx: &ActivityContext, number: u32| {
                if ctx.get_info().attempt == 1 {
                    loop {
                        durasim::time::sleep(second() * 600).await;
                    }
                }
                Ok(number)
            })
            .run("main", &1u32)
        }),
        case("an activity that yields for ever", || {
            activity(async |_ctx: &ActivityContext, _number: u32| {
                loop {
                    tokio::task::yield_now().await;
                }
            })
            .run("main", &1u32)
        }),
        case("a background task that wakes itself for ever", || {
            activity(async |_ctx: &ActivityContext, number: u32| {
                drop(durasim::task::spawn(poll_fn::<(), _>(|context| {
                    context.waker().wake_by_ref();
                    Poll::Pending
                })));
                durasim::time::sleep(second()).await;
                Ok(number)
            })
            .run("main", &1u32)
        }),
        case("a workflow that wakes itself for ever", || {
            workflow(async |_ctx: &WorkflowContext, _number: u32| -> Result<u32, WorkflowError> {
                poll_fn(|context| {
                    context.waker().wake_by_ref();
                    Poll::Pending
                })
                .await
            })
            .run("main", &1u32)
        }),
        case("a horizon of zero", || with(options()).horizon(Duration::ZERO).run("main", &1u32)),
        case("a poll budget of zero", || with(options()).poll_budget(0).run("main", &1u32)),
    ]
}

fn panics() -> Vec<Case> {
    vec![
        case("a panic in a workflow", || {
            workflow(async |_ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                assert_eq!(number, 2, "two is asked for");
                Ok(number)
            })
            .run("main", &1u32)
        }),
        case("a panic in an activity", || {
            activity(async |_ctx: &ActivityContext, number: u32| {
                assert_eq!(number, 2, "two is asked for");
                Ok(number)
            })
            .run("main", &1u32)
        }),
        case("a panic with something that is not text", || {
            activity(async |_ctx: &ActivityContext, number: u32| std::panic::panic_any(number)).run("main", &1u32)
        }),
        case("a panic in a workflow with something that is not text", || {
            workflow(async |_ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                std::panic::panic_any(number)
            })
            .run("main", &1u32)
        }),
        case("a panic in the maker of a state", || {
            with(options()).state(|| -> Missing { panic!("no fixtures") }).run("main", &1u32)
        }),
        case("a state whose maker wants another", || {
            struct Wanting;
            let make = || {
                let _ = durasim::state::<Missing>();
                Wanting
            };
            with(options()).state(make).run("main", &1u32)
        }),
        case("a state asked of a run that has none", || {
            let run = with(options()).run("main", &1u32)?;
            let _ = run.state::<Missing>();
            Ok(run)
        }),
    ]
}

fn plans() -> Vec<Case> {
    vec![
        case("an empty plan", || plan("")),
        case("a plan of another version", || plan("v9 seed=1")),
        case("a plan without a fault", || plan("fine#1@1:await1")),
        case("a plan with an unknown site", || plan("fine#1@1:sleep1=crash")),
        case("a plan with an unknown fault", || plan("fine#1@1:await1=explode")),
        case("a fault that does not fit its site", || plan("fine#1@1:heartbeat1=crash")),
        case("a stall without a length", || plan("fine#1@1:await1=stall")),
        case("a length without a unit", || plan("fine#1@1:await1=stall(2)")),
        case("a site without its attempt", || plan("fine#1:await1=crash")),
        case("a plan with two faults at a point", || plan("fine#1@1:await1=crash; fine#1@1:await1=fail")),
        case("a length longer than time", || {
            let long = "18446744073709551615s";
            let text = format!("fine#1@1:dispatch=delayed({long})");
            with(options()).plan(text.parse()?).run("main", &1u32)
        }),
    ]
}

/// `tests/bad_input.rs:7:3` changes with every edit of this file.
fn without_places(text: &str) -> String {
    let mut parts = text.split(concat!(file!(), ":"));
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':');
        out += &format!("{}:LINE{rest}", file!());
    }
    out
}

#[test]
fn every_mistake_is_told() {
    let tables = [names_and_types(), activity_options(), misplaced_calls(), no_end(), panics(), plans()];
    let (mut text, mut silent) = (String::new(), Vec::new());
    for (name, run) in tables.into_iter().flatten() {
        let told = tell(run);
        if ["PASSED", "OPEN", "NOT TEXT"].iter().any(|bad| told.contains(bad)) {
            silent.push(format!("{name}: {told}"));
        }
        writeln!(text, "{name}\n    {}", without_places(&told).replace('\n', "\n    ")).unwrap();
    }
    assert!(silent.is_empty(), "{silent:#?}");
    insta::with_settings!({snapshot_path => "../snapshots", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("bad_input", text);
    });
}
