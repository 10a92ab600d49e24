//! Events that reach a workflow from outside, with their faults: signals on their way, timers that fire.

use std::sync::Arc;

use super::agenda::Wakeup;
use super::core::Core;
use super::network::{LateSignal, LateSignalKey};
use crate::fault::{Fault, Site};
use crate::program::{Payload, Seq};
use crate::service::{Refused, ServiceTimer, WorkflowKey};

impl Core {
    /// Sends a signal. One that is delayed counts as sent; should it arrive after the workflow has closed, nobody is notified
    /// of that.
    ///
    /// # Errors
    /// What the service says.
    pub(crate) fn send_signal(&mut self, workflow: WorkflowKey, name: Arc<str>, input: Payload) -> Result<(), Refused> {
        let count = self.workflows[workflow].count_signal();
        let is_open = self.service.workflow(workflow).is_open();
        let fault = if is_open { self.strike_workflow(workflow, Site::Signal(count)) } else { None };
        if let Some(Fault::Delayed(length)) = fault {
            let signal = self.network.send_signal(LateSignal::new(workflow, name, input));
            self.agenda.wake_at(self.agenda.after(length), Wakeup::Signal(signal));
            return Ok(());
        }
        let duplicate = (fault == Some(Fault::Duplicated)).then(|| (name.clone(), input.clone()));
        self.serve_then(
            |service, now| {
                service.signal(workflow, name, input, now)?;
                duplicate.map_or(Ok(()), |(name, input)| service.signal(workflow, name, input, now))
            },
            |core, sent| {
                if fault == Some(Fault::Cancel) {
                    core.cancel_workflow(workflow);
                }
                sent
            },
        )
    }

    /// A delayed signal arrives.
    pub(super) fn deliver_signal(&mut self, signal: LateSignalKey) {
        if let Some(signal) = self.network.signal_arrives(signal) {
            // Its sender has gone on long since.
            let _ = self.serve(|service, now| signal.reach(service, now));
        }
    }

    /// A workflow's own timer fires, or is late.
    pub(super) fn fire_workflow_timer(&mut self, workflow: WorkflowKey, timer: Seq) {
        let entry = ServiceTimer::Workflow { workflow, timer };
        let fault = self.strike_workflow(workflow, Site::Timer(timer));
        if let Some(Fault::Delayed(length)) = fault {
            // Not as before, or it would come to the same point again.
            self.agenda.wake_at(self.agenda.after(length), Wakeup::LateTimer { workflow, timer });
            return;
        }
        self.serve_then(
            |service, now| service.fire(entry, now),
            |core, _| {
                if fault == Some(Fault::Cancel) {
                    core.cancel_workflow(workflow);
                }
            },
        );
    }
}
