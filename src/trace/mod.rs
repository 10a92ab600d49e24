//! The events of a run, in order, in virtual time.
//!
//! Events are small `Copy` values; names, bytes and failures stand in tables beside them, so that recording formats
//! nothing. Text is made by [`crate::report`], of a finished run only. [`attempts`] reads a trace and puts together the
//! events of each workflow, activity, attempt and worker.

pub mod attempts;
mod bytes;
mod event;
mod keys;
mod names;
pub(crate) mod record;
pub(crate) mod sites;

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

pub use bytes::Bytes;
pub use event::{Ended, Event, What, Who};
pub use keys::{AnswerKey, AttemptKey, FailureKey, FaultKey, MarkerKey, SignalKey, WorkerKey};

use bytes::Store;

use crate::fault::{Fault, Point, Site};
use crate::program::{ActivityId, Failure, Marker, Table, Time};
use crate::service::{ActivityKey, Dialect, UpdateKey, WorkflowKey};

/// The version of the trace's meaning: a seed or plan may lead to another trace in another version.
/// [`fault::VERSION`](crate::fault::VERSION) is the version of a plan's text.
pub const TRACE_VERSION: u32 = 2;

/// An activity of the run, as the trace names it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ActivityName {
    /// Its workflow run, by the key in [`Trace::workflows`].
    pub workflow: WorkflowKey,
    /// The registered name.
    pub activity_type: Arc<str>,
    /// The id by which the workflow knows it.
    pub activity_id: ActivityId,
    /// The number of this activity among those of this type in its workflow, from 1.
    pub execution: u32,
    /// Says whether it is a local activity, which its worker runs within a workflow task.
    pub is_local: bool,
}

/// A signal or a query's answer: its name, and the bytes that came with it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct NamedBytes {
    /// The name of the signal or query.
    pub name: Arc<str>,
    /// The encoded input of a signal; the encoded answer to a query, or the text of its failure.
    pub bytes: Bytes,
}

/// A workflow run, as the trace names it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct WorkflowName {
    /// The id of the workflow, chosen by the caller that started it.
    pub workflow_id: Arc<str>,
    /// The registered name.
    pub workflow_type: Arc<str>,
    /// The number of this workflow among those of its type, from 1. Runs that follow each other have the same.
    pub execution: u32,
    /// The number of this run among those of its workflow id, from 1.
    pub run: u32,
    /// Says that there is no workflow: the run stands for an activity that was started without one. Id and name are those of
    /// the activity then.
    pub is_activity: bool,
}

/// An update of a workflow, as the trace names it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct UpdateName {
    /// The id, chosen by the caller or for it.
    pub id: Arc<str>,
    /// The name of its handler.
    pub name: Arc<str>,
    /// Its encoded input.
    pub input: Bytes,
}

/// An attempt of the run, as the trace names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct AttemptName {
    /// Its activity, by the key in [`Trace::activities`].
    pub activity: ActivityKey,
    /// The number of the attempt, from 1.
    pub number: u32,
    /// The worker that took it.
    pub worker: WorkerKey,
}

/// The events of one run, with the tables to which they refer. Two traces are equal if their runs went the same way, to
/// the last byte.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Trace {
    dialect: Dialect,
    events: Vec<Event>,
    bytes: Store,
    failures: Table<FailureKey, Failure>,
    workflows: Table<WorkflowKey, WorkflowName>,
    activities: Table<ActivityKey, ActivityName>,
    attempts: Table<AttemptKey, AttemptName>,
    faults: Table<FaultKey, (Point, Fault)>,
    /// The points of the faults that struck.
    struck: BTreeSet<Point>,
    signals: Table<SignalKey, NamedBytes>,
    updates: Table<UpdateKey, UpdateName>,
    markers: Table<MarkerKey, Marker>,
    answers: Table<AnswerKey, NamedBytes>,
}

impl Trace {
    /// The dialect whose rules the service followed.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Everything that happened, in order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The stored bytes: details, inputs, results, effect keys, panic messages.
    pub fn bytes(&self, bytes: Bytes) -> &[u8] {
        self.bytes.get(bytes)
    }

    /// A stored failure.
    pub fn failure(&self, failure: FailureKey) -> &Failure {
        &self.failures[failure]
    }

    /// The workflow runs, by the key in [`Who::Workflow`].
    pub fn workflows(&self) -> &Table<WorkflowKey, WorkflowName> {
        &self.workflows
    }

    /// The activities, by the key in [`Who::Activity`], in the order in which they were scheduled.
    pub fn activities(&self) -> &Table<ActivityKey, ActivityName> {
        &self.activities
    }

    /// The registered name of an activity.
    pub fn activity_type(&self, activity: ActivityKey) -> &str {
        &self.activities[activity].activity_type
    }

    /// The attempts, by the key in [`Who::Attempt`], in the order in which workers took them.
    pub fn attempts(&self) -> &Table<AttemptKey, AttemptName> {
        &self.attempts
    }

    /// The faults that struck, by the key in [`What::Fault`].
    pub fn faults(&self) -> &Table<FaultKey, (Point, Fault)> {
        &self.faults
    }

    /// The signals that arrived, by the key in [`What::SignalReceived`].
    pub fn signals(&self) -> &Table<SignalKey, NamedBytes> {
        &self.signals
    }

    /// The updates that have reached the service, by the key in [`What::UpdateAdmitted`].
    pub fn updates(&self) -> &Table<UpdateKey, UpdateName> {
        &self.updates
    }

