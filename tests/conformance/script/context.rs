//! [`Context`]: the things that a script has started and waits for.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use durasim::program::{
    ActivityResolution, ActivitySpec, CancellationType, ChildResolution, ChildSpec, ChildStart, Command, Failure,
    FailureKind, LocalActivityResolution, LocalActivitySpec, Payload, RunInfo, Seq,
};
use durasim::{Span, Time};
use serde_json::{Value, json};

use super::error::ScriptError;
use super::{Shared, Worker};
use crate::recording::history::at;
use crate::recording::wire::{ALREADY_STARTED, payload, shown, span};

/// A thing that a script can wait for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Handle {
    Activity(Seq),
    Child(Seq),
    /// A local activity, by the number of its first request.
    Local(Seq),
    Timer(Seq),
}

#[derive(Default)]
struct State {
    now: Time,
    commands: Vec<Command>,
    activities: Seq,
    /// The requests for local activities, each with the number of the first request for the same, and with its activity.
    locals: Vec<(Seq, Arc<LocalActivitySpec>)>,
    /// The timers that local activities wait for between two attempts, with the next requests.
    backoffs: BTreeMap<Seq, (Seq, Arc<LocalActivitySpec>)>,
    done_locals: BTreeMap<Seq, Result<Value, ScriptError>>,
    children: Seq,
    timers: Seq,
    handles: BTreeMap<String, Handle>,
    done: BTreeMap<Seq, Result<Value, ScriptError>>,
    started_children: BTreeMap<Seq, Result<(), ScriptError>>,
    done_children: BTreeMap<Seq, Result<Value, ScriptError>>,
    fired: BTreeSet<Seq>,
    /// The timers and activities that the script has cancelled.
    cancelled: BTreeSet<Handle>,
    /// The activities whose tasks have not begun: asyncio lets them begin when the script waits.
    fresh: BTreeSet<Seq>,
    signals: Vec<Value>,
    cancel_requested: bool,
    /// Says whether a request has not yet reached the things that the script waits for.
    cancel_pending: bool,
    yielded: bool,
    trace: Vec<Value>,
}

impl State {
    /// Asks for a local activity, again if `first` is the number of its first request.
    fn ask_for_local(&mut self, first: Option<Seq>, spec: Arc<LocalActivitySpec>) -> Seq {
        let seq = self.locals.len() as Seq + 1;
        self.locals.push((first.unwrap_or(seq), spec.clone()));
        self.commands.push(Command::ScheduleLocalActivity { seq, spec });
        seq
    }
}

#[derive(Clone)]
pub struct Context {
    state: Shared<State>,
    pub worker: Worker,
    started_at: Time,
    pub attempt: u32,
    pub workflow_id: Arc<str>,
}

