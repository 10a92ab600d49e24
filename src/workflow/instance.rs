//! [`Instance`]: what the contexts and futures of one workflow instance share.

use std::cell::{Cell, RefCell};
use std::mem;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::error::Cancellation;
use super::inbox::Inbox;
use super::marker::Markers;
use super::query::Queries;
use super::random::Random;
use super::scope::{ScopeId, Scopes};
use super::slot::{Kind, Outcome, SlotState, Slots, Waiter};
use super::wake::WakeFlag;
use crate::program::{
    Activation, ActivityResolution, Command, Job, RunInfo, Seq, TaskFailure, Time, WaiterIndex, WorkflowLink,
};

/// What the contexts and futures of one workflow instance share.
///
/// Wakers and user code may call back, so `state` is never borrowed while one is woken or dropped.
pub(super) struct Instance {
    pub run: Arc<RunInfo>,
    pub link: Arc<dyn WorkflowLink>,
    pub flag: Arc<WakeFlag>,
    /// The flag's. The code is polled with it.
    pub waker: Waker,
    course: Course,
    pub inbox: RefCell<Inbox>,
    pub queries: RefCell<Queries>,
    pub markers: RefCell<Markers>,
    pub random: RefCell<Random>,
    state: RefCell<State>,
}

/// How far an instance has come.
#[derive(Default)]
struct Course {
    now: Cell<Time>,
    replaying: Cell<bool>,
    history_length: Cell<u64>,
    /// Counts activations.
    activation: Cell<u32>,
    /// Counts what the code has asked for and taken, to tell a busy workflow from one that spins.
    progress: Cell<u64>,
    cancel_requested: Cell<bool>,
    /// The instance is being dropped, or has closed: whatever destructors ask for is ignored.
    closing: Cell<bool>,
    /// Code is running that may ask for nothing: what it is, in words.
    limited: Cell<Option<&'static str>>,
    failure: Cell<Option<Box<TaskFailure>>>,
}

#[derive(Default)]
struct State {
    commands: Vec<Command>,
    slots: Slots,
    scopes: Scopes,
}

/// The answer to starting something.
pub(super) enum Started {
    /// It waits in this slot.
    Slot(usize),
    /// Its scope is cancelled.
    Cancelled,
    /// It never ends: the instance is closing, or broke a rule.
    Never,
}

thread_local! {
    /// Instances that have ended on this thread, emptied, with their memory.
    static SPARE: RefCell<Vec<Rc<Instance>>> = const { RefCell::new(Vec::new()) };
}

/// How many are kept: a run with very many workflows at once does not fix the memory of all later ones.
const MOST_SPARE: usize = 256;

/// How many things the code asks for between two looks at whether they are too many.
const LIMITED: usize = 1024;

impl Instance {
    /// A new instance, in the memory of one that has ended if there is any.
    #[inline]
    pub fn new(run: Arc<RunInfo>, link: Arc<dyn WorkflowLink>) -> Rc<Instance> {
        let now = run.started_at;
        if let Some(mut spare) = SPARE.try_with(|spare| spare.borrow_mut().pop()).ok().flatten()
            && let Some(instance) = Rc::get_mut(&mut spare)
        {
            (instance.run, instance.link) = (run, link);
            instance.course.now.set(now);
            return spare;
        }
        let flag = Arc::<WakeFlag>::default();
        Rc::new(Instance {
            run,
            link,
            waker: Waker::from(Arc::clone(&flag)),
            flag,
            course: Course { now: Cell::new(now), ..Course::default() },
            inbox: RefCell::default(),
            queries: RefCell::default(),
            markers: RefCell::default(),
            random: RefCell::default(),
            state: RefCell::default(),
        })
    }