    /// The markers that were written, by the key in [`What::MarkerRecorded`].
    pub fn markers(&self) -> &Table<MarkerKey, Marker> {
        &self.markers
    }

    /// The answers to queries, by the key in [`What::QueryAnswered`].
    pub fn answers(&self) -> &Table<AnswerKey, NamedBytes> {
        &self.answers
    }
}

/// Comparisons of traces.
impl Trace {
    /// A number for all events and the bytes to which they refer: another number means that something else happened.
    /// Only builds by one version of Rust have the same number.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.events, &self.bytes).hash(&mut hasher);
        hasher.finish()
    }

    /// Says whether the same happened in both runs, to the last byte, but for the faults themselves.
    pub(crate) fn is_same_but_for_faults(&self, other: &Trace) -> bool {
        let but_faults = |event: &&Event| !matches!(event.what, What::Fault(_) | What::LetGo { .. });
        let least = |trace: &Trace| trace.events.len() - trace.faults.len();
        // Each fault has one more event, or two.
        least(self) <= other.events.len()
            && least(other) <= self.events.len()
            && self.events.iter().filter(but_faults).eq(other.events.iter().filter(but_faults))
            && self.bytes == other.bytes
            && self.failures == other.failures
    }
}

/// The coordinates that plans name.
impl Trace {
    /// Says whether this is a run of the workflow that was started first, whose id goes without saying.
    pub(crate) fn is_first(&self, workflow: WorkflowKey) -> bool {
        workflow == WorkflowKey::FIRST
            || self.workflows[workflow].workflow_id == self.workflows[WorkflowKey::FIRST].workflow_id
    }

    /// The coordinate of a site of an activity's attempt, by the activity's key.
    pub(crate) fn activity_point(&self, activity: ActivityKey, attempt: u32, site: Site) -> Point {
        let name = &self.activities[activity];
        let workflow = &self.workflows[name.workflow];
        Point {
            workflow_id: (!self.is_first(name.workflow)).then(|| workflow.workflow_id.clone()),
            run: (workflow.run > 1).then_some(workflow.run),
            name: name.activity_type.clone(),
            execution: name.execution,
            attempt: Some(attempt),
            site,
        }
    }

    /// The coordinate of a site of a workflow, by its key.
    pub(crate) fn workflow_point(&self, workflow: WorkflowKey, site: Site) -> Point {
        let name = &self.workflows[workflow];
        Point {
            workflow_id: None,
            run: (name.run > 1).then_some(name.run),
            name: name.workflow_type.clone(),
            execution: name.execution,
            attempt: None,
            site,
        }
    }
}

/// The recording of a run.
impl Trace {
    pub(crate) fn set_dialect(&mut self, dialect: Dialect) {
        self.dialect = dialect;
    }

    pub(crate) fn push(&mut self, at: Time, who: Who, what: What) {
        self.events.push(Event { at, who, what });
    }

    pub(crate) fn store(&mut self, bytes: &[u8]) -> Bytes {
        self.bytes.add(|store| store.extend_from_slice(bytes))
    }

    pub(crate) fn store_failure(&mut self, failure: &Failure) -> FailureKey {
        self.failures.push(failure.clone())
    }

    /// Stores a failure's text as bytes.
    pub(crate) fn store_failure_text(&mut self, failure: &Failure) -> Bytes {
        self.bytes.add(|store| failure.say(|piece| store.extend_from_slice(piece.as_bytes())))
    }

    pub(crate) fn store_signal(&mut self, name: Arc<str>, input: &[u8]) -> SignalKey {
        let bytes = self.store(input);
        self.signals.push(NamedBytes { name, bytes })
    }

    pub(crate) fn name_update(&mut self, id: Arc<str>, name: Arc<str>, input: &[u8]) -> UpdateKey {
        let input = self.store(input);
        self.updates.push(UpdateName { id, name, input })
    }

    pub(crate) fn store_marker(&mut self, marker: Marker) -> MarkerKey {
        self.markers.push(marker)
    }

    pub(crate) fn store_answer(&mut self, name: Arc<str>, bytes: Bytes) -> AnswerKey {
        self.answers.push(NamedBytes { name, bytes })
    }

    pub(crate) fn name_workflow(&mut self, name: WorkflowName) -> WorkflowKey {
        self.workflows.push(name)
    }

    pub(crate) fn name_activity(&mut self, name: ActivityName) -> ActivityKey {
        self.activities.push(name)
    }

    pub(crate) fn name_attempt(&mut self, name: AttemptName) -> AttemptKey {
        self.attempts.push(name)
    }

    /// Takes a fault that strikes. Gives `None` if a fault has struck at this point already: some points are passed
    /// more than once, such as the dispatch of a task that finds no worker, and a plan has one entry for each.
    pub(crate) fn name_fault(&mut self, point: Point, fault: Fault) -> Option<FaultKey> {
        self.struck.insert(point.clone()).then(|| self.faults.push((point, fault)))
    }

    /// Empties the trace and keeps its memory.
    pub(crate) fn clear(&mut self) {
        self.dialect = Dialect::default();
        self.events.clear();
        self.bytes.clear();
        self.failures.clear();
        self.workflows.clear();
        self.activities.clear();
        self.attempts.clear();
        self.faults.clear();
        self.struck.clear();
        self.signals.clear();
        self.updates.clear();
        self.markers.clear();
        self.answers.clear();
    }
}
