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

/// std draws the keys of a thread's maps once: on a fresh thread they follow the run.
#[test]
fn the_order_of_a_map_follows_the_first_run_of_a_thread() {
    let code = async |_: &ActivityContext, (): ()| -> Result<String, ActivityError> {
        let map: std::collections::HashMap<u32, u32> = (0..20).map(|key| (key, key)).collect();
        Ok(format!("{:?}", map.into_keys().collect::<Vec<_>>()))
    };
    let fresh = || {
        let run = move || simulation(code).run("main", &()).unwrap().result::<String>().unwrap();
        std::thread::spawn(run).join().unwrap()
    };
    assert_eq!((0..20).map(|_| fresh()).collect::<BTreeSet<_>>().len(), 1);
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
