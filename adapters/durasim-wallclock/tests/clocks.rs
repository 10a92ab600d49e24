//! Code that reads the process's clocks and random bytes, in a simulation.

#![cfg(target_os = "linux")]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use durasim::{
    ActivityContext, ActivityError, ActivityFn, ActivityOptions, RetryPolicy, Simulation, WorkflowContext,
    WorkflowError, check,
};
use durasim_tokio::SimulationExt;

durasim_wallclock::install!();

/// 2020-01-01, where the time of a run begins.
const EPOCH: Duration = Duration::from_secs(1_577_836_800);

fn simulation(code: impl ActivityFn<(), String>) -> Simulation {
    Simulation::temporal().activity("code", code).workflow("main", async |ctx: &WorkflowContext, (): ()| {
        let options = ActivityOptions {
            start_to_close_timeout: Duration::from_secs(120),
            schedule_to_close_timeout: Duration::from_secs(3_600),
            heartbeat_timeout: Duration::from_secs(20),
            retry_policy: Some(RetryPolicy { maximum_attempts: 8, ..Default::default() }),
            ..Default::default()
        };
        let result: Result<String, WorkflowError> = ctx.execute_activity("code", &(), options).await;
        result
    })
}

/// The different results of twenty runs.
fn results(simulation: &Simulation) -> BTreeSet<String> {
    (0..20).map(|_| simulation.run("main", &()).unwrap().result().unwrap()).collect()
}

async fn clocks(_: &ActivityContext, (): ()) -> Result<String, ActivityError> {
    let (wall, steady) = (SystemTime::now(), Instant::now());
    durasim::time::sleep(Duration::from_millis(1_500)).await;
    let since = wall.duration_since(UNIX_EPOCH).map_err(|error| ActivityError::retryable(error.to_string()))? - EPOCH;
    let chrono = chrono::Utc::now().to_rfc3339();
    Ok(format!("{since:?} {:?} {:?} {chrono}", wall.elapsed().unwrap_or_default(), steady.elapsed()))
}

#[test]
fn the_clocks_of_std_and_chrono_follow_the_run() {
    let expected = "2ms 1.5s 1.5s 2020-01-01T00:00:01.502+00:00".to_owned();
    assert_eq!(results(&simulation(clocks)), BTreeSet::from([expected.clone()]));
    assert_eq!(results(&simulation(clocks).tokio()), BTreeSet::from([expected]));
}

/// The documented way to heed a deadline reads std's clock.
#[test]
fn a_deadline_by_the_clock_of_std_is_heeded_under_every_fault() {
    let code = async |ctx: &ActivityContext, (): ()| -> Result<String, ActivityError> {
        let first: u32 = ctx.heartbeat_details()?.unwrap_or(0);
        let began = Instant::now();
        for step in first..6 {
            if began.elapsed() > Duration::from_secs(100) {
                return Err(ActivityError::retryable("too late"));
            }
            durasim::time::sleep(Duration::from_secs(10)).await;
            ctx.heartbeat(&(step + 1))?;
        }
        Ok("done".to_owned())
    };
    simulation(code).explore("main", &()).every_fault().seeds(0..100).check(check::same_result()).assert();
}

#[test]
fn random_bytes_follow_from_the_seed() {
    let code = async |_: &ActivityContext, (): ()| -> Result<String, ActivityError> {
        use rand::rand_core::TryRng;
        let bits = rand::rngs::SysRng.try_next_u64().map_err(|error| ActivityError::retryable(error.to_string()))?;
        Ok(format!("{} {bits}", uuid::Uuid::new_v4()))
    };
    assert_eq!(results(&simulation(code)).len(), 1);
    let of_seed = |seed| simulation(code).seed(seed).run("main", &()).unwrap().result::<String>().unwrap();
    assert_ne!(of_seed(1), of_seed(2));
}

/// The keys of a map of std's, in its order.
fn order() -> String {
    let map: std::collections::HashMap<u32, u32> = (0..20).map(|key| (key, key)).collect();
    format!("{:?}", map.into_keys().collect::<Vec<_>>())
}

