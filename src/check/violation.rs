//! [`Violation`]: a finding of a check.

use thiserror::Error;

use crate::world::ResultError;

/// A property that a run does not have, as a check found.
#[derive(Clone, PartialEq, Eq, Debug, Default, Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct Violation {
    /// The rule of the check that is broken, in a few words without numbers or names: violations of the same kind count
    /// as the same failure when a plan is shrunk.
    pub kind: String,
    /// One sentence that says what is wrong.
    pub message: String,
    /// The value that was expected, if it can be shown.
    pub expected: Option<String>,
    /// The value that was found.
    pub found: Option<String>,
    /// The trace events that prove it, by index.
    pub events: Vec<usize>,
}

impl Violation {
    /// A violation of this kind.
    pub fn new(kind: impl Into<String>, message: impl Into<String>) -> Violation {
        Violation { kind: kind.into(), message: message.into(), ..Violation::default() }
    }

    /// Adds the expected value and the value that was found.
    pub fn expected(mut self, expected: impl Into<String>, found: impl Into<String>) -> Violation {
        self.expected = Some(expected.into());
        self.found = Some(found.into());
        self
    }

    /// Adds the trace events that prove it.
    pub fn proved_by(mut self, events: impl Into<Vec<usize>>) -> Violation {
        self.events = events.into();
        self
    }
}

impl From<String> for Violation {
    fn from(message: String) -> Violation {
        Violation::new("custom", message)
    }
}

impl From<&str> for Violation {
    fn from(message: &str) -> Violation {
        Violation::new("custom", message)
    }
}

impl From<ResultError> for Violation {
    fn from(error: ResultError) -> Violation {
        Violation::new("no result", error.to_string())
    }
}
