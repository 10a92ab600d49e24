//! [`Reader`]: reads one event after the other.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::fields::{Event, Fields};
use super::kinds::{self, Meaning};
use super::recorded::Recorded;
use super::{HistoryProblem, markers, runs, times};
use crate::program::{Seq, Span};
use crate::service::{EventKind, HistoryEvent};

/// The events that have been read so far.
pub(super) struct Reader<'p> {
    /// Says whether the payloads of a workflow's code have metadata, by the type of the workflow.
    has_envelopes: &'p dyn Fn(&str) -> bool,
    events: Vec<HistoryEvent>,
    types: Vec<&'static str>,
    pub(super) counts: Counts,
    /// The id of the run in the history, and as the code knows it: they differ in a simulation's own history.
    pub(super) own_run: (String, Arc<str>),
}

/// The numbers of the last command of each sort.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) activities: Seq,
    pub(super) children: Seq,
    pub(super) signals: Seq,
    pub(super) cancels: Seq,
}

/// Gives the next number of a sort.
pub(super) fn next(count: &mut Seq) -> Seq {
    *count += 1;
    *count
}

impl<'p> Reader<'p> {
    /// Begins with nothing.
    pub(super) fn new(has_envelopes: &'p dyn Fn(&str) -> bool) -> Reader<'p> {
        let (events, types, counts) = Default::default();
        Reader { has_envelopes, events, types, counts, own_run: (String::new(), Arc::from("")) }
    }

    /// The number of events.
    pub(super) fn events(&self) -> usize {
        self.events.len()
    }

    /// The history, if it has any event.
    pub(super) fn finish(self) -> Result<Recorded, HistoryProblem> {
        let started = self.events.first().and_then(|first| match &first.kind {
            EventKind::WorkflowExecutionStarted { info, input, .. } => Some((Arc::clone(info), input.clone())),
            _ => None,
        });
        let Some((info, input)) = started else {
            return Err(HistoryProblem::NotAHistory { why: "its list of `events` is empty".to_owned() });
        };
        Ok(Recorded { info, input, events: self.events, types: self.types })
    }

    /// Takes the next event in.
    pub(super) fn take(&mut self, value: &Value) -> Result<(), HistoryProblem> {
        let expected = self.events.len() as u64 + 1;
        let Some(map) = value.as_object() else {
            return Err(HistoryProblem::NotAHistory { why: format!("event {expected} is not an object") });
        };
        let (id, name) = id_and_type(map, expected)?;
        let event_type = name.strip_prefix("EVENT_TYPE_").unwrap_or(&name);
        if id != expected {
            let event_type = event_type.to_owned();
            return Err(match expected {
                1 => HistoryProblem::FirstMissing { id, event_type },
                _ => HistoryProblem::Gap { id, event_type, expected },
            });
        }
        let all = Fields::new(id, event_type, Some(map));
        let at = match all.text("eventTime")? {
            "" => self.events.last().map_or_else(Default::default, |last| last.at),
            text => times::timestamp(text).ok_or_else(|| all.wrong("eventTime", "a moment as RFC 3339 writes it"))?,
        };
        let (known, meaning) = match kinds::find(&name) {
            Some(found) => found,
            // A service newer than this code may say that it is of no concern to workers.
            None if all.flag("workerMayIgnore")? => ("UNKNOWN", Meaning::Silent),
            None => return Err(all.not_simulated("events of this type are")),
        };
        if (id == 1) != (known == "WORKFLOW_EXECUTION_STARTED") {
            return Err(match id {
                1 => HistoryProblem::FirstMissing { id, event_type: event_type.to_owned() },
                _ => all.malformed("a history has one event of this type, its first"),
            });
        }
        let attributes = all.message_or_empty(&kinds::attributes_of(known))?;
        let workflow_type = match self.events.first().map(|first| &first.kind) {
            Some(EventKind::WorkflowExecutionStarted { info, .. }) => &*info.workflow_type,
            _ => attributes.message_or_empty("workflowType")?.text("name")?,
        };
        let attributes = attributes.with_envelopes((self.has_envelopes)(workflow_type));
        let kind = match meaning {
            Meaning::Known => self.kind(Event { known, at, fields: attributes })?,
            Meaning::Silent => silent(),
            Meaning::NotSimulated(what) => return Err(all.not_simulated(what)),
        };
        if let EventKind::WorkflowExecutionStarted { info, .. } = &kind {
            self.own_run = (attributes.text("originalExecutionRunId")?.to_owned(), info.run_id.clone());
        }
        self.events.push(HistoryEvent { id, at, kind });
        self.types.push(known);
        Ok(())
    }

    fn kind(&mut self, event: Event<'_>) -> Result<EventKind, HistoryProblem> {
        if event.known.starts_with("WORKFLOW_TASK_") {
            return self.of_task(event);
        }
        if event.known.starts_with("ACTIVITY_TASK_") || event.known.starts_with("TIMER_") {
            return self.of_activity_or_timer(event);
        }
        match event.known {
            "MARKER_RECORDED" | "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES" | "WORKFLOW_PROPERTIES_MODIFIED" => {
                markers::kind(event)
            }
            known if known.contains("_UPDATE_") => self.of_update(event),
            known if known.contains("CHILD_WORKFLOW") || known.contains("EXTERNAL_WORKFLOW") => self.of_message(event),
            _ => runs::kind(event),
        }
    }

    fn of_task(&self, event: Event<'_>) -> Result<EventKind, HistoryProblem> {
        let fields = event.fields;
        let scheduled_event_id = || self.reference(event, "scheduledEventId", "WORKFLOW_TASK_SCHEDULED");
        Ok(match event.known {
            "WORKFLOW_TASK_STARTED" => EventKind::WorkflowTaskStarted {
                scheduled_event_id: scheduled_event_id()?,
                history_size: fields.number("historySizeBytes")?,
                suggest_continue_as_new: fields.flag("suggestContinueAsNew")?,
            },
            "WORKFLOW_TASK_COMPLETED" => EventKind::WorkflowTaskCompleted {
                scheduled_event_id: scheduled_event_id()?,
                started_event_id: self.reference(event, "startedEventId", "WORKFLOW_TASK_STARTED")?,
            },
            // Nothing follows from the others: a task that failed is tried again.
            _ => silent(),
        })
    }

    /// The id of an earlier event of this type to which a field refers.
    pub(super) fn reference(&self, event: Event<'_>, name: &str, known: &str) -> Result<u64, HistoryProblem> {
        let id = event.fields.number(name)?;
        match (id as usize).checked_sub(1).and_then(|index| self.types.get(index)) {
            Some(found) if *found == known => Ok(id),
            Some(found) => {
                Err(event.fields.malformed(format!("its `{name}` is event {id}, a {found} and not a {known}")))
            }
            None => Err(event.fields.malformed(format!("its `{name}` is {id}, and no event before it has that id"))),
        }
    }

    /// The content of an earlier event, by an id that was [looked at](Reader::reference).
    pub(super) fn at(&self, id: u64) -> &EventKind {
        &self.events[id as usize - 1].kind
    }
}

/// Reads the id and the type of an event, which errors name.
fn id_and_type(map: &Map<String, Value>, expected: u64) -> Result<(u64, String), HistoryProblem> {
    let all = Fields::new(expected, "its type is not known", Some(map));
    let name = all.required("eventType")?.to_owned();
    let id = Fields::new(expected, &name, Some(map)).number("eventId")?;
    Ok((id, name))
}

/// An event from which nothing follows in a replay.
fn silent() -> EventKind {
    EventKind::WorkflowTaskScheduled { attempt: 1, timeout: Span::ZERO }
}
