//! The commands of a completed workflow task: first all are checked, then all are carried out.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::history::{EventKind, Subject, TaskFailedCause};
use super::start::check_schedule;
use super::workflow::{TimerState, find, insert};
use super::{Activity, ActivityClose, ActivityKey, News, Refused, Service, ServiceTimer, WorkflowKey, WorkflowOutcome};
use crate::program::{
    ActivityId, ActivitySpec, Command, ContinueAsNew, Details, Marker, Payload, RetrySpec, Seq, Target, Time, Timeouts,
};

/// The details of an activity that was cancelled while it was not running, as a JSON string.
/// Recorded scenario `cancel_wait_before_start`.
const NOT_STARTED: &[u8] = b"\"ACTIVITY_ID_NOT_STARTED\"";

type BadCommand = (TaskFailedCause, String);

/// The things that the commands before the one at hand have started and cancelled, in the same workflow task.
#[derive(Default)]
struct Earlier {
    /// The numbers of the activities, and their ids where the caller has chosen them.
    activities: BTreeSet<ActivityId>,
    /// The numbers of the children.
    children: BTreeSet<Seq>,
    /// Says of each timer whether it runs now. The numbers rise.
    timers: Vec<(Seq, bool)>,
    /// The ids of the updates that were accepted or rejected.
    updates: Vec<Arc<str>>,
}

/// The things that have ended while the task was open, which the workflow cannot know. Both lists rise.
#[derive(Default)]
struct Unseen {
    closed: Vec<ActivityKey>,
    fired: Vec<Seq>,
}

fn command_name(command: &Command) -> &'static str {
    match command {
        Command::ScheduleActivity { .. } => "ScheduleActivityTask",
        Command::CancelActivity { .. } => "RequestCancelActivityTask",
        Command::ScheduleLocalActivity { .. } => "ScheduleLocalActivity",
        Command::CancelLocalActivity { .. } => "CancelLocalActivity",
        Command::StartChild { .. } => "StartChildWorkflowExecution",
        Command::CancelChild { .. } | Command::CancelWorkflow { .. } => "RequestCancelExternalWorkflowExecution",
        Command::SignalWorkflow { .. } => "SignalExternalWorkflowExecution",
        Command::CancelSignal { .. } => "CancelSignal",
        Command::StartTimer { .. } => "StartTimer",
        Command::CancelTimer { .. } => "CancelTimer",
        Command::RecordMarker(_) => "RecordMarker",
        Command::AcceptUpdate { .. } | Command::RejectUpdate { .. } | Command::CompleteUpdate { .. } => {
            "ProtocolMessage"
        }
        Command::QueryAnswer { .. } => "QueryAnswer",
        Command::Complete(_) => "CompleteWorkflowExecution",
        Command::Fail(_) => "FailWorkflowExecution",
        Command::Cancelled(_) => "CancelWorkflowExecution",
        Command::ContinueAsNew(_) => "ContinueAsNewWorkflowExecution",
    }
}

pub(super) fn activity_id(seq: Seq, spec: &ActivitySpec) -> ActivityId {
    match &spec.activity_id {
        Some(name) => ActivityId::Named(name.clone()),
        None => ActivityId::Seq(seq),
    }
}

/// A workflow that is named must have a name.
fn check_target(target: &Target, cause: TaskFailedCause) -> Result<(), BadCommand> {
    match target {
        Target::Workflow { workflow_id, .. } if workflow_id.is_empty() => {
            let name = match cause {
                TaskFailedCause::BadSignalWorkflowExecutionAttributes => "BadSignalWorkflowExecutionAttributes",
                _ => "BadRequestCancelExternalWorkflowExecutionAttributes",
            };
            Err((cause, format!("{name}: WorkflowId is not set on command.")))
        }
        _ => Ok(()),
    }
}

