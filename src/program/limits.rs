//! How much code may do before it waits.

/// Code that is right stays far below so many calls in one poll, and a loop reaches them within a second.
const CALLS: usize = 1_000_000;

/// How often code may call durasim in one poll, or workflow code its context in one activation, in a run that may have
/// so many events: no fewer than these.
pub(crate) fn call_budget(event_budget: usize) -> usize {
    CALLS.max(event_budget)
}
