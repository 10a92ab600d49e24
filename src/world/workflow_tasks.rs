//! A workflow task on its worker: replay if needed, the code's turn, the answer.

use std::sync::Arc;

use super::agenda::{Todo, Wakeup};
use super::answering::Answering;
use super::core::{Core, World};
use super::error::RunError;
use super::hosted_workflow::Held;
use super::local_task::Waiting;
use super::logging;
use super::setup::Setup;
use crate::fault::{Fault, Site};
use crate::program::panics::Unwound;
use crate::program::{Command, Span, TaskFailure, WorkflowStart, list_names, places};
use crate::service::{Code, Dialect, EventKind, TaskToken, WorkflowKey, WorkflowTask};
use crate::trace::{What, Who, WorkerKey};
use crate::worker::instance::{Instance, TaskProblem};
use crate::worker::replay;
use crate::worker::turn::Turn;

impl Core {
    /// A workflow task reaches its worker.
    pub(super) fn hand_over_workflow_task(&mut self, worker: WorkerKey, workflow: WorkflowKey, stamp: u32) {
        // The task's own timeout runs from here, whatever becomes of its worker.
        let task = self.serve(|service, now| service.take_workflow_task(workflow, stamp, now));
        let Some(task) = task else { return };
        // A worker that has run local activities for it did not answer in time.
        self.drop_local_task(workflow);
        self.begin_task(worker, workflow, task);
    }

    /// A worker has a workflow task.
    pub(super) fn begin_task(&mut self, worker: WorkerKey, workflow: WorkflowKey, task: WorkflowTask) {
        let now = self.agenda.now();
        let hosted = &mut self.workflows[workflow];
        let number = hosted.task_number();
        let (attempt, elsewhere) = hosted.task_taken_by(worker);
        let polls = hosted.count_task(now);
        // It is dropped while nothing is borrowed, also where the task ends the run.
        if let Some(instance) = elsewhere {
            self.agenda.then(Todo::Evict(instance));
        }
        if polls > self.settings.poll_budget {
            let name = &self.trace.workflows()[workflow];
            let task = format!("workflow `{}`", name.workflow_type);
            self.fail(RunError::Busy { task, polls: polls - 1, at: now });
            return;
        }
        self.note(Who::Workflow(workflow), What::TaskStarted { task: number, attempt });
        // A repeated attempt is at the same coordinate: only the first is a point.
        let is_point = attempt == 1 && !self.has_weary_local(workflow);
        let fault = if is_point { self.strike_workflow(workflow, Site::Task(number)) } else { None };
        match fault {
            Some(Fault::Crash) => {
                self.crash_worker(worker);
                return;
            }
            Some(fault @ (Fault::Deploy(_) | Fault::Rollback(_))) => {
                self.deploy(fault);
                // A worker that stops gracefully answers the task that it has.
                if !self.workers[worker].is_alive() {
                    return;
                }
            }
            // While the task is open: its answer cannot know.
            Some(Fault::Cancel) => {
                self.cancel_workflow(workflow);
            }
            Some(Fault::Evicted) => {
                self.drop_local_task(workflow);
                if let Some(instance) = self.workflows[workflow].take_cached() {
                    self.note(Who::Workflow(workflow), What::Evicted);
                    self.agenda.then(Todo::Evict(instance));
                }
            }
            _ => {}
        }
        let answer = match fault {
            Some(Fault::CompletionLost) => Answering::Lost,
            Some(Fault::AnswerLost) => Answering::Unheard,
            Some(Fault::Late(length)) => Answering::Late(length),
            Some(Fault::Signal) => Answering::AfterSignal,
            _ => Answering::AtOnce,
        };
        self.agenda.then(Todo::WorkflowTask { worker, workflow, task, answer });
    }

    /// A worker's answer to a workflow task arrives at the service.
    fn answer_task(&mut self, token: TaskToken, worker: WorkerKey, instance: Instance, commands: &[Command]) {
        let who = Who::Workflow(token.workflow);
        self.note(who, What::TaskCompleted(commands.len() as u32));
        let sticky = self.sticky_timeout();
        self.serve_then(
            |service, now| service.complete_and_stick(token, commands, sticky, now),
            |core, answer| match answer {
                Ok(()) => core.answer_taken(token.workflow, worker, instance, sticky),
                // The code has gone ahead of its history.
                Err(refused) => {
                    if refused.code == Code::NotFound {
                        core.note(who, What::Refused);
                    }
                    core.agenda.then(Todo::Evict(instance));
                }
            },
        );
        self.offer_queries_to(token.workflow);
    }

