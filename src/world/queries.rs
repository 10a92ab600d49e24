//! Queries: a question to a workflow's code, from being asked to being answered.
//!
//! A query sees what was sent to the workflow before it: it waits until the workflow has no task, which is until all
//! news is taken in. It also waits for a worker. A workflow that is not in the worker's cache is replayed for it, a closed
//! one too.

use std::sync::Arc;
use std::task::{Poll, Waker};

use super::agenda::{Todo, Wakeup};
use super::core::{Core, World};
use super::query::{Query, QueryKey};
use super::workflow_tasks::unwound_problem;
use crate::program::{Failure, Payload};
use crate::service::{Ready, WorkflowKey};
use crate::trace::{What, Who, WorkerKey};
use crate::worker::instance::{Instance, TaskProblem};
use crate::worker::process::Process;
use crate::worker::turn::Turn;

impl Core {
    /// Asks a workflow. It takes a hand-over until a worker has it; [`poll_query`](Core::poll_query) gives the answer.
    pub(crate) fn ask(&mut self, workflow: WorkflowKey, name: Arc<str>, input: Payload) -> QueryKey {
        let key = self.queries.push(Query::new(workflow, name, input));
        self.agenda.wake_at(self.agenda.after(self.settings.dispatch_latency), Wakeup::Query(key));
        key
    }

    /// The answer, once: a failure if the code has none.
    pub(super) fn poll_query(&mut self, query: QueryKey, waker: &Waker) -> Poll<Result<Payload, Failure>> {
        self.queries[query].poll(waker)
    }

    /// A query has got to where the worker polls.
    pub(super) fn offer_query(&mut self, key: QueryKey) {
        let query = &self.queries[key];
        if !query.is_waiting() {
            return;
        }
        let workflow = query.workflow();
        self.waiting_queries.entry(workflow).or_default().insert(key);
        if self.service.workflow(workflow).has_task() {
            return;
        }
        let Some(worker) = self.choose_worker(Ready::Workflow { workflow, stamp: 0 }) else { return };
        match self.workers[worker].process() {
            Process::Frozen { until } if until > self.agenda.now() => self.agenda.wake_at(until, Wakeup::Query(key)),
            _ => self.agenda.then(Todo::Query { query: key, worker }),
        }
    }

    /// Offers the waiting queries again: their workflows may be ready for them now.
    pub(super) fn offer_queries(&mut self) {
        let mut waiting: Vec<QueryKey> = self.waiting_queries.values().flatten().copied().collect();
        waiting.sort_unstable();
        for query in waiting {
            self.offer_query(query);
        }
    }

    /// The workflow's task is done, which queries to it have waited for.
    pub(super) fn offer_queries_to(&mut self, workflow: WorkflowKey) {
        let Some(waiting) = self.waiting_queries.get(&workflow) else { return };
        for query in waiting.clone() {
            self.offer_query(query);
        }
    }
}

impl World {
    /// A worker answers a query.
    pub(super) fn handle_query(&self, key: QueryKey, worker: WorkerKey) {
        let (workflow, name, input) = {
            let mut core = self.core.borrow_mut();
            let workflow = core.queries[key].workflow();
            // News of this very moment goes first; the query is offered again behind it.
            // A renewed task has come with the queries that have waited for it.
            let has_task = core.service.workflow(workflow).has_task() && !core.workflows[workflow].is_renewed();
            if core.workers[worker].process() != Process::Up || has_task {
                return;
            }
            let Some((name, input)) = core.queries[key].begin() else { return };
            if let Some(waiting) = core.waiting_queries.get_mut(&workflow) {
                waiting.remove(&key);
            }
            (workflow, name, input)
        };
        let answer = self.query(worker, workflow, key, name, input);
        let waker = self.core.borrow_mut().queries[key].answer(answer);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Asks the worker's instance of a workflow that has no task, or one made by replay.
    fn query(
        &self,
        worker: WorkerKey,
        workflow: WorkflowKey,
        query: QueryKey,
        name: Arc<str>,
        input: Payload,
    ) -> Result<Payload, Failure> {
        let cached = {
            let mut core = self.core.borrow_mut();
            let hosted = &mut core.workflows[workflow];
            let (elsewhere, cached) = (hosted.move_to(worker), hosted.take_cached());
            if let Some(instance) = elsewhere {
                core.agenda.then(Todo::Evict(instance));
            }
            cached
        };
        let replayed = cached.is_none();
        let instance = match cached {
            Some(instance) => Ok(instance),
            None => {
                self.instantiate(workflow, self.code_of(worker)).and_then(|instance| self.replay(workflow, instance))
            }
        };
        let asked = instance.and_then(|mut instance| {
            let asked = self.run_workflow(Some(workflow), || instance.query(query.index() as u32, name.clone(), input));
            match asked.unwrap_or_else(|unwound| Err(unwound_problem(unwound))) {
                Ok(answer) => Ok((instance, answer)),
                Err(problem) => {
                    let _ = self.run_workflow(Some(workflow), || drop(instance));
                    Err(problem)
                }
            }
        });
        let mut core = self.core.borrow_mut();
        let answer = match asked {
            Ok((instance, answer)) => {
                if replayed {
                    let events = core.service.history(workflow).len() as u32;
                    core.note(Who::Workflow(workflow), What::Replayed(events));
                }
                if core.error.is_some() {
                    core.dead.keep_instance(instance);
                } else if core.service.workflow(workflow).is_open() {
                    core.workflows[workflow].put_back(instance);
                } else {
                    core.agenda.then(Todo::Evict(instance));
                }
                answer.map_err(Arc::unwrap_or_clone)
            }
            Err(problem) => Err(Failure::application("QueryFailed", problem.to_string())),
        };
        let bytes = match &answer {
            Ok(answer) => core.trace.store(answer.as_bytes()),
            Err(failure) => core.trace.store_failure_text(failure),
        };
        let index = core.trace.store_answer(name, bytes);
        core.note(Who::Workflow(workflow), What::QueryAnswered(index));
        answer
    }

    /// Brings a fresh instance to where the workflow's code has got.
    fn replay(&self, workflow: WorkflowKey, mut instance: Instance) -> Result<Instance, TaskProblem> {
        let mut turn = Turn::default();
        self.take_past_turns(workflow, &mut instance, &mut turn)?;
        let core = self.core.borrow();
        // No task is open: what has come since the last one, such as the workflow's end, is no news for the code.
        let updates = std::iter::empty();
        instance.present_turn(core.service.history(workflow), None, updates, core.agenda.now(), &mut turn);
        Ok(instance)
    }
}
