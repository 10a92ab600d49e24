//! [`HistoryProblem`]: the reason why a text is no history that could be replayed.

use thiserror::Error;

/// The reason why a text is no history that could be replayed.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum HistoryProblem {
    /// The text is no JSON.
    #[error(
        "the history is not JSON: {why}. `temporal workflow show --workflow-id ID --output json` and the download of the web \
         interface write it"
    )]
    NotJson {
        /// The words of the parser, with line and column.
        why: String,
    },
    /// The text is JSON of something else.
    #[error(
        "the JSON is no history: {why}. A history is `{{\"events\": [..]}}`, as `temporal workflow show --workflow-id ID \
         --output json` writes it"
    )]
    NotAHistory {
        /// The reason in words.
        why: String,
    },
    /// The text ends in the middle.
    #[error("the history is cut off after {events} whole events: {why}. Fetch it again")]
    CutOff {
        /// The number of events that are there as a whole.
        events: usize,
        /// The reason in words.
        why: String,
    },
    /// The text is longer than a server's history can be.
    #[error(
        "the history has {bytes} bytes of JSON, and may have {limit}: the service ends a workflow long before that. \
         `.history_limits(..)` of the simulation raises the limit"
    )]
    TooLarge {
        /// The bytes of the text.
        bytes: u64,
        /// The bytes that it may have.
        limit: u64,
    },
    /// The history does not begin with its first event.
    #[error(
        "the history begins with event {id} ({event_type}), not with event 1 (WORKFLOW_EXECUTION_STARTED): fetch all of it"
    )]
    FirstMissing {
        /// The id of the first event that is there.
        id: u64,
        /// Its type.
        event_type: String,
    },
    /// An event is not the next one.
    #[error("the history has event {id} ({event_type}) where event {expected} should be: fetch all of it, in order")]
    Gap {
        /// The id of the event.
        id: u64,
        /// Its type.
        event_type: String,
        /// The id that comes next.
        expected: u64,
    },
    /// An event cannot be read.
    #[error("event {id} ({event_type}) cannot be read: {why}")]
    Malformed {
        /// The id of the event.
        id: u64,
        /// Its type.
        event_type: String,
        /// The reason in words.
        why: String,
    },
    /// An event belongs to a feature that is not simulated.
    #[error("event {id} ({event_type}) cannot be replayed: {what} not simulated")]
    NotSimulated {
        /// The id of the event.
        id: u64,
        /// Its type.
        event_type: String,
        /// The feature in words, with its verb: `updates are`.
        what: String,
    },
}
