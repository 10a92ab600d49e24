//! Everything that may hide a bug is an error: a check with nothing to judge, a part in which nothing strikes, an exploration
//! without points. Smaller doubts are told in the report.

use std::time::Duration;

use durasim::explore::Report;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Client, Ledger, RetryPolicy, Run, Simulation, WorkflowContext,
    WorkflowError, check,
};

use super::resilient;

#[derive(Default)]
struct Stores {
    written: Ledger<u32>,
    never: Ledger<u32>,
}

/// It begins anew at each attempt, which `progress` and `effects(..).covered_by(..)` know.
async fn begins_anew(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
    let first = ctx.heartbeat_details::<u32>()?.map_or(0, |_| 0);
    for row in first..rows {
        durasim::time::sleep(Duration::from_secs(5)).await;
        durasim::effect("put", || durasim::state::<Stores>().written.record(row))?;
        ctx.heartbeat(&(row + 1))?;
    }
    Ok(rows)
}

async fn silent(_: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
    durasim::time::sleep(Duration::from_secs(5)).await;
    Ok(rows)
}

fn simulation() -> Simulation {
    let runs = |activity: &'static str| {
        async move |ctx: &WorkflowContext, rows: u32| -> Result<u32, WorkflowError> {
            let options = ActivityOptions { heartbeat_timeout: Duration::ZERO, ..resilient() };
            ctx.execute_activity(activity, &rows, options).await
        }
    };
    Simulation::temporal()
        .activity("copy", begins_anew)
        .activity("silent", silent)
        .state(Stores::default)
        .workflow("copying", runs("copy"))
        .workflow("waiting", runs("silent"))
        .workflow("sleeping", async |ctx: &WorkflowContext, _: u32| ctx.sleep(Duration::from_secs(1)).await)
}

fn explored(workflow: &str, check: impl check::Check + 'static) -> Report {
    simulation().explore(workflow, &3u32).every_fault().check(check).report()
}

#[track_caller]
fn is_refused(report: &Report, says: &str) {
    let error = report.error().expect("an error").to_string();
    assert!(error.contains("can show nothing in this exploration") && error.contains(says), "{error}");
}

#[test]
fn a_ledger_that_nothing_records_to() {
    let never = || check::effects(|stores: &Stores| &stores.never);
    is_refused(&explored("copying", never()), "nothing is recorded in its ledger");
    is_refused(&explored("copying", never().may_be_new()), "nothing is recorded in its ledger");
    // An undo that only faults lead to.
    assert!(explored("copying", never().may_be_new().repeats_at_most(0)).error().is_none());
    let covered =
        check::effects(|stores: &Stores| &stores.written).covered_by("copy", |done: &u32, row: &u32| row < done);
    assert!(!explored("copying", covered).holds());
}

#[test]
fn a_measure_that_never_moves() {
    is_refused(&explored("copying", check::progress("copy", |_: &u32| 0)), "its measure never moves: it is 0 at each");
    is_refused(&explored("copying", check::progress("copy", |_: &u32| ())), "its measure never moves");
    assert!(!explored("copying", check::progress("copy", |done: &u32| *done)).holds());
}

#[test]
fn an_activity_that_never_runs_or_records_nothing() {
    let progress = |activity: &str| check::progress(activity, |done: &u32| *done);
    is_refused(&explored("waiting", progress("copy")), "no attempt of its activity `copy` runs");
    is_refused(&explored("waiting", check::completes().of("copy")), "no attempt of its activity `copy` runs");
    is_refused(&explored("waiting", progress("silent")), "no attempt of `silent` records a heartbeat with details");
    let covered = check::effects(|stores: &Stores| &stores.written).may_be_new().repeats_at_most(9);
    is_refused(
        &explored("waiting", covered.covered_by("silent", |_: &u32, _: &u32| true)),
        "`silent` records no heartbeat with details",
    );
}

