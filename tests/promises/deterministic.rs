//! The same simulation, input and plan (or seed) give the same run: event by event, on any thread, in any order, and a
//! run with drawn faults is the run of the plan it prints.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use durasim::fault::{Order, Plan};
use durasim::trace::Trace;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Ledger, RetryPolicy, Run, Simulation, WorkflowContext,
    WorkflowError,
};
use futures::{StreamExt, join, stream::FuturesUnordered};

const RUNS: u64 = 1_000;

#[derive(Default)]
struct Store {
    rows: Ledger<(u32, u32)>,
}

/// Everything a run can do: effects, heartbeats, background tasks, a failure, cancellation.
async fn copy(ctx: &ActivityContext, table: u32) -> Result<u32, ActivityError> {
    let start: u32 = ctx.heartbeat_details()?.unwrap_or(0);
    let store = durasim::state::<Store>();
    let beside = ctx.clone();
    let background = durasim::task::spawn(async move {
        durasim::time::sleep(Duration::from_millis(700)).await;
        beside.is_cancelled()
    });
    for row in start..6 {
        durasim::time::sleep(Duration::from_millis(900)).await;
        durasim::effect("insert", || store.rows.record((table, row)))?;
        ctx.heartbeat(&(row + 1))?;
        if ctx.is_cancelled() {
            return Err(ActivityError::Cancelled);
        }
        if row == 3 && ctx.get_info().attempt == 1 {
            return Err(ActivityError::retryable("the third row is unlucky"));
        }
    }
    background.await;
    Ok(start)
}

async fn copy_all(ctx: &WorkflowContext, tables: u32) -> Result<Vec<u32>, WorkflowError> {
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(300),
        start_to_close_timeout: Duration::from_secs(60),
        heartbeat_timeout: Duration::from_secs(3),
        retry_policy: Some(RetryPolicy { maximum_attempts: 4, ..Default::default() }),
        ..Default::default()
    };
    let copies: FuturesUnordered<_> =
        (0..tables).map(|table| ctx.execute_activity::<u32>("copy", &table, options.clone())).collect();
    let (starts, pause) = join!(copies.collect::<Vec<_>>(), ctx.sleep(Duration::from_secs(4)));
    pause?;
    starts.into_iter().collect()
}

fn simulation() -> Simulation {
    Simulation::temporal().activity("copy", copy).workflow("copy_all", copy_all).state(Store::default)
}

/// All of a run that anybody could compare.
#[derive(Clone, PartialEq, Debug)]
struct Seen {
    trace: Trace,
    outcome: String,
    rows: Vec<String>,
    plan: Plan,
    text: String,
}

fn see(run: Run) -> Seen {
    let mut rows = Vec::new();
    run.state::<Store>().rows.each(|key, entries| rows.push(format!("{key:?} {entries:?}")));
    Seen {
        trace: run.trace().clone(),
        outcome: format!("{:?}", run.outcome()),
        rows,
        plan: run.plan(),
        text: run.timeline().every_event().to_string(),
    }
}

fn order(seed: u64) -> Order {
    if seed.is_multiple_of(2) { Order::Fifo } else { Order::Random }
}

fn drawn(seed: u64) -> Seen {
    see(simulation().order(order(seed)).random_faults(seed).run("copy_all", &2u32).unwrap())
}

#[track_caller]
fn same(seed: u64, one: &Seen, other: &Seen) {
    let (events, others) = (one.trace.events(), other.trace.events());
    if let Some(index) = events.iter().zip(others).position(|(a, b)| a != b) {
        panic!("seed {seed}, plan `{}`: event {index} is {:?} and {:?}", one.plan, events[index], others[index]);
    }
    assert_eq!(one, other, "seed {seed}");
}

#[test]
fn twice_and_in_another_order() {
    let first: Vec<Seen> = (0..RUNS).map(drawn).collect();
    for seed in (0..RUNS).rev() {
        same(seed, &first[seed as usize], &drawn(seed));
    }
    // The runs differ from each other, or all of this says nothing.
    let texts: BTreeSet<&str> = first.iter().map(|seen| &*seen.text).collect();
    println!("{} different runs", texts.len());
    assert!(texts.len() > 500, "only {} different runs", texts.len());
    let faults = first.iter().map(|seen| seen.plan.entries.len()).sum::<usize>();
    assert!(faults > 1_000, "only {faults} faults struck");
}

#[test]
fn on_other_threads() {
    let here: Vec<Seen> = (0..RUNS).map(drawn).collect();
    let threads: Vec<_> = (0..4u64)
        .map(|thread| {
            std::thread::spawn(move || {
                let mut seeds: Vec<u64> = (0..RUNS).filter(|seed| seed % 4 == thread).collect();
                // Each thread in an order of its own.
                seeds.rotate_left(thread as usize * 7);
                seeds.into_iter().map(|seed| (seed, drawn(seed))).collect::<BTreeMap<u64, Seen>>()
            })
        })
        .collect();
    for thread in threads {
        for (seed, seen) in thread.join().unwrap() {
            same(seed, &here[seed as usize], &seen);
        }
    }
}

/// The plan that a seed drew says all of it, through its text: its run is the seed's.
#[test]
fn a_seed_is_its_plan() {
    for seed in 0..RUNS {
        let drawn = drawn(seed);
        let plan: Plan = drawn.plan.to_string().parse().unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert_eq!(plan, drawn.plan);
        let run = simulation().plan(plan).run("copy_all", &2u32).unwrap();
        assert_eq!(run.not_fired(), [], "seed {seed}");
        same(seed, &drawn, &see(run));
    }
}

/// The order of ready tasks is drawn from the seed, and only there.
#[test]
fn another_seed_is_another_order() {
    let run = |seed: u64, order| see(simulation().seed(seed).order(order).run("copy_all", &4u32).unwrap()).text;
    assert_eq!(run(1, Order::Fifo), run(2, Order::Fifo));
    assert!((2..20).any(|seed| run(1, Order::Random) != run(seed, Order::Random)));
}

/// Equal traces need more than equal events: here they need the same failure of a workflow.
#[test]
fn another_failure_is_another_trace() {
    let trace = |message: &'static str| {
        let simulation = Simulation::temporal().workflow(
            "main",
            async move |_ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
                Err(WorkflowError::application(message))
            },
        );
        simulation.run("main", &()).unwrap().trace().clone()
    };
    assert_eq!(trace("one"), trace("one"));
    assert_eq!(trace("one").events(), trace("two").events());
    assert_ne!(trace("one"), trace("two"));
}
