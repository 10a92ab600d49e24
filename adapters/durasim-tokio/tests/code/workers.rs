//! Several workers: each process has a runtime of its own.

use std::cell::RefCell;

use durasim::{ActivityContext, ActivityError, Run, Simulation, WorkflowContext, WorkflowError, check};
use durasim_tokio::SimulationExt;
use tokio::time;

use super::{millis, options};

type Result = std::result::Result<u64, ActivityError>;

/// Beats of spawned tasks: the activity, the attempt and the millisecond.
#[derive(Default)]
struct Beats(RefCell<Vec<(u64, u32, u64)>>);

/// Two activities at once, each with a task that it has spawned.
fn two(workers: usize) -> Simulation {
    let code = async |ctx: &ActivityContext, number: u64| -> Result {
        let attempt = ctx.get_info().attempt;
        let beater = tokio::spawn(async move {
            loop {
                time::sleep(millis(250)).await;
                let at = (durasim::time::now() - durasim::Time::ZERO).as_millis() as u64;
                durasim::state::<Beats>().0.borrow_mut().push((number, attempt, at));
            }
        });
        for step in 0..4u64 {
            time::sleep(millis(400)).await;
            ctx.heartbeat(&step)?;
        }
        beater.abort();
        Ok(number)
    };
    Simulation::temporal().tokio().workers(workers).state(Beats::default).activity("code", code).workflow(
        "main",
        async |ctx: &WorkflowContext, (): ()| -> std::result::Result<u64, WorkflowError> {
            let one = ctx.execute_activity::<u64>("code", &1u64, options());
            let two = ctx.execute_activity::<u64>("code", &2u64, options());
            Ok(one.await? * 10 + two.await?)
        },
    )
}

fn beats(run: &Run, number: u64, attempt: u32) -> Vec<u64> {
    let state = run.state::<Beats>();
    let beats = state.0.borrow();
    beats.iter().filter(|beat| (beat.0, beat.1) == (number, attempt)).map(|beat| beat.2).collect()
}

#[test]
fn the_crash_of_one_leaves_the_others_tasks_alone() {
    let run = two(2).plan("code#1@1:await2=crash".parse().unwrap()).run("main", &()).unwrap();
    assert_eq!(run.result::<u64>().unwrap(), 12);
    assert_eq!(beats(&run, 1, 1), [252]);
    assert_eq!(beats(&run, 2, 1), [252, 502, 752, 1_002, 1_252, 1_502]);
    assert!(!beats(&run, 1, 2).is_empty());
}

#[test]
fn the_tasks_of_a_frozen_worker_stand_still() {
    let run = two(2).plan("code#1@1:await2=freeze(1s)".parse().unwrap()).run("main", &()).unwrap();
    assert_eq!(run.result::<u64>().unwrap(), 12);
    let of_the_frozen = beats(&run, 1, 1);
    assert!(!of_the_frozen.iter().any(|at| (403..1_402).contains(at)), "{of_the_frozen:?}");
    assert_eq!(beats(&run, 2, 1), [252, 502, 752, 1_002, 1_252, 1_502]);
}

#[test]
fn every_fault_with_one_two_and_three_workers() {
    for workers in 1..=3 {
        two(workers).explore("main", &()).every_fault().seeds(0..20).check(check::same_result()).assert();
    }
}