/// std draws the keys of a thread's maps once: on a fresh thread they follow the run.
#[test]
fn the_order_of_a_map_follows_the_first_run_of_a_thread() {
    let code = async |_: &ActivityContext, (): ()| -> Result<String, ActivityError> { Ok(order()) };
    let fresh = || {
        let run = move || simulation(code).run("main", &()).unwrap().result::<String>().unwrap();
        std::thread::spawn(run).join().unwrap()
    };
    assert_eq!((0..20).map(|_| fresh()).collect::<BTreeSet<_>>().len(), 1);
}

/// An activity whose heartbeats and result hold the order of a map.
async fn ordered(ctx: &ActivityContext, (): ()) -> Result<String, ActivityError> {
    let mut seen = String::new();
    for step in 0..3u32 {
        seen = order();
        durasim::time::sleep(Duration::from_secs(1)).await;
        ctx.heartbeat(&format!("{step} {seen}"))?;
    }
    Ok(seen)
}

/// An exploration makes each run on a thread of its own where code has drawn what a thread keeps, so that an order which
/// goes into heartbeats and results is the same when the run is made again.
#[test]
fn the_order_of_a_map_follows_each_run_of_an_exploration() {
    // This thread keeps one that no run has drawn.
    let _ = order();
    for simulation in [simulation(ordered), simulation(ordered).tokio()] {
        // The result is another in each run, and nothing is resumed.
        let explore = || simulation.explore("main", &()).without_standard_checks().check(check::completes());
        explore().every_fault().seeds(0..100).threads(2).assert();
        explore().every_pair().budget(100).assert();
    }
}

/// A failure is found again and shrunk by the order that it was found with.
#[test]
fn a_failure_that_hangs_on_the_order_of_a_map_is_the_same_again() {
    let code = async |_: &ActivityContext, (): ()| -> Result<String, ActivityError> {
        // So it is in the runs of every other seed.
        let order = order();
        let first: u32 = order.trim_matches(|c: char| !c.is_ascii_digit()).split(", ").next().unwrap().parse().unwrap();
        durasim::time::sleep(Duration::from_secs(1)).await;
        if first.is_multiple_of(2) { Err(ActivityError::non_retryable(order)) } else { Ok(order) }
    };
    let report = || {
        let exploration = simulation(code).explore("main", &()).reference_may_fail().seeds(0..100);
        exploration.without_standard_checks().check(check::completes()).report()
    };
    let (one, other) = (report(), report());
    let failures = one.failures();
    assert!(!failures.is_empty() && failures.iter().all(|failed| failed.check == "completes"), "{one}");
    assert_eq!(one.to_string(), other.to_string());
}

#[test]
fn other_threads_and_code_outside_runs_see_real_clocks() {
    let before = SystemTime::now();
    assert!(before.duration_since(UNIX_EPOCH).unwrap() > EPOCH + Duration::from_secs(150_000_000));
    let code = async move |_: &ActivityContext, (): ()| -> Result<String, ActivityError> {
        let inside = SystemTime::now();
        let other = std::thread::spawn(SystemTime::now).join().unwrap_or(UNIX_EPOCH);
        let really = durasim::ambient::outside(SystemTime::now);
        Ok(format!("{} {} {}", inside < before, other >= before, really >= before))
    };
    assert_eq!(results(&simulation(code)), BTreeSet::from(["true true true".to_owned()]));
    assert!(SystemTime::now() >= before);
}

#[test]
fn a_run_inside_a_run_has_its_own_time() {
    let outer = async |_: &ActivityContext, (): ()| -> Result<String, ActivityError> {
        durasim::time::sleep(Duration::from_secs(10)).await;
        let before = Instant::now();
        let inner: String = simulation(clocks).run("main", &()).unwrap().result().unwrap();
        Ok(format!("{inner}, {:?}", before.elapsed()))
    };
    let expected = "2ms 1.5s 1.5s 2020-01-01T00:00:01.502+00:00, 0ns".to_owned();
    assert_eq!(results(&simulation(outer)), BTreeSet::from([expected]));
}

