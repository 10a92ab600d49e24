//! A crashed attempt is never polled again, has no effect any more, and its destructors run only after the run is over;
//! eviction and a graceful stop do run destructors.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use durasim::task::spawn;
use durasim::time::sleep;
use durasim::trace::{What, Who};
use durasim::{
    ActivityContext, ActivityError, ActivityFn, ActivityOptions, AttemptEnd, Ledger, Run, Simulation, WorkflowContext,
    WorkflowError,
};

#[derive(Default)]
struct World {
    /// The things that were done, with the attempt.
    done: Ledger<(u32, &'static str)>,
}

fn done(run: &Run) -> Vec<(u32, &'static str)> {
    let mut keys = Vec::new();
    run.state::<World>().done.each(|key, entries| keys.extend(entries.iter().map(|_| *key)));
    keys
}

fn options() -> ActivityOptions {
    ActivityOptions {
        start_to_close_timeout: Duration::from_secs(60),
        heartbeat_timeout: Duration::from_secs(10),
        ..Default::default()
    }
}

#[track_caller]
fn run(plan: &str, work: impl ActivityFn<(), u32>) -> Run {
    let run = Simulation::temporal()
        .activity("work", work)
        .workflow("main", async |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
            ctx.execute_activity("work", &(), options()).await
        })
        .state(World::default)
        .graceful_shutdown_period(Duration::from_secs(2))
        .plan(plan.parse().unwrap())
        .run("main", &())
        .unwrap();
    assert_eq!(run.not_fired(), []);
    run
}

/// Counts how often one like it was dropped.
struct Dropped(Arc<AtomicU32>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// No event is about the first attempt after it died.
#[track_caller]
fn silent_after_death(run: &Run) {
    let events = run.trace().events();
    let first = run.trace().attempts().keys().next().unwrap();
    let died = events.iter().position(|event| event.who == Who::Attempt(first) && event.what == What::Died).unwrap();
    let after = events[died + 1..].iter().find(|event| event.who == Who::Attempt(first));
    assert_eq!(after, None, "{}", run.timeline().every_event());
}

#[test]
fn a_dead_attempt_is_not_polled_and_dropped_late() {
    for plan in ["work#1@1:await2=crash", "work#1@1:await2=crash_attempt"] {
        let drops = Arc::new(AtomicU32::new(0));
        let counter = drops.clone();
        let run = run(plan, async move |ctx: &ActivityContext, (): ()| {
            let _dropped = Dropped(counter.clone());
            let attempt = ctx.get_info().attempt;
            let world = durasim::state::<World>();
            for _ in 0..5 {
                world.done.record((attempt, "polled"));
                sleep(Duration::from_secs(1)).await;
            }
            Ok(attempt)
        });
        assert_eq!(run.result::<u32>().unwrap(), 2);
        assert_eq!(done(&run).iter().filter(|(attempt, _)| *attempt == 1).count(), 2);
        assert_eq!(run.activities()[0].attempts[0].end, AttemptEnd::Died);
        silent_after_death(&run);
        assert_eq!(drops.load(Ordering::Relaxed), 1, "only the second attempt's, at its end");
        drop(run);
        assert_eq!(drops.load(Ordering::Relaxed), 2, "after the run is over");
    }
}

/// Survives anything that unwinds.
fn survive(call: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(call)).is_err()
}

/// Code that survives its own crash by catching the unwinding goes on to do everything it could do.
async fn immortal(ctx: &ActivityContext, (): ()) -> Result<u32, ActivityError> {
    let attempt = ctx.get_info().attempt;
    let world = durasim::state::<World>();
    let mut crashed = survive(|| {
        let _ = durasim::effect("first", || world.done.record((attempt, "first")));
    });
    if !crashed {
        crashed = survive(|| ctx.record_heartbeat(Some(b"1")));
    }
    if crashed {
        world.done.record((attempt, "after death"));
        let told = durasim::effect("late", || world.done.record((attempt, "effect after death")));
        assert!(told.is_err(), "a dead process hears of no success");
        ctx.record_heartbeat(Some(b"2"));
        let _ = ctx.get_heartbeat_details();
        let beside = world.clone();
        drop(spawn(async move { beside.done.record((1, "task after death")) }));
        return Ok(99);
    }
    sleep(Duration::from_secs(1)).await;
    Ok(attempt)
}

