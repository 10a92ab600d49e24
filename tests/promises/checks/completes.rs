//! Once the faults are over, a retry must succeed.

use std::cell::Cell;
use std::time::Duration;

use durasim::explore::Failed;
use durasim::fault::Plan;
use durasim::{
    ActivityContext, ActivityError, ActivityFn, ActivityOptions, AttemptEnd, Exploration, RetryPolicy, Simulation,
    Time, WorkflowContext, WorkflowError, check,
};

use super::{holds, violates};

/// A file that is worked on, and the other things that an attempt finds.
struct Disk {
    file: Cell<bool>,
    visits: Cell<u32>,
}

impl Disk {
    fn read(&self) -> Result<(), ActivityError> {
        if self.file.get() { Ok(()) } else { Err(ActivityError::retryable("no such file: input.csv")) }
    }
}

fn options(maximum_attempts: i32) -> ActivityOptions {
    ActivityOptions {
        start_to_close_timeout: Duration::from_secs(60),
        heartbeat_timeout: Duration::from_secs(30),
        retry_policy: Some(RetryPolicy { maximum_attempts, ..Default::default() }),
        ..Default::default()
    }
}

/// A workflow of one activity, `process`.
fn simulation(maximum_attempts: i32, process: impl ActivityFn<u32, u32>) -> Simulation {
    Simulation::temporal()
        .activity("process", process)
        .activity("other", async |_: &ActivityContext, (): ()| -> Result<(), ActivityError> { Ok(()) })
        .state(|| Disk { file: Cell::new(true), visits: Cell::new(0) })
        .no_heartbeat_throttle()
        .workflow("processing", async move |ctx: &WorkflowContext, steps: u32| {
            ctx.execute_activity::<u32>("process", &steps, options(maximum_attempts)).await
        })
}

fn processing(maximum_attempts: i32, process: impl ActivityFn<u32, u32>) -> Exploration {
    simulation(maximum_attempts, process).explore("processing", &4u32).every_fault()
}

#[track_caller]
fn first_failure(exploration: Exploration) -> Failed {
    let report = exploration.report();
    assert!(report.error().is_none(), "{report}");
    report.failures().first().expect("a violation").clone()
}

async fn steps(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
    for step in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..count {
        durasim::time::sleep(Duration::from_secs(2)).await;
        ctx.heartbeat(&(step + 1))?;
    }
    Ok(count)
}

/// Deletes the file when it ends, however it ends.
struct DeletesFile;

impl Drop for DeletesFile {
    fn drop(&mut self) {
        // A fault may keep it from happening: then the file stays.
        let _ = durasim::effect("delete", || durasim::state::<Disk>().file.set(false));
    }
}

async fn deletes_always(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
    durasim::state::<Disk>().read()?;
    let _guard = DeletesFile;
    steps(ctx, count).await
}

async fn deletes_at_the_end(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
    durasim::state::<Disk>().read()?;
    steps(ctx, count).await
}

#[test]
fn a_retry_that_can_never_succeed_is_found_by_its_first_attempt() {
    let failed = first_failure(processing(50, deletes_always).check(check::completes()));
    assert_eq!((failed.check.as_str(), failed.violation.kind.as_str()), ("completes", "a retry fails"));
    assert_eq!(
        failed.violation.message,
        "attempt 2 of process starts after the last fault and meets none, and does not succeed all the same"
    );
    assert_eq!(failed.violation.found.as_deref(), Some("it fails: Retryable: no such file: input.csv"));
    assert_eq!(failed.plan.entries.len(), 1, "{}", failed.text);
    holds(processing(50, deletes_at_the_end).check(check::completes()));
}

#[test]
fn a_policy_without_end_is_no_excuse() {
    let failed = first_failure(processing(0, deletes_always).check(check::completes()));
    assert_eq!((failed.check.as_str(), failed.violation.kind.as_str()), ("completes", "a retry fails"));
    assert!(failed.text.lines().count() < 80, "{}", failed.text);
}

