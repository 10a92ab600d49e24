//! An exploration has the standard checks unasked, and a failure of one says how to allow what it found.

use std::cell::Cell;
use std::time::Duration;

use durasim::explore::{Failed, Report};
use durasim::{
    ActivityContext, ActivityError, ActivityFn, Exploration, Ledger, Simulation, WorkflowContext, WorkflowError, check,
};
use serde::Deserialize;

use super::{resilient, simulation};
use crate::snapshot::unfolded;

async fn step(ctx: &ActivityContext, done: u32) -> Result<(), ActivityError> {
    durasim::time::sleep(Duration::from_secs(10)).await;
    Ok(ctx.heartbeat(&done)?)
}

async fn resumes(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
    for done in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..count {
        step(ctx, done + 1).await?;
    }
    Ok(count)
}

/// Counts what this attempt has done, and not what all have.
async fn counts_its_own(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
    let done = ctx.heartbeat_details::<u32>()?.unwrap_or(0);
    resumes(ctx, count).await?;
    Ok(count - done)
}

async fn begins_anew(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
    for done in 0..count {
        step(ctx, done + 1).await?;
    }
    Ok(count)
}

async fn looks_and_begins_anew(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
    let _ = ctx.heartbeat_details::<u32>()?;
    begins_anew(ctx, count).await
}

async fn erases(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
    resumes(ctx, count).await?;
    ctx.record_heartbeat(None);
    durasim::time::sleep(Duration::from_secs(30)).await;
    Ok(count)
}

/// Takes a checkpoint that does not decode for none.
async fn swallows(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
    let _: String = ctx.heartbeat_details().unwrap_or_default().unwrap_or_default();
    begins_anew(ctx, count).await
}

/// Takes a worker that stops for a cancel.
async fn says_cancelled_unasked(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
    for done in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..count {
        if ctx.is_cancelled() || ctx.is_worker_stopping() {
            return Err(ActivityError::Cancelled);
        }
        step(ctx, done + 1).await?;
    }
    Ok(count)
}

/// Heartbeats in the background, until the worker dies.
async fn leaves_a_heartbeater(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
    let beats = ctx.clone();
    drop(durasim::task::spawn(async move {
        while beats.heartbeat(&()).is_ok() {
            durasim::time::sleep(Duration::from_secs(3)).await;
        }
    }));
    durasim::time::sleep(Duration::from_secs(10)).await;
    Ok(count)
}

async fn fails_on_a_retry(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
    if ctx.get_info().attempt > 1 {
        return Err(ActivityError::retryable("the input is gone"));
    }
    resumes(ctx, count).await
}

fn explored(steps: impl ActivityFn<u32, u32>) -> Exploration {
    let work = async |ctx: &WorkflowContext, count: u32| -> Result<u32, WorkflowError> {
        let done = ctx.execute_activity("steps", &count, resilient()).await?;
        ctx.sleep(Duration::from_secs(9)).await?;
        Ok(done)
    };
    Simulation::temporal().activity("steps", steps).workflow("work", work).explore("work", &4u32).every_fault()
}

#[track_caller]
fn first(report: &Report) -> &Failed {
    assert!(report.error().is_none(), "{report}");
    report.failures().first().unwrap_or_else(|| panic!("nothing was found:\n{report}"))
}

#[track_caller]
fn finds(exploration: Exploration, check: &str, kind: &str, allowed_by: &str) {
    let report = exploration.report();
    let failed = first(&report);
    assert_eq!((failed.check.as_str(), failed.violation.kind.as_str()), (check, kind), "{}", failed.text);
    let text = unfolded(&failed.text);
    assert!(text.contains(allowed_by), "{allowed_by} is missing in\n{}", failed.text);
}

#[track_caller]
fn holds(exploration: Exploration) {
    let report = exploration.seeds(0..300).report();
    let texts: Vec<&str> = report.failures().iter().map(|failed| failed.text.as_str()).collect();
    assert!(report.holds(), "{}\n{report}", texts.join("\n"));
}

#[test]
fn what_needs_no_specification_is_found_unasked() {
    holds(explored(resumes));
    let allow = "`.check(check::same_result().normalize(..))`";
    finds(explored(counts_its_own), "same_result", "different result", allow);
    finds(explored(counts_its_own), "same_result", "different result", "`.without(\"same_result\")`");
    finds(explored(begins_anew), "progress", "never read", "`.without(\"progress\")`");
    finds(explored(looks_and_begins_anew), "progress", "begins anew", "it resumes from 2");
    finds(explored(erases), "progress", "erased", "`.without(\"progress\")`");
    finds(explored(swallows), "progress", "does not decode", "expected a string");
    finds(explored(says_cancelled_unasked), "reported", "refused", "nobody asked it to cancel");
    finds(explored(leaves_a_heartbeater), "no_leftovers", "goes on", "a task that it left behind");
    finds(explored(fails_on_a_retry).without("same_result"), "completes", "a retry fails", "`.without(\"completes\")`");
}

