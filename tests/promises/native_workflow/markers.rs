//! Side effects, versions and random numbers: decided once, the same in every replay.

use std::cell::Cell;
use std::time::Duration;

use super::*;

thread_local!(static CALLS: Cell<u32> = const { Cell::new(0) });

fn next_call() -> u32 {
    CALLS.set(CALLS.get() + 1);
    CALLS.get()
}

fn replayed(program: &dyn WorkflowProgram, jobs: Vec<Job>) -> Result<Vec<String>, TaskFailure> {
    let mut run = program.instantiate(info(), &start(&()), unlinked())?;
    let activation = Activation::new(Time::ZERO, jobs).replaying(true).history_length(3);
    Ok(activate(&mut *run, &activation)?.iter().map(show).collect())
}

#[test]
fn a_side_effect_is_done_once_and_its_value_is_kept() {
    CALLS.set(0);
    let mut driven = driven(async |ctx: &WorkflowContext, ()| {
        let first = ctx.side_effect(next_call);
        let second = ctx.side_effect(|| format!("call {}", next_call()));
        ctx.sleep(Duration::from_secs(1)).await?;
        Ok((first, second, ctx.side_effect(next_call)))
    });
    assert_eq!(driven.last(), ["side effect 1 1", "side effect 2 \"call 2\"", "timer 1 1s"]);
    assert_eq!(driven.activate([Job::FireTimer(1)]), ["side effect 3 3", "complete [1,\"call 2\",3]"]);
    driven.assert_replays();
    assert_eq!(CALLS.get(), 3);
}

thread_local!(static RATE: Cell<u32> = const { Cell::new(0) });

/// Looks three times at a rate that is another one the third time, and once at something else.
async fn looks(ctx: &WorkflowContext, (): ()) -> Result<Vec<u32>, WorkflowError> {
    let look = || ctx.mutable_side_effect("rate", || RATE.get());
    let mut seen = vec![look(), look(), ctx.mutable_side_effect("other", || 7)];
    ctx.sleep(Duration::from_secs(1)).await?;
    seen.push(look());
    Ok(seen)
}

#[test]
fn a_value_that_is_looked_up_is_recorded_when_it_is_another_one() {
    RATE.set(3);
    let mut driven = driven(looks);
    assert_eq!(driven.last(), ["\"rate\" 1 3", "\"other\" 1 7", "timer 1 1s"]);
    RATE.set(4);
    assert_eq!(driven.activate([Job::FireTimer(1)]), ["\"rate\" 3 4", "complete [3,3,7,4]"]);
}

#[test]
fn a_replay_sees_each_value_at_the_call_that_found_it() {
    for plan in ["", "watch#1:task2=evicted", "watch#1:task3=evicted"] {
        let watch = async |ctx: &WorkflowContext, (): ()| -> Result<Vec<u32>, WorkflowError> {
            let look = || ctx.mutable_side_effect("rate", || RATE.replace(RATE.get() + 1) / 2);
            let mut seen = vec![look(), look(), look()];
            ctx.sleep(Duration::from_secs(1)).await?;
            seen.push(look());
            ctx.sleep(Duration::from_secs(1)).await?;
            seen.push(look());
            Ok(seen)
        };
        RATE.set(0);
        let simulation = durasim::Simulation::temporal().workflow("watch", watch);
        let simulation = match plan {
            "" => simulation,
            plan => simulation.plan(format!("v1 seed=0 order=fifo; {plan}").parse().unwrap()),
        };
        let run = simulation.run("watch", &()).unwrap();
        assert_eq!(run.result::<Vec<u32>>(), Ok(vec![0, 0, 1, 1, 2]), "{}", run.timeline());
        assert_eq!(RATE.get(), 5, "a replay does not look");
    }
}

#[test]
fn a_side_effect_that_the_history_does_not_have_is_not_done() {
    CALLS.set(0);
    let driven = driven(async |ctx: &WorkflowContext, ()| Ok(ctx.side_effect(next_call)));
    assert_eq!(CALLS.get(), 1);
    let failure = replayed(&*driven.program, vec![Job::Start]).unwrap_err();
    assert_eq!(
        failure.to_string(),
        "the workflow is not deterministic: a replayed workflow task asks for side effect 1, which the history does not \
         have there"
    );
    assert_eq!(CALLS.get(), 1);
}

#[test]
fn a_side_effect_may_not_use_the_context() {
    let mut driven = fresh(async |ctx: &WorkflowContext, ()| {
        Ok(ctx.side_effect(|| {
            drop(ctx.sleep(Duration::from_secs(1)));
            1
        }))
    });
    let failure = driven.try_activate([Job::Start]).unwrap_err();
    assert!(failure.to_string().starts_with("a side effect of workflow `test` used the context"), "{failure}");
}

#[test]
fn a_recorded_value_of_another_type_fails_the_task() {
    let driven = driven(async |ctx: &WorkflowContext, ()| Ok(ctx.side_effect(|| 1_u8)));
    let value = Payload::from_json("one").unwrap();
    let jobs = vec![Job::Marker(Marker::SideEffect { seq: 1, value }), Job::Start];
    let failure = replayed(&*driven.program, jobs).unwrap_err().to_string();
    assert!(failure.starts_with("the value of side effect 1 is \"one\", which does not decode as `u8`"), "{failure}");
}

