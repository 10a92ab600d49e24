//! Code that goes another way than the history is refused, at the event where it does.

use durasim::{ReplayError, Simulation, WorkflowContext, WorkflowError};
use serde_json::{Value, json};

use crate::shop::{altered, attributes, difference, find, history, options, refused, seconds};

/// Changes the attributes of the first event of a type.
fn with(event_type: &str, change: impl FnOnce(&mut Value)) -> (u64, String, String) {
    difference(&altered(|events| {
        let at = find(events, event_type);
        change(attributes(&mut events[at]));
    }))
}

type Change = fn(&mut Value);

#[test]
fn each_kind_of_command_is_compared() {
    let changes: [(&str, Change, &str); 9] = [
        (
            "ACTIVITY_TASK_SCHEDULED",
            |event| event["activityType"]["name"] = "pay".into(),
            "asks to schedule activity 1 (charge) where the history has activity 1 (pay) scheduled",
        ),
        (
            "ACTIVITY_TASK_SCHEDULED",
            |event| event["activityId"] = "first".into(),
            "asks to schedule activity 1 (charge) where the history has activity 1 (charge, id \"first\") scheduled",
        ),
        (
            "TIMER_STARTED",
            |event| event["timerId"] = "3".into(),
            "asks to start timer 1 where the history has timer 3 started",
        ),
        (
            "START_CHILD_WORKFLOW_EXECUTION_INITIATED",
            |event| event["workflowType"]["name"] = "letter".into(),
            "asks to start child 1 (note, id \"order-1_1\") where the history has child 1 (letter, id \"order-1_1\") initiated",
        ),
        (
            "START_CHILD_WORKFLOW_EXECUTION_INITIATED",
            |event| event["workflowId"] = "note-1".into(),
            "asks to start child 1 (note, id \"order-1_1\") where the history has child 1 (note, id \"note-1\") initiated",
        ),
        (
            "SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED",
            |event| event["signalName"] = "bye".into(),
            "asks to send signal 1 (\"hello\") to workflow \"nobody\" where the history has signal 1 (\"bye\") sent to \
             workflow \"nobody\"",
        ),
        (
            "SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED",
            |event| event["workflowExecution"]["workflowId"] = "somebody".into(),
            "asks to send signal 1 (\"hello\") to workflow \"nobody\" where the history has signal 1 (\"hello\") sent to \
             workflow \"somebody\"",
        ),
        (
            "REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED",
            |event| event["workflowExecution"]["workflowId"] = "somebody".into(),
            "asks to ask workflow \"nobody\" to cancel where the history has workflow \"somebody\" asked to cancel",
        ),
        (
            "TIMER_CANCELED",
            |event| event["startedEventId"] = "13".into(),
            "asks to cancel timer 1 where the history has timer 2 cancelled",
        ),
    ];
    for (event_type, change, expected) in changes {
        let (_, found, words) = with(event_type, change);
        assert_eq!((&*found, &*words), (event_type, expected));
    }
}

/// The types of these events say all.
#[test]
fn a_command_of_another_kind_is_refused() {
    let (_, event_type, words) = difference(&altered(|events| {
        let last = events.last_mut().unwrap();
        last["eventType"] = "EVENT_TYPE_WORKFLOW_EXECUTION_FAILED".into();
        last["workflowExecutionFailedEventAttributes"] = json!({ "failure": { "message": "no" } });
    }));
    let expected = "asks to complete the workflow where the history has the workflow failed";
    assert_eq!((&*event_type, &*words), ("WORKFLOW_EXECUTION_FAILED", expected));
}

/// The rest of the history moves by one, so that it is without gaps.
#[test]
fn a_command_that_is_missing_or_too_many_is_refused() {
    // The last event of all says that the workflow has completed.
    let (id, event_type, words) = difference(&altered(|events| drop(events.pop())));
    assert_eq!(
        (&*event_type, &*words),
        ("WORKFLOW_TASK_COMPLETED", "asks to complete the workflow, which the history does not have")
    );
    let (next, event_type, words) = difference(&altered(|events| {
        let mut more = events[find(events, "TIMER_STARTED")].clone();
        let last = events.pop().unwrap();
        more["eventId"] = last["eventId"].clone();
        attributes(&mut more)["timerId"] = "3".into();
        events.push(more);
    }));
    let expected = "asks to complete the workflow where the history has timer 3 started";
    assert_eq!((next, &*event_type, &*words), (id + 1, "TIMER_STARTED", expected));
}