impl Service {
    /// A closing command must be the last one. Recorded scenario `raw_complete_then_schedule`.
    pub(super) fn check_sequence(&self, commands: &[Command]) -> Result<(), Refused> {
        let Some((_, all_but_last)) = commands.split_last() else {
            return Ok(());
        };
        match all_but_last.iter().find(|command| command.closes_workflow()) {
            None => Ok(()),
            Some(early) => {
                let names: Vec<&str> = commands.iter().map(command_name).collect();
                Err(Refused::invalid(format!(
                    "invalid command sequence: [{}], command {} must be the last command.",
                    names.join(", "),
                    command_name(early)
                )))
            }
        }
    }

    /// Finds the first command that makes no sense.
    pub(super) fn check_commands(&mut self, workflow: WorkflowKey, commands: &[Command]) -> Result<(), BadCommand> {
        self.checked.clear();
        let unseen = self.unseen(workflow);
        let mut earlier = Earlier::default();
        for command in commands {
            match command {
                Command::ScheduleActivity { seq, spec } => self.check_schedule(workflow, *seq, spec, &mut earlier)?,
                Command::CancelActivity { seq } => self.check_cancel(workflow, *seq, &earlier, &unseen)?,
                Command::StartTimer { seq, duration } => {
                    if duration.is_negative() {
                        return Err((
                            TaskFailedCause::BadStartTimerAttributes,
                            "BadStartTimerAttributes: invalid StartToFireTimeout: negative duration".into(),
                        ));
                    }
                    if self.timer_runs(workflow, *seq, &earlier) {
                        return Err((
                            TaskFailedCause::StartTimerDuplicateId,
                            format!(
                                "StartTimerDuplicateId: invalid history builder state for action: \
                                 add-timer-started-event, TimerID: {seq}"
                            ),
                        ));
                    }
                    insert(&mut earlier.timers, *seq, true);
                }
                Command::CancelTimer { seq } => {
                    if !self.timer_runs(workflow, *seq, &earlier) && unseen.fired.binary_search(seq).is_err() {
                        return Err((
                            TaskFailedCause::BadCancelTimerAttributes,
                            format!(
                                "BadCancelTimerAttributes: invalid history builder state for action: \
                                 add-timer-canceled-event, TimerID: {seq}"
                            ),
                        ));
                    }
                    insert(&mut earlier.timers, *seq, false);
                }
                Command::StartChild { seq, spec } => {
                    self.check_child(spec)?;
                    earlier.children.insert(*seq);
                }
                Command::CancelChild { seq, .. } => self.check_cancel_of_child(workflow, *seq, &earlier)?,
                Command::SignalWorkflow { target, name, .. } => {
                    check_target(target, TaskFailedCause::BadSignalWorkflowExecutionAttributes)?;
                    if name.is_empty() {
                        return Err((
                            TaskFailedCause::BadSignalWorkflowExecutionAttributes,
                            "BadSignalWorkflowExecutionAttributes: SignalName is not set on \
                             SignalExternalWorkflowExecutionCommand."
                                .into(),
                        ));
                    }
                }
                Command::CancelWorkflow { target, .. } => {
                    check_target(target, TaskFailedCause::BadRequestCancelExternalWorkflowExecutionAttributes)?;
                }
                Command::AcceptUpdate { .. } | Command::RejectUpdate { .. } | Command::CompleteUpdate { .. } => {
                    self.check_update(workflow, command, &mut earlier.updates)?;
                }
                // A marker is the workflow's own affair, and the rest is not for the history.
                Command::RecordMarker(_)
                | Command::QueryAnswer { .. }
                | Command::CancelSignal { .. }
                | Command::ScheduleLocalActivity { .. }
                | Command::CancelLocalActivity { .. } => {}
                Command::Complete(_) | Command::Fail(_) | Command::Cancelled(_) | Command::ContinueAsNew(_) => {
                    if self.has_unhandled(workflow, &earlier) {
                        return Err((TaskFailedCause::UnhandledCommand, "UnhandledCommand".into()));
                    }
                    if let Command::ContinueAsNew(next) = command {
                        self.check_continue_as_new(next)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn check_cancel_of_child(&self, workflow: WorkflowKey, seq: Seq, earlier: &Earlier) -> Result<(), BadCommand> {
        if earlier.children.contains(&seq) || self.workflow(workflow).child(seq).is_some() {
            return Ok(());
        }
        Err((
            TaskFailedCause::BadRequestCancelExternalWorkflowExecutionAttributes,
            format!("BadRequestCancelExternalWorkflowExecutionAttributes: the workflow has no child {seq}"),
        ))
    }

    fn check_continue_as_new(&mut self, next: &ContinueAsNew) -> Result<(), BadCommand> {
        let bad = |message: String| {
            (TaskFailedCause::BadContinueAsNewAttributes, format!("BadContinueAsNewAttributes: {message}"))
        };
        for (name, span) in [
            ("WorkflowRunTimeout", next.run_timeout),
            ("WorkflowTaskTimeout", next.task_timeout),
            ("BackoffStartInterval", next.backoff),
        ] {
            if span.is_negative() {
                return Err(bad(format!("invalid {name} on ContinueAsNewWorkflowExecutionCommand: negative duration")));
            }
        }
        if let Some(schedule) = &next.cron {
            check_schedule(schedule).map_err(bad)?;
        }
        self.workflow_retry(next.retry.as_ref()).map(|_| ()).map_err(bad)
    }

    fn check_schedule(
        &mut self,
        workflow: WorkflowKey,
        seq: Seq,
        spec: &ActivitySpec,
        earlier: &mut Earlier,
    ) -> Result<(), BadCommand> {
        let bad = |message: String| {
            (TaskFailedCause::BadScheduleActivityAttributes, format!("BadScheduleActivityAttributes: {message}"))
        };
        let id = activity_id(seq, spec);
        if spec.activity_id.as_deref() == Some("") {
            return Err(bad(self.dialect.not_set("activityId")));
        }
        if spec.activity_type.is_empty() {
            return Err(bad(self.dialect.not_set("activityType")));
        }
        let retry = self.policies.get(&spec.retry, self.dialect).map_err(bad)?;
        let timeouts = self.normal_timeouts(workflow, &id, spec, &retry).map_err(bad)?;
        self.checked.push_back((timeouts, retry));
        let is_new = earlier.activities.insert(ActivityId::Seq(seq))
            && (spec.activity_id.is_none() || earlier.activities.insert(id.clone()));
        if !is_new || self.open_activity(workflow, &id).is_some() || self.seq_is_open(workflow, seq) {
            return Err((
                TaskFailedCause::ScheduleActivityDuplicateId,
                format!(
                    "ScheduleActivityDuplicateId: invalid history builder state for action: \
                     add-activitytask-scheduled-event, ActivityID: {id}"
                ),
            ));
        }
        Ok(())
    }

    /// The timeouts in force. `retry` is the policy in force.
    fn normal_timeouts(
        &self,
        workflow: WorkflowKey,
        id: &ActivityId,
        spec: &ActivitySpec,
        retry: &RetrySpec,
    ) -> Result<Timeouts, String> {
        let run_timeout = self.workflow(workflow).run_timeout();
        let asked_for = spec.retry.as_ref().map(|_| retry);
        self.dialect.normalize_timeouts(spec.timeouts, asked_for, run_timeout, id, &spec.activity_type)
    }

    fn seq_is_open(&self, workflow: WorkflowKey, seq: Seq) -> bool {
        self.workflow(workflow).activity(seq).is_some_and(|key| self.activity(key).is_open())
    }

    fn check_cancel(
        &self,
        workflow: WorkflowKey,
        seq: Seq,
        earlier: &Earlier,
        unseen: &Unseen,
    ) -> Result<(), BadCommand> {
        let known = self.workflow(workflow).activity(seq);
        let may_be = known.is_some_and(|key| {
            let activity = self.activity(key);
            if activity.is_open() { !activity.cancel_requested } else { unseen.closed.binary_search(&key).is_ok() }
        });
        if may_be || earlier.activities.contains(&ActivityId::Seq(seq)) {
            return Ok(());
        }
        // Without an event there is the number alone, which a caller may choose as the event's (`raw_cancel_unknown_activity`).
        let scheduled_event_id = known.map_or(u64::from(seq), |key| self.activity(key).scheduled_event_id);
        Err((
            TaskFailedCause::BadRequestCancelActivityAttributes,
            format!(
                "BadRequestCancelActivityAttributes: invalid history builder state for action: \
                 add-activitytask-cancel-requested-event, ScheduledEventID: {scheduled_event_id}"
            ),
        ))
    }

    /// The things that have ended while the workflow's task was open.
    fn unseen(&self, workflow: WorkflowKey) -> Unseen {
        let mut unseen = Unseen::default();
        for event in &self.workflow(workflow).buffered {
            unseen.closed.extend(event.subject.and_then(Subject::activity));
            if let EventKind::TimerFired { seq } = event.kind {
                unseen.fired.push(seq);
            }
        }
        unseen.closed.sort_unstable();
        unseen.fired.sort_unstable();
        unseen
    }

    /// Says whether news has come while the task was open. A timer that the same task cancels is none (recorded scenario
    /// `rt_157`).
    fn has_unhandled(&self, workflow: WorkflowKey, earlier: &Earlier) -> bool {
        let is_cancelled = |seq: Seq| find(&earlier.timers, seq).is_ok_and(|index| !earlier.timers[index].1);
        let mut buffered = self.workflow(workflow).buffered.iter();
        buffered.any(|event| !matches!(event.kind, EventKind::TimerFired { seq } if is_cancelled(seq)))
    }

    fn timer_runs(&self, workflow: WorkflowKey, seq: Seq, earlier: &Earlier) -> bool {
        let in_this_task = find(&earlier.timers, seq).ok().map(|index| earlier.timers[index].1);
        in_this_task.unwrap_or_else(|| matches!(self.workflow(workflow).timer(seq), Some(TimerState::Running(_))))
    }

    /// Carries out commands that have been checked.
    pub(super) fn carry_out(&mut self, workflow: WorkflowKey, commands: &[Command], now: Time) {
        self.forget_cancelled_timers(workflow, commands);
        for command in commands {
            match command {
                Command::ScheduleActivity { seq, spec } => self.schedule_activity(workflow, *seq, spec, now),
                Command::CancelActivity { seq } => self.cancel_activity(workflow, *seq, now),
                Command::StartChild { seq, spec } => self.initiate_child(workflow, *seq, spec, now),
                Command::CancelChild { seq, reason } => {
                    self.initiate_cancel(workflow, *seq, Target::Child(*seq), Arc::clone(reason), now);
                }
                Command::SignalWorkflow { seq, target, name, input } => {
                    self.initiate_signal(workflow, *seq, target, name, input, now);
                }
                Command::CancelWorkflow { seq, target, reason } => {
                    self.initiate_cancel(workflow, *seq, target.clone(), reason.clone(), now);
                }
                Command::StartTimer { seq, duration } => {
                    let run = &mut self.workflows[workflow];
                    let at = now.plus(*duration);
                    run.set_timer(*seq, TimerState::Running(at));
                    run.append(now, EventKind::TimerStarted { seq: *seq, duration: *duration });
                    self.outbox.news.push_back(News::TimerStarted { workflow, timer: *seq, duration: *duration });
                    self.outbox.arm(at, ServiceTimer::Workflow { workflow, timer: *seq });
                }
                Command::CancelTimer { seq } => {
                    let run = &mut self.workflows[workflow];
                    run.set_timer(*seq, TimerState::Canceled);
                    run.append(now, EventKind::TimerCanceled { seq: *seq });
                    self.outbox.news.push_back(News::TimerCanceled { workflow, timer: *seq });
                }
                Command::RecordMarker(marker) => {
                    if let Marker::LocalActivity(local) = marker {
                        self.local_marker_recorded(workflow, local, now);
                    }
                    let run = &mut self.workflows[workflow];
                    let event_id = run.append(now, EventKind::MarkerRecorded { marker: marker.clone() });
                    // That of a local activity is told as the end of the activity.
                    if !matches!(marker, Marker::LocalActivity(_)) {
                        self.outbox.news.push_back(News::MarkerRecorded { workflow, event_id });
                    }
                }
                Command::AcceptUpdate { .. } | Command::RejectUpdate { .. } | Command::CompleteUpdate { .. } => {
                    self.answer_update(workflow, command, now);
                }
                Command::QueryAnswer { .. }
                | Command::CancelSignal { .. }
                | Command::ScheduleLocalActivity { .. }
                | Command::CancelLocalActivity { .. } => {}
                Command::Complete(result) => self.complete_run(workflow, result.clone(), now),
                Command::Fail(failure) => self.fail_run(workflow, Arc::clone(failure), now),
                Command::Cancelled(details) => {
                    self.close_workflow(workflow, WorkflowOutcome::Canceled(details.clone()), None, now);
                }
                Command::ContinueAsNew(next) => self.continue_as_new(workflow, next, now),
            }
        }
    }

    /// Forgets that timers have fired while the task was open which it cancels: the workflow will never know.
    fn forget_cancelled_timers(&mut self, workflow: WorkflowKey, commands: &[Command]) {
        let cancels = commands.iter().filter_map(|command| match command {
            Command::CancelTimer { seq } => Some(*seq),
            _ => None,
        });
        let mut cancelled: Vec<Seq> = cancels.collect();
        if !cancelled.is_empty() {
            cancelled.sort_unstable();
            let is_cancelled = |seq: &Seq| cancelled.binary_search(seq).is_ok();
            let buffered = &mut self.workflows[workflow].buffered;
            buffered.retain(|event| !matches!(&event.kind, EventKind::TimerFired { seq } if is_cancelled(seq)));
        }
    }

    fn schedule_activity(&mut self, workflow: WorkflowKey, seq: Seq, spec: &Arc<ActivitySpec>, now: Time) {
        let id = activity_id(seq, spec);
        let Some((timeouts, retry)) = self.checked.pop_front() else {
            unreachable!("options are checked before any command of the task is carried out");
        };
        let key = self.activities.next_key();
        let run = &mut self.workflows[workflow];
        let event = EventKind::ActivityTaskScheduled {
            seq,
            id: id.clone(),
            spec: spec.clone(),
            timeouts,
            retry: retry.clone(),
        };
        let scheduled_event_id = run.append(now, event);
        insert(&mut run.activities, seq, key);
        if let ActivityId::Named(name) = &id {
            run.named.insert(name.clone(), key);
        }
        let (spec, dialect) = (spec.clone(), self.dialect);
        let expires = run.expires;
        let activity =
            Activity::new(workflow, seq, id, spec, timeouts, retry, dialect, scheduled_event_id, now, expires);
        self.activities.push(activity);
        self.outbox.news.push_back(News::ActivityScheduled { activity: key });
        self.offer_attempt(key);
        self.arm_overall_timeout(key);
    }

    fn cancel_activity(&mut self, workflow: WorkflowKey, seq: Seq, now: Time) {
        let run = &mut self.workflows[workflow];
        let Some(key) = run.activity(seq) else {
            return;
        };
        let activity = &mut self.activities[key];
        let scheduled_event_id = activity.scheduled_event_id;
        run.append(now, EventKind::ActivityTaskCancelRequested { scheduled_event_id });
        if !activity.is_open() {
            return;
        }
        activity.cancel_requested = true;
        let is_running = activity.started().is_some();
        self.outbox.news.push_back(News::ActivityCancelRequested { activity: key });
        if !is_running {
            let details = Details::Payload(Payload::new(NOT_STARTED));
            self.close_activity(key, ActivityClose::Canceled { details }, None, now);
        }
    }
}
