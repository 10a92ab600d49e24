//! Sizes that the service does not accept. A call with too large a value is not refused: it is answered, and the
//! activity fails.

use std::sync::Arc;

use super::encoded::failure_size;
use crate::program::{Details, Failure, FailureKind, PAYLOAD_LIMIT};

/// The largest failure that is kept between attempts, in bytes (recorded scenario `limit_failure_message_20k`).
const STORED_FAILURE_LIMIT: usize = 4 * 1024;

/// The causes of a failure that are kept at most.
const DEEPEST_CAUSE: usize = 20;

/// The length of the sender's name, which SDKs put into a failure. durasim has none; the recordings' driver has this one.
const SENDER: usize = "golden".len();

pub(super) fn is_too_large(bytes: &[u8]) -> bool {
    bytes.len() > PAYLOAD_LIMIT
}

/// The failure of an activity whose result is too large. Recorded scenario `limit_result_2_5m`.
pub(super) fn result_too_large() -> Failure {
    server_failure("Complete result exceeds size limit.", true)
}

/// The failure of an activity whose heartbeat is too large. Recorded scenario `limit_heartbeat_2_5m`.
pub(super) fn heartbeat_too_large() -> Failure {
    server_failure("Heartbeat details exceed size limit.", true)
}

/// The failure that is kept for the next attempt. A small failure is kept whole. A larger one becomes a failure of the
/// server, whose cause is as much of it as fits. Recorded scenario `limit_failure_message_20k`.
pub(super) fn stored(failure: Arc<Failure>) -> Arc<Failure> {
    if failure_size(&failure, SENDER) <= STORED_FAILURE_LIMIT {
        return failure;
    }
    let mut whole = server_failure("Failure exceeds size limit.", false);
    whole.cause = Some(Arc::new(cut(&failure, Room(STORED_FAILURE_LIMIT), DEEPEST_CAUSE)));
    Arc::new(whole)
}

fn server_failure(message: &str, non_retryable: bool) -> Failure {
    Failure { message: message.into(), kind: FailureKind::Server { non_retryable }, cause: None }
}

/// Keeps as much of a failure as fits: its type first, then the beginning of its message, then its causes, all without
/// details.
///
/// Source: temporal `common/failure/failure.go` (`TruncateWithDepth`).
fn cut(failure: &Failure, mut room: Room, depth: usize) -> Failure {
    let kind = match &failure.kind {
        FailureKind::Application { error_type, non_retryable, .. } => FailureKind::Application {
            error_type: room.keep(error_type),
            non_retryable: *non_retryable,
            details: Details::Absent,
            next_retry_delay: None,
        },
        FailureKind::Timeout { timeout_type, .. } => {
            FailureKind::Timeout { timeout_type: *timeout_type, last_heartbeat_details: Details::Absent }
        }
        FailureKind::Canceled { .. } => FailureKind::Canceled { details: Details::Absent },
        other => other.clone(),
    };
    room.take(match kind {
        FailureKind::Application { .. } => 8,
        FailureKind::Server { .. } => 4,
        _ => 0,
    });
    room.take(SENDER + 4);
    let message = room.keep(&failure.message);
    let cause = failure.cause.as_deref().filter(|_| room.0 > 4 && depth > 0);
    Failure { message, kind, cause: cause.map(|cause| Arc::new(cut(cause, Room(room.0 - 4), depth - 1))) }
}

/// The bytes that are left for a failure, as the server reckons.
struct Room(usize);

impl Room {
    fn take(&mut self, bytes: usize) {
        self.0 = self.0.saturating_sub(bytes);
    }

    /// Keeps the beginning of a text, whole characters.
    fn keep(&mut self, text: &Arc<str>) -> Arc<str> {
        let mut end = text.len().min(self.0);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        if end > 0 {
            self.take(end + 4);
        }
        if end == text.len() { text.clone() } else { text[..end].into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_kept_whole(failure: Failure) -> bool {
        let failure = Arc::new(failure);
        Arc::ptr_eq(&failure, &stored(failure.clone()))
    }

    /// The limit is documented as 2 MB.
    #[test]
    fn two_megabytes_are_not_too_large() {
        assert!(!is_too_large(&vec![0; 2_097_152]));
        assert!(is_too_large(&vec![0; 2_097_153]));
    }

    /// The encoded failure counts: 3 bytes with the message, 8 of the sender, 5 with the type.
    #[test]
    fn a_failure_of_four_kilobytes_is_kept_whole() {
        let application = |message| Failure::application("T", "m".repeat(message));
        assert!(is_kept_whole(application(4096 - 16)));
        assert!(!is_kept_whole(application(4096 - 15)));
        // A cause adds the 3 bytes of its field.
        let caused = |message| application(message).caused_by(application(1000));
        assert!(is_kept_whole(caused(4096 - 16 - 1016 - 3)));
        assert!(!is_kept_whole(caused(4096 - 15 - 1016 - 3)));
    }

    /// Recorded scenario `limit_failure_message_20k`.
    #[test]
    fn a_long_failure_is_cut_between_attempts() {
        let kept = stored(Arc::new(Failure::application("MyError", "m".repeat(20_000))));
        assert_eq!(&*kept.message, "Failure exceeds size limit.");
        assert_eq!(kept.kind, FailureKind::Server { non_retryable: false });
        assert_eq!(kept.cause.as_deref(), Some(&Failure::application("MyError", "m".repeat(4067))));
    }

    #[test]
    fn details_go_and_causes_stay_as_far_as_they_fit() {
        let mut long = Failure::application("MyError", "boom").caused_by(Failure::application("E", "c".repeat(9000)));
        if let FailureKind::Application { details, .. } = &mut long.kind {
            *details = Details::from(Some(&vec![b'1'; 9000][..]));
        }
        let kept = stored(Arc::new(long));
        // The type takes 11 of 4,096 bytes, the fields 8, the sender 10, the message 8, and so on for the cause.
        let cause = Failure::application("E", "c".repeat(4096 - 11 - 8 - 10 - 8 - 4 - 5 - 8 - 10));
        assert_eq!(kept.cause.as_deref(), Some(&Failure::application("MyError", "boom").caused_by(cause)));
        // Nothing is left for the cause of a message that takes all.
        let full = Failure::application("MyError", "m".repeat(9000)).caused_by(Failure::application("E", "c"));
        assert_eq!(stored(Arc::new(full)).cause.as_ref().unwrap().cause, None);
    }

    #[test]
    fn a_message_is_cut_between_characters() {
        let kept = stored(Arc::new(Failure::application("MyError", "é".repeat(10_000))));
        assert_eq!(kept.cause.as_ref().unwrap().message.len(), 4066);
    }
}
