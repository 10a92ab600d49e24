//! A task spawned by an activity outlives its attempt and dies with its worker; one that is left at the end is counted.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use durasim::task::{JoinHandle, spawn};
use durasim::time::{now, sleep};
use durasim::trace::What;
use durasim::{
    ActivityContext, ActivityFn, ActivityOptions, RetryPolicy, Run, RunError, Simulation, WorkflowContext,
    WorkflowError,
};

#[derive(Default)]
struct Log {
    lines: RefCell<Vec<String>>,
    left: RefCell<Option<JoinHandle<u32>>>,
}

fn log(line: &str) {
    durasim::state::<Log>().lines.borrow_mut().push(format!("{} {line}", now()));
}

fn second() -> Duration {
    Duration::from_secs(1)
}

fn simulation(work: impl ActivityFn<(), u32>) -> Simulation {
    Simulation::temporal()
        .activity("work", work)
        .workflow("main", async |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
            let options = ActivityOptions {
                start_to_close_timeout: Duration::from_secs(60),
                heartbeat_timeout: Duration::from_secs(5),
                retry_policy: Some(RetryPolicy { maximum_attempts: 2, ..Default::default() }),
                ..Default::default()
            };
            let result = ctx.execute_activity("work", &(), options).await;
            ctx.sleep(Duration::from_secs(4)).await?;
            result
        })
        .state(Log::default)
}

#[track_caller]
fn run(plan: &str, work: impl ActivityFn<(), u32>) -> Run {
    let run = simulation(work).plan(plan.parse().unwrap()).run("main", &()).unwrap();
    assert_eq!(run.not_fired(), []);
    run
}

fn lines(run: &Run) -> Vec<String> {
    run.state::<Log>().lines.borrow().clone()
}

fn left(run: &Run) -> Option<u32> {
    let last = run.trace().events().last().unwrap();
    if let What::TasksLeft(count) = last.what { Some(count) } else { None }
}

#[test]
fn it_outlives_its_attempt() {
    let run = run("v1", async |ctx: &ActivityContext, (): ()| {
        let ctx = ctx.clone();
        drop(spawn(async move {
            sleep(second() * 3).await;
            // Ignored: the attempt has ended.
            ctx.record_heartbeat(Some(b"late"));
            log("done");
        }));
        sleep(second()).await;
        log("attempt over");
        Ok(1)
    });
    assert_eq!(lines(&run), ["1.002s attempt over", "3.002s done"]);
    assert_eq!(left(&run), None);
    assert_eq!(run.activities()[0].attempts[0].heartbeats, []);
}

/// An auto-heartbeater records heartbeats that count for its attempt, and its effects are the attempt's.
#[test]
fn what_it_does_is_the_attempts() {
    let run = run("v1", async |ctx: &ActivityContext, (): ()| {
        let beside = ctx.clone();
        let heartbeater = spawn(async move {
            loop {
                sleep(second()).await;
                beside.record_heartbeat(None);
                let _ = durasim::effect("ping", || ());
            }
        });
        sleep(second() * 20).await;
        heartbeater.abort();
        Ok(ctx.get_info().attempt)
    });
    // 20 s of silence would have been too long.
    assert_eq!(run.result::<u32>().unwrap(), 1);
    let attempt = &run.activities()[0].attempts[0];
    assert_eq!((attempt.heartbeats.len(), attempt.effects.len()), (19, 19));
    assert_eq!(left(&run), None);
}

/// A crash at a heartbeat of the background task kills the attempt with it.
#[test]
fn a_crash_inside_it_is_its_workers() {
    let run = run("work#1@1:heartbeat2=crash_before", async |ctx: &ActivityContext, (): ()| {
        let beside = ctx.clone();
        let handle = spawn(async move {
            for _ in 0..3 {
                sleep(second()).await;
                beside.record_heartbeat(None);
                log("beat");
            }
            7
        });
        handle.await;
        log("attempt over");
        Ok(ctx.get_info().attempt)
    });
    assert_eq!(run.result::<u32>().unwrap(), 2);
    assert_eq!(lines(&run)[0], "1.002s beat");
    assert_eq!(lines(&run).len(), 5, "{:?}", lines(&run));
}