impl Context {
    pub fn new(run: &RunInfo, worker: Worker) -> Context {
        Context {
            state: Shared::default(),
            worker,
            started_at: run.started_at,
            attempt: run.attempt,
            workflow_id: run.workflow_id.clone(),
        }
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

    pub fn signal(&self, input: &Payload) {
        self.state.borrow_mut().signals.push(shown(input));
        self.note("signal", shown(input));
    }

    /// Handles an update as the recorder's worker does: it notes the value, waits, and fails or gives the value back.
    pub async fn update(self, id: Arc<str>, input: Payload) {
        let value = shown(&input);
        self.ask(Command::AcceptUpdate { id: id.clone() });
        self.note("update", value.clone());
        let length = span(&value["sleep"]);
        if !length.is_zero() {
            let timer = self.start_timer(length);
            poll_fn(|_| if self.result(timer).is_some() { Poll::Ready(()) } else { Poll::Pending }).await;
        }
        let result = match value["fail"].as_str() {
            Some(error_type) => Err(Arc::new(Failure::application(error_type, "update boom"))),
            None => Ok(payload(&value)),
        };
        self.ask(Command::CompleteUpdate { id, result });
    }

    fn ask(&self, command: Command) {
        self.state.borrow_mut().commands.push(command);
    }

    pub fn fire(&self, timer: Seq) {
        let mut state = self.state.borrow_mut();
        state.fired.insert(timer);
        if let Some((first, spec)) = state.backoffs.remove(&timer) {
            state.ask_for_local(Some(first), spec);
        }
    }

    pub fn local_activity_done(&self, seq: Seq, resolution: LocalActivityResolution) {
        let mut state = self.state.borrow_mut();
        let (first, spec) = state.locals[seq as usize - 1].clone();
        let result = match resolution {
            LocalActivityResolution::Completed(result) => Ok(shown(&result)),
            LocalActivityResolution::Failed(failure) => Err(ScriptError::Failure(Arc::unwrap_or_clone(failure))),
            LocalActivityResolution::Cancelled(failure) => {
                let mut failure = Arc::unwrap_or_clone(failure);
                if spec.activity.cancellation == CancellationType::WaitCancellationCompleted
                    && let Some(cause) = &mut failure.cause
                {
                    // Python's word for a cancellation that the activity's code reports.
                    Arc::make_mut(cause).message = "Cancelled".into();
                }
                Err(ScriptError::Failure(failure))
            }
            LocalActivityResolution::Backoff { attempt, delay, first_scheduled_at } => {
                state.timers += 1;
                let timer = state.timers;
                state.commands.push(Command::StartTimer { seq: timer, duration: delay });
                state.backoffs.insert(timer, (first, Arc::new(spec.resumed(attempt, first_scheduled_at))));
                return;
            }
            other => unreachable!("not in the recordings: {other:?}"),
        };
        state.done_locals.insert(first, result);
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

    pub fn child_started(&self, seq: Seq, answer: ChildStart) {
        let result = match answer {
            ChildStart::Started { .. } => Ok(()),
            ChildStart::AlreadyExists => {
                let kind = FailureKind::Server { non_retryable: false };
                Err(ScriptError::Failure(Failure::new(ALREADY_STARTED, kind)))
            }
            ChildStart::Cancelled(failure) => Err(ScriptError::Failure(Arc::unwrap_or_clone(failure))),
            other => unreachable!("not in the recordings: {other:?}"),
        };
        self.state.borrow_mut().started_children.insert(seq, result);
    }

    pub fn child_done(&self, seq: Seq, resolution: ChildResolution) {
        let result = match resolution {
            ChildResolution::Completed(result) => Ok(shown(&result)),
            ChildResolution::Failed(failure) | ChildResolution::Cancelled(failure) => {
                Err(ScriptError::Failure(Arc::unwrap_or_clone(failure)))
            }
            other => unreachable!("not in the recordings: {other:?}"),
        };
        self.state.borrow_mut().done_children.insert(seq, result);
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
        self.worker.kept().trace = state.trace.clone();
    }

    pub fn trace(&self) -> Vec<Value> {
        self.state.borrow().trace.clone()
    }

    pub fn start_activity(&self, reference: &str, spec: ActivitySpec) {
        let mut state = self.state.borrow_mut();
        state.activities += 1;
        let seq = state.activities;
        state.commands.push(Command::ScheduleActivity { seq, spec: Arc::new(spec) });
        state.fresh.insert(seq);
        state.handles.insert(reference.to_owned(), Handle::Activity(seq));
    }

    pub fn start_local_activity(&self, reference: &str, spec: LocalActivitySpec) {
        let mut state = self.state.borrow_mut();
        let seq = state.ask_for_local(None, Arc::new(spec));
        state.handles.insert(reference.to_owned(), Handle::Local(seq));
    }

    pub fn start_child(&self, spec: ChildSpec) -> Handle {
        let mut state = self.state.borrow_mut();
        state.children += 1;
        let seq = state.children;
        state.commands.push(Command::StartChild { seq, spec: Arc::new(spec) });
        Handle::Child(seq)
    }

    /// The answer to the start of a child.
    pub fn started(&self, handle: Handle) -> Option<Result<(), ScriptError>> {
        let Handle::Child(seq) = handle else { return None };
        self.state.borrow().started_children.get(&seq).cloned()
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

    /// Lets the tasks of all that was started begin.
    pub fn let_begin(&self) {
        self.state.borrow_mut().fresh.clear();
    }

    /// Cancels one thing, once. A wait for the thing gives its end. A timer that was asked for in this very task is
    /// taken back; the worker does so with activities (recorded scenario `cancel_same_task_as_schedule`). An activity whose
    /// task has not begun asks for nothing, and its end is the bare cancellation (`rw_008`).
    pub fn cancel(&self, handle: Handle) {
        if self.result(handle).is_some() {
            return;
        }
        let mut state = self.state.borrow_mut();
        if !state.cancelled.insert(handle) {
            return;
        }
        if let Handle::Activity(activity) = handle
            && state.fresh.remove(&activity)
        {
            state.done.insert(activity, Err(ScriptError::Cancelled));
            let schedules =
                |command: &Command| matches!(command, Command::ScheduleActivity { seq, .. } if *seq == activity);
            state.commands.retain(|command| !schedules(command));
            return;
        }
        let starts =
            |command: &Command| matches!(command, Command::StartTimer { seq, .. } if handle == Handle::Timer(*seq));
        if let Some(place) = state.commands.iter().position(starts) {
            state.commands.remove(place);
            return;
        }
        state.commands.push(match handle {
            Handle::Activity(seq) => Command::CancelActivity { seq },
            Handle::Local(seq) => Command::CancelLocalActivity { seq },
            Handle::Child(seq) => Command::CancelChild { seq, reason: Arc::from("") },
            Handle::Timer(seq) => Command::CancelTimer { seq },
        });
    }

    /// The end of a thing, if it is over.
    pub fn result(&self, handle: Handle) -> Option<Result<Value, ScriptError>> {
        let state = self.state.borrow();
        let is_cancelled = state.cancelled.contains(&handle);
        match handle {
            Handle::Timer(seq) if is_cancelled && !state.fired.contains(&seq) => Some(Err(ScriptError::Cancelled)),
            Handle::Activity(seq) => state.done.get(&seq).cloned(),
            Handle::Local(seq) => state.done_locals.get(&seq).cloned(),
            Handle::Child(seq) => state.done_children.get(&seq).cloned(),
            Handle::Timer(seq) => state.fired.contains(&seq).then_some(Ok(Value::Null)),
        }
    }

    /// Waits until `ready` gives something. A request to cancel the workflow reaches the things waited for. Activities
    /// and children are asked to stop and waited for further, as Python's tasks are; anything else is given up.
    pub async fn wait<T>(&self, handles: &[Handle], ready: impl Fn() -> Option<T>) -> Result<T, ScriptError> {
        self.let_begin();
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
                waits_on |= !matches!(handle, Handle::Timer(_));
            }
            if waits_on { Poll::Pending } else { Poll::Ready(Err(ScriptError::Cancelled)) }
        })
        .await
    }

    pub async fn wait_for_signals(&self, count: usize) -> Result<(), ScriptError> {
        self.wait(&[], || (self.state.borrow().signals.len() >= count).then_some(())).await?;
        let signals = json!(self.state.borrow().signals);
        self.note("signals", signals);
        Ok(())
    }

    /// Lets the other parts of the code go first: no timer, no task.
    pub async fn yield_now(&self) {
        self.let_begin();
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
