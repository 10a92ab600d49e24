//! [`EventPlaces`]: the lines of user code behind the events of a trace.

use std::collections::BTreeMap;

use crate::program::places::{Asked, Called, Places};
use crate::service::WorkflowKey;

/// The table says how far code had come when each event was noted. It is no part of the trace, and only kept in runs that
/// are made to be told of.
#[derive(Debug, Default)]
pub(super) struct EventPlaces {
    /// They are kept by event.
    events: BTreeMap<usize, Places>,
    /// They are the calls behind the commands of workflows.
    commands: BTreeMap<(WorkflowKey, Asked), Called>,
}

impl EventPlaces {
    /// Keeps how far the code had come that an event is about.
    pub(super) fn keep(&mut self, event: usize, places: Places) {
        self.events.insert(event, places);
    }

    /// Gives how far the code had come that an event is about.
    pub(super) fn of_event(&self, event: usize) -> Option<Places> {
        self.events.get(&event).copied()
    }

    /// Keeps the call by which a workflow asks for something.
    pub(super) fn keep_command(&mut self, workflow: WorkflowKey, asked: Asked, call: Called) {
        self.commands.insert((workflow, asked), call);
    }

    /// Gives the call by which a workflow has asked for something.
    pub(super) fn of_command(&self, workflow: WorkflowKey, asked: Asked) -> Option<Places> {
        self.commands.get(&(workflow, asked)).map(|call| Places::of(*call))
    }
}
