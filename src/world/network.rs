//! [`Network`]: what is on a slow way to the service.

use std::sync::Arc;
use std::task::{Poll, Waker};

use crate::program::{Payload, Seq, Table, Time, key};
use crate::service::{Refused, Service, WorkflowKey, WorkflowMessage};
use crate::worker::message::Message;

key! {
    /// Which of the messages on a slow way.
    pub(crate) struct MessageKey;
}

key! {
    /// Which of the signals on a slow way.
    pub(crate) struct LateSignalKey;
}

key! {
    /// Which of the messages between workflows that are kept back.
    pub(crate) struct BetweenKey;
}

/// A message between workflows that is kept back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Between {
    pub(super) message: WorkflowMessage,
    /// For a signal that is kept back where it arrives: the workflow that it is for, and its number among those that were
    /// sent to that.
    pub(super) receiver: Option<(WorkflowKey, u32)>,
}

/// A signal on a slow way.
#[derive(Debug)]
pub(super) struct LateSignal {
    workflow: WorkflowKey,
    name: Arc<str>,
    input: Payload,
    /// Its number among those that were sent to the workflow.
    number: u32,
    /// Says whether it is for that run alone, and not for another that is open when it arrives.
    is_for_run: bool,
}

impl LateSignal {
    /// A signal to this workflow that takes its time.
    pub(super) fn new(workflow: WorkflowKey, name: Arc<str>, input: Payload, number: u32) -> LateSignal {
        LateSignal { workflow, name, input, number, is_for_run: false }
    }

    /// The same for that run alone.
    pub(super) fn for_run(self, is_for_run: bool) -> LateSignal {
        LateSignal { is_for_run, ..self }
    }

    /// The run that gets it: a server looks for the open one when a signal gets there, not when it is sent.
    pub(super) fn run_at_arrival(&self, service: &Service) -> WorkflowKey {
        if self.is_for_run { self.workflow } else { service.newest_in_chain(self.workflow) }
    }

    /// The workflow that it is for, and its number among those that were sent to it.
    pub(super) fn receiver(&self) -> (WorkflowKey, u32) {
        (self.workflow, self.number)
    }

    /// It reaches the service, which has it for this run of the workflow.
    ///
    /// # Errors
    /// The answer of the service.
    pub(super) fn reach(self, service: &mut Service, run: WorkflowKey, now: Time) -> Result<(), Refused> {
        service.signal(run, self.name, self.input, now)
    }
}

/// A signal on a slow way, and its sender, who waits for the answer of the service.
#[derive(Debug)]
struct Request {
    /// `None` once it has arrived.
    signal: Option<LateSignal>,
    /// The answer, until the sender takes it.
    answer: Option<Result<(), Refused>>,
    sender: Option<Waker>,
}

/// Messages and signals on a slow way, until they arrive.
#[derive(Debug, Default)]
pub(super) struct Network {
    messages: Table<MessageKey, Option<Message>>,
    signals: Table<LateSignalKey, Request>,
    between: Table<BetweenKey, Option<Between>>,
    /// The messages for children that have not started.
    for_children: Vec<((WorkflowKey, Seq), WorkflowMessage)>,
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

    /// Keeps back a message between workflows.
    pub(super) fn send_between(&mut self, between: Between) -> BetweenKey {
        self.between.push(Some(between))
    }

    /// The message between workflows goes on.
    pub(super) fn between_arrives(&mut self, key: BetweenKey) -> Option<Between> {
        self.between[key].take()
    }

    /// A message that is kept back, until it goes on.
    pub(super) fn between(&self, key: BetweenKey) -> Option<WorkflowMessage> {
        self.between[key].map(|between| between.message)
    }

    /// All messages between workflows that are kept back.
    pub(super) fn all_between(&self) -> impl Iterator<Item = WorkflowMessage> {
        self.between.values().flatten().map(|between| between.message)
    }

    /// A message waits until this child of its sender has started.
    pub(super) fn wait_for_child(&mut self, child: (WorkflowKey, Seq), message: WorkflowMessage) {
        self.for_children.push((child, message));
    }

    /// Takes the messages that wait for this child, in the order in which they were sent.
    pub(super) fn take_waiting_for_child(&mut self, child: (WorkflowKey, Seq)) -> Vec<WorkflowMessage> {
        self.for_children.extract_if(.., |(waits_for, _)| *waits_for == child).map(|(_, message)| message).collect()
    }

    /// Takes a signal on its way.
    pub(super) fn send_signal(&mut self, signal: LateSignal) -> LateSignalKey {
        self.signals.push(Request { signal: Some(signal), answer: None, sender: None })
    }

    /// The workflow that a signal is for, until it has arrived.
    pub(super) fn receiver(&self, signal: LateSignalKey) -> Option<WorkflowKey> {
        self.signals[signal].signal.as_ref().map(|signal| signal.workflow)
    }

    /// Says whether the sender of a signal waits for the answer.
    pub(super) fn has_sender(&self, signal: LateSignalKey) -> bool {
        self.signals[signal].sender.is_some()
    }

    /// The signal arrives.
    pub(super) fn signal_arrives(&mut self, signal: LateSignalKey) -> Option<LateSignal> {
        self.signals[signal].signal.take()
    }

    /// The service has answered a signal that arrived: its sender goes on.
    pub(super) fn answer_sender(&mut self, signal: LateSignalKey, answer: Result<(), Refused>) {
        let request = &mut self.signals[signal];
        request.answer = Some(answer);
        if let Some(sender) = request.sender.take() {
            sender.wake();
        }
    }

    /// The sender asks for the answer, which it gets once.
    pub(super) fn poll_answer(&mut self, signal: LateSignalKey, waker: &Waker) -> Poll<Result<(), Refused>> {
        let request = &mut self.signals[signal];
        match request.answer.take() {
            Some(answer) => Poll::Ready(answer),
            None => {
                request.sender = Some(waker.clone());
                Poll::Pending
            }
        }
    }
}
