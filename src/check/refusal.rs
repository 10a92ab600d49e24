//! [`refusal`]: the words in which an activity's code says that it cannot do its work now.

use crate::trace::Trace;
use crate::trace::attempts::{AttemptEnd, AttemptExecution};

/// The error types that give no reason: those that [`ActivityError`](crate::ActivityError) gives by itself.
const PLAIN: [&str; 7] =
    ["ExecutionFailed", "Panic", "Retryable", "NonRetryable", "RetryableWithDelay", "Application", "Timeout"];

/// The error with which an attempt's code refused to do its work, as it is compared with others: an error type of the user's
/// own, or the whole text without its figures. `None` if its code did not fail.
pub(super) fn refusal(trace: &Trace, attempt: &AttemptExecution) -> Option<Vec<u8>> {
    if !matches!(attempt.end, AttemptEnd::Failed | AttemptEnd::Panicked) {
        return None;
    }
    Some(comparable(trace.bytes(attempt.detail?)))
}

fn comparable(text: &[u8]) -> Vec<u8> {
    let end_of_type = text.windows(2).position(|next| next == b": ");
    let error_type = end_of_type.map(|end| &text[..end]).filter(|name| !name.iter().any(u8::is_ascii_whitespace));
    match error_type {
        Some(own) if !PLAIN.iter().any(|plain| plain.as_bytes() == own) => own.to_vec(),
        _ => text.iter().copied().filter(|byte| !byte.is_ascii_digit()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::comparable;

    #[test]
    fn a_type_of_ones_own_says_it_all_and_figures_say_nothing() {
        let same = |one: &str, other: &str| comparable(one.as_bytes()) == comparable(other.as_bytes());
        assert!(same("LockHeld: by worker a", "LockHeld: by worker b"));
        assert!(!same("LockHeld: by worker a", "AlreadyBegun: by worker a"));
        assert!(same("Retryable: locked for 40 s", "Retryable: locked for 103 s"));
        assert!(!same("Retryable: locked", "Retryable: already begun"));
        assert!(!same("Retryable: locked", "ExecutionFailed: locked"));
        assert!(same("not ready: try 1", "not ready: try 2"));
    }
}
