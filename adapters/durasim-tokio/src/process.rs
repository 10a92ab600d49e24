//! [`Process`]: a process of a worker, with a runtime of its own.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

use durasim::Time;
use durasim::program::{Ground, News};

use crate::runtime::{Paused, TICK};

thread_local! {
    /// Runtimes that are as new, for the next processes on this thread.
    static AS_NEW: RefCell<Vec<Paused>> = const { RefCell::new(Vec::new()) };
}

/// A process of a worker. Its runtime's clock began at `began` of the run's time, a whole millisecond.
pub(crate) struct Process {
    worker: u32,
    runtime: Option<Paused>,
    began: Time,
    /// All that is due by its clock has run, as far as it was not woken since.
    is_idle: Cell<bool>,
    /// Nothing of it is due before this moment, at which its clock may stand already.
    next: Cell<Option<Time>>,
    /// Tasks of the run that its timers have woken at `next`.
    held: RefCell<Vec<Waker>>,
    /// The moment at which it has last run beside others.
    has_run_at: Cell<Time>,
}

impl Process {
    pub(crate) fn new(ground: &Ground, worker: u32, now: Time, patience: Duration) -> Rc<Process> {
        let kept = AS_NEW.with_borrow_mut(Vec::pop);
        let runtime = kept.unwrap_or_else(|| Paused::new(ground.seed ^ u64::from(worker)));
        let began = whole(now);
        runtime.begin(worker, ground.doorway.clone(), began, patience);
        Rc::new(Process {
            worker,
            runtime: Some(runtime),
            began,
            is_idle: Cell::new(false),
            next: Cell::new(None),
            held: RefCell::default(),
            has_run_at: Cell::new(now),
        })
    }

    fn runtime(&self) -> &Paused {
        match &self.runtime {
            Some(runtime) => runtime,
            None => unreachable!("a process has its runtime until it is dropped"),
        }
    }

    /// A moment of the run, by the runtime's clock.
    fn at(&self, time: Time) -> Duration {
        time.since(self.began)
    }

    pub(crate) fn worker(&self) -> u32 {
        self.worker
    }

    /// The present moment.
    pub(crate) fn now(&self) -> Time {
        self.began + self.runtime().elapsed()
    }

    pub(crate) fn tasks(&self) -> usize {
        self.runtime().tasks()
    }

    /// Calls code inside it. `false` if its clock is ahead, so that this try of the run is void.
    pub(crate) fn enter(&self, now: Time, code: &mut dyn FnMut()) -> bool {
        self.is_idle.set(false);
        let is_right = !self.is_beyond(now);
        self.runtime().enter(self.at(now), code);
        is_right
    }

    /// Lets time go on to `until`, or to where `news` is ready. No other process goes on.
    pub(crate) fn wait(&self, now: Time, until: Time, news: &mut News<'_>) {
        self.is_idle.set(false);
        // It stood still: what is overdue comes first, all at once.
        if self.now() < now && self.runtime().step(self.at(now), news) {
            return;
        }
        self.runtime().wait(self.at(until), news);
    }

    /// Says whether it has gone on beside others, and something of it is not yet its turn.
    pub(crate) fn is_ahead(&self) -> bool {
        self.next.get().is_some()
    }

    /// Says whether its clock is beyond `at`: nothing can happen in it then.
    pub(crate) fn is_beyond(&self, at: Time) -> bool {
        self.next_after(at).is_some() && self.now() > at
    }

    /// The moment before which nothing of it is due, if that is later than `at`.
    pub(crate) fn next_after(&self, at: Time) -> Option<Time> {
        self.next.get().filter(|next| *next > at)
    }

    /// The moment at which it has last run beside others.
    pub(crate) fn has_run_at(&self) -> Time {
        self.has_run_at.get()
    }

    /// Says whether code outside it has woken a task of its runtime.
    pub(crate) fn is_woken(&self) -> bool {
        self.runtime().woken() > 0
    }

    /// Says whether something of it may be due at `at`.
    pub(crate) fn is_due(&self, at: Time) -> bool {
        !self.is_idle.get() || self.next.get().is_some_and(|next| next <= at) || self.is_woken()
    }

    /// Moves its clock to `at`, unless it is there or has still to run, and lets its timers fire: nothing of it runs.
    pub(crate) fn reach(&self, ground: &Ground, at: Time) {
        if self.is_idle.get() && self.next_after(at).is_none() && self.now() < at {
            let woken = ground.hold_wakes(&mut || self.runtime().reach(self.at(at)));
            self.held.borrow_mut().extend(woken);
            self.next.set(Some(at));
        }
    }

    /// Lets its clock go on to where a timer fires, and not beyond `limit`. Nothing of it runs. Gives where it is due again.
    pub(crate) fn go_ahead(&self, ground: &Ground, limit: Time) -> Time {
        let mut next = limit;
        if self.now() < whole(limit) {
            let mut reached = Duration::ZERO;
            let woken = ground.hold_wakes(&mut || reached = self.runtime().go_ahead(self.at(whole(limit))));
            self.held.borrow_mut().extend(woken);
            next = self.began + reached;
        }
        self.next.set(Some(next));
        next
    }

    /// Lets everything run that is due at `at`. `true` if `news` was ready before, or its jobs do not come to their end.
    pub(crate) fn run(&self, at: Time, news: &mut News<'_>) -> bool {
        self.next.set(None);
        self.has_run_at.set(at);
        self.held.take().into_iter().for_each(Waker::wake);
        let is_news = self.runtime().step(self.at(at), news);
        self.is_idle.set(!is_news);
        is_news || self.runtime().pool().is_stuck()
    }

    /// Lets blocking jobs come to their end.
    pub(crate) fn settle(&self) -> Result<(), String> {
        self.runtime().settle();
        self.runtime().pool().error().map_or(Ok(()), Err)
    }

    /// It has crashed: jobs that have not begun never run.
    pub(crate) fn crash(&self) {
        self.runtime().pool().abandon();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        runtime.settle();
        runtime.pool().end();
        if let Some(as_new) = runtime.into_new() {
            // Fails only while the thread ends.
            let _ = AS_NEW.try_with(|kept| kept.borrow_mut().push(as_new));
        }
    }
}

/// The last whole tick by this moment.
fn whole(time: Time) -> Time {
    Time::from_nanos(time.as_nanos() - time.as_nanos() % TICK.as_nanos() as u64)
}
