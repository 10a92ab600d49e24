//! The ways through a hold: how it begins, and how it ends, in vain or not. [`Holds`](super::holds::Holds) says what it is.

use super::agenda::Wakeup;
use super::core::Core;
use super::holds::{End, HeldBack, Hold, HoldKey};
use super::in_vain::InVain;
use crate::fault::source::Location;
use crate::fault::{Fault, Observable, Site};
use crate::program::Time;
use crate::service::{ActivityKey, Ready, ServiceTimer, WorkflowKey};
use crate::trace::{AttemptKey, What, Who};
use crate::worker::message::{Delivery, Message};

/// The beginning.
impl Core {
    /// A fault has struck that holds something back until another thing comes to the workflow.
    pub(super) fn hold_back(&mut self, workflow: WorkflowKey, who: Who, fault: Fault, held: HeldBack) {
        let (Some(other), Some(key)) = (fault.waits_for(), self.trace.faults().keys().next_back()) else { return };
        let itself = match &held {
            HeldBack::Report(attempt, _) => self.activity_observed(self.attempts[*attempt].token().activity),
            HeldBack::Task(Ready::Activity { activity, .. }) => self.activity_observed(*activity),
            _ => Observable::Cancel,
        };
        let hold = self.holds.begin(Hold::new(workflow, (who, key), fault, other, held));
        if itself == other && other != Observable::Cancel {
            self.hold_in_vain(hold, InVain::Itself);
        }
    }

    /// An activity's end, as its workflow counts.
    pub(super) fn activity_observed(&self, activity: ActivityKey) -> Observable {
        let before = std::iter::successors(Some(activity), |activity| self.activities[*activity].before());
        Observable::Activity(before.count() as u32)
    }

    /// Holds a task that no worker has taken, if a fault says so.
    pub(super) fn hold_task(&mut self, ready: Ready) -> bool {
        let (workflow, who, site, attempt) = match ready {
            Ready::Activity { activity, attempt } => {
                (self.service.activity(activity).workflow(), Who::Activity(activity), Site::Dispatch, Some(attempt))
            }
            Ready::Workflow { workflow, .. } => {
                let hosted = &self.workflows[workflow];
                if !hosted.is_new_task() {
                    return false;
                }
                (workflow, Who::Workflow(workflow), Site::Task(hosted.task_number()), None)
            }
        };
        if !self.faults.may_strike(site) {
            return false;
        }
        let name = &self.trace.workflows()[workflow];
        let (point, name, execution) = match ready {
            Ready::Activity { activity, attempt } => {
                let name = &self.trace.activities()[activity];
                let number = self.attempt_number(activity, attempt);
                (self.trace.activity_point(activity, number, site), &name.activity_type, name.execution)
            }
            Ready::Workflow { .. } => (self.trace.workflow_point(workflow, site), &name.workflow_type, name.execution),
        };
        let location = Location {
            workflow_id: &self.trace.workflows()[workflow].workflow_id,
            first_workflow: self.trace.is_first(workflow),
            run: self.trace.workflows()[workflow].run,
            name,
            execution,
            attempt,
            site,
        };
        let Some(fault) = self.faults.strike_task(location) else { return false };
        if self.note_fault(who, point, fault).is_none() {
            return false;
        }
        self.hold_back(workflow, who, fault, HeldBack::Task(ready));
        true
    }

    /// The worker sends a report that is held, or was.
    pub(super) fn post_held(&mut self, message: Message) {
        if let Some(message) = self.holds.keep_report(message) {
            self.deliver(message, Delivery::Whole);
        }
    }

    /// The worker does not send the report of an attempt, which is held.
    pub(super) fn forget_held(&mut self, attempt: AttemptKey) {
        if let Some(hold) = self.holds.of_report(attempt) {
            self.hold_in_vain(hold, InVain::NotSent);
        }
    }
}

/// The end.
impl Core {
    /// Something has come to a workflow.
    pub(super) fn observed(&mut self, workflow: WorkflowKey, what: Observable) {
        let task = self.workflows[workflow].next_task_to_see();
        let ends = self.holds.observed(workflow, what, task);
        self.end_holds(ends);
    }

    /// The answer to a workflow task has been taken.
    pub(super) fn task_answered(&mut self, workflow: WorkflowKey) {
        // News of its end follows.
        if !self.service.workflow(workflow).is_open() {
            return;
        }
        let next = self.workflows[workflow].task_number();
        for key in self.holds.answered(workflow, next) {
            self.hold_goes(key, true);
        }
    }