    /// The service has taken a worker's answer to a workflow task.
    pub(super) fn answer_taken(&mut self, workflow: WorkflowKey, worker: WorkerKey, instance: Instance, sticky: Span) {
        let version = self.version_of(Some(worker));
        if !sticky.is_zero() {
            let process = self.process_of(worker);
            self.workflows[workflow].stick_to(process);
        }
        let events = self.trace.events().len();
        let failed = self.workflows[workflow].answered_by(worker, version, instance, events);
        if self.healed_task.is_none() {
            self.healed_task = failed;
        }
        self.keep_to_cache(worker);
        if !self.holds.is_empty() {
            self.task_answered(workflow);
        }
    }

    /// The worker answers a task, or a fault keeps the answer back.
    pub(super) fn answer(&mut self, worker: WorkerKey, waiting: Waiting) {
        let Waiting { task, instance, mut turn, answered } = waiting;
        match answered {
            Answering::Lost => {
                self.note(Who::Workflow(task.token.workflow), What::TaskCompleted(turn.commands.len() as u32));
                // The worker learns of the error and forgets the workflow, whose state is ahead of the service.
                self.agenda.then(Todo::Evict(instance));
            }
            Answering::Late(_) | Answering::AfterSignal => {
                let TaskToken { workflow, stamp } = task.token;
                if let Answering::Late(length) = answered {
                    let at = self.agenda.after(length);
                    self.agenda.wake_at(at, Wakeup::AnswerTask { workflow, stamp });
                }
                let held = Held::new(task.token, worker, instance, std::mem::take(&mut turn.commands));
                let held = if answered == Answering::AfterSignal { held.until_signal() } else { held };
                if let Some(older) = self.workflows[workflow].hold(held) {
                    self.agenda.then(Todo::Evict(older));
                }
            }
            Answering::AtOnce => self.answer_task(task.token, worker, instance, &turn.commands),
            Answering::Unheard => {
                self.answer_task(task.token, worker, instance, &turn.commands);
                self.forget_unheard(task.token.workflow);
            }
        }
        self.turn = turn;
    }

    /// How long tasks wait on a worker's own queue, which one has that keeps workflows in a cache.
    pub(super) fn sticky_timeout(&self) -> Span {
        let has_queues = self.settings.cached_workflows > 0 && self.service.dialect() == Dialect::Temporal;
        if has_queues { self.settings.sticky_timeout.into() } else { Span::ZERO }
    }

    /// The worker has not heard that its answer was taken. It sends that again, is refused, and forgets the workflow.
    pub(super) fn forget_unheard(&mut self, workflow: WorkflowKey) {
        self.note(Who::Workflow(workflow), What::Refused);
        // One that has closed is forgotten already.
        if let Some(instance) = self.workflows[workflow].take_cached() {
            self.note(Who::Workflow(workflow), What::Evicted);
            self.agenda.then(Todo::Evict(instance));
        }
    }

    /// The worker forgets the workflows that have had no task for longest, beyond those that its cache may have.
    fn keep_to_cache(&mut self, worker: WorkerKey) {
        if self.settings.cached_workflows == u32::MAX {
            return;
        }
        let is_cached = |key: &WorkflowKey| {
            self.workflows[*key].cached_by() == Some(worker) && self.service.workflow(*key).is_open()
        };
        let mut cached: Vec<WorkflowKey> = self.workflows.keys().filter(is_cached).collect();
        cached.sort_by_key(|key| std::cmp::Reverse(self.workflows[*key].answered_at()));
        for key in cached.split_off(cached.len().min(self.settings.cached_workflows as usize)) {
            if let Some(instance) = self.workflows[key].take_cached() {
                self.note(Who::Workflow(key), What::Evicted);
                self.agenda.then(Todo::Evict(instance));
            }
        }
    }

    /// A signal has arrived: an answer that was held for one leaves its worker next.
    pub(super) fn answer_after_signal(&mut self, workflow: WorkflowKey) {
        if let Some(TaskToken { workflow, stamp }) = self.workflows[workflow].signal_arrived() {
            self.agenda.wake_now(Wakeup::AnswerTask { workflow, stamp });
        }
    }

    /// A late answer leaves its worker.
    pub(super) fn answer_late(&mut self, workflow: WorkflowKey) {
        if let Some(held) = self.workflows[workflow].take_held() {
            let (token, worker, instance, commands) = held.into_parts();
            self.answer_task(token, worker, instance, &commands);
        }
    }

    /// The workflow waits for something that a replay would not bring.
    pub(super) fn fail_foreign_wake(&mut self, workflow: WorkflowKey, instance: Instance) {
        let name = self.trace.workflows()[workflow].workflow_type.clone();
        self.fail(RunError::foreign_wait(&name));
        self.dead.keep_instance(instance);
    }
}

