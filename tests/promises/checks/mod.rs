//! Each rule of the checks has code that breaks it, and is silent about code that only looks as if it did.

mod asked_for;
mod checkpoints;
mod cleaned_up;
mod completes;
mod counted;
mod declared;
mod effects_by_meaning;
mod ends;
mod excuses;
mod families;
mod heartbeats_in_time;
mod no_false_alarms;
mod offspring;
mod partial;
mod protected;
mod replays;
mod sagas;
mod stops_in_time;
mod ties;
mod unasked;
mod verdicts;
mod waiting;
mod words;

use std::time::Duration;

use durasim::check::{Budget, Class, Judged};
use durasim::fault::Plan;
use durasim::{
    ActivityContext, ActivityError, ActivityFn, ActivityOptions, ClientError, Exploration, Ledger, Outcome,
    RetryPolicy, Run, Simulation, WorkflowContext, check,
};

#[derive(Default)]
struct Target {
    rows: Ledger<u32>,
}

async fn write(row: u32) -> Result<(), ActivityError> {
    durasim::time::sleep(Duration::from_secs(5)).await;
    let target = durasim::state::<Target>();
    Ok(durasim::effect("write", || target.rows.record(row))?)
}

/// A workflow of one activity, `copy`, of six rows.
fn copying(copy: impl ActivityFn<u32, u32>) -> Simulation {
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(3_600),
        heartbeat_timeout: Duration::from_secs(30),
        retry_policy: Some(RetryPolicy { maximum_attempts: 5, ..Default::default() }),
        ..Default::default()
    };
    Simulation::temporal()
        .activity("move", async |_: &ActivityContext, (): ()| -> Result<(), ActivityError> { Ok(()) })
        .activity("copy", copy)
        .state(Target::default)
        .no_heartbeat_throttle()
        .workflow("copying", async move |ctx: &WorkflowContext, rows: u32| {
            ctx.execute_activity::<u32>("copy", &rows, options.clone()).await
        })
}

fn explore(copy: impl ActivityFn<u32, u32>) -> Exploration {
    copying(copy).explore("copying", &6u32).every_fault()
}

/// The check and the kind of the first violation.
#[track_caller]
fn violated(exploration: Exploration) -> (String, String) {
    let report = exploration.report();
    assert!(report.error().is_none(), "{report}");
    let failed = report.failures().first().expect("a violation");
    (failed.check.clone(), failed.violation.kind.clone())
}

#[track_caller]
fn violates(exploration: Exploration, check: &str, kind: &str) {
    assert_eq!(violated(exploration), (check.to_owned(), kind.to_owned()));
}

#[track_caller]
fn holds(exploration: Exploration) {
    let report = exploration.seeds(0..500).report();
    let text: Vec<&str> = report.failures().iter().map(|failed| failed.text.as_str()).collect();
    assert!(report.holds(), "{}\n{report}", text.join("\n"));
}

async fn resumes(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
    for row in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..rows {
        write(row).await?;
        ctx.heartbeat(&(row + 1))?;
    }
    Ok(rows)
}

#[test]
fn all_of_them_are_silent_about_code_that_resumes() {
    holds(
        explore(resumes)
            .check(check::same_result())
            .check(check::progress("copy", |done: &u32| *done).at_most(1))
            .check(
                check::effects(|target: &Target| &target.rows)
                    .repeats_at_most(4)
                    .covered_by("copy", |done: &u32, row: &u32| row < done),
            ),
    );
}

#[test]
fn progress_allows_an_attempt_to_fail_before_it_looks_at_its_details() {
    async fn looks_late(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
        durasim::time::sleep(Duration::from_secs(1)).await;
        resumes(ctx, rows).await
    }
    let progress = || check::progress("copy", |done: &u32| *done);
    holds(explore(looks_late).check(progress()));
    let plan: Plan = "copy#1@1:await4=crash; copy#1@2:await1=fail".parse().unwrap();
    let run = copying(looks_late).plan(plan).run("copying", &6u32).unwrap();
    let second = &run.activities()[0].attempts[1];
    assert!(second.details_at_start.is_some() && !second.details_read, "{}", run.timeline());
}

#[test]
fn progress_minds_a_checkpoint_that_is_erased_even_without_faults() {
    async fn erases(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
        resumes(ctx, rows - 1).await?;
        ctx.record_heartbeat(None);
        write(rows - 1).await?;
        Ok(rows)
    }
    violates(explore(erases).check(check::progress("copy", |done: &u32| *done)), "progress", "erased");
}