    /// The answer to a workflow task was refused, or never came: the task is given out again, with what has come meanwhile.
    pub(super) fn task_repeated(&mut self, workflow: WorkflowKey) {
        self.workflows[workflow].task_ended();
        self.holds.repeated(workflow, self.workflows[workflow].task_number());
    }

    /// A workflow has closed: what is held for it comes too late, or for nothing.
    pub(super) fn holds_of_closed(&mut self, workflow: WorkflowKey) {
        let ends = self.holds.closed(workflow);
        self.end_holds(ends);
    }

    fn end_holds(&mut self, ends: Vec<(HoldKey, Option<InVain>)>) {
        for (key, in_vain) in ends {
            match in_vain {
                Some(why) => self.hold_in_vain(key, why),
                None => self.hold_goes(key, true),
            }
        }
    }

    /// Looks at what happens next: where that is nothing, or harm that the holds do, they end before the clock moves. Says
    /// whether one did.
    pub(super) fn give_up_holds(&mut self) -> bool {
        let undecided = self.holds.undecided();
        if undecided.is_empty() {
            return false;
        }
        let harm = match self.take_next_live() {
            None => Some(InVain::NothingComes),
            Some((at, rank, wakeup)) => {
                self.agenda.put_back(at, rank, wakeup);
                self.harm(at, wakeup)
            }
        };
        if let Some(why) = harm {
            undecided.into_iter().for_each(|key| self.hold_in_vain(key, why));
        }
        harm.is_some()
    }

    /// An attempt that would time out may wait for what is held, in a roundabout way: in the outside world, or by a script.
    fn harm(&self, at: Time, next: Wakeup) -> Option<InVain> {
        match next {
            _ if at > self.horizon => Some(InVain::Horizon),
            Wakeup::Service(ServiceTimer::Timeout { activity, timeout, .. }) => {
                let deadline = self.service.activity(activity).deadline(timeout);
                let passes = deadline.is_some_and(|deadline| deadline <= at) && self.may_wait_for_holds(activity);
                passes.then_some(InVain::Timeout(activity, timeout))
            }
            Wakeup::Service(ServiceTimer::RunTimeout { workflow }) => Some(InVain::RunTimeout(workflow)),
            // A server fires the timers of a workflow in the order of their times: the task of one fires all before it.
            Wakeup::Service(ServiceTimer::Workflow { workflow, timer }) => {
                self.holds.has_timer_of(workflow).then_some(InVain::Timer(workflow, timer))
            }
            _ => None,
        }
    }

    /// Says whether an activity may time out because of what is held. One whose attempt has crashed, or has ended with a report
    /// that is lost or late, waits for nothing: it times out in any case.
    fn may_wait_for_holds(&self, activity: ActivityKey) -> bool {
        let Some(attempt) = self.activities[activity].latest_attempt() else { return true };
        let record = &self.attempts[attempt];
        let is_present = record.token().attempt == self.service.activity(activity).attempt();
        !is_present || record.is_running() || self.holds.of_report(attempt).is_some()
    }

    /// The run ends early, and what is held has made it long.
    pub(super) fn holds_made_it_long(&mut self) {
        for key in self.holds.undecided() {
            self.hold_in_vain(key, InVain::TooLong);
        }
    }

    fn hold_in_vain(&mut self, key: HoldKey, why: InVain) {
        let (point, _) = &self.trace.faults()[self.holds.fault(key)];
        self.faults.in_vain(point);
        self.holds.note_in_vain(point.clone(), why);
        self.hold_goes(key, false);
    }

    /// It goes on behind what is there for this moment, and before the task that is given out because of what has come.
    fn hold_goes(&mut self, key: HoldKey, came: bool) {
        self.holds.goes(key, came);
        self.agenda.wake_now(Wakeup::LetGo(key));
    }

    /// The thing that was held goes on.
    pub(super) fn let_go(&mut self, key: HoldKey) {
        let Some(End { workflow, who, fault, came, held }) = self.holds.end(key) else { return };
        self.note(who, What::LetGo { fault, came });
        match held {
            Some(HeldBack::Report(_, Some(message))) => self.deliver(message, Delivery::Whole),
            Some(HeldBack::Signal(signal)) => self.deliver_signal(signal),
            Some(HeldBack::Between(message)) => self.between_goes_on(message),
            Some(HeldBack::Timer(timer)) => {
                self.serve(|service, now| service.fire(ServiceTimer::Workflow { workflow, timer }, now));
            }
            Some(HeldBack::Task(ready)) => self.announce_again([ready]),
            // It leaves as soon as the worker sends it.
            Some(HeldBack::Report(_, None)) | None => {}
        }
    }
}
