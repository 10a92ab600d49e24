//! [`Sink`]: takes what the client's context asks for.

mod other_workflows;

use std::collections::HashMap;
use std::future::{Future, pending, poll_fn, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use crabdance_workflow::commands::{RecordMarkerCommand, ScheduleActivityCommand, StartTimerCommand, WorkflowCommand};
use crabdance_workflow::context::{
    CommandSink, DEFAULT_VERSION, MUTABLE_SIDE_EFFECT_MARKER_NAME, SIDE_EFFECT_MARKER_NAME, VERSION_MARKER_NAME,
    WorkflowContext,
};
use crabdance_workflow::side_effect_serialization::{decode_mutable_side_effect_details, decode_side_effect_details};
use durasim::program::{Command, Marker, Payload, RunInfo, Seq, TaskFailure, WorkflowLink};

use crate::options::spec;
use crate::waiting::{Answer, Places};

use other_workflows::OtherWorkflows;

/// The client's own list of values, which its context reads and adds to.
pub(crate) type Cache<K, V> = Arc<Mutex<HashMap<K, V>>>;

/// Takes what the client's context asks for, and gives it to the activation as durasim's commands.
#[derive(Clone)]
pub(crate) struct Sink {
    state: Arc<Mutex<State>>,
    /// By the numbers of the side effects, as the client counts: activities and timers share its count.
    pub(crate) side_effects: Cache<u64, Vec<u8>>,
    /// The values that are looked up again and again.
    pub(crate) values: Cache<String, Vec<u8>>,
    pub(crate) versions: Cache<String, i32>,
    link: Arc<dyn WorkflowLink>,
    run: Arc<RunInfo>,
}

#[derive(Default)]
struct State {
    commands: Vec<Command>,
    activities: Places,
    timers: Places,
    others: OtherWorkflows,
    phase: Phase,
    /// The client's count: the number of the next activity, timer, side effect, message to another workflow, or child that
    /// has no id of its own.
    next: u64,
    /// How many of its numbers queries have used up, which no replay has.
    skipped: u64,
    /// The versions that are in the history, or in the commands.
    versions: Vec<String>,
    /// How many of them this activation has added.
    versions_added: usize,
    /// How often the code got further, in a way that shows in a replay too: a side effect does not.
    steps: u64,
    /// Says whether something was asked for while a query was answered.
    broke_silence: bool,
    failure: Option<TaskFailure>,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    #[default]
    Open,
    /// The count is looked at.
    Counting,
    /// The same after a query, whose numbers are left out.
    Skipping,
    /// Another run is to follow: nothing is asked for any more, but the count is still looked at.
    Leaving,
    /// A query is answered.
    Silent,
    /// Nothing is asked for any more.
    Closed,
}

/// The kinds of things that code waits for.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Activity,
    Timer,
    Child,
    Signal,
    Cancel,
}

/// The answer to a command.
enum Asked {
    /// It waits in this place.
    Place(Kind, Seq),
    /// It is done.
    Done,
    /// It never is.
    Never,
}

/// Locks it also after a panic. Code that has panicked is not gone on with, but it is dropped.
pub(crate) fn locked<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl CommandSink for Sink {
    fn submit(&self, command: WorkflowCommand) -> Pin<Box<dyn Future<Output = Answer> + Send>> {
        match self.ask(command) {
            Asked::Place(kind, seq) => {
                let state = self.state.clone();
                Box::pin(poll_fn(move |context| {
                    let mut state = locked(&state);
                    let polled = state.places(kind).poll(seq, context);
                    state.steps += u64::from(polled.is_ready());
                    polled
                }))
            }
            Asked::Done => Box::pin(ready(Ok(Vec::new()))),
            Asked::Never => Box::pin(pending()),
        }
    }
}

impl Sink {
    pub(crate) fn new(link: Arc<dyn WorkflowLink>, run: Arc<RunInfo>) -> Sink {
        Sink {
            state: Arc::default(),
            side_effects: Arc::default(),
            values: Arc::default(),
            versions: Arc::default(),
            link,
            run,
        }
    }