#[test]
fn progress_minds_a_checkpoint_that_goes_backwards() {
    async fn counts_down(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
        for left in (0..ctx.heartbeat_details::<u32>()?.unwrap_or(rows)).rev() {
            write(left).await?;
            ctx.heartbeat(&left)?;
        }
        Ok(rows)
    }
    violates(explore(counts_down).check(check::progress("copy", |left: &u32| *left)), "progress", "goes backwards");
    holds(explore(counts_down).check(check::progress("copy", |left: &u32| 6 - *left)));
}

#[test]
fn progress_minds_an_attempt_that_begins_behind_its_checkpoint() {
    async fn reads_and_forgets(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
        let _ = ctx.heartbeat_details::<u32>()?;
        for row in 0..rows {
            write(row).await?;
            ctx.heartbeat(&(row + 1))?;
        }
        Ok(rows)
    }
    let exploration = explore(reads_and_forgets).check(check::progress("copy", |done: &u32| *done));
    violates(exploration, "progress", "starts behind its checkpoint");
}

#[test]
fn progress_minds_details_that_do_not_decode() {
    let exploration = explore(resumes).check(check::progress("copy", |done: &String| done.len()));
    violates(exploration, "progress", "does not decode");
}

#[test]
fn progress_minds_too_much_work_without_a_heartbeat() {
    async fn every_third(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
        for row in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..rows {
            write(row).await?;
            if (row + 1).is_multiple_of(3) {
                ctx.heartbeat(&(row + 1))?;
            }
        }
        Ok(rows)
    }
    let progress = || check::progress("copy", |done: &u32| *done);
    violates(explore(every_third).check(progress().at_most(2)), "progress", "too much at risk");
    holds(explore(every_third).check(progress().at_most(3)));
}

/// Looks whether all rows are there before it looks at its details, which takes `look` effects and a second.
fn looks_at_the_rows(look: bool) -> impl ActivityFn<u32, u32> {
    async move |ctx: &ActivityContext, rows: u32| -> Result<u32, ActivityError> {
        let target = durasim::state::<Target>();
        durasim::time::sleep(Duration::from_secs(1)).await;
        if look {
            durasim::effect("look", || ())?;
        }
        if target.rows.len() == rows as usize { Ok(rows) } else { resumes(ctx, rows).await }
    }
}

#[test]
fn progress_allows_an_attempt_to_see_otherwise_that_all_is_done() {
    let progress = || check::progress("copy", |done: &u32| *done);
    holds(explore(looks_at_the_rows(false)).check(progress()));
    holds(explore(looks_at_the_rows(true)).check(progress()));
}

#[test]
fn progress_minds_an_attempt_that_does_all_of_it_again_without_a_heartbeat() {
    async fn heartbeats_once(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
        for row in 0..rows {
            write(row).await?;
            if ctx.get_info().attempt == 1 {
                ctx.heartbeat(&(row + 1))?;
            }
        }
        Ok(rows)
    }
    violates(
        explore(heartbeats_once).without_standard_checks().check(check::progress("copy", |done: &u32| *done)),
        "progress",
        "never read",
    );
}

#[test]
fn a_check_of_one_activity_says_nothing_of_another() {
    /// It begins anew, and swallows cancels.
    async fn begins_anew(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
        for row in 0..rows {
            durasim::time::sleep(Duration::from_secs(5)).await;
            ctx.heartbeat(&(row + 1))?;
        }
        Ok(rows)
    }
    async fn succeeds_never_again(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
        durasim::time::sleep(Duration::from_secs(5)).await;
        if ctx.get_info().attempt > 1 { Err(ActivityError::retryable("the input is gone")) } else { Ok(rows) }
    }
    let options = || ActivityOptions {
        start_to_close_timeout: Duration::from_secs(600),
        heartbeat_timeout: Duration::from_secs(30),
        retry_policy: Some(RetryPolicy { maximum_attempts: 3, ..Default::default() }),
        ..Default::default()
    };
    let main = async move |ctx: &WorkflowContext, rows: u32| {
        for activity in ["sound", "begins_anew", "succeeds_never_again"] {
            ctx.execute_activity::<u32>(activity, &rows, options()).await?;
        }
        Ok(rows)
    };
    let simulation = Simulation::temporal()
        .activity("sound", resumes)
        .activity("begins_anew", begins_anew)
        .activity("succeeds_never_again", succeeds_never_again)
        .state(Target::default)
        .no_heartbeat_throttle()
        .workflow("main", main);
    let all = || simulation.explore("main", &4u32).without_standard_checks().every_fault();
    let progress = |activity: &str| check::progress(activity, |done: &u32| *done);
    let stops = |activity: &str| check::stops_in_time(Duration::from_secs(6)).of(activity);
    holds(all().check(progress("sound")).check(check::completes().of("sound")));
    violates(all().check(progress("begins_anew")), "progress", "never read");
    violates(all().check(check::completes().of("succeeds_never_again")), "completes", "a retry fails");
    violates(all().check(stops("begins_anew")), "stops_in_time", "told to stop");
}

