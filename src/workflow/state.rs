//! [`WorkflowState`]: what the contexts and futures of one workflow instance share.

use std::cell::{Cell, RefCell};
use std::mem;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::error::Cancellation;
use super::generator::Generator;
use super::handlers::Handlers;
use super::inbox::Inbox;
use super::local_activities::LocalActivities;
use super::markers::Markers;
use super::scope::{ScopeId, Scopes};
use super::slot::{SlotEnd, SlotId, SlotKind, SlotState, Slots, Waiter};
use super::updates::Updates;
use super::wake::WakeFlag;
use crate::program::places::{self, Called};
use crate::program::{
    Activation, ActivityResolution, ChildResolution, ChildStart, Command, Failure, Job, LocalActivityResolution,
    LocalActivitySpec, Payload, RunInfo, Seq, TaskFailure, Time, WaiterIndex, WorkflowLink, call_budget,
};

/// The state that the contexts and futures of one workflow instance share.
///
/// Wakers and user code may call back, so `requests` is never borrowed while one is woken or dropped.
pub(super) struct WorkflowState {
    pub run: Arc<RunInfo>,
    pub link: Arc<dyn WorkflowLink>,
    pub flag: Arc<WakeFlag>,
    /// The flag's. The code is polled with it.
    pub waker: Waker,
    moment: Cell<Moment>,
    phase: Cell<Phase>,
    cancel_requested: Cell<bool>,
    /// Counts what the code has asked for and taken, to know a busy workflow from one that spins.
    progress: Cell<u64>,
    /// How often the code has called its context in the present activation.
    calls: Cell<usize>,
    /// How often it may.
    call_budget: usize,
    failure: Cell<Option<Box<TaskFailure>>>,
    pub inbox: RefCell<Inbox>,
    pub queries: RefCell<Handlers>,
    pub updates: RefCell<Updates>,
    pub markers: RefCell<Markers>,
    pub random: RefCell<Generator>,
    requests: RefCell<Requests>,
}

/// When the present activation is.
#[derive(Clone, Copy, Debug)]
struct Moment {
    now: Time,
    replaying: bool,
    history_length: u64,
    history_size: u64,
    suggest_continue_as_new: bool,
    /// Counts activations.
    activation: u32,
}

/// The things that the code may do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// Ask for things, while it is polled.
    Open,
    /// Nothing, while this runs, in words: `a side effect`.
    Limited(&'static str),
    /// Nothing any more: the instance is being dropped, or has closed. Whatever destructors ask for is ignored.
    Closed,
}

/// The things that the code has asked for.
#[derive(Default)]
struct Requests {
    /// Those of this activation. One that is taken back leaves `None`, so that the indexes of the others stay.
    commands: Vec<Option<(Command, Option<Called>)>>,
    slots: Slots,
    scopes: Scopes,
    locals: LocalActivities,
}

impl Requests {
    /// Cancels what waits in a slot, and says who is to be woken. A command of this very activation is taken back.
    fn cancel_slot(&mut self, id: SlotId, activation: u32) -> Waiter {
        let Requests { commands, slots, locals, .. } = self;
        let slot = slots.at(id);
        let SlotState::Open { cancel_asked, .. } = &mut slot.state else { return Waiter::Nobody };
        if *cancel_asked {
            return Waiter::Nobody;
        }
        let seq = id.seq;
        let taken_back = [SlotKind::Activity, SlotKind::LocalActivity, SlotKind::Timer];
        if slot.activation == activation && taken_back.contains(&id.kind) {
            commands[slot.command] = None;
            locals.forget(id);
        } else {
            match id.kind {
                SlotKind::LocalActivity => match locals.cancel(id) {
                    Some(command @ Command::CancelTimer { .. }) => commands.push(asked(command)),
                    Some(command) => {
                        // Its end comes from the worker, too.
                        *cancel_asked = true;
                        commands.push(asked(command));
                        return Waiter::Nobody;
                    }
                    None => return Waiter::Nobody,
                },
                SlotKind::Activity => {
                    // Its end comes from the worker, as its cancellation type says.
                    *cancel_asked = true;
                    commands.push(asked(Command::CancelActivity { seq }));
                    return Waiter::Nobody;
                }
                SlotKind::Timer => commands.push(asked(Command::CancelTimer { seq })),
                SlotKind::Child => {
                    *cancel_asked = true;
                    commands.push(asked(Command::CancelChild { seq, reason: Arc::from("") }));
                    return Waiter::Nobody;
                }
                SlotKind::ChildStart | SlotKind::Signal | SlotKind::CancelRequest => return Waiter::Nobody,
            }
        }
        slot.end(SlotEnd::Cancelled(Cancellation::default()))
    }
}

