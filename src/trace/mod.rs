//! What happened in a run, in order, in virtual time.
//!
//! Events are small `Copy` values; names, bytes and failures stand in tables beside them, so that recording formats
//! nothing. Text is made by [`crate::report`], of a finished run only.

mod event;
mod hash;

use std::sync::Arc;

pub use event::{Ended, What, Who};

use crate::fault::{Fault, Point, Site};
use crate::instant::Time;
use crate::program::{ActivityId, Failure, Marker};
use crate::service::Dialect;

/// The version of the trace's meaning: a seed or plan may lead to another trace in another version.
/// [`fault::VERSION`](crate::fault::VERSION) is the version of a plan's text.
pub const TRACE_VERSION: u32 = 1;

/// One thing that happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event {
    /// When.
    pub at: Time,
    /// To whom, or who did it.
    pub who: Who,
    /// What.
    pub what: What,
}

/// Bytes in the trace's store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bytes {
    start: u32,
    len: u32,
}

impl Bytes {
    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len == 0
    }
}

/// An activity of the run, as the trace names it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ActivityName {
    /// Index of its workflow run in [`Trace::workflows`].
    pub workflow: u32,
    /// The registered name.
    pub activity_type: Arc<str>,
    /// The id the workflow knows it by.
    pub activity_id: ActivityId,
    /// Which of the workflow's activities of this type, from 1.
    pub execution: u32,
}

/// A signal or a query's answer: its name, and what came with it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamedBytes {
    /// The name of the signal or query.
    pub name: Arc<str>,
    /// The encoded input of a signal; the encoded answer to a query, or the text of its failure.
    pub bytes: Bytes,
}

/// A workflow run, as the trace names it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorkflowName {
    /// Chosen by who started it.
    pub workflow_id: Arc<str>,
    /// The registered name.
    pub workflow_type: Arc<str>,
    /// Which of the workflows of this type, from 1.
    pub execution: u32,
}

/// An attempt of the run, as the trace names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AttemptName {
    /// Index of its activity in [`Trace::activities`].
    pub activity: u32,
    /// From 1.
    pub number: u32,
    /// Which worker took it.
    pub worker: u32,
}

/// The events of one run, with the tables they refer to.
#[derive(Clone, Default, Debug)]
pub struct Trace {
    dialect: Dialect,
    events: Vec<Event>,
    bytes: Vec<u8>,
    failures: Vec<Failure>,
    workflows: Vec<WorkflowName>,
    activities: Vec<ActivityName>,
    attempts: Vec<AttemptName>,
    faults: Vec<(Point, Fault)>,
    signals: Vec<NamedBytes>,
    markers: Vec<Marker>,
    answers: Vec<NamedBytes>,
}

impl Trace {
    /// Whose rules the service followed.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Everything that happened, in order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The stored bytes: details, inputs, results, effect keys, panic messages.
    pub fn bytes(&self, bytes: Bytes) -> &[u8] {
        &self.bytes[bytes.start as usize..][..bytes.len as usize]
    }

    /// A stored failure.
    pub fn failure(&self, index: u32) -> &Failure {
        &self.failures[index as usize]
    }

    /// The workflow runs, by the index in [`Who::Workflow`].
    pub fn workflows(&self) -> &[WorkflowName] {
        &self.workflows
    }

    /// The activities, by the index in [`Who::Activity`], in the order in which they were scheduled.
    pub fn activities(&self) -> &[ActivityName] {
        &self.activities
    }

    /// The attempts, by the index in [`Who::Attempt`], in the order in which workers took them.
    pub fn attempts(&self) -> &[AttemptName] {
        &self.attempts
    }

    /// The faults that struck, by the index in [`What::Fault`].
    pub fn faults(&self) -> &[(Point, Fault)] {
        &self.faults
    }

    /// The signals that arrived, by the index in [`What::SignalReceived`].
    pub fn signals(&self) -> &[NamedBytes] {
        &self.signals
    }

    /// The markers that were written, by the index in [`What::MarkerRecorded`].
    pub fn markers(&self) -> &[Marker] {
        &self.markers
    }

    /// The answers to queries, by the index in [`What::QueryAnswered`].
    pub fn answers(&self) -> &[NamedBytes] {
        &self.answers
    }

    /// A fingerprint of the whole trace, bytes, names and failures included: equal for equal traces on any machine.
    ///
    /// Made of the whole trace at each call: most runs are never asked.
    pub fn hash(&self) -> u64 {
        let mut hash = hash::Fold::default();
        self.events.iter().for_each(|event| hash.event(event));
        if self.dialect != Dialect::Temporal {
            hash.word(self.dialect as u64);
        }
        for workflow in &self.workflows {
            hash.bytes(workflow.workflow_id.as_bytes());
            hash.bytes(workflow.workflow_type.as_bytes());
        }
        for activity in &self.activities {
            hash.bytes(activity.activity_type.as_bytes());
            hash.word(u64::from(activity.workflow) << 32 | u64::from(activity.execution));
        }
        for attempt in &self.attempts {
            hash.word(u64::from(attempt.activity) << 32 | u64::from(attempt.number));
            hash.word(u64::from(attempt.worker));
        }
        for (point, fault) in &self.faults {
            hash.bytes(format!("{point}={fault}").as_bytes());
        }
        for named in self.signals.iter().chain(&self.answers) {
            hash.bytes(named.name.as_bytes());
            hash.word(u64::from(named.bytes.start) << 32 | u64::from(named.bytes.len));
        }
        for marker in &self.markers {
            match marker {
                Marker::SideEffect { seq, value } => {
                    hash.word((*seq).into());
                    hash.bytes(value.as_bytes());
                }
                Marker::Version { change_id, version } => {
                    hash.bytes(change_id.as_bytes());
                    hash.word(u64::from(version.cast_unsigned()));
                }
            }
        }
        hash.bytes(&self.bytes);
        self.failures.iter().for_each(|failure| hash.failure(failure));
        hash.finish()
    }
}