#[test]
fn the_activity_that_is_asked_for_is_judged() {
    violates(processing(5, deletes_always).check(check::completes().of("process")), "completes", "a retry fails");
}

#[test]
fn attempts_that_fail_without_faults_too_may_fail_after_them() {
    // Fails once when it comes to the third step, as the reference does.
    async fn fails_once(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
        let disk = durasim::state::<Disk>();
        for step in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..count {
            durasim::time::sleep(Duration::from_secs(2)).await;
            if step == 2 && disk.visits.replace(disk.visits.get() + 1) == 0 {
                return Err(ActivityError::retryable("step 2 is not ready"));
            }
            ctx.heartbeat(&(step + 1))?;
        }
        Ok(count)
    }
    holds(processing(9, fails_once).check(check::completes()));
    holds(processing(9, fails_once).check(check::completes().attempts_after_last_fault(0)));
}

#[test]
fn but_not_for_ever() {
    // The first attempt fails; after a crash, they all do.
    async fn needs_its_first_attempt(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
        let disk = durasim::state::<Disk>();
        durasim::time::sleep(Duration::from_secs(2)).await;
        if ctx.get_info().attempt == 1 {
            disk.visits.set(1);
            return Err(ActivityError::retryable("busy"));
        }
        if disk.visits.get() == 0 {
            return Err(ActivityError::retryable("nobody was here before"));
        }
        Ok(count)
    }
    let failed = first_failure(processing(20, needs_its_first_attempt).check(check::completes()));
    assert_eq!((failed.check.as_str(), failed.violation.kind.as_str()), ("completes", "still fails"));
    assert_eq!(
        failed.violation.message,
        "attempt 5 of process does not succeed, and neither do the 3 before it that met no fault"
    );
    let allowed = check::completes().attempts_after_last_fault(1);
    let failed = first_failure(processing(20, needs_its_first_attempt).check(allowed));
    assert!(failed.violation.message.starts_with("attempt 3 of process"), "{}", failed.text);
}

#[test]
fn an_attempt_beside_a_zombie_is_not_judged() {
    // Code that works on the file while another attempt does fails, and has done nothing wrong.
    async fn alone(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
        let disk = durasim::state::<Disk>();
        let own = ctx.get_info().attempt;
        disk.visits.set(own);
        for step in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..count {
            durasim::time::sleep(Duration::from_secs(2)).await;
            if disk.visits.replace(own) != own {
                return Err(ActivityError::retryable("somebody else is at work"));
            }
            ctx.heartbeat(&(step + 1))?;
        }
        Ok(count)
    }
    let plan: Plan = "process#1@1:await1=stall(34s)".parse().unwrap();
    let run = simulation(9, alone).plan(plan).run("processing", &4u32).unwrap();
    let ends: Vec<AttemptEnd> = run.activities()[0].attempts.iter().map(|attempt| attempt.end).collect();
    assert_eq!(ends, [AttemptEnd::Failed, AttemptEnd::Failed, AttemptEnd::Completed], "{}", run.timeline());
    holds(processing(9, alone).check(check::completes()));
}

#[test]
fn an_attempt_that_has_less_time_than_usual_is_not_judged() {
    async fn minds_its_deadline(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
        for _ in 0..count {
            if ctx.get_remaining_time().is_some_and(|left| left < Duration::from_secs(5)) {
                return Err(ActivityError::retryable("no time for another step"));
            }
            durasim::time::sleep(Duration::from_secs(2)).await;
            ctx.heartbeat(&())?;
        }
        Ok(count)
    }
    // Attempts take 8 s and there are 60 s for all of them.
    let exploration = Simulation::temporal()
        .activity("process", minds_its_deadline)
        .workflow("processing", async |ctx: &WorkflowContext, steps: u32| {
            let options = ActivityOptions {
                schedule_to_close_timeout: Duration::from_secs(60),
                heartbeat_timeout: Duration::from_secs(30),
                ..Default::default()
            };
            match ctx.execute_activity::<u32>("process", &steps, options).await {
                // It is nobody's business whether there was time.
                Err(WorkflowError::Cancelled(why)) => Err(WorkflowError::Cancelled(why)),
                _ => Ok(0),
            }
        })
        .explore("processing", &4u32)
        .every_fault()
        .every_pair();
    holds(exploration.check(check::completes()));
}

