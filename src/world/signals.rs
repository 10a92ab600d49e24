//! Events that reach a workflow from outside, with their faults: signals on their way, timers that fire.

use std::sync::Arc;

use super::agenda::Wakeup;
use super::core::Core;
use super::holds::HeldBack;
use super::network::{LateSignal, LateSignalKey};
use crate::fault::{Fault, Site};
use crate::program::{Payload, Seq};
use crate::service::{Refused, ServiceTimer, WorkflowKey};
use crate::trace::Who;

impl Core {
    /// Sends a signal: to one run alone, or to the run of its chain that is open when it arrives. One that is delayed or held
    /// is given back: its sender waits until the service has answered.
    ///
    /// # Errors
    /// The error is the answer of the service.
    pub(super) fn send_signal(
        &mut self,
        workflow: WorkflowKey,
        name: Arc<str>,
        input: Payload,
        is_for_run: bool,
    ) -> Result<Option<LateSignalKey>, Refused> {
        let count = self.workflows[workflow].count_signal();
        let is_open = self.service.workflow(workflow).is_open();
        let fault = if is_open { self.strike_workflow(workflow, Site::Signal(count)) } else { None };
        if let Some(fault @ (Fault::Delayed(_) | Fault::Behind(_) | Fault::NextTask(_))) = fault {
            let signal = LateSignal::new(workflow, name, input, count).for_run(is_for_run);
            let signal = self.network.send_signal(signal);
            match fault.length() {
                Some(length) => self.agenda.wake_at(self.agenda.after(length), Wakeup::Signal(signal)),
                None => self.hold_back(workflow, Who::Workflow(workflow), fault, HeldBack::Signal(signal)),
            }
            return Ok(Some(signal));
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
        )?;
        Ok(None)
    }

    /// A delayed or held signal arrives, and its sender goes on with the answer.
    pub(super) fn deliver_signal(&mut self, signal: LateSignalKey) {
        if let Some(arrived) = self.network.signal_arrives(signal) {
            let (sent_to, number) = arrived.receiver();
            let run = arrived.run_at_arrival(&self.service);
            self.signal_gets_to(run, (sent_to, number));
            let answer = self.serve(|service, now| arrived.reach(service, run, now));
            self.network.answer_sender(signal, answer);
        }
    }

    /// A late signal gets to a run: to the one that it was sent to, with its number among those sent there, or to one behind it.
    pub(super) fn signal_gets_to(&mut self, run: WorkflowKey, (sent_to, number): (WorkflowKey, u32)) {
        match run == sent_to {
            true => self.workflows[run].signal_arrives(number),
            false => _ = self.workflows[run].count_signal(),
        }
    }

    /// A late timer of a workflow fires.
    pub(super) fn fire_late_timer(&mut self, workflow: WorkflowKey, timer: Seq) {
        self.serve(|service, now| service.fire(ServiceTimer::Workflow { workflow, timer }, now));
        self.late_timer_is_over(workflow, timer);
    }

    /// A timer has fired late, or was taken back before: those behind it go on.
    pub(super) fn late_timer_is_over(&mut self, workflow: WorkflowKey, timer: Seq) {
        for timer in self.workflows[workflow].late_timer_is_over(timer) {
            self.agenda.wake_now(Wakeup::Service(ServiceTimer::Workflow { workflow, timer }));
        }
    }

    /// A workflow's own timer fires, or is late, or held. It waits where another of the workflow is late: a server keeps one
    /// entry for the timers of a workflow, that of the first, and fires those that are due with it in their order.
    pub(super) fn fire_workflow_timer(&mut self, workflow: WorkflowKey, timer: Seq) {
        let entry = ServiceTimer::Workflow { workflow, timer };
        if self.workflows[workflow].waits_behind_late_timer(timer) {
            return;
        }
        let fault = self.strike_workflow(workflow, Site::Timer(timer));
        if let Some(Fault::Delayed(length)) = fault {
            // Not as before, or it would come to the same point again.
            self.workflows[workflow].timer_is_late(timer);
            self.agenda.wake_at(self.agenda.after(length), Wakeup::LateTimer { workflow, timer });
            return;
        }
        if let Some(fault @ (Fault::Behind(_) | Fault::NextTask(_))) = fault {
            return self.hold_back(workflow, Who::Workflow(workflow), fault, HeldBack::Timer(timer));
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
