//! A verdict does not depend on how often an attempt had to wait for the world, while faults used up the time.

use std::cell::Cell;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use durasim::check::{Budget, Class, Judged};
use durasim::{
    ActivityContext, ActivityError, ActivityFn, ActivityOptions, Exploration, Ledger, RetryPolicy, Simulation, Time,
    WorkflowContext, WorkflowError, check,
};

use super::{holds, violates};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A lock with a lease, and the requests of those who wait for it.
#[derive(Default)]
struct Lock {
    /// The time until which it is held.
    held: Cell<Option<Time>>,
    asked: Ledger<u32>,
    done: Ledger<u32>,
}

impl Lock {
    fn is_held(&self) -> bool {
        self.held.get().is_some_and(|until| until > durasim::time::now())
    }

    fn take(&self, lease: Duration) {
        self.held.set(Some(durasim::time::now() + lease));
    }
}

async fn hold(ctx: &ActivityContext, (): ()) -> Result<(), ActivityError> {
    durasim::state::<Lock>().take(seconds(40));
    ctx.heartbeat(&())?;
    durasim::time::sleep(seconds(10)).await;
    durasim::state::<Lock>().held.set(None);
    Ok(())
}

fn locked() -> ActivityError {
    ActivityError::RetryableWithDelay("locked".into(), 5_000)
}

async fn wait(_: &ActivityContext, (): ()) -> Result<(), ActivityError> {
    durasim::effect("ask", || durasim::state::<Lock>().asked.record(1))?;
    if durasim::state::<Lock>().is_held() {
        return Err(locked());
    }
    durasim::time::sleep(seconds(2)).await;
    Ok(durasim::effect("do", || durasim::state::<Lock>().done.record(1))?)
}

/// A holder and a waiter that begins so much later. Without faults, the holder has let go after 10 s.
fn both(waiter: impl ActivityFn<(), ()>, later: Duration, maximum_attempts: i32) -> Exploration {
    both_within(seconds(300), waiter, later, maximum_attempts)
}

/// The same, where the waiter has so much time.
fn both_within(time: Duration, waiter: impl ActivityFn<(), ()>, later: Duration, maximum_attempts: i32) -> Exploration {
    let policy = |maximum_attempts| Some(RetryPolicy { maximum_attempts, ..Default::default() });
    let holds = ActivityOptions {
        schedule_to_close_timeout: seconds(1_800),
        heartbeat_timeout: seconds(30),
        retry_policy: policy(4),
        ..Default::default()
    };
    let waits = ActivityOptions {
        schedule_to_close_timeout: time,
        retry_policy: policy(maximum_attempts),
        ..Default::default()
    };
    let both = async move |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
        let waited = async {
            ctx.sleep(later).await?;
            ctx.execute_activity::<()>("wait", &(), waits.clone()).await
        };
        let (held, waited) = futures::join!(ctx.execute_activity::<()>("hold", &(), holds.clone()), waited);
        held.and(waited)
    };
    let simulation = Simulation::temporal().state(Lock::default).activity("hold", hold).activity("wait", waiter);
    simulation.workflow("both", both).explore("both", &())
}

/// The class of the run of a plan, and the check that it violates.
pub fn judged(exploration: Exploration, plan: &str) -> (Class, Option<String>) {
    let class = Arc::new(Mutex::new(None));
    let seen = class.clone();
    let look = check::judged("class", move |judged: &Judged<'_>| {
        if !judged.run().plan().is_empty() {
            seen.lock().unwrap().get_or_insert(judged.class());
        }
    });
    let report = exploration.check(check::same_result()).check(look).replay(&plan.parse().unwrap());
    assert!(report.error().is_none(), "{plan}: {report}");
    let class = class.lock().unwrap().expect("a run");
    (class, report.failures().first().map(|failed| failed.check.clone()))
}

