//! Markers, and the values that a workflow has set itself.

use std::sync::Arc;

use serde_json::Value;

use super::HistoryProblem;
use super::fields::{Event, Fields};
use crate::program::{FailureKind, LocalActivityEnd, LocalActivityMarker, Marker, Payload, Span, Time};
use crate::service::EventKind;

/// The nanoseconds of a second.
const SECOND: i64 = 1_000_000_000;

/// The detail of a mutable side effect that says which call found the value. Older SDKs write none.
///
/// Source: Temporal's Go SDK, `internal/internal_command_state_machine.go` (`mutableSideEffectCallCounterName`).
const CALL: &str = "mutable-side-effect-call-counter";

/// Reads a marker or an event that says what a workflow has set.
pub(super) fn kind(event: Event<'_>) -> Result<EventKind, HistoryProblem> {
    let fields = event.fields;
    let upserted = |sort: &str| Marker::Upserted { sort: sort.into(), values: Payload::new("{}") };
    let marker = match event.known {
        "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES" => upserted("search attributes"),
        "WORKFLOW_PROPERTIES_MODIFIED" => upserted("memo"),
        _ => {
            let details = fields.message_or_empty("details")?;
            match fields.required("markerName")? {
                "core_patch" => patch(fields, details)?,
                "Version" => Marker::Version {
                    change_id: json_text(details, "change-id")?.into(),
                    version: json(details, "version")?
                        .as_i64()
                        .and_then(|number| i32::try_from(number).ok())
                        .ok_or_else(|| fields.malformed("the `version` of its details is not a number"))?,
                },
                "SideEffect" => Marker::SideEffect {
                    seq: number(fields, details, "side-effect-id")?,
                    value: details.value("data")?,
                },
                "MutableSideEffect" => Marker::MutableSideEffect {
                    id: json_text(details, "side-effect-id")?.into(),
                    call: match details.get(CALL) {
                        Some(_) => number(fields, details, CALL)?,
                        None => 0,
                    },
                    value: details.value("data")?,
                },
                "core_local_activity" => local_activity(fields, details)?,
                "LocalActivity" => {
                    return Err(fields.not_simulated("local activities of SDKs without sdk-core are"));
                }
                other => return Err(fields.not_simulated(format!("markers of the name `{other}` are"))),
            }
        }
    };
    Ok(EventKind::MarkerRecorded { marker })
}

/// A number in the details of a marker.
fn number(fields: Fields<'_>, details: Fields<'_>, name: &str) -> Result<u32, HistoryProblem> {
    json(details, name)?
        .as_u64()
        .and_then(|number| u32::try_from(number).ok())
        .ok_or_else(|| fields.malformed(format!("the `{name}` of its details is not a number")))
}

/// Reads a patch, in the form of sdk-core or in its older form.
///
/// Source: crate temporalio-sdk-core 0.10.1 `src/protosext/mod.rs`.
fn patch(fields: Fields<'_>, details: Fields<'_>) -> Result<Marker, HistoryProblem> {
    let (id, deprecated) = if details.get("patch-data").is_some() {
        let data = json(details, "patch-data")?;
        let id = data.get("id").and_then(Value::as_str).map(str::to_owned);
        (id, data.get("deprecated").and_then(Value::as_bool).unwrap_or(false))
    } else {
        let id = details.plain_value("patch_id")?;
        let deprecated = details.get("deprecated").map(|_| details.plain_value("deprecated")).transpose()?;
        let deprecated = deprecated.is_some_and(|flag| matches!(flag.as_bytes(), b"true" | [1]));
        (Some(id.to_json().unwrap_or_else(|_| id.to_string())), deprecated)
    };
    let id = id.ok_or_else(|| fields.malformed("its details do not name a patch"))?;
    Ok(Marker::Patch { id: id.into(), deprecated })
}

/// Reads the end of a local activity, in the form of sdk-core.
///
/// Source: crate temporalio-sdk-core 0.10.1 `src/worker/workflow/machines/local_activity_state_machine.rs` (`From` for
/// `ResolveDat`).
fn local_activity(fields: Fields<'_>, details: Fields<'_>) -> Result<Marker, HistoryProblem> {
    let data = json(details, "data")?;
    let count = |name: &str| {
        let number = data.get(name).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
        number.ok_or_else(|| fields.malformed(format!("the `{name}` of a local activity is not a number")))
    };
    let text = |name: &str| data.get(name).and_then(Value::as_str).unwrap_or_default();
    let nanos = |name: &str| {
        let length = data.get(name).filter(|length| !length.is_null())?;
        let part = |part: &str| length.get(part).and_then(Value::as_i64).unwrap_or(0);
        Some(part("seconds").saturating_mul(SECOND).saturating_add(part("nanos")))
    };
    let moment = |name: &str| {
        let since_2020 = nanos(name)?.saturating_sub(Time::EPOCH_SECONDS as i64 * SECOND);
        Some(Time::from_nanos(since_2020.max(0) as u64))
    };
    let end = match (fields.failure_if_any("failure")?, nanos("backoff")) {
        (None, _) => LocalActivityEnd::Completed(details.value("result")?),
        (Some(failure), Some(backoff)) => LocalActivityEnd::Backoff(failure, Span::from_nanos(backoff)),
        (Some(failure), None) => match failure.kind {
            FailureKind::Canceled { .. } => LocalActivityEnd::Cancelled(failure),
            FailureKind::Timeout { .. } => LocalActivityEnd::TimedOut(failure),
            _ => LocalActivityEnd::Failed(failure),
        },
    };
    Ok(Marker::LocalActivity(Arc::new(LocalActivityMarker {
        seq: count("seq")?,
        activity_id: text("activity_id").into(),
        activity_type: text("activity_type").into(),
        attempt: count("attempt")?,
        completed_at: moment("complete_time"),
        first_scheduled_at: moment("original_schedule_time").unwrap_or(Time::ZERO),
        end,
    })))
}

/// The JSON in the details of a marker.
fn json(details: Fields<'_>, name: &str) -> Result<Value, HistoryProblem> {
    let payload = details.plain_value(name)?;
    payload.to_json().map_err(|why| details.malformed(format!("the `{name}` of its details is not JSON: {why}")))
}

fn json_text(details: Fields<'_>, name: &str) -> Result<String, HistoryProblem> {
    match json(details, name)? {
        Value::String(text) => Ok(text),
        other => Ok(other.to_string()),
    }
}
