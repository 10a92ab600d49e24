//! Several workers: each process has a runtime of its own.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Client, Run, Simulation, WorkflowContext, WorkflowError, check,
};
use durasim_tokio::SimulationExt;
use tokio::sync::Notify;
use tokio::time;

use super::{Since, millis, options};

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
        two(workers)
            .explore("main", &())
            .without("progress")
            .every_fault()
            .seeds(0..20)
            .check(check::same_result())
            .assert();
    }
}

/// The moments at which the waiting process was told, by its own clock, and how often the run was made.
#[derive(Default)]
struct Told {
    bell: Arc<Notify>,
    at: RefCell<Vec<u64>>,
}

fn note(since: &Since) {
    durasim::state::<Told>().at.borrow_mut().push(since.millis());
}

/// One activity waits for what the other does, in another process. Each has a long timer of its own meanwhile, to which its
/// clock may go ahead. `spawned`: a task of tokio's waits, and not the attempt itself.
fn telling(spawned: bool, tries: &Arc<AtomicU32>) -> Simulation {
    let tries = tries.clone();
    let waits = async move |_: &ActivityContext, (): ()| -> Result {
        tokio::spawn(time::sleep(millis(30_000)));
        let since = Since::now();
        let told = async move {
            let bell = durasim::state::<Told>().bell.clone();
            for _ in 0..5 {
                bell.notified().await;
                note(&since);
                // A timer that is made now is due by the clock of now.
                time::sleep(millis(7)).await;
                note(&since);
            }
        };
        if spawned {
            tokio::spawn(told).await.map_err(|error| ActivityError::retryable(error.to_string()))?;
        } else {
            told.await;
        }
        Ok(1)
    };
    let tells = async |_: &ActivityContext, (): ()| -> Result {
        tokio::spawn(time::sleep(millis(40_000)));
        for length in [1_000u64, 1_500, 20, 3_000, 500] {
            time::sleep(millis(length)).await;
            durasim::state::<Told>().bell.notify_one();
        }
        Ok(2)
    };
    let made = move || {
        tries.fetch_add(1, Ordering::Relaxed);
        Told::default()
    };
    let options = || ActivityOptions { heartbeat_timeout: std::time::Duration::ZERO, ..options() };
    Simulation::temporal().tokio().workers(2).state(made).activity("waits", waits).activity("tells", tells).workflow(
        "main",
        async move |ctx: &WorkflowContext, (): ()| -> std::result::Result<u64, WorkflowError> {
            // The second one is on the first worker, whose clock goes ahead first.
            let tells = ctx.execute_activity::<u64>("tells", &(), options());
            let waits = ctx.execute_activity::<u64>("waits", &(), options());
            Ok(waits.await? * 10 + tells.await?)
        },
    )
}

/// A process whose clock was let go too far ahead makes the run begin again: its code never sees such a clock.
#[test]
fn a_process_hears_of_another_when_it_speaks() {
    let expected = [1_000, 1_007, 2_500, 2_507, 2_520, 2_527, 5_520, 5_527, 6_020, 6_027];
    for spawned in [false, true] {
        let tries = Arc::default();
        let simulation = telling(spawned, &tries);
        let run = simulation.run("main", &()).unwrap();
        assert_eq!(*run.state::<Told>().at.borrow(), expected);
        assert!((2..=12).contains(&tries.load(Ordering::Relaxed)), "made {tries:?} times");
        // A script that is there once cannot be made again: its run goes in steps of a millisecond, and is the same.
        let before = tries.swap(0, Ordering::Relaxed);
        let script = async |client: Client| client.start::<u64>("main", "main", &()).await?.result().await;
        let (result, driven) = simulation.drive(script).unwrap();
        assert_eq!(result.unwrap(), 12);
        assert_eq!(*driven.state::<Told>().at.borrow(), expected, "after {before}");
        assert_eq!(tries.load(Ordering::Relaxed), 1);
    }
}

/// A count in the memory of a process, to which each tick of a task of that process adds one.
#[test]
fn a_task_finds_the_state_of_its_process() {
    use std::cell::Cell;
    let code = async |ctx: &ActivityContext, _: u64| -> Result {
        let beater = tokio::spawn(async {
            loop {
                time::sleep(millis(250)).await;
                let ticks = durasim::worker_state::<Cell<u64>>();
                ticks.set(ticks.get() + 1);
            }
        });
        for step in 0..4u64 {
            time::sleep(millis(400)).await;
            ctx.heartbeat(&step)?;
        }
        beater.abort();
        Ok(durasim::worker_state::<Cell<u64>>().get())
    };
    let simulation = |workers| {
        Simulation::temporal()
            .tokio()
            .workers(workers)
            .worker_state(|| Cell::new(0u64))
            .activity("code", code)
            .workflow("main", async |ctx: &WorkflowContext, (): ()| -> std::result::Result<(u64, u64), WorkflowError> {
                let one = ctx.execute_activity::<u64>("code", &1u64, options());
                let two = ctx.execute_activity::<u64>("code", &2u64, options());
                Ok((one.await?, two.await?))
            })
    };
    let counted = |simulation: Simulation| simulation.run("main", &()).unwrap().result::<(u64, u64)>().unwrap();
    assert_eq!(counted(simulation(2)), (6, 6), "each worker has its own");
    assert_eq!(counted(simulation(1)), (12, 12), "both tasks have one process");
}

/// Tasks of tokio that a stop drops belong to the process that stops, and find its memory.
#[test]
fn a_stop_drops_tasks_beside_the_state_of_their_process() {
    use std::cell::Cell;
    #[derive(Default)]
    struct Seen(RefCell<Vec<u64>>);
    struct Guard;
    impl Drop for Guard {
        fn drop(&mut self) {
            let memory = durasim::worker_state::<Cell<u64>>();
            memory.set(memory.get() + 1);
            durasim::state::<Seen>().0.borrow_mut().push(memory.get());
        }
    }
    let code = async |_: &ActivityContext, number: u64| -> Result {
        let memory = durasim::worker_state::<Cell<u64>>();
        memory.set(memory.get() + 10 * number);
        let guard = Guard;
        drop(tokio::spawn(async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        }));
        time::sleep(millis(400)).await;
        Ok(memory.get())
    };
    let simulation = Simulation::temporal()
        .tokio()
        .state(Seen::default)
        .worker_state(|| Cell::new(0u64))
        .activity("code", code)
        .workflow("main", async |ctx: &WorkflowContext, (): ()| -> std::result::Result<(u64, u64), WorkflowError> {
            let one = ctx.execute_activity::<u64>("code", &1u64, options()).await?;
            Ok((one, ctx.execute_activity::<u64>("code", &2u64, options()).await?))
        });
    let stopped = simulation.plan("code#1@1:await1=stop".parse().unwrap()).run("main", &()).unwrap();
    assert_eq!(stopped.result::<(u64, u64)>(), Ok((10, 20)), "the second process has its own\n{}", stopped.timeline());
    assert_eq!(stopped.state::<Seen>().0.borrow()[..], [11], "{}", stopped.timeline());
}
