//! The events from outside: clients, operators, pollers.

use std::sync::Arc;

use durasim::internals::{ActivityState, Refused, StartAnswer, StartWorkflow};
use durasim::program::ActivityId;
use durasim::service::{Reset, Unpause, UpdateOptions, UpdateStage};
use durasim::{Span, Time};
use serde_json::{Value, json};

use super::agent::{by_id, by_id_name};
use super::hosted::{ID, policies, start, start_activity};
use super::world::{Happening, World, note_answer};
use crate::recording::gap::{Gap, Stamp};
use crate::recording::history::{policy, timeouts};
use crate::recording::wire::{named, payload, recorded, shown, span, without_nulls};

/// A time by which a call of the driver was late at most.
const A_CALL: Span = Span::from_secs(2);

/// Puts all of them into the queue.
pub fn schedule(world: &mut World<'_>) {
    let events = world.definition["external"].as_array().cloned().unwrap_or_default();
    let mut places: Vec<usize> = (0..events.len()).collect();
    places.sort_by_key(|place| span(&events[*place]["at"]));
    let mut calls = 0;
    for place in places {
        let nominal = Time::ZERO.plus(span(&events[place]["at"]));
        let is_call = !matches!(events[place]["do"].as_str(), Some("describe" | "poll_start" | "poll_stop"));
        let recorded = if is_call { world.pace.client_call(calls) } else { None };
        calls += usize::from(is_call);
        world.push(recorded.unwrap_or(nominal), Happening::External { place });
    }
}

/// The end of the time for which attempts are watched that the workflow has left behind, if the scenario says it. The driver
/// makes all its calls in any case.
pub fn aftermath(world: &World<'_>, closed_at: Time) -> Option<Time> {
    let settle = &world.definition["settle_ms"];
    settle.is_number().then(|| {
        let events = world.definition["external"].as_array().into_iter().flatten();
        let last = events.map(|event| Time::ZERO.plus(span(&event["at"]))).max().unwrap_or_default();
        closed_at.plus(span(settle)).max(last.plus(A_CALL))
    })
}

pub fn act(world: &mut World<'_>, place: usize) {
    let event = &world.definition["external"][place];
    let what = event["do"].as_str().expect("what to do");
    let workflow = world.addressed(event).unwrap_or_else(|| panic!("a call to a workflow that is not there: {event}"));
    let (now, order) = (world.now, world.next_rank());
    let service = &mut world.service;
    let mut response = Value::Null;
    let answer = match what {
        "describe" => {
            let label = event["label"].as_str().unwrap_or("external");
            world.look(label, now);
            return;
        }
        "poll_start" | "poll_stop" => {
            world.set_polling(what == "poll_start");
            return;
        }
        "cancel_activity" => service.request_cancel(workflow, reason(event), now),
        "terminate_activity" => service.terminate(workflow, reason(event), now),
        "cancel_workflow" => service.request_cancel(workflow, "".into(), now),
        "signal" => {
            let name = event["name"].as_str().unwrap_or("sig");
            service.signal(workflow, name.into(), payload(&event["value"]), now)
        }
        "update" => {
            // Its caller waits for the end.
            let id = format!("{}-update-{place}", ID);
            let sent = service.update(workflow, id.into(), "upd".into(), payload(&event["value"]), now);
            sent.map(|(update, _)| world.updates.push((world.client_calls.len(), update)))
        }
        "terminate" => service.terminate(workflow, reason(event), now),
        "start_again" => start_again(world, event).map(|answer| response = answer),
        "by_id" => by_id(service, workflow, event, now, order),
        "pause" | "unpause" | "reset" => operate(world, what, event),
        "update_options" => update_options(world, event).map(|answer| response = answer),
        other => panic!("unknown act from outside: {other}"),
    };
    let name = if what == "by_id" { by_id_name(event) } else { what };
    let mut call = json!({ "call": name });
    note_answer(&mut call, answer.as_ref().err());
    if !response.is_null() {
        call["response"] = response;
    }
    world.client_calls.push(call);
    world.client_called_at.push(now);
    world.drain();
}

