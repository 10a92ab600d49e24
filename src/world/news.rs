//! The service's outbox, emptied: timers for the queue, tasks for workers, news for the trace.

use std::iter;

use super::agenda::{Todo, Wakeup};
use super::core::Core;
use super::hosted_activity::HostedActivity;
use super::hosted_workflow::HostedWorkflow;
use super::shown::ShownActivity;
use crate::fault::{Fault, Observable, Site};
use crate::program::Time;
use crate::service::{ActivityClose, ActivityKey, EventKind, News, Ready, Service, WorkflowKey, WorkflowOutcome};
use crate::trace::{ActivityName, AttemptKey, What, Who, WorkflowName};

impl Core {
    /// Calls the service and takes what that leaves: timers for the queue, tasks for workers, news for the trace.
    ///
    /// A call in the midst of that leaves its news to be taken behind what is there.
    pub(crate) fn serve<R>(&mut self, call: impl FnOnce(&mut Service, Time) -> R) -> R {
        self.serve_then(call, |_, answer| answer)
    }

    /// As [`serve`](Core::serve), with something to do between the answer and what the call leaves.
    pub(super) fn serve_then<A, R>(
        &mut self,
        call: impl FnOnce(&mut Service, Time) -> A,
        then: impl FnOnce(&mut Core, A) -> R,
    ) -> R {
        let answer = call(&mut self.service, self.agenda.now());
        let result = then(self, answer);
        self.settle();
        result
    }

    /// Finds workers for tasks that were announced before.
    pub(super) fn announce_again(&mut self, tasks: impl IntoIterator<Item = Ready>) {
        let outer = std::mem::replace(&mut self.settling, true);
        for ready in tasks {
            self.announce(ready);
        }
        self.settling = outer;
        self.settle();
    }

    fn settle(&mut self) {
        if std::mem::replace(&mut self.settling, true) {
            return;
        }
        while !self.service.outbox.is_empty() {
            self.queue_timers();
            // The news and tasks that these lead to are behind them.
            let tasks = self.service.outbox.ready.len();
            self.note_news();
            for _ in 0..tasks {
                if let Some(ready) = self.service.outbox.ready.pop_front() {
                    self.announce(ready);
                }
            }
            self.deliver_between_workflows();
        }
        self.settling = false;
    }

    /// Notes the news that are there.
    pub(super) fn note_news(&mut self) {
        for _ in 0..self.service.outbox.news.len() {
            self.note_next_news();
        }
    }

    /// Puts the timers that the service wants into the queue.
    fn queue_timers(&mut self) {
        for request in self.service.outbox.timers.drain(..) {
            self.agenda.wake_in_order(request.at, request.order, Wakeup::Service(request.timer));
        }
    }

    fn note_next_news(&mut self) {
        let Some(news) = self.service.outbox.news.pop_front() else { return };
        match news {
            News::ActivityScheduled { activity } => self.note_scheduled(activity),
            News::RetryScheduled { activity, attempt, due } => {
                self.note(Who::Activity(activity), What::RetryScheduled(due));
                match self.strike_activity(activity, self.attempt_number(activity, attempt - 1), Site::Backoff) {
                    Some(Fault::Cancel) => self.cancel_workflow(self.service.activity(activity).workflow()),
                    Some(Fault::WorkerGone) => self.activities[activity].lose_worker_when_due(),
                    _ => {}
                }
            }
            News::AttemptTimedOut { activity, attempt, timeout } => {
                self.note(Who::Activity(activity), What::TimedOut(timeout));
                self.note_given_up(activity, attempt);
            }
            News::AttemptGivenUp { activity, attempt } => self.note_given_up(activity, attempt),
            News::ActivityClosed { activity } => self.note_closed(activity),
            News::WorkflowStarted { workflow } => self.note_workflow_started(workflow),
            News::WorkflowClosed { workflow } => self.note_workflow_closed(workflow),
            News::ChildInitiated { .. }
            | News::ChildStarted { .. }
            | News::ChildClosed { .. }
            | News::MessageInitiated { .. }
            | News::MessageAnswered { .. } => self.note_between_workflows(news),
            News::UpdateAdmitted { .. }
            | News::UpdateAccepted { .. }
            | News::UpdateCompleted { .. }
            | News::UpdateRejected { .. }
            | News::UpdateAborted { .. } => self.note_update(news),
            News::ActivityCancelRequested { .. }
            | News::WorkflowCancelRequested { .. }
            | News::TimerStarted { .. }
            | News::TimerFired { .. }
            | News::TimerCanceled { .. }
            | News::SignalReceived { .. }
            | News::MarkerRecorded { .. }
            | News::TaskTimedOut { .. }
            | News::TaskNotTaken { .. }
            | News::TaskFailed { .. } => self.note_rare(news),
        }
    }

