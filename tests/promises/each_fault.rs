//! Each fault does what it says, as the code of the user sees it: attempts, times, errors, and effects on the outside
//! world.
//!
//! An activity of three steps writes down everything it sees. Each row is a fault, and the lines that come to be with
//! it. A fault that does nothing has no line, which fails.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use durasim::fault::Plan;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Client, RetryPolicy, Run, Simulation, WorkflowContext,
    WorkflowError,
};

/// The notes of the code, in order.
#[derive(Default)]
struct Seen(RefCell<Vec<String>>);

impl Seen {
    fn note(&self, line: String) {
        self.0.borrow_mut().push(format!("{:.3} {line}", durasim::time::now().since_epoch().as_secs_f64()));
    }
}

fn note(line: String) {
    durasim::state::<Seen>().note(line);
}

async fn work(ctx: &ActivityContext, steps: u32) -> Result<u32, ActivityError> {
    let attempt = ctx.get_info().attempt;
    let given = ctx.heartbeat_details::<u32>()?;
    note(format!("@{attempt} begins with {given:?}"));
    for step in given.unwrap_or(0)..steps {
        durasim::time::sleep(Duration::from_secs(5)).await;
        note(format!("@{attempt} wakes for step {step}"));
        if let Err(error) = durasim::effect("put", || note(format!("@{attempt} does step {step}"))) {
            note(format!("@{attempt} is told: {error}"));
            return Err(error.into());
        }
        ctx.heartbeat(&(step + 1))?;
        if ctx.is_cancelled() {
            note(format!("@{attempt} is cancelled: {:?}", ctx.cancel_reason()));
            return Err(ActivityError::Cancelled);
        }
    }
    note(format!("@{attempt} completes"));
    Ok(steps)
}

fn simulation(start_to_close: u64) -> Simulation {
    let main = async move |ctx: &WorkflowContext, steps: u32| -> Result<u32, WorkflowError> {
        let options = ActivityOptions {
            start_to_close_timeout: Duration::from_secs(start_to_close),
            heartbeat_timeout: Duration::from_secs(20),
            retry_policy: Some(RetryPolicy { maximum_attempts: 3, ..Default::default() }),
            ..Default::default()
        };
        let done: u32 = ctx.execute_activity("work", &steps, options).await?;
        // A cancel shows in the result, whoever asks for it.
        Ok(if ctx.is_cancelled() { done + 100 } else { done })
    };
    Simulation::temporal().activity("work", work).workflow("main", main).state(Seen::default)
}

/// The notes of a run, and how the workflow ended.
fn seen(run: &Run) -> Vec<String> {
    let mut seen = run.state::<Seen>().0.borrow().clone();
    let end = match run.result::<u32>() {
        Ok(result) => result.to_string(),
        Err(error) => error.to_string().split(':').next().unwrap_or_default().to_owned(),
    };
    seen.push(format!("{:.3} the workflow ends: {end}", run.virtual_time().since_epoch().as_secs_f64()));
    seen
}

/// The notes that come to be with a plan's last fault.
fn new_lines(simulation: &Simulation, plan: &str) -> Vec<String> {
    let run = |plan: &Plan| {
        let run = simulation.clone().plan(plan.clone()).run("main", &3u32).expect("it ends");
        assert_eq!(run.not_fired(), [], "{plan}");
        seen(&run)
    };
    let plan: Plan = plan.parse().expect("a plan");
    let mut without = plan.clone();
    without.entries.pop();
    let (usual, faulted) = (run(&without), run(&plan));
    faulted.into_iter().filter(|line| !usual.contains(line)).collect()
}

/// The last fault of each is the one that is looked at.
const ROWS: [&str; 30] = [
    "dispatch=slow(2)",
    "dispatch=slow(5)",
    "dispatch=delayed(2s)",
    "dispatch=worker_dies",
    "dispatch=cancel",
    "await2=crash",
    "await2=crash_attempt",
    "await2=fail",
    "await2=stall(8s)",
    "await2=stall(40s)",
    "await2=freeze(8s)",
    "await2=freeze(40s)",
    "await2=cancel",
    "await2=stop",
    "effect2=crash_before",
    "effect2=crash_after",
    "effect2=fail_unapplied",
    "effect2=fail_applied",
    "heartbeat2=crash_before",
    "heartbeat2=crash_after_sent",
    "heartbeat2=crash_after_unsent",
    "await2=crash; work#1@1:heartbeat1=request_lost",
    "await1=cancel; work#1@1:heartbeat1=answer_lost",
    "await2=crash; work#1@1:heartbeat1=delayed(60s)",
    "completion=request_lost",
    "completion=delayed(3s)",
    "completion=crash",
    "completion=cancel",
    "await2=fail; work#1@1:backoff=cancel",
    "await2=fail; work#1@1:backoff=worker_gone",
];

#[test]
fn each_fault_of_an_activity_changes_what_its_code_sees() {
    let mut text = String::new();
    for faults in ROWS {
        let lines = new_lines(&simulation(60), &format!("work#1@1:{faults}"));
        assert!(!lines.is_empty(), "`{faults}` changes nothing that the code sees");
        text.push_str(&format!("{faults}\n"));
        lines.iter().for_each(|line| text.push_str(&format!("  {line}\n")));
    }
    crate::snapshot::assert_kept("each_fault", &text);
}

/// A new version that says so, and does what the old one does.
async fn new_work(ctx: &ActivityContext, steps: u32) -> Result<u32, ActivityError> {
    note(format!("@{} is new", ctx.get_info().attempt));
    work(ctx, steps).await
}

