//! The things that code asks of other workflows, and the end of a run that goes on as another one.

use std::collections::BTreeMap;
use std::sync::Arc;

use crabdance_workflow::commands::{
    ContinueAsNewWorkflowCommand, RequestCancelExternalWorkflowCommand, SignalExternalWorkflowCommand,
    StartChildWorkflowCommand,
};
use durasim::program::{ChildStart, Command, ContinueAsNew, Payload, Seq, Target, TaskFailure};

use super::{Asked, Kind, Phase, Sink, State, locked};
use crate::options::{child, next_run};
use crate::other_error::{child_cancelled, child_exists};
use crate::waiting::{Answer, Places};

/// The children, signals and cancel requests of a workflow.
#[derive(Default)]
pub(super) struct OtherWorkflows {
    pub(super) children: Places,
    /// The children that have not started, and whether they are to be cancelled as soon as they have.
    starting: BTreeMap<Seq, bool>,
    pub(super) signals: Places,
    pub(super) cancels: Places,
    /// The run that is to follow this one.
    next_run: Option<Arc<ContinueAsNew>>,
}

impl Sink {
    pub(super) fn start_child(&self, state: &mut State, asked: StartChildWorkflowCommand) -> Asked {
        if asked.options.workflow_id.is_empty() {
            // The client has given it the next number of its count as its id.
            self.count(state, &asked.workflow_id);
        }
        match child(asked, &self.run) {
            Ok(spec) => {
                let seq = state.others.children.add();
                state.others.starting.insert(seq, false);
                state.commands.push(Command::StartChild { seq, spec: Arc::new(spec) });
                Asked::Place(Kind::Child, seq)
            }
            Err(what) => state.refuse(what),
        }
    }

    pub(super) fn signal(&self, state: &mut State, asked: SignalExternalWorkflowCommand) -> Asked {
        self.count(state, &asked.signal_id);
        let seq = state.others.signals.add();
        state.commands.push(Command::SignalWorkflow {
            seq,
            target: target(&asked.workflow_id, asked.run_id),
            name: asked.signal_name.into(),
            input: Payload::limited(asked.args.unwrap_or_default()),
        });
        Asked::Place(Kind::Signal, seq)
    }

    pub(super) fn request_cancel(&self, state: &mut State, asked: RequestCancelExternalWorkflowCommand) -> Asked {
        self.count(state, &asked.cancellation_id);
        let seq = state.others.cancels.add();
        let target = target(&asked.workflow_id, asked.run_id);
        state.commands.push(Command::CancelWorkflow { seq, target, reason: Arc::from("") });
        Asked::Place(Kind::Cancel, seq)
    }

    /// The run is over: nothing is asked for any more, and the code is not gone on with.
    pub(super) fn continue_as_new(&self, state: &mut State, asked: ContinueAsNewWorkflowCommand) -> Asked {
        state.others.next_run = Some(Arc::new(next_run(asked, &self.run)));
        state.phase = Phase::Leaving;
        Asked::Never
    }

    /// The run that the code has asked to be followed by.
    pub(crate) fn next_run(&self) -> Option<Arc<ContinueAsNew>> {
        locked(&self.state).others.next_run.clone()
    }

    /// A child has started, or cannot. Gives the answer to the code, if that is its end.
    pub(crate) fn child_started(&self, seq: Seq, start: &ChildStart) -> Result<Option<Answer>, TaskFailure> {
        let state = &mut *locked(&self.state);
        let cancel = state.others.starting.remove(&seq).unwrap_or(false);
        match start {
            ChildStart::Started { .. } => {
                state.commands.extend(cancel.then(|| cancel_of_child(seq)));
                Ok(None)
            }
            ChildStart::AlreadyExists => Ok(Some(Err(child_exists()))),
            ChildStart::Cancelled(_) => Ok(Some(Err(child_cancelled()))),
            other => Err(TaskFailure::Unsupported(format!("a child that started as {other:?}"))),
        }
    }
}

impl OtherWorkflows {
    /// The workflow is to be cancelled: so are its children, each as soon as it has started.
    ///
    /// Source: cadence-client `internal/workflow.go` (`ExecuteChildWorkflow`).
    pub(super) fn cancel_children(&mut self, commands: &mut Vec<Command>) {
        for seq in self.children.open() {
            match self.starting.get_mut(&seq) {
                Some(cancel) => *cancel = true,
                None => commands.push(cancel_of_child(seq)),
            }
        }
    }
}

/// Cadence gives no reason.
fn cancel_of_child(seq: Seq) -> Command {
    Command::CancelChild { seq, reason: Arc::from("") }
}

/// A workflow by its id. An empty run is none, as for the server.
fn target(workflow_id: &str, run_id: Option<String>) -> Target {
    let run_id = run_id.filter(|run| !run.is_empty()).map(Arc::from);
    Target::Workflow { workflow_id: workflow_id.into(), run_id }
}
