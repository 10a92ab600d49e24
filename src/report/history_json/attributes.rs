//! [`Attributes`]: the attributes of each kind of event.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::values::{
    Form, NAMESPACE, add, add_timeouts, duration, failure, id, plain, retry_policy, retry_state, timeout_type,
};
use crate::program::{
    ChildSpec, IdReusePolicy, Initiator, LocalActivityEnd, LocalActivityMarker, Marker, ParentClosePolicy, Payload,
    RunInfo, Seq, Target, Time, TimeoutType,
};
use crate::service::origin::origin;
use crate::service::{EventKind, HistoryEvent, WorkflowOutcome};

/// The nanoseconds of a second.
const SECOND: u64 = 1_000_000_000;

/// The name of the client and of the workers.
const IDENTITY: &str = "durasim";

/// The attributes of a history's events, which it goes through in order.
pub(super) struct Attributes<'a> {
    history: &'a [HistoryEvent],
    info: &'a RunInfo,
    form: Form,
    /// The event that answered the last workflow task: the commands' events refer to it.
    completed: u64,
    timers: BTreeMap<Seq, u64>,
    children: BTreeMap<Seq, &'a ChildSpec>,
    /// The requests to cancel an activity, by its scheduled event.
    cancels: BTreeMap<u64, u64>,
}