#[test]
fn catching_the_unwinding_saves_nobody() {
    for (plan, first) in [
        ("work#1@1:heartbeat1=crash_before", true),
        ("work#1@1:heartbeat1=crash_after_sent", true),
        ("work#1@1:heartbeat1=crash_after_unsent", true),
        ("work#1@1:effect1=crash_before", false),
        ("work#1@1:effect1=crash_after", true),
    ] {
        let run = run(plan, immortal);
        assert_eq!(run.result::<u32>().unwrap(), 2, "{plan}");
        let mut expected = vec![(2, "first")];
        if first {
            expected.insert(0, (1, "first"));
        }
        assert_eq!(done(&run), expected, "{plan}");
        let visible = (plan == "work#1@1:heartbeat1=crash_after_sent").then(|| b"1".to_vec());
        assert_eq!(run.activities()[0].attempts[1].details_at_start, visible, "{plan}");
        silent_after_death(&run);
    }
}

/// The outer effect's own code goes on, but nobody hears of it.
#[test]
fn an_effect_around_a_crash_is_inert() {
    let run = run("work#1@1:effect2=crash_before", async |ctx: &ActivityContext, (): ()| {
        let attempt = ctx.get_info().attempt;
        let _ = durasim::effect("outer", || {
            survive(|| {
                let _ = durasim::effect("inner", || durasim::state::<World>().done.record((attempt, "inner")));
            });
            durasim::state::<World>().done.record((attempt, "outer"));
        });
        Ok(attempt)
    });
    assert_eq!(run.result::<u32>().unwrap(), 2);
    assert_eq!(done(&run), [(2, "inner"), (2, "outer")]);
    silent_after_death(&run);
}

/// A destructor that does everything it could do.
struct Busybody {
    ctx: ActivityContext,
    world: std::rc::Rc<World>,
    dropped: Arc<AtomicU32>,
}

impl Drop for Busybody {
    fn drop(&mut self) {
        let attempt = self.ctx.get_info().attempt;
        self.dropped.fetch_add(1, Ordering::Relaxed);
        let _ = durasim::effect("late", || self.world.done.record((attempt, "effect in a destructor")));
        self.world.done.record((attempt, "destructor"));
        self.ctx.record_heartbeat(Some(b"late"));
        drop(spawn(async {}));
    }
}

#[test]
fn destructors_of_the_dead_have_no_effect() {
    let dropped = Arc::new(AtomicU32::new(0));
    let counter = dropped.clone();
    let run = run("work#1@1:await1=crash", async move |ctx: &ActivityContext, (): ()| {
        let attempt = ctx.get_info().attempt;
        let world = durasim::state::<World>();
        let busybody = Busybody { ctx: ctx.clone(), world, dropped: counter.clone() };
        sleep(Duration::from_secs(1)).await;
        if attempt == 2 {
            // The busybody of the second attempt is not to be dropped.
            std::mem::forget(busybody);
        }
        Ok(attempt)
    });
    let world = run.state::<World>();
    assert_eq!(dropped.load(Ordering::Relaxed), 0);
    silent_after_death(&run);
    drop(run);
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
    assert_eq!(world.done.total(), 0, "{:?}", world.done);
}

/// A process that is killed while a report waits behind a heartbeat takes the report with it.
#[test]
fn a_report_that_has_not_left_dies_with_its_worker() {
    let simulation = Simulation::temporal()
        .activity("short", async |ctx: &ActivityContext, (): ()| -> Result<u32, ActivityError> {
            ctx.record_heartbeat(Some(b"1"));
            sleep(Duration::from_secs(1)).await;
            Ok(ctx.get_info().attempt)
        })
        .activity("long", async |_ctx: &ActivityContext, (): ()| -> Result<u32, ActivityError> {
            sleep(Duration::from_secs(3)).await;
            sleep(Duration::from_secs(3)).await;
            Ok(0)
        })
        .workflow("main", async |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
            let _beside = ctx.execute_activity::<u32>("long", &(), options());
            ctx.execute_activity("short", &(), options()).await
        });
    // The heartbeat arrives at 8 s; the report waits for it, and the worker dies at 3 s.
    let plan = "short#1@1:heartbeat1=delayed(8s); long#1@1:await2=crash";
    let run = simulation.plan(plan.parse().unwrap()).run("main", &()).unwrap();
    assert_eq!(run.not_fired(), []);
    assert_eq!(run.result::<u32>().unwrap(), 2, "{}", run.timeline());
}

