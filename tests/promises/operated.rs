//! Explorations in which an operator acts, or an activity has no workflow: points, faults and checks are as elsewhere.

use std::time::Duration;

use durasim::explore::Report;
use durasim::service::{Reset, Unpause};
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Client, ClientError, Exploration, Ledger, RetryPolicy, Simulation,
    StartActivityOptions, WorkflowContext, WorkflowError, check,
};

const SECOND: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Files(Ledger<u32>);

async fn copied(file: u32) -> Result<(), ActivityError> {
    durasim::time::sleep(SECOND).await;
    Ok(durasim::effect("copy", || durasim::state::<Files>().0.record(file))?)
}

/// Goes on where it has stopped.
async fn resumes(ctx: &ActivityContext, files: u32) -> Result<u32, ActivityError> {
    for file in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..files {
        copied(file).await?;
        ctx.heartbeat(&(file + 1))?;
    }
    Ok(files)
}

/// Does so too, and gives a sign of life first, which is no checkpoint.
async fn resumes_after_a_sign_of_life(ctx: &ActivityContext, files: u32) -> Result<u32, ActivityError> {
    let done = ctx.heartbeat_details::<u32>()?;
    if done.is_none() {
        ctx.record_heartbeat(None);
    }
    for file in done.unwrap_or(0)..files {
        copied(file).await?;
        ctx.heartbeat(&(file + 1))?;
    }
    Ok(files)
}

async fn begins_anew(ctx: &ActivityContext, files: u32) -> Result<u32, ActivityError> {
    for file in 0..files {
        copied(file).await?;
        ctx.heartbeat(&(file + 1))?;
    }
    Ok(files)
}

/// Counts what this attempt has done, and not what all have.
async fn counts_its_own(ctx: &ActivityContext, files: u32) -> Result<u32, ActivityError> {
    let done = ctx.heartbeat_details::<u32>()?.unwrap_or(0);
    resumes(ctx, files).await?;
    Ok(files - done)
}

fn options() -> ActivityOptions {
    ActivityOptions {
        activity_id: Some("copy".into()),
        start_to_close_timeout: 60 * SECOND,
        heartbeat_timeout: 5 * SECOND,
        retry_policy: Some(RetryPolicy { maximum_attempts: 5, ..Default::default() }),
        ..Default::default()
    }
}

async fn main_workflow(ctx: &WorkflowContext, files: u32) -> Result<u32, WorkflowError> {
    ctx.execute_activity("copy", &files, options()).await
}

fn alone<F: durasim::ActivityFn<u32, u32>>(copy: F) -> Exploration {
    let simulation = Simulation::temporal().state(Files::default).activity("copy", copy);
    simulation.explore_activity("copy", &3, StartActivityOptions::from(options()))
}

#[track_caller]
fn silent(report: &Report) {
    let texts: Vec<&str> = report.failures().iter().map(|failed| failed.text.as_str()).collect();
    assert!(report.holds(), "{}\n{report}", texts.join("\n"));
}

/// The check that finds it first, and its smallest plan.
fn first(report: &Report) -> (String, String) {
    let failed = report.failures().first().unwrap_or_else(|| panic!("{report}"));
    let entries: Vec<String> = failed.plan.entries.iter().map(ToString::to_string).collect();
    (failed.check.clone(), entries.join("; "))
}

#[test]
fn an_activity_alone_is_explored_as_a_workflows_is() {
    let in_a_workflow = Simulation::temporal()
        .state(Files::default)
        .activity("copy", resumes)
        .workflow("main", main_workflow)
        .explore("main", &3)
        .every_fault()
        .report();
    let report = alone(resumes).every_fault().every_pair().budget(150).seeds(0..50).report();
    silent(&report);
    let faults = |report: &Report| report.parts()[1].tally.runs;
    // A workflow has faults of its own tasks besides.
    assert!(faults(&report) > 40 && faults(&report) < faults(&in_a_workflow), "{report}\n{in_a_workflow}");
    silent(&alone(resumes_after_a_sign_of_life).every_fault().every_pair().budget(150).report());
}

#[test]
fn bugs_of_an_activity_alone_are_found() {
    let found = |check: &str, plan: &str| (check.to_owned(), plan.to_owned());
    assert_eq!(first(&alone(begins_anew).every_fault().report()), found("progress", "copy#1@1:await2=fail"));
    let report = alone(counts_its_own).check(check::same_result()).every_fault().report();
    assert_eq!(first(&report), found("same_result", "copy#1@1:await2=fail"));
}

