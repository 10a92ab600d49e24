//! A slow attempt waits longer at each wait, is alive, and hears at once that it is to stop.

use std::cell::RefCell;
use std::time::Duration;

use durasim::fault::Plan;
use durasim::{
    ActivityContext, ActivityError, ActivityFn, ActivityOptions, RetryPolicy, Run, RunError, Simulation,
    WorkflowContext, WorkflowError, check,
};

/// The seconds at which steps were done, with the attempt.
#[derive(Default)]
struct Steps(RefCell<Vec<(u32, u64)>>);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn note(ctx: &ActivityContext) {
    let now = durasim::time::now().since_epoch().as_secs();
    durasim::state::<Steps>().0.borrow_mut().push((ctx.get_info().attempt, now));
}

async fn steps(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
    for step in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..count {
        durasim::time::sleep(seconds(4)).await;
        note(ctx);
        ctx.heartbeat(&(step + 1))?;
        if ctx.is_cancelled() {
            return Err(ActivityError::Cancelled);
        }
    }
    Ok(count)
}

fn simulation(work: impl ActivityFn<u32, u32>) -> Simulation {
    let main = async |ctx: &WorkflowContext, count: u32| -> Result<u32, WorkflowError> {
        let options = ActivityOptions {
            start_to_close_timeout: seconds(100),
            heartbeat_timeout: seconds(20),
            retry_policy: Some(RetryPolicy { maximum_attempts: 3, ..Default::default() }),
            ..Default::default()
        };
        ctx.execute_activity("work", &count, options).await
    };
    Simulation::temporal().activity("work", work).workflow("main", main).state(Steps::default)
}

#[track_caller]
fn run(simulation: Simulation, plan: &str) -> Run {
    simulation.plan(plan.parse().unwrap()).run("main", &3u32).unwrap().strict().unwrap()
}

fn done(run: &Run) -> Vec<(u32, u64)> {
    run.state::<Steps>().0.borrow().clone()
}

#[test]
fn each_wait_takes_so_many_times_as_long() {
    assert_eq!(done(&run(simulation(steps), "v1")), [(1, 4), (1, 8), (1, 12)]);
    let slow = run(simulation(steps), "work#1@1:dispatch=slow(4)");
    assert_eq!(done(&slow), [(1, 16), (1, 32), (1, 48)], "{}", slow.timeline());
    let timeline = slow.timeline().to_string();
    assert!(timeline.contains("fault: each wait of attempt 1 of work takes 4 times as long"), "{timeline}");
}

/// The next attempt is as fast as ever.
#[test]
fn one_that_is_too_slow_is_given_up() {
    let slow = run(simulation(steps), "work#1@1:dispatch=slow(6)");
    assert_eq!(slow.result::<u32>().unwrap(), 3, "{}", slow.timeline());
    let of_second: Vec<u64> = done(&slow).into_iter().filter(|step| step.0 == 2).map(|step| step.1).collect();
    assert_eq!(of_second, [25, 29, 33], "{}", slow.timeline());
}

#[test]
fn its_worker_and_its_tasks_are_as_fast_as_ever() {
    let beats = async |ctx: &ActivityContext, count: u32| -> Result<u32, ActivityError> {
        let beating = ctx.clone();
        let heart = durasim::task::spawn(async move {
            loop {
                durasim::time::sleep(seconds(5)).await;
                let _ = beating.heartbeat(&0u32);
            }
        });
        durasim::time::sleep(seconds(4)).await;
        durasim::time::sleep(seconds(4)).await;
        heart.abort();
        Ok(count)
    };
    let slow = run(simulation(beats), "work#1@1:dispatch=slow(10)");
    assert_eq!(slow.activities()[0].attempts.len(), 1, "{}", slow.timeline());
    assert_eq!(slow.virtual_time().since_epoch().as_secs(), 80);
}

/// It does not wait for the rest.
#[test]
fn it_hears_at_once_that_it_is_to_stop() {
    let waits = async |ctx: &ActivityContext, count: u32| -> Result<u32, ActivityError> {
        for _ in 0..count {
            ctx.heartbeat(&())?;
            futures::select_biased! {
                _ = ctx.cancelled() => return Err(ActivityError::Cancelled),
                () = durasim::time::sleep(seconds(4)) => {}
            }
        }
        Ok(count)
    };
    let slow = run(simulation(waits), "work#1@1:dispatch=slow(4); work#1@1:await1=cancel");
    let attempts = &slow.activities()[0].attempts;
    assert!(slow.virtual_time().since_epoch() < seconds(32), "{attempts:?}\n{}", slow.timeline());
}

#[test]
fn correct_code_is_called_correct_however_slow_it_is() {
    let exploration = simulation(steps)
        .explore("main", &3u32)
        .check(check::progress("work", |done: &u32| *done).at_most(1))
        .check(check::stops_in_time(seconds(30)));
    for factor in [2, 3, 4, 5, 6, 8, 9, 20, 1_000, u32::MAX] {
        for other in ["", "; work#1@1:await2=cancel", "; work#1@1:await2=stop", "; work#1@2:dispatch=slow(9)"] {
            let plan: Plan = format!("work#1@1:dispatch=slow({factor}){other}").parse().unwrap();
            let report = exploration.replay(&plan);
            // Where it is given up early, the other fault may have nothing to strike. The slow attempt is there always.
            let other = other.trim_start_matches("; ").split('=').next().unwrap_or_default();
            let misses =
                |error: &RunError| !other.is_empty() && error.to_string().contains(&format!("come to `{other}`"));
            assert!(report.error().is_none_or(misses), "{plan}\n{report}");
            let texts: Vec<&str> = report.failures().iter().map(|failed| failed.text.as_str()).collect();
            assert!(texts.is_empty(), "{plan}\n{}", texts.join("\n"));
        }
    }
}
