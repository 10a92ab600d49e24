//! The loop: what is to be done now, else the next ready task, else the next entry of the queue.

use std::cell::RefMut;
use std::future::Future;
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll};

use super::agenda::{Todo, Wakeup};
use super::core::{Core, Script, Tag, World};
use super::error::RunError;
use super::running::Running;
use crate::engine::sleepers::SleeperId;
use crate::engine::tasks::{Taken, TaskId};
use crate::program::panics::{self, Panic, Unwound};
use crate::program::{ActivityOutcome, Time, Timeouts};
use crate::service::{ActivityKey, ServiceTimer};
use crate::trace::AttemptKey;
use crate::worker::attempt::Attempt;
use crate::worker::process::Process;

/// The script that drives a run, if any. It stands on the stack of whoever drives the run.
pub(crate) type ScriptFuture<'a> = Option<Pin<&'a mut dyn Future<Output = ()>>>;

/// What moving the time has brought.
enum Woken {
    /// This task's turn.
    Task(Taken<ActivityOutcome, Tag>),
    /// Something that is done.
    Something,
    /// Nothing: the run is over.
    Nothing,
}

impl World {
    /// Does everything until the run is over.
    pub(crate) fn run_to_end(&self, mut script: ScriptFuture<'_>) {
        while self.step(&mut script) {}
    }

    /// Does one thing. `false` when the run is over.
    fn step(&self, script: &mut ScriptFuture<'_>) -> bool {
        let mut core = self.core.borrow_mut();
        if core.error.is_some() {
            return false;
        }
        if let Some(todo) = core.todo.pop_front() {
            drop(core);
            self.perform(todo);
            return true;
        }
        if core.open_workflows == 0 && core.running == 0 && core.script != Script::Running {
            return false;
        }
        let taken = match core.take_ready() {
            Some(taken) => taken,
            None => match core.next_wakeup() {
                Woken::Task(taken) => taken,
                Woken::Something => return true,
                Woken::Nothing => return false,
            },
        };
        if taken.tag == Tag::Script {
            self.poll_script(core, taken, script)
        } else {
            self.poll(core, taken)
        }
        true
    }