#[test]
fn a_workflow_that_branches_on_a_global_is_found_unasked() {
    use std::sync::atomic::{AtomicU32, Ordering};
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let work = async |ctx: &WorkflowContext, count: u32| -> Result<u32, WorkflowError> {
        let count = count + CALLS.fetch_add(1, Ordering::Relaxed) % 2;
        ctx.execute_activity("steps", &count, resilient()).await
    };
    let simulation = Simulation::temporal().activity("steps", resumes).workflow("work", work);
    finds(simulation.explore("work", &4u32).every_fault(), "replays", "drift", "");
}

#[test]
fn a_checkpoint_that_is_read_in_another_way_is_read() {
    #[derive(Deserialize)]
    struct Old {
        done: u32,
    }
    async fn reads_both(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
        let done = match ctx.heartbeat_details::<Old>() {
            Ok(old) => old.map_or(0, |old| old.done),
            Err(_) => ctx.heartbeat_details::<u32>()?.unwrap_or(0),
        };
        for done in done..count {
            step(ctx, done + 1).await?;
        }
        Ok(count)
    }
    async fn reads_bytes(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
        let done = match ctx.heartbeat_details::<Old>() {
            Ok(old) => old.map_or(0, |old| old.done),
            Err(_) => serde_json::from_slice(ctx.get_heartbeat_details().expect("there are some"))?,
        };
        for done in done..count {
            step(ctx, done + 1).await?;
        }
        Ok(count)
    }
    holds(explored(reads_both));
    holds(explored(reads_bytes));
}

#[test]
fn a_sign_of_life_is_no_checkpoint() {
    async fn is_alive(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
        for _ in 0..count {
            durasim::time::sleep(Duration::from_secs(10)).await;
            ctx.heartbeat(&())?;
        }
        Ok(count)
    }
    let report = explored(is_alive).report();
    assert!(report.holds(), "{report}");
    assert!(report.to_string().contains("progress in 0"), "{report}");
}

#[test]
fn a_checkpoint_that_is_not_needed_is_no_loss() {
    // A phase without progress of its own.
    async fn says_no_more(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
        let done: Option<Option<u32>> = ctx.heartbeat_details()?;
        let done = done.map_or(0, |done| done.unwrap_or(count));
        for done in done..count {
            durasim::time::sleep(Duration::from_secs(10)).await;
            ctx.heartbeat(&Some(done + 1))?;
        }
        ctx.heartbeat(&None::<u32>)?;
        durasim::time::sleep(Duration::from_secs(20)).await;
        Ok(count)
    }
    // The sign of life of an attempt that died early does not decode as what it would have recorded.
    async fn is_alive_first(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
        let done = ctx.heartbeat_details::<u32>().ok().flatten().unwrap_or(0);
        ctx.heartbeat(&())?;
        durasim::time::sleep(Duration::from_secs(5)).await;
        for done in done..count {
            step(ctx, done + 1).await?;
        }
        Ok(count)
    }
    holds(explored(says_no_more));
    holds(explored(is_alive_first));
}

#[test]
fn each_can_be_taken_away() {
    holds(explored(begins_anew).without("progress"));
    holds(explored(counts_its_own).without("same_result"));
    holds(explored(fails_on_a_retry).without("same_result").without("completes"));
    let report = explored(resumes).without_standard_checks().check(check::same_result()).report();
    assert_eq!(report.parts()[1].tally.judged.keys().collect::<Vec<_>>(), ["same_result"], "{report}");
}

#[test]
fn a_name_that_is_none_of_them_is_an_error() {
    let refused = |exploration: Exploration, says: &str| {
        let error = exploration.report().error().expect("an error").to_string();
        assert!(error.contains(says), "{error}");
    };
    refused(
        explored(resumes).without("sameresult"),
        "`progress`, `ledgers`, `reported`, `no_leftovers`, `updates`, `completes`, `replays`, `same_result`",
    );
    refused(explored(resumes).without("deterministic"), "say `.without_repeats()`");
    refused(explored(resumes).without("finishes"), "give it a longer `.horizon(..)`");
    refused(explored(resumes).without_standard_checks(), "has no check");
}

