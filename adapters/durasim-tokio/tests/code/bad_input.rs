//! Code that cannot be simulated, and wrong uses: a clear error for each.

use std::future::pending;
use std::task::{Poll, Waker};

use durasim::{ActivityContext, ActivityError, ActivityFn, Client, Simulation, WorkflowContext, WorkflowError, check};
use durasim_tokio::SimulationExt;
use tokio::runtime::{Builder, Handle};
use tokio::time;

use super::{millis, simulation};

type Result = std::result::Result<u64, ActivityError>;

/// The error of a run.
fn error(code: impl ActivityFn<(), u64>) -> String {
    simulation(code).run("main", &()).expect_err("an error").to_string()
}

/// The error of a run whose workflow is this.
fn of_workflow(
    code: impl AsyncFn(&WorkflowContext, ()) -> std::result::Result<(), WorkflowError> + Copy + Send + Sync + 'static,
) -> String {
    let simulation =
        Simulation::temporal().tokio().workflow("main", async move |ctx: &WorkflowContext, (): ()| code(ctx, ()).await);
    simulation.run("main", &()).expect_err("an error").to_string()
}

/// A future that a thread of its own wakes, as the timers of other runtimes do. The thread is waited for, so that it is always
/// within the poll.
async fn timer_of_another_runtime() {
    let mut is_over = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut is_over, true) {
            return Poll::Ready(());
        }
        let waker: Waker = context.waker().clone();
        let _ = std::thread::spawn(move || waker.wake()).join();
        Poll::Pending
    })
    .await
}

