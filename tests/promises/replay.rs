//! A workflow survives eviction, its worker's death and lost answers by replay, at each of its tasks; code that goes
//! another way in a replay is found, and the first command that differs is named.

use std::cell::Cell;
use std::time::Duration;

use durasim::program::CancellationType;
use durasim::time;
use durasim::trace::What;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Outcome, Run, RunError, Simulation, WorkflowContext,
    WorkflowError, WorkflowFn, WorkflowTaskErrorKind,
};
use futures::{StreamExt, join, select_biased, stream::FuturesUnordered};

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn options() -> ActivityOptions {
    ActivityOptions {
        start_to_close_timeout: seconds(30),
        heartbeat_timeout: seconds(5),
        cancellation_type: CancellationType::WaitCancellationCompleted,
        ..Default::default()
    }
}

/// Sleeps so many seconds, with a heartbeat each; stops when it is told.
async fn work(ctx: &ActivityContext, length: u64) -> Result<u64, ActivityError> {
    for _ in 0..length {
        time::sleep(seconds(1)).await;
        ctx.record_heartbeat(None);
        if ctx.is_cancelled() {
            return Err(ActivityError::Cancelled);
        }
    }
    Ok(length)
}

async fn fail(_ctx: &ActivityContext, (): ()) -> Result<u64, ActivityError> {
    Err(ActivityError::non_retryable("never works"))
}

fn simulation<O: serde::Serialize + 'static>(workflow: impl WorkflowFn<(), O>) -> Simulation {
    Simulation::temporal()
        .activity("work", work)
        .activity("fail", fail)
        .workflow("main", workflow)
        .no_heartbeat_throttle()
}

/// Everything a workflow can wait for, one after the other and together.
async fn busy(ctx: &WorkflowContext, (): ()) -> Result<String, WorkflowError> {
    let mut said = Vec::new();
    let (one, other) =
        join!(ctx.execute_activity::<u64>("work", &3, options()), ctx.execute_activity::<u64>("work", &2, options()));
    said.push(format!("joined {}", one? + other?));

    let failed = ctx.execute_activity::<u64>("fail", &(), options()).await;
    said.push(format!("failed {:?}", failed.unwrap_err().error_type()));

    let mut timer = ctx.sleep(seconds(2));
    let mut slow = ctx.execute_activity::<u64>("work", &24, options());
    select_biased! { _ = slow => said.push("activity first".to_owned()), _ = timer => said.push("timer first".to_owned()) }
    said.push(format!("then {}", slow.await?));

    let scope = ctx.child_scope();
    let cancelled = scope.execute_activity::<u64>("work", &20, options());
    let cancelled_timer = scope.sleep(seconds(20));
    ctx.sleep(seconds(3)).await?;
    scope.cancel();
    let (cancelled, cancelled_timer) = join!(cancelled, cancelled_timer);
    said.push(format!("cancelled {:?} {:?}", cancelled.is_err(), cancelled_timer.is_err()));

    let all: FuturesUnordered<_> =
        [3, 1, 2].into_iter().map(|length| ctx.execute_activity::<u64>("work", &length, options())).collect();
    said.push(format!("all {:?}", all.map(Result::unwrap).collect::<Vec<_>>().await));
    said.push(format!("{} {:?}", ctx.now() > durasim::Time::ZERO, ctx.info().random_seed));
    Ok(said.join("; "))
}

fn tasks(run: &Run) -> u32 {
    let events = run.trace().events().iter();
    events
        .filter_map(|event| if let What::TaskStarted { task, .. } = event.what { Some(task) } else { None })
        .max()
        .unwrap()
}

#[test]
fn every_fault_at_every_task() {
    let simulation = simulation(busy);
    let reference = simulation.run("main", &()).unwrap();
    let result = reference.result::<String>().unwrap();
    assert_eq!(
        result,
        "joined 5; failed Some(\"NonRetryable\"); timer first; then 24; cancelled true true; all [1, 2, 3]; true 0"
    );
    let tasks = tasks(&reference);
    assert!(tasks >= 9, "{tasks}");
    let mut replays = 0;
    for task in 1..=tasks {
        for fault in ["crash", "completion_lost", "evicted"] {
            if (task, fault) == (1, "evicted") {
                continue;
            }
            let plan = format!("main#1:task{task}={fault}").parse().unwrap();
            let run = simulation
                .clone()
                .plan(plan)
                .run("main", &())
                .unwrap_or_else(|error| panic!("task {task} {fault}: {error}"));
            assert_eq!(run.not_fired(), []);
            assert_eq!(run.result::<String>().unwrap(), result, "task {task} {fault}: {}", run.timeline());
            replays += run.trace().events().iter().filter(|event| matches!(event.what, What::Replayed(_))).count();
        }
    }
    assert!(replays as u32 >= 3 * (tasks - 1), "{replays}");
}