impl<'a> Attributes<'a> {
    /// Begins with a history.
    pub(super) fn new(history: &'a [HistoryEvent], form: Form) -> Attributes<'a> {
        let EventKind::WorkflowExecutionStarted { info, .. } = &history[0].kind else {
            unreachable!("a history begins with its start, not with {:?}", history[0].kind)
        };
        let (timers, children, cancels) = Default::default();
        Attributes { history, info, form, completed: 0, timers, children, cancels }
    }

    /// The name of this event's attributes, without `EventAttributes`, and their content. Call it for each event in order.
    pub(super) fn of(&mut self, event: &'a HistoryEvent) -> (&'static str, Value) {
        let (name, mut value) = match &event.kind {
            EventKind::WorkflowExecutionStarted { .. } => ("workflowExecutionStarted", self.started(event)),
            EventKind::WorkflowTaskScheduled { .. }
            | EventKind::WorkflowTaskStarted { .. }
            | EventKind::WorkflowTaskCompleted { .. }
            | EventKind::WorkflowTaskFailed { .. }
            | EventKind::WorkflowTaskTimedOut { .. } => self.of_task(event),
            EventKind::ActivityTaskScheduled { .. }
            | EventKind::ActivityTaskStarted { .. }
            | EventKind::ActivityTaskCompleted { .. }
            | EventKind::ActivityTaskFailed { .. }
            | EventKind::ActivityTaskTimedOut { .. }
            | EventKind::ActivityTaskCancelRequested { .. }
            | EventKind::ActivityTaskCanceled { .. } => self.of_activity(event),
            EventKind::TimerStarted { seq, duration: length } => {
                self.timers.insert(*seq, event.id);
                let value = json!({ "timerId": seq.to_string(), "startToFireTimeout": duration(*length) });
                ("timerStarted", self.commanded(value))
            }
            EventKind::TimerFired { seq } => ("timerFired", self.timer(*seq)),
            EventKind::TimerCanceled { seq } => ("timerCanceled", self.commanded(self.timer(*seq))),
            EventKind::WorkflowExecutionCancelRequested { reason } => {
                ("workflowExecutionCancelRequested", json!({ "cause": &**reason, "identity": IDENTITY }))
            }
            EventKind::WorkflowExecutionSignaled { name, input } => (
                "workflowExecutionSignaled",
                json!({ "signalName": &**name, "input": self.form.payloads(input), "identity": IDENTITY, "header": {} }),
            ),
            EventKind::WorkflowExecutionUpdateAccepted { .. } | EventKind::WorkflowExecutionUpdateCompleted { .. } => {
                self.of_update(event)
            }
            EventKind::MarkerRecorded { marker: Marker::Upserted { sort, values } } => self.upserted(sort, values),
            EventKind::MarkerRecorded { marker } => ("markerRecorded", self.commanded(self.marker(marker))),
            EventKind::StartChildWorkflowExecutionInitiated { .. }
            | EventKind::StartChildWorkflowExecutionFailed { .. }
            | EventKind::ChildWorkflowExecutionStarted { .. }
            | EventKind::ChildWorkflowExecutionClosed { .. } => self.of_child(event),
            EventKind::SignalExternalWorkflowExecutionInitiated { .. }
            | EventKind::ExternalWorkflowExecutionSignaled { .. }
            | EventKind::RequestCancelExternalWorkflowExecutionInitiated { .. }
            | EventKind::ExternalWorkflowExecutionCancelRequested { .. } => self.of_message(event),
            EventKind::WorkflowExecutionCompleted { .. }
            | EventKind::WorkflowExecutionFailed { .. }
            | EventKind::WorkflowExecutionCanceled { .. }
            | EventKind::WorkflowExecutionTimedOut { .. }
            | EventKind::WorkflowExecutionContinuedAsNew { .. }
            | EventKind::WorkflowExecutionTerminated { .. } => self.of_end(event),
        };
        if let EventKind::WorkflowTaskCompleted { .. } = event.kind {
            self.completed = event.id;
        }
        drop_nulls(&mut value);
        (name, value)
    }

    fn of_update(&self, event: &HistoryEvent) -> (&'static str, Value) {
        match &event.kind {
            EventKind::WorkflowExecutionUpdateAccepted { update_id, name, input, sequencing_event_id } => {
                let request = json!({
                    "meta": { "updateId": &**update_id, "identity": IDENTITY },
                    "input": { "name": &**name, "args": self.form.payloads(input), "header": {} },
                });
                let value = json!({
                    "protocolInstanceId": &**update_id,
                    "acceptedRequestMessageId": format!("{update_id}/request"),
                    "acceptedRequestSequencingEventId": id(*sequencing_event_id),
                    "acceptedRequest": request,
                });
                ("workflowExecutionUpdateAccepted", value)
            }
            EventKind::WorkflowExecutionUpdateCompleted { update_id, accepted_event_id, outcome } => {
                let outcome = match outcome {
                    Ok(result) => json!({ "success": self.form.payloads(result) }),
                    Err(reason) => json!({ "failure": failure(reason, self.form) }),
                };
                let value = json!({
                    "meta": { "updateId": &**update_id, "identity": IDENTITY },
                    "acceptedEventId": id(*accepted_event_id),
                    "outcome": outcome,
                });
                ("workflowExecutionUpdateCompleted", value)
            }
            other => unreachable!("no event of an update: {other:?}"),
        }
    }

    fn started(&self, event: &HistoryEvent) -> Value {
        let EventKind::WorkflowExecutionStarted { info, input, first_task_backoff } = &event.kind else {
            return Value::Null;
        };
        let uuid = |run_id: &str| json!(self.form.uuid(run_id));
        let mut value = json!({
            "workflowType": { "name": &*info.workflow_type },
            "taskQueue": queue(&info.task_queue),
            "input": self.form.payloads(input),
            "workflowExecutionTimeout": duration(info.execution_timeout),
            "workflowRunTimeout": duration(info.run_timeout),
            "workflowTaskTimeout": duration(info.task_timeout),
            "originalExecutionRunId": uuid(&info.run_id),
            "identity": origin(IDENTITY, info),
            "firstExecutionRunId": uuid(&info.first_run_id),
            "attempt": info.attempt,
            "firstWorkflowTaskBackoff": duration(*first_task_backoff),
            "header": self.form.header(&info.carried.headers),
            "workflowId": &*info.workflow_id,
        });
        self.form.add_carried(&mut value, &info.carried);
        add(&mut value, "continuedExecutionRunId", info.continued_run_id.as_ref().map_or(Value::Null, |id| uuid(id)));
        let initiator = info.initiator.map_or(Value::Null, |initiator| {
            json!(match initiator {
                Initiator::Workflow => "CONTINUE_AS_NEW_INITIATOR_WORKFLOW",
                Initiator::Retry => "CONTINUE_AS_NEW_INITIATOR_RETRY",
                Initiator::Cron => "CONTINUE_AS_NEW_INITIATOR_CRON_SCHEDULE",
            })
        });
        add(&mut value, "initiator", initiator);
        add(
            &mut value,
            "lastCompletionResult",
            info.last_result.as_ref().map_or(Value::Null, |last| self.form.payloads(last)),
        );
        let last_failure = info.last_failure.as_ref().map_or(Value::Null, |last| failure(last, self.form));
        add(&mut value, "continuedFailure", last_failure);
        add(&mut value, "retryPolicy", info.retry.as_ref().map_or(Value::Null, |policy| retry_policy(policy)));
        add(&mut value, "cronSchedule", info.cron.as_ref().map_or(Value::Null, |cron| json!(&**cron)));
        if let Some(parent) = &info.parent {
            value["parentWorkflowNamespace"] = json!(NAMESPACE);
            value["parentWorkflowExecution"] =
                json!({ "workflowId": &*parent.workflow_id, "runId": uuid(&parent.run_id) });
            value["parentInitiatedEventId"] = id(parent.initiated_event_id);
        }
        value
    }

    fn of_task(&self, event: &HistoryEvent) -> (&'static str, Value) {
        match &event.kind {
            EventKind::WorkflowTaskScheduled { attempt, timeout } => (
                "workflowTaskScheduled",
                json!({
                    "taskQueue": queue(&self.info.task_queue),
                    "startToCloseTimeout": duration(*timeout),
                    "attempt": attempt,
                }),
            ),
            EventKind::WorkflowTaskStarted { scheduled_event_id, history_size, suggest_continue_as_new } => {
                let mut value = json!({
                    "scheduledEventId": id(*scheduled_event_id),
                    "identity": IDENTITY,
                    "requestId": self.form.uuid(&format!("{}#{}", self.info.run_id, event.id)),
                    "historySizeBytes": id(*history_size),
                });
                if *suggest_continue_as_new {
                    value["suggestContinueAsNew"] = json!(true);
                }
                ("workflowTaskStarted", value)
            }
            EventKind::WorkflowTaskCompleted { scheduled_event_id, started_event_id } => {
                ("workflowTaskCompleted", answered(*scheduled_event_id, *started_event_id))
            }
            EventKind::WorkflowTaskFailed { scheduled_event_id, started_event_id, cause, message } => {
                let mut value = answered(*scheduled_event_id, *started_event_id);
                value["cause"] = json!(format!("WORKFLOW_TASK_FAILED_CAUSE_{cause}"));
                if !message.is_empty() {
                    value["failure"] = json!({ "message": &**message, "applicationFailureInfo": {} });
                }
                ("workflowTaskFailed", value)
            }
            EventKind::WorkflowTaskTimedOut { scheduled_event_id, started_event_id } => {
                let mut value = json!({ "scheduledEventId": id(*scheduled_event_id) });
                let timeout = match started_event_id {
                    0 => TimeoutType::ScheduleToStart,
                    started => {
                        value["startedEventId"] = id(*started);
                        TimeoutType::StartToClose
                    }
                };
                value["timeoutType"] = timeout_type(timeout);
                ("workflowTaskTimedOut", value)
            }
            other => unreachable!("{other:?} is no event of a workflow task"),
        }
    }

    fn of_activity(&mut self, event: &HistoryEvent) -> (&'static str, Value) {
        match &event.kind {
            EventKind::ActivityTaskScheduled { id: activity_id, spec, timeouts, retry, .. } => {
                let mut value = json!({
                    "activityId": activity_id.to_string(),
                    "activityType": { "name": &*spec.activity_type },
                    "taskQueue": queue(spec.task_queue.as_ref().unwrap_or(&self.info.task_queue)),
                    "header": self.form.header(&spec.headers),
                    "input": self.form.payloads(&spec.input),
                    "retryPolicy": retry_policy(retry),
                });
                add_timeouts(&mut value, timeouts);
                ("activityTaskScheduled", self.commanded(value))
            }
            EventKind::ActivityTaskStarted { scheduled_event_id, attempt, last_failure } => (
                "activityTaskStarted",
                json!({
                    "scheduledEventId": id(*scheduled_event_id),
                    "identity": IDENTITY,
                    "requestId": self.form.uuid(&format!("{}#{}", self.info.run_id, event.id)),
                    "attempt": attempt,
                    "lastFailure": last_failure.as_ref().map_or(Value::Null, |last| failure(last, self.form)),
                }),
            ),
            EventKind::ActivityTaskCompleted { scheduled_event_id, started_event_id, result } => {
                let mut value = answered(*scheduled_event_id, *started_event_id);
                value["result"] = self.form.payloads(result);
                ("activityTaskCompleted", value)
            }
            EventKind::ActivityTaskFailed {
                scheduled_event_id,
                started_event_id,
                failure: why,
                retry_state: state,
            } => {
                let mut value = answered(*scheduled_event_id, *started_event_id);
                (value["failure"], value["retryState"]) = (failure(why, self.form), retry_state(*state));
                ("activityTaskFailed", value)
            }
            EventKind::ActivityTaskTimedOut {
                scheduled_event_id,
                started_event_id,
                failure: why,
                retry_state: state,
            } => (
                "activityTaskTimedOut",
                json!({
                    "scheduledEventId": id(*scheduled_event_id),
                    "startedEventId": id(*started_event_id),
                    "failure": failure(why, self.form),
                    "retryState": retry_state(*state),
                }),
            ),
            EventKind::ActivityTaskCancelRequested { scheduled_event_id } => {
                self.cancels.insert(*scheduled_event_id, event.id);
                let value = json!({ "scheduledEventId": id(*scheduled_event_id) });
                ("activityTaskCancelRequested", self.commanded(value))
            }
            EventKind::ActivityTaskCanceled { scheduled_event_id, started_event_id, details: attached } => {
                let mut value = answered(*scheduled_event_id, *started_event_id);
                value["details"] = self.form.details(attached);
                value["latestCancelRequestedEventId"] =
                    self.cancels.get(scheduled_event_id).map_or(Value::Null, |request| id(*request));
                ("activityTaskCanceled", value)
            }
            other => unreachable!("{other:?} is no event of an activity"),
        }
    }

    fn of_child(&mut self, event: &'a HistoryEvent) -> (&'static str, Value) {
        match &event.kind {
            EventKind::StartChildWorkflowExecutionInitiated { seq, spec } => {
                self.children.insert(*seq, spec);
                let policy = match spec.parent_close_policy {
                    ParentClosePolicy::RequestCancel => "PARENT_CLOSE_POLICY_REQUEST_CANCEL",
                    ParentClosePolicy::Abandon => "PARENT_CLOSE_POLICY_ABANDON",
                    _ => "PARENT_CLOSE_POLICY_TERMINATE",
                };
                let reuse = match spec.id_reuse_policy {
                    IdReusePolicy::AllowDuplicateFailedOnly => "WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY",
                    IdReusePolicy::RejectDuplicate => "WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE",
                    _ => "WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE",
                };
                let mut value = json!({
                    "namespace": NAMESPACE,
                    "workflowId": &*spec.workflow_id,
                    "workflowType": { "name": &*spec.workflow_type },
                    "taskQueue": queue(spec.task_queue.as_ref().unwrap_or(&self.info.task_queue)),
                    "input": self.form.payloads(&spec.input),
                    "workflowExecutionTimeout": duration(spec.execution_timeout),
                    "workflowRunTimeout": duration(spec.run_timeout),
                    "workflowTaskTimeout": duration(spec.task_timeout),
                    "parentClosePolicy": policy,
                    "workflowIdReusePolicy": reuse,
                    "retryPolicy": spec.retry.as_ref().map_or(Value::Null, retry_policy),
                    "cronSchedule": spec.cron.as_ref().map_or(Value::Null, |cron| json!(&**cron)),
                    "header": self.form.header(&spec.carried.headers),
                });
                self.form.add_carried(&mut value, &spec.carried);
                ("startChildWorkflowExecutionInitiated", self.commanded(value))
            }
            EventKind::StartChildWorkflowExecutionFailed { seq, initiated_event_id } => {
                let mut value = self.child(*seq, *initiated_event_id, None);
                value["workflowId"] = json!(self.children.get(seq).map_or("", |spec| &spec.workflow_id));
                value["cause"] = json!("START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS");
                ("startChildWorkflowExecutionFailed", self.commanded(value))
            }
            EventKind::ChildWorkflowExecutionStarted { seq, initiated_event_id, run_id } => {
                let mut value = self.child(*seq, *initiated_event_id, Some(run_id));
                value["header"] = json!({});
                ("childWorkflowExecutionStarted", value)
            }
            EventKind::ChildWorkflowExecutionClosed { seq, initiated_event_id, started_event_id, run_id, outcome } => {
                let mut value = self.child(*seq, *initiated_event_id, Some(run_id));
                value["startedEventId"] = id(*started_event_id);
                let name = match outcome {
                    WorkflowOutcome::Completed(result) => {
                        value["result"] = self.form.payloads(result);
                        "childWorkflowExecutionCompleted"
                    }
                    WorkflowOutcome::Failed { failure: why, retry_state: state } => {
                        (value["failure"], value["retryState"]) = (failure(why, self.form), retry_state(*state));
                        "childWorkflowExecutionFailed"
                    }
                    WorkflowOutcome::Canceled(attached) => {
                        value["details"] = self.form.details(attached);
                        "childWorkflowExecutionCanceled"
                    }
                    WorkflowOutcome::TimedOut { retry_state: state } => {
                        value["retryState"] = retry_state(*state);
                        "childWorkflowExecutionTimedOut"
                    }
                    _ => "childWorkflowExecutionTerminated",
                };
                (name, value)
            }
            other => unreachable!("{other:?} is no event of a child"),
        }
    }

    fn of_message(&self, event: &HistoryEvent) -> (&'static str, Value) {
        match &event.kind {
            EventKind::SignalExternalWorkflowExecutionInitiated { target, name, input, .. } => {
                let mut value = self.target(target, true);
                (value["signalName"], value["input"]) = (json!(&**name), self.form.payloads(input));
                value["header"] = json!({});
                ("signalExternalWorkflowExecutionInitiated", self.commanded(value))
            }
            EventKind::RequestCancelExternalWorkflowExecutionInitiated { target, reason, .. } => {
                let mut value = self.target(target, true);
                value["reason"] = json!(&**reason);
                ("requestCancelExternalWorkflowExecutionInitiated", self.commanded(value))
            }
            EventKind::ExternalWorkflowExecutionSignaled { initiated_event_id, arrived, .. } => self.answer(
                *initiated_event_id,
                *arrived,
                "externalWorkflowExecutionSignaled",
                "signalExternalWorkflowExecutionFailed",
                "SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND",
            ),
            EventKind::ExternalWorkflowExecutionCancelRequested { initiated_event_id, arrived, .. } => self.answer(
                *initiated_event_id,
                *arrived,
                "externalWorkflowExecutionCancelRequested",
                "requestCancelExternalWorkflowExecutionFailed",
                "CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND",
            ),
            other => unreachable!("{other:?} is no event of a message"),
        }
    }

    fn answer(
        &self,
        initiated: u64,
        arrived: bool,
        done: &'static str,
        failed: &'static str,
        cause: &'static str,
    ) -> (&'static str, Value) {
        let target = match &self.history[initiated as usize - 1].kind {
            EventKind::SignalExternalWorkflowExecutionInitiated { target, .. }
            | EventKind::RequestCancelExternalWorkflowExecutionInitiated { target, .. } => target,
            other => unreachable!("{other:?} initiates no message"),
        };
        let mut value = self.target(target, false);
        value["initiatedEventId"] = id(initiated);
        if arrived {
            return (done, value);
        }
        value["cause"] = json!(cause);
        (failed, self.commanded(value))
    }

    fn of_end(&self, event: &HistoryEvent) -> (&'static str, Value) {
        let uuid = |run_id: &str| json!(self.form.uuid(run_id));
        let (name, value) = match &event.kind {
            EventKind::WorkflowExecutionCompleted { result } => {
                ("workflowExecutionCompleted", json!({ "result": self.form.payloads(result) }))
            }
            EventKind::WorkflowExecutionFailed { failure: why, retry_state: state, new_run_id } => (
                "workflowExecutionFailed",
                json!({
                    "failure": failure(why, self.form),
                    "retryState": retry_state(*state),
                    "newExecutionRunId": new_run_id.as_ref().map_or(Value::Null, |id| uuid(id)),
                }),
            ),
            EventKind::WorkflowExecutionCanceled { details: attached } => {
                ("workflowExecutionCanceled", json!({ "details": self.form.details(attached) }))
            }
            EventKind::WorkflowExecutionTimedOut { retry_state: state, new_run_id } => {
                let value = json!({
                    "retryState": retry_state(*state),
                    "newExecutionRunId": new_run_id.as_ref().map_or(Value::Null, |id| uuid(id)),
                });
                return ("workflowExecutionTimedOut", value);
            }
            EventKind::WorkflowExecutionContinuedAsNew {
                new_run_id,
                workflow_type,
                task_queue,
                input,
                run_timeout,
                task_timeout,
            } => (
                "workflowExecutionContinuedAsNew",
                json!({
                    "newExecutionRunId": uuid(new_run_id),
                    "workflowType": { "name": &**workflow_type },
                    "taskQueue": queue(task_queue),
                    "input": self.form.payloads(input),
                    "workflowRunTimeout": duration(*run_timeout),
                    "workflowTaskTimeout": duration(*task_timeout),
                    "initiator": "CONTINUE_AS_NEW_INITIATOR_WORKFLOW",
                    "header": {},
                }),
            ),
            EventKind::WorkflowExecutionTerminated { reason } => {
                return ("workflowExecutionTerminated", json!({ "reason": &**reason, "identity": IDENTITY }));
            }
            other => unreachable!("{other:?} is no end of a run"),
        };
        (name, self.commanded(value))
    }

    fn timer(&self, seq: Seq) -> Value {
        json!({ "timerId": seq.to_string(), "startedEventId": self.timers.get(&seq).map_or(Value::Null, |at| id(*at)) })
    }

    /// Patches are marked as sdk-core marks them, and versions as Temporal's Go SDK does.
    fn marker(&self, marker: &Marker) -> Value {
        match marker {
            Marker::SideEffect { seq, value } => {
                json!({ "markerName": "SideEffect", "details": {
                    "side-effect-id": payload_of(&json!(seq)), "data": self.form.payloads(value),
                } })
            }
            Marker::MutableSideEffect { id, call, value } => {
                json!({ "markerName": "MutableSideEffect", "details": {
                    "side-effect-id": payload_of(&json!(&**id)), "data": self.form.payloads(value),
                    "mutable-side-effect-call-counter": payload_of(&json!(call)),
                } })
            }
            Marker::Version { change_id, version } => {
                json!({ "markerName": "Version", "details": {
                    "change-id": payload_of(&json!(&**change_id)), "version": payload_of(&json!(version)),
                } })
            }
            Marker::Patch { id, deprecated } => {
                let patch = payload_of(&json!({ "id": &**id, "deprecated": deprecated }));
                json!({ "markerName": "core_patch", "details": { "patch-data": patch } })
            }
            Marker::LocalActivity(local) => self.local_activity(local),
            Marker::Upserted { .. } => unreachable!("it has an event of its own"),
        }
    }

    /// The values that a run has set, which an event of their own says. One that is unset has none.
    fn upserted(&self, sort: &str, values: &Payload) -> (&'static str, Value) {
        let values: Map<String, Value> = values.to_json().unwrap_or_default();
        let fields: Map<String, Value> =
            values.into_iter().map(|(name, value)| (name, plain(&Payload::new(value.to_string())))).collect();
        match sort {
            "memo" => ("workflowPropertiesModified", self.commanded(json!({ "upsertedMemo": { "fields": fields } }))),
            _ => (
                "upsertWorkflowSearchAttributes",
                self.commanded(json!({ "searchAttributes": { "indexedFields": fields } })),
            ),
        }
    }

    /// A local activity is marked as sdk-core marks one.
    ///
    /// Source: crate temporalio-protos 0.10.2 `protos/local/temporal/sdk/core/external_data/external_data.proto`.
    fn local_activity(&self, local: &LocalActivityMarker) -> Value {
        let time = |at: Time| seconds_and_nanos(Time::EPOCH_SECONDS + at.as_nanos() / SECOND, at.as_nanos() % SECOND);
        let backoff = match &local.end {
            LocalActivityEnd::Backoff(_, delay) => {
                let nanos = delay.as_nanos().unsigned_abs();
                seconds_and_nanos(nanos / SECOND, nanos % SECOND)
            }
            _ => Value::Null,
        };
        let data = payload_of(&json!({
            "seq": local.seq,
            "attempt": local.attempt,
            "activity_id": &*local.activity_id,
            "activity_type": &*local.activity_type,
            "complete_time": local.completed_at.map(time),
            "backoff": backoff,
            "original_schedule_time": time(local.first_scheduled_at),
        }));
        let mut marker = json!({ "markerName": "core_local_activity", "details": { "data": data } });
        match &local.end {
            LocalActivityEnd::Completed(result) => marker["details"]["result"] = self.form.payloads(result),
            LocalActivityEnd::Failed(why)
            | LocalActivityEnd::TimedOut(why)
            | LocalActivityEnd::Cancelled(why)
            | LocalActivityEnd::Backoff(why, _) => marker["failure"] = failure(why, self.form),
        }
        marker
    }

    fn child(&self, seq: Seq, initiated: u64, run_id: Option<&str>) -> Value {
        let (workflow_id, workflow_type) =
            self.children.get(&seq).map_or(("", ""), |spec| (&*spec.workflow_id, &*spec.workflow_type));
        let mut value = json!({
            "namespace": NAMESPACE,
            "initiatedEventId": id(initiated),
            "workflowType": { "name": workflow_type },
        });
        if let Some(run_id) = run_id {
            value["workflowExecution"] = json!({ "workflowId": workflow_id, "runId": self.form.uuid(run_id) });
        }
        value
    }

    fn target(&self, target: &Target, is_command: bool) -> Value {
        let mut value = json!({ "namespace": NAMESPACE });
        value["workflowExecution"] = match target {
            Target::Child(seq) => {
                if is_command {
                    value["childWorkflowOnly"] = json!(true);
                }
                json!({ "workflowId": self.children.get(seq).map_or("", |spec| &spec.workflow_id) })
            }
            Target::Workflow { workflow_id, run_id } => {
                let run_id = run_id.as_ref().map_or(String::new(), |id| self.form.uuid(id));
                json!({ "workflowId": &**workflow_id, "runId": run_id })
            }
        };
        value
    }

    /// The attributes of an event that a command has made.
    fn commanded(&self, mut value: Value) -> Value {
        value["workflowTaskCompletedEventId"] = id(self.completed);
        value
    }
}

fn queue(name: &str) -> Value {
    json!({ "name": name, "kind": "TASK_QUEUE_KIND_NORMAL" })
}

/// The attributes of an answer by a worker.
fn answered(scheduled_event_id: u64, started_event_id: u64) -> Value {
    json!({
        "scheduledEventId": id(scheduled_event_id),
        "startedEventId": id(started_event_id),
        "identity": IDENTITY,
    })
}

/// Writes a moment or a length of time as the messages of sdk-core have it.
fn seconds_and_nanos(seconds: u64, nanos: u64) -> Value {
    json!({ "seconds": seconds, "nanos": nanos })
}

/// Writes JSON as a list of one payload.
fn payload_of(value: &Value) -> Value {
    json!({ "payloads": [plain(&Payload::new(value.to_string()))] })
}

/// Takes fields away that are absent.
fn drop_nulls(value: &mut Value) {
    if let Value::Object(fields) = value {
        fields.retain(|_, field| !field.is_null());
    }
}
