//! The state must be clean after each end of an attempt that was not a crash.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::Duration;

use durasim::explore::Failed;
use durasim::program::{CancelReason, CancellationType};
use durasim::{
    ActivityContext, ActivityError, ActivityFn, ActivityOptions, Exploration, RetryPolicy, Simulation, WorkflowContext,
    WorkflowError, check,
};
use futures::join;

use super::{holds, violates};

/// A table in which rows are collected before they are moved to their place.
#[derive(Default)]
struct Database {
    staged: Cell<u32>,
    moved: Cell<u32>,
}

impl Database {
    fn stage(&self) -> Result<(), ActivityError> {
        Ok(durasim::effect("stage", || self.staged.set(self.staged.get() + 1))?)
    }

    fn commit(&self) -> Result<(), ActivityError> {
        Ok(durasim::effect("commit", || self.moved.set(self.moved.get() + self.staged.get()))?)
    }

    fn clear(&self) -> Result<(), ActivityError> {
        Ok(durasim::effect("clear", || self.staged.set(0))?)
    }
}

fn options() -> ActivityOptions {
    ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(600),
        heartbeat_timeout: Duration::from_secs(30),
        retry_policy: Some(RetryPolicy { maximum_attempts: 5, ..Default::default() }),
        ..Default::default()
    }
}

fn migrating(migrate: impl ActivityFn<u32, u32>) -> Exploration {
    Simulation::temporal()
        .activity("migrate", migrate)
        .state(Database::default)
        .no_heartbeat_throttle()
        .workflow("migrating", async |ctx: &WorkflowContext, rows: u32| {
            ctx.execute_activity::<u32>("migrate", &rows, options()).await
        })
        .explore("migrating", &4u32)
        .without("progress")
        .every_fault()
}

fn cleaned_up() -> check::CleanedUp {
    check::cleaned_up(|database: &Database| assert_eq!(database.staged.get(), 0, "rows in the staging table"))
}

#[track_caller]
fn first_failure(exploration: Exploration) -> Failed {
    let report = exploration.report();
    assert!(report.error().is_none(), "{report}");
    report.failures().first().expect("a violation").clone()
}

/// Stages rows until they are all there, or it is told to stop.
async fn stage_all(ctx: &ActivityContext, rows: u32) -> Result<(), ActivityError> {
    let database = durasim::state::<Database>();
    for row in 0..rows {
        if ctx.is_cancelled() {
            return Err(ActivityError::Cancelled);
        }
        if ctx.is_worker_stopping() {
            return Err(ActivityError::retryable("the worker stops"));
        }
        durasim::time::sleep(Duration::from_secs(5)).await;
        database.stage()?;
        ctx.heartbeat(&row)?;
    }
    Ok(())
}

/// Clears the rows that an earlier attempt left, and at the end its own, whatever happened.
async fn careful(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
    let database = durasim::state::<Database>();
    database.clear()?;
    let result = match stage_all(ctx, rows).await {
        Ok(()) => database.commit(),
        Err(error) => Err(error),
    };
    database.clear()?;
    result.map(|()| rows)
}

#[test]
fn code_that_cleans_up_is_let_alone() {
    holds(migrating(careful).check(cleaned_up().unless_failed("clear")));
}

#[test]
fn cleaning_up_that_fails_is_excused_only_if_one_says_so() {
    let failed = first_failure(migrating(careful).check(cleaned_up()));
    assert_eq!((failed.check.as_str(), failed.violation.kind.as_str()), ("cleaned_up", "assertion"));
    assert!(failed.plan.to_string().contains("=fail_unapplied"), "{}", failed.text);
}

#[test]
fn what_is_left_behind_on_cancellation_is_found_in_its_message() {
    async fn forgets(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
        let database = durasim::state::<Database>();
        database.clear()?;
        match stage_all(ctx, rows).await {
            Err(ActivityError::Cancelled) => Err(ActivityError::Cancelled),
            result => {
                let result = result.and_then(|()| database.commit());
                database.clear()?;
                result.map(|()| rows)
            }
        }
    }
    let failed = first_failure(migrating(forgets).check(cleaned_up().unless_failed("clear")));
    assert_eq!(failed.plan.entries.len(), 1, "{}", failed.text);
    let message = &failed.violation.message;
    assert!(
        message.starts_with("attempt 1 of migrate ended as cancelled and left something behind: assertion"),
        "{message}"
    );
    assert!(message.contains("rows in the staging table"), "{message}");
}

