//! A worker keeps as many workflows in its cache as it is told.

use std::time::Duration;

use durasim::trace::What;
use durasim::{Run, Simulation, WorkflowContext, WorkflowError};

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

async fn naps(ctx: &WorkflowContext, times: u32) -> Result<u32, WorkflowError> {
    for _ in 0..times {
        ctx.sleep(seconds(10)).await?;
    }
    Ok(times)
}

/// The number of tasks that began with a replay.
fn replayed(run: &Run) -> usize {
    run.trace().events().iter().filter(|event| matches!(event.what, What::Replayed(_))).count()
}

#[test]
fn without_a_cache_each_task_but_the_first_is_a_replay() {
    let simulation = Simulation::temporal().workflow("naps", naps);
    assert_eq!(replayed(&simulation.run("naps", &4).unwrap()), 0);
    let run = simulation.cached_workflows(0).run("naps", &4).unwrap();
    assert_eq!((replayed(&run), run.result::<u32>().unwrap()), (4, 4), "{}", run.timeline());
}

/// The tasks of two workflows alternate, each 5 s after the other's.
#[test]
fn a_cache_forgets_the_workflow_that_has_had_no_task_for_longest() {
    let with = |cached| {
        let simulation = Simulation::temporal().workflow("naps", naps).cached_workflows(cached);
        let script = async |client: durasim::Client| {
            let one = client.start::<u32>("naps", "one", &3).await?;
            client.sleep(seconds(5)).await;
            let two = client.start::<u32>("naps", "two", &3).await?;
            Ok::<_, durasim::ClientError>((one.result().await?, two.result().await?))
        };
        let (ended, run) = simulation.drive(script).unwrap();
        assert_eq!(ended.unwrap(), (3, 3));
        replayed(&run)
    };
    assert_eq!((with(2), with(1)), (0, 5));
}