#[test]
fn runs_that_are_cancelled_or_over_budget_are_not_judged() {
    // Two attempts, of which a pair of faults takes both.
    let exploration = processing(2, deletes_at_the_end).every_pair().budget(3_000).seeds(0..500);
    holds(exploration.check(check::completes()).check(check::same_result()));
}

#[test]
fn nor_is_what_follows_an_activity_that_is_over_budget() {
    async fn process(ctx: &ActivityContext, part: u32) -> Result<u32, ActivityError> {
        let disk = durasim::state::<Disk>();
        if part == 1 && disk.visits.get() == 0 {
            return Err(ActivityError::non_retryable("the first part is missing"));
        }
        steps(ctx, 2).await?;
        disk.visits.set(1);
        Ok(part)
    }
    let exploration = simulation(2, process)
        .workflow("in two parts", async |ctx: &WorkflowContext, (): ()| {
            let _ = ctx.execute_activity::<u32>("process", &0u32, options(2)).await;
            ctx.execute_activity::<u32>("process", &1u32, options(2)).await
        })
        .explore("in two parts", &())
        .every_pair();
    let report = exploration.clone().check(check::completes()).report();
    let over_budget: u64 = report.parts().iter().map(|part| part.tally.over_budget).sum();
    assert!(report.holds() && over_budget > 100, "{report}");
}

#[test]
fn an_activity_that_gets_another_input_has_no_twin() {
    // The input of the second activity depends on the events before it, and it does not like some inputs.
    async fn process(ctx: &ActivityContext, input: u32) -> Result<u32, ActivityError> {
        match input {
            0 => {
                steps(ctx, 3).await?;
                Ok(ctx.get_info().attempt)
            }
            1 => Ok(1),
            _ => Err(ActivityError::non_retryable("not that one")),
        }
    }
    let exploration = Simulation::temporal()
        .activity("process", process)
        .workflow("processing", async |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
            let attempt: u32 = ctx.execute_activity("process", &0u32, options(5)).await?;
            let _ = ctx.execute_activity::<u32>("process", &attempt, options(5)).await;
            Ok(())
        })
        .explore("processing", &())
        .every_fault();
    holds(exploration.check(check::completes()));
}

#[test]
fn a_retry_that_waits_for_the_lease_of_a_dead_attempt_may_be_allowed_to() {
    // An attempt holds a lease of 15 s, which nobody takes over.
    async fn leases(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
        let disk = durasim::state::<Disk>();
        let now = (durasim::time::now() - Time::ZERO).as_secs() as u32;
        if now < disk.visits.get() {
            return Err(ActivityError::RetryableWithDelay("somebody holds the lease".into(), 6_000));
        }
        disk.visits.set(now + 15);
        let done = steps(ctx, count).await?;
        disk.visits.set(0);
        Ok(done)
    }
    violates(processing(9, leases).check(check::completes()), "completes", "a retry fails");
    holds(processing(9, leases).check(check::completes().attempts_after_last_fault(3)));
    // One is not enough.
    let failed = first_failure(processing(9, leases).check(check::completes().attempts_after_last_fault(1)));
    assert!(
        failed.violation.message.ends_with("and neither does the one before it that met no fault"),
        "{}",
        failed.text
    );
    let expected = failed.violation.expected.as_deref().unwrap();
    assert_eq!(expected, "one of 1 more attempts completes: without faults, the first does");
}