#[test]
fn the_next_attempt_cleans_up_after_a_crash() {
    async fn own_rows_only(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
        let database = durasim::state::<Database>();
        let before = database.staged.get();
        let result = stage_all(ctx, rows).await;
        durasim::effect("commit", || database.staged.set(before))?;
        result.map(|()| rows)
    }
    let failed = first_failure(migrating(own_rows_only).check(cleaned_up().unless_failed("commit")));
    assert!(failed.plan.to_string().contains("crash"), "{}", failed.text);
    assert!(failed.violation.message.starts_with("attempt 2 of migrate completed"), "{}", failed.text);
}

#[test]
fn an_attempt_that_its_worker_drops_cleans_up_by_its_destructors() {
    struct Guard;
    impl Drop for Guard {
        fn drop(&mut self) {
            durasim::state::<Database>().staged.set(0);
        }
    }
    async fn long(guarded: bool) -> Result<u32, ActivityError> {
        let database = durasim::state::<Database>();
        let _guard = guarded.then_some(Guard);
        database.staged.set(1);
        durasim::time::sleep(Duration::from_secs(20)).await;
        database.staged.set(0);
        Ok(1)
    }
    let dropped = |guarded: bool| migrating(async move |_: &ActivityContext, _: u32| long(guarded).await);
    let failed = first_failure(dropped(false).check(cleaned_up().from_worker_stop()));
    assert!(failed.violation.message.starts_with("attempt 1 of migrate was dropped by its worker"), "{}", failed.text);
    assert!(failed.plan.to_string().ends_with("=stop"), "{}", failed.text);
    holds(dropped(true).check(cleaned_up().from_worker_stop()));
}

/// The idiom that the SDKs document: it hears of a worker's stop when the grace period is over, and is dropped at once.
#[test]
fn an_attempt_that_waits_to_be_cancelled_has_no_chance_when_its_worker_drops_it() {
    async fn stages(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
        let database = durasim::state::<Database>();
        database.staged.set(1);
        let result = tokio::select! {
            biased;
            _ = ctx.cancelled() => Err(ActivityError::Cancelled),
            _ = durasim::time::sleep(Duration::from_secs(20)) => Ok(rows),
        };
        // Cleaning up takes its time.
        durasim::time::sleep(Duration::from_secs(1)).await;
        database.staged.set(0);
        result
    }
    let report = migrating(stages).check(cleaned_up()).replay(&"migrate#1@1:await1=stop".parse().unwrap());
    assert!(report.holds(), "{report}");
    let report = migrating(stages).check(cleaned_up().from_worker_stop());
    assert!(!report.replay(&"migrate#1@1:await1=stop".parse().unwrap()).holds());
}

#[test]
fn nobody_is_blamed_for_the_rows_of_another_activity() {
    async fn both(ctx: &WorkflowContext, rows: u32) -> Result<u32, WorkflowError> {
        let short = ctx.execute_activity::<u32>("migrate", &1u32, options());
        let long = ctx.execute_activity::<u32>("migrate_more", &rows, options());
        let (short, long) = join!(short, long);
        Ok(short? + long?)
    }
    // Each its own staging table: the check looks at both.
    #[derive(Default)]
    struct Tables {
        staged: [Cell<bool>; 2],
    }
    async fn migrate(ctx: &ActivityContext, table: usize, rows: u32) -> Result<u32, ActivityError> {
        let tables = durasim::state::<Tables>();
        tables.staged[table].set(true);
        let mut result = Ok(rows);
        for row in 0..rows {
            if ctx.is_cancelled() || ctx.is_worker_stopping() {
                result = Err(ActivityError::Cancelled);
                break;
            }
            durasim::time::sleep(Duration::from_secs(5)).await;
            ctx.heartbeat(&row)?;
        }
        tables.staged[table].set(false);
        result
    }
    let exploration = Simulation::temporal()
        .activity("migrate", async |ctx: &ActivityContext, rows: u32| migrate(ctx, 0, rows).await)
        .activity("migrate_more", async |ctx: &ActivityContext, rows: u32| migrate(ctx, 1, rows).await)
        .state(Tables::default)
        .no_heartbeat_throttle()
        .workflow("both", both)
        .explore("both", &4u32)
        .without("progress")
        .without("reported")
        .every_fault();
    let clean = |tables: &Tables| assert!(tables.staged.iter().all(|table| !table.get()), "a table is full");
    holds(exploration.clone().check(check::cleaned_up(clean)));
    let first = check::cleaned_up(|tables: &Tables| assert!(!tables.staged[0].get(), "the table is full"));
    holds(exploration.clone().check(first.of("migrate")));
    // This check is about the one activity, and asks about the rows of the other too.
    violates(exploration.check(check::cleaned_up(clean).of("migrate")), "cleaned_up", "assertion");
}

