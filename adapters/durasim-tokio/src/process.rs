//! [`Process`]: a process of a worker, with a runtime of its own.

use std::cell::RefCell;
use std::rc::Rc;
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
    runtime: Option<Paused>,
    began: Time,
}

impl Process {
    pub(crate) fn new(ground: &Ground, worker: u32, now: Time, patience: Duration) -> Rc<Process> {
        let kept = AS_NEW.with_borrow_mut(Vec::pop);
        let runtime = kept.unwrap_or_else(|| Paused::new(ground.seed ^ u64::from(worker)));
        let began = Time::from_nanos(now.as_nanos() - now.as_nanos() % TICK.as_nanos() as u64);
        runtime.begin(worker, ground.doorway.clone(), began, patience);
        Rc::new(Process { runtime: Some(runtime), began })
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

    /// The present moment.
    pub(crate) fn now(&self) -> Time {
        self.began + self.runtime().elapsed()
    }

    pub(crate) fn tasks(&self) -> usize {
        self.runtime().tasks()
    }

    pub(crate) fn enter(&self, now: Time, code: &mut dyn FnMut()) {
        self.runtime().enter(self.at(now), code);
    }

    /// Lets time go on to `until`, or to where `news` is ready.
    pub(crate) fn wait(&self, now: Time, until: Time, news: &mut News<'_>) {
        // It stood still: what is overdue comes first, all at once.
        if self.now() < now && self.step(now, news) {
            return;
        }
        self.runtime().wait(self.at(until), news);
    }

    /// Lets everything run that is due by `to`. `true` if `news` was ready before.
    pub(crate) fn step(&self, to: Time, news: &mut News<'_>) -> bool {
        self.runtime().step(self.at(to), news)
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
