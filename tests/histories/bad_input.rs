//! A text that is no history of the simulation's code gets its own clear error.

use std::time::Instant;

use durasim::{HistoryLimits, HistoryProblem, ReplayError, Simulation, WorkflowContext, WorkflowError};
use serde_json::{Value, json};

use crate::shop::{altered, attributes, find, history, refused, shop};

fn problem(json: &str) -> HistoryProblem {
    match shop().replay_history(json).unwrap_err() {
        ReplayError::History(problem) => problem,
        other => panic!("refused otherwise: {other}"),
    }
}

#[test]
fn a_text_that_is_not_json_is_told() {
    for text in ["", "Progress:\n  ID  Time", "{events: []}", "{\"events\": [],}"] {
        let problem = problem(text);
        assert!(matches!(problem, HistoryProblem::NotJson { .. }), "{problem}");
        assert!(problem.to_string().contains("temporal workflow show"), "{problem}");
    }
}

#[test]
fn json_that_is_no_history_is_told() {
    for text in ["{}", "5", "null", "{\"events\": 5}", "{\"events\": [5]}", "[]", "{\"events\": []}", "{\"a\": [{}]}"] {
        let problem = problem(text);
        assert!(matches!(problem, HistoryProblem::NotAHistory { .. }), "{text}: {problem}");
    }
}

/// Wherever the text is cut off, nothing passes.
#[test]
fn a_history_that_is_cut_off_is_told_wherever_it_ends() {
    let json: Value = serde_json::from_str(&history(true)).unwrap();
    let text = json.to_string();
    for length in (1..text.len()).step_by(97) {
        let problem = problem(&text[..length]);
        assert!(matches!(problem, HistoryProblem::CutOff { .. }), "{length}: {problem}");
    }
    let HistoryProblem::CutOff { events, .. } = problem(&text[..text.len() - 2]) else { panic!() };
    assert_eq!(events, json["events"].as_array().unwrap().len());
    let page = json!({ "history": json, "nextPageToken": "CAEQ" }).to_string();
    assert!(problem(&page).to_string().contains("more pages"), "{}", problem(&page));
}

#[test]
fn an_event_that_is_missing_is_told() {
    let first = problem(&altered(|events| drop(events.remove(0))));
    assert_eq!(first, HistoryProblem::FirstMissing { id: 2, event_type: "WORKFLOW_TASK_SCHEDULED".into() });
    let gap = problem(&altered(|events| drop(events.remove(6))));
    let HistoryProblem::Gap { id: 8, expected: 7, .. } = gap else { panic!("{gap}") };
    let twice = problem(&altered(|events| {
        let again = events[6].clone();
        events.insert(6, again);
    }));
    let HistoryProblem::Gap { id: 7, expected: 8, .. } = twice else { panic!("{twice}") };
    // The end alone says that a task was answered, and what came of it is not there.
    let other = altered(|events| {
        events[0]["eventType"] = "EVENT_TYPE_TIMER_FIRED".into();
    });
    assert!(matches!(problem(&other), HistoryProblem::FirstMissing { id: 1, .. }));
}

#[test]
fn an_event_that_refers_to_none_is_told() {
    for (event_type, name, id, expected) in [
        (
            "TIMER_FIRED",
            "startedEventId",
            1,
            "its `startedEventId` is event 1, a WORKFLOW_EXECUTION_STARTED and not a TIMER_STARTED",
        ),
        ("ACTIVITY_TASK_COMPLETED", "scheduledEventId", 99_999, "no event before it has that id"),
        ("WORKFLOW_TASK_COMPLETED", "startedEventId", 0, "no event before it has that id"),
        (
            "CHILD_WORKFLOW_EXECUTION_COMPLETED",
            "initiatedEventId",
            2,
            "and not a START_CHILD_WORKFLOW_EXECUTION_INITIATED",
        ),
    ] {
        let text = refused(&altered(|events| {
            let at = find(events, event_type);
            attributes(&mut events[at])[name] = json!(id.to_string());
        }));
        assert!(text.contains(expected) && text.contains(event_type), "{text}");
    }
}

