//! The types of events, and which of them can be replayed.

/// The meaning of a type of events for a replay.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Meaning {
    /// It is simulated.
    Known,
    /// It says nothing to the workflow's code, and nothing of its commands.
    Silent,
    /// It belongs to this feature, in words with their verb.
    NotSimulated(&'static str),
}

use Meaning::{Known, NotSimulated, Silent};

/// The types of events of Temporal's API, without their prefix `EVENT_TYPE_`.
///
/// Source: `temporal/api/enums/v1/event_type.proto`.
const TYPES: &[(&str, Meaning)] = &[
    ("WORKFLOW_EXECUTION_STARTED", Known),
    ("WORKFLOW_EXECUTION_COMPLETED", Known),
    ("WORKFLOW_EXECUTION_FAILED", Known),
    ("WORKFLOW_EXECUTION_TIMED_OUT", Known),
    ("WORKFLOW_EXECUTION_CANCELED", Known),
    ("WORKFLOW_EXECUTION_TERMINATED", Known),
    ("WORKFLOW_EXECUTION_CONTINUED_AS_NEW", Known),
    ("WORKFLOW_EXECUTION_SIGNALED", Known),
    ("WORKFLOW_EXECUTION_CANCEL_REQUESTED", Known),
    ("WORKFLOW_TASK_SCHEDULED", Known),
    ("WORKFLOW_TASK_STARTED", Known),
    ("WORKFLOW_TASK_COMPLETED", Known),
    ("WORKFLOW_TASK_TIMED_OUT", Known),
    ("WORKFLOW_TASK_FAILED", Known),
    ("ACTIVITY_TASK_SCHEDULED", Known),
    ("ACTIVITY_TASK_STARTED", Known),
    ("ACTIVITY_TASK_COMPLETED", Known),
    ("ACTIVITY_TASK_FAILED", Known),
    ("ACTIVITY_TASK_TIMED_OUT", Known),
    ("ACTIVITY_TASK_CANCEL_REQUESTED", Known),
    ("ACTIVITY_TASK_CANCELED", Known),
    ("TIMER_STARTED", Known),
    ("TIMER_FIRED", Known),
    ("TIMER_CANCELED", Known),
    ("MARKER_RECORDED", Known),
    ("START_CHILD_WORKFLOW_EXECUTION_INITIATED", Known),
    ("START_CHILD_WORKFLOW_EXECUTION_FAILED", Known),
    ("CHILD_WORKFLOW_EXECUTION_STARTED", Known),
    ("CHILD_WORKFLOW_EXECUTION_COMPLETED", Known),
    ("CHILD_WORKFLOW_EXECUTION_FAILED", Known),
    ("CHILD_WORKFLOW_EXECUTION_CANCELED", Known),
    ("CHILD_WORKFLOW_EXECUTION_TIMED_OUT", Known),
    ("CHILD_WORKFLOW_EXECUTION_TERMINATED", Known),
    ("SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED", Known),
    ("SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED", Known),
    ("EXTERNAL_WORKFLOW_EXECUTION_SIGNALED", Known),
    ("REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED", Known),
    ("REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED", Known),
    ("EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED", Known),
    ("UPSERT_WORKFLOW_SEARCH_ATTRIBUTES", Known),
    ("WORKFLOW_PROPERTIES_MODIFIED", Known),
    ("WORKFLOW_PROPERTIES_MODIFIED_EXTERNALLY", Silent),
    ("ACTIVITY_PROPERTIES_MODIFIED_EXTERNALLY", Silent),
    ("WORKFLOW_EXECUTION_OPTIONS_UPDATED", Silent),
    ("WORKFLOW_EXECUTION_PAUSED", Silent),
    ("WORKFLOW_EXECUTION_UNPAUSED", Silent),
    ("WORKFLOW_EXECUTION_UPDATE_ADMITTED", NotSimulated("updates that a reset has brought along are")),
    ("WORKFLOW_EXECUTION_UPDATE_ACCEPTED", Known),
    ("WORKFLOW_EXECUTION_UPDATE_REJECTED", Silent),
    ("WORKFLOW_EXECUTION_UPDATE_COMPLETED", Known),
    ("NEXUS_OPERATION_SCHEDULED", NotSimulated("Nexus is")),
    ("NEXUS_OPERATION_STARTED", NotSimulated("Nexus is")),
    ("NEXUS_OPERATION_COMPLETED", NotSimulated("Nexus is")),
    ("NEXUS_OPERATION_FAILED", NotSimulated("Nexus is")),
    ("NEXUS_OPERATION_CANCELED", NotSimulated("Nexus is")),
    ("NEXUS_OPERATION_TIMED_OUT", NotSimulated("Nexus is")),
    ("NEXUS_OPERATION_CANCEL_REQUESTED", NotSimulated("Nexus is")),
    ("NEXUS_OPERATION_CANCEL_REQUEST_COMPLETED", NotSimulated("Nexus is")),
    ("NEXUS_OPERATION_CANCEL_REQUEST_FAILED", NotSimulated("Nexus is")),
];

/// Finds a type by its name: `EVENT_TYPE_TIMER_STARTED`, or `TimerStarted` as older tools spell it.
pub(super) fn find(name: &str) -> Option<(&'static str, Meaning)> {
    let found = match name.strip_prefix("EVENT_TYPE_") {
        Some(upper) => TYPES.iter().find(|(known, _)| *known == upper),
        None => TYPES.iter().find(|(known, _)| is_camel_of(name, known)),
    };
    found.copied()
}

/// Gives the name of the field that has the attributes: `timerStartedEventAttributes`.
pub(super) fn attributes_of(known: &str) -> String {
    let mut name = String::with_capacity(known.len() + 15);
    for (number, word) in known.split('_').enumerate() {
        let capitals = usize::from(number > 0);
        name.push_str(&word[..capitals]);
        name.push_str(&word[capitals..].to_ascii_lowercase());
    }
    name + "EventAttributes"
}

/// Says whether `TimerStarted` is `TIMER_STARTED`.
fn is_camel_of(camel: &str, upper: &str) -> bool {
    let letters = upper.bytes().filter(|letter| *letter != b'_');
    camel.starts_with(|first: char| first.is_ascii_uppercase())
        && camel.bytes().map(|letter| letter.to_ascii_uppercase()).eq(letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_has_two_spellings_and_one_name_of_its_attributes() {
        for name in ["EVENT_TYPE_TIMER_STARTED", "TimerStarted"] {
            assert_eq!(find(name), Some(("TIMER_STARTED", Known)));
        }
        for name in ["EVENT_TYPE_TIMER", "Timer", "timerStarted", "", "TIMER_STARTED"] {
            assert_eq!(find(name), None, "{name}");
        }
        let updates = NotSimulated("updates that a reset has brought along are");
        assert_eq!(find("WorkflowExecutionUpdateAdmitted"), Some(("WORKFLOW_EXECUTION_UPDATE_ADMITTED", updates)));
        assert_eq!(attributes_of("TIMER_STARTED"), "timerStartedEventAttributes");
        assert_eq!(
            attributes_of("EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED"),
            "externalWorkflowExecutionCancelRequestedEventAttributes"
        );
    }
}