/// The timeout is the reason why there is nothing to look at: it is told in its place.
#[test]
fn an_activity_that_times_out_without_faults_says_that_first() {
    let report = Simulation::temporal()
        .activity("silent", silent)
        .workflow("waiting", async |ctx: &WorkflowContext, rows: u32| {
            let retry_policy = Some(RetryPolicy { maximum_attempts: 2, ..Default::default() });
            let options = ActivityOptions { heartbeat_timeout: Duration::from_secs(2), retry_policy, ..resilient() };
            ctx.execute_activity::<u32>("silent", &rows, options).await
        })
        .explore("waiting", &3u32)
        .every_fault()
        .check(check::progress("silent", |rows: &u32| *rows))
        .report();
    let [failed] = report.failures() else { panic!("{report}") };
    assert!(failed.violation.message.contains("runs into its heartbeat timeout"), "{}", failed.text);
}

#[test]
fn a_check_of_activities_without_any() {
    is_refused(&explored("sleeping", check::completes()), "no activity runs");
    is_refused(&explored("sleeping", check::protected()), "no activity runs");
    is_refused(&explored("sleeping", check::stops_in_time(Duration::from_secs(1))), "no activity runs");
    is_refused(&explored("sleeping", check::cleaned_up(|_: &Stores| {})), "no activity runs");
    is_refused(&explored("waiting", check::heartbeats_in_time()), "no activity with a heartbeat timeout runs");
}

#[test]
fn a_script_without_any_point() {
    let script = || simulation().explore_script(async |_: Client| 1u32);
    let anything = || check::named("anything", |_: &Run| {});
    let error = |report: Report| report.error().expect("an error").to_string();
    let seeds = error(script().seeds(0..100).check(anything()).report());
    assert!(seeds.contains("`seeds 0..100` shows nothing: no fault struck in any of its 100 runs"), "{seeds}");
    let faults = error(script().every_fault().seeds(0..100).check(anything()).report());
    assert!(faults.contains("`every fault` has no run"), "{faults}");
    let replays = error(script().every_fault().check(check::replays()).report());
    assert!(replays.contains("no workflow runs"), "{replays}");
}

#[test]
fn a_result_of_nothing_is_told() {
    let report = explored("sleeping", check::same_result());
    assert!(report.holds(), "{report}");
    let [note] = report.notes() else { panic!("{report}") };
    assert!(note.contains("the result is `()`"), "{note}");
    assert!(explored("waiting", check::same_result()).notes().is_empty());
}

#[test]
fn each_part_says_what_its_runs_could_show() {
    let report = simulation()
        .explore("waiting", &3u32)
        .every_fault()
        .seeds(0..200)
        .check(check::same_result())
        .check(check::completes())
        .report();
    assert!(report.holds(), "{report}");
    let [_, faults, seeds] = report.parts() else { panic!("{report}") };
    let tally = &faults.tally;
    assert_eq!((tally.struck, tally.quiet), (tally.runs, 0), "{report}");
    // A cancelled run is none of theirs, and a message that is lost and sent again changes nothing.
    assert!(tally.judged["same_result"] < tally.runs && tally.judged["completes"] < tally.judged["same_result"]);
    assert!(tally.without_effect < tally.survive, "{report}");
    assert_eq!(seeds.tally.struck + seeds.tally.quiet, 200, "{report}");
    assert!(report.to_string().contains("    something to judge: completes in "), "{report}");
}

/// A workflow of a script that is one task: each fault of it ends what there is.
#[test]
fn pairs_of_code_in_which_no_fault_follows_another_are_left_away() {
    let exploration = Simulation::temporal()
        .workflow("at_once", async |_: &WorkflowContext, (): ()| Ok::<_, WorkflowError>(1))
        .explore_script(async |client| {
            let at_once = client.start::<u32>("at_once", "at-once", &()).await?;
            at_once.result().await
        })
        .every_fault();
    assert!(exploration.clone().report().holds());
    let error = exploration.every_pair().report().error().expect("there is no pair").to_string();
    assert!(error.contains("`every pair` has no run: no fault of this code is followed by a point"), "{error}");
    assert!(error.contains("Leave `.every_pair()` away"), "{error}");
}
