//! What the service leaves in its outbox: timers for the queue, tasks for workers, news for the trace.

use super::agenda::{Todo, Wakeup};
use super::hosted::HostedActivity;
use super::world::Core;
use crate::fault::{Fault, Site};
use crate::service::{ActivityClose, ActivityKey, EventKind, News, WorkflowKey, WorkflowOutcome};
use crate::trace::{ActivityName, What, Who};

impl Core {
    /// Takes what the service has left, until nothing is left.
    #[inline]
    pub(crate) fn settle(&mut self) {
        let outbox = &self.service.outbox;
        let is_told = !outbox.news.is_empty() || !outbox.ready.is_empty();
        if !outbox.timers.is_empty() {
            self.queue_timers();
        }
        if is_told {
            self.tell();
        }
    }

    /// Puts the timers that the service wants into the queue.
    #[inline(never)]
    fn queue_timers(&mut self) {
        let timers = &mut self.service.outbox.timers;
        for request in timers.iter() {
            let order = request.order.unwrap_or_else(|| self.queue.reserve());
            self.queue.push_at(request.at, order, Wakeup::Service(request.timer));
        }
        timers.clear();
    }

    /// Hears the news and announces the tasks, and what comes of that, until nothing is left.
    #[inline(never)]
    fn tell(&mut self) {
        loop {
            if self.service.outbox.ready.len() > 1 {
                // The list keeps its memory: it is lent out and given back.
                let mut ready = std::mem::take(&mut self.service.outbox.ready);
                self.hear_all();
                for item in ready.drain(..) {
                    self.announce(item);
                }
                if self.service.outbox.ready.is_empty() {
                    self.service.outbox.ready = ready;
                }
            } else {
                let ready = self.service.outbox.ready.pop();
                self.hear_all();
                if let Some(item) = ready {
                    self.announce(item);
                }
            }
            if self.service.outbox.is_empty() {
                return;
            }
            self.queue_timers();
        }
    }

    /// Hears the news that are there. What a fault adds to them comes next, behind the tasks that are ready now.
    #[inline]
    fn hear_all(&mut self) {
        let count = self.service.outbox.news.len();
        for index in 0..count {
            self.hear(self.service.outbox.news[index]);
        }
        let news = &mut self.service.outbox.news;
        if news.len() == count {
            news.clear();
        } else {
            news.drain(..count);
        }
    }

    #[inline(never)]
    fn hear(&mut self, news: News) {
        match news {
            News::ActivityScheduled { activity } => self.hear_scheduled(activity),
            News::RetryScheduled { activity, attempt, due } => {
                self.note(Who::Activity(activity), What::RetryScheduled(due));
                match self.strike_activity(activity, attempt - 1, Site::Backoff) {
                    Some(Fault::Cancel) => self.cancel_workflow(self.service.activity(activity).workflow()),
                    Some(Fault::WorkerGone) => self.activities[activity].gone_when_due = true,
                    _ => {}
                }
            }
            News::AttemptTimedOut { activity, attempt, timeout } => {
                self.note(Who::Activity(activity), What::TimedOut(timeout));
                if let Some(hosted) = self.activities[activity].latest {
                    let record = &mut self.attempts[hosted];
                    if record.token.attempt == attempt && record.is_running() {
                        record.zombie = true;
                        self.note(Who::Attempt(hosted), What::Zombie);
                        self.expect_local_timeout(hosted);
                    }
                }
            }
            News::ActivityClosed { activity } => self.hear_closed(activity),
            News::WorkflowClosed { workflow } => self.hear_workflow_closed(workflow),
            News::ActivityCancelRequested { .. }
            | News::WorkflowCancelRequested { .. }
            | News::TimerStarted { .. }
            | News::TimerFired { .. }
            | News::TimerCanceled { .. }
            | News::SignalReceived { .. }
            | News::MarkerRecorded { .. }
            | News::TaskTimedOut { .. }
            | News::TaskFailed { .. } => self.hear_rare(news),
        }
    }

    /// What most workflows have none of: apart, so that the rest is small.
    #[cold]
    fn hear_rare(&mut self, news: News) {
        let (who, what) = match news {
            News::ActivityCancelRequested { activity } => (Who::Activity(activity), What::ActivityCancelRequested),
            News::WorkflowCancelRequested { workflow } => (Who::Workflow(workflow), What::CancelRequested),
            News::TimerStarted { workflow, timer, duration } => {
                (Who::Workflow(workflow), What::TimerStarted { timer, duration })
            }
            News::TimerFired { workflow, timer } => (Who::Workflow(workflow), What::TimerFired(timer)),
            News::TimerCanceled { workflow, timer } => (Who::Workflow(workflow), What::TimerCanceled(timer)),
            News::TaskTimedOut { workflow } => (Who::Workflow(workflow), What::TaskTimedOut),
            News::SignalReceived { workflow, signal } => {
                let signal = &self.service.workflow(workflow).signals()[signal];
                let index = self.trace.store_signal(signal.name.clone(), signal.input.as_bytes());
                self.note(Who::Workflow(workflow), What::SignalReceived(index));
                return self.answer_after_signal(workflow);
            }
            News::MarkerRecorded { workflow, event_id } => {
                let event = &self.service.history(workflow)[event_id as usize - 1];
                let EventKind::MarkerRecorded { marker } = &event.kind else { return };
                let index = self.trace.store_marker(marker.clone());
                (Who::Workflow(workflow), What::MarkerRecorded(index))
            }
            News::TaskFailed { workflow } => return self.hear_task_failed(workflow),
            News::ActivityScheduled { .. }
            | News::RetryScheduled { .. }
            | News::AttemptTimedOut { .. }
            | News::ActivityClosed { .. }
            | News::WorkflowClosed { .. } => unreachable!("{news:?} is heard above"),
        };
        self.note(who, what);
    }

    #[inline(never)]
    fn hear_scheduled(&mut self, activity: ActivityKey) {
        let record = self.service.activity(activity);
        let workflow = record.workflow();
        let activity_type = record.activity_type().clone();
        let input = self.trace.store(record.spec().input.as_bytes());
        let activity_id = record.id().clone();
        let latest = &mut self.workflows[workflow].executions;
        let named = self.trace.activities();
        let mut execution = 1;
        match latest.iter_mut().find(|latest| named[**latest].activity_type == activity_type) {
            Some(latest) => {
                execution += named[*latest].execution;
                *latest = activity;
            }
            None => latest.push(activity),
        }
        self.trace.name_activity(ActivityName { workflow, activity_type, activity_id, execution });
        self.activities.push(HostedActivity::default());
        self.note(Who::Activity(activity), What::Scheduled(input));
    }

    #[inline(never)]
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
        self.note(Who::Activity(activity), what);
    }

    #[inline(never)]
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
        self.note(Who::Workflow(workflow), what);
        self.open_workflows -= 1;
        for waker in self.workflows[workflow].waiting.drain(..) {
            waker.wake();
        }
        for key in self.attempts.keys() {
            let attempt = &self.attempts[key];
            if attempt.is_running()
                && !attempt.zombie
                && self.service.activity(attempt.token.activity).workflow() == workflow
            {
                self.expect_local_timeout(key);
            }
        }
        if let Some(instance) = self.workflows[workflow].instance.take() {
            self.todo.push_back(Todo::Evict(instance));
        }
    }
}