#[test]
fn one_that_is_asked_for_takes_the_place_of_the_standard_one() {
    let lenient = check::same_result().normalize(|done: &mut u32| *done = 0);
    holds(explored(counts_its_own).check(lenient));
    // `progress` is about one activity: the others keep the standard one.
    let exploration = sound_and_anew().check(check::progress("sound", |done: &u32| *done));
    finds(exploration.clone(), "progress", "never read", "of anew");
    holds(exploration.without("progress"));
}

/// Two activities, of which the second does all of it again in each attempt.
fn sound_and_anew() -> Exploration {
    let work = async |ctx: &WorkflowContext, count: u32| -> Result<u32, WorkflowError> {
        ctx.execute_activity::<u32>("sound", &count, resilient()).await?;
        ctx.execute_activity("anew", &count, resilient()).await
    };
    let both = Simulation::temporal().activity("sound", resumes).activity("anew", begins_anew).workflow("work", work);
    both.explore("work", &2u32).every_fault()
}

#[test]
fn checkpoints_of_one_activity_leave_the_others_to_the_standard_check() {
    let of = |activity: &str| sound_and_anew().check(check::checkpoints().of(activity));
    finds(of("sound"), "progress", "never read", "of anew");
    holds(of("sound").without("progress"));
    finds(of("anew").without("progress"), "progress", "never read", "of anew");
    // One of the two judges it, not both.
    let report = of("anew").report();
    assert_eq!(report.failures().iter().filter(|failed| failed.check == "progress").count(), 1, "{report}");
}

#[test]
fn a_check_of_ones_own_takes_no_standard_name() {
    let own = |name: &str| check::named(name, |_: &durasim::Run| ());
    let refused = |exploration: Exploration, says: &str| {
        let error = exploration.report().error().expect("an error").to_string();
        assert!(error.contains(says), "{error}");
    };
    for name in ["progress", "ledgers", "reported", "no_leftovers", "updates", "completes", "replays", "same_result"] {
        let says = format!(
            "`.check(..)` adds a check that is called `{name}` and is not the standard check of this name: give it another \
             name; `.without(\"{name}\")` takes the standard one away"
        );
        refused(explored(resumes).check(own(name)), &says);
        holds(explored(resumes).check(own(name)).without(name));
        holds(explored(resumes).check(own(name)).without_standard_checks());
    }
    for name in ["deterministic", "finishes"] {
        refused(explored(resumes).check(own(name)).without_standard_checks(), "give it another name");
    }
    let ledger = check::effects(|table: &Table| &table.rows).named("ledgers");
    refused(writing(keeps, false).explore("work", &4u32).every_fault().check(ledger), "is called `ledgers`");
}

#[test]
fn a_retry_of_another_activity_is_judged_all_the_same() {
    let work = async |ctx: &WorkflowContext, count: u32| -> Result<u32, WorkflowError> {
        ctx.execute_activity::<u32>("sound", &count, resilient()).await?;
        ctx.execute_activity("fails", &count, resilient()).await
    };
    let both =
        Simulation::temporal().activity("sound", resumes).activity("fails", fails_on_a_retry).workflow("work", work);
    let exploration = both.explore("work", &2u32).every_fault().without("same_result");
    let patient = |activity: &str| check::completes().of(activity).attempts_after_last_fault(9);
    finds(exploration.clone().check(patient("sound")), "completes", "a retry fails", "of fails");
    holds(exploration.check(patient("fails")));
}

#[test]
fn an_end_that_is_declared_is_judged_by_no_retry_of_it() {
    let gives_up = |run: &durasim::Run| run.result::<u32>().is_err();
    let declared = explored(fails_on_a_retry).check(check::same_result().outcomes(gives_up));
    holds(declared.clone());
    // Whoever asks for it gets it.
    finds(declared.check(check::completes()), "completes", "a retry fails", "");
}

#[test]
fn the_standard_checks_are_counted_with_those_asked_for() {
    let report = simulation(resilient()).explore("work", &4u32).every_fault().report();
    assert!(report.holds(), "{report}");
    let judged: Vec<&String> = report.parts()[1].tally.judged.keys().collect();
    assert_eq!(judged, ["completes", "ledgers", "no_leftovers", "progress", "replays", "reported", "same_result"]);
}

/// Rows of a table, by what they are: a number, or the attempt that wrote it as well.
struct Table {
    rows: Ledger<(u32, u32)>,
    by_attempt: bool,
}

