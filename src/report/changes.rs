//! [`Changes`]: which details an activity had before an event, so that a timeline can show what is new in them.

use std::collections::BTreeMap;

use crate::service::ActivityKey;
use crate::trace::{Bytes, Event, Trace, What, Who};

/// The details of heartbeats, in order, as a timeline is read from its beginning.
#[derive(Clone, Debug)]
pub(super) struct Changes<'a> {
    trace: &'a Trace,
    /// By activity, those that differ from the ones before them.
    recorded: BTreeMap<usize, Vec<Bytes>>,
    /// How many events have been read.
    read: usize,
}

impl<'a> Changes<'a> {
    pub(super) fn of(trace: &'a Trace) -> Changes<'a> {
        Changes { trace, recorded: BTreeMap::new(), read: 0 }
    }

    /// The details before those of the event with this index, which is none that was asked for before. `None` if it has no
    /// details, or they are the first.
    pub(super) fn before(&mut self, index: usize) -> Option<&'a [u8]> {
        let trace = self.trace;
        for event in trace.events().get(self.read..index).unwrap_or_default() {
            self.read(event);
        }
        self.read = self.read.max(index);
        let event = trace.events().get(index)?;
        let recorded = self.recorded.get(&self.activity(event)?.index()).map_or(&[][..], Vec::as_slice);
        let bytes = |details: Bytes| trace.bytes(details);
        let before = match event.what {
            // Against all that the attempt before it has recorded: less of it may have become visible.
            What::AttemptStarted(Some(_)) | What::HeartbeatRecorded(Some(_)) => recorded.last().copied(),
            What::HeartbeatSent(Some(details)) | What::HeartbeatVisible(Some(details)) => {
                let own = recorded.iter().rposition(|other| bytes(*other) == bytes(details))?;
                own.checked_sub(1).map(|before| recorded[before])
            }
            _ => None,
        };
        before.map(bytes)
    }

    fn read(&mut self, event: &Event) {
        let What::HeartbeatRecorded(Some(details)) = event.what else { return };
        let Some(activity) = self.activity(event) else { return };
        let recorded = self.recorded.entry(activity.index()).or_default();
        if recorded.last().is_none_or(|last| self.trace.bytes(*last) != self.trace.bytes(details)) {
            recorded.push(details);
        }
    }

    fn activity(&self, event: &Event) -> Option<ActivityKey> {
        match event.who {
            Who::Attempt(attempt) => Some(self.trace.attempts()[attempt].activity),
            _ => None,
        }
    }
}
