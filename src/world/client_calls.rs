//! The calls of a script's client to the run.

use std::sync::Arc;
use std::task::{Context, Poll};

use super::core::World;
use super::network::LateSignalKey;
use super::query::QueryKey;
use super::update::{UpdateCallKey, WaitStage};
use crate::program::{ActivityId, Details, Extensions, Failure, Payload, Time, list_names};
use crate::service::{
    HeartbeatAnswer, Refused, Service, StartActivity, StartAnswer, StartWorkflow, UpdateStage, WorkflowKey,
    WorkflowOutcome,
};
use crate::trace::WorkerKey;

impl World {
    /// Starts a workflow of a registered type.
    ///
    /// # Errors
    /// The error is the answer of the service.
    pub(crate) fn start_workflow(&self, start: StartWorkflow) -> Result<StartAnswer, Refused> {
        self.core.borrow_mut().start_workflow(start)
    }

    /// Starts an activity of a registered type without a workflow.
    ///
    /// # Errors
    /// The error is the answer of the service.
    pub(crate) fn start_activity(&self, start: StartActivity) -> Result<StartAnswer, Refused> {
        self.core.borrow_mut().serve(|service, now| service.start_activity(start, now))
    }

    /// The registered name of an activity, shared. The error names those that there are.
    pub(crate) fn activity_type(&self, name: &str) -> Result<Arc<str>, String> {
        self.setup.known_activity_name(name).ok_or_else(|| list_names(self.setup.activities()))
    }

    /// Sends a heartbeat for an attempt by the id of its activity.
    ///
    /// # Errors
    /// The error is the answer of the service.
    pub(crate) fn heartbeat_by_id(
        &self,
        run: WorkflowKey,
        id: &ActivityId,
        details: Details,
    ) -> Result<HeartbeatAnswer, Refused> {
        let core = &mut **self.core.borrow_mut();
        let order = core.agenda.reserve();
        core.serve(|service, now| service.heartbeat_by_id(run, id, details, now, order))
    }

    /// The queue that the first worker polls.
    pub(crate) fn task_queue(&self) -> Arc<str> {
        self.setup.task_queue().clone()
    }

    /// Says whether a worker polls this queue; if none does, the error names those that are polled.
    pub(crate) fn check_queue(&self, queue: &str) -> Result<(), String> {
        let core = self.core.borrow();
        let is_polled = core.workers.task_queues().any(|polled| **polled == *queue);
        if is_polled { Ok(()) } else { Err(list_names(core.workers.task_queues())) }
    }

    /// Finds the newest run of the workflow of an id.
    pub(crate) fn find_workflow(&self, id: &str) -> Option<WorkflowKey> {
        self.core.borrow().service.newest_run(id)
    }

    /// Gives the settings that adapters have left in the simulation.
    pub(crate) fn extensions(&self) -> Extensions {
        self.setup.extensions().clone()
    }

    /// Gives the number of the run, and says whether the code that is running has crashed.
    pub(crate) fn asks(&self) -> (u64, bool) {
        let core = self.core.borrow();
        (core.run, core.running_dead())
    }

    /// The registered name of a workflow, shared.
    pub(crate) fn workflow_type(&self, name: &str) -> Option<Arc<str>> {
        self.setup.workflow_name(name)
    }

    /// The registered workflows, in words.
    pub(crate) fn workflow_types(&self) -> String {
        list_names(self.setup.workflows())
    }

    /// Looks at the service as it is.
    pub(crate) fn inspect<R>(&self, look: impl FnOnce(&Service) -> R) -> R {
        look(&self.core.borrow().service)
    }

    /// Calls the service.
    ///
    /// # Errors
    /// The error is the answer of the service.
    pub(crate) fn serve(&self, call: impl FnOnce(&mut Service, Time) -> Result<(), Refused>) -> Result<(), Refused> {
        self.core.borrow_mut().serve(call)
    }

