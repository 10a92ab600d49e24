//! [`Tokio`]: the host of a run.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use durasim::Time;
use durasim::program::{Ground, Host, News};
use tokio::runtime::Handle;

use crate::TokioOptions;
use crate::process::Process;
use crate::together::{Together, Turn};

/// The host of a run: a process for each worker that has run something.
pub(crate) struct Tokio {
    ground: Ground,
    options: TokioOptions,
    processes: RefCell<BTreeMap<u32, Rc<Process>>>,
    /// Processes that crashed: nothing of them runs, destructors included, until the run is over.
    crashed: RefCell<Vec<Rc<Process>>>,
    /// The one that runs.
    turn: Turn,
    together: Together,
}

impl Tokio {
    /// # Errors
    /// Inside a runtime another one cannot wait.
    pub(crate) fn new(ground: Ground, options: TokioOptions) -> Result<Tokio, String> {
        if Handle::try_current().is_ok() {
            return Err("a simulation with `.tokio()` brings its own runtime, and cannot run inside one: make the test a plain \
                        `#[test] fn`, not `#[tokio::test] async fn`. In an activity of another simulation that has `.tokio()`, \
                        too, it needs a thread of its own"
                .to_owned());
        }
        let together = Together::new(ground.clone());
        let processes = RefCell::default();
        Ok(Tokio { ground, options, processes, crashed: RefCell::default(), turn: RefCell::default(), together })
    }

    /// The process of a worker, which begins when something is to run there.
    fn process(&self, worker: u32, now: Time) -> Rc<Process> {
        let mut processes = self.processes.borrow_mut();
        let new = || Process::new(&self.ground, worker, now, self.options.patience);
        processes.entry(worker).or_insert_with(new).clone()
    }
}

impl Host for Tokio {
    fn enter(&self, worker: u32, now: Time, code: &mut dyn FnMut()) {
        if !self.process(worker, now).enter(now, code) {
            self.together.too_far(worker, now);
        }
    }

    fn wait(&self, workers: &[u32], now: Time, until: Time, mut news: News<'_>) -> Time {
        if let [worker] = workers {
            let process = self.process(*worker, now);
            if !process.is_ahead() {
                self.turn.replace(Some(process.clone()));
                process.wait(now, until, &mut news);
                return process.now();
            }
        }
        let processes: Vec<_> = workers.iter().map(|worker| self.process(*worker, now)).collect();
        self.together.wait(&processes, &self.turn, now, until, &mut news)
    }

    fn settle(&self) -> Result<(), String> {
        self.processes.borrow().values().try_for_each(|process| process.settle())
    }

    fn now(&self) -> Time {
        self.turn.borrow().as_ref().map_or(Time::ZERO, |process| process.now())
    }

    fn running(&self) -> Option<u32> {
        self.turn.borrow().as_ref().map(|process| process.worker())
    }

    fn worker_gone(&self, worker: u32, crashed: bool) {
        let Some(gone) = self.processes.borrow_mut().remove(&worker) else { return };
        self.turn.take();
        if crashed {
            gone.crash();
            self.crashed.borrow_mut().push(gone);
        }
    }

    fn tasks(&self, worker: u32) -> usize {
        self.processes.borrow().get(&worker).map_or(0, |process| process.tasks())
    }
}