#[test]
fn but_no_retry_may_fail_for_ever() {
    let allowed = check::completes().attempts_after_last_fault(3);
    let failed = first_failure(processing(50, deletes_always).check(allowed));
    assert_eq!(failed.violation.kind, "still fails");
    assert!(failed.violation.message.starts_with("attempt 5 of process"), "{}", failed.text);
}

/// A timer that is late holds up whoever waits for the work behind it, though it is the workflow that was struck.
#[test]
fn an_attempt_that_waits_for_a_late_timer_is_not_judged() {
    async fn wait(_: &ActivityContext, (): ()) -> Result<u32, ActivityError> {
        for _ in 0..20 {
            if !durasim::state::<Disk>().file.get() {
                return Ok(1);
            }
            durasim::time::sleep(Duration::from_secs(1)).await;
        }
        Err(ActivityError::retryable("not there yet"))
    }
    async fn remove(_: &ActivityContext, (): ()) -> Result<(), ActivityError> {
        Ok(durasim::effect("remove", || durasim::state::<Disk>().file.set(false))?)
    }
    async fn both(ctx: &WorkflowContext, (): ()) -> Result<u32, WorkflowError> {
        let removed = async {
            ctx.sleep(Duration::from_secs(5)).await?;
            ctx.execute_activity::<()>("remove", &(), options(5)).await
        };
        let options = ActivityOptions { heartbeat_timeout: Duration::ZERO, ..options(9) };
        let (waited, removed) = futures::join!(ctx.execute_activity("wait", &(), options), removed);
        removed.and(waited)
    }
    let simulation = simulation(5, deletes_at_the_end).activity("wait", wait).activity("remove", remove);
    let exploration = simulation.workflow("both", both).explore("both", &()).check(check::completes());
    // The second attempt begins after the fault, and ends before the timer fires.
    let plan = "both#1:timer1=delayed(50s)".parse().unwrap();
    let report = exploration.replay(&plan);
    assert!(report.holds(), "{report}");
    // Without the fault, the same is a failure: that code has to wait for nothing.
    let run = exploration.run(&plan).unwrap();
    assert_eq!(run.executions().attempts().values().filter(|attempt| attempt.end == AttemptEnd::Failed).count(), 2);
}

#[test]
fn as_many_attempts_may_fail_as_are_allowed() {
    async fn fails_at_its_second_visit(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
        let disk = durasim::state::<Disk>();
        let visit = disk.visits.replace(disk.visits.get() + 1);
        if visit == 1 { Err(ActivityError::retryable("not now")) } else { steps(ctx, count).await }
    }
    let plan = "process#1@1:await1=fail".parse().unwrap();
    let verdict = |attempts: u32| {
        let check = check::completes().attempts_after_last_fault(attempts);
        processing(5, fails_at_its_second_visit).check(check).replay(&plan).holds()
    };
    assert_eq!([verdict(0), verdict(1)], [false, true]);
}

#[test]
fn an_activity_with_another_input_has_no_twin() {
    async fn nap(_: &ActivityContext, is_late: bool) -> Result<(), ActivityError> {
        durasim::time::sleep(Duration::from_secs(5)).await;
        if is_late { Err(ActivityError::non_retryable("the shop is closed")) } else { Ok(()) }
    }
    let main = async |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
        ctx.execute_activity::<()>("first", &false, options(3)).await?;
        let is_late = ctx.now() > Time::ZERO + Duration::from_secs(30);
        // Nobody minds.
        let _ = ctx.execute_activity::<()>("second", &is_late, options(3)).await;
        Ok(())
    };
    let simulation = Simulation::temporal().activity("first", nap).activity("second", nap).workflow("main", main);
    let explored = simulation.explore("main", &()).without_standard_checks().check(check::completes());
    let report = explored.replay(&"first#1@1:await1=crash".parse().unwrap());
    assert!(report.holds(), "{report}");
}