async fn changed(ctx: &WorkflowContext, (): ()) -> Result<[i32; 2], WorkflowError> {
    let first = ctx.version("change", WorkflowContext::DEFAULT_VERSION, 2);
    ctx.sleep(Duration::from_secs(1)).await?;
    Ok([first, ctx.version("change", WorkflowContext::DEFAULT_VERSION, 2)])
}

#[test]
fn a_new_run_follows_the_newest_version_and_records_it_once() {
    let mut driven = driven(changed);
    assert_eq!(driven.last(), ["version change 2", "timer 1 1s"]);
    assert_eq!(driven.activate([Job::FireTimer(1)]), ["complete [2,2]"]);
    driven.assert_replays();
}

#[test]
fn a_replay_follows_what_is_recorded_or_the_default() {
    let program = driven(changed).program;
    let recorded = Job::Marker(Marker::Version { change_id: "change".into(), version: 1 });
    let answer = replayed(&*program, vec![recorded, Job::Start, Job::FireTimer(1)]);
    assert!(answer.is_err(), "the timer was not started yet");
    let recorded = Job::Marker(Marker::Version { change_id: "change".into(), version: 1 });
    assert_eq!(replayed(&*program, vec![recorded, Job::Start]).unwrap(), ["version change 1", "timer 1 1s"]);
    assert_eq!(replayed(&*program, vec![Job::Start]).unwrap(), ["timer 1 1s"]);

    // Without a marker the run stays with the default, also where it is not a replay any more.
    let mut run = program.instantiate(info(), &start(&()), unlinked()).unwrap();
    let mut activation = Activation::new(Time::ZERO, vec![Job::Start]).replaying(true).history_length(3);
    activate(&mut *run, &activation).unwrap();
    activation.replaying = false;
    activation.jobs = vec![Job::FireTimer(1)];
    let end: Vec<String> = activate(&mut *run, &activation).unwrap().iter().map(show).collect();
    assert_eq!(end, ["complete [-1,-1]"]);
}

#[test]
fn a_version_that_the_code_does_not_know_fails_the_task() {
    let driven = driven(async |ctx: &WorkflowContext, ()| Ok(ctx.version("change", 2, 3)));
    assert_eq!(driven.last(), ["version change 3", "complete 3"]);
    let failure = replayed(&*driven.program, vec![Job::Start]).unwrap_err();
    assert_eq!(failure.to_string(), "the run follows version -1 of change `change`, but the code knows 2 to 3 only");
}

async fn patched(ctx: &WorkflowContext, (): ()) -> Result<[bool; 2], WorkflowError> {
    let first = ctx.patched("patch");
    ctx.sleep(Duration::from_secs(1)).await?;
    Ok([first, ctx.patched("patch")])
}

#[test]
fn a_new_run_goes_the_new_way_and_records_that_once() {
    let mut driven = driven(patched);
    assert_eq!(driven.last(), ["patch patch", "timer 1 1s"]);
    assert_eq!(driven.activate([Job::FireTimer(1)]), ["complete [true,true]"]);
    driven.assert_replays();
}

#[test]
fn a_run_that_was_here_before_goes_the_old_way_for_ever() {
    let program = driven(patched).program;
    let recorded = Job::Marker(Marker::Patch { id: "patch".into(), deprecated: true });
    assert_eq!(replayed(&*program, vec![recorded, Job::Start]).unwrap(), ["patch patch", "timer 1 1s"]);
    let mut run = program.instantiate(info(), &start(&()), unlinked()).unwrap();
    let mut activation = Activation::new(Time::ZERO, vec![Job::Start]).replaying(true).history_length(3);
    assert_eq!(activate(&mut *run, &activation).unwrap().iter().map(show).collect::<Vec<_>>(), ["timer 1 1s"]);
    activation.replaying = false;
    activation.jobs = vec![Job::FireTimer(1)];
    let end: Vec<String> = activate(&mut *run, &activation).unwrap().iter().map(show).collect();
    assert_eq!(end, ["complete [false,false]"]);
}

#[test]
fn a_deprecated_patch_is_recorded_by_new_runs_only() {
    let deprecated = async |ctx: &WorkflowContext, ()| {
        ctx.deprecate_patch("patch");
        Ok(())
    };
    let driven = driven(deprecated);
    assert_eq!(driven.last(), ["deprecated patch patch", "complete null"]);
    assert_eq!(replayed(&*driven.program, vec![Job::Start]).unwrap(), ["complete null"]);
    let recorded = Job::Marker(Marker::Patch { id: "patch".into(), deprecated: false });
    let expected = ["deprecated patch patch", "complete null"];
    assert_eq!(replayed(&*driven.program, vec![recorded, Job::Start]).unwrap(), expected);
}

#[test]
fn random_numbers_follow_from_the_seed_alone() {
    let mut driven = driven(async |ctx: &WorkflowContext, ()| {
        let first = ctx.random();
        ctx.sleep(Duration::from_secs(1)).await?;
        let ranged: Vec<u64> = (0..5).map(|_| ctx.random_range(10..13)).collect();
        Ok((first, ranged))
    });
    // These values are part of the meaning of a seed: they change only with a new trace version.
    assert_eq!(driven.activate([Job::FireTimer(1)]), ["complete [6779257601862804052,[11,11,10,11,11]]"]);
    driven.assert_replays();
}
