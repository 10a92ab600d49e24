//! The drive of a simulation: it is driven as the recordings' driver drove a server, and its observations are told.

use std::time::Duration;

use durasim::service::{Reset, Unpause};
use durasim::{Client, ClientError, Run, RunError, Simulation, Time, WorkerOptions, WorkflowHandle};
use serde_json::{Value, json};

use super::activity::ScriptActivity;
use super::log::{AttemptLog, Log};
use crate::pace::Pace;
use crate::recording::gap::{Gap, Stamp};
use crate::recording::history::{self, at};
use crate::recording::snapshot::describe;
use crate::recording::wire::span;
use crate::script::{ScriptProgram, TASK_QUEUE};

/// The workers of the simulation: the first runs the workflow.
const ACTIVITY_WORKER: usize = 2;
/// A time longer than any scenario: a worker comes up again when the scenario says so.
const NEVER: Duration = Duration::from_secs(24 * 3600);
/// The driver gives up waiting for the workflow to close after this, unless the scenario says otherwise.
const LIMIT: Duration = Duration::from_secs(15);

pub fn play(definition: &Value, pace: Pace<Value>) -> Result<(Value, Vec<Gap>), String> {
    let (observed, gaps, _) = simulate(definition, pace).map_err(|error| error.to_string())?;
    Ok((observed, gaps))
}

/// Does the same, and gives the run too.
pub fn simulate(definition: &Value, pace: Pace<Value>) -> Result<(Value, Vec<Gap>, Run), RunError> {
    let log = Log::default();
    let sdk = &definition["sdk"];
    let length = |value: &Value| span(value).to_duration();
    let simulation = Simulation::temporal()
        .workflow_program(ScriptProgram { script: definition["workflow"]["script"].clone() })
        .activity_program(ScriptActivity {
            activities: definition["activities"].clone(),
            log: log.clone(),
            pace: pace.clone(),
        })
        .worker(WorkerOptions::default())
        .worker(WorkerOptions { task_queue: TASK_QUEUE.to_owned(), ..WorkerOptions::default() })
        .graceful_shutdown_period(length(&sdk["graceful_ms"]))
        .restart_delay(NEVER)
        .heartbeat_throttle(Duration::ZERO, length(&sdk["max_heartbeat_throttle_interval_ms"]));
    let driver = |client: Client| drive(client, definition, &pace, &log);
    let (mut observed, run) = simulation.drive(driver)?;
    let notes = log.notes();
    if let Some(activities) = observed["activities"].as_object_mut() {
        for (reference, activity) in activities {
            let attempts = notes.attempts.iter().filter(|attempt| attempt.reference == *reference);
            activity["attempts"] = attempts.map(attempt).collect();
        }
    }
    let gaps = gaps(&observed, &notes.attempts);
    Ok((observed, gaps, run))
}

async fn drive(client: Client, definition: &Value, pace: &Pace<Value>, log: &Log) -> Value {
    let workflow = client.start::<Value>("Script", "workflow", &Value::Null).await.expect("a registered workflow");
    let mut calls = vec![json!({ "call": "sdk worker started" })];
    let mut snapshots = Vec::new();
    let mut is_up = true;
    let mut events = definition["external"].as_array().cloned().unwrap_or_default();
    events.sort_by_key(|event| span(&event["at"]));
    for event in &events {
        let what = event["do"].as_str().expect("what to do");
        let recorded = if what == "describe" { None } else { pace.client_call(calls.len()) };
        durasim::time::sleep_until(recorded.unwrap_or(Time::ZERO.plus(span(&event["at"])))).await;
        match what {
            "describe" => {
                let label = event["label"].as_str().unwrap_or("external");
                snapshots.push(workflow.inspect(|service, key| describe(service, key, label)));
            }
            "sdk_stop" => {
                client.stop_worker(ACTIVITY_WORKER);
                calls.push(json!({ "call": "sdk worker shutdown" }));
                is_up = false;
            }
            "sdk_start" => {
                client.start_worker(ACTIVITY_WORKER);
                calls.push(json!({ "call": "sdk worker started" }));
                is_up = true;
            }
            _ => calls.push(call(&workflow, event, what).await),
        }
    }
    let limit = definition["limit_ms"].as_f64().map_or(LIMIT, |_| span(&definition["limit_ms"]).to_duration());
    let left = Time::ZERO + limit - client.now();
    let _ = durasim::time::timeout(left, workflow.result()).await;
    client.sleep(span(&definition["after_ms"]).to_duration()).await;
    snapshots.push(workflow.inspect(|service, key| describe(service, key, "final")));
    log.notes().is_over = true;
    if is_up {
        client.stop_worker(ACTIVITY_WORKER);
        calls.push(json!({ "call": "sdk worker shutdown" }));
    }
    let mut observed = workflow.inspect(history::observed);
    observed["client_calls"] = json!(calls);
    observed["snapshots"] = json!(snapshots);
    observed
}

