//! What the service leaves in its outbox: timers for the queue, tasks for workers, news for the trace.

use super::agenda::{Todo, Wakeup};
use super::hosted::HostedActivity;
use super::setup::Settings;
use super::world::Core;
use crate::fault::{Fault, Site};
use crate::service::{ActivityClose, ActivityKey, EventKind, News, WorkflowKey, WorkflowOutcome};
use crate::trace::{ActivityName, What, Who};

impl Core {
    /// Takes what the service has left, until nothing is left.
    #[inline]
    pub(crate) fn settle(&mut self, settings: &Settings) {
        if !self.service.outbox.is_empty() {
            self.empty_outbox(settings);
        }
    }

    fn empty_outbox(&mut self, settings: &Settings) {
        loop {
            let outbox = &mut self.service.outbox;
            for request in outbox.timers.drain(..) {
                let wakeup = Wakeup::Service(request.timer);
                match request.order {
                    Some(order) => self.queue.push_at(request.at, order, wakeup),
                    None => self.queue.push(request.at, wakeup),
                }
            }
            if outbox.news.is_empty() && outbox.ready.is_empty() {
                return;
            }
            // The lists keep their memory: they are lent out and given back.
            let mut news = std::mem::take(&mut outbox.news);
            let mut ready = std::mem::take(&mut outbox.ready);
            for item in news.drain(..) {
                self.hear(item);
            }
            for item in ready.drain(..) {
                self.announce(item, settings);
            }
            let outbox = &mut self.service.outbox;
            if outbox.news.is_empty() {
                outbox.news = news;
            }
            if outbox.ready.is_empty() {
                outbox.ready = ready;
            }
        }
    }

    fn hear(&mut self, news: News) {
        match news {
            News::ActivityScheduled { activity } => self.hear_scheduled(activity),
            News::RetryScheduled { activity, attempt, due } => {
                self.note(Who::Activity(activity.0), What::RetryScheduled(due));
                match self.strike_activity(activity, attempt - 1, Site::Backoff) {
                    Some(Fault::Cancel) => self.cancel_workflow(self.service.activity(activity).workflow()),
                    Some(Fault::WorkerGone) => self.activities[activity.0 as usize].gone_when_due = true,
                    _ => {}
                }
            }
            News::AttemptTimedOut { activity, attempt, timeout } => {
                self.note(Who::Activity(activity.0), What::TimedOut(timeout));
                if let Some(hosted) = self.activities[activity.0 as usize].latest {
                    let record = &mut self.attempts[hosted as usize];
                    if record.token.attempt == attempt && record.is_running() {
                        record.zombie = true;
                        self.note(Who::Attempt(hosted), What::Zombie);
                        self.expect_local_timeout(hosted);
                    }
                }
            }
            News::ActivityCancelRequested { activity } => {
                self.note(Who::Activity(activity.0), What::ActivityCancelRequested);
            }
            News::ActivityClosed { activity } => self.hear_closed(activity),
            News::WorkflowCancelRequested { workflow } => {
                self.note(Who::Workflow(workflow.0), What::CancelRequested);
            }
            News::TimerStarted { workflow, timer, duration } => {
                self.note(Who::Workflow(workflow.0), What::TimerStarted { timer, duration });
            }
            News::TimerFired { workflow, timer } => self.note(Who::Workflow(workflow.0), What::TimerFired(timer)),
            News::TimerCanceled { workflow, timer } => {
                self.note(Who::Workflow(workflow.0), What::TimerCanceled(timer));
            }
            News::SignalReceived { workflow, signal } => {
                let signal = &self.service.workflow(workflow).signals()[signal as usize];
                let index = self.trace.store_signal(signal.name.clone(), signal.input.as_bytes());
                self.note(Who::Workflow(workflow.0), What::SignalReceived(index));
                self.answer_after_signal(workflow);
            }
            News::MarkerRecorded { workflow, event_id } => {
                let event = &self.service.history(workflow)[event_id as usize - 1];
                if let EventKind::MarkerRecorded { marker } = &event.kind {
                    let index = self.trace.store_marker(marker.clone());
                    self.note(Who::Workflow(workflow.0), What::MarkerRecorded(index));
                }
            }
            News::TaskTimedOut { workflow } => self.note(Who::Workflow(workflow.0), What::TaskTimedOut),
            News::TaskFailed { workflow } => self.hear_task_failed(workflow),
            News::WorkflowClosed { workflow } => self.hear_workflow_closed(workflow),
        }
    }

    fn hear_scheduled(&mut self, activity: ActivityKey) {
        let record = self.service.activity(activity);
        let workflow = record.workflow();
        let activity_type = record.activity_type().clone();
        let input = self.trace.store(record.spec().input.as_bytes());
        let activity_id = record.id().clone();
        let counts = &mut self.workflows[workflow.0 as usize].executions;
        let execution = match counts.iter_mut().find(|(name, _)| *name == activity_type) {
            Some((_, count)) => {
                *count += 1;
                *count
            }
            None => {
                counts.push((activity_type.clone(), 1));
                1
            }
        };
        self.trace.name_activity(ActivityName { workflow: workflow.0, activity_type, activity_id, execution });
        self.activities.push(HostedActivity::default());
        self.note(Who::Activity(activity.0), What::Scheduled(input));
    }

    fn hear_closed(&mut self, activity: ActivityKey) {
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
        self.note(Who::Activity(activity.0), what);
    }

    fn hear_workflow_closed(&mut self, workflow: WorkflowKey) {
        let what = match self.service.workflow(workflow).outcome() {
            Some(WorkflowOutcome::Completed(result)) => What::WorkflowCompleted(self.trace.store(result.as_bytes())),
            Some(WorkflowOutcome::Failed { failure, .. }) => What::WorkflowFailed(self.trace.store_failure(failure)),
            Some(WorkflowOutcome::TimedOut { .. }) => What::WorkflowTimedOut,
            Some(WorkflowOutcome::Canceled(_)) => What::WorkflowCanceled,
            Some(WorkflowOutcome::Terminated { reason }) => {
                What::WorkflowTerminated(self.trace.store(reason.as_bytes()))
            }
            None => return,
        };
        self.note(Who::Workflow(workflow.0), what);
        self.open_workflows -= 1;
        for waker in self.workflows[workflow.0 as usize].waiting.drain(..) {
            waker.wake();
        }
        let orphans: Vec<u32> = self
            .attempts
            .iter()
            .enumerate()
            .filter(|(_, attempt)| attempt.is_running() && !attempt.zombie)
            .filter(|(_, attempt)| self.service.activity(attempt.token.activity).workflow() == workflow)
            .map(|(index, _)| index as u32)
            .collect();
        for attempt in orphans {
            self.expect_local_timeout(attempt);
        }
        self.todo.extend(self.workflows[workflow.0 as usize].instance.take().map(Todo::Evict));
    }
}
