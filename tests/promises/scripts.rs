//! A script drives a run in virtual time: it starts, signals, queries, cancels, terminates and waits; and it can be
//! explored as a workflow can.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use durasim::fault::Plan;
use durasim::service::WorkflowOutcome;
use durasim::trace::{Event, What};
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Client, ClientError, Ledger, RetryPolicy, Run, RunError,
    Simulation, WorkflowContext, WorkflowError, check,
};

#[derive(Default)]
struct Shop {
    packed: Ledger<String>,
}

async fn pack(ctx: &ActivityContext, item: String) -> Result<String, ActivityError> {
    durasim::time::sleep(Duration::from_secs(2)).await;
    ctx.record_heartbeat(None);
    let shop = durasim::state::<Shop>();
    durasim::effect("pack", || shop.packed.record(item.clone()))?;
    Ok(item)
}

/// Packs the items it is sent until it is told that the order is complete.
async fn order(ctx: &WorkflowContext, (): ()) -> Result<Vec<String>, WorkflowError> {
    let packed = Rc::new(RefCell::new(Vec::new()));
    let shown = packed.clone();
    ctx.on_query("packed", move |()| Ok(shown.borrow().len() as u64));
    let items = ctx.signals::<Option<String>>("item");
    while let Some(item) = items.recv().await? {
        let options = ActivityOptions {
            start_to_close_timeout: Duration::from_secs(30),
            retry_policy: Some(RetryPolicy { maximum_attempts: 4, ..Default::default() }),
            ..Default::default()
        };
        let item: String = ctx.execute_activity("pack", &item, options).await?;
        packed.borrow_mut().push(item);
    }
    let packed = packed.borrow().clone();
    Ok(packed)
}

fn simulation() -> Simulation {
    Simulation::temporal().activity("pack", pack).workflow("order", order).state(Shop::default)
}

#[test]
fn signals_and_queries_reach_the_workflow_in_virtual_time() {
    let (counts, run) = simulation()
        .drive(|client| async move {
            let order = client.start::<Vec<String>>("order", "order-7", &()).await.unwrap();
            let mut counts = Vec::new();
            for item in ["apple", "pear"] {
                order.signal("item", &Some(item)).await.unwrap();
                client.sleep(Duration::from_secs(60)).await;
                counts.push(order.query::<u64>("packed", &()).await.unwrap());
            }
            order.signal("item", &None::<String>).await.unwrap();
            assert_eq!(order.result().await.unwrap(), ["apple", "pear"]);
            assert!(!order.is_open());
            counts
        })
        .unwrap();
    assert_eq!(counts, [1, 2]);
    assert_eq!(run.state::<Shop>().packed.total(), 2);
    assert_eq!(run.virtual_time().as_nanos() / 1_000_000_000, 120);
}

#[test]
fn a_signal_that_lands_while_a_task_is_open_is_seen_by_the_next() {
    let drive = |plan: &str| {
        let simulation = simulation().plan(plan.parse().unwrap());
        simulation.drive(|client| async move {
            let order = client.start::<Vec<String>>("order", "order-7", &()).await.unwrap();
            for item in ["apple", "pear"] {
                order.signal("item", &Some(item)).await.unwrap();
                client.sleep(Duration::from_secs(5)).await;
            }
            order.signal("item", &None::<String>).await.unwrap();
            order.result().await.unwrap()
        })
    };
    // Task 2 hears that the apple is packed, at 2 s; the pear comes at 5 s.
    let (packed, run) = drive("order#1:task2=signal").unwrap();
    assert_eq!((packed, run.not_fired()), (vec!["apple".to_owned(), "pear".to_owned()], vec![]));
    let task: Vec<String> = run
        .trace()
        .events()
        .iter()
        .skip_while(|event| !matches!(event.what, What::TaskStarted { task: 2, .. }))
        .filter_map(|event| match event.what {
            What::TaskStarted { task, .. } => Some(format!("task {task}")),
            What::SignalReceived(_) => Some("signal".to_owned()),
            What::TaskCompleted(_) => Some("answer".to_owned()),
            _ => None,
        })
        .take(5)
        .collect();
    assert_eq!(task, ["task 2", "signal", "answer", "task 3", "answer"], "{}", run.timeline());
    // None comes after task 4 but the one that ends the order: without it the task would time out.
    let (packed, _) = drive("order#1:task4=signal").unwrap();
    assert_eq!(packed, ["apple", "pear"]);
}