/// A plan is spelled as for the activity of the first workflow, and is replayed.
#[test]
fn a_plan_of_an_activity_alone_is_replayed() {
    let simulation = Simulation::temporal().state(Files::default).activity("copy", resumes);
    let plan = "v1 seed=0 order=fifo; copy#1@1:heartbeat2=crash_after_sent".parse().unwrap();
    let run = simulation.plan(plan).run_activity("copy", &3, options()).unwrap();
    assert_eq!(run.not_fired(), []);
    assert_eq!(run.activities()[0].attempts.len(), 2);
    assert_eq!(run.result::<u32>().unwrap(), 3);
    assert_eq!(run.state::<Files>().0.total(), 3);
}

#[test]
fn other_inputs_are_tried_with_an_activity_alone() {
    let report = alone(resumes).inputs([1u32, 5]).every_fault().report();
    silent(&report);
}

async fn two(client: Client) -> Result<u32, ClientError> {
    let first = client.start_activity::<u32>("copy", "a", &2, options()).await?;
    let second = client.start_activity::<u32>("copy", "nightly copy", &3, options()).await?;
    Ok(first.result().await? + second.result().await?)
}

#[test]
fn a_scripts_activities_are_told_apart_by_their_ids() {
    let explored = |is_wrong: bool| {
        let copy = async move |ctx: &ActivityContext, files: u32| -> Result<u32, ActivityError> {
            if is_wrong && files == 3 { counts_its_own(ctx, files).await } else { resumes(ctx, files).await }
        };
        let simulation = Simulation::temporal().state(Files::default).activity("copy", copy);
        simulation.explore_script(two).check(check::same_result())
    };
    silent(&explored(false).every_fault().report());
    assert!(!explored(true).every_fault().report().holds());
    let replayed = |point: &str| {
        let plan = format!("v1 seed=0 order=fifo; {point}=fail").parse().unwrap();
        let report = explored(true).replay(&plan);
        assert!(report.error().is_none(), "{report}");
        report.holds()
    };
    // It is the second that is wrong.
    assert!(replayed("copy#1@1:await2"));
    assert!(!replayed(r#""nightly copy":copy#1@1:await2"#));
}

/// Resets an activity that waits for its second attempt, and takes its checkpoint away; or pauses it for a while.
async fn operated(client: Client, pauses: bool) -> Result<u32, ClientError> {
    let workflow = client.start::<u32>("main", "main-1", &3).await?;
    let waits = || {
        workflow.inspect(|service, run| {
            let copy = service.workflow(run).activity(1).map(|copy| service.activity(copy));
            copy.is_some_and(|copy| copy.next_attempt_at().is_some())
        })
    };
    while workflow.is_open() && !waits() {
        client.sleep(SECOND / 3).await;
    }
    if waits() {
        if pauses {
            workflow.pause_activity("copy").await?;
            client.sleep(10 * SECOND).await;
            let how = Unpause { reset_attempts: true, reset_heartbeat: true };
            workflow.unpause_activity("copy", how).await?;
        } else {
            workflow.reset_activity("copy", Reset { reset_heartbeat: true, ..Default::default() }).await?;
        }
    }
    workflow.result().await
}

/// Code is not to blame for a checkpoint that an operator has taken away.
#[test]
fn correct_code_is_called_correct_although_an_operator_takes_its_checkpoint() {
    fn explored<F: durasim::ActivityFn<u32, u32>>(copy: F, pauses: bool) {
        let simulation =
            Simulation::temporal().state(Files::default).activity("copy", copy).workflow("main", main_workflow);
        let exploration = simulation.explore_script(async move |client| operated(client, pauses).await);
        silent(&exploration.clone().every_fault().every_pair().budget(60).report());
        let checked = exploration.check(check::progress("copy", |done: &u32| *done));
        silent(&checked.every_fault().every_pair().budget(60).report());
    }
    for pauses in [false, true] {
        explored(resumes, pauses);
        explored(resumes_after_a_sign_of_life, pauses);
    }
}

#[test]
fn an_operators_reset_between_attempts_meets_faults() {
    let simulation =
        Simulation::temporal().state(Files::default).activity("copy", resumes).workflow("main", main_workflow);
    let plan = "v1 seed=0 order=fifo; copy#1@1:await2=fail".parse().unwrap();
    let (result, run) = simulation.plan(plan).drive(async |client| operated(client, false).await).unwrap();
    assert_eq!(result, Ok(3));
    let attempts = run.activities().swap_remove(0).attempts;
    let numbers: Vec<u32> = attempts.iter().map(|attempt| attempt.number).collect();
    // They count on, although the second sees that it is attempt 1 again.
    assert_eq!(numbers, [1, 2]);
    assert_eq!(run.state::<Files>().0.count(&0), 2);
}
