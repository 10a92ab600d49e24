//! `every_order()` tries what a workflow observes in other orders, and judges only what no other order excuses.

use std::sync::Mutex;
use std::time::Duration;

use durasim::explore::{Part, RegressionState, Report};
use durasim::fault::Plan;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Client, Exploration, Run, Simulation, WorkflowContext,
    WorkflowError, check,
};

use super::regressions::Kept;
use crate::child::child;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn options() -> ActivityOptions {
    ActivityOptions { start_to_close_timeout: secs(600), ..Default::default() }
}

async fn work(_: &ActivityContext, seconds: u64) -> Result<u64, ActivityError> {
    durasim::time::sleep(secs(seconds)).await;
    Ok(seconds)
}

async fn alone(ctx: &WorkflowContext, (): ()) -> Result<u64, WorkflowError> {
    ctx.execute_activity("work", &5u64, options()).await
}

/// Waits for both, and says which came first.
async fn both(ctx: &WorkflowContext, (): ()) -> Result<String, WorkflowError> {
    let go = ctx.signals::<()>("go");
    let mut working = ctx.execute_activity::<u64>("work", &5u64, options());
    let mut gone = go.recv();
    futures::select_biased! {
        worked = working => {
            worked?;
            gone.await?;
            Ok("work first".to_owned())
        }
        gone = gone => {
            gone?;
            working.await?;
            Ok("go first".to_owned())
        }
    }
}

/// Goes on without an approval after 10 seconds.
async fn approval(ctx: &WorkflowContext, (): ()) -> Result<String, WorkflowError> {
    let approvals = ctx.signals::<()>("go");
    let mut patience = ctx.sleep(secs(10));
    let mut approved = approvals.recv();
    futures::select_biased! {
        gone = approved => gone.map(|()| "approved".to_owned()),
        slept = patience => slept.map(|()| "expired".to_owned()),
    }
}

/// Waits for the work for 10 seconds.
async fn hurries(ctx: &WorkflowContext, (): ()) -> Result<String, WorkflowError> {
    let mut working = ctx.execute_activity::<u64>("work", &5u64, options());
    let mut patience = ctx.sleep(secs(10));
    futures::select_biased! {
        worked = working => worked.map(|_| "done".to_owned()),
        slept = patience => slept.map(|()| "late".to_owned()),
    }
}

/// Reminds somebody, by an activity, where the work is not done after 4 seconds.
async fn reminds(ctx: &WorkflowContext, (): ()) -> Result<u64, WorkflowError> {
    let working = ctx.execute_activity::<u64>("work", &5u64, options());
    let ticks = async {
        ctx.sleep(secs(1)).await?;
        ctx.sleep(secs(3)).await
    };
    let (mut working, mut ticks) = (Box::pin(working), Box::pin(futures::FutureExt::fuse(ticks)));
    futures::select_biased! {
        worked = working => worked,
        slept = ticks => {
            slept?;
            let reminded = ctx.execute_activity::<u64>("work", &1u64, options()).await?;
            Ok(working.await? + reminded)
        }
    }
}

fn simulation() -> Simulation {
    let simulation = Simulation::temporal().activity("work", work).workflow("alone", alone).workflow("both", both);
    simulation.workflow("approval", approval).workflow("reminds", reminds).workflow("hurries", hurries)
}

/// A script that signals the workflow after 2 seconds.
fn signalled(workflow: &'static str) -> Exploration {
    let script = async move |client: Client| {
        let main = client.start::<String>(workflow, "main", &()).await?;
        client.sleep(secs(2)).await;
        main.signal("go", &()).await?;
        main.result().await
    };
    simulation().explore_script(script)
}

#[track_caller]
fn part<'a>(report: &'a Report, name: &str) -> &'a Part {
    assert!(report.error().is_none(), "{report}");
    report.parts().iter().find(|part| part.name == name).unwrap_or_else(|| panic!("no part `{name}`: {report}"))
}

#[test]
fn a_single_activity_has_no_other_order_and_that_is_no_mistake() {
    let report = simulation().explore("alone", &()).every_order().report();
    assert!(report.holds() && report.error().is_none(), "{report}");
    assert!(report.to_string().contains("every order:    nothing to change (one activity)"), "{report}");
}

#[test]
fn a_result_that_depends_on_when_a_signal_comes_has_its_word() {
    let report = signalled("both").every_order().report();
    let failed = report.failures().first().expect("it differs");
    assert_eq!(failed.plan.entries[0].to_string(), "both#1:signal1=behind(activity1)", "{}", failed.text);
    let words = "the result depends on whether signal 1 (`go`) comes before or after the end of work#1; if it may, say \
                 `.check(check::same_result().depends_on_time_of(\"go\"))`";
    assert!(failed.violation.message.contains(words), "{}", failed.text);
    let declared = signalled("both").every_order().check(check::same_result().depends_on_time_of("go"));
    let report = declared.report();
    assert!(report.holds(), "{report}");
    assert!(part(&report, "every order").tally.differ > 0, "{report}");
    // Another signal says nothing of this one.
    assert!(!signalled("both").every_order().check(check::same_result().depends_on_time_of("stop")).report().holds());
}

