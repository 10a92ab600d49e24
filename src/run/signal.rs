//! What happens at a workflow from outside, with its faults: signals on their way, timers that fire.

use std::sync::Arc;

use super::agenda::Wakeup;
use super::world::Core;
use crate::fault::{Fault, Site};
use crate::program::{Payload, Seq, key};
use crate::service::{Refused, Timer, WorkflowKey};

key! {
    /// Which of the signals on a slow way.
    pub(crate) struct LateSignalKey;
}

/// A signal on a slow way.
#[derive(Debug)]
pub(crate) struct LateSignal {
    pub(crate) workflow: WorkflowKey,
    name: Arc<str>,
    input: Payload,
}

impl Core {
    /// Sends a signal. One that is delayed counts as sent; should it arrive after the workflow has closed, nobody hears of
    /// that.
    ///
    /// # Errors
    /// What the service says.
    pub(crate) fn send_signal(&mut self, workflow: WorkflowKey, name: Arc<str>, input: Payload) -> Result<(), Refused> {
        let now = self.now;
        let hosted = &mut self.workflows[workflow];
        hosted.signals += 1;
        let count = hosted.signals;
        let is_open = self.service.workflow(workflow).is_open();
        let fault = if is_open { self.strike_workflow(workflow, Site::Signal(count)) } else { None };
        let sent = match fault {
            Some(Fault::Delayed(length)) => {
                let signal = self.late_signals.push(Some(LateSignal { workflow, name, input }));
                self.queue.push(self.at(length), Wakeup::Signal(signal));
                Ok(())
            }
            Some(Fault::Duplicated) => {
                let first = self.service.signal(workflow, name.clone(), input.clone(), now);
                first.and_then(|()| self.service.signal(workflow, name, input, now))
            }
            Some(Fault::Cancel) => {
                let sent = self.service.signal(workflow, name, input, now);
                self.cancel_workflow(workflow);
                sent
            }
            _ => self.service.signal(workflow, name, input, now),
        };
        self.settle();
        sent
    }

    /// A delayed signal arrives.
    pub(super) fn deliver_signal(&mut self, signal: LateSignalKey) {
        if let Some(LateSignal { workflow, name, input }) = self.late_signals[signal].take() {
            // Its sender has gone on long since.
            let _ = self.service.signal(workflow, name, input, self.now);
            self.settle();
        }
    }

    /// A workflow's own timer fires, or is late.
    pub(super) fn fire_workflow_timer(&mut self, workflow: WorkflowKey, timer: Seq) {
        let entry = Timer::Workflow { workflow, timer };
        let fault = self.strike_workflow(workflow, Site::Timer(timer));
        if let Some(Fault::Delayed(length)) = fault {
            // Not as before, or it would come to the same point again.
            self.queue.push(self.at(length), Wakeup::LateTimer { workflow, timer });
            return;
        }
        self.service.fire(entry, self.now);
        if fault == Some(Fault::Cancel) {
            self.cancel_workflow(workflow);
        }
        self.settle();
    }
}
