//! The loop: what is to be done now, else the next ready task, else the next entry of the queue.

use std::cell::RefMut;
use std::future::Future;
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll};

use super::agenda::{Todo, Wakeup};
use super::core::{Core, Script, World};
use super::error::{RunError, outside_in_script, outside_world};
use super::running::{Running, Tag};
use super::stuck::More;
use crate::engine::sleepers::SleeperId;
use crate::engine::tasks::{Taken, TaskId};
use crate::program::panics::{self, Panic, Unwound};
use crate::program::{ActivityOutcome, Time};
use crate::service::ServiceTimer;
use crate::trace::{AttemptKey, WorkerKey};

/// The script that drives a run, if any. It stands on the stack of whoever drives the run.
pub(crate) type ScriptFuture<'a> = Option<Pin<&'a mut dyn Future<Output = ()>>>;

/// The outcome of moving the time.
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
        if let Some(todo) = core.agenda.take_todo() {
            drop(core);
            self.perform(todo);
            return true;
        }
        if core.open_workflows == 0
            && !core.attempts.any_runs()
            && core.script != Script::Running
            && !core.has_wanted_messages()
        {
            return false;
        }
        let taken = match core.take_ready() {
            Some(taken) => taken,
            None => {
                if core.host_link.is_there() {
                    drop(core);
                    if self.wait_for_host() {
                        return true;
                    }
                    core = self.core.borrow_mut();
                }
                match core.next_wakeup() {
                    Woken::Task(taken) => taken,
                    Woken::Something => return true,
                    Woken::Nothing => return false,
                }
            }
        };
        let Some(taken) = core.unless_slow(taken) else { return true };
        if taken.tag == Tag::Script {
            self.poll_script(core, taken, script)
        } else {
            self.poll(core, taken)
        }
        true
    }

    fn poll<'a>(&'a self, mut core: RefMut<'a, Box<Core>>, taken: Taken<ActivityOutcome, Tag>) {
        let Taken { id: task, tag, mut future, waker, by_itself } = taken;
        if !core.begin_poll(task, tag, by_itself) {
            core.dead.keep_future(future);
            return;
        }
        drop(core);
        let polled = self.in_host(tag, || panics::catch(|| future.as_mut().poll(&mut Context::from_waker(&waker))));
        let mut core = self.core.borrow_mut();
        core.leave(Running::Nobody);
        if let Tag::Background(index) = tag
            && core.background[index].is_aborted()
        {
            let attempt = core.background[index].attempt();
            drop(core);
            self.drop_for(attempt, Some(future));
            return;
        }
        // Where the task is gone it crashed in this very poll, whatever it answered: user code may have caught the unwinding.
        let ended = match polled {
            Ok(Poll::Pending) => {
                match (core.tasks.park(task, future, waker), tag) {
                    (Some(future), _) => core.dead.keep_future(future),
                    (None, Tag::Attempt(attempt)) => core.awaited(attempt),
                    (None, _) => {}
                }
                return;
            }
            Ok(Poll::Ready(outcome)) => Ok(outcome),
            Err(unwound) => Err(unwound),
        };
        if !core.tasks.contains(task) {
            core.dead.keep_future(future);
            return;
        }
        let outcome = match ended {
            Ok(outcome) => Ok(outcome),
            Err(Unwound::Panic(panic)) => match outside_world(&panic.message) {
                Some((what, instead)) => {
                    let place = panic.location.map(|place| format!(" (at {place})")).unwrap_or_default();
                    let message = format!("{} {what}{place}: {instead}", core.task_words(tag));
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
                core.dead.keep_future(future);
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
        let _ = self.in_host(tag, || panics::catch_drop(future));
        if let Tag::Attempt(attempt) = tag {
            self.show_to_watches(attempt);
        }
    }

    /// Polls the script, which stands outside the tasks since it may borrow from the test.
    fn poll_script<'a>(
        &'a self,
        mut core: RefMut<'a, Box<Core>>,
        taken: Taken<ActivityOutcome, Tag>,
        script: &mut ScriptFuture<'_>,
    ) {
        let Taken { id: task, tag, future: placeholder, waker, by_itself } = taken;
        let Some(future) = script else { return };
        if !core.begin_poll(task, tag, by_itself) {
            return;
        }
        drop(core);
        let polled = panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut Context::from_waker(&waker))));
        let mut core = self.core.borrow_mut();
        core.leave(Running::Nobody);
        let polled = match polled {
            Ok(polled) => polled,
            // A call that does not belong in a script has ended the run.
            Err(_) if core.error.is_some() => return,
            // An assertion of the test itself goes on to the test.
            Err(payload) => {
                let message = payload.downcast_ref::<String>().map(String::as_str);
                if let Some(error) = message.and_then(outside_in_script) {
                    return core.fail(error);
                }
                drop(core);
                panic::resume_unwind(payload)
            }
        };
        core.tasks.park(task, placeholder, waker);
        if polled.is_ready() {
            core.tasks.remove(task);
            core.script = Script::Done;
            let now = core.agenda.now();
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
            Todo::LocalDone { workflow, done } => self.local_done(workflow, *done),
            Todo::Answer { worker, waiting } => self.core.borrow_mut().answer(worker, *waiting),
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
            Todo::WorkerGone { worker } => self.worker_gone(worker),
            Todo::Drop { future, attempt } => self.drop_for(attempt, Some(future)),
            Todo::Forget(process) => self.forget(process),
            Todo::Stopped(process) => self.end_in_host(process),
            Todo::Evict(instance) => {
                let _ = self.run_workflow(None, || drop(instance));
            }
        }
    }

    /// Tells the fakes that the process of a worker is gone.
    fn worker_gone(&self, worker: WorkerKey) {
        for watch in self.setup.worker_watches() {
            if let Err(Unwound::Panic(panic)) = panics::catch(|| watch(worker.number() as u32)) {
                let message = format!("what `.on_worker_gone(..)` was given panicked: {panic}");
                self.core.borrow_mut().fail(RunError::Misuse(message));
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
    fn take_ready(&mut self) -> Option<Taken<ActivityOutcome, Tag>> {
        loop {
            let next = self.tasks.next_ready(|ready| self.schedule.next_task(ready))?;
            if let Some(taken) = self.tasks.take(next) {
                return Some(taken);
            }
        }
    }

    /// Nothing is ready: time moves to the next entry of the queue that means something.
    fn next_wakeup(&mut self) -> Woken {
        if self.executor.woken_from_outside() {
            let task =
                self.tasks.woken_from_outside().map_or("a task".to_owned(), |tag| self.task_words_with_place(tag));
            self.fail(RunError::ForeignWake { task });
            return Woken::Nothing;
        }
        if !self.holds.is_empty() && self.give_up_holds() {
            return Woken::Something;
        }
        loop {
            let Some((at, wakeup)) = self.agenda.next() else {
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
            if at > self.horizon {
                self.beyond_horizon();
                return Woken::Nothing;
            }
            if self.runs_for_nobody(at) {
                self.fail_still_running(at);
                return Woken::Nothing;
            }
            self.agenda.move_to(at);
            if self.is_too_long() {
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

    /// Says whether the trace is longer than it may be.
    pub(super) fn is_too_long(&self) -> bool {
        self.trace.events().len() > self.settings.event_budget
    }

    pub(super) fn fail_still_running(&mut self, at: Time) {
        let waiting = self.waiting_words(More::Comes);
        self.fail(RunError::StillRunning { after: self.ending.waited(at), waiting });
    }

    pub(super) fn too_long(&mut self, at: Time) {
        self.holds_made_it_long();
        let events = self.settings.event_budget;
        let waiting = self.waiting_words(More::Comes);
        self.fail(RunError::TooLong { events, at, waiting });
    }

    /// Counts the poll. `false` if the task wakes itself without end, or tasks wake each other without end.
    fn begin_poll(&mut self, task: TaskId, tag: Tag, by_itself: bool) -> bool {
        let now = self.agenda.now();
        let polls = match tag {
            Tag::Attempt(attempt) => self.attempts[attempt].count_poll(now, by_itself),
            Tag::Background(index) => self.background[index].count_poll(now, by_itself),
            Tag::Script => self.script_busy.count_poll(now, by_itself),
        };
        if polls > self.settings.poll_budget {
            self.too_busy(tag, polls - 1);
            return false;
        }
        let of_all = self.all_busy.count(now);
        if of_all > self.settings.poll_budget && of_all as usize > self.calls.budget() {
            self.too_busy(tag, of_all - 1);
            return false;
        }
        self.enter(Running::Task(task, tag));
        true
    }

    fn too_busy(&mut self, tag: Tag, polls: u32) {
        let task = self.task_words_with_place(tag);
        self.fail(RunError::Busy { task, polls, at: self.agenda.now() });
    }

    /// Those that wait for the same moment become ready together, so that there is an order to draw.
    fn wake_sleepers_of_the_moment(&mut self) {
        while let Some(wakeup) = self.agenda.next_of_the_moment(|wakeup| matches!(wakeup, Wakeup::Sleeper(_))) {
            if self.is_live(wakeup) {
                self.wake_up(wakeup);
            }
        }
    }

    /// Says whether somebody still waits there.
    fn is_asleep(&self, id: SleeperId) -> bool {
        self.sleepers.get(id).is_some_and(|sleeper| sleeper.task().is_none_or(|task| self.tasks.contains(task)))
    }

    /// Says whether an entry of the queue still means something. The clock is not moved for one that does not.
    pub(super) fn is_live(&self, wakeup: Wakeup) -> bool {
        match wakeup {
            Wakeup::Sleeper(id) => self.is_asleep(id),
            Wakeup::Service(timer) => self.service.is_live(timer),
            Wakeup::HandOver { .. } | Wakeup::LetGo(_) => true,
            Wakeup::Flush(attempt) => {
                self.attempts[attempt].is_running() && self.attempts[attempt].has_pending_heartbeat()
            }
            Wakeup::LocalTimeout(attempt) | Wakeup::Release(attempt) => self.attempts[attempt].is_running(),
            Wakeup::Deliver(_) => true,
            Wakeup::Local { workflow, number, what } => self.is_local_live(workflow, number, what),
            Wakeup::Renew { workflow, stamp } => self.workflows[workflow].waits_for_locals(stamp),
            Wakeup::AnswerTask { workflow, stamp } => self.workflows[workflow].is_held(stamp),
            Wakeup::Signal(signal) => {
                self.network.has_sender(signal)
                    || self.network.receiver(signal).is_some_and(|to| self.service.workflow(to).is_open())
            }
            Wakeup::Update(call) => self.update_calls[call].is_on_its_way(),
            Wakeup::UpdateHeard(update) => {
                self.updates.get(&update).is_some_and(|followed| !followed.waiting.is_empty())
            }
            Wakeup::LateTimer { workflow, timer } => self.service.is_live(ServiceTimer::Workflow { workflow, timer }),
            Wakeup::Between(message) => self.is_wanted(message),
            Wakeup::Query(query) => self.queries[query].is_waiting(),
            Wakeup::Thaw { worker, incarnation }
            | Wakeup::GraceOver { worker, incarnation }
            | Wakeup::Abort { worker, incarnation }
            | Wakeup::StopIfIdle { worker, incarnation }
            | Wakeup::Restart { worker, incarnation } => self.workers[worker].incarnation() == incarnation,
        }
    }
}
