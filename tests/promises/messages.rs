//! Messages between workflows are late where a plan says so, arrive in another order, and are never lost.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use durasim::fault::Plan;
use durasim::program::{ChildCancellation, ParentClosePolicy};
use durasim::{ChildOptions, Exploration, Run, Simulation, WorkflowContext, WorkflowError, check};
use futures::{FutureExt, select_biased};

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Sleeps for so many seconds.
async fn nap(ctx: &WorkflowContext, seconds: u64) -> Result<u64, WorkflowError> {
    ctx.sleep(secs(seconds)).await?;
    Ok(seconds)
}

/// Waits for its child, of 5 seconds.
async fn waits(ctx: &WorkflowContext, (): ()) -> Result<u64, WorkflowError> {
    let child = ctx.start_child::<u64>("nap", &5u64, ChildOptions::default());
    child.started().await?;
    child.result().await?;
    Ok((ctx.now() - durasim::Time::ZERO).as_secs())
}

/// Does not look whether its child starts, and closes after 10 seconds.
async fn forgets(ctx: &WorkflowContext, is_abandoned: bool) -> Result<(), WorkflowError> {
    let parent_close_policy = if is_abandoned { ParentClosePolicy::Abandon } else { ParentClosePolicy::Terminate };
    let _child = ctx.start_child::<u64>("nap", &5u64, ChildOptions { parent_close_policy, ..Default::default() });
    ctx.sleep(secs(10)).await
}

/// Has patience with its child, of 5 seconds, for 10.
async fn impatient(ctx: &WorkflowContext, (): ()) -> Result<String, WorkflowError> {
    let mut child = ctx.start_child::<u64>("nap", &5u64, ChildOptions::default()).result();
    let mut patience = ctx.sleep(secs(10));
    select_biased! {
        napped = child => napped.map(|_| "the nap".to_owned()),
        fired = patience => fired.map(|()| "the timer".to_owned()),
    }
}

/// Adds up the numbers that it is sent in 20 seconds, until it is asked to cancel.
async fn listens(ctx: &WorkflowContext, (): ()) -> Result<u32, WorkflowError> {
    let numbers = ctx.signals::<u32>("number");
    let mut patience = ctx.sleep(secs(20));
    let mut sum = 0;
    loop {
        select_biased! {
            () = ctx.cancelled().fuse() => return Ok(sum + 100),
            number = numbers.recv() => sum += number?,
            _ = patience => return Ok(sum),
        }
    }
}

/// Sends a number and a request to cancel to its child, in the breath that asks for it if it is `hasty`.
async fn talks(ctx: &WorkflowContext, is_hasty: bool) -> Result<(bool, u32), WorkflowError> {
    let child = ctx.start_child::<u32>("listens", &(), ChildOptions::default());
    if !is_hasty {
        child.started().await?;
    }
    let is_delivered = child.signal("number", &1).await.is_ok();
    if !is_hasty && is_delivered {
        ctx.cancel_workflow(&format!("{}_1", ctx.info().run_id)).await?;
    }
    Ok((is_delivered, child.result().await?))
}

/// Adds up the numbers that it is sent in two runs of 10 and 20 seconds.
async fn relays(ctx: &WorkflowContext, before: Option<u32>) -> Result<u32, WorkflowError> {
    let numbers = ctx.signals::<u32>("number");
    let mut patience = ctx.sleep(secs(if before.is_none() { 10 } else { 20 }));
    let mut sum = before.unwrap_or(0);
    loop {
        select_biased! {
            number = numbers.recv() => sum += number?,
            _ = patience => break,
        }
    }
    if before.is_none() { Err(ctx.continue_as_new(&Some(sum))) } else { Ok(sum) }
}

/// Sends two numbers to its child, one in each run of that.
async fn dictates(ctx: &WorkflowContext, (): ()) -> Result<u32, WorkflowError> {
    let child = ctx.start_child::<u32>("relays", &None::<u32>, ChildOptions::default());
    ctx.sleep(secs(5)).await?;
    let first = child.signal("number", &1);
    ctx.sleep(secs(15)).await?;
    child.signal("number", &10).await?;
    first.await?;
    child.result().await
}

fn simulation() -> Simulation {
    Simulation::temporal()
        .workflow("nap", nap)
        .workflow("waits", waits)
        .workflow("forgets", forgets)
        .workflow("impatient", impatient)
        .workflow("listens", listens)
        .workflow("talks", talks)
        .workflow("relays", relays)
        .workflow("dictates", dictates)
}

