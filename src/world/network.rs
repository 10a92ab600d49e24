//! [`Network`]: what is on a slow way to the service.

use std::sync::Arc;

use crate::program::{Payload, Table, Time, key};
use crate::service::{Refused, Service, WorkflowKey};
use crate::worker::message::Message;

key! {
    /// Which of the messages on a slow way.
    pub(crate) struct MessageKey;
}

key! {
    /// Which of the signals on a slow way.
    pub(crate) struct LateSignalKey;
}

/// A signal on a slow way.
#[derive(Debug)]
pub(super) struct LateSignal {
    workflow: WorkflowKey,
    name: Arc<str>,
    input: Payload,
}

impl LateSignal {
    /// A signal to this workflow that takes its time.
    pub(super) fn new(workflow: WorkflowKey, name: Arc<str>, input: Payload) -> LateSignal {
        LateSignal { workflow, name, input }
    }

    /// It reaches the service.
    ///
    /// # Errors
    /// The answer of the service.
    pub(super) fn reach(self, service: &mut Service, now: Time) -> Result<(), Refused> {
        service.signal(self.workflow, self.name, self.input, now)
    }
}

/// Messages and signals on a slow way, until they arrive.
#[derive(Debug, Default)]
pub(super) struct Network {
    messages: Table<MessageKey, Option<Message>>,
    signals: Table<LateSignalKey, Option<LateSignal>>,
}

impl Network {
    /// Takes a worker's message on its way.
    pub(super) fn send_message(&mut self, message: Message) -> MessageKey {
        self.messages.push(Some(message))
    }

    /// The message arrives.
    pub(super) fn message_arrives(&mut self, message: MessageKey) -> Option<Message> {
        self.messages[message].take()
    }

    /// Takes a signal on its way.
    pub(super) fn send_signal(&mut self, signal: LateSignal) -> LateSignalKey {
        self.signals.push(Some(signal))
    }

    /// The workflow that a signal is for, until it has arrived.
    pub(super) fn receiver(&self, signal: LateSignalKey) -> Option<WorkflowKey> {
        self.signals[signal].as_ref().map(|signal| signal.workflow)
    }

    /// The signal arrives.
    pub(super) fn signal_arrives(&mut self, signal: LateSignalKey) -> Option<LateSignal> {
        self.signals[signal].take()
    }
}
