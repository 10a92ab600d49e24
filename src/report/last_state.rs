//! [`last_state`]: how it stood in the end with whatever a violation is about.

use super::event_text::EventText;
use crate::trace::{AttemptKey, Event, Trace, What, Who};

/// How much of a result or an error is shown.
const WIDTH: usize = 60;

/// The last thing that the attempt did which these events are about, or the workflow; without either, the workflow that closed
/// last.
pub(crate) fn last_state(trace: &Trace, proof: &[usize]) -> Option<String> {
    let events = trace.events();
    let about = proof.iter().rev().filter_map(|index| events.get(*index));
    let mut attempts = about.clone().filter_map(|event| match event.who {
        Who::Attempt(attempt) => Some(attempt),
        Who::Activity(activity) => {
            trace.attempts().keys().rfind(|attempt| trace.attempts()[*attempt].activity == activity)
        }
        _ => None,
    });
    if let Some(attempt) = attempts.next() {
        return of_attempt(trace, attempt);
    }
    let is_workflow = |event: &&Event| matches!(event.who, Who::Workflow(_));
    let closes = |event: &&Event| event.what.closes_workflow();
    let workflow = about.clone().find(is_workflow).or_else(|| events.iter().rfind(closes))?.who;
    let event = events.iter().rfind(|event| event.who == workflow && !is_fault(event))?;
    let text = EventText::of(trace, event, WIDTH).to_string();
    let text = text.strip_prefix("workflow ").unwrap_or(&text);
    Some(format!("{}: {} {text}", event.at, trace.coordinate(workflow)))
}

fn of_attempt(trace: &Trace, attempt: AttemptKey) -> Option<String> {
    let own = || trace.events().iter().filter(|event| event.who == Who::Attempt(attempt) && !is_fault(event));
    // Later events are the worker's and the service's doing.
    let ends = own().find(|event| matches!(event.what, What::Ended { .. } | What::Died | What::Aborted));
    let event = ends.or_else(|| own().next_back())?;
    let more = match event.what {
        What::Awaited(_) => ", and never goes on",
        _ if own().any(|event| event.what == What::ReportDropped) => ", and nobody waits for it any more",
        _ => "",
    };
    let text = EventText::of(trace, event, WIDTH);
    // Most texts begin with what the attempt does.
    let colon = match event.what {
        What::HeartbeatRecorded(_) | What::HeartbeatSent(_) | What::HeartbeatVisible(_) => ":",
        What::Effect { .. } | What::CancelDelivered(_) | What::WorkerStopping | What::Refused | What::Zombie => ":",
        _ => "",
    };
    Some(format!("{}: {}{colon} {text}{more}", event.at, trace.attempt_in_a_sentence(attempt)))
}

fn is_fault(event: &Event) -> bool {
    matches!(event.what, What::Fault(_))
}
