//! Things that a workflow decides once: side effects, values that are looked up, versions.

use std::cell::Cell;
use std::thread::LocalKey;

use crabdance_activity::ActivityContext;
use crabdance_worker::registry::Registry;
use crabdance_workflow::{ActivityError, WorkflowContext, WorkflowError, workflow};
use durasim::program::Marker;
use durasim::{Run, Simulation, check};
use durasim_cadence::CadenceExt;

use super::{call, options, secs};

async fn add(ctx: &ActivityContext, n: u32) -> Result<u32, ActivityError> {
    tokio::time::sleep(secs(1)).await;
    ctx.record_heartbeat(None);
    Ok(n + 1)
}

fn simulation(register: fn(&dyn Registry)) -> Simulation {
    Simulation::cadence().registered(register).cadence_activity("add", add)
}

/// The markers in the history, in words.
fn markers(run: &Run) -> Vec<String> {
    run.trace()
        .markers()
        .values()
        .map(|marker| match marker {
            Marker::SideEffect { seq, value } => format!("{seq}: {value}"),
            Marker::MutableSideEffect { id, value, .. } => format!("{id}: {value}"),
            Marker::Version { change_id, version } => format!("{change_id} is {version}"),
            other => format!("{other:?}"),
        })
        .collect()
}

thread_local! {
    /// They count in the runs of one test: explorations beside it run the same workflows, on threads of their own.
    static MADE: Cell<u32> = const { Cell::new(0) };
    static INSTANCES: Cell<u32> = const { Cell::new(0) };
}

/// Counts one. Gives how many there were before.
fn count(counter: &'static LocalKey<Cell<u32>>) -> u32 {
    let before = counter.get();
    counter.set(before + 1);
    before
}

/// Side effects between activities and timers, whose numbers the client takes from one count.
#[workflow(name = "side_effects")]
async fn side_effects(ctx: WorkflowContext, n: u32) -> Result<Vec<u32>, WorkflowError> {
    let made = || {
        count(&MADE);
        4
    };
    let first = ctx.side_effect(made).await;
    let second = ctx.side_effect(|| first + n).await;
    let sum = call(&ctx, "add", second, options()).await?;
    let timer = ctx.new_timer(secs(1));
    let third = ctx.side_effect(|| 2 * second).await;
    timer.await;
    let last: u32 = call(&ctx, "add", third, options()).await?;
    Ok(vec![first, second, sum, third, last, ctx.side_effect(|| 9).await])
}

#[test]
fn a_side_effect_is_made_once_and_recalled_in_replays() {
    let run = simulation(side_effects_cadence::register).run("side_effects", &10).unwrap();
    assert_eq!(run.result::<Vec<u32>>(), Ok(vec![4, 14, 15, 28, 29, 9]));
    // The numbers are those of the client, which counts activities and timers too, and one for each activation.
    assert_eq!(markers(&run), ["1: 4", "2: 14", "6: 28", "10: 9"]);

    MADE.set(0);
    let plan = "side_effects#1:task2=evicted; side_effects#1:task3=evicted; side_effects#1:task4=evicted";
    let replayed =
        simulation(side_effects_cadence::register).plan(plan.parse().unwrap()).run("side_effects", &10).unwrap();
    assert_eq!((MADE.get(), replayed.result::<Vec<u32>>()), (1, run.result::<Vec<u32>>()));
    assert_eq!(markers(&replayed), markers(&run));
}

#[test]
fn side_effects_survive_every_fault() {
    let simulation = simulation(side_effects_cadence::register);
    let exploration =
        simulation.explore("side_effects", &10).every_fault().every_order().deploys_itself().seeds(0..200);
    exploration.check(check::same_result()).check(check::replays()).assert();
}

/// Asks for a side effect in its first instance only.
#[workflow(name = "once")]
async fn once(ctx: WorkflowContext, _n: u32) -> Result<u32, WorkflowError> {
    if count(&INSTANCES) == 0 {
        ctx.side_effect(|| 1).await;
    }
    call(&ctx, "add", 1, options()).await
}

/// Asks for one in its second instance only.
#[workflow(name = "later")]
async fn later(ctx: WorkflowContext, _n: u32) -> Result<u32, WorkflowError> {
    if count(&INSTANCES) > 0 {
        ctx.side_effect(|| 1).await;
    }
    call(&ctx, "add", 1, options()).await
}

