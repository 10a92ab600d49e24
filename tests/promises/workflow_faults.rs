//! A workflow with signals, queries and markers lives through the faults of `signalN`, `timerN` and `taskN`.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use durasim::service::{EventKind, WorkflowOutcome};
use durasim::trace::What;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Outcome, Run, Simulation, WorkflowContext, WorkflowError,
};
use futures::select_biased;

/// The numbers that it has taken, the side effect, the number drawn, the version.
type Taken = (Vec<u32>, u64, u64, i32);

fn options() -> ActivityOptions {
    ActivityOptions { start_to_close_timeout: Duration::from_secs(60), ..Default::default() }
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Works for three seconds.
async fn worker(_: &ActivityContext, (): ()) -> Result<(), ActivityError> {
    for _ in 1..=3 {
        durasim::time::sleep(secs(1)).await;
    }
    Ok(())
}

/// Takes numbers until none has come for ten seconds, with a bit of everything that has to be the same in a replay.
async fn taker(ctx: &WorkflowContext, (): ()) -> Result<Taken, WorkflowError> {
    let numbers = ctx.signals::<u32>("number");
    let taken = Rc::new(RefCell::new(Vec::new()));
    let shown = taken.clone();
    ctx.on_query("taken", move |()| Ok(shown.borrow().clone()));
    let working = ctx.execute_activity::<()>("worker", &(), options());
    let once = ctx.side_effect(durasim::random);
    loop {
        let mut patience = ctx.sleep(secs(10));
        let mut number = numbers.recv();
        select_biased! {
            number = number => taken.borrow_mut().push(number?),
            fired = patience => {
                fired?;
                break;
            }
        }
    }
    let version = ctx.version("last step", 1, 4);
    working.await?;
    let taken = taken.borrow().clone();
    Ok((taken, once, ctx.random_range(0..1000), version))
}

fn simulation() -> Simulation {
    Simulation::temporal().activity("worker", worker).workflow("taker", taker)
}

/// Makes a run under this plan, with 1, 2 and 3 sent a second apart.
fn run(plan: &str) -> Run {
    let simulation = simulation().plan(plan.parse().expect("a plan"));
    let driven = simulation.drive(|client| async move {
        let taker = client.start::<Taken>("taker", "taker", &()).await.expect("starts");
        for number in 1..=3 {
            client.sleep(secs(1)).await;
            // It may be closed by then.
            let _ = taker.signal("number", &number).await;
        }
        let _ = taker.result().await;
    });
    driven.expect("runs").1
}

fn taken(run: &Run) -> Vec<u32> {
    run.result::<Taken>().expect("completes").0
}

fn happened(run: &Run, what: impl Fn(What) -> bool) -> Vec<String> {
    run.trace().events().iter().filter(|event| what(event.what)).map(|event| event.at.to_string()).collect()
}

fn kinds(run: &Run) -> Vec<EventKind> {
    run.history().into_iter().map(|event| event.kind).collect()
}

#[test]
fn a_replay_at_any_task_changes_nothing() {
    let reference = run("v1");
    assert_eq!(taken(&reference), [1, 2, 3]);
    let tasks = happened(&reference, |what| matches!(what, What::TaskStarted { .. })).len();
    assert_eq!(tasks, 6);
    for task in 2..=tasks {
        let replayed = run(&format!("taker#1:task{task}=evicted"));
        assert_eq!(kinds(&replayed), kinds(&reference), "task {task}");
        assert_eq!(happened(&replayed, |what| matches!(what, What::Replayed(_))).len(), 1, "task {task}");
    }
}

#[test]
fn a_crash_at_any_task_changes_no_decision() {
    let reference = run("v1");
    for task in 2..=6 {
        let crashed = run(&format!("taker#1:task{task}=crash"));
        let (_, once, drawn, version): Taken = crashed.result().expect("completes");
        let (_, same_once, same_drawn, same_version): Taken = reference.result().expect("completes");
        assert_eq!((drawn, version), (same_drawn, same_version), "task {task}");
        assert_eq!(once, same_once, "task {task}");
    }
}

#[test]
fn every_fault_of_a_workflow_site_strikes_and_the_run_ends() {
    let sites = [
        ("task", 6, &["crash", "cancel", "completion_lost", "answer_lost", "evicted", "late(1s)", "late(20s)"][..]),
        ("signal", 3, &["delayed(1s)", "delayed(100s)", "duplicated", "cancel"]),
        ("timer", 4, &["delayed(1s)", "cancel"]),
    ];
    for (site, last, faults) in sites {
        // Timers before the last are cancelled.
        for number in if site == "timer" { last..=last } else { 1..=last } {
            for fault in faults {
                let plan = format!("taker#1:{site}{number}={fault}");
                let run = run(&plan);
                assert!(run.not_fired().is_empty(), "{plan}\n{}", run.timeline());
                assert_ne!(run.outcome(), Outcome::Open, "{plan}");
                assert!(*fault == "cancel" || run.result::<Taken>().is_ok(), "{plan}\n{}", run.timeline());
            }
        }
    }
}

/// Its sender waits for the answer, as on a server: what the same script sends afterwards arrives afterwards.
#[test]
fn a_delayed_signal_holds_up_its_sender_and_is_not_overtaken() {
    let arrivals = |run: &Run| happened(run, |what| matches!(what, What::SignalReceived(_)));
    let (on_time, late) = (run("v1"), run("taker#1:signal1=delayed(1500ms)"));
    assert_eq!(taken(&late), [1, 2, 3]);
    assert!(late.not_fired().is_empty());
    assert_eq!(arrivals(&on_time).join(" "), "1.000s 2.000s 3.000s");
    assert_eq!(arrivals(&late).join(" "), "2.500s 3.500s 4.500s");
}

#[test]
fn a_signal_that_comes_to_a_closed_workflow_refuses_its_sender() {
    let simulation = simulation().plan("taker#1:signal1=delayed(100s)".parse().expect("a plan"));
    let driven = simulation.drive(|client| async move {
        let taker = client.start::<Taken>("taker", "taker", &()).await.expect("starts");
        let sent = taker.signal("number", &1).await;
        (sent.map_err(|refused| refused.to_string()), client.now(), taker.is_open())
    });
    let ((sent, at, is_open), run) = driven.expect("runs");
    assert!(sent.is_err_and(|refused| refused.contains("NOT_FOUND")), "{}", run.timeline());
    // The workflow has waited for ten seconds, and the request was on its way for a hundred.
    assert_eq!((at.to_string().as_str(), is_open), ("100.000s", false));
}

#[test]
fn a_duplicated_signal_arrives_twice() {
    assert_eq!(taken(&run("taker#1:signal2=duplicated")), [1, 2, 2, 3]);
}

#[test]
fn a_cancel_right_after_a_signal_finds_the_signal_taken() {
    let run = run("taker#1:signal2=cancel");
    assert!(matches!(run.outcome(), Outcome::Closed(WorkflowOutcome::Canceled(_))));
    let events = kinds(&run);
    let signalled =
        events.iter().rposition(|kind| matches!(kind, EventKind::WorkflowExecutionSignaled { .. })).unwrap();
    assert!(matches!(events[signalled + 2], EventKind::WorkflowExecutionCancelRequested { .. }), "{events:?}");
}

#[test]
fn a_late_timer_fires_later() {
    let (on_time, late) = (run("v1"), run("taker#1:timer4=delayed(2s)"));
    assert_eq!(late.virtual_time() - on_time.virtual_time(), secs(2));
    let cancelled = run("taker#1:timer4=cancel");
    assert!(cancelled.not_fired().is_empty());
    assert_eq!(happened(&cancelled, |what| what == What::CancelRequested).len(), 1);
}

#[test]
fn what_arrives_before_a_late_answer_is_not_in_it() {
    // Task 2 has the first signal; the second and third arrive before it is answered.
    let run = run("taker#1:task2=late(2500ms)");
    assert_eq!(taken(&run), [1, 2, 3]);
    let text = run.timeline().to_string();
    let events = kinds(&run);
    let completed = events.iter().filter(|kind| matches!(kind, EventKind::WorkflowTaskCompleted { .. })).count();
    assert_eq!(completed, 4, "{text}");
}

#[test]
fn an_answer_later_than_the_tasks_timeout_is_refused() {
    let run = run("taker#1:task3=late(12s)");
    assert_eq!(taken(&run), [1, 2, 3]);
    assert_eq!(happened(&run, |what| what == What::TaskTimedOut).len(), 1);
    assert_eq!(happened(&run, |what| what == What::Refused).len(), 1);
}

#[test]
fn a_late_answer_dies_with_its_worker() {
    // The client goes on sending while there is no worker.
    let run = run("taker#1:task2=late(2500ms); worker#1@1:await3=crash");
    assert_eq!(taken(&run), [1, 2, 3]);
    assert_eq!(happened(&run, |what| what == What::TaskTimedOut).len(), 1);
    assert_eq!(happened(&run, |what| what == What::Refused).len(), 0);
}

#[test]
fn a_cancel_while_the_last_task_is_open_makes_it_another_one() {
    let run = run("taker#1:task6=cancel");
    assert!(matches!(run.outcome(), Outcome::Closed(WorkflowOutcome::Canceled(_))));
    let failed = |kind: &EventKind| matches!(kind, EventKind::WorkflowTaskFailed { .. });
    assert_eq!(kinds(&run).iter().filter(|kind| failed(kind)).count(), 1);
}

#[test]
fn a_timer_that_fires_with_a_cancel_is_not_cancelled_as_well() {
    async fn sleeper(ctx: &WorkflowContext, (): ()) -> Result<bool, WorkflowError> {
        let () = ctx.detached().execute_activity("canceller", &(), options()).await?;
        Ok(ctx.sleep(secs(1)).await.is_err())
    }
    async fn canceller(_: &ActivityContext, (): ()) -> Result<(), ActivityError> {
        Ok(())
    }
    // The cancel is buffered while task 2 is open, the timer of task 1 fires meanwhile.
    async fn racer(ctx: &WorkflowContext, (): ()) -> Result<bool, WorkflowError> {
        let sleep = ctx.sleep(secs(2));
        let second = ctx.sleep(secs(1));
        second.await?;
        Ok(sleep.await.is_err())
    }
    let simulation =
        Simulation::temporal().activity("canceller", canceller).workflow("sleeper", sleeper).workflow("racer", racer);
    assert!(!simulation.run("sleeper", &()).unwrap().result::<bool>().unwrap());
    let raced = simulation.plan("racer#1:task2=late(3s)".parse().unwrap()).run("racer", &()).unwrap();
    assert!(!raced.result::<bool>().unwrap());
}

#[test]
fn queries_see_what_was_sent_before_them_and_outlive_the_workflow() {
    async fn asked(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
        let taken = Rc::new(RefCell::new(Vec::new()));
        let shown = taken.clone();
        ctx.on_query("taken", move |()| Ok(shown.borrow().clone()));
        let numbers = ctx.signals::<u32>("number");
        loop {
            match numbers.recv().await? {
                0 => return Ok(()),
                number => taken.borrow_mut().push(number),
            }
        }
    }
    let simulation = Simulation::temporal().workflow("asked", asked);
    for plan in ["v1", "asked#1:task2=evicted", "asked#1:task3=evicted"] {
        let driven = simulation.clone().plan(plan.parse().unwrap()).drive(|client| async move {
            let asked = client.start::<()>("asked", "asked", &()).await.unwrap();
            let mut answers = Vec::new();
            for number in 1..=2 {
                asked.signal("number", &number).await.unwrap();
                answers.push(asked.query::<Vec<u32>>("taken", &()).await.unwrap());
            }
            let unknown = asked.query::<()>("nothing", &()).await.unwrap_err().to_string();
            assert!(unknown.contains("workflow `asked` answers no query `nothing`"), "{unknown}");
            asked.signal("number", &0).await.unwrap();
            asked.result().await.unwrap();
            client.sleep(secs(5)).await;
            answers.push(asked.query("taken", &()).await.unwrap());
            answers
        });
        let (answers, run) = driven.expect("runs");
        assert_eq!(answers, [vec![1], vec![1, 2], vec![1, 2]], "{plan}");
        assert_eq!(happened(&run, |what| matches!(what, What::QueryAnswered(_))).len(), 4, "{plan}");
    }
}

#[test]
fn a_removed_version_call_is_no_difference_but_a_removed_side_effect_is() {
    static REPLAYED: AtomicBool = AtomicBool::new(false);
    let simulation = |with_version: bool| {
        Simulation::temporal()
            .workflow("changed", async move |ctx: &WorkflowContext, (): ()| {
                let again = REPLAYED.swap(true, Ordering::Relaxed);
                if with_version && !again {
                    ctx.version("c", 1, 1);
                }
                if !with_version && !again {
                    ctx.side_effect(|| 1);
                }
                ctx.sleep(secs(1)).await
            })
            .plan("changed#1:task2=evicted".parse().unwrap())
    };
    simulation(true).run("changed", &()).expect("the SDKs let a version go");
    REPLAYED.store(false, Ordering::Relaxed);
    let error = simulation(false).run("changed", &()).expect_err("it differs").to_string();
    assert!(error.contains("asks to start timer 1 where the history has side effect 1 recorded (event 5)"), "{error}");
}

/// A workflow that adds up what signals bring, and the number of times that it was told so by each run's plan.
#[test]
fn signals_arrive_twice_where_that_is_asked_for() {
    let account = async |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
        let deposits = ctx.signals::<u32>("deposit");
        let mut balance = 0;
        loop {
            match deposits.recv().await? {
                0 => return Ok(balance),
                amount => balance += amount,
            }
        }
    };
    let script = async |client: durasim::Client| -> Result<u32, durasim::ClientError> {
        let account = client.start::<u32>("account", "account-1", &()).await?;
        for amount in [5u32, 7, 0] {
            client.sleep(Duration::from_secs(5)).await;
            account.signal("deposit", &amount).await?;
        }
        account.result().await
    };
    let exploration = Simulation::temporal().workflow("account", account).explore_script(script).named("deposits");
    let report = exploration.clone().every_fault().every_pair().seeds(0..200).report();
    assert!(report.holds(), "{report}");
    let asked = exploration.duplicate_signals();
    for report in [asked.clone().every_fault().report(), asked.seeds(0..200).report()] {
        let failed = report.failures().first().unwrap_or_else(|| panic!("{report}"));
        let plan = failed.plan.to_string();
        assert!(plan.contains("account#1:signal1=duplicated") && failed.check == "same_result", "{plan}\n{report}");
    }
}
