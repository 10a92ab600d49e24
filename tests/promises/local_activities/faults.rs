//! A local activity is run again where its worker dies, or the answer with its marker is lost or refused; a replay does not run it.

use std::collections::BTreeMap;

use super::*;
use durasim::{Ledger, check};

/// An outside world: what was charged, by the attempts' own keys.
#[derive(Default)]
struct Bank {
    charged: Ledger<String>,
    /// The keys that are known.
    known: std::cell::RefCell<BTreeMap<String, u32>>,
}

impl Bank {
    /// Charges once for each key.
    fn charge_once(&self, key: &str) {
        if self.known.borrow_mut().insert(key.to_owned(), 1).is_none() {
            self.charged.record(key.to_owned());
        }
    }
}

async fn charge(ctx: &ActivityContext, is_idempotent: bool) -> Result<u32, ActivityError> {
    durasim::state::<Seen>().0.borrow_mut().push(ctx.get_info().attempt);
    durasim::time::sleep(secs(1)).await;
    let key = format!("{}/{}", ctx.get_info().run_id(), ctx.get_info().activity_id);
    let bank = durasim::state::<Bank>();
    durasim::effect("charge", || if is_idempotent { bank.charge_once(&key) } else { bank.charged.record(key) })?;
    durasim::time::sleep(secs(1)).await;
    Ok(1)
}

async fn order(ctx: &WorkflowContext, is_idempotent: bool) -> Result<u32, WorkflowError> {
    let charged: u32 = ctx.execute_local_activity("charge", &is_idempotent, usual()).await?;
    ctx.sleep(secs(5)).await?;
    let again: u32 = ctx.execute_local_activity("charge", &is_idempotent, usual()).await?;
    Ok(charged + again)
}

fn bank() -> Simulation {
    Simulation::temporal().state(Seen::default).state(Bank::default).activity("charge", charge).workflow("order", order)
}

fn with(plan: &str) -> Run {
    let plan = format!("v1 seed=0 order=fifo; {plan}").parse().unwrap();
    bank().plan(plan).run("order", &false).unwrap().strict().unwrap()
}

/// The number of charges, and the numbers of the attempts as their code saw them.
fn charges(run: &Run) -> (usize, Vec<u32>) {
    assert_eq!(run.result::<u32>(), Ok(2), "{}", run.timeline());
    (run.state::<Bank>().charged.total(), Seen::attempts(run))
}

#[test]
fn the_death_of_the_worker_repeats_it_from_attempt_1() {
    // Before the effect, after it, and when the code has ended but the marker has not left.
    for (plan, charged) in [
        ("charge#1@1:await1=crash", 2),
        ("charge#1@1:effect1=crash_before", 2),
        ("charge#1@1:effect1=crash_after", 3),
        ("charge#1@1:await2=crash", 3),
        ("charge#1@1:completion=crash", 3),
    ] {
        let run = with(plan);
        assert_eq!(charges(&run), (charged, vec![1, 1, 1]), "{plan}");
        // The task is given out again when its timeout has passed.
        let second = run.executions().attempts().values().nth(1).unwrap();
        assert_eq!((second.number, millis(second.started.at)), (2, 10_002), "{plan}");
    }
}

#[test]
fn a_lost_answer_loses_the_marker_too() {
    let run = with("order#1:task1=completion_lost");
    assert_eq!(charges(&run), (3, vec![1, 1, 1]));
    assert_eq!(markers(&run), [(1, 1), (2, 1)]);
}

#[test]
fn a_refused_answer_does_too() {
    // A request to cancel comes while the last task is open, so that the workflow cannot close.
    let closes = async |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
        ctx.detached().execute_local_activity("charge", &false, usual()).await
    };
    let script = async |client: durasim::Client| {
        let workflow = client.start::<u32>("closes", "a", &()).await.unwrap();
        client.sleep(secs(1)).await;
        workflow.signal("hurry", &()).await.unwrap();
        workflow.result().await.unwrap()
    };
    let (result, run) = bank().workflow("closes", closes).drive(script).unwrap();
    // `local_signal_during`
    assert_eq!((result, Seen::attempts(&run), markers(&run)), (1, vec![1, 1], vec![(1, 1)]));
}

