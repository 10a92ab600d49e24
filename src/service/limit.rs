//! Sizes that the service does not accept. A call with too large a value is not refused: it is answered, and the
//! activity fails.

use std::sync::Arc;

use crate::program::{Details, Failure, FailureKind, PAYLOAD_LIMIT};

/// The largest failure that is kept between attempts, in bytes (recorded scenario `limit_failure_message_20k`).
const STORED_FAILURE_LIMIT: usize = 4 * 1024;

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
    if size(&failure) <= STORED_FAILURE_LIMIT {
        return failure;
    }
    let mut whole = server_failure("Failure exceeds size limit.", false);
    whole.cause = Some(Arc::new(cut(&failure)));
    Arc::new(whole)
}

fn server_failure(message: &str, non_retryable: bool) -> Failure {
    Failure { message: message.into(), kind: FailureKind::Server { non_retryable }, cause: None }
}

/// Counts the bytes of those parts of a failure that can be long.
fn size(failure: &Failure) -> usize {
    let details = |details: &Details| details.as_bytes().map_or(0, <[u8]>::len);
    let of_kind = match &failure.kind {
        FailureKind::Application { error_type, details: attached, .. } => error_type.len() + details(attached),
        FailureKind::Timeout { last_heartbeat_details, .. } => details(last_heartbeat_details),
        FailureKind::Canceled { details: attached } => details(attached),
        _ => 0,
    };
    failure.message.len() + of_kind + failure.cause.as_deref().map_or(0, size)
}

/// Keeps the beginning of the message, without details and causes.
fn cut(failure: &Failure) -> Failure {
    let mut end = failure.message.len().min(STORED_FAILURE_LIMIT);
    while !failure.message.is_char_boundary(end) {
        end -= 1;
    }
    let mut kind = failure.kind.clone();
    match &mut kind {
        FailureKind::Application { details, .. }
        | FailureKind::Timeout { last_heartbeat_details: details, .. }
        | FailureKind::Canceled { details } => *details = Details::Absent,
        _ => {}
    }
    Failure { message: failure.message[..end].into(), kind, cause: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::TimeoutType;

    fn is_kept_whole(failure: Failure) -> bool {
        let failure = Arc::new(failure);
        Arc::ptr_eq(&failure, &stored(failure.clone()))
    }

    fn bytes(length: usize) -> Details {
        Details::from(Some(&vec![b'1'; length][..]))
    }

    fn application(error_type: &str, message: usize, details: usize) -> Failure {
        let mut failure = Failure::application(error_type, "m".repeat(message));
        if let FailureKind::Application { details: attached, .. } = &mut failure.kind {
            *attached = bytes(details);
        }
        failure
    }

    /// The limit is documented as 2 MB.
    #[test]
    fn two_megabytes_are_not_too_large() {
        assert!(!is_too_large(&vec![0; 2_097_152]));
        assert!(is_too_large(&vec![0; 2_097_153]));
    }

    /// Everything that can be long counts: message, type, details, and the same of the causes.
    #[test]
    fn a_failure_of_four_kilobytes_is_kept_whole() {
        assert!(is_kept_whole(application("T", 4095, 0)));
        assert!(!is_kept_whole(application("T", 4096, 0)));
        assert!(is_kept_whole(application("T", 95, 4000)));
        assert!(!is_kept_whole(application("T", 96, 4000)));
        let of_kind = |kind, message| Failure { message: "m".repeat(message).into(), kind, cause: None };
        let timeout = |details| FailureKind::Timeout {
            timeout_type: TimeoutType::Heartbeat,
            last_heartbeat_details: bytes(details),
        };
        assert!(is_kept_whole(of_kind(timeout(4000), 96)));
        assert!(!is_kept_whole(of_kind(timeout(4000), 97)));
        let canceled = |details| FailureKind::Canceled { details: bytes(details) };
        assert!(is_kept_whole(of_kind(canceled(4000), 96)));
        assert!(!is_kept_whole(of_kind(canceled(4000), 97)));
        let caused = |message| {
            let cause = Some(Arc::new(application("T", 2000, 1000)));
            Failure { cause, ..application("T", message, 0) }
        };
        assert!(is_kept_whole(caused(1094)));
        assert!(!is_kept_whole(caused(1095)));
    }

    #[test]
    fn a_long_failure_is_cut_between_attempts() {
        let long =
            Failure { cause: Some(Arc::new(Failure::application("T", "m"))), ..application("MyError", 10_000, 9) };
        let kept = stored(Arc::new(long));
        assert_eq!(&*kept.message, "Failure exceeds size limit.");
        assert_eq!(kept.kind, FailureKind::Server { non_retryable: false });
        assert_eq!(kept.cause.as_deref(), Some(&Failure::application("MyError", "m".repeat(4096))));
    }

    #[test]
    fn a_message_is_cut_between_characters() {
        let kept = stored(Arc::new(Failure::application("MyError", format!("m{}", "é".repeat(10_000)))));
        assert_eq!(kept.cause.as_ref().unwrap().message.len(), 4095);
    }
}