#[test]
fn code_that_waits_where_it_went_on_is_refused() {
    let waits = async |ctx: &WorkflowContext, _: u32| -> Result<String, WorkflowError> {
        ctx.signals::<u32>("never").recv().await?;
        Ok(String::new())
    };
    let error = Simulation::temporal().workflow("order", waits).replay_history(&history(true)).unwrap_err();
    let expected = "workflow `order-1` (order) is not deterministic: at event 5 (ACTIVITY_TASK_SCHEDULED) the code asks for nothing more \
                    where the history has activity 1 (charge) scheduled";
    assert_eq!(error.to_string(), expected);
    assert_eq!(format!("{error:?}"), expected);
}

/// The call stands in the code, and the message names its line.
#[test]
fn the_line_of_the_command_is_named() {
    let sleeps = async |ctx: &WorkflowContext, _: u32| -> Result<String, WorkflowError> {
        ctx.sleep(seconds(1)).await?;
        ctx.execute_activity("charge", &1u32, options()).await
    };
    let error = Simulation::temporal().workflow("order", sleeps).replay_history(&history(true)).unwrap_err();
    let ReplayError::Differs { event_id: 5, place: Some(place), .. } = &error else { panic!("{error}") };
    assert!(place.starts_with("`ctx.sleep` at tests/histories/differences.rs:"), "{place}");
    assert!(error.to_string().ends_with(&format!("; it is asked for by {place}")), "{error}");
}

#[test]
fn a_side_effect_that_the_history_does_not_have_is_refused() {
    let text = refused(&altered(|events| {
        // The timers of the same answer take its place.
        let at = find(events, "MARKER_RECORDED");
        let timer = events[find(events, "TIMER_STARTED")].clone();
        let id = events[at]["eventId"].clone();
        events[at] = timer;
        events[at]["eventId"] = id;
        attributes(&mut events[at])["timerId"] = "7".into();
    }));
    assert!(text.contains("asks for side effect 1, which the history does not have there"), "{text}");
    assert!(text.contains("(WORKFLOW_TASK_COMPLETED)"), "{text}");
}

/// A workflow that is stuck has a task without an answer. Code that still panics there is refused; code that is mended goes on.
#[test]
fn a_task_that_has_no_answer_is_run_too() {
    let stuck = altered(|events| {
        let last = events.iter().rposition(|event| event["eventType"] == "EVENT_TYPE_WORKFLOW_TASK_COMPLETED").unwrap();
        events.truncate(last);
    });
    crate::shop::shop().replay_history(&stuck).unwrap();
    let panics = async |ctx: &WorkflowContext, amount: u32| -> Result<String, WorkflowError> {
        crate::shop::order(ctx, amount).await?;
        panic!("no more orders")
    };
    let error = Simulation::temporal().workflow("order", panics).replay_history(&stuck).unwrap_err();
    let ReplayError::Fails { event_type, why, .. } = &error else { panic!("{error}") };
    assert_eq!(*event_type, "WORKFLOW_TASK_STARTED");
    assert!(why.contains("no more orders"), "{why}");
}

/// `ctx.version` may be left away where only one way is left, and a patch may not.
#[test]
fn a_patch_has_to_be_asked_for_and_a_version_need_not() {
    let both = async |ctx: &WorkflowContext, _: u32| -> Result<bool, WorkflowError> {
        let version = ctx.version("change", WorkflowContext::DEFAULT_VERSION, 3);
        Ok(ctx.patched("patch") && version == 3)
    };
    let run = Simulation::temporal().workflow("order", both).run("order", &1u32).unwrap();
    let json = run.history_json("order").unwrap();
    Simulation::temporal().workflow("order", both).replay_history(&json).unwrap();
    let patch_alone = async |ctx: &WorkflowContext, _: u32| -> Result<bool, WorkflowError> { Ok(ctx.patched("patch")) };
    Simulation::temporal().workflow("order", patch_alone).replay_history(&json).unwrap();
    let version_alone = async |ctx: &WorkflowContext, _: u32| -> Result<bool, WorkflowError> {
        Ok(ctx.version("change", WorkflowContext::DEFAULT_VERSION, 3) == 3)
    };
    let error = Simulation::temporal().workflow("order", version_alone).replay_history(&json).unwrap_err();
    let ReplayError::Differs { event_id: 6, event_type: "MARKER_RECORDED", difference, .. } = &error else {
        panic!("{error}")
    };
    assert!(difference.starts_with("does not ask for the patch `patch`"), "{difference}");
}