#[test]
fn attempts_that_are_refused_as_usual_are_no_ones_fault_when_faults_used_up_the_time() {
    let exploration = || both(wait, Duration::ZERO, 0);
    for plan in [
        "wait#1@1:backoff=worker_gone; wait#1@3:completion=crash",
        "hold#1@1:await1=stall(29s); wait#1@7:await1=crash",
        "hold#1@1:await1=crash; wait#1@1:backoff=worker_gone; wait#1@5:completion=request_lost",
    ] {
        assert_eq!(judged(exploration(), plan), (Class::OverBudget(Budget::Unprotected), None), "{plan}");
    }
    holds(exploration().every_fault().every_pair().seeds(0..5_000).check(check::same_result()));
    // It is refused until the time is over.
    let exploration = both_within(seconds(25), wait, Duration::ZERO, 0);
    let over_budget = (Class::OverBudget(Budget::Unprotected), None);
    assert_eq!(judged(exploration, "hold#1@1:await1=stall(29s)"), over_budget);
}

#[test]
fn neither_are_they_when_faults_used_up_the_attempts() {
    // Three of five are refused without faults.
    let exploration = || both(wait, Duration::ZERO, 5);
    let plan = "hold#1@1:await1=stall(29s)";
    assert_eq!(judged(exploration(), plan), (Class::OverBudget(Budget::Attempts), None));
    holds(exploration().every_fault().every_pair().seeds(0..2_000).check(check::same_result()));
}

/// The lock that a dead attempt leaves behind is never released.
async fn wait_behind_oneself(_: &ActivityContext, (): ()) -> Result<(), ActivityError> {
    let lock = durasim::state::<Lock>();
    if lock.is_held() {
        return Err(locked());
    }
    lock.take(seconds(1_000_000));
    durasim::time::sleep(seconds(2)).await;
    lock.held.set(None);
    Ok(())
}

#[test]
fn a_lock_that_is_never_released_is_found_though_refusals_are_usual() {
    let exploration = || both(wait_behind_oneself, Duration::ZERO, 20).every_fault();
    violates(exploration().check(check::completes().of("wait")), "completes", "still fails");
}

#[test]
fn a_refusal_that_is_not_a_usual_one_is_no_excuse() {
    /// It can be begun once only, which its retry does not know.
    async fn begin_once(_: &ActivityContext, (): ()) -> Result<(), ActivityError> {
        let lock = durasim::state::<Lock>();
        if lock.is_held() {
            return Err(locked());
        }
        if lock.asked.count(&1) > 0 {
            return Err(ActivityError::RetryableWithDelay("already begun".into(), 5_000));
        }
        durasim::effect("begin", || lock.asked.record(1))?;
        durasim::time::sleep(seconds(2)).await;
        Ok(())
    }
    let exploration = || both(begin_once, Duration::ZERO, 4);
    // Two of four are refused without faults, since the lock is held.
    let verdict = judged(exploration(), "wait#1@3:await1=fail");
    assert_eq!(verdict, (Class::Different, Some("same_result".to_owned())));
}

#[test]
fn refusals_that_no_fault_cost_time_for_are_no_excuse() {
    async fn refuses_after_an_eviction(_: &ActivityContext, wanted: u32) -> Result<u32, ActivityError> {
        let lock = durasim::state::<Lock>();
        if lock.is_held() || wanted > 1 {
            return Err(locked());
        }
        lock.take(seconds(1));
        Ok(wanted)
    }
    let options = ActivityOptions {
        start_to_close_timeout: seconds(60),
        retry_policy: Some(RetryPolicy { maximum_attempts: 3, ..Default::default() }),
        ..Default::default()
    };
    // The bug: it is no matter of the workflow's whether its code was loaded anew.
    let thrice = async move |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
        let first: u32 = ctx.execute_activity("ask", &1u32, options.clone()).await?;
        let loaded_anew = u32::from(ctx.is_replaying());
        let second: u32 = ctx.execute_activity("ask", &1u32, options.clone()).await?;
        let third: u32 = ctx.execute_activity("ask", &(1 + loaded_anew), options.clone()).await?;
        Ok(first + second + third)
    };
    let simulation = Simulation::temporal().state(Lock::default).activity("ask", refuses_after_an_eviction);
    let exploration =
        || simulation.clone().workflow("thrice", thrice.clone()).explore("thrice", &()).without("replays");
    let verdict = judged(exploration(), "thrice#1:task3=evicted");
    assert_eq!(verdict, (Class::Different, Some("same_result".to_owned())));
}

