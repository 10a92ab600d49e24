//! Markers, and the values that a workflow has set itself.

use std::sync::Arc;

use serde_json::Value;

use super::fields::{Event, Fields};
use super::{HistoryProblem, times};
use crate::program::{FailureKind, LocalActivityEnd, LocalActivityMarker, Marker, Payload, Span};
use crate::service::EventKind;

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

/// Reads a local activity.
///
/// Source: crate temporalio-protos 0.10.2 `protos/local/temporal/sdk/core/external_data/external_data.proto`.
fn local_activity(fields: Fields<'_>, details: Fields<'_>) -> Result<Marker, HistoryProblem> {
    let data = json(details, "data")?;
    let of = |name: &str| data.get(name).filter(|value| !value.is_null());
    let text = |name: &str| of(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| of(name).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
    let part = |value: &Value, name: &str| value.get(name).and_then(Value::as_i64).unwrap_or(0);
    let moment = |value: &Value| times::moment(part(value, "seconds"), part(value, "nanos").unsigned_abs());
    let backoff = of("backoff").map(|value| {
        Span::from_nanos(part(value, "seconds").saturating_mul(1_000_000_000).saturating_add(part(value, "nanos")))
    });
    let end = match (fields.failure_if_any("failure")?, backoff) {
        (Some(failure), Some(delay)) => LocalActivityEnd::Backoff(failure, delay),
        (Some(failure), None) => match failure.kind {
            FailureKind::Timeout { .. } => LocalActivityEnd::TimedOut(failure),
            FailureKind::Canceled { .. } => LocalActivityEnd::Cancelled(failure),
            _ => LocalActivityEnd::Failed(failure),
        },
        (None, _) => LocalActivityEnd::Completed(details.value("result")?),
    };
    let seq = number("seq").ok_or_else(|| fields.malformed("the `seq` of a local activity is not a number"))?;
    Ok(Marker::LocalActivity(Arc::new(LocalActivityMarker {
        seq,
        activity_id: text("activity_id").into(),
        activity_type: text("activity_type").into(),
        attempt: number("attempt").unwrap_or(1),
        completed_at: of("complete_time").map(moment),
        first_scheduled_at: of("original_schedule_time").map_or_else(Default::default, moment),
        end,
    })))
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
