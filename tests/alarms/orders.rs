//! Code that observes several things, which a server may bring in another order.

use std::cell::Cell;
use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Client, ClientError, Exploration, Ledger, RetryPolicy, Simulation,
    WorkflowContext, WorkflowError, check,
};

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use crate::Sound;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn options() -> ActivityOptions {
    ActivityOptions {
        start_to_close_timeout: seconds(120),
        retry_policy: Some(RetryPolicy { maximum_attempts: 4, ..Default::default() }),
        ..Default::default()
    }
}

#[derive(Default)]
struct World {
    done: Ledger<String>,
    is_open: Cell<bool>,
}

/// Does a thing once, and takes so long for it.
async fn act(_: &ActivityContext, (what, takes): (String, u64)) -> Result<String, ActivityError> {
    durasim::time::sleep(seconds(takes)).await;
    let world = durasim::state::<World>();
    if world.done.count(&what) == 0 {
        durasim::effect("act", || world.done.record(what.clone()))?;
    }
    Ok(what)
}

/// Fails at first.
async fn stumbles(ctx: &ActivityContext, takes: u64) -> Result<u64, ActivityError> {
    durasim::time::sleep(seconds(takes)).await;
    if ctx.get_info().attempt == 1 {
        return Err(ActivityError::retryable("at first"));
    }
    Ok(takes)
}

async fn polls(ctx: &ActivityContext, (): ()) -> Result<(), ActivityError> {
    while !durasim::state::<World>().is_open.get() {
        if ctx.is_cancelled() {
            return Err(ActivityError::Cancelled);
        }
        durasim::time::sleep(seconds(5)).await;
        ctx.heartbeat(&())?;
    }
    Ok(())
}

async fn opens(_: &ActivityContext, (): ()) -> Result<(), ActivityError> {
    durasim::state::<World>().is_open.set(true);
    Ok(())
}

fn acts(ctx: &WorkflowContext, what: &str, takes: u64) -> durasim::ActivityFuture<String> {
    ctx.execute_activity("act", &(what, takes), options())
}

/// Goes on without an approval in the end, after a reminder.
async fn approval(ctx: &WorkflowContext, (): ()) -> Result<String, WorkflowError> {
    let approvals = ctx.signals::<String>("approve");
    for reminder in ["remind once", "remind twice"] {
        let (mut approved, mut patience) = (approvals.recv(), ctx.sleep(seconds(10)));
        futures::select_biased! {
            name = approved => {
                let name = name?;
                acts(ctx, "ship", 3).await?;
                return Ok(name);
            }
            slept = patience => slept?,
        }
        acts(ctx, reminder, 1).await?;
    }
    acts(ctx, "give up", 1).await
}

/// Six at once, whatever comes first.
async fn parallel(ctx: &WorkflowContext, (): ()) -> Result<Vec<String>, WorkflowError> {
    let names = ["one", "two", "three", "four", "five", "six"];
    let all: Vec<_> = names.iter().zip(1..).map(|(name, takes)| acts(ctx, name, takes)).collect();
    let done = futures::future::try_join_all(all).await?;
    acts(ctx, "last", 1).await?;
    Ok(done)
}

/// Takes the first of two answers, which are the same, and goes on.
async fn hedges(ctx: &WorkflowContext, (): ()) -> Result<String, WorkflowError> {
    let (mut one, mut other) = (acts(ctx, "ask", 3), acts(ctx, "ask", 5));
    let answer = futures::select_biased! {
        answer = one => answer?,
        answer = other => answer?,
    };
    drop((one, other));
    acts(ctx, "last", 10).await?;
    Ok(answer)
}

/// Adds numbers until three have come, or for 20 seconds.
async fn batch(ctx: &WorkflowContext, (): ()) -> Result<u32, WorkflowError> {
    let numbers = ctx.signals::<u32>("number");
    let mut patience = ctx.sleep(seconds(20));
    let mut sum = 0;
    for _ in 0..3 {
        let mut number = numbers.recv();
        futures::select_biased! {
            number = number => sum += number?,
            slept = patience => {
                slept?;
                break;
            }
        }
    }
    while let Some(number) = numbers.try_recv()? {
        sum += number;
    }
    acts(ctx, "send", 2).await?;
    Ok(sum)
}

