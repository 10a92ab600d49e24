//! A signal that a fault delays, and a workflow that goes on as another run meanwhile.

use std::time::Duration;

use durasim::fault::Plan;
use durasim::{Client, Simulation, WorkflowContext, WorkflowError};

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A signal is for the workflow, not for the run that was open when it was sent.
#[test]
fn a_late_signal_reaches_the_run_that_is_open_then() {
    let takes = async |ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
        let numbers = ctx.signals::<u32>("number");
        if number == 0 {
            ctx.sleep(secs(10)).await?;
            return Err(ctx.continue_as_new(&1));
        }
        numbers.recv().await
    };
    let script = async |client: Client| {
        let main = client.start::<u32>("takes", "takes", &0).await.unwrap();
        client.sleep(secs(9)).await;
        let sent = main.signal("number", &7).await;
        (sent, main.result().await)
    };
    let simulation = Simulation::temporal().workflow("takes", takes);
    let plan: Plan = "v1 seed=0 order=fifo; takes#1:signal1=delayed(2s)".parse().unwrap();
    let (ended, run) = simulation.plan(plan).drive(script).unwrap();
    assert_eq!(ended, (Ok(()), Ok(7)), "{}", run.timeline());
    assert_eq!(run.trace().faults().len(), 1);
}
