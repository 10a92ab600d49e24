//! Updates of native workflows, as scripts and workflow code meet them.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use durasim::program::FailureKind;
use durasim::{
    Client, ClientError, Run, Simulation, UpdateHandle, UpdateOptions, WorkflowContext, WorkflowError, WorkflowHandle,
    check,
};

/// Adds what it is told to until it is closed; a number that is not positive is refused, and a wait goes before each.
async fn total(ctx: &WorkflowContext, wait: u64) -> Result<i64, WorkflowError> {
    let sum = Rc::new(Cell::new(0));
    let (inner, added) = (ctx.clone(), sum.clone());
    ctx.on_validated_update(
        "add",
        |number: &i64| match number {
            1.. => Ok(()),
            _ => Err(WorkflowError::application("only what is positive can be added")),
        },
        async move |number: i64| {
            if wait > 0 {
                inner.sleep(Duration::from_secs(wait)).await?;
            }
            if number == 13 {
                return Err(WorkflowError::application("not 13"));
            }
            added.set(added.get() + number);
            Ok(added.get())
        },
    );
    ctx.signals::<()>("close").recv().await?;
    ctx.updates_finished().await;
    Ok(sum.get())
}

fn driven<T>(wait: u64, script: impl AsyncFn(Client, WorkflowHandle<i64>) -> T) -> (T, Run) {
    Simulation::temporal()
        .workflow("total", total)
        .drive(async |client| {
            let handle = client.start::<i64>("total", "total-1", &wait).await.unwrap();
            script(client, handle).await
        })
        .unwrap()
}

/// The events of the first workflow's history, without those of workflow tasks.
fn events(run: &Run) -> Vec<String> {
    let json: serde_json::Value = serde_json::from_str(&run.history_json("total-1").unwrap()).unwrap();
    let types = json["events"].as_array().unwrap().iter().map(|event| event["eventType"].as_str().unwrap());
    types
        .filter(|name| !name.contains("WORKFLOW_TASK_"))
        .map(|name| name.trim_start_matches("EVENT_TYPE_WORKFLOW_EXECUTION_").to_owned())
        .collect()
}

#[test]
fn its_caller_gets_the_result() {
    let (_, run) = driven(0, async |_, total| {
        assert_eq!(total.update::<i64>("add", &5).await, Ok(5));
        assert_eq!(total.update::<i64>("add", &7).await, Ok(12));
        total.signal("close", &()).await.unwrap();
        assert_eq!(total.result().await, Ok(12));
    });
    let accepted_and_completed = ["UPDATE_ACCEPTED", "UPDATE_COMPLETED"];
    assert_eq!(events(&run)[1..3], accepted_and_completed);
    assert_eq!(events(&run)[3..5], accepted_and_completed);
}

#[test]
fn one_that_the_validator_refuses_leaves_no_trace_in_the_history() {
    let (_, run) = driven(0, async |client, total| {
        client.sleep(Duration::from_secs(1)).await;
        let refused = total.update::<i64>("add", &-1).await.unwrap_err();
        assert_eq!(refused.to_string(), "the update was rejected: Application: only what is positive can be added");
        let unknown = total.update::<i64>("subtract", &1).await.unwrap_err();
        assert_eq!(
            unknown.to_string(),
            "the update was rejected: UpdateNotFound: workflow `total` handles no update `subtract`; the updates it handles \
             now: `add`"
        );
        let undecoded = total.update::<i64>("add", "five").await.unwrap_err().to_string();
        assert!(undecoded.contains("the input of update `add` does not decode as `i64`"), "{undecoded}");
        total.signal("close", &()).await.unwrap();
        total.result().await.unwrap();
    });
    assert_eq!(events(&run), ["STARTED", "SIGNALED", "COMPLETED"]);
    // Its speculative tasks are not there either.
    let events = run.history_json("total-1").unwrap().matches("EVENT_TYPE_WORKFLOW_TASK_STARTED").count();
    assert_eq!(events, 2);
}

#[test]
fn a_handler_that_fails_fails_its_caller_and_not_the_workflow() {
    driven(1, async |_, total| {
        let failed = total.update::<i64>("add", &13).await.unwrap_err();
        let ClientError::UpdateFailed(failure) = &failed else { panic!("{failed:?}") };
        assert!(matches!(failure.kind, FailureKind::Application { .. }));
        assert_eq!(failed.to_string(), "the update failed: Application: not 13");
        assert_eq!(total.update::<i64>("add", &1).await, Ok(1));
        total.signal("close", &()).await.unwrap();
        assert_eq!(total.result().await, Ok(1));
    });
}