    /// The service has given up the attempt of this number, which runs on.
    fn note_given_up(&mut self, activity: ActivityKey, attempt: u32) {
        let Some(hosted) = self.activities[activity].latest_attempt() else { return };
        let record = &mut self.attempts[hosted];
        if record.token().attempt == attempt && record.is_running() && !record.is_zombie() {
            record.become_zombie();
            self.note(Who::Attempt(hosted), What::Zombie);
            // The worker of a local activity has given it up itself.
            if !self.is_local(hosted) {
                self.expect_local_timeout(hosted);
            }
        }
    }

    /// News that most workflows have none of: apart, so that the rest is small.
    fn note_rare(&mut self, news: News) {
        let (who, what) = match news {
            News::ActivityCancelRequested { activity } => (Who::Activity(activity), What::ActivityCancelRequested),
            News::WorkflowCancelRequested { workflow } => {
                return self.note_observed(workflow, Observable::Cancel, What::CancelRequested);
            }
            News::TimerStarted { workflow, timer, duration } => {
                (Who::Workflow(workflow), What::TimerStarted { timer, duration })
            }
            News::TimerFired { workflow, timer } => {
                return self.note_observed(workflow, Observable::Timer(timer), What::TimerFired(timer));
            }
            News::TimerCanceled { workflow, timer } => {
                self.late_timer_is_over(workflow, timer);
                (Who::Workflow(workflow), What::TimerCanceled(timer))
            }
            News::TaskTimedOut { workflow } => {
                self.task_repeated(workflow);
                (Who::Workflow(workflow), What::TaskTimedOut)
            }
            News::TaskNotTaken { workflow } => (Who::Workflow(workflow), What::TaskNotTaken),
            News::SignalReceived { workflow, signal } => {
                let signal = &self.service.workflow(workflow).signals()[signal];
                let index = self.trace.store_signal(signal.name.clone(), signal.input.as_bytes());
                let number = self.workflows[workflow].arriving_signal();
                self.note_observed(workflow, Observable::Signal(number), What::SignalReceived(index));
                return self.answer_after_signal(workflow);
            }
            News::MarkerRecorded { workflow, event_id } => {
                let event = &self.service.history(workflow)[event_id as usize - 1];
                let EventKind::MarkerRecorded { marker } = &event.kind else { return };
                let index = self.trace.store_marker(marker.clone());
                (Who::Workflow(workflow), What::MarkerRecorded(index))
            }
            News::TaskFailed { workflow } => {
                self.task_repeated(workflow);
                return self.note_task_failed(workflow);
            }
            News::ActivityScheduled { .. }
            | News::RetryScheduled { .. }
            | News::AttemptTimedOut { .. }
            | News::AttemptGivenUp { .. }
            | News::ActivityClosed { .. }
            | News::WorkflowStarted { .. }
            | News::WorkflowClosed { .. }
            | News::ChildInitiated { .. }
            | News::ChildStarted { .. }
            | News::ChildClosed { .. }
            | News::MessageInitiated { .. }
            | News::MessageAnswered { .. }
            | News::UpdateAdmitted { .. }
            | News::UpdateAccepted { .. }
            | News::UpdateCompleted { .. }
            | News::UpdateRejected { .. }
            | News::UpdateAborted { .. } => unreachable!("{news:?} is heard above"),
        };
        self.note(who, what);
    }

    /// Something has come to a workflow: what is held for that may go on.
    pub(super) fn note_observed(&mut self, workflow: WorkflowKey, observable: Observable, what: What) {
        self.note(Who::Workflow(workflow), what);
        if !self.holds.is_empty() {
            self.observed(workflow, observable);
        }
    }

