//! [`Recorded`]: a history as it was recorded.

use std::sync::Arc;

use crate::program::{Payload, RunInfo};
use crate::service::HistoryEvent;

/// A history as it was recorded.
///
/// The numbers of activities, children and messages that the history does not say are those of their order: a replay learns
/// them from the code's commands.
#[derive(Clone, PartialEq, Debug)]
pub struct Recorded {
    /// The facts about the run.
    pub info: Arc<RunInfo>,
    /// Its encoded input.
    pub input: Payload,
    /// The events, whose ids count from 1 without gaps.
    pub events: Vec<HistoryEvent>,
    /// The type of each event, as the API spells it without its prefix: `TIMER_STARTED`.
    pub types: Vec<&'static str>,
}
