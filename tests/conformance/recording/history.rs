//! A history in the words of the recordings, and the facts about workflow and activities that follow from it.

use std::sync::Arc;

use durasim::internals::Service;
use durasim::program::{Failure, RetrySpec, RetryState, Timeouts};
use durasim::service::{EventKind, HistoryEvent, WorkflowKey, WorkflowOutcome};
use durasim::{Span, Time};
use serde_json::{Map, Value, json};

use super::chain;
use super::wire::{event_id, listed, millis, named, recorded, sole, without_nulls};

/// The events of a run, with their times in milliseconds of virtual time.
pub fn events(service: &Service, run: WorkflowKey) -> Vec<Value> {
    let history = service.history(run);
    history
        .iter()
        .map(|event| {
            let (name, attributes) = attributes(&event.kind, history);
            json!({ "id": event.id, "t_ms": at(event.at), "type": name, "attrs": without_nulls(attributes) })
        })
        .collect()
}

pub fn at(time: Time) -> f64 {
    time.as_nanos() as f64 / 1e6
}

pub fn timeouts(timeouts: &Timeouts) -> Value {
    json!({
        "schedule_to_close_timeout_ms": millis(timeouts.schedule_to_close),
        "schedule_to_start_timeout_ms": millis(timeouts.schedule_to_start),
        "start_to_close_timeout_ms": millis(timeouts.start_to_close),
        "heartbeat_timeout_ms": millis(timeouts.heartbeat),
    })
}

pub fn policy(policy: &RetrySpec) -> Value {
    let types: Vec<&str> = policy.non_retryable_error_types.iter().map(|name| &**name).collect();
    without_nulls(json!({
        "initial_interval_ms": millis(policy.initial_interval),
        "backoff_coefficient": policy.backoff_coefficient,
        "maximum_interval_ms": millis(policy.maximum_interval),
        "maximum_attempts": Some(policy.maximum_attempts).filter(|attempts| *attempts != 0),
        "non_retryable_error_types": Some(types).filter(|types| !types.is_empty()),
    }))
}

pub fn retry_state(state: RetryState) -> String {
    format!("RETRY_STATE_{state}")
}

pub fn set(span: Span) -> Option<Value> {
    (!span.is_zero()).then(|| millis(span))
}

/// The type of an event.
pub fn type_name(kind: &EventKind) -> &'static str {
    attributes(kind, &[]).0
}

