//! Mistakes with local activities are told in words.

use std::sync::Arc;

use durasim::program::{ActivityLink, ActivityOutcome, ActivityProgram, ActivityTask, Attempt};

use super::*;

fn error_of(simulation: &Simulation, workflow: &str) -> String {
    match simulation.run(workflow, &Work::default()) {
        Err(error) => error.to_string(),
        Ok(run) => panic!("{}", run.timeline()),
    }
}

#[test]
fn one_without_timeouts_fails_the_task() {
    let error = error_of(&simulation(LocalActivityOptions::default()), "only");
    assert!(
        error.contains(
            "local activity `work` has no timeout, so that one that hangs would never end: set its start-to-close or its \
             schedule-to-close timeout"
        ),
        "{error}"
    );
}

#[test]
fn an_unknown_one_ends_the_run() {
    let unknown = async |ctx: &WorkflowContext, _: Work| -> Result<(), WorkflowError> {
        ctx.execute_local_activity("wrok", &(), usual()).await
    };
    let error = error_of(&simulation(usual()).workflow("unknown", unknown), "unknown");
    assert!(error.contains("`wrok`") && error.contains("work"), "{error}");
}

struct Leaves;

impl ActivityProgram for Leaves {
    fn activity_type(&self) -> &str {
        "leaves"
    }

    fn start(&self, _: ActivityTask, _: Arc<dyn ActivityLink>) -> Attempt {
        Attempt::new(async { ActivityOutcome::WillCompleteAsync }, |_| {})
    }
}

#[test]
fn one_cannot_leave_its_completion_to_somebody_else() {
    let workflow = async |ctx: &WorkflowContext, work: Work| -> Result<(), WorkflowError> {
        ctx.execute_local_activity("leaves", &work, usual()).await
    };
    let error = error_of(&simulation(usual()).activity_program(Leaves).workflow("w", workflow), "w");
    assert!(error.contains("leaves its completion to somebody else, which a local activity cannot"), "{error}");
}

#[test]
fn one_is_refused_an_input_that_cannot_be_encoded() {
    let workflow = async |ctx: &WorkflowContext, _: Work| -> Result<(), WorkflowError> {
        let no_json = std::collections::BTreeMap::from([((1, 2), 3)]);
        ctx.execute_local_activity("work", &no_json, usual()).await
    };
    let run = simulation(usual()).workflow("w", workflow).run("w", &Work::default()).unwrap();
    assert!(failure_of(&run).contains("the input of local activity `work`"), "{}", failure_of(&run));
}
