//! The run's side of its [`Host`]: the code that is called inside it, and the wait for its timers.

use std::rc::Rc;
use std::sync::Arc;
use std::task::Context;

use super::agenda::Wakeup;
use super::core::{Core, World, with_current};
use super::error::{RunError, outside_world};
use super::running::Tag;
use super::shown::Doing;
use crate::engine::outside::{self, Waiting};
use crate::engine::queue::Rank;
use crate::program::panics::{self, Unwound};
use crate::program::{Ground, Host, News, Time, Tries};
use crate::trace::WorkerKey;
use crate::worker::process::ProcessKey;

impl World {
    /// Makes the host of the run, if it is to have one.
    pub(super) fn make_host(&self, seed: u64, tries: Option<Tries>) {
        let (Some(make), Some(tries)) = (self.setup.host(), tries) else { return };
        let outside = self.core.borrow().executor.outside().clone();
        outside.seed(seed);
        let made = make(Ground::new(seed, Arc::new(outside), tries.clone()));
        let mut core = self.core.borrow_mut();
        match made {
            Ok(host) => {
                *self.host.borrow_mut() = Some(Rc::from(host));
                core.host_link.begin(tries);
            }
            Err(why) => core.fail(RunError::Setup(why)),
        }
    }

    fn host(&self) -> Option<Rc<dyn Host>> {
        self.host.borrow().clone()
    }

    /// Calls code of an activity where it finds the host's runtime, if there is one.
    pub(super) fn in_host<R>(&self, tag: Tag, call: impl FnOnce() -> R) -> R {
        match self.host() {
            None => call(),
            Some(host) => {
                let worker = self.core.borrow().worker_of(tag);
                self.enter_host(&*host, worker, call)
            }
        }
    }

    /// Calls code of a worker's process where it finds the host's runtime, if there is one.
    pub(super) fn in_process<R>(&self, worker: WorkerKey, call: impl FnOnce() -> R) -> R {
        match self.host() {
            None => call(),
            Some(host) => self.enter_host(&*host, Some(worker), call),
        }
    }

    fn enter_host<R>(&self, host: &dyn Host, worker: Option<WorkerKey>, call: impl FnOnce() -> R) -> R {
        let (now, outer) = {
            let core = self.core.borrow();
            let outer = core.shown.doing();
            if matches!(outer, Doing::Nothing) {
                // A runtime that is made now has its random bytes of the run.
                core.shown.show(Doing::Host);
            }
            (core.agenda.now(), outer)
        };
        let (mut call, mut result) = (Some(call), None);
        host.enter(worker.map_or(0, number), now, &mut || {
            if let Some(call) = call.take() {
                result = Some(call());
            }
        });
        if matches!(outer, Doing::Nothing) {
            self.core.borrow().shown.show_nothing();
        }
        self.tell_of_the_gone(host);
        self.core.borrow_mut().end_try();
        match result {
            Some(result) => result,
            None => unreachable!("a host calls the code that it is given"),
        }
    }

    /// Tells the host of processes that are gone. The core is not borrowed meanwhile, since destructors of user code run.
    fn tell_of_the_gone(&self, host: &dyn Host) {
        loop {
            let gone = self.core.borrow_mut().host_link.take_gone();
            let Some((process, crashed)) = gone else { return };
            let outer = self.core.borrow_mut().memories.begin_stop(Some(process));
            let _ = panics::catch(|| host.worker_gone(number(process.worker), crashed));
            self.core.borrow_mut().memories.begin_stop(outer);
        }
    }

    /// A process has stopped: the host drops what still runs in it, before another process of its worker begins.
    pub(super) fn end_in_host(&self, process: ProcessKey) {
        let Some(host) = self.host() else { return };
        self.core.borrow_mut().host_link.process_gone(process, false);
        self.tell_of_the_gone(&*host);
    }