    fn ask(&self, command: WorkflowCommand) -> Asked {
        let mut state = locked(&self.state);
        match (state.phase, &command) {
            (Phase::Open, _) => {}
            (Phase::Counting, WorkflowCommand::StartTimer(asked)) => {
                self.count(&mut state, &asked.timer_id);
                return Asked::Never;
            }
            (Phase::Skipping, WorkflowCommand::StartTimer(asked)) => {
                state.skip(&asked.timer_id);
                return Asked::Never;
            }
            (phase, _) => {
                state.broke_silence |= phase == Phase::Silent;
                return Asked::Never;
            }
        }
        self.take_in_versions(&mut state);
        state.steps += u64::from(!matches!(command, WorkflowCommand::RecordMarker(_)));
        let asked = match command {
            WorkflowCommand::ScheduleActivity(asked) => self.schedule(&mut state, asked),
            WorkflowCommand::StartTimer(asked) => self.start_timer(&mut state, &asked),
            WorkflowCommand::RecordMarker(asked) => self.record(&mut state, &asked),
            WorkflowCommand::StartChildWorkflow(asked) => self.start_child(&mut state, asked),
            WorkflowCommand::SignalExternalWorkflow(asked) => self.signal(&mut state, asked),
            WorkflowCommand::RequestCancelExternalWorkflow(asked) => self.request_cancel(&mut state, asked),
            WorkflowCommand::ContinueAsNewWorkflow(asked) => self.continue_as_new(&mut state, asked),
            WorkflowCommand::ScheduleLocalActivity(asked) => {
                state.refuse(format!("the local activity `{}` (`execute_local_activity`)", asked.activity_type))
            }
            _ => state.refuse("a command that the client's context never gives".to_owned()),
        };
        let (count, budget) = (state.commands.len(), self.link.event_budget());
        drop(state);
        if count > budget && !std::thread::panicking() {
            // The code may never come back by itself. It is left here, while none of its locks is held.
            let failure = TaskFailure::AskedForTooMuch { asked: count, what: "things in one workflow task" };
            std::panic::resume_unwind(Box::new(failure));
        }
        asked
    }

    fn schedule(&self, state: &mut State, asked: ScheduleActivityCommand) -> Asked {
        self.count(state, &asked.activity_id);
        if asked.options.local_activity {
            return state.refuse(format!("the activity `{}` with the option `local_activity`", asked.activity_type));
        }
        let activity_type = self.link.activity_type(&asked.activity_type).unwrap_or(asked.activity_type.into());
        let spec = spec(activity_type, Payload::limited(asked.args.unwrap_or_default()), asked.options);
        let seq = state.activities.add();
        state.commands.push(Command::ScheduleActivity { seq, spec: Arc::new(spec) });
        Asked::Place(Kind::Activity, seq)
    }

    fn start_timer(&self, state: &mut State, asked: &StartTimerCommand) -> Asked {
        self.count(state, &asked.timer_id);
        let seq = state.timers.add();
        state.commands.push(Command::StartTimer { seq, duration: asked.duration.into() });
        Asked::Place(Kind::Timer, seq)
    }

    fn record(&self, state: &mut State, asked: &RecordMarkerCommand) -> Asked {
        match &*asked.marker_name {
            SIDE_EFFECT_MARKER_NAME => match decode_side_effect_details(&asked.details) {
                Ok((number, value)) => {
                    self.take_in_replayed(state, number);
                    state.record_side_effect(number, &value);
                    state.next = number + 1;
                    Asked::Done
                }
                Err(why) => state.fail(TaskFailure::Misuse(why.to_string())),
            },
            MUTABLE_SIDE_EFFECT_MARKER_NAME => match decode_mutable_side_effect_details(&asked.details) {
                Ok((id, value)) => {
                    let marker = Marker::MutableSideEffect { id: id.into(), call: 0, value: Payload::limited(value) };
                    state.commands.push(Command::RecordMarker(marker));
                    Asked::Done
                }
                Err(why) => state.fail(TaskFailure::Misuse(why.to_string())),
            },
            // It is taken from the client's list, since this comes late.
            VERSION_MARKER_NAME => Asked::Done,
            other => state.refuse(format!("a marker named `{other}`")),
        }
    }

