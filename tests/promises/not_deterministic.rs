//! Code that takes another way when it runs again is told, with the first event that differs.

use std::cell::Cell;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crate::snapshot::unfolded;
use durasim::explore::Report;
use durasim::fault::Order;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Run, Simulation, WorkflowContext, WorkflowError, check,
};

fn options() -> ActivityOptions {
    ActivityOptions { start_to_close_timeout: Duration::from_secs(60), ..Default::default() }
}

async fn send(_ctx: &ActivityContext, to: String) -> Result<String, ActivityError> {
    durasim::time::sleep(Duration::from_secs(1)).await;
    Ok(to)
}

/// Bug 14: the order of a `HashMap` is the order of the activities.
async fn newsletter(ctx: &WorkflowContext, sorted: bool) -> Result<(), WorkflowError> {
    let addresses: HashMap<String, u32> = (0..40).map(|number| (format!("reader {number}"), number)).collect();
    let mut names: Vec<String> = addresses.into_keys().collect();
    if sorted {
        names.sort();
    }
    for name in names {
        SENT.store(line!() + 1, Ordering::Relaxed);
        let _: String = ctx.execute_activity("send", &name, options()).await?;
    }
    Ok(())
}

/// The line of its call.
static SENT: AtomicU32 = AtomicU32::new(0);

fn simulation() -> Simulation {
    Simulation::temporal().activity("send", send).workflow("newsletter", newsletter)
}

#[test]
fn the_order_of_a_hash_map_is_told() {
    let report =
        simulation().explore("newsletter", &false).without("replays").seeds(0..4).check(check::same_result()).report();
    let failed = &report.failures()[0];
    assert_eq!(failed.check, "deterministic");
    assert!(failed.plan.is_empty(), "no fault is needed: {}", failed.plan);
    let (expected, found) = (failed.violation.expected.as_deref(), failed.violation.found.as_deref());
    assert_ne!(expected, found);
    assert!(expected.is_some_and(|text| text.contains("scheduled: \"reader")), "{}", failed.text);
    // The run that is repeated, at least: the first one's names come in another order each time.
    let place = format!("the last call was `ctx.execute_activity` at {}:{}", file!(), SENT.load(Ordering::Relaxed));
    assert!(failed.places.iter().any(|words| words.contains(&place)), "{place}\n{}", failed.text);
    assert!(unfolded(&failed.text).contains(&place), "{place}\n{}", failed.text);
}

#[test]
fn its_twin_is_silent() {
    simulation().explore("newsletter", &true).seeds(0..40).check(check::same_result()).assert();
}

/// A failing run that goes another way when it runs again is not shrunk to a plan that means nothing.
#[test]
fn a_failure_that_comes_and_goes_is_told_as_that() {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    async fn flaky(_ctx: &ActivityContext, (): ()) -> Result<u32, ActivityError> {
        // Not among the first runs, which are all repeated. Some of these attempts are ended before they return.
        let failing = (50..58).contains(&RUNS.fetch_add(1, Ordering::Relaxed));
        durasim::time::sleep(Duration::from_secs(1)).await;
        Ok(u32::from(failing))
    }
    let report = Simulation::temporal()
        .activity("flaky", flaky)
        .workflow("naps", async |ctx: &WorkflowContext, (): ()| {
            ctx.execute_activity::<u32>("flaky", &(), options()).await
        })
        .explore("naps", &())
        .seeds(0..100)
        // The count is the same in every test run.
        .threads(1)
        .check(check::same_result())
        .report();
    let [failed] = report.failures() else { panic!("{report}") };
    assert_eq!((failed.check.as_str(), failed.is_smallest), ("deterministic", false), "{}", failed.text);
    let (expected, found) = (failed.violation.expected.as_deref(), failed.violation.found.as_deref());
    assert!(expected.is_some_and(|text| text.ends_with("returned: 1")), "{}", failed.text);
    assert!(found.is_some_and(|text| text.ends_with("returned: 0")), "{}", failed.text);
}

