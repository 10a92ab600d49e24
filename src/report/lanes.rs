//! [`Lanes`]: the places of a run's things in a viewer of traces, with the slices that are open there.

use crate::service::{ActivityKey, WorkflowKey};
use crate::trace::{AttemptKey, Trace, Who, WorkerKey};

/// A thread of a process, as viewers of traces call it. No two lanes have the same `tid`, since some viewers take it for
/// unique, and none is 0, which means the idle thread to them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Lane {
    pub(super) pid: u32,
    pub(super) tid: u32,
}

impl Lane {
    fn index(self) -> usize {
        self.tid as usize
    }
}

/// The process of the service. Worker 1 is the next.
const SERVICE: u32 = 1;

/// The lane of the run as a whole.
const RUN: usize = 1;

/// The lanes of a run: one for the run, then those of its workflows, activities, workers and attempts, in this order.
pub(super) struct Lanes<'a> {
    trace: &'a Trace,
    workers: usize,
    /// The names of the slices that are open in each lane, by its `tid`, the outer one first.
    open: Vec<Vec<String>>,
}

impl<'a> Lanes<'a> {
    pub(super) fn of(trace: &'a Trace) -> Lanes<'a> {
        let numbers = trace.events().iter().map(|event| match event.who {
            Who::Worker(worker) => worker.number(),
            _ => 0,
        });
        let workers = numbers.max().unwrap_or_default();
        let lanes = trace.workflows().len() + trace.activities().len() + workers + trace.attempts().len();
        Lanes { trace, workers, open: vec![Vec::new(); RUN + 1 + lanes] }
    }

    /// Gives the lane of this thing. Attempts stand with their worker, all else but workers with the service.
    pub(super) fn of_whom(&self, who: Who) -> Lane {
        let workflows = RUN + 1;
        let activities = workflows + self.trace.workflows().len();
        let workers = activities + self.trace.activities().len();
        let attempts = workers + self.workers;
        let (pid, tid) = match who {
            Who::Run => (SERVICE, RUN),
            Who::Workflow(key) => (SERVICE, workflows + key.index()),
            Who::Activity(key) => (SERVICE, activities + key.index()),
            Who::Worker(key) => (SERVICE + key.number() as u32, workers + key.index()),
            Who::Attempt(key) => (SERVICE + self.trace.attempts()[key].worker.number() as u32, attempts + key.index()),
        };
        Lane { pid, tid: tid as u32 }
    }

    /// Lists the things that have lanes, in the order of these.
    pub(super) fn all(&self) -> Vec<Who> {
        let mut all = vec![Who::Run];
        all.extend((0..self.trace.workflows().len()).map(|index| Who::Workflow(WorkflowKey::at(index))));
        all.extend((0..self.trace.activities().len()).map(|index| Who::Activity(ActivityKey::at(index))));
        all.extend((0..self.workers).map(|index| Who::Worker(WorkerKey::at(index))));
        all.extend((0..self.trace.attempts().len()).map(|index| Who::Attempt(AttemptKey::at(index))));
        all
    }

    /// Lists the processes with their names.
    pub(super) fn processes(&self) -> Vec<(u32, String)> {
        let workers = (1..=self.workers).map(|worker| (SERVICE + worker as u32, format!("worker {worker}")));
        std::iter::once((SERVICE, "service".to_owned())).chain(workers).collect()
    }

    /// Opens a slice.
    pub(super) fn open(&mut self, lane: Lane, name: String) {
        self.open[lane.index()].push(name);
    }

    /// Closes the innermost slice of a lane that has more than `level` of them, and gives its name.
    pub(super) fn close(&mut self, lane: Lane, level: usize) -> Option<String> {
        let open = &mut self.open[lane.index()];
        if open.len() > level { open.pop() } else { None }
    }

    /// Counts the open slices of a lane.
    pub(super) fn depth(&self, lane: Lane) -> usize {
        self.open[lane.index()].len()
    }
}