#[test]
fn a_replay_without_a_side_effect_or_with_one_too_many_is_told() {
    let error = |register: fn(&dyn Registry), name: &str| {
        INSTANCES.set(0);
        let plan = format!("{name}#1:task2=evicted").parse().unwrap();
        simulation(register).plan(plan).run(name, &0).unwrap_err().to_string()
    };
    let without = error(once_cadence::register, "once");
    assert!(without.contains("where the history has side effect 1 recorded"), "{without}");
    let more = error(later_cadence::register, "later");
    assert!(more.contains("not deterministic: Side effect id=0 not found during replay"), "{more}");
}

/// A value that is looked up four times and changes once.
#[workflow(name = "looks_up")]
async fn looks_up(ctx: WorkflowContext, _n: u32) -> Result<Vec<u32>, WorkflowError> {
    let mut seen = Vec::new();
    for step in 0..4 {
        seen.push(
            ctx.mutable_side_effect("rate", || if step < 2 { 10 } else { 20 }, None::<fn(&u32, &u32) -> bool>).await,
        );
        seen.push(call(&ctx, "add", step, options()).await?);
    }
    Ok(seen)
}

#[test]
fn a_value_that_is_looked_up_is_recorded_when_it_changes() {
    let run = simulation(looks_up_cadence::register).run("looks_up", &0).unwrap();
    assert_eq!(run.result::<Vec<u32>>(), Ok(vec![10, 1, 10, 2, 20, 3, 20, 4]));
    assert_eq!(markers(&run), ["rate: 10", "rate: 20"]);
    assert!(run.timeline().to_string().contains("rate is now 20"), "{}", run.timeline());

    let exploration = simulation(looks_up_cadence::register)
        .explore("looks_up", &0)
        .every_fault()
        .every_order()
        .deploys_itself()
        .seeds(0..200);
    exploration.check(check::same_result()).check(check::replays()).assert();
}

/// Two changes of the code, one of which runs after an activity.
#[workflow(name = "versions")]
async fn versions(ctx: WorkflowContext, _n: u32) -> Result<Vec<i32>, WorkflowError> {
    let first = ctx.get_version("b", -1, 2);
    let sum: i32 = call(&ctx, "add", 1, options()).await?;
    let (second, again) = (ctx.get_version("a", -1, 1), ctx.get_version("b", -1, 2));
    ctx.sleep(secs(1)).await;
    Ok(vec![first, sum, second, again, ctx.get_version("c", -1, 7)])
}

#[test]
fn a_version_is_recorded_ahead_of_what_follows_it() {
    let run = simulation(versions_cadence::register).run("versions", &0).unwrap();
    assert_eq!(run.result::<Vec<i32>>(), Ok(vec![2, 2, 1, 2, 7]));
    assert_eq!(markers(&run), ["b is 2", "a is 1", "c is 7"]);
    let timeline = run.timeline().to_string();
    let position = |words: &str| timeline.find(words).unwrap_or_else(|| panic!("{words}:\n{timeline}"));
    assert!(position("version 2 of b recorded") < position("scheduled"), "{timeline}");

    let exploration = simulation(versions_cadence::register)
        .explore("versions", &0)
        .every_fault()
        .every_order()
        .deploys_itself()
        .seeds(0..200);
    exploration.check(check::same_result()).check(check::replays()).assert();
}

/// Code that has been changed since its first instance passed.
#[workflow(name = "changed")]
async fn changed(ctx: WorkflowContext, _n: u32) -> Result<i32, WorkflowError> {
    let version = if count(&INSTANCES) > 0 { ctx.get_version("change", -1, 1) } else { -1 };
    let _: i32 = call(&ctx, "add", 1, options()).await?;
    Ok(version)
}

#[test]
fn a_run_that_passed_before_the_change_follows_the_old_version() {
    INSTANCES.set(0);
    let plan = "changed#1:task2=evicted".parse().unwrap();
    let run = simulation(changed_cadence::register).plan(plan).run("changed", &0).unwrap();
    assert_eq!((run.result::<i32>(), INSTANCES.get()), (Ok(-1), 2));
}
