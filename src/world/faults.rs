//! Where the run asks whether a fault strikes, and notes that it does.

use std::time::Duration;

use super::core::Core;
use crate::fault::menu::{Limits, LocalLimits};
use crate::fault::source::{LateDispatch, Location};
use crate::fault::{Fault, Point, Site};
use crate::program::RetrySpec;
use crate::service::{ActivityKey, Service, Token, WorkflowKey};
use crate::trace::{AttemptKey, AttemptName, Trace, What, Who};
use crate::worker::attempt::Attempt;
use crate::worker::host::Attempts;

/// Attempts that faults may end where the policy has no limit: a run should come to an end.
const ENOUGH_ATTEMPTS: u32 = 6;

impl Core {
    /// A site of a running attempt.
    pub(crate) fn strike_attempt(&mut self, attempt: AttemptKey, site: Site) -> Option<Fault> {
        if self.faults.may_strike(site) { self.try_attempt(attempt, site) } else { None }
    }

    fn try_attempt(&mut self, attempt: AttemptKey, site: Site) -> Option<Fault> {
        let AttemptName { activity, number, .. } = self.trace.attempts()[attempt];
        let fault = self.strike_site(activity, number, site)?;
        self.note_fault(Who::Attempt(attempt), self.trace.activity_point(activity, number, site), fault)
    }

    /// The number of an attempt in traces and plans, which count on where an operator has let attempts count anew.
    pub(super) fn attempt_number(&self, activity: ActivityKey, attempt: u32) -> u32 {
        self.service.activity(activity).number_of(attempt)
    }

    /// A site of an activity at which no attempt runs. The attempt is known by its number in plans.
    pub(super) fn strike_activity(&mut self, activity: ActivityKey, attempt: u32, site: Site) -> Option<Fault> {
        if !self.faults.may_strike(site) {
            return None;
        }
        let fault = self.strike_site(activity, attempt, site)?;
        self.note_fault(Who::Activity(activity), self.trace.activity_point(activity, attempt, site), fault)
    }

    /// The time by which this attempt is dispatched later to meet a planned deadline.
    pub(super) fn strike_deadline(&mut self, activity: ActivityKey, attempt: u32) -> Option<Duration> {
        let Core { faults, trace, .. } = self;
        let LateDispatch { site, fault, by } =
            faults.strike_deadline(location(trace, activity, attempt, Site::Dispatch))?;
        self.activities[activity].aim_at_deadline(attempt, fault.defers_the_deadline());
        self.note_fault(Who::Activity(activity), self.trace.activity_point(activity, attempt, site), fault)?;
        Some(by)
    }

    /// A site of a workflow.
    pub(super) fn strike_workflow(&mut self, workflow: WorkflowKey, site: Site) -> Option<Fault> {
        if !self.faults.may_strike(site) {
            return None;
        }
        let asked = self.asked();
        let Core { faults, trace, service, attempts, .. } = self;
        let over_budget = faults.is_over_budget();
        let name = &trace.workflows()[workflow];
        let location = Location {
            workflow_id: &name.workflow_id,
            first_workflow: trace.is_first(workflow),
            run: name.run,
            name: &name.workflow_type,
            execution: name.execution,
            attempt: None,
            site,
        };
        let limits = || Limits { asked, ..Limits::of_workflow(all_may_end(attempts, service, over_budget)) };
        let fault = faults.strike(location, &limits)?;
        self.note_fault(Who::Workflow(workflow), self.trace.workflow_point(workflow, site), fault)
    }

    /// Notes that a fault strikes. At most one does at a point.
    pub(super) fn note_fault(&mut self, who: Who, point: Point, fault: Fault) -> Option<Fault> {
        let fault_key = self.trace.name_fault(point, fault)?;
        self.note(who, What::Fault(fault_key));
        Some(fault)
    }

    fn strike_site(&mut self, activity: ActivityKey, attempt: u32, site: Site) -> Option<Fault> {
        let (now, asked) = (self.agenda.now(), self.asked());
        let Core { faults, trace, service, attempts, activities, .. } = self;
        let over_budget = faults.is_over_budget();
        let location = location(trace, activity, attempt, site);
        let limits = || {
            let record = service.activity(activity);
            let hosted = activities[activity].latest_attempt().map(|attempt| &attempts[attempt]);
            let rest_may_end = all_may_end(attempts, service, over_budget);
            Limits {
                timeouts: record.timeouts(),
                backoff: record.retry().initial_interval,
                attempt_length: hosted.map_or(Default::default(), |attempt| now - attempt.started_at()),
                time_left: hosted.and_then(Attempt::deadline).map(|deadline| deadline - now),
                silence: hosted.map_or(Default::default(), |attempt| now - attempt.last_visible()),
                may_end: rest_may_end
                    && may_end(record.retry(), record.counted_attempt(record.attempt_of(attempt)), over_budget),
                local: record.is_local().then(|| LocalLimits {
                    task_timeout: service.workflow(record.workflow()).info().task_timeout.to_duration(),
                    may_die: rest_may_end && attempt < ENOUGH_ATTEMPTS,
                }),
                asked,
            }
        };
        faults.strike(location, &limits)
    }

    /// Says whether a local activity of a workflow has been run so often that faults leave its tasks alone.
    pub(super) fn has_weary_local(&self, workflow: WorkflowKey) -> bool {
        self.workflows[workflow]
            .known_local(|run| self.service.activity(run.activity).attempt() >= ENOUGH_ATTEMPTS)
            .is_some()
    }

    /// Cancellation of an attempt's workflow is requested now.
    pub(super) fn cancel_workflow_of(&mut self, attempt: AttemptKey) {
        let activity = self.attempts[attempt].token().activity;
        self.cancel_workflow(self.service.activity(activity).workflow());
    }

    pub(super) fn cancel_workflow(&mut self, workflow: WorkflowKey) {
        // A closed workflow takes the request in silence, as the server does.
        let _ = self.serve(|service, now| service.request_cancel(workflow, "injected".into(), now));
    }
}

/// Says whether every attempt that would die with the worker may have a successor.
fn all_may_end(attempts: &Attempts, service: &Service, over_budget: bool) -> bool {
    attempts.running().all(|(_, attempt)| {
        let Token { activity, attempt, .. } = attempt.token();
        let record = service.activity(activity);
        // A local activity is run again in any case.
        if record.is_local() { attempt < ENOUGH_ATTEMPTS } else { may_end(record.retry(), attempt, over_budget) }
    })
}

/// Says whether an attempt may have a successor.
pub(super) fn may_end(retry: &RetrySpec, attempt: u32, over_budget: bool) -> bool {
    match retry.maximum_attempts {
        limit if limit > 0 => over_budget || attempt < limit as u32,
        _ => attempt < ENOUGH_ATTEMPTS,
    }
}

/// A site of an activity, as plans name it.
fn location(trace: &Trace, activity: ActivityKey, attempt: u32, site: Site) -> Location<'_> {
    let name = &trace.activities()[activity];
    let workflow = &trace.workflows()[name.workflow];
    Location {
        workflow_id: &workflow.workflow_id,
        first_workflow: trace.is_first(name.workflow),
        run: workflow.run,
        name: &name.activity_type,
        execution: name.execution,
        attempt: Some(attempt),
        site,
    }
}
