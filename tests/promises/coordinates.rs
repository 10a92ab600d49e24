//! A coordinate is spelled in one way, in timelines, errors and failures, and that is how a plan spells it; and workers count
//! from 1 wherever they are shown.

use std::time::Duration;

use durasim::fault::Plan;
use durasim::{
    ActivityContext, ActivityError, ActivityFn, ActivityOptions, RunError, Simulation, WorkflowContext, WorkflowError,
    check,
};

/// A name that a plan has to quote.
const NAME: &str = "copy all";
const QUOTED: &str = r##""copy all"#1@1"##;

async fn copying(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(120),
        start_to_close_timeout: Duration::from_secs(60),
        ..Default::default()
    };
    ctx.execute_activity(NAME, &(), options).await
}

fn simulation(activity: impl ActivityFn<(), ()>) -> Simulation {
    Simulation::temporal().activity(NAME, activity).workflow("copying", copying)
}

#[track_caller]
fn error(simulation: &Simulation) -> String {
    simulation
        .run("copying", &())
        .map(|run| run.timeline().to_string())
        .expect_err("a run that does not end")
        .to_string()
}

async fn never_waits(_ctx: &ActivityContext, (): ()) -> Result<(), ActivityError> {
    loop {
        durasim::time::sleep(Duration::ZERO).await;
    }
}

async fn waits(_ctx: &ActivityContext, (): ()) -> Result<(), ActivityError> {
    durasim::time::sleep(Duration::from_secs(1)).await;
    Ok(())
}

#[test]
fn errors_of_a_run_spell_an_attempt_as_plans_do() {
    let busy = error(&simulation(never_waits).poll_budget(10));
    assert!(busy.starts_with(&format!("activity {QUOTED} (its last call was ")), "{busy}");

    let background = async |_ctx: &ActivityContext, (): ()| -> Result<(), ActivityError> {
        durasim::task::spawn(async {
            loop {
                durasim::time::sleep(Duration::ZERO).await;
            }
        })
        .await;
        Ok(())
    };
    let busy = error(&simulation(background).poll_budget(10));
    assert!(busy.starts_with(&format!("a background task of activity {QUOTED} (its last call was ")), "{busy}");

    let endless = error(&simulation(waits).horizon(Duration::from_millis(500)));
    assert!(endless.contains(r##"activity "copy all"#1 is running at attempt 1"##), "{endless}");
}

#[test]
fn an_attempt_of_an_error_can_be_pasted_into_a_plan() {
    let plan: Plan = format!("{QUOTED}:await1=crash").parse().unwrap();
    let run = simulation(waits).plan(plan).run("copying", &()).unwrap();
    assert_eq!(run.not_fired(), []);
    let timeline = run.timeline().to_string();
    assert!(timeline.contains(QUOTED), "{timeline}");
    assert!(timeline.contains(r#"attempt 1 of "copy all" waits"#), "{timeline}");
    let attempt = run.trace().attempts().keys().next().unwrap();
    assert_eq!(run.trace().attempt_words(attempt), QUOTED);
}

#[test]
fn failures_spell_names_as_plans_do() {
    let stuck = async |_ctx: &ActivityContext, (): ()| -> Result<(), ActivityError> {
        durasim::time::sleep(Duration::from_secs(90)).await;
        Ok(())
    };
    let report = simulation(stuck).explore("copying", &()).every_fault().check(check::same_result()).report();
    let message = report.failures()[0].violation.message.to_string();
    assert!(message.starts_with(r##"the activity "copy all"#1 runs into its "##), "{message}");
}

#[test]
fn numbers_of_one_have_no_plural() {
    let error = simulation(waits).event_budget(1).run("copying", &()).map(drop).unwrap_err();
    assert!(matches!(error, RunError::TooLong { .. }), "{error}");
    assert!(error.to_string().contains("after 1 event,"), "{error}");
}

#[test]
fn workers_count_from_one() {
    let run = simulation(waits).workers(2).run("copying", &()).unwrap();
    let worker = run.activities()[0].attempts[0].worker;
    let shown = format!("started on worker {worker}");
    let timeline = run.timeline().to_string();
    assert!(timeline.contains(&shown), "{shown}\n{timeline}");
    assert_eq!(format!("{worker} {worker:?}"), format!("{0} {0}", worker.number()));
    assert!(worker.number() > 0);
}

#[test]
#[should_panic = "there is no worker 0: the simulation has 1, which are counted from 1"]
fn there_is_no_worker_zero() {
    let _ = simulation(waits).drive(async |client| client.stop_worker(0));
}
