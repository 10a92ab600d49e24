//! Commands: the things that a workflow asks for, as the SDK's code says them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use durasim::Time;
use durasim::program::{
    ActivitySpec, CancellationType, Command, Failure, LocalActivitySpec, Marker, Payload, Seq, TaskFailure, Timeouts,
};
use serde_json::{Map, Value};

use super::others::Others;
use crate::failure;
use crate::payload::{details_into_core, into_core, named_into_core};
use crate::retry::{self, span};
use crate::sdk::{
    ActivityCancellationType, CancelWorkflowExecution, CommandVariant, CompleteWorkflowExecution,
    FailWorkflowExecution, ProtoPayload, QueryResult, ScheduleActivity, ScheduleLocalActivity, TerminalOutcome,
    WorkflowCommand, query_result,
};

/// Gives the name of the call by which users ask for this, for messages.
pub(super) fn call(command: &WorkflowCommand) -> &'static str {
    match &command.variant {
        Some(CommandVariant::StartTimer(_)) => "ctx.timer",
        Some(CommandVariant::CancelTimer(_)) => "cancel of a timer",
        Some(CommandVariant::ScheduleActivity(_)) => "ctx.execute_activity",
        Some(CommandVariant::RequestCancelActivity(_)) => "cancel of an activity",
        Some(CommandVariant::ScheduleLocalActivity(_)) => "ctx.execute_local_activity",
        Some(CommandVariant::RequestCancelLocalActivity(_)) => "cancel of a local activity",
        Some(CommandVariant::SetPatchMarker(patch)) if patch.deprecated => "ctx.deprecate_patch",
        Some(CommandVariant::SetPatchMarker(_)) => "ctx.patched",
        Some(CommandVariant::UpsertWorkflowSearchAttributes(_)) => "ctx.upsert_search_attributes",
        Some(CommandVariant::ModifyWorkflowProperties(_)) => "ctx.upsert_memo",
        Some(CommandVariant::StartChildWorkflowExecution(_)) => "ctx.start_child_workflow",
        Some(CommandVariant::CancelChildWorkflowExecution(_)) => "cancel of a child",
        Some(CommandVariant::SignalExternalWorkflowExecution(_)) => "signal to another workflow",
        Some(CommandVariant::CancelSignalWorkflow(_)) => "cancel of a signal",
        Some(CommandVariant::RequestCancelExternalWorkflowExecution(_)) => "cancel of another workflow",
        _ => "ctx",
    }
}

/// Translates a command.
///
/// # Errors
/// The error is [`TaskFailure::Unsupported`] for one that is not simulated, which it names.
pub(super) fn translate(command: WorkflowCommand, others: &mut Others) -> Result<Command, TaskFailure> {
    let Some(variant) = command.variant else {
        return Err(TaskFailure::Unsupported("a command without content".to_owned()));
    };
    Ok(match variant {
        CommandVariant::StartTimer(timer) => {
            Command::StartTimer { seq: timer.seq, duration: span(timer.start_to_fire_timeout) }
        }
        CommandVariant::CancelTimer(timer) => Command::CancelTimer { seq: timer.seq },
        CommandVariant::ScheduleActivity(activity) => schedule(activity),
        CommandVariant::RequestCancelActivity(cancel) => Command::CancelActivity { seq: cancel.seq },
        CommandVariant::ScheduleLocalActivity(activity) => schedule_local(activity),
        CommandVariant::RequestCancelLocalActivity(cancel) => Command::CancelLocalActivity { seq: cancel.seq },
        CommandVariant::SetPatchMarker(patch) => {
            Command::RecordMarker(Marker::Patch { id: patch.patch_id.as_str().into(), deprecated: patch.deprecated })
        }
        CommandVariant::UpsertWorkflowSearchAttributes(upsert) => {
            let set = upsert.search_attributes.unwrap_or_default().indexed_fields;
            others.search_attributes_set(set.clone());
            upserted("search attributes", set)
        }
        CommandVariant::ModifyWorkflowProperties(upsert) => {
            upserted("memo", upsert.upserted_memo.unwrap_or_default().fields)
        }
        CommandVariant::StartChildWorkflowExecution(child) => others.start_child(child)?,
        CommandVariant::CancelChildWorkflowExecution(cancel) => others.cancel_child(cancel),
        CommandVariant::SignalExternalWorkflowExecution(signal) => others.signal(signal)?,
        CommandVariant::CancelSignalWorkflow(cancel) => Command::CancelSignal { seq: cancel.seq },
        CommandVariant::RequestCancelExternalWorkflowExecution(cancel) => others.request_cancel(&cancel)?,
        CommandVariant::ContinueAsNewWorkflowExecution(next) => others.continue_as_new(next),
        CommandVariant::RespondToQuery(answer) => answer_query(answer)?,
        CommandVariant::CompleteWorkflowExecution(end) => Command::Complete(into_core(end.result.as_slice())),
        CommandVariant::FailWorkflowExecution(end) => {
            Command::Fail(Arc::new(failure::into_core(&end.failure.unwrap_or_default())))
        }
        CommandVariant::CancelWorkflowExecution(end) => Command::Cancelled(details_into_core(end.details.as_ref())),
        other => return Err(TaskFailure::Unsupported(unsupported(&other))),
    })
}

