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
use crate::recording::gap::Gap;
use crate::recording::history::{self, at};
use crate::recording::snapshot::describe;
use crate::recording::wire::{listed, span};

/// The driver gives up waiting for the workflow to close after this, unless the scenario says otherwise.
const LIMIT: Time = Time::from_millis(15_000);
/// Attempts that the workflow has left behind are watched for so long.
const AFTERMATH: Time = Time::from_millis(60_000);

type Running<'a> = Option<Pin<Box<dyn Future<Output = ()> + 'a>>>;

pub fn play(definition: &Value, pace: Pace<&Value>) -> (Value, Vec<Gap>) {
    let world = Rc::new(RefCell::new(World::new(definition, pace)));
    external::schedule(&mut world.borrow_mut());
    let limit = definition["limit_ms"].as_f64().map_or(LIMIT, |_| Time::ZERO.plus(span(&definition["limit_ms"])));
    let mut agents: Vec<Running<'_>> = Vec::new();
    loop {
        let closed = !world.borrow().service.workflow(world.borrow().newest()).is_open();
        let next = world.borrow_mut().next(if closed { AFTERMATH } else { limit });
        let Some(happening) = next else { break };
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
                    let steps = steps_of(definition, &world.borrow().attempts[attempt]);
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
    let last = describe(&world.service, world.newest(), "final");
    world.snapshots.push(last);
    (observed(&world), std::mem::take(&mut world.gaps))
}

fn advance(agent: &mut Running<'_>) {
    let Some(running) = agent else { return };
    if running.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
        *agent = None;
    }
}

/// The script of an attempt; the last one repeats.
fn steps_of(definition: &Value, log: &AttemptLog) -> Value {
    let scripts = definition["activities"][&log.reference].as_array().map_or(&[][..], Vec::as_slice);
    let place = (log.number as usize - 1).min(scripts.len().saturating_sub(1));
    scripts.get(place).cloned().unwrap_or(Value::Null)
}

fn observed(world: &World<'_>) -> Value {
    let mut observed = history::observed(&world.service, world.workflow);
    // Workers receive attempts of children too, of whose activities no more is recorded.
    let activities = &mut observed["activities"];
    for log in &world.attempts {
        activities[&log.reference]["attempts"] = Value::Null;
    }
    for (reference, activity) in activities.as_object_mut().into_iter().flatten() {
        let attempts = world.attempts.iter().filter(|attempt| attempt.reference == *reference);
        activity["attempts"] = attempts.map(attempt).collect();
    }
    let children = world.definition["children"].as_array().into_iter().flatten().filter_map(Value::as_str);
    for child in children {
        let Some(run) = world.service.newest_run(&format!("{ID}/{child}")) else { continue };
        let events = history::events(&world.service, run);
        let last = events.last().map(|event| event["type"].clone());
        observed["children"][child] = json!({ "history": events, "last_event": last });
    }
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
    let trace = world.hosted.get(&world.newest()).map(|hosted| hosted.worker.trace.borrow().clone());
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