#[test]
fn who_loses_a_race_that_he_wins_without_faults_may_end_otherwise() {
    let report = simulation().explore("hurries", &()).every_order().report();
    assert!(report.holds(), "{report}");
    let races = part(&report, "lost races");
    assert!(races.tally.differ > 0 && races.tally.judged["same_result"] < races.tally.runs, "{report}");
    let report = signalled("approval").every_order().report();
    assert!(report.holds() && part(&report, "lost races").tally.runs > 0, "{report}");
}

#[test]
fn an_order_is_paired_with_each_fault_that_fits_after_it() {
    let pairs = |exploration: Exploration| {
        let report = exploration.every_pair().budget(100_000).report();
        assert!(report.holds(), "{report}");
        part(&report, "every pair").tally.runs
    };
    let (without, with) = (pairs(signalled("approval")), pairs(signalled("approval").every_order()));
    assert!(with > without, "{without} pairs, {with} with orders");
}

#[test]
fn a_plan_whose_order_is_impossible_is_an_error() {
    let plan: Plan = "work#1@1:completion=behind(timer1)".parse().unwrap();
    let report = simulation().explore("alone", &()).every_order().replay(&plan);
    let error = report.error().expect("an error").to_string();
    let why = "the order of the plan is impossible: `work#1@1:completion=behind(timer1)` is in vain, since timer1 does not \
               come while it is held: start-to-close of work#1 would pass first";
    assert_eq!(error, why);
}

#[test]
fn another_branch_is_counted_and_not_judged() {
    let report = simulation().explore("reminds", &()).every_order().report();
    assert!(report.holds(), "{report}");
    assert!(report.to_string().contains("another branch"), "{report}");
}

#[test]
fn what_is_found_does_not_depend_on_threads() {
    let explored = |threads| {
        let report = signalled("approval").every_order().threads(threads).report();
        (report.fingerprint(), report.to_string())
    };
    assert_eq!(explored(1), explored(3));
}

/// The processes of the shards' test run this.
#[test]
#[ignore = "the shards' test runs it"]
fn sharded() {
    static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let seen = check::named("seen", |run: &Run| SEEN.lock().unwrap().push(run.plan().to_string())).all_runs();
    let declared = check::same_result().depends_on_time_of("go");
    let report = signalled("both").every_order().without_repeats().check(declared).check(seen).report();
    assert!(report.holds(), "{report}");
    println!("{report}");
    SEEN.lock().unwrap().iter().filter(|plan| plan.contains("; ")).for_each(|plan| println!("seen {plan}"));
}

#[test]
fn shards_make_each_order_once() {
    let seen = |shard: Option<&str>| {
        let mut command = child("explore::orders::sharded");
        let output = command.arg("--nocapture").envs(shard.map(|shard| ("DURASIM_SHARD", shard))).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        let mut seen: Vec<String> =
            text.lines().filter_map(|line| line.strip_prefix("seen ")).map(str::to_owned).collect();
        seen.sort();
        seen
    };
    let whole = seen(None);
    let shards = ["1/2", "2/2"].map(|shard| seen(Some(shard)));
    assert!(shards.iter().all(|shard| !shard.is_empty() && shard.len() < whole.len()), "{shards:?}");
    let mut together = shards.concat();
    together.sort();
    assert_eq!(whole, together, "the shards together try other orders than the whole");
}

#[test]
fn an_order_that_failed_once_is_kept_and_replayed() {
    let order = "v1 seed=0 order=fifo for=both; both#1:signal1=behind(activity1)\n";
    let kept = Kept::new("orders", order);
    let both = || signalled("both").named("both").regressions(&kept.0);
    let report = both().report();
    assert_eq!(report.regressions()[0].state, RegressionState::StillFails, "{report}");
    assert!(!report.holds() && report.failures()[0].check == "same_result", "{report}");
    let report = both().check(check::same_result().depends_on_time_of("go")).report();
    assert_eq!(report.regressions()[0].state, RegressionState::Fixed, "{report}");
    assert!(report.holds(), "{report}");
    // One that cannot be is no longer of use, which is loud.
    let kept = Kept::new("no_order", &order.replace("activity1", "timer1"));
    let report = signalled("both").named("both").regressions(&kept.0).report();
    let error = report.error().expect("an error").to_string();
    assert!(error.contains("no_order.regressions:1: the order of the plan is impossible"), "{error}");
}