fn run(workflow: &str, input: &impl serde::Serialize, plan: &str) -> Run {
    let plan: Plan = plan.parse().expect("a plan");
    simulation().plan(plan).run(workflow, input).expect("a run")
}

/// Says whether a line of the timeline says so.
#[track_caller]
fn tells(run: &Run, words: &str) {
    let told = run.timeline().to_string();
    assert!(told.contains(words), "{words}\n{told}");
}

#[test]
fn a_child_starts_late_and_its_end_is_heard_late() {
    for (plan, seconds) in [("v1", 5), ("waits#1:child1=delayed(60s)", 65), ("waits#1:child_end1=delayed(60s)", 65)] {
        let run = run("waits", &(), plan);
        assert_eq!(run.result::<u64>(), Ok(seconds), "{plan}\n{}", run.timeline());
    }
    tells(&run("waits", &(), "waits#1:child1=delayed(60s)"), "fault: child 1 of waits starts 60s late");
    let words = |plan: &str| plan.parse::<Plan>().unwrap().words().to_string();
    assert_eq!(words("waits#1:child1=delayed(60s)"), "child 1 of waits starts 60s late");
    assert_eq!(words("waits#1:child_end1=delayed(60s)"), "waits hears 60s late that its child 1 has closed");
    assert_eq!(words("talks#1:message2=delayed(60s)"), "the 2nd message of talks to another workflow takes 60s longer");
}

/// A server starts no child for a parent that has closed, unless that abandons it.
#[test]
fn a_child_that_starts_late_may_find_its_parent_closed() {
    let plan = "forgets#1:child1=delayed(60s)";
    assert_eq!(run("forgets", &false, plan).trace().workflows().len(), 1);
    let abandoned = run("forgets", &true, plan);
    assert_eq!(abandoned.trace().workflows().len(), 2, "{}", abandoned.timeline());
    tells(&abandoned, "workflow completed: 5");
}

#[test]
fn the_end_of_a_child_loses_a_race_that_it_wins() {
    for (plan, winner) in [
        ("v1", "the nap"),
        ("impatient#1:child_end1=delayed(60s)", "the timer"),
        ("impatient#1:child_end1=next_task(timer1)", "the timer"),
        ("impatient#1:child_end1=behind(timer1)", "the nap"),
        ("impatient#1:child1=next_task(timer1)", "the timer"),
        ("impatient#1:timer1=behind(child1)", "the nap"),
    ] {
        let simulation = simulation().plan(plan.parse::<Plan>().unwrap());
        match simulation.run("impatient", &()) {
            Ok(run) => assert_eq!(run.result::<String>(), Ok(winner.to_owned()), "{plan}\n{}", run.timeline()),
            Err(error) => assert!(plan.contains("timer1=") && error.to_string().contains("timer1"), "{plan}: {error}"),
        }
    }
}

#[test]
fn every_order_tries_the_start_and_the_end_of_a_child() {
    let report = simulation().explore("impatient", &()).every_order().report();
    assert!(report.holds(), "{report}");
    assert!(report.coverage().cells().any(|cell| cell.site == "child_end" && cell.fault == "next_task"), "{report}");
    assert!(report.coverage().cells().any(|cell| cell.site == "child" && cell.fault == "behind"), "{report}");
}

/// A signal that arrives when its receiver has closed is not delivered, though that was open when the signal was sent.
#[test]
fn a_message_is_late_and_lost_where_its_target_has_closed() {
    let heard = |plan: &str| run("talks", &false, plan).result::<(bool, u32)>().unwrap();
    assert_eq!(heard("v1"), (true, 101));
    assert_eq!(heard("talks#1:message1=delayed(10s)"), (true, 101));
    assert_eq!(heard("talks#1:message1=delayed(60s)"), (false, 0));
    assert_eq!(heard("listens#1:signal1=delayed(60s)"), (false, 0));
    assert_eq!(heard("talks#1:message2=delayed(10s)"), (true, 101));
}

/// A server looks for the open run when a signal gets there, not when it is sent: there it is counted too.
#[test]
fn a_late_message_gets_to_the_run_that_is_open_then() {
    for plan in [
        "v1",
        "relays#1@2:signal1=delayed(1s)",
        "dictates#1:message1=delayed(10s)",
        "dictates#1:message1=delayed(10s); relays#1@2:signal2=delayed(1s)",
        "relays#1:signal1=delayed(10s); relays#1@2:signal2=delayed(1s)",
        "relays#1:signal1=next_task(timer1)",
    ] {
        let run = simulation().plan(plan.parse::<Plan>().unwrap()).run("dictates", &());
        let run = run.and_then(Run::strict).unwrap_or_else(|error| panic!("{plan}: {error}"));
        assert_eq!(run.result::<u32>(), Ok(11), "{plan}\n{}", run.timeline());
    }
}

