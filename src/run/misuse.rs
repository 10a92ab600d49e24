//! Ending a run from inside user code: for mistakes that must neither fail an attempt, which would be retried, nor take
//! the test down.

use super::error::RunError;
use super::world::World;

/// What such an unwinding carries. The error itself stands in the run.
#[derive(Debug)]
pub(crate) struct MisuseUnwind;

impl World {
    /// Ends the run with [`RunError::Misuse`] and unwinds out of the user's code.
    pub(crate) fn misuse(&self, message: String) -> ! {
        self.end_with(RunError::Misuse(message))
    }

    /// Ends the run with this error and unwinds out of the user's code.
    pub(crate) fn end_with(&self, error: RunError) -> ! {
        let message = error.to_string();
        self.core.borrow_mut().fail(error);
        if std::thread::panicking() {
            panic!("{message}");
        }
        std::panic::resume_unwind(Box::new(MisuseUnwind));
    }
}