    /// Keeps the memory of an instance whose code has ended and been dropped, unless something outlives it.
    #[inline]
    pub fn keep(this: &mut Rc<Instance>) {
        let Some(instance) = Rc::get_mut(this) else { return };
        instance.course = Course::default();
        instance.inbox.get_mut().clear();
        instance.queries.get_mut().clear();
        instance.markers.get_mut().clear();
        instance.random.get_mut().clear();
        let State { commands, slots, scopes } = instance.state.get_mut();
        commands.clear();
        slots.clear();
        scopes.clear();
        // A waker that is still somewhere, besides the instance's own, must not wake the next instance.
        if Arc::strong_count(&instance.flag) > 2 {
            return;
        }
        instance.flag.reset();
        // Fails only while the thread ends.
        let _ = SPARE.try_with(|spare| {
            let mut spare = spare.borrow_mut();
            if spare.len() < MOST_SPARE {
                spare.push(Rc::clone(this));
            }
        });
    }

    /// Takes the clock of an activation.
    pub fn begin(&self, activation: &Activation) {
        let course = &self.course;
        course.now.set(activation.now);
        course.replaying.set(activation.replaying);
        course.history_length.set(activation.history_length);
        course.activation.update(|count| count + 1);
    }

    /// Takes one piece of news: ends what it is about, and wakes who waits for it.
    #[inline]
    pub fn apply(&self, job: &Job) -> Result<(), TaskFailure> {
        match job {
            Job::Start => self.flag.wake_own(),
            Job::Marker(marker) => self.recall(marker),
            Job::Signal { name, input } => self.deliver_signal(name, input),
            Job::FireTimer(seq) => self.end(Kind::Timer, *seq, Outcome::Fired)?,
            Job::ActivityDone { seq, result } => {
                let outcome = match result {
                    ActivityResolution::Completed(payload) => Outcome::Completed(payload.clone()),
                    ActivityResolution::Failed(failure) => Outcome::Failed(Arc::clone(failure)),
                    ActivityResolution::Cancelled(failure) => {
                        Outcome::Cancelled(Cancellation(Some(Arc::clone(failure))))
                    }
                };
                self.end(Kind::Activity, *seq, outcome)?;
            }
            Job::Cancel { .. } => {
                self.course.cancel_requested.set(true);
                self.cancel(ScopeId::ROOT);
            }
            // Answered behind everything else.
            Job::Query { .. } => {}
        }
        Ok(())
    }

    fn end(&self, kind: Kind, seq: Seq, outcome: Outcome) -> Result<(), TaskFailure> {
        let waiter = match self.state.borrow_mut().slots.find(kind, seq) {
            Some(slot) => slot.end(outcome),
            None => {
                let what = if kind == Kind::Activity { "activity" } else { "timer" };
                let message = format!("{what} {seq} has ended, but the workflow's code never asked for it");
                return Err(TaskFailure::Misuse(message));
            }
        };
        self.wake(waiter);
        Ok(())
    }

    fn wake(&self, waiter: Waiter) {
        match waiter {
            Waiter::Nobody => {}
            Waiter::Instance => self.flag.wake(),
            Waiter::Other(waker) => waker.wake(),
        }
    }

    /// Starts something, with the command that `command` makes of its number.
    #[inline]
    pub fn start(&self, kind: Kind, scope: ScopeId, command: impl FnOnce(Seq) -> Command) -> Started {
        if !self.is_usable() {
            return Started::Never;
        }
        let mut guard = self.state.borrow_mut();
        let state = &mut *guard;
        if state.scopes.is_cancelled(scope) {
            return Started::Cancelled;
        }
        let (index, seq) = state.slots.add(kind, scope, self.course.activation.get());
        state.commands.push(command(seq));
        self.note_progress();
        if index % LIMITED == LIMITED - 1 {
            drop(guard);
            self.limit(index + 1, "activities and timers");
        }
        Started::Slot(index)
    }