#[test]
fn a_script_may_borrow_from_the_test() {
    let mut seen = Vec::new();
    let items = ["apple".to_owned()];
    simulation()
        .drive(|client| async {
            let client = client;
            let order = client.start::<Vec<String>>("order", "1", &()).await.unwrap();
            for item in &items {
                order.signal("item", &Some(item)).await.unwrap();
            }
            order.signal("item", &None::<String>).await.unwrap();
            seen = order.result().await.unwrap();
        })
        .unwrap();
    assert_eq!(seen, items);
}

#[test]
fn cancel_and_terminate_close_the_workflow() {
    simulation()
        .drive(|client| async move {
            let first = client.start::<Vec<String>>("order", "first", &()).await.unwrap();
            client.sleep(Duration::from_secs(1)).await;
            first.cancel().await.unwrap();
            let error = first.result().await.unwrap_err();
            assert!(matches!(error, ClientError::NotCompleted(WorkflowOutcome::Canceled(_))), "{error}");
            first.cancel().await.expect("a closed workflow takes a cancel in silence");
            let late = first.signal("item", &Some("late")).await.unwrap_err();
            assert!(late.to_string().contains("workflow execution already completed"), "{late}");

            let second = client.start::<Vec<String>>("order", "second", &()).await.unwrap();
            client.sleep(Duration::from_secs(1)).await;
            second.terminate("enough").await.unwrap();
            let error = second.result().await.unwrap_err();
            assert!(matches!(error, ClientError::NotCompleted(WorkflowOutcome::Terminated { .. })), "{error}");
        })
        .unwrap();
}

#[test]
fn what_a_script_does_wrong_is_told() {
    simulation()
        .drive(|client| async move {
            let order = client.start::<Vec<String>>("order", "1", &()).await.unwrap();
            let taken = client.start::<()>("order", "1", &()).await.unwrap_err().to_string();
            assert!(taken.contains("`1` is taken"), "{taken}");
            let unknown = client.start::<()>("orders", "2", &()).await.unwrap_err().to_string();
            assert!(unknown.contains("`orders`") && unknown.contains("`order`"), "{unknown}");
            let query = order.query::<u64>("unpacked", &()).await.unwrap_err().to_string();
            assert!(query.contains("unpacked"), "{query}");
            let wrong = order.query::<String>("packed", &()).await.unwrap_err().to_string();
            assert!(wrong.contains("packed") && wrong.contains("String"), "{wrong}");
            order.cancel().await.unwrap();
        })
        .unwrap();
}

#[test]
fn a_script_that_waits_for_nothing_is_told() {
    let error = simulation()
        .drive(|client| async move {
            let order = client.start::<Vec<String>>("order", "1", &()).await.unwrap();
            order.result().await
        })
        .unwrap_err();
    assert!(matches!(error, RunError::ScriptStuck { .. }), "{error}");
}

#[test]
fn a_call_that_does_not_belong_in_a_script_ends_the_run() {
    let error = simulation().drive(|client| async move { client.state::<String>() }).unwrap_err();
    assert!(matches!(error, RunError::UnknownState { .. }), "{error}");
}

#[test]
#[should_panic(expected = "three apples")]
fn a_panic_of_the_script_is_the_tests() {
    let _ = simulation().drive(|_client| async move { panic!("three apples") });
}

#[test]
fn a_script_is_explored_as_a_workflow_is() {
    let report = simulation()
        .explore_script(async |client| {
            let order = client.start::<Vec<String>>("order", "order-7", &()).await.unwrap();
            for item in ["apple", "pear"] {
                order.signal("item", &Some(item)).await?;
                client.sleep(Duration::from_secs(300)).await;
            }
            order.signal("item", &None::<String>).await?;
            order.result().await
        })
        .every_fault()
        .seeds(0..300)
        .check(check::same_result())
        .check(check::effects(|shop: &Shop| &shop.packed))
        .report();
    assert!(
        report.holds(),
        "{report}\n{}",
        report.failures().iter().map(|failed| failed.text.clone()).collect::<String>()
    );
    let singles = &report.parts()[1].tally;
    assert!(singles.survive > 60 && singles.cancelled > 0, "{report}");
}