/// The type and the attributes of an event.
fn attributes(kind: &EventKind, history: &[HistoryEvent]) -> (&'static str, Value) {
    let closed = |scheduled: u64, started: u64, field: &str, what: Value, state: Option<RetryState>| {
        let mut attributes =
            json!({ "scheduled_event_id": event_id(scheduled), "started_event_id": event_id(started) });
        attributes[field] = what;
        attributes["retry_state"] = json!(state.map(retry_state));
        attributes
    };
    match kind {
        EventKind::WorkflowExecutionStarted { info, .. } => ("WORKFLOW_EXECUTION_STARTED", chain::started(info)),
        EventKind::WorkflowTaskScheduled { attempt, timeout } => {
            ("WORKFLOW_TASK_SCHEDULED", json!({ "attempt": attempt, "start_to_close_timeout_ms": millis(*timeout) }))
        }
        EventKind::WorkflowTaskStarted { scheduled_event_id, .. } => {
            ("WORKFLOW_TASK_STARTED", json!({ "scheduled_event_id": scheduled_event_id }))
        }
        EventKind::WorkflowTaskCompleted { scheduled_event_id, started_event_id } => (
            "WORKFLOW_TASK_COMPLETED",
            json!({ "scheduled_event_id": scheduled_event_id, "started_event_id": started_event_id }),
        ),
        EventKind::WorkflowTaskFailed { scheduled_event_id, started_event_id, cause, message } => {
            let cause = json!(format!("WORKFLOW_TASK_FAILED_CAUSE_{cause}"));
            let mut attributes = closed(*scheduled_event_id, *started_event_id, "cause", cause, None);
            attributes["failure"] = json!({ "message": &**message });
            ("WORKFLOW_TASK_FAILED", attributes)
        }
        EventKind::WorkflowTaskTimedOut { scheduled_event_id, started_event_id } => {
            let is_started = *started_event_id != 0;
            let timeout = if is_started { "TIMEOUT_TYPE_START_TO_CLOSE" } else { "TIMEOUT_TYPE_SCHEDULE_TO_START" };
            let timeout = json!(timeout);
            let attributes = closed(*scheduled_event_id, *started_event_id, "timeout_type", timeout, None);
            ("WORKFLOW_TASK_TIMED_OUT", attributes)
        }
        EventKind::ActivityTaskScheduled { id, spec, timeouts: in_force, retry, .. } => {
            let mut attributes = timeouts(in_force);
            attributes["activity_id"] = json!(id.to_string());
            attributes["activity_type"] = json!(&*spec.activity_type);
            attributes["input"] = sole(&spec.input);
            attributes["retry_policy"] = policy(retry);
            ("ACTIVITY_TASK_SCHEDULED", attributes)
        }
        EventKind::ActivityTaskStarted { scheduled_event_id, attempt, last_failure } => (
            "ACTIVITY_TASK_STARTED",
            json!({
                "scheduled_event_id": scheduled_event_id,
                "attempt": attempt,
                "last_failure": last_failure.as_deref().map(recorded),
            }),
        ),
        EventKind::ActivityTaskCompleted { scheduled_event_id, started_event_id, result } => {
            ("ACTIVITY_TASK_COMPLETED", closed(*scheduled_event_id, *started_event_id, "result", sole(result), None))
        }
        EventKind::ActivityTaskFailed { scheduled_event_id, started_event_id, failure, retry_state } => (
            "ACTIVITY_TASK_FAILED",
            closed(*scheduled_event_id, *started_event_id, "failure", recorded(failure), Some(*retry_state)),
        ),
        EventKind::ActivityTaskTimedOut { scheduled_event_id, started_event_id, failure, retry_state } => (
            "ACTIVITY_TASK_TIMED_OUT",
            closed(*scheduled_event_id, *started_event_id, "failure", recorded(failure), Some(*retry_state)),
        ),
        EventKind::ActivityTaskCancelRequested { scheduled_event_id } => {
            ("ACTIVITY_TASK_CANCEL_REQUESTED", json!({ "scheduled_event_id": scheduled_event_id }))
        }
        EventKind::ActivityTaskCanceled { scheduled_event_id, started_event_id, details } => {
            let mut attributes = closed(*scheduled_event_id, *started_event_id, "details", listed(details), None);
            attributes["latest_cancel_requested_event_id"] = json!(cancel_request(history, *scheduled_event_id));
            ("ACTIVITY_TASK_CANCELED", attributes)
        }
        EventKind::TimerStarted { seq, duration } => {
            ("TIMER_STARTED", json!({ "timer_id": seq.to_string(), "start_to_fire_timeout_ms": millis(*duration) }))
        }
        EventKind::TimerFired { seq } => ("TIMER_FIRED", timer(history, *seq)),
        EventKind::TimerCanceled { seq } => ("TIMER_CANCELED", timer(history, *seq)),
        EventKind::WorkflowExecutionCancelRequested { .. } => ("WORKFLOW_EXECUTION_CANCEL_REQUESTED", json!({})),
        EventKind::WorkflowExecutionSignaled { name, input } => {
            ("WORKFLOW_EXECUTION_SIGNALED", json!({ "signal_name": &**name, "input": sole(input) }))
        }
        EventKind::WorkflowExecutionCompleted { result } => {
            ("WORKFLOW_EXECUTION_COMPLETED", json!({ "result": sole(result) }))
        }
        EventKind::WorkflowExecutionFailed { failure, retry_state: state, new_run_id } => (
            "WORKFLOW_EXECUTION_FAILED",
            json!({
                "failure": recorded(failure),
                "retry_state": retry_state(*state),
                "new_execution_run_id": new_run_id.as_deref().map(named),
            }),
        ),
        EventKind::WorkflowExecutionCanceled { details } => {
            ("WORKFLOW_EXECUTION_CANCELED", json!({ "details": listed(details) }))
        }
        EventKind::WorkflowExecutionTimedOut { retry_state: state, new_run_id } => (
            "WORKFLOW_EXECUTION_TIMED_OUT",
            json!({
                "retry_state": retry_state(*state),
                "new_execution_run_id": new_run_id.as_deref().map(named),
            }),
        ),
        EventKind::WorkflowExecutionTerminated { reason } => {
            ("WORKFLOW_EXECUTION_TERMINATED", json!({ "reason": &**reason }))
        }
        other => chain::attributes(other, history),
    }
}

fn timer(history: &[HistoryEvent], seq: u32) -> Value {
    let started = history
        .iter()
        .find(|event| matches!(event.kind, EventKind::TimerStarted { seq: started, .. } if started == seq));
    json!({ "timer_id": seq.to_string(), "started_event_id": started.map(|event| event.id) })
}

fn cancel_request(history: &[HistoryEvent], scheduled: u64) -> Option<u64> {
    let asks = |event: &&HistoryEvent| matches!(event.kind, EventKind::ActivityTaskCancelRequested { scheduled_event_id } if scheduled_event_id == scheduled);
    history.iter().find(asks).map(|event| event.id)
}