    /// Looks at what was started. An outcome can be taken once.
    #[inline]
    pub fn poll(&self, index: usize, cx: &Context<'_>) -> Poll<Outcome> {
        let mut state = self.state.borrow_mut();
        let slot = state.slots.at(index);
        match &mut slot.state {
            SlotState::Open { waiter: Waiter::Other(waker), .. } if waker.will_wake(cx.waker()) => Poll::Pending,
            SlotState::Open { waiter, .. } => {
                let polling =
                    if self.waker.will_wake(cx.waker()) { Waiter::Instance } else { Waiter::Other(cx.waker().clone()) };
                let replaced = mem::replace(waiter, polling);
                drop(state);
                drop(replaced);
                Poll::Pending
            }
            SlotState::Closed => Poll::Pending,
            ended @ SlotState::Ended(_) => {
                let SlotState::Ended(outcome) = mem::replace(ended, SlotState::Closed) else {
                    unreachable!("it was matched as ended")
                };
                self.note_progress();
                Poll::Ready(outcome)
            }
        }
    }

    /// Cancels a timer whose future is dropped. One whose command has not left is taken back.
    pub fn drop_timer(&self, index: usize) {
        if self.course.closing.get() {
            return;
        }
        let mut guard = self.state.borrow_mut();
        let state = &mut *guard;
        let slot = state.slots.at(index);
        let seq = slot.seq();
        let unsent = slot.activation == self.course.activation.get();
        let SlotState::Open { waiter, .. } = mem::replace(&mut slot.state, SlotState::Closed) else { return };
        let start = |command: &Command| matches!(command, Command::StartTimer { seq: other, .. } if *other == seq);
        match state.commands.iter().rposition(start).filter(|_| unsent) {
            Some(position) => drop(state.commands.remove(position)),
            None => state.commands.push(Command::CancelTimer { seq }),
        }
        drop(guard);
        drop(waiter);
    }

    /// Cancels a scope: its timers at once, its activities as their cancellation type says, which is the worker's work.
    /// What was asked for in this very activation is taken back instead.
    pub fn cancel(&self, scope: ScopeId) {
        if !self.is_usable() {
            return;
        }
        let (mut woken, mut ended) = (Vec::new(), Vec::new());
        {
            let state = &mut *self.state.borrow_mut();
            let Some(first) = state.scopes.cancel(scope, &mut woken) else { return };
            self.note_progress();
            let mut taken_back = false;
            for slot in state.slots.from(first).filter(|slot| state.scopes.is_cancelled(slot.scope)) {
                let (kind, seq, unsent) = (slot.kind, slot.seq(), slot.activation == self.course.activation.get());
                match (&mut slot.state, kind) {
                    (SlotState::Open { cancel_asked: true, .. } | SlotState::Ended(_) | SlotState::Closed, _) => {
                        continue;
                    }
                    (SlotState::Open { cancel_asked, .. }, Kind::Activity) if !unsent => {
                        *cancel_asked = true;
                        state.commands.push(Command::CancelActivity { seq });
                        continue;
                    }
                    (SlotState::Open { .. }, Kind::Timer) if !unsent => {
                        state.commands.push(Command::CancelTimer { seq });
                    }
                    (SlotState::Open { .. }, _) => taken_back = true,
                }
                ended.push(slot.end(Outcome::Cancelled(Cancellation::default())));
            }
            if taken_back {
                state.commands.retain(|command| !state.slots.is_void(command));
            }
        }
        woken.into_iter().for_each(Waker::wake);
        ended.into_iter().for_each(|waiter| self.wake(waiter));
    }

    pub fn child_scope(&self, parent: ScopeId) -> ScopeId {
        let state = &mut *self.state.borrow_mut();
        state.scopes.child(parent, state.slots.len())
    }

    pub fn detached_scope(&self) -> ScopeId {
        let state = &mut *self.state.borrow_mut();
        state.scopes.detached(state.slots.len())
    }

    pub fn is_cancelled(&self, scope: ScopeId) -> bool {
        self.state.borrow().scopes.is_cancelled(scope)
    }

