//! [`Start`]: a simulation with the workflow to start, and how a run of it begins and ends.

use std::sync::Arc;
use std::time::Duration;

use super::error::RunError;
use super::finished::{Finished, Run};
use super::setup::{Setup, known};
use super::world::{HostedWorkflow, World};
use crate::engine::choice::Choice;
use crate::engine::panics::{self, NOT_TEXT, Unwound};
use crate::fault::inject::Injector;
use crate::fault::swarm::Swarm;
use crate::fault::{Entry, Order, Plan, Site};
use crate::program::Payload;
use crate::service::StartWorkflow;
use crate::trace::{What, Who, WorkflowName};
use crate::worker::process::Worker;

/// All that a run needs but its plan.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub(crate) setup: Arc<Setup>,
    pub(crate) workflow: Arc<str>,
    pub(crate) input: Result<Payload, RunError>,
}

/// Where a run's faults come from.
#[derive(Clone, Copy, Debug)]
enum Faults<'a> {
    /// With the dispatch delays of deadlines, where they have any.
    Planned(&'a [Entry], &'a [Option<Duration>]),
    Swarm,
}

impl Start {
    /// A run with the faults of a plan.
    pub(crate) fn run(&self, plan: &Plan) -> Finished {
        let delays = self.dispatch_delays(plan);
        self.execute(plan.seed, plan.order, Faults::Planned(&plan.entries, &delays))
    }

    /// Where the deadline is the activity's schedule-to-close, it is met by dispatching the attempt later, which leaves its
    /// heartbeats alone. How much later is found by a run without these entries.
    fn dispatch_delays(&self, plan: &Plan) -> Vec<Option<Duration>> {
        let is_deadline = |entry: &Entry| matches!(entry.point.site, Site::Deadline(_));
        if !plan.entries.iter().any(is_deadline) {
            return Vec::new();
        }
        let others: Vec<Entry> = plan.entries.iter().filter(|entry| !is_deadline(entry)).cloned().collect();
        let probe = self.execute(plan.seed, plan.order, Faults::Planned(&others, &[]));
        plan.entries.iter().map(|entry| probe.run.dispatch_delay(entry)).collect()
    }

    /// A run with faults drawn from a seed.
    pub(crate) fn run_swarm(&self, seed: u64, order: Order) -> Finished {
        self.execute(seed, order, Faults::Swarm)
    }

    /// Mistakes that can be found before any run.
    fn mistake(&self) -> Option<RunError> {
        if cfg!(panic = "abort") {
            return Some(RunError::Setup(
                "durasim needs unwinding panics: a simulated crash inside a call unwinds. Remove `panic = \"abort\"` from \
                 the profile that runs the tests"
                    .to_owned(),
            ));
        }
        if let Some(mistake) = self.setup.mistakes.first() {
            return Some(RunError::Setup(mistake.clone()));
        }
        if !self.setup.workflows.contains_key(&self.workflow) {
            let known = known(self.setup.workflows.keys());
            return Some(RunError::UnknownWorkflow { name: self.workflow.to_string(), known });
        }
        let workers = &self.setup.workers;
        if !workers.is_empty() && !workers.iter().any(|worker| worker.task_queue == self.setup.task_queue) {
            return Some(RunError::Setup(format!(
                "no worker polls the task queue `{}`, on which workflows run (polled: {}): add \
                 `.worker(WorkerOptions::default())`",
                self.setup.task_queue,
                known(workers.iter().map(|worker| &worker.task_queue))
            )));
        }
        self.input.as_ref().err().cloned()
    }

    fn execute(&self, seed: u64, order: Order, faults: Faults<'_>) -> Finished {
        panics::install_hook();
        let world = World::new(self.setup.clone());
        if let Some(mistake) = self.mistake() {
            return Finished { run: Run::new(world, seed, order), error: Some(mistake) };
        }
        let entered = world.enter();
        self.begin(&world, seed, order, faults);
        world.run_to_end();
        world.finish();
        drop(entered);
        let error = world.core.borrow_mut().error.take();
        Finished { run: Run::new(world, seed, order), error }
    }

    /// Makes the state, brings the worker up and starts the workflow.
    fn begin(&self, world: &World, seed: u64, order: Order, faults: Faults<'_>) {
        for state in &self.setup.states {
            match panics::catch(|| (state.make)()) {
                Ok(made) => world.states.borrow_mut().push((state.key, made)),
                Err(unwound) => {
                    let why = match unwound {
                        Unwound::Panic(panic) => panic.to_string(),
                        Unwound::Other(_) => NOT_TEXT.to_owned(),
                    };
                    let message = format!("making the state `{}` panicked: {why}", state.type_name);
                    world.core.borrow_mut().fail(RunError::Setup(message));
                    return;
                }
            }
        }
        let Ok(input) = &self.input else { return };
        let core = &mut **world.core.borrow_mut();
        core.service.set_dialect(self.setup.settings.dialect);
        core.trace.set_dialect(self.setup.settings.dialect);
        core.choice = Choice::new(seed);
        core.order = order;
        match faults {
            Faults::Planned(entries, delays) => {
                let delay = |place: usize| delays.get(place).copied().flatten();
                let entries = entries.iter().enumerate();
                core.injector.plan(entries.map(|(place, entry)| (entry.clone(), delay(place))));
            }
            Faults::Swarm => core.injector = Injector::Swarm(Swarm::new(&mut core.choice)),
        }
        if self.setup.workers.is_empty() {
            core.workers.push(Worker::new(self.setup.task_queue.clone(), 0));
        }
        let workers = self.setup.workers.iter();
        core.workers.extend(workers.map(|worker| Worker::new(worker.task_queue.clone(), worker.slots)));
        for worker in 0..core.workers.len() as u32 {
            core.note(Who::Worker(worker), What::WorkerStarted);
        }
        let start = StartWorkflow {
            workflow_id: self.workflow.clone(),
            run_id: self.workflow.clone(),
            workflow_type: self.workflow.clone(),
            task_queue: self.setup.task_queue.clone(),
            input: input.clone(),
            run_timeout: Default::default(),
            task_timeout: self.setup.settings.workflow_task_timeout.into(),
            random_seed: seed,
        };
        core.trace.name_workflow(WorkflowName {
            workflow_id: self.workflow.clone(),
            workflow_type: self.workflow.clone(),
            execution: 1,
        });
        core.workflows.push(HostedWorkflow::default());
        core.open_workflows += 1;
        let bytes = core.trace.store(input.as_bytes());
        core.note(Who::Workflow(0), What::WorkflowStarted(bytes));
        core.service.start_workflow(start, core.now);
        core.settle(&self.setup.settings);
    }
}

impl World {
    /// Notes what is left when a run is over.
    fn finish(&self) {
        let mut core = self.core.borrow_mut();
        let left = core.background.iter().filter(|background| background.task.is_some()).count() as u32;
        if left > 0 {
            core.note(Who::Run, What::TasksLeft(left));
        }
    }
}