    #[inline]
    fn poll<'a>(&'a self, mut core: RefMut<'a, Box<Core>>, taken: Taken<ActivityOutcome, Tag>) {
        let Taken { id: task, tag, mut future, waker } = taken;
        if !core.begin_poll(task, tag) {
            core.graveyard.push(super::agenda::Buried::Future(future));
            return;
        }
        drop(core);
        let polled = panics::catch(|| future.as_mut().poll(&mut Context::from_waker(&waker)));
        let mut core = self.core.borrow_mut();
        core.leave(Running::Nobody);
        let is_there = core.tasks.polled(task, waker);
        if let Tag::Background(index) = tag
            && core.background[index].aborted
        {
            let attempt = core.background[index].attempt;
            drop(core);
            self.drop_for(attempt, Some(future));
            return;
        }
        if !is_there {
            // It crashed in this very poll, whatever it answered: user code may have caught the unwinding.
            core.graveyard.push(super::agenda::Buried::Future(future));
            return;
        }
        let outcome = match polled {
            Ok(Poll::Pending) => {
                core.tasks.park(task, future);
                if let Tag::Attempt(attempt) = tag {
                    core.awaited(attempt);
                }
                return;
            }
            Ok(Poll::Ready(outcome)) => Ok(outcome),
            Err(Unwound::Panic(panic)) => match outside_world(&panic.message) {
                Some(what) => {
                    let message = format!(
                        "{} {what}: use `durasim::time` and `durasim::task::spawn`, and fakes in the state of the run",
                        core.task_words(tag)
                    );
                    core.fail(RunError::Misuse(message));
                    core.tasks.remove(task);
                    drop(core);
                    let _ = panics::catch_drop(future);
                    return;
                }
                None => Err(panic),
            },
            Err(Unwound::Other(_)) if core.error.is_none() => Err(Box::new(Panic::without_message())),
            // The harness's own, from a call that ends the run.
            Err(Unwound::Other(_)) => {
                core.graveyard.push(super::agenda::Buried::Future(future));
                return;
            }
        };
        core.tasks.remove(task);
        match tag {
            Tag::Attempt(attempt) => core.ended(attempt, outcome),
            Tag::Background(index) => core.background_ended(index, outcome.err()),
            Tag::Script => {}
        }
        drop(core);
        let _ = panics::catch_drop(future);
        if let Tag::Attempt(attempt) = tag {
            self.look_after(attempt);
        }
    }

    /// Polls the script, which stands outside the tasks since it may borrow from the test.
    fn poll_script<'a>(
        &'a self,
        mut core: RefMut<'a, Box<Core>>,
        taken: Taken<ActivityOutcome, Tag>,
        script: &mut ScriptFuture<'_>,
    ) {
        let Taken { id: task, tag, future: placeholder, waker } = taken;
        let Some(future) = script else { return };
        if !core.begin_poll(task, tag) {
            return;
        }
        drop(core);
        let polled = panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut Context::from_waker(&waker))));
        let mut core = self.core.borrow_mut();
        core.leave(Running::Nobody);
        let is_there = core.tasks.polled(task, waker);
        let polled = match polled {
            Ok(polled) => polled,
            // A call that does not belong in a script has ended the run.
            Err(_) if core.error.is_some() => return,
            // An assertion of the test itself goes on to the test.
            Err(payload) => {
                drop(core);
                panic::resume_unwind(payload)
            }
        };
        if is_there {
            core.tasks.park(task, placeholder);
        }
        if polled.is_ready() {
            core.tasks.remove(task);
            core.script = Script::Done;
            let now = core.now;
            core.ending.renew(now);
        }
    }

    /// Does something that involves user code.
    fn perform(&self, todo: Todo) {
        match todo {
            Todo::Start { worker, token, dies } => self.start_attempt(worker, token, dies),
            Todo::WorkflowTask { worker, workflow, task, answer } => {
                self.handle_workflow_task(worker, workflow, task, answer);
            }
            Todo::Query { query, worker } => self.handle_query(query, worker),
            Todo::Fail { attempt } => self.fail_attempt(attempt),
            Todo::Abort { attempt } => self.abort_attempt(attempt),
            Todo::Cancel { attempt, reason } => {
                let listener = self.core.borrow_mut().begin_cancel(attempt, reason);
                if let Some(listener) = listener {
                    self.notify(attempt, move || listener.cancel(reason));
                }
            }
            Todo::WorkerStopping { attempt } => {
                let listener = self.core.borrow_mut().begin_stopping(attempt);
                if let Some(listener) = listener {
                    self.notify(attempt, move || listener.worker_stopping());
                }
            }
            Todo::Drop { future, attempt } => self.drop_for(attempt, Some(future)),
            Todo::Evict(instance) => {
                let _ = self.run_workflow(|| drop(instance));
            }
        }
    }

    fn notify(&self, attempt: AttemptKey, call: impl FnOnce()) {
        if let Err(Unwound::Panic(panic)) = self.act_for(attempt, call) {
            let mut core = self.core.borrow_mut();
            let who = core.trace.attempt_words(attempt);
            core.fail(RunError::Misuse(format!("the cancel callback of activity {who} panicked: {}", panic.message)));
        }
    }
}

impl Core {
    /// The next of the ready tasks.
    #[inline]
    fn take_ready(&mut self) -> Option<Taken<ActivityOutcome, Tag>> {
        let Core { tasks, schedule, .. } = self;
        tasks.take(|ready| schedule.next_task(ready))
    }

    /// Nothing is ready: time moves to the next entry of the queue that means something.
    #[inline]
    fn next_wakeup(&mut self) -> Woken {
        if self.executor.woken_from_outside() {
            let task = self.tasks.woken_from_outside().map_or("a task".to_owned(), |tag| self.task_words(tag));
            self.fail(RunError::ForeignWake { task });
            return Woken::Nothing;
        }
        loop {
            let Some((at, wakeup)) = self.queue.pop() else {
                self.stuck();
                return Woken::Nothing;
            };
            let is_live = match wakeup {
                // By far the most common.
                Wakeup::Sleeper(id) => self.is_asleep(id),
                _ => self.is_live(wakeup),
            };
            if !is_live {
                continue;
            }
            if at.since(Time::ZERO) > self.settings.horizon {
                self.beyond_horizon();
                return Woken::Nothing;
            }
            if self.runs_for_nobody(at) {
                let waiting = self.waiting_words();
                self.fail(RunError::StillRunning { after: self.ending.patience(), waiting });
                return Woken::Nothing;
            }
            self.now = self.now.max(at);
            if self.trace.events().len() > self.settings.event_budget {
                self.too_long(at);
                return Woken::Nothing;
            }
            match wakeup {
                // Nothing else is ready: its turn is now.
                Wakeup::Sleeper(id) if self.schedule.is_fifo() => {
                    if let Some(taken) = self.wake_alone(id) {
                        return Woken::Task(taken);
                    }
                }
                Wakeup::Sleeper(id) => {
                    self.wake_sleeper(id);
                    self.wake_sleepers_of_the_moment();
                }
                _ => self.wake_up(wakeup),
            }
            return Woken::Something;
        }
    }

