//! [`Executions::of`]: the one walk over the events of a trace.

use std::collections::BTreeMap;

use super::{
    ActivityEnd, ActivityExecution, AttemptEnd, AttemptExecution, ChildExecution, EffectExecution, Executions, Freeze,
    HeartbeatExecution, MessageExecution, Moment, ReportEnd, StruckFault, TaskExecution, TimerExecution, UpdateEnd,
    UpdateExecution, WorkerExecution, WorkflowEnd, WorkflowExecution,
};
use crate::service::{ActivityKey, UpdateKey, WorkflowKey};
use crate::trace::{AttemptKey, Bytes, Ended, Trace, What, Who, WorkerKey};

impl Executions {
    /// Reads a trace, in time linear in its events.
    pub fn of(trace: &Trace) -> Executions {
        let mut reader = Reader { trace, executions: Executions::default(), early_faults: BTreeMap::new() };
        for (event, happened) in trace.events().iter().enumerate() {
            let moment = Moment { event, at: happened.at };
            if let What::Fault(_) = happened.what {
                reader.executions.faults.push(moment);
            }
            if let What::LetGo { fault, .. } = happened.what {
                reader.executions.let_go.insert(fault, moment);
            }
            match happened.who {
                Who::Run => {}
                Who::Workflow(workflow) => reader.workflow(workflow, moment, happened.what),
                Who::Activity(activity) => reader.activity(activity, moment, happened.what),
                Who::Attempt(attempt) => reader.attempt(attempt, moment, happened.what),
                Who::Worker(worker) => reader.worker(worker, moment, happened.what),
            }
            reader.executions.end = Some(moment);
        }
        reader.executions
    }
}

struct Reader<'a> {
    trace: &'a Trace,
    executions: Executions,
    /// The faults of attempts that have not started, by activity and number of the attempt.
    early_faults: BTreeMap<(ActivityKey, u32), Vec<StruckFault>>,
}