/// Counts how often it has looked until it is told to stop, or has looked often enough.
async fn looks(ctx: &WorkflowContext, (): ()) -> Result<u32, WorkflowError> {
    let stops = ctx.signals::<()>("stop");
    let mut stopped = stops.recv();
    for looks in 0..60 {
        let mut pause = ctx.sleep(seconds(1));
        futures::select_biased! {
            stopped = stopped => {
                stopped?;
                return Ok(looks);
            }
            slept = pause => slept?,
        }
    }
    Ok(60)
}

async fn told(ctx: &WorkflowContext, (): ()) -> Result<String, WorkflowError> {
    ctx.signals::<String>("name").recv().await
}

/// An activity waits for another one through the outside world.
async fn outside(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
    let options_of_polls = ActivityOptions { heartbeat_timeout: seconds(30), ..options() };
    let waits = ctx.execute_activity::<()>("polls", &(), options_of_polls);
    let opens = async {
        ctx.sleep(seconds(10)).await?;
        ctx.execute_activity::<()>("opens", &(), options()).await
    };
    let (waited, opened) = futures::join!(waits, opens);
    waited.and(opened)
}

/// A first try fails while a timer runs.
async fn retries(ctx: &WorkflowContext, (): ()) -> Result<u64, WorkflowError> {
    let stumbling = ctx.execute_activity::<u64>("stumbles", &3u64, options());
    let (took, slept) = futures::join!(stumbling, ctx.sleep(seconds(20)));
    slept?;
    took
}

/// Cleans up when it is asked to cancel.
async fn cleans_up(ctx: &WorkflowContext, (): ()) -> Result<String, WorkflowError> {
    let (slept, acted) = futures::join!(ctx.sleep(seconds(30)), acts(ctx, "first", 3));
    if let (Err(WorkflowError::Cancelled(_)), _) | (_, Err(WorkflowError::Cancelled(_))) = (&slept, &acted) {
        return ctx.detached().execute_activity("act", &("clean up", 1), options()).await;
    }
    slept?;
    acted
}

fn simulation() -> Simulation {
    let simulation = Simulation::temporal().activity("act", act).activity("stumbles", stumbles);
    let simulation = simulation.activity("polls", polls).activity("opens", opens).state(World::default);
    let simulation = simulation.workflow("approval", approval).workflow("parallel", parallel);
    let simulation =
        simulation.workflow("hedges", hedges).workflow("batch", batch).workflow("looks", looks).workflow("told", told);
    simulation
        .workflow("outside", outside)
        .workflow("retries", retries)
        .workflow("cleans_up", cleans_up)
        .workflow("timers", timers)
        .workflow("patient", patient)
        .workflow("impatient", impatient)
        .activity("looks_for_a_minute", looks_for_a_minute)
}

fn script<R: durasim::ScriptOutput<Kind>, Kind>(
    script: impl AsyncFn(Client) -> R + Send + Sync + 'static,
) -> Exploration {
    simulation().explore_script(script)
}

async fn approves(client: Client) -> Result<String, ClientError> {
    let main = client.start::<String>("approval", "approval", &()).await?;
    client.sleep(seconds(12)).await;
    main.signal("approve", "Ada").await?;
    main.result().await
}

/// The signal comes with the start.
async fn approves_at_once(client: Client) -> Result<String, ClientError> {
    let main = client.start::<String>("approval", "approval", &()).await?;
    main.signal("approve", "Ada").await?;
    main.result().await
}

/// An answer that comes too late is nobody's.
async fn numbers(client: Client) -> Result<u32, ClientError> {
    let main = client.start::<u32>("batch", "batch", &()).await?;
    for number in 1..=3 {
        client.sleep(seconds(2)).await;
        main.signal("number", &number).await?;
    }
    main.result().await
}

async fn stops(client: Client) -> Result<u32, ClientError> {
    let main = client.start::<u32>("looks", "looks", &()).await?;
    client.sleep(Duration::from_millis(4_500)).await;
    main.signal("stop", &()).await?;
    main.result().await
}

async fn cancels(client: Client) -> Result<String, ClientError> {
    let main = client.start::<String>("cleans_up", "cleans_up", &()).await?;
    client.sleep(seconds(1)).await;
    main.cancel().await?;
    main.result().await
}

