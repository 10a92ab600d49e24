//! [`ScriptActivity`]: an activity script as activity code, hosted through the seam.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;

use durasim::Time;
use durasim::program::{ActivityLink, ActivityOutcome, ActivityProgram, ActivityTask, Attempt, CancelReason};
use serde_json::{Value, json};

use super::log::{AttemptLog, Ended, Log};
use super::raised::Raised;
use super::step;
use crate::pace::Pace;
use crate::recording::history::at;
use crate::recording::wire::{listed, payload};

pub struct ScriptActivity {
    pub activities: Value,
    pub log: Log,
    pub pace: Pace<Value>,
}

/// The surroundings of an attempt's code.
pub struct Surroundings {
    pub link: Arc<dyn ActivityLink>,
    pub log: Log,
    pub pace: Pace<Value>,
    pub attempt: usize,
    pub started_at: Time,
    cancelled: Cell<Option<CancelReason>>,
    waker: RefCell<Option<Waker>>,
}

impl Surroundings {
    /// Takes the cancellation, which Python raises once, at the thing that the code waits for.
    pub fn take_cancellation(&self, waker: &Waker) -> Option<CancelReason> {
        *self.waker.borrow_mut() = Some(waker.clone());
        self.cancelled.take()
    }

    fn cancel(&self, reason: CancelReason) {
        self.cancelled.set(Some(reason));
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    pub fn note(&self, mut call: Value) {
        call["at_ms"] = json!(at(self.link.now()));
        self.log.notes().attempts[self.attempt].calls.push(call);
    }
}

impl ActivityProgram for ScriptActivity {
    fn activity_type(&self) -> &str {
        "act"
    }

    fn start(&self, task: ActivityTask, link: Arc<dyn ActivityLink>) -> Attempt {
        let reference = task.info.activity_id.to_string();
        let scripts = self.activities[&reference].as_array().map_or(&[][..], Vec::as_slice);
        let place = (task.info.attempt as usize - 1).min(scripts.len().saturating_sub(1));
        let steps = scripts.get(place).cloned().unwrap_or(Value::Null);
        let attempt = {
            let mut notes = self.log.notes();
            let place = notes.attempts.iter().filter(|log| log.reference == reference).count();
            notes.attempts.push(AttemptLog {
                reference,
                place,
                number: task.info.attempt,
                details: match listed(&task.heartbeat_details) {
                    // The SDK does not tell one from the other.
                    Value::Null => json!([]),
                    list => list,
                },
                started_at: task.info.started_at,
                calls: Vec::new(),
                ended: None,
            });
            notes.attempts.len() - 1
        };
        let surroundings = Rc::new(Surroundings {
            link,
            log: self.log.clone(),
            pace: self.pace.clone(),
            attempt,
            started_at: task.info.started_at,
            cancelled: Cell::new(None),
            waker: RefCell::new(None),
        });
        let inside = surroundings.clone();
        let code = async move { run(&inside, &steps).await };
        Attempt::new(code, move |reason| surroundings.cancel(reason))
    }
}

async fn run(surroundings: &Surroundings, steps: &Value) -> ActivityOutcome {
    let begins = {
        let notes = surroundings.log.notes();
        let log = &notes.attempts[surroundings.attempt];
        surroundings.pace.attempt(&log.reference, log.place)
    };
    if let Some(begins) = begins {
        durasim::time::sleep_until(begins).await;
    }
    let result = step::run(surroundings, steps).await;
    let has_failed = matches!(result, Err(Raised::Failure(..)));
    let (label, outcome) = match result {
        Ok((value, label)) => (label.to_owned(), ActivityOutcome::Completed(payload(&value))),
        Err(raised) => (raised.label(), raised.outcome()),
    };
    let mut notes = surroundings.log.notes();
    if !notes.is_over {
        notes.attempts[surroundings.attempt].ended = Some(Ended { label, at: surroundings.link.now(), has_failed });
    }
    outcome
}

impl fmt::Debug for ScriptActivity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptActivity").finish_non_exhaustive()
    }
}
