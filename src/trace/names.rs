//! [`Coordinate`]: the thing that an event is about, as plans spell it; and the names that sentences have.

use std::fmt;

use super::{AttemptKey, Trace, Who, WorkflowName};
use crate::fault::{Fault, Id, Name, Observable, Point};
use crate::service::{ActivityKey, WorkflowKey};

/// The thing that an event is about, in the coordinates that plans use: `process_large_file#1@2`. A name that is not
/// clear without quotes has them, so that it can be pasted into a plan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Coordinate<'a> {
    pub(crate) trace: &'a Trace,
    pub(crate) who: Who,
}

impl fmt::Display for Coordinate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let trace = self.trace;
        match self.who {
            Who::Run => f.write_str("run"),
            Who::Worker(worker) => write!(f, "worker {worker}"),
            Who::Workflow(key) => {
                let workflow = &trace.workflows[key];
                write!(f, "{}#{}", Name(&workflow.workflow_type), workflow.execution)?;
                if workflow.run > 1 { write!(f, "@{}", workflow.run) } else { Ok(()) }
            }
            Who::Activity(key) => {
                let activity = &trace.activities[key];
                let (workflow, is_first) = (&trace.workflows[activity.workflow], trace.is_first(activity.workflow));
                if !is_first {
                    write!(f, "{}", Id(&workflow.workflow_id))?;
                }
                if workflow.run > 1 {
                    write!(f, "/{}", workflow.run)?;
                }
                if !is_first || workflow.run > 1 {
                    f.write_str(":")?;
                }
                write!(f, "{}#{}", Name(&activity.activity_type), activity.execution)
            }
            Who::Attempt(key) => {
                let attempt = trace.attempts[key];
                write!(f, "{}@{}", Coordinate { trace, who: Who::Activity(attempt.activity) }, attempt.number)
            }
        }
    }
}

/// The things that faults wait for.
impl Trace {
    /// Names the activity that a fault waits for at this point, as a plan spells it: `ship#2`. `None` if it waits for no
    /// activity, or the run has none.
    pub(crate) fn awaited_words(&self, point: &Point, fault: Fault) -> Option<String> {
        let Observable::Activity(number) = fault.waits_for()? else { return None };
        let workflow = self.workflow_of(point)?;
        let mut activities = self.activities.iter().filter(|(_, name)| name.workflow == workflow);
        let (activity, _) = activities.nth(number.checked_sub(1)? as usize)?;
        Some(self.activity_words(activity))
    }

    /// The workflow to which a point belongs.
    pub(crate) fn workflow_of(&self, point: &Point) -> Option<WorkflowKey> {
        let is_it = |key: WorkflowKey, name: &WorkflowName| {
            let is_named = match (point.attempt, &point.workflow_id) {
                (None, _) => name.workflow_type == point.name && name.execution == point.execution,
                (Some(_), Some(id)) => name.workflow_id == *id,
                (Some(_), None) => self.is_first(key),
            };
            is_named && name.run == point.run.unwrap_or(1)
        };
        self.workflows.iter().find(|(key, name)| is_it(*key, name)).map(|(key, _)| key)
    }
}

impl Trace {
    /// Names an attempt as a plan spells it: `charge#1@2` is the activity, its execution and its attempt.
    pub fn attempt_words(&self, attempt: AttemptKey) -> String {
        self.coordinate(Who::Attempt(attempt)).to_string()
    }

    /// Names an activity as a plan spells it: `charge#1` is the activity and its execution. Its workflow's id is added
    /// unless that is the first workflow.
    pub fn activity_words(&self, activity: ActivityKey) -> String {
        self.coordinate(Who::Activity(activity)).to_string()
    }

    /// The thing that an event is about, as a plan spells it.
    pub(crate) fn coordinate(&self, who: Who) -> Coordinate<'_> {
        Coordinate { trace: self, who }
    }

    /// Names an attempt as the words of faults have it: `attempt 2 of charge`. The first execution and the first
    /// workflow go without saying.
    pub(crate) fn attempt_in_a_sentence(&self, attempt: AttemptKey) -> String {
        let name = &self.attempts[attempt];
        let activity = &self.activities[name.activity];
        let execution = if activity.execution == 1 { String::new() } else { format!("#{}", activity.execution) };
        let workflow = &self.workflows[activity.workflow];
        let workflow = match (self.is_first(activity.workflow), workflow.run) {
            (true, 1) => String::new(),
            (true, run) => format!(" (run {run})"),
            (false, 1) => format!(" (workflow {})", Id(&workflow.workflow_id)),
            (false, run) => format!(" (workflow {}, run {run})", Id(&workflow.workflow_id)),
        };
        format!("attempt {} of {}{execution}{workflow}", name.number, Name(&activity.activity_type))
    }
}
