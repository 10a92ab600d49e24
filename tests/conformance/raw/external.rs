//! The events from outside: clients, operators, pollers.

use durasim::Time;
use durasim::internals::ActivityState;
use durasim::program::ActivityId;
use durasim::service::{ActivityKey, Reset, Unpause};
use serde_json::{Value, json};

use super::agent::{by_id, by_id_name};
use super::world::{Happening, World, note_answer};
use crate::recording::gap::{Gap, Stamp};
use crate::recording::snapshot::describe;
use crate::recording::wire::{payload, span};

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

pub fn act(world: &mut World<'_>, place: usize) {
    let event = &world.definition["external"][place];
    let what = event["do"].as_str().expect("what to do");
    let (now, workflow, order) = (world.now, world.workflow, world.next_rank());
    let service = &mut world.service;
    let answer = match what {
        "describe" => {
            let label = event["label"].as_str().unwrap_or("external");
            world.snapshots.push(describe(&world.service, workflow, label));
            return;
        }
        "poll_start" | "poll_stop" => {
            world.set_polling(what == "poll_start");
            return;
        }
        "cancel_workflow" => service.request_cancel(workflow, "".into(), now),
        "signal" => {
            let name = event["name"].as_str().unwrap_or("sig");
            service.signal(workflow, name.into(), payload(&event["value"]), now)
        }
        "terminate" => service.terminate(workflow, "golden".into(), now),
        "by_id" => by_id(service, workflow, event, now, order),
        "pause" | "unpause" | "reset" => {
            if let Some(activity) = target(world, event) {
                operate(world, what, event, activity);
            }
            Ok(())
        }
        other => panic!("unknown act from outside: {other}"),
    };
    let name = if what == "by_id" { by_id_name(event) } else { what };
    let mut call = json!({ "call": name });
    note_answer(&mut call, answer.as_ref().err());
    world.client_calls.push(call);
    world.drain();
}

fn target(world: &World<'_>, event: &Value) -> Option<ActivityKey> {
    let id = ActivityId::Named(event["activity_id"].as_str()?.into());
    let activities = world.service.workflow(world.workflow).activities().iter().map(|(_, activity)| *activity);
    activities.rev().find(|activity| *world.service.activity(*activity).id() == id)
}

fn operate(world: &mut World<'_>, what: &str, event: &Value, activity: ActivityKey) {
    let asks = |field: &str| event[field] == true;
    match what {
        "pause" => world.service.pause(activity),
        "unpause" => {
            let how = Unpause { reset_attempts: asks("reset_attempts"), reset_heartbeat: asks("reset_heartbeat") };
            world.service.unpause(activity, how, world.now);
        }
        _ => {
            let how = Reset { reset_heartbeat: asks("reset_heartbeat"), keep_paused: asks("keep_paused") };
            world.service.reset(activity, how, world.now);
        }
    }
    // Whatever the next attempt's time was, the operator has moved it, or may have.
    let next = Stamp::AttemptScheduled { activity: world.reference(activity), attempt: world.attempts_of(activity) };
    let record = world.service.activity(activity);
    if *record.state() == ActivityState::Scheduled && record.attempt_scheduled_at() == world.now {
        world.gaps.retain(|gap| gap.to != next);
        world.gaps.push(Gap { from: Stamp::ClientCall { call: world.client_calls.len() }, to: next, nominal: 0.0 });
    }
}