impl Reader<'_> {
    fn workflow(&mut self, key: WorkflowKey, moment: Moment, what: What) {
        if let What::WorkflowStarted(input) = what {
            self.executions.workflows.push(WorkflowExecution {
                key,
                started: moment,
                input,
                activities: Vec::new(),
                tasks: Vec::new(),
                timers: Vec::new(),
                children: Vec::new(),
                messages: Vec::new(),
                signals: Vec::new(),
                updates: Vec::new(),
                cancel_requested: None,
                closed: None,
                faults: Vec::new(),
            });
            return;
        }
        let workflow = &mut self.executions.workflows[key];
        match what {
            What::TaskStarted { task, attempt } => {
                workflow.tasks.push(TaskExecution { started: moment, number: task, attempt });
            }
            What::TimerStarted { timer: number, duration } => {
                let timer = TimerExecution { number, started: moment, duration, fired: None, cancelled: None };
                workflow.timers.push(timer);
            }
            What::TimerFired(number) => {
                if let Some(timer) = workflow.timer_mut(number) {
                    timer.fired = Some(moment);
                }
            }
            What::TimerCanceled(number) => {
                if let Some(timer) = workflow.timer_mut(number) {
                    timer.cancelled = Some(moment);
                }
            }
            What::ChildInitiated { child: number, id } => workflow.children.push(ChildExecution {
                number,
                id,
                asked: moment,
                started: None,
                refused: None,
                cancel_requested: None,
                closed: None,
            }),
            What::ChildStarted(number) => {
                if let Some(child) = workflow.child_mut(number) {
                    child.started = Some(moment);
                }
            }
            What::ChildRefused(number) => {
                if let Some(child) = workflow.child_mut(number) {
                    child.refused = Some(moment);
                }
            }
            What::ChildClosed(number) => {
                if let Some(child) = workflow.child_mut(number) {
                    child.closed = Some(moment);
                }
            }
            What::SignalSent(to) => {
                workflow.messages.push(MessageExecution { to, is_cancel: false, sent: moment, answered: None });
            }
            What::CancelSent(to) => {
                workflow.messages.push(MessageExecution { to, is_cancel: true, sent: moment, answered: None });
                let bytes = |bytes: Bytes| self.trace.bytes(bytes);
                let of_it = |child: &&mut ChildExecution| bytes(child.id) == bytes(to) && child.closed.is_none();
                if let Some(child) = workflow.children.iter_mut().find(of_it) {
                    child.cancel_requested.get_or_insert(moment);
                }
            }
            What::MessageAnswered { to, is_cancel, arrived } => {
                let bytes = |bytes: Bytes| self.trace.bytes(bytes);
                let is_it = |message: &&mut MessageExecution| {
                    message.answered.is_none() && message.is_cancel == is_cancel && bytes(message.to) == bytes(to)
                };
                if let Some(message) = workflow.messages.iter_mut().find(is_it) {
                    message.answered = Some((moment, arrived));
                }
            }
            What::SignalReceived(signal) => workflow.signals.push((moment, signal)),
            What::UpdateAdmitted(key) => {
                workflow.updates.push(UpdateExecution { key, admitted: moment, accepted: None, ended: None });
            }
            What::UpdateAccepted(key) => {
                if let Some(update) = workflow.update_mut(key) {
                    update.accepted = Some(moment);
                }
            }
            What::UpdateRejected { update, failure } => {
                workflow.end_update(update, moment, UpdateEnd::Rejected(failure));
            }
            What::UpdateCompleted { update, result } => {
                workflow.end_update(update, moment, UpdateEnd::Completed(result));
            }
            What::UpdateFailed { update, failure } => workflow.end_update(update, moment, UpdateEnd::Failed(failure)),
            What::UpdateAborted(update) => workflow.end_update(update, moment, UpdateEnd::Aborted),
            What::CancelRequested => {
                workflow.cancel_requested.get_or_insert(moment);
            }
            What::Fault(key) => workflow.faults.push(StruckFault { moment, key }),
            What::WorkflowCompleted(result) => workflow.closed = Some((moment, WorkflowEnd::Completed(result))),
            What::WorkflowFailed(failure) => workflow.closed = Some((moment, WorkflowEnd::Failed(failure))),
            What::WorkflowCanceled => workflow.closed = Some((moment, WorkflowEnd::Canceled)),
            What::WorkflowTimedOut => workflow.closed = Some((moment, WorkflowEnd::TimedOut)),
            What::WorkflowContinuedAsNew => workflow.closed = Some((moment, WorkflowEnd::ContinuedAsNew)),
            What::WorkflowTerminated(reason) => workflow.closed = Some((moment, WorkflowEnd::Terminated(reason))),
            _ => {}
        }
    }

    fn activity(&mut self, key: ActivityKey, moment: Moment, what: What) {
        if let What::Scheduled(input) = what {
            let workflow = self.trace.activities()[key].workflow;
            self.executions.workflows[workflow].activities.push(key);
            self.executions.activities.push(ActivityExecution {
                key,
                workflow,
                scheduled: moment,
                input,
                attempts: Vec::new(),
                retries: Vec::new(),
                timeouts: Vec::new(),
                cancel_requested: None,
                closed: None,
                faults: Vec::new(),
            });
            return;
        }
        if let What::Fault(fault) = what {
            return self.activity_fault(key, StruckFault { moment, key: fault });
        }
        let activity = &mut self.executions.activities[key];
        // This is the attempt that the service counts as running, or whose report it acts on.
        let latest = activity.attempts.last().map(|attempt| &mut self.executions.attempts[*attempt]);
        let open = latest.filter(|latest| latest.retried.is_none() && latest.timed_out.is_none());
        match what {
            What::RetryScheduled(due) => activity.retries.push((moment, due)),
            What::TimedOut(timeout) => activity.timeouts.push((moment, timeout)),
            What::ActivityCancelRequested => {
                activity.cancel_requested.get_or_insert(moment);
            }
            What::ActivityCompleted(result) => activity.closed = Some((moment, ActivityEnd::Completed(result))),
            What::ActivityFailed { failure, retry_state } => {
                activity.closed = Some((moment, ActivityEnd::Failed(failure, retry_state)));
            }
            What::ActivityTimedOut { failure, retry_state } => {
                activity.closed = Some((moment, ActivityEnd::TimedOut(failure, retry_state)));
            }
            What::ActivityCanceled => activity.closed = Some((moment, ActivityEnd::Canceled)),
            _ => return,
        }
        match (what, open) {
            (What::TimedOut(timeout), Some(open)) => open.timed_out = Some((moment, timeout)),
            (What::ActivityCancelRequested, _) => {}
            (_, Some(open)) if open.report == ReportEnd::Lost => open.report = ReportEnd::Taken,
            _ => {}
        }
        if let What::RetryScheduled(_) = what
            && let Some(latest) = activity.attempts.last()
        {
            self.executions.attempts[*latest].retried = Some(moment);
        }
    }

    /// Notes a fault at a dispatch or at the wait before a retry. It belongs to the attempt that the plan names.
    fn activity_fault(&mut self, key: ActivityKey, fault: StruckFault) {
        let activity = &mut self.executions.activities[key];
        activity.faults.push(fault);
        let Some(number) = self.trace.faults()[fault.key].0.attempt else { return };
        let latest = activity.attempts.last().map(|attempt| &mut self.executions.attempts[*attempt]);
        match latest.filter(|latest| latest.number == number) {
            Some(latest) => latest.faults.push(fault),
            None => self.early_faults.entry((key, number)).or_default().push(fault),
        }
    }

    fn attempt_started(&mut self, key: AttemptKey, moment: Moment, details: Option<Bytes>) {
        let name = self.trace.attempts()[key];
        let faults = self.early_faults.remove(&(name.activity, name.number)).unwrap_or_default();
        self.executions.activities[name.activity].attempts.push(key);
        self.executions.attempts.push(AttemptExecution {
            key,
            activity: name.activity,
            number: name.number,
            worker: name.worker,
            started: moment,
            details,
            details_read: None,
            details_undecoded: None,
            awaits: Vec::new(),
            effects: Vec::new(),
            heartbeats: Vec::new(),
            faults,
            cancelled: None,
            worker_stopping: None,
            end: AttemptEnd::Running,
            ended: None,
            detail: None,
            report: ReportEnd::None,
            report_refused: None,
            heartbeats_after_end: Vec::new(),
            timed_out: None,
            zombie: None,
            retried: None,
        });
    }

    fn attempt(&mut self, key: AttemptKey, moment: Moment, what: What) {
        if let What::AttemptStarted(details) = what {
            return self.attempt_started(key, moment, details);
        }
        let attempt = &mut self.executions.attempts[key];
        match what {
            What::DetailsRead => {
                attempt.details_read.get_or_insert(moment);
            }
            What::DetailsUndecoded(why) => {
                attempt.details_undecoded.get_or_insert((moment, why));
            }
            What::DetailsDecoded => attempt.details_undecoded = None,
            What::Awaited(_) => attempt.awaits.push(moment),
            What::Effect { name, applied } => attempt.effects.push(EffectExecution { moment, name, applied }),
            What::HeartbeatRecorded(details) => {
                attempt.heartbeats.push(HeartbeatExecution { details, recorded: moment, sent: None, visible: None });
            }
            // The worker sends the newest heartbeat.
            What::HeartbeatSent(_) => {
                if let Some(newest) = attempt.heartbeats.last_mut() {
                    newest.sent = Some(moment);
                }
            }
            // The details stand at the place where the recording stored them, which tells the heartbeats apart. Among
            // several without details, it is the one that was sent last.
            What::HeartbeatVisible(details) => {
                let mut sent = attempt.heartbeats.iter_mut().rev().filter(|heartbeat| heartbeat.sent.is_some());
                if let Some(heartbeat) = sent.find(|heartbeat| heartbeat.details == details) {
                    heartbeat.visible = Some(moment);
                }
            }
            What::HeartbeatAfterEnd => attempt.heartbeats_after_end.push(moment),
            What::Fault(key) => attempt.faults.push(StruckFault { moment, key }),
            What::CancelDelivered(reason) => {
                attempt.cancelled.get_or_insert((moment, reason));
            }
            What::WorkerStopping => {
                attempt.worker_stopping.get_or_insert(moment);
            }
            What::Ended { how, detail } => {
                attempt.ended = Some(moment);
                attempt.detail = detail;
                attempt.end = how.into();
                attempt.report = if how == Ended::Async { ReportEnd::None } else { ReportEnd::Lost };
            }
            What::Died | What::Aborted => {
                attempt.ended = Some(moment);
                attempt.end = if what == What::Died { AttemptEnd::Died } else { AttemptEnd::Aborted };
            }
            // A service that has refused a heartbeat of the attempt refuses its report too.
            What::Refused if attempt.report == ReportEnd::Lost => {
                attempt.report = ReportEnd::Refused;
                attempt.report_refused = Some(moment);
            }
            What::ReportDropped if attempt.report == ReportEnd::Lost => attempt.report = ReportEnd::Dropped,
            What::Zombie => attempt.zombie = Some(moment),
            _ => {}
        }
    }

    fn worker(&mut self, key: WorkerKey, moment: Moment, what: What) {
        let workers = &mut self.executions.workers;
        while workers.get(key).is_none() {
            workers.push(WorkerExecution::default());
        }
        let worker = &mut workers[key];
        match what {
            What::WorkerStarted | What::WorkerDeployed { .. } => worker.started.push(moment),
            What::WorkerCrashed => worker.crashed.push(moment),
            What::StopSignal => worker.stop_signals.push(moment),
            What::WorkerStopped => worker.stopped.push(moment),
            What::Frozen => worker.freezes.push(Freeze { from: moment, until: None }),
            _ => {}
        }
        if let What::Thawed | What::WorkerCrashed = what
            && let Some(freeze) = worker.freezes.last_mut()
        {
            freeze.until.get_or_insert(moment);
        }
    }
}