/// All workflow tasks but the first are replays.
#[test]
fn every_task_evicted() {
    let simulation = simulation(busy);
    let reference = simulation.run("main", &()).unwrap();
    let plan: Vec<String> = (2..=tasks(&reference)).map(|task| format!("main#1:task{task}=evicted")).collect();
    let run = simulation.plan(plan.join("; ").parse().unwrap()).run("main", &()).unwrap();
    assert_eq!(run.not_fired(), []);
    assert_eq!(run.result::<String>().unwrap(), reference.result::<String>().unwrap());
    // An eviction costs no time and changes nothing at the service.
    assert_eq!(run.history(), reference.history());
}

/// A lost answer costs one task timeout, and the worker's death one too, since nobody answers.
#[test]
fn a_lost_answer_is_given_again() {
    let simple = async |ctx: &WorkflowContext, (): ()| -> Result<u64, WorkflowError> {
        ctx.execute_activity("work", &1, options()).await
    };
    for (fault, attempts) in [("completion_lost", 2), ("crash", 2)] {
        let plan = format!("main#1:task2={fault}").parse().unwrap();
        let run = simulation(simple).plan(plan).run("main", &()).unwrap();
        let taken: Vec<_> = run
            .trace()
            .events()
            .iter()
            .filter_map(|event| match event.what {
                What::TaskStarted { task: 2, attempt } => Some((attempt, event.at)),
                _ => None,
            })
            .collect();
        assert_eq!(taken.len(), attempts, "{fault}: {}", run.timeline());
        assert_eq!((taken[1].1 - taken[0].1).as_millis(), 10_001, "{fault}: {}", run.timeline());
        assert_eq!(run.activities().len(), 1, "the activity is scheduled once");
    }
}

/// A cancel of the workflow, at every await of its activity, with the cache lost behind it.
#[test]
fn cancellation_is_replayed() {
    let workflow = async |ctx: &WorkflowContext, (): ()| -> Result<u64, WorkflowError> {
        let (activity, timer) = join!(ctx.execute_activity("work", &5, options()), ctx.sleep(seconds(4)));
        if ctx.is_cancelled() {
            let detached = ctx.detached();
            let () = detached.sleep(seconds(1)).await?;
            let _: u64 = detached.execute_activity("work", &2, options()).await?;
        }
        timer?;
        activity
    };
    for count in 1..=5 {
        let cancel = format!("work#1@1:await{count}=cancel");
        let reference = simulation(workflow).plan(cancel.parse().unwrap()).run("main", &()).unwrap();
        for task in 2..=tasks(&reference) {
            let plan = format!("{cancel}; main#1:task{task}=evicted").parse().unwrap();
            let run = simulation(workflow)
                .plan(plan)
                .run("main", &())
                .unwrap_or_else(|error| panic!("{count} {task} {error}"));
            assert_eq!(run.not_fired(), []);
            assert_eq!(run.outcome(), reference.outcome());
            assert_eq!(run.history(), reference.history());
        }
    }
}

/// Asks for a cancel and closes without waiting for its effect, under each cancellation type.
#[test]
fn a_cancel_right_before_the_end() {
    for cancellation_type in
        [CancellationType::TryCancel, CancellationType::WaitCancellationCompleted, CancellationType::Abandon]
    {
        let run = simulation(async move |ctx: &WorkflowContext, (): ()| -> Result<u64, WorkflowError> {
            let scope = ctx.child_scope();
            let _left = scope.execute_activity::<u64>("work", &5, ActivityOptions { cancellation_type, ..options() });
            let _timer = scope.sleep(seconds(20));
            ctx.sleep(seconds(1)).await?;
            scope.cancel();
            Ok(3)
        })
        .run("main", &())
        .unwrap_or_else(|error| panic!("{cancellation_type:?}: {error}"));
        assert_eq!(run.result::<u64>().unwrap(), 3);
    }
}

/// A cancel request and the firing of a timer come in one task. The code hears of the request first, and finds the
/// timer cancelled; the service is not asked to cancel a timer that has fired.
#[test]
fn a_timer_fires_in_the_task_of_a_cancel() {
    let run = simulation(async |ctx: &WorkflowContext, (): ()| -> Result<String, WorkflowError> {
        let long = ctx.execute_activity::<u64>("work", &6, options());
        let timer = ctx.sleep(seconds(13));
        let (long, timer) = join!(long, timer);
        Ok(format!("{} {}", long.is_err(), timer.is_err()))
    })
    // The answer to task 2 is lost at 6 s and given again at 16 s; a cancel, then the timer at 13 s, come in between.
    .plan("work#1@1:completion=cancel; main#1:task2=completion_lost".parse().unwrap())
    .run("main", &())
    .unwrap();
    assert_eq!(run.not_fired(), []);
    assert_eq!(run.result::<String>().unwrap(), "false true", "{}", run.timeline());
}

