//! `spawn_blocking` and `tokio::fs`.

use std::time::Duration;

use durasim::{ActivityContext, ActivityError, ActivityOptions, Simulation, WorkflowContext, WorkflowError, check};
use durasim_tokio::{SimulationExt, TokioOptions};
use tokio::time;

use super::{explored, millis, options, simulation};

type Result = std::result::Result<u64, ActivityError>;

fn failed(error: impl std::fmt::Display) -> ActivityError {
    ActivityError::retryable(error.to_string())
}

#[test]
fn jobs_take_no_virtual_time_and_give_their_results() {
    explored(async |ctx: &ActivityContext, (): ()| -> Result {
        let mut sum = 0;
        for part in 0..4u64 {
            let job = tokio::task::spawn_blocking(move || {
                std::thread::sleep(Duration::from_micros(200));
                part
            });
            sum += time::timeout(millis(5), job).await.map_err(failed)?.map_err(failed)?;
            time::sleep(millis(100)).await;
            ctx.heartbeat(&part)?;
        }
        Ok(sum)
    })
    .assert();
}

/// Makes so many runs on so many threads, whose jobs really take up to so many microseconds: each is as the first.
fn same_again(runs: u32, threads: u32, longest: u32) {
    let code = async move |_: &ActivityContext, (): ()| -> Result {
        let jobs: Vec<_> = (0..4u64)
            .map(|part| {
                tokio::task::spawn_blocking(move || {
                    std::thread::sleep(Duration::from_micros(u64::from(rand_from_clock() % longest)));
                    part
                })
            })
            .collect();
        let mut order = 0;
        for job in jobs {
            order = order * 10 + job.await.map_err(failed)?;
        }
        time::sleep(millis(10)).await;
        // The same in a task that was spawned.
        let spawned = tokio::spawn(async move {
            let job = tokio::task::spawn_blocking(move || {
                std::thread::sleep(Duration::from_micros(u64::from(rand_from_clock() % longest)));
                4
            });
            job.await
        });
        time::sleep(millis(10)).await;
        Ok(order * 10 + spawned.await.map_err(failed)?.map_err(failed)?)
    };
    let simulation = simulation(code);
    let first = simulation.run("main", &()).unwrap();
    assert_eq!(first.result::<u64>().unwrap(), 1_234);
    let first = first.trace().clone();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                for _ in 0..runs / threads {
                    assert!(&first == simulation.run("main", &()).unwrap().trace());
                }
            });
        }
    });
}

/// However long the jobs really take, the results come in the order of the calls, and every run is the same.
#[test]
fn how_long_a_job_takes_does_not_show() {
    same_again(30, 1, 2_000);
    same_again(30, 2, 2_000);
}

#[test]
#[ignore = "takes minutes: `cargo test -p durasim-tokio -- --ignored ten_thousand`"]
fn ten_thousand_runs_are_the_same() {
    for threads in 1..=2 {
        let started = std::time::Instant::now();
        same_again(10_000, threads, 5_000);
        println!("10,000 runs on {threads} threads are the same, in {:?}", started.elapsed());
    }
}

/// The real clock, which is not simulated: on purpose.
fn rand_from_clock() -> u32 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.subsec_nanos())
}

/// Files of a run.
struct Folder(tempfile::TempDir);

#[test]
fn files_are_written_and_read() {
    let code = async |ctx: &ActivityContext, (): ()| -> Result {
        let folder = durasim::state::<Folder>().0.path().to_owned();
        let first: u64 = ctx.heartbeat_details()?.unwrap_or(0);
        for part in first..4 {
            let name = folder.join(format!("part-{part}"));
            let unfinished = folder.join(format!("part-{part}-{}", ctx.get_info().attempt));
            tokio::fs::write(&unfinished, format!("{part}")).await.map_err(failed)?;
            tokio::fs::rename(&unfinished, &name).await.map_err(failed)?;
            time::sleep(millis(500)).await;
            ctx.heartbeat(&(part + 1))?;
        }
        let mut sum = 0;
        for part in 0..4 {
            let text = tokio::fs::read_to_string(folder.join(format!("part-{part}"))).await.map_err(failed)?;
            sum += text.parse::<u64>().map_err(failed)?;
        }
        Ok(sum)
    };
    simulation(code)
        .state(|| Folder(tempfile::tempdir().expect("a temporary folder")))
        .explore("main", &())
        .every_fault()
        .check(check::same_result())
        .check(check::progress("code", |done: &u64| *done))
        .assert();
}

