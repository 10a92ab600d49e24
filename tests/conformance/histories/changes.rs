//! The changes of a history after which the code of today is not that of then.

use serde_json::{Value, json};

/// Makes a change, and gives the event at which it is to be refused. `None` where the history has nothing of the kind.
type Change = fn(&[Value]) -> Option<(Vec<Value>, u64)>;

pub const CHANGES: [(&str, Change); 8] = [
    ("another type of activity", |events| {
        with(events, "ACTIVITY_TASK_SCHEDULED", |event| event["activityType"]["name"] = json!("other"))
    }),
    ("another id of an activity", |events| {
        with(events, "ACTIVITY_TASK_SCHEDULED", |event| event["activityId"] = json!("other"))
    }),
    ("another id of a timer", |events| with(events, "TIMER_STARTED", |event| event["timerId"] = json!("99"))),
    ("another type of a child", |events| {
        with(events, "START_CHILD_WORKFLOW_EXECUTION_INITIATED", |event| event["workflowType"]["name"] = json!("Other"))
    }),
    ("another id of a child", |events| {
        with(events, "START_CHILD_WORKFLOW_EXECUTION_INITIATED", |event| event["workflowId"] = json!("other"))
    }),
    ("a command too many", |events| {
        let (changed, last) = closed_by_command(events)?;
        let mut changed = changed.to_vec();
        changed.pop();
        Some((changed, last - 1)).filter(|(changed, _)| is_answer(changed.last()))
    }),
    ("a missing command", |events| {
        let (events, last) = closed_by_command(events)?;
        let (mut changed, mut closing) = (events.to_vec(), events.last()?.clone());
        closing["eventId"] = json!((last + 1).to_string());
        let timer = json!({
            "eventId": last.to_string(),
            "eventTime": closing["eventTime"],
            "eventType": "EVENT_TYPE_TIMER_STARTED",
            "timerStartedEventAttributes": { "timerId": "99", "startToFireTimeout": "1s" },
        });
        changed.pop();
        changed.extend([timer, closing]);
        Some((changed, last))
    }),
    ("another end", |events| {
        let (events, last) = closed_by_command(events)?;
        let mut changed = events.to_vec();
        let closing = changed.last_mut()?;
        if closing["eventType"] == "EVENT_TYPE_WORKFLOW_EXECUTION_FAILED" {
            closing["eventType"] = json!("EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED");
        } else {
            closing["eventType"] = json!("EVENT_TYPE_WORKFLOW_EXECUTION_FAILED");
        }
        Some((changed, last))
    }),
];

/// Changes the attributes of the first event of a type.
fn with(events: &[Value], event_type: &str, change: fn(&mut Value)) -> Option<(Vec<Value>, u64)> {
    let mut changed = events.to_vec();
    let index = changed.iter().position(|event| event["eventType"] == format!("EVENT_TYPE_{event_type}"))?;
    let mut fields = changed[index].as_object_mut()?.iter_mut();
    change(fields.find(|(name, _)| name.ends_with("Attributes"))?.1);
    Some((changed, index as u64 + 1))
}

/// The history with the id of its last event, if that is the end that a command has asked for.
fn closed_by_command(events: &[Value]) -> Option<(&[Value], u64)> {
    let closing = events.last()?["eventType"].as_str()?.strip_prefix("EVENT_TYPE_WORKFLOW_EXECUTION_")?;
    let is_command = ["COMPLETED", "FAILED", "CANCELED", "CONTINUED_AS_NEW"].contains(&closing);
    is_command.then_some((events, events.len() as u64))
}

fn is_answer(event: Option<&Value>) -> bool {
    event.is_some_and(|event| event["eventType"] == "EVENT_TYPE_WORKFLOW_TASK_COMPLETED")
}