thread_local! {
    /// A value that no workflow may look at: it is another at each replay.
    static LOOKS: Cell<u32> = const { Cell::new(0) };
}

fn look() -> u32 {
    LOOKS.set(LOOKS.get() + 1);
    LOOKS.get()
}

#[track_caller]
fn nondeterminism(workflow: impl WorkflowFn<(), ()>) -> String {
    LOOKS.set(0);
    let plan = "main#1:task3=evicted".parse().unwrap();
    match simulation(workflow).plan(plan).run("main", &()) {
        Err(RunError::WorkflowTask { task: 3, cause, message, kind, .. }) => {
            assert_eq!((&*cause, kind), ("NON_DETERMINISTIC_ERROR", WorkflowTaskErrorKind::NonDeterministic));
            // The place of the call has tests of its own.
            message.split("; it is asked for by").next().unwrap().to_owned()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn another_activity() {
    let message = nondeterminism(async |ctx: &WorkflowContext, (): ()| {
        let _: u64 = ctx.execute_activity("work", &1, options()).await?;
        let name = if look() == 1 { "work" } else { "fail" };
        let _: u64 = ctx.execute_activity(name, &1, options()).await?;
        ctx.sleep(seconds(1)).await
    });
    insta_lite(
        &message,
        "the workflow is not deterministic: command 1 of a replayed workflow task asks to schedule activity 2 (fail) where the history has activity 2 (work) scheduled (event 11)",
    );
}

/// The SDKs compare the id too, and the message shows what differs.
#[test]
fn an_activity_of_another_id() {
    let message = nondeterminism(async |ctx: &WorkflowContext, (): ()| {
        let _: u64 = ctx.execute_activity("work", &1, options()).await?;
        let activity_id = Some(format!("copy-{}", look()));
        let _: u64 = ctx.execute_activity("work", &1, ActivityOptions { activity_id, ..options() }).await?;
        ctx.sleep(seconds(1)).await
    });
    insta_lite(
        &message,
        "the workflow is not deterministic: command 1 of a replayed workflow task asks to schedule activity 2 (work, id \"copy-2\") where the history has activity 2 (work, id \"copy-1\") scheduled (event 11)",
    );
}

#[test]
fn a_command_more_and_one_less() {
    let more = nondeterminism(async |ctx: &WorkflowContext, (): ()| {
        ctx.sleep(seconds(1)).await?;
        let again = look() > 1;
        let _one = ctx.sleep(seconds(1));
        let _two = again.then(|| ctx.execute_activity::<u64>("work", &1, options()));
        ctx.sleep(seconds(1)).await?;
        ctx.sleep(seconds(1)).await
    });
    insta_lite(
        &more,
        "the workflow is not deterministic: command 2 of a replayed workflow task asks to schedule activity 1 (work) where the history has timer 3 started (event 11)",
    );
    let less = nondeterminism(async |ctx: &WorkflowContext, (): ()| {
        ctx.sleep(seconds(1)).await?;
        let again = look() > 1;
        let one = ctx.sleep(seconds(1));
        let two = (!again).then(|| ctx.sleep(seconds(3)));
        one.await?;
        if let Some(two) = two {
            two.await?;
        }
        Ok(())
    });
    insta_lite(
        &less,
        "the workflow is not deterministic: command 2 of a replayed workflow task asks for nothing more where the history has timer 3 started (event 11)",
    );
}

#[test]
fn it_closes_where_it_went_on() {
    let message = nondeterminism(async |ctx: &WorkflowContext, (): ()| {
        ctx.sleep(seconds(1)).await?;
        if look() > 1 {
            return Err(WorkflowError::application("enough"));
        }
        ctx.sleep(seconds(1)).await
    });
    insta_lite(
        &message,
        "the workflow is not deterministic: command 1 of a replayed workflow task asks to fail the workflow where the history has timer 2 started (event 10)",
    );
}

/// A difference in arguments is drift, which the SDKs do not notice.
#[test]
fn another_argument_is_not_noticed() {
    LOOKS.set(0);
    let run = simulation(async |ctx: &WorkflowContext, (): ()| -> Result<u64, WorkflowError> {
        let argument = u64::from(look());
        let _: u64 = ctx.execute_activity("work", &argument, options()).await?;
        ctx.execute_activity("work", &1, options()).await
    })
    .plan("main#1:task3=evicted".parse().unwrap())
    .run("main", &())
    .unwrap();
    assert!(matches!(run.outcome(), Outcome::Closed(_)));
}

#[track_caller]
fn insta_lite(found: &str, expected: &str) {
    assert_eq!(found, expected);
}