#[test]
fn its_start_waits_until_it_is_accepted_and_its_handle_until_it_has_ended() {
    driven(10, async |client, total| {
        let options = UpdateOptions { id: Some("mine".to_owned()), ..Default::default() };
        let update: UpdateHandle<i64> = total.start_update("add", &5, options.clone()).await.unwrap();
        assert!(client.now().as_nanos() < 1_000_000_000);
        // The same id is the same update, and so is its handle.
        let again: UpdateHandle<i64> = total.start_update("add", &5, options).await.unwrap();
        assert_eq!((update.id(), again.id()), ("mine", "mine"));
        total.signal("close", &()).await.unwrap();
        assert_eq!(total.update_handle::<i64>("mine").result().await, Ok(5));
        assert_eq!((update.result().await, again.result().await), (Ok(5), Ok(5)));
        assert_eq!(client.now().as_nanos() / 1_000_000_000, 10);
        assert_eq!(total.result().await, Ok(5));
        let unknown = total.update_handle::<i64>("yours").result().await.unwrap_err();
        assert_eq!(unknown.to_string(), "NOT_FOUND: update \"yours\" not found");
        let refused = total.start_update::<i64>("add", &-1, UpdateOptions::default()).await.unwrap_err();
        assert_eq!(refused.to_string(), "NOT_FOUND: workflow execution already completed");
    });
}

#[test]
fn a_workflow_that_returns_before_its_handler_has_failed_the_update() {
    async fn hasty(ctx: &WorkflowContext, _: ()) -> Result<(), WorkflowError> {
        let inner = ctx.clone();
        ctx.on_update("wait", async move |()| inner.sleep(Duration::from_secs(60)).await);
        ctx.sleep(Duration::from_secs(10)).await
    }
    let (_, run) = Simulation::temporal()
        .workflow("hasty", hasty)
        .drive(async |client| {
            let hasty = client.start::<()>("hasty", "hasty-1", &()).await.unwrap();
            let failed = hasty.update::<()>("wait", &()).await.unwrap_err();
            assert_eq!(
                failed.to_string(),
                "the update failed: AcceptedUpdateCompletedWorkflow: Workflow Update failed because the Workflow completed \
                 before the Update completed."
            );
            assert_eq!(hasty.result().await, Ok(()));
        })
        .unwrap();
    assert_eq!(run.virtual_time().as_nanos() / 1_000_000_000, 10);
}

#[test]
fn handlers_go_on_before_the_code_and_behind_signals() {
    async fn noted(ctx: &WorkflowContext, _: ()) -> Result<Vec<String>, WorkflowError> {
        let notes = Rc::new(RefCell::new(Vec::new()));
        let signals = ctx.signals::<String>("note");
        let (inner, seen) = (signals.clone(), notes.clone());
        ctx.on_update("note", async move |note: String| {
            while let Some(signal) = inner.try_recv()? {
                seen.borrow_mut().push(signal);
            }
            seen.borrow_mut().push(note);
            Ok(())
        });
        ctx.sleep(Duration::from_secs(10)).await?;
        notes.borrow_mut().push("the code".to_owned());
        ctx.updates_finished().await;
        Ok(notes.take())
    }
    let (result, _) = Simulation::temporal()
        .workflow("noted", noted)
        .drive(async |client| {
            let noted = client.start::<Vec<String>>("noted", "noted-1", &()).await?;
            // All of it comes with one task, which the timer's firing has made.
            client.sleep(Duration::from_secs(10) + Duration::from_micros(1_500)).await;
            let (updated, signalled) =
                futures::join!(noted.update::<()>("note", "update"), noted.signal("note", "signal"));
            updated.and(signalled)?;
            noted.result().await
        })
        .unwrap();
    assert_eq!(result.unwrap(), ["signal", "update", "the code"]);
}

/// The result of an update that takes ten seconds, and the second in which its start and its end were heard, under a plan.
fn under(plan: &str) -> ((i64, u64, u64), Run) {
    let simulation = Simulation::temporal().workflow("total", total).plan(plan.parse().unwrap());
    let (heard, run) = simulation
        .drive(async |client| {
            let seconds = || client.now().as_nanos() / 1_000_000_000;
            let total = client.start::<i64>("total", "total-1", &10).await.unwrap();
            let update: UpdateHandle<i64> = total.start_update("add", &5, UpdateOptions::default()).await.unwrap();
            let started = seconds();
            let added = update.result().await.unwrap();
            let ended = seconds();
            total.signal("close", &()).await.unwrap();
            assert_eq!(total.result().await, Ok(added));
            (added, started, ended)
        })
        .unwrap();
    (heard, run)
}