#[test]
fn a_replay_takes_the_result_of_the_marker() {
    for plan in ["order#1:task2=evicted", "order#1:task2=crash", "order#1:task2=completion_lost"] {
        let run = with(plan);
        let repeats = usize::from(plan.ends_with("lost"));
        assert_eq!(charges(&run).0, 2 + repeats, "{plan}\n{}", run.timeline());
    }
}

#[test]
fn a_worker_that_stands_still_for_too_long_is_not_waited_for() {
    let run = with("charge#1@1:await1=freeze(11s)");
    // The one that stood still goes on beside its successor.
    assert_eq!(charges(&run), (3, vec![1, 1, 1]), "{}", run.timeline());
}

#[test]
fn a_worker_that_stops_answers_if_it_is_in_time() {
    for (grace, charged) in [(secs(5), 2), (secs(0), 2)] {
        let plan = "v1 seed=0 order=fifo; charge#1@1:await1=stop".parse().unwrap();
        let run = bank().graceful_shutdown_period(grace).plan(plan).run("order", &false).unwrap();
        let attempts = if grace.is_zero() { vec![1, 1, 1] } else { vec![1, 1] };
        assert_eq!(charges(&run), (charged, attempts), "{grace:?}\n{}", run.timeline());
    }
}

#[test]
fn a_renewed_task_is_not_begun_anew() {
    let long = async |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
        let first: u32 = ctx.execute_local_activity("charge", &false, usual()).await?;
        let _: u32 = ctx.execute_local_activity("work", &Work { takes: 12, fails: 0 }, usual()).await?;
        Ok(first)
    };
    let simulation = bank().activity("work", work).workflow("long", long);
    for (plan, charged, worked) in [
        // The first answer holds the first marker.
        ("work#1@1:await1=crash", 2, 2),
        ("long#1:task2=crash", 1, 2),
        ("long#1:task2=completion_lost", 1, 2),
        ("long#1:task1=completion_lost", 2, 2),
        ("long#1:task1=late(1s)", 1, 1),
        ("long#1:task2=evicted", 1, 2),
    ] {
        let plan = format!("v1 seed=0 order=fifo; {plan}").parse().unwrap();
        let run = simulation.clone().plan(plan).run("long", &()).unwrap().strict().unwrap();
        assert_eq!(run.result::<u32>(), Ok(1), "{}", run.timeline());
        let works = Seen::attempts(&run).len() - run.executions().activities().values().next().unwrap().attempts.len();
        assert_eq!(
            (run.state::<Bank>().charged.total(), works),
            (charged, worked),
            "{}\n{}",
            run.plan(),
            run.timeline()
        );
    }
}

#[test]
fn correct_code_lives_through_every_fault() {
    let report = bank()
        .explore("order", &true)
        .check(check::effects(|bank: &Bank| &bank.charged).repeats_at_most(0))
        .every_fault()
        .every_order()
        .seeds(0..300)
        .report();
    let texts: Vec<_> = report.failures().iter().map(|f| f.text.clone()).collect();
    assert!(report.holds() && report.error().is_none(), "{report}\n{}", texts.join("\n"));
}

#[test]
fn an_effect_that_is_repeated_is_found() {
    let report = bank()
        .explore("order", &false)
        .check(check::effects(|bank: &Bank| &bank.charged).repeats_at_most(0))
        .every_fault()
        .report();
    let failed = report.failures().first().unwrap_or_else(|| panic!("{report}"));
    assert_eq!(failed.check, "effects", "{}", failed.text);
}

/// A worker that is lost whenever the first attempt has failed: each loss begins it anew.
#[test]
fn one_that_fails_without_faults_comes_to_an_end_under_every_seed() {
    let work = Work { takes: 1, fails: 1 };
    // The result is the number of the attempt.
    let exploration = simulation(usual()).explore("only", &work).without("same_result");
    let report = exploration.every_fault().seeds(0..300).report();
    assert!(report.holds() && report.error().is_none(), "{report}");
}
