//! The values of a history in the JSON of Protocol Buffers: times, lengths, payloads, failures.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use crate::program::calendar::date;
use crate::program::{
    Carried, Details, Encoded, Failure, FailureKind, Fields, Payload, RetrySpec, RetryState, Span, Time, TimeoutType,
    Timeouts,
};

/// The namespace of all workflows.
pub(super) const NAMESPACE: &str = "default";

/// The seconds of a day.
const DAY: u64 = 24 * 60 * 60;

/// Writes a moment as `2020-01-01T00:00:00.001Z`.
pub(super) fn timestamp(at: Time) -> Value {
    let nanos = at.as_nanos();
    let seconds = Time::EPOCH_SECONDS + nanos / 1_000_000_000;
    let (year, month, day) = date(seconds / DAY);
    let of_day = seconds % DAY;
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    let fraction = fraction((nanos % 1_000_000_000) as u32);
    json!(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z"))
}

/// The nanoseconds of a second, in three, six or nine digits.
fn fraction(nanos: u32) -> String {
    match nanos {
        0 => String::new(),
        nanos if nanos % 1_000_000 == 0 => format!(".{:03}", nanos / 1_000_000),
        nanos if nanos % 1_000 == 0 => format!(".{:06}", nanos / 1_000),
        nanos => format!(".{nanos:09}"),
    }
}

/// Writes a length of time as `1.500s`.
pub(super) fn duration(length: Span) -> Value {
    let nanos = length.as_nanos().max(0);
    json!(format!("{}{}s", nanos / 1_000_000_000, fraction((nanos % 1_000_000_000) as u32)))
}

/// Writes a reason why there is no other attempt.
pub(super) fn retry_state(state: RetryState) -> Value {
    json!(format!("RETRY_STATE_{state}"))
}

/// Writes a kind of timeout.
pub(super) fn timeout_type(timeout: TimeoutType) -> Value {
    json!(match timeout {
        TimeoutType::Unspecified => "TIMEOUT_TYPE_UNSPECIFIED",
        TimeoutType::StartToClose => "TIMEOUT_TYPE_START_TO_CLOSE",
        TimeoutType::ScheduleToStart => "TIMEOUT_TYPE_SCHEDULE_TO_START",
        TimeoutType::ScheduleToClose => "TIMEOUT_TYPE_SCHEDULE_TO_CLOSE",
        TimeoutType::Heartbeat => "TIMEOUT_TYPE_HEARTBEAT",
    })
}

/// Writes the timeouts of an activity into its attributes.
pub(super) fn add_timeouts(attributes: &mut Value, timeouts: &Timeouts) {
    for (name, length) in [
        ("scheduleToCloseTimeout", timeouts.schedule_to_close),
        ("scheduleToStartTimeout", timeouts.schedule_to_start),
        ("startToCloseTimeout", timeouts.start_to_close),
        ("heartbeatTimeout", timeouts.heartbeat),
    ] {
        attributes[name] = duration(length);
    }
}

/// Writes a retry policy.
pub(super) fn retry_policy(policy: &RetrySpec) -> Value {
    let mut value = json!({
        "initialInterval": duration(policy.initial_interval),
        "backoffCoefficient": policy.backoff_coefficient,
        "maximumInterval": duration(policy.maximum_interval),
    });
    if policy.maximum_attempts != 0 {
        value["maximumAttempts"] = json!(policy.maximum_attempts);
    }
    if !policy.non_retryable_error_types.is_empty() {
        let types: Vec<&str> = policy.non_retryable_error_types.iter().map(|name| &**name).collect();
        value["nonRetryableErrorTypes"] = json!(types);
    }
    value
}

/// Writes a failure with its causes.
pub(super) fn failure(failure: &Failure, form: Form) -> Value {
    let (name, info) = match &failure.kind {
        FailureKind::Application { error_type, non_retryable, details: attached, next_retry_delay } => {
            let mut info = json!({ "type": &**error_type });
            if *non_retryable {
                info["nonRetryable"] = json!(true);
            }
            add(&mut info, "details", form.details(attached));
            add(&mut info, "nextRetryDelay", next_retry_delay.map_or(Value::Null, duration));
            ("applicationFailureInfo", info)
        }
        FailureKind::Timeout { timeout_type: timeout, last_heartbeat_details } => {
            let mut info = json!({ "timeoutType": timeout_type(*timeout) });
            add(&mut info, "lastHeartbeatDetails", form.details(last_heartbeat_details));
            ("timeoutFailureInfo", info)
        }
        FailureKind::Canceled { details: attached } => {
            let mut info = json!({});
            add(&mut info, "details", form.details(attached));
            ("canceledFailureInfo", info)
        }
        FailureKind::Server { non_retryable } => {
            ("serverFailureInfo", if *non_retryable { json!({ "nonRetryable": true }) } else { json!({}) })
        }
        FailureKind::Terminated => ("terminatedFailureInfo", json!({})),
        FailureKind::Activity {
            activity_type,
            activity_id,
            scheduled_event_id,
            started_event_id,
            retry_state: state,
        } => (
            "activityFailureInfo",
            json!({
                "scheduledEventId": id(*scheduled_event_id),
                "startedEventId": id(*started_event_id),
                "activityType": { "name": &**activity_type },
                "activityId": &**activity_id,
                "retryState": retry_state(*state),
            }),
        ),
        FailureKind::ChildWorkflow {
            workflow_type,
            workflow_id,
            run_id,
            initiated_event_id,
            started_event_id,
            retry_state: state,
        } => (
            "childWorkflowExecutionFailureInfo",
            json!({
                "namespace": NAMESPACE,
                "workflowExecution": { "workflowId": &**workflow_id, "runId": form.uuid(run_id) },
                "workflowType": { "name": &**workflow_type },
                "initiatedEventId": id(*initiated_event_id),
                "startedEventId": id(*started_event_id),
                "retryState": retry_state(*state),
            }),
        ),
    };
    let mut value = json!({ "message": &*failure.message });
    value[name] = info;
    if let Some(cause) = &failure.cause {
        value["cause"] = self::failure(cause, form);
    }
    value
}

/// The ways in which a run writes its ids and payloads.
#[derive(Clone, Copy)]
pub(super) struct Form {
    /// The ids of runs, which are UUIDs on a server, are made of the seed and the id of the run here.
    pub(super) seed: u64,
    /// Says whether the payloads are those of an SDK, with their metadata.
    pub(super) has_envelopes: bool,
}

impl Form {
    /// Writes a payload as a list, which has one entry where an SDK has not made more of it.
    pub(super) fn payloads(self, payload: &Payload) -> Value {
        json!({ "payloads": self.list(payload) })
    }

    /// Writes a payload alone.
    pub(super) fn one_payload(self, payload: &Payload) -> Value {
        self.list(payload).into_iter().next().unwrap_or_else(|| json!({}))
    }

    /// Writes details, which may be none.
    pub(super) fn details(self, details: &Details) -> Value {
        match details {
            Details::Absent => Value::Null,
            Details::Empty => json!({ "payloads": [] }),
            Details::Payload(payload) => self.payloads(payload),
        }
    }

    /// Writes values by their names.
    fn fields(self, fields: &Fields) -> Value {
        let fields = fields.iter().map(|(name, value)| (name.to_string(), self.one_payload(value)));
        fields.collect::<Map<String, Value>>().into()
    }

    /// Writes headers by their names.
    pub(super) fn header(self, headers: &Fields) -> Value {
        if headers.is_empty() { json!({}) } else { json!({ "fields": self.fields(headers) }) }
    }

    /// Adds the memo and the search attributes of a run to the event that starts it.
    pub(super) fn add_carried(self, event: &mut Value, carried: &Carried) {
        if !carried.memo.is_empty() {
            event["memo"] = json!({ "fields": self.fields(&carried.memo) });
        }
        if !carried.search_attributes.is_empty() {
            event["searchAttributes"] = json!({ "indexedFields": self.fields(&carried.search_attributes) });
        }
    }

    fn list(self, payload: &Payload) -> Vec<Value> {
        if !self.has_envelopes {
            return vec![plain(payload)];
        }
        let payloads = Encoded::from_payload(payload);
        payloads.iter().map(encoded).collect()
    }

    /// Gives the UUID of a run, of version 8: made in a way of our own.
    pub(super) fn uuid(self, run_id: &str) -> String {
        // FNV-1a, twice.
        let hash = |basis: u64| {
            let bytes = self.seed.to_le_bytes().into_iter().chain(run_id.bytes());
            bytes.fold(basis, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
        };
        let (high, low) = (hash(0xcbf2_9ce4_8422_2325), hash(0x9e37_79b9_7f4a_7c15));
        let high = (high & !0xf000) | 0x8000;
        let low = (low & !(0b11 << 62)) | (0b10 << 62);
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff
        )
    }
}

/// Writes a payload that says nothing of how it is encoded. Bytes that are no JSON are said to be plain bytes. Clients send nothing as
/// an empty payload of an encoding of its own.
pub(super) fn plain(payload: &Payload) -> Value {
    let bytes = payload.as_bytes();
    let encoding = match serde_json::from_slice::<IgnoredAny>(bytes) {
        Ok(_) if bytes == b"null" => return encoded(&Encoded::new("binary/null", [])),
        Ok(_) => "json/plain",
        Err(_) => "binary/plain",
    };
    encoded(&Encoded::new(encoding, bytes))
}

fn encoded(payload: &Encoded) -> Value {
    let metadata = payload.metadata.iter().map(|(name, value)| (name.clone(), json!(STANDARD.encode(value))));
    let mut value = json!({ "metadata": metadata.collect::<Map<String, Value>>() });
    if !payload.data.is_empty() {
        value["data"] = json!(STANDARD.encode(&payload.data));
    }
    value
}

/// Writes a number of 64 bits, which the JSON of Protocol Buffers has as text.
pub(super) fn id(number: u64) -> Value {
    json!(number.to_string())
}

/// Adds a field, unless there is nothing in it.
pub(super) fn add(attributes: &mut Value, name: &str, value: Value) {
    if !value.is_null() {
        attributes[name] = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        let at = |seconds: u64| timestamp(Time::from_millis(seconds * 1000));
        assert_eq!(timestamp(Time::ZERO), "2020-01-01T00:00:00Z");
        assert_eq!(timestamp(Time::from_millis(1)), "2020-01-01T00:00:00.001Z");
        assert_eq!(timestamp(Time::from_nanos(1_500)), "2020-01-01T00:00:00.000001500Z");
        // 2020 is a leap year, and 2100 is none.
        assert_eq!(at(59 * 86_400), "2020-02-29T00:00:00Z");
        assert_eq!(at(366 * 86_400 - 1), "2020-12-31T23:59:59Z");
        assert_eq!(at(29_279 * 86_400), "2100-03-01T00:00:00Z");
    }

    #[test]
    fn lengths_have_three_six_or_nine_digits() {
        let text = |nanos| duration(Span::from_nanos(nanos));
        assert_eq!(text(0), "0s");
        assert_eq!(text(1_500_000_000), "1.500s");
        assert_eq!(text(1_000), "0.000001s");
        assert_eq!(text(1), "0.000000001s");
    }

    #[test]
    fn a_run_has_the_uuid_of_its_seed() {
        let uuid = |seed, run| Form { seed, has_envelopes: false }.uuid(run);
        assert_eq!(uuid(0, "order-1:1"), uuid(0, "order-1:1"));
        assert_ne!(uuid(0, "order-1:1"), uuid(1, "order-1:1"));
        assert_ne!(uuid(0, "order-1:1"), uuid(0, "order-1:2"));
        let parts: Vec<usize> = uuid(7, "a").split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
    }

    #[test]
    fn bytes_that_are_no_json_are_plain() {
        let encoding = |bytes: &[u8]| {
            let value = plain(&Payload::new(bytes));
            let text = value["metadata"]["encoding"].as_str().unwrap().to_owned();
            String::from_utf8(STANDARD.decode(text).unwrap()).unwrap()
        };
        assert_eq!(encoding(b"{\"a\": 1}"), "json/plain");
        assert_eq!(encoding(&[0xff, 0]), "binary/plain");
        assert_eq!(encoding(b"null"), "binary/null");
    }

    #[test]
    fn the_metadata_of_an_sdk_is_written_as_it_is() {
        let form = Form { seed: 0, has_envelopes: true };
        let image = Encoded::new("binary/plain", [0xff]);
        let value = form.payloads(&Encoded::into_payload(&[image.clone(), image]));
        let one = json!({ "metadata": { "encoding": STANDARD.encode("binary/plain") }, "data": "/w==" });
        assert_eq!(value, json!({ "payloads": [one, one] }));
        assert_eq!(form.one_payload(&Payload::new("1")), plain(&Payload::new("1")));
        assert_eq!(form.one_payload(&Payload::new("null")), plain(&Payload::new("null")));
    }
}
