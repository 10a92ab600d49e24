//! [`Tokio`]: the host of a run.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use durasim::Time;
use durasim::program::{Ground, Host, News};
use tokio::runtime::Handle;

use crate::TokioOptions;
use crate::process::Process;
use crate::runtime::TICK;

/// The host of a run: a process for each worker that has run something.
pub(crate) struct Tokio {
    ground: Ground,
    options: TokioOptions,
    processes: RefCell<BTreeMap<u32, Rc<Process>>>,
    /// Processes that crashed: nothing of them runs, destructors included, until the run is over.
    crashed: RefCell<Vec<Rc<Process>>>,
    /// The one that runs.
    turn: RefCell<Option<Rc<Process>>>,
}

impl Tokio {
    /// # Errors
    /// Inside a runtime another one cannot wait.
    pub(crate) fn new(ground: Ground, options: TokioOptions) -> Result<Tokio, String> {
        if Handle::try_current().is_ok() {
            return Err("a simulation with `.tokio()` brings its own runtime, and cannot run inside one: make the test a plain \
                        `#[test] fn`, not `#[tokio::test] async fn`"
                .to_owned());
        }
        let processes = RefCell::default();
        Ok(Tokio { ground, options, processes, crashed: RefCell::default(), turn: RefCell::default() })
    }

    /// The process of a worker, which begins when something is to run there.
    fn process(&self, worker: u32, now: Time) -> Rc<Process> {
        let mut processes = self.processes.borrow_mut();
        let new = || Process::new(&self.ground, worker, now, self.options.patience);
        processes.entry(worker).or_insert_with(new).clone()
    }

    /// All go on together, a tick at a time: nobody can ask a runtime for its next timer.
    fn wait_in_lockstep(&self, workers: &[u32], now: Time, until: Time, news: &mut News<'_>) -> Time {
        let mut at = now;
        loop {
            for worker in workers {
                let process = self.process(*worker, at);
                self.turn.replace(Some(process.clone()));
                if process.step(at, news) {
                    return at.max(process.now());
                }
            }
            if at >= until {
                return at;
            }
            let tick = TICK.as_nanos() as u64;
            at = until.min(Time::from_nanos((at.as_nanos() / tick + 1) * tick));
        }
    }
}

impl Host for Tokio {
    fn enter(&self, worker: u32, now: Time, code: &mut dyn FnMut()) {
        self.process(worker, now).enter(now, code);
    }

    fn wait(&self, workers: &[u32], now: Time, until: Time, mut news: News<'_>) -> Time {
        let [worker] = workers else { return self.wait_in_lockstep(workers, now, until, &mut news) };
        let process = self.process(*worker, now);
        self.turn.replace(Some(process.clone()));
        process.wait(now, until, &mut news);
        process.now()
    }

    fn settle(&self) -> Result<(), String> {
        self.processes.borrow().values().try_for_each(|process| process.settle())
    }

    fn now(&self) -> Time {
        self.turn.borrow().as_ref().map_or(Time::ZERO, |process| process.now())
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
