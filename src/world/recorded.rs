//! Replaying a history that was recorded elsewhere against the code of today.

use std::iter;
use std::rc::Rc;
use std::sync::Arc;

use super::core::World;
use super::error::RunError;
use super::host::note_panic;
use super::logging;
use super::run::Run;
use super::shown::Cause;
use super::start::Start;
use super::user_code::{place, who_runs};
use super::watchdog;
use crate::fault::planned::Planned;
use crate::fault::{Order, Plan};
use crate::program::{Payload, RunInfo, list_names, panics, places};
use crate::service::{EventKind, HistoryEvent, WorkflowKey};
use crate::worker::instance::{Instance, TaskProblem};
use crate::worker::recorded::Numbers;
use crate::worker::replay;
use crate::worker::turn::Turn;

/// The reason why the code does not go the way of a history.
pub(crate) enum Unlike {
    /// The simulation has a mistake.
    Setup(RunError),
    /// No workflow of this type is registered; those that are.
    NotRegistered { known: String },
    /// The history has no task that was answered.
    NothingAnswered,
    /// The code asks for something else.
    Differs {
        /// The id of the event that the command should have brought about, or that of the answer to the task.
        event: u64,
        words: String,
        place: Option<String>,
    },
    /// The code cannot answer a task.
    Fails {
        /// The id of the event that answered the task, or that of the start of a task that has no answer.
        event: u64,
        words: String,
        place: Option<String>,
    },
}

impl Start {
    /// Replays a history against the code of its workflow, and gives the number of tasks whose answers were compared.
    ///
    /// # Errors
    /// The error is the first difference.
    pub(crate) fn replay(
        &self,
        info: &Arc<RunInfo>,
        input: &Payload,
        events: Vec<HistoryEvent>,
    ) -> Result<u32, Unlike> {
        panics::install_hook(who_runs, note_panic);
        logging::install(place);
        watchdog::start();
        if let Some(mistake) = self.mistake() {
            return Err(Unlike::Setup(mistake));
        }
        if self.setup().workflow(&info.workflow_type).is_none() {
            return Err(Unlike::NotRegistered { known: list_names(self.setup().workflows()) });
        }
        let world = World::new(self.setup().clone());
        let wanted = places::want(true);
        let entered = world.enter(Some(Cause::Plan(Plan::none())));
        let order = Order::default();
        self.begin(&world, 0, order, Box::new(Planned::new(&[], &[])), None);
        let mistake = world.core.borrow_mut().error.take();
        let replayed = match mistake {
            Some(mistake) => Err(Unlike::Setup(mistake)),
            None => world.replay_recorded(info, input, events),
        };
        drop(entered);
        places::want(wanted);
        // A run drops what is left with its world around it.
        drop(Run::new(world, 0, order));
        replayed
    }
}

impl World {
    fn replay_recorded(
        self: &Rc<World>,
        info: &Arc<RunInfo>,
        input: &Payload,
        mut events: Vec<HistoryEvent>,
    ) -> Result<u32, Unlike> {
        let workflow = {
            let mut core = self.core.borrow_mut();
            core.serve(|service, now| service.adopt(info.clone(), input.clone(), now))
        };
        let first = events.first().map_or(0, |first| first.id);
        let mut instance =
            self.instantiate(workflow, &self.setup).map_err(|problem| self.fails(workflow, first, problem))?;
        let replayed = self.replay_events(workflow, &mut instance, &mut events);
        // Destructors of user code may panic.
        let _ = self.run_workflow(Some(workflow), || drop(instance));
        replayed
    }

    fn replay_events(
        &self,
        workflow: WorkflowKey,
        instance: &mut Instance,
        events: &mut [HistoryEvent],
    ) -> Result<u32, Unlike> {
        let mut turn = Turn::default();
        let mut numbers = Numbers::default();
        let mut tasks = 0;
        loop {
            numbers.number_news(events);
            if !instance.past_turn(events, &mut turn) {
                break;
            }
            // The event before the commands' is the answer.
            let answered = turn.answer.start as u64;
            self.take_turn(workflow, instance, &mut turn).map_err(|problem| self.fails(workflow, answered, problem))?;
            numbers.learn(events, turn.answer.clone(), &turn.commands);
            if let Some(mismatch) = replay::mismatch(events, turn.answer.clone(), &turn.commands) {
                let place = mismatch.call.map(|call| call.to_string());
                return Err(Unlike::Differs { event: mismatch.event, words: mismatch.words, place });
            }
            tasks += 1;
        }
        self.take_open_task(workflow, instance, events, &mut turn)?;
        if tasks == 0 { Err(Unlike::NothingAnswered) } else { Ok(tasks) }
    }

    /// Runs the code for a task that a worker had when the history was written: one on which a workflow is stuck fails again.
    fn take_open_task(
        &self,
        workflow: WorkflowKey,
        instance: &mut Instance,
        events: &[HistoryEvent],
        turn: &mut Turn,
    ) -> Result<(), Unlike> {
        for event in events.iter().rev() {
            match event.kind {
                EventKind::WorkflowTaskStarted { .. } => {
                    instance.present_turn(events, None, iter::empty(), event.at, turn);
                    let taken = self.take_turn(workflow, instance, turn);
                    return taken.map_err(|problem| self.fails(workflow, event.id, problem));
                }
                EventKind::WorkflowTaskCompleted { .. }
                | EventKind::WorkflowExecutionTerminated { .. }
                | EventKind::WorkflowExecutionTimedOut { .. } => return Ok(()),
                _ => {}
            }
        }
        Ok(())
    }

    fn fails(&self, workflow: WorkflowKey, event: u64, problem: TaskProblem) -> Unlike {
        let mut core = self.core.borrow_mut();
        let words = match (&problem, core.error.take()) {
            (TaskProblem::Unwound, Some(error)) => error.to_string(),
            _ => problem.to_string(),
        };
        Unlike::Fails { event, words, place: core.workflows[workflow].places().words() }
    }
}