#[test]
fn an_attempt_that_a_fault_ended_excuses_the_activity_whatever_came_before() {
    // Without faults, the waiter never meets the lock.
    let exploration = || both(wait, seconds(20), 0);
    for last in ["wait#1@3:await1=crash", "wait#1@3:dispatch=delayed(400s)", "wait#1@2:completion=crash"] {
        let plan = format!("hold#1@1:await1=stall(29s); {last}");
        assert_eq!(judged(exploration(), &plan), (Class::OverBudget(Budget::Unprotected), None), "{plan}");
    }
}

#[test]
fn an_attempt_that_waits_inside_for_another_has_so_much_less_time() {
    async fn waits_inside(ctx: &ActivityContext, (): ()) -> Result<(), ActivityError> {
        while durasim::state::<Lock>().is_held() {
            durasim::time::sleep(seconds(1)).await;
            ctx.heartbeat(&())?;
        }
        Ok(())
    }
    let exploration = both(waits_inside, Duration::ZERO, 0).every_fault().every_pair().budget(4_000).seeds(0..2_000);
    holds(exploration.check(check::same_result()));
    let exploration = both_within(seconds(25), waits_inside, Duration::ZERO, 0);
    let over_budget = (Class::OverBudget(Budget::Unprotected), None);
    assert_eq!(judged(exploration, "hold#1@1:await1=stall(29s)"), over_budget);
}

#[test]
fn completes_waits_until_the_last_fault_is_over() {
    // The stall strikes at once and lasts; four attempts are refused meanwhile.
    let exploration = both(wait, seconds(11), 0).check(check::completes());
    let report = exploration.replay(&"hold#1@1:await1=stall(29s)".parse().unwrap());
    assert!(report.holds(), "{report}");
}

#[test]
fn effects_count_what_refused_attempts_do_as_done_once() {
    // A waiter that is late finds the lock free at once.
    let effects = || check::effects(|lock: &Lock| &lock.asked).named("asked");
    let exploration = || both(wait, Duration::ZERO, 0);
    let report = exploration().check(effects()).replay(&"wait#1@1:dispatch=delayed(20s)".parse().unwrap());
    assert!(report.holds(), "{report}");
    holds(exploration().every_fault().check(effects()).check(check::effects(|lock: &Lock| &lock.done).named("done")));
}

#[test]
fn progress_counts_the_effects_of_an_attempt_that_has_to_ask_again_by_their_names() {
    async fn copy(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
        let lock = durasim::state::<Lock>();
        // It looks whether all is done, and has to ask again while somebody writes.
        for _ in 1..ctx.get_info().attempt * 4 {
            durasim::time::sleep(seconds(1)).await;
            durasim::effect("look", || ())?;
        }
        if lock.done.len() == rows as usize {
            return Ok(rows);
        }
        for row in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..rows {
            durasim::time::sleep(seconds(1)).await;
            durasim::effect("write", || lock.done.record(row))?;
            ctx.heartbeat(&(row + 1))?;
        }
        Ok(rows)
    }
    let options = ActivityOptions { start_to_close_timeout: seconds(60), ..Default::default() };
    let simulation = Simulation::temporal().state(Lock::default).activity("copy", copy).no_heartbeat_throttle();
    let copying =
        async move |ctx: &WorkflowContext, rows: u32| ctx.execute_activity::<u32>("copy", &rows, options.clone()).await;
    let exploration = simulation.workflow("copying", copying).explore("copying", &3u32).every_fault();
    holds(exploration.check(check::progress("copy", |done: &u32| *done)));
}
