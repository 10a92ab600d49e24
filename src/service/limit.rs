//! Sizes the service does not accept. Too large is not refused: the call is answered, and the activity fails.

use std::sync::Arc;

use crate::program::{Details, Failure, FailureKind};

/// The largest result and heartbeat, in bytes (documented as 2 MB; recorded scenarios `limit_result_1_5m`,
/// `limit_result_2_5m`).
const BLOB_LIMIT: usize = 2 * 1024 * 1024;

/// The largest failure that is kept between attempts, in bytes (recorded scenario `limit_failure_message_20k`).
const STORED_FAILURE_LIMIT: usize = 4 * 1024;

pub(super) fn is_too_large(bytes: &[u8]) -> bool {
    bytes.len() > BLOB_LIMIT
}

/// What an activity fails with after a result that is too large. Recorded scenario `limit_result_2_5m`.
pub(super) fn result_too_large() -> Failure {
    server_failure("Complete result exceeds size limit.", true)
}

/// What an activity fails with after a heartbeat that is too large. Recorded scenario `limit_heartbeat_2_5m`.
pub(super) fn heartbeat_too_large() -> Failure {
    server_failure("Heartbeat details exceed size limit.", true)
}

/// A failure as it is kept for the next attempt: whole if it is small, else a failure of the server, caused by what fits
/// of it. Recorded scenario `limit_failure_message_20k`.
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

/// Bytes of what a failure holds that can be long.
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

/// The beginning of the message, without details and causes.
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

    #[test]
    fn a_long_failure_is_cut_between_attempts() {
        let long = Arc::new(Failure::application("MyError", "é".repeat(10_000)));
        let kept = stored(long);
        assert_eq!(&*kept.message, "Failure exceeds size limit.");
        assert_eq!(kept.kind, FailureKind::Server { non_retryable: false });
        assert_eq!(kept.cause.as_ref().unwrap().message.len(), STORED_FAILURE_LIMIT);
        let short = Arc::new(Failure::application("MyError", "boom"));
        assert!(Arc::ptr_eq(&short, &stored(short.clone())));
    }
}