/// The end of a message to another workflow.
fn arrival(failure: &Option<Arc<Failure>>) -> SlotEnd {
    match failure {
        Some(failure) => SlotEnd::Failed(Arc::clone(failure)),
        None => SlotEnd::Fired,
    }
}

/// A command with the call that asks for it.
fn asked(command: Command) -> Option<(Command, Option<Called>)> {
    Some((command, places::present().call()))
}

/// The answer to starting something.
pub(super) enum Requested {
    /// It waits in this slot.
    Slot(SlotId),
    /// Its scope is cancelled.
    Cancelled,
    /// It never ends: the instance is closing, or broke a rule.
    Never,
}

/// How many things the code asks for between two looks at whether they are too many.
const LIMITED: usize = 1024;

impl WorkflowState {
    pub fn new(run: Arc<RunInfo>, link: Arc<dyn WorkflowLink>) -> Rc<WorkflowState> {
        let flag = Arc::<WakeFlag>::default();
        Rc::new(WorkflowState {
            waker: Waker::from(Arc::clone(&flag)),
            flag,
            moment: Cell::new(Moment {
                now: run.started_at,
                replaying: false,
                history_length: 0,
                history_size: 0,
                suggest_continue_as_new: false,
                activation: 0,
            }),
            phase: Cell::new(Phase::Open),
            cancel_requested: Cell::default(),
            progress: Cell::default(),
            calls: Cell::default(),
            call_budget: call_budget(link.event_budget()),
            failure: Cell::default(),
            inbox: RefCell::default(),
            queries: RefCell::default(),
            updates: RefCell::default(),
            markers: RefCell::default(),
            random: RefCell::default(),
            requests: RefCell::default(),
            run,
            link,
        })
    }

    /// Takes the clock of an activation.
    pub fn begin(&self, activation: &Activation) {
        self.forget_calls();
        let &Activation { now, replaying, history_length, history_size, suggest_continue_as_new, .. } = activation;
        self.moment.update(|moment| Moment {
            now,
            replaying,
            history_length,
            history_size,
            suggest_continue_as_new,
            activation: moment.activation + 1,
        });
    }

    /// Takes one piece of news: ends what it is about, and wakes who waits for it.
    pub fn apply(&self, job: &Job) -> Result<(), TaskFailure> {
        match job {
            Job::Start => self.flag.wake_own(),
            Job::Marker(marker) => self.markers.borrow_mut().recall(marker),
            Job::Signal { name, input } => self.deliver_signal(name, input),
            Job::Update { id, name, input, validate } => self.deliver_update(id, name, input, *validate),
            Job::FireTimer(seq) => {
                self.end(SlotKind::Timer, *seq, SlotEnd::Fired)?;
                self.resume_local_activity(*seq);
            }
            Job::ActivityDone { seq, result } => {
                let outcome = match result {
                    ActivityResolution::Completed(payload) => SlotEnd::Completed(payload.clone()),
                    ActivityResolution::Failed(failure) => SlotEnd::Failed(Arc::clone(failure)),
                    ActivityResolution::Cancelled(failure) => {
                        SlotEnd::Cancelled(Cancellation(Some(Arc::clone(failure))))
                    }
                };
                self.end(SlotKind::Activity, *seq, outcome)?;
            }
            Job::LocalActivityDone { seq, result } => self.local_activity_done(*seq, result)?,
            Job::ChildStarted { seq, result } => {
                let end = || match result {
                    ChildStart::Started { run_id } => SlotEnd::Completed(Payload::new(run_id.as_bytes())),
                    ChildStart::AlreadyExists => {
                        let failure = Failure::application("ChildAlreadyStarted", "Workflow execution already started");
                        SlotEnd::Failed(Arc::new(failure))
                    }
                    ChildStart::Cancelled(failure) => SlotEnd::Cancelled(Cancellation(Some(Arc::clone(failure)))),
                };
                self.end(SlotKind::ChildStart, *seq, end())?;
                if !matches!(result, ChildStart::Started { .. }) {
                    self.end(SlotKind::Child, *seq, end())?;
                }
            }
            Job::ChildDone { seq, result } => {
                let end = match result {
                    ChildResolution::Completed(payload) => SlotEnd::Completed(payload.clone()),
                    ChildResolution::Failed(failure) => SlotEnd::Failed(Arc::clone(failure)),
                    ChildResolution::Cancelled(failure) => SlotEnd::Cancelled(Cancellation(Some(Arc::clone(failure)))),
                };
                self.end(SlotKind::Child, *seq, end)?;
            }
            Job::SignalDone { seq, failure } => self.end(SlotKind::Signal, *seq, arrival(failure))?,
            Job::CancelDone { seq, failure } => self.end(SlotKind::CancelRequest, *seq, arrival(failure))?,
            // The worker keeps it to itself.
            Job::ChildCancelRequested { .. } => {}
            Job::Cancel { .. } => {
                self.cancel_requested.set(true);
                self.cancel(ScopeId::ROOT);
            }
            // Answered behind everything else.
            Job::Query { .. } => {}
        }
        Ok(())
    }

