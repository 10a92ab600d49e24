//! [`FailingTask`]: a workflow task that fails again and again.

use super::error::RunError;

/// A workflow task that has failed and is tried again.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct FailingTask {
    /// The words for its first failure, which the later ones follow from.
    first: RunError,
    failures: u32,
}

impl FailingTask {
    /// A task that fails with this error first.
    pub(super) fn new(first: RunError) -> FailingTask {
        FailingTask { first, failures: 0 }
    }

    /// Counts a failure.
    pub(super) fn fails(&mut self) {
        self.failures += 1;
    }

    /// Gives the number of its failures in a row.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// Gives the error of its first failure, which says how often it has failed, and whether the run ends with that.
    pub(super) fn error(&self, ends_run: bool) -> RunError {
        let mut error = self.first.clone();
        if let RunError::WorkflowTask { failures, is_stuck, .. } = &mut error {
            (*failures, *is_stuck) = (self.failures, ends_run);
        }
        error
    }
}