/// A job that waits at the gate when its worker dies never runs: its process is gone.
#[test]
fn a_job_that_has_not_begun_dies_with_its_worker() {
    static RAN: std::sync::Mutex<Vec<u32>> = std::sync::Mutex::new(Vec::new());
    let code = async |ctx: &ActivityContext, (): ()| -> Result {
        let attempt = ctx.get_info().attempt;
        let job = tokio::task::spawn_blocking(move || RAN.lock().unwrap().push(attempt));
        // The crash is inside this call, before the job has begun.
        ctx.heartbeat(&attempt)?;
        job.await.map_err(failed)?;
        Ok(1)
    };
    let plan = "code#1@1:heartbeat1=crash_after_sent".parse().unwrap();
    let run = simulation(code).plan(plan).run("main", &()).unwrap();
    assert_eq!(run.result::<u64>().unwrap(), 1);
    assert_eq!(*RAN.lock().unwrap(), [2]);
}

fn with_patience(code: impl durasim::ActivityFn<(), u64>) -> String {
    Simulation::temporal()
        .tokio_with(TokioOptions { patience: millis(200), ..Default::default() })
        .activity("code", code)
        .workflow("main", async |ctx: &WorkflowContext, (): ()| -> std::result::Result<u64, WorkflowError> {
            ctx.execute_activity("code", &(), options()).await
        })
        .run("main", &())
        .unwrap_err()
        .to_string()
}

#[test]
fn jobs_that_wait_for_each_other_or_for_virtual_time_end_the_run() {
    let for_each_other = with_patience(async |_: &ActivityContext, (): ()| -> Result {
        let (sender, receiver) = std::sync::mpsc::channel();
        let waits = tokio::task::spawn_blocking(move || receiver.recv_timeout(Duration::from_secs(2)).unwrap_or(0));
        let sends = tokio::task::spawn_blocking(move || sender.send(1));
        let _ = sends.await;
        waits.await.map_err(failed)
    });
    assert!(for_each_other.contains("`spawn_blocking`") && for_each_other.contains("200ms"), "{for_each_other}");

    let for_time = with_patience(async |_: &ActivityContext, (): ()| -> Result {
        let (sender, receiver) = tokio::sync::oneshot::channel::<u64>();
        tokio::spawn(async move {
            time::sleep(millis(100)).await;
            let _ = sender.send(1);
        });
        let job = tokio::task::spawn_blocking(move || receiver.blocking_recv().unwrap_or(0));
        job.await.map_err(failed)
    });
    assert!(for_time.contains("waits for ever"), "{for_time}");
}

/// A job of a spawned task, too, and not only once its next timer is due in real time.
#[test]
fn a_job_of_a_spawned_task_that_waits_for_virtual_time_ends_the_run() {
    for workers in 1..=2 {
        let code = async |_: &ActivityContext, number: u64| -> Result {
            if number == 1 {
                time::sleep(millis(10)).await;
            }
            let (sender, receiver) = tokio::sync::oneshot::channel::<u64>();
            let task = tokio::spawn(async move {
                time::sleep(millis(10)).await;
                tokio::task::spawn_blocking(move || receiver.blocking_recv().unwrap_or(0)).await.unwrap_or(0)
            });
            time::sleep(millis(100_000)).await;
            let _ = sender.send(1);
            Ok(task.await.unwrap_or(0))
        };
        let options = || ActivityOptions { heartbeat_timeout: Duration::ZERO, ..options() };
        let started = std::time::Instant::now();
        let error = Simulation::temporal()
            .workers(workers)
            .tokio_with(TokioOptions { patience: millis(200), ..Default::default() })
            .activity("code", code)
            .workflow("main", async move |ctx: &WorkflowContext, (): ()| -> std::result::Result<u64, WorkflowError> {
                let one = ctx.execute_activity::<u64>("code", &1u64, options());
                let two = ctx.execute_activity::<u64>("code", &2u64, options());
                Ok(one.await? + two.await?)
            })
            .run("main", &())
            .unwrap_err()
            .to_string();
        assert!(error.contains("`spawn_blocking`") && error.contains("waits for ever"), "{error}");
        assert!(started.elapsed() < Duration::from_secs(50), "in virtual time: {:?}", started.elapsed());
    }
}

#[test]
fn a_heartbeat_from_a_job_ends_the_run() {
    let code = async |ctx: &ActivityContext, (): ()| -> Result {
        let ctx = ctx.clone();
        let job = tokio::task::spawn_blocking(move || ctx.heartbeat(&1).is_ok());
        Ok(u64::from(job.await.map_err(failed)?))
    };
    let error = simulation(code).run("main", &()).unwrap_err().to_string();
    assert!(error.contains("`record_heartbeat`") && error.contains("`spawn_blocking`"), "{error}");
}