    /// Sends a signal: to one run alone, or to the run of its chain that is open when it arrives. One
    /// that is on a slow way is given back; [`poll_signal`](World::poll_signal) gives the answer.
    ///
    /// # Errors
    /// The error is the answer of the service.
    pub(crate) fn send_signal(
        &self,
        workflow: WorkflowKey,
        name: &str,
        input: Payload,
        is_for_run: bool,
    ) -> Result<Option<LateSignalKey>, Refused> {
        self.core.borrow_mut().send_signal(workflow, name.into(), input, is_for_run)
    }

    /// The answer to a signal on a slow way, once.
    pub(crate) fn poll_signal(&self, signal: LateSignalKey, context: &Context<'_>) -> Poll<Result<(), Refused>> {
        self.core.borrow_mut().network.poll_answer(signal, context.waker())
    }

    /// Sends an update to a run. Gives its id, too, which it is given if it has none. [`poll_update`](World::poll_update) tells
    /// of it.
    pub(crate) fn send_update(
        &self,
        workflow: WorkflowKey,
        id: Option<Arc<str>>,
        name: &str,
        input: Payload,
    ) -> (UpdateCallKey, Arc<str>) {
        self.core.borrow_mut().send_update(workflow, id, name.into(), input)
    }

    /// Asks for an update that was sent to a run before.
    pub(crate) fn ask_for_update(&self, workflow: WorkflowKey, id: &str) -> UpdateCallKey {
        self.core.borrow_mut().ask_for_update(workflow, id)
    }

    /// The stage that an update has reached, once it is the one that the caller waits for, or the end.
    pub(crate) fn poll_update(
        &self,
        call: UpdateCallKey,
        until: WaitStage,
        context: &Context<'_>,
    ) -> Poll<Result<UpdateStage, Refused>> {
        self.core.borrow_mut().poll_update(call, until, context.waker())
    }

    /// Asks a workflow; [`poll_query`](World::poll_query) gives the answer.
    pub(crate) fn ask(&self, workflow: WorkflowKey, name: &str, input: Payload) -> QueryKey {
        self.core.borrow_mut().ask(workflow, name.into(), input)
    }

    /// The answer to a query, once.
    pub(crate) fn poll_query(&self, query: QueryKey, context: &Context<'_>) -> Poll<Result<Payload, Failure>> {
        self.core.borrow_mut().poll_query(query, context.waker())
    }

    /// How the last run of a chain has closed.
    pub(crate) fn poll_outcome_of_chain(&self, first: WorkflowKey, context: &Context<'_>) -> Poll<WorkflowOutcome> {
        let newest = self.inspect(|service| service.newest_in_chain(first));
        self.poll_outcome(newest, context)
    }

    /// How a run has closed.
    pub(crate) fn poll_outcome(&self, workflow: WorkflowKey, context: &Context<'_>) -> Poll<WorkflowOutcome> {
        let core = &mut **self.core.borrow_mut();
        match core.service.workflow(workflow).outcome() {
            Some(outcome) => Poll::Ready(outcome.clone()),
            None => {
                core.workflows[workflow].wait(context.waker().clone());
                Poll::Pending
            }
        }
    }

    /// The worker of this number, from 1, which there must be.
    #[track_caller]
    fn worker(&self, number: usize) -> WorkerKey {
        let workers = self.core.borrow().workers.len();
        assert!(
            (1..=workers).contains(&number),
            "there is no worker {number}: the simulation has {workers}, which are counted from 1"
        );
        WorkerKey::at(number - 1)
    }

    /// Tells a worker to stop.
    #[track_caller]
    pub(crate) fn stop_worker(&self, number: usize) {
        let worker = self.worker(number);
        self.core.borrow_mut().stop_worker(worker);
    }

    /// Brings up a new process of a worker that is down.
    #[track_caller]
    pub(crate) fn start_worker(&self, number: usize) {
        let worker = self.worker(number);
        self.core.borrow_mut().start_worker(worker);
    }
}
