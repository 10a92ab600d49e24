//! Activities that wait for the world: they poll, they are refused, they give up by themselves.

use std::cell::Cell;
use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, ApplicationFailure, Exploration, Outcome, RetryPolicy, Run,
    Simulation, Time, WorkflowContext, WorkflowError, check,
};

use crate::Sound;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn policy(maximum_attempts: i32) -> Option<RetryPolicy> {
    Some(RetryPolicy { maximum_attempts, ..Default::default() })
}

/// A job that somebody else has done at this time.
struct Job {
    done: Time,
}

/// Asks every 10 s whether the job is done, and says that it is alive.
async fn polls(ctx: &ActivityContext, (): ()) -> Result<&'static str, ActivityError> {
    let job = durasim::state::<Job>();
    while durasim::time::now() < job.done {
        ctx.heartbeat(&())?;
        durasim::time::sleep(seconds(10)).await;
    }
    Ok("done")
}

/// Fails until the job is done, and asks to be tried again in 10 s.
async fn is_asked_again(_: &ActivityContext, (): ()) -> Result<&'static str, ActivityError> {
    durasim::time::sleep(seconds(1)).await;
    match durasim::time::now() < durasim::state::<Job>().done {
        true => Err(ActivityError::RetryableWithDelay("not yet".into(), 10_000)),
        false => Ok("done"),
    }
}

fn job(poll: fn() -> Simulation) -> Exploration {
    let simulation = poll().state(|| Job { done: Time::from_millis(55_000) });
    simulation.explore("main", &()).check(check::same_result()).check(check::completes())
}

fn polling() -> Simulation {
    Simulation::temporal().activity("poll", polls).workflow("main", async |ctx: &WorkflowContext, (): ()| {
        let options = ActivityOptions {
            schedule_to_close_timeout: seconds(1_800),
            start_to_close_timeout: seconds(900),
            heartbeat_timeout: seconds(30),
            retry_policy: policy(5),
            ..Default::default()
        };
        ctx.execute_activity::<String>("poll", &(), options).await
    })
}

fn asking_again() -> Simulation {
    Simulation::temporal().activity("poll", is_asked_again).workflow("main", async |ctx: &WorkflowContext, (): ()| {
        let options = ActivityOptions {
            schedule_to_close_timeout: seconds(600),
            start_to_close_timeout: seconds(30),
            ..Default::default()
        };
        ctx.execute_activity::<String>("poll", &(), options).await
    })
}

/// The time until which somebody has the file.
#[derive(Default)]
struct Lock(Cell<Option<Time>>);

async fn holder(ctx: &ActivityContext, (): ()) -> Result<(), ActivityError> {
    let lock = durasim::state::<Lock>();
    lock.0.set(Some(durasim::time::now() + seconds(40)));
    ctx.heartbeat(&())?;
    durasim::time::sleep(seconds(10)).await;
    lock.0.set(None);
    Ok(())
}

async fn waiter(_: &ActivityContext, (): ()) -> Result<(), ActivityError> {
    if durasim::state::<Lock>().0.get().is_some_and(|until| until > durasim::time::now()) {
        return Err(ActivityError::RetryableWithDelay("locked".into(), 5_000));
    }
    durasim::time::sleep(seconds(2)).await;
    Ok(())
}

fn lock() -> Exploration {
    let both = async |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
        let holds = ActivityOptions {
            schedule_to_close_timeout: seconds(1_800),
            heartbeat_timeout: seconds(30),
            retry_policy: policy(4),
            ..Default::default()
        };
        let waits = ActivityOptions { schedule_to_close_timeout: seconds(300), ..Default::default() };
        let held = ctx.execute_activity::<()>("holder", &(), holds);
        let (held, waited) = futures::join!(held, ctx.execute_activity::<()>("waiter", &(), waits));
        held.and(waited)
    };
    let simulation = Simulation::temporal().state(Lock::default).activity("holder", holder).activity("waiter", waiter);
    simulation.workflow("both", both).explore("both", &()).check(check::same_result())
}

/// It gives the printer 90 s in all, and then says so.
async fn gives_up(ctx: &ActivityContext, (): ()) -> Result<&'static str, ActivityError> {
    let first_asked = ctx.get_info().scheduled_at;
    durasim::time::sleep(seconds(15)).await;
    if durasim::time::now() > first_asked + seconds(90) {
        return Err(ApplicationFailure::new("PrinterOffline", "the printer stays offline").non_retryable().into());
    }
    Ok("printed")
}

fn own_limit() -> Exploration {
    let print = async |ctx: &WorkflowContext, (): ()| -> Result<String, WorkflowError> {
        let options = ActivityOptions {
            schedule_to_close_timeout: seconds(1_800),
            start_to_close_timeout: seconds(60),
            retry_policy: policy(9),
            ..Default::default()
        };
        ctx.execute_activity("print", &(), options).await
    };
    let simulation = Simulation::temporal().activity("print", gives_up).workflow("main", print);
    let stays_offline = |run: &Run| {
        matches!(run.outcome(), Outcome::Closed(_)) && run.timeline().to_string().contains("the printer stays offline")
    };
    simulation.explore("main", &()).check(check::same_result().outcomes(stays_offline))
}

/// Goes on without the report when it takes longer than 20 s.
async fn timed(ctx: &WorkflowContext, (): ()) -> Result<String, WorkflowError> {
    let options =
        ActivityOptions { start_to_close_timeout: seconds(60), retry_policy: policy(3), ..Default::default() };
    futures::select_biased! {
        report = ctx.execute_activity::<String>("report", &(), options) => report,
        slept = ctx.sleep(seconds(20)) => slept.map(|()| "without a report".to_owned()),
    }
}

fn timeout_branch() -> Exploration {
    let report = async |_: &ActivityContext, (): ()| -> Result<&'static str, ActivityError> {
        durasim::time::sleep(seconds(8)).await;
        Ok("a report")
    };
    let without = |run: &Run| run.result::<String>().is_ok_and(|result| result == "without a report");
    let simulation = Simulation::temporal().activity("report", report).workflow("main", timed);
    simulation.explore("main", &()).check(check::same_result().outcomes(without)).check(check::replays())
}

pub fn all() -> Vec<Sound> {
    let named = |name: &str, exploration: Exploration| (format!("waiting: {name}"), exploration);
    vec![
        named("polls", job(polling)),
        named("is asked again", job(asking_again)),
        named("a lock", lock()),
        named("a limit of its own", own_limit()),
        named("a time-out branch", timeout_branch()),
    ]
}
