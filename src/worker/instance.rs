//! [`Instance`]: a workflow in a worker's cache, and the bookkeeping between its code and the service.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use thiserror::Error;

use crate::program::places::Called;
use crate::program::{
    Activation, ActivityId, ActivityResolution, ActivitySpec, CancellationType, ChildCancellation, ChildResolution,
    ChildSpec, ChildStart, Command, Details, Failure, FailureKind, Job, Payload, RetryState, Seq, TaskFailure, Time,
    WorkflowRun,
};

use super::cancellations::Cancellations;
use super::locals::{Locals, is_of_a_local};
use super::turn::Turn;

/// A workflow's code with what an SDK keeps beside it.
pub(crate) struct Instance {
    run: Box<dyn WorkflowRun>,
    /// The number of events of the history that have been taken in.
    pub(super) seen: usize,
    /// Says whether tasks that an instance before this one has answered are still to be taken in.
    pub(super) replaying: bool,
    /// The activities by sequence number, from 1. A number whose command never left the code has none.
    activities: Vec<Option<Pending>>,
    /// The children by their numbers.
    children: BTreeMap<Seq, PendingChild>,
    pub(super) locals: Locals,
    /// The clock and the length of the history at the last turn, which a query sees.
    now: Time,
    history_length: u64,
    history_size: u64,
    suggest_continue_as_new: bool,
}

/// An activity as the workflow's side knows it.
struct Pending {
    spec: Arc<ActivitySpec>,
    /// Says whether its future has been resolved: later news of the service is not for the code.
    resolved: bool,
}

/// The reason why a workflow task cannot be answered.
#[derive(Clone, PartialEq, Debug, Error)]
pub(crate) enum TaskProblem {
    #[error("{0}")]
    Code(#[from] TaskFailure),
    #[error("{message}")]
    NonDeterministic {
        message: String,
        /// The call of the command that differs, if there is one. No part of the message, which is the service's.
        call: Option<Called>,
    },
    /// The version of the code that the worker runs does not have the workflow, which another version has.
    #[error("workflow `{name}` is not registered on this worker")]
    NotRegistered { name: Arc<str> },
    /// The code was unwound with something of the harness's own.
    #[error("the workflow's code was unwound")]
    Unwound,
}

impl Instance {
    pub(crate) fn new(run: Box<dyn WorkflowRun>) -> Instance {
        Instance {
            run,
            seen: 0,
            replaying: true,
            activities: Vec::new(),
            children: BTreeMap::new(),
            locals: Locals::default(),
            now: Time::ZERO,
            history_length: 0,
            history_size: 0,
            suggest_continue_as_new: false,
        }
    }

    /// Says whether something outside the context woke the code.
    pub(crate) fn foreign_wake(&self) -> bool {
        self.run.foreign_wake()
    }

    /// Hands the code the news of one workflow task and notes what the code asks the service for. Empties the list of
    /// jobs.
    pub(crate) fn take_turn(&mut self, turn: &mut Turn) -> Result<(), TaskProblem> {
        let activation = &mut turn.activation;
        (self.now, self.history_length) = (activation.now, activation.history_length);
        (self.history_size, self.suggest_continue_as_new) =
            (activation.history_size, activation.suggest_continue_as_new);
        self.drop_unwanted(&mut activation.jobs);
        if !activation.jobs.is_empty() {
            self.activate(turn)?;
        }
        if turn.recorded.is_empty() { Ok(()) } else { self.recall_locals(turn) }
    }

    /// Hands the code the jobs of the turn, whose commands are empty, and notes what it asks for.
    fn activate(&mut self, turn: &mut Turn) -> Result<(), TaskProblem> {
        let Turn { activation, commands, .. } = turn;
        self.run.activate(activation, commands)?;
        let cancels = |command: &Command| {
            matches!(
                command,
                Command::CancelActivity { .. }
                    | Command::CancelTimer { .. }
                    | Command::CancelChild { .. }
                    | Command::CancelSignal { .. }
            )
        };
        if commands.iter().any(cancels) {
            self.apply_cancellations(turn)?;
        } else {
            for command in &*commands {
                self.note(command);
            }
            activation.jobs.clear();
        }
        if turn.commands.iter().any(is_of_a_local) { self.settle_locals(turn) } else { Ok(()) }
    }

    /// Hands the code these jobs too, at this time of its clock, within a turn whose commands are there.
    pub(super) fn activate_more(&mut self, turn: &mut Turn, jobs: Vec<Job>, now: Time) -> Result<(), TaskProblem> {
        self.now = now.max(self.now);
        let earlier = std::mem::take(&mut turn.commands);
        (turn.activation.jobs, turn.activation.now) = (jobs, self.now);
        self.activate(turn)?;
        turn.commands.splice(..0, earlier);
        Ok(())
    }

    /// The workflow's clock.
    pub(super) fn now(&self) -> Time {
        self.now
    }