async fn call(workflow: &WorkflowHandle<Value>, event: &Value, what: &str) -> Value {
    let asks = |field: &str| event[field] == true;
    let activity = event["activity_id"].as_str().unwrap_or_default();
    let answer = match what {
        "cancel_workflow" => workflow.cancel().await,
        "signal" => workflow.signal(event["name"].as_str().unwrap_or("sig"), &event["value"]).await,
        "terminate" => workflow.terminate("golden").await,
        "by_id" => workflow.complete_activity(activity, event.get("value").unwrap_or(&json!("by-id"))).await,
        "pause" => workflow.pause_activity(activity).await,
        "unpause" => {
            let how = Unpause { reset_attempts: asks("reset_attempts"), reset_heartbeat: asks("reset_heartbeat") };
            workflow.unpause_activity(activity, how).await
        }
        "reset" => {
            let how = Reset { reset_heartbeat: asks("reset_heartbeat"), keep_paused: asks("keep_paused") };
            workflow.reset_activity(activity, how).await
        }
        other => panic!("unknown act from outside: {other}"),
    };
    let name = if what == "by_id" { "RespondActivityTaskCompletedById" } else { what };
    match answer {
        Ok(()) => json!({ "call": name, "ok": true }),
        Err(ClientError::Refused(refused)) => {
            let (code, message) = refused.split_once(": ").unwrap_or((&refused, ""));
            json!({ "call": name, "ok": false, "error": { "code": code, "message": message } })
        }
        Err(other) => panic!("{name}: {other}"),
    }
}

fn attempt(log: &AttemptLog) -> Value {
    let ended = log.ended.as_ref().map_or("no reply", |ended| &ended.label);
    json!({ "attempt": log.number, "heartbeat_details": log.details, "calls": log.calls, "ended": ended })
}

/// The times that the service or the worker sets: from the end of an attempt to the next one, from a start to a timeout,
/// and timers.
fn gaps(observed: &Value, attempts: &[AttemptLog]) -> Vec<Gap> {
    let mut gaps = Vec::new();
    for log in attempts {
        let next = attempts.iter().find(|next| next.reference == log.reference && next.place == log.place + 1);
        let activity = || log.reference.clone();
        if let (Some(ended), Some(next)) = (&log.ended, next)
            && ended.has_failed
        {
            gaps.push(Gap {
                from: Stamp::Ended { activity: activity(), attempt: log.place },
                to: Stamp::Started { activity: activity(), attempt: next.place },
                nominal: at(next.started_at) - at(ended.at),
            });
        }
        let outcome = &observed["activities"][&log.reference]["outcome"];
        if next.is_none() && outcome["event"] == "ACTIVITY_TASK_TIMED_OUT" {
            gaps.push(Gap {
                from: Stamp::StartedEvent,
                to: Stamp::Closed { activity: activity() },
                nominal: outcome["t_ms"].as_f64().unwrap_or(0.0) - at(log.started_at),
            });
        }
    }
    gaps
}
