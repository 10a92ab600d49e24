//! Timers that fire. A timer is never taken back: it is recognised as stale instead.

use super::workflow::TimerState;
use super::{ActivityKey, Service, ServiceTimer, TimerRequest, WorkflowKey};
use crate::program::{Seq, Time, TimeoutType};

impl Service {
    /// Fires a timer whose time has come. A stale timer does nothing.
    ///
    /// A heartbeat timer whose attempt has sent heartbeats since asks to be armed again, for the deadline that the last
    /// heartbeat set: there is one timer per attempt, and its effect is exact (recorded scenario `hb_timer_many_fast`).
    pub fn fire(&mut self, timer: ServiceTimer, now: Time) {
        if self.is_live(timer) {
            self.fire_live(timer, now);
        }
    }

    /// Does as [`fire`](Service::fire), for a caller that has just asked whether the timer is live.
    pub(crate) fn fire_live(&mut self, timer: ServiceTimer, now: Time) {
        match timer {
            ServiceTimer::Timeout { activity, timeout, .. } => {
                let record = self.activity(activity);
                match record.deadline(timeout) {
                    Some(at) if at <= now => self.time_out(activity, timeout, now),
                    Some(at) if timeout == TimeoutType::Heartbeat => {
                        let last_heartbeat = record.started().and_then(|started| started.last_heartbeat);
                        let order = last_heartbeat.map(|(_, order)| order);
                        self.outbox.timers.push(TimerRequest { at, order, timer });
                    }
                    // An operator has moved the deadline, and armed another timer for it.
                    _ => {}
                }
            }
            ServiceTimer::RetryDue { activity, .. } => {
                if self.activity(activity).attempt_scheduled_at <= now {
                    self.retry_due(activity);
                }
            }
            ServiceTimer::Workflow { workflow, timer } => self.fire_timer(workflow, timer, now),
            ServiceTimer::TaskTimeout { token } => self.time_out_task(token, now),
            ServiceTimer::StickyTimeout { token } => self.time_out_sticky_task(token, now),
            ServiceTimer::FirstTask { workflow } => self.first_task_due(workflow, now),
            ServiceTimer::RunTimeout { workflow } => self.time_out_run(workflow, now),
        }
    }

    /// Says whether a timer will do anything when it fires. The clock must not be moved for a timer that will not.
    ///
    /// A heartbeat timer of a running attempt whose deadline has moved is live: it will ask to be armed again.
    pub fn is_live(&self, timer: ServiceTimer) -> bool {
        match timer {
            ServiceTimer::Timeout { activity, attempt, timeout } => {
                let record = self.activity(activity);
                attempt.is_none_or(|attempt| attempt == record.attempt)
                    && record.deadline(timeout).is_some()
                    && self.runs(activity)
            }
            ServiceTimer::RetryDue { activity, attempt } => self.is_in_backoff(activity, attempt),
            ServiceTimer::Workflow { workflow, timer } => self.is_timer_running(workflow, timer),
            ServiceTimer::TaskTimeout { token } => self.is_task_open(token),
            ServiceTimer::StickyTimeout { token } => self.is_task_sticky(token),
            ServiceTimer::FirstTask { workflow } => {
                let run = self.workflow(workflow);
                run.is_open() && run.waits_for_first_task
            }
            ServiceTimer::RunTimeout { workflow } => self.workflow(workflow).is_open(),
        }
    }

    fn is_in_backoff(&self, activity: ActivityKey, attempt: u32) -> bool {
        let record = self.activity(activity);
        record.is_in_backoff() && record.attempt == attempt && self.runs(activity)
    }

    fn is_timer_running(&self, workflow: WorkflowKey, seq: Seq) -> bool {
        let run = self.workflow(workflow);
        run.is_open() && matches!(run.timer(seq), Some(TimerState::Running(_)))
    }
}