#[test]
fn deploys_and_rollbacks_change_the_code_that_runs() {
    let simulation = simulation(60).deploy(|simulation| simulation.activity("work", new_work)).rollback();
    let is_new = |plan: &str| new_lines(&simulation, plan).iter().any(|line| line.ends_with("is new"));
    assert!(is_new("work#1@1:dispatch=deploy"));
    assert!(is_new("work#1@1:await2=fail; work#1@2:dispatch=deploy(1)"));
    let back = "work#1@1:dispatch=deploy; work#1@1:await2=fail; work#1@2:dispatch=rollback";
    assert!(!is_new(back) && !new_lines(&simulation, back).is_empty());
}

/// The attempt comes to its third wait, with its second heartbeat just recorded, a moment before its deadline, at it, or a
/// moment after. At the deadline, who is first decides whether that heartbeat still counts.
#[test]
fn faults_at_a_deadline_differ_by_a_moment() {
    let changed = |fault: &str| {
        let simulation = simulation(17).no_heartbeat_throttle();
        let lines = new_lines(&simulation, &format!("work#1@1:deadline3={fault}"));
        let find = |what: &str| lines.iter().find(|line| line.contains(what)).cloned().unwrap_or_default();
        (find("@1 does step 1"), find("@2 begins"))
    };
    let row = |done: &str, begins: &str| (format!("{done} @1 does step 1"), format!("18.003 @2 begins with {begins}"));
    assert_eq!(changed("before(1ms)"), row("17.001", "Some(2)"));
    assert_eq!(changed("at"), row("17.002", "Some(2)"));
    assert_eq!(changed("at_late"), row("17.002", "Some(1)"));
    assert_eq!(changed("after(1ms)"), row("17.003", "Some(1)"));
}

/// The one fault that no code sees: the activity has closed, and only its worker does not know.
#[test]
fn a_lost_answer_to_a_completion_is_sent_again_and_refused() {
    let refused = |plan: &str| {
        let run = simulation(60).plan(plan.parse().expect("a plan")).run("main", &3u32).expect("it ends");
        run.trace().events().iter().filter(|event| event.what == durasim::trace::What::Refused).count()
    };
    assert_eq!((refused("v1"), refused("work#1@1:completion=answer_lost")), (0, 1));
}

/// A workflow with a timer and a signal, whose result says in which order and when it saw them.
fn scripted(plan: &str) -> String {
    let main = async |ctx: &WorkflowContext, (): ()| -> Result<Vec<String>, WorkflowError> {
        let mut seen = Vec::new();
        let signals = ctx.signals::<u32>("add");
        ctx.sleep(Duration::from_secs(10)).await?;
        seen.push(format!("timer at {:.3}", ctx.now().since_epoch().as_secs_f64()));
        let options = ActivityOptions { start_to_close_timeout: Duration::from_secs(60), ..Default::default() };
        seen.push(ctx.execute_activity::<String>("clock", &(), options).await?);
        while seen.len() < 4 {
            let number = signals.recv().await?;
            seen.push(format!("signal {number} at {:.3}", ctx.now().since_epoch().as_secs_f64()));
        }
        Ok(seen)
    };
    let script = async |client: Client| -> Result<Vec<String>, String> {
        let workflow = client.start::<Vec<String>>("main", "main", &()).await?;
        client.sleep(Duration::from_secs(12)).await;
        workflow.signal("add", &1u32).await?;
        client.sleep(Duration::from_secs(3)).await;
        workflow.signal("add", &2u32).await?;
        Ok(workflow.result().await?)
    };
    let plan: Plan = plan.parse().expect("a plan");
    let clock = async |_: &ActivityContext, (): ()| -> Result<String, ActivityError> {
        Ok(format!("activity at {:.3}", durasim::time::now().since_epoch().as_secs_f64()))
    };
    let simulation = Simulation::temporal().activity("clock", clock).workflow("main", main).plan(plan.clone());
    let (result, run) = simulation.drive(script).expect("it ends");
    assert_eq!(run.not_fired(), [], "{plan}");
    let replays = run.trace().events().iter().filter(|event| matches!(event.what, durasim::trace::What::Replayed(_)));
    format!("{} replays, {result:?}", replays.count())
}

#[test]
fn each_fault_of_a_workflow_changes_what_its_code_or_its_client_sees() {
    let rows = [
        "task2=crash",
        "task2=completion_lost",
        "task2=answer_lost",
        "task2=evicted",
        "task2=late(4s)",
        "task2=cancel",
        "task2=signal",
        "timer1=delayed(3s)",
        "timer1=cancel",
        "signal1=delayed(5s)",
        "signal1=cancel",
        "signal1=duplicated",
    ];
    let usual = scripted("v1");
    let mut text = format!("without faults\n  {usual}\n");
    for fault in rows {
        let faulted = scripted(&format!("main#1:{fault}"));
        assert_ne!(faulted, usual, "`{fault}` changes nothing that code sees");
        text.push_str(&format!("{fault}\n  {faulted}\n"));
    }
    crate::snapshot::assert_kept("each_workflow_fault", &text);
}

/// Whatever fault comes to be has its row.
#[test]
fn no_kind_of_fault_is_left_out() {
    let readme = include_str!("../../README.md");
    let rows = include_str!("each_fault.rs");
    let table = readme.split("| point | faults |").nth(1).expect("the table of faults");
    let kinds: BTreeSet<&str> = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .flat_map(|line| line.split('|').nth(2).unwrap_or_default().split('`').skip(1).step_by(2))
        .map(|fault| fault.split('(').next().unwrap_or(fault))
        .collect();
    assert!(kinds.len() > 20, "{kinds:?}");
    for kind in kinds {
        let is_there = ["=", "changed(\""].iter().any(|before| rows.contains(&format!("{before}{kind}")));
        assert!(is_there, "no row has the fault `{kind}`");
    }
}