    /// Takes the end of a local activity, or starts the timer that its next attempt waits for.
    fn local_activity_done(&self, seq: Seq, result: &LocalActivityResolution) -> Result<(), TaskFailure> {
        let end = match result {
            LocalActivityResolution::Completed(payload) => SlotEnd::Completed(payload.clone()),
            LocalActivityResolution::Failed(failure) => SlotEnd::Failed(Arc::clone(failure)),
            LocalActivityResolution::Cancelled(failure) => SlotEnd::Cancelled(Cancellation(Some(Arc::clone(failure)))),
            LocalActivityResolution::Backoff { attempt, delay, first_scheduled_at } => {
                let mut requests = self.requests.borrow_mut();
                let Requests { commands, slots, locals, .. } = &mut *requests;
                let timer = slots.add(SlotKind::Timer, false, self.moment.get().activation, commands.len());
                if locals.back_off(seq, timer.seq, *attempt, *first_scheduled_at) {
                    commands.push(asked(Command::StartTimer { seq: timer.seq, duration: *delay }));
                }
                return Ok(());
            }
        };
        let slot = self.requests.borrow_mut().locals.ended(seq);
        // Nobody waits for one that was cancelled while it waited for its timer.
        slot.map_or(Ok(()), |slot| self.end(SlotKind::LocalActivity, slot, end))
    }

    /// A timer has fired: a local activity may have waited for it.
    fn resume_local_activity(&self, timer: Seq) {
        let mut requests = self.requests.borrow_mut();
        if let Some((seq, spec)) = requests.locals.resume(timer) {
            requests.commands.push(asked(Command::ScheduleLocalActivity { seq, spec }));
        }
    }

    /// Starts a local activity.
    pub fn start_local_activity(&self, scope: ScopeId, spec: &Arc<LocalActivitySpec>) -> Requested {
        let requested = self.start(SlotKind::LocalActivity, scope, |seq| {
            // Its number may be another one, below.
            Command::ScheduleLocalActivity { seq, spec: Arc::clone(spec) }
        });
        if let Requested::Slot(slot) = &requested {
            let mut requests = self.requests.borrow_mut();
            let number = requests.locals.begin(slot.seq, spec);
            if let Some(Some((Command::ScheduleLocalActivity { seq, .. }, _))) = requests.commands.last_mut() {
                *seq = number;
            }
        }
        requested
    }