/// Gives the command that closes a workflow in this way.
pub(super) fn closing(outcome: TerminalOutcome) -> CommandVariant {
    match outcome {
        TerminalOutcome::Completed(result) => {
            CommandVariant::CompleteWorkflowExecution(CompleteWorkflowExecution { result: Some(result) })
        }
        TerminalOutcome::Failed(failure) => {
            CommandVariant::FailWorkflowExecution(FailWorkflowExecution { failure: Some(*failure) })
        }
        TerminalOutcome::Cancelled(details) => {
            CommandVariant::CancelWorkflowExecution(CancelWorkflowExecution { details })
        }
        TerminalOutcome::ContinueAsNew(next) => CommandVariant::ContinueAsNewWorkflowExecution(*next),
    }
}

fn cancellation(how: ActivityCancellationType) -> CancellationType {
    match how {
        ActivityCancellationType::TryCancel => CancellationType::TryCancel,
        ActivityCancellationType::WaitCancellationCompleted => CancellationType::WaitCancellationCompleted,
        ActivityCancellationType::Abandon => CancellationType::Abandon,
    }
}

/// The SDK itself waits with a timer for a backoff that is too long for the worker, and then asks again.
fn schedule_local(activity: ScheduleLocalActivity) -> Command {
    let timeouts = Timeouts::default()
        .schedule_to_close(span(activity.schedule_to_close_timeout))
        .schedule_to_start(span(activity.schedule_to_start_timeout))
        .start_to_close(span(activity.start_to_close_timeout));
    let mut spec = ActivitySpec::new(activity.activity_type.as_str(), into_core(&activity.arguments))
        .timeouts(timeouts)
        .cancellation(cancellation(activity.cancellation_type()));
    spec.activity_id = chosen_id(&activity.activity_id, activity.seq);
    spec.retry = activity.retry_policy.as_ref().map(retry::into_core);
    spec.headers = named_into_core(activity.headers);
    let local = LocalActivitySpec::new(spec).local_retry_threshold(span(activity.local_retry_threshold));
    let first = activity.original_schedule_time.and_then(moment);
    let local = match first {
        Some(first) => local.resumed(activity.attempt, first),
        None => local,
    };
    Command::ScheduleLocalActivity { seq: activity.seq, spec: Arc::new(local) }
}

/// Takes a moment of the SDK's; `None` if it is before all that happens in a run.
fn moment(at: prost_wkt_types::Timestamp) -> Option<Time> {
    let at = UNIX_EPOCH + Duration::new(u64::try_from(at.seconds).ok()?, u32::try_from(at.nanos).ok()?);
    let since = at.duration_since(Time::ZERO.to_system_time()).ok()?;
    Some(Time::ZERO + since)
}