#[test]
fn eviction_runs_the_workflows_destructors() {
    let drops = Arc::new(AtomicU32::new(0));
    let counter = drops.clone();
    let simulation = Simulation::temporal()
        .activity("work", async |_ctx: &ActivityContext, (): ()| -> Result<u32, ActivityError> { Ok(1) })
        .workflow("main", async move |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
            let _dropped = Dropped(counter.clone());
            ctx.execute_activity("work", &(), options()).await
        });
    let dropped_in = |plan: &str| {
        drops.store(0, Ordering::Relaxed);
        let run = simulation.clone().plan(plan.parse().unwrap()).run("main", &()).unwrap();
        assert_eq!(run.not_fired(), []);
        let replays = run.trace().events().iter().filter(|event| matches!(event.what, What::Replayed(_))).count();
        (drops.load(Ordering::Relaxed), replays)
    };
    assert_eq!(dropped_in("v1"), (1, 0));
    assert_eq!(dropped_in("main#1:task2=evicted"), (2, 1));
    // A crash takes the cached workflow and runs no destructor before the end: one of the two instances.
    assert_eq!(dropped_in("main#1:task2=crash"), (1, 1));
    assert_eq!(drops.load(Ordering::Relaxed), 2);
}

#[test]
fn a_graceful_stop_runs_destructors() {
    let drops = Arc::new(AtomicU32::new(0));
    let counter = drops.clone();
    let run = run("work#1@1:await1=stop", async move |ctx: &ActivityContext, (): ()| {
        let _dropped = Dropped(counter.clone());
        let attempt = ctx.get_info().attempt;
        let beside = Dropped(counter.clone());
        drop(spawn(async move {
            let _beside = beside;
            sleep(Duration::from_secs(1_000)).await;
        }));
        sleep(if attempt == 1 { Duration::from_secs(50) } else { Duration::from_secs(1) }).await;
        Ok(attempt)
    });
    assert_eq!(run.result::<u32>().unwrap(), 2);
    assert_eq!(run.activities()[0].attempts[0].end, AttemptEnd::Aborted);
    assert_eq!(drops.load(Ordering::Relaxed), 3, "both of attempt 1, and the second attempt's own at its end");
    drop(run);
    assert_eq!(drops.load(Ordering::Relaxed), 4, "and its background task, which was left");
}

#[test]
fn background_tasks_die_with_their_worker() {
    let run = run("work#1@1:await4=crash", async |ctx: &ActivityContext, (): ()| {
        let attempt = ctx.get_info().attempt;
        drop(spawn(async move {
            loop {
                sleep(Duration::from_millis(700)).await;
                durasim::state::<World>().done.record((attempt, "tick"));
            }
        }));
        for _ in 0..6 {
            sleep(Duration::from_secs(1)).await;
        }
        Ok(attempt)
    });
    assert_eq!(run.result::<u32>().unwrap(), 2);
    // 3 s of the first attempt, 6 s of the second.
    let ticks = |wanted: u32| done(&run).iter().filter(|(attempt, _)| *attempt == wanted).count();
    assert_eq!((ticks(1), ticks(2)), (4, 8));
}

/// A second unwinding would abort the process.
#[test]
fn an_effect_of_a_destructor_meets_no_fault_while_a_panic_unwinds() {
    struct Deletes;
    impl Drop for Deletes {
        fn drop(&mut self) {
            let _ = durasim::effect("delete", || durasim::state::<World>().done.record((1, "deleted")));
        }
    }
    async fn work(ctx: &ActivityContext, (): ()) -> Result<u32, ActivityError> {
        let _deletes = Deletes;
        assert!(ctx.get_info().attempt > 1, "the first attempt panics");
        Ok(1)
    }
    let run = Simulation::temporal()
        .activity("work", work)
        .workflow("main", async |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
            ctx.execute_activity("work", &(), options()).await
        })
        .state(World::default)
        .plan("work#1@1:effect1=fail_unapplied; work#1@2:effect1=fail_unapplied".parse().unwrap())
        .run("main", &())
        .unwrap();
    let left: Vec<String> = run.not_fired().iter().map(ToString::to_string).collect();
    assert_eq!(left, ["work#1@1:effect1=fail_unapplied"]);
    assert_eq!(done(&run), [(1, "deleted")]);
}