    pub fn poll_cancelled(&self, scope: ScopeId, waiter: &mut WaiterIndex, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.state.borrow_mut();
        if state.scopes.is_cancelled(scope) {
            return Poll::Ready(());
        }
        let replaced = state.scopes.waiters(scope).register(waiter, cx.waker());
        drop(state);
        drop(replaced);
        Poll::Pending
    }

    pub fn leave_cancelled(&self, scope: ScopeId, waiter: WaiterIndex) {
        let left = self.state.borrow_mut().scopes.waiters(scope).leave(waiter);
        drop(left);
    }

    pub fn now(&self) -> Time {
        self.course.now.get()
    }

    pub fn is_replaying(&self) -> bool {
        self.course.replaying.get()
    }

    pub fn history_length(&self) -> u64 {
        self.course.history_length.get()
    }

    pub fn cancel_requested(&self) -> bool {
        self.course.cancel_requested.get()
    }

    pub fn progress(&self) -> u64 {
        self.course.progress.get()
    }

    /// Asks the service for something that nobody waits for.
    pub fn ask(&self, command: Command) {
        let mut state = self.state.borrow_mut();
        state.commands.push(command);
        self.note_progress();
        let asked = state.commands.len();
        if asked.is_multiple_of(LIMITED) {
            drop(state);
            self.limit(asked, "things in one workflow task");
        }
    }

    /// Leaves the code if it has asked for more than the run may have events: in a loop that never waits, nobody else
    /// would. Nothing is asked for any more should the code survive that.
    fn limit(&self, asked: usize, what: &'static str) {
        if asked > self.link.event_budget() {
            self.close();
            self.throw(TaskFailure::AskedForTooMuch { asked, what });
        }
    }

    pub fn note_progress(&self) {
        self.course.progress.update(|count| count + 1);
    }

    /// Runs code that may ask for nothing while it lasts.
    pub fn limited<R>(&self, what: &'static str, code: impl FnOnce() -> R) -> R {
        let outer = self.course.limited.replace(Some(what));
        let result = code();
        self.course.limited.set(outer);
        result
    }

    /// From here on nothing is asked for any more.
    pub fn close(&self) {
        self.course.closing.set(true);
    }

    /// Adds all that has been asked for to a list.
    pub fn take_commands(&self, commands: &mut Vec<Command>) {
        commands.append(&mut self.state.borrow_mut().commands);
    }

    /// Notes that the code broke a rule; the first time counts. The task fails at the end of the poll.
    pub fn fail(&self, failure: TaskFailure) {
        let first = self.course.failure.take();
        self.course.failure.set(first.or_else(|| Some(Box::new(failure))));
    }

    /// Leaves the code at once, because it broke a rule in a call that has no value to give.
    pub fn throw(&self, failure: TaskFailure) -> ! {
        self.fail(failure.clone());
        std::panic::resume_unwind(Box::new(failure))
    }

    pub fn take_failure(&self) -> Option<Box<TaskFailure>> {
        self.course.failure.take()
    }

    /// Whether the code may ask for something now.
    pub fn is_usable(&self) -> bool {
        // Destructors of code that has panicked must not unwind a second time.
        if self.course.closing.get() || std::thread::panicking() {
            return false;
        }
        if self.course.limited.get().is_some() || !self.flag.is_active() {
            self.fail(self.misuse());
            return false;
        }
        true
    }

    /// What to say of code that asks for something when it may not.
    #[cold]
    fn misuse(&self) -> TaskFailure {
        let workflow = &self.run.workflow_type;
        TaskFailure::Misuse(match self.course.limited.get() {
            Some(what) => {
                format!("{what} of workflow `{workflow}` used the context: it may ask for nothing and draw nothing")
            }
            None => format!(
                "the context of workflow `{workflow}` was used outside its code: only the workflow's own future may \
                 start or cancel something"
            ),
        })
    }
}