#[test]
fn tasks_of_tokio_and_blocking_jobs_follow_the_run() {
    let code = async |_: &ActivityContext, (): ()| -> Result<String, ActivityError> {
        let failed = |error: tokio::task::JoinError| ActivityError::retryable(error.to_string());
        let (wall, steady) = (SystemTime::now(), Instant::now());
        let task = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            (wall.elapsed().unwrap_or_default(), steady.elapsed())
        });
        tokio::time::sleep(Duration::from_millis(500)).await;
        let job = tokio::task::spawn_blocking(move || (steady.elapsed(), uuid::Uuid::new_v4()));
        Ok(format!("{:?} {:?}", task.await.map_err(failed)?, job.await.map_err(failed)?))
    };
    let results = results(&simulation(code).tokio());
    assert_eq!(results.len(), 1, "{results:?}");
    assert!(results.first().unwrap().starts_with("(300ms, 300ms) (500ms, "), "{results:?}");
}

#[test]
fn states_are_made_at_the_start_of_the_run() {
    struct Made(RefCell<Duration>);
    let code = async |_: &ActivityContext, (): ()| -> Result<String, ActivityError> {
        Ok(format!("{:?}", durasim::state::<Made>().0.borrow()))
    };
    let made = || Made(RefCell::new(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() - EPOCH));
    assert_eq!(results(&simulation(code).state(made)), BTreeSet::from(["0ns".to_owned()]));
}

/// A wait of std would never end: the process says so. Run as a child, which aborts.
#[test]
fn a_wait_that_never_ends_is_told() {
    const CHILD: &str = "A_WAIT_THAT_NEVER_ENDS";
    if std::env::var_os(CHILD).is_some() {
        let code = async |_: &ActivityContext, (): ()| -> Result<String, ActivityError> {
            let began = Instant::now();
            while began.elapsed() < Duration::from_secs(1) {}
            Ok(String::new())
        };
        let _ = simulation(code).run("main", &());
        return;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_wait_that_never_ends_is_told", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && error.contains("has read the clock 1000000 times at"), "{error}");
}

/// Without the clock of the run it is zero seconds, in every run.
#[test]
fn the_time_that_work_has_taken_is_right_ten_times_of_ten() {
    let timed = async |ctx: &ActivityContext, (): ()| -> Result<String, ActivityError> {
        let begin = Instant::now();
        durasim::time::sleep(Duration::from_secs(5)).await;
        ctx.heartbeat(&())?;
        Ok(begin.elapsed().as_secs().to_string())
    };
    for _ in 0..10 {
        assert_eq!(simulation(timed).run("main", &()).unwrap().result::<String>().unwrap(), "5");
        // A worker that stands still takes longer.
        let exploration = simulation(timed).explore("main", &()).without("same_result").every_fault();
        let report = exploration.check(check::completes()).report();
        assert!(report.holds(), "{report}");
    }
    assert_eq!(results(&simulation(timed)), BTreeSet::from(["5".to_owned()]));
}

/// A branch is drawn only where a freeze makes both ready at once. Each exploration says so, or is as the others.
#[test]
fn a_branch_that_is_drawn_after_a_freeze_is_told_ten_times_of_ten() {
    let racy = async |ctx: &ActivityContext, (): ()| -> Result<String, ActivityError> {
        for step in 0..3u32 {
            tokio::select! {
                () = durasim::time::sleep(Duration::from_millis(700)) => {}
                () = durasim::time::sleep(Duration::from_secs(30)) => return Err(ActivityError::retryable("too long")),
            }
            ctx.heartbeat(&step)?;
        }
        Ok("done".to_owned())
    };
    let mut counts = BTreeSet::new();
    for _ in 0..10 {
        let report = simulation(racy)
            .explore("main", &())
            .without("progress")
            .every_fault()
            .seeds(0..300)
            .check(check::same_result())
            .report();
        match report.failures().first() {
            Some(failed) => {
                assert_eq!(failed.check, "deterministic", "{report}");
                assert!(failed.text.contains("biased;"), "{}", failed.text);
            }
            None => _ = counts.insert(report.to_string()),
        }
    }
    assert!(counts.len() <= 1, "{counts:?}");
}