    /// The code has asked for something under this number of the client's count.
    fn count(&self, state: &mut State, id: &str) {
        if let Ok(number) = id.parse() {
            self.take_in_replayed(state, number);
            state.next = number + 1;
        }
    }

    /// Takes in the side effects before this number. A replay gives their values without a word.
    fn take_in_replayed(&self, state: &mut State, before: u64) {
        for number in state.next..before {
            if let Some(value) = locked(&self.side_effects).get(&number) {
                state.record_side_effect(number, value);
            }
        }
    }

    /// Takes in the versions that the code has asked for since it was looked at last, where they are news.
    fn take_in_versions(&self, state: &mut State) {
        let versions = locked(&self.versions);
        if versions.len() == state.versions.len() {
            return;
        }
        let mut added: Vec<(&String, i32)> = versions
            .iter()
            .filter(|(change, _)| !state.versions.contains(change))
            .map(|(change, version)| (change, *version))
            .collect();
        added.sort();
        for (change, version) in added {
            state.versions.push(change.clone());
            // It is that of a run which passed the change before it was made: no history has it.
            if version != DEFAULT_VERSION {
                state.versions_added += 1;
                let marker = Marker::Version { change_id: change.as_str().into(), version };
                state.commands.push(Command::RecordMarker(marker));
            }
        }
    }

    /// An activation begins.
    pub(crate) fn begin(&self) {
        locked(&self.state).versions_added = 0;
    }

    /// Takes in a marker of the history, ahead of the code. No query has been answered yet.
    pub(crate) fn recall(&self, marker: &Marker) -> Result<(), TaskFailure> {
        match marker {
            Marker::SideEffect { seq, value } => {
                let number = u64::from(*seq) - 1;
                locked(&self.side_effects).insert(number, value.as_bytes().to_vec());
            }
            Marker::MutableSideEffect { id, value, .. } => {
                locked(&self.values).insert(id.to_string(), value.as_bytes().to_vec());
            }
            Marker::Version { change_id, version } => {
                if locked(&self.versions).insert(change_id.to_string(), *version).is_none() {
                    locked(&self.state).versions.push(change_id.to_string());
                }
            }
            other => return Err(TaskFailure::Unsupported(format!("{other:?}"))),
        }
        Ok(())
    }

    /// Takes in what the code has asked for silently since its last command: asks its context for a timer.
    ///
    /// The count that this uses up is used up in a replay too, since it has the same activations. They differ in where
    /// side effects are known: a replay knows those of a workflow task from its first activation on.
    pub(crate) fn look_at_the_count(&self, ctx: &WorkflowContext) {
        if matches!(locked(&self.state).phase, Phase::Open | Phase::Leaving) {
            self.ask_for_a_timer(ctx, Phase::Counting);
        }
    }

    /// Has the client say the number that is next, in this phase.
    fn ask_for_a_timer(&self, ctx: &WorkflowContext, phase: Phase) {
        let before = std::mem::replace(&mut locked(&self.state).phase, phase);
        drop(ctx.new_timer(Duration::ZERO));
        locked(&self.state).phase = before;
    }

    /// Gives what has been asked for, or the reason why the task fails.
    pub(crate) fn take(&self, commands: &mut Vec<Command>) -> Result<(), TaskFailure> {
        let mut state = locked(&self.state);
        if matches!(state.phase, Phase::Open | Phase::Leaving) {
            self.take_in_versions(&mut state);
        }
        commands.append(&mut state.commands);
        state.failure.take().map_or(Ok(()), Err)
    }

