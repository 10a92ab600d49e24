//! Plays a scenario and says what was observed, in the words of the recordings.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Waker};

use durasim::Time;
use serde_json::{Value, json};

use super::agent::Agent;
use super::hosted::ID;
use super::world::{AttemptLog, Happening, World};
use super::{external, step};
use crate::pace::Pace;
use crate::recording::attempt_steps;
use crate::recording::gap::Gap;
use crate::recording::history::{self, at};
use crate::recording::standalone;
use crate::recording::wire::{listed, span};

/// The driver gives up waiting for the workflow to close after this, unless the scenario says otherwise.
const LIMIT: Time = Time::from_millis(15_000);
/// Attempts that the workflow has left behind are watched until then, unless the scenario says for how long.
const AFTERMATH: Time = Time::from_millis(60_000);

type Running<'a> = Option<Pin<Box<dyn Future<Output = ()> + 'a>>>;

pub fn play(definition: &Value, pace: Pace<&Value>) -> (Value, Vec<Gap>) {
    let world = match World::new(definition, pace) {
        Ok(world) => Rc::new(RefCell::new(world)),
        Err(refused) => {
            let error = json!({ "code": refused.code.to_string(), "message": &*refused.message });
            return (
                json!({
                    "workflow": {}, "activities": {}, "history": {}, "start_error": error, "client_calls": [], "snapshots": [],
                }),
                Vec::new(),
            );
        }
    };
    external::schedule(&mut world.borrow_mut());
    let limit = definition["limit_ms"].as_f64().map_or(LIMIT, |_| Time::ZERO.plus(span(&definition["limit_ms"])));
    let mut agents: Vec<Running<'_>> = Vec::new();
    let mut closed_at = None;
    let mut has_given_up = false;
    loop {
        if !world.borrow().service.workflow(world.borrow().newest()).is_open() {
            closed_at.get_or_insert(world.borrow().now);
        }
        let until = match closed_at {
            // The driver takes some time to look after it has given up.
            _ if has_given_up => world.borrow().pace.last_look().map_or(limit, |last| last.max(limit)),
            Some(closed_at) => external::aftermath(&world.borrow(), closed_at).unwrap_or(AFTERMATH),
            None => limit,
        };
        let next = world.borrow_mut().next(until);
        let Some(happening) = next else {
            if closed_at.is_none() && !std::mem::replace(&mut has_given_up, true) {
                continue;
            }
            break;
        };
        let mut wakes = None;
        match happening {
            Happening::Timer(timer) => world.borrow_mut().fire(timer),
            Happening::HandOutTask { workflow, stamp } => world.borrow_mut().hand_out_task(workflow, stamp),
            Happening::Deliver(message) => world.borrow_mut().deliver(message),
            Happening::AnswerTask { task, answer } => world.borrow_mut().answer_task(task, answer),
            Happening::External { place } => external::act(&mut world.borrow_mut(), place),
            Happening::Wake { agent } => wakes = Some(agent),
            Happening::HandOutActivity { activity, attempt } => {
                wakes = world.borrow_mut().hand_out_activity(activity, attempt);
                if let Some(attempt) = wakes {
                    let steps = {
                        let log = &world.borrow().attempts[attempt];
                        attempt_steps(&definition["activities"], &log.reference, log.number)
                    };
                    let agent = Agent { world: world.clone(), attempt };
                    agents.push(Some(Box::pin(step::run(agent, steps))));
                }
            }
        }
        if let Some(agent) = wakes {
            advance(&mut agents[agent]);
        }
    }
    // The things that they are waiting for lie behind the end.
    drop(agents);
    let mut world = world.borrow_mut();
    external::note_ends_of_updates(&mut world);
    let now = world.pace.last_look().unwrap_or(world.now);
    world.look("final", now);
    let mut observed = observed(&world);
    if has_given_up {
        observed["workflow"] = json!({ "closed": false, "runs": observed["workflow"]["runs"] });
    }
    (observed, std::mem::take(&mut world.gaps))
}

fn advance(agent: &mut Running<'_>) {
    let Some(running) = agent else { return };
    if running.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
        *agent = None;
    }
}

fn observed(world: &World<'_>) -> Value {
    let mut observed = if world.service.workflow(world.workflow).is_standalone_activity() {
        standalone::observed(&world.service, world.workflow)
    } else {
        history::observed(&world.service, world.workflow)
    };
    // Workers receive attempts of children too, of whose activities no more is recorded.
    let activities = &mut observed["activities"];
    for log in &world.attempts {
        activities[&log.reference]["attempts"] = Value::Null;
    }
    for (reference, activity) in activities.as_object_mut().into_iter().flatten() {
        let attempts = world.attempts.iter().filter(|attempt| attempt.reference == *reference);
        activity["attempts"] = attempts.map(attempt).collect();
    }
    history::add_children(&mut observed, &world.service, world.definition, ID);
    observed["client_calls"] = json!(world.client_calls);
    observed["snapshots"] = json!(world.snapshots);
    if !world.definition["raw_tasks"].is_null() {
        observed["workflow_tasks"] = json!(world.by_hand.log);
        for event in observed["history"]["run-1"].as_array_mut().into_iter().flatten() {
            let timer = event["attrs"]["timer_id"].as_str().and_then(|timer| timer.parse().ok());
            if let Some(timer) = timer {
                event["attrs"]["timer_id"] = json!(world.by_hand.timer_id(timer));
            }
        }
    }
    let trace = world.hosted.get(&world.newest()).map(|hosted| hosted.worker.kept().trace.clone());
    observed["workflow_trace"] = json!(trace.unwrap_or_default());
    observed
}

fn attempt(log: &AttemptLog) -> Value {
    let mut task = history::timeouts(&log.task.info.timeouts);
    task.as_object_mut().expect("timeouts").remove("schedule_to_start_timeout_ms");
    task["retry_policy"] = history::policy(&log.task.info.retry);
    json!({
        "attempt": log.number,
        "started_at_ms": at(log.started_at),
        "heartbeat_details": listed(&log.task.heartbeat_details),
        "task": task,
        "calls": log.calls,
        "ended": log.ended.as_deref().unwrap_or("no reply"),
    })
}