    #[cold]
    fn too_long(&mut self, at: Time) {
        let events = self.settings.event_budget;
        let waiting = self.waiting_words();
        self.fail(RunError::TooLong { events, at, waiting });
    }

    /// Counts the poll. `false` if the task polls itself without end.
    #[inline]
    fn begin_poll(&mut self, task: TaskId, tag: Tag) -> bool {
        let polls = match tag {
            Tag::Attempt(attempt) => self.attempts[attempt].busy.count(self.now),
            Tag::Background(index) => self.background[index].busy.count(self.now),
            Tag::Script => self.script_busy.count(self.now),
        };
        if polls > self.settings.poll_budget {
            self.too_busy(tag, polls - 1);
            return false;
        }
        self.enter(Running::Task(task, tag));
        true
    }

    #[cold]
    fn too_busy(&mut self, tag: Tag, polls: u32) {
        let task = self.task_words(tag);
        self.fail(RunError::Busy { task, polls, at: self.now });
    }

    /// Those that wait for the same moment become ready together, so that there is an order to draw.
    fn wake_sleepers_of_the_moment(&mut self) {
        while let Some(wakeup) = self.queue.pop_present(|wakeup| matches!(wakeup, Wakeup::Sleeper(_))) {
            if self.is_live(wakeup) {
                self.wake_up(wakeup);
            }
        }
    }

    /// Whether somebody still waits there.
    #[inline]
    fn is_asleep(&self, id: SleeperId) -> bool {
        self.sleepers.get(id).is_some_and(|sleeper| sleeper.task().is_none_or(|task| self.tasks.contains(task)))
    }

    /// Whether an entry of the queue still means something. The clock is not moved for one that does not.
    fn is_live(&self, wakeup: Wakeup) -> bool {
        match wakeup {
            Wakeup::Sleeper(id) => self.is_asleep(id),
            Wakeup::Service(timer) => self.service.is_live(timer),
            Wakeup::HandOver { .. } => true,
            Wakeup::Flush(attempt) => {
                self.attempts[attempt].is_running() && self.attempts[attempt].throttle.has_pending()
            }
            Wakeup::LocalTimeout(attempt) | Wakeup::Release(attempt) => self.attempts[attempt].is_running(),
            Wakeup::Deliver(_) => true,
            Wakeup::AnswerTask { workflow, stamp } => {
                self.workflows[workflow].held.as_ref().is_some_and(|held| held.token.stamp == stamp)
            }
            Wakeup::Signal(signal) => {
                let signal = &self.late_signals[signal];
                signal.as_ref().is_some_and(|signal| self.service.workflow(signal.workflow).is_open())
            }
            Wakeup::LateTimer { workflow, timer } => self.service.is_live(ServiceTimer::Workflow { workflow, timer }),
            Wakeup::Query(query) => self.queries[query].is_waiting(),
            Wakeup::Thaw { worker, incarnation }
            | Wakeup::GraceOver { worker, incarnation }
            | Wakeup::Abort { worker, incarnation }
            | Wakeup::Restart { worker, incarnation } => self.workers[worker].incarnation == incarnation,
        }
    }