#[test]
fn a_script_that_panics_under_a_fault_leaves_its_story() {
    async fn once(ctx: &ActivityContext, (): ()) -> Result<u32, ActivityError> {
        durasim::time::sleep(Duration::from_secs(2)).await;
        match ctx.get_info().attempt {
            1 => Ok(1),
            _ => Err(ActivityError::non_retryable("already begun")),
        }
    }
    let report = Simulation::temporal()
        .activity("once", once)
        .workflow("main", async |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
            let options = ActivityOptions { start_to_close_timeout: Duration::from_secs(30), ..Default::default() };
            ctx.execute_activity("once", &(), options).await
        })
        .explore_script(async |client| {
            client.start::<u32>("main", "main-1", &()).await.unwrap().result().await.expect("a number")
        })
        .every_fault()
        .check(check::same_result())
        .report();
    let text = &report.failures()[0].text;
    for words in ["the script panicked: ", "a number", ">>> ", "once#1@2  failed: ", "main#1    workflow failed: "] {
        assert!(text.contains(words), "{words:?} is missing in\n{text}");
    }
}

/// The next run begins anew, whatever the run before has counted.
#[test]
fn a_script_is_run_any_number_of_times_on_one_thread() {
    async fn nap(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
        ctx.sleep(Duration::from_secs(1)).await
    }
    let simulation = Simulation::temporal().workflow("nap", nap);
    let report = simulation
        .explore_script(async |client: Client| client.start::<()>("nap", "n", &()).await.is_ok())
        .seeds(0..12_000)
        .threads(1)
        .check(check::same_result())
        .report();
    assert!(report.holds(), "{report}");
    for run in 0..12_000 {
        let started = simulation.drive(|client| async move { client.start::<()>("nap", "n", &()).await.is_ok() });
        assert!(started.is_ok_and(|(is_ok, _)| is_ok), "run {run}");
    }
}

/// A plan means the same however the run was started, as far as a script that runs only once allows it.
#[test]
fn a_deadline_of_a_plan_is_met_by_a_late_dispatch_but_where_the_script_runs_once() {
    async fn step(_ctx: &ActivityContext, (): ()) -> Result<(), ActivityError> {
        for _ in 0..3 {
            durasim::time::sleep(Duration::from_secs(2)).await;
        }
        Ok(())
    }
    let simulation = || {
        let steps = async |ctx: &WorkflowContext, (): ()| -> Result<bool, WorkflowError> {
            let options = ActivityOptions { schedule_to_close_timeout: Duration::from_secs(60), ..Default::default() };
            Ok(ctx.execute_activity::<()>("step", &(), options).await.is_ok())
        };
        Simulation::temporal().activity("step", step).workflow("steps", steps)
    };
    let plan: Plan = "step#1@1:deadline3=after(1ms)".parse().unwrap();
    // When the attempt starts, and when it has its third wait behind it, in whole seconds.
    let moments = |run: &Run| {
        let started = run.activities()[0].attempts[0].started_at.since_epoch().as_secs();
        let is_third = |event: &&Event| matches!(event.what, What::Awaited(3));
        let third = run.trace().events().iter().find(is_third).map(|event| event.at.since_epoch().as_secs());
        (run.not_fired().len(), started, third)
    };
    let run = simulation().plan(plan.clone()).run("steps", &()).unwrap();
    assert_eq!(moments(&run), (0, 56, Some(60)));

    let seen = Arc::new(Mutex::new(Vec::new()));
    let keep = seen.clone();
    let report = simulation()
        .explore_script(async |client: Client| {
            client.start::<bool>("steps", "steps", &()).await.unwrap().result().await.unwrap()
        })
        .check(check::named("seen", move |run: &Run| keep.lock().unwrap().push(moments(run))).all_runs())
        .replay(&plan);
    assert!(report.error().is_none(), "{report}");
    assert!(seen.lock().unwrap().contains(&moments(&run)), "{seen:?}");

    let script = |client: Client| async move {
        client.start::<bool>("steps", "steps", &()).await.unwrap().result().await.unwrap()
    };
    let (_, driven) = simulation().plan(plan).drive(script).unwrap();
    assert_eq!(moments(&driven), (0, 0, Some(60)));
}
