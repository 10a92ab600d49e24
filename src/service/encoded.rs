//! The size of a failure as the API encodes it.
//!
//! Source: the messages of `temporal/api/failure/v1/message.proto` and `temporal/api/common/v1/message.proto`.

use crate::program::{Details, Failure, FailureKind, RetryState, Span};

/// Counts the bytes of a failure whose sender has a name of this length.
pub(super) fn failure_size(failure: &Failure, sender: usize) -> usize {
    let of_kind = match &failure.kind {
        FailureKind::Application { error_type, non_retryable, details, next_retry_delay } => {
            text(error_type.len())
                + flag(*non_retryable)
                + payloads(details)
                + next_retry_delay.map_or(0, |delay| field(duration(delay)))
        }
        FailureKind::Timeout { last_heartbeat_details, .. } => 2 + payloads(last_heartbeat_details),
        FailureKind::Canceled { details } => payloads(details),
        FailureKind::Server { non_retryable } => flag(*non_retryable),
        FailureKind::Terminated => 0,
        FailureKind::Activity { activity_type, activity_id, scheduled_event_id, started_event_id, retry_state } => {
            number(*scheduled_event_id)
                + number(*started_event_id)
                + field(text(activity_type.len()))
                + text(activity_id.len())
                + state(*retry_state)
        }
        FailureKind::ChildWorkflow {
            workflow_type,
            workflow_id,
            run_id,
            initiated_event_id,
            started_event_id,
            retry_state,
        } => {
            field(text(workflow_id.len()) + text(run_id.len()))
                + field(text(workflow_type.len()))
                + number(*initiated_event_id)
                + number(*started_event_id)
                + state(*retry_state)
        }
    };
    let cause = failure.cause.as_deref().map_or(0, |cause| field(failure_size(cause, sender)));
    text(failure.message.len()) + text(sender) + field(of_kind) + cause
}

fn varint(number: u64) -> usize {
    (u64::BITS - number.leading_zeros()).div_ceil(7).max(1) as usize
}

/// A field that says its length. All numbers of fields here fit into one byte.
fn field(length: usize) -> usize {
    1 + varint(length as u64) + length
}

/// A text, which is left out if it is empty.
fn text(length: usize) -> usize {
    if length == 0 { 0 } else { field(length) }
}

/// A number, which is left out if it is zero.
fn number(number: u64) -> usize {
    if number == 0 { 0 } else { 1 + varint(number) }
}

fn flag(flag: bool) -> usize {
    number(u64::from(flag))
}

fn state(state: RetryState) -> usize {
    flag(state != RetryState::Unspecified)
}

fn duration(span: Span) -> usize {
    const SECOND: i64 = 1_000_000_000;
    // A negative number is encoded as one of 64 bits.
    number((span.as_nanos() / SECOND) as u64) + number((span.as_nanos() % SECOND) as u64)
}

/// A field with a list of one payload or none. A payload says how it is encoded: `"encoding": "json/plain"`.
fn payloads(details: &Details) -> usize {
    match details {
        Details::Absent => 0,
        Details::Empty => field(0),
        Details::Payload(payload) => {
            let encoding = field(field("encoding".len()) + field("json/plain".len()));
            field(field(encoding + text(payload.as_bytes().len())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::{Payload, TimeoutType};

    /// The numbers are those of the API's own encoder.
    #[test]
    fn a_failure_has_the_size_of_its_encoding() {
        let size = |kind| failure_size(&Failure::new("boom", kind), 6);
        let details = || Details::Payload(Payload::new("1"));
        assert_eq!(size(FailureKind::Terminated), 6 + 8 + 2);
        assert_eq!(size(FailureKind::Server { non_retryable: true }), 6 + 8 + 4);
        assert_eq!(size(FailureKind::Canceled { details: Details::Empty }), 6 + 8 + 4);
        assert_eq!(size(FailureKind::Canceled { details: details() }), 6 + 8 + 2 + 2 + 2 + 24 + 3);
        let timeout_type = TimeoutType::Heartbeat;
        let last_heartbeat_details = Details::Absent;
        assert_eq!(size(FailureKind::Timeout { timeout_type, last_heartbeat_details }), 6 + 8 + 4);
        let application = FailureKind::Application {
            error_type: "MyError".into(),
            non_retryable: false,
            details: Details::Absent,
            next_retry_delay: Some(Span::from_millis(1500)),
        };
        assert_eq!(size(application), 6 + 8 + 2 + 9 + 2 + 2 + 6);
        let activity = FailureKind::Activity {
            activity_type: "act".into(),
            activity_id: "a".into(),
            scheduled_event_id: 300,
            started_event_id: 0,
            retry_state: RetryState::Timeout,
        };
        assert_eq!(size(activity), 6 + 8 + 2 + 3 + 7 + 3 + 2);
        let child = FailureKind::ChildWorkflow {
            workflow_type: "w".into(),
            workflow_id: "id".into(),
            run_id: "run".into(),
            initiated_event_id: 5,
            started_event_id: 6,
            retry_state: RetryState::Unspecified,
        };
        assert_eq!(size(child), 6 + 8 + 2 + 11 + 5 + 2 + 2);
        let caused = Failure::new("", FailureKind::Terminated).caused_by(Failure::new("m", FailureKind::Terminated));
        assert_eq!(failure_size(&caused, 0), 2 + 2 + 5);
    }
}