#[test]
fn a_state_that_is_not_registered_is_a_mistake() {
    let report = migrating(careful).check(check::cleaned_up(|_: &String| ())).report();
    let error = report.error().expect("an error").to_string();
    assert!(error.contains("String"), "{error}");
}

/// A multipart upload: its number is in the details, and a retry goes on with it. `forgets` loses it when an attempt fails.
fn uploading(forgets: bool) -> Exploration {
    #[derive(Default)]
    struct Bucket {
        open: RefCell<BTreeSet<u32>>,
        next: Cell<u32>,
        complete: Cell<bool>,
    }
    let upload = async move |ctx: &ActivityContext, parts: u32| -> Result<u32, ActivityError> {
        let bucket = durasim::state::<Bucket>();
        let given = ctx.heartbeat_details::<(u32, u32)>()?;
        let (number, done) = match given {
            Some(details) if !forgets => details,
            // A zombie comes late.
            _ if bucket.complete.get() => return Ok(parts),
            _ => {
                // Asked with the same token, it gives the same upload.
                let number = if forgets { bucket.next.get() } else { 0 };
                bucket.next.set(number + 1);
                bucket.open.borrow_mut().insert(number);
                let _ = ctx.heartbeat(&(number, 0u32));
                (number, 0)
            }
        };
        for part in done..parts {
            if ctx.is_cancelled() && ctx.cancel_reason() == Some(CancelReason::Requested) {
                bucket.open.borrow_mut().clear();
                return Err(ActivityError::Cancelled);
            }
            if ctx.is_cancelled() {
                // A retry may be at it.
                return Err(ActivityError::Cancelled);
            }
            durasim::time::sleep(Duration::from_secs(5)).await;
            durasim::effect("put", || ())?;
            // The answer tells it whether it is cancelled before the next part.
            let _ = ctx.heartbeat(&(number, part + 1));
        }
        bucket.open.borrow_mut().remove(&number);
        bucket.complete.set(true);
        Ok(parts)
    };
    let clean = |bucket: &Bucket| assert!(bucket.open.borrow().is_empty(), "an upload is open");
    let exploration = Simulation::temporal()
        .activity("upload", upload)
        .state(Bucket::default)
        .no_heartbeat_throttle()
        .workflow("uploading", async |ctx: &WorkflowContext, parts: u32| {
            let options = ActivityOptions {
                schedule_to_close_timeout: Duration::from_secs(320),
                start_to_close_timeout: Duration::from_secs(120),
                heartbeat_timeout: Duration::from_secs(30),
                cancellation_type: CancellationType::WaitCancellationCompleted,
                ..Default::default()
            };
            ctx.execute_activity::<u32>("upload", &parts, options).await
        })
        .explore("uploading", &4u32)
        .named("uploading")
        .every_fault();
    let kept = exploration.clone().check(check::cleaned_up(clean));
    assert!(!kept.report().holds(), "a failed attempt leaves its upload open");
    exploration.check(check::cleaned_up(clean).unless_retried())
}

#[test]
fn what_is_kept_for_a_retry_can_be_allowed() {
    let report = uploading(false).report();
    let text: Vec<&str> = report.failures().iter().map(|failed| failed.text.as_str()).collect();
    assert!(report.holds(), "{}\n{report}", text.join("\n"));
    // A failure after a cancel was requested is not retried: nobody will ever close this upload.
    let failed = uploading(false).replay(&"uploading#1:task1=cancel; upload#1@1:effect1=fail_applied".parse().unwrap());
    assert!(failed.failures()[0].text.contains("CANCEL_REQUESTED"), "{failed}");
    // An attempt that has timed out cannot know that it was the last.
    let timed_out =
        uploading(false).replay(&"upload#1@1:dispatch=delayed(290s); upload#1@1:await3=stall(40s)".parse().unwrap());
    assert!(timed_out.holds(), "{}", timed_out.failures()[0].text);
    assert_eq!(timed_out.parts()[1].tally.over_budget, 1, "{timed_out}");
}

#[test]
fn and_is_minded_where_the_retry_does_not_go_on_with_it() {
    let failed = first_failure(uploading(true));
    assert!(failed.violation.message.starts_with("attempt 2 of upload completed and left"), "{}", failed.text);
}

#[test]
fn an_attempt_that_is_not_retried_is_not_excused() {
    // Clears nothing when it is cancelled.
    async fn careless(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
        stage_all(ctx, rows).await?;
        durasim::state::<Database>().staged.set(0);
        Ok(rows)
    }
    let failed = first_failure(migrating(careless).check(cleaned_up().unless_retried()));
    assert!(failed.violation.message.contains("ended as cancelled and left"), "{}", failed.text);
}
