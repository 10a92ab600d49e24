//! [`ScriptActivity`]: an activity script as activity code, hosted through the seam.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;

use durasim::Time;
use durasim::program::{ActivityLink, ActivityOutcome, ActivityProgram, ActivityTask, Attempt, CancelReason, Details};
use serde_json::{Value, json};

use super::log::{AttemptLog, Ended, Log};
use super::raised::Raised;
use super::step;
use crate::pace::Pace;
use crate::recording::attempt_steps;
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
    /// The last heartbeat of this tick. Python hands it to core when the code waits, in place of those before it.
    unsent: RefCell<Option<Details>>,
    /// Says whether the code handles a cancellation. The driver notes no heartbeat then.
    is_handling: Cell<bool>,
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

    pub fn heartbeat_soon(&self, details: Details) {
        self.unsent.replace(Some(details));
    }

    /// Hands the heartbeat of this tick to the worker.
    pub fn send_heartbeat(&self) {
        if let Some(details) = self.unsent.take() {
            self.link.heartbeat(details.as_bytes()).obey();
        }
    }

    pub fn handle(&self, is_handling: bool) {
        self.is_handling.set(is_handling);
    }

    pub fn note_heartbeat(&self, body: &Value) {
        if !self.is_handling.get() {
            self.note(json!({ "call": "heartbeat", "details": body }));
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
        let steps = attempt_steps(&self.activities, &reference, task.info.attempt);
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
            unsent: RefCell::new(None),
            is_handling: Cell::new(false),
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
    surroundings.send_heartbeat();
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