/// Says what the callers of updates have heard in the end.
pub fn note_ends_of_updates(world: &mut World<'_>) {
    for (call, update) in std::mem::take(&mut world.updates) {
        let update = world.service.update_of(update);
        let call = &mut world.client_calls[call];
        call["arg"] = shown(update.input());
        match update.stage() {
            UpdateStage::Completed(Ok(result)) => call["response"] = shown(result),
            UpdateStage::Completed(Err(failure)) | UpdateStage::Rejected(failure) => {
                let mut cause = recorded(failure);
                cause["details"] = json!([]);
                call["ok"] = json!(false);
                call["error"] =
                    json!({ "type": "WorkflowUpdateFailedError", "message": "Workflow update failed", "cause": cause });
            }
            stage => panic!("an update that has not ended: {stage:?}"),
        }
    }
}

/// The reason that the driver gives for what it does.
fn reason(event: &Value) -> Arc<str> {
    event["reason"].as_str().unwrap_or("golden").into()
}

/// Starts the scenario's workflow, or its activity without one, again, under the same id.
fn start_again(world: &mut World<'_>, event: &Value) -> Result<Value, Refused> {
    let standalone = &world.definition["standalone"];
    if !standalone.is_null() {
        let answer = world.service.start_activity(start_activity(standalone, event), world.now)?;
        return Ok(json!({ "run_id": named(&world.service.workflow(answer.run()).info().run_id) }));
    }
    let (id_reuse, id_conflict) = policies(event);
    let again = StartWorkflow { id_reuse, id_conflict, ..start(&world.definition["workflow"]) };
    let answer = world.service.start_workflow(again, world.now)?;
    let run_id = named(&world.service.workflow(answer.run()).info().run_id);
    let started = matches!(answer, StartAnswer::New(_)).then_some(true);
    Ok(without_nulls(json!({ "run_id": run_id, "started": started, "status": "WORKFLOW_EXECUTION_STATUS_RUNNING" })))
}

/// Changes an activity's options, and answers with those in force.
fn update_options(world: &mut World<'_>, event: &Value) -> Result<Value, Refused> {
    let id = ActivityId::Named(event["activity_id"].as_str().unwrap_or_default().into());
    let activity = world.service.pending_activity(world.newest(), &id)?;
    world.service.update_options(activity, &options(event), world.now)?;
    let record = world.service.activity(activity);
    let mut options = timeouts(&record.timeouts());
    options["retry_policy"] = policy(record.retry());
    Ok(json!({ "activity_options": options }))
}

/// The options that the mask names, with the values that are given.
fn options(event: &Value) -> UpdateOptions {
    let given = |field: &str| {
        let text = event["options"][field].as_str().unwrap_or("0s");
        let seconds: f64 = text.trim_end_matches('s').parse().expect("a length in seconds");
        Some(Span::from_nanos((seconds * 1e9) as i64))
    };
    let mut options = UpdateOptions::default();
    for field in event["mask"].as_array().into_iter().flatten() {
        match field.as_str() {
            Some("schedule_to_close_timeout") => options.schedule_to_close = given("scheduleToCloseTimeout"),
            Some("schedule_to_start_timeout") => options.schedule_to_start = given("scheduleToStartTimeout"),
            Some("start_to_close_timeout") => options.start_to_close = given("startToCloseTimeout"),
            Some("heartbeat_timeout") => options.heartbeat = given("heartbeatTimeout"),
            _ => panic!("unknown option {field}"),
        }
    }
    options
}

fn operate(world: &mut World<'_>, what: &str, event: &Value) -> Result<(), Refused> {
    let asks = |field: &str| event[field] == true;
    let id = ActivityId::Named(event["activity_id"].as_str().unwrap_or_default().into());
    let activity = world.service.pending_activity(world.newest(), &id)?;
    match what {
        "pause" => world.service.pause(activity)?,
        "unpause" => {
            let how = Unpause { reset_attempts: asks("reset_attempts"), reset_heartbeat: asks("reset_heartbeat") };
            world.service.unpause(activity, how, world.now)?;
        }
        _ => {
            let how = Reset {
                reset_heartbeat: asks("reset_heartbeat"),
                keep_paused: asks("keep_paused"),
                ..Default::default()
            };
            world.service.reset(activity, how, world.now)?;
        }
    }
    // Whatever the next attempt's time was, the operator has moved it, or may have.
    let next = Stamp::AttemptScheduled { activity: world.reference(activity), attempt: world.attempts_of(activity) };
    let record = world.service.activity(activity);
    if *record.state() == ActivityState::Scheduled && record.attempt_scheduled_at() == world.now {
        world.gaps.retain(|gap| gap.to != next);
        world.gaps.push(Gap { from: Stamp::ClientCall { call: world.client_calls.len() }, to: next, nominal: 0.0 });
    }
    Ok(())
}