/// A value that a run leaves in a global is found by the next run. The repeat has another run before it.
#[test]
fn what_the_run_before_left_behind_is_told() {
    static RETRIED: AtomicBool = AtomicBool::new(false);
    async fn remembers(ctx: &ActivityContext, (): ()) -> Result<(), ActivityError> {
        let after_a_retry = RETRIED.swap(ctx.get_info().attempt > 1, Ordering::Relaxed);
        durasim::time::sleep(Duration::from_secs(if after_a_retry { 2 } else { 1 })).await;
        Ok(())
    }
    let report = Simulation::temporal()
        .activity("remembers", remembers)
        .workflow("naps", async |ctx: &WorkflowContext, (): ()| {
            ctx.execute_activity::<()>("remembers", &(), options()).await
        })
        .explore("naps", &())
        .every_fault()
        .check(check::same_result())
        .report();
    let [failed] = report.failures() else { panic!("{report}") };
    assert_eq!(failed.check, "deterministic", "{}", failed.text);
}

/// A checkpoint in a static would be lost with its process.
#[test]
fn a_static_that_survives_a_crash_is_told() {
    static DONE: AtomicU64 = AtomicU64::new(0);
    async fn copies(_: &ActivityContext, rows: u64) -> Result<u64, ActivityError> {
        while DONE.load(Ordering::Relaxed) < rows {
            durasim::time::sleep(Duration::from_secs(5)).await;
            DONE.fetch_add(1, Ordering::Relaxed);
        }
        // It is reset by whoever completes, so that every run without faults is alike.
        Ok(DONE.swap(0, Ordering::Relaxed))
    }
    let report = Simulation::temporal()
        .activity("copies", copies)
        .workflow("copying", async |ctx: &WorkflowContext, rows: u64| {
            ctx.execute_activity::<u64>("copies", &rows, options()).await
        })
        .explore("copying", &4u64)
        .seeds(0..40)
        .threads(1)
        .check(check::same_result())
        .report();
    assert!(!report.holds(), "{report}");
}

/// The branches of an unbiased `select!` that are ready at once are drawn from outside the run.
#[test]
fn an_unbiased_select_is_told_where_two_branches_are_ready_at_once() {
    static SELECT: AtomicU32 = AtomicU32::new(0);
    async fn racy(ctx: &ActivityContext, (): ()) -> Result<u32, ActivityError> {
        for chunk in 0..3u32 {
            SELECT.store(line!() + 1, Ordering::Relaxed);
            tokio::select! {
                () = durasim::time::sleep(Duration::from_millis(700)) => {}
                () = durasim::time::sleep(Duration::from_secs(30)) => return Err(ActivityError::retryable("too long")),
            }
            ctx.heartbeat(&chunk)?;
        }
        Ok(3)
    }
    async fn biased(ctx: &ActivityContext, (): ()) -> Result<u32, ActivityError> {
        for chunk in 0..3u32 {
            tokio::select! {
                biased;
                () = durasim::time::sleep(Duration::from_millis(700)) => {}
                () = durasim::time::sleep(Duration::from_secs(30)) => return Err(ActivityError::retryable("too long")),
            }
            ctx.heartbeat(&chunk)?;
        }
        Ok(3)
    }
    let explored = |simulation: Simulation| {
        let main = async |ctx: &WorkflowContext, (): ()| {
            let options = ActivityOptions { heartbeat_timeout: Duration::from_secs(60), ..options() };
            let options = ActivityOptions { start_to_close_timeout: Duration::from_secs(600), ..options };
            ctx.execute_activity::<u32>("a", &(), options).await
        };
        simulation
            .workflow("w", main)
            .explore("w", &())
            .without_standard_checks()
            .every_fault()
            .seeds(0..500)
            .check(check::same_result())
            .report()
    };
    let report = explored(Simulation::temporal().activity("a", racy));
    let [failed] = report.failures() else { panic!("{report}") };
    assert_eq!(failed.check, "deterministic", "{}", failed.text);
    assert!(failed.violation.message.contains("so say `biased;`"), "{}", failed.text);
    let place =
        format!("its last await that finished stands at {}:{}: if it waits", file!(), SELECT.load(Ordering::Relaxed));
    assert!(failed.violation.message.contains(&place), "{place}\n{}", failed.text);
    let report = explored(Simulation::temporal().activity("a", biased));
    assert!(report.holds(), "{report}");
}