#[test]
fn effects_mind_repeats_beyond_the_bound() {
    let effects = || check::effects(|target: &Target| &target.rows);
    violates(explore(resumes).check(effects().repeats_at_most(0)), "effects", "repeated");
    holds(explore(resumes).check(effects()));
}

#[test]
fn effects_mind_what_only_a_retry_does() {
    async fn one_more(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
        if ctx.get_info().attempt > 1 {
            write(100).await?;
        }
        resumes(ctx, rows).await
    }
    violates(explore(one_more).check(check::effects(|target: &Target| &target.rows)), "effects", "invented");
}

#[test]
fn effects_mind_details_that_do_not_decode() {
    let effects = check::effects(|target: &Target| &target.rows).covered_by("copy", |_: &String, _: &u32| false);
    violates(explore(resumes).check(effects), "effects", "does not decode");
}

#[test]
fn same_result_compares_what_is_left_after_normalizing() {
    async fn counts_attempts(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
        Ok(resumes(ctx, rows).await? * 100 + ctx.get_info().attempt)
    }
    violates(explore(counts_attempts).check(check::same_result()), "same_result", "different result");
    holds(explore(counts_attempts).check(check::same_result().normalize(|result: &mut u32| *result /= 100)));
    let (without_attempt, as_it_is) = (|result: &mut u32| *result /= 100, |_: &mut u32| ());
    holds(explore(counts_attempts).check(check::same_result().normalize(without_attempt).normalize(as_it_is)));
    holds(explore(counts_attempts).check(check::same_result().normalize(as_it_is).normalize(without_attempt)));
}

#[test]
fn a_check_of_ones_own_asserts_or_returns_a_result() {
    let attempts = |run: &Run| run.activities()[0].attempts.len();
    let asserts = check::named("one attempt", move |run: &Run| assert!(attempts(run) < 2, "more than one attempt"));
    violates(explore(resumes).check(asserts), "one attempt", "assertion");
    let returns = check::named(
        "one attempt",
        move |run: &Run| {
            if attempts(run) < 2 { Ok(()) } else { Err("more than one attempt") }
        },
    );
    violates(explore(resumes).check(returns), "one attempt", "custom");
}

#[test]
fn a_check_of_ones_own_can_ask_what_the_run_is_counted_as() {
    let counted = |expected: Class| {
        let check = check::judged("counted", move |judged: &Judged<'_>| {
            assert!(matches!(judged.reference().outcome(), Outcome::Closed(_)));
            let attempts = judged.run().activities()[0].attempts.len();
            assert!(judged.class() != expected, "{attempts}");
        });
        explore(resumes).every_pair().budget(500).seeds(0..200).over_budget(1.0).check(check)
    };
    violates(counted(Class::Survive), "counted", "assertion");
    violates(counted(Class::Cancelled), "counted", "assertion");
    violates(counted(Class::OverBudget(Budget::Attempts)), "counted", "assertion");
    holds(counted(Class::Different));
}

#[test]
fn a_script_that_ends_otherwise_is_called_a_script() {
    let report = copying(resumes)
        .explore_script(async |client| {
            let handle = client.start::<u32>("copying", "id", &6u32).await?;
            let rows: u32 = handle.result().await?;
            Ok::<_, ClientError>((rows, durasim::time::now() - durasim::Time::ZERO))
        })
        .named("script")
        .every_fault()
        .check(check::same_result())
        .report();
    let message = &report.failures()[0].violation.message;
    assert!(message.starts_with("the script did not end as it does without faults; "), "{message}");
}

#[test]
fn the_first_check_that_minds_is_the_one_that_is_reported() {
    let minds =
        |name: &str| check::named(name, |run: &Run| if run.plan().is_empty() { Ok(()) } else { Err("a fault") });
    assert_eq!(violated(explore(resumes).check(minds("first")).check(minds("second"))).0, "first");
}