impl World {
    /// Runs the workflow's code for one task and answers it.
    pub(super) fn handle_workflow_task(
        &self,
        worker: WorkerKey,
        workflow: WorkflowKey,
        task: WorkflowTask,
        answered: Answering,
    ) {
        let (cached, mut turn) = {
            let mut core = self.core.borrow_mut();
            let mut cached = core.workflows[workflow].take_cached();
            // Woken since its last task: it may find now what it waited for, and a replay would not.
            if let Some(instance) = cached.take_if(|instance| instance.foreign_wake()) {
                core.fail_foreign_wake(workflow, instance);
                return;
            }
            (cached, std::mem::take(&mut core.turn))
        };
        let replayed = cached.is_none();
        let instance = cached.map_or_else(|| self.instantiate(workflow, self.code_of(worker)), Ok);
        let answer = instance.and_then(|mut instance| match self.take_turns(&task, &mut instance, &mut turn) {
            Ok(()) => Ok(instance),
            Err(problem) => {
                let _ = self.run_workflow(Some(workflow), || drop(instance));
                Err(problem)
            }
        });
        let mut core = self.core.borrow_mut();
        if core.error.is_some() {
            if let Ok(instance) = answer {
                core.dead.keep_instance(instance);
            }
            return;
        }
        let instance = match answer {
            Ok(instance) => instance,
            Err(problem) => return core.fail_task(task, worker, &problem),
        };
        if replayed && core.workflows[workflow].task_number() > 1 {
            let events = core.service.history(workflow).len() as u32;
            core.note(Who::Workflow(workflow), What::Replayed(events));
        }
        if instance.has_open_locals() {
            core.expect_renewal(&task);
        }
        self.finish_turn(core, worker, Waiting { task, instance, turn, answered });
    }

    pub(super) fn instantiate(&self, workflow: WorkflowKey, code: &Arc<Setup>) -> Result<Instance, TaskProblem> {
        let (info, input) = {
            let core = self.core.borrow();
            let record = core.service.workflow(workflow);
            let input = match &record.history()[0].kind {
                EventKind::WorkflowExecutionStarted { input, .. } => input.clone(),
                other => unreachable!("a history begins with its start, not with {other:?}"),
            };
            (record.info().clone(), input)
        };
        let program = code.workflow(&info.workflow_type);
        let Some(program) = program else {
            if self.setup.knows_workflow(&info.workflow_type) {
                return Err(TaskProblem::NotRegistered { name: info.workflow_type.clone() });
            }
            let known = list_names(code.workflows());
            self.core.borrow_mut().fail(RunError::UnknownWorkflow { name: info.workflow_type.to_string(), known });
            return Err(TaskProblem::Unwound);
        };
        match self.run_workflow(Some(workflow), || program.instantiate(info, &WorkflowStart::new(input), code.clone()))
        {
            Ok(run) => Ok(Instance::new(run?)),
            Err(unwound) => Err(unwound_problem(unwound)),
        }
    }

    fn take_turns(&self, task: &WorkflowTask, instance: &mut Instance, turn: &mut Turn) -> Result<(), TaskProblem> {
        let workflow = task.token.workflow;
        self.take_past_turns(workflow, instance, turn)?;
        {
            let core = self.core.borrow();
            let updates = core.service.sent_updates(workflow);
            instance.present_turn(core.service.history(workflow), Some(task), updates, core.agenda.now(), turn);
        }
        self.take_turn(workflow, instance, turn)
    }

    pub(super) fn take_turn(
        &self,
        workflow: WorkflowKey,
        instance: &mut Instance,
        turn: &mut Turn,
    ) -> Result<(), TaskProblem> {
        places::forget_asked();
        let replaying = turn.activation.replaying;
        match self.run_workflow(Some(workflow), || logging::in_replay(replaying, || instance.take_turn(turn))) {
            Ok(answer) => answer,
            Err(unwound) => Err(unwound_problem(unwound)),
        }
    }

    /// Brings an instance to where the workflow's code has got: it re-lives what an instance before it has answered.
    pub(super) fn take_past_turns(
        &self,
        workflow: WorkflowKey,
        instance: &mut Instance,
        turn: &mut Turn,
    ) -> Result<(), TaskProblem> {
        loop {
            {
                let core = self.core.borrow();
                if !instance.past_turn(core.service.history(workflow), turn) {
                    return Ok(());
                }
            }
            self.take_turn(workflow, instance, turn)?;
            replay::compare(self.core.borrow().service.history(workflow), turn.answer.clone(), &turn.commands)?;
        }
    }
}

pub(super) fn unwound_problem(unwound: Unwound) -> TaskProblem {
    match unwound {
        Unwound::Panic(panic) => TaskProblem::Code(TaskFailure::Panicked { message: panic.message }),
        Unwound::Other(_) => TaskProblem::Unwound,
    }
}