/// Runs of each part are made again, so that a difference is found that only some of them have.
#[test]
fn each_part_has_a_sample_that_is_made_again() {
    static RETRIES: AtomicU64 = AtomicU64::new(0);
    async fn counts_retries(ctx: &ActivityContext, (): ()) -> Result<(), ActivityError> {
        durasim::time::sleep(Duration::from_secs(1)).await;
        if ctx.get_info().attempt > 2 {
            durasim::time::sleep(Duration::from_millis(RETRIES.fetch_add(1, Ordering::Relaxed))).await;
        }
        Ok(())
    }
    let report = Simulation::temporal()
        .activity("counts_retries", counts_retries)
        .workflow("naps", async |ctx: &WorkflowContext, (): ()| {
            ctx.execute_activity::<()>("counts_retries", &(), options()).await
        })
        .explore("naps", &())
        .every_fault()
        .every_pair()
        .check(check::same_result())
        .report();
    let [failed] = report.failures() else { panic!("{report}") };
    assert_eq!(failed.check, "deterministic", "{}", failed.text);
    assert_eq!(report.parts()[1].tally.failed, 0, "one fault alone leads to no third attempt: {report}");
    assert!(report.parts()[2].tally.failed > 0, "{report}");
}

/// Traces of runs with faults show in the run without faults, made once more.
#[test]
fn the_run_without_faults_is_made_again_at_the_end() {
    static CRASHED: AtomicBool = AtomicBool::new(false);
    async fn remembers(ctx: &ActivityContext, (): ()) -> Result<bool, ActivityError> {
        durasim::time::sleep(Duration::from_secs(1)).await;
        if ctx.get_info().attempt > 2 {
            CRASHED.store(true, Ordering::Relaxed);
        }
        Ok(CRASHED.load(Ordering::Relaxed))
    }
    let report = Simulation::temporal()
        .activity("remembers", remembers)
        .workflow("naps", async |ctx: &WorkflowContext, (): ()| {
            ctx.execute_activity::<bool>("remembers", &(), options()).await
        })
        .explore("naps", &())
        .seeds(0..400)
        .threads(1)
        .without_standard_checks()
        .check(check::named("anything", |_: &Run| {}))
        .report();
    let [failed] = report.failures() else { panic!("{report}") };
    assert_eq!(failed.check, "deterministic", "{}", failed.text);
    assert!(failed.violation.message.contains("a captured value survived a crash"), "{}", failed.text);
}

thread_local! {
    static RUNS: Cell<u64> = const { Cell::new(0) };
}

#[test]
fn a_global_is_told_even_if_the_result_stays_the_same() {
    static NAP: AtomicU32 = AtomicU32::new(0);
    async fn nap(_ctx: &ActivityContext, (): ()) -> Result<(), ActivityError> {
        let runs = RUNS.replace(RUNS.get() + 1);
        NAP.store(line!() + 1, Ordering::Relaxed);
        durasim::time::sleep(Duration::from_secs(1 + runs % 7)).await;
        Ok(())
    }
    async fn naps(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
        ctx.execute_activity("nap", &(), options()).await
    }
    RUNS.set(3);
    let explore =
        || Simulation::temporal().activity("nap", nap).workflow("naps", naps).explore("naps", &()).seeds(0..4);
    let report = explore().check(check::same_result()).report();
    let failed = &report.failures()[0];
    assert_eq!(failed.check, "deterministic", "{report}");
    let place = format!("the last call was `durasim::time::sleep` at {}:{}", file!(), NAP.load(Ordering::Relaxed));
    assert!(unfolded(&failed.text).contains(&place), "{place}\n{}", failed.text);
    let report = explore().without_repeats().check(check::same_result()).report();
    assert!(report.holds(), "{report}");
}