impl WorkflowExecution {
    fn update_mut(&mut self, key: UpdateKey) -> Option<&mut UpdateExecution> {
        self.updates.iter_mut().rev().find(|update| update.key == key)
    }

    fn end_update(&mut self, key: UpdateKey, moment: Moment, end: UpdateEnd) {
        if let Some(update) = self.update_mut(key) {
            update.ended = Some((moment, end));
        }
    }

    fn child_mut(&mut self, number: u32) -> Option<&mut ChildExecution> {
        // Children are asked for in the order of their numbers.
        let index = self.children.binary_search_by_key(&number, |child| child.number).ok()?;
        self.children.get_mut(index)
    }

    fn timer_mut(&mut self, number: u32) -> Option<&mut TimerExecution> {
        // Timers are started in the order of their numbers.
        let index = self.timers.binary_search_by_key(&number, |timer| timer.number).ok()?;
        self.timers.get_mut(index)
    }
}

impl From<Ended> for AttemptEnd {
    fn from(how: Ended) -> AttemptEnd {
        match how {
            Ended::Completed => AttemptEnd::Completed,
            Ended::Failed => AttemptEnd::Failed,
            Ended::Cancelled => AttemptEnd::Cancelled,
            Ended::Panicked => AttemptEnd::Panicked,
            Ended::Async => AttemptEnd::Async,
        }
    }
}
