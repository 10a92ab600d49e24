//! An activity without a workflow, as `DescribeActivityExecution` and the recorder show it.

use durasim::internals::{Activity, ActivityClose, ActivityState, Service};
use durasim::program::{Failure, FailureKind};
use durasim::service::{WorkflowKey, WorkflowOutcome};
use serde_json::{Map, Value, json};

use super::history::{policy, retry_state, timeouts};
use super::wire::{named, recorded, shown, without_nulls};

/// The name under which scenarios and recordings know it.
pub const REFERENCE: &str = "a";

fn activity(service: &Service, run: WorkflowKey) -> &Activity {
    service.activity(service.workflow(run).standalone_activity().expect("an activity without a workflow"))
}

fn status(service: &Service, run: WorkflowKey) -> &'static str {
    match (service.workflow(run).outcome(), activity(service, run).outcome()) {
        (None, _) => "RUNNING",
        (Some(WorkflowOutcome::Terminated { .. }), _) => "TERMINATED",
        (Some(_), Some(ActivityClose::Completed { .. })) => "COMPLETED",
        (Some(_), Some(ActivityClose::Failed { .. })) => "FAILED",
        (Some(_), Some(ActivityClose::TimedOut { .. })) => "TIMED_OUT",
        (Some(_), Some(ActivityClose::Canceled { .. })) => "CANCELED",
        (outcome, close) => unreachable!("{outcome:?}, {close:?}"),
    }
}

/// The result or the failure, as both show it.
fn outcome(service: &Service, run: WorkflowKey) -> Option<Value> {
    let failed =
        |failure: &Failure, state: Value| without_nulls(json!({ "failure": recorded(failure), "retry_state": state }));
    Some(match service.workflow(run).outcome()? {
        WorkflowOutcome::Completed(result) => json!({ "result": [shown(result)] }),
        WorkflowOutcome::Failed { failure, retry_state: state } => failed(failure, json!(retry_state(*state))),
        WorkflowOutcome::Canceled(details) => {
            let kind = FailureKind::Canceled { details: details.clone() };
            failed(&Failure::new("Activity canceled", kind), Value::Null)
        }
        WorkflowOutcome::Terminated { reason } => {
            failed(&Failure::new(reason.clone(), FailureKind::Terminated), Value::Null)
        }
        other => unreachable!("{other:?}"),
    })
}

pub fn describe(service: &Service, run: WorkflowKey, label: &str) -> Value {
    let (holder, record) = (service.workflow(run), activity(service, run));
    let state = match record.state() {
        _ if !holder.is_open() => None,
        ActivityState::Started(_) if record.cancel_requested() => Some("CANCEL_REQUESTED"),
        ActivityState::Started(_) => Some("STARTED"),
        _ => Some("SCHEDULED"),
    };
    let mut info = timeouts(&record.timeouts());
    let more = without_nulls(json!({
        "activity_id": record.id().to_string(),
        "run_id": named(&holder.info().run_id),
        "activity_type": &**record.activity_type(),
        "status": format!("ACTIVITY_EXECUTION_STATUS_{}", status(service, run)),
        "run_state": state.map(|state| format!("PENDING_ACTIVITY_STATE_{state}")),
        "attempt": record.attempt(),
        "canceled_reason": holder.cancel_reason().map(|reason| &**reason),
        "total_heartbeat_count": Some(record.heartbeats()).filter(|count| *count > 0),
        "search_attributes": {},
    }));
    merge(&mut info, more);
    let run_id = named(&holder.info().run_id);
    without_nulls(json!({ "label": label, "run_id": run_id, "info": info, "outcome": outcome(service, run) }))
}

/// The end of the activity, its options and its outcome, without its attempts.
pub fn observed(service: &Service, run: WorkflowKey) -> Value {
    let record = activity(service, run);
    let status = status(service, run);
    let mut scheduled = timeouts(&record.timeouts());
    scheduled["retry_policy"] = policy(record.retry());
    let closed = service.workflow(run).outcome().is_some();
    let outcome = outcome(service, run).map(|mut outcome| {
        outcome["event"] = json!(format!("ACTIVITY_TASK_{status}"));
        outcome
    });
    let close_event = closed.then(|| format!("ACTIVITY_EXECUTION_STATUS_{status}"));
    json!({
        "workflow": without_nulls(json!({ "closed": closed, "close_event": close_event })),
        "activities": {
            REFERENCE: { "scheduled": scheduled, "final_attempt": record.attempt(), "outcome": outcome },
        },
        "history": {},
    })
}

fn merge(into: &mut Value, more: Value) {
    let (Value::Object(into), Value::Object(more)) = (into, more) else { return };
    into.extend(more.into_iter().collect::<Map<_, _>>());
}