impl Table {
    fn write(&self, row: u32, attempt: u32) {
        self.rows.record((row, if self.by_attempt { attempt } else { 0 }));
    }
}

/// Loses a row if it is resumed: the checkpoint goes before the work.
async fn loses(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
    let table = durasim::state::<Table>();
    for row in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..count {
        step(ctx, row + 1).await?;
        durasim::time::sleep(Duration::from_secs(1)).await;
        table.write(row, ctx.get_info().attempt);
    }
    Ok(count)
}

async fn keeps(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
    let table = durasim::state::<Table>();
    for row in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..count {
        table.write(row, ctx.get_info().attempt);
        step(ctx, row + 1).await?;
    }
    Ok(count)
}

fn writing(steps: impl ActivityFn<u32, u32>, by_attempt: bool) -> Simulation {
    let work = async |ctx: &WorkflowContext, count: u32| -> Result<u32, WorkflowError> {
        ctx.execute_activity("steps", &count, resilient()).await
    };
    let table = move || Table { rows: Ledger::named("rows"), by_attempt };
    Simulation::temporal().activity("steps", steps).workflow("work", work).state(table)
}

#[test]
fn a_lost_effect_is_found_in_any_ledger_of_a_state() {
    let explored = |simulation: Simulation| simulation.explore("work", &4u32).every_fault();
    let report = explored(writing(loses, false)).report();
    let failed = first(&report);
    assert_eq!((failed.check.as_str(), failed.violation.kind.as_str()), ("ledgers", "lost"), "{}", failed.text);
    let text = unfolded(&failed.text);
    assert!(text.contains("the effect (0, 0) of the ledger `rows` is lost"), "{}", failed.text);
    assert!(text.contains("`.without(\"ledgers\")`"), "{}", failed.text);
    // Keys that differ from run to run say nothing.
    holds(explored(writing(keeps, true)));
    holds(explored(writing(keeps, false)));
    holds(explored(writing(loses, false)).without("ledgers"));
}

#[test]
fn a_ledger_that_effects_judges_is_theirs() {
    let all_ends = check::effects(|table: &Table| &table.rows).outcomes(|_| true).may_be_new();
    let lenient = all_ends.normalize(|key: &mut (u32, u32)| *key = (0, 0));
    let report = writing(loses, false).explore("work", &4u32).every_fault().check(lenient).report();
    assert!(report.failures().iter().all(|failed| failed.check != "ledgers"), "{report}");
}

#[test]
fn a_ledger_that_no_state_makes_is_not_judged() {
    // Made when it is first asked for.
    let table = || Table { rows: Ledger::new(), by_attempt: false };
    let made_later = async move |ctx: &ActivityContext, count: u32| -> Result<u32, ActivityError> {
        let table = table();
        for row in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..count {
            step(ctx, row + 1).await?;
            table.write(row, 0);
        }
        Ok(count)
    };
    let report = explored(made_later).report();
    assert!(report.holds(), "{report}");
    assert!(report.to_string().contains("ledgers in 0"), "{report}");
}

#[test]
fn a_ledger_is_known_by_its_name_and_one_that_is_dropped_is_none() {
    // Half of the runs make them in the other order; one more is made for nothing.
    #[derive(Default)]
    struct Two {
        left: Ledger<&'static str>,
        right: Ledger<&'static str>,
        calls: Cell<u32>,
    }
    let two = || {
        let (left, right) = if durasim::random().is_multiple_of(2) {
            let left = Ledger::named("left");
            (left, Ledger::named("right"))
        } else {
            let right = Ledger::named("right");
            (Ledger::named("left"), right)
        };
        Two { left, right: right.clone(), ..Default::default() }
    };
    let act = async |_: &ActivityContext, count: u32| -> Result<u32, ActivityError> {
        durasim::time::sleep(Duration::from_secs(5)).await;
        let two = durasim::state::<Two>();
        two.calls.set(two.calls.get() + 1);
        two.left.record("l");
        two.right.record("r");
        Ok(count)
    };
    let work = async |ctx: &WorkflowContext, count: u32| -> Result<u32, WorkflowError> {
        ctx.execute_activity("act", &count, resilient()).await
    };
    let simulation = Simulation::temporal().activity("act", act).workflow("work", work).state(two);
    let report = simulation.explore("work", &4u32).every_fault().seeds(0..100).report();
    assert!(report.holds(), "{report}");
    assert!(report.parts()[1].tally.judged["ledgers"] > 10, "{report}");
    assert!(report.suggestions().iter().all(|line| !line.contains("kept_or_undone")), "{report}");
}
