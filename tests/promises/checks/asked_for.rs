//! Checks that say more than the standard ones, and that a report suggests.

use std::cell::Cell;
use std::time::Duration;

use durasim::explore::Report;
use durasim::fault::Plan;
use durasim::{
    ActivityContext, ActivityError, ActivityFn, ActivityOptions, Exploration, Ledger, RetryPolicy, Run, RunError,
    Simulation, WorkflowContext, WorkflowError, WorkflowFn, check,
};

use durasim::program::CancellationType;

use super::{holds, violates};
use crate::snapshot::unfolded;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn options() -> ActivityOptions {
    ActivityOptions {
        start_to_close_timeout: seconds(1_800),
        retry_policy: Some(RetryPolicy { maximum_attempts: 4, ..Default::default() }),
        ..Default::default()
    }
}

fn one(options: ActivityOptions, job: impl ActivityFn<(), ()>) -> Exploration {
    let main = async move |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
        ctx.execute_activity("job", &(), options.clone()).await
    };
    Simulation::temporal().activity("job", job).workflow("main", main).explore("main", &()).every_fault()
}

async fn silent(_: &ActivityContext, (): ()) -> Result<(), ActivityError> {
    durasim::time::sleep(seconds(60)).await;
    Ok(())
}

async fn beats(ctx: &ActivityContext, (): ()) -> Result<(), ActivityError> {
    for _ in 0..12 {
        durasim::time::sleep(seconds(5)).await;
        ctx.heartbeat(&())?;
        if ctx.is_cancelled() {
            return Err(ActivityError::Cancelled);
        }
    }
    Ok(())
}

pub(super) fn heartbeating() -> ActivityOptions {
    ActivityOptions { heartbeat_timeout: seconds(20), ..options() }
}

#[test]
fn an_attempt_that_never_hears_of_a_cancel_works_for_nobody() {
    // The workflow is over at once, and the attempt works on.
    let cancel = || check::hears_cancel(seconds(25));
    violates(one(options(), silent).check(cancel()), "hears_cancel", "works for nobody");
    violates(one(options(), silent).check(cancel().of("job")), "hears_cancel", "works for nobody");
    holds(one(heartbeating(), beats).check(cancel()));
    holds(one(options(), silent).check(check::hears_cancel(seconds(60))));
    let waits = ActivityOptions { cancellation_type: CancellationType::WaitCancellationCompleted, ..options() };
    violates(one(waits, silent).check(cancel()), "hears_cancel", "works for nobody");
}

#[test]
fn a_dead_worker_that_is_noticed_after_half_an_hour_is_found() {
    let within = |time: u64| check::recovers_within(seconds(time));
    violates(one(options(), silent).check(within(120)), "recovers_within", "recovers late");
    holds(one(heartbeating(), beats).check(within(120)));
    holds(one(options(), silent).check(within(3_600)));
    // A stall is over when it is over.
    let report = one(heartbeating(), beats).check(within(5)).replay(&"job#1@1:await2=stall(300s)".parse().unwrap());
    assert!(report.holds(), "{report}");
    let report = one(heartbeating(), beats).check(within(5)).replay(&"job#1@1:await2=crash".parse().unwrap());
    let text = unfolded(&report.failures()[0].text);
    assert!(text.contains("its heartbeat timeout notices it"), "{text}");
}

/// Both activities in turn: `job` with these options, then `beats`, of which the service hears.
fn two(options: ActivityOptions) -> Exploration {
    let main = async move |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
        ctx.execute_activity::<()>("job", &(), options.clone()).await?;
        ctx.execute_activity("beats", &(), heartbeating()).await
    };
    let simulation = Simulation::temporal().activity("job", silent).activity("beats", beats).workflow("main", main);
    simulation.explore("main", &()).every_fault()
}

#[test]
fn recovery_is_judged_of_the_activity_that_is_named() {
    let within = || check::recovers_within(seconds(120));
    violates(two(options()).check(within().of("job")), "recovers_within", "recovers late");
    holds(two(options()).check(within().of("beats")));
}

#[test]
fn an_effect_after_the_end_of_an_attempt_is_a_leftover_where_that_is_asked() {
    let leaves = |later: u64| {
        async move |_: &ActivityContext, (): ()| -> Result<(), ActivityError> {
            drop(durasim::task::spawn(async move {
                durasim::time::sleep(seconds(later)).await;
                let _ = durasim::effect("warm", || ());
            }));
            durasim::time::sleep(seconds(5)).await;
            Ok(())
        }
    };
    // The workflow goes on for a while, so that the task comes to its effect.
    let explored = |later: u64| {
        let main = async |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
            ctx.execute_activity::<()>("job", &(), options()).await?;
            ctx.sleep(seconds(60)).await
        };
        Simulation::temporal().activity("job", leaves(later)).workflow("main", main).explore("main", &()).every_fault()
    };
    let report = explored(20).check(check::no_leftovers()).report();
    let failed = report.failures().first().unwrap_or_else(|| panic!("{report}"));
    assert_eq!((&*failed.check, &*failed.violation.kind), ("no_leftovers", "goes on"), "{}", failed.text);
    let message = "attempt 1 of job has ended, and a task that it left behind does an effect";
    assert_eq!(failed.violation.message, message);
    // At the very end is not after it.
    let report = explored(5).check(check::no_leftovers()).replay(&Plan::none());
    assert!(report.holds(), "{report}");
    // Unasked, a task may live as long as its process.
    holds(explored(20));
}

