//! Replaying the histories of a run that is over, to see whether the workflows' code asks for the same again.

use super::core::World;
use super::run::Run;
use crate::program::places::Called;
use crate::service::{EventKind, HistoryEvent, WorkflowKey};
use crate::trace::{Trace, What, Who};
use crate::worker::drift::{Drift, drift};
use crate::worker::instance::{Instance, TaskProblem};
use crate::worker::replay;
use crate::worker::turn::Turn;

/// The most replays of one history. A longer one is replayed after so many of its tasks, evenly spread.
const MOST: usize = 200;

/// The point at which a replay does otherwise.
pub(crate) struct Difference {
    /// Which workflow, by its key.
    pub(crate) workflow: WorkflowKey,
    pub(crate) what: Otherwise,
    /// The trace events of what differs, by index.
    pub(crate) events: Vec<usize>,
    /// The call of the command that differs.
    pub(crate) call: Option<Called>,
}

/// The two kinds of differences.
pub(crate) enum Otherwise {
    /// A worker would notice it, and fail the task.
    Noticed(TaskProblem),
    /// Nobody would.
    Drifts(Drift),
}

/// Where an instance is lost and a fresh one begins with a replay.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Lost {
    /// After each workflow task in turn.
    AfterEachTask,
    /// After the last one.
    AtTheEnd,
}

impl Run {
    /// Replays the history of each workflow with fresh instances, and finds the first difference. The run stays as it is.
    pub(crate) fn replay_difference(&self, lost: Lost) -> Option<Difference> {
        let world = self.world();
        let entered = world.enter(None);
        let names = self.trace().workflows().iter();
        let workflows = names.filter(|(_, name)| !name.is_activity).map(|(workflow, _)| workflow);
        let difference = { workflows }.find_map(|workflow| {
            let (what, event) = world.replay_difference(workflow, lost)?;
            let call = match &what {
                Otherwise::Noticed(TaskProblem::NonDeterministic { call, .. }) => *call,
                Otherwise::Noticed(_) => None,
                Otherwise::Drifts(drift) => drift.call,
            };
            let core = world.core.borrow();
            let history = core.service.history(workflow);
            let event = event.and_then(|event| event_index(self.trace(), workflow, history, event));
            Some(Difference { workflow, what, events: event.into_iter().collect(), call })
        });
        let mut core = world.core.borrow_mut();
        // Mistakes of the code on another way were found by the run itself.
        core.error = None;
        drop(core);
        drop(entered);
        difference
    }
}

impl World {
    fn replay_difference(&self, workflow: WorkflowKey, lost: Lost) -> Option<(Otherwise, Option<usize>)> {
        let tasks = {
            let core = self.core.borrow();
            let history = core.service.history(workflow);
            history.iter().filter(|event| matches!(event.kind, EventKind::WorkflowTaskCompleted { .. })).count()
        };
        let stride = tasks.div_ceil(MOST).max(1);
        match lost {
            Lost::AtTheEnd => self.replay_tasks(workflow, tasks),
            Lost::AfterEachTask => {
                let lengths = (0..tasks).step_by(stride).map(|before| tasks - before);
                lengths.rev().find_map(|length| self.replay_tasks(workflow, length))
            }
        }
    }

    /// A fresh instance lives through the whole history. It is told that the first `replayed` tasks are a replay, as if it
    /// had taken over from one that was lost there.
    fn replay_tasks(&self, workflow: WorkflowKey, replayed: usize) -> Option<(Otherwise, Option<usize>)> {
        let mut instance = match self.instantiate(workflow, self.code_of_last_task(workflow)) {
            Ok(instance) => instance,
            Err(problem) => return Some((Otherwise::Noticed(problem), None)),
        };
        let difference = self.live_through(workflow, &mut instance, replayed);
        // Destructors of user code may panic.
        let _ = self.run_workflow(Some(workflow), || drop(instance));
        difference
    }

    fn live_through(
        &self,
        workflow: WorkflowKey,
        instance: &mut Instance,
        replayed: usize,
    ) -> Option<(Otherwise, Option<usize>)> {
        let mut turn = Turn::default();
        for task in 0.. {
            {
                let core = self.core.borrow();
                if !instance.past_turn(core.service.history(workflow), &mut turn) {
                    return None;
                }
            }
            turn.activation.replaying = task < replayed;
            if let Err(problem) = self.take_turn(workflow, instance, &mut turn) {
                return Some((Otherwise::Noticed(problem), None));
            }
            let core = self.core.borrow();
            let history = core.service.history(workflow);
            let Turn { answer, commands, .. } = &turn;
            if let Err(problem) = replay::compare(history, answer.clone(), commands) {
                return Some((Otherwise::Noticed(problem), Some(answer.start)));
            }
            if let Some(drift) = drift(history, answer.clone(), commands) {
                let event = drift.event;
                return Some((Otherwise::Drifts(drift), Some(event)));
            }
        }
        None
    }
}

/// The trace event of a history event that a command has brought about.
fn event_index(trace: &Trace, workflow: WorkflowKey, history: &[HistoryEvent], event: usize) -> Option<usize> {
    let first = |who: Who, wanted: &dyn Fn(What) -> bool| {
        trace.events().iter().position(|event| event.who == who && wanted(event.what))
    };
    match history.get(event)?.kind {
        EventKind::ActivityTaskScheduled { .. } => {
            let scheduled = |event: &HistoryEvent| matches!(event.kind, EventKind::ActivityTaskScheduled { .. });
            let before = history[..event].iter().filter(|event| scheduled(event)).count();
            let mut activities = trace.activities().iter().filter(|(_, name)| name.workflow == workflow);
            let (activity, _) = activities.nth(before)?;
            first(Who::Activity(activity), &|what| matches!(what, What::Scheduled(_)))
        }
        EventKind::TimerStarted { seq, .. } => {
            let starts = |what| matches!(what, What::TimerStarted { timer, .. } if timer == seq);
            first(Who::Workflow(workflow), &starts)
        }
        EventKind::WorkflowExecutionCompleted { .. }
        | EventKind::WorkflowExecutionFailed { .. }
        | EventKind::WorkflowExecutionCanceled { .. }
        | EventKind::WorkflowExecutionContinuedAsNew { .. } => first(Who::Workflow(workflow), &What::closes_workflow),
        _ => None,
    }
}