    #[cold]
    fn stuck(&mut self) {
        if self.script == Script::Running {
            self.fail(RunError::ScriptStuck { at: self.now, waiting: self.waiting_words() });
            return;
        }
        // A script may leave workflows open on purpose.
        if self.script == Script::Done {
            return;
        }
        let open = self.trace.workflows().iter().find(|(workflow, _)| self.service.workflow(*workflow).is_open());
        // Attempts that wait for ever after all workflows have closed harm nobody: the run is over.
        let Some((key, name)) = open else { return };
        let workflow = name.workflow_type.to_string();
        let foreign = self.workflows[key].instance.as_ref().is_some_and(|instance| instance.foreign_wake());
        if foreign {
            self.fail(super::workflow_tasks::foreign_wake(&workflow));
            return;
        }
        let waiting = self.waiting_words();
        self.fail(RunError::Stuck { workflow, at: self.now, waiting });
    }

    /// Whether only attempts go on at this time that nobody has waited for since long, of their own accord.
    fn runs_for_nobody(&mut self, at: Time) -> bool {
        if self.open_workflows > 0 || self.script == Script::Running {
            return false;
        }
        let longest = || {
            let of_one = |timeouts: Timeouts| {
                let Timeouts { schedule_to_close, schedule_to_start, start_to_close, heartbeat } = timeouts;
                schedule_to_close.max(schedule_to_start).max(start_to_close).max(heartbeat).to_duration()
            };
            self.service.activities().map(|(_, activity)| of_one(activity.timeouts())).max().unwrap_or_default()
        };
        self.ending.is_over(at, longest) && !self.attempts.values().any(|attempt| self.is_held(attempt))
    }

    /// Whether a fault keeps the attempt from being polled.
    fn is_held(&self, attempt: &Attempt) -> bool {
        let is_frozen = matches!(self.workers[attempt.worker].process, Process::Frozen { .. });
        attempt.is_running() && (attempt.stalled || is_frozen)
    }

    #[cold]
    fn beyond_horizon(&mut self) {
        let horizon = self.settings.horizon;
        let waiting = self.waiting_words();
        self.fail(RunError::Horizon { horizon, waiting });
    }

    /// What is still going on, for an error: a few activities that are open, attempts that nobody waits for, and
    /// workflows that wait for something else.
    pub(super) fn waiting_words(&self) -> String {
        const SHOWN: usize = 3;
        let mut words: Vec<String> = Vec::new();
        for (key, activity) in self.service.activities() {
            if activity.outcome().is_some() || !self.service.workflow(activity.workflow()).is_open() {
                continue;
            }
            let attempt = self.activities[key].latest.map(|attempt| &self.attempts[attempt]);
            let state = if attempt.is_some_and(|attempt| attempt.is_running()) { "is running" } else { "is waiting" };
            let name = self.trace.activity_words(key);
            let failure = activity.last_failure().map(|failure| format!(", after `{failure}`")).unwrap_or_default();
            words.push(format!("activity {name} {state} at attempt {}{failure}", activity.attempt()));
        }
        for (key, attempt) in self.attempts.iter().filter(|(_, attempt)| attempt.is_running()) {
            let activity = self.service.activity(attempt.token.activity);
            let current = activity.outcome().is_none() && activity.attempt() == attempt.token.attempt;
            if !current || !self.service.workflow(activity.workflow()).is_open() {
                let name = self.trace.attempt_words(key);
                words.push(format!("attempt {name}, which the service has given up, still runs"));
            }
        }
        for (key, name) in self.trace.workflows() {
            let workflow = self.service.workflow(key);
            let is_open = |key: ActivityKey| self.service.activity(key).outcome().is_none();
            if !workflow.is_open() || workflow.activities().iter().any(|(_, activity)| is_open(*activity)) {
                continue;
            }
            let what = if workflow.has_timer() {
                "waits for a timer"
            } else {
                "has no open activity and no timer: does it await a future that has ended already, or that is not its \
                 context's?"
            };
            words.push(format!("workflow `{}` {what}", name.workflow_type));
        }
        let more = words.len().saturating_sub(SHOWN);
        words.truncate(SHOWN);
        let rest = if more > 0 { format!(", and {more} more") } else { String::new() };
        words.join(", ") + &rest
    }

    pub(crate) fn at(&self, after: std::time::Duration) -> Time {
        self.now + after
    }
}

/// What to say of a panic that tokio raises outside its runtime.
pub(super) fn outside_world(message: &str) -> Option<&'static str> {
    let tokio = message.contains("there is no reactor running")
        || message.contains("must be called from the context of a Tokio")
        || message.contains("no timer running");
    tokio.then_some("uses tokio's timers, sockets or spawn, which have no runtime inside a simulation")
}