fn schedule(activity: ScheduleActivity) -> Command {
    let cancellation = cancellation(activity.cancellation_type());
    let timeouts = Timeouts::default()
        .schedule_to_close(span(activity.schedule_to_close_timeout))
        .schedule_to_start(span(activity.schedule_to_start_timeout))
        .start_to_close(span(activity.start_to_close_timeout))
        .heartbeat(span(activity.heartbeat_timeout));
    let mut spec = ActivitySpec::new(activity.activity_type.as_str(), into_core(&activity.arguments))
        .timeouts(timeouts)
        .cancellation(cancellation);
    spec.activity_id = chosen_id(&activity.activity_id, activity.seq);
    spec.task_queue = Some(activity.task_queue.as_str()).filter(|queue| !queue.is_empty()).map(Into::into);
    spec.retry = activity.retry_policy.as_ref().map(retry::into_core);
    spec.headers = named_into_core(activity.headers);
    Command::ScheduleActivity { seq: activity.seq, spec: Arc::new(spec) }
}

/// Gives the id that the code has chosen. The SDK's own is the number of the command, as durasim's is.
fn chosen_id(id: &str, seq: Seq) -> Option<Arc<str>> {
    (!id.is_empty() && id != seq.to_string()).then(|| id.into())
}

/// Records values that are shown with the workflow, as JSON by name and in that order. One that is unset has no bytes.
fn upserted(sort: &str, fields: impl IntoIterator<Item = (String, ProtoPayload)>) -> Command {
    let value = |payload: ProtoPayload| match &*payload.data {
        [] => Value::Null,
        data => serde_json::from_slice(data).unwrap_or_else(|_| Value::from(data.escape_ascii().to_string())),
    };
    // A map of serde_json's has the order of the SDK's hash map where somebody turns `preserve_order` on.
    let values: BTreeMap<String, Value> = fields.into_iter().map(|(name, payload)| (name, value(payload))).collect();
    let values = values.into_iter().collect::<Map<String, Value>>();
    Command::RecordMarker(Marker::Upserted { sort: sort.into(), values: Payload::new(Value::from(values).to_string()) })
}

fn answer_query(answer: QueryResult) -> Result<Command, TaskFailure> {
    let id = answer.query_id.parse();
    let id = id.map_err(|_| TaskFailure::Unsupported(format!("the answer to a query `{}`", answer.query_id)))?;
    let result = match answer.variant {
        Some(query_result::Variant::Succeeded(success)) => Ok(into_core(success.response.as_slice())),
        Some(query_result::Variant::Failed(failure)) => Err(Arc::new(failure::into_core(&failure))),
        None => Err(Arc::new(Failure::application("", "the query has no answer"))),
    };
    Ok(Command::QueryAnswer { id, result })
}

/// Names a command that is not simulated, with the call by which users ask for it.
fn unsupported(command: &CommandVariant) -> String {
    match command {
        CommandVariant::UpdateResponse(_) => "an update".to_owned(),
        CommandVariant::ScheduleNexusOperation(operation) => {
            format!("the Nexus operation `{}`", operation.operation)
        }
        CommandVariant::RequestCancelNexusOperation(_) => "the cancel of a Nexus operation".to_owned(),
        other => format!("the command {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::with_encoding;

    /// A value that is unset has no bytes. The SDK's map has no order.
    #[test]
    fn what_is_upserted_is_shown_by_name_and_what_is_unset_as_null() {
        let json = |text: &str| with_encoding("json/plain", text.into());
        let fields = [
            ("c", json("7")),
            ("a", with_encoding("binary/null", Vec::new())),
            ("d", with_encoding("binary/plain", vec![b'x', 255])),
            ("b", ProtoPayload::default()),
        ];
        let fields = fields.map(|(name, payload)| (name.to_owned(), payload));
        let Command::RecordMarker(Marker::Upserted { values, .. }) = upserted("memo", fields) else {
            panic!("it is a marker");
        };
        let text = String::from_utf8_lossy(values.as_bytes()).into_owned();
        assert_eq!(text, r#"{"a":null,"b":null,"c":7,"d":"x\\xff"}"#);
    }
}