    /// Carries out the rest of a turn in which the code cancels something. The code may get news of that within the
    /// turn, and then ask for more.
    fn apply_cancellations(&mut self, turn: &mut Turn) -> Result<(), TaskProblem> {
        let Turn { activation, commands, .. } = turn;
        let mut asked = std::mem::take(commands);
        let mut cancellations = Cancellations::default();
        loop {
            let fired: BTreeSet<Seq> = activation.jobs.iter().filter_map(fired).collect();
            asked.retain(|command| !is_too_late(command, &fired));
            activation.jobs.clear();
            for command in asked.drain(..) {
                self.note(&command);
                self.translate(command, commands, &mut activation.jobs, &mut cancellations);
            }
            if commands.last().is_some_and(Command::closes_workflow) {
                // Nobody cares any more about the end of activities that were cancelled in the same breath.
                activation.jobs.clear();
            }
            if activation.jobs.is_empty() {
                break;
            }
            self.run.activate(activation, &mut asked)?;
        }
        commands.retain(|command| !cancellations.takes_back(command));
        Ok(())
    }

    /// Asks the code about its state, which stays as it is.
    ///
    /// # Errors
    /// The error is [`TaskProblem::Code`] when the instance is of no use any more. A query that the code does not know
    /// or that fails is an answer.
    pub(crate) fn query(
        &mut self,
        id: u32,
        name: Arc<str>,
        input: Payload,
    ) -> Result<Result<Payload, Arc<Failure>>, TaskProblem> {
        let jobs = vec![Job::Query { id, name, input }];
        let activation = Activation::new(self.now, jobs)
            .history_length(self.history_length)
            .history_size(self.history_size, self.suggest_continue_as_new);
        let mut commands = Vec::new();
        self.run.activate(&activation, &mut commands)?;
        match <[Command; 1]>::try_from(commands) {
            Ok([Command::QueryAnswer { id: answered, result }]) if answered == id => Ok(result),
            _ => Err(TaskFailure::Misuse("a query is answered with exactly one `QueryAnswer` command".into()).into()),
        }
    }

    fn note(&mut self, command: &Command) {
        if let Command::ScheduleActivity { seq, spec } = command {
            assert!(*seq > 0, "activities are numbered from 1");
            let index = *seq as usize - 1;
            if self.activities.len() <= index {
                self.activities.resize_with(index + 1, || None);
            }
            self.activities[index] = Some(Pending { spec: spec.clone(), resolved: false });
        }
        if let Command::StartChild { seq, spec } = command {
            let child = PendingChild { spec: spec.clone(), run_id: None, resolved: false };
            self.children.insert(*seq, child);
        }
    }

    /// Applies the cancellation type, which decides whether the service is asked, and whether the code is notified at
    /// once.
    ///
    /// Source: crate temporalio-sdk-core 0.10.1 `src/worker/workflow/machines/activity_state_machine.rs`.
    fn translate(
        &mut self,
        command: Command,
        commands: &mut Vec<Command>,
        jobs: &mut Vec<Job>,
        cancellations: &mut Cancellations,
    ) {
        match command {
            Command::CancelChild { seq, reason } => {
                return self.cancel_child(seq, reason, commands, jobs, cancellations);
            }
            Command::CancelSignal { seq } => return cancellations.take_back_signal(seq, jobs),
            _ => {}
        }
        let Command::CancelActivity { seq } = command else {
            match command {
                Command::ScheduleActivity { seq, .. } => cancellations.unsent.insert(seq),
                Command::StartChild { seq, .. } => cancellations.unsent_children.insert(seq),
                Command::SignalWorkflow { seq, .. } => cancellations.unsent_signals.insert(seq),
                _ => false,
            };
            commands.push(command);
            return;
        };
        let pending = self.activities.get_mut(seq as usize - 1).and_then(Option::as_mut);
        let Some(pending) = pending.filter(|pending| !pending.resolved) else { return };
        let resolve_now = if cancellations.unsent.remove(&seq) {
            // It is cancelled before its schedule command left, which is then never sent.
            cancellations.taken_back.insert(seq);
            true
        } else {
            match pending.spec.cancellation {
                CancellationType::Abandon => true,
                CancellationType::TryCancel => {
                    commands.push(command);
                    true
                }
                CancellationType::WaitCancellationCompleted => {
                    commands.push(command);
                    false
                }
            }
        };
        if resolve_now {
            pending.resolved = true;
            jobs.push(Job::ActivityDone { seq, result: pending.cancelled(seq) });
        }
    }