/// The SDKs send a message for a child behind its start.
#[test]
fn a_message_for_a_child_waits_for_a_late_start() {
    let run = run("talks", &true, "talks#1:child1=delayed(60s)");
    assert_eq!(run.result::<(bool, u32)>(), Ok((true, 1)), "{}", run.timeline());
}

/// The request to cancel does not overtake the late start either.
#[test]
fn a_child_that_starts_late_is_cancelled_all_the_same() {
    let cancels = async |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
        let options = ChildOptions { cancellation: ChildCancellation::WaitCancellationCompleted, ..Default::default() };
        let child = ctx.start_child::<u32>("listens", &(), options);
        ctx.sleep(secs(5)).await?;
        child.cancel();
        child.result().await
    };
    let simulation = simulation().workflow("cancels", cancels);
    let plan: Plan = "cancels#1:child1=delayed(60s)".parse().unwrap();
    let run = simulation.plan(plan).run("cancels", &()).unwrap();
    assert_eq!(run.result::<u32>(), Ok(100), "{}", run.timeline());
}

/// A child that is started and forgotten is the bug; its smallest plan names the start of the child.
#[test]
fn every_fault_finds_a_child_that_never_starts() {
    let hasty = async |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
        let options = ChildOptions { parent_close_policy: ParentClosePolicy::Abandon, ..Default::default() };
        let _child = ctx.start_child::<u64>("nap", &600u64, options);
        ctx.sleep(Duration::from_millis(500)).await?;
        // It takes for granted that the child is there by now.
        ctx.signal_workflow(&format!("{}_1", ctx.info().run_id), "hurry", &()).await
    };
    let report = simulation().workflow("hasty", hasty).explore("hasty", &()).every_fault().report();
    let [failed] = report.failures() else { panic!("{report}") };
    let plan = failed.plan.to_string();
    assert!(failed.is_smallest && plan.contains("; hasty#1:child1=delayed("), "{plan}");
    assert!(failed.text.contains("child 1 of hasty starts"), "{}", failed.text);
}

/// The points at which the faults of an exploration struck, as plans spell them.
fn struck(
    workflow: &str,
    input: &impl serde::Serialize,
    explore: impl Fn(Exploration) -> Exploration,
) -> BTreeSet<String> {
    let all = Arc::new(Mutex::new(BTreeSet::new()));
    let seen = Arc::clone(&all);
    let check = check::named("collects the points", move |run: &Run| {
        let points = run.trace().faults().values().map(|(point, _)| point.to_string());
        seen.lock().unwrap().extend(points);
        Ok::<(), String>(())
    });
    let report = explore(simulation().explore(workflow, input)).without_standard_checks().check(check).report();
    let is_message = |site: &str| ["child", "child_end", "message", "signal"].contains(&site);
    let missed = report.coverage().unfilled().find(|cell| is_message(cell.site));
    assert!(report.holds() && missed.is_none(), "{missed:?}\n{report}");
    all.lock().unwrap().clone()
}

#[test]
fn every_fault_strikes_each_message_and_each_task_of_each_child() {
    let points = struck("talks", &false, Exploration::every_fault);
    for point in [
        "talks#1:child1",
        "talks#1:child_end1",
        "talks#1:message1",
        "talks#1:message2",
        "listens#1:signal1",
        "listens#1:task1",
        "listens#1:task2",
        "listens#1:task3",
    ] {
        assert!(points.contains(point), "{point}: {points:?}");
    }
}

#[test]
fn seeds_strike_each_message() {
    let points = struck("talks", &false, |exploration| exploration.seeds(0..300));
    for point in ["talks#1:child1", "talks#1:child_end1", "talks#1:message1", "talks#1:message2", "listens#1:signal1"] {
        assert!(points.contains(point), "{point}: {points:?}");
    }
}

#[test]
fn a_point_that_is_not_there_is_told_with_the_nearest() {
    let plan: Plan = "waits#1:child2=delayed(60s)".parse().unwrap();
    let error =
        simulation().plan(plan).run("waits", &()).and_then(Run::strict).expect_err("there is one child").to_string();
    assert!(error.contains("the nearest point that it comes to is `waits#1:child1`"), "{error}");
}