    fn end(&self, kind: SlotKind, seq: Seq, outcome: SlotEnd) -> Result<(), TaskFailure> {
        let waiter = match self.requests.borrow_mut().slots.find(kind, seq) {
            Some(slot) => slot.end(outcome),
            None => {
                let what = kind.words();
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
            Waiter::Workflow => self.flag.wake(),
            Waiter::Other(waker) => waker.wake(),
        }
    }

    /// Starts something, with the command that `command` makes of its number.
    pub fn start(&self, kind: SlotKind, scope: ScopeId, command: impl FnOnce(Seq) -> Command) -> Requested {
        self.called();
        if !self.is_usable() {
            return Requested::Never;
        }
        let mut guard = self.requests.borrow_mut();
        let Requests { commands, slots, scopes, .. } = &mut *guard;
        if scopes.is_cancelled(scope) {
            return Requested::Cancelled;
        }
        let slot = slots.add(kind, scope == ScopeId::ROOT, self.moment.get().activation, commands.len());
        scopes.add_slot(scope, slot);
        if kind == SlotKind::Child {
            // It has the same number, and is no part of a scope: it ends with the child at the latest.
            slots.add(SlotKind::ChildStart, false, self.moment.get().activation, commands.len());
        }
        commands.push(asked(command(slot.seq)));
        self.note_progress();
        let asked = slots.len();
        if asked.is_multiple_of(LIMITED) {
            drop(guard);
            self.limit(asked, "activities and timers");
        }
        Requested::Slot(slot)
    }

    /// The slot in which the start of a child is waited for.
    pub fn child_start(&self, child: SlotId) -> Option<SlotId> {
        self.requests.borrow_mut().slots.find(SlotKind::ChildStart, child.seq).map(|slot| slot.id())
    }

    /// Cancels one thing that was started.
    pub fn cancel_one(&self, slot: SlotId) {
        self.called();
        if self.is_usable() {
            self.note_progress();
            let waiter = self.requests.borrow_mut().cancel_slot(slot, self.moment.get().activation);
            self.wake(waiter);
        }
    }

    /// Looks at what was started. An end can be taken once.
    pub fn poll(&self, slot: SlotId, cx: &Context<'_>) -> Poll<SlotEnd> {
        self.called();
        let mut requests = self.requests.borrow_mut();
        let slot = requests.slots.at(slot);
        match &mut slot.state {
            SlotState::Open { waiter: Waiter::Other(waker), .. } if waker.will_wake(cx.waker()) => Poll::Pending,
            SlotState::Open { waiter, .. } => {
                let polling =
                    if self.waker.will_wake(cx.waker()) { Waiter::Workflow } else { Waiter::Other(cx.waker().clone()) };
                let replaced = mem::replace(waiter, polling);
                drop(requests);
                drop(replaced);
                Poll::Pending
            }
            SlotState::Closed => Poll::Pending,
            ended @ SlotState::Ended(_) => {
                let SlotState::Ended(end) = mem::replace(ended, SlotState::Closed) else {
                    unreachable!("it was matched as ended")
                };
                self.note_progress();
                Poll::Ready(end)
            }
        }
    }

    /// Cancels a timer whose future is dropped. One whose command has not left is taken back.
    pub fn drop_timer(&self, timer: SlotId) {
        if self.phase.get() == Phase::Closed {
            return;
        }
        let mut guard = self.requests.borrow_mut();
        let waiter = guard.cancel_slot(timer, self.moment.get().activation);
        guard.slots.at(timer).state = SlotState::Closed;
        drop(guard);
        drop(waiter);
    }

    /// Cancels a scope: its timers at once, its activities as their cancellation type says, which is the worker's work.
    /// Requests of this very activation are taken back instead.
    pub fn cancel(&self, scope: ScopeId) {
        if !self.is_usable() {
            return;
        }
        let mut guard = self.requests.borrow_mut();
        let Requests { slots, scopes, .. } = &mut *guard;
        let Some(cancelled) = scopes.cancel(scope, slots) else { return };
        self.note_progress();
        let activation = self.moment.get().activation;
        let ended: Vec<Waiter> = cancelled.slots.into_iter().map(|slot| guard.cancel_slot(slot, activation)).collect();
        drop(guard);
        cancelled.waiting.into_iter().for_each(Waker::wake);
        ended.into_iter().for_each(|waiter| self.wake(waiter));
    }

    pub fn child_scope(&self, parent: ScopeId) -> ScopeId {
        self.called();
        self.requests.borrow_mut().scopes.child(parent)
    }

    pub fn detached_scope(&self) -> ScopeId {
        self.called();
        self.requests.borrow_mut().scopes.detached()
    }

    pub fn is_cancelled(&self, scope: ScopeId) -> bool {
        self.called();
        self.requests.borrow().scopes.is_cancelled(scope)
    }

    pub fn poll_cancelled(&self, scope: ScopeId, waiter: &mut WaiterIndex, cx: &Context<'_>) -> Poll<()> {
        self.called();
        let mut requests = self.requests.borrow_mut();
        if requests.scopes.is_cancelled(scope) {
            return Poll::Ready(());
        }
        let replaced = requests.scopes.waiters(scope).register(waiter, cx.waker());
        drop(requests);
        drop(replaced);
        Poll::Pending
    }

    pub fn leave_cancelled(&self, scope: ScopeId, waiter: WaiterIndex) {
        let left = self.requests.borrow_mut().scopes.waiters(scope).leave(waiter);
        drop(left);
    }

    pub fn now(&self) -> Time {
        self.moment.get().now
    }

    pub fn is_replaying(&self) -> bool {
        self.moment.get().replaying
    }

    pub fn history_length(&self) -> u64 {
        self.moment.get().history_length
    }

    pub fn history_size(&self) -> u64 {
        self.moment.get().history_size
    }

    pub fn suggest_continue_as_new(&self) -> bool {
        self.moment.get().suggest_continue_as_new
    }

    pub fn cancel_requested(&self) -> bool {
        self.cancel_requested.get()
    }

    pub fn progress(&self) -> u64 {
        self.progress.get()
    }

    /// Asks the service for something that nobody waits for.
    pub fn ask(&self, command: Command) {
        let mut requests = self.requests.borrow_mut();
        requests.commands.push(asked(command));
        self.note_progress();
        let asked = requests.commands.len();
        if asked.is_multiple_of(LIMITED) {
            drop(requests);
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

    /// Counts a call of the code, and leaves the code if there were too many in this activation: it asks again and again,
    /// and does not wait. Code that survives that is left again with its next call.
    pub fn called(&self) {
        let calls = self.calls.get() + 1;
        self.calls.set(calls);
        if calls > self.call_budget && !std::thread::panicking() {
            self.throw(TaskFailure::NeverWaits { calls: calls as u64 });
        }
    }

    /// An activation begins.
    pub fn forget_calls(&self) {
        self.calls.set(0);
    }

    pub fn note_progress(&self) {
        self.progress.update(|count| count + 1);
    }

    /// Runs code that may ask for nothing while it lasts.
    pub fn limited<R>(&self, what: &'static str, code: impl FnOnce() -> R) -> R {
        let outer = self.phase.get();
        if outer != Phase::Closed {
            self.phase.set(Phase::Limited(what));
        }
        let result = code();
        if self.phase.get() == Phase::Limited(what) {
            self.phase.set(outer);
        }
        result
    }

    /// From here on nothing is asked for any more.
    pub fn close(&self) {
        self.phase.set(Phase::Closed);
    }

    /// Adds all that has been asked for to a list.
    pub fn take_commands(&self, commands: &mut Vec<Command>) {
        let mut requests = self.requests.borrow_mut();
        places::note_asked(requests.commands.iter().flatten().map(|(command, call)| (command, *call)));
        commands.extend(requests.commands.drain(..).flatten().map(|(command, _)| command));
    }

    /// Notes that the code broke a rule; the first time counts. The task fails at the end of the poll.
    pub fn fail(&self, failure: TaskFailure) {
        let first = self.failure.take();
        self.failure.set(first.or_else(|| Some(Box::new(failure))));
    }

    /// Leaves the code at once, because it broke a rule in a call that has no value to give.
    pub fn throw(&self, failure: TaskFailure) -> ! {
        self.fail(failure.clone());
        std::panic::resume_unwind(Box::new(failure))
    }

    pub fn take_failure(&self) -> Option<Box<TaskFailure>> {
        self.failure.take()
    }

    /// Says whether the code may ask for something now.
    pub fn is_usable(&self) -> bool {
        // Destructors of code that has panicked must not unwind a second time.
        if std::thread::panicking() {
            return false;
        }
        match self.phase.get() {
            Phase::Closed => return false,
            Phase::Open if self.flag.is_active() => return true,
            Phase::Open | Phase::Limited(_) => {}
        }
        self.fail(self.misuse());
        false
    }

    /// The error for code that asks for something when it may not.
    fn misuse(&self) -> TaskFailure {
        let workflow = &self.run.workflow_type;
        TaskFailure::Misuse(match self.phase.get() {
            Phase::Limited(what) => {
                format!("{what} of workflow `{workflow}` used the context: it may ask for nothing and draw nothing")
            }
            Phase::Open | Phase::Closed => format!(
                "the context of workflow `{workflow}` was used outside its code: only the workflow's own future may \
                 start or cancel something"
            ),
        })
    }
}