    /// A run has started: by a client, or because another run has closed or has asked for it.
    fn note_workflow_started(&mut self, workflow: WorkflowKey) {
        let run = self.service.workflow(workflow);
        let info = run.info().clone();
        let input = self.trace.store(run.input().as_bytes());
        let (number, is_activity) = (run.number(), run.is_standalone_activity());
        let named = self.trace.workflows();
        let is_of_type = |name: &&WorkflowName| name.workflow_type == info.workflow_type;
        let before = run.predecessor().map(|before| &named[before]).filter(is_of_type);
        // The types are few, so that one of this type is near.
        let newest = || named.values().rev().find(is_of_type).map_or(1, |name| name.execution + 1);
        let execution = before.map_or_else(newest, |before| before.execution);
        self.trace.name_workflow(WorkflowName {
            workflow_id: info.workflow_id.clone(),
            workflow_type: info.workflow_type.clone(),
            execution,
            run: number,
            is_activity,
        });
        self.shown.add_workflow(info);
        self.workflows.push(HostedWorkflow::default());
        self.open_workflows += 1;
        self.note(Who::Workflow(workflow), What::WorkflowStarted(input));
    }

    fn note_scheduled(&mut self, activity: ActivityKey) {
        let record = self.service.activity(activity);
        let workflow = record.workflow();
        let activity_type = record.activity_type().clone();
        let input = self.trace.store(record.spec().input.as_bytes());
        let (activity_id, is_local) = (record.id().clone(), record.is_local());
        let before = self.workflows[workflow].scheduled(activity);
        // The types of a workflow's activities are few, so that one of this type is near.
        let named = self.trace.activities();
        let execution = iter::successors(before, |activity| self.activities[*activity].before())
            .map(|activity| &named[activity])
            .find(|name| name.activity_type == activity_type)
            .map_or(1, |name| name.execution + 1);
        let shown = ShownActivity { workflow, activity_type: activity_type.clone(), execution };
        self.shown.add_activity(shown);
        self.trace.name_activity(ActivityName { workflow, activity_type, activity_id, execution, is_local });
        self.activities.push(HostedActivity::after(before));
        self.note(Who::Activity(activity), What::Scheduled(input));
    }

    fn note_closed(&mut self, activity: ActivityKey) {
        let what = match self.service.activity(activity).outcome() {
            Some(ActivityClose::Completed { result }) => What::ActivityCompleted(self.trace.store(result.as_bytes())),
            Some(ActivityClose::Failed { failure, retry_state }) => {
                What::ActivityFailed { failure: self.trace.store_failure(failure), retry_state: *retry_state }
            }
            Some(ActivityClose::TimedOut { failure, retry_state }) => {
                What::ActivityTimedOut { failure: self.trace.store_failure(failure), retry_state: *retry_state }
            }
            Some(ActivityClose::Canceled { .. }) => What::ActivityCanceled,
            None => return,
        };
        self.note(Who::Activity(activity), what);
        if !self.holds.is_empty() {
            self.observed(self.service.activity(activity).workflow(), self.activity_observed(activity));
        }
    }

    fn note_workflow_closed(&mut self, workflow: WorkflowKey) {
        let what = match self.service.workflow(workflow).outcome() {
            Some(WorkflowOutcome::Completed(result)) => What::WorkflowCompleted(self.trace.store(result.as_bytes())),
            Some(WorkflowOutcome::Failed { failure, .. }) => What::WorkflowFailed(self.trace.store_failure(failure)),
            Some(WorkflowOutcome::TimedOut { .. }) => What::WorkflowTimedOut,
            Some(WorkflowOutcome::ContinuedAsNew) => What::WorkflowContinuedAsNew,
            Some(WorkflowOutcome::Canceled(_)) => What::WorkflowCanceled,
            Some(WorkflowOutcome::Terminated { reason }) => {
                What::WorkflowTerminated(self.trace.store(reason.as_bytes()))
            }
            None => return,
        };
        self.note(Who::Workflow(workflow), what);
        if !self.holds.is_empty() {
            self.holds_of_closed(workflow);
        }
        self.open_workflows -= 1;
        self.ending.renew(self.agenda.now());
        for waker in self.workflows[workflow].take_waiting() {
            waker.wake();
        }
        let attempts = self.attempts.back_from(self.workflows[workflow].latest_attempt());
        let is_given_up_now = |attempt: &AttemptKey| {
            let record = &self.attempts[*attempt];
            record.is_running() && !record.is_zombie()
        };
        let given_up: Vec<AttemptKey> = attempts.filter(is_given_up_now).collect();
        for attempt in given_up.into_iter().rev() {
            self.expect_local_timeout(attempt);
        }
        if let Some(instance) = self.workflows[workflow].take_cached() {
            self.agenda.then(Todo::Evict(instance));
        }
    }
}