/// Says how the last run of the workflow closed.
fn workflow(service: &Service, last: WorkflowKey, runs: usize) -> Value {
    let failed = |failure: &Arc<Failure>| recorded(failure);
    let Some(outcome) = service.workflow(last).outcome() else {
        return json!({ "closed": false, "runs": runs });
    };
    let (event, more) = match outcome {
        WorkflowOutcome::Completed(result) => ("COMPLETED", json!({ "result": sole(result) })),
        WorkflowOutcome::Failed { failure, retry_state: state } => {
            ("FAILED", json!({ "failure": failed(failure), "retry_state": retry_state(*state) }))
        }
        WorkflowOutcome::Canceled(_) => ("CANCELED", json!({})),
        WorkflowOutcome::TimedOut { retry_state: state } => {
            ("TIMED_OUT", json!({ "retry_state": retry_state(*state) }))
        }
        WorkflowOutcome::Terminated { reason } => ("TERMINATED", json!({ "reason": &**reason })),
        other => unreachable!("not in the recordings: {other:?}"),
    };
    let mut fields: Map<String, Value> = more.as_object().expect("an object").clone();
    fields.insert("closed".into(), json!(true));
    fields.insert("runs".into(), json!(runs));
    fields.insert("close_event".into(), json!(format!("WORKFLOW_EXECUTION_{event}")));
    Value::Object(fields)
}

/// Gives the service's view of a workflow when it is over: how it closed, its activities by their ids, the history of each
/// run from this one on. Where several runs have used an id, the last activity is told.
pub fn observed(service: &Service, first: WorkflowKey) -> Value {
    let runs: Vec<WorkflowKey> = std::iter::successors(Some(first), |run| service.workflow(*run).successor()).collect();
    let (mut activities, mut histories) = (Map::new(), Map::new());
    for (place, run) in runs.iter().enumerate() {
        let history = events(service, *run);
        for (_, activity_key) in service.workflow(*run).activities() {
            let record = service.activity(*activity_key);
            activities.insert(record.id().to_string(), activity(&history, record.scheduled_event_id()));
        }
        histories.insert(format!("run-{}", place + 1), json!(history));
    }
    let last = *runs.last().expect("the first");
    json!({ "workflow": workflow(service, last, runs.len()), "activities": activities, "history": histories })
}

/// Gives the first run of the chain of a run.
pub fn first_of(service: &Service, run: WorkflowKey) -> WorkflowKey {
    let before = |run: &WorkflowKey| service.workflow(*run).predecessor();
    std::iter::successors(Some(run), before).last().expect("itself")
}

/// Adds the last runs of the children that the scenario names; those of a workflow have its id before their own.
pub fn add_children(observed: &mut Value, service: &Service, definition: &Value, parent: &str) {
    let names = definition["children"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let child = |name: &str| {
        let id = format!("{parent}/{name}");
        let Some(run) = service.newest_run(&id) else {
            let message = format!("workflow not found for ID: {id}");
            return json!({ "error": { "code": "NOT_FOUND", "message": message } });
        };
        let events = events(service, run);
        let last = events.last().map(|event| event["type"].clone());
        json!({ "history": events, "last_event": last })
    };
    for name in names {
        observed["children"][name] = child(name);
    }
}

/// Gives the history's view of an activity, by the id of its schedule.
fn activity(events: &[Value], scheduled_event_id: u64) -> Value {
    let of_it = |event: &&Value| event["attrs"]["scheduled_event_id"] == json!(scheduled_event_id);
    let named = |name: &str| events.iter().filter(of_it).find(|event| event["type"] == name);
    let mut scheduled = events[scheduled_event_id as usize - 1]["attrs"].clone();
    for field in ["activity_id", "activity_type", "input"] {
        scheduled.as_object_mut().expect("attributes").remove(field);
    }
    let ended = events.iter().filter(of_it).find(|event| {
        let name = event["type"].as_str().unwrap_or_default();
        ["COMPLETED", "FAILED", "TIMED_OUT", "CANCELED"].iter().any(|end| name == format!("ACTIVITY_TASK_{end}"))
    });
    let outcome = ended.map(|event| {
        let mut outcome = event["attrs"].clone();
        let fields = outcome.as_object_mut().expect("attributes");
        fields.remove("scheduled_event_id");
        fields.remove("started_event_id");
        fields.insert("event".into(), event["type"].clone());
        fields.insert("t_ms".into(), event["t_ms"].clone());
        outcome
    });
    let started = named("ACTIVITY_TASK_STARTED");
    json!({
        "scheduled": scheduled,
        "final_attempt": started.map(|event| event["attrs"]["attempt"].clone()),
        "started_last_failure": started.map(|event| event["attrs"]["last_failure"].clone()),
        "outcome": outcome,
    })
}