#[derive(Default)]
struct Hotel {
    booked: Ledger<&'static str>,
    undone: Ledger<&'static str>,
    is_over: Cell<bool>,
}

async fn book(_: &ActivityContext, room: String) -> Result<(), ActivityError> {
    durasim::time::sleep(seconds(5)).await;
    let hotel = durasim::state::<Hotel>();
    let room = if room == "single" { "single" } else { "double" };
    // An attempt that was given up may come after the undo.
    if hotel.is_over.get() {
        return Err(ActivityError::non_retryable("the trip is called off"));
    }
    // An idempotency key: the same room is booked once.
    if hotel.booked.count(&room) == 0 {
        hotel.booked.record(room);
    }
    Ok(())
}

async fn undo(_: &ActivityContext, (): ()) -> Result<(), ActivityError> {
    let hotel = durasim::state::<Hotel>();
    hotel.is_over.set(true);
    for room in ["single", "double"] {
        if hotel.booked.count(&room) > hotel.undone.count(&room) {
            hotel.undone.record(room);
        }
    }
    Ok(())
}

fn saga(main: impl WorkflowFn<(), ()>) -> Exploration {
    let simulation = Simulation::temporal().activity("book", book).activity("undo", undo).workflow("main", main);
    simulation.state(Hotel::default).explore("main", &()).every_fault()
}

async fn booking(
    ctx: &WorkflowContext,
    scope: impl Fn(&WorkflowContext) -> WorkflowContext,
) -> Result<(), WorkflowError> {
    let options = || ActivityOptions {
        start_to_close_timeout: seconds(30),
        cancellation_type: CancellationType::WaitCancellationCompleted,
        ..options()
    };
    for room in ["single", "double"] {
        let booked: Result<(), WorkflowError> = ctx.execute_activity("book", &room, options()).await;
        if let Err(error) = booked {
            let _ = scope(ctx).execute_activity::<()>("undo", &(), options()).await;
            return Err(error);
        }
    }
    Ok(())
}

fn kept_or_undone() -> impl check::Check {
    check::kept_or_undone(|hotel: &Hotel| &hotel.booked, |hotel: &Hotel| &hotel.undone)
}

#[test]
fn a_compensation_in_the_cancelled_scope_never_runs() {
    let detached = async |ctx: &WorkflowContext, (): ()| booking(ctx, WorkflowContext::detached).await;
    let cancelled = async |ctx: &WorkflowContext, (): ()| booking(ctx, Clone::clone).await;
    violates(saga(cancelled).check(kept_or_undone()), "kept_or_undone", "not undone");
    holds(saga(detached).every_pair().budget(2_000).check(kept_or_undone()));
}

#[test]
fn a_branch_that_no_run_takes_is_an_error() {
    let detached = async |ctx: &WorkflowContext, (): ()| booking(ctx, WorkflowContext::detached).await;
    let undoes = || check::sometimes("a booking is undone", |run: &Run| !run.state::<Hotel>().undone.is_empty());
    let report = saga(detached).check(undoes()).report();
    assert!(report.holds(), "{report}");
    assert!(report.to_string().contains("sometimes: a booking is undone in "), "{report}");
    let refused = |report: &Report| {
        let error = report.error().expect("an error").to_string();
        assert!(error.contains("`sometimes: never`: none of the"), "{error}");
        assert!(!report.holds());
    };
    refused(&saga(detached).check(check::sometimes("never", |_| false)).report());
    refused(&one(options(), silent).inputs([()]).check(check::sometimes("never", |_| false)).report());
    let twice = || check::sometimes("never", |_| true);
    let error = saga(detached).check(twice()).check(twice()).report().error().expect("an error").to_string();
    assert!(error.contains("two checks are called `sometimes: never`"), "{error}");
    // One that panics fails.
    let report = saga(detached).check(check::sometimes("unwraps", |_| panic!("no run"))).report();
    assert!(report.failures().first().is_some_and(|failed| failed.check == "sometimes: unwraps"), "{report}");
    // One plan says nothing of all runs.
    let one_plan = saga(detached).check(check::sometimes("never", |_| false));
    assert!(one_plan.replay(&"book#1@1:await1=crash".parse().unwrap()).holds());
}

