//! [`Context`]: the things that a script has started and waits for.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use durasim::program::{ActivityResolution, ActivitySpec, Command, RunInfo, Seq};
use durasim::{Span, Time};
use serde_json::{Value, json};

use super::error::ScriptError;
use super::{Shared, Worker};
use crate::recording::history::at;
use crate::recording::wire::shown;

/// A thing that a script can wait for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Handle {
    Activity(Seq),
    Timer(Seq),
}

#[derive(Default)]
struct State {
    now: Time,
    commands: Vec<Command>,
    activities: Seq,
    timers: Seq,
    handles: BTreeMap<String, Handle>,
    done: BTreeMap<Seq, Result<Value, ScriptError>>,
    fired: BTreeSet<Seq>,
    signals: usize,
    cancel_requested: bool,
    /// Says whether a request has not yet reached the things that the script waits for.
    cancel_pending: bool,
    yielded: bool,
    trace: Vec<Value>,
}

#[derive(Clone)]
pub struct Context {
    state: Shared<State>,
    pub worker: Rc<Worker>,
    started_at: Time,
    pub attempt: u32,
}

impl Context {
    pub fn new(run: &RunInfo, worker: Rc<Worker>) -> Context {
        Context { state: Shared::default(), worker, started_at: run.started_at, attempt: run.attempt }
    }

    pub fn begin(&self, now: Time) {
        self.state.borrow_mut().now = now;
    }

    pub fn take_commands(&self) -> Vec<Command> {
        std::mem::take(&mut self.state.borrow_mut().commands)
    }

    pub fn take_yield(&self) -> bool {
        std::mem::take(&mut self.state.borrow_mut().yielded)
    }

    pub fn is_cancel_requested(&self) -> bool {
        self.state.borrow().cancel_requested
    }

    pub fn signal(&self, input: &durasim::program::Payload) {
        self.state.borrow_mut().signals += 1;
        self.note("signal", shown(input));
    }

    pub fn fire(&self, timer: Seq) {
        self.state.borrow_mut().fired.insert(timer);
    }

    pub fn activity_done(&self, seq: Seq, resolution: ActivityResolution) {
        let result = match resolution {
            ActivityResolution::Completed(result) => Ok(shown(&result)),
            ActivityResolution::Failed(failure) | ActivityResolution::Cancelled(failure) => {
                Err(ScriptError::Failure(Arc::unwrap_or_clone(failure)))
            }
            other => unreachable!("not in the recordings: {other:?}"),
        };
        self.state.borrow_mut().done.insert(seq, result);
    }

    pub fn cancel_workflow(&self) {
        let mut state = self.state.borrow_mut();
        state.cancel_requested = true;
        state.cancel_pending = true;
    }

    /// Adds to the trace that the script returns.
    pub fn note(&self, what: impl Into<String>, value: Value) {
        let mut state = self.state.borrow_mut();
        let since = at(state.now) - at(self.started_at);
        state.trace.push(json!({ "t_ms": since, "what": what.into(), "v": value }));
        // An instance that replays notes all of it again.
        *self.worker.trace.borrow_mut() = state.trace.clone();
    }

    pub fn trace(&self) -> Vec<Value> {
        self.state.borrow().trace.clone()
    }

    pub fn start_activity(&self, reference: &str, spec: ActivitySpec) {
        let mut state = self.state.borrow_mut();
        state.activities += 1;
        let seq = state.activities;
        state.commands.push(Command::ScheduleActivity { seq, spec: Arc::new(spec) });
        state.handles.insert(reference.to_owned(), Handle::Activity(seq));
    }

    pub fn start_timer(&self, duration: Span) -> Handle {
        let mut state = self.state.borrow_mut();
        state.timers += 1;
        let seq = state.timers;
        state.commands.push(Command::StartTimer { seq, duration });
        Handle::Timer(seq)
    }

    pub fn name(&self, reference: &str, handle: Handle) {
        self.state.borrow_mut().handles.insert(reference.to_owned(), handle);
    }

    pub fn handle(&self, reference: &str) -> Handle {
        let state = self.state.borrow();
        *state.handles.get(reference).unwrap_or_else(|| panic!("the script has started no `{reference}`"))
    }

    /// Cancels one thing. A wait for the thing gives its end.
    pub fn cancel(&self, handle: Handle) {
        let mut state = self.state.borrow_mut();
        match handle {
            Handle::Activity(seq) if !state.done.contains_key(&seq) => {
                state.commands.push(Command::CancelActivity { seq });
            }
            Handle::Timer(seq) if state.fired.insert(seq) => state.commands.push(Command::CancelTimer { seq }),
            Handle::Activity(_) | Handle::Timer(_) => {}
        }
    }

    /// The end of a thing, if it is over.
    pub fn result(&self, handle: Handle) -> Option<Result<Value, ScriptError>> {
        let state = self.state.borrow();
        match handle {
            Handle::Activity(seq) => state.done.get(&seq).cloned(),
            Handle::Timer(seq) => state.fired.contains(&seq).then_some(Ok(Value::Null)),
        }
    }

    /// Waits until `ready` gives something. A request to cancel the workflow reaches the things waited for. Activities
    /// are asked to stop and waited for further, as Python's tasks are; anything else is given up.
    pub async fn wait<T>(&self, handles: &[Handle], ready: impl Fn() -> Option<T>) -> Result<T, ScriptError> {
        poll_fn(|_| {
            if let Some(result) = ready() {
                return Poll::Ready(Ok(result));
            }
            if !std::mem::take(&mut self.state.borrow_mut().cancel_pending) {
                return Poll::Pending;
            }
            let mut waits_on = false;
            for handle in handles.iter().filter(|handle| self.result(**handle).is_none()) {
                self.cancel(*handle);
                waits_on |= matches!(handle, Handle::Activity(_));
            }
            if waits_on { Poll::Pending } else { Poll::Ready(Err(ScriptError::Cancelled)) }
        })
        .await
    }

    pub async fn wait_for_signals(&self, count: usize) -> Result<(), ScriptError> {
        self.wait(&[], || (self.state.borrow().signals >= count).then_some(())).await
    }

    /// Lets the other parts of the code go first: no timer, no task.
    pub async fn yield_now(&self) {
        let mut yielded = false;
        poll_fn(|_| {
            if std::mem::replace(&mut yielded, true) {
                return Poll::Ready(());
            }
            self.state.borrow_mut().yielded = true;
            Poll::Pending
        })
        .await;
    }
}