    /// The versions that are recorded in this activation: the client has spawned a task for each.
    pub(crate) fn versions_added(&self) -> usize {
        let mut state = locked(&self.state);
        self.take_in_versions(&mut state);
        state.versions_added
    }

    /// The number of steps that the code has made: activities and timers asked for, and answers taken. Markers are none,
    /// since a replay gives their values without a word, and it has to stop where the original stopped.
    pub(crate) fn steps(&self) -> u64 {
        locked(&self.state).steps
    }

    /// Says whether the task is to fail.
    pub(crate) fn has_failed(&self) -> bool {
        locked(&self.state).failure.is_some()
    }

    /// Ends what the code waits for. Gives whom to wake.
    pub(crate) fn end(&self, kind: Kind, seq: Seq, answer: Answer) -> Result<Option<Waker>, TaskFailure> {
        let ended = locked(&self.state).places(kind).end(seq, answer);
        ended.ok_or_else(|| {
            TaskFailure::Misuse(format!(
                "{} {seq} has ended, but the workflow's code never asked for it, or was told before",
                kind.words()
            ))
        })
    }

    /// The workflow is to be cancelled: so are its activities and children that run.
    pub(crate) fn cancel_all(&self) {
        let state = &mut *locked(&self.state);
        let cancels = state.activities.open().map(|seq| Command::CancelActivity { seq });
        state.commands.extend(cancels);
        state.others.cancel_children(&mut state.commands);
    }

    /// Nothing is asked for any more.
    pub(crate) fn close(&self) {
        locked(&self.state).phase = Phase::Closed;
    }

    /// Calls code that may ask for nothing. Gives what it returns, and whether it asked all the same. The context forgets
    /// what it was asked for.
    pub(crate) fn silenced<T>(&self, ctx: &WorkflowContext, call: impl FnOnce() -> T) -> (T, bool) {
        let values = locked(&self.values).clone();
        let versions = locked(&self.versions).clone();
        let phase = std::mem::replace(&mut locked(&self.state).phase, Phase::Silent);
        let result = call();
        *locked(&self.values) = values;
        let after = std::mem::replace(&mut *locked(&self.versions), versions);
        let is_new = after.len() > locked(&self.versions).len();
        self.ask_for_a_timer(ctx, Phase::Skipping);
        let mut state = locked(&self.state);
        state.phase = phase;
        (result, std::mem::take(&mut state.broke_silence) || is_new)
    }
}

impl State {
    fn places(&mut self, kind: Kind) -> &mut Places {
        match kind {
            Kind::Activity => &mut self.activities,
            Kind::Timer => &mut self.timers,
            Kind::Child => &mut self.others.children,
            Kind::Signal => &mut self.others.signals,
            Kind::Cancel => &mut self.others.cancels,
        }
    }

    /// Leaves out the client's numbers up to this one.
    fn skip(&mut self, id: &str) {
        if let Ok(number) = id.parse::<u64>() {
            self.skipped += number + 1 - self.next;
            self.next = number + 1;
        }
    }

    fn record_side_effect(&mut self, number: u64, value: &[u8]) {
        let seq = Seq::try_from(number + 1 - self.skipped).unwrap_or(Seq::MAX);
        self.commands.push(Command::RecordMarker(Marker::SideEffect { seq, value: Payload::limited(value) }));
    }

    fn refuse(&mut self, what: String) -> Asked {
        self.fail(TaskFailure::Unsupported(what))
    }

    /// The first failure counts.
    fn fail(&mut self, failure: TaskFailure) -> Asked {
        self.failure.get_or_insert(failure);
        Asked::Never
    }
}

impl Kind {
    fn words(self) -> &'static str {
        match self {
            Kind::Activity => "activity",
            Kind::Timer => "timer",
            Kind::Child => "child",
            Kind::Signal => "signal to another workflow",
            Kind::Cancel => "request to cancel another workflow",
        }
    }
}
