//! Activities as the client's macros register them.

use crabdance_activity::{ActivityContext, activity};
use crabdance_worker::registry::Registry;
use crabdance_workflow::{ActivityError, WorkflowContext, WorkflowError, call_activity, workflow};
use durasim::{Simulation, check};
use durasim_cadence::CadenceExt;

use super::{millis, options};

#[activity(name = "copy")]
async fn copy(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
    let saved = ctx.get_heartbeat_details().map(serde_json::from_slice::<u32>);
    let first = saved.transpose().map_err(ActivityError::execution_failed_error)?.unwrap_or(0);
    for row in first..rows {
        tokio::time::sleep(millis(700)).await;
        ctx.record_heartbeat(Some((row + 1).to_string().as_bytes()));
    }
    Ok(rows)
}

#[activity(name = "nothing")]
async fn nothing(_ctx: &ActivityContext) -> Result<(), ActivityError> {
    Ok(())
}

#[workflow(name = "copying")]
async fn copying(ctx: WorkflowContext, rows: u32) -> Result<u32, WorkflowError> {
    let () = call_activity!(ctx, nothing, (), options()).await?;
    call_activity!(ctx, copy, rows, options()).await
}

fn register_all(registry: &dyn Registry) {
    copy_cadence::register(registry);
    nothing_cadence::register(registry);
    copying_cadence::register(registry);
}

#[test]
fn registered_code_resumes_under_every_fault() {
    Simulation::cadence()
        .registered(register_all)
        .explore("copying", &6)
        .every_fault()
        .every_order()
        .deploys_itself()
        .seeds(0..200)
        .check(check::same_result())
        .check(check::progress("copy", |row: &u32| *row))
        .check(check::heartbeats_in_time())
        .check(check::replays())
        .assert();
}

#[test]
fn a_retry_begins_where_the_visible_heartbeat_says() {
    let plan = "copy#1@1:heartbeat4=crash_after_sent".parse().unwrap();
    let run = Simulation::cadence().registered(register_all).plan(plan).run("copying", &6).unwrap();
    let copy = run.activities().into_iter().find(|activity| &*activity.activity_type == "copy").unwrap();
    let heartbeats: Vec<usize> = copy.attempts.iter().map(|attempt| attempt.heartbeats.len()).collect();
    assert_eq!((heartbeats, run.result::<u32>()), (vec![4, 2], Ok(6)));
}

#[test]
fn a_function_is_as_good_as_a_registered_one() {
    async fn main(ctx: &mut WorkflowContext, rows: u32) -> Result<u32, WorkflowError> {
        super::call(ctx, "copy", rows, options()).await
    }
    Simulation::cadence()
        .cadence_activity("copy", copy)
        .cadence_workflow("main", main)
        .explore("main", &6)
        .every_fault()
        .every_order()
        .deploys_itself()
        .seeds(0..50)
        .check(check::same_result())
        .check(check::progress("copy", |row: &u32| *row))
        .assert();
}

#[test]
fn a_simulation_has_one_host_whatever_is_added() {
    use durasim_tokio::{SimulationExt, TokioOptions};

    let simulation = Simulation::cadence().tokio_with(TokioOptions::default()).registered(register_all);
    assert_eq!(simulation.run("copying", &2).unwrap().result::<u32>(), Ok(2));
}
