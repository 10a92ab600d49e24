//! The rare ends that other runs lack: activities that panic, that others complete by id, and that leave tasks behind.

use std::sync::Arc;
use std::time::Duration;

use durasim::program::{ActivityLink, ActivityOutcome, ActivityProgram, ActivityTask, Attempt};
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, RetryPolicy, Simulation, WorkflowContext, WorkflowError,
};

use super::kept::Kept;
use super::run_text::run_text;

const SECOND: Duration = Duration::from_secs(1);

/// Says that somebody else completes it.
#[derive(Debug)]
struct Handed;

impl ActivityProgram for Handed {
    fn activity_type(&self) -> &str {
        "handed"
    }

    fn start(&self, _task: ActivityTask, _link: Arc<dyn ActivityLink>) -> Attempt {
        Attempt::new(async { ActivityOutcome::WillCompleteAsync }, |_| ())
    }
}

async fn panics(ctx: &ActivityContext, (): ()) -> Result<u32, ActivityError> {
    durasim::time::sleep(SECOND).await;
    match ctx.get_info().attempt {
        1 => panic!("out of paper"),
        _ => Ok(1),
    }
}

/// Leaves a task that never ends.
async fn leaves(_ctx: &ActivityContext, (): ()) -> Result<u32, ActivityError> {
    drop(durasim::task::spawn(std::future::pending::<()>()));
    durasim::time::sleep(SECOND).await;
    Ok(2)
}

async fn one(ctx: &WorkflowContext, activity: String) -> Result<u32, WorkflowError> {
    let options = ActivityOptions {
        activity_id: Some("one".into()),
        schedule_to_close_timeout: 200 * SECOND,
        start_to_close_timeout: 30 * SECOND,
        retry_policy: Some(RetryPolicy { maximum_attempts: 3, ..Default::default() }),
        ..Default::default()
    };
    ctx.execute_activity(&activity, &(), options).await
}

#[test]
fn golden_rare_ends() {
    let mut kept = Kept::new("rare");
    for (dialect, simulation) in [("temporal", Simulation::temporal()), ("cadence", Simulation::cadence())] {
        let simulation = simulation
            .activity("panics", panics)
            .activity("leaves", leaves)
            .activity_program(Handed)
            .workflow("one", one);
        for activity in ["panics", "leaves", "handed"] {
            kept.add(&format!("{dialect}: {activity}"), &run_text(simulation.run("one", activity).as_ref()));
        }
        let by_id = simulation.drive(async |client| {
            let one = client.start::<u32>("one", "one-1", "handed").await.unwrap();
            client.sleep(5 * SECOND).await;
            one.complete_activity("one", &3).await.unwrap();
            one.result().await.unwrap()
        });
        kept.add(&format!("{dialect}: completed by id"), &run_text(by_id.map(|(_, run)| run).as_ref()));
    }
    kept.assert();
}