/// The second workflow is told what the first one has answered.
async fn two(client: Client) -> Result<String, ClientError> {
    let approval = client.start::<String>("approval", "approval", &()).await?;
    let told = client.start::<String>("told", "told", &()).await?;
    client.sleep(seconds(3)).await;
    // Whatever has become of the first one, the second is not left alone.
    let _ = approval.signal("approve", "Ada").await;
    let name = approval.result().await.unwrap_or_else(|_| "nobody".to_owned());
    told.signal("name", &name).await?;
    told.result().await
}

/// Two timers and an activity between them, all under way at once. The order in which the timers fire is the result.
async fn timers(ctx: &WorkflowContext, (): ()) -> Result<Vec<u64>, WorkflowError> {
    let acting = ctx.execute_activity::<String>("act", &("between", 8u64), options());
    let mut sleeping: FuturesUnordered<_> = [5u64, 10]
        .into_iter()
        .map(|count| {
            let sleep = ctx.sleep(seconds(count));
            async move { sleep.await.map(|()| count) }
        })
        .collect();
    let mut fired = Vec::new();
    while let Some(count) = sleeping.next().await {
        fired.push(count?);
    }
    acting.await?;
    Ok(fired)
}

/// Goes on without an answer after 20 seconds, beside a reminder that goes off in any case.
async fn patient(ctx: &WorkflowContext, (): ()) -> Result<String, WorkflowError> {
    let reminder = ctx.sleep(seconds(60));
    let answer = {
        let (mut acting, mut patience) = (acts(ctx, "answer", 5), ctx.sleep(seconds(20)));
        futures::select_biased! {
            answer = acting => answer?,
            slept = patience => slept.map(|()| "no answer".to_owned())?,
        }
    };
    reminder.await?;
    Ok(answer)
}

/// Looks for a minute whether it is open, and gives up then.
async fn looks_for_a_minute(_: &ActivityContext, (): ()) -> Result<bool, ActivityError> {
    for _ in 0..12 {
        if durasim::state::<World>().is_open.get() {
            return Ok(true);
        }
        durasim::time::sleep(seconds(5)).await;
    }
    Ok(false)
}

/// The activity that waits has patience of its own, shorter than its timeouts.
async fn impatient(ctx: &WorkflowContext, (): ()) -> Result<bool, WorkflowError> {
    let waits = ctx.execute_activity::<bool>("looks_for_a_minute", &(), options());
    let opens = async {
        ctx.sleep(seconds(10)).await?;
        ctx.execute_activity::<()>("opens", &(), options()).await
    };
    let (waited, opened, acted) = futures::join!(waits, opens, acts(ctx, "beside", 90));
    opened?;
    acted?;
    waited
}

pub fn all() -> Vec<Sound> {
    let named = |name: &str, exploration: Exploration| (format!("orders: {name}"), exploration);
    let alone = |workflow: &str| simulation().explore(workflow, &());
    let done = || check::effects(|world: &World| &world.done);
    // An answer that faults keep back may come too late.
    let no_answer = |run: &durasim::Run| run.result::<String>().is_ok_and(|answer| answer == "no answer");
    // A worker that stands still and then dies opens nothing for a minute.
    let stays_closed = |run: &durasim::Run| run.result::<bool>() == Ok(false);
    vec![
        named("an approval that expires", script(approves)),
        named("an approval at the start", script(approves_at_once)),
        named("six at once", alone("parallel").check(done())),
        named("the first of two answers", alone("hedges").check(done())),
        named("a batch of signals", script(numbers).check(check::same_result().depends_on_time_of("number"))),
        named("ticks until a signal", script(stops).check(check::same_result().depends_on_time_of("stop"))),
        named("through the outside world", alone("outside")),
        named("a retry beside a timer", alone("retries")),
        named("a cancel by a script", script(cancels)),
        named("two workflows", script(two)),
        named("two timers at once", alone("timers")),
        named("patience of a workflow", alone("patient").check(check::same_result().outcomes(no_answer))),
        named("patience of an activity", alone("impatient").check(check::same_result().outcomes(stays_closed))),
    ]
}