    /// Nothing is ready: first the host's threads come to their end, then those of its timers have their turn that come before
    /// the next entry of the queue. `false` if that entry is next.
    pub(super) fn wait_for_host(&self) -> bool {
        let Some(host) = self.host() else { return false };
        self.tell_of_the_gone(&*host);
        // How far the threads are must not show.
        let settled = host.settle();
        let mut core = self.core.borrow_mut();
        if let Err(why) = settled {
            core.fail(RunError::Misuse(why));
            return true;
        }
        let outside = core.executor.outside().clone();
        if outside.has_mail() {
            if let Some(misuse) = outside.collect() {
                core.fail(RunError::Misuse(misuse));
            }
            return true;
        }
        let workers = core.workers_in_host(&*host);
        if workers.is_empty() || core.executor.woken_from_outside() {
            // Nothing of the host's can come first.
            return false;
        }
        let next = core.take_next_live();
        let now = core.agenda.now();
        if let Some((at, rank, wakeup)) = next
            && at <= now
            && workers.iter().all(|worker| host.tasks(*worker) == 0)
        {
            core.agenda.put_back(at, rank, wakeup);
            return false;
        }
        let until = next.map_or(core.horizon, |(at, ..)| at.min(core.horizon));
        core.host_link.set_waiting(Some(host.clone()));
        core.calls.begin();
        let is_ready = core.executor.is_any();
        let outer = core.shown.replace(Doing::Host);
        drop(core);
        let waited = {
            let _waiting = Waiting::begin(&outside, is_ready);
            let mut news = |context: &mut Context<'_>| outside.poll_news(context);
            panics::catch(|| host.wait(&workers, now, until, News::new(&mut news)))
        };
        let mut core = self.core.borrow_mut();
        core.shown.put_back(outer);
        core.host_link.set_waiting(None);
        match waited {
            Ok(reached) => core.agenda.move_to(reached.min(until)),
            Err(Unwound::Panic(panic)) => core.fail(RunError::Misuse(format!("the host of the run panicked: {panic}"))),
            Err(Unwound::Other(_)) => {}
        }
        core.end_try();
        if let Some((at, rank, wakeup)) = next {
            core.agenda.put_back(at, rank, wakeup);
        }
        // The wait may have ended without a task for the run. Otherwise the next entry is looked at as ever.
        let is_early = core.agenda.now() < until;
        if is_early || next.is_none() {
            core.look_at_limits(now);
        }
        let is_news = core.executor.is_any() || core.agenda.has_todo() || outside.has_mail() || core.error.is_some();
        drop(core);
        self.tell_of_the_gone(&*host);
        is_news || is_early
    }

    /// Ends the run if a panic of the host's tasks means that one is outside the simulation: whoever waits for the task
    /// would take it for a failure.
    fn note_panic(&self, words: &str) {
        let Ok(mut core) = self.core.try_borrow_mut() else { return };
        if let (Doing::Host, Some(error)) = (core.shown.doing(), outside_in_task(words)) {
            core.fail(RunError::Misuse(error));
        }
    }

    /// The tasks of the host's own that have not ended.
    pub(super) fn tasks_in_host(&self) -> usize {
        let Some(host) = self.host() else { return 0 };
        let workers: Vec<WorkerKey> = self.core.borrow().workers.keys().collect();
        workers.into_iter().map(|worker| host.tasks(number(worker))).sum()
    }

    /// Drops the host with all that it still runs.
    pub(super) fn drop_host(&self) {
        let host = self.host.take();
        let _ = panics::catch_drop(host);
    }
}

impl Core {
    /// The worker whose process runs the code. A script has none.
    fn worker_of(&self, tag: Tag) -> Option<WorkerKey> {
        match tag {
            Tag::Attempt(attempt) => Some(self.attempts[attempt].worker()),
            Tag::Background(index) => Some(self.attempts[self.background[index].attempt()].worker()),
            Tag::Script => None,
        }
    }

    /// The numbers of the workers whose processes go on while the host waits: of those with tasks of the host's, and of those
    /// with tasks that the host may wake. A frozen process stands still.
    fn workers_in_host(&self, host: &dyn Host) -> Vec<u32> {
        let may_wake: Vec<WorkerKey> = self.tasks.awaited_elsewhere().filter_map(|tag| self.worker_of(tag)).collect();
        let goes_on = |worker: &WorkerKey| {
            self.workers[*worker].frozen_until().is_none()
                && (may_wake.contains(worker) || host.tasks(number(*worker)) > 0)
        };
        self.workers.keys().filter(goes_on).map(number).collect()
    }

    /// Takes the next entry of the queue that means something.
    pub(super) fn take_next_live(&mut self) -> Option<(Time, Rank, Wakeup)> {
        loop {
            let next = self.agenda.next_ranked()?;
            if self.is_live(next.2) {
                return Some(next);
            }
        }
    }

    /// Ends a try of the run of which nothing will be kept.
    fn end_try(&mut self) {
        if self.host_link.is_over() {
            self.fail(RunError::Setup("the host wants another try".to_owned()));
        }
    }

    /// Ends a run that goes on for nobody, or without end, by timers of the host's alone. It stood at `before`.
    fn look_at_limits(&mut self, before: Time) {
        let now = self.agenda.now();
        if now > before && self.runs_for_nobody(now) {
            self.fail_still_running(now);
        } else if self.is_too_long() {
            self.too_long(now);
        } else if now >= self.horizon {
            self.beyond_horizon();
        }
    }
}

/// Looks at a panic of user code on this thread, before anybody catches it.
pub(super) fn note_panic(words: &str) {
    if with_current(|world| world.note_panic(words)).is_none()
        && let Some(error) = outside_in_task(words)
    {
        outside::post_misuse(|| error);
    }
}

/// The error of a task or a job of the host's that panics with such words.
fn outside_in_task(words: &str) -> Option<String> {
    let (what, instead) = outside_world(words)?;
    // Rust's words begin with the place.
    let place = words.lines().next().and_then(|line| line.split_once("panicked at "));
    let place = place.map(|(_, place)| format!(" (at {})", place.trim_end_matches(':'))).unwrap_or_default();
    Some(format!("a task that an activity has spawned {what}{place}: {instead}"))
}

/// The number by which a host knows a worker.
fn number(worker: WorkerKey) -> u32 {
    worker.number() as u32
}