/// Does each row, then records it; `behind` is the number of rows by which its checkpoint is behind on purpose.
fn copies(behind: u32) -> Exploration {
    let copy = async move |ctx: &ActivityContext, (): ()| -> Result<(), ActivityError> {
        let table = durasim::state::<Table>();
        for row in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..6 {
            durasim::time::sleep(seconds(5)).await;
            table.rows.record(row);
            ctx.heartbeat(&(row + 1).saturating_sub(behind))?;
        }
        Ok(())
    };
    let main = async move |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
        ctx.execute_activity("job", &(), heartbeating()).await
    };
    let simulation = Simulation::temporal().activity("job", copy).workflow("main", main).state(Table::default);
    simulation.explore("main", &()).every_fault()
}

#[derive(Default)]
struct Table {
    rows: Ledger<u32>,
}

#[test]
fn an_effect_that_the_checkpoint_covers_is_not_done_again() {
    let rows = || check::effects(|table: &Table| &table.rows).not_redone("job");
    holds(copies(0).check(rows()));
    violates(copies(2).check(rows()), "effects", "redone");
    // Unasked, the report has the figure.
    let report = copies(2).report();
    assert!(report.holds(), "{report}");
    assert!(report.to_string().contains("resumes do up to 2 effects again that their checkpoint covers"), "{report}");
    assert!(!copies(0).report().to_string().contains("again that their checkpoint"));
}

#[test]
fn a_fake_says_what_must_not_be() {
    let pays = async |ctx: &ActivityContext, (): ()| -> Result<(), ActivityError> {
        durasim::time::sleep(seconds(5)).await;
        let attempt = ctx.get_info().attempt;
        if attempt > 1 {
            durasim::violation(format!("paid {attempt} times"));
        }
        Ok(())
    };
    let report = one(options(), pays).report();
    let failed = &report.failures()[0];
    assert_eq!((failed.check.as_str(), failed.plan.entries.len()), ("violation", 1), "{}", failed.text);
    assert_eq!(report.failures().len(), 1, "numbers make no other failure: {report}");
    let text = unfolded(&failed.text);
    assert!(text.contains("a fake saw what must not be: paid 2 times"), "{text}");
    assert!(text.contains("`durasim::violation` at "), "{text}");
    // Each rule that a run breaks is a failure, though another is broken first.
    let both = async |ctx: &ActivityContext, (): ()| -> Result<(), ActivityError> {
        durasim::time::sleep(seconds(5)).await;
        let attempt = ctx.get_info().attempt;
        if attempt > 1 {
            durasim::violation(format!("paid {attempt} times"));
            durasim::violation(format!("sent {attempt} times"));
        }
        Ok(())
    };
    let report = one(options(), both).report();
    let messages = Vec::from_iter(report.failures().iter().map(|failed| failed.violation.kind.as_str()));
    assert_eq!(messages, ["paid  times", "sent  times"], "{report}");
    let main = async |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
        ctx.execute_activity("job", &(), options()).await
    };
    let simulation = Simulation::temporal().activity("job", pays).workflow("main", main);
    assert!(simulation.run("main", &()).is_ok());
    let plan = "job#1@1:await1=fail".parse().unwrap();
    let error = simulation.plan(plan).run("main", &()).expect_err("a fake saw it");
    assert!(matches!(error, RunError::Violated { .. }) && error.to_string().contains("paid 2 times"), "{error}");
}

#[test]
fn a_report_suggests_checks() {
    let report = one(options(), silent).report();
    assert_eq!(
        report.suggestions(),
        [
            "job: a dead worker is noticed after 1800s; `check::recovers_within(..)` judges that",
            "job: it records no heartbeat, so it never hears of a cancel; `check::hears_cancel(..)` judges that",
        ]
    );
    assert!(report.to_string().contains("  suggested: job: a dead worker"), "{report}");
    let asked =
        one(options(), silent).check(check::recovers_within(seconds(3_600))).check(check::hears_cancel(seconds(60)));
    assert!(asked.report().suggestions().is_empty());
    // A check of another activity does not judge this one.
    let of_another = two(options()).check(check::recovers_within(seconds(3_600)).of("beats"));
    let of_another = of_another.check(check::hears_cancel(seconds(3_600)).of("beats")).report();
    assert_eq!(of_another.suggestions(), report.suggestions(), "{of_another}");
    // One of two calls waits for long.
    let main = async |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
        ctx.execute_activity::<()>("job", &(), heartbeating()).await?;
        ctx.execute_activity("job", &(), options()).await
    };
    let calls = Simulation::temporal().activity("job", beats).workflow("main", main).explore("main", &());
    let late = "job: a dead worker is noticed after 1800s; `check::recovers_within(..)` judges that";
    assert_eq!(calls.every_fault().report().suggestions(), [late]);
    assert!(one(heartbeating(), beats).report().suggestions().is_empty());
    let rows = copies(0).report();
    assert_eq!(
        rows.suggestions(),
        ["job: it records checkpoints; `check::progress(\"job\", ..)` judges that none is behind the one before"]
    );
    let detached = async |ctx: &WorkflowContext, (): ()| booking(ctx, WorkflowContext::detached).await;
    let saga = saga(detached).report();
    assert!(saga.suggestions().iter().any(|line| line.contains("kept_or_undone")), "{saga}");
}