/// A failure that is known already may still be one that comes and goes.
#[test]
fn each_run_that_fails_is_run_again() {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    async fn fails_again(ctx: &ActivityContext, (): ()) -> Result<u32, ActivityError> {
        // Retries that begin late say something else each time.
        if ctx.get_info().attempt > 1 {
            let call = if ctx.has_heartbeat_details() { CALLS.fetch_add(1, Ordering::Relaxed) } else { 0 };
            return Err(ActivityError::non_retryable(format!("call {call}")));
        }
        for _ in 0..3 {
            durasim::time::sleep(Duration::from_secs(20)).await;
        }
        ctx.heartbeat(&1)?;
        durasim::time::sleep(Duration::from_secs(1)).await;
        Ok(1)
    }
    let options = || ActivityOptions { start_to_close_timeout: Duration::from_secs(90), ..Default::default() };
    let exploration = Simulation::temporal()
        .activity("fails_again", fails_again)
        .workflow("naps", async move |ctx: &WorkflowContext, (): ()| {
            ctx.execute_activity::<u32>("fails_again", &(), options()).await
        })
        .explore("naps", &())
        .without_standard_checks()
        .every_fault()
        .check(check::same_result());
    let checks =
        |report: Report| -> Vec<String> { report.failures().iter().map(|failed| failed.check.clone()).collect() };
    assert_eq!(checks(exploration.clone().report()), ["same_result", "deterministic"]);
    assert_eq!(checks(exploration.without_repeats().report()), ["same_result"]);
}

/// A check of the user's may have the name of one that durasim had, or of no other: it is shrunk and kept as any other.
#[test]
fn a_check_of_ones_own_with_that_name_is_shrunk_and_kept() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("names_of_ones_own.regressions");
    std::fs::write(&file, "").expect("a file can be made");
    for name in ["ends well", "mine"] {
        let struck = |run: &Run| if run.plan().is_empty() { Ok(()) } else { Err("a fault struck") };
        let exploration =
            simulation().explore("newsletter", &true).seeds(0..40).regressions(&file).check(check::named(name, struck));
        let report = exploration.report();
        let [failed] = report.failures() else { panic!("{report}") };
        assert_eq!((failed.check.as_str(), failed.is_smallest), (name, true), "{report}");
        assert_eq!((failed.plan.entries.len(), failed.plan.seed, failed.plan.order), (1, 0, Order::Fifo), "{report}");
        let panic = std::panic::catch_unwind(AssertUnwindSafe(|| exploration.assert())).unwrap_err();
        let message = panic.downcast_ref::<String>().expect("a text");
        assert!(message.contains("DURASIM_REGRESSIONS=write"), "{message}");
    }
}

/// The places of both runs are told, in one line where they are the same.
#[test]
fn the_last_call_of_both_runs_is_told() {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    static LINES: [AtomicU32; 2] = [AtomicU32::new(0), AtomicU32::new(0)];
    async fn here_or_there(_: &ActivityContext, is_one_call: bool) -> Result<(), ActivityError> {
        let is_first = RUNS.fetch_add(1, Ordering::Relaxed).is_multiple_of(2);
        LINES[0].store(line!() + 2, Ordering::Relaxed);
        if is_one_call {
            durasim::time::sleep(Duration::from_secs(if is_first { 1 } else { 2 })).await;
        } else if is_first {
            durasim::time::sleep(Duration::from_secs(3)).await;
        } else {
            durasim::time::sleep(Duration::from_secs(4)).await;
        }
        LINES[1].store(line!() - 2, Ordering::Relaxed);
        Ok(())
    }
    let places = |is_one_call: bool| {
        RUNS.store(0, Ordering::Relaxed);
        let report = Simulation::temporal()
            .activity("naps", here_or_there)
            .workflow("main", async |ctx: &WorkflowContext, is_one_call: bool| {
                ctx.execute_activity::<()>("naps", &is_one_call, options()).await
            })
            .explore("main", &is_one_call)
            .every_fault()
            .check(check::same_result())
            .report();
        let failed = &report.failures()[0];
        assert_eq!(failed.check, "deterministic", "{}", failed.text);
        failed.places.clone()
    };
    let call = |line: u32| format!("the last call was `durasim::time::sleep` at {}:{line}", file!());
    let [one, there] = [&LINES[0], &LINES[1]].map(|line| move || line.load(Ordering::Relaxed));
    assert_eq!(places(true), [format!("in both runs {}", call(one()))]);
    let both = places(false);
    assert_eq!(
        both,
        [format!("in the first run {}", call(there() - 2)), format!("when it ran again, {}", call(there()))]
    );
}