/// Its name, what gives its error, and the words that the error has.
type Case = (&'static str, fn() -> String, &'static [&'static str]);

const CASES: [Case; 13] = [
    (
        "a socket",
        || {
            error(async |_: &ActivityContext, (): ()| -> Result {
                let _ = tokio::net::TcpStream::connect("127.0.0.1:9").await;
                Ok(1)
            })
        },
        &["uses sockets", "behind a trait, with a fake"],
    ),
    (
        "a socket in a spawned task",
        || {
            error(async |_: &ActivityContext, (): ()| -> Result {
                let task = tokio::spawn(async { tokio::net::UdpSocket::bind("127.0.0.1:0").await.is_ok() });
                Ok(u64::from(task.await.map_err(|error| ActivityError::retryable(error.to_string()))?))
            })
        },
        &["uses sockets", "behind a trait, with a fake"],
    ),
    (
        "a timer of another runtime",
        || {
            error(async |_: &ActivityContext, (): ()| -> Result {
                timer_of_another_runtime().await;
                Ok(1)
            })
        },
        &["woken from outside the simulation", "fakes in the state of the run"],
    ),
    (
        "a timer of another runtime that comes too late",
        || {
            let code = async |_: &ActivityContext, (): ()| -> Result { pending().await };
            let report = simulation(code).explore("main", &()).every_fault().check(check::completes()).report();
            report.failures().first().map_or_else(|| report.to_string(), |failed| failed.violation.message.clone())
        },
        &["nothing in the simulation", "another runtime's timer", "fakes"],
    ),
    (
        "a runtime inside an activity",
        || {
            error(async |_: &ActivityContext, (): ()| -> Result {
                let runtime = Builder::new_current_thread().build().expect("a runtime");
                Ok(runtime.block_on(async { 1 }))
            })
        },
        &["activity code", "`block_on`", "`spawn_blocking`"],
    ),
    (
        "`block_on` in an activity",
        || {
            error(async |_: &ActivityContext, (): ()| -> Result {
                Ok(Handle::current().block_on(async {
                    time::sleep(millis(1)).await;
                    1
                }))
            })
        },
        &["activity code", "`block_on`", "`spawn_blocking`"],
    ),
    (
        "a panic in a spawned task",
        || {
            let code = async |_: &ActivityContext, (): ()| -> Result {
                let task = tokio::spawn(async { panic!("of the task") });
                task.await.map_err(|error| ActivityError::non_retryable(error.to_string()))?
            };
            format!("{:?}", simulation(code).run("main", &()).expect("a run").outcome())
        },
        &["panicked with message", "of the task"],
    ),
    (
        "a timer in a workflow",
        || {
            of_workflow(async |_: &WorkflowContext, (): ()| {
                time::sleep(millis(1)).await;
                Ok(())
            })
        },
        &["workflow `main`", "tokio's timers", "the timers and the clock of its context"],
    ),
    (
        "a task that a workflow spawns",
        || {
            of_workflow(async |_: &WorkflowContext, (): ()| {
                let _ = tokio::spawn(async {}).await;
                Ok(())
            })
        },
        &["workflow `main`", "spawn", "the timers and the clock of its context"],
    ),
    (
        "a timer in a script that is there once",
        || {
            let script = async |_: Client| time::sleep(millis(1)).await;
            Simulation::temporal().tokio().drive(script).expect_err("an error").to_string()
        },
        &["the script", "tokio's timers", "`client.sleep`", "a fake"],
    ),
    (
        "a timer in a script that is explored",
        || {
            let script = async |_: Client| time::sleep(millis(1)).await;
            let report =
                Simulation::temporal().tokio().explore_script(script).seeds(0..9).check(check::completes()).report();
            report.to_string()
        },
        &["the script", "tokio's timers", "`client.sleep`", "a fake"],
    ),
    (
        "two hosts",
        || {
            let code = async |_: &ActivityContext, (): ()| -> Result { Ok(1) };
            simulation(code).tokio().run("main", &()).expect_err("an error").to_string()
        },
        &["two hosts", "`.tokio()`"],
    ),
    (
        "a run inside `#[tokio::test]`",
        || {
            let code = async |_: &ActivityContext, (): ()| -> Result { Ok(1) };
            let test = Builder::new_current_thread().build().expect("a runtime");
            test.block_on(async { error(code) })
        },
        &["inside", "`#[test] fn`", "`#[tokio::test] async fn`"],
    ),
];

#[test]
fn every_mistake_is_told() {
    for (case, error, words) in CASES {
        let error = error();
        for word in words {
            // Some messages are wrapped.
            let flat = error.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(flat.contains(word), "{case}: {word:?} is missing in\n{error}");
        }
    }
}

/// A run inside an activity of another run: each has its own time. Only one of them can have a host of tokio's, since a runtime
/// cannot wait inside another one.
#[test]
fn a_run_inside_a_run() {
    fn sleeps() -> Simulation {
        simulation(async |_: &ActivityContext, (): ()| -> Result {
            let since = super::Since::now();
            time::sleep(millis(2_000)).await;
            Ok(since.millis())
        })
    }
    /// An activity in which another simulation runs, and the time that passes for it meanwhile.
    fn around(inner: fn() -> String) -> impl ActivityFn<(), String> {
        async move |_: &ActivityContext, (): ()| -> std::result::Result<String, ActivityError> {
            durasim::time::sleep(millis(100)).await;
            let before = durasim::time::now();
            let inner = inner();
            durasim::time::sleep(millis(100)).await;
            Ok(format!("{inner}, {:?}", durasim::time::now() - before))
        }
    }
    let native = |code| {
        Simulation::temporal().activity("code", code).workflow("main", async |ctx: &WorkflowContext, (): ()| {
            let result: std::result::Result<String, WorkflowError> =
                ctx.execute_activity("code", &(), super::options()).await;
            result
        })
    };
    let result = |simulation: Simulation| simulation.run("main", &()).unwrap().result::<String>().unwrap();
    let in_native = || sleeps().run("main", &()).unwrap().result::<u64>().unwrap().to_string();
    assert_eq!(result(native(around(in_native))), "2000, 100ms");
    let without = || {
        let code = async |_: &ActivityContext, (): ()| -> Result {
            durasim::time::sleep(millis(3_000)).await;
            Ok(3)
        };
        let options = || super::options();
        let simulation = Simulation::temporal().activity("code", code).workflow(
            "main",
            async move |ctx: &WorkflowContext, (): ()| -> std::result::Result<u64, WorkflowError> {
                ctx.execute_activity("code", &(), options()).await
            },
        );
        simulation.run("main", &()).unwrap().result::<u64>().unwrap().to_string()
    };
    assert_eq!(result(native(around(without)).tokio()), "3, 100ms");
    let refused = || sleeps().run("main", &()).unwrap_err().to_string();
    let refused = result(native(around(refused)).tokio());
    assert!(refused.contains("activity of another simulation"), "{refused}");
}