/// Names for people.
impl Trace {
    /// `charge#1@2`: the activity, which execution of it, which attempt.
    pub fn attempt_words(&self, attempt: u32) -> String {
        let name = &self.attempts[attempt as usize];
        format!("{}@{}", self.activity_words(name.activity), name.number)
    }

    /// `attempt 2 of charge`: as the words of faults have it. What goes without saying is left out.
    pub(crate) fn attempt_in_a_sentence(&self, attempt: u32) -> String {
        let name = &self.attempts[attempt as usize];
        let activity = &self.activities[name.activity as usize];
        let execution = if activity.execution == 1 { String::new() } else { format!("#{}", activity.execution) };
        let workflow = match activity.workflow {
            0 => String::new(),
            other => format!(" (workflow {})", self.workflows[other as usize].workflow_id),
        };
        format!("attempt {} of {}{execution}{workflow}", name.number, activity.activity_type)
    }

    /// `charge#1`: the activity and which execution of it; with its workflow's id unless that is the first workflow.
    pub fn activity_words(&self, activity: u32) -> String {
        let name = &self.activities[activity as usize];
        let workflow = match name.workflow {
            0 => String::new(),
            other => format!("{}:", self.workflows[other as usize].workflow_id),
        };
        format!("{workflow}{}#{}", name.activity_type, name.execution)
    }
}

/// Coordinates, as plans name them.
impl Trace {
    /// The coordinate of a site of an activity's attempt, by the activity's index.
    pub(crate) fn activity_point(&self, activity: u32, attempt: u32, site: Site) -> Point {
        let name = &self.activities[activity as usize];
        let workflow = &self.workflows[name.workflow as usize];
        Point {
            workflow_id: (name.workflow != 0).then(|| workflow.workflow_id.clone()),
            run: None,
            name: name.activity_type.clone(),
            execution: name.execution,
            attempt: Some(attempt),
            site,
        }
    }

    /// The coordinate of a site of a workflow, by its index.
    pub(crate) fn workflow_point(&self, workflow: u32, site: Site) -> Point {
        let name = &self.workflows[workflow as usize];
        Point {
            workflow_id: None,
            run: None,
            name: name.workflow_type.clone(),
            execution: name.execution,
            attempt: None,
            site,
        }
    }
}

/// Recording.
impl Trace {
    pub(crate) fn set_dialect(&mut self, dialect: Dialect) {
        self.dialect = dialect;
    }

    #[inline]
    pub(crate) fn push(&mut self, at: Time, who: Who, what: What) {
        self.events.push(Event { at, who, what });
    }

    #[inline]
    pub(crate) fn store(&mut self, bytes: &[u8]) -> Bytes {
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(bytes);
        Bytes { start, len: bytes.len() as u32 }
    }

    pub(crate) fn store_failure(&mut self, failure: &Failure) -> u32 {
        self.failures.push(failure.clone());
        self.failures.len() as u32 - 1
    }

    /// A failure's text, as bytes.
    pub(crate) fn store_failure_text(&mut self, failure: &Failure) -> Bytes {
        let start = self.bytes.len() as u32;
        failure.say(|piece| self.bytes.extend_from_slice(piece.as_bytes()));
        Bytes { start, len: self.bytes.len() as u32 - start }
    }

    pub(crate) fn store_signal(&mut self, name: Arc<str>, input: &[u8]) -> u32 {
        let bytes = self.store(input);
        self.signals.push(NamedBytes { name, bytes });
        self.signals.len() as u32 - 1
    }

    pub(crate) fn store_marker(&mut self, marker: Marker) -> u32 {
        self.markers.push(marker);
        self.markers.len() as u32 - 1
    }

    pub(crate) fn store_answer(&mut self, name: Arc<str>, bytes: Bytes) -> u32 {
        self.answers.push(NamedBytes { name, bytes });
        self.answers.len() as u32 - 1
    }

    pub(crate) fn name_workflow(&mut self, name: WorkflowName) -> u32 {
        self.workflows.push(name);
        self.workflows.len() as u32 - 1
    }

    pub(crate) fn name_activity(&mut self, name: ActivityName) -> u32 {
        self.activities.push(name);
        self.activities.len() as u32 - 1
    }

    pub(crate) fn name_attempt(&mut self, name: AttemptName) -> u32 {
        self.attempts.push(name);
        self.attempts.len() as u32 - 1
    }

    pub(crate) fn name_fault(&mut self, point: Point, fault: Fault) -> u32 {
        self.faults.push((point, fault));
        self.faults.len() as u32 - 1
    }

    /// Empties the trace and keeps its memory.
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.dialect = Dialect::default();
        self.events.clear();
        self.bytes.clear();
        self.failures.clear();
        self.workflows.clear();
        self.activities.clear();
        self.attempts.clear();
        self.faults.clear();
        self.signals.clear();
        self.markers.clear();
        self.answers.clear();
    }
}