#[test]
fn each_fault_at_one_is_heard_late_at_most() {
    let times = |plan: &str| under(plan).0;
    assert_eq!(times("v1"), (5, 0, 10));
    // It is sent again, and the handler's time runs from then.
    assert_eq!(times("v1; total#1:update1=request_lost"), (5, 1, 11));
    assert_eq!(times("v1; total#1:update1=delayed(3s)"), (5, 3, 13));
    // It has begun, though its sender does not know.
    assert_eq!(times("v1; total#1:update1=answer_lost"), (5, 1, 10));
    assert_eq!(times("v1; total#1:update_end1=answer_lost"), (5, 0, 11));
    // The task that would accept it is lost: the handler begins anew when the task has timed out.
    assert_eq!(times("v1; total#1:task1=completion_lost"), (5, 10, 20));
    assert_eq!(times("v1; total#1:task1=crash"), (5, 10, 20));
    assert_eq!(times("v1; total#1:task2=evicted"), (5, 0, 10));
}

#[test]
fn an_accepted_one_goes_on_when_its_worker_has_died() {
    let ((added, started, ended), run) = under("v1; total#1:update1=crash");
    assert_eq!((added, started, ended), (5, 0, 10));
    let timeline = run.timeline().to_string();
    assert!(timeline.contains("the worker dies right after total has accepted its 1st update"), "{timeline}");
    assert!(timeline.contains("task 2, after a replay of 9 events"), "{timeline}");
    assert!(timeline.contains("update add (durasim-update-1) accepted"), "{timeline}");
    assert_eq!(events(&run)[1..3], ["UPDATE_ACCEPTED", "EVENT_TYPE_TIMER_STARTED"]);
}

#[test]
fn correct_code_lives_through_each_fault_and_seed() {
    let report = Simulation::temporal()
        .workflow("total", total)
        .explore_script(async |client| {
            let total = client.start::<i64>("total", "total-1", &10).await?;
            for number in [5, 7] {
                match total.update::<i64>("add", &number).await {
                    Ok(_) | Err(ClientError::Refused(_) | ClientError::UpdateFailed(_)) => {}
                    Err(other) => return Err(other),
                }
            }
            let _ = total.signal("close", &()).await;
            total.result().await
        })
        .every_fault()
        .seeds(0..100)
        .report();
    assert!(report.failures().is_empty(), "{report}");
    for (site, fault) in [
        ("update", "request_lost"),
        ("update", "answer_lost"),
        ("update", "crash"),
        ("update", "cancel"),
        ("update_end", "answer_lost"),
        ("update_end", "cancel"),
    ] {
        assert!(
            report.coverage().cells().any(|cell| cell.site == site && cell.fault == fault && cell.struck > 0),
            "{site}={fault}: {report}"
        );
    }
}

/// Sets a number when it is told to, which takes a second; goes on as another run, or returns, a moment after the first.
async fn set(ctx: &WorkflowContext, (runs, waits): (u32, bool)) -> Result<u32, WorkflowError> {
    let inner = ctx.clone();
    ctx.on_update("set", async move |(): ()| inner.sleep(Duration::from_secs(1)).await);
    ctx.sleep(Duration::from_millis(500)).await?;
    if waits {
        ctx.updates_finished().await;
    }
    if runs > 1 { Err(ctx.continue_as_new(&(runs - 1, waits))) } else { Ok(7) }
}

#[test]
fn one_that_is_forgotten_is_found_unasked_and_by_who_asks() {
    let explored = |runs: u32, waits: bool| {
        let script = async move |client: Client| -> Result<u32, ClientError> {
            let set = client.start::<u32>("set", "set-1", &(runs, waits)).await?;
            let _ = set.update::<()>("set", &()).await;
            set.result().await
        };
        Simulation::temporal().workflow("set", set).explore_script(script)
    };
    for runs in [1, 2] {
        let report = explored(runs, false).every_fault().report();
        let failed = &report.failures()[0];
        assert_eq!((&*failed.check, &*failed.violation.kind), ("updates", "forgotten"), "{report}");
        assert!(failed.text.contains("`ctx.updates_finished()`"), "{report}");
        assert!(explored(runs, false).without("updates").every_fault().report().failures().is_empty());
        let kept = explored(runs, true).check(check::updates()).every_fault().report();
        assert!(kept.failures().is_empty(), "{kept}");
    }
    let nothing = Simulation::temporal().workflow("set", set).explore("set", &(1u32, true)).check(check::updates());
    let error = nothing.every_fault().report().error().expect("an error").to_string();
    assert!(error.contains("without faults, no workflow accepts an update"), "{error}");
}
