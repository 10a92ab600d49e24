//! [`Log`]: the notes of the activities' code about itself, and the times at which its surroundings acted in the
//! recording.

use std::sync::{Arc, Mutex, MutexGuard};

use durasim::Time;
use serde_json::Value;

use crate::pace::Pace;

/// The notes about an attempt.
pub struct AttemptLog {
    pub reference: String,
    pub place: usize,
    pub number: u32,
    pub details: Value,
    pub started_at: Time,
    pub calls: Vec<Value>,
    pub ended: Option<Ended>,
}

/// The way in which an attempt's code ended.
pub struct Ended {
    /// The end in the driver's words.
    pub label: String,
    pub at: Time,
    /// Says whether it ended with a failure of its own, which the service then retries or not.
    pub has_failed: bool,
}

#[derive(Default)]
pub struct Notes {
    pub attempts: Vec<AttemptLog>,
    /// Says whether the driver has begun to shut down: it does not look at how attempts end any more.
    pub is_over: bool,
}

#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Notes>>);

impl Log {
    pub fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().expect("nobody panics with the notes in hand")
    }

    /// The time at which the next heartbeat of an attempt was recorded, if it was.
    pub fn next_heartbeat(&self, attempt: usize, pace: &Pace<Value>) -> Option<Time> {
        let notes = self.notes();
        let log = &notes.attempts[attempt];
        pace.heartbeat(&log.reference, log.place, log.calls.len())
    }
}