    /// Applies the child's cancellation, as [`translate`](Instance::translate) does for an activity.
    ///
    /// Source: crate temporalio-sdk-core 0.10.1 `src/worker/workflow/machines/child_workflow_state_machine.rs`.
    fn cancel_child(
        &mut self,
        seq: Seq,
        reason: Arc<str>,
        commands: &mut Vec<Command>,
        jobs: &mut Vec<Job>,
        cancellations: &mut Cancellations,
    ) {
        let Some(child) = self.children.get_mut(&seq).filter(|child| !child.resolved) else { return };
        if cancellations.unsent_children.remove(&seq) {
            cancellations.children_taken_back.insert(seq);
            child.resolved = true;
            jobs.push(Job::ChildStarted { seq, result: ChildStart::Cancelled(child.cancelled(BEFORE_IT_STARTED)) });
            return;
        }
        if child.spec.cancellation != ChildCancellation::Abandon {
            commands.push(Command::CancelChild { seq, reason });
        }
        if matches!(child.spec.cancellation, ChildCancellation::Abandon | ChildCancellation::TryCancel) {
            child.resolved = true;
            let failure = child.cancelled("Child Workflow execution canceled");
            jobs.push(match child.run_id {
                Some(_) => Job::ChildDone { seq, result: ChildResolution::Cancelled(failure) },
                None => Job::ChildStarted { seq, result: ChildStart::Cancelled(failure) },
            });
        }
    }

    /// Takes out the news of the service about activities and children whose futures have been resolved.
    fn drop_unwanted(&mut self, jobs: &mut Vec<Job>) {
        jobs.retain_mut(|job| match job {
            Job::ActivityDone { seq, .. } => self.resolve(*seq),
            Job::ChildStarted { .. } | Job::ChildDone { .. } | Job::ChildCancelRequested { .. } => {
                self.is_wanted_of_child(job)
            }
            _ => true,
        });
    }

    /// Takes in the news of a child. A request to cancel that has arrived is no news to the code, but may be the end for
    /// it.
    fn is_wanted_of_child(&mut self, job: &mut Job) -> bool {
        let (Job::ChildStarted { seq, .. } | Job::ChildDone { seq, .. } | Job::ChildCancelRequested { seq }) = &*job
        else {
            return true;
        };
        let seq = *seq;
        let Some(child) = self.children.get_mut(&seq).filter(|child| !child.resolved) else { return false };
        match job {
            Job::ChildStarted { result: ChildStart::Started { run_id }, .. } => child.run_id = Some(run_id.clone()),
            Job::ChildCancelRequested { .. } => {
                if child.spec.cancellation != ChildCancellation::WaitCancellationRequested {
                    return false;
                }
                child.resolved = true;
                let failure = child.cancelled("Child Workflow execution canceled");
                *job = Job::ChildDone { seq, result: ChildResolution::Cancelled(failure) };
            }
            _ => child.resolved = true,
        }
        true
    }

    fn resolve(&mut self, seq: Seq) -> bool {
        self.activities
            .get_mut(seq as usize - 1)
            .and_then(Option::as_mut)
            .is_some_and(|pending| !std::mem::replace(&mut pending.resolved, true))
    }
}

/// The message for a child that is cancelled in the task that asks for it.
const BEFORE_IT_STARTED: &str = "Child Workflow execution cancelled before scheduled";

/// A child as the workflow's side knows it.
struct PendingChild {
    spec: Arc<ChildSpec>,
    /// Its first run, once it has started.
    run_id: Option<Arc<str>>,
    /// Says whether its end is known to the code: later news of the service is not for it.
    resolved: bool,
}

impl PendingChild {
    fn cancelled(&self, message: &str) -> Arc<Failure> {
        let cause = Failure::new("Child Workflow canceled", FailureKind::Canceled { details: Details::Absent });
        let kind = FailureKind::ChildWorkflow {
            workflow_type: self.spec.workflow_type.clone(),
            workflow_id: self.spec.workflow_id.clone(),
            run_id: self.run_id.clone().unwrap_or_default(),
            initiated_event_id: 0,
            started_event_id: 0,
            retry_state: RetryState::CancelRequested,
        };
        Arc::new(Failure::new(message, kind).caused_by(cause))
    }
}

/// The timer that has fired by this job.
fn fired(job: &Job) -> Option<Seq> {
    match job {
        Job::FireTimer(seq) => Some(*seq),
        _ => None,
    }
}

/// Says whether a command cancels a timer that has fired by the jobs at hand. This happens where a cancel request
/// stands before the firing in the history. The service would refuse to cancel the timer.
///
/// Source: crate temporalio-sdk-core 0.10.1 `src/worker/workflow/machines/timer_state_machine.rs`: the machine has taken
/// in the firing before the code gets anything, and its end state ignores a cancellation.
fn is_too_late(command: &Command, fired: &BTreeSet<Seq>) -> bool {
    matches!(command, Command::CancelTimer { seq } if fired.contains(seq))
}

impl Pending {
    fn cancelled(&self, seq: Seq) -> ActivityResolution {
        let id = self.spec.activity_id.clone().map_or(ActivityId::Seq(seq), ActivityId::Named);
        let cause =
            Failure { message: "".into(), kind: FailureKind::Canceled { details: Details::Absent }, cause: None };
        ActivityResolution::Cancelled(Arc::new(Failure {
            message: "Activity cancelled".into(),
            kind: FailureKind::Activity {
                activity_type: self.spec.activity_type.clone(),
                activity_id: id.to_string().into(),
                scheduled_event_id: 0,
                started_event_id: 0,
                retry_state: RetryState::CancelRequested,
            },
            cause: Some(Arc::new(cause)),
        }))
    }
}
