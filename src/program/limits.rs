//! The limit on what code may do before it waits.

/// Correct code stays far below this number of calls in one poll, and a loop reaches it within a second.
const CALLS: usize = 1_000_000;

/// The number of times that code may call durasim in one poll, or workflow code its context in one activation. It is
/// `CALLS`, or the number of events that the run may have if that is more.
pub(crate) fn call_budget(event_budget: usize) -> usize {
    CALLS.max(event_budget)
}