#[test]
fn an_event_that_cannot_be_read_is_named() {
    let change = |change: fn(&mut Value)| {
        problem(&altered(|events| {
            let at = find(events, "ACTIVITY_TASK_SCHEDULED");
            change(&mut events[at]);
        }))
        .to_string()
    };
    let named = "event 5 (ACTIVITY_TASK_SCHEDULED) cannot be read: ";
    for (text, why) in [
        (
            change(|event| event["eventTime"] = "yesterday".into()),
            "its `eventTime` is not a moment as RFC 3339 writes it",
        ),
        (
            change(|event| drop(attributes(event).as_object_mut().unwrap().remove("activityId"))),
            "it has no `activityId`",
        ),
        (change(|event| attributes(event)["input"] = 5.into()), "its `input` is not a list of payloads"),
        (
            change(|event| attributes(event)["heartbeatTimeout"] = "5".into()),
            "its `heartbeatTimeout` is not a length of time such as `1.500s`",
        ),
    ] {
        assert_eq!(text, format!("{named}{why}"));
    }
    let nameless = change(|event| drop(event.as_object_mut().unwrap().remove("eventType")));
    assert!(nameless.starts_with("event 5 ") && nameless.ends_with("it has no `eventType`"), "{nameless}");
}

#[test]
fn another_type_is_named_with_those_that_are_registered() {
    let other = async |_: &WorkflowContext, _: u32| -> Result<(), WorkflowError> { Ok(()) };
    let simulation = Simulation::temporal().workflow("ship", other).workflow("bill", other);
    let error = simulation.replay_history(&history(true)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the history is of workflow type `order` (id `order-1`), which is not registered (registered: `bill`, `ship`): add it to \
         the simulation under that name"
    );
}

#[test]
fn an_input_that_does_not_decode_is_told() {
    let other = async |_: &WorkflowContext, _: Vec<String>| -> Result<(), WorkflowError> { Ok(()) };
    let error = Simulation::temporal().workflow("order", other).replay_history(&history(true)).unwrap_err();
    assert!(error.to_string().contains("does not decode as `alloc::vec::Vec<alloc::string::String>`"), "{error}");
}

#[test]
fn events_of_features_that_are_not_simulated_are_named() {
    for (event_type, what) in [
        ("EVENT_TYPE_NEXUS_OPERATION_SCHEDULED", "Nexus is not simulated"),
        ("EVENT_TYPE_TIME_TRAVELLED", "events of this type are not simulated"),
        ("DecisionTaskScheduled", "events of this type are not simulated"),
    ] {
        let text = refused(&altered(|events| events[7]["eventType"] = event_type.into()));
        assert!(text.contains("event 8 (") && text.ends_with(what), "{text}");
    }
    // The service says that it may be ignored.
    shop()
        .replay_history(&altered(|events| {
            let at = find(events, "ACTIVITY_TASK_STARTED");
            events[at]["eventType"] = "EVENT_TYPE_OF_NEXT_YEAR".into();
            events[at]["workerMayIgnore"] = true.into();
        }))
        .unwrap();
    let marker = refused(&altered(|events| {
        let at = find(events, "MARKER_RECORDED");
        attributes(&mut events[at])["markerName"] = "Diary".into();
    }));
    assert!(marker.ends_with("markers of the name `Diary` are not simulated"), "{marker}");
    let timer = refused(&altered(|events| {
        let at = find(events, "TIMER_STARTED");
        attributes(&mut events[at])["timerId"] = "f0e1".into();
    }));
    assert!(timer.contains("timers with ids that are no numbers, such as `f0e1`"), "{timer}");
}

#[test]
fn a_history_in_which_nothing_was_answered_shows_nothing() {
    let error = shop().replay_history(&altered(|events| events.truncate(3))).unwrap_err();
    assert!(matches!(error, ReplayError::NothingAnswered { .. }), "{error}");
}

/// The text is refused by its length before it is read: 200 MB of it cost nothing.
#[test]
fn a_text_longer_than_any_history_is_refused_at_once() {
    let text = " ".repeat(200 << 20);
    let begun = Instant::now();
    let problem = problem(&text);
    assert!(matches!(problem, HistoryProblem::TooLarge { bytes: 0xc80_0000, .. }), "{problem}");
    assert!(begun.elapsed().as_secs() < 1);
    drop(text);
    let limits = HistoryLimits { events: 5, bytes: 3000, ..HistoryLimits::TEMPORAL };
    let error = shop().history_limits(limits).replay_history(&history(true)).unwrap_err();
    assert!(error.to_string().contains("and may have 14240"), "{error}");
    // Zero means that there is no limit.
    let none = HistoryLimits { events: 0, bytes: 0, ..HistoryLimits::TEMPORAL };
    shop().history_limits(none).replay_history(&history(true)).unwrap();
}

#[test]
fn another_dialect_is_told() {
    let error = Simulation::cadence().workflow("order", crate::shop::order).replay_history(&history(true)).unwrap_err();
    assert!(error.to_string().contains("`Simulation::temporal()`"), "{error}");
}