#[test]
fn it_dies_with_its_worker_and_only_then() {
    let ticks = |plan: &str| {
        let run = run(plan, async |ctx: &ActivityContext, (): ()| {
            let attempt = ctx.get_info().attempt;
            drop(spawn(async move {
                loop {
                    sleep(Duration::from_millis(700)).await;
                    log(&attempt.to_string());
                }
            }));
            sleep(second() * 2).await;
            sleep(second() * 2).await;
            Ok(attempt)
        });
        assert_eq!(run.result::<u32>().unwrap(), 2);
        let first = lines(&run).iter().filter(|line| line.ends_with(" 1")).count();
        (first, left(&run))
    };
    // 2 s until the crash; the second attempt's task is left.
    assert_eq!(ticks("work#1@1:await2=crash"), (2, Some(1)));
    // The attempt alone vanishes at 2 s: its task goes on until the end, 5.002 s + 1.001 s + 8 s later.
    let (first, counted) = ticks("work#1@1:await2=crash_attempt");
    assert!(first > 10, "{first}");
    assert_eq!(counted, Some(2));
}

#[test]
fn its_output_is_awaited() {
    let run = run("v1", async |_ctx: &ActivityContext, (): ()| {
        let quick = spawn(async { 1 });
        let slow = spawn(async {
            sleep(second()).await;
            20
        });
        assert!(!slow.is_finished());
        sleep(Duration::from_millis(1)).await;
        assert!(quick.is_finished());
        let sum = slow.await + quick.await;
        log("joined");
        Ok(sum)
    });
    assert_eq!(run.result::<u32>().unwrap(), 21);
    assert_eq!(lines(&run), ["1.002s joined"]);
}

struct Dropped(Arc<AtomicU32>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Aborted from outside, by itself, twice, and after its end.
#[test]
fn abort_drops_the_future() {
    let drops = Arc::new(AtomicU32::new(0));
    let counter = drops.clone();
    let run = run("v1", async move |ctx: &ActivityContext, (): ()| {
        let dropped = Dropped(counter.clone());
        let outside = spawn(async move {
            let _dropped = dropped;
            sleep(second() * 100).await;
            log("never");
            0
        });
        sleep(second()).await;
        outside.abort();
        outside.abort();
        sleep(second()).await;
        assert_eq!(counter.load(Ordering::Relaxed), 1);
        ctx.record_heartbeat(None);

        let dropped = Dropped(counter.clone());
        let itself = spawn(async move {
            let _dropped = dropped;
            sleep(second()).await;
            durasim::state::<Log>().left.take().unwrap().abort();
            sleep(second()).await;
            log("never");
            0
        });
        durasim::state::<Log>().left.replace(Some(itself));
        sleep(second() * 3).await;
        assert_eq!(counter.load(Ordering::Relaxed), 2);

        let ended = spawn(async { 5 });
        sleep(second()).await;
        ended.abort();
        Ok(ended.await)
    });
    assert_eq!(run.result::<u32>().unwrap(), 5);
    assert_eq!(lines(&run), [""; 0]);
    assert_eq!(drops.load(Ordering::Relaxed), 2);
    assert_eq!(left(&run), None);
}

#[test]
fn a_panic_in_it_is_an_error() {
    let error = simulation(async |_ctx: &ActivityContext, (): ()| {
        drop(spawn(async {
            sleep(second()).await;
            panic!("no such table");
        }));
        sleep(second() * 5).await;
        Ok(1)
    })
    .run("main", &())
    .unwrap_err();
    let RunError::Misuse(message) = &error else { panic!("{error:?}") };
    assert!(
        message
            .starts_with("a background task of activity work#1@1 panicked: no such table at tests/promises/spawn.rs:"),
        "{message}"
    );
}

/// A destructor that spawns its clean-up, as production code does: it runs when the attempt is dropped by its worker.
#[test]
fn a_destructor_may_spawn() {
    struct CleanUp;
    impl Drop for CleanUp {
        fn drop(&mut self) {
            drop(spawn(async {
                sleep(second()).await;
                log("cleaned up");
            }));
        }
    }
    let run = run("work#1@1:await1=fail", async |ctx: &ActivityContext, (): ()| {
        let _clean_up = (ctx.get_info().attempt == 1).then(|| CleanUp);
        sleep(second()).await;
        Ok(ctx.get_info().attempt)
    });
    assert_eq!(run.result::<u32>().unwrap(), 2);
    assert_eq!(lines(&run), ["1.002s cleaned up"]);
}
