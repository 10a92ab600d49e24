//! Code that cannot be simulated, and wrong uses: a clear error for each.

use durasim::{ActivityContext, ActivityError, ActivityFn, Simulation, WorkflowContext, WorkflowError};
use durasim_tokio::SimulationExt;

use super::{millis, simulation};

type Result = std::result::Result<u64, ActivityError>;

fn error(code: impl ActivityFn<(), u64>) -> String {
    simulation(code).run("main", &()).unwrap_err().to_string()
}

#[test]
fn sockets_are_refused_by_name() {
    let error = error(async |_: &ActivityContext, (): ()| -> Result {
        let _ = tokio::net::TcpStream::connect("127.0.0.1:9").await;
        Ok(1)
    });
    assert!(error.contains("socket") && error.contains("fake"), "{error}");
}

#[test]
fn a_wake_from_another_thread_is_refused() {
    let error = error(async |_: &ActivityContext, (): ()| -> Result {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            std::thread::sleep(millis(50));
            sender.send(1)
        });
        std::thread::sleep(millis(5));
        Ok(receiver.await.unwrap_or(0))
    });
    assert!(error.contains("woke") || error.contains("nothing in the simulation"), "{error}");
}

#[test]
fn a_runtime_inside_an_activity_is_refused() {
    let error = error(async |_: &ActivityContext, (): ()| -> Result {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        Ok(runtime.block_on(async { 1 }))
    });
    assert!(error.contains("block_on"), "{error}");
}

#[test]
fn block_on_in_an_activity_is_refused() {
    let error = error(async |_: &ActivityContext, (): ()| -> Result {
        Ok(tokio::runtime::Handle::current().block_on(async {
            tokio::time::sleep(millis(1)).await;
            1
        }))
    });
    assert!(error.contains("block_on"), "{error}");
}

#[test]
fn timers_in_a_workflow_name_the_contexts_sleep() {
    let error = Simulation::temporal()
        .tokio()
        .workflow("main", async |_: &WorkflowContext, (): ()| -> std::result::Result<(), WorkflowError> {
            tokio::time::sleep(millis(1)).await;
            Ok(())
        })
        .run("main", &())
        .unwrap_err()
        .to_string();
    assert!(error.contains("ctx.sleep"), "{error}");
}

#[test]
fn twice_is_once_too_often() {
    let error =
        simulation(async |_: &ActivityContext, (): ()| -> Result { Ok(1) }).tokio().run("main", &()).unwrap_err();
    assert!(error.to_string().contains("two hosts"), "{error}");
}

#[tokio::test]
async fn a_run_inside_a_tokio_test() {
    let run = simulation(async |_: &ActivityContext, (): ()| -> Result {
        tokio::time::sleep(millis(1)).await;
        Ok(1)
    })
    .run("main", &());
    match run {
        Ok(run) => assert_eq!(run.result::<u64>().unwrap(), 1),
        Err(error) => assert!(error.to_string().contains("#[test]"), "{error}"),
    }
}
